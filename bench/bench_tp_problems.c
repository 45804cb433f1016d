/* SPDX-License-Identifier: MIT
 * The tensor-product plans on the standard problems of OpenEquivariance, batch 50,000, path weights of each
 * sample: algorithm cg, forward and backward, double and single, beside a straight port of e3nn's dense
 * einsum to OpenBLAS. For each problem the line before says what memory allows: operations for each byte of
 * the arrays that have to be read and written, times the measured triad. */
#include "bench.h"

#include "../src/cli/peak.h"
#include "../tp/racah_tp.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define F64_ERROR 1e-12
#define F32_ERROR 2e-5

enum { BATCH = 50000, QUICK = 8, CHECKED = 8 };

typedef struct problem {
    const char *name, *in1, *in2, *out;
    racah_tp_mode mode;
} problem;

/* Gates and nonlinearities of the models ask for more scalars than stand here; these are the products. out =
 * NULL: an output of its own for every path to l <= 3 (multiplicities differ); every parity is e there. */
static const problem problems[] = {
    {"mace-medium", "128x0e+128x1o", "0e+1o+2e+3o", "128x0e+128x1o+128x2e", RACAH_TP_UVU},
    {"mace-large", "128x0e+128x1o+128x2e", "0e+1o+2e+3o", "128x0e+128x1o+128x2e+128x3o", RACAH_TP_UVU},
    {"nequip-lips", "32x0o+32x0e+32x1o+32x1e+32x2o+32x2e", "0e+1o+2e", "32x0o+32x0e+32x1o+32x1e+32x2o+32x2e",
     RACAH_TP_UVU},
    {"nequip-lips with 64", "64x0o+64x0e+64x1o+64x1e+64x2o+64x2e", "0e+1o+2e", "64x0o+64x0e+64x1o+64x1e+64x2o+64x2e",
     RACAH_TP_UVU},
    {"SevenNet_l3i5", "128x0e+64x1e+32x2e+32x3e", "0e+1e+2e+3e", NULL, RACAH_TP_UVU},
    {"roofline-111", "128x1o", "1o", "128x1e", RACAH_TP_UVU},
    {"roofline-212", "128x2e", "1e", "128x2e", RACAH_TP_UVU},
    {"roofline-332", "128x3e", "3e", "128x2e", RACAH_TP_UVU},
};

enum { MAX_PATHS = 64, MAX_TEXT = 1024 };

typedef struct job {
    racah_tp_plan *plan;
    racah_tp_info info;
    const problem *p;
    char out[MAX_TEXT];
    void *ws;
    size_t n;
    double *x, *y, *w, *z, *dz, *dx, *dy, *dw;
    float *xf, *yf, *wf, *zf, *dzf, *dxf, *dyf, *dwf;
    double *outer, *image; /* of the einsum */
} job;

/* ---- e3nn's dense einsum ---------------------------------------------------------------------------- */

/* A block of an irreps string; the strings above are "MULxLp+..." or "Lp+...". */
typedef struct term {
    size_t mul, start;
    int l;
} term;

static size_t parse(const char *text, term *t)
{
    size_t n = 0, start = 0;
    for (const char *s = text; *s; n++) {
        char *end;
        long first = strtol(s, &end, 10);
        t[n].mul = *end == 'x' ? (size_t)first : 1;
        t[n].l = (int)(*end == 'x' ? strtol(end + 1, &end, 10) : first);
        t[n].start = start;
        start += t[n].mul * (size_t)(2 * t[n].l + 1);
        s = end + 1 + (end[1] == '+'); /* after the parity */
    }
    return n;
}

/* For each path: outer product of x[i,u] and y[j], rows (sample, u), times the dense coefficients (ij, k),
 * times w[u]. Layout IR_MUL; second inputs of multiplicity 1. */
