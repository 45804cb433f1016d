/* SPDX-License-Identifier: MIT
 * CP factors for given degrees: from the compiled tables, a quadrature of the sphere, or the tensor's fibres,
 * whichever has the lowest rank. */
#include "cp_internal.h"
#include "racah_sphere.h"

#include <math.h>
#include <string.h>

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

const racahi_cp_factors *racahi_cp_factors_find(int l1, int l2, int l3, racahi_cp_family family,
                                                racahi_cp_paths paths, bool approximate)
{
    for (const racahi_cp_factors *t = racahi_cp_tables; t->rank; t++)
        if (t->l1 == l1 && t->l2 == l2 && t->l3 == l3 && t->family == family && t->paths == paths &&
            (t->residual > RACAHI_CP_EXACT) == approximate)
            return t;
    return NULL;
}

/* ---- candidates -------------------------------------------------------------------------------- */

/* A way to get the factors; order[i] is the factor of the source that becomes factor i. */
typedef struct candidate {
    size_t rank;
    const racahi_cp_factors *table;
    int order[3];
    int fibre; /* index along which the fibres run, -1: not fibres */
    const racahi_quadrature *quadrature;
} candidate;

static const int permutations[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* Even triples of wigner_3j and Gaunt tensors are symmetric under all permutations of their three indices. */
static void try_tables(candidate *best, const int want[3], racahi_cp_family family, racahi_cp_paths paths)
{
    int l[3]; /* degrees above the sum of the other two are not reached: zero rows */
    for (int i = 0; i < 3; i++) {
        int sum = want[(i + 1) % 3] + want[(i + 2) % 3];
        l[i] = want[i] < sum ? want[i] : sum;
    }
    for (const racahi_cp_factors *t = racahi_cp_tables; t->rank; t++) {
        if (t->family != family || t->paths != paths || t->residual > RACAHI_CP_EXACT) continue;
        const int have[3] = {t->l1, t->l2, t->l3};
        for (int p = 0; p < (paths == RACAHI_CP_EVEN ? 6 : 1); p++) {
            const int *o = permutations[p];
            bool fits = l[0] <= have[o[0]] && l[1] <= have[o[1]] && l[2] <= have[o[2]];
            if (!fits || (size_t)t->rank >= best->rank) continue;
            *best =
                (candidate){.rank = (size_t)t->rank, .table = t, .order = {o[0], o[1], o[2]}, .fibre = -1};
        }
    }
}

/* Element of T where index f has the value a and the two after it (cyclically) b and c. */
static double element(const double *T, const size_t n[3], int f, size_t a, size_t b, size_t c)
{
    size_t i[3];
    i[f] = a, i[(f + 1) % 3] = b, i[(f + 2) % 3] = c;
    return T[(i[0] * n[1] + i[1]) * n[2] + i[2]];
}

/* The generator leaves rounding errors where selection rules demand zeros. */
static bool fibre_is_zero(const double *T, const size_t n[3], int f, size_t b, size_t c)
{
    for (size_t a = 0; a < n[f]; a++)
        if (fabs(element(T, n, f, a, b, c)) > 1e-14) return false;
    return true;
}

static void try_fibres(candidate *best, const double *T, const size_t n[3])
{
    for (int f = 0; f < 3; f++) {
        size_t count = 0;
        for (size_t b = 0; b < n[(f + 1) % 3]; b++)
            for (size_t c = 0; c < n[(f + 2) % 3]; c++) count += !fibre_is_zero(T, n, f, b, c);
        if (count < best->rank) *best = (candidate){.rank = count, .fibre = f};
    }
}

/* ---- filling -------------------------------------------------------------------------------------- */

static void fill_table(const candidate *c, const size_t n[3], double *const F[3])
{
    const double *src[3] = {c->table->A, c->table->B, c->table->C};
    const int l[3] = {c->table->l1, c->table->l2, c->table->l3};
    for (int i = 0; i < 3; i++) {
        size_t rows = square(l[c->order[i]]); /* fewer than n[i] where no path reaches the last degrees */
        memcpy(F[i], src[c->order[i]], sizeof(double) * c->rank * (n[i] < rows ? n[i] : rows));
    }
}

static void fill_fibres(const candidate *q, const double *T, const size_t n[3], double *const F[3])
{
    int f = q->fibre, g = (f + 1) % 3, h = (f + 2) % 3;
    size_t r = 0;
    for (size_t b = 0; b < n[g]; b++)
        for (size_t c = 0; c < n[h]; c++) {
            if (fibre_is_zero(T, n, f, b, c)) continue;
            F[g][b * q->rank + r] = F[h][c * q->rank + r] = 1;
            for (size_t a = 0; a < n[f]; a++) F[f][a * q->rank + r] = element(T, n, f, a, b, c);
            r++;
        }
}

/* z_k = 1/(4 pi) integral x(r) y(r) Y_k(r): values at the points, and back with the weights. */
static racah_status fill_quadrature(const candidate *q, const int l[3], const size_t n[3], double *const F[3],
                                    racah_error *err)
{
    const double four_pi = 4 * 3.14159265358979323846;
    for (int i = 0; i < 3; i++) {
        double *Y = racahi_malloc(q->rank * n[i], sizeof *Y);
        if (!Y) return racahi_fail(err, RACAH_ENOMEM, "cp: values at %zu points do not fit", q->rank);
        racah_status s =
            racah_sph_eval_f64(l[i], RACAH_SPH_COMPONENT, q->rank, q->quadrature->r, Y, NULL, err);
        for (size_t r = 0; s == RACAH_OK && r < q->rank; r++)
            for (size_t k = 0; k < n[i]; k++)
                F[i][k * q->rank + r] = Y[r * n[i] + k] * (i == 2 ? q->quadrature->w[r] / four_pi : 1);
        racahi_free(Y);
        RACAHI_TRY(s);
    }
    return RACAH_OK;
}

static racahi_cp_factors *alloc_factors(const size_t n[3], size_t rank)
{
    racahi_cp_factors *f = racahi_calloc(1, sizeof *f);
    double *block = racahi_calloc((n[0] + n[1] + n[2]) * rank, sizeof *block);
    if (!f || !block) {
        racahi_free(f), racahi_free(block);
        return NULL;
    }
    f->A = block, f->B = block + n[0] * rank, f->C = block + (n[0] + n[1]) * rank;
    return f;
}

/* Component coefficients are sqrt(2 l3 + 1) times those of unit norm. */
static void scale_rows(double *C, int l3, size_t rank)
{
    for (int l = 0; l <= l3; l++)
        for (size_t k = (size_t)(l * l) * rank; k < square(l) * rank; k++) C[k] *= sqrt(2.0 * l + 1);
}

typedef enum choice { LOWEST_RANK, ONLY_QUADRATURE, APPROXIMATE } choice;

static racah_status build(racahi_cp_factors **out, const int l[3], racahi_cp_family family,
                          racahi_cp_paths paths, choice how, const double *T,
                          const racahi_quadrature *quadrature, racah_error *err)
{
    const size_t n[3] = {square(l[0]), square(l[1]), square(l[2])};
    racahi_cp_family stored = family == RACAHI_CP_COMPONENT ? RACAHI_CP_UNIT : family;
    candidate best = {.rank = SIZE_MAX, .fibre = -1};
    if (how == APPROXIMATE) {
        const racahi_cp_factors *t = racahi_cp_factors_find(l[0], l[1], l[2], stored, paths, true);
        if (!t)
            return racahi_fail(
                err, RACAH_EUNSUPPORTED,
                "cp: no approximate factors for degrees (%d,%d,%d); `racah tp` lists the tables", l[0], l[1],
                l[2]);
        best = (candidate){.rank = (size_t)t->rank, .table = t, .order = {0, 1, 2}, .fibre = -1};
    } else if (how == ONLY_QUADRATURE) {
        best = (candidate){.rank = quadrature->n, .fibre = -1, .quadrature = quadrature};
    } else {
        try_tables(&best, l, stored, paths);
        /* an exact table beats equal ranks of the others, a quadrature has better conditioned entries than
         * fibres */
        if (quadrature && quadrature->n < best.rank)
            best = (candidate){.rank = quadrature->n, .fibre = -1, .quadrature = quadrature};
        try_fibres(&best, T, n);
    }
    racahi_cp_factors *f = alloc_factors(n, best.rank);
    if (!f) return racahi_fail(err, RACAH_ENOMEM, "cp: factors of rank %zu do not fit", best.rank);
    double *const F[3] = {(double *)f->A, (double *)f->B, (double *)f->C};
    racah_status s = RACAH_OK;
    if (best.table)
        fill_table(&best, n, F);
    else if (best.quadrature)
        s = fill_quadrature(&best, l, n, F, err);
    else
        fill_fibres(&best, T, n, F);
    if (best.table && family == RACAHI_CP_COMPONENT) scale_rows(F[2], l[2], best.rank);
    f->l1 = l[0], f->l2 = l[1], f->l3 = l[2];
    f->family = family, f->paths = paths, f->rank = (int)best.rank;
    f->source = best.table ? "table" : best.quadrature ? "quadrature" : "fibres";
    f->residual = racahi_cp_residual(f, T);
    if (s != RACAH_OK) {
        racahi_cp_factors_destroy(f);
        return s;
    }
    *out = f;
    return RACAH_OK;
}

static racah_status create(racahi_cp_factors **out, int l1, int l2, int l3, racahi_cp_family family,
                           racahi_cp_paths paths, choice how, racahi_quadrature_kind kind,
                           racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "cp: out = NULL");
    *out = NULL;
    RACAHI_TRY(racahi_cp_check(l1, l2, l3, family, paths, err));
    const int l[3] = {l1, l2, l3};
    double *T = racahi_calloc(square(l1) * square(l2) * square(l3), sizeof *T);
    racahi_quadrature *quadrature = NULL;
    racah_status s = T ? racahi_cp_target(l1, l2, l3, family, paths, T, err)
                       : racahi_fail(err, RACAH_ENOMEM, "cp: the tensor (%d,%d,%d) does not fit", l1, l2, l3);
    if (s == RACAH_OK && family == RACAHI_CP_GAUNT)
        s = racahi_quadrature_create(&quadrature, l1 + l2 + l3, kind, err);
    if (s == RACAH_OK) s = build(out, l, family, paths, how, T, quadrature, err);
    racahi_quadrature_destroy(quadrature);
    racahi_free(T);
    return s;
}

racah_status racahi_cp_factors_create(racahi_cp_factors **out, int l1, int l2, int l3,
                                      racahi_cp_family family, racahi_cp_paths paths, bool approximate,
                                      racah_error *err)
{
    return create(out, l1, l2, l3, family, paths, approximate ? APPROXIMATE : LOWEST_RANK,
                  RACAHI_QUADRATURE_BEST, err);
}

racah_status racahi_cp_factors_quadrature(racahi_cp_factors **out, int l1, int l2, int l3,
                                          racahi_quadrature_kind kind, racah_error *err)
{
    return create(out, l1, l2, l3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, ONLY_QUADRATURE, kind, err);
}

void racahi_cp_factors_destroy(racahi_cp_factors *f)
{
    if (!f) return;
    racahi_free((double *)f->A); /* one block holds A, B and C */
    racahi_free(f);
}
