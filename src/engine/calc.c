/* SPDX-License-Identifier: MIT
 * The public calculators: structures with periodic images (level 1), local and ghost atoms (level 2). */
#include "engine.h"
#include "first.h"
#include "../linear/gemm.h"
#include "../neigh/neigh_internal.h"

#include <float.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* Knots of the radial tables. In single, where coefficients are rounded and slopes divide by the spacing, 20
 * for each basis function are the most accurate (tests/import). In double 26 leave 3e-9 eV/A in the forces of
 * MACE models, and a table that stays in L2; the first layer takes 40: its few functions are small whatever
 * their number, and with fewer knots their rank grows. */
static size_t table_knots(const racahi_config *c, int layer, bool single)
{
    const size_t each = single ? 20 : layer ? 26 : 40, n = each * (size_t)c->nbessel, least = 8 * each;
    return n < least ? least : n > 1024 ? 1024 : n;
}

#define CLASSES 64
#define COINCIDENT 1e-12 /* squared distance of two atoms, A^2 */

typedef struct near_edge { /* of one atom: the edge vector, the neighbour, a class of distances */
    double d[3];
    int j, class;
} near_edge;

typedef struct filter_part { /* edges of atoms a0 .. a1; an atom with a bad list, or N */
    size_t a0, a1, begin, end, bad;
} filter_part;

struct racah_calc {
    const racah_model *model;
    racah_calc_options opt;
    racahi_net *net;
    racahi_weights *weights;
    racahi_tables table;
    bool used[RACAHI_MAX_ELEMENTS]; /* elements that may occur */
    double close2; /* square of the largest of the model's shortest distances; 0 where it knows none */
    racahi_engine_f64 *f64;
    racahi_engine_f32 *f32;
    racahi_system system;
    racahi_edges edges;
    int *elem;
    double *atom_energy, *forces, *atom_virial;
    near_edge *near;   /* [threads][most edges of an atom] */
    filter_part *part; /* [threads] */
    size_t cap_elem, cap_energy, cap_forces, cap_virial, cap_near, cap_part;
};

void racah_calc_destroy(racah_calc *c)
{
    if (!c) return;
    racahi_engine_destroy_f64(c->f64);
    racahi_engine_destroy_f32(c->f32);
    for (int t = 0; t < RACAHI_MAX_LAYERS; t++) {
        racahi_table_free(&c->table.radial[t]);
        racahi_table_free(&c->table.density[t]);
    }
    racahi_free(c->table.pair);
    racahi_first_destroy(c->table.first);
    racahi_weights_destroy(c->weights);
    racahi_net_destroy(c->net);
    racahi_system_free(&c->system);
    racahi_edges_free(&c->edges);
    racahi_free(c->elem), racahi_free(c->atom_energy), racahi_free(c->forces), racahi_free(c->atom_virial);
    racahi_free(c->near), racahi_free(c->part);
    racahi_free(c);
}

static racah_status check_options(const racah_calc_options *o, racah_error *err)
{
    if ((int)o->method < 0 || o->method > RACAH_METHOD_CP)
        return racahi_fail(err, RACAH_EINVAL, "method = %d, allowed are 0 .. %d", (int)o->method, RACAH_METHOD_CP);
    if ((int)o->precision < 0 || o->precision > RACAH_SINGLE)
        return racahi_fail(err, RACAH_EINVAL, "precision = %d, allowed are double (0) and single (1)",
                           (int)o->precision);
    if ((int)o->radial < 0 || o->radial > RACAH_RADIAL_EXACT)
        return racahi_fail(err, RACAH_EINVAL, "radial = %d, allowed are table (0) and exact (1)", (int)o->radial);
    if (o->radial == RACAH_RADIAL_EXACT && o->precision == RACAH_SINGLE)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "exact radial functions: double precision only");
    if ((int)o->isa < 0 || o->isa > RACAH_ISA_AVX512)
        return racahi_fail(err, RACAH_EINVAL, "isa = %d, allowed are 0 .. %d", (int)o->isa, RACAH_ISA_AVX512);
    return RACAH_OK;
}

static racah_status choose_elements(racah_calc *c, racah_error *err)
{
    const int nelem = c->model->cfg.nelem;
    if (!c->opt.elements)
        for (int z = 0; z < nelem; z++) c->used[z] = true;
    for (int k = 0; c->opt.elements && k < c->opt.nelements; k++) {
        const int z = c->opt.elements[k];
        if (z < 0 || z >= nelem)
            return racahi_fail(err, RACAH_EINVAL, "calc options: element index %d, allowed are 0 .. %d", z, nelem - 1);
        c->used[z] = true;
    }
    return RACAH_OK;
}

