/* SPDX-License-Identifier: MIT
 * Level 2 (local and ghost atoms, exchange callbacks) against level 1 (periodic structure), on one and two
 * ranks.
 *
 * A periodic structure is cut into ranks: each owns some atoms, and every image of any atom within cutoff +
 * skin of one of them is a ghost with an owner (rank, local index). Ranks are threads; the exchange is a
 * barrier, then rows read from the owner (forward) or ghosts of both ranks added in a fixed order (reverse),
 * then a barrier. */
#include "engine_fixture.h"

#include <pthread.h>

#define SKIN 0.7
#define MAX_RANKS 2
#define MAX_GHOST 6000
#define HIGH_BITS (3 << 29) /* what LAMMPS stores above NEIGHMASK */

typedef struct rank {
    size_t nlocal, nghost;
    int global[64]; /* of local atoms */
    int owner_rank[MAX_GHOST], owner_row[MAX_GHOST];
    int *row; /* [nghost] to be handed over, or NULL */
    double *pos; /* (nlocal+nghost,3) */
    int *elements, *numneigh, **neighbors;
    /* results */
    double energy, interaction, virial[9], *forces, *atom_energy, *atom_virial;
    racah_status status;
    racah_error err;
    int nforward, nreverse, fail_forward, fail_reverse; /* the fail_..-th call fails (1, 2, ..) */
    size_t widths[16];
    int ncalls;
} rank;

typedef struct world {
    int nranks;
    rank r[MAX_RANKS];
    size_t element_bytes;
    void *rows[MAX_RANKS]; /* of the exchange under way */
    pthread_barrier_t barrier;
} world;

typedef struct context { /* what a rank's callbacks see */
    world *w;
    int me;
} context;

/* ---- exchange ----------------------------------------------------------------------------------- */

static void add_row(void *to, const void *from, size_t width, size_t bytes)
{
    for (size_t c = 0; c < width; c++)
        if (bytes == 4)
            ((float *)to)[c] += ((const float *)from)[c];
        else
            ((double *)to)[c] += ((const double *)from)[c];
}

static bool stands_for_itself(const rank *r, size_t g) { return !r->row || r->row[g] == (int)(r->nlocal + g); }

static int forward(void *ctx, void *rows, size_t width)
{
    const context *x = ctx;
    world *w = x->w;
    rank *me = &w->r[x->me];
    const size_t bytes = width * w->element_bytes;
    me->widths[me->ncalls++] = width;
    w->rows[x->me] = rows;
    pthread_barrier_wait(&w->barrier);
    for (size_t g = 0; g < me->nghost; g++)
        if (!stands_for_itself(me, g))
            memset((char *)rows + (me->nlocal + g) * bytes, 0xff, bytes); /* NaN: nobody may read it */
        else
            memcpy((char *)rows + (me->nlocal + g) * bytes,
               (const char *)w->rows[me->owner_rank[g]] + (size_t)me->owner_row[g] * bytes, bytes);
    pthread_barrier_wait(&w->barrier);
    return ++me->nforward == me->fail_forward;
}

static int reverse(void *ctx, void *rows, size_t width)
{
    const context *x = ctx;
    world *w = x->w;
    rank *me = &w->r[x->me];
    const size_t bytes = width * w->element_bytes;
    me->widths[me->ncalls++] = width;
    w->rows[x->me] = rows;
    pthread_barrier_wait(&w->barrier);
    for (int p = 0; p < w->nranks;
         p++) /* ghost rows are read by all, local rows written by their owner only */
        for (size_t g = 0; g < w->r[p].nghost; g++)
            if (w->r[p].owner_rank[g] == x->me && stands_for_itself(&w->r[p], g))
                add_row((char *)rows + (size_t)w->r[p].owner_row[g] * bytes,
                        (const char *)w->rows[p] + (w->r[p].nlocal + g) * bytes, width, w->element_bytes);
    pthread_barrier_wait(&w->barrier);
    /* "ghost rows are not read afterwards" */
    memset((char *)rows + me->nlocal * bytes, 0xff, me->nghost * bytes);
    return ++me->nreverse == me->fail_reverse;
}

/* ---- cutting a structure into ranks -------------------------------------------------------------- */

static double distance2(const double *a, const double *b)
{
    double s = 0;
    for (int c = 0; c < 3; c++) s += (a[c] - b[c]) * (a[c] - b[c]);
    return s;
}

/* Full lists of everything within reach, in an order that depends on the atom. */
static void make_lists(rank *r, double reach)
{
    const size_t M = r->nlocal + r->nghost;
    r->numneigh = calloc(r->nlocal + 1, sizeof *r->numneigh);
    r->neighbors = calloc(r->nlocal + 1, sizeof *r->neighbors);
    for (size_t i = 0; i < r->nlocal; i++) {
        r->neighbors[i] = malloc((M + 1) * sizeof **r->neighbors);
        for (size_t k = 0; k < M; k++) {
            const size_t j = (k + 17 * i) % M;
            if (j == i || distance2(r->pos + 3 * i, r->pos + 3 * j) >= reach * reach) continue;
            r->neighbors[i][r->numneigh[i]++] = (int)j | (j % 3 ? 0 : HIGH_BITS);
        }
    }
}

