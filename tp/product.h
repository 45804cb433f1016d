/* SPDX-License-Identifier: MIT
 * Many-body product of one feature with itself (MACE's symmetric contraction, arXiv 2206.07697 eq. 10-11),
 * all output degrees L = 0..Lout and orders nu = 1..N at once:
 *     B[LM, c] = sum_nu sum_p W[L,nu,p; c] P_{L,nu,p}[M](A[:, c])
 * with the polynomials of symbasis.h. The paths are contracted with the weights first
 * (coef = U W, once per element and parameter set), so a kernel only sees one sparse polynomial:
 *     B[LM, c] = sum_q coef[LM,q; c] mono_q(A[:,c])
 * evaluated as nested sums (product_internal.h).
 *
 * Layout: A [S][Cp], B [(Lout+1)^2][Cp], Cp = channels padded to a whole number of 64-byte vectors,
 * W [npath][Cp] (paths ordered by L, then nu, then p). coef has nentry numbers for each channel, in blocks of up to 16
 * channels: block after block [nentry][width], so that a kernel reads on and on. Weights differ by element, so
 * one call does atoms of one element, with that element's coef. Calls are serial and re-entrant and allocate
 * nothing. Results do not depend on how many atoms a call gets, and on the instruction set by rounding only.
 */
#ifndef RACAHI_PRODUCT_H
#define RACAHI_PRODUCT_H

#include "symbasis.h"

typedef struct racahi_product racahi_product; /* plan; immutable, shared by threads */

/* lmax 0..4, Lout 0..4, order 1..4 (4 only for lmax <= 3); isa must run on this CPU (a build without the
 * variant takes the base one). Milliseconds. Errors: RACAH_EINVAL, RACAH_ENOMEM; *out is NULL then. */
racah_status racahi_product_create(racahi_product **out, int lmax, int Lout, int order, racahi_isa isa,
                                   racah_error *err);
void racahi_product_destroy(racahi_product *p);

size_t racahi_product_npath(const racahi_product *p); /* over all L and nu */
size_t racahi_product_npath_of(const racahi_product *p, int L, int nu);
size_t racahi_product_path_offset(const racahi_product *p, int L, int nu); /* first path of (L, nu) */
size_t racahi_product_nentry(const racahi_product *p);                     /* non-zeros (LM, monomial) */
size_t racahi_product_flops(const racahi_product *p, bool backward);       /* per channel and atom */

/* coef[e, c] = sum_p U[e][p] W[p][c]; overwrites. */
void racahi_product_expand_f64(const racahi_product *p, size_t Cp, const double *W, double *coef);
/* dW[p][c] += sum_e U[e][p] dcoef[e, c] (the transpose). */
void racahi_product_expand_backward_f64(const racahi_product *p, size_t Cp, const double *dcoef, double *dW);

/* Scratch of one thread, bytes (64-byte aligned block); independent of Cp and of the number of atoms. */
size_t racahi_product_ws_size(const racahi_product *p);

/* One atom. B overwritten. */
void racahi_product_forward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                const double *A, double *B);
void racahi_product_forward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                const float *A, float *B);
/* One atom. dA overwritten with sum_LM dB[LM] dB[LM]/dA; dcoef (or NULL) += dB[LM] mono(A). */
void racahi_product_backward_f64(const racahi_product *p, void *ws, size_t Cp, const double *coef,
                                 const double *A, const double *dB, double *dA, double *dcoef);
void racahi_product_backward_f32(const racahi_product *p, void *ws, size_t Cp, const float *coef,
                                 const float *A, const float *dB, float *dA, float *dcoef);

/* n atoms of one element: atom i is row[i] (distinct rows; i itself if row is NULL) of A [rows][S][Cp] and
 * B [rows][(Lout+1)^2][Cp]; dA and dB likewise. Four atoms at a time share the loads of coefficients and
 * hide each other's latencies, so this is faster than n single calls; the numbers are the same bit for bit.
 */
void racahi_product_forward_atoms_f64(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                      const double *coef, const double *A, double *B);
void racahi_product_forward_atoms_f32(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                      const float *coef, const float *A, float *B);
void racahi_product_backward_atoms_f64(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                       const double *coef, const double *A, const double *dB, double *dA,
                                       double *dcoef);
void racahi_product_backward_atoms_f32(const racahi_product *p, void *ws, size_t Cp, size_t n, const int *row,
                                       const float *coef, const float *A, const float *dB, float *dA,
                                       float *dcoef);

/* Readable twins, double, straight from the symbasis equation (weights, not coef; slow). dA overwritten,
 * dW (or NULL) += . Errors as racahi_product_create. */
racah_status racahi_product_forward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                        const double *A, double *B, racah_error *err);
racah_status racahi_product_backward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                         const double *A, const double *dB, double *dA, double *dW,
                                         racah_error *err);
#endif
