/* SPDX-License-Identifier: MIT
 * The same answer everywhere:  answers MODEL OUT [REFERENCE]
 *
 * One distorted triclinic crystal of the model's elements, evaluated by every kernel variant of this CPU, with 1 and 2
 * threads, as a whole and as 1, 2 and 4 ranks (threads that hold a slab each and exchange rows as MPI ranks do). All
 * must agree: interaction energy to 1e-9 eV/atom, forces to 1e-9 eV/A; the same evaluation twice, by two calculators,
 * must agree in every bit. OUT.txt gets the first result, OUT.data the structure for LAMMPS; REFERENCE is such an
 * OUT.txt of another build, BLAS or process. RACAH_EXPECT_BLAS = serial, pthread or openmp: the OpenBLAS to be found.
 * With the serial one there are no ranks here: threads may not share it. */
#include "../../src/racah.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 2
#define N (8 * CELLS * CELLS * CELLS)
#define MAX_ALL (N * 27) /* with all images in the cells around */
#define MAX_RANKS 4
#define TOLERANCE 1e-9 /* issue 3; rounding is 1e-12: sums of up to 1e4 terms of 1e0 in another order */

/* Declared here: not every cblas.h of an OpenBLAS has them. */
extern void openblas_set_num_threads(int n);
extern int openblas_get_parallel(void);

static void die(const char *what, const char *why)
{
    fprintf(stderr, "answers: %s: %s\n", what, why);
    exit(1);
}

typedef struct structure {
    double cell[9], pos[3 * N];
    int Z[N], element[N];
} structure;

typedef struct answer {
    double energy, interaction, forces[3 * N];
} answer;

/* Diamond with every atom moved by up to 0.15 A in each direction; a is such that one cutoff fits the cell. */
static void make_structure(structure *s, const racah_model *m)
{
    static const double site[8][3] = {{0, 0, 0}, {0, 2, 2}, {2, 0, 2}, {2, 2, 0}, {1, 1, 1}, {1, 3, 3}, {3, 1, 3}, {3, 3, 1}};
    const double a = fmax(5.43, 1.1 * racah_model_cutoff(m) / CELLS), L = a * CELLS;
    const double cell[9] = {L, 0, 0, 0.1 * L, L, 0, -0.05 * L, 0.07 * L, L};
    uint64_t rng = 1;
    memcpy(s->cell, cell, sizeof cell);
    for (int i = 0; i < N; i++) {
        const int c = i / 8, at[3] = {c % CELLS, c / CELLS % CELLS, c / CELLS / CELLS};
        double f[3];
        for (int k = 0; k < 3; k++) f[k] = (at[k] + site[i % 8][k] / 4) / CELLS;
        for (int k = 0; k < 3; k++) {
            rng = rng * 6364136223846793005u + 1442695040888963407u;
            s->pos[3 * i + k] = f[0] * cell[k] + f[1] * cell[3 + k] + f[2] * cell[6 + k] +
                                0.3 * ((double)(rng >> 11) * 0x1p-53 - 0.5);
        }
        s->element[i] = i * 7 % racah_model_nelements(m);
        s->Z[i] = racah_model_atomic_number(m, s->element[i]);
    }
}

static racah_calc *make_calc(const racah_model *m, racah_isa isa)
{
    racah_calc *calc;
    racah_error err;
    const racah_calc_options o = {.size = sizeof o, .isa = isa};
    racah_status status = racah_calc_create(&calc, m, &o, &err);
    if (status == RACAH_EUNSUPPORTED) return NULL; /* a variant that this CPU or this build lacks */
    if (status != RACAH_OK) die("calculator", err.msg);
    return calc;
}

static void whole(const racah_model *m, const structure *s, racah_isa isa, int threads, answer *a)
{
    racah_error err;
    racah_calc *calc = make_calc(m, isa);
    racah_structure q = {.size = sizeof q, .threads = threads, .natoms = N, .positions = s->pos, .atomic_numbers = s->Z,
                         .cell = s->cell, .pbc = {1, 1, 1}, .energy = &a->energy, .interaction_energy = &a->interaction,
                         .forces = a->forces};
    if (racah_compute(calc, &q, &err) != RACAH_OK) die("compute", err.msg);
    racah_calc_destroy(calc);
}

