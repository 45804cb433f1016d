/* SPDX-License-Identifier: MIT
 * What must not change: rotation, inversion, translation, order of atoms, threads, choice of the periodic
 * cell, ghost atoms; and what must add up. */
#include "check.h"

#include <math.h>
#include <string.h>

#define ENERGY_LIMIT 1e-11 /* relative, of the interaction energy */
#define FORCE_LIMIT 1e-9   /* eV/A for forces up to 1 eV/A, relative beyond */

/* Random rotation (row-major) from a uniform unit quaternion. */
static void random_rotation(check_context *c, double R[9])
{
    double q[4], norm;
    do { /* uniform in the ball, so that the direction is uniform */
        norm = 0;
        for (int i = 0; i < 4; i++) q[i] = 2 * check_uniform(c) - 1, norm += q[i] * q[i];
    } while (norm > 1 || norm < 1e-3);
    norm = 1 / sqrt(norm);
    double w = q[0] * norm, x = q[1] * norm, y = q[2] * norm, z = q[3] * norm;
    const double M[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                         2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                         2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    memcpy(R, M, sizeof M);
}

/* y_i = R x_i for n vectors. */
static void rotate(const double R[9], const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++)
            y[3 * i + a] = R[3 * a] * x[3 * i] + R[3 * a + 1] * x[3 * i + 1] + R[3 * a + 2] * x[3 * i + 2];
}

/* R V R^T */
static void rotate_tensor(const double R[9], const double V[9], double out[9])
{
    double half[9], columns[9];
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) columns[3 * a + b] = V[3 * b + a]; /* rows of V^T = columns of V */
    rotate(R, columns, half, 3);                                       /* row b of half = R V[:,b] */
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) columns[3 * a + b] = half[3 * b + a]; /* R V */
    rotate(R, columns, out, 3);                                           /* rows of (R V) times R^T */
}

/* Compare v of the changed box with what the original values become: energy and forces under one name. */
static void compare(check_context *c, const char *name, const char *about, const cli_box *box,
                    const check_values *got, double interaction, const double *forces)
{
    double scale = fmax(fabs(interaction), 1e-3 * (double)box->n);
    char where[256];
    snprintf(where, sizeof where, "%s: interaction energy %.15g, before %.15g", box->name, got->interaction,
             interaction);
    check_add(&c->report, name, "relative", about, fabs(got->interaction - interaction) / scale, ENERGY_LIMIT,
              where);
    if (!forces) return;
    double size = fmax(check_max_abs(forces, 3 * box->n), 1);
    snprintf(where, sizeof where, "%s: largest force %.6g eV/A", box->name, size);
    check_add(&c->report, "transformed forces", "eV/A",
              "forces after rotation, inversion, translation, permutation",
              check_max_difference(got->forces, forces, 3 * box->n) / size, FORCE_LIMIT, where);
}

/* Work space of one structure: the changed copy, its values, expected forces. */
typedef struct workspace {
    cli_box box;
    check_values got;
    double *forces;
} workspace;

static void workspace_free(workspace *w)
{
    cli_box_free(&w->box);
    check_values_free(&w->got);
    racahi_free(w->forces);
}

static racah_status workspace_create(workspace *w, const cli_box *box, racah_error *err)
{
    *w = (workspace){0};
    racah_status status = cli_box_copy(&w->box, box, err);
    if (status == RACAH_OK) status = check_values_create(&w->got, box->n, err);
    if (status == RACAH_OK) {
        w->forces = racahi_calloc(box->n, 3 * sizeof *w->forces);
        if (!w->forces)
            status = racahi_fail(err, RACAH_ENOMEM, "results of %zu atoms do not fit in memory", box->n);
    }
    if (status != RACAH_OK) workspace_free(w);
    return status;
}

