/* SPDX-License-Identifier: MIT
 * Enumerates, symmetrises and orthogonalises the couplings that span the symmetric equivariant polynomials.
 */
#include "symbasis.h"

#include "racah_tp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MID 8 /* an intermediate degree is at most L + l_nu <= 8, or l1 + l2 <= 8 */
#define MAX_LMAX 4
#define KEPT 1e-6  /* new part that counts as a dimension; what occurs is above 0.06 or below 1e-15 */
#define ZERO 1e-12 /* coefficients are 0 or above 5e-5 (L = nu = 4); what is smaller is rounding */

typedef struct term { /* one non-zero of a coupling tensor */
    uint8_t m1, m2, m3;
    double v;
} term;

typedef struct tensor {
    size_t n;
    term *t; /* NULL until first used */
} tensor;

/* All polynomials of one multiset of degrees l1 <= .. <= l_nu; different multisets share no monomial. */
typedef struct block {
    size_t nmono, nvec, cap;
    uint32_t *code; /* [nmono] sorted indices k as digits of base S, most significant first */
    double *perm;   /* [nmono] number of distinct orders of the factors */
    double *vec;    /* [nvec][2L+1][nmono] */
} block;

typedef struct builder {
    int lmax, L, nu, S;
    int l[RACAHI_SYM_NU_MAX], mid[RACAHI_SYM_NU_MAX];
    size_t dim[RACAHI_SYM_NU_MAX]; /* product of 2l+1 over the factors so far */
    tensor cg[MAX_MID + 1][MAX_LMAX + 1][MAX_MID + 1];
    double *T[RACAHI_SYM_NU_MAX]; /* [2mid+1][dim] the coupling after each factor */
    int *local;                   /* [dim] monomial of each tuple of one multiset */
    int *lookup;                  /* [S^nu] from code to monomial; -1 where none */
    double *fresh;                /* [2L+1][nmono] the polynomial being added */
    size_t nblock, cap;
    block *blocks;
} builder;

static racah_status no_memory(const builder *b, size_t bytes, racah_error *err)
{
    return racahi_fail(err, RACAH_ENOMEM, "symmetric basis lmax = %d, L = %d, nu = %d: %zu bytes do not fit in memory",
                       b->lmax, b->L, b->nu, bytes);
}

/* sqrt(2l3+1) wigner_3j as a list: it maps unit-norm couplings to couplings of unit norm for each component.
 */
static racah_status coupling_tensor(builder *b, int l1, int l2, int l3, const tensor **out, racah_error *err)
{
    tensor *t = &b->cg[l1][l2][l3];
    *out = t;
    if (t->t) return RACAH_OK;
    size_t d1 = 2 * (size_t)l1 + 1, d2 = 2 * (size_t)l2 + 1, d3 = 2 * (size_t)l3 + 1;
    double *C = racahi_malloc(d1 * d2 * d3, sizeof *C);
    term *list = racahi_malloc(d1 * d2 * d3, sizeof *list);
    racah_status s = RACAH_OK;
    if (!C || !list) s = no_memory(b, d1 * d2 * d3 * (sizeof *C + sizeof *list), err);
    if (s == RACAH_OK) s = racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, C, err);
    if (s == RACAH_OK) {
        double scale = sqrt((double)d3);
        for (size_t i = 0; i < d1 * d2 * d3; i++)
            if (fabs(C[i]) > ZERO)
                list[t->n++] = (term){.m1 = (uint8_t)(i / (d2 * d3)),
                                      .m2 = (uint8_t)(i / d3 % d2),
                                      .m3 = (uint8_t)(i % d3),
                                      .v = scale * C[i]};
        t->t = list;
        list = NULL;
    }
    racahi_free(C);
    racahi_free(list);
    return s;
}

/* Sorted digits of the tuple with row-major index idx over (m_1, .., m_nu). */
static void sorted_tuple(const builder *b, size_t idx, int k[RACAHI_SYM_NU_MAX])
{
    for (int t = b->nu - 1; t >= 0; t--) {
        size_t d = 2 * (size_t)b->l[t] + 1;
        k[t] = b->l[t] * b->l[t] + (int)(idx % d);
        idx /= d;
    }
    for (int t = 1; t < b->nu; t++)
        for (int s = t; s > 0 && k[s - 1] > k[s]; s--) {
            int swap = k[s];
            k[s] = k[s - 1], k[s - 1] = swap;
        }
}

