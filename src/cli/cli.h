/* SPDX-License-Identifier: MIT
 * What the subcommands of `racah` share: exit codes, options, messages, JSON output. */
#ifndef RACAH_CLI_H
#define RACAH_CLI_H

#include "../base/base.h"
#include "../io/extxyz.h"
#include "../racah.h"

#include <jansson.h>
#include <stdio.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,  /* a check failed, or the data stopped the training */
    CLI_USAGE = 2,   /* wrong usage */
    CLI_BAD_FILE = 3 /* a file cannot be read or written, or its content is invalid */
};

/* Exit code for a failed library call: EIO, EFORMAT, EUNSUPPORTED, ENOMEM 3; EINVAL 2; the rest 1. */
int cli_exit_code(racah_status status);
/* "racah: message" on stderr. */
void cli_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* cli_message and CLI_USAGE, so that `return cli_usage(...)` reads as one step. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The message of err and the exit code of its status. */
int cli_error(racah_status status, const racah_error *err);

/* ---- options: one table parses the arguments and prints --help ---------------------------- */

typedef enum cli_kind { CLI_FLAG, CLI_STRING, CLI_INT, CLI_DOUBLE, CLI_CHOICE } cli_kind;

typedef struct cli_option {
    const char *name; /* "--json" */
    cli_kind kind;
    void *value;         /* bool *, const char **, int *, double *, or int * (index of the choice) */
    const char *choices; /* CLI_CHOICE: words separated by '|' */
    double min, max;     /* CLI_INT and CLI_DOUBLE: allowed range */
    const char *metavar; /* "FILE" */
    const char *help;
} cli_option;

typedef struct cli_syntax {
    const char *usage;         /* "racah eval MODEL FILE.xyz [options]" */
    const char *about;         /* a few lines, ending in a newline */
    const cli_option *options; /* ends with name == NULL */
    int min_positional, max_positional;
} cli_syntax;

/* Sort argv[1..] into options and positional arguments (at most 8; "--" ends options, "-" is positional).
 * Returns -1 to go on, or the exit code: CLI_OK after --help, CLI_USAGE after a message. */
int cli_parse(const cli_syntax *syntax, int argc, char **argv, const char **positional, int *npositional);

/* ---- output --------------------------------------------------------------------------------- */

/* A number, or null where it is not finite (JSON has no NaN). */
json_t *cli_number(double x);
/* Write one JSON object to the file, or to stdout for "-". The object is released. Returns an exit code. */
int cli_write_json(const char *path, json_t *object);
/* Where tables for people go: stdout, or stderr while stdout carries JSON. */
FILE *cli_table_stream(const char *json_path);

/* Threads where the user names no number: OMP_NUM_THREADS, otherwise all cores this process may use. Not
 * omp_get_max_threads: setting the OpenMP variant of OpenBLAS to one thread sets that to one as well. */
int cli_default_threads(void);

/* ---- models ---------------------------------------------------------------------------------- */

/* "double|single" and "auto|cg|so2|gaunt|grid|cp" in the order of racah_precision and racah_method. */
#define CLI_PRECISIONS "double|single"
#define CLI_METHODS "auto|cg|so2|gaunt|grid|cp"

/* A calculator with these options; 0, or the exit code after a message. */
int cli_calc_create(racah_calc **calc, const racah_model *model, int precision, int method, int radial);

/* The frame as a structure for racah_compute: inputs set, outputs NULL, one thread. */
racah_structure cli_structure(const racahi_frame *f);
/* Every element of every frame is in the model: 0, or CLI_BAD_FILE after a message that names frame and line.
 */
int cli_frames_fit(const racahi_frames *frames, const racah_model *model);
bool cli_periodic(const int pbc[3]); /* in all three directions */

/* ---- subcommands: argv[0] is the name of the subcommand; they return the exit code ------------ */

int racahi_cmd_train(int argc, char **argv);
int racahi_cmd_eval(int argc, char **argv);
int racahi_cmd_info(int argc, char **argv);
int racahi_cmd_check(int argc, char **argv);
int racahi_cmd_bench(int argc, char **argv);
int racahi_cmd_import(int argc, char **argv);
int racahi_cmd_tp(int argc, char **argv);
int racahi_cmd_cp_fit(int argc, char **argv);

#endif
