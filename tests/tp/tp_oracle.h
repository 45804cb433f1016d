/* SPDX-License-Identifier: MIT
 * Oracle for tensor products: e3nn's definition as plain loops over paths, multiplicities and components, with its
 * own normalisation; values and gradients in double, layout ir_mul. */
#ifndef RACAH_TEST_TP_ORACLE_H
#define RACAH_TEST_TP_ORACLE_H

#include "support.h"

#include "../src/base/irreps.h"
#include "racah_tp.h"

typedef struct tp_oracle {
    racah_tp_desc d;
    racahi_irreps in1, in2, out;
    size_t npath;
    racah_tp_instruction *ins;
    double **C; /* coefficients of each path, normalised */
    size_t *w0, nw;
} tp_oracle;

static inline size_t tp_path_weights(const tp_oracle *o, const racah_tp_instruction *t)
{
    size_t m1 = (size_t)o->in1.block[t->in1].mul, m2 = (size_t)o->in2.block[t->in2].mul,
           m3 = (size_t)o->out.block[t->out].mul;
    switch (t->mode) {
    case RACAH_TP_UVW: return m1 * m2 * m3;
    case RACAH_TP_UVU:
    case RACAH_TP_UVV: return m1 * m2;
    case RACAH_TP_UUW: return m1 * m3;
    default: return m1;
    }
}

static inline double tp_fan_in(const tp_oracle *o, const racah_tp_instruction *t)
{
    double m1 = o->in1.block[t->in1].mul, m2 = o->in2.block[t->in2].mul;
    return t->mode == RACAH_TP_UVW   ? m1 * m2
           : t->mode == RACAH_TP_UVU ? m2
           : t->mode == RACAH_TP_UUU ? 1
                                     : m1;
}

static inline double tp_scale(const tp_oracle *o, size_t i)
{
    const racah_tp_instruction *t = &o->ins[i];
    if (o->d.family != RACAH_TP_FAMILY_COMPONENT) return sqrt(t->path_weight);
    int l1 = o->in1.block[t->in1].l, l2 = o->in2.block[t->in2].l, l3 = o->out.block[t->out].l;
    double alpha = 1, total = 0, count = 0;
    if (o->d.irrep_normalization == RACAH_TP_IRREP_COMPONENT) alpha = 2 * l3 + 1;
    if (o->d.irrep_normalization == RACAH_TP_IRREP_NORM) alpha = (2 * l1 + 1) * (2 * l2 + 1);
    for (size_t j = 0; j < o->npath; j++)
        if (o->ins[j].out == t->out) total += tp_fan_in(o, &o->ins[j]), count += 1;
    if (o->d.path_normalization == RACAH_TP_PATH_ELEMENT) alpha /= total;
    if (o->d.path_normalization == RACAH_TP_PATH_PATH) alpha /= tp_fan_in(o, t) * count;
    return sqrt(alpha * t->path_weight) / sqrt(2 * l3 + 1); /* racah_tp_coefficients has sqrt(2 l3 + 1) */
}