static void einsum(job *b, size_t n)
{
    term in1[16], in2[16], out[MAX_PATHS];
    parse(b->p->in1, in1), parse(b->p->in2, in2), parse(b->out, out);
    memset(b->z, 0, n * b->info.dim3 * sizeof *b->z);
    for (size_t q = 0; q < b->info.npath; q++) {
        racah_tp_instruction ins;
        racah_error err;
        size_t offset;
        double scale, C[23 * 23 * 23];
        bench_must(racah_tp_plan_instruction(b->plan, q, &ins, &offset, &scale), &err);
        const term *s = &in1[ins.in1], *t = &in2[ins.in2], *o = &out[ins.out];
        bench_must(racah_cg_wigner3j(s->l, t->l, o->l, RACAH_CG_E3NN_06, C, &err), &err);
        size_t n1 = (size_t)(2 * s->l + 1), n2 = (size_t)(2 * t->l + 1), n3 = (size_t)(2 * o->l + 1);
        for (size_t e = 0; e < n; e++) {
            const double *x = b->x + e * b->info.dim1 + s->start, *y = b->y + e * b->info.dim2 + t->start;
            for (size_t i = 0; i < n1; i++)
                for (size_t j = 0; j < n2; j++)
                    for (size_t u = 0; u < s->mul; u++)
                        b->outer[(u * n1 + i) * n2 + j] = x[i * s->mul + u] * y[j];
            cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)s->mul, (int)n3, (int)(n1 * n2),
                        scale, b->outer, (int)(n1 * n2), C, (int)n3, 0, b->image, (int)n3);
            const double *w = b->w + e * b->info.nw + offset;
            double *z = b->z + e * b->info.dim3 + o->start;
            for (size_t k = 0; k < n3; k++)
                for (size_t u = 0; u < s->mul; u++) z[k * s->mul + u] += w[u] * b->image[u * n3 + k];
        }
    }
}

/* ---- runs ------------------------------------------------------------------------------------------- */

static void run_einsum(void *ctx)
{
    job *b = ctx;
    einsum(b, b->n);
}

static void forward(void *ctx)
{
    job *b = ctx;
    racah_error err;
    bench_must(racah_tp_forward_f64(b->plan, b->ws, b->n, b->x, b->y, b->w, b->z, &err), &err);
}

static void backward(void *ctx)
{
    job *b = ctx;
    racah_error err;
    bench_must(racah_tp_backward_f64(b->plan, b->ws, b->n, b->x, b->y, b->w, b->dz, b->dx, b->dy, b->dw, &err),
         &err);
}

static void forward_single(void *ctx)
{
    job *b = ctx;
    racah_error err;
    bench_must(racah_tp_forward_f32(b->plan, b->ws, b->n, b->xf, b->yf, b->wf, b->zf, &err), &err);
}

static void backward_single(void *ctx)
{
    job *b = ctx;
    racah_error err;
    bench_must(racah_tp_backward_f32(b->plan, b->ws, b->n, b->xf, b->yf, b->wf, b->dzf, b->dxf, b->dyf, b->dwf,
                               &err),
         &err);
}

/* z is linear in x, in y and in w: <dx,x> = <dy,y> = <dw,w> = <dz,z> for each sample. The largest violation
 * of the samples checked. */
static double adjoint_error(const job *b, bool single)
{
    double worst = 0;
    for (size_t e = 0; e < CHECKED && e < b->n; e++) {
        const size_t n[4] = {b->info.dim1, b->info.dim2, b->info.nw, b->info.dim3};
        const double *v[4][2] = {{b->x, b->dx}, {b->y, b->dy}, {b->w, b->dw}, {b->z, b->dz}};
        const float *f[4][2] = {{b->xf, b->dxf}, {b->yf, b->dyf}, {b->wf, b->dwf}, {b->zf, b->dzf}};
        double dot[4] = {0, 0, 0, 0}, size = 0;
        for (int a = 0; a < 4; a++)
            for (size_t i = e * n[a]; i < (e + 1) * n[a]; i++) {
                double t = single ? (double)f[a][0][i] * (double)f[a][1][i] : v[a][0][i] * v[a][1][i];
                dot[a] += t;
                if (a == 3) size += fabs(t);
            }
        for (int a = 0; a < 3; a++)
            if (!(fabs(dot[a] - dot[3]) / size <= worst)) worst = fabs(dot[a] - dot[3]) / size;
    }
    return worst;
}

static double *filled(size_t n, uint64_t *seed)
{
    double *a = bench_need(racahi_malloc(n, sizeof *a));
    bench_fill_f64(seed, a, n);
    return a;
}

static float *filled_single(size_t n, uint64_t *seed)
{
    float *a = bench_need(racahi_malloc(n, sizeof *a));
    for (size_t i = 0; i < n; i++) {
        double v;
        bench_fill_f64(seed, &v, 1);
        a[i] = (float)v;
    }
    return a;
}

