/* SPDX-License-Identifier: MIT
 * Training a model. The library prints nothing: what there is to tell goes through callbacks.
 *
 * Files: OUTPUT.racah (weights with the lowest validation measure so far; with `keep: last` the latest ones),
 * OUTPUT.ckpt (everything needed to go on; after each epoch and when stopped), OUTPUT.csv (one line for each
 * epoch). All are replaced in one step.
 *
 * Validation measure: the loss (loss.h) of the whole validation set under the running average of the weights
 * (EMA), with the weights of the last stage, so that one number ranks the epochs of both stages. Without
 * validation structures it is that of the training set.
 *
 * Reproducible: the result depends on configuration and data only, not on threads, and not on being stopped
 * and resumed, in the middle of an epoch too (bit for bit on one machine).
 */
#ifndef RACAHI_TRAIN_H
#define RACAHI_TRAIN_H

#include "config.h"
#include "data.h"

/* Columns of OUTPUT.csv and of the history in a checkpoint. Energies in eV/atom; NAN where there is no label.
 */
typedef enum racahi_history_column {
    RACAHI_H_EPOCH = 0,  /* from 1 */
    RACAHI_H_TIME,       /* s spent training, over all runs */
    RACAHI_H_LR,         /* at the end of the epoch */
    RACAHI_H_TRAIN_LOSS, /* mean of the batches' losses, weighted by structures */
    RACAHI_H_VALID_ENERGY_RMSE,
    RACAHI_H_VALID_FORCES_RMSE,
    RACAHI_H_VALID_STRESS_RMSE,
    RACAHI_H_VALID_ENERGY_MAE,
    RACAHI_H_VALID_FORCES_MAE,
    RACAHI_H_VALID_STRESS_MAE,
    RACAHI_H_VALID_LOSS, /* the validation measure */
    RACAHI_H_GRADIENT,   /* mean gradient norm before clipping */
    RACAHI_H_STAGE,      /* 1 or 2 */
    RACAHI_H_COLUMNS
} racahi_history_column;

typedef struct racahi_train_progress {
    int epoch, epochs; /* epoch from 1 */
    size_t batch, batches;
    double loss, lr;
    double structures_per_s, atoms_per_s;
    double flops_per_s; /* counted as in grad.h, with validation and optimiser */
    double seconds_left; /* at the rate so far, to the last epoch or max_minutes */
} racahi_train_progress;

/* Errors of the saved model on one group of structures. */
typedef struct racahi_error_row {
    const char *set;   /* "train" or "valid" */
    const char *group; /* "all" or a config_type */
    size_t structures, atoms;
    double energy_mae, energy_rmse; /* eV/atom */
    double forces_mae, forces_rmse; /* eV/A */
    double stress_mae, stress_rmse; /* eV/A^3 */
} racahi_error_row;

typedef struct racahi_train_callbacks {
    void *ctx;
    void (*message)(void *ctx, const char *text);
    void (*progress)(void *ctx, const racahi_train_progress *p);             /* after each batch */
    void (*epoch)(void *ctx, const double row[RACAHI_H_COLUMNS], bool best); /* after each epoch */
    void (*errors)(void *ctx, const racahi_error_row *rows, size_t n);       /* at the end */
    bool (*stop)(void *ctx); /* asked after each batch: save and return */
} racahi_train_callbacks;    /* each may be NULL */

typedef enum racahi_train_end {
    RACAHI_TRAIN_DONE = 0,
    RACAHI_TRAIN_DRY,
    RACAHI_TRAIN_STOPPED,
    RACAHI_TRAIN_TIME,
    RACAHI_TRAIN_PATIENCE
} racahi_train_end;

typedef struct racahi_train_options {
    bool dry_run; /* read, say statistics and size, train nothing */
    bool fresh;   /* ignore an existing checkpoint */
} racahi_train_options;

typedef struct racahi_train_result {
    racahi_train_end end;
    int epochs_done, kept_epoch; /* kept: in OUTPUT.racah, 0: none */
    double kept_measure;         /* its validation measure */
} racahi_train_result;

/* Train as cfg says; goes on from OUTPUT.ckpt where that exists (RACAH_EINVAL if configuration or data differ
 * from it; the message lists what). Errors: those of the data (data.h), RACAH_ENUMERIC (loss not finite;
 * names the structure), RACAH_EIO (files), RACAH_ENOMEM. A checkpoint that cannot be written during training
 * is a message, at the end an error. */
racah_status racahi_train(const racahi_train_config *cfg, const racahi_train_callbacks *callbacks,
                          const racahi_train_options *options, racahi_train_result *result, racah_error *err);

#endif
