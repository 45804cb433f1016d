/* SPDX-License-Identifier: MIT
 * Adam with decoupled weight decay (AdamW, arXiv 1711.05101), optionally with the running maximum of AMSGrad
 * (openreview ryQu7f-RZ), running average of the weights, gradient clipping, learning-rate schedules.
 *
 * A tensor with gain g is treated as theta = g u with u of unit spread: gradients of u are g dL/dtheta, so
 * one learning rate suits tensors of any size (the effect of e3nn's scaling in the forward pass).
 *
 * Muon (K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon) for every matrix between channels:
 * with momentum M <- mu M + (1-mu) g and N = mu M + (1-mu) g (Nesterov), the step is U V^T of N = U S V^T,
 * all directions of a matrix alike, by five Newton-Schulz iterations (singular values end within 0.7 .. 1.2).
 * Its entries have the rms 1/sqrt(C); they are scaled to 1.6, so that one learning rate suits these matrices
 * and what Adam moves (0.8, 0.4 and 0.2 learn more slowly).
 */
#ifndef RACAHI_TRAIN_OPTIM_H
#define RACAHI_TRAIN_OPTIM_H

#include "config.h"

typedef struct racahi_optim {
    size_t n;
    double *m, *v, *vmax; /* [n] moments of the gradient of u; vmax NULL for AdamW; v stays 0 under Muon */
    double *ema;          /* [n] running average of theta */
    int threads;
    float *work; /* [threads][4 C^2] of Muon, NULL without */
    int64_t steps;
} racahi_optim;

/* kind: racahi_optimizer. Results do not depend on threads. */
racah_status racahi_optim_create(racahi_optim *o, size_t n, int kind, const double *theta, racah_error *err);
/* For Muon: workspace for models of this number of channels. */
racah_status racahi_optim_prepare(racahi_optim *o, size_t channels, int threads, racah_error *err);
void racahi_optim_free(racahi_optim *o);

/* Norm of the gradient of u. */
double racahi_optim_norm(const racahi_params *table, const double *grad);

/* One step: theta, moments and average are updated. clip = 0: no limit. norm: racahi_optim_norm of grad. */
void racahi_optim_step(racahi_optim *o, const racahi_params *table, const racahi_train_config *cfg, double lr,
                       double norm, const double *grad, double *theta);

/* Multiplications and additions of a step in products of matrices. */
double racahi_optim_flops(const racahi_optim *o, const racahi_params *table);

/* Learning rate at `epoch` (with a fraction for the place inside it, 0-based). stage: first epoch of the
 * second stage, 0 without one; plateau: the factor that schedule has come to. */
double racahi_learning_rate(const racahi_train_config *cfg, double epoch, int stage, double plateau);

#endif