/* owner[i]: rank of atom i. */
static void cut(world *w, const fixture_atoms *a, const racah_model *m, const int *owner, int nranks)
{
    const double reach = racah_model_cutoff(m) + SKIN;
    int row[64];
    memset(w, 0, sizeof *w);
    w->nranks = nranks;
    for (size_t i = 0; i < a->n; i++) {
        rank *r = &w->r[owner[i]];
        row[i] = (int)r->nlocal;
        r->global[r->nlocal++] = (int)i;
    }
    for (int p = 0; p < nranks; p++) {
        rank *r = &w->r[p];
        r->pos = calloc(3 * (r->nlocal + MAX_GHOST), sizeof *r->pos);
        r->elements = calloc(r->nlocal + MAX_GHOST, sizeof *r->elements);
        for (size_t i = 0; i < r->nlocal; i++) {
            memcpy(r->pos + 3 * i, a->pos + 3 * r->global[i], 3 * sizeof(double));
            r->elements[i] = racah_model_element_index(m, a->Z[r->global[i]]);
        }
        for (int s = 0; s < 343; s++)
            for (size_t j = 0; j < a->n; j++) {
                const int n[3] = {s % 7 - 3, s / 7 % 7 - 3, s / 49 - 3};
                if (s == 171 && owner[j] == p) continue; /* no shift: the local atom itself */
                if ((n[0] && !a->pbc[0]) || (n[1] && !a->pbc[1]) || (n[2] && !a->pbc[2])) continue;
                double x[3];
                for (int c = 0; c < 3; c++)
                    x[c] = a->pos[3 * j + (size_t)c] + n[0] * a->cell[c] + n[1] * a->cell[3 + c] +
                           n[2] * a->cell[6 + c];
                bool near = false;
                for (size_t i = 0; i < r->nlocal && !near; i++)
                    near = distance2(x, r->pos + 3 * i) < reach * reach;
                if (!near) continue;
                assert_true(r->nghost < MAX_GHOST);
                const size_t at = r->nlocal + r->nghost;
                memcpy(r->pos + 3 * at, x, sizeof x);
                r->elements[at] = racah_model_element_index(m, a->Z[j]);
                r->owner_rank[r->nghost] = owner[j], r->owner_row[r->nghost++] = row[j];
            }
        make_lists(r, reach);
        const size_t M = r->nlocal + r->nghost;
        r->forces = calloc(3 * M + 1, sizeof(double));
        r->atom_energy = calloc(r->nlocal + 1, sizeof(double));
        r->atom_virial = calloc(6 * M + 1, sizeof(double));
    }
}

static void free_world(world *w)
{
    for (int p = 0; p < w->nranks; p++) {
        rank *r = &w->r[p];
        free(r->row);
        for (size_t i = 0; i < r->nlocal; i++) free(r->neighbors[i]);
        free(r->neighbors), free(r->numneigh), free(r->pos), free(r->elements);
        free(r->forces), free(r->atom_energy), free(r->atom_virial);
    }
}

/* ---- running ----------------------------------------------------------------------------------------- */

typedef struct job {
    world *w;
    int me, threads;
    racah_calc *calc;
} job;

static racah_local local_system(rank *r, context *x, int threads)
{
    return (racah_local){.size = sizeof(racah_local),
                         .threads = threads,
                         .nlocal = r->nlocal,
                         .nghost = r->nghost,
                         .positions = r->pos,
                         .elements = r->elements,
                         .numneigh = r->numneigh,
                         .neighbors = (const int *const *)r->neighbors,
                         .neighbor_mask = 0x1fffffff,
                         .forward = forward,
                         .reverse = reverse,
                         .exchange_ctx = x,
                         .energy = &r->energy,
                         .interaction_energy = &r->interaction,
                         .forces = r->forces,
                         .virial = r->virial,
                         .atom_energy = r->atom_energy,
                         .atom_virial = r->atom_virial,
                         .row = r->row};
}

static void *run_rank(void *p)
{
    const job *j = p;
    rank *r = &j->w->r[j->me];
    context x = {j->w, j->me};
    racah_local s = local_system(r, &x, j->threads);
    r->nforward = r->nreverse = r->ncalls = 0;
    r->status = racah_compute_local(j->calc, &s, &r->err);
    return NULL;
}