static inline void tp_oracle_make(tp_oracle *o, const racah_tp_desc *d, const racah_tp_plan *plan)
{
    racah_error err;
    racah_tp_info info;
    memset(o, 0, sizeof *o);
    o->d = *d;
    if (d->irreps_in1) {
        RACAH_ASSERT_OK(racahi_irreps_parse(&o->in1, d->irreps_in1, "1", &err));
        RACAH_ASSERT_OK(racahi_irreps_parse(&o->in2, d->irreps_in2, "2", &err));
        RACAH_ASSERT_OK(racahi_irreps_parse(&o->out, d->irreps_out, "3", &err));
    } else {
        bool natural = d->family != RACAH_TP_FAMILY_MATRIX;
        int sign = d->family == RACAH_TP_FAMILY_POISSON ? -1 : 1;
        RACAH_ASSERT_OK(racahi_irreps_degrees(&o->in1, d->C, d->l1max, natural, 1, &err));
        RACAH_ASSERT_OK(racahi_irreps_degrees(&o->in2, d->C2, d->l2max, natural, 1, &err));
        RACAH_ASSERT_OK(racahi_irreps_degrees(&o->out, d->C, d->l3max, natural, sign, &err));
    }
    racah_tp_plan_info(plan, &info);
    o->npath = info.npath;
    o->ins = calloc(o->npath, sizeof *o->ins);
    o->C = calloc(o->npath, sizeof *o->C);
    o->w0 = calloc(o->npath, sizeof *o->w0);
    int L = o->in1.lmax > o->in2.lmax ? o->in1.lmax : o->in2.lmax;
    if (o->out.lmax > L) L = o->out.lmax;
    for (size_t i = 0; i < o->npath; i++) {
        assert_int_equal(racah_tp_plan_instruction(plan, i, &o->ins[i], NULL, NULL), RACAH_OK);
        o->w0[i] = o->nw;
        if (o->ins[i].has_weight) o->nw += tp_path_weights(o, &o->ins[i]);
    }
    for (size_t i = 0; i < o->npath; i++) {
        int l1 = o->in1.block[o->ins[i].in1].l, l2 = o->in2.block[o->ins[i].in2].l,
            l3 = o->out.block[o->ins[i].out].l;
        size_t n = (size_t)((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1));
        o->C[i] = calloc(n, sizeof **o->C);
        RACAH_ASSERT_OK(racah_tp_coefficients(d->family, L, l1, l2, l3, d->signs, o->C[i], &err));
        for (size_t q = 0; q < n; q++) o->C[i][q] *= tp_scale(o, i);
    }
    size_t C = o->in1.n ? (size_t)o->in1.block[0].mul : 0;
    if (d->weights == RACAH_TP_W_DEGREE) o->nw = o->in2.n * C;
    if (d->weights == RACAH_TP_W_SEPARABLE) o->nw = (o->in1.n + o->in2.n + o->out.n) * C;
    if (d->weights == RACAH_TP_W_SHARED) o->nw = C;
    if (d->weights == RACAH_TP_W_NONE) o->nw = 0;
    assert_int_equal(o->nw, info.nw);
}

static inline void tp_oracle_free(tp_oracle *o)
{
    racahi_irreps_free(&o->in1), racahi_irreps_free(&o->in2), racahi_irreps_free(&o->out);
    for (size_t i = 0; i < o->npath; i++) free(o->C[i]);
    free(o->C), free(o->ins), free(o->w0);
}

/* The weights that multiply one term: up to three factors, as indices into w (-1: 1). */
static inline void tp_oracle_weights(const tp_oracle *o, size_t i, int u, int v, int w, long f[3])
{
    const racah_tp_instruction *t = &o->ins[i];
    long C = o->in1.block[t->in1].mul, m2 = o->in2.block[t->in2].mul, m3 = o->out.block[t->out].mul;
    f[0] = f[1] = f[2] = -1;
    switch (o->d.weights) {
    case RACAH_TP_W_PATH:
        if (!t->has_weight) return;
        f[0] = (long)o->w0[i];
        switch (t->mode) {
        case RACAH_TP_UVW: f[0] += (u * m2 + v) * m3 + w; break;
        case RACAH_TP_UVU:
        case RACAH_TP_UVV: f[0] += u * m2 + v; break;
        case RACAH_TP_UUW: f[0] += u * m3 + w; break;
        default: f[0] += u;
        }
        return;
    case RACAH_TP_W_DEGREE: f[0] = t->in2 * C + u; return;
    case RACAH_TP_W_SHARED: f[0] = u; return;
    case RACAH_TP_W_SEPARABLE:
        f[0] = t->in1 * C + u;
        f[1] = ((long)o->in1.n + t->in2) * C + u;
        f[2] = ((long)o->in1.n + (long)o->in2.n + t->out) * C + u;
        return;
    default: return;
    }
}

