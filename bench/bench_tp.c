/* SPDX-License-Identifier: MIT
 * Convolution over a list of edges by each algorithm (cg, cp, grid, so2; `plan`: the tensor product of each edge by
 * itself), and many-body products (symmetric contraction, gaunt, grid, cp): what design.md 3.2 claims, in numbers. */
#include "bench.h"

#include "../sphere/racah_sphere.h"
#include "../tp/conv_cp.h"
#include "../tp/manybody.h"
#include "../tp/manybody_gaunt.h"
#include "../tp/product.h"
#include "../tp/racah_tp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A kernel sums a few hundred products in another order than its reference. */
#define F64_ERROR 1e-12
#define F32_ERROR 2e-5

/* ---- convolution ------------------------------------------------------------------------------------ */

/* Atoms on a cubic lattice, cell by cell in row order, with their 60 nearest neighbours: as local as a sorted
 * simulation box. */
enum { SIDE = 6, ATOMS = SIDE * SIDE * SIDE, NEIGHBOURS = 60, CHANNELS = 64 };

typedef struct conv_case {
    racahi_nodeconv *p;
    bool so2; /* its dY is another one with the same derivative (conv_so2.h): tests compare it, not we */
    void *ws;
    size_t E, ptr[ATOMS + 1], sx, sW, sY, sA;
    int *j;
    double *x, *W, *Y, *dA, *A, *dx, *dY, *dW;
    float *xf, *Wf, *Yf, *dAf, *Af, *dxf, *dYf, *dWf;
} conv_case;

static int offset_order(const void *a, const void *b)
{
    const int *p = a, *q = b;
    int d = p[0] * p[0] + p[1] * p[1] + p[2] * p[2] - q[0] * q[0] - q[1] * q[1] - q[2] * q[2];
    return d ? d : memcmp(p, q, 3 * sizeof *p);
}

static void make_edges(conv_case *c)
{
    int o[125][3], n = 0;
    for (int x = -2; x <= 2; x++)
        for (int y = -2; y <= 2; y++)
            for (int z = -2; z <= 2; z++) o[n][0] = x, o[n][1] = y, o[n++][2] = z;
    qsort(o, 125, sizeof o[0], offset_order); /* the first is the atom itself */
    c->E = (size_t)ATOMS * NEIGHBOURS;
    c->j = bench_need(racahi_malloc(c->E, sizeof *c->j));
    for (int i = 0; i < ATOMS; i++) {
        int x = i / SIDE / SIDE, y = i / SIDE % SIDE, z = i % SIDE;
        c->ptr[i] = (size_t)i * NEIGHBOURS;
        for (int k = 1; k <= NEIGHBOURS; k++)
            c->j[c->ptr[i] + (size_t)k - 1] =
                ((x + o[k][0] + SIDE) % SIDE * SIDE + (y + o[k][1] + SIDE) % SIDE) * SIDE +
                (z + o[k][2] + SIDE) % SIDE;
    }
    c->ptr[ATOMS] = c->E;
}

/* The tensor-product plan (algorithm cg: every non-zero coefficient for every channel) on the edges of one receiver
 * after the other: senders' rows copied, messages summed up, gradients added to the senders. */
typedef struct plan_case {
    conv_case *c;
    racah_tp_plan *plan;
    racah_tp_info info;
    void *ws;
    double *x, *z, *dz, *dx; /* [NEIGHBOURS] samples */
    float *xf, *zf, *dzf, *dxf;
    bool both;
} plan_case;

/* A of the first atoms, dx of all of them (the reference is slow), dY and dW of their edges. */
typedef struct answer {
    double *A, *dx, *dY, *dW;
} answer;

static answer reference(const conv_case *c, const int l[3], racahi_weights_kind kind, size_t atoms)
{
    racah_error err;
    answer r = {bench_need(racahi_calloc(c->sA, 8)), bench_need(racahi_calloc(c->sx, 8)), bench_need(racahi_calloc(c->sY, 8)),
                bench_need(racahi_calloc(c->sW, 8))};
    for (size_t i = 0; i < atoms; i++) {
        size_t e = c->ptr[i], w = c->sW / c->E * e, y = c->sY / c->E * e, a = c->sA / ATOMS * i;
        bench_must(racahi_conv_forward_ref(l[0], l[1], l[2], kind, RACAHI_FAMILY_GAUNT, CHANNELS, NEIGHBOURS,
                                     c->j + e, c->x, c->W + w, c->Y + y, r.A + a, &err),
             &err);
        bench_must(racahi_conv_backward_ref(l[0], l[1], l[2], kind, RACAHI_FAMILY_GAUNT, CHANNELS, NEIGHBOURS,
                                      c->j + e, c->x, c->W + w, c->Y + y, c->dA + a, r.dx, r.dY + y, r.dW + w,
                                      &err),
             &err);
    }
    return r;
}

