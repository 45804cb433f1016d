/* SPDX-License-Identifier: MIT
 * Algorithm `cg`: the sparse coefficients themselves, for every mode, family and weight.
 *
 * A path couples a side A that carries the channels with a side B that has one number for each of its copies:
 *
 *   uvu   A = x, B = y:   z[k3,u] += sum_v W[u,v] sum_k1 K_v[k3,k1] x[k1,u],   K_v[k3,k1] = sum_k2 C y[k2,v]
 *   uvv   A = y, B = x:   z[k3,v] += sum_u W[u,v] sum_k2 K_u[k3,k2] y[k2,v],   K_u[k3,k2] = sum_k1 C x[k1,u]
 *   uvw   A = y, B = x:   T[k3,(u,v)] = sum_k2 K_u[k3,k2] y[k2,v],   z[k3,w] += sum_uv T[k3,(u,v)] W[(u,v),w]
 *
 * so the coefficients are contracted with B once for all channels, a tile of samples at a time, and what is
 * left are small dense products in registers (tp_kernel.inc) and a matrix product. All terms of uvu or uvv
 * into one output are added up in registers. uuu and uuw have no such side: the sparse sum is done channel by
 * channel. Paths into one output with one common weight (degree, shared) are added up in K. Paths with the same
 * coefficients (two parities of the same degrees) have one K. The backward pass is the transpose of each step: dA and
 * dW from K, dB from dK = sum_c W A dz of all paths with that K, again a tile of samples at a time.
 *
 * Large batches are bound by memory: the next sample is asked for ahead, and results that are written once go
 * past the caches (STREAM). */
#include "../src/linear/gemm.h"
#include "tp_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NO_WEIGHT RACAHI_TP_NO_WEIGHT

typedef struct cg_group {
    racah_tp_mode mode;
    int in1, in2, out; /* blocks; in2 of the first path */
    size_t nA, C;      /* rows and channels of side A (uuu, uuw: of x) */
    size_t mB;         /* copies on side B */
    size_t n3, m3;
    size_t a0, b0, o0; /* offsets in a sample; b0 only for uuu and uuw */
    size_t w0;         /* first weight, or NO_WEIGHT */
    bool diag, first;  /* K is a multiple of 1; first writer of the output block (uuu, uuw, uvw) */
    size_t nk, k0;     /* entries of K for one copy of B, and where the group's K is in a sample */
    size_t owner;      /* the first group with this K */
    size_t term;       /* uvw: of its first copy */
    size_t run, nrun;  /* owner: of its copies, if not plain */
    racahi_tp_map map; /* K from B */
    racahi_tp_map back; /* owner: its transpose, a row for each number of B that K is made of, and which that is: */
    size_t *target;
    size_t *ptr; /* uuu, uuw: entries of output row k3 */
    racahi_tp_entry *entry;
} cg_group;

/* What uvu (side A = x) or uvv (y) add to one output block. */
typedef struct cg_sum {
    bool of_x;
    size_t o0, n3, C, term, nterm;
    ptrdiff_t o2;        /* not 0: the second of two sums that are done at once is so far from this one */
    racahi_tp_write how; /* STREAM: its only writer */
} cg_sum;

/* The gradients of the paths with the K of one copy of B (v, of group `owner`). */
typedef struct cg_class {
    bool of_x;
    size_t owner, v, s0; /* s0: where its K is in its run */
} cg_class;

/* Classes one after the other, of which whole vectors of n numbers of K are turned and added up. */
enum { RUN = 64 };
typedef struct cg_run {
    size_t class, nclass, k0, n, step, nstep;
} cg_run;

