/* SPDX-License-Identifier: MIT
 * Kernels one by one, for every instruction set of this CPU, double and single: spherical harmonics, radial
 * table, convolution over edges, many-body product. */
#include "bench.h"

#include "../sphere/sph.h"
#include "../src/radial/radial.h"
#include "../tp/conv.h"
#include "../tp/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A kernel sums a few hundred products in another order than its reference. */
#define F64_ERROR 1e-12
#define F32_ERROR 2e-4

/* ---- spherical harmonics ------------------------------------------------------------------------ */

typedef struct sph_case {
    int lmax;
    size_t n, S;
    double *r, *Y, *dY;
    float *Yf, *dYf;
    racahi_sph_fn_f64 f64;
    racahi_sph_fn_f32 f32;
} sph_case;

static void run_sph_f64(void *ctx)
{
    sph_case *c = ctx;
    c->f64(c->lmax, c->n, c->r, c->Y, c->dY);
}

static void run_sph_f32(void *ctx)
{
    sph_case *c = ctx;
    c->f32(c->lmax, c->n, c->r, c->Yf, c->dYf);
}

/* Operations on a point by sph_body.inc with gradients: direction; c_m and s_m; q_lm; values and gradients. The results
 * are turned from points side by side to rows [n][S], log2 of the lanes steps for each vector of them, on the ports that
 * do the arithmetic too: at l = 3 in double, 192 such steps beside 170 instructions for 8 points keep two ports busy for
 * 181 cycles, in which they could do 32 operations each cycle: not more than 35 % of the peak can be reached. */
static double sph_flops(int lmax)
{
    double n = 15 + 8 * lmax;
    for (int l = 1; l <= lmax; l++) n += 6 * (l - 1) + 3 + 12 + 25 * l;
    return n;
}

static void bench_sph(bench *b, int lmax)
{
    sph_case c = {.lmax = lmax, .n = 64, .S = (size_t)((lmax + 1) * (lmax + 1))};
    uint64_t seed = 1;
    size_t size = c.n * c.S;
    double *ref = bench_need(racahi_malloc(size, sizeof *ref));
    char params[64];
    c.r = bench_numbers(&seed, 3 * c.n);
    c.Y = bench_need(racahi_malloc(size, sizeof *c.Y));
    c.dY = bench_need(racahi_malloc(3 * size, sizeof *c.dY));
    c.Yf = bench_need(racahi_malloc(size, sizeof *c.Yf));
    c.dYf = bench_need(racahi_malloc(3 * size, sizeof *c.dYf));
    racahi_sph_ref(lmax, RACAH_SPH_COMPONENT, c.n, c.r, ref, NULL);
    snprintf(params, sizeof params, "l=%d with gradient", lmax);
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        c.f64 = racahi_sph_pick_f64(lmax, (racahi_isa)isa);
        c.f32 = racahi_sph_pick_f32(lmax, (racahi_isa)isa);
        run_sph_f64(&c);
        run_sph_f32(&c);
        bench_subject s = {.name = "sph",
                           .params = params,
                           .isa = (racahi_isa)isa,
                           .single = false,
                           .run = run_sph_f64,
                           .ctx = &c,
                           .items = (double)c.n,
                           .item = "vector",
                           .flops = sph_flops(lmax) * (double)c.n,
                           .max_err = bench_error_f64(c.Y, ref, size),
                           .allowed = F64_ERROR};
        bench_subject_run(b, &s);
        s.single = true, s.run = run_sph_f32;
        s.max_err = bench_error_f32(c.Yf, ref, size), s.allowed = F32_ERROR;
        bench_subject_run(b, &s);
    }
    racahi_free(ref), racahi_free(c.r), racahi_free(c.Y), racahi_free(c.dY), racahi_free(c.Yf),
        racahi_free(c.dYf);
}

/* ---- convolution --------------------------------------------------------------------------------- */

typedef struct conv_case {
    racahi_conv *plan;
    void *ws;
    size_t Cp, ne;
    int *j;
    double *x, *W, *Wr, *Y, *A, *dA, *dx, *dY, *dr;
    float *xf, *Wf, *Wrf, *Yf, *Af, *dAf, *dxf, *dYf, *drf;
} conv_case;