static double permutations(int nu, const int k[RACAHI_SYM_NU_MAX])
{
    double n = 1;
    for (int t = 0, run = 0; t < nu; t++) {
        run = t > 0 && k[t] == k[t - 1] ? run + 1 : 1;
        n = n * (t + 1) / run;
    }
    return n;
}

/* Start the block of the multiset b->l: its monomials, in order of first appearance. */
static racah_status open_block(builder *b, racah_error *err)
{
    size_t n = b->dim[b->nu - 1];
    void *blocks = b->blocks;
    RACAHI_TRY(racahi_reserve(&blocks, &b->cap, b->nblock + 1, sizeof *b->blocks, "symmetric basis", err));
    b->blocks = blocks;
    block *k = &b->blocks[b->nblock];
    *k = (block){.code = racahi_malloc(n, sizeof *k->code), .perm = racahi_malloc(n, sizeof *k->perm)};
    b->nblock++;
    if (!k->code || !k->perm) return no_memory(b, n * (sizeof *k->code + sizeof *k->perm), err);
    for (size_t idx = 0; idx < n; idx++) {
        int tuple[RACAHI_SYM_NU_MAX];
        uint32_t code = 0;
        sorted_tuple(b, idx, tuple);
        for (int t = 0; t < b->nu; t++) code = code * (uint32_t)b->S + (uint32_t)tuple[t];
        if (b->lookup[code] < 0) {
            b->lookup[code] = (int)k->nmono;
            k->code[k->nmono] = code;
            k->perm[k->nmono++] = permutations(b->nu, tuple);
        }
        b->local[idx] = b->lookup[code];
    }
    return RACAH_OK;
}

/* Inner product of two polynomials as symmetric tensors, summed over the 2L+1 components. */
static double inner(const builder *b, const block *k, const double *x, const double *y)
{
    double sum = 0;
    for (int m = 0; m <= 2 * b->L; m++)
        for (size_t q = 0; q < k->nmono; q++) sum += x[m * k->nmono + q] * y[m * k->nmono + q] / k->perm[q];
    return sum;
}

/* Symmetrise the finished coupling and add it to the open block if it is independent of what is there. */
static racah_status add_polynomial(builder *b, racah_error *err)
{
    block *k = &b->blocks[b->nblock - 1];
    size_t n = b->dim[b->nu - 1], nm = 2 * (size_t)b->L + 1, size = nm * k->nmono;
    const double *T = b->T[b->nu - 1];
    double *f = b->fresh;
    memset(f, 0, size * sizeof *f);
    for (size_t m = 0; m < nm; m++)
        for (size_t idx = 0; idx < n; idx++) f[m * k->nmono + (size_t)b->local[idx]] += T[m * n + idx];

    double want = 1; /* norm^2 of each component: 1/nu! */
    for (int t = 2; t <= b->nu; t++) want /= t;
    for (int pass = 0; pass < 2; pass++)
        for (size_t v = 0; v < k->nvec; v++) {
            const double *g = k->vec + v * size;
            double overlap = inner(b, k, g, f) / (want * (double)nm);
            for (size_t i = 0; i < size; i++) f[i] -= overlap * g[i];
        }
    double rest = inner(b, k, f, f); /* the coupling itself had norm^2 2L+1 */
    if (rest <= KEPT * KEPT * (double)nm) return RACAH_OK;

    void *vec = k->vec;
    RACAHI_TRY(racahi_reserve(&vec, &k->cap, (k->nvec + 1) * size, sizeof *k->vec, "symmetric basis", err));
    k->vec = vec;
    double *g = k->vec + k->nvec * size, scale = sqrt(want * (double)nm / rest);
    for (size_t i = 0; i < size; i++) g[i] = scale * f[i];
    k->nvec++;
    return RACAH_OK;
}

