/* SPDX-License-Identifier: MIT
 * Compressing the radial functions of the first layer and folding its node matrices. */
#include "first.h"
#include "../linear/gemm.h"
#include "../linear/rows.h"

#include <math.h>
#include <string.h>

/* Singular values below this of the largest are dropped; the forces (eV/A) of the golden models change by up to 50 times that. */
#define TOLERANCE 1.6e-8
#define TOLERANCE_SINGLE 2e-8
#define NOISE 1e-12              /* likewise columns, before */
#define LARGEST ((size_t)64 << 20) /* bytes of M */

void racahi_first_destroy(racahi_first *f)
{
    if (!f) return;
    racahi_table_free(&f->phi);
    racahi_free(f->f64), racahi_free(f->f32);
    racahi_free(f->f64_t), racahi_free(f->f32_t);
    racahi_free(f);
}

/* Pivoted Gram-Schmidt on the columns of X [rows][n] (spline coefficients, so their differences bound those of the
 * functions): phi [most][rows] orthonormal, T [most][n] with X = phi^T T. X becomes the remainder. Returns the rank. */
static size_t orthonormal(size_t rows, size_t n, double *X, size_t most, double *phi, double *T)
{
    double first = 0;
    size_t rank = 0;
    for (; rank < most; rank++) {
        double best = 0;
        size_t pivot = 0;
        for (size_t c = 0; c < n; c++) {
            double sum = 0;
            for (size_t r = 0; r < rows; r++) sum += X[r * n + c] * X[r * n + c];
            if (sum > best) best = sum, pivot = c;
        }
        best = sqrt(best);
        if (rank == 0) first = best;
        if (best <= NOISE * first) break;
        double *p = phi + rank * rows, *t = T + rank * n;
        for (size_t r = 0; r < rows; r++) p[r] = X[r * n + pivot] / best;
        cblas_dgemv(CblasRowMajor, CblasTrans, (int)rows, (int)n, 1, X, (int)n, p, 1, 0, t, 1);
        cblas_dger(CblasRowMajor, (int)rows, (int)n, -1, p, 1, t, 1, X, (int)n);
    }
    return rank;
}

/* Rows i and j of two matrices turned by the angle (c, s). */
static void turn(double c, double s, size_t n, double *a, double *b)
{
    for (size_t k = 0; k < n; k++) {
        const double x = a[k], y = b[k];
        a[k] = c * x - s * y, b[k] = s * x + c * y;
    }
}

/* Singular value decomposition of T [rank][n] by one-sided Jacobi rotations of its rows (accurate for small values
 * too), phi turned along: afterwards the rows of T are orthogonal, largest first. Returns how many matter. */
static size_t rotate(size_t rows, size_t n, size_t rank, double tolerance, double *phi, double *T)
{
    for (int sweep = 0; sweep < 30; sweep++) {
        bool done = true;
        for (size_t i = 0; i < rank; i++)
            for (size_t j = i + 1; j < rank; j++) {
                double *a = T + i * n, *b = T + j * n, aa = 0, bb = 0, ab = 0;
                for (size_t k = 0; k < n; k++) aa += a[k] * a[k], bb += b[k] * b[k], ab += a[k] * b[k];
                if (bb > aa) { /* keeps them sorted */
                    turn(0, 1, n, a, b), turn(0, 1, rows, phi + i * rows, phi + j * rows);
                    const double swap = aa;
                    aa = bb, bb = swap, ab = -ab;
                    done = false;
                }
                if (ab * ab <= 1e-24 * aa * bb) continue;
                const double z = (bb - aa) / (2 * ab), t = (z < 0 ? -1 : 1) / (fabs(z) + sqrt(1 + z * z));
                const double c = 1 / sqrt(1 + t * t), s = c * t;
                turn(c, s, n, a, b), turn(c, s, rows, phi + i * rows, phi + j * rows);
                done = false;
            }
        if (done) break;
    }
    double first = 0;
    for (size_t r = 0; r < rank; r++) {
        const double norm = cblas_dnrm2((int)n, T + r * n, 1);
        if (r == 0) first = norm;
        if (norm <= tolerance * first) return r;
    }
    return rank;
}

static size_t compress(size_t rows, size_t n, double *X, size_t most, bool single, double *phi, double *T)
{
    return rotate(rows, n, orthonormal(rows, n, X, most, phi, T), single ? TOLERANCE_SINGLE : TOLERANCE, phi, T);
}

/* M of one receiver group, sender element and degree: T (of this l) diag(x0) V / lambda. */
static void fold(const racahi_first *f, const racahi_net *net, const racahi_weights *w, const double *T, size_t nw,
                 size_t group, size_t z, int l, double *scratch, double *M)
{
    const racahi_layout *at = &w->at;
    const size_t Cp = at->Cp, col = (net->cfg.weights == RACAHI_W_SHARED ? 0 : (size_t)l) * Cp;
    const double *x0 = w->derived + at->x0 + z * Cp;
    const double *V = w->w + at->layer[0].mix[l] + (net->cfg.element_mix[0] ? group * Cp * Cp : 0);
    const double alpha = net->cfg.density[0] ? 1 : 1 / net->cfg.lambda[0];
    for (size_t q = 0; q < f->nq; q++)
        for (size_t c = 0; c < Cp; c++) scratch[q * Cp + c] = q < f->rank ? T[q * nw * Cp + col + c] * x0[c] : 0;
    racahi_gemm_f64(false, false, f->nq, Cp, Cp, alpha, scratch, Cp, V, Cp, 0, M, Cp);
}

typedef struct work { /* per pair: remainder, functions, expansions; one matrix M */
    double *X, *phi, *T, *fold, *M;
    float *M32;
} work;