/* Unordered pairs of the elements in use get numbers; r0[number] is the pair's reference distance. */
static racah_status number_pairs(racah_calc *c, size_t *npair, double **r0, racah_error *err)
{
    const size_t n = (size_t)c->net->cfg.nelem;
    *npair = 1;
    if (!c->net->r0) return RACAH_OK;
    c->table.pair = racahi_malloc(n * n, sizeof *c->table.pair);
    *r0 = racahi_malloc(n * (n + 1) / 2, sizeof **r0);
    if (!c->table.pair || !*r0)
        return racahi_fail(err, RACAH_ENOMEM, "radial tables: %zu bytes do not fit in memory",
                           n * n * sizeof *c->table.pair + n * (n + 1) / 2 * sizeof **r0);
    *npair = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b <= a; b++) {
            const bool used = c->used[a] && c->used[b];
            if (used) (*r0)[*npair] = c->net->r0[a * n + b];
            c->table.pair[a * n + b] = c->table.pair[b * n + a] = used ? (int)(*npair)++ : -1;
        }
    return RACAH_OK;
}

static racah_status make_tables(racah_calc *c, racah_error *err)
{
    const racahi_layout *at = &c->weights->at;
    const bool single = c->opt.precision == RACAH_SINGLE;
    size_t npair;
    double *r0 = NULL;
    racah_status st = number_pairs(c, &npair, &r0, err);
    for (int t = 0; st == RACAH_OK && npair && t < c->net->cfg.layers; t++) {
        const double *w[RACAHI_MAX_MLP + 1];
        for (int k = 0; k <= c->net->cfg.nmlp; k++) w[k] = c->weights->w + at->layer[t].radial[k];
        racahi_radial r = racahi_net_radial(c->net, t, at->Cp);
        if (t == 0) {
            st = racahi_table_create_pairs(&c->table.radial[0], &r, w, table_knots(&c->net->cfg, t, single),
                                           npair, r0, false, false, err);
            if (st == RACAH_OK && !c->net->layer[0].node) /* the density form is a convolution by cg */
                st = racahi_first_create(&c->table.first, c->net, c->weights, &c->table.radial[0], c->table.pair, single,
                                         err);
            if (c->table.first || single) racahi_table_free(&c->table.radial[0]);
        }
        if (st == RACAH_OK && !(t == 0 && (c->table.first || !single)))
            st = racahi_table_create_pairs(&c->table.radial[t], &r, w, table_knots(&c->net->cfg, t, single),
                                           npair, r0, false, single, err);
        if (st != RACAH_OK || !c->net->cfg.density[t]) continue;
        for (int k = 0; k <= c->net->cfg.ndensity; k++) w[k] = c->weights->w + at->layer[t].density[k];
        r = racahi_net_density(c->net);
        st = racahi_table_create_pairs(&c->table.density[t], &r, w, table_knots(&c->net->cfg, t, false),
                                       npair, r0, true, false, err);
    }
    racahi_free(r0);
    return st;
}

static racah_status build(racah_calc *c, racah_error *err)
{
    const racah_model *m = c->model;
    const bool single = c->opt.precision == RACAH_SINGLE;
    const size_t lanes = single ? 16 : 8;
    RACAHI_TRY(racahi_net_create(&c->net, &m->cfg, c->opt.isa, err));
    RACAHI_TRY(racahi_net_set_method(c->net, c->opt.method, err));
    RACAHI_TRY(racahi_weights_create_padded(&c->weights, c->net,
                                            ((size_t)m->cfg.channels + lanes - 1) / lanes * lanes, err));
    racahi_weights_set(c->weights, m->theta);
    RACAHI_TRY(choose_elements(c, err));
    for (int k = 0; m->shortest && k < m->cfg.nelem * m->cfg.nelem; k++)
        c->close2 = fmax(c->close2, m->shortest[k] * m->shortest[k]);
    c->opt.elements = NULL; /* the caller's array is not ours to keep */
    const bool exact = c->opt.radial == RACAH_RADIAL_EXACT;
    if (!exact) RACAHI_TRY(make_tables(c, err));
    if (single) return racahi_engine_create_f32(&c->f32, c->net, c->weights, &c->table, err);
    return racahi_engine_create_f64(&c->f64, c->net, c->weights, exact ? NULL : &c->table, err);
}

