/* SPDX-License-Identifier: MIT
 * Fine-tuning: the weights, shape, scale and E0s of another model to begin with. */
#include "data_internal.h"
#include "trainer.h"

#include <math.h>
#include <string.h>

racah_status racahi_start_load(racahi_trainer *t, racah_error *err)
{
    if (!t->cfg->start_from) return RACAH_OK;
    if (strcmp(t->cfg->start_from, t->output) == 0)
        return racahi_fail(err, RACAH_EINVAL, "%s: start_from: output would overwrite %s", t->cfg->path,
                           t->output);
    RACAHI_TRY(racah_model_load(&t->start, t->cfg->start_from, err));
    RACAHI_TRY(racahi_train_config_adopt(&t->adopted, t->cfg, t->start, err));
    t->cfg = &t->adopted;
    return RACAH_OK;
}

/* Every tensor with an element dimension has it first, so that its share of one element is one block. */
static void copy_weights(racah_model *to, const racah_model *from, const int *source)
{
    for (size_t i = 0; i < to->table.n; i++) {
        const racahi_param *p = &to->table.t[i], *q = &from->table.t[i];
        const size_t np = p->b * p->r * p->c, nq = q->b * q->r * q->c;
        if (np == nq) {
            memcpy(to->theta + p->offset, from->theta + q->offset, np * sizeof *to->theta);
            continue;
        }
        const size_t block = nq / (size_t)from->cfg.nelem;
        for (int e = 0; e < to->cfg.nelem; e++)
            memcpy(to->theta + p->offset + (size_t)e * block,
                   from->theta + q->offset + (size_t)source[e] * block, block * sizeof *to->theta);
    }
}

/* "H C O" */
static void element_list(const racahi_config *c, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int e = 0; e < c->nelem && used < size; e++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", e ? " " : "", racah_element_symbol(c->Z[e]));
}

racah_status racahi_start_model(racahi_trainer *t, racah_error *err)
{
    const racahi_dataset *d = t->data;
    racahi_config shape = t->start->cfg;
    int source[RACAHI_MAX_ELEMENTS];
    char has[480], kept[480];
    element_list(&t->start->cfg, has, sizeof has);
    shape.nelem = d->nelem;
    for (int e = 0; e < d->nelem; e++) {
        source[e] = racah_model_element_index(t->start, d->Z[e]);
        if (source[e] < 0)
            return racahi_fail(err, RACAH_EDATA, "%s is in the training structures, but %s knows only %s",
                               racah_element_symbol(d->Z[e]), t->cfg->start_from, has);
        shape.Z[e] = d->Z[e];
        shape.radius[e] = t->start->cfg.radius[source[e]];
    }
    RACAHI_TRY(racahi_model_create(&t->model, &shape, err));
    copy_weights(t->model, t->start, source);
    for (int e = 0; e < d->nelem; e++)
        t->model->E0[e] = d->E0[e], t->model->shift[e] = d->shift[e],
        t->model->scale[e] = t->start->scale[source[e]];
    element_list(&shape, kept, sizeof kept);
    racahi_trainer_say(t, "starting from %s: %zu parameters; elements %s of %s", t->cfg->start_from,
                       t->model->table.count, kept, has);
    return RACAH_OK;
}

/* Least squares for E0s on what the model leaves of the energies. */
static racah_status refit_e0(racahi_trainer *t, racah_error *err)
{
    racahi_dataset *d = t->data;
    const int n = d->nelem;
    double x[RACAHI_MAX_ELEMENTS], measure;
    racahi_error_row row;
    size_t rows = 0;
    int rank = 0;
    RACAHI_TRY(racahi_measure(t, t->averaged, t->train, d->ntrain, &row, &measure, err));
    if (!d->train_stats.energies) return RACAH_OK;
    double *count = racahi_calloc(d->ntrain * (size_t)n, sizeof *count),
           *y = racahi_malloc(d->ntrain, sizeof *y);
    racah_status st = RACAH_OK;
    if (!count || !y)
        st = racahi_fail(err, RACAH_ENOMEM, "least squares for E0s: %zu bytes do not fit in memory",
                         d->ntrain * ((size_t)n + 1) * sizeof *y);
    for (size_t i = 0; i < d->ntrain && st == RACAH_OK; i++) {
        const racahi_sample *s = &d->train[i];
        if (!s->has_energy || !s->n) continue;
        for (size_t a = 0; a < s->n; a++) count[rows * (size_t)n + (size_t)s->elem[a]]++;
        y[rows++] = -t->res[i].energy / (double)s->n;
    }
    if (st == RACAH_OK) st = racahi_fit_e0(rows, n, count, y, x, &rank, err);
    racahi_free(count);
    racahi_free(y);
    RACAHI_TRY(st);
    for (int e = 0; e < n; e++) {
        t->model->E0[e] = d->E0[e] += x[e];
        d->E0_from[e] = "least squares";
        racahi_trainer_say(t, "E0 %-2s %.6f eV (fitted to what the model leaves)",
                           racah_element_symbol(d->Z[e]), d->E0[e]);
    }
    for (size_t i = 0; i < d->ntrain + d->nvalid; i++) {
        racahi_sample *s = i < d->ntrain ? &d->train[i] : &d->valid[i - d->ntrain];
        for (size_t a = 0; a < s->n && s->has_energy; a++) s->energy -= x[s->elem[a]];
    }
    return RACAH_OK;
}

racah_status racahi_start_measure(racahi_trainer *t, racah_error *err)
{
    racahi_error_row row;
    double measure;
    if (!t->start) return RACAH_OK;
    racahi_weights_set(t->averaged, t->model->theta);
    if (t->cfg->e0.kind == RACAHI_E0_AVERAGE) RACAHI_TRY(refit_e0(t, err));
    RACAHI_TRY(racahi_measure(t, t->averaged, t->valid, t->nvalid, &row, &measure, err));
    racahi_trainer_say(t, "before training: loss %.6g; rmse: E %.2f meV/atom, F %.2f meV/A", measure,
                       1e3 * row.energy_rmse, 1e3 * row.forces_rmse);
    return RACAH_OK;
}