/* All ranks in lockstep, each in a thread of its own. */
static void run(world *w, racah_calc **calc, int threads)
{
    pthread_t id[MAX_RANKS];
    job j[MAX_RANKS];
    w->element_bytes = racah_calc_exchange_bytes(calc[0]);
    assert_int_equal(pthread_barrier_init(&w->barrier, NULL, (unsigned)w->nranks), 0);
    for (int p = 0; p < w->nranks; p++) {
        j[p] = (job){w, p, threads, calc[p]};
        assert_int_equal(pthread_create(&id[p], NULL, run_rank, &j[p]), 0);
    }
    for (int p = 0; p < w->nranks; p++) pthread_join(id[p], NULL);
    pthread_barrier_destroy(&w->barrier);
}

typedef struct totals { /* over the ranks, ghost rows added to their owners */
    double energy, interaction, virial[9], forces[192], atom_energy[64], atom_virial[384];
} totals;

static totals fold(const world *w)
{
    totals t;
    memset(&t, 0, sizeof t);
    for (int p = 0; p < w->nranks; p++) {
        const rank *r = &w->r[p];
        t.energy += r->energy, t.interaction += r->interaction;
        for (int k = 0; k < 9; k++) t.virial[k] += r->virial[k];
        for (size_t i = 0; i < r->nlocal; i++) t.atom_energy[r->global[i]] += r->atom_energy[i];
        for (size_t i = 0; i < r->nlocal + r->nghost; i++) {
            const size_t g = i < r->nlocal ? 0 : i - r->nlocal;
            const int to = i < r->nlocal ? r->global[i] : w->r[r->owner_rank[g]].global[r->owner_row[g]];
            for (size_t k = 0; k < 3; k++) t.forces[3 * (size_t)to + k] += r->forces[3 * i + k];
            for (size_t k = 0; k < 6; k++) t.atom_virial[6 * (size_t)to + k] += r->atom_virial[6 * i + k];
        }
    }
    return t;
}

static totals level1(racah_calc *c, const fixture_atoms *a)
{
    racah_error err;
    totals t;
    memset(&t, 0, sizeof t);
    racah_structure s = {.size = sizeof s,
                         .natoms = a->n,
                         .positions = a->pos,
                         .atomic_numbers = a->Z,
                         .cell = a->cell,
                         .pbc = {a->pbc[0], a->pbc[1], a->pbc[2]},
                         .energy = &t.energy,
                         .interaction_energy = &t.interaction,
                         .forces = t.forces,
                         .virial = t.virial,
                         .atom_energy = t.atom_energy,
                         .atom_virial = t.atom_virial};
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    return t;
}

static double largest(size_t n, const double *x)
{
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(x[i]));
    return m;
}

/* Every result equal to eps of its largest number; returns the worst difference in those units. */
static double same(const totals *got, const totals *want, size_t n, double eps)
{
    const struct {
        const char *what;
        size_t n;
        const double *got, *want;
    } t[] = {{"energy", 1, &got->energy, &want->energy},
             {"interaction energy", 1, &got->interaction, &want->interaction},
             {"virial", 9, got->virial, want->virial},
             {"forces", 3 * n, got->forces, want->forces},
             {"atom energies", n, got->atom_energy, want->atom_energy},
             {"atom virials", 6 * n, got->atom_virial, want->atom_virial}};
    double worst = 0;
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        const double scale = fmax(1, largest(t[k].n, t[k].want));
        assert_true(largest(t[k].n, t[k].want) > 1e-3); /* not all zero */
        for (size_t i = 0; i < t[k].n; i++) {
            if (!(fabs(t[k].got[i] - t[k].want[i]) <= eps * scale)) print_error("%s: ", t[k].what);
            RACAH_ASSERT_CLOSE_AT(i, t[k].got[i], t[k].want[i], eps * scale, 0);
            worst = fmax(worst, fabs(t[k].got[i] - t[k].want[i]) / scale);
        }
    }
    return worst;
}

/* ---- tests ------------------------------------------------------------------------------------------ */

static void check_calls(const world *w, const racah_calc *c, int layers)
{
    for (int p = 0; p < w->nranks; p++) { /* the same sequence on every rank, as wide as promised */
        const rank *r = &w->r[p];
        size_t widest = 0;
        assert_int_equal(r->nforward, layers - 1);
        assert_int_equal(r->nreverse, layers - 1);
        assert_int_equal(r->ncalls, 2 * (layers - 1));
        assert_memory_equal(r->widths, w->r[0].widths, sizeof r->widths);
        for (int k = 0; k < r->ncalls; k++) {
            assert_int_equal(r->widths[k], r->widths[r->ncalls - 1 - k]); /* back in the opposite order */
            if (r->widths[k] > widest) widest = r->widths[k];
        }
        assert_int_equal(racah_calc_exchange_width(c), widest);
    }
}