racah_status racah_calc_create(racah_calc **out, const racah_model *model, const racah_calc_options *options,
                               racah_error *err)
{
    if (!out || !model) return racahi_fail(err, RACAH_EINVAL, "calc create: NULL argument");
    *out = NULL;
    racah_calc_options opt = {.size = sizeof opt};
    if (options) {
        if (options->size < sizeof options->size || options->size > sizeof opt)
            return racahi_fail(err, RACAH_EINVAL, "calc options: size field is %zu, this release knows up to %zu",
                               options->size, sizeof opt);
        memcpy(&opt, options, options->size);
        if (opt.elements && opt.nelements < 0)
            return racahi_fail(err, RACAH_EINVAL, "calc options: nelements = %d", opt.nelements);
    }
    RACAHI_TRY(check_options(&opt, err));
    racah_calc *c = racahi_calloc(1, sizeof *c);
    if (!c) return racahi_fail(err, RACAH_ENOMEM, "calculator: %zu bytes do not fit in memory", sizeof *c);
    c->model = model;
    c->opt = opt;
    racah_status st = build(c, err);
    if (st != RACAH_OK) {
        racah_calc_destroy(c);
        return st;
    }
    *out = c;
    return RACAH_OK;
}

/* ---- one evaluation ------------------------------------------------------------------------------------ */

typedef struct request { /* which results a caller asked for, and where the caller's atoms come from */
    size_t N, M;
    int threads;
    bool forces, atom_virial, virial;
    racahi_exchange exchange;
    const int *row; /* of each ghost, or NULL: its own */
} request;

/* The message names the atom and its nearest neighbours: nearly always one of them is where it should not be. */
static racah_status not_finite(const racah_calc *c, const char *what, size_t i, racah_error *err)
{
    enum { NAMED = 3 };
    const racahi_edges *q = &c->edges;
    if (i >= q->n) return racahi_fail(err, RACAH_ENUMERIC, "%s atom %zu, a ghost, is not finite", what, i);
    char list[128] = "";
    double beyond = -1;
    size_t at = 0;
    for (int k = 0; k < NAMED; k++) { /* the nearest of those that were not named yet */
        double best = INFINITY;
        for (size_t e = q->row[i]; e < q->row[i + 1]; e++) {
            const double *d = q->d + 3 * e, r = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            if (r > beyond && r < best) best = r, at = e;
        }
        if (!isfinite(best)) break;
        beyond = best;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s atom %d at %.4g A", k ? "," : "; nearest", q->j[at], best);
    }
    return racahi_fail(err, RACAH_ENUMERIC, "%s atom %zu is not finite (%zu neighbours%s)", what, i,
                       q->row[i + 1] - q->row[i], list);
}

static racah_status all_finite(const racah_calc *c, const char *what, const double *x, size_t n, size_t width,
                               racah_error *err)
{
    for (size_t k = 0; k < n * width; k++)
        if (!isfinite(x[k])) return not_finite(c, what, k / width, err);
    return RACAH_OK;
}

/* The edges of each atom by distance, as far as CLASSES equal steps of r^2 tell: most rows of the radial
 * table that an edge needs are then in cache from the one before. The cell shifts, which nothing reads from
 * here on, stay behind. */
static racah_status sort_edges(racah_calc *c, int threads, racah_error *err)
{
    racahi_edges *q = &c->edges;
    const double scale = CLASSES / (c->net->cfg.r_max * c->net->cfg.r_max);
    size_t most = 0;
    for (size_t i = 0; i < q->n; i++)
        if (q->row[i + 1] - q->row[i] > most) most = q->row[i + 1] - q->row[i];
    RACAHI_TRY(racahi_reserve((void **)&c->near, &c->cap_near, (size_t)threads * most, sizeof *c->near,
                              "neighbours of an atom", err));
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (long i = 0; i < (long)q->n; i++) {
        const size_t e0 = q->row[i], n = q->row[i + 1] - e0;
        near_edge *near = c->near + (size_t)omp_get_thread_num() * most;
        size_t at[CLASSES + 1] = {0};
        for (size_t k = 0; k < n; k++) {
            const double *d = q->d + 3 * (e0 + k);
            const int class = (int)(scale * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]));
            near[k] = (near_edge){{d[0], d[1], d[2]}, q->j[e0 + k], class < CLASSES ? class : CLASSES - 1};
            at[near[k].class + 1]++;
        }
        for (size_t k = 1; k < CLASSES; k++) at[k] += at[k - 1];
        for (size_t k = 0; k < n; k++) {
            const size_t to = e0 + at[near[k].class]++;
            q->j[to] = near[k].j;
            memcpy(q->d + 3 * to, near[k].d, sizeof near[k].d);
        }
    }
    return RACAH_OK;
}