typedef struct cg_state {
    size_t ngroup;
    cg_group *group;
    size_t nsum, nterm;
    cg_sum *sum;
    racahi_tp_term *term;   /* the sums' terms one after the other, then those of the uvw groups */
    size_t nclass, nrun, nstep;
    cg_class *class; /* of each owner one for each copy */
    cg_run *run;
    racahi_tp_step *step;
    size_t sum_steps, grad_steps; /* in which the kernels ask ahead, about and at least 1 */
    size_t nK, max_run, max_T; /* nK: with room for a vector at the end */
    bool tile_x, tile_y;           /* is x, is y ever side B */
    bool flip;                     /* uvu with several copies: weights are turned to [v][u] */
    bool plain;                    /* only uvu, all of x is used: dx and dy need no zeroing */
    bool lines;                    /* plain, and rows are whole lines: results may go past the caches */
    size_t *unreached, nunreached; /* output blocks without a path: zero */
} cg_state;

static void free_map(racahi_tp_map *m)
{
    racahi_free(m->ptr);
    racahi_free(m->col);
    racahi_free(m->c_f64);
    racahi_free(m->c_f32);
}

static void cg_destroy(void *state)
{
    cg_state *s = state;
    if (!s) return;
    for (size_t g = 0; s->group && g < s->ngroup; g++) {
        free_map(&s->group[g].map);
        free_map(&s->group[g].back);
        racahi_free(s->group[g].target);
        racahi_free(s->group[g].ptr);
        racahi_free(s->group[g].entry);
    }
    racahi_free(s->group);
    racahi_free(s->sum);
    racahi_free(s->term);
    racahi_free(s->class);
    racahi_free(s->run);
    racahi_free(s->step);
    racahi_free(s->unreached);
    racahi_free(s);
}

static bool side_is_x(const cg_group *g) { return g->mode == RACAH_TP_UVU; }
static bool in_sum(const cg_group *g) { return g->mode == RACAH_TP_UVU || g->mode == RACAH_TP_UVV; }
static bool by_channel(const cg_group *g) { return g->mode == RACAH_TP_UUU || g->mode == RACAH_TP_UUW; }

/* Whole vectors, as many as the smallest numbers fill. */
static size_t padded(size_t nk)
{
    return (nk + RACAHI_TP_LANES(float) - 1) / RACAHI_TP_LANES(float) * RACAHI_TP_LANES(float);
}

static size_t weight_start(const racah_tp_plan *p, size_t path)
{
    const racahi_tp_path *t = &p->path[path];
    switch (p->d.weights) {
    case RACAH_TP_W_PATH: return t->ins.has_weight ? t->w0 : NO_WEIGHT;
    case RACAH_TP_W_DEGREE: return (size_t)t->ins.in2 * (size_t)p->C;
    case RACAH_TP_W_SHARED: return 0;
    case RACAH_TP_W_SEPARABLE:
        return path * (size_t)p->C; /* of the products a b d, formed in the workspace */
    case RACAH_TP_W_NONE: break;
    }
    return NO_WEIGHT;
}

/* Can path `path` share K with group g? Same blocks of A and output, same weight, one copy of B. */
static bool same_group(const racah_tp_plan *p, const cg_group *g, size_t path)
{
    const racahi_tp_path *t = &p->path[path];
    bool common = p->d.weights == RACAH_TP_W_DEGREE || p->d.weights == RACAH_TP_W_SHARED ||
                  p->d.weights == RACAH_TP_W_NONE;
    return common && g->mode == RACAH_TP_UVU && t->ins.mode == RACAH_TP_UVU && g->mB == 1 &&
           t->b2->mul == 1 && g->in1 == t->ins.in1 && g->out == t->ins.out && g->w0 == weight_start(p, path);
}

static void start_group(const racah_tp_plan *p, size_t path, cg_group *g)
{
    const racahi_tp_path *t = &p->path[path];
    *g = (cg_group){.mode = t->ins.mode, .in1 = t->ins.in1, .in2 = t->ins.in2, .out = t->ins.out};
    bool x_side = side_is_x(g) || by_channel(g);
    const racahi_irrep *A = x_side ? t->b1 : t->b2, *B = x_side ? t->b2 : t->b1;
    g->nA = 2 * (size_t)A->l + 1, g->C = (size_t)A->mul, g->a0 = A->offset;
    g->mB = (size_t)B->mul, g->b0 = B->offset;
    g->n3 = 2 * (size_t)t->b3->l + 1, g->m3 = (size_t)t->b3->mul, g->o0 = t->b3->offset;
    g->w0 = weight_start(p, path);
}

