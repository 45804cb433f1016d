/* SPDX-License-Identifier: MIT
 * Checks of the model itself: stored references, tabulated radial functions, isolated atoms, the cutoff. */
#include "check.h"

#include <math.h>
#include <string.h>

/* Other instruction sets and compilers round differently, by less than 1e-13 eV/A; more would be another model. */
#define REFERENCE_ENERGY 1e-9 /* eV/atom */
#define REFERENCE_FORCE 1e-10 /* eV/A */
/* Quintic interpolation in 512 intervals leaves 1e-10 in the radial functions and 4e-8 in their slopes. */
#define TABLE_ENERGY 1e-6 /* eV/atom */
#define TABLE_FORCE 1e-5  /* eV/A */
/* Features of 24 bits through some ten operations; sums are double. Ten times what trained models show. */
#define SINGLE_ENERGY 1e-5 /* eV/atom */
#define SINGLE_FORCE 1e-3  /* eV/A for forces up to 1 eV/A, relative beyond */

static void compare_reference(check_context *c, const racahi_reference *r, const char *where,
                              const check_values *v)
{
    double n = r->n ? (double)r->n : 1;
    check_add(&c->report, "reference energy", "eV/atom", "structures stored in the file, radial MLP",
              fabs(v->energy - r->energy) / n, REFERENCE_ENERGY, where);
    check_add(&c->report, "reference forces", "eV/A", "structures stored in the file, radial MLP",
              check_max_difference(v->forces, r->forces, 3 * r->n), REFERENCE_FORCE, where);
    check_add(&c->report, "reference virial", "relative", "structures stored in the file, radial MLP",
              check_max_difference(v->virial, r->virial, 9) / fmax(check_max_abs(r->virial, 9), 1),
              REFERENCE_FORCE, where);
}

racah_status check_references(check_context *c, racah_error *err)
{
    for (size_t k = 0; k < c->model->nref; k++) {
        const racahi_reference *r = &c->model->ref[k];
        cli_box box;
        check_values v;
        racah_error why;
        RACAHI_TRY(cli_box_create(&box, r->n, r->pos, r->Z, r->has_cell ? r->cell : NULL, r->pbc, err));
        racah_status status = check_values_create(&v, r->n, err);
        if (status == RACAH_OK) {
            snprintf(box.name, sizeof box.name, "stored reference %zu", k + 1);
            if (check_eval(c, c->exact, &box, &v, &why) != RACAH_OK)
                check_broken(&c->report, "reference energy", "eV/atom",
                             "structures stored in the file, radial MLP", &why);
            else
                compare_reference(c, r, box.name, &v);
        }
        check_values_free(&v);
        cli_box_free(&box);
        if (status != RACAH_OK) return status;
    }
    return RACAH_OK;
}

/* The values of `calc` against v, under three names. */
static racah_status compare_calc(check_context *c, racah_calc *calc, const cli_box *box, const check_values *v,
                                 const char *const name[3], const char *about, double energy, double force,
                                 racah_error *err)
{
    check_values other;
    racah_error why;
    if (box->n == 0) return RACAH_OK;
    RACAHI_TRY(check_values_create(&other, box->n, err));
    if (check_eval(c, calc, box, &other, &why) != RACAH_OK) {
        check_broken(&c->report, name[0], "eV/atom", about, &why);
    } else {
        check_add(&c->report, name[0], "eV/atom", about, fabs(v->energy - other.energy) / (double)box->n, energy,
                  box->name);
        check_add(&c->report, name[1], "eV/A", about,
                  check_max_difference(v->forces, other.forces, 3 * box->n) /
                      fmax(1, check_max_abs(v->forces, 3 * box->n)),
                  force, box->name);
        check_add(&c->report, name[2], "relative", about,
                  check_max_difference(v->virial, other.virial, 9) / fmax(1, check_max_abs(v->virial, 9)), force,
                  box->name);
    }
    check_values_free(&other);
    return RACAH_OK;
}

racah_status check_table(check_context *c, const cli_box *box, const check_values *v, racah_error *err)
{
    static const char *const names[3] = {"table, energy", "table, forces", "table, virial"};
    return compare_calc(c, c->exact, box, v, names, "tabulated radial functions against the MLP", TABLE_ENERGY,
                        TABLE_FORCE, err);
}

racah_status check_single(check_context *c, const cli_box *box, const check_values *v, racah_error *err)
{
    static const char *const names[3] = {"single, energy", "single, forces", "single, virial"};
    return compare_calc(c, c->single, box, v, names, "single precision against double", SINGLE_ENERGY, SINGLE_FORCE,
                        err);
}

