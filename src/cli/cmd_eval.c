/* SPDX-License-Identifier: MIT
 * racah eval: energies, forces and stresses of a model for the frames of an extended XYZ file, compared with
 * the labels in it. */
#include "eval_stats.h"
#include "output.h"
#include "../linear/gemm.h"

#include <math.h>
#include <string.h>

typedef struct eval_job {
    const char *const *model_path; /* [nmodel] */
    int nmodel;
    const char *xyz_path, *out, *json, *plot;
    int threads, precision, method;
    racah_model *model; /* the one at work */
    racahi_frames frames;
    eval_result *results; /* mean and deviations over the models */
    eval_result *one;     /* of the model at work */
    double *block;        /* the forces of both and the deviations, frame after frame */
} eval_job;

static racah_status allocate(eval_job *job, racah_error *err)
{
    size_t atoms = 0;
    for (size_t i = 0; i < job->frames.n; i++) atoms += job->frames.f[i].n;
    job->results = racahi_calloc(job->frames.n, sizeof *job->results);
    job->one = racahi_calloc(job->frames.n, sizeof *job->one);
    job->block = racahi_calloc(atoms, 7 * sizeof(double));
    if (!job->results || !job->one || !job->block)
        return racahi_fail(err, RACAH_ENOMEM, "results of %zu atoms do not fit in memory", atoms);
    double *next = job->block;
    for (size_t i = 0; i < job->frames.n; i++) {
        const size_t n = job->frames.f[i].n;
        job->results[i].forces = next, next += 3 * n;
        job->results[i].forces_std = next, next += n;
        job->one[i].forces = next, next += 3 * n;
    }
    return RACAH_OK;
}

/* Add x as number k (from 1) to the mean; returns its part of the sum of squared deviations (Welford). */
static double accumulate(double *mean, double x, int k)
{
    const double before = x - *mean;
    *mean += before / k;
    return before * (x - *mean);
}

/* Model number k (from 1) into the mean; the deviations hold sums of squares until the last model. */
static void add_model(eval_job *job, int k)
{
    const double last = k == job->nmodel && k > 1 ? 1.0 / (k - 1) : 1;
    for (size_t i = 0; i < job->frames.n; i++) {
        const eval_result *x = &job->one[i];
        eval_result *r = &job->results[i];
        r->has_stress = x->has_stress;
        r->energy_std += accumulate(&r->energy, x->energy, k);
        for (size_t c = 0; c < 3 * job->frames.f[i].n; c++)
            r->forces_std[c / 3] += accumulate(&r->forces[c], x->forces[c], k);
        for (int c = 0; c < 9 && x->has_stress; c++) accumulate(&r->stress[c], x->stress[c], k);
        if (k < job->nmodel) continue;
        r->energy_std = sqrt(last * r->energy_std);
        for (size_t a = 0; a < job->frames.f[i].n; a++) r->forces_std[a] = sqrt(last * r->forces_std[a]);
    }
}

static racah_status evaluate(racah_calc *calc, const racahi_frame *f, eval_result *r, int threads,
                             racah_error *err)
{
    racah_structure s = cli_structure(f);
    s.threads = threads;
    s.energy = &r->energy;
    s.forces = r->forces;
    r->has_stress = cli_periodic(f->pbc);
    if (r->has_stress) s.stress = r->stress;
    return racah_compute(calc, &s, err);
}

/* All frames, in parallel over frames (one calculator for each thread); with fewer frames than threads, in
 * parallel within the frame. The first failing frame is reported. */
static int evaluate_all(eval_job *job)
{
    racahi_frames *frames = &job->frames;
    int outer = (size_t)job->threads <= frames->n ? racahi_blas_threads(job->threads) : 1;
    int inner = outer == 1 ? job->threads : 1;
    size_t failed = frames->n;
    racah_error first;
    int rc = CLI_OK;
#pragma omp parallel num_threads(outer)
    {
        racah_calc *calc = NULL;
        int mine = CLI_OK;
#pragma omp critical(eval_create)
        if (rc == CLI_OK) {
            mine = cli_calc_create(&calc, job->model, job->precision, job->method, RACAH_RADIAL_TABLE);
            rc = mine;
        }
#pragma omp barrier
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < frames->n; i++) {
            racah_error err;
            if (rc != CLI_OK) continue;
            if (evaluate(calc, &frames->f[i], &job->one[i], inner, &err) == RACAH_OK) continue;
#pragma omp critical(eval_error)
            if (i < failed) {
                failed = i;
                first = err;
            }
        }
        racah_calc_destroy(calc);
    }
    if (rc != CLI_OK || failed == frames->n) return rc;
    cli_message("%s:%zu: frame %zu: %s", frames->path, frames->f[failed].line, failed + 1, first.msg);
    return first.code == RACAH_EINVAL ? CLI_BAD_FILE : cli_exit_code(first.code);
}