/* One output block and one instruction for each path to l <= 3. */
static size_t own_outputs(job *b, racah_tp_instruction *ins)
{
    term in1[16], in2[16];
    size_t n1 = parse(b->p->in1, in1), n2 = parse(b->p->in2, in2), n = 0, used = 0;
    for (size_t i = 0; i < n1; i++)
        for (size_t k = 0; k < n2; k++)
            for (int l = abs(in1[i].l - in2[k].l); l <= in1[i].l + in2[k].l && l <= 3 && n < MAX_PATHS; l++) {
                used += (size_t)snprintf(b->out + used, MAX_TEXT - used, "%s%zux%de", n ? "+" : "",
                                         in1[i].mul, l);
                ins[n] = (racah_tp_instruction){.in1 = (int)i,
                                                .in2 = (int)k,
                                                .out = (int)n,
                                                .mode = b->p->mode,
                                                .has_weight = 1,
                                                .path_weight = 1};
                n++;
            }
    return n;
}

static void make_plan(job *b, bool single)
{
    racah_tp_desc d;
    racah_error err;
    racah_tp_instruction ins[MAX_PATHS];
    racah_tp_desc_init(&d);
    if (b->p->out)
        snprintf(b->out, sizeof b->out, "%s", b->p->out);
    else
        d.ninstructions = own_outputs(b, ins), d.instructions = ins;
    d.irreps_in1 = b->p->in1, d.irreps_in2 = b->p->in2, d.irreps_out = b->out, d.mode = b->p->mode;
    d.dtype = single ? RACAH_TP_F32 : RACAH_TP_F64;
    bench_must(racah_tp_plan_create(&b->plan, &d, &err), &err);
    racah_tp_plan_info(b->plan, &b->info);
    b->ws = bench_need(racahi_malloc(racah_tp_ws_size(b->plan), 1));
}

/* A filter may name the problem, the subject, or both: "mace-large tp_backward". */
static bool wanted(const bench *bb, const problem *p, const char *name)
{
    char both[MAX_TEXT];
    snprintf(both, sizeof both, "%s %s", p->name, name);
    return bench_wanted(bb, both);
}

static void report(bench *bb, job *b, const char *name, bool single, bench_fn run, double flops,
                   double max_err)
{
    if (!wanted(bb, b->p, name)) return;
    bench_subject s = {.name = name,
                       .params = b->p->name,
                       .isa = racahi_cpu_best(),
                       .single = single,
                       .run = run,
                       .ctx = b,
                       .items = (double)b->n,
                       .item = "sample",
                       .flops = flops * (double)b->n,
                       .max_err = max_err,
                       .allowed = single ? F32_ERROR : F64_ERROR};
    bench_subject_run(bb, &s);
}

static void bound(const job *b, bool single, bool back, double flops, double triad)
{
    double size = single ? 4 : 8, arrays = (double)(b->info.dim1 + b->info.dim2 + b->info.nw);
    double bytes = size * (back ? 2 * arrays + (double)b->info.dim3 : arrays + (double)b->info.dim3);
    printf("%s %s %s: %zu non-zeros, %.2f flop/byte, memory allows %.1f GFLOP/s\n", b->p->name,
           back ? "backward" : "forward", single ? "single" : "double", b->info.nnz, flops / bytes,
           flops / bytes * triad / 1e9);
}

static void double_precision(bench *bb, const problem *p, size_t n, double triad)
{
    uint64_t seed = 9;
    job b = {.p = p, .n = n};
    make_plan(&b, false);
    b.x = filled(n * b.info.dim1, &seed), b.y = filled(n * b.info.dim2, &seed),
    b.w = filled(n * b.info.nw, &seed);
    b.z = filled(n * b.info.dim3, &seed), b.dz = filled(n * b.info.dim3, &seed);
    b.dx = filled(n * b.info.dim1, &seed), b.dy = filled(n * b.info.dim2, &seed),
    b.dw = filled(n * b.info.nw, &seed);
    b.outer = filled(128 * 49, &seed), b.image = filled(128 * 7, &seed);
    einsum(&b, CHECKED);
    double *ref = filled(CHECKED * b.info.dim3, &seed);
    memcpy(ref, b.z, CHECKED * b.info.dim3 * sizeof *ref);
    forward(&b);
    double err = bench_error_f64(b.z, ref, CHECKED * b.info.dim3);
    bound(&b, false, false, b.info.flops_forward, triad);
    report(bb, &b, "tp_forward", false, forward, b.info.flops_forward, err);
    backward(&b);
    bound(&b, false, true, b.info.flops_backward, triad);
    report(bb, &b, "tp_backward", false, backward, b.info.flops_backward,
           fmax(err, adjoint_error(&b, false)));
    report(bb, &b, "tp_einsum", false, run_einsum, b.info.flops_forward, err);
    double *all[] = {b.x, b.y, b.w, b.z, b.dz, b.dx, b.dy, b.dw, b.outer, b.image, ref};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
    racahi_free(b.ws);
    racah_tp_plan_destroy(b.plan);
}

