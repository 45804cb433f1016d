/* SPDX-License-Identifier: MIT
 * racah eval: energies, forces and stresses of a model for the frames of an extended XYZ file, compared with
 * the labels in it. */
#include "eval_stats.h"

#include <errno.h>
#include <string.h>

typedef struct eval_job {
    const char *model_path, *xyz_path, *out, *json, *plot;
    int threads, precision, method;
    racah_model *model;
    racahi_frames frames;
    eval_result *results;
    double *force_block; /* forces of all frames, one after the other */
} eval_job;

static racah_status allocate(eval_job *job, racah_error *err)
{
    size_t atoms = 0;
    for (size_t i = 0; i < job->frames.n; i++) atoms += job->frames.f[i].n;
    job->results = racahi_calloc(job->frames.n, sizeof *job->results);
    job->force_block = racahi_calloc(atoms, 3 * sizeof(double));
    if (!job->results || !job->force_block)
        return racahi_fail(err, RACAH_ENOMEM, "results of %zu atoms do not fit in memory", atoms);
    double *forces = job->force_block;
    for (size_t i = 0; i < job->frames.n; i++) {
        job->results[i].forces = forces;
        forces += 3 * job->frames.f[i].n;
    }
    return RACAH_OK;
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
    int outer = (size_t)job->threads <= frames->n ? job->threads : 1;
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
            if (evaluate(calc, &frames->f[i], &job->results[i], inner, &err) == RACAH_OK) continue;
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
    FILE *to = fopen(job->out, "w");
    if (!to) {
        cli_message("%s: cannot be written: %s", job->out, strerror(errno));
        return CLI_BAD_FILE;
    }
    racah_status status = RACAH_OK;
    racah_error err;
    for (size_t i = 0; i < job->frames.n && status == RACAH_OK; i++) {
        const eval_result *r = &job->results[i];
        racahi_frame_results out = {&r->energy, r->forces, r->has_stress ? r->stress : NULL};
        status = racahi_extxyz_write(to, &job->frames.f[i], &out, &err);
    }
    int closed = fclose(to);
    if (status != RACAH_OK) return cli_error(status, &err);
    if (closed == 0) return CLI_OK;
    cli_message("%s: cannot be written: %s", job->out, strerror(errno));
    return CLI_BAD_FILE;
}

static int report(const eval_job *job)
{
    racah_error err;
    eval_groups groups;
    racah_status status = eval_groups_make(&groups, &job->frames, job->results, &err);
    int rc = CLI_OK;
    if (status != RACAH_OK) {
        rc = cli_error(status, &err);
    } else {
        FILE *to = cli_table_stream(job->json);
        fprintf(to, "%s on %s\n", job->model_path, job->xyz_path);
        eval_groups_print(&groups, to);
        if (job->json) {
            json_t *o = json_object();
            json_object_set_new(o, "model", json_string(job->model_path));
            json_object_set_new(o, "file", json_string(job->xyz_path));
            json_object_set_new(o, "groups", eval_groups_json(&groups));
            rc = cli_write_json(job->json, o);
        }
    }
    eval_groups_free(&groups);
    return rc;
}

static int run(eval_job *job)
{
    racah_error err;
    racah_status status = racah_model_load(&job->model, job->model_path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    status = racahi_extxyz_read(&job->frames, job->xyz_path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    if (job->frames.n == 0) {
        cli_message("%s: no frames", job->xyz_path);
        return CLI_BAD_FILE;
    }
    int rc = cli_frames_fit(&job->frames, job->model);
    if (rc != CLI_OK) return rc;
    status = allocate(job, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    rc = evaluate_all(job);
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
         .help = "the frames with racah_energy, racah_forces, racah_stress"},
        {"--json", CLI_STRING, &job.json, .metavar = "F", .help = "the table as JSON; - for standard output"},
        {"--plot", CLI_STRING, &job.plot, .metavar = "F.svg", .help = "parity picture, drawn by gnuplot"},
        {"--threads", CLI_INT, &job.threads, .min = 1, .max = 1024, .metavar = "N",
         .help = "default: OMP_NUM_THREADS or all cores; results do not depend on it"},
        {"--precision", CLI_CHOICE, &job.precision, .choices = CLI_PRECISIONS, .help = "of the features"},
        {"--method", CLI_CHOICE, &job.method, .choices = CLI_METHODS, .help = "tensor-product algorithm"},
        {0}};
    const cli_syntax syntax = {"racah eval MODEL FILE.xyz [options]",
                               "Errors of the model for all frames, for each config_type and for each "
                               "element (energy and stress of the\n"
                               "structures that contain it, forces on its atoms). Energies are per atom; MAE "
                               "and RMSE of forces and stress\n"
                               "are over components. Missing labels are fine.\n",
                               options, 2, 2};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    if (rc >= 0) return rc;
    job.model_path = positional[0];
    job.xyz_path = positional[1];
    if (job.out && job.json && strcmp(job.out, job.json) == 0)
        return cli_usage("--out and --json name the same file '%s'", job.out);
    rc = run(&job);
    racahi_free(job.results);
    racahi_free(job.force_block);
    racahi_frames_free(&job.frames);
    racah_model_destroy(job.model);
    return rc;
}