static void rotation(check_context *c, const cli_box *box, const check_values *v, workspace *w)
{
    static const char *const about = "energy of the rotated structure";
    double R[9], virial[9];
    racah_error why;
    random_rotation(c, R);
    rotate(R, box->pos, w->box.pos, box->n);
    rotate(R, box->cell, w->box.cell, 3);
    if (check_eval(c, c->table, &w->box, &w->got, &why) != RACAH_OK) {
        check_broken(&c->report, "rotation", "relative", about, &why);
        return;
    }
    rotate(R, v->forces, w->forces, box->n);
    compare(c, "rotation", about, box, &w->got, v->interaction, w->forces);
    rotate_tensor(R, v->virial, virial);
    check_add(&c->report, "rotated virial", "eV", "virial of the rotated structure",
              check_max_difference(w->got.virial, virial, 9) / fmax(check_max_abs(virial, 9), 1), FORCE_LIMIT,
              box->name);
}

/* The lattice is its own mirror image, so only the atoms are inverted. */
static void inversion(check_context *c, const cli_box *box, const check_values *v, workspace *w)
{
    static const char *const about = "energy of the structure at -r";
    racah_error why;
    memcpy(w->box.cell, box->cell, sizeof box->cell);
    for (size_t k = 0; k < 3 * box->n; k++) w->box.pos[k] = -box->pos[k], w->forces[k] = -v->forces[k];
    if (check_eval(c, c->table, &w->box, &w->got, &why) != RACAH_OK)
        check_broken(&c->report, "inversion", "relative", about, &why);
    else
        compare(c, "inversion", about, box, &w->got, v->interaction, w->forces);
}

/* One vector for all atoms, and lattice vectors for single ones: atoms may lie outside the cell. */
static void translation(check_context *c, const cli_box *box, const check_values *v, workspace *w)
{
    static const char *const about = "energy after a shift, some atoms moved by lattice vectors";
    double shift[3];
    racah_error why;
    memcpy(w->box.cell, box->cell, sizeof box->cell);
    for (int x = 0; x < 3; x++) shift[x] = 20 * check_uniform(c) - 10;
    for (size_t i = 0; i < box->n; i++) {
        for (int x = 0; x < 3; x++) w->box.pos[3 * i + x] = box->pos[3 * i + x] + shift[x];
        for (int a = 0; a < 3 && check_uniform(c) < 0.3; a++) {
            if (!box->pbc[a]) continue;
            double whole = floor(5 * check_uniform(c)) - 2;
            for (int x = 0; x < 3; x++) w->box.pos[3 * i + x] += whole * box->cell[3 * a + x];
        }
    }
    if (check_eval(c, c->table, &w->box, &w->got, &why) != RACAH_OK)
        check_broken(&c->report, "translation", "relative", about, &why);
    else
        compare(c, "translation", about, box, &w->got, v->interaction, v->forces);
}

static racah_status permutation(check_context *c, const cli_box *box, const check_values *v, workspace *w,
                                racah_error *err)
{
    static const char *const about = "energy with the atoms in another order";
    racah_error why;
    size_t *from = racahi_malloc(box->n, sizeof *from);
    if (!from)
        return racahi_fail(err, RACAH_ENOMEM, "permutation of %zu atoms does not fit in memory", box->n);
    for (size_t i = 0; i < box->n; i++) from[i] = i;
    for (size_t i = box->n; i-- > 1;) {
        size_t k = (size_t)(check_uniform(c) * (double)(i + 1)), t = from[i];
        from[i] = from[k];
        from[k] = t;
    }
    memcpy(w->box.cell, box->cell, sizeof box->cell);
    for (size_t i = 0; i < box->n; i++) {
        w->box.Z[i] = box->Z[from[i]];
        memcpy(w->box.pos + 3 * i, box->pos + 3 * from[i], 3 * sizeof(double));
        memcpy(w->forces + 3 * i, v->forces + 3 * from[i], 3 * sizeof(double));
    }
    if (check_eval(c, c->table, &w->box, &w->got, &why) != RACAH_OK)
        check_broken(&c->report, "permutation", "relative", about, &why);
    else
        compare(c, "permutation", about, box, &w->got, v->interaction, w->forces);
    memcpy(w->box.Z, box->Z, box->n * sizeof *box->Z);
    memcpy(w->box.pos, box->pos, 3 * box->n * sizeof *box->pos);
    racahi_free(from);
    return RACAH_OK;
}

