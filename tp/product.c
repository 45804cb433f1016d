/* SPDX-License-Identifier: MIT
 * The many-body product's plan: splits the monomials of all bases into factors, orders the entries for the
 * kernels and keeps the map from path weights to coefficients. */
#include "product_internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct draft { /* an entry before sorting */
    uint64_t key;      /* (LM, node a, node b): the order kernels want */
    const racahi_symbasis *basis;
    size_t row, first_path; /* row of basis->U, first path of the basis */
} draft;

typedef struct builder {
    racahi_product *p;
    size_t S;
    racahi_symbasis *basis[(RACAHI_PRODUCT_LOUT_MAX + 1) * RACAHI_SYM_NU_MAX];
    uint16_t *pair_node; /* [S*S], k <= k': node of the product, 0 where there is none */
    uint8_t *wanted;     /* [S^3] third-order monomials still without a pair */
    uint32_t *votes;     /* [S*S] */
    draft *drafts;
    size_t ndraft;
} builder;

static racah_status no_memory(const racahi_product *p, racah_error *err)
{
    return racahi_fail(err, RACAH_ENOMEM, "product lmax = %d, Lout = %d, order = %d does not fit in memory",
                       p->lmax, p->Lout, p->order);
}

/* ---- choice of the pairs ---------------------------------------------------------------- */

static void add_pair(builder *b, size_t k, size_t l)
{
    uint16_t *node = &b->pair_node[k * b->S + l];
    racahi_product *p = b->p;
    if (*node) return;
    *node = (uint16_t)(1 + b->S + p->npair);
    p->pair[p->npair++] = (racahi_product_pair){.a = (uint16_t)(1 + k), .b = (uint16_t)(1 + l)};
}

/* The three ways to take a pair out of k0 <= k1 <= k2: the pair is (m[0], m[1]), the rest m[2]. */
static void split(size_t code, size_t S, int way, size_t m[3])
{
    size_t k[3] = {code / (S * S), code / S % S, code % S};
    static const int order[3][3] = {{1, 2, 0}, {0, 2, 1}, {0, 1, 2}};
    for (int t = 0; t < 3; t++) m[t] = k[order[way][t]];
}

/* Greedy cover: every third-order monomial must contain a pair; take the pair that the most monomials without
 * one contain, until all have one. (lmax = 3, Lout = 1: 55 pairs of 136.) */
static void choose_pairs(builder *b)
{
    size_t S = b->S, ncode = S * S * S, m[3];
    for (;;) {
        memset(b->votes, 0, S * S * sizeof *b->votes);
        for (size_t code = 0; code < ncode; code++) {
            if (!b->wanted[code]) continue;
            for (int way = 0; way < 3; way++) {
                split(code, S, way, m);
                if (b->pair_node[m[0] * S + m[1]]) b->wanted[code] = 0;
            }
            for (int way = 0; way < 3 && b->wanted[code]; way++) {
                split(code, S, way, m);
                b->votes[m[0] * S + m[1]]++;
            }
        }
        size_t best = 0;
        for (size_t i = 1; i < S * S; i++)
            if (b->votes[i] > b->votes[best]) best = i;
        if (!b->votes[best]) return;
        add_pair(b, best / S, best % S);
    }
}

/* The two nodes whose product is the monomial, group node first. */
static void factor(const builder *b, int nu, const uint8_t *k, size_t *a, size_t *c)
{
    size_t S = b->S, m[3];
    switch (nu) {
    case 1: *a = 1 + (size_t)k[0], *c = 0; return;
    case 2: *a = 1 + (size_t)k[0], *c = 1 + (size_t)k[1]; return;
    case 3:
        for (int way = 0; way < 3; way++) {
            split((k[0] * S + k[1]) * S + k[2], S, way, m);
            if (b->pair_node[m[0] * S + m[1]]) break;
        }
        *a = 1 + m[2], *c = b->pair_node[m[0] * S + m[1]];
        return;
    default: *a = b->pair_node[k[0] * S + k[1]], *c = b->pair_node[k[2] * S + k[3]]; return;
    }
}