/* Run the engine on c->edges and c->elem. Results in c->atom_energy, c->forces (M,3), c->atom_virial (M,6) and
 * virial, all of them finite; nothing of the caller is touched yet. */
static racah_status evaluate(racah_calc *c, const request *q, double virial[9], racah_error *err)
{
    RACAHI_TRY(racahi_reserve((void **)&c->atom_energy, &c->cap_energy, q->N, sizeof(double), "atom energies", err));
    RACAHI_TRY(racahi_reserve((void **)&c->forces, &c->cap_forces, 3 * q->M, sizeof(double), "forces", err));
    if (q->atom_virial)
        RACAHI_TRY(racahi_reserve((void **)&c->atom_virial, &c->cap_virial, 6 * q->M, sizeof(double), "virials", err));
    RACAHI_TRY(sort_edges(c, q->threads, err));
    RACAHI_TRY(racahi_system_set(&c->system, q->N, q->M, c->elem, c->edges.row, c->edges.j, c->edges.d,
                                 racahi_engine_tile_atoms(c->net), err));
    c->system.ghost_row = q->row;
    const bool back = q->forces || q->virial || q->atom_virial;
    const double *scale = c->model->scale;
    const racah_status st = c->f32 ? racahi_engine_run_f32(c->f32, &c->system, scale, q->threads, &q->exchange,
                                                           c->atom_energy, back, NULL, err)
                                   : racahi_engine_run_f64(c->f64, &c->system, scale, q->threads, &q->exchange,
                                                           c->atom_energy, back, NULL, err);
    if (st == RACAH_ENUMERIC) RACAHI_TRY(all_finite(c, "energy of", c->atom_energy, q->N, 1, err));
    if (st != RACAH_OK) return st;
    memset(virial, 0, 9 * sizeof *virial);
    if (!back) return RACAH_OK;
    memset(c->forces, 0, 3 * q->M * sizeof(double));
    if (q->atom_virial) memset(c->atom_virial, 0, 6 * q->M * sizeof(double));
    racahi_system_gather(&c->system, c->forces, virial, q->atom_virial ? c->atom_virial : NULL);
    RACAHI_TRY(all_finite(c, "force on", c->forces, q->M, 3, err));
    if (q->atom_virial) RACAHI_TRY(all_finite(c, "virial of", c->atom_virial, q->M, 6, err));
    for (int k = 0; k < 9; k++)
        if (!isfinite(virial[k])) return racahi_fail(err, RACAH_ENUMERIC, "the virial is not finite");
    return RACAH_OK;
}

/* Pairs of atoms nearer than any of their elements in the training data: an error where the caller wants to stop,
 * otherwise entered in `close` ((nelem,nelem), may be NULL). One comparison for each edge as long as there are none. */
static racah_status check_close(const racah_calc *c, int stop, racah_close *close, racah_error *err)
{
    const racahi_edges *q = &c->edges;
    const size_t nelem = (size_t)c->net->cfg.nelem;
    double worst = 1;
    if (close)
        for (size_t k = 0; k < nelem * nelem; k++) close[k] = (racah_close){.i = -1, .j = -1};
    if (!c->close2 || (!stop && !close)) return RACAH_OK;
    racah_status st = RACAH_OK;
    for (size_t i = 0; i < q->n; i++)
        for (size_t e = q->row[i]; e < q->row[i + 1]; e++) {
            const double *d = q->d + 3 * e, r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            if (r2 >= c->close2) continue;
            const int a = c->elem[i], b = c->elem[q->j[e]];
            const double r = sqrt(r2), limit = c->model->shortest[(size_t)a * nelem + (size_t)b];
            if (r >= limit) continue;
            if (close && a <= b) {
                racah_close *p = close + (size_t)a * nelem + (size_t)b;
                if (p->i < 0 || r < p->distance) *p = (racah_close){(int)i, q->j[e], r};
            }
            if (!stop || r / limit >= worst) continue;
            worst = r / limit;
            st = racahi_fail(err, RACAH_ECLOSE, "atoms %zu (%s) and %d (%s) are %.4f A apart, nearer than any in the "
                             "training data (%.4f A)", i, racah_element_symbol(c->net->cfg.Z[a]), q->j[e],
                             racah_element_symbol(c->net->cfg.Z[b]), r, limit);
        }
    return st;
}

