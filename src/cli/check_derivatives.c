/* SPDX-License-Identifier: MIT
 * Forces and virial against fourth-order central differences of the interaction energy. */
#include "check.h"
#include "peak.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h, error h^4 f'''''/30 */
static const double point[4] = {1, -1, 2, -2};
static const double weight[4] = {8.0 / 12, -8.0 / 12, -1.0 / 12, 1.0 / 12};

/* A (within 3e-4 .. 1e-3): truncation falls as h^4, rounding grows as 1/h; here both are near 1e-10 eV/A. */
#define FORCE_STEP 7e-4
#define STRAIN_STEP 1e-4
#define FORCE_LIMIT 1e-8
/* The interpolant of the tabulated radial functions has continuous second derivatives only: where a step
 * crosses a knot the difference quotient itself is off by h^2 times the jump of the third. */
#define FORCE_LIMIT_TABLE 1e-6
#define VIRIAL_LIMIT 1e-6

/* Rounding that a difference quotient of step h cannot avoid: energies are sums of n terms. */
static double rounding(const cli_box *box, const check_values *v, double h)
{
    return 1.5 * DBL_EPSILON * (fabs(v->interaction) + check_max_abs(v->atom_energy, box->n)) / h;
}

static racah_status force_difference(const check_context *c, racah_calc *calc, cli_box *box, size_t k,
                                     double *slope, racah_error *err)
{
    double x = box->pos[k], sum = 0;
    racah_status status = RACAH_OK;
    for (int p = 0; p < 4 && status == RACAH_OK; p++) {
        double energy = 0;
        box->pos[k] = x + point[p] * FORCE_STEP;
        status = check_energy(c, calc, box, &energy, err);
        sum += weight[p] * energy;
    }
    box->pos[k] = x;
    *slope = sum / FORCE_STEP;
    return status;
}

/* A few force components of random atoms: as many as the time allows, 6 at least. */
static racah_status forces_of(check_context *c, const cli_box *box, racah_calc *calc, const char *name,
                              const char *about, double limit, racah_error *err)
{
    check_values v;
    cli_box moved;
    RACAHI_TRY(check_values_create(&v, box->n, err));
    racah_status status = cli_box_copy(&moved, box, err);
    if (status != RACAH_OK) {
        check_values_free(&v);
        return status;
    }
    racah_error why;
    double start = racahi_now();
    bool works = check_eval(c, calc, box, &v, &why) == RACAH_OK;
    limit += 4 * rounding(box, &v, FORCE_STEP);
    size_t all = 3 * box->n, tries = all < 60 ? all : 60;
    for (size_t t = 0; works && t < tries; t++) {
        if (t >= 6 && racahi_now() - start > c->seconds / 4) break;
        /* all components where there are few, otherwise random ones */
        size_t k = all <= 60 ? t : (size_t)(check_uniform(c) * (double)all);
        double slope = 0;
        works = force_difference(c, calc, &moved, k, &slope, &why) == RACAH_OK;
        char where[256];
        snprintf(where, sizeof where, "%s, atom %zu, %c: force %.10g, difference quotient %.10g", box->name,
                 k / 3 + 1, "xyz"[k % 3], v.forces[k], -slope);
        if (works) check_add(&c->report, name, "eV/A", about, fabs(v.forces[k] + slope), limit, where);
    }
    if (!works) check_broken(&c->report, name, "eV/A", about, &why);
    cli_box_free(&moved);
    check_values_free(&v);
    return RACAH_OK;
}

racah_status check_forces(check_context *c, const cli_box *box, racah_error *err)
{
    if (box->n == 0) return RACAH_OK;
    RACAHI_TRY(
        forces_of(c, box, c->exact, "forces (MLP)", "-dE/dx, radial MLP for each edge", FORCE_LIMIT, err));
    return forces_of(c, box, c->table, "forces (table)", "-dE/dx, tabulated radial functions as in MD",
                     FORCE_LIMIT_TABLE, err);
}

/* r_a <- r_a + e r_b for positions and cell vectors. */
static void strain(cli_box *out, const cli_box *box, int a, int b, double e)
{
    for (size_t i = 0; i < box->n; i++) out->pos[3 * i + a] = box->pos[3 * i + a] + e * box->pos[3 * i + b];
    for (size_t i = 0; i < 3; i++) out->cell[3 * i + a] = box->cell[3 * i + a] + e * box->cell[3 * i + b];
}

static void restore(cli_box *out, const cli_box *box)
{
    memcpy(out->pos, box->pos, 3 * box->n * sizeof *box->pos);
    memcpy(out->cell, box->cell, sizeof box->cell);
}

static racah_status strain_difference(const check_context *c, cli_box *moved, const cli_box *box, int a,
                                      int b, double *slope, racah_error *err)
{
    double sum = 0;
    for (int p = 0; p < 4; p++) {
        double energy = 0;
        strain(moved, box, a, b, point[p] * STRAIN_STEP);
        racah_status status = check_energy(c, c->exact, moved, &energy, err);
        restore(moved, box);
        if (status != RACAH_OK) return status;
        sum += weight[p] * energy;
    }
    *slope = sum / STRAIN_STEP;
    return RACAH_OK;
}

racah_status check_virial(check_context *c, const cli_box *box, racah_error *err)
{
    static const char *const about = "-dE/dstrain, relative to the largest component (at least 0.1 eV)";
    static const char *const components[9] = {"xx", "xy", "xz", "yx", "yy", "yz", "zx", "zy", "zz"};
    if (box->n == 0) return RACAH_OK;
    check_values v;
    cli_box moved;
    RACAHI_TRY(check_values_create(&v, box->n, err));
    racah_status status = cli_box_copy(&moved, box, err);
    if (status != RACAH_OK) {
        check_values_free(&v);
        return status;
    }
    racah_error why;
    double start = racahi_now();
    bool works = check_eval(c, c->exact, box, &v, &why) == RACAH_OK;
    double size = fmax(check_max_abs(v.virial, 9), 0.1);
    /* off-diagonal ones first: a wrong trace shows in any diagonal one */
    static const int order[9] = {1, 8, 2, 5, 0, 4, 3, 6, 7};
    for (int t = 0; works && t < 9; t++) {
        if (t >= 4 && racahi_now() - start > c->seconds / 2) break;
        int k = order[t];
        double slope = 0;
        works = strain_difference(c, &moved, box, k / 3, k % 3, &slope, &why) == RACAH_OK;
        char where[256];
        snprintf(where, sizeof where, "%s, %s: virial %.10g, difference quotient %.10g", box->name,
                 components[k], v.virial[k], -slope);
        double limit = VIRIAL_LIMIT + 4 * rounding(box, &v, STRAIN_STEP) / size;
        if (works)
            check_add(&c->report, "virial", "relative", about, fabs(v.virial[k] + slope) / size, limit,
                      where);
    }
    if (!works) check_broken(&c->report, "virial", "relative", about, &why);
    cli_box_free(&moved);
    check_values_free(&v);
    return RACAH_OK;
}