/* Structure cut by `owner`; level 1 is the judge. */
static double check_cut(const racah_model *m, const fixture_atoms *a, const int *owner, int nranks,
                        racah_precision precision, double eps)
{
    racah_calc *c[MAX_RANKS];
    for (int p = 0; p < nranks; p++) c[p] = fixture_calc(m, RACAH_RADIAL_TABLE, precision, RACAH_ISA_AUTO);
    const totals want = level1(c[0], a);
    world w;
    cut(&w, a, m, owner, nranks);
    run(&w, c, 1);
    for (int p = 0; p < nranks; p++) {
        if (w.r[p].status != RACAH_OK) fail_msg("rank %d: %s", p, w.r[p].err.msg);
        assert_true(w.r[p].nghost > 0 || w.r[p].nlocal == 0);
    }
    const totals got = fold(&w);
    const double worst = same(&got, &want, a->n, eps);
    check_calls(&w, c[0], racah_model_layers(m));
    free_world(&w);
    for (int p = 0; p < nranks; p++) racah_calc_destroy(c[p]);
    return worst;
}

static void test_one_rank_with_ghosts_equals_level_1(void **state)
{
    (void)state;
    const int mine[64] = {0};
    double worst = 0;
    for (int kind = RACAHI_W_PATH; kind <= RACAHI_W_SHARED; kind++)
        for (int layers = 1; layers <= 4; layers++)
            for (int lh = 0; lh <= 2; lh++) {
                const racahi_config cfg = fixture_config((racahi_weights_kind)kind, layers, 2, lh, 2, 5);
                racah_model *m = fixture_model(&cfg, 51);
                const fixture_atoms a = fixture_structure(8, 53 + (uint64_t)lh);
                worst = fmax(worst, check_cut(m, &a, mine, 1, RACAH_DOUBLE, 1e-12));
                racah_model_destroy(m);
            }
    print_message("one rank: largest difference %.2g\n", worst);
}

/* One row for all ghosts of an atom: its own where it is on this rank, otherwise the last ghost's (others do as well). */
static void share_rows(rank *r, int me)
{
    const size_t n = r->nghost;
    r->row = malloc((n + 1) * sizeof *r->row);
    for (size_t g = n; g-- > 0;) {
        r->row[g] = r->owner_rank[g] == me ? r->owner_row[g] : (int)(r->nlocal + g);
        for (size_t k = n - 1; k > g && r->owner_rank[g] != me; k--)
            if (r->owner_rank[k] == r->owner_rank[g] && r->owner_row[k] == r->owner_row[g]) {
                r->row[g] = r->row[k];
                break;
            }
    }
}

static void assert_ghosts_untouched(const rank *r)
{
    for (size_t g = 0; g < r->nghost; g++) {
        if (stands_for_itself(r, g)) continue;
        for (size_t k = 0; k < 3; k++) assert_true(r->forces[3 * (r->nlocal + g) + k] == 0);
        for (size_t k = 0; k < 6; k++) assert_true(r->atom_virial[6 * (r->nlocal + g) + k] == 0);
    }
}

/* The same results; other rows of ghosts stay as they were. A single rank exchanges nothing and calls nothing. */
static void test_shared_rows_of_ghosts_equal_level_1(void **state)
{
    (void)state;
    for (int set = 0; set < FIXTURE_OPTIONS; set++)
        for (int precision = RACAH_DOUBLE; precision <= RACAH_SINGLE; precision++)
            for (int ranks = 1; ranks <= 2; ranks++) {
                racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 2, 1, 2, 5);
                fixture_set_options(&cfg, set);
                racah_model *m = fixture_model(&cfg, 51);
                const fixture_atoms a = fixture_structure(8, 53);
                racah_calc *c[MAX_RANKS];
                int owner[64];
                for (size_t i = 0; i < a.n; i++) owner[i] = ranks == 2 && a.pos[3 * i] > 2;
                world w;
                cut(&w, &a, m, owner, ranks);
                for (int p = 0; p < ranks; p++) {
                    c[p] = fixture_calc(m, RACAH_RADIAL_TABLE, (racah_precision)precision, RACAH_ISA_AUTO);
                    share_rows(&w.r[p], p);
                }
                run(&w, c, 1);
                for (int p = 0; p < ranks; p++) {
                    if (w.r[p].status != RACAH_OK) fail_msg("rank %d: %s", p, w.r[p].err.msg);
                    assert_ghosts_untouched(&w.r[p]);
                }
                const totals got = fold(&w), want = level1(c[0], &a);
                same(&got, &want, a.n, precision == RACAH_SINGLE ? 2e-5 : 1e-12);
                if (ranks == 1) { /* and without callbacks, by more threads than there are atoms, to the last bit */
                    rank *r = &w.r[0];
                    const totals before = got;
                    memset(r->forces, 0, 3 * (r->nlocal + r->nghost) * sizeof(double));
                    memset(r->atom_virial, 0, 6 * (r->nlocal + r->nghost) * sizeof(double));
                    memset(r->atom_energy, 0, r->nlocal * sizeof(double));
                    racah_local s = local_system(r, NULL, 9);
                    s.forward = s.reverse = NULL;
                    racah_error err;
                    RACAH_ASSERT_OK(racah_compute_local(c[0], &s, &err));
                    const totals after = fold(&w);
                    same(&after, &before, a.n, 0);
                }
                free_world(&w);
                for (int p = 0; p < ranks; p++) racah_calc_destroy(c[p]);
                racah_model_destroy(m);
            }
}

