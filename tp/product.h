/* SPDX-License-Identifier: MIT
 * Many-body product of one feature with itself (MACE's symmetric contraction, arXiv 2206.07697 eq. 10-11),
 * all output degrees L = 0..Lout and orders nu = 1..N at once:
 *     B[LM, c] = sum_nu sum_p W[L,nu,p; c] P_{L,nu,p}[M](A[:, c])
 * with the polynomials of symbasis.h. The paths are contracted with the weights first
 * (coef = U W, once per element and parameter set), so a kernel only sees one sparse polynomial:
 *     B[LM, c] = sum_q coef[LM,q; c] mono_q(A[:,c])
 * evaluated over a prefix tree of monomials shared by every (L, M).
 *
 * Layout: A [S][Cp], B [(Lout+1)^2][Cp], Cp = channels padded to a whole number of 64-byte vectors,
 * W [npath][Cp] (paths ordered by L, then nu, then p), coef [nentry][Cp]. Weights differ by element, so
 * a call does one atom, with that element's coef.
 */
#ifndef RACAHI_PRODUCT_H
#define RACAHI_PRODUCT_H

#include "symbasis.h"

typedef struct racahi_product racahi_product; /* plan; immutable, shared by threads */

racah_status racahi_product_create(racahi_product **out, int lmax, int Lout, int order, racahi_isa isa,
                                   racah_error *err);
void racahi_product_destroy(racahi_product *p);

size_t racahi_product_npath(const racahi_product *p);               /* over all L and nu */
size_t racahi_product_npath_of(const racahi_product *p, int L, int nu);
size_t racahi_product_path_offset(const racahi_product *p, int L, int nu); /* first path of (L, nu) */
size_t racahi_product_nentry(const racahi_product *p); /* non-zeros (LM, monomial) */
size_t racahi_product_flops(const racahi_product *p, bool backward); /* per channel and atom */

/* coef[e][c] = sum_p U[e][p] W[p][c]; overwrites. */
void racahi_product_expand_f64(const racahi_product *p, size_t Cp, const double *W, double *coef);
/* dW[p][c] += sum_e U[e][p] dcoef[e][c] (the transpose). */
void racahi_product_expand_backward_f64(const racahi_product *p, size_t Cp, const double *dcoef, double *dW);

/* Scratch of one thread, bytes (64-byte aligned block); independent of Cp. */
size_t racahi_product_ws_size(const racahi_product *p);

/* B overwritten. */
void racahi_product_forward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                const double *A, double *B);
void racahi_product_forward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                const float *A, float *B);
/* dA overwritten with sum_LM dB[LM] dB[LM]/dA; dcoef (or NULL) += dB[LM] mono(A). */
void racahi_product_backward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                 const double *A, const double *dB, double *dA, double *dcoef);
void racahi_product_backward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                 const float *A, const float *dB, float *dA, float *dcoef);

/* Readable twins, double, straight from the symbasis equation (weights, not coef; slow). dW += . */
racah_status racahi_product_forward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                        const double *A, double *B, racah_error *err);
racah_status racahi_product_backward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                         const double *A, const double *dB, double *dA, double *dW,
                                         racah_error *err);
#endif
