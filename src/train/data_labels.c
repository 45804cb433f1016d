/* SPDX-License-Identifier: MIT
 * Label statistics and the energies of isolated atoms. */
#include "data_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- statistics -------------------------------------------------------------------------------- */

static void count_neighbors(racahi_label_stats *st, const racahi_sample *s, double r_max, size_t *total)
{
    for (size_t i = 0; i < s->n; i++) {
        size_t here = 0;
        for (size_t e = s->edges.row[i]; e < s->edges.row[i + 1]; e++) {
            const double *d = s->edges.d + 3 * e;
            double r = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            if (r < r_max) here++;
            if (r < st->shortest) st->shortest = r, st->shortest_at = s;
        }
        *total += here;
        if (here < st->neighbors_min) st->neighbors_min = here;
        if (here > st->neighbors_max) st->neighbors_max = here;
    }
}

void racahi_label_statistics(racahi_label_stats *st, const racahi_sample *s, size_t n, double r_max)
{
    double force_sum = 0, stress_sum = 0;
    size_t force_count = 0, edges = 0;
    memset(st, 0, sizeof *st);
    st->structures = n;
    st->energy_min = st->shortest = INFINITY;
    st->energy_max = -INFINITY;
    st->neighbors_min = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const racahi_frame *f = s[i].frame;
        st->atoms += f->n;
        if (s[i].has_energy && f->n) {
            double e = f->energy / (double)f->n;
            st->energies++;
            st->energy_min = fmin(st->energy_min, e);
            st->energy_max = fmax(st->energy_max, e);
        }
        if (s[i].has_forces) {
            st->forces++;
            force_count += 3 * f->n;
            for (size_t k = 0; k < 3 * f->n; k++) {
                force_sum += f->forces[k] * f->forces[k];
                if (fabs(f->forces[k]) > st->force_max)
                    st->force_max = fabs(f->forces[k]), st->force_max_at = &s[i];
            }
        }
        if (s[i].has_stress) {
            st->stresses++;
            st->from_virial += f->stress_from_virial;
            for (int k = 0; k < 9; k++) stress_sum += f->stress[k] * f->stress[k];
        }
        st->masked_stress += f->has_stress && !s[i].has_stress;
        count_neighbors(st, &s[i], r_max, &edges);
    }
    if (st->atoms) st->neighbors = (double)edges / (double)st->atoms;
    if (!st->atoms) st->neighbors_min = 0;
    if (force_count) st->force_rms = sqrt(force_sum / (double)force_count);
    if (st->stresses) st->stress_rms = sqrt(stress_sum / (9.0 * (double)st->stresses));
}

static void say_set(const char *name, const racahi_label_stats *s, racahi_say_fn say, void *ctx)
{
    racahi_say(say, ctx, "%s: %zu structures, %zu atoms; labels: %zu energies, %zu forces, %zu stresses%s",
               name, s->structures, s->atoms, s->energies, s->forces, s->stresses,
               s->from_virial ? " (some from virials)" : "");
    if (s->energies) racahi_say(say, ctx, "  energies %.4f .. %.4f eV/atom", s->energy_min, s->energy_max);
    if (s->forces)
        racahi_say(say, ctx, "  forces rms %.4f eV/A, largest component %.3f eV/A (%s, frame %zu)",
                   s->force_rms, s->force_max, s->force_max_at ? s->force_max_at->file : "-",
                   s->force_max_at ? s->force_max_at->number : 0);
    if (s->stresses) racahi_say(say, ctx, "  stress rms %.3e eV/A^3", s->stress_rms);
    if (s->masked_stress)
        racahi_say(say, ctx,
                   "  %zu stresses of structures that are not periodic in three directions are left out",
                   s->masked_stress);
    if (s->shortest_at)
        racahi_say(say, ctx,
                   "  neighbours %.2f on average, %zu .. %zu; shortest distance %.3f A (%s, frame %zu)",
                   s->neighbors, s->neighbors_min, s->neighbors_max, s->shortest, s->shortest_at->file,
                   s->shortest_at->number);
}