static void test_two_ranks_equal_level_1(void **state)
{
    (void)state;
    const racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 3, 1, 3, 9);
    racah_model *m = fixture_model(&cfg, 61);
    int owner[64];
    double worst = 0;
    for (int how = 0; how < 4; how++) {
        fixture_atoms a = fixture_structure(how == 3 ? 40 : 14, 67);
        if (how == 3) /* more than one tile of atoms on a rank: a cell large enough for 40 */
            for (int k = 0; k < 9; k++) a.cell[k] *= 1.5;
        if (how == 3)
            for (size_t k = 0; k < 3 * a.n; k++) a.pos[k] *= 1.5;
        for (size_t i = 0; i < a.n; i++) /* alternating; one atom alone; by a coordinate; few on the first */
            owner[i] = how == 0 ? (int)i % 2 : how == 1 ? i == 5 : how == 2 ? a.pos[3 * i] > 2 : i >= 4;
        worst = fmax(worst, check_cut(m, &a, owner, 2, RACAH_DOUBLE, 1e-12));
    }
    print_message("two ranks: largest difference %.2g\n", worst);
    racah_model_destroy(m);
}

static void test_options_on_two_ranks_equal_level_1(void **state)
{
    (void)state;
    for (int set = 1; set < FIXTURE_OPTIONS; set++) {
        racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 5);
        fixture_set_options(&cfg, set);
        racah_model *m = fixture_model(&cfg, 61);
        const fixture_atoms a = fixture_structure(14, 67);
        int owner[64];
        for (size_t i = 0; i < a.n; i++) owner[i] = a.pos[3 * i] > 2;
        check_cut(m, &a, owner, 2, RACAH_DOUBLE, 1e-12);
        racah_model_destroy(m);
    }
}

static void test_rank_without_atoms_takes_part_in_every_exchange(void **state)
{
    (void)state;
    for (int layers = 1; layers <= 3; layers++) {
        const racahi_config cfg = fixture_config(RACAHI_W_DEGREE, layers, 2, 1, 2, 4);
        racah_model *m = fixture_model(&cfg, 71);
        const fixture_atoms a = fixture_structure(9, 73);
        for (int empty = 0; empty < 2; empty++) {
            int owner[64];
            for (size_t i = 0; i < a.n; i++) owner[i] = !empty;
            check_cut(m, &a, owner, 2, RACAH_DOUBLE, 1e-12);
        }
        racah_model_destroy(m);
    }
}

static void test_single_precision_exchanges_floats(void **state)
{
    (void)state;
    const racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 18);
    racah_model *m = fixture_model(&cfg, 79);
    racah_calc *s = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_SINGLE, RACAH_ISA_AUTO),
               *d = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    assert_int_equal(racah_calc_exchange_bytes(s), 4);
    assert_int_equal(racah_calc_exchange_bytes(d), 8);
    assert_int_equal(racah_calc_exchange_width(s),
                     4 * 32); /* (l_hidden+1)^2 rows of 18 channels in vectors of 16 */
    assert_int_equal(racah_calc_exchange_width(d), 4 * 24); /* of 8 */
    racah_calc_destroy(s), racah_calc_destroy(d);
    const fixture_atoms a = fixture_structure(12, 83);
    int owner[64];
    for (size_t i = 0; i < a.n; i++) owner[i] = (int)i % 2;
    /* sums of floats in another order: 2^-24 times a few hundred terms */
    const double worst = check_cut(m, &a, owner, 2, RACAH_SINGLE, 2e-5);
    print_message("single precision, two ranks: largest difference %.2g\n", worst);
    racah_model_destroy(m);
}

static void test_threads_do_not_change_the_result(void **state)
{
    (void)state;
    const racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 6);
    racah_model *m = fixture_model(&cfg, 87);
    racah_calc *c[1] = {fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO)};
    fixture_atoms a = fixture_structure(40, 89);
    for (int k = 0; k < 9; k++) a.cell[k] *= 1.5;
    for (size_t k = 0; k < 3 * a.n; k++) a.pos[k] *= 1.5;
    const int mine[64] = {0};
    totals t[3];
    for (int k = 0; k < 3; k++) {
        world w;
        cut(&w, &a, m, mine, 1);
        run(&w, c, k + 1);
        assert_int_equal(w.r[0].status, RACAH_OK);
        t[k] = fold(&w);
        free_world(&w);
        assert_memory_equal(&t[k], &t[0], sizeof t[0]);
    }
    racah_calc_destroy(c[0]);
    racah_model_destroy(m);
}