static void conv_forward_f64(void *ctx)
{
    conv_case *c = ctx;
    memset(c->A, 0, racahi_conv_nrow(c->plan) * c->Cp * sizeof *c->A);
    racahi_conv_forward_f64(c->plan, c->ws, c->Cp, c->ne, c->j, c->x, c->W, c->Y, c->A);
}
static void conv_forward_f32(void *ctx)
{
    conv_case *c = ctx;
    memset(c->Af, 0, racahi_conv_nrow(c->plan) * c->Cp * sizeof *c->Af);
    racahi_conv_forward_f32(c->plan, c->ws, c->Cp, c->ne, c->j, c->xf, c->Wf, c->Yf, c->Af);
}
static void conv_backward_f64(void *ctx)
{
    conv_case *c = ctx;
    racahi_conv_backward_f64(c->plan, c->ws, c->Cp, c->ne, c->j, c->x, c->W, c->Y, c->dA, c->dx, c->dY, NULL,
                             c->Wr, c->dr);
}
static void conv_backward_f32(void *ctx)
{
    conv_case *c = ctx;
    racahi_conv_backward_f32(c->plan, c->ws, c->Cp, c->ne, c->j, c->xf, c->Wf, c->Yf, c->dAf, c->dxf, c->dYf,
                             NULL, c->Wrf, c->drf);
}

/* Shapes of one convolution: rows of x and Y, weights, rows of A. */
typedef struct conv_shape {
    int lin, ly;
    size_t nx, nY, nw, nrow;
} conv_shape;

static void conv_arrays(conv_case *c, const conv_shape *s)
{
    uint64_t seed = 2;
    size_t x = c->ne * s->nx * c->Cp, W = c->ne * s->nw * c->Cp, Y = c->ne * s->nY, A = s->nrow * c->Cp;
    c->j = bench_need(racahi_malloc(c->ne, sizeof *c->j));
    for (size_t e = 0; e < c->ne; e++) c->j[e] = (int)(c->ne - 1 - e);
    c->x = bench_numbers(&seed, x), c->W = bench_numbers(&seed, W), c->Wr = bench_numbers(&seed, W), c->Y = bench_numbers(&seed, Y);
    c->dA = bench_numbers(&seed, A), c->A = bench_numbers(&seed, A), c->dx = bench_numbers(&seed, x), c->dY = bench_numbers(&seed, Y);
    c->dr = bench_numbers(&seed, c->ne);
    c->xf = bench_as_float(c->x, x), c->Wf = bench_as_float(c->W, W), c->Wrf = bench_as_float(c->Wr, W),
    c->Yf = bench_as_float(c->Y, Y);
    c->dAf = bench_as_float(c->dA, A), c->Af = bench_as_float(c->A, A), c->dxf = bench_as_float(c->dx, x),
    c->dYf = bench_as_float(c->dY, Y);
    c->drf = bench_as_float(c->dr, c->ne);
}

static void conv_free(conv_case *c)
{
    void *const all[] = {c->j,  c->x,  c->W,   c->Wr, c->Y,  c->A,   c->dA,  c->dx,  c->dY, c->dr,
                         c->xf, c->Wf, c->Wrf, c->Yf, c->Af, c->dAf, c->dxf, c->dYf, c->drf};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) racahi_free(all[k]);
}

