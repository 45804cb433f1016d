/* SPDX-License-Identifier: MIT
 * The trainer's parts: trainer.c runs the epochs, report.c evaluates and writes what people read. */
#ifndef RACAHI_TRAINER_H
#define RACAHI_TRAINER_H

#include "loss.h"
#include "state.h"

typedef struct racahi_trainer {
    const racahi_train_config *cfg; /* the caller's, or adopted */
    racahi_train_config adopted;
    racahi_train_callbacks cb;
    racahi_dataset *data;
    racah_model *start; /* of start_from, or NULL */
    racah_model *model; /* shape, E0, scale; its theta is not kept up to date */
    racahi_net *net;
    racahi_weights *weights, *averaged;
    racahi_loss *loss;
    racahi_train_state state;
    double *grad;                         /* [n] */
    const racahi_sample **order;          /* [ntrain] structures in the order of the current epoch */
    const racahi_sample **train, **valid; /* in the order of the files; valid = train where there are none */
    size_t nvalid;
    racahi_residual *res; /* [max(ntrain, nvalid)] */
    char *ckpt, *csv, *output;
} racahi_trainer;

/* Loss weights of a stage (1 or 2). */
racahi_loss_weights racahi_stage_weights(const racahi_train_config *cfg, int stage);
/* The last stage there is. */
int racahi_last_stage(const racahi_train_config *cfg);

/* Fine-tuning (start.c), each does nothing without start_from. Load the model, adopt its shape. */
racah_status racahi_start_load(racahi_trainer *t, racah_error *err);
/* t->model from it, for the elements of the data. */
racah_status racahi_start_model(racahi_trainer *t, racah_error *err);
/* With loss and model made: fit E0s where asked to, say the errors the training begins with. */
racah_status racahi_start_measure(racahi_trainer *t, racah_error *err);

/* Text for the user. */
void racahi_trainer_say(const racahi_trainer *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Residuals of a set under `weights` -> errors (NAN where there is no label) and the validation measure. */
racah_status racahi_measure(racahi_trainer *t, const racahi_weights *weights, const racahi_sample *const *set,
                            size_t n, racahi_error_row *row, double *measure, racah_error *err);

/* Rewrite OUTPUT.csv from the history. */
racah_status racahi_write_csv(const racahi_trainer *t, racah_error *err);
/* Write OUTPUT.racah with the kept weights, reference structures and the training summary. t->averaged must
 * hold them. */
racah_status racahi_write_model(racahi_trainer *t, racah_error *err);
/* Errors of the kept weights by config_type, to the callback. */
racah_status racahi_report_errors(racahi_trainer *t, racah_error *err);

#endif