/* ---- tables ------------------------------------------------------------------------------------------ */

/* All entries of the group's paths in a dense count first: row (kA, k3), then the columns. */
static racah_status make_map(const racah_tp_plan *p, cg_group *g, const size_t *member, size_t n,
                             racah_error *err)
{
    size_t rows = g->n3 * g->nA, total = 0;
    racahi_tp_map *m = &g->map;
    m->ptr = racahi_calloc(rows + 1, sizeof *m->ptr);
    if (!m->ptr) return racahi_fail(err, RACAH_ENOMEM, "tp cg: a table does not fit in memory");
    for (int fill = 0; fill < 2; fill++) {
        for (size_t i = 0; i < n; i++) {
            const racahi_tp_path *t = &p->path[member[i]];
            size_t n1 = 2 * (size_t)t->b1->l + 1, n2 = 2 * (size_t)t->b2->l + 1;
            double *C;
            RACAHI_TRY(racahi_tp_path_tensor(p, t, &C, err));
            for (size_t k1 = 0; k1 < n1; k1++)
                for (size_t k2 = 0; k2 < n2; k2++)
                    for (size_t k3 = 0; k3 < g->n3; k3++) {
                        double c = C[(k1 * n2 + k2) * g->n3 + k3];
                        if (c == 0) continue;
                        size_t kA = side_is_x(g) ? k1 : k2, kB = side_is_x(g) ? k2 : k1;
                        const racahi_irrep *B = side_is_x(g) ? t->b2 : t->b1;
                        size_t row = kA * g->n3 + k3;
                        if (!fill) {
                            m->ptr[row + 1]++, total++;
                            continue;
                        }
                        size_t q = m->ptr[row]++;
                        m->col[q] = B->offset + kB * (size_t)B->mul;
                        m->c_f64[q] = c, m->c_f32[q] = (float)c;
                    }
            racahi_free(C);
        }
        if (fill) break;
        for (size_t r = 0; r < rows; r++) m->ptr[r + 1] += m->ptr[r];
        m->col = racahi_malloc(total, sizeof *m->col);
        m->c_f64 = racahi_malloc(total, sizeof *m->c_f64);
        m->c_f32 = racahi_malloc(total, sizeof *m->c_f32);
        if (!m->col || !m->c_f64 || !m->c_f32)
            return racahi_fail(err, RACAH_ENOMEM, "tp cg: %zu coefficients do not fit in memory", total);
    }
    for (size_t r = rows; r > 0; r--)
        m->ptr[r] = m->ptr[r - 1]; /* filling moved every start to the next one */
    m->ptr[0] = 0;
    m->nrow = rows;
    /* one scalar on side B couples equal components with equal strength: one entry of K is enough */
    const racahi_tp_path *t = &p->path[member[0]];
    g->diag = n == 1 && (side_is_x(g) ? t->b2->l : t->b1->l) == 0 && g->mode != RACAH_TP_UVW;
    if (g->diag) m->nrow = 1;
    g->nk = m->nrow;
    return RACAH_OK;
}

static racah_status make_entries(const racah_tp_plan *p, cg_group *g, size_t path, racah_error *err)
{
    const racahi_tp_path *t = &p->path[path];
    size_t n1 = 2 * (size_t)t->b1->l + 1, n2 = 2 * (size_t)t->b2->l + 1, n = 0;
    double *C;
    RACAHI_TRY(racahi_tp_path_tensor(p, t, &C, err));
    for (size_t i = 0; i < n1 * n2 * g->n3; i++) n += C[i] != 0;
    g->ptr = racahi_calloc(g->n3 + 1, sizeof *g->ptr);
    g->entry = racahi_malloc(n, sizeof *g->entry);
    if (!g->ptr || !g->entry) {
        racahi_free(C);
        return racahi_fail(err, RACAH_ENOMEM, "tp cg: %zu coefficients do not fit in memory", n);
    }
    n = 0;
    for (size_t k3 = 0; k3 < g->n3; k3++) {
        for (size_t k1 = 0; k1 < n1; k1++)
            for (size_t k2 = 0; k2 < n2; k2++) {
                double c = C[(k1 * n2 + k2) * g->n3 + k3];
                if (c != 0) g->entry[n++] = (racahi_tp_entry){(int)k1, (int)k2, c, (float)c};
            }
        g->ptr[k3 + 1] = n;
    }
    racahi_free(C);
    return RACAH_OK;
}