static void bench_conv(bench *b, int lin, int ly, size_t C)
{
    racah_error err;
    conv_case c = {.Cp = C, .ne = 40};
    conv_shape s = {lin, ly, (size_t)((lin + 1) * (lin + 1)), (size_t)((ly + 1) * (ly + 1)), 0, 0};
    double *A = NULL, *dx = NULL, *dY = NULL, *dW = NULL;
    char params[64];
    snprintf(params, sizeof params, "l=(%d,%d,%d) path C=%zu edges=%zu", lin, ly, ly, C, c.ne);
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        bench_must(racahi_conv_create(&c.plan, lin, ly, ly, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT, (racahi_isa)isa,
                                &err),
             &err);
        if (isa == 0) {
            s.nw = racahi_conv_nw(c.plan), s.nrow = racahi_conv_nrow(c.plan);
            conv_arrays(&c, &s);
            A = bench_need(racahi_calloc(s.nrow * C, sizeof *A)),
            dx = bench_need(racahi_calloc(c.ne * s.nx * C, sizeof *dx));
            dY = bench_need(racahi_calloc(c.ne * s.nY, sizeof *dY)),
            dW = bench_need(racahi_calloc(c.ne * s.nw * C, sizeof *dW));
            bench_must(racahi_conv_forward_ref(lin, ly, ly, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT, C, c.ne, c.j,
                                         c.x, c.W, c.Y, A, &err),
                 &err);
            bench_must(racahi_conv_backward_ref(lin, ly, ly, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT, C, c.ne, c.j,
                                          c.x, c.W, c.Y, c.dA, dx, dY, dW, &err),
                 &err);
        }
        c.ws = bench_need(racahi_malloc(racahi_conv_ws_size(c.plan, c.ne), 1));
        double per = (double)(c.ne * C);
        bench_subject t = {.name = "conv_forward",
                           .params = params,
                           .isa = (racahi_isa)isa,
                           .single = false,
                           .run = conv_forward_f64,
                           .ctx = &c,
                           .items = (double)c.ne,
                           .item = "edge",
                           .flops = per * (double)racahi_conv_flops(c.plan, false),
                           .allowed = F64_ERROR};
        conv_forward_f64(&c), conv_forward_f32(&c);
        t.max_err = bench_error_f64(c.A, A, s.nrow * C);
        bench_subject_run(b, &t);
        t.single = true, t.run = conv_forward_f32, t.allowed = F32_ERROR;
        t.max_err = bench_error_f32(c.Af, A, s.nrow * C);
        bench_subject_run(b, &t);
        conv_backward_f64(&c), conv_backward_f32(&c);
        t = (bench_subject){.name = "conv_backward",
                            .params = params,
                            .isa = (racahi_isa)isa,
                            .single = false,
                            .run = conv_backward_f64,
                            .ctx = &c,
                            .items = (double)c.ne,
                            .item = "edge",
                            .flops = per * (double)racahi_conv_flops(c.plan, true),
                            .allowed = F64_ERROR};
        t.max_err = bench_error_f64(c.dY, dY, c.ne * s.nY);
        bench_subject_run(b, &t);
        t.single = true, t.run = conv_backward_f32, t.allowed = F32_ERROR;
        t.max_err = bench_error_f32(c.dYf, dY, c.ne * s.nY);
        bench_subject_run(b, &t);
        racahi_free(c.ws);
        racahi_conv_destroy(c.plan);
    }
    racahi_free(A), racahi_free(dx), racahi_free(dY), racahi_free(dW);
    conv_free(&c);
}

/* ---- many-body product ----------------------------------------------------------------------------- */

typedef struct product_case {
    racahi_product *plan;
    void *ws;
    size_t Cp, atoms;
    double *coef, *A, *B, *dB, *dA;
    float *coef_f, *A_f, *B_f, *dB_f, *dA_f;
} product_case;

static void product_forward_f64(void *ctx)
{
    product_case *c = ctx;
    racahi_product_forward_atoms_f64(c->plan, c->ws, c->Cp, c->atoms, NULL, c->coef, c->A, c->B);
}
static void product_forward_f32(void *ctx)
{
    product_case *c = ctx;
    racahi_product_forward_atoms_f32(c->plan, c->ws, c->Cp, c->atoms, NULL, c->coef_f, c->A_f, c->B_f);
}
static void product_backward_f64(void *ctx)
{
    product_case *c = ctx;
    racahi_product_backward_atoms_f64(c->plan, c->ws, c->Cp, c->atoms, NULL, c->coef, c->A, c->dB, c->dA,
                                      NULL);
}
static void product_backward_f32(void *ctx)
{
    product_case *c = ctx;
    racahi_product_backward_atoms_f32(c->plan, c->ws, c->Cp, c->atoms, NULL, c->coef_f, c->A_f, c->dB_f,
                                      c->dA_f, NULL);
}

