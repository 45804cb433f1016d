/* SPDX-License-Identifier: MIT
 * Products that factor: z = T3 ( (T1 x) o (T2 y) ), o pointwise, or a product of matrices.
 *
 *   grid, cp, vector   T dense, o pointwise in R points or ranks
 *   matrix             T dense, o the product of (L+1) x (L+1) complex matrices
 *   gaunt              T through two-dimensional Fourier series, o pointwise on a torus
 *
 * They compute every path at once, so weights must factor as well: none, shared, degree, separable. Backward is
 * the transpose of each step. */
#ifndef RACAHI_TP_TRANSFORM_H
#define RACAHI_TP_TRANSFORM_H

#include "../sphere/quadrature.h"
#include "tp_internal.h"

typedef struct racahi_tp_fft racahi_tp_fft; /* tp_gaunt.c */

typedef struct racahi_tp_transform {
    size_t R, S[3];              /* points; rows of x, y, z */
    double *T_f64[3], *U_f64[3]; /* dense: T1 (R,S1), T2 (R,S2), T3 (S3,R), and their transposes U */
    float *T_f32[3], *U_f32[3];
    racahi_tp_fft *fft; /* instead of T */
    size_t *ptr;        /* matrix: out[k] = sum over ptr[k] <= q < ptr[k+1] of entry[q].c X[k1] Y[k2] */
    racahi_tp_entry *entry;
    bool y_channels; /* the second factor has a value for each channel (it may be common otherwise) */
} racahi_tp_transform;

/* Checks what all of them need; p->state becomes a transform of R points with dense T1, T2, T3 zeroed in f64 (for
 * dense). `even` restricts the set of paths that must be there, each once, to even sums. */
racah_status racahi_tp_transform_begin(racah_tp_plan *p, bool even, racah_error *err);
/* begin, then `fill` with points on which the product of all three factors is integrated exactly. */
typedef racah_status (*racahi_tp_points_fn)(racah_tp_plan *p, const racahi_quadrature *q, racah_error *err);
racah_status racahi_tp_transform_on_points(racah_tp_plan *p, bool even, racahi_tp_points_fn fill, racah_error *err);
racah_status racahi_tp_transform_dense(racah_tp_plan *p, size_t R, racah_error *err);
/* After T_f64 is filled in: transposes, float copies, workspace, cost. */
racah_status racahi_tp_transform_finish(racah_tp_plan *p, racah_error *err);
void racahi_tp_transform_destroy(void *state);

/* The row of T1/T2 columns and T3 rows: component m of block b of input or output `which`. */
static inline size_t racahi_tp_component(const racah_tp_plan *p, const racahi_irreps *s, size_t b, int m)
{
    int C = s == &p->in2 && p->y_one ? 1 : p->C;
    return racahi_tp_row(s, b, C) + (size_t)(m + s->block[b].l);
}

void racahi_tp_transform_forward_f64(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const double *x,
                                     const double *y, const double *w, size_t wn, double *z);
void racahi_tp_transform_backward_f64(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const double *x,
                                      const double *y, const double *w, size_t wn, const double *dz,
                                      double *dx, double *dy, double *dw);
void racahi_tp_transform_forward_f32(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const float *x,
                                     const float *y, const float *w, size_t wn, float *z);
void racahi_tp_transform_backward_f32(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const float *x,
                                      const float *y, const float *w, size_t wn, const float *dz, float *dx,
                                      float *dy, float *dw);
#define RACAHI_TP_TRANSFORM_OPS(algorithm, create)                                                           \
    {                                                                                                        \
        algorithm, create, racahi_tp_transform_destroy, racahi_tp_transform_forward_f64,                     \
            racahi_tp_transform_backward_f64, racahi_tp_transform_forward_f32,                               \
            racahi_tp_transform_backward_f32                                                                 \
    }

/* Fourier transforms of C channels (C = p->C or 1): to the torus (which = 0, 1) or back (2), or the transposes.
 * W: racahi_tp_fft_ws numbers for each channel, 64-byte aligned. `in` is not changed for 0 and 1; for 2 it is. */
size_t racahi_tp_fft_ws(const racahi_tp_fft *f);
double racahi_tp_fft_flops(const racahi_tp_fft *f, int which);
void racahi_tp_fft_destroy(racahi_tp_fft *f);
void racahi_tp_fft_run_f64(const racah_tp_plan *p, const racahi_tp_fft *f, int which, bool transposed,
                           size_t C, double *in, double *W, double *out);
void racahi_tp_fft_run_f32(const racah_tp_plan *p, const racahi_tp_fft *f, int which, bool transposed,
                           size_t C, float *in, float *W, float *out);

#endif