static void say_types(const racahi_dataset *data, racahi_say_fn say, void *ctx)
{
    enum { MAX_TYPES = 32 };
    const char *name[MAX_TYPES];
    size_t count[MAX_TYPES][2], n = 0;
    for (size_t i = 0; i < data->ntrain + data->nvalid; i++) {
        bool train = i < data->ntrain;
        const char *type = (train ? &data->train[i] : &data->valid[i - data->ntrain])->frame->config_type;
        size_t k = 0;
        while (k < n && strcmp(name[k], type)) k++;
        if (k == n && n == MAX_TYPES) continue;
        if (k == n) name[n] = type, count[n][0] = count[n][1] = 0, n++;
        count[k][!train]++;
    }
    char line[900];
    size_t used = 0;
    for (size_t k = 0; k < n && used < sizeof line - 1; k++)
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s %zu+%zu", k ? ", " : "",
                                 name[k][0] ? name[k] : "(none)", count[k][0], count[k][1]);
    racahi_say(say, ctx, "config types (training+validation): %s", line);
}

/* Stress and volume of structures of one element should rise together (a stretched crystal is in tension). */
static void say_stress_sign(const racahi_dataset *data, racahi_say_fn say, void *ctx)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    if (data->nelem != 1) return;
    for (size_t i = 0; i < data->ntrain; i++) {
        const racahi_sample *s = &data->train[i];
        if (!s->has_stress) continue;
        double x = s->volume / (double)s->n,
               y = s->frame->stress[0] + s->frame->stress[4] + s->frame->stress[8];
        n++, sx += x, sy += y, sxx += x * x, syy += y * y, sxy += x * y;
    }
    if (n < 8) return;
    double vx = sxx / n - sx / n * sx / n, vy = syy / n - sy / n * sy / n, c = sxy / n - sx / n * sy / n;
    if (vx <= 1e-4 * sx / n * sx / n || vy <= 0) return; /* volumes within 1 %: no verdict */
    double r = c / sqrt(vx * vy);
    if (r < -0.3)
        racahi_say(
            say, ctx,
            "warning: stress falls as volume rises (correlation %.2f): its sign looks inverted; wanted is "
            "positive in tension (virial = -stress x volume)",
            r);
}

void racahi_say_statistics(const racahi_dataset *data, size_t nisolated, racahi_say_fn say, void *ctx)
{
    if (!say) return;
    for (size_t i = 0; i < data->nfiles; i++)
        racahi_say(say, ctx, "%s: %zu structures%s", data->files[i].path, data->files[i].n,
                   data->files[i].used_ref_keys ? ", labels from REF_ keys" : "");
    if (nisolated) racahi_say(say, ctx, "isolated atoms (for E0 only): %zu", nisolated);
    say_set("training", &data->train_stats, say, ctx);
    if (data->nvalid) say_set("validation", &data->valid_stats, say, ctx);
    say_types(data, say, ctx);
    if (data->train_stats.forces && data->train_stats.force_rms == 0)
        racahi_say(say, ctx, "warning: all force labels are exactly zero");
    say_stress_sign(data, say, ctx);
}

/* ---- energies of isolated atoms --------------------------------------------------------------- */

/* LAPACK's least squares by divide-and-conquer SVD; OpenBLAS carries it with its Fortran interface only. */
extern void dgelsd_(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
                    const int *ldb, double *s, const double *rcond, int *rank, double *work, const int *lwork,
                    int *iwork, int *info);

racah_status racahi_fit_e0(size_t nrow, int nelem, const double *count, const double *y, double *x, int *rank,
                           racah_error *err)
{
    const int n = nelem, one = 1;
    const double rcond = 1e-10; /* compositions are ratios of small integers: exact degeneracy or none */
    double *gram = racahi_calloc((size_t)n * (size_t)n + 2 * (size_t)n, sizeof *gram);
    int *iwork = racahi_calloc(1000 + 64 * (size_t)n, sizeof *iwork), info = 0, lwork = 20000 + n * (200 + n);
    double *work = racahi_malloc((size_t)lwork, sizeof *work), *rhs = gram ? gram + n * n : NULL;
    racah_status st = RACAH_OK;
    if (!gram || !iwork || !work) {
        st = racahi_fail(err, RACAH_ENOMEM, "least squares for E0s: %zu bytes do not fit in memory",
                         ((size_t)n * (size_t)n + 2 * (size_t)n + (size_t)lwork) * sizeof *gram);
    } else {
        /* The normal equations are small (n <= 118) and have the same solution of least norm. */
        for (size_t r = 0; r < nrow; r++) {
            double atoms = 0;
            for (int e = 0; e < n; e++) atoms += count[r * (size_t)n + (size_t)e];
            for (int e = 0; e < n; e++) {
                double f = count[r * (size_t)n + (size_t)e] / atoms;
                rhs[e] += f * y[r];
                for (int g = 0; g < n; g++) gram[e * n + g] += f * count[r * (size_t)n + (size_t)g] / atoms;
            }
        }
        dgelsd_(&n, &n, &one, gram, &n, rhs, &n, rhs + n, &rcond, rank, work, &lwork, iwork, &info);
        if (info)
            st = racahi_fail(err, RACAH_ENUMERIC, "least squares for E0s: LAPACK dgelsd returned %d", info);
        else
            memcpy(x, rhs, (size_t)n * sizeof *x);
    }
    racahi_free(gram);
    racahi_free(iwork);
    racahi_free(work);
    return st;
}

