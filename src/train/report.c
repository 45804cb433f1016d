/* SPDX-License-Identifier: MIT
 * Evaluating a set, the error table, the CSV log and the model file. */
#include "trainer.h"
#include "data_internal.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- errors --------------------------------------------------------------------------------------- */

/* Errors over the structures whose config_type is `group` (NULL: all). */
static void summarise(racahi_error_row *row, const char *set, const char *group,
                      const racahi_sample *const *s, const racahi_residual *r, size_t n)
{
    double ne = 0, nf = 0, ns = 0, e1 = 0, e2 = 0, f1 = 0, f2 = 0, s1 = 0, s2 = 0;
    *row = (racahi_error_row){.set = set, .group = group ? group : "all"};
    for (size_t i = 0; i < n; i++) {
        if (group && strcmp(s[i]->frame->config_type, group) != 0) continue;
        row->structures++;
        row->atoms += s[i]->n;
        if (s[i]->has_energy) {
            double x = r[i].energy / (double)s[i]->n;
            ne++, e1 += fabs(x), e2 += x * x;
        }
        if (s[i]->has_forces) nf += 3 * (double)s[i]->n, f1 += r[i].f_abs, f2 += r[i].f_sq;
        if (s[i]->has_stress) ns += 9, s1 += r[i].s_abs, s2 += r[i].s_sq;
    }
    row->energy_mae = ne > 0 ? e1 / ne : NAN, row->energy_rmse = ne > 0 ? sqrt(e2 / ne) : NAN;
    row->forces_mae = nf > 0 ? f1 / nf : NAN, row->forces_rmse = nf > 0 ? sqrt(f2 / nf) : NAN;
    row->stress_mae = ns > 0 ? s1 / ns : NAN, row->stress_rmse = ns > 0 ? sqrt(s2 / ns) : NAN;
}

racah_status racahi_measure(racahi_trainer *t, const racahi_weights *weights, const racahi_sample *const *set,
                            size_t n, racahi_error_row *row, double *measure, racah_error *err)
{
    const racahi_loss_weights lw = racahi_stage_weights(t->cfg, racahi_last_stage(t->cfg));
    RACAHI_TRY(racahi_loss_eval(t->loss, weights, set, n, t->model->scale, &lw, t->cfg->displacement, measure,
                                NULL, t->res, err));
    summarise(row, "", NULL, set, t->res, n);
    return RACAH_OK;
}

/* Rows of one set: all, then each config_type if there are several. Returns the new number of rows. */
static size_t rows_of(racahi_error_row *rows, size_t nrow, size_t max, const char *set,
                      const racahi_sample *const *s, const racahi_residual *r, size_t n)
{
    size_t first = nrow + 1;
    summarise(&rows[nrow++], set, NULL, s, r, n);
    for (size_t i = 0; i < n && nrow < max; i++) {
        const char *type = s[i]->frame->config_type;
        bool seen = false;
        for (size_t k = first; k < nrow; k++) seen = seen || strcmp(rows[k].group, type) == 0;
        if (!seen) summarise(&rows[nrow++], set, type, s, r, n);
    }
    return nrow == first + 1 ? first : nrow; /* one type: the same as "all" */
}

racah_status racahi_report_errors(racahi_trainer *t, racah_error *err)
{
    enum { MAX_ROWS = 80 };
    racahi_error_row rows[MAX_ROWS];
    size_t n;
    double measure;
    if (!t->cb.errors) return RACAH_OK;
    RACAHI_TRY(racahi_measure(t, t->averaged, t->train, t->data->ntrain, rows, &measure, err));
    n = rows_of(rows, 0, MAX_ROWS / 2, "train", t->train, t->res, t->data->ntrain);
    if (t->data->nvalid) {
        racahi_error_row all;
        RACAHI_TRY(racahi_measure(t, t->averaged, t->valid, t->nvalid, &all, &measure, err));
        n = rows_of(rows, n, MAX_ROWS, "valid", t->valid, t->res, t->nvalid);
    }
    t->cb.errors(t->cb.ctx, rows, n);
    return RACAH_OK;
}

/* ---- CSV -------------------------------------------------------------------------------------------- */