/* Is K of group h that of g? */
static bool same_K(const cg_group *g, const cg_group *h)
{
    const racahi_tp_map *m = &g->map, *o = &h->map;
    if (!in_sum(g) || g->mode != h->mode || g->mB != h->mB || g->nA != h->nA || g->n3 != h->n3 || g->C != h->C ||
        g->diag != h->diag || (g->w0 == NO_WEIGHT) != (h->w0 == NO_WEIGHT) || m->nrow != o->nrow ||
        memcmp(m->ptr, o->ptr, (m->nrow + 1) * sizeof *m->ptr) != 0)
        return false;
    const size_t total = m->ptr[m->nrow];
    return memcmp(m->col, o->col, total * sizeof *m->col) == 0 &&
           memcmp(m->c_f64, o->c_f64, total * sizeof *m->c_f64) == 0;
}

static racah_status make_groups(racah_tp_plan *p, cg_state *s, size_t *group_of, size_t *member,
                                racah_error *err)
{
    for (size_t i = 0; i < p->npath; i++) {
        const racahi_tp_path *t = &p->path[i];
        if (!t->b1->mul || !t->b2->mul || !t->b3->mul) {
            group_of[i] = SIZE_MAX;
            continue;
        }
        size_t g = 0;
        while (g < s->ngroup && !same_group(p, &s->group[g], i)) g++;
        if (g == s->ngroup) start_group(p, i, &s->group[s->ngroup++]);
        group_of[i] = g;
    }
    for (size_t g = 0; g < s->ngroup; g++) {
        size_t n = 0, owner = 0;
        for (size_t i = 0; i < p->npath; i++)
            if (group_of[i] == g) member[n++] = i;
        if (by_channel(&s->group[g])) {
            RACAHI_TRY(make_entries(p, &s->group[g], member[0], err));
            continue;
        }
        RACAHI_TRY(make_map(p, &s->group[g], member, n, err));
        while (owner < g && !same_K(&s->group[g], &s->group[owner])) owner++;
        s->group[g].owner = owner;
    }
    return RACAH_OK;
}

/* Terms of all copies of group g. */
static void add_terms(cg_state *s, const cg_group *g)
{
    for (size_t v = 0; v < g->mB; v++) {
        s->term[s->nterm++] = (racahi_tp_term){
            .n1 = g->diag ? 0 : g->nA,
            .k0 = g->k0 + v * g->nk,
            .x0 = g->a0,
            .w0 = g->w0 == NO_WEIGHT || g->mode == RACAH_TP_UVW ? NO_WEIGHT : g->w0 + v * g->C};
    }
}

/* The terms of one side into output block b, if there are any. */
static void make_sum(cg_state *s, int b, bool of_x)
{
    cg_sum q = {.of_x = of_x, .term = s->nterm, .how = RACAHI_TP_STREAM};
    for (size_t i = 0; i < s->ngroup; i++) {
        const cg_group *g = &s->group[i];
        if (g->out != b) continue;
        if (in_sum(g) && side_is_x(g) == of_x) {
            q.o0 = g->o0, q.n3 = g->n3, q.C = g->C;
            add_terms(s, g);
        } else if (side_is_x(g)) {
            q.how = RACAHI_TP_ADD; /* the sums of x come first */
        } else if (q.how == RACAHI_TP_STREAM) {
            q.how = RACAHI_TP_SET; /* not the only writer */
        }
    }
    q.nterm = s->nterm - q.term;
    if (q.nterm) s->sum[s->nsum++] = q;
}

/* ---- the way back -------------------------------------------------------------------------------------- */