/* ---- ranks ------------------------------------------------------------------------------------- */

typedef struct world world;

typedef struct rank { /* local atoms first, then ghosts; owner and index there of each */
    world *w;
    size_t nlocal, nghost, bytes;
    double *pos, *forces;
    int *atom, *owner, *index, *element, *numneigh, *list;
    const int **neighbors;
    char *rows;
    double energy, interaction;
    racah_calc *calc;
    int threads;
} rank;

struct world {
    int n;
    rank r[MAX_RANKS];
    pthread_barrier_t barrier;
};

static int forward(void *ctx, void *rows, size_t width)
{
    rank *me = ctx;
    const size_t row = width * me->bytes;
    me->rows = rows;
    pthread_barrier_wait(&me->w->barrier);
    for (size_t g = me->nlocal; g < me->nlocal + me->nghost; g++)
        memcpy(me->rows + g * row, me->w->r[me->owner[g]].rows + (size_t)me->index[g] * row, row);
    pthread_barrier_wait(&me->w->barrier);
    return 0;
}

static int reverse(void *ctx, void *rows, size_t width)
{
    rank *me = ctx;
    me->rows = rows;
    pthread_barrier_wait(&me->w->barrier);
    for (int q = 0; q < me->w->n; q++) {
        const rank *from = &me->w->r[q];
        for (size_t g = from->nlocal; g < from->nlocal + from->nghost; g++) {
            if (&me->w->r[from->owner[g]] != me) continue;
            double *to = (double *)rows + (size_t)from->index[g] * width;
            const double *add = (const double *)from->rows + g * width;
            for (size_t k = 0; k < width; k++) to[k] += add[k];
        }
    }
    pthread_barrier_wait(&me->w->barrier);
    return 0;
}

static void *run_rank(void *arg)
{
    rank *me = arg;
    racah_error err;
    omp_set_num_threads(1); /* racah.h: in each thread, for an OpenBLAS with OpenMP */
    racah_local q = {.size = sizeof q, .threads = me->threads, .nlocal = me->nlocal, .nghost = me->nghost,
                     .positions = me->pos, .elements = me->element, .numneigh = me->numneigh, .neighbors = me->neighbors,
                     .forward = forward, .reverse = reverse, .exchange_ctx = me, .energy = &me->energy,
                     .interaction_energy = &me->interaction, .forces = me->forces};
    if (racah_compute_local(me->calc, &q, &err) != RACAH_OK) die("compute local", err.msg);
    return NULL;
}

static double distance2(const double *a, const double *b)
{
    return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]);
}

static void *zeros(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p) die("memory", "there is none");
    return p;
}

static int slab_of(const structure *s, int i, int n)
{
    int k = (int)floor(s->pos[3 * i] / s->cell[0] * n);
    return k < 0 ? 0 : k >= n ? n - 1 : k;
}

static void add_atom(rank *r, const structure *s, int i, const double *pos, int owner, int index)
{
    const size_t at = r->nlocal + r->nghost;
    memcpy(r->pos + 3 * at, pos, 3 * sizeof *pos);
    r->atom[at] = i, r->owner[at] = owner, r->index[at] = index, r->element[at] = s->element[i];
}

static void fill_rank(world *w, int me, const structure *s, const int *index, double cutoff)
{
    rank *r = &w->r[me];
    r->w = w;
    r->pos = zeros(3 * MAX_ALL, sizeof *r->pos), r->forces = zeros(3 * MAX_ALL, sizeof *r->forces);
    r->atom = zeros(MAX_ALL, sizeof *r->atom), r->owner = zeros(MAX_ALL, sizeof *r->owner);
    r->index = zeros(MAX_ALL, sizeof *r->index), r->element = zeros(MAX_ALL, sizeof *r->element);
    for (int i = 0; i < N; i++)
        if (slab_of(s, i, w->n) == me) add_atom(r, s, i, s->pos + 3 * i, me, index[i]), r->nlocal++;
    for (int image = 0; image < 27; image++)
        for (int i = 0; i < N; i++) {
            const int n[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1}, owner = slab_of(s, i, w->n);
            double p[3];
            bool near = false;
            if (image == 13 && owner == me) continue;
            for (int k = 0; k < 3; k++)
                p[k] = s->pos[3 * i + k] + n[0] * s->cell[k] + n[1] * s->cell[3 + k] + n[2] * s->cell[6 + k];
            for (size_t a = 0; a < r->nlocal && !near; a++) near = distance2(p, r->pos + 3 * a) < cutoff * cutoff;
            if (near) add_atom(r, s, i, p, owner, index[i]), r->nghost++;
        }
    const size_t all = r->nlocal + r->nghost;
    r->numneigh = zeros(r->nlocal, sizeof *r->numneigh), r->neighbors = zeros(r->nlocal, sizeof *r->neighbors);
    r->list = zeros(r->nlocal * all, sizeof *r->list);
    for (size_t a = 0, used = 0; a < r->nlocal; a++) {
        r->neighbors[a] = r->list + used;
        for (size_t b = 0; b < all; b++)
            if (b != a && distance2(r->pos + 3 * a, r->pos + 3 * b) < cutoff * cutoff)
                r->list[used++] = (int)b, r->numneigh[a]++;
    }
}