racah_status racahi_write_csv(const racahi_trainer *t, racah_error *err)
{
    static const char *const names[RACAHI_H_COLUMNS] = {"epoch",
                                                        "time_s",
                                                        "lr",
                                                        "train_loss",
                                                        "valid_energy_rmse",
                                                        "valid_forces_rmse",
                                                        "valid_stress_rmse",
                                                        "valid_energy_mae",
                                                        "valid_forces_mae",
                                                        "valid_stress_mae",
                                                        "valid_loss",
                                                        "gradient_norm",
                                                        "stage"};
    const racahi_train_state *s = &t->state;
    size_t n = strlen(t->csv) + 32;
    char *temporary = racahi_malloc(n, 1);
    if (!temporary) return racahi_fail(err, RACAH_ENOMEM, "%s: no memory", t->csv);
    snprintf(temporary, n, "%s.tmp-%ld", t->csv, (long)getpid());
    FILE *f = fopen(temporary, "w");
    bool ok = f != NULL;
    for (int c = 0; ok && c < RACAHI_H_COLUMNS; c++) fprintf(f, "%s%s", c ? "," : "", names[c]);
    for (size_t r = 0; ok && r < s->nrow; r++)
        for (int c = 0; c < RACAHI_H_COLUMNS; c++) {
            double x = s->history[r * RACAHI_H_COLUMNS + (size_t)c];
            fputs(c ? "," : "\n", f);
            if (isfinite(x)) fprintf(f, "%.9g", x); /* no label: an empty field */
        }
    if (ok) ok = fputc('\n', f) != EOF && !ferror(f);
    int cause = errno;
    if (f && fclose(f) != 0) ok = false, cause = errno;
    if (ok && rename(temporary, t->csv) != 0) ok = false, cause = errno;
    if (!ok) unlink(temporary);
    racahi_free(temporary);
    return ok ? RACAH_OK : racahi_fail(err, RACAH_EIO, "%s: cannot be written: %s", t->csv, strerror(cause));
}

/* ---- the model file --------------------------------------------------------------------------------- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *file_list(const racahi_train_files *files)
{
    json_t *list = json_array();
    for (size_t i = 0; i < files->n; i++) json_array_append_new(list, json_string(files->path[i]));
    return list;
}

static json_t *e0_list(const racahi_dataset *d)
{
    json_t *list = json_object();
    for (int e = 0; e < d->nelem; e++)
        json_object_set_new(list, racahi_element_symbol(d->Z[e]),
                            json_pack("{s:f, s:s}", "eV", d->E0[e], "from", d->E0_from[e]));
    return list;
}

/* Shortest distance of each pair of elements that met in the training structures: what the potential knows of them. */
static json_t *pair_distances(const racahi_dataset *d)
{
    json_t *list = json_object();
    for (int a = 0; a < d->nelem; a++)
        for (int b = a; b < d->nelem; b++) {
            char name[16];
            double shortest = INFINITY;
            for (size_t k = 0; k < d->ntrain; k++) {
                const racahi_sample *s = &d->train[k];
                for (size_t i = 0; i < s->n; i++)
                    for (size_t e = s->edges.row[i]; s->elem[i] == a && e < s->edges.row[i + 1]; e++) {
                        const double *v = s->edges.d + 3 * e;
                        if (s->elem[s->edges.j[e]] == b)
                            shortest = fmin(shortest, sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]));
                    }
            }
            snprintf(name, sizeof name, "%s-%s", racahi_element_symbol(d->Z[a]), racahi_element_symbol(d->Z[b]));
            if (isfinite(shortest)) json_object_set_new(list, name, json_real(shortest));
        }
    return list;
}