/* ---- entries ----------------------------------------------------------------------------- */

static racah_status make_bases(builder *b, racah_error *err)
{
    racahi_product *p = b->p;
    for (int L = 0; L <= p->Lout; L++)
        for (int nu = 1; nu <= p->order; nu++) {
            int i = L * p->order + nu - 1;
            RACAHI_TRY(racahi_symbasis_create(&b->basis[i], p->lmax, L, nu, err));
            p->path_offset[i + 1] = p->path_offset[i] + b->basis[i]->npath;
            b->ndraft += (2 * (size_t)L + 1) * b->basis[i]->nmono; /* upper bound */
        }
    p->npath = p->path_offset[(p->Lout + 1) * p->order];
    return RACAH_OK;
}

static void make_pairs(builder *b)
{
    racahi_product *p = b->p;
    size_t S = b->S;
    for (int L = 0; L <= p->Lout; L++)
        for (int nu = 3; nu <= p->order; nu++) {
            const racahi_symbasis *s = b->basis[L * p->order + nu - 1];
            for (size_t q = 0; q < s->nmono; q++) {
                const uint8_t *k = s->mono + q * (size_t)nu;
                if (nu == 3) {
                    b->wanted[(k[0] * S + k[1]) * S + k[2]] = 1;
                } else {
                    add_pair(b, k[0], k[1]);
                    add_pair(b, k[2], k[3]);
                }
            }
        }
    choose_pairs(b);
    p->nnode = 1 + S + p->npair;
}

/* Rows of U without a non-zero are left out: that component does not contain the monomial. */
static size_t count_nonzero(const racahi_symbasis *s, size_t row)
{
    size_t n = 0;
    for (size_t q = 0; q < s->npath; q++) n += s->U[row * s->npath + q] != 0;
    return n;
}

static int by_key(const void *x, const void *y)
{
    uint64_t a = ((const draft *)x)->key, b = ((const draft *)y)->key;
    return (a > b) - (a < b);
}

static size_t make_drafts(builder *b)
{
    const racahi_product *p = b->p;
    size_t nnz = 0;
    b->ndraft = 0;
    for (int i = 0; i < (p->Lout + 1) * p->order; i++) {
        const racahi_symbasis *s = b->basis[i];
        for (size_t m = 0; m <= 2 * (size_t)s->L; m++)
            for (size_t q = 0; q < s->nmono; q++) {
                size_t a, c, row = m * s->nmono + q, n = count_nonzero(s, row);
                if (!n) continue;
                factor(b, s->nu, s->mono + q * (size_t)s->nu, &a, &c);
                uint64_t lm = (uint64_t)(s->L * s->L) + m;
                b->drafts[b->ndraft++] = (draft){.key = lm << 32 | (uint64_t)a << 16 | c,
                                                 .basis = s,
                                                 .row = row,
                                                 .first_path = p->path_offset[i]};
                nnz += n;
            }
    }
    qsort(b->drafts, b->ndraft, sizeof *b->drafts, by_key);
    return nnz;
}

static racah_status make_entries(builder *b, racah_error *err)
{
    racahi_product *p = b->p;
    size_t nnz = make_drafts(b), at = 0;
    p->nentry = b->ndraft;
    p->other = racahi_malloc(p->nentry, sizeof *p->other);
    p->group = racahi_malloc(p->nentry, sizeof *p->group);
    p->u_start = racahi_malloc(p->nentry + 1, sizeof *p->u_start);
    p->u_path = racahi_malloc(nnz, sizeof *p->u_path);
    p->u = racahi_malloc(nnz, sizeof *p->u);
    if (!p->other || !p->group || !p->u_start || !p->u_path || !p->u) return no_memory(p, err);
    for (size_t e = 0; e < p->nentry; e++) {
        const draft *d = &b->drafts[e];
        if (e == 0 || d->key >> 16 != d[-1].key >> 16) {
            p->group_start[(d->key >> 32) + 1]++; /* counts now, offsets below */
            p->group[p->ngroup++] = (racahi_product_group){.node = (uint16_t)(d->key >> 16 & 0xffff)};
        }
        p->group[p->ngroup - 1].count++;
        p->other[e] = (uint16_t)(d->key & 0xffff);
        p->u_start[e] = at;
        for (size_t q = 0; q < d->basis->npath; q++) {
            double u = d->basis->U[d->row * d->basis->npath + q];
            if (u == 0) continue;
            p->u_path[at] = (uint32_t)(d->first_path + q);
            p->u[at++] = u;
        }
    }
    p->u_start[p->nentry] = at;
    for (size_t lm = 0; lm < p->nLM; lm++) p->group_start[lm + 1] += p->group_start[lm];
    return RACAH_OK;
}

