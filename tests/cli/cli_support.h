/* SPDX-License-Identifier: MIT
 * For the tests of the racah command: running it, and a small random model with stored references. */
#ifndef RACAH_TEST_CLI_SUPPORT_H
#define RACAH_TEST_CLI_SUPPORT_H

#include "support.h"

#include "../../src/io/extxyz.h"
#include "../../src/model/model.h"

#include <jansson.h>

#define MODEL "cli_model.racah"
#define FRAMES "cli_frames.xyz"

/* Offsets of the labels in FRAMES from what the model gives: the figures of eval are known exactly. */
#define BULK_ENERGY_OFF 0.03    /* eV/atom, minus in every second frame */
#define CLUSTER_ENERGY_OFF 0.01 /* eV/atom */
#define FORCE_OFF 0.2           /* eV/A on every component */
#define STRESS_OFF 0.004        /* eV/A^3 on every component */

typedef struct cli_run {
    int code;  /* exit code, -1: killed */
    char *out; /* standard output */
    char *err; /* standard error */
} cli_run;

/* `racah <arguments>` through a shell; release with cli_run_free. */
cli_run cli_racah(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_run_free(cli_run *r);
/* Run, demand the exit code and, where not NULL, the text in stderr. */
void cli_expect(int code, const char *in_stderr, const char *arguments);

char *cli_read_file(const char *path); /* whole file as a string, NULL if absent */
void cli_write_file(const char *path, const char *text);
json_t *
cli_json(const char *text); /* parsed, duplicates rejected; fails the test with the parser's message */
double cli_figure(const json_t *object, const char *key); /* a real; fails the test if it is not a number */

/* MODEL (O and Si, two layers, references stored) and FRAMES (labelled with the offsets above): 0 or -1. */
int cli_make_files(void **state);
racah_model *cli_make_model(void);

#endif
