/* SPDX-License-Identifier: MIT
 * The convolution of message passing, algorithm `cg`, for one receiving atom and edges e with senders j(e):
 *
 *   A[slot(p), l3 m3, c] = sum_e sum_p W[e, w(p), c]
 *                          sum_{m1 m2} C(l1m1, l2m2, l3m3) x[j, l1m1, c] Y[e, l2m2]
 *
 * Paths p = (l1, l2, l3): l1 <= lin, l2 <= ly, l3 <= lout, triangle rule, l1+l2+l3 even (natural parity).
 *
 * Weights (design.md section 3):
 *   path    w(p) = p; every path has an output slot of its own (MACE), nslot(l3) paths into l3
 *   degree  w(p) = l2; one slot for each l3
 *   shared  w(p) = 0;  one slot for each l3
 * Family: component  C = sqrt(2l3+1) wigner_3j;  gaunt  C = 4 pi-free Gaunt in component harmonics, i.e. the
 *   pointwise product of functions on the sphere expanded in component-normalised Y: C = sqrt(4 pi) * G.
 *
 * Paths are ordered by l3, then l1, then l2; slots of one l3 are contiguous:
 *   output row of (l3, s, m3) = slot_offset(l3) + s*(2l3+1) + m3+l3.
 * `degree` and `shared` keep their slot for an l3 that no path reaches (its rows are zero), and `degree`
 * keeps the weight of an l2 without paths (its dW is zero), so that l*l and l2 stay valid indices.
 *
 * Per edge the coefficients are contracted with Y once for all channels, K = C Y, over (w, l1, slot) groups.
 * Layout: x [row][(lin+1)^2][Cp], W [edge][nw][Cp], Y [edge][(ly+1)^2], A [nrow][Cp]; Cp = channels padded to
 * whole 64-byte vectors (a multiple of 8 in f64, of 16 in f32). Arrays of channels should start at 64-byte
 * boundaries for speed; nothing depends on it. Arrays must not overlap. Serial and re-entrant.
 */
#ifndef RACAHI_CONV_H
#define RACAHI_CONV_H

#include "../src/base/base.h"

typedef enum racahi_weights_kind {
    RACAHI_W_PATH = 0,
    RACAHI_W_DEGREE = 1,
    RACAHI_W_SHARED = 2
} racahi_weights_kind;
typedef enum racahi_family { RACAHI_FAMILY_COMPONENT = 0, RACAHI_FAMILY_GAUNT = 1 } racahi_family;

typedef struct racahi_conv racahi_conv; /* plan */

racah_status racahi_conv_create(racahi_conv **out, int lin, int ly, int lout, racahi_weights_kind kind,
                                racahi_family family, racahi_isa isa, racah_error *err);
void racahi_conv_destroy(racahi_conv *p);

size_t racahi_conv_nw(const racahi_conv *p);   /* radial functions for each channel */
size_t racahi_conv_nrow(const racahi_conv *p); /* rows of A: sum_l3 nslot(l3)(2l3+1) */
size_t racahi_conv_nslot(const racahi_conv *p, int l3);
size_t racahi_conv_slot_offset(const racahi_conv *p, int l3);  /* first row of l3 */
size_t racahi_conv_flops(const racahi_conv *p, bool backward); /* per edge and channel */

/* Scratch bytes for up to max_edges edges in one call (K matrices), 64-byte aligned block. */
size_t racahi_conv_ws_size(const racahi_conv *p, size_t max_edges);

/* A += the sum over the edges, so that the edges of an atom may come in pieces. j[e] = row of x, >= 0. */
void racahi_conv_forward_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                             const double *x, const double *W, const double *Y, double *A);
void racahi_conv_forward_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                             const float *x, const float *W, const float *Y, float *A);

/* Given dA: dx[j] +=, in the order of the edges (the same j may come twice); dY[e][k] overwritten; and either
 * (Wr == NULL) dW[e][w][c] overwritten, or (Wr given, the radial derivatives dW/dr in W's layout, dW unused)
 * dr[e] = sum_{w,c} dE/dW * Wr overwritten. The order of sums over channels does not depend on the ISA
 * variant; dr also sums over pieces of the paths, which are cut to fit the registers of the variant. */
void racahi_conv_backward_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                              const double *x, const double *W, const double *Y, const double *dA, double *dx,
                              double *dY, double *dW, const double *Wr, double *dr);
void racahi_conv_backward_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                              const float *x, const float *W, const float *Y, const float *dA, float *dx,
                              float *dY, float *dW, const float *Wr, float *dr);

/* The same with radial functions by spline, formed channel by channel where they are used (radial/radial.h,
 * racahi_table_locate): with q = 0..5 and step = nw*Cp,
 *   W[e][w][c] = sum_q b[12 e + q] row[e][q*step + w*Cp + c],   dW/dr likewise with b[12 e + 6 + q].
 * Backward, the gradient of x[j[e]] goes to dx[jd[e]]: the caller need not keep both in the same order. */
void racahi_conv_forward_spline_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const double *x, const double *const *row, const double *b, const double *Y,
                                    double *A);
void racahi_conv_forward_spline_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const float *x, const float *const *row, const float *b, const float *Y,
                                    float *A);
void racahi_conv_backward_spline_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                     const double *x, const double *const *row, const double *b, const double *Y,
                                     const double *dA, const int *jd, double *dx, double *dY, double *dr);
void racahi_conv_backward_spline_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                     const float *x, const float *const *row, const float *b, const float *Y,
                                     const float *dA, const int *jd, float *dx, float *dY, float *dr);

/* Readable twins in double: loops over paths and m1, m2, m3 as in the equation. */
racah_status racahi_conv_forward_ref(int lin, int ly, int lout, racahi_weights_kind kind,
                                     racahi_family family, size_t Cp, size_t ne, const int *j,
                                     const double *x, const double *W, const double *Y, double *A,
                                     racah_error *err);
racah_status racahi_conv_backward_ref(int lin, int ly, int lout, racahi_weights_kind kind,
                                      racahi_family family, size_t Cp, size_t ne, const int *j,
                                      const double *x, const double *W, const double *Y, const double *dA,
                                      double *dx, double *dY, double *dW, racah_error *err);
#endif
