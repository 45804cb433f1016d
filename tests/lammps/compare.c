/* SPDX-License-Identifier: MIT
 * Judge of the LAMMPS tests. A result is a pair of files NAME.dump (one frame: id type x y z fx fy fz pe, six of
 * stress/atom) and NAME.thermo (pe and six of the virial pressure), all in the units of the run.
 *   compare api MODEL NAME UNITS PRECISION LOOSE EL...   against racah_compute of the same structure
 *   compare same NAME NAME2 UNITS LOOSE                  two results of one structure
 *   compare sum NAME A B UNITS LOOSE                     NAME = A + B
 * Allowed: energies 1e-9 eV/atom, forces 1e-9 eV/A, stress and per-atom stress 1e-8 of the largest; all times LOOSE.
 * A result without forces fails: nothing would be compared. Exit code 0 only if all holds. */
#include "racah.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATOMS 4096

typedef struct result {
    int n, pbc[3];
    double cell[9], origin[3], volume;
    int id[MAX_ATOMS], type[MAX_ATOMS];
    double x[3 * MAX_ATOMS], f[3 * MAX_ATOMS], e[MAX_ATOMS];
    double w[6 * MAX_ATOMS]; /* per-atom virial, eV, LAMMPS order xx yy zz xy xz yz */
    double energy, virial[6];
} result;

static result A, B, C;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "compare: %s: %s\n", name, what);
    exit(1);
}

static void read_box(FILE *fp, const char *line, result *r, const char *name)
{
    bool tilted = strstr(line, "xy xz yz") != NULL;
    const char *flags = line + strlen("ITEM: BOX BOUNDS") + (tilted ? strlen(" xy xz yz") : 0);
    char p[3][8];
    if (sscanf(flags, "%7s %7s %7s", p[0], p[1], p[2]) != 3) die("no boundary flags", name);
    double lo[3], hi[3], t[3] = {0, 0, 0};
    for (int a = 0; a < 3; a++) {
        char text[256];
        if (!fgets(text, sizeof text, fp) ||
            sscanf(text, "%lf %lf %lf", lo + a, hi + a, t + a) != (tilted ? 3 : 2))
            die("bad box line", name);
        r->pbc[a] = strcmp(p[a], "pp") == 0;
    }
    if (tilted) { /* the dump gives the bounding box */
        double xy = t[0], xz = t[1], yz = t[2];
        lo[0] -= fmin(fmin(0, xy), fmin(xz, xy + xz)), hi[0] -= fmax(fmax(0, xy), fmax(xz, xy + xz));
        lo[1] -= fmin(0, yz), hi[1] -= fmax(0, yz);
    }
    double cell[9] = {hi[0] - lo[0], 0, 0, t[0], hi[1] - lo[1], 0, t[1], t[2], hi[2] - lo[2]};
    memcpy(r->cell, cell, sizeof cell);
    memcpy(r->origin, lo, sizeof lo);
    r->volume = cell[0] * cell[4] * cell[8];
}

/* energy: eV per unit of energy; pressure: eV/A^3 per unit of pressure. */
static void read_result(result *r, const char *name, double energy, double pressure)
{
    char path[1024], line[4096];
    snprintf(path, sizeof path, "%s.dump", name);
    FILE *fp = fopen(path, "r");
    if (!fp) die("no dump file", name);
    r->n = -1;
    int seen = 0;
    while (fgets(line, sizeof line, fp)) {
        if (!strncmp(line, "ITEM: NUMBER OF ATOMS", 21)) {
            if (fscanf(fp, "%d ", &r->n) != 1 || r->n < 1 || r->n > MAX_ATOMS) die("bad number of atoms", name);
        } else if (!strncmp(line, "ITEM: BOX BOUNDS", 16)) {
            read_box(fp, line, r, name);
        } else if (!strncmp(line, "ITEM: ATOMS", 11)) {
            for (int i = 0; i < r->n; i++, seen++) {
                double v[13];
                if (fscanf(fp, "%d %d", r->id + i, r->type + i) != 2) die("short dump", name);
                for (int k = 0; k < 13; k++)
                    if (fscanf(fp, "%lf", v + k) != 1 || !isfinite(v[k])) die("short or non-finite dump", name);
                for (int a = 0; a < 3; a++) r->x[3 * i + a] = v[a], r->f[3 * i + a] = v[3 + a] * energy;
                r->e[i] = v[6] * energy;
                /* stress/atom is minus the virial, in pressure times volume */
                for (int k = 0; k < 6; k++) r->w[6 * i + k] = -v[7 + k] * pressure;
            }
        }
    }
    fclose(fp);
    if (r->n < 1 || seen != r->n) die("the dump must hold one frame", name);
    snprintf(path, sizeof path, "%s.thermo", name);
    fp = fopen(path, "r");
    if (!fp) die("no thermo file", name);
    double p[6];
    if (fscanf(fp, "%lf %lf %lf %lf %lf %lf %lf", &r->energy, p, p + 1, p + 2, p + 3, p + 4, p + 5) != 7)
        die("bad thermo file", name);
    fclose(fp);
    r->energy *= energy;
    for (int k = 0; k < 6; k++) r->virial[k] = p[k] * pressure * r->volume;
}

