/* SPDX-License-Identifier: MIT
 * Many-body products in the gaunt family: powers of a feature seen as a function on the sphere,
 *
 *     f(r) = sum_k A_k Y_k(r),    B[LM, c] = sum_{nu=1..N} W[nu, L; c] (1/4 pi) integral f(r)^nu Y_LM(r) dr
 *
 * with component-normalised harmonics. These are the polynomials that the symmetric contraction (product.h)
 * gives with one particular choice of path weights for each (nu, L); a quadrature or a CP decomposition
 * cannot separate more than that. In exchange the cost does not grow with the number of paths.
 *
 *   grid  values on the points of a quadrature of degree N lmax + Lout, powers point by point, back
 *         (S + (Lout+1)^2) G multiply-adds
 *   cp    divide and conquer: f^2 from factors (lmax, lmax, l'), f^3 = f^2 f, f^4 = f^2 f^2, where f^2 is kept
 *         to the degree l' that can still reach Lout
 *
 * Layout: A [n][S][Cp], B [n][(Lout+1)^2][Cp], W [N][Lout+1][Cp] common to the n atoms of a call (one
 * element). Cp is a multiple of 8 (f64) or 16 (f32). Serial, re-entrant, no allocation after create. Arrays
 * must not overlap. */
#ifndef RACAHI_MANYBODY_H
#define RACAHI_MANYBODY_H

#include "../src/base/base.h"

typedef enum racahi_manybody_algorithm {
    RACAHI_MANYBODY_GRID = 0,
    RACAHI_MANYBODY_CP = 1
} racahi_manybody_algorithm;

typedef struct racahi_manybody racahi_manybody; /* plan */

/* lmax 0..5, Lout 0..lmax, order 1..4. Errors: RACAH_EINVAL, RACAH_EUNSUPPORTED (instruction set),
 * RACAH_ENOMEM. */
racah_status racahi_manybody_create(racahi_manybody **out, racahi_manybody_algorithm algorithm, int lmax,
                                    int Lout, int order, racahi_isa isa, racah_error *err);
void racahi_manybody_destroy(racahi_manybody *p);

size_t racahi_manybody_points(const racahi_manybody *p);               /* points, or the sum of the ranks */
size_t racahi_manybody_flops(const racahi_manybody *p, bool backward); /* per atom and channel */
size_t racahi_manybody_ws_size(const racahi_manybody *p);              /* bytes, 64-byte aligned block */

/* B overwritten. */
void racahi_manybody_forward_f64(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const double *W,
                                 const double *A, double *B);
void racahi_manybody_forward_f32(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const float *W,
                                 const float *A, float *B);
/* dA overwritten, dW +=. */
void racahi_manybody_backward_f64(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const double *W,
                                  const double *A, const double *dB, double *dA, double *dW);
void racahi_manybody_backward_f32(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const float *W,
                                  const float *A, const float *dB, float *dA, float *dW);

/* Readable twin of the forward pass: products with the Gaunt tensor. */
racah_status racahi_manybody_forward_ref(int lmax, int Lout, int order, size_t Cp, size_t n, const double *W,
                                         const double *A, double *B, racah_error *err);
#endif
