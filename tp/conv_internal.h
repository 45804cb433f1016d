/* SPDX-License-Identifier: MIT
 * What the convolution's plan and its kernels share: tasks, tables, kernel signatures. */
#ifndef RACAHI_CONV_INTERNAL_H
#define RACAHI_CONV_INTERNAL_H

#include "conv.h"

/* A block of one group (w, l1, slot) that a kernel holds in registers: n1 rows of x, n3 rows of A and the
 * n1*n3 numbers of K between them. n3 is 1, 3, 5, 7 or 9, n1 at most 3; larger l are cut into several tasks.
 *   dense     A[a0+k3] += W[w] sum_k1 K[k0 + k3*n1 + k1] x[x0+k1]
 *   diagonal  A[a0+k]  += W[w] K[k0] x[x0+k], n1 = n3   (l2 = 0: K is a multiple of the identity) */
typedef struct racahi_conv_task {
    int n1, n3;
    bool diag;
    bool first; /* no earlier task uses w: dW[w] is written, not added to */
    size_t w, x0, a0, k0;
} racahi_conv_task;

/* Sparse linear map, out[r] = sum over ptr[r] <= q < ptr[r+1] of coef[q] in[col[q]], both precisions. */
typedef struct racahi_conv_map {
    size_t nrow;
    size_t *ptr, *col;
    double *coef_f64;
    float *coef_f32;
} racahi_conv_map;

typedef void (*racahi_conv_fwd_f64)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const double *x, const double *W, const double *Y, double *A);
typedef void (*racahi_conv_fwd_f32)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const float *x, const float *W, const float *Y, float *A);
typedef void (*racahi_conv_bwd_f64)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const double *x, const double *W, const double *Y, const double *dA,
                                    double *dx, double *dY, double *dW, const double *Wr, double *dr);
typedef void (*racahi_conv_bwd_f32)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const float *x, const float *W, const float *Y, const float *dA,
                                    float *dx, float *dY, float *dW, const float *Wr, float *dr);

typedef void (*racahi_conv_fwd_spline_f64)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                           const double *x, const double *const *row, const double *b,
                                           const double *Y, double *A);
typedef void (*racahi_conv_fwd_spline_f32)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                           const float *x, const float *const *row, const float *b,
                                           const float *Y, float *A);
typedef void (*racahi_conv_bwd_spline_f64)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                           const double *x, const double *const *row, const double *b,
                                           const double *Y, const double *dA, const int *jd, double *dx, double *dY,
                                           double *dr);
typedef void (*racahi_conv_bwd_spline_f32)(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                           const float *x, const float *const *row, const float *b,
                                           const float *Y, const float *dA, const int *jd, float *dx, float *dY,
                                           float *dr);

struct racahi_conv {
    int lin, ly, lout;
    size_t nx, ny; /* (lin+1)^2, (ly+1)^2 */
    size_t nw, nrow, nK, ntask;
    size_t *nslot, *offset; /* [lout+1] */
    bool *used;             /* [nw] some path has this weight (a `degree` l2 may couple to nothing) */
    racahi_conv_task *task;
    racahi_conv_map K;  /* K = C Y     [nK]  from [ny] */
    racahi_conv_map dY; /* dY = C^T dK [ny] from [nK] */
    size_t flops_forward, flops_backward;
    racahi_conv_fwd_f64 forward_f64;
    racahi_conv_bwd_f64 backward_f64;
    racahi_conv_fwd_f32 forward_f32;
    racahi_conv_bwd_f32 backward_f32;
    racahi_conv_fwd_spline_f64 forward_spline_f64;
    racahi_conv_bwd_spline_f64 backward_spline_f64;
    racahi_conv_fwd_spline_f32 forward_spline_f32;
    racahi_conv_bwd_spline_f32 backward_spline_f32;
};

/* Fill in the kernels of the plan for this instruction set. */
void racahi_conv_pick(racahi_conv *p, racahi_isa isa);

/* C[m1+l1, m2+l2, m3+l3] of the family (row-major, (2l1+1)(2l2+1)(2l3+1) doubles). */
racah_status racahi_conv_coupling(racahi_family family, int l1, int l2, int l3, double *C, racah_error *err);

#endif