static int failures;

/* max |a - b| <= allowed, for n numbers; NaN fails. */
static void check(const char *what, int n, const double *a, const double *b, double allowed)
{
    double worst = 0;
    int at = -1;
    for (int i = 0; i < n; i++) {
        double d = fabs(a[i] - b[i]);
        if (!(d <= worst)) worst = d, at = i;
    }
    bool good = worst <= allowed;
    printf("  %-22s max difference %.2e, allowed %.2e%s\n", what, worst, allowed, good ? "" : "  FAILED");
    if (good) return;
    failures++;
    printf("    at %d: %.17g, expected %.17g\n", at, at < 0 ? 0.0 : a[at], at < 0 ? 0.0 : b[at]);
}

static double largest(int n, const double *a)
{
    double m = 0;
    for (int i = 0; i < n; i++) m = fmax(m, fabs(a[i]));
    return m;
}

/* r against the expected values, and its per-atom values against its own totals. */
static void judge(const result *r, const result *want, double loose)
{
    double n = r->n, e = r->energy / n, f = want->energy / n;
    if (!(largest(3 * want->n, want->f) > 1e-3)) {
        printf("  no forces above 1e-3 eV/A: nothing was compared  FAILED\n");
        failures++;
    }
    check("energy, eV/atom", 1, &e, &f, 1e-9 * loose);
    check("forces, eV/A", 3 * r->n, r->f, want->f, 1e-9 * loose);
    check("virial, eV", 6, r->virial, want->virial, 1e-8 * loose * fmax(largest(6, want->virial), 1e-3));
    check("energies of atoms, eV", r->n, r->e, want->e, 1e-9 * loose);
    check("virials of atoms, eV", 6 * r->n, r->w, want->w, 1e-8 * loose * fmax(largest(6 * r->n, want->w), 1e-3));
    double sum = 0, w[6] = {0};
    for (int i = 0; i < r->n; i++) {
        sum += r->e[i] / n;
        for (int k = 0; k < 6; k++) w[k] += r->w[6 * i + k];
    }
    check("sum of atom energies", 1, &sum, &e, 1e-9 * loose);
    check("sum of atom virials", 6, w, r->virial, 1e-8 * loose * fmax(largest(6 * r->n, want->w), 1e-3));
}

