/* SPDX-License-Identifier: MIT
 * The paths of MACE's symmetric contraction in our basis.
 *
 * A path of U is the polynomial sum_a U[m][a1..a_nu] A_a1 .. A_a_nu; only its symmetric part matters. Both
 * sides are written as coefficients of monomials (sorted a). Seen as symmetric tensors they have the inner
 * product sum_q c_q d_q/mult_q, mult_q = number of orderings of monomial q, in which the basis is orthogonal
 * with sum_m |P[m]|^2 = (2L+1)/nu!. */
#include "dump.h"
#include "../../tp/symbasis.h"

#include <math.h>
#include <string.h>

typedef struct monomials { /* all sorted index tuples of length nu below S */
    size_t S, n, tuples;
    int nu;
    int *of;      /* [S^nu] number of the sorted tuple of each tuple */
    double *mult; /* [n] */
} monomials;

static size_t sorted_code(size_t tuple, int nu, size_t S, size_t sorted[RACAHI_SYM_NU_MAX])
{
    for (int t = 0; t < nu; t++, tuple /= S) { /* insertion sort of the digits */
        int k = t;
        for (; k > 0 && sorted[k - 1] > tuple % S; k--) sorted[k] = sorted[k - 1];
        sorted[k] = tuple % S;
    }
    size_t code = 0;
    for (int t = 0; t < nu; t++) code = code * S + sorted[t];
    return code;
}

static bool monomials_make(monomials *q, size_t S, int nu)
{
    memset(q, 0, sizeof *q);
    q->S = S, q->nu = nu, q->tuples = 1;
    for (int t = 0; t < nu; t++) q->tuples *= S;
    q->of = racahi_malloc(q->tuples, sizeof *q->of);
    q->mult = racahi_calloc(q->tuples, sizeof *q->mult);
    if (!q->of || !q->mult) return false;
    size_t sorted[RACAHI_SYM_NU_MAX];
    for (size_t i = 0; i < q->tuples; i++)
        if (sorted_code(i, nu, S, sorted) == i) q->of[i] = (int)q->n++;
    for (size_t i = 0; i < q->tuples; i++) {
        q->of[i] = q->of[sorted_code(i, nu, S, sorted)];
        q->mult[q->of[i]]++;
    }
    return true;
}

/* c [m][n][npath] of U; of the basis [m][n][nbasis]. */
static void collect(const monomials *q, const racahi_array *U, size_t nm, size_t npath, double *c)
{
    for (size_t m = 0; m < nm; m++)
        for (size_t i = 0; i < q->tuples; i++)
            for (size_t p = 0; p < npath; p++)
                c[(m * q->n + (size_t)q->of[i]) * npath + p] += U->x[(m * q->tuples + i) * npath + p];
}

static void collect_basis(const monomials *q, const racahi_symbasis *b, size_t nm, double *c)
{
    for (size_t k = 0; k < b->nmono; k++) {
        size_t code = 0;
        for (int t = 0; t < q->nu; t++) code = code * q->S + b->mono[k * (size_t)q->nu + (size_t)t];
        for (size_t m = 0; m < nm; m++)
            for (size_t p = 0; p < b->npath; p++)
                c[(m * q->n + (size_t)q->of[code]) * b->npath + p] = b->U[(m * b->nmono + k) * b->npath + p];
    }
}

/* T = coefficients of path p; returns the norm of what is left of it. */
static double project_path(const monomials *q, size_t nm, const double *cU, size_t npath, size_t p,
                           const double *cB, size_t nbasis, double *T)
{
    double factorial = 1, left = 0;
    for (int t = 2; t <= q->nu; t++) factorial *= t;
    memset(T, 0, nbasis * sizeof *T);
    for (size_t i = 0; i < nm * q->n; i++) {
        const double w = cU[i * npath + p] / q->mult[i % q->n];
        if (w != 0)
            for (size_t b = 0; b < nbasis; b++) T[b] += w * cB[i * nbasis + b];
    }
    for (size_t b = 0; b < nbasis; b++) T[b] *= factorial / (double)nm;
    for (size_t i = 0; i < nm * q->n; i++) {
        double sum = 0;
        for (size_t b = 0; b < nbasis; b++) sum += T[b] * cB[i * nbasis + b];
        const double r = cU[i * npath + p] - sum;
        left += r * r / q->mult[i % q->n];
    }
    return sqrt(left);
}

/* Norm of path p before symmetrising: paths whose symmetric part is zero, or rounding, are legal. */
static double path_norm(const racahi_array *U, size_t npath, size_t p)
{
    double sum = 0;
    for (size_t i = 0; i < U->n / npath; i++) sum += U->x[i * npath + p] * U->x[i * npath + p];
    return sqrt(sum);
}

racah_status racahi_project_paths(double **T, size_t *nbasis, const racahi_array *U, int lmax, int L, int nu,
                                  double tolerance, const char *name, racah_error *err)
{
    const size_t S = (size_t)(lmax + 1) * (size_t)(lmax + 1), nm = 2 * (size_t)L + 1;
    const int lead = L > 0;
    bool ok = U->ndim == nu + 1 + lead && (!lead || U->shape[0] == nm);
    for (int t = 0; ok && t < nu; t++) ok = U->shape[lead + t] == S;
    if (!ok)
        return racahi_fail(err, RACAH_EFORMAT, "%s: its shape does not fit l_max = %d, L = %d, order %d",
                           name, lmax, L, nu);
    const size_t npath = U->shape[U->ndim - 1];
    *T = NULL;
    racahi_symbasis *b = NULL;
    RACAHI_TRY(racahi_symbasis_create(&b, lmax, L, nu, err));
    *nbasis = b->npath;
    monomials q;
    racah_status st = RACAH_OK;
    double *cU = NULL, *cB = NULL;
    if (monomials_make(&q, S, nu)) {
        cU = racahi_calloc(nm * q.n * npath, sizeof *cU);
        cB = racahi_calloc(nm * q.n * b->npath, sizeof *cB);
        *T = racahi_calloc(npath * b->npath, sizeof **T);
    }
    if (!cU || !cB || !*T) st = racahi_fail(err, RACAH_ENOMEM, "%s does not fit in memory", name);
    if (st == RACAH_OK) {
        collect(&q, U, nm, npath, cU);
        collect_basis(&q, b, nm, cB);
    }
    for (size_t p = 0; st == RACAH_OK && p < npath; p++) {
        const double norm = path_norm(U, npath, p);
        const double left = project_path(&q, nm, cU, npath, p, cB, b->npath, *T + p * b->npath);
        if (!(left <= tolerance * norm))
            st = racahi_fail(
                err, RACAH_EUNSUPPORTED,
                "%s: path %zu is no equivariant polynomial of natural parity (%.2g of its norm %.2g is "
                "left, allowed is %.1g of it)",
                name, p, left, norm, tolerance);
    }
    racahi_free(cU), racahi_free(cB), racahi_free(q.of), racahi_free(q.mult);
    racahi_symbasis_destroy(b);
    if (st != RACAH_OK) {
        racahi_free(*T);
        *T = NULL;
    }
    return st;
}
