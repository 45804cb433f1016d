/* SPDX-License-Identifier: MIT
 * The powers of manybody.h by algorithm `gaunt`: divide and conquer with products through 2D Fourier series
 * (Gaunt tensor products, arXiv 2401.10216). f^2 = f f to the degree that can still reach Lout, f^3 = f^2 f,
 * f^4 = f^2 f^2, each a tensor-product plan (racah_tp.h) of family gaunt. Layout and weights as in
 * manybody.h; the number of channels is part of the plan. Any other algorithm of that family may be asked for
 * too. */
#ifndef RACAHI_MANYBODY_GAUNT_H
#define RACAHI_MANYBODY_GAUNT_H

#include "../src/base/base.h"
#include "racah_tp.h"

typedef struct racahi_manybody_gaunt racahi_manybody_gaunt; /* plan */

/* lmax 0..5, Lout 0..lmax, order 1..4, Cp 1..; algorithm gaunt, or cg, grid, cp. Errors: RACAH_EINVAL,
 * RACAH_ENOMEM, those of racah_tp_plan_create. */
racah_status racahi_manybody_gaunt_create(racahi_manybody_gaunt **out, racah_tp_algorithm algorithm, int lmax,
                                          int Lout, int order, size_t Cp, racah_tp_dtype dtype,
                                          racah_error *err);
void racahi_manybody_gaunt_destroy(racahi_manybody_gaunt *p);

size_t racahi_manybody_gaunt_ws_size(const racahi_manybody_gaunt *p,
                                     size_t n); /* bytes, 64-byte aligned block */
double racahi_manybody_gaunt_flops(const racahi_manybody_gaunt *p, bool backward); /* per atom and channel */

/* B overwritten. Errors: RACAH_EINVAL (dtype is not the plan's). */
racah_status racahi_manybody_gaunt_forward_f64(const racahi_manybody_gaunt *p, void *ws, size_t n,
                                               const double *W, const double *A, double *B, racah_error *err);
racah_status racahi_manybody_gaunt_forward_f32(const racahi_manybody_gaunt *p, void *ws, size_t n,
                                               const float *W, const float *A, float *B, racah_error *err);
/* dA overwritten, dW +=. */
racah_status racahi_manybody_gaunt_backward_f64(const racahi_manybody_gaunt *p, void *ws, size_t n,
                                                const double *W, const double *A, const double *dB,
                                                double *dA, double *dW, racah_error *err);
racah_status racahi_manybody_gaunt_backward_f32(const racahi_manybody_gaunt *p, void *ws, size_t n,
                                                const float *W, const float *A, const float *dB, float *dA,
                                                float *dW, racah_error *err);
#endif
