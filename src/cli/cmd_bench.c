/* SPDX-License-Identifier: MIT
 * racah bench model: time of one molecular-dynamics step (energy and forces), against the peak of this CPU.
 */
#include "box.h"
#include "peak.h"

#include "../engine/stages.h"
#include "../neigh/neigh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REPEATS 101

typedef struct bench_job {
    const char *model_path, *box_path, *json, *elements;
    int threads, precision, method, repeats;
    double skin, seconds;
    racah_model *model;
    racah_calc *calc;
    cli_box box;
    cli_local local;
    double *forces;
    double energy, energy_whole; /* from local and ghost atoms, and of the whole structure */
    double step, step_min, list; /* seconds: median and least of a step, building the list */
    double neighbours;           /* mean number within the cutoff */
    racahi_clock clock;          /* seconds of the stages of one step, one thread */
    double clocked;              /* all of that step */
    int done;                    /* repeats */
} bench_job;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static racah_status step(bench_job *job, racah_error *err)
{
    racah_local s = cli_local_inputs(&job->local, job->calc);
    s.threads = job->threads;
    s.energy = &job->energy;
    s.forces = job->forces;
    s.row = job->local.owner;
    s.forward = s.reverse = NULL;
    memset(job->forces, 0, 3 * job->local.nlocal * sizeof *job->forces);
    return racah_compute_local(job->calc, &s, err);
}

/* The step with ghosts must give the energy of the whole structure: no time without a right result. */
static racah_status verify(bench_job *job, racah_error *err)
{
    racah_structure s = cli_box_structure(&job->box);
    s.threads = job->threads;
    s.energy = &job->energy_whole;
    RACAHI_TRY(racah_compute(job->calc, &s, err));
    RACAHI_TRY(step(job, err));
    double allowed = (job->precision == RACAH_SINGLE ? 1e-5 : 1e-9) * (double)job->box.n;
    if (fabs(job->energy - job->energy_whole) <= allowed) return RACAH_OK;
    return racahi_fail(err, RACAH_ENUMERIC,
                       "%s: energy %.12g eV from local and ghost atoms, %.12g eV of the whole "
                       "structure: no time without a right result",
                       job->box_path, job->energy, job->energy_whole);
}

static racah_status measure(bench_job *job, racah_error *err)
{
    double time[MAX_REPEATS], begin = racahi_now();
    for (job->done = 0; job->done < job->repeats; job->done++) {
        /* at least five, then until the time is used up */
        if (job->done >= 5 && racahi_now() - begin > job->seconds) break;
        double start = racahi_now();
        RACAHI_TRY(step(job, err));
        time[job->done] = racahi_now() - start;
    }
    qsort(time, (size_t)job->done, sizeof time[0], ascending);
    job->step = time[job->done / 2];
    job->step_min = time[0];
    racahi_edges edges = {0};
    racah_status status = RACAH_OK;
    job->list = INFINITY;
    for (int k = 0; k < 3 && status == RACAH_OK; k++) {
        double start = racahi_now();
        status =
            racahi_neigh_build(&edges, job->box.n, job->box.pos, job->box.has_cell ? job->box.cell : NULL,
                               job->box.pbc, racah_model_cutoff(job->model), err);
        double seconds = racahi_now() - start;
        if (seconds < job->list) job->list = seconds;
    }
    job->neighbours = (double)edges.nedge / (double)job->box.n;
    racahi_edges_free(&edges);
    return status;
}

/* One more step on one thread with the clock on; the mean of a few. */
static racah_status measure_stages(bench_job *job, racah_error *err)
{
    enum { STEPS = 5 };
    const int threads = job->threads;
    racah_status status = RACAH_OK;
    job->threads = 1;
    racahi_calc_clock(job->calc, &job->clock);
    const double start = racahi_now();
    for (int k = 0; k < STEPS && status == RACAH_OK; k++) status = step(job, err);
    job->clocked = (racahi_now() - start) / STEPS;
    racahi_calc_clock(job->calc, NULL);
    job->threads = threads;
    for (int k = 0; k < RACAHI_STAGE_COUNT; k++) job->clock.seconds[k] /= STEPS;
    return status;
}