/* Energies with and without the isolated atoms. */
static racah_status sum_energy(const racah_calc *c, size_t N, double *interaction, double *total, racah_error *err)
{
    double e = 0, e0 = 0;
    for (size_t i = 0; i < N; i++) {
        e += c->atom_energy[i];
        if (c->elem[i] >= 0) e0 += racah_model_isolated_energy(c->model, c->elem[i]);
    }
    *interaction = e;
    *total = e + e0;
    return isfinite(*total) ? RACAH_OK : racahi_fail(err, RACAH_ENUMERIC, "the sum of the energies is not finite");
}

double racah_model_isolated_energy(const racah_model *m, int e)
{
    return m && e >= 0 && e < m->cfg.nelem ? m->E0[e] + m->shift[e] : 0;
}

static racah_status check_used(const racah_calc *c, size_t i, int z, racah_error *err)
{
    if (c->used[z]) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "atom %zu is %s, which is not among the elements this calculator was made for",
                       i, racah_element_symbol(c->model->cfg.Z[z]));
}

static racah_status set_elements(racah_calc *c, const racah_structure *s, racah_error *err)
{
    RACAHI_TRY(racahi_reserve((void **)&c->elem, &c->cap_elem, s->natoms, sizeof *c->elem, "elements", err));
    for (size_t i = 0; i < s->natoms; i++) {
        c->elem[i] = racah_model_element_index(c->model, s->atomic_numbers[i]);
        if (c->elem[i] < 0) {
            const char *name = racah_element_symbol(s->atomic_numbers[i]);
            return racahi_fail(err, RACAH_EINVAL, "atom %zu is %s (atomic number %d), an element the model was not trained for",
                               i, name ? name : "unknown", s->atomic_numbers[i]);
        }
        RACAHI_TRY(check_used(c, i, c->elem[i], err));
    }
    return RACAH_OK;
}

static double volume(const double *a)
{
    return fabs(a[0] * (a[4] * a[8] - a[5] * a[7]) - a[1] * (a[3] * a[8] - a[5] * a[6]) +
                a[2] * (a[3] * a[7] - a[4] * a[6]));
}

static racah_status check_structure(const racah_structure *s, racah_error *err)
{
    if (s->natoms && (!s->positions || !s->atomic_numbers))
        return racahi_fail(err, RACAH_EINVAL, "structure of %zu atoms without positions or atomic numbers", s->natoms);
    const bool periodic = s->pbc[0] || s->pbc[1] || s->pbc[2];
    if (periodic && !s->cell) return racahi_fail(err, RACAH_EINVAL, "periodic structure without a cell");
    if (s->stress && !(s->pbc[0] && s->pbc[1] && s->pbc[2]))
        return racahi_fail(err, RACAH_EINVAL, "stress needs three periodic directions, pbc is %d %d %d", s->pbc[0],
                           s->pbc[1], s->pbc[2]);
    return RACAH_OK;
}

/* A caller compiled against an earlier edition passes a shorter struct: what it does not have is zero. */
static racah_status take_struct(void *to, size_t size, const void *from, size_t given, size_t first, const char *what,
                                racah_error *err)
{
    if (given < first || given > size)
        return racahi_fail(err, RACAH_EINVAL, "%s: size field is %zu, this release knows %zu to %zu", what, given, first,
                           size);
    memset(to, 0, size);
    memcpy(to, from, given);
    return RACAH_OK;
}

racah_status racah_compute(racah_calc *c, racah_structure *given, racah_error *err)
{
    if (!c || !given) return racahi_fail(err, RACAH_EINVAL, "compute: NULL argument");
    racah_structure in, *s = &in;
    RACAHI_TRY(take_struct(s, sizeof in, given, given->size, offsetof(racah_structure, close_stop), "structure", err));
    RACAHI_TRY(check_structure(s, err));
    RACAHI_TRY(set_elements(c, s, err));
    RACAHI_TRY(racahi_neigh_build(&c->edges, s->natoms, s->positions, s->cell, s->pbc, c->net->cfg.r_max, err));
    RACAHI_TRY(check_close(c, s->close_stop, NULL, err));
    const size_t n = s->natoms;
    const request q = {.N = n, .M = n, .threads = racahi_blas_threads(s->threads), .forces = s->forces != NULL,
                       .virial = s->virial || s->stress, .atom_virial = s->atom_virial != NULL};
    double virial[9], interaction, total;
    RACAHI_TRY(evaluate(c, &q, virial, err));
    RACAHI_TRY(sum_energy(c, n, &interaction, &total, err));
    if (s->energy) *s->energy = total;
    if (s->interaction_energy) *s->interaction_energy = interaction;
    if (s->forces) memcpy(s->forces, c->forces, 3 * n * sizeof(double));
    if (s->virial) memcpy(s->virial, virial, sizeof virial);
    if (s->stress)
        for (int k = 0; k < 9; k++) s->stress[k] = -virial[k] / volume(s->cell);
    if (s->atom_energy)
        for (size_t i = 0; i < n; i++)
            s->atom_energy[i] = c->atom_energy[i] + racah_model_isolated_energy(c->model, c->elem[i]);
    if (s->atom_virial) memcpy(s->atom_virial, c->atom_virial, 6 * n * sizeof(double));
    return check_close(c, 0, s->close, err);
}

