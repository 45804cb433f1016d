/* SPDX-License-Identifier: MIT
 * The convolution of conv.h over a whole list of edges, with transforms at the nodes (design.md 3.2).
 *
 * With factors T = sum_r A B C (cp.h) the message of an edge is linear - pointwise - linear, and both linear
 * parts belong to nodes:
 *     X[j,r,c] = sum_k1 A[k1,r] x[j,k1,c]                                    once for each sender
 *     M[i,r,c] = sum_e (sum_f W[e,f,c] F[e,f,r]) X[j(e),r,c]                 rank x C for each edge
 *     a[i,k3,c] = sum_r C[k3,r] M[i,r,c]                                     once for each receiver
 * where F[e,f,r] = sum_k2 B[k2,r] Y[e,k2] is shared by all channels; k2 runs over everything (`shared`
 * weights, one f) or over one degree l2 = f (`degree`).
 *
 * Algorithms:
 *   cg    conv.h for one receiver after the other; every weights kind and family
 *   cp    factors of the lowest rank known; families gaunt and component, weights degree and shared
 *   grid  factors from a quadrature; family gaunt, weights degree and shared
 *   gaunt factors from equally spaced angles, the samples of a 2D Fourier series (arXiv 2401.10216): grid with
 *         more points
 *   so2   conv_so2.h for one receiver after the other; every weights kind and family, Y of directions
 * `path` weights differ by (l1, l3) from edge to edge, which a transform at the nodes cannot follow: refused.
 *
 * Channels go in blocks of two vectors: X of a block, nsend x rank x 128 bytes with AVX-512, is what the edges gather
 * from and should fit the second-level cache (order the atoms so that neighbours are near). Backward the edges are
 * grouped by their senders, so that dX of a sender stays in the first-level cache while dM of its receivers is gathered.
 *
 * Layout: x [nsend][(lin+1)^2][Cp], W [E][nw][Cp], Y [E][(ly+1)^2], A [N][nrow][Cp] with nw and nrow of
 * conv.h; edges of receiver i are ptr[i] .. ptr[i+1]-1, ptr[0] = 0, E = ptr[N]; j[e] in 0..nsend-1. Cp is a
 * multiple of 8 (f64) or 16 (f32). Arrays must not overlap. Serial, re-entrant, no allocation after create.
 * BLAS is called with the threads it is set to: set one. Results do not depend on the instruction set except
 * by rounding. */
#ifndef RACAHI_CONV_CP_H
#define RACAHI_CONV_CP_H

#include "conv.h"
#include "cp.h"

typedef enum racahi_nodeconv_algorithm {
    RACAHI_NODECONV_CG = 0,
    RACAHI_NODECONV_CP = 1,
    RACAHI_NODECONV_GRID = 2,
    RACAHI_NODECONV_SO2 = 3,
    RACAHI_NODECONV_GAUNT = 4
} racahi_nodeconv_algorithm;

typedef struct racahi_nodeconv racahi_nodeconv; /* plan */

/* Errors: RACAH_EINVAL, RACAH_EUNSUPPORTED (a combination without meaning, instruction set), RACAH_ENOMEM. */
racah_status racahi_nodeconv_create(racahi_nodeconv **out, racahi_nodeconv_algorithm algorithm, int lin,
                                    int ly, int lout, racahi_weights_kind kind, racahi_family family,
                                    racahi_isa isa, racah_error *err);
void racahi_nodeconv_destroy(racahi_nodeconv *p);

size_t racahi_nodeconv_nw(const racahi_nodeconv *p);
size_t racahi_nodeconv_nrow(const racahi_nodeconv *p);
size_t racahi_nodeconv_rank(const racahi_nodeconv *p); /* 0 for cg and so2 */
/* Operations of all edges and nodes, multiplications and additions counted separately. */
double racahi_nodeconv_flops(const racahi_nodeconv *p, size_t N, size_t nsend, size_t E, size_t Cp,
                             bool backward);

/* Bytes, 64-byte aligned block; max_edges is the largest number of edges of one receiver. SIZE_MAX: too
 * large. */
size_t racahi_nodeconv_ws_size(const racahi_nodeconv *p, size_t N, size_t nsend, size_t E, size_t max_edges);

void racahi_nodeconv_forward_f64(const racahi_nodeconv *p, void *ws, size_t Cp, size_t N, const size_t *ptr,
                                 size_t nsend, const int *j, const double *x, const double *W,
                                 const double *Y, double *A);
void racahi_nodeconv_forward_f32(const racahi_nodeconv *p, void *ws, size_t Cp, size_t N, const size_t *ptr,
                                 size_t nsend, const int *j, const float *x, const float *W, const float *Y,
                                 float *A);
/* Given dA: dx +=, dY and dW overwritten. so2: dY has the same derivative with respect to the direction, in
 * other components (conv_so2.h). */
void racahi_nodeconv_backward_f64(const racahi_nodeconv *p, void *ws, size_t Cp, size_t N, const size_t *ptr,
                                  size_t nsend, const int *j, const double *x, const double *W,
                                  const double *Y, const double *dA, double *dx, double *dY, double *dW);
void racahi_nodeconv_backward_f32(const racahi_nodeconv *p, void *ws, size_t Cp, size_t N, const size_t *ptr,
                                  size_t nsend, const int *j, const float *x, const float *W, const float *Y,
                                  const float *dA, float *dx, float *dY, float *dW);
#endif