/* The transpose of the group's map. number: room for the numbers of B. */
static racah_status make_back(cg_group *g, size_t *number, racah_error *err)
{
    const racahi_tp_map *m = &g->map;
    racahi_tp_map *t = &g->back;
    const size_t total = m->ptr[m->nrow];
    for (size_t q = 0; q < total; q++) {
        size_t i = 0;
        while (i < t->nrow && number[i] != m->col[q]) i++;
        if (i == t->nrow) number[t->nrow++] = m->col[q];
    }
    t->ptr = racahi_calloc(t->nrow + 1, sizeof *t->ptr);
    t->col = racahi_malloc(total, sizeof *t->col);
    t->c_f64 = racahi_malloc(total, sizeof *t->c_f64);
    t->c_f32 = racahi_malloc(total, sizeof *t->c_f32);
    g->target = racahi_malloc(t->nrow, sizeof *g->target);
    if (!t->ptr || !t->col || !t->c_f64 || !t->c_f32 || !g->target)
        return racahi_fail(err, RACAH_ENOMEM, "tp cg: %zu coefficients do not fit in memory", total);
    size_t n = 0;
    for (size_t i = 0; i < t->nrow; i++) {
        g->target[i] = number[i];
        for (size_t row = 0; row < m->nrow; row++)
            for (size_t q = m->ptr[row]; q < m->ptr[row + 1]; q++) {
                if (m->col[q] != number[i]) continue;
                t->col[n] = row, t->c_f64[n] = m->c_f64[q], t->c_f32[n++] = m->c_f32[q];
            }
        t->ptr[i + 1] = n;
    }
    return RACAH_OK;
}

/* Copy v of the groups with the K of group `owner`, whose places are collected at `place`. */
static racahi_tp_class one_class(const racah_tp_plan *p, const cg_state *s, size_t owner, size_t v,
                                 racahi_tp_place *place)
{
    const cg_group *o = &s->group[owner];
    racahi_tp_class t = {.n1 = o->diag ? 0 : o->nA,
                         .n3 = o->n3,
                         .C = o->C,
                         .k0 = o->k0 + v * o->nk,
                         .side = side_is_x(o) || o->mode == RACAH_TP_UVW ? 0 : 1,
                         .place = place};
    for (const cg_group *g = o; g < s->group + s->ngroup; g++) {
        if (by_channel(g) || g->owner != owner) continue;
        racahi_tp_place *q = &place[t.nplace++];
        *q = (racahi_tp_place){.x0 = g->a0, .w0 = NO_WEIGHT, .z0 = g->o0, .how = RACAHI_TP_ADD_X | RACAHI_TP_ADD_W};
        if (g->mode == RACAH_TP_UVW) {
            q->z0 = v * g->n3 * g->C; /* of dT turned to (mB, n3, C) */
        } else if (g->w0 != NO_WEIGHT) {
            q->w0 = g->w0 + v * g->C;
            if (p->sets_dw) q->how = RACAHI_TP_ADD_X | RACAHI_TP_OUT_W;
        }
    }
    return t;
}

/* Of the n places, the first and the last that read the rows of x at x0, where x is all there is on side A. */
static void mark_ends(racahi_tp_place *place, size_t n, size_t x0)
{
    racahi_tp_place *end = NULL;
    for (racahi_tp_place *q = place; q < place + n; q++) {
        if (q->x0 != x0) continue;
        if (!end) q->how &= ~(unsigned)RACAHI_TP_ADD_X;
        end = q;
    }
    if (end) end->how |= RACAHI_TP_OUT_X;
}

/* The steps of all runs, or how many there are. */
static void make_steps(const racahi_tp_step_limits *most, cg_state *s, const racahi_tp_class *t)
{
    s->nstep = 0;
    for (cg_run *r = s->run; r < s->run + s->nrun; r++) {
        r->step = s->nstep;
        for (size_t i = r->class; i < r->class + r->nclass; i++)
            s->nstep += racahi_tp_split(most, &t[i], s->step ? s->step + s->nstep : NULL);
        r->nstep = s->nstep - r->step;
    }
    s->grad_steps = 0;
    for (const racahi_tp_step *q = s->step; q && q < s->step + s->nstep; q++) {
        const size_t nv = racahi_tp_block_vectors(most->registers, q->n1, q->rows);
        if (q->kind == RACAHI_TP_BLOCK) s->grad_steps += q->m / (nv * most->lanes);
        else s->grad_steps += q->columns ? q->n : q->rows ? q->n1 : 1;
    }
    if (!s->grad_steps) s->grad_steps = 1;
}

