/* SPDX-License-Identifier: MIT
 * The report of `racah check`: one line for each check, with figure, limit and verdict; evaluation of
 * structures. */
#include "check.h"

#include <math.h>
#include <string.h>

static check_line *find_line(check_report *r, const char *name, const char *unit, const char *about)
{
    for (int k = 0; k < r->n; k++)
        if (strcmp(r->line[k].name, name) == 0) return &r->line[k];
    /* more names than lines would be our own bug: the last line then takes them, and nothing is lost
     * silently, because a failure on it still counts */
    if (r->n == CHECK_MAX_LINES) return &r->line[CHECK_MAX_LINES - 1];
    check_line *l = &r->line[r->n++];
    *l = (check_line){.name = name, .unit = unit, .about = about, .figure = 0, .limit = 1};
    return l;
}

void check_add(check_report *r, const char *name, const char *unit, const char *about, double figure,
               double limit, const char *where)
{
    check_line *l = find_line(r, name, unit, about);
    bool passed = figure <= limit; /* false for NaN */
    double ratio = isnan(figure) ? INFINITY : figure == 0 ? 0 : figure / limit;
    bool worst = l->count == 0 || (passed == !l->failed ? ratio > l->ratio : !passed);
    l->count++;
    if (!worst) return;
    l->figure = figure;
    l->limit = limit;
    l->ratio = ratio;
    l->failed = !passed;
    snprintf(l->where, sizeof l->where, "%s", where);
}

void check_broken(check_report *r, const char *name, const char *unit, const char *about,
                  const racah_error *err)
{
    check_line *l = find_line(r, name, unit, about);
    l->count++;
    l->failed = true;
    l->figure = NAN;
    l->ratio = INFINITY;
    snprintf(l->where, sizeof l->where, "%.*s", (int)sizeof l->where - 1, err->msg);
}

bool check_passed(const check_report *r)
{
    for (int k = 0; k < r->n; k++)
        if (r->line[k].failed) return false;
    return r->n > 0;
}

void check_print(const check_report *r, FILE *to)
{
    int failed = 0;
    fprintf(to, "%-6s %-22s %10s %10s %-10s %6s  %s\n", "", "check", "figure", "limit", "unit", "tried",
            "compared");
    for (int k = 0; k < r->n; k++) {
        const check_line *l = &r->line[k];
        fprintf(to, "%-6s %-22s %10.2e %10.1e %-10s %6zu  %s\n", l->failed ? "FAILED" : "ok", l->name,
                l->figure, l->limit, l->unit, l->count, l->about);
        if (l->failed) fprintf(to, "       %s\n", l->where);
        failed += l->failed;
    }
    fprintf(to, "%d of %d checks passed\n", r->n - failed, r->n);
}

json_t *check_json(const check_report *r)
{
    json_t *list = json_array();
    for (int k = 0; k < r->n; k++) {
        const check_line *l = &r->line[k];
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(l->name));
        json_object_set_new(o, "compared", json_string(l->about));
        json_object_set_new(o, "figure", cli_number(l->figure));
        json_object_set_new(o, "limit", cli_number(l->limit));
        json_object_set_new(o, "unit", json_string(l->unit));
        json_object_set_new(o, "tried", json_integer((json_int_t)l->count));
        json_object_set_new(o, "worst", json_string(l->where));
        json_object_set_new(o, "passed", json_boolean(!l->failed));
        json_array_append_new(list, o);
    }
    return list;
}

/* ---- evaluation -------------------------------------------------------------------------------- */

racah_status check_values_create(check_values *v, size_t n, racah_error *err)
{
    *v = (check_values){0};
    v->forces = racahi_calloc(n, 3 * sizeof(double));
    v->atom_energy = racahi_calloc(n, sizeof(double));
    v->atom_virial = racahi_calloc(n, 6 * sizeof(double));
    if (v->forces && v->atom_energy && v->atom_virial) return RACAH_OK;
    check_values_free(v);
    return racahi_fail(err, RACAH_ENOMEM, "results of %zu atoms do not fit in memory", n);
}

void check_values_free(check_values *v)
{
    racahi_free(v->forces);
    racahi_free(v->atom_energy);
    racahi_free(v->atom_virial);
    *v = (check_values){0};
}

racah_status check_eval(const check_context *c, racah_calc *calc, const cli_box *box, check_values *v,
                        racah_error *err)
{
    racah_structure s = cli_box_structure(box);
    s.threads = c->threads;
    s.energy = &v->energy;
    s.interaction_energy = &v->interaction;
    s.forces = v->forces;
    s.virial = v->virial;
    if (s.pbc[0] && s.pbc[1] && s.pbc[2]) s.stress = v->stress;
    s.atom_energy = v->atom_energy;
    s.atom_virial = v->atom_virial;
    return c->compute(calc, &s, err);
}

racah_status check_energy(const check_context *c, racah_calc *calc, const cli_box *box, double *energy,
                          racah_error *err)
{
    racah_structure s = cli_box_structure(box);
    s.threads = c->threads;
    s.interaction_energy = energy;
    return c->compute(calc, &s, err);
}

double check_uniform(check_context *c)
{
    uint64_t z = (c->seed += 0x9e3779b97f4a7c15u); /* SplitMix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

double check_max_difference(const double *a, const double *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs(a[i] - b[i]);
        if (!(d <= worst)) worst = d;
        if (isnan(worst)) return NAN;
    }
    return worst;
}

double check_max_abs(const double *a, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++)
        if (fabs(a[i]) > worst) worst = fabs(a[i]);
    return worst;
}