/* One sample: z added to; with dz given, dx, dy, dw added to. */
static inline void tp_oracle_run(const tp_oracle *o, const double *x, const double *y, const double *w,
                                 double *z, const double *dz, double *dx, double *dy, double *dw)
{
    for (size_t i = 0; i < o->npath; i++) {
        const racah_tp_instruction *t = &o->ins[i];
        const racahi_irrep *a = &o->in1.block[t->in1], *b = &o->in2.block[t->in2], *c = &o->out.block[t->out];
        int n1 = 2 * a->l + 1, n2 = 2 * b->l + 1, n3 = 2 * c->l + 1;
        for (int u = 0; u < a->mul; u++)
            for (int v = 0; v < b->mul; v++)
                for (int q = 0; q < c->mul; q++) {
                    racah_tp_mode m = t->mode;
                    if ((m == RACAH_TP_UVU && q != u) || (m == RACAH_TP_UVV && q != v)) continue;
                    if ((m == RACAH_TP_UUU || m == RACAH_TP_UUW) && u != v) continue;
                    if (m == RACAH_TP_UUU && q != u) continue;
                    long f[3];
                    double weight = 1;
                    tp_oracle_weights(o, i, u, v, q, f);
                    for (int k = 0; k < 3; k++)
                        if (f[k] >= 0) weight *= w[f[k]];
                    for (int k1 = 0; k1 < n1; k1++)
                        for (int k2 = 0; k2 < n2; k2++)
                            for (int k3 = 0; k3 < n3; k3++) {
                                double C = o->C[i][(k1 * n2 + k2) * n3 + k3];
                                size_t ix = a->offset + (size_t)(k1 * a->mul + u);
                                size_t iy = b->offset + (size_t)(k2 * b->mul + v);
                                size_t iz = c->offset + (size_t)(k3 * c->mul + q);
                                if (z) z[iz] += C * weight * x[ix] * y[iy];
                                if (!dz) continue;
                                dx[ix] += C * weight * y[iy] * dz[iz];
                                dy[iy] += C * weight * x[ix] * dz[iz];
                                for (int k = 0; k < 3; k++) {
                                    if (f[k] < 0) continue;
                                    double others = 1;
                                    for (int j = 0; j < 3; j++)
                                        if (j != k && f[j] >= 0) others *= w[f[j]];
                                    dw[f[k]] += C * others * x[ix] * y[iy] * dz[iz];
                                }
                            }
                }
    }
}

/* ---- running a plan ------------------------------------------------------------------------------- */

/* Inputs and results of n samples in double; a float plan is converted. */
typedef struct tp_case {
    size_t n, d1, d2, d3, nw, wlen;
    double *x, *y, *w, *dz, *z, *dx, *dy, *dw;
} tp_case;

static inline void tp_case_make(tp_case *c, const racah_tp_plan *plan, bool common, size_t n, uint64_t *seed)
{
    racah_tp_info info;
    racah_tp_plan_info(plan, &info);
    *c = (tp_case){.n = n, .d1 = info.dim1, .d2 = info.dim2, .d3 = info.dim3, .nw = info.nw};
    c->wlen = common ? info.nw : n * info.nw;
    c->x = calloc(n * c->d1 + 1, 8), c->dx = calloc(n * c->d1 + 1, 8);
    c->y = calloc(n * c->d2 + 1, 8), c->dy = calloc(n * c->d2 + 1, 8);
    c->w = calloc(c->wlen + 1, 8), c->dw = calloc(c->wlen + 1, 8);
    c->z = calloc(n * c->d3 + 1, 8), c->dz = calloc(n * c->d3 + 1, 8);
    for (size_t i = 0; i < n * c->d1; i++) c->x[i] = (float)racah_test_normal(seed);
    for (size_t i = 0; i < n * c->d2; i++) c->y[i] = (float)racah_test_normal(seed);
    for (size_t i = 0; i < c->wlen; i++) c->w[i] = (float)racah_test_normal(seed);
    for (size_t i = 0; i < n * c->d3; i++) c->dz[i] = (float)racah_test_normal(seed);
}

static inline void tp_case_free(tp_case *c)
{
    free(c->x), free(c->y), free(c->w), free(c->z), free(c->dx), free(c->dy), free(c->dw), free(c->dz);
}

static inline float *tp_to_float(const double *a, size_t n)
{
    float *f = calloc(n + 1, sizeof *f);
    for (size_t i = 0; i < n; i++) f[i] = (float)a[i];
    return f;
}

static inline void tp_from_float(float *f, size_t n, double *a)
{
    for (size_t i = 0; i < n; i++) a[i] = (double)f[i];
    free(f);
}