static void free_rank(rank *r)
{
    racah_calc_destroy(r->calc);
    free(r->pos), free(r->forces), free(r->atom), free(r->owner), free(r->index), free(r->element);
    free(r->numneigh), free(r->neighbors), free(r->list);
}

static void ranked(const racah_model *m, const structure *s, racah_isa isa, int threads, int n, answer *a)
{
    world w = {.n = n};
    pthread_t thread[MAX_RANKS];
    int index[N], count[MAX_RANKS] = {0};
    for (int i = 0; i < N; i++) index[i] = count[slab_of(s, i, n)]++;
    pthread_barrier_init(&w.barrier, NULL, (unsigned)n);
    for (int k = 0; k < n; k++) {
        fill_rank(&w, k, s, index, racah_model_cutoff(m));
        w.r[k].calc = make_calc(m, isa);
        w.r[k].bytes = racah_calc_exchange_bytes(w.r[k].calc);
        w.r[k].threads = threads;
    }
    for (int k = 0; k < n; k++)
        if (pthread_create(&thread[k], NULL, run_rank, &w.r[k])) die("rank", "no thread for it");
    for (int k = 0; k < n; k++) pthread_join(thread[k], NULL);
    memset(a, 0, sizeof *a);
    for (int k = 0; k < n; k++) {
        const rank *r = &w.r[k];
        a->energy += r->energy, a->interaction += r->interaction;
        for (size_t g = 0; g < r->nlocal + r->nghost; g++)
            for (int x = 0; x < 3; x++) a->forces[3 * r->atom[g] + x] += r->forces[3 * g + (size_t)x];
        free_rank(&w.r[k]);
    }
    pthread_barrier_destroy(&w.barrier);
}

/* ---- judging ----------------------------------------------------------------------------------- */

static int failures;

/* NaN fails. */
static void compare(const char *what, const answer *a, const answer *b)
{
    double e = fabs(a->interaction - b->interaction) / N, f = 0;
    for (int k = 0; k < 3 * N; k++)
        if (!(fabs(a->forces[k] - b->forces[k]) <= f)) f = fabs(a->forces[k] - b->forces[k]);
    const bool good = e <= TOLERANCE && f <= TOLERANCE;
    printf("%-40s energy %.1e eV/atom, forces %.1e eV/A%s\n", what, e, f, good ? "" : "  FAILED");
    failures += !good;
}

static void same_bits(const char *what, const answer *a, const answer *b)
{
    if (memcmp(a, b, sizeof *a) == 0) return;
    printf("%-40s differs from its own repetition  FAILED\n", what);
    failures++;
}

/* ---- files ------------------------------------------------------------------------------------- */

static FILE *open_file(const char *base, const char *suffix, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s%s", base, suffix);
    FILE *f = fopen(path, mode);
    if (!f) die(path, "cannot be opened");
    return f;
}

static void write_answer(const char *base, const answer *a)
{
    FILE *f = open_file(base, ".txt", "w");
    fprintf(f, "%.17g %.17g\n", a->energy, a->interaction);
    for (int i = 0; i < N; i++)
        fprintf(f, "%.17g %.17g %.17g\n", a->forces[3 * i], a->forces[3 * i + 1], a->forces[3 * i + 2]);
    if (fclose(f)) die(base, "cannot be written");
}