/* The classes of group i, whose places are collected at `place`; returns how many of them there are. A run ends with the
 * group where others are not of its kind. */
static size_t add_classes(const racah_tp_plan *p, cg_state *s, size_t i, racahi_tp_class *t, racahi_tp_place *place)
{
    cg_group *g = &s->group[i];
    size_t places = 0;
    g->run = s->nrun;
    for (size_t v = 0; v < g->mB; v++, s->nclass++) {
        if (!s->nrun || s->run[s->nrun - 1].n >= RUN || (!s->plain && v == 0))
            s->run[s->nrun++] = (cg_run){.class = s->nclass, .k0 = g->k0 + v * g->nk};
        cg_run *r = &s->run[s->nrun - 1];
        t[s->nclass] = one_class(p, s, i, v, place + places);
        t[s->nclass].s0 = r->n;
        places += t[s->nclass].nplace;
        s->class[s->nclass] = (cg_class){.of_x = side_is_x(g), .owner = i, .v = v, .s0 = r->n};
        r->n += g->nk, r->nclass++;
        if (r->n > s->max_run) s->max_run = r->n;
    }
    g->nrun = s->nrun - g->run;
    return places;
}

/* t, place: for the classes and their places; number: for the numbers of B. */
static racah_status fill_classes(const racah_tp_plan *p, cg_state *s, racahi_tp_class *t, racahi_tp_place *place,
                                 size_t *number, racah_error *err)
{
    size_t places = 0;
    for (size_t i = 0; i < s->ngroup; i++) {
        if (by_channel(&s->group[i]) || s->group[i].owner != i) continue;
        RACAHI_TRY(make_back(&s->group[i], number, err));
        places += add_classes(p, s, i, t, place + places);
    }
    for (size_t b = 0; b < p->in1.n && s->plain; b++) mark_ends(place, places, p->in1.block[b].offset);
    const racahi_tp_step_limits *most = p->d.dtype == RACAH_TP_F64 ? &p->k_f64->limits : &p->k_f32->limits;
    make_steps(most, s, t);
    s->step = racahi_calloc(s->nstep, sizeof *s->step);
    if (s->nstep && !s->step)
        return racahi_fail(err, RACAH_ENOMEM, "tp cg: %zu steps do not fit in memory", s->nstep);
    make_steps(most, s, t);
    return RACAH_OK;
}

static racah_status make_classes(const racah_tp_plan *p, cg_state *s, size_t terms, racah_error *err)
{
    racahi_tp_class *t = racahi_calloc(terms, sizeof *t);
    racahi_tp_place *place = racahi_calloc(terms, sizeof *place);
    size_t *number = racahi_calloc(p->in1.dim + p->in2.dim, sizeof *number);
    racah_status status = RACAH_ENOMEM;
    s->class = racahi_calloc(terms, sizeof *s->class);
    s->run = racahi_calloc(terms, sizeof *s->run);
    if (!t || !place || !number || !s->class || !s->run)
        racahi_set_error(err, status, "tp cg: %zu terms do not fit in memory", terms);
    else
        status = fill_classes(p, s, t, place, number, err);
    racahi_free(t);
    racahi_free(place);
    racahi_free(number);
    return status;
}

static int by_K(const void *a, const void *b)
{
    const racahi_tp_term *s = a, *t = b;
    return (s->k0 > t->k0) - (s->k0 < t->k0);
}

/* Sums that can be done along with an earlier one, since their terms have the same K (two parities), become its second:
 * a number of K is then read once for both. */
