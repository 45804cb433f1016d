/* SPDX-License-Identifier: MIT
 * The bytes per atom and the fixed bytes that a calculator predicts, against the growth of the process: each
 * case runs in a child of its own, whose peak is nobody else's. Workspaces, which are not predicted, are there after
 * a small system; the growth from there to a large one is that of the atoms. */
#include "support.h"

#include "../src/model/model.h"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#define CUTOFF 4.5
#define SPACING 2.2 /* A, simple cubic, displaced: 33 neighbours */

typedef struct box {
    size_t nlocal, nall, nedge;
    double side, *pos; /* [nall][3], local atoms first */
    int *Z, *element, *owner, *numneigh;
    const int **neighbors;
} box;

static void *take(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p) abort();
    return p;
}

/* Images of the atoms within the cutoff of the box. */
static void add_ghosts(box *b)
{
    size_t most = b->nlocal * 8;
    b->pos = realloc(b->pos, 3 * most * sizeof *b->pos);
    b->owner = take(most, sizeof *b->owner);
    if (!b->pos) abort();
    b->nall = b->nlocal;
    for (size_t i = 0; i < b->nlocal; i++) b->owner[i] = (int)i;
    for (int s = 0; s < 27; s++) {
        const int shift[3] = {s % 3 - 1, s / 3 % 3 - 1, s / 9 - 1};
        for (size_t i = 0; i < b->nlocal && s != 13; i++) {
            double x[3];
            bool near = true;
            for (int a = 0; a < 3; a++) {
                x[a] = b->pos[3 * i + (size_t)a] + shift[a] * b->side;
                near = near && x[a] > -CUTOFF - 0.2 && x[a] < b->side + CUTOFF + 0.2;
            }
            if (!near) continue;
            if (b->nall == most) abort();
            memcpy(b->pos + 3 * b->nall, x, sizeof x);
            b->owner[b->nall++] = (int)i;
        }
    }
    b->element = take(b->nall, sizeof *b->element);
    for (size_t i = 0; i < b->nall; i++) b->element[i] = b->owner[i] % 2;
}

/* n^3 local atoms of two elements; lists without a skin. */
static box make_box(int n)
{
    box b = {.nlocal = (size_t)n * (size_t)n * (size_t)n, .side = n * SPACING};
    uint64_t seed = 3;
    b.pos = take(3 * b.nlocal, sizeof *b.pos);
    b.Z = take(b.nlocal, sizeof *b.Z);
    for (size_t i = 0; i < b.nlocal; i++) {
        const int place[3] = {(int)i % n, (int)i / n % n, (int)i / n / n};
        for (int a = 0; a < 3; a++)
            b.pos[3 * i + (size_t)a] = SPACING * place[a] + 0.4 * (racah_test_uniform(&seed) - 0.5);
        b.Z[i] = i % 2 ? 8 : 1;
    }
    add_ghosts(&b);
    b.numneigh = take(b.nlocal, sizeof *b.numneigh);
    b.neighbors = take(b.nlocal, sizeof *b.neighbors);
    int list[1024];
    for (size_t i = 0; i < b.nlocal; i++) {
        for (size_t j = 0; j < b.nall; j++) {
            double r2 = 0;
            for (size_t a = 0; a < 3; a++)
                r2 += (b.pos[3 * i + a] - b.pos[3 * j + a]) * (b.pos[3 * i + a] - b.pos[3 * j + a]);
            if (i != j && r2 < CUTOFF * CUTOFF) list[b.numneigh[i]++] = (int)j;
        }
        int *mine = take((size_t)b.numneigh[i], sizeof *mine);
        memcpy(mine, list, (size_t)b.numneigh[i] * sizeof *mine);
        b.neighbors[i] = mine;
        b.nedge += (size_t)b.numneigh[i];
    }
    return b;
}

typedef struct exchange {
    const box *b;
    size_t bytes;
} exchange;

static int to_ghosts(void *ctx, void *rows, size_t width)
{
    const exchange *x = ctx;
    const size_t row = width * x->bytes;
    for (size_t i = x->b->nlocal; i < x->b->nall; i++)
        memcpy((char *)rows + i * row, (char *)rows + (size_t)x->b->owner[i] * row, row);
    return 0;
}

/* Where the gradients go does not matter here. */
static int from_ghosts(void *ctx, void *rows, size_t width)
{
    (void)ctx, (void)rows, (void)width;
    return 0;
}

static void run(racah_calc *c, const box *b, int level, int threads)
{
    racah_error err;
    double energy, virial[9], *forces = take(3 * b->nall, sizeof *forces);
    const double cell[9] = {b->side, 0, 0, 0, b->side, 0, 0, 0, b->side};
    exchange x = {b, racah_calc_exchange_bytes(c)};
    racah_structure one = {.size = sizeof one,
                           .threads = threads,
                           .natoms = b->nlocal,
                           .positions = b->pos,
                           .atomic_numbers = b->Z,
                           .cell = cell,
                           .pbc = {1, 1, 1},
                           .energy = &energy,
                           .forces = forces,
                           .virial = virial};
    racah_local two = {.size = sizeof two,
                       .threads = threads,
                       .nlocal = b->nlocal,
                       .nghost = b->nall - b->nlocal,
                       .positions = b->pos,
                       .elements = b->element,
                       .numneigh = b->numneigh,
                       .neighbors = b->neighbors,
                       .forward = to_ghosts,
                       .reverse = from_ghosts,
                       .exchange_ctx = &x,
                       .energy = &energy,
                       .forces = forces,
                       .virial = virial};
    const racah_status st = level == 1 ? racah_compute(c, &one, &err) : racah_compute_local(c, &two, &err);
    if (st != RACAH_OK) fprintf(stderr, "%s\n", err.msg), _exit(1);
    free(forces);
}

