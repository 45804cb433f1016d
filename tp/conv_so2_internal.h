/* SPDX-License-Identifier: MIT
 * What the plan of the so2 convolution and its kernels share. */
#ifndef RACAHI_CONV_SO2_INTERNAL_H
#define RACAHI_CONV_SO2_INTERNAL_H

#include "conv_so2.h"

/* z'[a] += c W[w] x'[x], terms ordered by w. */
typedef struct racahi_so2_term {
    size_t x, a;
    double c;
} racahi_so2_term;

/* J[i][k] = v of the generator of rotations about one axis. */
typedef struct racahi_so2_generator {
    size_t i, k;
    double v;
} racahi_so2_generator;

typedef struct racahi_so2_list {
    size_t n;
    racahi_so2_generator *g;
} racahi_so2_list;

/* One degree of a feature: rows row .. row + 2l. */
typedef struct racahi_so2_rows {
    int l;
    size_t row;
} racahi_so2_rows;

typedef void (*racahi_so2_fwd_f64)(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                   const double *x, const double *W, const double *Y, double *A);
typedef void (*racahi_so2_fwd_f32)(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                   const float *x, const float *W, const float *Y, float *A);
typedef void (*racahi_so2_bwd_f64)(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                   const double *x, const double *W, const double *Y, const double *dA,
                                   double *dx, double *dY, double *dW);
typedef void (*racahi_so2_bwd_f32)(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                   const float *x, const float *W, const float *Y, const float *dA, float *dx,
                                   float *dY, float *dW);

typedef struct racahi_so2_kernels {
    racahi_so2_fwd_f64 forward_f64;
    racahi_so2_bwd_f64 backward_f64;
    racahi_so2_fwd_f32 forward_f32;
    racahi_so2_bwd_f32 backward_f32;
} racahi_so2_kernels;

struct racahi_so2conv {
    int lmax, ly; /* of both features; of Y */
    size_t nx, ny, nrow, nw;
    size_t *start; /* [nw+1] terms of each weight */
    racahi_so2_term *term;
    size_t nin, nout;
    racahi_so2_rows *in, *out;               /* [nin], [nout] */
    racahi_so2_list turn_in[2], turn_out[2]; /* generators about x and z, on the rows of x and of A */
    racahi_so2_kernels kernels;
};

/* Rotation of the edge whose harmonics are Y: u [3], R to the pole, its matrices D and their transposes, each
 * RACAHI_WIGNER_D_SIZE(lmax) numbers. */
void racahi_so2_frame(const racahi_so2conv *p, const double Y1[3], double u[3], double R[9], double *D,
                      double *DT);

racahi_so2_kernels racahi_so2_pick(racahi_isa isa);

#endif