/* M and its transpose to their places. */
static void pack_M(racahi_first *f, size_t Cp, size_t at, work *k)
{
    if (f->f64) {
        racahi_rows_pack_f64(f->nq, Cp, Cp, k->M, Cp, false, f->f64 + at);
        racahi_rows_pack_f64(Cp, f->nq, f->nq, k->M, Cp, true, f->f64_t + at);
        return;
    }
    for (size_t i = 0; i < f->nq * Cp; i++) k->M32[i] = (float)k->M[i];
    racahi_rows_pack_f32(f->nq, Cp, Cp, k->M32, Cp, false, f->f32 + at);
    racahi_rows_pack_f32(Cp, f->nq, f->nq, k->M32, Cp, true, f->f32_t + at);
}

static racah_status build(racahi_first *f, const racahi_net *net, const racahi_weights *w, const racahi_table *W,
                          const int *pair, bool single, work *k, racah_error *err)
{
    const size_t rows = W->nknot + 4, n = W->nout, nw = n / w->at.Cp, nelem = (size_t)net->cfg.nelem;
    const size_t Cp = w->at.Cp, most = Cp, lanes = single ? 16 : 8;
    for (size_t p = 0; p < W->npair; p++) {
        memcpy(k->X, W->f64 + p * W->pair_stride, rows * n * sizeof(double));
        const size_t r = compress(rows, n, k->X, most, single, k->phi + p * most * rows, k->T + p * most * n);
        if (r > f->rank) f->rank = r;
    }
    f->nq = (f->rank + lanes - 1) / lanes * lanes;
    f->bytes = 2 * f->ngroup * nelem * ((size_t)net->cfg.l_max + 1) * f->nq * Cp * (single ? sizeof(float) : sizeof(double));
    if (f->nq >= Cp || f->bytes > LARGEST) return RACAH_OK;
    f->phi = (racahi_table){.nknot = W->nknot, .nout = f->nq, .npair = W->npair, .pair_stride = rows * f->nq, .h = W->h,
                            .inv_h = W->inv_h, .rc = W->rc, .isa = W->isa};
    f->phi.bytes = W->npair * rows * f->nq * (single ? sizeof(float) : sizeof(double));
    if (single) {
        f->phi.f32 = racahi_calloc(f->phi.bytes, 1);
        f->f32 = racahi_calloc(f->bytes / 2, 1);
        f->f32_t = racahi_calloc(f->bytes / 2, 1);
    } else {
        f->phi.f64 = racahi_calloc(f->phi.bytes, 1);
        f->f64 = racahi_calloc(f->bytes / 2, 1);
        f->f64_t = racahi_calloc(f->bytes / 2, 1);
    }
    k->fold = racahi_malloc(f->nq * Cp, sizeof(double)), k->M = racahi_malloc(f->nq * Cp, sizeof(double));
    k->M32 = racahi_malloc(f->nq * Cp, sizeof(float));
    if ((single ? !f->phi.f32 || !f->f32 || !f->f32_t : !f->phi.f64 || !f->f64 || !f->f64_t) || !k->fold || !k->M ||
        !k->M32)
        return racahi_fail(err, RACAH_ENOMEM, "first layer: %zu bytes do not fit in memory", f->bytes + f->phi.bytes);
    for (size_t p = 0; p < W->npair; p++)
        for (size_t r = 0; r < rows; r++)
            for (size_t q = 0; q < f->rank; q++) {
                const double v = k->phi[(p * most + q) * rows + r];
                if (single)
                    f->phi.f32[(p * rows + r) * f->nq + q] = (float)v;
                else
                    f->phi.f64[(p * rows + r) * f->nq + q] = v;
            }
    for (size_t g = 0; g < f->ngroup; g++)
        for (size_t z = 0; z < nelem; z++) {
            const int p = pair ? pair[g * nelem + z] : 0;
            for (int l = 0; p >= 0 && l <= net->cfg.l_max; l++) {
                const size_t at = racahi_first_at(f, net, Cp, g, z, l);
                fold(f, net, w, k->T + (size_t)p * most * n, nw, g, z, l, k->fold, k->M);
                pack_M(f, Cp, at, k);
            }
        }
    return RACAH_OK;
}

racah_status racahi_first_create(racahi_first **out, const racahi_net *net, const racahi_weights *w,
                                 const racahi_table *W, const int *pair, bool single, racah_error *err)
{
    *out = NULL;
    const size_t rows = W->nknot + 4, n = W->nout, most = w->at.Cp;
    racahi_first *f = racahi_calloc(1, sizeof *f);
    work k = {.X = racahi_malloc(rows * n, sizeof(double)),
              .phi = racahi_calloc(W->npair * most * rows, sizeof(double)),
              .T = racahi_calloc(W->npair * most * n, sizeof(double))};
    racah_status st = RACAH_OK;
    if (!f || !k.X || !k.phi || !k.T)
        st = racahi_fail(err, RACAH_ENOMEM, "first layer: %zu bytes do not fit in memory",
                         (rows * n + W->npair * most * (rows + n)) * sizeof(double));
    if (st == RACAH_OK) {
        f->ngroup = net->cfg.element_mix[0] || pair ? (size_t)net->cfg.nelem : 1;
        st = build(f, net, w, W, pair, single, &k, err);
    }
    racahi_free(k.X), racahi_free(k.phi), racahi_free(k.T), racahi_free(k.fold), racahi_free(k.M), racahi_free(k.M32);
    if (st != RACAH_OK || (!f->f64 && !f->f32)) {
        racahi_first_destroy(f);
        return st;
    }
    *out = f;
    return RACAH_OK;
}
