/* SPDX-License-Identifier: MIT
 * What the plan of the many-body products and their kernels share. */
#ifndef RACAHI_MANYBODY_INTERNAL_H
#define RACAHI_MANYBODY_INTERNAL_H

#include "manybody.h"

enum { RACAHI_MANYBODY_ORDER_MAX = 4, RACAHI_MANYBODY_LMAX = 5 };

/* Factors of one product, both ways round: [n1][R], [R][n1], ... */
typedef struct racahi_manybody_step_f64 {
    double *A, *AT, *B, *BT, *C, *CT;
} racahi_manybody_step_f64;
typedef struct racahi_manybody_step_f32 {
    float *A, *AT, *B, *BT, *C, *CT;
} racahi_manybody_step_f32;
typedef struct racahi_manybody_step {
    size_t n1, n2, n3, R;
    racahi_manybody_step_f64 f64;
    racahi_manybody_step_f32 f32;
} racahi_manybody_step;

typedef void (*racahi_manybody_fwd_f64)(const racahi_manybody *p, void *ws, size_t Cp, size_t n,
                                        const double *W, const double *A, double *B);
typedef void (*racahi_manybody_fwd_f32)(const racahi_manybody *p, void *ws, size_t Cp, size_t n,
                                        const float *W, const float *A, float *B);
typedef void (*racahi_manybody_bwd_f64)(const racahi_manybody *p, void *ws, size_t Cp, size_t n,
                                        const double *W, const double *A, const double *dB, double *dA,
                                        double *dW);
typedef void (*racahi_manybody_bwd_f32)(const racahi_manybody *p, void *ws, size_t Cp, size_t n,
                                        const float *W, const float *A, const float *dB, float *dA,
                                        float *dW);

typedef struct racahi_manybody_kernels {
    racahi_manybody_fwd_f64 forward_f64;
    racahi_manybody_bwd_f64 backward_f64;
    racahi_manybody_fwd_f32 forward_f32;
    racahi_manybody_bwd_f32 backward_f32;
} racahi_manybody_kernels;

/* grid: step[0] has the values at the points in A and the way back in C. cp: step[0] makes f^2 of degree
 * lmid, step[1] f^3 from f^2 and f, step[2] f^4 from f^2 twice; those above the order are absent (R = 0). */
struct racahi_manybody {
    racahi_manybody_algorithm algorithm;
    int lmax, Lout, order, lmid;
    size_t S, nout, nmid;
    size_t Rmax; /* largest R */
    racahi_manybody_step step[3];
    racahi_manybody_kernels kernels;
};

/* Degrees of f^2 that still reach Lout: all of them for f^2 f^2, those a third f can bring down for f^3. */
static inline int racahi_manybody_lmid(int lmax, int Lout, int order)
{
    return order <= 2 ? Lout : order == 3 && lmax + Lout < 2 * lmax ? lmax + Lout : 2 * lmax;
}

/* Rows of 64 bytes in the workspace. */
static inline size_t racahi_manybody_rows(const racahi_manybody *p)
{
    return 2 * (p->S + p->nmid + 2 * p->nout) + 10 * p->Rmax;
}

racahi_manybody_kernels racahi_manybody_pick(racahi_manybody_algorithm algorithm, racahi_isa isa);

#endif
