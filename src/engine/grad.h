/* SPDX-License-Identifier: MIT
 * First-order derivatives of the energy with respect to positions, strain and every parameter: what training is
 * built on. Exact radial functions (MLP), double precision, one structure at a time, serial and re-entrant.
 *
 * A racahi_net is the model's shape compiled into plans (shared, read-only); racahi_weights is one parameter
 * vector in the padded layout kernels read; racahi_grad is the workspace of one thread.
 */
#ifndef RACAHI_GRAD_H
#define RACAHI_GRAD_H

#include "../model/model.h"
#include "../neigh/neigh.h"

typedef struct racahi_net racahi_net;
typedef struct racahi_weights racahi_weights;
typedef struct racahi_grad racahi_grad;

/* isa: RACAH_ISA_AUTO for the best of this CPU. The config is copied. */
racah_status racahi_net_create(racahi_net **out, const racahi_config *cfg, racah_isa isa, racah_error *err);
void racahi_net_destroy(racahi_net *net);

racah_status racahi_weights_create(racahi_weights **out, const racahi_net *net, racah_error *err);
/* theta: flat vector in the order of racahi_params. Not thread safe against running evaluations. */
void racahi_weights_set(racahi_weights *w, const double *theta);
void racahi_weights_destroy(racahi_weights *w);

racah_status racahi_grad_create(racahi_grad **out, const racahi_net *net, racah_error *err);
void racahi_grad_destroy(racahi_grad *g);

/* One evaluation. elem (n) element indices; edges with vectors d (receiver minus sender), all |d| allowed: edges
 * at or beyond r_max contribute exactly zero. scale (nelem) multiplies per-element energies; E0 and shift are the
 * caller's business: energy is sum_i scale[z_i] (E_i - E_isolated[z_i]).
 *   energy  out  1
 *   forces  out  (n,3) or NULL (then no reverse pass unless dtheta is wanted)
 *   virial  out  9 or NULL, -dE/dstrain
 *   dtheta  in/out  flat vector, += factor * dE/dtheta, or NULL
 * Errors: RACAH_ENOMEM, RACAH_ENUMERIC (non-finite energy). */
racah_status racahi_grad_eval(racahi_grad *g, const racahi_weights *w, const int *elem, const racahi_edges *edges,
                              const double *scale, double *energy, double *forces, double *virial,
                              double factor, double *dtheta, racah_error *err);

#endif