/* The same crystal in a cell twice as long has twice the energy. */
static racah_status doubled_cell(check_context *c, const cli_box *box, const check_values *v,
                                 racah_error *err)
{
    static const char *const about = "half the energy of the cell doubled along its first vector";
    if (!box->pbc[0] || box->n > 400) return RACAH_OK;
    size_t n = box->n;
    double *pos = racahi_malloc(2 * n, 3 * sizeof *pos), cell[9], energy;
    int *Z = racahi_malloc(2 * n, sizeof *Z);
    cli_box twice = {0};
    racah_status status =
        pos && Z ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "%zu atoms do not fit in memory", 2 * n);
    for (size_t k = 0; status == RACAH_OK && k < 3 * n; k++) {
        pos[k] = box->pos[k];
        pos[3 * n + k] = box->pos[k] + box->cell[k % 3];
        Z[k % n] = Z[n + k % n] = box->Z[k % n];
    }
    for (int k = 0; k < 9; k++) cell[k] = k < 3 ? 2 * box->cell[k] : box->cell[k];
    if (status == RACAH_OK) status = cli_box_create(&twice, 2 * n, pos, Z, cell, box->pbc, err);
    if (status == RACAH_OK) {
        racah_error why;
        if (check_energy(c, c->table, &twice, &energy, &why) != RACAH_OK)
            check_broken(&c->report, "doubled cell", "relative", about, &why);
        else
            check_add(&c->report, "doubled cell", "relative", about,
                      fabs(energy / 2 - v->interaction) / fmax(fabs(v->interaction), 1e-3 * (double)n),
                      ENERGY_LIMIT, box->name);
    }
    cli_box_free(&twice);
    racahi_free(pos);
    racahi_free(Z);
    return status;
}

/* Bit for bit: the library promises it. */
static void threads(check_context *c, const cli_box *box, workspace *w)
{
    static const char *const about = "1 against 2 threads: every output bit for bit";
    check_values *two = &w->got;
    check_values one = *two;
    racah_error why;
    check_context serial = *c, parallel = *c;
    serial.threads = 1;
    parallel.threads = 2;
    one.forces = w->forces;
    bool works = check_eval(&serial, c->table, box, &one, &why) == RACAH_OK;
    double energy = one.energy, virial[9];
    memcpy(virial, one.virial, sizeof virial);
    works = works && check_eval(&parallel, c->table, box, two, &why) == RACAH_OK;
    if (!works) {
        check_broken(&c->report, "threads", "eV, eV/A", about, &why);
        return;
    }
    double figure = check_max_difference(two->forces, one.forces, 3 * box->n);
    figure = fmax(figure, fabs(two->energy - energy));
    figure = fmax(figure, check_max_difference(two->virial, virial, 9));
    if (isnan(two->energy) || isnan(check_max_difference(two->forces, one.forces, 3 * box->n))) figure = NAN;
    check_add(&c->report, "threads", "eV, eV/A", about, figure, 0, box->name);
}

racah_status check_symmetries(check_context *c, const cli_box *box, const check_values *v, racah_error *err)
{
    workspace w;
    RACAHI_TRY(workspace_create(&w, box, err));
    rotation(c, box, v, &w);
    inversion(c, box, v, &w);
    translation(c, box, v, &w);
    racah_status status = permutation(c, box, v, &w, err);
    threads(c, box, &w);
    workspace_free(&w);
    if (status != RACAH_OK) return status;
    return doubled_cell(c, box, v, err);
}

