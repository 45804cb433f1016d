/* SPDX-License-Identifier: MIT
 * The engine of the benchmarks. */
#include "bench.h"

#include "../src/cli/peak.h"
#include "../src/racah.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPEATS 31

extern void openblas_set_num_threads(int n) __attribute__((weak));

int bench_begin(bench *b, int argc, char **argv)
{
    *b = (bench){.min_seconds = 0.05, .repeats = 7};
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--quick") == 0) {
            b->min_seconds = 1e-4;
            b->repeats = 1;
        } else if (strcmp(argv[i], "--filter") == 0 && value) {
            b->filter = argv[++i];
        } else if (strcmp(argv[i], "--json") == 0 && value && !b->json) {
            b->json = fopen(argv[++i], "w");
            if (!b->json) {
                fprintf(stderr, "%s: cannot be written: %s\n", argv[i], strerror(errno));
                return 3;
            }
        } else {
            fprintf(stderr, "usage: %s [--json FILE] [--filter TEXT] [--quick]\n", argv[0]);
            return 2;
        }
    }
    printf("%-18s %-34s %-7s %-4s %12s %12s %9s %8s %9s\n", "subject", "", "isa", "type", "ns min",
           "ns median", "GFLOP/s", "% peak", "error");
    return -1;
}

int bench_end(bench *b)
{
    bool written = !b->json || fclose(b->json) == 0;
    if (!written) fprintf(stderr, "the JSON file is incomplete: %s\n", strerror(errno));
    if (b->done == 0) fprintf(stderr, "nothing was measured\n");
    return b->failed || b->done == 0 ? 1 : written ? 0 : 3;
}

bool bench_wanted(const bench *b, const char *name) { return !b->filter || strstr(name, b->filter); }

static double seconds_of(const bench_subject *s, size_t calls)
{
    double start = racahi_now();
    for (size_t k = 0; k < calls; k++) s->run(s->ctx);
    return racahi_now() - start;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quotes and backslashes do not occur in our names. */
static void write_json(bench *b, const bench_subject *s, double least, double median, double percent)
{
    char build[512];
    if (!b->json) return;
    racah_build_info(build, sizeof build);
    fprintf(
        b->json,
        "{\"bench\":\"%s\",\"params\":\"%s\",\"impl\":\"%s\",\"dtype\":\"%s\",\"per\":\"%s\",\"ns_min\":%.6g,"
        "\"ns_med\":%.6g,\"gflops\":%.6g,\"percent_of_peak\":%.4g,\"max_err\":%.3g,\"build\":\"%s\"}\n",
        s->name, s->params, racahi_isa_name(s->isa), s->single ? "f32" : "f64", s->item, least, median,
        s->flops / s->items / median, percent, s->max_err, build);
}

void bench_subject_run(bench *b, const bench_subject *s)
{
    const char *type = s->single ? "f32" : "f64";
    if (!(s->max_err <= s->allowed)) {
        printf("%-18s %-34s %-7s %-4s differs from the reference by %.3g, allowed %.3g: not timed\n", s->name,
               s->params, racahi_isa_name(s->isa), type, s->max_err, s->allowed);
        b->failed++;
        return;
    }
    size_t calls = 1;
    seconds_of(s, 1);
    while (seconds_of(s, calls) < b->min_seconds && calls < (size_t)1 << 40) calls *= 2;
    double ns[MAX_REPEATS];
    for (int k = 0; k < b->repeats; k++) ns[k] = 1e9 * seconds_of(s, calls) / (double)calls / s->items;
    qsort(ns, (size_t)b->repeats, sizeof ns[0], ascending);
    double median = ns[b->repeats / 2], *peak;
    racahi_isa of = s->whole_cpu ? racahi_cpu_best() : s->isa;
    peak = &b->peak[of][s->single];
    if (*peak == 0) *peak = cli_peak_flops(of, s->single);
    double gflops = s->flops / s->items / median, percent = 100 * gflops * 1e9 / *peak;
    printf("%-18s %-34s %-7s %-4s %12.2f %12.2f %9.2f %8.1f %9.1e  per %s\n", s->name, s->params,
           racahi_isa_name(s->isa), type, ns[0], median, gflops, percent, s->max_err, s->item);
    fflush(stdout);
    write_json(b, s, ns[0], median, percent);
    b->done++;
}

double bench_error_f64(const double *a, const double *b, size_t n)
{
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(a[i] - b[i]);
        if (!isfinite(d)) return NAN;
        if (d > worst) worst = d;
        if (fabs(b[i]) > size) size = fabs(b[i]);
    }
    return size > 0 ? worst / size : NAN; /* comparing zeros would prove nothing */
}

double bench_error_f32(const float *a, const double *b, size_t n)
{
    double worst = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!isfinite(d)) return NAN;
        if (d > worst) worst = d;
        if (fabs(b[i]) > size) size = fabs(b[i]);
    }
    return size > 0 ? worst / size : NAN;
}

void bench_fill_f64(uint64_t *seed, double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t z = (*seed += 0x9e3779b97f4a7c15u); /* SplitMix64 */
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        x[i] = (double)((z ^ (z >> 31)) >> 11) * 0x1p-52 - 1;
    }
}

/* ---- arrays ------------------------------------------------------------------------------------------ */

void *bench_need(void *p)
{
    if (p) return p;
    fprintf(stderr, "the arrays of the benchmark do not fit in memory\n");
    exit(3);
}

void bench_must(racah_status status, const racah_error *err)
{
    if (status == RACAH_OK) return;
    fprintf(stderr, "%s\n", err->msg);
    exit(3);
}

double *bench_numbers(uint64_t *seed, size_t n)
{
    double *x = bench_need(racahi_malloc(n, sizeof *x));
    bench_fill_f64(seed, x, n);
    return x;
}

float *bench_as_float(const double *x, size_t n)
{
    float *y = bench_need(racahi_malloc(n, sizeof *y));
    for (size_t i = 0; i < n; i++) y[i] = (float)x[i];
    return y;
}