static void single_precision(bench *bb, const problem *p, size_t n, double triad)
{
    uint64_t seed = 10;
    job b = {.p = p, .n = n};
    make_plan(&b, true);
    size_t d1 = b.info.dim1, d2 = b.info.dim2, d3 = b.info.dim3, nw = b.info.nw;
    b.xf = filled_single(n * d1, &seed), b.yf = filled_single(n * d2, &seed),
    b.wf = filled_single(n * nw, &seed);
    b.zf = filled_single(n * d3, &seed), b.dzf = filled_single(n * d3, &seed);
    b.dxf = filled_single(n * d1, &seed), b.dyf = filled_single(n * d2, &seed);
    b.dwf = filled_single(n * nw, &seed);
    b.outer = filled(128 * 49, &seed), b.image = filled(128 * 7, &seed);
    b.x = filled(CHECKED * d1, &seed), b.y = filled(CHECKED * d2, &seed), b.w = filled(CHECKED * nw, &seed);
    b.z = filled(CHECKED * d3, &seed);
    for (size_t i = 0; i < CHECKED * d1; i++) b.x[i] = (double)b.xf[i];
    for (size_t i = 0; i < CHECKED * d2; i++) b.y[i] = (double)b.yf[i];
    for (size_t i = 0; i < CHECKED * nw; i++) b.w[i] = (double)b.wf[i];
    einsum(&b, CHECKED);
    forward_single(&b);
    double err = bench_error_f32(b.zf, b.z, CHECKED * d3);
    bound(&b, true, false, b.info.flops_forward, triad);
    report(bb, &b, "tp_forward", true, forward_single, b.info.flops_forward, err);
    backward_single(&b);
    bound(&b, true, true, b.info.flops_backward, triad);
    report(bb, &b, "tp_backward", true, backward_single, b.info.flops_backward,
           fmax(err, adjoint_error(&b, true)));
    void *all[] = {b.xf, b.yf, b.wf, b.zf, b.dzf, b.dxf, b.dyf, b.dwf, b.x, b.y, b.w, b.z, b.outer, b.image};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
    racahi_free(b.ws);
    racah_tp_plan_destroy(b.plan);
}

/* Bytes/s of a[i] = b[i] + s c[i] over arrays beyond every cache: the best of five. */
static double measure_triad(void)
{
    enum { N = 8 << 20 };
    uint64_t seed = 1;
    double *a = filled(N, &seed), *b = filled(N, &seed), *c = filled(N, &seed), best = 0;
    for (int t = 0; t < 5; t++) {
        double start = racahi_now();
        for (size_t i = 0; i < N; i++) a[i] = b[i] + 3 * c[i];
        best = fmax(best, 3.0 * 8 * N / (racahi_now() - start));
        b[t] = a[N - 1 - (size_t)t]; /* the result is used */
    }
    racahi_free(a), racahi_free(b), racahi_free(c);
    return best;
}

int main(int argc, char **argv)
{
    bench b;
    int rc = bench_begin(&b, argc, argv);
    if (rc >= 0) return rc;
    size_t n = b.repeats == 1 ? QUICK : BATCH; /* --quick only proves that all is well */
    double triad = measure_triad();
    printf("triad %.1f GB/s; FMA peak %.1f GFLOP/s double, %.1f single\n", triad / 1e9,
           cli_peak_flops(racahi_cpu_best(), false) / 1e9, cli_peak_flops(racahi_cpu_best(), true) / 1e9);
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
        const problem *p = &problems[i];
        if (!wanted(&b, p, "tp_forward") && !wanted(&b, p, "tp_backward") && !wanted(&b, p, "tp_einsum")) continue;
        double_precision(&b, p, n, triad);
        single_precision(&b, p, n, triad);
    }
    return bench_end(&b);
}