/* ---- level 2 ---------------------------------------------------------------------------------------------- */

/* The atom that stands for atom j of a list. */
static inline int row_of(const racah_local *s, size_t j)
{
    return s->row && j >= s->nlocal ? s->row[j - s->nlocal] : (int)j;
}

/* No edge needs a row of a ghost. */
static bool local_rows(const racah_local *s)
{
    for (size_t g = 0; g < s->nghost; g++)
        if ((size_t)row_of(s, s->nlocal + g) >= s->nlocal) return false;
    return true;
}

/* What filter_edges refused about atom i. */
static racah_status explain_edges(const racah_calc *c, const racah_local *s, size_t i, racah_error *err)
{
    const double *ri = s->positions + 3 * i;
    if (!isfinite(ri[0]) || !isfinite(ri[1]) || !isfinite(ri[2]))
        return racahi_fail(err, RACAH_ENUMERIC, "position of atom %zu is not finite: %g %g %g", i, ri[0], ri[1], ri[2]);
    for (int k = 0; k < s->numneigh[i]; k++) {
        const int j = s->neighbor_mask ? s->neighbors[i][k] & s->neighbor_mask : s->neighbors[i][k];
        if (j < 0 || (size_t)j >= s->nlocal + s->nghost)
            return racahi_fail(err, RACAH_EINVAL, "neighbour %d of atom %zu is %d, allowed are 0 .. %zu", k, i, j,
                               s->nlocal + s->nghost - 1);
        if (c->elem[row_of(s, (size_t)j)] < 0) continue;
        const double *rj = s->positions + 3 * (size_t)j;
        const double d[3] = {ri[0] - rj[0], ri[1] - rj[1], ri[2] - rj[2]};
        const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
        if (!isfinite(r2))
            return racahi_fail(err, RACAH_ENUMERIC, "distance of atoms %zu and %d is not finite", i, j);
        if (r2 < COINCIDENT) return racahi_fail(err, RACAH_EINVAL, "atoms %zu and %d are at the same place", i, j);
    }
    return racahi_fail(err, RACAH_EINVAL, "neighbour list of atom %zu changed while it was read", i);
}

/* Edges of local atoms a0 .. a1 from the caller's list: our elements, inside the cutoff; entered from `used` on, and the
 * end returned. About half the list lies in the skin in no order that a branch could be predicted from: every entry is
 * written, and kept or not. *bad: an atom whose list is refused. */
static size_t filter_atoms(racah_calc *c, const racah_local *s, size_t a0, size_t a1, size_t used, size_t *bad)
{
    racahi_edges *q = &c->edges;
    const size_t M = s->nlocal + s->nghost;
    const double rc2 = c->net->cfg.r_max * c->net->cfg.r_max;
    const int mask = s->neighbor_mask ? s->neighbor_mask : -1;
    for (size_t i = a0; i < a1; i++) {
        q->row[i] = used;
        if (c->elem[i] < 0) continue;
        const double *ri = s->positions + 3 * i;
        const int *list = s->neighbors[i];
        bool refused = !isfinite(ri[0]) || !isfinite(ri[1]) || !isfinite(ri[2]);
        for (int k = 0; k < s->numneigh[i]; k++) {
            const int j = list[k] & mask;
            if (j < 0 || (size_t)j >= M) {
                refused = true;
                break;
            }
            const int row = row_of(s, (size_t)j);
            const double *rj = s->positions + 3 * (size_t)j, x = ri[0] - rj[0], y = ri[1] - rj[1], z = ri[2] - rj[2];
            const double r2 = x * x + y * y + z * z;
            const bool ours = c->elem[row] >= 0;
            double *d = q->d + 3 * used;
            q->j[used] = row;
            d[0] = x, d[1] = y, d[2] = z;
            used += (size_t)(ours & (r2 < rc2));
            refused |= ours & !(r2 >= COINCIDENT && r2 <= DBL_MAX);
        }
        if (refused) {
            *bad = i;
            break;
        }
    }
    return used;
}

