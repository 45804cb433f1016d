/* SPDX-License-Identifier: MIT
 * The many-body product's plan: splits the monomials of all bases into factors, orders the entries for the
 * kernels and keeps the map from path weights to coefficients. */
#include "product_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef struct draft { /* an entry before sorting */
    uint64_t key;      /* (1 + LM, node a, node b, node x), (0, 0, 0, k) for a square: the kernels' order */
    uint8_t node[4];   /* the monomial: ascending nodes, in front as many times the number 1 as it takes */
    uint16_t pair, x;  /* chosen factors: code of (a, b) or NO_PAIR or SQUARE, node */
    const racahi_symbasis *basis;
    size_t lm, row, first_path; /* row of basis->U, first path of the basis */
} draft;

#define NO_PAIR UINT16_MAX
#define SQUARE (UINT16_MAX - 1) /* an entry of its own, first of all: coef A[k]^2 in B[00] */

typedef struct builder {
    racahi_product *p;
    size_t n; /* nodes that are no products: 1 + S */
    racahi_symbasis *basis[(RACAHI_PRODUCT_LOUT_MAX + 1) * RACAHI_SYM_NU_MAX];
    uint16_t *product; /* [n*n], k <= k': node of the product, 0 where there is none */
    uint16_t *votes;   /* [n*n] */
    uint16_t *chosen;  /* [n*n] codes k*n + k' of the pairs of one LM */
    uint16_t *outer;   /* [n*n] by code: which of the two is a */
    draft *drafts;
    size_t ndraft, nnonzero;
} builder;

static racah_status no_memory(const racahi_product *p, size_t bytes, racah_error *err)
{
    return racahi_fail(err, RACAH_ENOMEM, "product lmax = %d, Lout = %d, order = %d: %zu bytes do not fit in memory",
                       p->lmax, p->Lout, p->order, bytes);
}

/* ---- factors ----------------------------------------------------------------------------- */

/* The six ways to take a pair (code) out of four nodes; the rest is x. Up to third order the first node, the
 * number 1, stays in the rest, so that x is a single node: the last three ways. */
#define WAYS 6
static int first_way(const draft *d) { return d->node[0] ? 0 : 3; }

static uint16_t pair_of(const builder *b, const draft *d, int way, uint8_t rest[2])
{
    static const uint8_t order[WAYS][4] = {{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 3, 1, 2},
                                           {1, 2, 0, 3}, {1, 3, 0, 2}, {2, 3, 0, 1}};
    const uint8_t *o = order[way];
    rest[0] = d->node[o[2]], rest[1] = d->node[o[3]];
    return (uint16_t)(d->node[o[0]] * b->n + d->node[o[1]]);
}

static uint16_t node_of(builder *b, const uint8_t k[2])
{
    racahi_product *p = b->p;
    uint16_t *node = &b->product[k[0] * b->n + k[1]];
    if (k[0] == 0) return k[1];
    if (!*node) {
        *node = (uint16_t)(b->n + p->npair);
        p->pair[p->npair++] = (racahi_product_pair){.a = k[0], .b = k[1]};
    }
    return *node;
}

/* Greedy cover: every monomial must contain a pair; take the pair that the most monomials without one
 * contain, until all have one. Returns their number. */
static size_t choose_pairs(builder *b, draft *d, size_t n)
{
    const size_t ncode = b->n * b->n;
    uint8_t rest[2];
    for (size_t count = 0;; count++) {
        memset(b->votes, 0, ncode * sizeof *b->votes);
        for (size_t i = 0; i < n; i++)
            for (int way = first_way(&d[i]), before = NO_PAIR; way < WAYS && d[i].pair == NO_PAIR; way++) {
                const uint16_t code = pair_of(b, &d[i], way, rest);
                if (code != before) b->votes[code]++;
                before = code;
            }
        uint16_t best = 0;
        for (size_t code = 1; code < ncode; code++)
            if (b->votes[code] > b->votes[best]) best = (uint16_t)code;
        if (!b->votes[best]) return count;
        b->chosen[count] = best;
        for (size_t i = 0; i < n; i++)
            for (int way = first_way(&d[i]); way < WAYS && d[i].pair == NO_PAIR; way++)
                if (pair_of(b, &d[i], way, rest) == best) d[i].pair = best, d[i].x = node_of(b, rest);
    }
}