/* Where the weights come from, as JSON text; racahi_free. NULL without memory. */
static char *training_summary(const racahi_trainer *t)
{
    static const struct {
        const char *key;
        int column;
    } errors[] = {{"valid_energy_rmse", RACAHI_H_VALID_ENERGY_RMSE},
                  {"valid_energy_mae", RACAHI_H_VALID_ENERGY_MAE},
                  {"valid_forces_rmse", RACAHI_H_VALID_FORCES_RMSE},
                  {"valid_forces_mae", RACAHI_H_VALID_FORCES_MAE},
                  {"valid_stress_rmse", RACAHI_H_VALID_STRESS_RMSE},
                  {"valid_stress_mae", RACAHI_H_VALID_STRESS_MAE},
                  {"valid_loss", RACAHI_H_VALID_LOSS}};
    const racahi_train_state *s = &t->state;
    const racahi_label_stats *st = &t->data->train_stats;
    const double *h = racahi_kept_row(s);
    char *config = racahi_train_config_text(t->cfg);
    json_t *o =
        json_pack("{s:s, s:s, s:o, s:o, s:s, s:i, s:i, s:I, s:I, s:o, s:f, s:o, s:o}", "program", "racah train",
                  "version", RACAH_VERSION, "train_file", file_list(&t->cfg->train_file), "valid_file",
                  file_list(&t->cfg->valid_file), "data_sha256", t->data->hash, "train_structures",
                  (int)t->data->ntrain, "valid_structures", (int)t->data->nvalid, "epochs_done",
                  (json_int_t)s->epoch, "best_epoch", (json_int_t)s->kept_epoch, "E0", e0_list(t->data),
                  "seconds", s->nrow ? s->history[(s->nrow - 1) * RACAHI_H_COLUMNS + RACAHI_H_TIME] : 0.0,
                  "shortest_distance", number(st->shortest), "shortest_distances", pair_distances(t->data));
    for (size_t i = 0; o && i < sizeof errors / sizeof *errors; i++)
        json_object_set_new(o, errors[i].key, number(h[errors[i].column]));
    if (o && config) json_object_set_new(o, "config", json_string(config));
    if (o && t->start) json_object_set_new(o, "start_sha256", json_string(t->start->sha256));
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL,
         *copy = racahi_strdup(text);
    free(text);
    json_decref(o);
    racahi_free(config);
    return copy;
}

/* Up to three small structures, of different config_types as far as there are; returns their number. */
static size_t choose_references(const racahi_trainer *t, const racahi_sample *out[3])
{
    enum { SMALL = 128 };
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < t->nvalid && n < 3; i++) {
            const racahi_sample *s = t->valid[i];
            bool skip = s->n > SMALL || s->edges.nedge == 0;
            for (size_t k = 0; k < n && !skip; k++)
                skip =
                    out[k] == s || (pass == 0 && !strcmp(out[k]->frame->config_type, s->frame->config_type));
            if (!skip) out[n++] = s;
        }
    return n;
}

static racah_status add_references(racahi_trainer *t, racah_model *m, racah_error *err)
{
    const racahi_sample *chosen[3];
    size_t n = choose_references(t, chosen);
    for (size_t k = 0; k < n; k++) {
        const racahi_sample *s = chosen[k];
        double energy, virial[9], *forces = racahi_malloc(3 * s->n, sizeof *forces);
        if (!forces)
            return racahi_fail(err, RACAH_ENOMEM, "forces: %zu bytes do not fit in memory",
                               3 * s->n * sizeof *forces);
        racah_status st =
            racahi_loss_predict(t->loss, t->averaged, s, m->scale, &energy, forces, virial, err);
        for (size_t a = 0; a < s->n; a++) energy += m->E0[s->elem[a]] + m->shift[s->elem[a]];
        if (st == RACAH_OK)
            st = racahi_model_add_reference(m, s->n, s->frame->Z, s->frame->pos,
                                            s->frame->has_cell ? s->frame->cell : NULL, s->frame->pbc, energy,
                                            forces, virial, err);
        racahi_free(forces);
        RACAHI_TRY(st);
    }
    return RACAH_OK;
}

racah_status racahi_write_model(racahi_trainer *t, racah_error *err)
{
    racah_model *m = NULL;
    RACAHI_TRY(racahi_model_create(&m, &t->model->cfg, err));
    memcpy(m->theta, t->state.kept, t->state.n * sizeof *m->theta);
    memcpy(m->E0, t->model->E0, sizeof m->E0);
    memcpy(m->scale, t->model->scale, sizeof m->scale);
    memcpy(m->shift, t->model->shift, sizeof m->shift);
    m->training = training_summary(t);
    racah_status st = m->training
                          ? add_references(t, m, err)
                          : racahi_fail(err, RACAH_ENOMEM, "%s: no memory for the summary", t->output);
    if (st == RACAH_OK) st = racahi_model_save(m, t->output, err);
    racah_model_destroy(m);
    return st;
}