/* VmRSS or VmHWM of this process, bytes. */
static double memory(const char *what)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, what, strlen(what)) == 0) kb = strtod(line + strlen(what) + 1, NULL);
    if (f) fclose(f);
    return 1024 * kb;
}

typedef struct measured {
    double fixed, fixed_grown, workspace, atoms, grown;
} measured;

typedef struct footprint_case {
    const char *name;
    racahi_config cfg;
    racah_precision precision;
    int level, threads;
} footprint_case;

/* In the child: what a first small run touches (code, BLAS) is there before the measurement begins. */
static measured measure(const footprint_case *k, const box *small, const box *large)
{
    racah_error err;
    racah_model *m = NULL;
    racah_calc *c = NULL;
    const racah_calc_options o = {.size = sizeof o, .precision = k->precision};
    if (racahi_model_create(&m, &k->cfg, &err) != RACAH_OK) _exit(1);
    racahi_model_init(m, 1);
    if (racah_calc_create(&c, m, &o, &err) != RACAH_OK) _exit(1);
    run(c, small, k->level, k->threads);
    racah_calc_destroy(c);
    malloc_trim(0);
    const double before = memory("VmRSS");
    if (racah_calc_create(&c, m, &o, &err) != RACAH_OK) _exit(1);
    const double made = memory("VmRSS");
    run(c, small, k->level, k->threads);
    const double ready = memory("VmRSS");
    run(c, large, k->level, k->threads);
    const double n = (double)large->nlocal;
    const double ghosts = k->level == 2 ? (double)(large->nall - large->nlocal) / n : 0;
    const double each = (double)racah_calc_bytes_per_atom(c, (double)large->nedge / n, ghosts);
    measured r = {
        .fixed = (double)racah_calc_fixed_bytes(c),
        .fixed_grown = made - before,
        .workspace = ready - made,
        .atoms = (n - (double)small->nlocal) * each,
        .grown = memory("VmHWM") - ready,
    };
    return r;
}

static measured in_a_child(const footprint_case *k, const box *small, const box *large)
{
    measured r = {0};
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        r = measure(k, small, large);
        _exit(write(ends[1], &r, sizeof r) == sizeof r ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &r, sizeof r), sizeof r);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return r;
}

static racahi_config shape(int layers, int l_max, int l_hidden, int correlation, int channels)
{
    return (racahi_config){.nelem = 2,
                           .Z = {1, 8},
                           .layers = layers,
                           .channels = channels,
                           .l_max = l_max,
                           .l_hidden = l_hidden,
                           .correlation = correlation,
                           .weights = RACAHI_W_PATH,
                           .family = RACAHI_FAMILY_COMPONENT,
                           .r_max = CUTOFF,
                           .nbessel = 8,
                           .cutoff_p = 5,
                           .nmlp = 2,
                           .mlp = {64, 64},
                           .readout_width = 16,
                           .lambda = {5, 5, 5, 5}};
}

static void test_bytes_per_atom_are_what_the_process_grows_by(void **state)
{
    (void)state;
    const footprint_case cases[] = {
        {"2 layers, 32 channels, level 1", shape(2, 3, 1, 3, 32), RACAH_DOUBLE, 1, 1},
        {"2 layers, 32 channels, level 2", shape(2, 3, 1, 3, 32), RACAH_DOUBLE, 2, 1},
        {"2 layers, 32 channels, level 2, single", shape(2, 3, 1, 3, 32), RACAH_SINGLE, 2, 1},
        {"2 layers, 32 channels, level 2, 2 threads", shape(2, 3, 1, 3, 32), RACAH_DOUBLE, 2, 2},
        {"3 layers, 16 channels, l 2, level 2", shape(3, 2, 2, 2, 16), RACAH_DOUBLE, 2, 1},
        {"2 layers, 96 scalar channels, level 2, single", shape(2, 3, 0, 3, 96), RACAH_SINGLE, 2, 1},
        {"1 layer, 24 channels, level 1", shape(1, 3, 0, 3, 24), RACAH_DOUBLE, 1, 1},
    };
    const box small = make_box(5), large = make_box(15); /* 125 and 3375 atoms */
    print_message("%zu atoms with %.1f neighbours and %.2f ghosts each\n", large.nlocal,
                  (double)large.nedge / (double)large.nlocal,
                  (double)(large.nall - large.nlocal) / (double)large.nlocal);
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const measured r = in_a_child(&cases[i], &small, &large);
        const double ratio = r.grown / r.atoms;
        print_message("%-46s fixed %.2f MB, measured %.2f, workspaces %.2f; atoms %.1f MB, measured %.1f: %.3f\n",
                      cases[i].name, r.fixed / 1e6, r.fixed_grown / 1e6, r.workspace / 1e6, r.atoms / 1e6, r.grown / 1e6,
                      ratio);
        /* level 1 makes the neighbour list itself; making tables takes memory for a while, which malloc may keep */
        wrong += !(ratio > 0.8 && ratio < (cases[i].level == 1 ? 1.35 : 1.2)) || r.fixed_grown < 0.8 * r.fixed || r.fixed_grown > 1.2 * r.fixed + 4e6;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_per_atom_are_what_the_process_grows_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
