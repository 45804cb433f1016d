/* SPDX-License-Identifier: MIT
 * racah check: is this model a potential? Derivatives, symmetries, sums, references; figure, limit and
 * verdict. */
#include "check.h"

#include <math.h>
#include <string.h>

typedef struct check_job {
    const char *model_path, *xyz_path, *json;
    int threads, structures, seed;
    double seconds;
    racah_model *model;
    check_context c;
    cli_box *box;
    size_t nbox;
} check_job;

static racah_status add_box(check_job *job, size_t n, const double *pos, const int *Z, const double *cell,
                            const int pbc[3], racah_error *err)
{
    RACAHI_TRY(cli_box_create(&job->box[job->nbox], n, pos, Z, cell, pbc, err));
    job->nbox++;
    return RACAH_OK;
}

/* Frames spread evenly over the file. */
static int boxes_from_file(check_job *job, racah_error *err)
{
    racahi_frames frames = {0};
    racah_status status = racahi_extxyz_read(&frames, job->xyz_path, err);
    if (status != RACAH_OK) return cli_error(status, err);
    int rc = cli_frames_fit(&frames, job->model);
    if (rc == CLI_OK && frames.n == 0) {
        cli_message("%s: no frames", job->xyz_path);
        rc = CLI_BAD_FILE;
    }
    size_t take = frames.n < (size_t)job->structures ? frames.n : (size_t)job->structures;
    for (size_t k = 0; rc == CLI_OK && k < take; k++) {
        size_t i = k * frames.n / take;
        const racahi_frame *f = &frames.f[i];
        status = add_box(job, f->n, f->pos, f->Z, f->has_cell ? f->cell : NULL, f->pbc, err);
        if (status != RACAH_OK)
            rc = cli_error(status, err);
        else
            snprintf(job->box[k].name, sizeof job->box[k].name, "%.80s, frame %zu", job->xyz_path, i + 1);
    }
    racahi_frames_free(&frames);
    return rc;
}

static racah_status boxes_from_references(check_job *job, racah_error *err)
{
    size_t have = job->model->nref, take = have < (size_t)job->structures ? have : (size_t)job->structures;
    for (size_t k = 0; k < take; k++) {
        size_t i = k * have / take;
        const racahi_reference *r = &job->model->ref[i];
        RACAHI_TRY(add_box(job, r->n, r->pos, r->Z, r->has_cell ? r->cell : NULL, r->pbc, err));
        snprintf(job->box[k].name, sizeof job->box[k].name, "stored reference %zu", i + 1);
    }
    return RACAH_OK;
}

/* A model without references, and no file: a distorted 2 x 2 x 2 lattice of all elements, half the cutoff
 * apart. */
static racah_status box_made_up(check_job *job, racah_error *err)
{
    static const int periodic[3] = {1, 1, 1};
    double a = 0.5 * racah_model_cutoff(job->model), pos[24];
    const double cell[9] = {2 * a, 0, 0, 0.1 * a, 2.1 * a, 0, 0, -0.2 * a, 1.9 * a};
    int Z[8];
    for (int i = 0; i < 8; i++) {
        const int place[3] = {i & 1, i >> 1 & 1, i >> 2};
        Z[i] = racah_model_atomic_number(job->model, i % racah_model_nelements(job->model));
        for (int x = 0; x < 3; x++) pos[3 * i + x] = a * (place[x] + 0.2 * (check_uniform(&job->c) - 0.5));
    }
    RACAHI_TRY(add_box(job, 8, pos, Z, cell, periodic, err));
    snprintf(job->box[0].name, sizeof job->box[0].name, "made-up lattice");
    return RACAH_OK;
}

static racah_status check_structure(check_context *c, const cli_box *box, racah_error *err)
{
    check_values v;
    racah_error why;
    RACAHI_TRY(check_values_create(&v, box->n, err));
    racah_status status = RACAH_OK;
    if (check_eval(c, c->table, box, &v, &why) != RACAH_OK) {
        check_broken(&c->report, "evaluation", "", "energy and forces of each structure", &why);
    } else {
        status = check_forces(c, box, err);
        if (status == RACAH_OK) status = check_virial(c, box, err);
        if (status == RACAH_OK) status = check_symmetries(c, box, &v, err);
        if (status == RACAH_OK) status = check_sums(c, box, &v, err);
        if (status == RACAH_OK) status = check_local_list(c, box, &v, err);
        if (status == RACAH_OK) status = check_table(c, box, &v, err);
        if (status == RACAH_OK) status = check_single(c, box, &v, err);
    }
    check_values_free(&v);
    return status;
}

static racah_status all_checks(check_job *job, racah_error *err)
{
    check_context *c = &job->c;
    RACAHI_TRY(check_references(c, err));
    for (size_t k = 0; k < job->nbox; k++) RACAHI_TRY(check_structure(c, &job->box[k], err));
    RACAHI_TRY(check_isolated(c, err));
    return check_cutoff(c, err);
}