/* Each thread has a range of atoms, whose edges begin where they would if every entry were kept; then they move up. */
static racah_status filter_edges(racah_calc *c, const racah_local *s, int threads, racah_error *err)
{
    racahi_edges *q = &c->edges;
    const size_t N = s->nlocal, parts = (size_t)threads < N ? (size_t)threads : N ? N : 1;
    RACAHI_TRY(racahi_reserve((void **)&c->part, &c->cap_part, parts, sizeof *c->part, "ranges of atoms", err));
    size_t most = 0;
    for (size_t k = 0; k < parts; k++) {
        filter_part *p = &c->part[k];
        *p = (filter_part){.a0 = N * k / parts, .a1 = N * (k + 1) / parts, .begin = most, .bad = N};
        for (size_t i = p->a0; i < p->a1; i++) most += (size_t)s->numneigh[i];
    }
    RACAHI_TRY(racahi_neigh_start(q, N, err));
    RACAHI_TRY(racahi_neigh_reserve(q, most, err));
#pragma omp parallel for num_threads(threads) schedule(static) if (parts > 1)
    for (long k = 0; k < (long)parts; k++) {
        filter_part *p = &c->part[k];
        p->end = filter_atoms(c, s, p->a0, p->a1, p->begin, &p->bad);
    }
    size_t used = 0;
    for (size_t k = 0; k < parts; k++) {
        const filter_part *p = &c->part[k];
        if (p->bad < N) return explain_edges(c, s, p->bad, err);
        if (p->begin != used) {
            memmove(q->j + used, q->j + p->begin, (p->end - p->begin) * sizeof *q->j);
            memmove(q->d + 3 * used, q->d + 3 * p->begin, 3 * (p->end - p->begin) * sizeof *q->d);
            for (size_t i = p->a0; i < p->a1; i++) q->row[i] -= p->begin - used;
        }
        used += p->end - p->begin;
    }
    q->row[N] = q->nedge = used;
    return RACAH_OK;
}

static racah_status check_local(const racah_calc *c, const racah_local *s, racah_error *err)
{
    const size_t M = s->nlocal + s->nghost;
    if (M && (!s->positions || !s->elements))
        return racahi_fail(err, RACAH_EINVAL, "local system of %zu atoms without positions or elements", M);
    for (size_t g = 0; s->row && g < s->nghost; g++) {
        const int row = s->row[g];
        if (row < 0 || (size_t)row >= M)
            return racahi_fail(err, RACAH_EINVAL, "row of ghost atom %zu is %d, allowed are 0 .. %zu", s->nlocal + g, row,
                               M - 1);
        if (row_of(s, (size_t)row) != row)
            return racahi_fail(err, RACAH_EINVAL, "row of ghost atom %zu is %d, a ghost whose own row is %d", s->nlocal + g,
                               row, row_of(s, (size_t)row));
    }
    if (s->nlocal && (!s->numneigh || !s->neighbors))
        return racahi_fail(err, RACAH_EINVAL, "local system of %zu atoms without a neighbour list", s->nlocal);
    if (!local_rows(s) && c->net->cfg.layers > 1 && (!s->forward || !s->reverse))
        return racahi_fail(err, RACAH_EINVAL, "%zu ghost atoms, but neither local rows nor exchange callbacks", s->nghost);
    for (size_t i = 0; i < s->nlocal; i++)
        if (s->numneigh[i] < 0 || (s->numneigh[i] && !s->neighbors[i]))
            return racahi_fail(err, RACAH_EINVAL, "neighbour list of atom %zu: %d entries%s", i, s->numneigh[i],
                               s->numneigh[i] < 0 ? "" : ", but no list");
    for (size_t i = 0; i < M; i++)
        if (s->elements[i] < -1 || s->elements[i] >= c->net->cfg.nelem)
            return racahi_fail(err, RACAH_EINVAL, "element index of atom %zu is %d, allowed are -1 .. %d", i,
                               s->elements[i], c->net->cfg.nelem - 1);
    for (size_t i = 0; i < M; i++)
        if (s->elements[i] >= 0) RACAHI_TRY(check_used(c, i, s->elements[i], err));
    return RACAH_OK;
}

