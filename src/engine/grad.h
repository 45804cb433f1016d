/* SPDX-License-Identifier: MIT
 * First-order derivatives of the energy with respect to positions, strain and every parameter: what training is
 * built on. Exact radial functions (MLP), double precision, serial and re-entrant.
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

/* One evaluation of n atoms: one structure or several, with no edge between two of them. elem (n) element indices;
 * edges with vectors d (receiver minus sender), all |d| allowed: edges at or beyond r_max contribute exactly zero. scale
 * (nelem) multiplies per-element energies; E0 and shift are the caller's business: the energy of an atom is
 * scale[z_i] (E_i - E_isolated[z_i]).
 *   atom_energy  out  (n)
 *   forces       out  (n,3) or NULL (then no reverse pass unless the parameters' gradient is wanted), -dE/dr
 *   factor       in   (n) or NULL; gradient in/out racahi_net_gradient_size numbers, += sum_i factor_i dE_i/dtheta, in
 *                     the padded layout (racahi_net_unpack_gradient). With these forces are those of sum_i factor_i E_i.
 * Errors: RACAH_ENOMEM, RACAH_ENUMERIC (non-finite energy). */
racah_status racahi_grad_eval(racahi_grad *g, const racahi_weights *w, const int *elem, const racahi_edges *edges,
                              const double *scale, double *atom_energy, double *forces, const double *factor,
                              double *gradient, racah_error *err);
/* After an evaluation with forces: virial (9) = -dE/dstrain of the edges of atoms i0 .. i1. */
void racahi_grad_virial(const racahi_grad *g, size_t i0, size_t i1, double *virial);

/* Numbers in a gradient, and the gradient in the order of racahi_params. */
size_t racahi_net_gradient_size(const racahi_net *net);
void racahi_net_unpack_gradient(const racahi_net *net, const double *gradient, double *flat);

/* Multiplications and additions of one evaluation with forces, and with the parameters' gradient where `parameters`:
 * products of matrices, convolutions, many-body products and harmonics. Activations, radial bases and the gradient of the
 * many-body weights are left out. */
double racahi_grad_flops(const racahi_net *net, size_t atoms, size_t edges, bool parameters);

#endif
