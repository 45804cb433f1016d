/* SPDX-License-Identifier: MIT
 * The training loss of a batch and its gradient with respect to every parameter.
 *
 * For the structures s of a batch, with n_s atoms, config_weight c_s and residuals (prediction - label)
 *     L = w_E / N_E   sum_s c_s rho(dE_s / n_s)             N_E structures with an energy
 *       + w_F / N_F   sum_s c_s sum_ia rho(dF_s,ia)         N_F force components (3 for each atom with a
 * force)
 *       + w_S / N_S   sum_s c_s sum_ab rho(dsigma_s,ab)     N_S = 9 for each structure with a stress
 *     rho(x) = x^2 (mse), or x^2 up to delta and 2 delta |x| - delta^2 beyond (huber; equal value and slope).
 * Structures without a label do not count in that term. Energies are interaction energies (E0 subtracted),
 * stress is
 * +(1/V) dE/dstrain.
 *
 * Gradient (design.md section 4). With a = dL/dE, v = dL/dF (n,3) and s = dL/dsigma (symmetrised),
 *     dL/dtheta = a dE/dtheta - d/de [dE/dtheta](r -> r + e v, strain -> -e s/V)      at e = 0,
 * because F = -dE/dr and sigma = (1/V) dE/dstrain. The derivative is a central difference of two first-order
 * parameter gradients. Displacements act on edge vectors, d -> d + e delta, delta = v_i - v_j - s d / V; e is
 * such that the largest |e delta| of a structure equals `displacement` (A), so the edge list of the
 * undisplaced structure with that skin serves both passes. dE/dtheta itself is the mean of the two passes
 * (error of second order, as the difference's). Without force and stress residuals one pass at the given
 * positions is enough.
 *
 * Small structures are evaluated in groups, as if they were one without edges between them. Threads: groups
 * and slots follow from the batch; both passes of each group are dealt to slots, each slot adds its passes in
 * order into its own gradient, and slots are summed in order: the result does not depend on the number of
 * threads. Up to two threads are busy for each 48 atoms in a batch.
 */
#ifndef RACAHI_TRAIN_LOSS_H
#define RACAHI_TRAIN_LOSS_H

#include "../engine/grad.h"
#include "data.h"

#define RACAHI_LOSS_SLOTS 16

typedef struct racahi_loss_weights {
    double energy, forces, stress;
    int kind; /* racahi_loss_kind */
    double huber_delta;
} racahi_loss_weights;

/* Residuals of one structure. */
typedef struct racahi_residual {
    double energy;              /* eV, whole structure; 0 without label */
    double f_abs, f_sq;         /* sums over force components */
    double s_abs, s_sq;         /* sums over nine stress components */
    double rho_e, rho_f, rho_s; /* the sums of the loss above, before c_s, weights and counts */
} racahi_residual;

/* Per-thread workspaces and gradient slots. */
typedef struct racahi_loss racahi_loss;

/* max_batch: largest number of structures in a call with a gradient. */
racah_status racahi_loss_create(racahi_loss **out, const racahi_net *net, int threads, size_t max_batch,
                                racah_error *err);
void racahi_loss_destroy(racahi_loss *loss);

/* The batch's loss; and, unless grad is NULL, grad = dL/dtheta of all parameters (overwritten); res[n] unless
 * NULL. scale: energy scale by element (see grad.h). Errors: RACAH_ENUMERIC naming the structure,
 * RACAH_ENOMEM. */
racah_status racahi_loss_eval(racahi_loss *loss, const racahi_weights *w, const racahi_sample *const *batch,
                              size_t n, const double *scale, const racahi_loss_weights *lw,
                              double displacement, double *value, double *grad, racahi_residual *res,
                              racah_error *err);

/* Multiplications and additions (grad.h) of a call with these structures, with or without a gradient. */
double racahi_loss_flops(const racahi_loss *loss, const racahi_sample *const *batch, size_t n, bool gradient);

/* Energy (eV, without E0), forces (n,3) and virial (9) of one structure; any output may be NULL. */
racah_status racahi_loss_predict(racahi_loss *loss, const racahi_weights *w, const racahi_sample *s,
                                 const double *scale, double *energy, double *forces, double *virial,
                                 racah_error *err);

/* Combine residuals of structures into the loss, as racahi_loss_eval does. */
double racahi_loss_combine(const racahi_loss_weights *lw, const racahi_sample *const *batch,
                           const racahi_residual *res, size_t n);

#endif