/* One atom far from everything has the energy the model says, and no force. */
racah_status check_isolated(check_context *c, racah_error *err)
{
    static const char *const about = "one atom alone: its energy as the model gives it, force exactly zero";
    static const int open[3] = {0, 0, 0};
    static const double origin[3] = {0.3, -0.7, 0.1};
    for (int e = 0; e < racah_model_nelements(c->model); e++) {
        int Z = racah_model_atomic_number(c->model, e);
        cli_box box;
        check_values v;
        racah_error why;
        RACAHI_TRY(cli_box_create(&box, 1, origin, &Z, NULL, open, err));
        racah_status status = check_values_create(&v, 1, err);
        if (status == RACAH_OK) {
            snprintf(box.name, sizeof box.name, "one atom of %s", racahi_element_symbol(Z));
            if (check_eval(c, c->table, &box, &v, &why) != RACAH_OK) {
                check_broken(&c->report, "isolated atom", "eV", about, &why);
            } else {
                double off = fabs(v.energy - racah_model_isolated_energy(c->model, e));
                double force = check_max_abs(v.forces, 3);
                if (isnan(v.forces[0]) || isnan(v.forces[1]) || isnan(v.forces[2]) || force > 0) off = NAN;
                check_add(&c->report, "isolated atom", "eV", about, off, 1e-9, box.name);
            }
        }
        check_values_free(&v);
        cli_box_free(&box);
        if (status != RACAH_OK) return status;
    }
    return RACAH_OK;
}

/* Three atoms: one in the middle, one at half the cutoff, and a third that crosses the cutoff of the middle
 * one (and is beyond that of the other). r: distance of the third; NULL box on failure. */
static racah_status trimer(cli_box *box, const int Z[3], double cutoff, double r, racah_error *err)
{
    static const int open[3] = {0, 0, 0};
    const double pos[9] = {0, 0, 0, -0.5 * cutoff, 0, 0, 0.28 * r, 0.96 * r, 0}; /* 0.28^2 + 0.96^2 = 1 */
    return cli_box_create(box, 3, pos, Z, NULL, open, err);
}

static racah_status cross_cutoff(check_context *c, racah_calc *calc, const int Z[3], racah_error *err)
{
    static const char *const energy_about = "step of the energy while an atom crosses the cutoff by 1e-4 A";
    static const char *const force_about = "step of the forces there";
    double cutoff = racah_model_cutoff(c->model);
    const double radius[2] = {cutoff - 1e-4, cutoff + 1e-4};
    check_values v[2] = {0};
    racah_status status = RACAH_OK;
    bool works = true;
    char where[64];
    racah_error why;
    snprintf(where, sizeof where, "%s with %s at half the cutoff, %s at the cutoff",
             racahi_element_symbol(Z[0]), racahi_element_symbol(Z[1]), racahi_element_symbol(Z[2]));
    for (int k = 0; k < 2 && status == RACAH_OK && works; k++) {
        cli_box box = {0};
        status = trimer(&box, Z, cutoff, radius[k], err);
        if (status == RACAH_OK) status = check_values_create(&v[k], 3, err);
        if (status == RACAH_OK) works = check_eval(c, calc, &box, &v[k], &why) == RACAH_OK;
        cli_box_free(&box);
    }
    if (status == RACAH_OK && !works) check_broken(&c->report, "cutoff, energy", "eV", energy_about, &why);
    if (status == RACAH_OK && works) {
        check_add(&c->report, "cutoff, energy", "eV", energy_about, fabs(v[0].interaction - v[1].interaction),
                  1e-9, where);
        check_add(&c->report, "cutoff, forces", "eV/A", force_about,
                  check_max_difference(v[0].forces, v[1].forces, 9), 1e-6, where);
        double beyond = check_max_abs(v[1].forces + 6, 3);
        check_add(&c->report, "beyond the cutoff", "eV/A", "force on an atom without neighbours",
                  isnan(v[1].forces[6]) ? NAN : beyond, 0, where);
    }
    check_values_free(&v[0]);
    check_values_free(&v[1]);
    return status;
}

racah_status check_cutoff(check_context *c, racah_error *err)
{
    int elements = racah_model_nelements(c->model);
    /* all pairs of the first elements: time is limited, and each has its own weights but one code */
    if (elements > 4) elements = 4;
    for (int a = 0; a < elements; a++)
        for (int b = 0; b < elements; b++) {
            const int Z[3] = {racah_model_atomic_number(c->model, a),
                              racah_model_atomic_number(c->model, (a + b) % elements),
                              racah_model_atomic_number(c->model, b)};
            RACAHI_TRY(cross_cutoff(c, c->table, Z, err));
            RACAHI_TRY(cross_cutoff(c, c->exact, Z, err));
        }
    return RACAH_OK;
}