static int write_frames(const eval_job *job)
{
    cli_output o;
    racah_status status = RACAH_OK;
    racah_error err;
    int rc = cli_output_open(&o, job->out);
    if (rc != CLI_OK) return rc;
    for (size_t i = 0; i < job->frames.n && status == RACAH_OK; i++) {
        const eval_result *r = &job->results[i];
        racahi_frame_results out = {.energy = &r->energy, .forces = r->forces};
        if (r->has_stress) out.stress = r->stress;
        if (job->nmodel > 1) out.energy_std = &r->energy_std, out.forces_std = r->forces_std;
        status = racahi_extxyz_write(o.to, &job->frames.f[i], &out, &err);
    }
    rc = cli_output_close(&o, status == RACAH_OK);
    return status == RACAH_OK ? rc : cli_error(racahi_prefix(&err, status, "%s", job->out), &err);
}

static int report(const eval_job *job)
{
    racah_error err;
    eval_groups groups;
    racah_status status = eval_groups_make(&groups, &job->frames, job->results, job->nmodel > 1, &err);
    int rc = CLI_OK;
    if (status != RACAH_OK) {
        rc = cli_error(status, &err);
    } else {
        FILE *to = cli_table_stream(job->json);
        for (int k = 0; k < job->nmodel; k++) fprintf(to, "%s%s", k ? ", " : "", job->model_path[k]);
        fprintf(to, "%s on %s\n", job->nmodel > 1 ? ": their mean" : "", job->xyz_path);
        eval_groups_print(&groups, to);
        if (job->json) {
            json_t *o = json_object();
            if (job->nmodel > 1) {
                json_t *models = json_array();
                for (int k = 0; k < job->nmodel; k++)
                    json_array_append_new(models, json_string(job->model_path[k]));
                json_object_set_new(o, "models", models);
            } else {
                json_object_set_new(o, "model", json_string(job->model_path[0]));
            }
            json_object_set_new(o, "file", json_string(job->xyz_path));
            json_object_set_new(o, "groups", eval_groups_json(&groups));
            rc = cli_write_json(job->json, o);
        }
    }
    eval_groups_free(&groups);
    return rc;
}

static int run_model(eval_job *job, int k)
{
    racah_error err;
    racah_model_destroy(job->model);
    racah_status status = racah_model_load(&job->model, job->model_path[k - 1], &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    int rc = cli_frames_fit(&job->frames, job->model);
    if (rc == CLI_OK) rc = evaluate_all(job);
    if (rc == CLI_OK) add_model(job, k);
    return rc;
}

static int run(eval_job *job)
{
    racah_error err;
    racah_status status = racahi_extxyz_read(&job->frames, job->xyz_path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    if (job->frames.n == 0) {
        cli_message("%s: no frames", job->xyz_path);
        return CLI_BAD_FILE;
    }
    status = allocate(job, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    int rc = CLI_OK;
    for (int k = 1; k <= job->nmodel && rc == CLI_OK; k++) rc = run_model(job, k);
    if (rc == CLI_OK) rc = report(job);
    if (rc == CLI_OK && job->out) rc = write_frames(job);
    if (rc == CLI_OK && job->plot) rc = eval_plot(job->plot, job->xyz_path, &job->frames, job->results);
    return rc;
}

int racahi_cmd_eval(int argc, char **argv)
{
    eval_job job = {.threads = cli_default_threads()};
    const cli_option options[] = {
        {"--out", CLI_STRING, &job.out, .metavar = "F.xyz",
         .help = "the frames with racah_energy, racah_forces, racah_stress; of several models "
                 "racah_energy_std and "
                 "racah_forces_std"},
        {"--json", CLI_STRING, &job.json, .metavar = "F", .help = "the table as JSON; - for standard output"},
        {"--plot", CLI_STRING, &job.plot, .metavar = "F.svg", .help = "parity picture, drawn by gnuplot"},
        {"--threads", CLI_INT, &job.threads, .min = 1, .max = 1024, .metavar = "N",
         .help = "default: OMP_NUM_THREADS or all cores; results do not depend on it"},
        {"--precision", CLI_CHOICE, &job.precision, .choices = CLI_PRECISIONS, .help = "of the features"},
        {"--method", CLI_CHOICE, &job.method, .choices = CLI_METHODS, .help = "tensor-product algorithm"},
        {0}};
    const cli_syntax syntax = {
        "racah eval MODEL [MODEL ...] FILE.xyz [options]",
        "Errors of the model for all frames, for each config_type and for each "
        "element (energy and stress of the\n"
        "structures that contain it, forces on its atoms). Energies are per atom; MAE "
        "and RMSE of forces and stress\n"
        "are over components. Missing labels are fine. Of several models (at most 7: a "
        "committee) the mean is judged,\n"
        "and the standard deviations over them are given too.\n",
        options, 2, 8};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    if (rc >= 0) return rc;
    job.model_path = positional;
    job.nmodel = n - 1;
    job.xyz_path = positional[n - 1];
    if (job.out && job.json && strcmp(job.out, job.json) == 0)
        return cli_usage("--out and --json name the same file '%s'", job.out);
    rc = run(&job);
    racahi_free(job.results);
    racahi_free(job.one);
    racahi_free(job.block);
    racahi_frames_free(&job.frames);
    racah_model_destroy(job.model);
    return rc;
}