/* Atoms of elements the model is not asked for (pair_coeff ... NULL) are as good as absent. */
static void check_foreign_elements(int options)
{
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 2, 1, 2, 5);
    fixture_set_options(&cfg, options);
    racah_model *m = fixture_model(&cfg, 91);
    racah_calc *c[2];
    for (int p = 0; p < 2; p++) c[p] = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(14, 93);
    fixture_atoms kept = a;
    int owner[64], at[64];
    bool foreign[64];
    kept.n = 0;
    for (size_t i = 0; i < a.n; i++) {
        owner[i] = (int)i % 2;
        foreign[i] = i % 4 == 1 || i % 4 == 2;
        at[i] = foreign[i] ? -1 : (int)kept.n;
        if (foreign[i]) continue;
        memcpy(kept.pos + 3 * kept.n, a.pos + 3 * i, 3 * sizeof(double));
        kept.Z[kept.n++] = a.Z[i];
    }
    const totals want = level1(c[0], &kept);
    world w;
    cut(&w, &a, m, owner, 2);
    for (int p = 0; p < 2; p++) {
        rank *r = &w.r[p];
        for (size_t i = 0; i < r->nlocal; i++)
            if (foreign[r->global[i]]) r->elements[i] = -1;
        for (size_t g = 0; g < r->nghost; g++)
            if (foreign[w.r[r->owner_rank[g]].global[r->owner_row[g]]]) r->elements[r->nlocal + g] = -1;
    }
    run(&w, c, 1);
    assert_true(w.r[0].status == RACAH_OK && w.r[1].status == RACAH_OK);
    const totals all = fold(&w);
    totals got = all;
    for (size_t i = 0; i < a.n; i++) {
        if (foreign[i]) {
            assert_true(all.atom_energy[i] == 0 && largest(3, all.forces + 3 * i) == 0 &&
                        largest(6, all.atom_virial + 6 * i) == 0);
            continue;
        }
        got.atom_energy[at[i]] = all.atom_energy[i];
        memcpy(got.forces + 3 * at[i], all.forces + 3 * i, 3 * sizeof(double));
        memcpy(got.atom_virial + 6 * at[i], all.atom_virial + 6 * i, 6 * sizeof(double));
    }
    same(&got, &want, kept.n, 1e-12);
    /* nothing but foreign atoms: no energy, no NaN */
    for (int p = 0; p < 2; p++)
        for (size_t i = 0; i < w.r[p].nlocal + w.r[p].nghost; i++) w.r[p].elements[i] = -1;
    run(&w, c, 1);
    assert_true(w.r[0].status == RACAH_OK && w.r[0].energy == 0 && w.r[0].interaction == 0);
    assert_true(largest(9, w.r[0].virial) == 0);
    free_world(&w);
    racah_calc_destroy(c[0]), racah_calc_destroy(c[1]);
    racah_model_destroy(m);
}

/* Forces, atom energies and atom virials are added to what is there; energy and virial are set. */
static void test_foreign_elements_are_ignored(void **state)
{
    (void)state;
    for (int set = 0; set < FIXTURE_OPTIONS; set++) check_foreign_elements(set);
}

static void test_outputs_accumulate_or_are_set_as_documented(void **state)
{
    (void)state;
    const racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 5);
    racah_model *m = fixture_model(&cfg, 95);
    racah_calc *c[1] = {fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO)};
    const fixture_atoms a = fixture_structure(8, 97);
    const int mine[64] = {0};
    world w;
    cut(&w, &a, m, mine, 1);
    run(&w, c, 1);
    const totals once = fold(&w);
    run(&w, c, 1);
    const totals twice = fold(&w);
    assert_true(once.energy == twice.energy && once.interaction == twice.interaction);
    assert_memory_equal(once.virial, twice.virial, sizeof once.virial);
    for (size_t i = 0; i < 3 * a.n; i++)
        RACAH_ASSERT_CLOSE_AT(i, twice.forces[i], 2 * once.forces[i], 1e-12, 1e-13);
    for (size_t i = 0; i < a.n; i++)
        RACAH_ASSERT_CLOSE_AT(i, twice.atom_energy[i], 2 * once.atom_energy[i], 0, 1e-14);
    for (size_t i = 0; i < 6 * a.n; i++)
        RACAH_ASSERT_CLOSE_AT(i, twice.atom_virial[i], 2 * once.atom_virial[i], 1e-12, 1e-13);
    /* each output may be left out; energy alone needs no way back */
    rank *r = &w.r[0];
    racah_error err;
    context x = {&w, 0};
    assert_int_equal(pthread_barrier_init(&w.barrier, NULL, 1), 0);
    double e, v[9];
    racah_local s = local_system(r, &x, 1);
    s.energy = &e, s.interaction_energy = NULL, s.forces = s.virial = s.atom_energy = s.atom_virial = NULL;
    r->nforward = r->nreverse = r->ncalls = 0;
    RACAH_ASSERT_OK(racah_compute_local(c[0], &s, &err));
    assert_true(e == once.energy && r->nforward == 1 && r->nreverse == 0);
    s.energy = NULL, s.virial = v;
    r->ncalls = 0;
    RACAH_ASSERT_OK(racah_compute_local(c[0], &s, &err));
    assert_memory_equal(v, once.virial, sizeof v);
    pthread_barrier_destroy(&w.barrier);
    free_world(&w);
    racah_calc_destroy(c[0]);
    racah_model_destroy(m);
}

