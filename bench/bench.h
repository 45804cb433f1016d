/* SPDX-License-Identifier: MIT
 * One engine for all benchmarks: warm up, double the number of calls until they fill the least time, repeat,
 * report. A subject is timed only after its result was compared with the readable reference: no number
 * without that. */
#ifndef RACAH_BENCH_H
#define RACAH_BENCH_H

#include "../src/base/base.h"

#include <stdint.h>
#include <stdio.h>

typedef struct bench {
    const char *filter; /* only subjects whose name contains this; NULL: all */
    FILE *json;         /* one JSON object for each line; NULL: none */
    double min_seconds; /* of one repeat */
    int repeats;
    int failed; /* subjects that disagreed with their reference */
    int done;
    double peak[RACAHI_ISA_COUNT]
               [2]; /* measured, by instruction set and double, single; 0: not measured yet */
} bench;

/* --json FILE, --filter TEXT, --quick (one short repeat). Returns -1 to go on, or the exit code. */
int bench_begin(bench *b, int argc, char **argv);
/* Closes the file; exit code: 1 if a subject disagreed with its reference or nothing was run. */
int bench_end(bench *b);

typedef void (*bench_fn)(void *ctx);

typedef struct bench_subject {
    const char *name;   /* "conv_forward" */
    const char *params; /* "l=(1,3,3) C=64 edges=40" */
    racahi_isa isa;
    bool single;
    bench_fn run; /* the same work each time */
    void *ctx;
    double items; /* results are per item (atom, edge, point) */
    const char *item;
    double flops;   /* of one call; 0: not counted */
    double max_err; /* largest difference from the reference, relative to its largest value */
    double allowed; /* more than this: no number, and the exit code is 1 */
    bool whole_cpu; /* percent of the peak of this CPU's best instruction set: BLAS inside picks its own */
} bench_subject;

bool bench_wanted(const bench *b, const char *name);
void bench_subject_run(bench *b, const bench_subject *s);

/* max |a-b| / max |b|; NaN if any value is not finite. */
double bench_error_f64(const double *a, const double *b, size_t n);
double bench_error_f32(const float *a, const double *b, size_t n);

/* Seeded numbers in [-1,1). */
void bench_fill_f64(uint64_t *seed, double *x, size_t n);

/* What a benchmark program cannot go on without: each ends it with exit code 3 and a message on failure. */
void *bench_need(void *p);
void bench_must(racah_status status, const racah_error *err);
double *bench_numbers(uint64_t *seed, size_t n);           /* a filled array; free with racahi_free */
float *bench_as_float(const double *x, size_t n);          /* a rounded copy */

#endif
