/* SPDX-License-Identifier: MIT
 * Products that factor into transforms: checks, tables and the two passes. */
#include "tp_transform.h"

#include <string.h>

/* ---- what is refused -------------------------------------------------------------------------------- */

/* Does instruction list contain path (i,j,k) exactly once? */
static size_t times_there(const racah_tp_plan *p, size_t i, size_t j, size_t k)
{
    size_t n = 0;
    for (size_t q = 0; q < p->npath; q++) {
        const racah_tp_instruction *t = &p->path[q].ins;
        n += (size_t)t->in1 == i && (size_t)t->in2 == j && (size_t)t->out == k;
    }
    return n;
}

static racah_status check_complete(const racah_tp_plan *p, bool even, racah_error *err)
{
    const char *name = racah_tp_algorithm_name(p->ops->algorithm);
    size_t wanted = 0;
    for (size_t i = 0; i < p->in1.n; i++)
        for (size_t j = 0; j < p->in2.n; j++)
            for (size_t k = 0; k < p->out.n; k++) {
                const racahi_irrep *a = &p->in1.block[i], *b = &p->in2.block[j], *c = &p->out.block[k];
                if (!racahi_tp_family_has(p->d.family, p->L, a->l, b->l, c->l)) continue;
                if (even && (a->l + b->l + c->l) % 2) continue;
                wanted++;
                if (times_there(p, i, j, k) == 1) continue;
                return racahi_fail(err, RACAH_EINVAL,
                                   "tp plan: %s computes all paths at once, each one time; path of "
                                   "blocks %zu, %zu, %zu is there %zu times%s",
                                   name, i, j, k, times_there(p, i, j, k),
                                   a->p * b->p != c->p ? " (parity forbids it)" : "");
            }
    if (wanted != p->npath)
        return racahi_fail(err, RACAH_EINVAL, "tp plan: %s computes %zu paths of these irreps, asked for %zu",
                           name, wanted, p->npath);
    for (size_t q = 0; q < p->npath; q++)
        if (p->path[q].ins.path_weight != 1)
            return racahi_fail(err, RACAH_EINVAL,
                               "tp plan: %s cannot weight single paths; path_weight of instruction "
                               "%zu is %g, need 1",
                               name, q, p->path[q].ins.path_weight);
    return RACAH_OK;
}

racah_status racahi_tp_transform_begin(racah_tp_plan *p, bool even, racah_error *err)
{
    const char *name = racah_tp_algorithm_name(p->ops->algorithm);
    if (p->C == 0)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: %s needs one multiplicity throughout and mode uuu, or uvu with "
                           "multiplicity 1 in the second input",
                           name);
    if (p->d.weights == RACAH_TP_W_PATH)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: a weight for each path does not factor into %s; need weights "
                           "none, shared, degree or separable (or algorithm cg, so2)",
                           name);
    RACAHI_TRY(check_complete(p, even, err));
    racahi_tp_transform *t = p->state = racahi_calloc(1, sizeof *t);
    if (!t) return racahi_fail(err, RACAH_ENOMEM, "tp %s: no memory", name);
    t->S[0] = p->in1.dim / (size_t)p->C;
    t->S[1] = p->in2.dim / (p->y_one ? 1 : (size_t)p->C);
    t->S[2] = p->out.dim / (size_t)p->C;
    t->y_channels = !p->y_one || p->d.weights == RACAH_TP_W_DEGREE || p->d.weights == RACAH_TP_W_SEPARABLE;
    return RACAH_OK;
}

racah_status racahi_tp_transform_on_points(racah_tp_plan *p, bool even, racahi_tp_points_fn fill, racah_error *err)
{
    RACAHI_TRY(racahi_tp_transform_begin(p, even, err));
    racahi_quadrature *q;
    RACAHI_TRY(
        racahi_quadrature_create(&q, p->in1.lmax + p->in2.lmax + p->out.lmax, RACAHI_QUADRATURE_BEST, err));
    const racah_status status = fill(p, q, err);
    racahi_quadrature_destroy(q);
    return status;
}

/* ---- tables ------------------------------------------------------------------------------------------- */

racah_status racahi_tp_transform_dense(racah_tp_plan *p, size_t R, racah_error *err)
{
    racahi_tp_transform *t = p->state;
    t->R = p->rank = R;
    for (int i = 0; i < 3; i++) {
        size_t n = R * t->S[i];
        t->T_f64[i] = racahi_calloc(n, sizeof(double)), t->U_f64[i] = racahi_calloc(n, sizeof(double));
        t->T_f32[i] = racahi_calloc(n, sizeof(float)), t->U_f32[i] = racahi_calloc(n, sizeof(float));
        if (!t->T_f64[i] || !t->U_f64[i] || !t->T_f32[i] || !t->U_f32[i])
            return racahi_fail(err, RACAH_ENOMEM, "tp plan: a transform of %zu points does not fit in memory",
                               R);
    }
    return RACAH_OK;
}

void racahi_tp_transform_destroy(void *state)
{
    racahi_tp_transform *t = state;
    if (!t) return;
    for (int i = 0; i < 3; i++) {
        racahi_free(t->T_f64[i]), racahi_free(t->U_f64[i]);
        racahi_free(t->T_f32[i]), racahi_free(t->U_f32[i]);
    }
    racahi_tp_fft_destroy(t->fft);
    racahi_free(t->ptr);
    racahi_free(t->entry);
    racahi_free(t);
}

#define REAL double
#define NAME(x) x##_f64
#include "tp_transform.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "tp_transform.inc"
#undef REAL
#undef NAME

/* Multiply-adds of one sample in T_i, and of the product itself. */
static double transform_flops(const racah_tp_plan *p, int i, double channels)
{
    const racahi_tp_transform *t = p->state;
    return channels * (t->fft ? racahi_tp_fft_flops(t->fft, i) : 2.0 * (double)t->R * (double)t->S[i]);
}

racah_status racahi_tp_transform_finish(racah_tp_plan *p, racah_error *err)
{
    (void)err;
    racahi_tp_transform *t = p->state;
    for (int i = 0; i < 3 && !t->fft; i++) {
        size_t rows = i < 2 ? t->R : t->S[2], cols = i < 2 ? t->S[i] : t->R;
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) {
                double v = t->T_f64[i][r * cols + c];
                t->U_f64[i][c * rows + r] = v;
                t->T_f32[i][r * cols + c] = t->U_f32[i][c * rows + r] = (float)v;
            }
    }
    double C = p->C, cy = t->y_channels ? C : 1, product = t->ptr ? 2 * (double)t->ptr[t->R] : (double)t->R;
    double T1 = transform_flops(p, 0, C), T2 = transform_flops(p, 1, cy), T3 = transform_flops(p, 2, C);
    p->flops_forward = T1 + T2 + T3 + C * product;
    p->flops_backward = 2 * (T1 + T2) + T3 + 3 * C * product;
    if (p->d.weights == RACAH_TP_W_SHARED || p->d.weights == RACAH_TP_W_SEPARABLE) p->flops_backward += T3;
    racahi_arena a = racahi_arena_measure();
    if (p->d.dtype == RACAH_TP_F64) {
        transform_buffers_f64 b;
        transform_layout_f64(p, &a, &b);
    } else {
        transform_buffers_f32 b;
        transform_layout_f32(p, &a, &b);
    }
    p->ws_algorithm = a.used;
    return RACAH_OK;
}