static racah_status build(builder *b, racah_error *err)
{
    size_t S = b->S;
    RACAHI_TRY(make_bases(b, err));
    b->pair_node = racahi_calloc(S * S, sizeof *b->pair_node);
    b->wanted = racahi_calloc(S * S * S, sizeof *b->wanted);
    b->votes = racahi_calloc(S * S, sizeof *b->votes);
    b->drafts = racahi_malloc(b->ndraft, sizeof *b->drafts);
    b->p->pair = racahi_malloc(S * (S + 1) / 2, sizeof *b->p->pair);
    if (!b->pair_node || !b->wanted || !b->votes || !b->drafts || !b->p->pair) return no_memory(b->p, err);
    make_pairs(b);
    return make_entries(b, err);
}

racah_status racahi_product_check(int lmax, int Lout, int order, racah_error *err)
{
    if (lmax < 0 || lmax > 4) return racahi_fail(err, RACAH_EINVAL, "product: lmax = %d, want 0..4", lmax);
    if (Lout < 0 || Lout > RACAHI_PRODUCT_LOUT_MAX)
        return racahi_fail(err, RACAH_EINVAL, "product: Lout = %d, want 0..%d", Lout,
                           RACAHI_PRODUCT_LOUT_MAX);
    if (order < 1 || order > RACAHI_SYM_NU_MAX)
        return racahi_fail(err, RACAH_EINVAL, "product: order = %d, want 1..%d", order, RACAHI_SYM_NU_MAX);
    if (order == 4 && lmax > 3)
        return racahi_fail(err, RACAH_EINVAL, "product: order = 4 with lmax = %d, want lmax <= 3", lmax);
    return RACAH_OK;
}

racah_status racahi_product_create(racahi_product **out, int lmax, int Lout, int order, racahi_isa isa,
                                   racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "product: out is NULL");
    *out = NULL;
    RACAHI_TRY(racahi_product_check(lmax, Lout, order, err));
    if ((int)isa < 0 || (int)isa >= RACAHI_ISA_COUNT)
        return racahi_fail(err, RACAH_EINVAL, "product: instruction set %d, want 0..%d", (int)isa,
                           RACAHI_ISA_COUNT - 1);

    racahi_product *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "product: the plan does not fit in memory");
    p->lmax = lmax, p->Lout = Lout, p->order = order;
    p->S = (size_t)(lmax + 1) * (size_t)(lmax + 1);
    p->nLM = (size_t)(Lout + 1) * (size_t)(Lout + 1);
    p->kernels = racahi_product_pick(isa);
    builder b = {.p = p, .S = p->S};
    racah_status status = build(&b, err);
    for (size_t i = 0; i < sizeof b.basis / sizeof *b.basis; i++) racahi_symbasis_destroy(b.basis[i]);
    racahi_free(b.pair_node);
    racahi_free(b.wanted);
    racahi_free(b.votes);
    racahi_free(b.drafts);
    if (status != RACAH_OK) {
        racahi_product_destroy(p);
        return status;
    }
    *out = p;
    return RACAH_OK;
}

