/* SPDX-License-Identifier: MIT
 * Judge of the LAMMPS tests. A result is a pair of files NAME.dump (one frame: id type x y z fx fy fz pe, six
 * of stress/atom) and NAME.thermo (pe and six of the virial pressure), all in the units of the run. compare
 * api MODEL NAME UNITS PRECISION LOOSE EL...   against racah_compute of the same structure compare same NAME
 * NAME2 UNITS LOOSE                  two results of one structure compare sum NAME A B UNITS LOOSE NAME = A +
 * B compare apart MODEL NAME UNITS LOOSE EL...           against racah_compute of the atoms of each type
 * alone, added up compare edges MODEL NAME UNITS EL...                 stress/atom against a sum over edges
 * that knows energies only Allowed: energies 1e-9 eV/atom, forces 1e-9 eV/A, stress and per-atom stress 1e-8
 * of the largest; all times LOOSE. A result without forces (of one atom: without virial) fails: nothing would
 * be compared. Exit code 0 only if all holds. */
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
    const bool lone = want->n == 1; /* its own images leave no force */
    if (!((lone ? largest(6, want->virial) : largest(3 * want->n, want->f)) > 1e-3)) {
        printf("  no %s above 1e-3: nothing was compared  FAILED\n", lone ? "virial" : "forces");
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

/* Add what the API gives for the atoms of one type alone. */
static void add_apart(const char *path, const result *r, result *sum, char **el, int nel, int type)
{
    static char none[] = "NULL";
    static result part;
    char *alone[64];
    if (nel > 64) die("too many types", path);
    for (int t = 0; t < nel; t++) alone[t] = t == type ? el[t] : none;
    api(path, r, &part, RACAH_DOUBLE, alone, nel);
    sum->energy += part.energy;
    for (int i = 0; i < 6; i++) sum->virial[i] += part.virial[i];
    for (int i = 0; i < r->n; i++) sum->e[i] += part.e[i];
    for (int i = 0; i < 3 * r->n; i++) sum->f[i] += part.f[i];
    for (int i = 0; i < 6 * r->n; i++) sum->w[i] += part.w[i];
}

/* ---- per-atom stress from energies alone ------------------------------------------------------------------ */

#define MAX_EDGES 4096

/* Each edge has a ghost atom of its own, so that the energy is a function of single edge vectors. */
typedef struct edge_system {
    int n, nedge, to[MAX_EDGES], from[MAX_EDGES]; /* receiver, sender */
    double pos[3 * (MAX_ATOMS + MAX_EDGES)];
    int element[MAX_ATOMS + MAX_EDGES], numneigh[MAX_ATOMS];
    const int *neighbors[MAX_ATOMS];
    size_t bytes;
} edge_system;

static int owners_to_ghosts(void *ctx, void *rows, size_t width)
{
    const edge_system *s = ctx;
    const size_t row = width * s->bytes;
    for (int e = 0; e < s->nedge; e++)
        memcpy((char *)rows + (size_t)(s->n + e) * row, (char *)rows + (size_t)s->from[e] * row, row);
    return 0;
}

static int nothing_back(void *ctx, void *rows, size_t width)
{
    (void)ctx, (void)rows, (void)width; /* no forces are asked for */
    return 0;
}

/* All edges shorter than the cutoff, by brute force over images; sorted by receiver. */
static void find_edges(edge_system *s, const result *r, double cutoff)
{
    static int list[MAX_EDGES];
    for (int i = 0; i < r->n; i++) {
        s->numneigh[i] = 0, s->neighbors[i] = list + s->nedge;
        for (int j = 0; j < r->n; j++)
            for (int k = 0; k < 9 * 9 * 9; k++) {
                const int q[3] = {k % 9 - 4, k / 9 % 9 - 4, k / 81 - 4};
                double x[3], r2 = 0;
                bool there = true;
                for (int a = 0; a < 3; a++) there = there && (r->pbc[a] || !q[a]);
                if (!there || (i == j && k == 364)) continue;
                for (int a = 0; a < 3; a++) {
                    x[a] = r->x[3 * j + a] + q[0] * r->cell[a] + q[1] * r->cell[3 + a] + q[2] * r->cell[6 + a];
                    r2 += (r->x[3 * i + a] - x[a]) * (r->x[3 * i + a] - x[a]);
                }
                if (r2 >= cutoff * cutoff) continue;
                if (s->nedge == MAX_EDGES) die("too many edges", "edges");
                const int e = s->nedge++, at = r->n + e;
                memcpy(s->pos + 3 * at, x, sizeof x);
                s->element[at] = s->element[j], s->to[e] = i, s->from[e] = j, list[e] = at, s->numneigh[i]++;
            }
    }
}

static double energy_of(racah_calc *calc, edge_system *s)
{
    double energy;
    racah_error err = {0};
    racah_local l = {.size = sizeof l, .nlocal = (size_t)s->n, .nghost = (size_t)s->nedge, .positions = s->pos,
                     .elements = s->element, .numneigh = s->numneigh, .neighbors = s->neighbors,
                     .forward = owners_to_ghosts, .reverse = nothing_back, .exchange_ctx = s,
                     .interaction_energy = &energy};
    if (racah_compute_local(calc, &l, &err)) die(err.msg, "edges");
    return energy;
}

/* w: half of each edge's -d (x) dE/dd to either end, LAMMPS order; dE/dd by fourth-order differences of the energy.
 * The h^4 term and the knots of the radial tables leave less than 1e-6 of the largest. */
static void edge_sum(const char *path, const result *r, double *w, double *receiver, char **el, int nel)
{
    static edge_system s;
    static const double weight[4] = {8.0 / 12, -8.0 / 12, -1.0 / 12, 1.0 / 12}, point[4] = {1, -1, 2, -2}, h = 1e-3;
    static const int at[6][2] = {{0, 0}, {1, 1}, {2, 2}, {0, 1}, {0, 2}, {1, 2}};
    racah_error err = {0};
    racah_model *m = NULL;
    racah_calc *calc = NULL;
    if (racah_model_load(&m, path, &err) || racah_calc_create(&calc, m, NULL, &err)) die(err.msg, path);
    s.n = r->n, s.bytes = racah_calc_exchange_bytes(calc);
    memcpy(s.pos, r->x, 3 * (size_t)r->n * sizeof *s.pos);
    for (int i = 0; i < r->n; i++) {
        if (r->type[i] < 1 || r->type[i] > nel) die("type without an element", path);
        s.element[i] = racah_model_element_index(m, racah_element_number(el[r->type[i] - 1]));
    }
    find_edges(&s, r, racah_model_cutoff(m));
    for (int e = 0; e < s.nedge; e++) {
        double slope[3] = {0}, d[3]; /* dE/d(ghost) = -dE/dd */
        for (int a = 0; a < 3; a++) {
            double *x = &s.pos[3 * (s.n + e) + a], keep = *x;
            d[a] = s.pos[3 * s.to[e] + a] - keep;
            for (int k = 0; k < 4; k++) {
                *x = keep + point[k] * h;
                slope[a] += weight[k] * energy_of(calc, &s) / h;
            }
            *x = keep;
        }
        for (int k = 0; k < 6; k++) {
            const double v = 0.5 * (d[at[k][0]] * slope[at[k][1]] + d[at[k][1]] * slope[at[k][0]]);
            w[6 * s.to[e] + k] += 0.5 * v;
            w[6 * s.from[e] + k] += 0.5 * v;
            receiver[6 * s.to[e] + k] += v;
        }
    }
    printf("  %d atoms, %d edges\n", s.n, s.nedge);
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
    } else if (!strcmp(mode, "apart") && argc > 6) {
        units_of(argv[4], &energy, &pressure);
        read_result(&A, argv[3], energy, pressure);
        B = A;
        B.energy = 0;
        memset(B.e, 0, sizeof B.e), memset(B.f, 0, sizeof B.f);
        memset(B.w, 0, sizeof B.w), memset(B.virial, 0, sizeof B.virial);
        for (int t = 0; t < argc - 6; t++) add_apart(argv[2], &A, &B, argv + 6, argc - 6, t);
        judge(&A, &B, atof(argv[5]));
    } else if (!strcmp(mode, "edges") && argc > 5) {
        static double w[6 * MAX_ATOMS], receiver[6 * MAX_ATOMS];
        units_of(argv[4], &energy, &pressure);
        read_result(&A, argv[3], energy, pressure);
        edge_sum(argv[2], &A, w, receiver, argv + 5, argc - 5);
        const double size = largest(6 * A.n, w);
        check("virials of atoms, eV", 6 * A.n, A.w, w, 1e-6 * fmax(size, 1e-3));
        double other = 0; /* another way to divide must differ, or nothing was tested */
        for (int k = 0; k < 6 * A.n; k++) other = fmax(other, fabs(receiver[k] - w[k]));
        printf("  all to the receiver would differ by %.2e of %.2e\n", other, size);
        if (!(other > 1e-3 * size)) failures++;
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
                        "sum NAME A B UNITS LOOSE | apart MODEL NAME UNITS LOOSE EL... | edges MODEL NAME UNITS EL...\n");
        return 2;
    }
    if (failures) printf("compare %s %s: %d check(s) failed\n", mode, argv[argc > 3 ? 3 : 2], failures);
    return failures ? 1 : 0;
}
