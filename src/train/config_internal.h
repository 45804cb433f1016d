/* SPDX-License-Identifier: MIT
 * The table of keys, shared by config.c (table, template, comparison) and config_yaml.c (reading). */
#ifndef RACAHI_TRAIN_CONFIG_INTERNAL_H
#define RACAHI_TRAIN_CONFIG_INTERNAL_H

#include "config.h"

typedef enum racahi_key_type {
    KEY_INT,    /* int in [low, high] */
    KEY_NUMBER, /* double in [low, high] */
    KEY_CHOICE, /* int: index into choices */
    KEY_TEXT,   /* char *, not empty */
    KEY_FILES,  /* racahi_train_files: a string or a list of strings */
    KEY_SEEDS,  /* racahi_train_seeds: an integer in [low, high] or a list of them */
    KEY_WIDTHS, /* racahi_train_widths: list of integers in [low, high], may be empty */
    KEY_E0,     /* racahi_train_e0: one of choices, or element: number */
    KEY_TYPES   /* racahi_train_type_weights: config_type: number in [low, high], may be empty */
} racahi_key_type;

typedef struct racahi_train_key {
    const char *name; /* "section.key" inside a mapping */
    racahi_key_type type;
    size_t offset; /* in racahi_train_config */
    double low, high;
    const char *choices;  /* "a|b|c" */
    const char *standard; /* default as it would stand in the file; NULL: none */
    const char *example;  /* for the template where there is no default */
    int may_change;       /* on resume */
    const char *group;    /* heading of the template, where one starts */
    const char *help;
} racahi_train_key;

const racahi_train_key *racahi_train_keys(size_t *n);
/* Line of a key in the file, 0 where it is not there. */
int racahi_train_key_line(const racahi_train_config *cfg, const char *name);

#endif
