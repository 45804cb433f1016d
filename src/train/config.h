/* SPDX-License-Identifier: MIT
 * The training configuration: one table of keys drives reading, checking, the template and the text that a
 * checkpoint keeps to refuse a changed configuration. */
#ifndef RACAHI_TRAIN_CONFIG_H
#define RACAHI_TRAIN_CONFIG_H

#include "../model/model.h"

typedef enum racahi_e0_kind {
    RACAHI_E0_AUTO = 0,
    RACAHI_E0_ISOLATED,
    RACAHI_E0_AVERAGE,
    RACAHI_E0_MODEL,
    RACAHI_E0_GIVEN
} racahi_e0_kind;
typedef enum racahi_schedule {
    RACAHI_SCHEDULE_COSINE = 0,
    RACAHI_SCHEDULE_PLATEAU,
    RACAHI_SCHEDULE_EXPONENTIAL,
    RACAHI_SCHEDULE_CONSTANT
} racahi_schedule;
typedef enum racahi_optimizer { RACAHI_AMSGRAD = 0, RACAHI_ADAMW, RACAHI_MUON } racahi_optimizer;
typedef enum racahi_loss_kind { RACAHI_LOSS_MSE = 0, RACAHI_LOSS_HUBER } racahi_loss_kind;
typedef enum racahi_neighbor_norm {
    RACAHI_NORM_AVERAGE = 0,
    RACAHI_NORM_SQRT,
    RACAHI_NORM_NONE
} racahi_neighbor_norm;
typedef enum racahi_scaling { RACAHI_SCALING_FORCES_RMS = 0, RACAHI_SCALING_NONE } racahi_scaling;
typedef enum racahi_keep { RACAHI_KEEP_BEST = 0, RACAHI_KEEP_LAST } racahi_keep;
typedef enum racahi_shift { RACAHI_SHIFT_NONE = 0, RACAHI_SHIFT_AVERAGE } racahi_shift;

typedef struct racahi_train_files {
    size_t n;
    char **path;
} racahi_train_files;

typedef struct racahi_train_widths {
    int n;
    int v[RACAHI_MAX_MLP];
} racahi_train_widths;

typedef struct racahi_train_e0 {
    int kind; /* racahi_e0_kind */
    int n;    /* given, or those of start_from: atomic numbers and energies (eV) */
    int Z[RACAHI_MAX_ELEMENTS];
    double value[RACAHI_MAX_ELEMENTS];
} racahi_train_e0;

/* What the config_weight of structures is multiplied with, by config_type. */
#define RACAHI_MAX_TYPE_WEIGHTS 16
typedef struct racahi_train_type_weights {
    int n;
    char type[RACAHI_MAX_TYPE_WEIGHTS][64];
    double value[RACAHI_MAX_TYPE_WEIGHTS];
} racahi_train_type_weights;

#define RACAHI_MAX_MEMBERS 32

/* Seeds of a committee. Its members share the validation structures, which the first seed draws. */
typedef struct racahi_train_seeds {
    int n;
    int v[RACAHI_MAX_MEMBERS];
    int now; /* of the member that cfg describes */
} racahi_train_seeds;

#define RACAHI_TRAIN_MAX_KEYS 72

/* Field meanings: the help texts in config.c's table (racah train --template prints them). */
typedef struct racahi_train_config {
    char *path; /* of the file, for messages */
    racahi_train_files train_file, valid_file;
    double valid_fraction;
    char *output;     /* of the member that cfg describes */
    char *stem;       /* output as the file has it, once a member was chosen */
    char *start_from; /* NULL: new weights */

    double r_max;
    int channels, l_max, l_hidden, correlation, layers;
    int weights, family, method;
    int bessel, cutoff_p;
    racahi_train_widths mlp, density_mlp;
    int readout_width;
    int neighbor_norm;
    double avg_num_neighbors;
    int density, zbl;
    racahi_train_e0 e0;
    int scaling, shift;
    double start_shift[RACAHI_MAX_ELEMENTS + 1]; /* of start_from's model, by atomic number, eV */

    int loss;
    double huber_delta;
    double energy_weight, forces_weight, stress_weight;
    racahi_train_type_weights type_weights;
    double displacement;
    int batch_size, epochs, patience;
    int optimizer;
    double lr, min_lr, warmup_epochs;
    int schedule;
    double lr_factor;
    int lr_patience;
    double beta1, beta2, weight_decay, clip, ema;
    int keep;
    int stage_start; /* 0: no second stage */
    double stage_energy_weight, stage_forces_weight, stage_stress_weight, stage_lr;
    racahi_train_seeds seed;
    int threads;
    double max_minutes;

    int line[RACAHI_TRAIN_MAX_KEYS]; /* line of each key of the table, 0 where the default holds */
} racahi_train_config;

/* Read and check a YAML file. Errors (RACAH_EIO, RACAH_EFORMAT, RACAH_EUNSUPPORTED, RACAH_ENOMEM) read
 * "FILE:LINE: key: what came, what is wanted"; *out is NULL then. */
racah_status racahi_train_config_read(racahi_train_config **out, const char *path, racah_error *err);
/* The same from memory (tests, fuzzing); `name` stands for the file in messages. */
racah_status racahi_train_config_parse(racahi_train_config **out, const char *text, size_t size,
                                       const char *name, racah_error *err);
void racahi_train_config_destroy(racahi_train_config *cfg);

/* Replace the seeds by those of a text "1,2,3". */
racah_status racahi_train_config_seeds(racahi_train_config *cfg, const char *text, racah_error *err);
/* Make cfg that of member k: its seed and, of several, output OUTPUT-SEED. */
racah_status racahi_train_config_member(racahi_train_config *cfg, int k, racah_error *err);

/* Commented configuration with every key and its default; racahi_free. NULL without memory. */
char *racahi_train_config_template(void);
/* One "key: value" line for each key, in table order, numbers with all digits; racahi_free. NULL without
 * memory. */
char *racahi_train_config_text(const racahi_train_config *cfg);
/* Compare the text kept in a checkpoint with cfg. Keys that do not change the numbers (threads, max_minutes)
 * may differ, and so may epochs unless schedule is cosine or exponential (they aim at the last epoch).
 * RACAH_EINVAL lists the keys that differ with both values. */
racah_status racahi_train_config_same(const racahi_train_config *cfg, const char *old_text, racah_error *err);

/* The shape of the model of the elements in *shape (lambda is the caller's). ZBL as in MACE, in eV: a model
 * with a scale divides zbl_c by it. */
void racahi_train_config_shape(const racahi_train_config *cfg, racahi_config *shape);

/* Fine-tuning: *out is cfg with the shape of `start` (and its E0s, for those that the data do not give);
 * texts and lists stay cfg's. RACAH_EINVAL where a key of the file says otherwise. */
racah_status racahi_train_config_adopt(racahi_train_config *out, const racahi_train_config *cfg,
                                       const racah_model *start, racah_error *err);

#endif