#define REAL double
#define NAME(x) x##_f64
#define FIELD(x) x
#include "bench_tp_run.inc"
#undef REAL
#undef NAME
#undef FIELD
#define REAL float
#define NAME(x) x##_f32
#define FIELD(x) x##f
#include "bench_tp_run.inc"
#undef REAL
#undef NAME
#undef FIELD

/* Forward and backward; A, dY and dW of the first atoms are checked. */
static void plan_subjects(bench *b, conv_case *c, const int l[3], racahi_weights_kind kind, const answer *r,
                          size_t atoms)
{
    racah_error err;
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.C = CHANNELS, d.l1max = l[0], d.l2max = l[1], d.l3max = l[2], d.mode = RACAH_TP_UVU;
    d.family = RACAH_TP_FAMILY_GAUNT;
    d.weights = kind == RACAHI_W_SHARED ? RACAH_TP_W_SHARED : RACAH_TP_W_DEGREE;
    uint64_t seed = 7;
    for (int single = 0; single < 2; single++) {
        plan_case q = {.c = c};
        d.dtype = single ? RACAH_TP_F32 : RACAH_TP_F64;
        bench_must(racah_tp_plan_create(&q.plan, &d, &err), &err);
        racah_tp_plan_info(q.plan, &q.info);
        q.ws = bench_need(racahi_malloc(racah_tp_ws_size(q.plan), 1));
        const size_t n1 = NEIGHBOURS * q.info.dim1, n3 = NEIGHBOURS * q.info.dim3;
        q.x = bench_numbers(&seed, n1), q.dx = bench_numbers(&seed, n1);
        q.z = bench_numbers(&seed, n3), q.dz = bench_numbers(&seed, n3);
        q.xf = bench_as_float(q.x, n1), q.dxf = bench_as_float(q.dx, n1);
        q.zf = bench_as_float(q.z, n3), q.dzf = bench_as_float(q.dz, n3);
        for (int both = 0; both < 2; both++) {
            const char *name = both ? "tpconv_plan_both" : "tpconv_plan_fwd";
            if (!bench_wanted(b, name)) continue;
            q.both = both;
            (single ? plan_run_f32 : plan_run_f64)(&q);
            const size_t e = atoms * NEIGHBOURS, y = c->sY / c->E * e, w = c->sW / c->E * e, a = c->sA / ATOMS * atoms;
            double worst = single ? bench_error_f32(c->Af, r->A, a) : bench_error_f64(c->A, r->A, a);
            if (both) {
                worst = fmax(worst, single ? bench_error_f32(c->dYf, r->dY, y) : bench_error_f64(c->dY, r->dY, y));
                worst = fmax(worst, single ? bench_error_f32(c->dWf, r->dW, w) : bench_error_f64(c->dW, r->dW, w));
            }
            char params[96];
            snprintf(params, sizeof params, "l=(%d,%d,%d) C=%d %s nnz=%zu", l[0], l[1], l[2], CHANNELS,
                     kind == RACAHI_W_SHARED ? "shared" : "degree", q.info.nnz);
            bench_subject s = {.name = name,
                               .params = params,
                               .isa = racahi_cpu_best(),
                               .single = single,
                               .run = single ? plan_run_f32 : plan_run_f64,
                               .ctx = &q,
                               .items = (double)c->E,
                               .item = "edge",
                               .flops = (double)c->E * (q.info.flops_forward + (both ? q.info.flops_backward : 0)),
                               .max_err = worst,
                               .allowed = single ? F32_ERROR : F64_ERROR};
            bench_subject_run(b, &s);
        }
        void *all[] = {q.ws, q.x, q.z, q.dz, q.dx, q.xf, q.zf, q.dzf, q.dxf};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
        racah_tp_plan_destroy(q.plan);
    }
}