/* Couple factor t to what is in b->T[t-1], for every allowed intermediate degree in ascending order. */
static racah_status couple(builder *b, int t, racah_error *err)
{
    if (t == b->nu || t == RACAHI_SYM_NU_MAX) return add_polynomial(b, err);
    int l1 = b->mid[t - 1], l2 = b->l[t], left = 0;
    for (int s = t + 1; s < b->nu && s < RACAHI_SYM_NU_MAX; s++) left += b->l[s];
    size_t n1 = b->dim[t - 1], n = b->dim[t], d2 = 2 * (size_t)l2 + 1;
    for (int l3 = abs(l1 - l2); l3 <= l1 + l2 && l3 <= b->L + left; l3++) {
        if (t == b->nu - 1 && l3 != b->L) continue;
        if (t == 1 && l2 == l1 && l3 % 2) continue; /* antisymmetric in two equal factors */
        const tensor *C;
        RACAHI_TRY(coupling_tensor(b, l1, l2, l3, &C, err));
        const double *in = b->T[t - 1];
        double *out = b->T[t];
        memset(out, 0, (2 * (size_t)l3 + 1) * n * sizeof *out);
        for (size_t e = 0; e < C->n; e++) {
            const double *x = in + C->t[e].m1 * n1, v = C->t[e].v;
            double *y = out + C->t[e].m3 * n + C->t[e].m2;
            for (size_t i = 0; i < n1; i++) y[i * d2] += v * x[i];
        }
        b->mid[t] = l3;
        RACAHI_TRY(couple(b, t + 1, err));
    }
    return RACAH_OK;
}

/* One multiset of degrees: its monomials, then all its couplings. */
static racah_status add_multiset(builder *b, racah_error *err)
{
    int sum = b->L;
    for (int t = 0; t < b->nu; t++) {
        b->dim[t] = (t ? b->dim[t - 1] : 1) * (2 * (size_t)b->l[t] + 1);
        sum += b->l[t];
    }
    if (sum % 2 || 2 * b->l[b->nu - 1] > sum || 2 * b->L > sum) return RACAH_OK; /* parity, polygon rule */
    if (b->nu == 1 && b->l[0] != b->L) return RACAH_OK;
    RACAHI_TRY(open_block(b, err));
    size_t d = b->dim[0];
    memset(b->T[0], 0, d * d * sizeof(double));
    for (size_t m = 0; m < d; m++) b->T[0][m * d + m] = 1;
    b->mid[0] = b->l[0];
    RACAHI_TRY(couple(b, 1, err));
    const block *k = &b->blocks[b->nblock - 1];
    for (size_t q = 0; q < k->nmono; q++) b->lookup[k->code[q]] = -1;
    return RACAH_OK;
}

static racah_status add_all(builder *b, int t, racah_error *err)
{
    if (t == b->nu || t == RACAHI_SYM_NU_MAX) return add_multiset(b, err);
    for (b->l[t] = t ? b->l[t - 1] : 0; b->l[t] <= b->lmax; b->l[t]++) RACAHI_TRY(add_all(b, t + 1, err));
    return RACAH_OK;
}

static int by_code(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, c = *(const uint32_t *)y;
    return (a > c) - (a < c);
}

/* Gather the blocks into the dense arrays of the result. */
static racah_status assemble(builder *b, racahi_symbasis *out, racah_error *err)
{
    size_t total = 0, nm = 2 * (size_t)b->L + 1;
    for (size_t i = 0; i < b->nblock; i++) total += b->blocks[i].nmono, out->npath += b->blocks[i].nvec;
    uint32_t *code = racahi_malloc(total, sizeof *code);
    if (!code) return no_memory(b, total * sizeof *code, err);
    for (size_t i = 0; i < b->nblock; i++) {
        const block *k = &b->blocks[i];
        for (size_t q = 0; q < k->nmono; q++) {
            bool used = false;
            for (size_t v = 0; v < k->nvec * nm && !used; v++) used = fabs(k->vec[v * k->nmono + q]) > ZERO;
            if (used) code[out->nmono++] = k->code[q];
        }
    }
    qsort(code, out->nmono, sizeof *code, by_code);
    out->mono = racahi_malloc(out->nmono, (size_t)b->nu);
    out->U = racahi_calloc(nm * out->nmono * out->npath, sizeof *out->U);
    if (!out->mono || !out->U) {
        racahi_free(code);
        return no_memory(b, out->nmono * (size_t)b->nu + nm * out->nmono * out->npath * sizeof *out->U, err);
    }
    for (size_t q = 0; q < out->nmono; q++) {
        uint32_t rest = code[q];
        b->lookup[rest] = (int)q;
        for (int t = b->nu - 1; t >= 0; t--, rest /= (uint32_t)b->S)
            out->mono[q * (size_t)b->nu + (size_t)t] = (uint8_t)(rest % (uint32_t)b->S);
    }
    racahi_free(code);
    size_t p = 0;
    for (size_t i = 0; i < b->nblock; i++) {
        const block *k = &b->blocks[i];
        for (size_t v = 0; v < k->nvec; v++, p++)
            for (size_t m = 0; m < nm; m++)
                for (size_t q = 0; q < k->nmono; q++) {
                    double a = k->vec[(v * nm + m) * k->nmono + q];
                    if (fabs(a) > ZERO)
                        out->U[(m * out->nmono + (size_t)b->lookup[k->code[q]]) * out->npath + p] = a;
                }
    }
    return RACAH_OK;
}