static void bench_product(bench *b, int lmax, int lout, size_t C)
{
    racah_error err;
    product_case c = {.Cp = C, .atoms = 8};
    size_t S = (size_t)((lmax + 1) * (lmax + 1)), L = (size_t)((lout + 1) * (lout + 1)), nA = c.atoms * S * C;
    size_t nB = c.atoms * L * C;
    uint64_t seed = 3;
    double *W = NULL, *B = bench_need(racahi_calloc(nB, sizeof *B)), *dA = bench_need(racahi_calloc(nA, sizeof *dA));
    char params[64];
    snprintf(params, sizeof params, "l=%d L=%d order 3 C=%zu", lmax, lout, C);
    c.A = bench_numbers(&seed, nA), c.dB = bench_numbers(&seed, nB), c.B = bench_numbers(&seed, nB), c.dA = bench_numbers(&seed, nA);
    c.A_f = bench_as_float(c.A, nA), c.dB_f = bench_as_float(c.dB, nB), c.B_f = bench_as_float(c.B, nB),
    c.dA_f = bench_as_float(c.dA, nA);
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        bench_must(racahi_product_create(&c.plan, lmax, lout, 3, (racahi_isa)isa, &err), &err);
        size_t nW = racahi_product_npath(c.plan) * C, ncoef = racahi_product_nentry(c.plan) * C;
        if (isa == 0) {
            W = bench_numbers(&seed, nW);
            for (size_t a = 0; a < c.atoms; a++) {
                bench_must(racahi_product_forward_ref(lmax, lout, 3, C, W, c.A + a * S * C, B + a * L * C, &err),
                     &err);
                bench_must(racahi_product_backward_ref(lmax, lout, 3, C, W, c.A + a * S * C, c.dB + a * L * C,
                                                 dA + a * S * C, NULL, &err),
                     &err);
            }
        }
        c.coef = bench_need(racahi_calloc(ncoef, sizeof *c.coef));
        racahi_product_expand_f64(c.plan, C, W, c.coef);
        c.coef_f = bench_as_float(c.coef, ncoef);
        c.ws = bench_need(racahi_malloc(racahi_product_ws_size(c.plan), 1));
        double per = (double)(c.atoms * C);
        bench_subject t = {.name = "product_forward",
                           .params = params,
                           .isa = (racahi_isa)isa,
                           .single = false,
                           .run = product_forward_f64,
                           .ctx = &c,
                           .items = (double)c.atoms,
                           .item = "atom",
                           .flops = per * (double)racahi_product_flops(c.plan, false),
                           .allowed = F64_ERROR};
        product_forward_f64(&c), product_forward_f32(&c);
        t.max_err = bench_error_f64(c.B, B, nB);
        bench_subject_run(b, &t);
        t.single = true, t.run = product_forward_f32, t.allowed = F32_ERROR;
        t.max_err = bench_error_f32(c.B_f, B, nB);
        bench_subject_run(b, &t);
        product_backward_f64(&c), product_backward_f32(&c);
        t = (bench_subject){.name = "product_backward",
                            .params = params,
                            .isa = (racahi_isa)isa,
                            .single = false,
                            .run = product_backward_f64,
                            .ctx = &c,
                            .items = (double)c.atoms,
                            .item = "atom",
                            .flops = per * (double)racahi_product_flops(c.plan, true),
                            .allowed = F64_ERROR};
        t.max_err = bench_error_f64(c.dA, dA, nA);
        bench_subject_run(b, &t);
        t.single = true, t.run = product_backward_f32, t.allowed = F32_ERROR;
        t.max_err = bench_error_f32(c.dA_f, dA, nA);
        bench_subject_run(b, &t);
        racahi_free(c.coef), racahi_free(c.coef_f), racahi_free(c.ws);
        racahi_product_destroy(c.plan);
    }
    void *const all[] = {W, B, dA, c.A, c.dB, c.B, c.dA, c.A_f, c.dB_f, c.B_f, c.dA_f};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) racahi_free(all[k]);
}

