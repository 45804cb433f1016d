/* SPDX-License-Identifier: MIT
 * Plan and driver of the node-side convolution. */
#include "conv_cp_internal.h"

#include <string.h>

/* ---- plan --------------------------------------------------------------------------------------- */

/* Both precisions of a[rows][cols] and, where asked, of its transpose. */
static bool store(const double *a, size_t rows, size_t cols, double **f64, float **f32, double **t64,
                  float **t32)
{
    size_t n = rows * cols;
    *f64 = racahi_malloc(n, sizeof **f64), *f32 = racahi_malloc(n, sizeof **f32);
    if (t64) *t64 = racahi_malloc(n, sizeof **t64), *t32 = racahi_malloc(n, sizeof **t32);
    if (!*f64 || !*f32 || (t64 && (!*t64 || !*t32))) return false;
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < cols; k++) {
            double v = a[i * cols + k];
            (*f64)[i * cols + k] = v, (*f32)[i * cols + k] = (float)v;
            if (t64) (*t64)[k * rows + i] = v, (*t32)[k * rows + i] = (float)v;
        }
    return true;
}

static racah_status set_factors(racahi_nodeconv *p, const racahi_cp_factors *f, racah_error *err)
{
    p->R = (size_t)f->rank, p->Rp = (p->R + 15) / 16 * 16, p->nyp = (p->ny + 15) / 16 * 16;
    size_t nB = p->ny * p->Rp, nT = p->nf * p->R * p->nyp;
    double *B = racahi_calloc(nB + nT, sizeof *B), *BT = B + nB;
    for (size_t k = 0; B && k < p->ny; k++) {
        size_t filter = 0;
        while (p->nf > 1 && (filter + 1) * (filter + 1) <= k) filter++;
        for (size_t r = 0; r < p->R; r++)
            B[k * p->Rp + r] = BT[(filter * p->R + r) * p->nyp + k] = f->B[k * p->R + r];
    }
    bool ok = B && store(f->A, p->nx, p->R, &p->f64.A, &p->f32.A, &p->f64.AT, &p->f32.AT) &&
              store(B, p->ny, p->Rp, &p->f64.B, &p->f32.B, NULL, NULL) &&
              store(BT, p->nf * p->R, p->nyp, &p->f64.BT, &p->f32.BT, NULL, NULL) &&
              store(f->C, p->nrow, p->R, &p->f64.C, &p->f32.C, &p->f64.CT, &p->f32.CT);
    racahi_free(B);
    if (!ok) return racahi_fail(err, RACAH_ENOMEM, "convolution at the nodes: rank %zu does not fit", p->R);
    return RACAH_OK;
}

static racah_status build(racahi_nodeconv *p, racahi_nodeconv_algorithm algorithm, racahi_weights_kind kind,
                          racahi_family family, racah_error *err)
{
    static const char *const names[] = {"cg", "cp", "grid", "so2", "gaunt"};
    if (kind == RACAHI_W_PATH)
        return racahi_fail(
            err, RACAH_EUNSUPPORTED,
            "convolution: %s with path weights: they differ by (l1, l3) from edge to edge, which a "
            "transform at the nodes cannot follow; want degree or shared",
            names[algorithm]);
    if (algorithm != RACAHI_NODECONV_CP && family != RACAHI_FAMILY_GAUNT)
        return racahi_fail(
            err, RACAH_EUNSUPPORTED,
            "convolution: %s multiplies functions point by point, which is the gaunt family; the "
            "component family was asked for",
            names[algorithm]);
    racahi_cp_factors *f = NULL;
    racahi_cp_family cp = family == RACAHI_FAMILY_GAUNT ? RACAHI_CP_GAUNT : RACAHI_CP_COMPONENT;
    racah_status s =
        algorithm == RACAHI_NODECONV_CP
            ? racahi_cp_factors_create(&f, p->lin, p->ly, p->lout, cp, RACAHI_CP_EVEN, false, err)
            : racahi_cp_factors_quadrature(
                  &f, p->lin, p->ly, p->lout,
                  algorithm == RACAHI_NODECONV_GRID ? RACAHI_QUADRATURE_BEST : RACAHI_QUADRATURE_EQUAL, err);
    if (s == RACAH_OK) s = set_factors(p, f, err);
    racahi_cp_factors_destroy(f);
    return s;
}

racah_status racahi_nodeconv_create(racahi_nodeconv **out, racahi_nodeconv_algorithm algorithm, int lin,
                                    int ly, int lout, racahi_weights_kind kind, racahi_family family,
                                    racahi_isa isa, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "convolution: out = NULL");
    *out = NULL;
    if ((unsigned)algorithm > RACAHI_NODECONV_GAUNT)
        return racahi_fail(err, RACAH_EINVAL, "convolution: algorithm %d, need 0..%d", (int)algorithm,
                           RACAHI_NODECONV_GAUNT);
    racahi_nodeconv *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "convolution plan: %zu bytes do not fit", sizeof *p);
    /* the cg plan also checks all arguments */
    racah_status s = racahi_conv_create(&p->cg, lin, ly, lout, kind, family, isa, err);
    if (s == RACAH_OK) {
        p->lin = lin, p->ly = ly, p->lout = lout;
        p->nx = (size_t)((lin + 1) * (lin + 1)), p->ny = (size_t)((ly + 1) * (ly + 1));
        p->nw = racahi_conv_nw(p->cg), p->nrow = racahi_conv_nrow(p->cg);
        p->nf = p->nw;
        p->kernels = racahi_nodeconv_pick(isa);
        if (algorithm != RACAHI_NODECONV_CG) {
            racahi_conv_destroy(p->cg), p->cg = NULL;
            s = algorithm == RACAHI_NODECONV_SO2
                    ? racahi_so2conv_create(&p->so2, lin, ly, lout, kind, family, isa, err)
                    : build(p, algorithm, kind, family, err);
        }
    }
    if (s != RACAH_OK) {
        racahi_nodeconv_destroy(p);
        return s;
    }
    *out = p;
    return RACAH_OK;
}