/* ---- failures -------------------------------------------------------------------------------------------
 */

static void fill_marks(rank *r)
{
    const size_t M = r->nlocal + r->nghost;
    r->energy = r->interaction = 42;
    for (int k = 0; k < 9; k++) r->virial[k] = 42;
    for (size_t i = 0; i < 3 * M; i++) r->forces[i] = 42;
    for (size_t i = 0; i < 6 * M; i++) r->atom_virial[i] = 42;
    for (size_t i = 0; i < r->nlocal; i++) r->atom_energy[i] = 42;
}

static void assert_marks(const rank *r)
{
    const size_t M = r->nlocal + r->nghost;
    assert_true(r->energy == 42 && r->interaction == 42);
    for (int k = 0; k < 9; k++) assert_true(r->virial[k] == 42);
    for (size_t i = 0; i < 3 * M; i++) assert_true(r->forces[i] == 42);
    for (size_t i = 0; i < 6 * M; i++) assert_true(r->atom_virial[i] == 42);
    for (size_t i = 0; i < r->nlocal; i++) assert_true(r->atom_energy[i] == 42);
}

static void test_failing_callbacks_stop_and_leave_outputs_alone(void **state)
{
    (void)state;
    for (int precision = RACAH_DOUBLE; precision <= RACAH_SINGLE; precision++) {
        const racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 2, 1, 2, 5);
        racah_model *m = fixture_model(&cfg, 99);
        racah_calc *c[1] = {fixture_calc(m, RACAH_RADIAL_TABLE, (racah_precision)precision, RACAH_ISA_AUTO)};
        const fixture_atoms a = fixture_structure(8, 101);
        const int mine[64] = {0};
        world w;
        cut(&w, &a, m, mine, 1);
        rank *r = &w.r[0];
        for (int k = 0; k < 4; k++) { /* first and second forward, first and second reverse */
            r->fail_forward = k < 2 ? k + 1 : 0, r->fail_reverse = k < 2 ? 0 : k - 1;
            fill_marks(r);
            run(&w, c, 1);
            assert_int_equal(r->status, RACAH_ECALLBACK);
            assert_int_equal(r->err.code, RACAH_ECALLBACK);
            assert_non_null(
                strstr(r->err.msg, k < 2 ? "forward exchange of layer" : "reverse exchange of layer"));
            assert_int_equal(r->nforward, k < 2 ? k + 1 : 2); /* nothing is called after a failure */
            assert_int_equal(r->nreverse, k < 2 ? 0 : k - 1);
            assert_marks(r);
        }
        r->fail_forward = r->fail_reverse = 0; /* the calculator is as good as before */
        memset(r->forces, 0, 3 * (r->nlocal + r->nghost) * sizeof(double));
        memset(r->atom_virial, 0, 6 * (r->nlocal + r->nghost) * sizeof(double));
        memset(r->atom_energy, 0, r->nlocal * sizeof(double));
        run(&w, c, 1);
        assert_int_equal(r->status, RACAH_OK);
        const totals got = fold(&w), want = level1(c[0], &a);
        same(&got, &want, a.n, precision == RACAH_SINGLE ? 2e-5 : 1e-12);
        free_world(&w);
        racah_calc_destroy(c[0]);
        racah_model_destroy(m);
    }
}

static void refused(racah_calc *c, racah_local *s, rank *r, racah_status status, const char *says)
{
    racah_error err = {0};
    fill_marks(r);
    const racah_status st = racah_compute_local(c, s, &err);
    if (st != status || err.code != status || !strstr(err.msg, says))
        fail_msg("status %d, message '%s', wanted %d, '%s'", st, err.msg, status, says);
    assert_marks(r);
    assert_int_equal(racah_compute_local(c, s, NULL), status);
}