/* Fill `want` by the C API; atoms of type "NULL" get zeros. */
static void api(const char *path, const result *r, result *want, racah_precision precision, char **el, int nel)
{
    static double pos[3 * MAX_ATOMS], f[3 * MAX_ATOMS], e[MAX_ATOMS], w[6 * MAX_ATOMS];
    static int Z[MAX_ATOMS], at[MAX_ATOMS];
    racah_error err = {0};
    racah_model *m = NULL;
    racah_calc *calc = NULL;
    racah_calc_options o = {.size = sizeof o, .precision = precision};
    if (racah_model_load(&m, path, &err) || racah_calc_create(&calc, m, &o, &err)) die(err.msg, path);
    int n = 0;
    double isolated = 0, energy = 0, interaction = 0, virial[9];
    for (int i = 0; i < r->n; i++) {
        if (r->type[i] < 1 || r->type[i] > nel) die("type without an element", path);
        const char *symbol = el[r->type[i] - 1];
        if (!strcmp(symbol, "NULL")) continue;
        Z[n] = racah_element_number(symbol);
        isolated += racah_model_isolated_energy(m, racah_model_element_index(m, Z[n]));
        for (int a = 0; a < 3; a++) pos[3 * n + a] = r->x[3 * i + a] - r->origin[a];
        at[n++] = i;
    }
    racah_structure s = {.size = sizeof s, .natoms = (size_t)n, .positions = pos, .atomic_numbers = Z,
                         .cell = r->cell, .pbc = {r->pbc[0], r->pbc[1], r->pbc[2]}, .energy = &energy,
                         .interaction_energy = &interaction, .forces = f, .virial = virial, .atom_energy = e,
                         .atom_virial = w};
    if (racah_compute(calc, &s, &err)) die(err.msg, path);
    *want = *r;
    memset(want->f, 0, sizeof want->f), memset(want->e, 0, sizeof want->e), memset(want->w, 0, sizeof want->w);
    static const int nine[6] = {0, 4, 8, 1, 2, 5}, six[6] = {0, 1, 2, 5, 4, 3};
    for (int k = 0; k < n; k++) {
        want->e[at[k]] = e[k];
        for (int a = 0; a < 3; a++) want->f[3 * at[k] + a] = f[3 * k + a];
        for (int a = 0; a < 6; a++) want->w[6 * at[k] + a] = w[6 * k + six[a]];
    }
    for (int a = 0; a < 6; a++) want->virial[a] = virial[nine[a]];
    want->energy = interaction + isolated;
    racah_calc_destroy(calc);
    racah_model_destroy(m);
}

static void units_of(const char *units, double *energy, double *pressure)
{
    bool real = !strcmp(units, "real");
    if (!real && strcmp(units, "metal")) die("units must be metal or real", units);
    *energy = real ? 1 / 23.060549 : 1;
    /* bar, or atm, in eV/A^3 by the constants of LAMMPS */
    *pressure = real ? 1 / (68568.415 * 23.060549) : 1 / 1.6021765e6;
}

int main(int argc, char **argv)
{
    double energy, pressure;
    const char *mode = argc > 1 ? argv[1] : "";
    if (!strcmp(mode, "api") && argc > 7) {
        units_of(argv[4], &energy, &pressure);
        read_result(&A, argv[3], energy, pressure);
        bool single = !strcmp(argv[5], "single");
        api(argv[2], &A, &B, single ? RACAH_SINGLE : RACAH_DOUBLE, argv + 7, argc - 7);
        judge(&A, &B, atof(argv[6]));
    } else if (!strcmp(mode, "same") && argc == 6) {
        units_of(argv[4], &energy, &pressure);
        read_result(&A, argv[2], energy, pressure);
        read_result(&B, argv[3], energy, pressure);
        if (A.n != B.n) die("different numbers of atoms", argv[3]);
        judge(&A, &B, atof(argv[5]));
    } else if (!strcmp(mode, "sum") && argc == 7) {
        units_of(argv[5], &energy, &pressure);
        read_result(&A, argv[2], energy, pressure);
        read_result(&B, argv[3], energy, pressure);
        read_result(&C, argv[4], energy, pressure);
        if (A.n != B.n || A.n != C.n) die("different numbers of atoms", argv[2]);
        if (!(largest(3 * C.n, C.f) > 1e-3)) die("the last part has no forces", argv[4]);
        for (int i = 0; i < B.n; i++) B.e[i] += C.e[i];
        for (int i = 0; i < 3 * B.n; i++) B.f[i] += C.f[i];
        for (int i = 0; i < 6 * B.n; i++) B.w[i] += C.w[i];
        for (int k = 0; k < 6; k++) B.virial[k] += C.virial[k];
        B.energy += C.energy;
        judge(&A, &B, atof(argv[6]));
    } else {
        fprintf(stderr, "use: compare api MODEL NAME UNITS PRECISION LOOSE EL... | same NAME NAME2 UNITS LOOSE | "
                        "sum NAME A B UNITS LOOSE\n");
        return 2;
    }
    if (failures) printf("compare %s %s: %d check(s) failed\n", mode, argv[argc > 3 ? 3 : 2], failures);
    return failures ? 1 : 0;
}