void racahi_product_destroy(racahi_product *p)
{
    if (!p) return;
    racahi_free(p->pair);
    racahi_free(p->group);
    racahi_free(p->other);
    racahi_free(p->u_start);
    racahi_free(p->u_path);
    racahi_free(p->u);
    racahi_free(p);
}

/* ---- sizes --------------------------------------------------------------------------------- */

size_t racahi_product_npath(const racahi_product *p) { return p->npath; }

size_t racahi_product_path_offset(const racahi_product *p, int L, int nu)
{
    return p->path_offset[L * p->order + nu - 1];
}

size_t racahi_product_npath_of(const racahi_product *p, int L, int nu)
{
    return p->path_offset[L * p->order + nu] - p->path_offset[L * p->order + nu - 1];
}

size_t racahi_product_nentry(const racahi_product *p) { return p->nentry; }

size_t racahi_product_flops(const racahi_product *p, bool backward)
{
    return backward ? 5 * p->npair + 3 * p->ngroup + 4 * p->nentry : p->npair + 2 * p->ngroup + 2 * p->nentry;
}

size_t racahi_product_ws_size(const racahi_product *p)
{
    return p->nnode * 2 * RACAHI_PRODUCT_ATOMS *
           RACAHI_ALIGN; /* values and adjoints, one vector block each */
}

/* ---- weights ------------------------------------------------------------------------------- */

void racahi_product_expand_f64(const racahi_product *p, size_t Cp, const double *W, double *coef)
{
    for (size_t e = 0; e < p->nentry; e++) {
        double *restrict y = coef + e * Cp;
        memset(y, 0, Cp * sizeof *y);
        for (size_t i = p->u_start[e]; i < p->u_start[e + 1]; i++) {
            const double *x = W + p->u_path[i] * Cp, u = p->u[i];
#pragma omp simd
            for (size_t c = 0; c < Cp; c++) y[c] += u * x[c];
        }
    }
}

void racahi_product_expand_backward_f64(const racahi_product *p, size_t Cp, const double *dcoef, double *dW)
{
    for (size_t e = 0; e < p->nentry; e++) {
        const double *y = dcoef + e * Cp;
        for (size_t i = p->u_start[e]; i < p->u_start[e + 1]; i++) {
            double *restrict x = dW + p->u_path[i] * Cp;
            const double u = p->u[i];
#pragma omp simd
            for (size_t c = 0; c < Cp; c++) x[c] += u * y[c];
        }
    }
}

/* ---- evaluation ---------------------------------------------------------------------------- */

void racahi_product_forward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                const double *A, double *B)
{
    p->kernels->forward_f64(p, ws, Cp, 1, NULL, coef, A, B);
}

void racahi_product_forward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                const float *A, float *B)
{
    p->kernels->forward_f32(p, ws, Cp, 1, NULL, coef, A, B);
}

void racahi_product_backward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                 const double *A, const double *dB, double *dA, double *dcoef)
{
    p->kernels->backward_f64(p, ws, Cp, 1, NULL, coef, A, dB, dA, dcoef);
}

void racahi_product_backward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                 const float *A, const float *dB, float *dA, float *dcoef)
{
    p->kernels->backward_f32(p, ws, Cp, 1, NULL, coef, A, dB, dA, dcoef);
}

void racahi_product_forward_atoms_f64(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                      const double *coef, const double *A, double *B)
{
    p->kernels->forward_f64(p, ws, Cp, n, row, coef, A, B);
}

void racahi_product_forward_atoms_f32(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                      const float *coef, const float *A, float *B)
{
    p->kernels->forward_f32(p, ws, Cp, n, row, coef, A, B);
}

void racahi_product_backward_atoms_f64(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                       const double *coef, const double *A, const double *dB, double *dA,
                                       double *dcoef)
{
    p->kernels->backward_f64(p, ws, Cp, n, row, coef, A, dB, dA, dcoef);
}

void racahi_product_backward_atoms_f32(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                       const float *coef, const float *A, const float *dB, float *dA,
                                       float *dcoef)
{
    p->kernels->backward_f32(p, ws, Cp, n, row, coef, A, dB, dA, dcoef);
}