/* Forward and backward of the plan's own precision; results overwrite what was there (NaN before). */
static inline void tp_case_run(tp_case *c, const racah_tp_plan *plan, racah_tp_dtype dtype)
{
    racah_error err;
    void *ws = racahi_malloc(racah_tp_ws_size(plan), 1);
    memset(ws, 0xff, racah_tp_ws_size(plan)); /* NaN: nothing may depend on what the workspace held */
    for (size_t i = 0; i < c->n * c->d3; i++) c->z[i] = NAN;
    for (size_t i = 0; i < c->n * c->d1; i++) c->dx[i] = NAN;
    for (size_t i = 0; i < c->n * c->d2; i++) c->dy[i] = NAN;
    for (size_t i = 0; i < c->wlen; i++) c->dw[i] = NAN;
    if (dtype == RACAH_TP_F64) {
        RACAH_ASSERT_OK(racah_tp_forward_f64(plan, ws, c->n, c->x, c->y, c->w, c->z, &err));
        RACAH_ASSERT_OK(
            racah_tp_backward_f64(plan, ws, c->n, c->x, c->y, c->w, c->dz, c->dx, c->dy, c->dw, &err));
    } else {
        float *x = tp_to_float(c->x, c->n * c->d1), *y = tp_to_float(c->y, c->n * c->d2),
              *w = tp_to_float(c->w, c->wlen);
        float *dz = tp_to_float(c->dz, c->n * c->d3), *z = tp_to_float(c->z, c->n * c->d3);
        float *dx = tp_to_float(c->dx, c->n * c->d1), *dy = tp_to_float(c->dy, c->n * c->d2);
        float *dw = tp_to_float(c->dw, c->wlen);
        RACAH_ASSERT_OK(racah_tp_forward_f32(plan, ws, c->n, x, y, w, z, &err));
        RACAH_ASSERT_OK(racah_tp_backward_f32(plan, ws, c->n, x, y, w, dz, dx, dy, dw, &err));
        tp_from_float(z, c->n * c->d3, c->z), tp_from_float(dx, c->n * c->d1, c->dx);
        tp_from_float(dy, c->n * c->d2, c->dy), tp_from_float(dw, c->wlen, c->dw);
        free(x), free(y), free(w), free(dz);
    }
    racahi_free(ws);
}

/* Largest difference over the largest number of b (NaN gives NaN, which no limit admits). */
static inline double tp_difference(const double *a, const double *b, size_t n)
{
    double big = 0, diff = 0;
    for (size_t i = 0; i < n; i++) {
        if (fabs(b[i]) > big) big = fabs(b[i]);
        if (!isfinite(a[i])) return NAN;
        if (fabs(a[i] - b[i]) > diff) diff = fabs(a[i] - b[i]);
    }
    return diff == 0 ? 0 : diff / big;
}

/* Values and gradients of the plan against the oracle, relative to the largest number of each array. */
static inline void tp_check_oracle(const racah_tp_desc *d, const racah_tp_plan *plan, size_t n,
                                   double tolerance, uint64_t *seed)
{
    tp_oracle o;
    tp_case c;
    tp_oracle_make(&o, d, plan);
    tp_case_make(&c, plan, d->weights_common, n, seed);
    tp_case_run(&c, plan, d->dtype);
    double *z = calloc(n * c.d3 + 1, 8), *dx = calloc(n * c.d1 + 1, 8), *dy = calloc(n * c.d2 + 1, 8),
           *dw = calloc(c.wlen + 1, 8);
    for (size_t i = 0; i < n; i++) {
        size_t wi = d->weights_common ? 0 : i * c.nw;
        tp_oracle_run(&o, c.x + i * c.d1, c.y + i * c.d2, c.w + wi, z + i * c.d3, c.dz + i * c.d3,
                      dx + i * c.d1, dy + i * c.d2, dw + wi);
    }
    RACAH_ASSERT_CLOSE(tp_difference(c.z, z, n * c.d3), 0, tolerance, 0);
    RACAH_ASSERT_CLOSE(tp_difference(c.dx, dx, n * c.d1), 0, tolerance, 0);
    RACAH_ASSERT_CLOSE(tp_difference(c.dy, dy, n * c.d2), 0, tolerance, 0);
    RACAH_ASSERT_CLOSE(tp_difference(c.dw, dw, c.wlen), 0, tolerance, 0);
    free(z), free(dx), free(dy), free(dw);
    tp_case_free(&c);
    tp_oracle_free(&o);
}

#endif
