/* SPDX-License-Identifier: MIT
 * Everything that changes during training, and its checkpoint file. */
#ifndef RACAHI_TRAIN_STATE_H
#define RACAHI_TRAIN_STATE_H

#include "optim.h"
#include "train.h"

typedef struct racahi_train_state {
    size_t n;             /* parameters */
    double *theta, *kept; /* [n] weights; averaged weights of the epoch that `keep` chose so far */
    racahi_optim optim;
    int64_t epoch, batch;      /* next to do, 0-based */
    double loss_sum, norm_sum; /* of the batches of this epoch: loss x structures, gradient norm */
    int64_t structures;        /* in loss_sum */
    double best_measure;       /* INFINITY before the first validation */
    int64_t kept_epoch;        /* 1-based, 0: none */
    int64_t since_best;        /* epochs, for patience */
    int64_t since_cut;         /* epochs without improvement since the plateau schedule last cut the rate */
    double plateau;            /* its factor so far */
    int64_t stage;             /* first epoch (0-based) of stage two; 0: none */
    double elapsed;            /* s */
    double *history;           /* [nrow][RACAHI_H_COLUMNS] */
    size_t nrow, cap;
} racahi_train_state;

/* The line of the history of the kept epoch; there must be one. */
static inline const double *racahi_kept_row(const racahi_train_state *s)
{
    return s->history + (size_t)(s->kept_epoch - 1) * RACAHI_H_COLUMNS;
}

racah_status racahi_state_create(racahi_train_state *s, const racahi_train_config *cfg, size_t n,
                                 const double *theta, racah_error *err);
void racahi_state_free(racahi_train_state *s);

/* Write: temporary, fsync, rename. */
racah_status racahi_state_save(const racahi_train_state *s, const racahi_train_config *cfg,
                               const char *data_hash, const char *path, racah_error *err);
/* Read into a created state. RACAH_EINVAL where configuration or data differ from the ones it was written
 * with, RACAH_EFORMAT for anything that is no checkpoint of this shape. */
racah_status racahi_state_load(racahi_train_state *s, const racahi_train_config *cfg, const char *data_hash,
                               const char *path, racah_error *err);

#endif