racah_status racah_compute_local(racah_calc *c, racah_local *given, racah_error *err)
{
    if (!c || !given) return racahi_fail(err, RACAH_EINVAL, "compute local: NULL argument");
    racah_local in, *s = &in;
    RACAHI_TRY(take_struct(s, sizeof in, given, given->size, offsetof(racah_local, close_stop), "local system", err));
    RACAHI_TRY(check_local(c, s, err));
    const size_t N = s->nlocal, M = !s->forward && local_rows(s) ? N : N + s->nghost;
    RACAHI_TRY(racahi_reserve((void **)&c->elem, &c->cap_elem, M, sizeof *c->elem, "elements", err));
    if (M) memcpy(c->elem, s->elements, M * sizeof *c->elem);
    const int threads = racahi_blas_threads(s->threads);
    RACAHI_TRY(filter_edges(c, s, threads, err));
    RACAHI_TRY(check_close(c, s->close_stop, NULL, err));
    const request q = {.N = N, .M = M, .threads = threads, .forces = s->forces != NULL, .virial = s->virial != NULL,
                       .atom_virial = s->atom_virial != NULL,
                       .exchange = {.forward = s->forward, .reverse = s->reverse, .ctx = s->exchange_ctx}, .row = s->row};
    double virial[9], interaction, total;
    RACAHI_TRY(evaluate(c, &q, virial, err));
    RACAHI_TRY(sum_energy(c, N, &interaction, &total, err));
    if (s->energy) *s->energy = total;
    if (s->interaction_energy) *s->interaction_energy = interaction;
    if (s->virial) memcpy(s->virial, virial, sizeof virial);
    if (s->forces)
        for (size_t i = 0; i < 3 * M; i++) s->forces[i] += c->forces[i];
    if (s->atom_energy)
        for (size_t i = 0; i < N; i++)
            if (c->elem[i] >= 0)
                s->atom_energy[i] += c->atom_energy[i] + racah_model_isolated_energy(c->model, c->elem[i]);
    if (s->atom_virial)
        for (size_t i = 0; i < 6 * M; i++) s->atom_virial[i] += c->atom_virial[i];
    return check_close(c, 0, s->close, err);
}

/* ---- sizes and costs ------------------------------------------------------------------------------------- */

size_t racah_calc_exchange_width(const racah_calc *c)
{
    size_t w = 0;
    for (int t = 1; t < c->net->cfg.layers; t++)
        if (c->net->layer[t].K * c->weights->at.Cp > w) w = c->net->layer[t].K * c->weights->at.Cp;
    return w;
}

size_t racah_calc_exchange_bytes(const racah_calc *c) { return c->f32 ? sizeof(float) : sizeof(double); }

size_t racah_calc_bytes_per_atom(const racah_calc *c, double neighbors, double ghosts_per_atom)
{
    size_t atom, row;
    racahi_engine_bytes(c->net, c->weights->at.Cp, racah_calc_exchange_bytes(c), &atom, &row);
    const double edge = sizeof(int) * 3 + sizeof(double) * 6; /* j, halo, uniq; d, g */
    const double rows = (double)row + sizeof(int) * 3 + sizeof(double) * 3; /* elem, stamp, slot; forces */
    return (size_t)((double)atom + rows * (1 + ghosts_per_atom) + edge * neighbors);
}

size_t racah_calc_fixed_bytes(const racah_calc *c)
{
    const racahi_layout *at = &c->weights->at;
    /* weights and two packed copies */
    size_t bytes = (3 * at->total + at->derived_total) * (sizeof(double) + (c->f32 ? sizeof(float) : 0));
    for (int t = 0; t < c->net->cfg.layers; t++) bytes += c->table.radial[t].bytes + c->table.density[t].bytes;
    if (c->table.first) bytes += c->table.first->bytes + c->table.first->phi.bytes;
    return bytes;
}

void racahi_calc_work(const racah_calc *c, double neighbors, size_t elements, racahi_work work[RACAHI_STAGE_COUNT])
{
    racahi_stage_work(c->net, c->table.first ? c->table.first->nq : 0, elements, c->f32 ? sizeof(float) : sizeof(double),
                      neighbors, work);
}

void racahi_calc_clock(racah_calc *c, racahi_clock *clock)
{
    if (c->f64) racahi_engine_clock_f64(c->f64, clock);
    if (c->f32) racahi_engine_clock_f32(c->f32, clock);
}

double racah_calc_flops_per_atom(const racah_calc *c, double neighbors)
{
    racahi_work work[RACAHI_STAGE_COUNT];
    double flops = 0;
    size_t elements = 0;
    for (int z = 0; z < c->net->cfg.nelem; z++) elements += c->used[z];
    racahi_calc_work(c, neighbors, elements, work);
    for (int s = 0; s < RACAHI_STAGE_COUNT; s++) flops += work[s].flops;
    return flops;
}