static void pair_sums(const racah_tp_plan *p, cg_state *s)
{
    const racahi_tp_step_limits *most = p->d.dtype == RACAH_TP_F64 ? &p->k_f64->limits : &p->k_f32->limits;
    for (size_t q = 0; q < s->nsum; q++) qsort(s->term + s->sum[q].term, s->sum[q].nterm, sizeof *s->term, by_K);
    size_t n = 0;
    for (size_t q = 0; q < s->nsum; q++) {
        const cg_sum b = s->sum[q];
        size_t i = 0;
        for (; i < n && most->vectors == 4 && b.C == 2 * most->lanes; i++) {
            const cg_sum *a = &s->sum[i];
            if (a->o2 || a->of_x != b.of_x || a->n3 != b.n3 || a->C != b.C || a->nterm != b.nterm || a->how != b.how)
                continue;
            const racahi_tp_term *t = s->term + a->term, *u = s->term + b.term, *end = t + a->nterm;
            while (t < end && t->n1 == u->n1 && t->k0 == u->k0 &&
                   (t->w0 == NO_WEIGHT) == (u->w0 == NO_WEIGHT))
                t++, u++;
            if (t == end) break;
        }
        if (i == n || b.C != 2 * most->lanes || most->vectors != 4) {
            s->sum[n++] = b;
            continue;
        }
        s->sum[i].o2 = (ptrdiff_t)b.o0 - (ptrdiff_t)s->sum[i].o0;
        for (size_t k = 0; k < b.nterm; k++) {
            racahi_tp_term *t = s->term + s->sum[i].term + k;
            const racahi_tp_term *u = s->term + b.term + k;
            t->x2 = (ptrdiff_t)u->x0 - (ptrdiff_t)t->x0;
            if (t->w0 != NO_WEIGHT) t->w2 = (ptrdiff_t)u->w0 - (ptrdiff_t)t->w0;
        }
    }
    s->nsum = n;
}

static void make_sums(const racah_tp_plan *p, cg_state *s)
{
    for (int of_y = 0; of_y < 2; of_y++)
        for (size_t b = 0; b < p->out.n; b++) make_sum(s, (int)b, !of_y);
    pair_sums(p, s);
    s->plain = true;
    for (size_t i = 0; i < s->ngroup; i++) s->plain = s->plain && s->group[i].mode == RACAH_TP_UVU;
    for (size_t i = 0; i < p->in1.n && s->plain; i++) {
        const racahi_irrep *q = &p->in1.block[i];
        size_t t = 0;
        while (t < s->nterm && s->term[t].x0 != q->offset) t++;
        s->plain = t < s->nterm;
    }
    s->sum_steps = 0;
    for (size_t q = 0; q < s->nsum; q++) {
        const cg_sum *u = &s->sum[q];
        size_t steps = u->C / (p->d.dtype == RACAH_TP_F64 ? RACAHI_TP_LANES(double) : RACAHI_TP_LANES(float));
        s->sum_steps += (u->o2 ? 1 : u->n3 > 5 ? steps / 2 : steps / 4) * u->nterm;
    }
    if (!s->sum_steps) s->sum_steps = 1;
    s->lines = s->plain && !s->flip;
    for (size_t i = 0; i < s->ngroup; i++) {
        cg_group *g = &s->group[i];
        if (g->C * (p->d.dtype == RACAH_TP_F64 ? 8 : 4) % 64) s->lines = false;
        if (g->mode != RACAH_TP_UVW) continue;
        g->term = s->nterm;
        add_terms(s, g);
    }
}