static void read_answer(const char *path, answer *a)
{
    FILE *f = open_file(path, "", "r");
    bool ok = fscanf(f, "%lf %lf", &a->energy, &a->interaction) == 2;
    for (int k = 0; ok && k < 3 * N; k++) ok = fscanf(f, "%lf", &a->forces[k]) == 1;
    if (!ok) die(path, "ends early");
    fclose(f);
}

static void write_data(const char *base, const structure *s, const racah_model *m)
{
    const double *c = s->cell;
    FILE *f = open_file(base, ".data", "w");
    fprintf(f, "tests/answers\n\n%d atoms\n%d atom types\n", N, racah_model_nelements(m));
    for (int k = 0; k < 3; k++) fprintf(f, "0 %.17g %clo %chi\n", c[4 * k], 'x' + k, 'x' + k);
    fprintf(f, "%.17g %.17g %.17g xy xz yz\n\nMasses\n\n", c[3], c[6], c[7]);
    for (int e = 0; e < racah_model_nelements(m); e++)
        fprintf(f, "%d %g\n", e + 1, racah_element_mass(racah_model_atomic_number(m, e)));
    fprintf(f, "\nAtoms # atomic\n\n");
    for (int i = 0; i < N; i++)
        fprintf(f, "%d %d %.17g %.17g %.17g\n", i + 1, s->element[i] + 1, s->pos[3 * i], s->pos[3 * i + 1],
                s->pos[3 * i + 2]);
    if (fclose(f)) die(base, "cannot be written");
}

/* Returns whether threads may call it at the same time. */
static bool check_blas(void)
{
    static const char *const names[] = {"serial", "pthread", "openmp"};
    const char *want = getenv("RACAH_EXPECT_BLAS");
    const int got = openblas_get_parallel();
    printf("OpenBLAS: %s\n", got >= 0 && got < 3 ? names[got] : "?");
    if (want && *want && (got < 0 || got > 2 || strcmp(names[got], want) != 0)) die("another OpenBLAS was wanted", want);
    openblas_set_num_threads(1); /* racah.h: the caller's business */
    return got != 0;
}

int main(int argc, char **argv)
{
    static const char *const isa_names[] = {"auto", "baseline", "AVX2", "AVX-512"};
    static structure s;
    static answer first, a, b;
    racah_error err;
    racah_model *m;
    bool have = false;
    if (argc < 3) die("use", "answers MODEL OUT [REFERENCE]");
    const int most_ranks = check_blas() ? MAX_RANKS : 0;
    if (racah_model_load(&m, argv[1], &err) != RACAH_OK) die("model", err.msg);
    make_structure(&s, m);
    write_data(argv[2], &s, m);
    for (racah_isa isa = RACAH_ISA_BASELINE; isa <= RACAH_ISA_AVX512; isa++) {
        racah_calc *probe = make_calc(m, isa);
        if (!probe) {
            printf("%s: not on this machine, skipped\n", isa_names[isa]);
            continue;
        }
        racah_calc_destroy(probe);
        for (int threads = 1; threads <= 2; threads++)
            for (int ranks = 0; ranks <= most_ranks; ranks = ranks ? 2 * ranks : 1) { /* 0: the whole structure */
                char what[80];
                snprintf(what, sizeof what, "%s, %d thread(s), %d rank(s)%s", isa_names[isa], threads, ranks ? ranks : 1,
                         ranks ? "" : " (whole)");
                for (int again = 0; again < 2; again++)
                    if (ranks)
                        ranked(m, &s, isa, threads, ranks, again ? &b : &a);
                    else
                        whole(m, &s, isa, threads, again ? &b : &a);
                same_bits(what, &a, &b);
                if (!have) {
                    double largest = 0;
                    for (int k = 0; k < 3 * N; k++) largest = fmax(largest, fabs(a.forces[k]));
                    if (!(largest > 1e-2 && fabs(a.interaction) > 1e-2)) die("the structure", "has no forces to compare");
                    first = a, have = true;
                }
                compare(what, &a, &first);
            }
    }
    write_answer(argv[2], &first);
    if (argc > 3) {
        read_answer(argv[3], &b);
        compare("against the reference", &first, &b);
    }
    racah_model_destroy(m);
    if (failures) printf("%d comparison(s) failed\n", failures);
    return failures != 0;
}