/* Least squares for the elements where data->E0_from is NULL; the others keep their values. */
static racah_status fit_missing(racahi_dataset *data, racahi_say_fn say, void *ctx, racah_error *err)
{
    int unknown[RACAHI_MAX_ELEMENTS], column[RACAHI_MAX_ELEMENTS], n = 0, rank = 0;
    for (int e = 0; e < data->nelem; e++) {
        column[e] = -1;
        if (!data->E0_from[e]) column[e] = n, unknown[n++] = e;
    }
    if (!n) return RACAH_OK;
    if (!data->train_stats.energies) {
        for (int k = 0; k < n; k++) data->E0_from[unknown[k]] = "no energies";
        racahi_say(say, ctx, "no energy labels: E0s are zero");
        return RACAH_OK;
    }
    /* Known elements go to the right-hand side; energies are then per atom of the unknown ones. */
    double *count = racahi_calloc(data->ntrain * (size_t)n, sizeof *count), x[RACAHI_MAX_ELEMENTS];
    double *y = racahi_malloc(data->ntrain, sizeof *y);
    size_t rows = 0;
    racah_status st = RACAH_OK;
    if (!count || !y)
        st = racahi_fail(err, RACAH_ENOMEM, "least squares for E0s: %zu bytes do not fit in memory",
                         data->ntrain * ((size_t)n + 1) * sizeof *y);
    for (size_t i = 0; i < data->ntrain && st == RACAH_OK; i++) {
        const racahi_sample *s = &data->train[i];
        double rest = s->frame->energy, atoms = 0, *row = count + rows * (size_t)n;
        if (!s->has_energy) continue;
        for (size_t a = 0; a < s->n; a++) {
            int e = s->elem[a];
            if (column[e] < 0)
                rest -= data->E0[e];
            else
                row[column[e]]++, atoms++;
        }
        if (atoms > 0) y[rows++] = rest / atoms;
    }
    if (st == RACAH_OK) st = racahi_fit_e0(rows, n, count, y, x, &rank, err);
    if (st == RACAH_OK) {
        for (int k = 0; k < n; k++) {
            data->E0[unknown[k]] = x[k];
            data->E0_from[unknown[k]] = "least squares";
        }
        if (rank < n)
            racahi_say(say, ctx,
                       "note: the compositions fix only %d of %d E0s; the solution of smallest norm is taken",
                       rank, n);
    }
    racahi_free(count);
    racahi_free(y);
    return st;
}

static racah_status given_e0(racahi_dataset *data, const racahi_train_config *cfg, racah_error *err)
{
    for (int e = 0; e < data->nelem; e++) {
        for (int i = 0; i < cfg->e0.n; i++)
            if (cfg->e0.Z[i] == data->Z[e])
                data->E0[e] = cfg->e0.value[i], data->E0_from[e] = "configuration";
        if (!data->E0_from[e])
            return racahi_fail(err, RACAH_EDATA,
                               "%s: E0s has no value for %s, which is in the training structures", cfg->path,
                               racahi_element_symbol(data->Z[e]));
    }
    return RACAH_OK;
}

/* The mean over structures of the energy per atom that E0 leaves, and by least squares what depends on
 * composition. */