/* First "model name" of the kernel's list of processors. */
static void cpu_name(char *name, size_t size)
{
    snprintf(name, size, "unknown");
    FILE *from = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (from && fgets(line, sizeof line, from)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    if (from) fclose(from);
}

static size_t elements_in(const cli_box *box)
{
    bool seen[128] = {false};
    size_t n = 0;
    for (size_t i = 0; i < box->n; i++) {
        const int Z = box->Z[i] & 127;
        n += !seen[Z], seen[Z] = true;
    }
    return n;
}

/* One line and one object of the table of stages: time, counted work, rates against the peak of one core. */
static void stage(FILE *to, json_t *stages, const char *name, double seconds, racahi_work w, double atoms, double peak)
{
    const double s = seconds / atoms, rate = s > 0 ? w.flops / s : 0;
    fprintf(to, "    %-18s %9.3f us/atom %10.4f Mflop %9.1f kB %6.1f %% of peak %7.1f GB/s\n", name, 1e6 * s, w.flops / 1e6,
            w.bytes / 1e3, 100 * rate / peak, s > 0 ? w.bytes / s / 1e9 : 0);
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(name));
    json_object_set_new(o, "us_per_atom", cli_number(1e6 * s));
    json_object_set_new(o, "flops_per_atom", cli_number(w.flops));
    json_object_set_new(o, "bytes_per_atom", cli_number(w.bytes));
    json_object_set_new(o, "percent_of_peak", cli_number(100 * rate / peak));
    json_array_append_new(stages, o);
}

static void report_stages(const bench_job *job, FILE *to, json_t *stages, double peak)
{
    racahi_work work[RACAHI_STAGE_COUNT];
    const double atoms = (double)job->box.n;
    double sum = 0;
    racahi_calc_work(job->calc, job->neighbours, elements_in(&job->box), work);
    for (int k = 0; k < RACAHI_STAGE_COUNT; k++) {
        stage(to, stages, racahi_stage_name((racahi_stage)k), job->clock.seconds[k], work[k], atoms, peak);
        sum += job->clock.seconds[k];
    }
    stage(to, stages, "edges and forces", job->clocked - sum, (racahi_work){0}, atoms, peak);
    stage(to, stages, "neighbour list", job->list, (racahi_work){0}, atoms, peak);
}

static int report(const bench_job *job)
{
    static const char *const precisions[] = {"double", "single"};
    static const char *const methods[] = {"auto", "cg", "so2", "gaunt", "grid", "cp"};
    double atoms = (double)job->box.n, flops = 0;
    racahi_work work[RACAHI_STAGE_COUNT];
    racahi_calc_work(job->calc, job->neighbours, elements_in(&job->box), work);
    for (int k = 0; k < RACAHI_STAGE_COUNT; k++) flops += work[k].flops;
    double peak = cli_peak_flops(racahi_cpu_best(), job->precision == RACAH_SINGLE) * job->threads;
    double us = 1e6 * job->step / atoms, rate = flops * atoms / job->step;
    size_t bytes = racah_calc_bytes_per_atom(job->calc, job->neighbours, 0);
    FILE *to = cli_table_stream(job->json);
    fprintf(to, "%s on %s: %zu atoms, %.1f neighbours, %s, %d thread%s\n", job->model_path, job->box_path,
            job->box.n, job->neighbours, precisions[job->precision], job->threads,
            job->threads > 1 ? "s" : "");
    fprintf(to, "  %10.3f us/atom/step   energy and forces, median of %d (least %.3f)\n", us, job->done,
            1e6 * job->step_min / atoms);
    fprintf(to, "  %10.3f us/atom        building a neighbour list\n", 1e6 * job->list / atoms);
    fprintf(to, "  %10.4f Mflop/atom     %.2f GFLOP/s, %.1f %% of the measured peak of %.1f GFLOP/s\n",
            flops / 1e6, rate / 1e9, 100 * rate / peak, peak / 1e9);
    fprintf(to, "  %10zu bytes/atom     and %.1f MB for tables and weights\n", bytes,
            (double)racah_calc_fixed_bytes(job->calc) / 1e6);
    json_t *o = json_object(), *stages = json_array();
    fprintf(to, "  stages of a step on one thread; neighbour list: when it is built\n");
    report_stages(job, to, stages, peak / job->threads);
    if (!job->json) {
        json_decref(o), json_decref(stages);
        return CLI_OK;
    }
    char text[512];
    json_object_set_new(o, "bench", json_string("model"));
    json_object_set_new(o, "model", json_string(job->model_path));
    json_object_set_new(o, "box", json_string(job->box_path));
    json_object_set_new(o, "atoms", json_integer((json_int_t)job->box.n));
    json_object_set_new(o, "neighbors", cli_number(job->neighbours));
    json_object_set_new(o, "threads", json_integer(job->threads));
    json_object_set_new(o, "precision", json_string(precisions[job->precision]));
    json_object_set_new(o, "method", json_string(methods[job->method]));
    json_object_set_new(o, "isa", json_string(racahi_isa_name(racahi_cpu_best())));
    json_object_set_new(o, "us_per_atom_step", cli_number(us));
    json_object_set_new(o, "us_per_atom_step_min", cli_number(1e6 * job->step_min / atoms));
    json_object_set_new(o, "repeats", json_integer(job->done));
    json_object_set_new(o, "flops_per_atom", cli_number(flops));
    json_object_set_new(o, "gflops", cli_number(rate / 1e9));
    json_object_set_new(o, "peak_gflops", cli_number(peak / 1e9));
    json_object_set_new(o, "percent_of_peak", cli_number(100 * rate / peak));
    json_object_set_new(o, "bytes_per_atom", json_integer((json_int_t)bytes));
    json_object_set_new(o, "fixed_bytes", json_integer((json_int_t)racah_calc_fixed_bytes(job->calc)));
    json_object_set_new(o, "stages", stages);
    cpu_name(text, sizeof text);
    json_object_set_new(o, "cpu", json_string(text));
    racah_build_info(text, sizeof text);
    json_object_set_new(o, "build", json_string(text));
    return cli_write_json(job->json, o);
}