/* ---- radial table ----------------------------------------------------------------------------------- */

typedef struct table_case {
    racahi_table table;
    size_t ne;
    double *r, *W, *Wr;
    float *W_f, *Wr_f;
} table_case;

static void run_table_f64(void *ctx)
{
    table_case *c = ctx;
    racahi_table_eval_f64(&c->table, c->ne, c->r, c->W, c->Wr);
}
static void run_table_f32(void *ctx)
{
    table_case *c = ctx;
    racahi_table_eval_f32(&c->table, c->ne, c->r, c->W_f, c->Wr_f);
}

/* The reference is the MLP itself: the interpolant leaves 1e-8 or less. */
static void bench_table(bench *b, size_t nout)
{
    racah_error err;
    racahi_radial p = {.nb = 8, .p = 5, .rc = 5, .nmlp = 2, .width = {64, 64}, .nout = nout};
    uint64_t seed = 4;
    double *w[3] = {bench_numbers(&seed, 8 * 64), bench_numbers(&seed, 64 * 64), bench_numbers(&seed, 64 * nout)};
    for (int k = 0; k < 64 * 64; k++) w[1][k] *= 0.2;
    table_case c = {.ne = 64};
    size_t n = c.ne * nout;
    c.r = bench_numbers(&seed, c.ne), c.W = bench_numbers(&seed, n), c.Wr = bench_numbers(&seed, n);
    c.W_f = bench_as_float(c.W, n), c.Wr_f = bench_as_float(c.Wr, n);
    double *ref = bench_need(racahi_malloc(n, sizeof *ref));
    for (size_t e = 0; e < c.ne; e++) c.r[e] = 3.4 + 1.5 * c.r[e];
    racahi_arena arena = racahi_arena_measure();
    racahi_mlp_ws ws;
    racahi_mlp_ws_layout(&p, c.ne, &arena, &ws);
    void *block = bench_need(racahi_malloc(arena.used, 1));
    arena = racahi_arena_on(block, arena.used);
    racahi_mlp_ws_layout(&p, c.ne, &arena, &ws);
    racahi_mlp_forward(&p, &ws, (const double *const *)w, c.ne, c.r, ref);
    char params[64];
    snprintf(params, sizeof params, "512 knots, %zu functions + slopes", nout);
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        p.isa = (racahi_isa)isa;
        for (int single = 0; single < 2; single++) {
            bench_must(racahi_table_create(&c.table, &p, (const double *const *)w, 512, single, &err), &err);
            bench_subject s = {.name = "radial_table",
                               .params = params,
                               .isa = p.isa,
                               .single = single,
                               .run = single ? run_table_f32 : run_table_f64,
                               .ctx = &c,
                               .items = (double)c.ne,
                               .item = "edge",
                               .allowed = single ? F32_ERROR : 1e-8};
            s.run(&c);
            s.max_err = single ? bench_error_f32(c.W_f, ref, n) : bench_error_f64(c.W, ref, n);
            bench_subject_run(b, &s);
            racahi_table_free(&c.table);
        }
    }
    void *const all[] = {w[0], w[1], w[2], c.r, c.W, c.Wr, c.W_f, c.Wr_f, ref, block};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) racahi_free(all[k]);
}

int main(int argc, char **argv)
{
    bench b;
    int rc = bench_begin(&b, argc, argv);
    if (rc >= 0) return rc;
    for (int lmax = 1; lmax <= 4 && bench_wanted(&b, "sph"); lmax++) bench_sph(&b, lmax);
    if (bench_wanted(&b, "table")) bench_table(&b, 256);
    if (bench_wanted(&b, "conv"))
        bench_conv(&b, 0, 3, 64), bench_conv(&b, 1, 3, 64), bench_conv(&b, 2, 3, 64);
    if (bench_wanted(&b, "product"))
        bench_product(&b, 2, 1, 64), bench_product(&b, 3, 0, 64), bench_product(&b, 3, 1, 64);
    return bench_end(&b);
}