static racah_status fit_shift(racahi_dataset *data, racah_error *err)
{
    const size_t n = (size_t)data->nelem;
    double *count = racahi_calloc(data->ntrain * n, sizeof *count), x[RACAHI_MAX_ELEMENTS] = {0}, mean = 0;
    double *y = racahi_malloc(data->ntrain, sizeof *y);
    size_t rows = 0;
    int rank = 0;
    racah_status st = RACAH_OK;
    if (!count || !y)
        st = racahi_fail(err, RACAH_ENOMEM, "least squares for shifts: %zu bytes do not fit in memory",
                         data->ntrain * (n + 1) * sizeof *y);
    for (size_t i = 0; i < data->ntrain && st == RACAH_OK; i++) {
        const racahi_sample *s = &data->train[i];
        if (!s->has_energy || !s->n) continue;
        double rest = s->frame->energy;
        for (size_t a = 0; a < s->n; a++) {
            rest -= data->E0[s->elem[a]];
            count[rows * n + (size_t)s->elem[a]]++;
        }
        y[rows++] = rest / (double)s->n;
    }
    for (size_t r = 0; r < rows; r++) mean += y[r] / (double)rows;
    for (size_t r = 0; r < rows; r++) y[r] -= mean;
    if (st == RACAH_OK && rows) st = racahi_fit_e0(rows, data->nelem, count, y, x, &rank, err);
    for (size_t e = 0; e < n; e++) data->shift[e] = mean + x[e];
    racahi_free(count);
    racahi_free(y);
    return st;
}

/* E0s by least squares leave nothing to shift; start_from's model brings its own. */
static racah_status find_shift(racahi_dataset *data, const racahi_train_config *cfg, racahi_say_fn say,
                               void *ctx, racah_error *err)
{
    bool fitted = true;
    for (int e = 0; e < data->nelem; e++) {
        fitted = fitted && !strcmp(data->E0_from[e], "least squares");
        data->shift[e] = cfg->start_from ? cfg->start_shift[data->Z[e]] : 0;
    }
    if (!cfg->start_from && cfg->shift == RACAHI_SHIFT_AVERAGE && data->train_stats.energies && !fitted)
        RACAHI_TRY(fit_shift(data, err));
    for (int e = 0; e < data->nelem; e++)
        if (data->shift[e] != 0)
            racahi_say(say, ctx, "shift %-2s %.6f eV (%s)", racah_element_symbol(data->Z[e]), data->shift[e],
                       cfg->start_from ? "start_from" : "average of what E0s leave");
    return RACAH_OK;
}

static void subtract(const racahi_dataset *data, racahi_sample *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t a = 0; a < s[i].n; a++) sum += data->E0[s[i].elem[a]] + data->shift[s[i].elem[a]];
        s[i].energy = s[i].has_energy ? s[i].frame->energy - sum : 0;
    }
}

racah_status racahi_find_e0(racahi_dataset *data, const racahi_train_config *cfg, const double *isolated,
                            racahi_say_fn say, void *ctx, racah_error *err)
{
    int kind = cfg->e0.kind;
    if (kind == RACAHI_E0_GIVEN) RACAHI_TRY(given_e0(data, cfg, err));
    for (int e = 0; e < data->nelem && (kind == RACAHI_E0_ISOLATED || kind == RACAHI_E0_AUTO); e++) {
        double energy = isolated[data->Z[e]];
        if (isfinite(energy)) {
            data->E0[e] = energy;
            data->E0_from[e] = "isolated atom";
        } else if (kind == RACAHI_E0_ISOLATED) {
            return racahi_fail(err, RACAH_EDATA,
                               "E0s: isolated needs a one-atom, non-periodic structure of %s; there is none",
                               racahi_element_symbol(data->Z[e]));
        }
    }
    for (int e = 0; e < data->nelem && kind != RACAHI_E0_GIVEN; e++)
        for (int i = 0; i < cfg->e0.n && !data->E0_from[e]; i++)
            if (cfg->e0.Z[i] == data->Z[e]) data->E0[e] = cfg->e0.value[i], data->E0_from[e] = "start_from";
    RACAHI_TRY(fit_missing(data, say, ctx, err));
    for (int e = 0; e < data->nelem; e++)
        racahi_say(say, ctx, "E0 %-2s %.6f eV (%s)", racahi_element_symbol(data->Z[e]), data->E0[e],
                   data->E0_from[e]);
    RACAHI_TRY(find_shift(data, cfg, say, ctx, err));
    subtract(data, data->train, data->ntrain);
    subtract(data, data->valid, data->nvalid);
    return RACAH_OK;
}