static void test_bad_systems_are_refused(void **state)
{
    (void)state;
    const racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 5);
    racah_model *m = fixture_model(&cfg, 103);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(6, 105);
    const int mine[64] = {0};
    world w;
    cut(&w, &a, m, mine, 1);
    w.element_bytes = 8;
    rank *r = &w.r[0];
    context x = {&w, 0};
    const racah_local good = local_system(r, &x, 1);
    racah_local s = good;
    refused(NULL, &s, r, RACAH_EINVAL, "NULL");
    refused(c, NULL, r, RACAH_EINVAL, "NULL");
    s.size = offsetof(racah_local, close_stop) - 8; /* smaller than the first edition, larger than this one */
    refused(c, &s, r, RACAH_EINVAL, "size field");
    s.size = sizeof s + 8;
    refused(c, &s, r, RACAH_EINVAL, "size field");
    int *row = malloc(r->nghost * sizeof *row);
    for (size_t g = 0; g < r->nghost; g++) row[g] = 0;
    s = good, s.row = row, row[1] = (int)(r->nlocal + r->nghost);
    refused(c, &s, r, RACAH_EINVAL, "row of ghost atom 7 is 42, allowed are 0 .. 41");
    row[1] = -1;
    refused(c, &s, r, RACAH_EINVAL, "row of ghost atom 7 is -1");
    row[1] = (int)r->nlocal;
    refused(c, &s, r, RACAH_EINVAL, "row of ghost atom 7 is 6, a ghost whose own row is 0");
    row[1] = (int)r->nlocal + 1, s.forward = NULL;
    refused(c, &s, r, RACAH_EINVAL, "neither local rows nor exchange callbacks");
    free(row);
    s = good, s.positions = NULL;
    refused(c, &s, r, RACAH_EINVAL, "without positions or elements");
    s = good, s.elements = NULL;
    refused(c, &s, r, RACAH_EINVAL, "without positions or elements");
    s = good, s.numneigh = NULL;
    refused(c, &s, r, RACAH_EINVAL, "without a neighbour list");
    s = good, s.neighbors = NULL;
    refused(c, &s, r, RACAH_EINVAL, "without a neighbour list");
    s = good, s.forward = NULL;
    refused(c, &s, r, RACAH_EINVAL, "neither local rows nor exchange callbacks");
    s = good, s.reverse = NULL;
    refused(c, &s, r, RACAH_EINVAL, "neither local rows nor exchange callbacks");
    s = good;
    const int element = r->elements[2];
    r->elements[2] = 2;
    refused(c, &s, r, RACAH_EINVAL, "element index of atom 2 is 2, allowed are -1 .. 1");
    r->elements[2] = -2;
    refused(c, &s, r, RACAH_EINVAL, "element index of atom 2 is -2");
    r->elements[2] = element;
    const int number = r->numneigh[1], first = r->neighbors[1][0];
    r->numneigh[1] = -1;
    refused(c, &s, r, RACAH_EINVAL, "neighbour list of atom 1: -1 entries");
    r->numneigh[1] = number;
    int *list = r->neighbors[1];
    r->neighbors[1] = NULL;
    refused(c, &s, r, RACAH_EINVAL, "neighbour list of atom 1");
    r->neighbors[1] = list;
    list[0] = (int)(r->nlocal + r->nghost);
    refused(c, &s, r, RACAH_EINVAL, "neighbour 0 of atom 1 is");
    s.neighbor_mask = 0; /* no mask: the high bits count */
    list[0] = -5;
    refused(c, &s, r, RACAH_EINVAL, "is ");
    s = good;
    list[0] = 1; /* itself */
    refused(c, &s, r, RACAH_EINVAL, "atoms 1 and 1 are at the same place");
    s.threads = 3; /* the first bad atom, whichever thread sees one first */
    r->neighbors[4][0] = 4;
    refused(c, &s, r, RACAH_EINVAL, "atoms 1 and 1 are at the same place");
    list[0] = first;
    refused(c, &s, r, RACAH_EINVAL, "atoms 4 and 4 are at the same place");
    const double keep = r->pos[3];
    r->pos[3] = NAN;
    refused(c, &s, r, RACAH_ENUMERIC, "is not finite");
    r->pos[3] = INFINITY;
    refused(c, &s, r, RACAH_ENUMERIC, "is not finite");
    r->pos[3] = keep;
    free_world(&w);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_rank_with_ghosts_equals_level_1),
        cmocka_unit_test(test_shared_rows_of_ghosts_equal_level_1),
        cmocka_unit_test(test_two_ranks_equal_level_1),
        cmocka_unit_test(test_options_on_two_ranks_equal_level_1),
        cmocka_unit_test(test_rank_without_atoms_takes_part_in_every_exchange),
        cmocka_unit_test(test_single_precision_exchanges_floats),
        cmocka_unit_test(test_threads_do_not_change_the_result),
        cmocka_unit_test(test_foreign_elements_are_ignored),
        cmocka_unit_test(test_outputs_accumulate_or_are_set_as_documented),
        cmocka_unit_test(test_failing_callbacks_stop_and_leave_outputs_alone),
        cmocka_unit_test(test_bad_systems_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
