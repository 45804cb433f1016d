/* SPDX-License-Identifier: MIT
 * What the plan of the node-side convolution and its kernels share. */
#ifndef RACAHI_CONV_CP_INTERNAL_H
#define RACAHI_CONV_CP_INTERNAL_H

#include "conv_cp.h"
#include "conv_so2.h"

/* Factors in one precision, both ways round, so that every transform is sum_k a[k][.] in[k]. */
typedef struct racahi_nodeconv_factors_f64 {
    double *A, *AT, *C, *CT; /* [nx][R], [R][nx], [nout][R], [R][nout] */
    double *B, *BT;          /* [ny][Rp]; [nf][R][nyp], row f the columns of filter f and zeros */
} racahi_nodeconv_factors_f64;
typedef struct racahi_nodeconv_factors_f32 {
    float *A, *AT, *C, *CT, *B, *BT;
} racahi_nodeconv_factors_f32;

/* An edge in the list of its sender. */
typedef struct racahi_nodeconv_edge {
    size_t edge, receiver;
} racahi_nodeconv_edge;

#define AHEAD 4 /* edges to prefetch ahead; the list of edges ends with as many copies of its first */

/* F and dF [E][nf][Rp]: values of the filters on the edges and their gradients (overwritten); backward in the
 * order of the list. X [nsend] and dM [N] rows of the block, M the scratch of layout() (conv_cp.c). The edges
 * of sender s are edge[start[s]]
 * .. edge[start[s+1]-1]. */
typedef void (*racahi_nodeconv_fwd_f64)(const racahi_nodeconv *p, size_t Cp, size_t N, const size_t *ptr,
                                        size_t nsend, const int *j, const double *x, const double *W,
                                        const double *F, double *X, double *M, double *A);
typedef void (*racahi_nodeconv_fwd_f32)(const racahi_nodeconv *p, size_t Cp, size_t N, const size_t *ptr,
                                        size_t nsend, const int *j, const float *x, const float *W,
                                        const float *F, float *X, float *M, float *A);
typedef void (*racahi_nodeconv_bwd_f64)(const racahi_nodeconv *p, size_t Cp, size_t N, size_t nsend,
                                        const size_t *start, const racahi_nodeconv_edge *edge,
                                        const double *x, const double *W, const double *F, const double *dA,
                                        double *dM, double *M, double *dx, double *dF, double *dW);
typedef void (*racahi_nodeconv_bwd_f32)(const racahi_nodeconv *p, size_t Cp, size_t N, size_t nsend,
                                        const size_t *start, const racahi_nodeconv_edge *edge, const float *x,
                                        const float *W, const float *F, const float *dA, float *dM, float *M,
                                        float *dx, float *dF, float *dW);

/* out[e][c] (+)= sum_k in[e][k] a[k][c] for E rows and ncol columns, a multiple of 16. */
typedef void (*racahi_nodeconv_mul_f64)(bool add, size_t E, size_t K, size_t ncol, const double *in,
                                        size_t ldi, const double *a, size_t lda, double *out, size_t ldo);
typedef void (*racahi_nodeconv_mul_f32)(bool add, size_t E, size_t K, size_t ncol, const float *in,
                                        size_t ldi, const float *a, size_t lda, float *out, size_t ldo);

typedef struct racahi_nodeconv_kernels {
    racahi_nodeconv_fwd_f64 forward_f64;
    racahi_nodeconv_bwd_f64 backward_f64;
    racahi_nodeconv_mul_f64 multiply_f64;
    racahi_nodeconv_fwd_f32 forward_f32;
    racahi_nodeconv_bwd_f32 backward_f32;
    racahi_nodeconv_mul_f32 multiply_f32;
} racahi_nodeconv_kernels;

struct racahi_nodeconv {
    racahi_conv *cg;     /* algorithm cg; or */
    racahi_so2conv *so2; /* so2: everything below is unused then but nx, ny, nw, nrow */
    int lin, ly, lout;
    size_t nx, ny, nw, nrow;
    size_t R, Rp; /* rank; rounded up to 16, the row length of F */
    size_t nyp;   /* ny rounded up to 16 */
    size_t nf;    /* filters: 1 or ly+1; nw = nf */
    racahi_nodeconv_factors_f64 f64;
    racahi_nodeconv_factors_f32 f32;
    racahi_nodeconv_kernels kernels;
};

racahi_nodeconv_kernels racahi_nodeconv_pick(racahi_isa isa);

#endif