static racah_status build(builder *b, racahi_symbasis *out, racah_error *err)
{
    size_t top = 2 * (size_t)b->lmax + 1, dim = 1, codes = 1;
    for (int t = 0; t < b->nu; t++) {
        dim *= top, codes *= (size_t)b->S;
        size_t d = t == b->nu - 1 ? 2 * (size_t)b->L + 1 : 2 * MAX_MID + 1;
        if (t == 0 && d < top) d = top; /* the identity of add_multiset */
        b->T[t] = racahi_malloc(d * dim, sizeof(double));
        if (!b->T[t]) return no_memory(b, d * dim * sizeof(double), err);
    }
    b->local = racahi_malloc(dim, sizeof *b->local);
    b->lookup = racahi_malloc(codes, sizeof *b->lookup);
    b->fresh = racahi_malloc((2 * (size_t)b->L + 1) * dim, sizeof *b->fresh);
    if (!b->local || !b->lookup || !b->fresh)
        return no_memory(b, dim * sizeof *b->local + codes * sizeof *b->lookup + (2 * (size_t)b->L + 1) * dim *
                                sizeof *b->fresh, err);
    for (size_t i = 0; i < codes; i++) b->lookup[i] = -1;
    RACAHI_TRY(add_all(b, 0, err));
    return assemble(b, out, err);
}

static void builder_free(builder *b)
{
    for (size_t i = 0; i < sizeof b->cg / sizeof(tensor); i++) racahi_free((&b->cg[0][0][0])[i].t);
    for (int t = 0; t < RACAHI_SYM_NU_MAX; t++) racahi_free(b->T[t]);
    for (size_t i = 0; i < b->nblock; i++) {
        racahi_free(b->blocks[i].code);
        racahi_free(b->blocks[i].perm);
        racahi_free(b->blocks[i].vec);
    }
    racahi_free(b->blocks);
    racahi_free(b->local);
    racahi_free(b->lookup);
    racahi_free(b->fresh);
    racahi_free(b);
}

racah_status racahi_symbasis_create(racahi_symbasis **out, int lmax, int L, int nu, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "symmetric basis: out is NULL");
    *out = NULL;
    if (lmax < 0 || lmax > MAX_LMAX)
        return racahi_fail(err, RACAH_EINVAL, "symmetric basis: lmax = %d, want 0..%d", lmax, MAX_LMAX);
    if (L < 0 || L > 4) return racahi_fail(err, RACAH_EINVAL, "symmetric basis: L = %d, want 0..4", L);
    if (nu < 1 || nu > RACAHI_SYM_NU_MAX)
        return racahi_fail(err, RACAH_EINVAL, "symmetric basis: nu = %d, want 1..%d", nu, RACAHI_SYM_NU_MAX);
    if (nu == 4 && lmax > 3)
        return racahi_fail(err, RACAH_EINVAL, "symmetric basis: nu = 4 with lmax = %d, want lmax <= 3", lmax);

    builder *b = racahi_calloc(1, sizeof *b);
    racahi_symbasis *s = racahi_calloc(1, sizeof *s);
    racah_status status = RACAH_OK;
    if (!b || !s) {
        status = racahi_fail(err, RACAH_ENOMEM, "symmetric basis: %zu bytes do not fit in memory", sizeof *b + sizeof *s);
    } else {
        b->lmax = s->lmax = lmax, b->L = s->L = L, b->nu = s->nu = nu;
        b->S = (lmax + 1) * (lmax + 1);
        status = build(b, s, err);
    }
    if (b) builder_free(b);
    if (status != RACAH_OK) {
        racahi_symbasis_destroy(s);
        return status;
    }
    *out = s;
    return RACAH_OK;
}

void racahi_symbasis_destroy(racahi_symbasis *b)
{
    if (!b) return;
    racahi_free(b->mono);
    racahi_free(b->U);
    racahi_free(b);
}
