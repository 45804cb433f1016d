/* SPDX-License-Identifier: MIT
 * The convolution of conv.h after rotating each edge to the polar axis (eSCN, arXiv 2302.03655).
 *
 * There Y has only m = 0, so a path couples m with m alone (natural parity; the sparse operator is read off
 * the coefficients):  z'[l3 m] = sum_l1 sum_l2 W(l2 ..) C(l1 m, l2 0, l3 m) sqrt(2 l2+1) x'[l1 m], with
 * x' = D x and z = D^T z'. D comes from the recursion of wigner_d.h and a rotation of two charts: no frame is
 * singular, and the turn about the axis drops out.
 *
 * Y is used for its direction only: Y[e] must be the component-normalised harmonics of a unit vector u, with
 * u = Y[e,1..3] / sqrt 3. The gradient comes from the torque: turning u by an angle about the axis a changes
 * E by <dz, J_a z> - <dx, J_a x> with the generators J_a, and the component along u vanishes. It is returned
 * as the dY that has the same derivative with respect to u: in the three components of l = 1, zero elsewhere.
 *
 * Layout, slots, weights and sizes as in conv.h. Serial, re-entrant. */
#ifndef RACAHI_CONV_SO2_H
#define RACAHI_CONV_SO2_H

#include "conv.h"

typedef struct racahi_so2conv racahi_so2conv; /* plan */

/* Errors: those of racahi_conv_create. */
racah_status racahi_so2conv_create(racahi_so2conv **out, int lin, int ly, int lout, racahi_weights_kind kind,
                                   racahi_family family, racahi_isa isa, racah_error *err);
void racahi_so2conv_destroy(racahi_so2conv *p);

size_t racahi_so2conv_flops(const racahi_so2conv *p, bool backward); /* per edge and channel */
size_t racahi_so2conv_ws_size(const racahi_so2conv *p);              /* bytes, 64-byte aligned block */

/* One receiver; A overwritten, dx +=, dY and dW overwritten, as racahi_conv_*. */
void racahi_so2conv_forward_f64(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                const double *x, const double *W, const double *Y, double *A);
void racahi_so2conv_forward_f32(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                const float *x, const float *W, const float *Y, float *A);
void racahi_so2conv_backward_f64(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                 const double *x, const double *W, const double *Y, const double *dA,
                                 double *dx, double *dY, double *dW);
void racahi_so2conv_backward_f32(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                 const float *x, const float *W, const float *Y, const float *dA, float *dx,
                                 float *dY, float *dW);
#endif