/* Where K is, sizes of the buffers, first writers, cost. */
static void finish(racah_tp_plan *p, cg_state *s, bool *reached)
{
    for (size_t pass = 0; pass < 2; pass++) /* sums write before the other groups */
        for (size_t i = 0; i < s->ngroup; i++) {
            cg_group *g = &s->group[i];
            if (in_sum(g) != (pass == 0)) continue;
            g->first = !reached[g->out], reached[g->out] = true;
        }
    for (size_t i = 0; i < s->ngroup; i++) {
        cg_group *g = &s->group[i];
        double C = (double)g->C, n3 = (double)g->n3, copies = (double)g->mB;
        if (by_channel(g)) {
            double nnz = (double)g->ptr[g->n3];
            p->flops_forward += C * (3 * nnz + n3), p->flops_backward += C * (8 * nnz + 3 * n3);
        } else {
            double dense = g->diag ? n3 : n3 * (double)g->nA, of_K = 0;
            g->k0 = s->nK;
            if (g->owner == i)
                s->nK += g->nk * g->mB, of_K = 2 * (double)g->map.ptr[g->map.nrow];
            else
                g->k0 = s->group[g->owner].k0;
            if (side_is_x(g))
                s->tile_y = true;
            else
                s->tile_x = true;
            p->flops_forward += copies * (C * (2 * dense + n3) + of_K);
            p->flops_backward += copies * (C * (4 * dense + 4 * (double)g->nA) + of_K);
        }
        size_t T = g->mode == RACAH_TP_UVW   ? g->n3 * g->mB * g->C
                   : g->mode == RACAH_TP_UUW ? g->n3 * g->C
                                             : 0;
        if (T > s->max_T) s->max_T = T;
        p->flops_forward += 2 * (double)T * (T ? (double)g->m3 : 0);
        p->flops_backward += 4 * (double)T * (T ? (double)g->m3 : 0);
        if (g->mode == RACAH_TP_UVU && g->mB > 1 && g->w0 != NO_WEIGHT) s->flip = true;
    }
    s->nK = padded(s->nK + RACAHI_TP_LANES(float));
    make_sums(p, s);
    for (size_t b = 0; b < p->out.n; b++)
        if (!reached[b]) s->unreached[s->nunreached++] = b;
    p->sets_dw = s->plain && !s->flip && p->d.weights == RACAH_TP_W_PATH && !p->d.weights_common;
}

static size_t cg_workspace(const racah_tp_plan *p);

static racah_status cg_create(racah_tp_plan *p, racah_error *err)
{
    cg_state *s = p->state = racahi_calloc(1, sizeof *s);
    size_t *scratch = racahi_calloc(2 * p->npath, sizeof *scratch);
    bool *reached = racahi_calloc(p->out.n, sizeof *reached);
    size_t terms = 0; /* at most */
    for (size_t i = 0; i < p->npath; i++)
        terms += (size_t)(p->path[i].b1->mul > p->path[i].b2->mul ? p->path[i].b1->mul : p->path[i].b2->mul);
    racah_status status = RACAH_ENOMEM;
    if (s) {
        s->group = racahi_calloc(p->npath, sizeof *s->group);
        s->unreached = racahi_calloc(p->out.n, sizeof *s->unreached);
        s->sum = racahi_calloc(2 * p->out.n + 1, sizeof *s->sum);
        s->term = racahi_calloc(terms, sizeof *s->term);
    }
    if (!s || !scratch || !reached || !s->group || !s->unreached || !s->sum || !s->term)
        racahi_set_error(err, status, "tp cg: %zu paths do not fit in memory", p->npath);
    else
        status = make_groups(p, s, scratch, scratch + p->npath, err);
    if (status == RACAH_OK) {
        finish(p, s, reached);
        status = make_classes(p, s, terms, err);
        p->ws_algorithm = cg_workspace(p);
    }
    racahi_free(scratch);
    racahi_free(reached);
    return status;
}

#define REAL double
#define NAME(x) x##_f64
#include "tp_cg.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "tp_cg.inc"
#undef REAL
#undef NAME

static size_t cg_workspace(const racah_tp_plan *p)
{
    racahi_arena a = racahi_arena_measure();
    if (p->d.dtype == RACAH_TP_F64) {
        cg_buffers_f64 b;
        cg_layout_f64(p, &a, &b);
    } else {
        cg_buffers_f32 b;
        cg_layout_f32(p, &a, &b);
    }
    return a.used;
}

const racahi_tp_ops racahi_tp_cg = {RACAH_TP_CG,     cg_create,      cg_destroy,     cg_forward_f64,
                                    cg_backward_f64, cg_forward_f32, cg_backward_f32};
