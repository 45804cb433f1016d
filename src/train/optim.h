/* SPDX-License-Identifier: MIT
 * Adam with decoupled weight decay (AdamW, arXiv 1711.05101), optionally with the running maximum of AMSGrad
 * (openreview ryQu7f-RZ), running average of the weights, gradient clipping, learning-rate schedules.
 *
 * A tensor with gain g is treated as theta = g u with u of unit spread: gradients of u are g dL/dtheta, so
 * one learning rate suits tensors of any size (the effect of e3nn's scaling in the forward pass).
 */
#ifndef RACAHI_TRAIN_OPTIM_H
#define RACAHI_TRAIN_OPTIM_H

#include "config.h"

typedef struct racahi_optim {
    size_t n;
    double *m, *v, *vmax; /* [n] moments of the gradient of u; vmax NULL for AdamW */
    double *ema;          /* [n] running average of theta */
    int64_t steps;
} racahi_optim;

racah_status racahi_optim_create(racahi_optim *o, size_t n, bool amsgrad, const double *theta,
                                 racah_error *err);
void racahi_optim_free(racahi_optim *o);

/* Norm of the gradient of u. */
double racahi_optim_norm(const racahi_params *table, const double *grad);

/* One step: theta, moments and average are updated. clip = 0: no limit. norm: racahi_optim_norm of grad. */
void racahi_optim_step(racahi_optim *o, const racahi_params *table, const racahi_train_config *cfg, double lr,
                       double norm, const double *grad, double *theta);

/* Learning rate at `epoch` (with a fraction for the place inside it, 0-based). stage: first epoch of the
 * second stage, 0 without one; plateau: the factor that schedule has come to. */
double racahi_learning_rate(const racahi_train_config *cfg, double epoch, int stage, double plateau);

#endif
