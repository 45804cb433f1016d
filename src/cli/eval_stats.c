/* SPDX-License-Identifier: MIT
 * Errors of a model on labelled frames: sums by group, as a table and as JSON. */
#include "eval_stats.h"

#include <math.h>
#include <string.h>

static void add(eval_sum *s, double difference)
{
    s->count++;
    s->abs += fabs(difference);
    s->square += difference * difference;
}

double eval_mae(const eval_sum *s) { return s->count ? s->abs / (double)s->count : NAN; }
double eval_rmse(const eval_sum *s) { return s->count ? sqrt(s->square / (double)s->count) : NAN; }

static void add_frame(eval_group *g, const racahi_frame *f, const eval_result *r)
{
    size_t atoms = 0;
    for (size_t a = 0; a < f->n; a++) {
        if (g->Z && f->Z[a] != g->Z) continue;
        atoms++;
        add(&g->forces_std, r->forces_std[a]);
        if (!(r->forces_std[a] <= g->forces_std_max)) g->forces_std_max = r->forces_std[a];
        for (int x = 0; f->forces && x < 3; x++) add(&g->forces, r->forces[3 * a + x] - f->forces[3 * a + x]);
    }
    if (atoms == 0) return;
    g->structures++;
    g->atoms += atoms;
    add(&g->energy_std, r->energy_std / (double)f->n);
    if (f->has_energy) {
        add(&g->energy, (r->energy - f->energy) / (double)f->n);
        add(&g->energy_total, r->energy - f->energy);
    }
    for (int x = 0; f->has_stress && r->has_stress && x < 9; x++)
        add(&g->stress, r->stress[x] - f->stress[x]);
}

static racah_status new_group(eval_groups *out, eval_group **group, const char *name, const char *kind, int Z,
                              racah_error *err)
{
    void *g = out->g;
    RACAHI_TRY(racahi_reserve(&g, &out->cap, out->n + 1, sizeof *out->g, "groups of the evaluation", err));
    out->g = g;
    *group = &out->g[out->n++];
    **group = (eval_group){.name = name, .kind = kind, .Z = Z};
    return RACAH_OK;
}

static racah_status config_types(eval_groups *out, const racahi_frames *frames, const eval_result *results,
                                 racah_error *err)
{
    size_t first = out->n;
    for (size_t i = 0; i < frames->n; i++) {
        const char *type = frames->f[i].config_type;
        if (!type || !*type) continue;
        eval_group *g = NULL;
        for (size_t k = first; k < out->n && !g; k++)
            if (strcmp(out->g[k].name, type) == 0) g = &out->g[k];
        if (!g) RACAHI_TRY(new_group(out, &g, type, "config_type", 0, err));
        add_frame(g, &frames->f[i], &results[i]);
    }
    return RACAH_OK;
}

racah_status eval_groups_make(eval_groups *out, const racahi_frames *frames, const eval_result *results,
                              bool committee, racah_error *err)
{
    bool present[119] = {false};
    eval_group *g;
    *out = (eval_groups){.committee = committee};
    RACAHI_TRY(new_group(out, &g, "all", "all", 0, err));
    for (size_t i = 0; i < frames->n; i++) {
        add_frame(g, &frames->f[i], &results[i]);
        for (size_t a = 0; a < frames->f[i].n; a++) present[frames->f[i].Z[a]] = true;
    }
    RACAHI_TRY(config_types(out, frames, results, err));
    for (int Z = 1; Z < 119; Z++) {
        if (!present[Z]) continue;
        RACAHI_TRY(new_group(out, &g, racahi_element_symbol(Z), "element", Z, err));
        for (size_t i = 0; i < frames->n; i++) add_frame(g, &frames->f[i], &results[i]);
    }
    return RACAH_OK;
}

void eval_groups_free(eval_groups *groups)
{
    racahi_free(groups->g);
    *groups = (eval_groups){0};
}

json_t *eval_groups_json(const eval_groups *groups)
{
    json_t *list = json_array();
    for (size_t k = 0; k < groups->n; k++) {
        const eval_group *g = &groups->g[k];
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(g->name));
        json_object_set_new(o, "kind", json_string(g->kind));
        json_object_set_new(o, "structures", json_integer((json_int_t)g->structures));
        json_object_set_new(o, "atoms", json_integer((json_int_t)g->atoms));
        json_object_set_new(o, "energy_mae", cli_number(eval_mae(&g->energy)));
        json_object_set_new(o, "energy_rmse", cli_number(eval_rmse(&g->energy)));
        json_object_set_new(o, "energy_total_rmse", cli_number(eval_rmse(&g->energy_total)));
        json_object_set_new(o, "forces_mae", cli_number(eval_mae(&g->forces)));
        json_object_set_new(o, "forces_rmse", cli_number(eval_rmse(&g->forces)));
        json_object_set_new(o, "stress_mae", cli_number(eval_mae(&g->stress)));
        json_object_set_new(o, "stress_rmse", cli_number(eval_rmse(&g->stress)));
        if (groups->committee) {
            json_object_set_new(o, "energy_std", cli_number(eval_mae(&g->energy_std)));
            json_object_set_new(o, "forces_std", cli_number(eval_mae(&g->forces_std)));
            json_object_set_new(o, "forces_std_max", cli_number(g->forces_std_max));
        }
        json_array_append_new(list, o);
    }
    return list;
}

/* A figure in a column, or "-" where there was no label. */
static void cell(FILE *to, double x, double unit, int digits)
{
    if (isfinite(x))
        fprintf(to, " %10.*f", digits, x * unit);
    else
        fprintf(to, " %10s", "-");
}

void eval_groups_print(const eval_groups *groups, FILE *to)
{
    fprintf(to, "%-20s %6s %8s %21s %10s %21s %21s%s\n", "", "", "", "energy (meV/atom)", "(meV)",
            "forces (meV/A)", "stress (meV/A^3)", groups->committee ? "     std of the committee" : "");
    fprintf(to, "%-20s %6s %8s %10s %10s %10s %10s %10s %10s %10s%s\n", "group", "struct", "atoms", "MAE",
            "RMSE", "RMSE", "MAE", "RMSE", "MAE", "RMSE",
            groups->committee ? "   E/atom          F      max F" : "");
    for (size_t k = 0; k < groups->n; k++) {
        const eval_group *g = &groups->g[k];
        fprintf(to, "%-20s %6zu %8zu", g->name, g->structures, g->atoms);
        cell(to, eval_mae(&g->energy), 1e3, 3);
        cell(to, eval_rmse(&g->energy), 1e3, 3);
        cell(to, eval_rmse(&g->energy_total), 1e3, 1);
        cell(to, eval_mae(&g->forces), 1e3, 2);
        cell(to, eval_rmse(&g->forces), 1e3, 2);
        cell(to, eval_mae(&g->stress), 1e3, 3);
        cell(to, eval_rmse(&g->stress), 1e3, 3);
        if (groups->committee) {
            cell(to, eval_mae(&g->energy_std), 1e3, 3);
            cell(to, eval_mae(&g->forces_std), 1e3, 2);
            cell(to, g->forces_std_max, 1e3, 2);
        }
        fputc('\n', to);
    }
}