static int report(const check_job *job)
{
    const check_report *r = &job->c.report;
    FILE *to = cli_table_stream(job->json);
    fprintf(to, "%s: %zu structure%s, %d thread%s, seed %d\n", job->model_path, job->nbox,
            job->nbox == 1 ? "" : "s", job->threads, job->threads == 1 ? "" : "s", job->seed);
    check_print(r, to);
    if (!job->model->nref)
        fprintf(to, "The file has no reference structures: that its numbers are those of training cannot be told.\n");
    int rc = check_passed(r) ? CLI_OK : CLI_FAILED;
    if (!job->json) return rc;
    json_t *o = json_object(), *names = json_array();
    for (size_t k = 0; k < job->nbox; k++) json_array_append_new(names, json_string(job->box[k].name));
    json_object_set_new(o, "model", json_string(job->model_path));
    json_object_set_new(o, "structures", names);
    json_object_set_new(o, "references", json_integer((json_int_t)job->model->nref));
    json_object_set_new(o, "checks", check_json(r));
    json_object_set_new(o, "passed", json_boolean(check_passed(r)));
    int written = cli_write_json(job->json, o);
    return written == CLI_OK ? rc : written;
}

static int run(check_job *job)
{
    racah_error err;
    racah_status status = racah_model_load(&job->model, job->model_path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    check_context *c = &job->c;
    c->model = job->model;
    c->compute = racah_compute;
    c->threads = job->threads;
    c->seed = (uint64_t)job->seed;
    int rc = cli_calc_create(&c->exact, job->model, RACAH_DOUBLE, RACAH_METHOD_AUTO, RACAH_RADIAL_EXACT);
    if (rc == CLI_OK)
        rc = cli_calc_create(&c->table, job->model, RACAH_DOUBLE, RACAH_METHOD_AUTO, RACAH_RADIAL_TABLE);
    if (rc == CLI_OK)
        rc = cli_calc_create(&c->single, job->model, RACAH_SINGLE, RACAH_METHOD_AUTO, RACAH_RADIAL_TABLE);
    if (rc != CLI_OK) return rc;
    job->box = racahi_calloc((size_t)job->structures, sizeof *job->box);
    if (!job->box) {
        status = racahi_fail(&err, RACAH_ENOMEM, "%d structures do not fit in memory", job->structures);
    } else if (job->xyz_path) {
        rc = boxes_from_file(job, &err);
        if (rc != CLI_OK) return rc;
    } else {
        status = job->model->nref ? boxes_from_references(job, &err) : box_made_up(job, &err);
    }
    if (status != RACAH_OK) return cli_error(status, &err);
    c->seconds = job->seconds / (double)job->nbox;
    status = all_checks(job, &err);
    return status == RACAH_OK ? report(job) : cli_error(status, &err);
}

int racahi_cmd_check(int argc, char **argv)
{
    check_job job = {.threads = cli_default_threads(), .structures = 4, .seed = 1, .seconds = 30};
    const cli_option options[] = {{"--json", CLI_STRING, &job.json, .metavar = "F",
                                   .help = "the figures as JSON; - for standard output"},
                                  {"--threads", CLI_INT, &job.threads, .min = 1, .max = 1024, .metavar = "N",
                                   .help = "default: OMP_NUM_THREADS or all cores"},
                                  {"--structures", CLI_INT, &job.structures, .min = 1, .max = 1000,
                                   .metavar = "N", .help = "at most this many, spread evenly (default 4)"},
                                  {"--seconds", CLI_DOUBLE, &job.seconds, .min = 0, .max = 36000,
                                   .metavar = "S",
                                   .help = "for finite differences of all structures together (default 30)"},
                                  {"--seed", CLI_INT, &job.seed, .min = 0, .max = 1e9, .metavar = "N",
                                   .help = "of rotations and choices (default 1)"},
                                  {0}};
    const cli_syntax syntax = {
        "racah check MODEL [FILE.xyz] [options]",
        "Forces and virial against finite differences, rotation, inversion, translation, permutation, "
        "threads, ghost\n"
        "atoms, sums, stored references, tabulated radial functions, single precision, isolated atoms,\n"
        "smoothness at the cutoff.\n"
        "Structures: those of the file, otherwise those stored in the model. Exit code 1 if a check fails.\n",
        options, 1, 2};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    if (rc >= 0) return rc;
    job.model_path = positional[0];
    job.xyz_path = n > 1 ? positional[1] : NULL;
    rc = run(&job);
    for (size_t k = 0; k < job.nbox; k++) cli_box_free(&job.box[k]);
    racahi_free(job.box);
    racah_calc_destroy(job.c.exact);
    racah_calc_destroy(job.c.table);
    racah_calc_destroy(job.c.single);
    racah_model_destroy(job.model);
    return rc;
}