static conv_case conv_make(const int l[3], racahi_weights_kind kind)
{
    uint64_t seed = 5;
    conv_case c = {0};
    make_edges(&c);
    size_t nw = kind == RACAHI_W_SHARED ? 1 : (size_t)l[1] + 1;
    c.sx = (size_t)(ATOMS * CHANNELS * (l[0] + 1) * (l[0] + 1)), c.sW = c.E * nw * CHANNELS;
    c.sY = c.E * (size_t)((l[1] + 1) * (l[1] + 1)),
    c.sA = (size_t)(ATOMS * CHANNELS * (l[2] + 1) * (l[2] + 1));
    c.x = bench_numbers(&seed, c.sx), c.W = bench_numbers(&seed, c.sW), c.Y = bench_numbers(&seed, c.sY);
    racah_error err;
    double *r = bench_numbers(&seed, 3 * c.E); /* directions */
    bench_must(racah_sph_eval_f64(l[1], RACAH_SPH_COMPONENT, c.E, r, c.Y, NULL, &err), &err);
    racahi_free(r);
    c.dA = bench_numbers(&seed, c.sA), c.A = bench_numbers(&seed, c.sA), c.dx = bench_numbers(&seed, c.sx);
    c.dY = bench_numbers(&seed, c.sY), c.dW = bench_numbers(&seed, c.sW);
    c.xf = bench_as_float(c.x, c.sx), c.Wf = bench_as_float(c.W, c.sW), c.Yf = bench_as_float(c.Y, c.sY);
    c.dAf = bench_as_float(c.dA, c.sA), c.Af = bench_as_float(c.A, c.sA), c.dxf = bench_as_float(c.dx, c.sx);
    c.dYf = bench_as_float(c.dY, c.sY), c.dWf = bench_as_float(c.dW, c.sW);
    return c;
}