/* Which node of each chosen pair is the outer one: greedily the one that most pairs without one contain. */
static void choose_outer(builder *b, size_t count)
{
    for (size_t left = count; left > 0;) {
        memset(b->votes, 0, b->n * sizeof *b->votes);
        for (size_t i = 0; i < left; i++) b->votes[b->chosen[i] / b->n]++, b->votes[b->chosen[i] % b->n]++;
        size_t best = 0, keep = 0;
        for (size_t k = 1; k < b->n; k++)
            if (b->votes[k] > b->votes[best]) best = k;
        for (size_t i = 0; i < left; i++) {
            const uint16_t code = b->chosen[i];
            if (code / b->n == best || code % b->n == best)
                b->outer[code] = (uint16_t)best;
            else
                b->chosen[keep++] = code;
        }
        left = keep;
    }
}

static void factor(builder *b)
{
    for (size_t i = 0, n; i < b->ndraft; i += n) {
        draft *d = &b->drafts[i];
        for (n = 1; i + n < b->ndraft && d[n].lm == d->lm; n++) {
        }
        choose_outer(b, choose_pairs(b, d, n));
        for (size_t e = 0; e < n; e++) {
            if (d[e].pair == SQUARE) continue;
            const size_t a = b->outer[d[e].pair], c = d[e].pair / b->n + d[e].pair % b->n - a;
            d[e].key = (uint64_t)(1 + d->lm) << 48 | (uint64_t)a << 32 | (uint64_t)c << 16 | d[e].x;
        }
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

/* Rows of U without a non-zero are left out: that component does not contain the monomial. */
static size_t count_nonzero(const racahi_symbasis *s, size_t row)
{
    size_t n = 0;
    for (size_t q = 0; q < s->npath; q++) n += s->U[row * s->npath + q] != 0;
    return n;
}

/* By LM. */
static void make_drafts(builder *b)
{
    racahi_product *p = b->p;
    b->ndraft = 0;
    for (size_t lm = 0; lm < p->nLM; lm++)
        for (int i = 0; i < (p->Lout + 1) * p->order; i++) {
            const racahi_symbasis *s = b->basis[i];
            const size_t L = (size_t)s->L, nu = (size_t)s->nu;
            if (lm < L * L || lm > L * L + 2 * L) continue;
            for (size_t q = 0; q < s->nmono; q++) {
                draft d = {.pair = NO_PAIR,
                           .basis = s,
                           .lm = lm,
                           .row = (lm - L * L) * s->nmono + q,
                           .first_path = p->path_offset[i]};
                const size_t n = count_nonzero(s, d.row);
                if (!n) continue;
                for (size_t t = 0; t < nu; t++) d.node[4 - nu + t] = (uint8_t)(1 + s->mono[q * nu + t]);
                if (lm == 0 && nu == 2 && d.node[2] == d.node[3]) {
                    d.pair = SQUARE, d.key = d.node[3];
                    p->nsquare++;
                }
                b->drafts[b->ndraft++] = d;
                b->nnonzero += n;
            }
        }
}

static int by_key(const void *x, const void *y)
{
    uint64_t a = ((const draft *)x)->key, b = ((const draft *)y)->key;
    return (a > b) - (a < b);
}

/* Entry e opens a new run or item where its key differs from the one before. */
static void add_entry(racahi_product *p, size_t e, uint64_t key, uint64_t before)
{
    const uint64_t changed = key ^ before;
    if (changed >> 32) {
        p->nrun_of[(key >> 48) - 1]++;
        p->run[p->nrun++] = (racahi_product_run){.a = (uint16_t)(key >> 32)};
    }
    if (changed >> 16) {
        p->run[p->nrun - 1].count++;
        p->item[p->nitem++] = (racahi_product_item){.b = (uint16_t)(key >> 16)};
    }
    p->item[p->nitem - 1].count++;
    p->x[e - p->nsquare] = (uint16_t)key;
}

static racah_status make_entries(builder *b, racah_error *err)
{
    racahi_product *p = b->p;
    size_t at = 0;
    qsort(b->drafts, b->ndraft, sizeof *b->drafts, by_key);
    p->nentry = b->ndraft;
    assert(p->nsquare == 0 ||
           p->nsquare == p->S); /* each |A_l|^2 is an invariant: all squares or, at order 1, none */
    p->x = racahi_malloc(p->nentry, sizeof *p->x);
    p->item = racahi_malloc(p->nentry, sizeof *p->item);
    p->run = racahi_malloc(p->nentry, sizeof *p->run);
    p->u_start = racahi_malloc(p->nentry + 1, sizeof *p->u_start);
    p->u_path = racahi_malloc(b->nnonzero, sizeof *p->u_path);
    p->u = racahi_malloc(b->nnonzero, sizeof *p->u);
    if (!p->x || !p->item || !p->run || !p->u_start || !p->u_path || !p->u)
        return no_memory(p, p->nentry * (sizeof *p->x + sizeof *p->item + sizeof *p->run) +
                                (p->nentry + 1) * sizeof *p->u_start +
                                b->nnonzero * (sizeof *p->u_path + sizeof *p->u), err);
    for (size_t e = 0; e < p->nentry; e++) {
        const draft *d = &b->drafts[e];
        if (e >= p->nsquare) add_entry(p, e, d->key, e > p->nsquare ? d[-1].key : 0);
        p->u_start[e] = at;
        for (size_t q = 0; q < d->basis->npath; q++) {
            double u = d->basis->U[d->row * d->basis->npath + q];
            if (u == 0) continue;
            p->u_path[at] = (uint32_t)(d->first_path + q);
            p->u[at++] = u;
        }
    }
    p->u_start[p->nentry] = at;
    return RACAH_OK;
}

static racah_status build(builder *b, racah_error *err)
{
    const size_t n2 = b->n * b->n;
    RACAHI_TRY(make_bases(b, err));
    b->product = racahi_calloc(n2, sizeof *b->product);
    b->votes = racahi_calloc(n2, sizeof *b->votes);
    b->chosen = racahi_calloc(n2, sizeof *b->chosen);
    b->outer = racahi_calloc(n2, sizeof *b->outer);
    b->drafts = racahi_malloc(b->ndraft, sizeof *b->drafts);
    b->p->pair = racahi_malloc(n2, sizeof *b->p->pair);
    if (!b->product || !b->votes || !b->chosen || !b->outer || !b->drafts || !b->p->pair)
        return no_memory(b->p, n2 * (sizeof *b->product + sizeof *b->votes + sizeof *b->chosen + sizeof *b->outer +
                                     sizeof *b->p->pair) + b->ndraft * sizeof *b->drafts, err);
    make_drafts(b);
    factor(b);
    b->p->nnode = b->n + b->p->npair;
    return make_entries(b, err);
}

/* ---- sums that are written out --------------------------------------------------------------- */

#define OUTPUT(lm)
#define RUN(a) 0x100 | a,
#define ITEM(b) 0x200 | b,
#define X(x) x,
#define END_ITEM(b)
#define END_RUN(a)
#define END_OUTPUT(lm)
static const uint16_t list_303[] = {
#include "product_303_list.inc"
};
static const uint16_t list_313[] = {
#include "product_313_list.inc"
};

/* Is the plan the one of the list? */
static bool listed(const racahi_product *p, const uint16_t *list, size_t n)
{
    const racahi_product_item *item = p->item;
    const uint16_t *x = p->x;
    if (n != p->nrun + p->nitem + p->nentry - p->nsquare || p->nsquare != p->S) return false;
    for (size_t r = 0; r < p->nrun; r++) {
        if (*list++ != (0x100 | p->run[r].a)) return false;
        for (const racahi_product_item *end = item + p->run[r].count; item != end; item++) {
            if (*list++ != (0x200 | item->b)) return false;
            for (size_t k = 0; k < item->count; k++)
                if (*list++ != *x++) return false;
        }
    }
    return true;
}

static int written_out(const racahi_product *p)
{
    const int shape = 100 * p->lmax + 10 * p->Lout + p->order;
    if (shape == 303 && listed(p, list_303, sizeof list_303 / sizeof *list_303)) return shape;
    if (shape == 313 && listed(p, list_313, sizeof list_313 / sizeof *list_313)) return shape;
    return 0;
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
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "product plan: %zu bytes do not fit in memory", sizeof *p);
    p->lmax = lmax, p->Lout = Lout, p->order = order;
    p->S = (size_t)(lmax + 1) * (size_t)(lmax + 1);
    p->nLM = (size_t)(Lout + 1) * (size_t)(Lout + 1);
    p->kernels = racahi_product_pick(isa);
    builder b = {.p = p, .n = 1 + p->S};
    racah_status status = build(&b, err);
    for (size_t i = 0; i < sizeof b.basis / sizeof *b.basis; i++) racahi_symbasis_destroy(b.basis[i]);
    racahi_free(b.product);
    racahi_free(b.votes);
    racahi_free(b.chosen);
    racahi_free(b.outer);
    racahi_free(b.drafts);
    if (status != RACAH_OK) {
        racahi_product_destroy(p);
        return status;
    }
    p->unrolled = written_out(p);
    *out = p;
    return RACAH_OK;
}

void racahi_product_destroy(racahi_product *p)
{
    if (!p) return;
    racahi_free(p->pair);
    racahi_free(p->run);
    racahi_free(p->item);
    racahi_free(p->x);
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
    const size_t entries = p->nentry - p->nsquare;
    return backward ? 5 * p->npair + 3 * p->nrun + 5 * p->nitem + 4 * entries + 3 * p->nsquare
                    : p->npair + 2 * (p->nrun + p->nitem + entries) + 3 * p->nsquare;
}

size_t racahi_product_ws_size(const racahi_product *p)
{
    return p->nnode * 2 * RACAHI_PRODUCT_ATOMS * RACAHI_ALIGN; /* values and adjoints, one vector each */
}

/* ---- weights ------------------------------------------------------------------------------- */

void racahi_product_expand_f64(const racahi_product *p, size_t Cp, const double *W, double *coef)
{
    for (size_t c0 = 0, n; c0 < Cp; c0 += n) {
        n = racahi_product_width(Cp, c0);
        double *restrict y = coef + racahi_product_place(p, c0);
        for (size_t e = 0; e < p->nentry; e++, y += n) {
            memset(y, 0, n * sizeof *y);
            for (size_t i = p->u_start[e]; i < p->u_start[e + 1]; i++) {
                const double *x = W + p->u_path[i] * Cp + c0, u = p->u[i];
#pragma omp simd
                for (size_t c = 0; c < n; c++) y[c] += u * x[c];
            }
        }
    }
}

void racahi_product_expand_backward_f64(const racahi_product *p, size_t Cp, const double *dcoef, double *dW)
{
    for (size_t c0 = 0, n; c0 < Cp; c0 += n) {
        n = racahi_product_width(Cp, c0);
        const double *y = dcoef + racahi_product_place(p, c0);
        for (size_t e = 0; e < p->nentry; e++, y += n)
            for (size_t i = p->u_start[e]; i < p->u_start[e + 1]; i++) {
                double *restrict x = dW + p->u_path[i] * Cp + c0;
                const double u = p->u[i];
#pragma omp simd
                for (size_t c = 0; c < n; c++) x[c] += u * y[c];
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
