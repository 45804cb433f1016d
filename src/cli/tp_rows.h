/* SPDX-License-Identifier: MIT
 * One line of `racah tp`: an algorithm at one L with its cost, measures and times. */
#ifndef RACAH_CLI_TP_ROWS_H
#define RACAH_CLI_TP_ROWS_H

#include "cli.h"
#include "tp_measure.h"

typedef struct cli_tp_case {
    const char *name; /* "cg component" */
    racah_tp_algorithm algorithm;
    racah_tp_family family;
    racah_tp_weights weights;
    racah_tp_second second;
} cli_tp_case;

#define CLI_TP_NCASES 8
extern const cli_tp_case cli_tp_cases[CLI_TP_NCASES];

typedef struct cli_tp_row {
    int which, L;         /* index into cli_tp_cases */
    racah_status missing; /* not RACAH_OK: this release does not have it, and only the message is set */
    char message[256];
    racah_tp_info info;
    cli_tp_measure measure;
    double bytes;      /* least traffic of a sample and channel in double: inputs, weights, output */
    double time[2][2]; /* [forward, backward][double, single], seconds per sample and channel; 0: not timed */
} cli_tp_row;

typedef struct cli_tp_rows {
    int channels, samples, rotations;
    double seconds; /* for each time, 0: do not time */
    size_t n;
    cli_tp_row *row;
} cli_tp_rows;

/* Fills row (which, L set). Errors other than "not in this release" are returned. */
racah_status cli_tp_row_run(const cli_tp_rows *t, cli_tp_row *row, racah_error *err);

/* Time against L by gnuplot. Returns an exit code; only a message where gnuplot is missing. */
int cli_tp_plot(const char *svg, const cli_tp_rows *t);

#endif