static void conv_free(conv_case *c)
{
    void *all[] = {c->j,  c->x,  c->W,  c->Y,   c->dA, c->A,   c->dx,  c->dY, c->dW,
                   c->xf, c->Wf, c->Yf, c->dAf, c->Af, c->dxf, c->dYf, c->dWf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static void conv_subjects(bench *b, const int l[3], racahi_weights_kind kind)
{
    static const char *const names[] = {"tpconv_cg", "tpconv_cp", "tpconv_grid", "tpconv_so2"};
    const size_t atoms = 3; /* checked against the reference */
    if (b->filter && !strstr("tpconv", b->filter) && !strstr(b->filter, "tpconv")) return;
    conv_case c = conv_make(l, kind);
    answer r = reference(&c, l, kind, atoms);
    plan_subjects(b, &c, l, kind, &r, atoms);
    for (int a = RACAHI_NODECONV_CG; a <= RACAHI_NODECONV_SO2; a++)
        for (int isa = RACAHI_ISA_AVX2; isa <= (int)racahi_cpu_best(); isa++) {
            racah_error err;
            bench_must(racahi_nodeconv_create(&c.p, (racahi_nodeconv_algorithm)a, l[0], l[1], l[2], kind,
                                        RACAHI_FAMILY_GAUNT, (racahi_isa)isa, &err),
                 &err);
            c.so2 = a == RACAHI_NODECONV_SO2;
            c.ws = bench_need(racahi_malloc(racahi_nodeconv_ws_size(c.p, ATOMS, ATOMS, c.E, NEIGHBOURS), 1));
            char name[64], params[96];
            snprintf(params, sizeof params, "l=(%d,%d,%d) C=%d %s R=%zu", l[0], l[1], l[2], CHANNELS,
                     kind == RACAHI_W_SHARED ? "shared" : "degree", racahi_nodeconv_rank(c.p));
            for (int single = 0; single < 2; single++)
                for (int both = 0; both < 2; both++) {
                    snprintf(name, sizeof name, "%s_%s", names[a], both ? "both" : "fwd");
                    if (!bench_wanted(b, name)) continue;
                    double flops = racahi_nodeconv_flops(c.p, ATOMS, ATOMS, c.E, CHANNELS, false);
                    if (both) flops += racahi_nodeconv_flops(c.p, ATOMS, ATOMS, c.E, CHANNELS, true);
                    bench_subject s = {.name = name,
                                       .params = params,
                                       .isa = (racahi_isa)isa,
                                       .single = single,
                                       .run = single ? (both ? run_both_f32 : run_forward_f32)
                                                     : (both ? run_both_f64 : run_forward_f64),
                                       .ctx = &c,
                                       .items = (double)c.E,
                                       .item = "edge",
                                       .flops = flops,
                                       .max_err = single ? check_f32(&c, &r, atoms, both)
                                                         : check_f64(&c, &r, atoms, both),
                                       .allowed = single ? F32_ERROR : F64_ERROR};
                    bench_subject_run(b, &s);
                }
            racahi_free(c.ws);
            racahi_nodeconv_destroy(c.p);
        }
    racahi_free(r.A), racahi_free(r.dx), racahi_free(r.dY), racahi_free(r.dW);
    conv_free(&c);
}

/* ---- many-body products ----------------------------------------------------------------------------- */

enum { BODY_ATOMS = 16 };

typedef struct body_case {
    racahi_manybody *m; /* or */
    racahi_manybody_gaunt *g; /* or */
    racahi_product *p;
    void *ws;
    double *W, *A, *B, *dB, *dA, *dW;
} body_case;

static void run_manybody(void *ctx)
{
    body_case *c = ctx;
    racahi_manybody_forward_f64(c->m, c->ws, CHANNELS, BODY_ATOMS, c->W, c->A, c->B);
    racahi_manybody_backward_f64(c->m, c->ws, CHANNELS, BODY_ATOMS, c->W, c->A, c->dB, c->dA, c->dW);
}

static void run_gaunt(void *ctx)
{
    body_case *c = ctx;
    racah_error err;
    bench_must(racahi_manybody_gaunt_forward_f64(c->g, c->ws, BODY_ATOMS, c->W, c->A, c->B, &err), &err);
    bench_must(racahi_manybody_gaunt_backward_f64(c->g, c->ws, BODY_ATOMS, c->W, c->A, c->dB, c->dA, c->dW, &err),
               &err);
}

/* W holds the coefficients here. */
static void run_product(void *ctx)
{
    body_case *c = ctx;
    racahi_product_forward_atoms_f64(c->p, c->ws, CHANNELS, BODY_ATOMS, NULL, c->W, c->A, c->B);
    racahi_product_backward_atoms_f64(c->p, c->ws, CHANNELS, BODY_ATOMS, NULL, c->W, c->A, c->dB, c->dA,
                                      NULL);
}

static void body_report(bench *b, const char *name, const char *params, racahi_isa isa, bench_fn run,
                        body_case *c, double flops, double max_err)
{
    bench_subject s = {.name = name,
                       .params = params,
                       .isa = isa,
                       .run = run,
                       .ctx = c,
                       .items = BODY_ATOMS,
                       .item = "atom",
                       .flops = flops * BODY_ATOMS * CHANNELS,
                       .max_err = max_err,
                       .allowed = F64_ERROR};
    bench_subject_run(b, &s);
}

static void body_subjects(bench *b, int lmax, int Lout, int order)
{
    static const char *const names[] = {"manybody_grid", "manybody_cp"};
    racah_error err;
    uint64_t seed = 6;
    racahi_isa isa = racahi_cpu_best();
    size_t S = (size_t)((lmax + 1) * (lmax + 1)), nout = (size_t)((Lout + 1) * (Lout + 1));
    size_t nA = BODY_ATOMS * S * CHANNELS, nB = BODY_ATOMS * nout * CHANNELS,
           nW = (size_t)(order * (Lout + 1)) * CHANNELS;
    body_case c = {.W = bench_numbers(&seed, nW),
                   .A = bench_numbers(&seed, nA),
                   .B = bench_numbers(&seed, nB),
                   .dB = bench_numbers(&seed, nB),
                   .dA = bench_numbers(&seed, nA),
                   .dW = bench_numbers(&seed, nW)};
    double *ref = bench_numbers(&seed, nB);
    char params[96];
    for (int a = RACAHI_MANYBODY_GRID; a <= RACAHI_MANYBODY_CP; a++) {
        if (!bench_wanted(b, names[a])) continue;
        bench_must(racahi_manybody_create(&c.m, (racahi_manybody_algorithm)a, lmax, Lout, order, isa, &err), &err);
        c.ws = bench_need(racahi_malloc(racahi_manybody_ws_size(c.m), 1));
        bench_must(racahi_manybody_forward_ref(lmax, Lout, order, CHANNELS, 1, c.W, c.A, ref, &err), &err);
        racahi_manybody_forward_f64(c.m, c.ws, CHANNELS, BODY_ATOMS, c.W, c.A, c.B);
        snprintf(params, sizeof params, "l=%d Lout=%d order=%d C=%d points=%zu", lmax, Lout, order, CHANNELS,
                 racahi_manybody_points(c.m));
        body_report(b, names[a], params, isa, run_manybody, &c,
                    (double)(racahi_manybody_flops(c.m, false) + racahi_manybody_flops(c.m, true)),
                    bench_error_f64(c.B, ref, nout * CHANNELS));
        racahi_free(c.ws);
        racahi_manybody_destroy(c.m);
    }
    if (bench_wanted(b, "manybody_gaunt")) {
        bench_must(racahi_manybody_gaunt_create(&c.g, RACAH_TP_GAUNT, lmax, Lout, order, CHANNELS, RACAH_TP_F64, &err),
                   &err);
        c.ws = bench_need(racahi_malloc(racahi_manybody_gaunt_ws_size(c.g, BODY_ATOMS), 1));
        bench_must(racahi_manybody_forward_ref(lmax, Lout, order, CHANNELS, 1, c.W, c.A, ref, &err), &err);
        run_gaunt(&c);
        snprintf(params, sizeof params, "l=%d Lout=%d order=%d C=%d", lmax, Lout, order, CHANNELS);
        body_report(b, "manybody_gaunt", params, isa, run_gaunt, &c,
                    racahi_manybody_gaunt_flops(c.g, false) + racahi_manybody_gaunt_flops(c.g, true),
                    bench_error_f64(c.B, ref, nout * CHANNELS));
        racahi_free(c.ws);
        racahi_manybody_gaunt_destroy(c.g);
    }
    if (lmax <= 4 && (order < 4 || lmax <= 3) && bench_wanted(b, "manybody_cg")) {
        bench_must(racahi_product_create(&c.p, lmax, Lout, order, isa, &err), &err);
        c.ws = bench_need(racahi_malloc(racahi_product_ws_size(c.p), 1));
        double *W = bench_numbers(&seed, racahi_product_npath(c.p) * CHANNELS), *few = c.W;
        c.W = bench_numbers(&seed, racahi_product_nentry(c.p) * CHANNELS);
        racahi_product_expand_f64(c.p, CHANNELS, W, c.W);
        bench_must(racahi_product_forward_ref(lmax, Lout, order, CHANNELS, W, c.A, ref, &err), &err);
        racahi_product_forward_atoms_f64(c.p, c.ws, CHANNELS, BODY_ATOMS, NULL, c.W, c.A, c.B);
        snprintf(params, sizeof params, "l=%d Lout=%d order=%d C=%d paths=%zu", lmax, Lout, order, CHANNELS,
                 racahi_product_npath(c.p));
        body_report(b, "manybody_cg", params, isa, run_product, &c,
                    (double)(racahi_product_flops(c.p, false) + racahi_product_flops(c.p, true)),
                    bench_error_f64(c.B, ref, nout * CHANNELS));
        racahi_free(W), racahi_free(few), racahi_free(c.ws);
        racahi_product_destroy(c.p);
    }
    racahi_free(c.W), racahi_free(c.A), racahi_free(c.B), racahi_free(c.dB), racahi_free(c.dA),
        racahi_free(c.dW);
    racahi_free(ref);
}

int main(int argc, char **argv)
{
    bench b;
    int rc = bench_begin(&b, argc, argv);
    if (rc >= 0) return rc;
    static const int shapes[][3] = {{1, 3, 3}, {2, 3, 3}, {3, 3, 3}, {4, 4, 4}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) conv_subjects(&b, shapes[i], RACAHI_W_SHARED);
    conv_subjects(&b, shapes[1], RACAHI_W_DEGREE);
    for (int lmax = 1; lmax <= 5; lmax++) body_subjects(&b, lmax, 1, 3);
    body_subjects(&b, 3, 3, 3);
    return bench_end(&b);
}