racah_status check_sums(check_context *c, const cli_box *box, const check_values *v, racah_error *err)
{
    (void)err;
    /* six numbers xx yy zz yz xz xy at these places of the nine */
    static const int place[6] = {0, 4, 8, 5, 2, 1};
    double energy = 0, magnitude = 0, force[3] = {0}, forces = 1, virial[6] = {0}, six[6];
    for (size_t i = 0; i < box->n; i++) {
        energy += v->atom_energy[i];
        magnitude += fabs(v->atom_energy[i]);
        for (int x = 0; x < 3; x++) force[x] += v->forces[3 * i + x], forces += fabs(v->forces[3 * i + x]);
        for (int k = 0; k < 6; k++) virial[k] += v->atom_virial[6 * i + k];
    }
    for (int k = 0; k < 6; k++) six[k] = v->virial[place[k]];
    check_add(&c->report, "sum of forces", "relative", "total force, by the sum of all components",
              check_max_abs(force, 3) / forces, 1e-11, box->name);
    check_add(&c->report, "sum of energies", "relative", "atomic energies against the total",
              fabs(energy - v->energy) / fmax(magnitude, 1e-3), ENERGY_LIMIT, box->name);
    check_add(&c->report, "sum of virials", "eV", "atomic virials against the total",
              check_max_difference(virial, six, 6) / fmax(check_max_abs(six, 6), 1), 1e-10, box->name);
    if (box->pbc[0] && box->pbc[1] && box->pbc[2]) {
        const double *a = box->cell;
        const double volume = fabs(a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
                                   a[2] * (a[3] * a[7] - a[4] * a[6]));
        double stretched[9];
        for (int k = 0; k < 9; k++) stretched[k] = -volume * v->stress[k];
        check_add(&c->report, "stress", "eV", "minus stress times volume against the virial",
                  check_max_difference(stretched, v->virial, 9) / fmax(check_max_abs(v->virial, 9), 1), 1e-12,
                  box->name);
    }
    return RACAH_OK;
}

/* Local and ghost atoms against the whole: with an exchange of features, or, as on a single rank of LAMMPS, without. */
static void check_ghosts(check_context *c, const cli_box *box, cli_local *local, const check_values *v, bool exchange,
                         double *forces)
{
    const char *name = exchange ? "ghost atoms" : "images of atoms";
    const char *virial_name = exchange ? "ghost atoms, virial" : "images of atoms, virial";
    const char *about =
        exchange ? "local and ghost atoms with exchange, as on LAMMPS' ranks" : "ghosts that share rows, as on one rank";
    racah_error why;
    double energy = 0, virial[9] = {0};
    racah_local s = cli_local_inputs(local, c->table);
    s.threads = c->threads;
    s.interaction_energy = &energy;
    s.forces = forces;
    s.virial = virial;
    if (!exchange) s.row = local->owner, s.forward = s.reverse = NULL;
    if (racah_compute_local(c->table, &s, &why) != RACAH_OK) {
        check_broken(&c->report, name, "eV, eV/A", about, &why);
        return;
    }
    cli_local_fold(local, forces, 3);
    double size = fmax(check_max_abs(v->forces, 3 * box->n), 1);
    double off = check_max_difference(forces, v->forces, 3 * box->n) / size;
    off = off >= 0 ? fmax(off, fabs(energy - v->interaction) / (double)box->n) : off;
    double stretch = check_max_difference(virial, v->virial, 9) / fmax(check_max_abs(v->virial, 9), 1);
    check_add(&c->report, name, "eV, eV/A", about, off, FORCE_LIMIT, box->name);
    check_add(&c->report, virial_name, "eV", about, stretch, FORCE_LIMIT, box->name);
}

racah_status check_local_list(check_context *c, const cli_box *box, const check_values *v, racah_error *err)
{
    cli_local local;
    RACAHI_TRY(cli_local_create(&local, box, c->model, 0.5, err));
    double *forces = racahi_calloc(local.nlocal + local.nghost, 3 * sizeof *forces);
    racah_status status = forces ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "forces do not fit in memory");
    for (int exchange = 1; exchange >= 0 && status == RACAH_OK; exchange--) {
        memset(forces, 0, 3 * (local.nlocal + local.nghost) * sizeof *forces);
        check_ghosts(c, box, &local, v, exchange, forces);
    }
    racahi_free(forces);
    cli_local_free(&local);
    return status;
}