void racahi_nodeconv_destroy(racahi_nodeconv *p)
{
    if (!p) return;
    racahi_conv_destroy(p->cg);
    racahi_so2conv_destroy(p->so2);
    void *all[] = {p->f64.A, p->f64.AT, p->f64.B, p->f64.BT, p->f64.C, p->f64.CT,
                   p->f32.A, p->f32.AT, p->f32.B, p->f32.BT, p->f32.C, p->f32.CT};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
    racahi_free(p);
}

size_t racahi_nodeconv_nw(const racahi_nodeconv *p) { return p->nw; }
size_t racahi_nodeconv_nrow(const racahi_nodeconv *p) { return p->nrow; }
size_t racahi_nodeconv_rank(const racahi_nodeconv *p) { return p->R; }

double racahi_nodeconv_flops(const racahi_nodeconv *p, size_t N, size_t nsend, size_t E, size_t Cp,
                             bool backward)
{
    double e = (double)E, c = (double)Cp, R = (double)p->R, nf = (double)p->nf;
    if (p->cg) return e * c * (double)racahi_conv_flops(p->cg, backward);
    if (p->so2) return e * c * (double)racahi_so2conv_flops(p->so2, backward);
    double node = c * R * 2 * ((double)nsend * (double)p->nx + (double)N * (double)p->nrow);
    double filter = e * R * 2 * (double)p->ny;
    if (!backward) return node + filter + e * c * R * (2 * nf + 1);
    /* again X; dM, dx; u and dX once, dw, w u, F w for each filter, and the sum over lanes */
    return node + (double)nsend * c * R * 2 * (double)p->nx + 2 * filter + e * c * R * (3 + 6 * nf);
}

/* ---- workspace ------------------------------------------------------------------------------------ */

/* In bytes, the same for both precisions: rows of a block for 128 bytes of channels, filters counted as
 * doubles. */
enum { BLOCK = 128 };

typedef struct space {
    char *F, *dF, *X, *dM, *M; /* X and dM share a place: one is of forward, one of backward */
    char *Y;                   /* [E][nyp] in the order of the senders; then dY */
    size_t *start;
    racahi_nodeconv_edge *edge;
} space;

static size_t layout(const racahi_nodeconv *p, void *ws, size_t size, size_t N, size_t nsend, size_t E,
                     space *s)
{
    racahi_arena a = ws ? racahi_arena_on(ws, size) : racahi_arena_measure();
    size_t filters = p->nf * p->Rp + p->nyp, rows = p->R * BLOCK, most = N > nsend ? N : nsend;
    if (E > SIZE_MAX / 16 / (filters + 1) || most > SIZE_MAX / 16 / (rows + 1)) return SIZE_MAX;
    s->F = racahi_arena_take(&a, E * p->nf * p->Rp, sizeof(double));
    s->dF = racahi_arena_take(&a, E * p->nf * p->Rp, sizeof(double));
    s->Y = racahi_arena_take(&a, E * p->nyp, sizeof(double));
    s->X = s->dM = racahi_arena_take(&a, most, rows);
    s->M = racahi_arena_take(&a, 2 * (1 + p->nf) * p->Rp,
                             BLOCK); /* X, dX, and two edges' sums for each filter */
    s->start = racahi_arena_take(&a, nsend + 2, sizeof *s->start);
    s->edge = racahi_arena_take(&a, E + AHEAD, sizeof *s->edge);
    return a.overflow ? SIZE_MAX : a.used;
}

size_t racahi_nodeconv_ws_size(const racahi_nodeconv *p, size_t N, size_t nsend, size_t E, size_t max_edges)
{
    space s;
    if (p->so2) return racahi_so2conv_ws_size(p->so2);
    return p->cg ? racahi_conv_ws_size(p->cg, max_edges) : layout(p, NULL, 0, N, nsend, E, &s);
}

/* The edges of each sender, in their order: a counting sort. */
static void sort_by_sender(size_t N, const size_t *ptr, size_t nsend, const int *j, const space *s)
{
    size_t E = N ? ptr[N] : 0,
           *next = s->start + 1; /* start[q+1] runs from the first of q to the first of q+1 */
    memset(s->start, 0, (nsend + 2) * sizeof *s->start);
    for (size_t e = 0; e < E; e++) s->start[(size_t)j[e] + 2]++;
    for (size_t q = 0; q < nsend; q++) s->start[q + 2] += s->start[q + 1];
    for (size_t i = 0; i < N; i++)
        for (size_t e = ptr[i]; e < ptr[i + 1]; e++) s->edge[next[j[e]]++] = (racahi_nodeconv_edge){e, i};
    for (size_t e = 0; e < AHEAD; e++) s->edge[E + e] = (racahi_nodeconv_edge){0, 0};
}

/* ---- evaluation ---------------------------------------------------------------------------------- */

#define REAL double
#define NAME(x) x##_f64
#define FIELD f64
#include "conv_cp_driver.inc"
#define REAL float
#define NAME(x) x##_f32
#define FIELD f32
#include "conv_cp_driver.inc"
