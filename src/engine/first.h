/* SPDX-License-Identifier: MIT
 * The first layer as a density: its senders carry nothing but their element, so
 *     A_i[lm, c'] = sum_j sum_c W_l(r_ij; c) x0[z_j, c] V_l[c, c'] Y_lm / lambda
 *                 = sum_z sum_q D_i[z, lm, q] M_l[z; q, c']          D_i[z, lm, q] = sum_{j: z_j = z} phi_q(r_ij) Y_lm
 * where the few functions phi span the radial functions W of all channels (a rank of 20 to 50 leaves 1e-9 of a MACE
 * radial MLP) and M folds the expansion, x0, V and 1/lambda. The cost of an edge no longer grows with the channels,
 * and the mixing V costs nothing. Derivatives are those of this expression: forces stay exact.
 */
#ifndef RACAHI_FIRST_H
#define RACAHI_FIRST_H

#include "net.h"

struct racahi_first {
    size_t nq;       /* functions, padded to whole vectors */
    size_t rank;     /* of them not zero */
    size_t ngroup;   /* receivers that share M: 1, or one group for each element */
    racahi_table phi;
    double *f64, *f64_t; /* M [ngroup][nelem][l_max+1] (nq, Cp) and its transposes, packed for linear/rows.h; */
    float *f32, *f32_t;  /* in one of the two precisions */
    size_t bytes;
};

/* W: the radial tables of layer 0 in double, for all pairs. *out = NULL without an error where this form does not pay
 * (M larger than 64 MB, or no fewer functions than channels). */
racah_status racahi_first_create(racahi_first **out, const racahi_net *net, const racahi_weights *w,
                                 const racahi_table *W, const int *pair, bool single, racah_error *err);
void racahi_first_destroy(racahi_first *f);

static inline size_t racahi_first_at(const racahi_first *f, const racahi_net *net, size_t Cp, size_t group, size_t z, int l)
{
    const size_t L = (size_t)net->cfg.l_max + 1;
    return ((group * (size_t)net->cfg.nelem + z) * L + (size_t)l) * f->nq * Cp;
}

/* One atom's edges that share a sender element, e = edge[0 .. ne-1] rows of phi and Y:
 *   D[l][m*nq + q] = sum_e Y[e, lm] phi[e, q]                 D[l]: rows m of degree l
 * and back: dY[e, lm] = sum_q phi dD, dr[e] = sum_lm Y sum_q phi' dD. All overwritten. */
void racahi_first_forward_f64(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const double *phi,
                              const double *Y, double *const *D);
void racahi_first_forward_f32(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const float *phi,
                              const float *Y, float *const *D);
void racahi_first_backward_f64(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const double *phi,
                               const double *dphi, const double *Y, const double *const *dD, double *dY, double *dr);
void racahi_first_backward_f32(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const float *phi,
                               const float *dphi, const float *Y, const float *const *dD, float *dY, float *dr);

#endif