static int run(bench_job *job)
{
    racah_error err;
    racah_status status = racah_model_load(&job->model, job->model_path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    status = cli_box_read(&job->box, job->box_path, job->elements, job->model, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    int rc = cli_calc_create(&job->calc, job->model, job->precision, job->method, RACAH_RADIAL_TABLE);
    if (rc != CLI_OK) return rc;
    status = cli_local_create(&job->local, &job->box, job->model, job->skin, &err);
    if (status == RACAH_OK) {
        job->forces = racahi_calloc(job->local.nlocal, 3 * sizeof *job->forces);
        if (!job->forces) status = racahi_fail(&err, RACAH_ENOMEM, "forces do not fit in memory");
    }
    if (status == RACAH_OK) status = verify(job, &err);
    if (status == RACAH_OK) status = measure(job, &err);
    if (status == RACAH_OK) status = measure_stages(job, &err);
    return status == RACAH_OK ? report(job) : cli_error(status, &err);
}

int racahi_cmd_bench(int argc, char **argv)
{
    bench_job job = {.threads = 1, .repeats = 31, .skin = 2.0, .seconds = 5};
    const cli_option options[] = {
        {"--box", CLI_STRING, &job.box_path, .metavar = "FILE",
         .help = "LAMMPS data file, or extended XYZ (first frame)"},
        {"--elements", CLI_STRING, &job.elements, .metavar = "Si,O",
         .help = "elements of the LAMMPS types (default: by mass)"},
        {"--json", CLI_STRING, &job.json, .metavar = "F",
         .help = "the figures as JSON; - for standard output"},
        {"--threads", CLI_INT, &job.threads, .min = 1, .max = 1024, .metavar = "N", .help = "default 1"},
        {"--precision", CLI_CHOICE, &job.precision, .choices = CLI_PRECISIONS, .help = "of the features"},
        {"--method", CLI_CHOICE, &job.method, .choices = CLI_METHODS, .help = "tensor-product algorithm"},
        {"--skin", CLI_DOUBLE, &job.skin, .min = 0, .max = 10, .metavar = "A",
         .help = "of the neighbour list that is handed over (default 2, as LAMMPS in metal units)"},
        {"--repeats", CLI_INT, &job.repeats, .min = 1, .max = MAX_REPEATS, .metavar = "N",
         .help = "at most this many (default 31)"},
        {"--seconds", CLI_DOUBLE, &job.seconds, .min = 0, .max = 3600, .metavar = "S",
         .help = "after five repeats, stop when this is used up (default 5)"},
        {0}};
    const cli_syntax syntax = {
        "racah bench model MODEL --box FILE.data|FILE.xyz [options]",
        "Time of energy and forces with a given neighbour list and ghost atoms, as an MD code on one rank calls "
        "it: after a\n"
        "warm-up whose energy is compared with that of the whole structure, the median of the repeats.\n",
        options, 2, 2};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    if (rc >= 0) return rc;
    if (strcmp(positional[0], "model") != 0)
        return cli_usage("bench %s: not in this release; there is: bench model", positional[0]);
    if (!job.box_path) return cli_usage("bench model: --box FILE is missing; usage: %s", syntax.usage);
    job.model_path = positional[1];
    rc = run(&job);
    racahi_free(job.forces);
    cli_local_free(&job.local);
    cli_box_free(&job.box);
    racah_calc_destroy(job.calc);
    racah_model_destroy(job.model);
    return rc;
}
