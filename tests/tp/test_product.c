/* SPDX-License-Identifier: MIT
 * The many-body product: kernels against the readable twin, gradients against differences, symmetry. */
#include "support.h"

#include "product_internal.h"
#include "racah_tp.h"

typedef struct shape {
    int lmax, Lout, order;
} shape;

/* lmax 0..4, Lout 0..2, order 1..4 (4 for small lmax). */
static const shape shapes[] = {
    {0, 0, 1}, {0, 0, 4}, {0, 1, 3}, {1, 0, 1}, {1, 1, 2}, {1, 2, 3}, {1, 1, 4},
    {2, 0, 2}, {2, 1, 3}, {2, 2, 3}, {2, 0, 4}, {2, 2, 4}, {3, 0, 3}, {3, 1, 3},
    {3, 2, 2}, {3, 0, 4}, {4, 0, 3}, {4, 1, 2}, {4, 2, 3},
};
#define NSHAPE (sizeof shapes / sizeof *shapes)

static size_t rows_A(shape s) { return (size_t)((s.lmax + 1) * (s.lmax + 1)); }
static size_t rows_B(shape s) { return (size_t)((s.Lout + 1) * (s.Lout + 1)); }

static double *array(size_t n)
{
    double *x = racahi_calloc(n, sizeof *x);
    assert_non_null(x);
    return x;
}

static double *random_array(size_t n, uint64_t *seed)
{
    double *x = array(n);
    for (size_t i = 0; i < n; i++) x[i] = racah_test_normal(seed);
    return x;
}

static float *rounded(size_t n, double *x) /* also rounds x itself, so that both see the same numbers */
{
    float *y = racahi_malloc(n, sizeof *y);
    assert_non_null(y);
    for (size_t i = 0; i < n; i++) x[i] = y[i] = (float)x[i];
    return y;
}

/* Everything one comparison needs: a plan, inputs, and what the reference says. */
typedef struct problem {
    shape s;
    size_t Cp, nA, nB, nW, ne;
    racahi_product *plan;
    void *ws;
    double *W, *A, *dB, *coef;   /* in */
    double *B, *dA, *dcoef, *dW; /* out */
    double *rB, *rdA, *rdW;      /* reference */
} problem;

static problem open_problem(shape s, size_t Cp, racahi_isa isa, uint64_t *seed)
{
    racah_error err;
    problem q = {.s = s, .Cp = Cp, .nA = rows_A(s) * Cp, .nB = rows_B(s) * Cp};
    RACAH_ASSERT_OK(racahi_product_create(&q.plan, s.lmax, s.Lout, s.order, isa, &err));
    q.nW = racahi_product_npath(q.plan) * Cp, q.ne = racahi_product_nentry(q.plan) * Cp;
    q.ws = racahi_malloc(racahi_product_ws_size(q.plan), 1);
    assert_non_null(q.ws);
    memset(q.ws, 0xff, racahi_product_ws_size(q.plan)); /* NaN: nothing may be read before it is written */
    q.W = random_array(q.nW, seed), q.A = random_array(q.nA, seed), q.dB = random_array(q.nB, seed);
    q.coef = array(q.ne), q.dcoef = array(q.ne), q.dW = array(q.nW);
    q.B = random_array(q.nB, seed), q.dA = random_array(q.nA, seed); /* to be overwritten */
    q.rB = array(q.nB), q.rdA = array(q.nA), q.rdW = array(q.nW);
    return q;
}

static void close_problem(problem *q)
{
    double *all[] = {q->W, q->A, q->dB, q->coef, q->B, q->dA, q->dcoef, q->dW, q->rB, q->rdA, q->rdW};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
    racahi_free(q->ws);
    racahi_product_destroy(q->plan);
}

static void reference(problem *q)
{
    racah_error err;
    RACAH_ASSERT_OK(
        racahi_product_forward_ref(q->s.lmax, q->s.Lout, q->s.order, q->Cp, q->W, q->A, q->rB, &err));
    RACAH_ASSERT_OK(racahi_product_backward_ref(q->s.lmax, q->s.Lout, q->s.order, q->Cp, q->W, q->A, q->dB,
                                                q->rdA, q->rdW, &err));
}

/* Largest |x - y| over the largest |y|; NaN anywhere gives NaN. */
static double distance(size_t n, const double *x, const double *y)
{
    double d = 0, s = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) return NAN;
        d = fmax(d, fabs(x[i] - y[i])), s = fmax(s, fabs(y[i]));
    }
    return s > 0 ? d / s : d;
}

static double distance_f32(size_t n, const float *x, const double *y)
{
    double *wide = array(n);
    for (size_t i = 0; i < n; i++) wide[i] = x[i];
    double d = distance(n, wide, y);
    racahi_free(wide);
    return d;
}

static bool can_run(racahi_isa isa)
{
    if (isa <= racahi_cpu_best()) return true;
    print_message("skipped: this CPU or build has no %s\n", racahi_isa_name(isa));
    return false;
}

/* ---- against the reference ------------------------------------------------------------------ */

static void test_product_f64_matches_reference(void **state)
{
    (void)state;
    static const size_t channels[] = {8, 16, 24, 40};
    uint64_t seed = 1;
    for (int isa = 0; isa < RACAHI_ISA_COUNT; isa++) {
        if (!can_run((racahi_isa)isa)) continue;
        double worst = 0;
        for (size_t i = 0; i < NSHAPE; i++) {
            problem q = open_problem(shapes[i], channels[(i + (size_t)isa) % 4], (racahi_isa)isa, &seed);
            reference(&q);
            racahi_product_expand_f64(q.plan, q.Cp, q.W, q.coef);
            racahi_product_forward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.B);
            double d = distance(q.nB, q.B, q.rB);
            racahi_product_backward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.dB, q.dA, NULL);
            RACAH_ASSERT_CLOSE_AT(i, distance(q.nA, q.dA, q.rdA), 0.0, 1e-13, 0); /* without weights */
            memset(q.dA, 0xff, q.nA * sizeof(double));
            racahi_product_backward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.dB, q.dA, q.dcoef);
            d = fmax(d, distance(q.nA, q.dA, q.rdA));
            /* += : expand_backward on top of the reference's own gradient doubles it */
            memcpy(q.dW, q.rdW, q.nW * sizeof(double));
            racahi_product_expand_backward_f64(q.plan, q.Cp, q.dcoef, q.dW);
            for (size_t k = 0; k < q.nW; k++) q.dW[k] /= 2;
            d = fmax(d, distance(q.nW, q.dW, q.rdW));
            RACAH_ASSERT_CLOSE_AT(i, d, 0.0, 1e-13,
                                  0); /* sums of up to 500 terms, largest element as scale */
            worst = fmax(worst, d);
            close_problem(&q);
        }
        print_message("%s f64: largest error %.2g\n", racahi_isa_name((racahi_isa)isa), worst);
    }
}

static void test_product_f32_matches_reference(void **state)
{
    (void)state;
    static const size_t channels[] = {16, 48};
    uint64_t seed = 2;
    for (int isa = 0; isa < RACAHI_ISA_COUNT; isa++) {
        if (!can_run((racahi_isa)isa)) continue;
        double worst = 0;
        for (size_t i = 0; i < NSHAPE; i++) {
            problem q = open_problem(shapes[i], channels[i % 2], (racahi_isa)isa, &seed);
            float *A = rounded(q.nA, q.A), *dB = rounded(q.nB, q.dB);
            reference(&q);
            racahi_product_expand_f64(q.plan, q.Cp, q.W, q.coef);
            float *coef = rounded(q.ne, q.coef), *B = rounded(q.nB, q.B), *dA = rounded(q.nA, q.dA);
            float *dcoef = rounded(q.ne, q.dcoef);
            racahi_product_forward_f32(q.plan, q.ws, q.Cp, coef, A, B);
            double d = distance_f32(q.nB, B, q.rB);
            racahi_product_backward_f32(q.plan, q.ws, q.Cp, coef, A, dB, dA, NULL);
            d = fmax(d, distance_f32(q.nA, dA, q.rdA));
            racahi_product_backward_f32(q.plan, q.ws, q.Cp, coef, A, dB, dA, dcoef);
            d = fmax(d, distance_f32(q.nA, dA, q.rdA));
            for (size_t k = 0; k < q.ne; k++) q.dcoef[k] = dcoef[k];
            racahi_product_expand_backward_f64(q.plan, q.Cp, q.dcoef, q.dW);
            d = fmax(d, distance(q.nW, q.dW, q.rdW));
            RACAH_ASSERT_CLOSE_AT(i, d, 0.0, 5e-6, 0); /* 2^-24 x a sum of up to 500 terms */
            worst = fmax(worst, d);
            float *all[] = {A, dB, coef, B, dA, dcoef};
            for (size_t k = 0; k < 6; k++) racahi_free(all[k]);
            close_problem(&q);
        }
        print_message("%s f32: largest error %.2g\n", racahi_isa_name((racahi_isa)isa), worst);
    }
}

/* Relative distance of two results of the same sums: rounding, as a compiler may fuse other multiplications and
 * additions in the kernel for several atoms than in the one for one (clang with sanitizers does). */
#define ASSERT_SAME_SUMS(a, b, n) RACAH_ASSERT_CLOSE(distance((n), (a), (b)), 0, 1e-14, 0)
static void assert_same_sums_f32(const float *a, const float *b, size_t n)
{
    double *wide = array(n);
    for (size_t i = 0; i < n; i++) wide[i] = b[i];
    RACAH_ASSERT_CLOSE(distance_f32(n, a, wide), 0, 3e-6, 0);
    racahi_free(wide);
}

/* 1..9 atoms (blocks of four, two and one) by permuted rows, one row untouched: the single calls.
 */
#define ROWS 10
static const int permuted[ROWS - 1] = {4, 0, 5, 9, 3, 8, 1, 7, 6};
static const shape atom_shapes[] = {{1, 0, 1}, {2, 1, 2}, {3, 0, 3}, {3, 1, 3},
                                    {2, 2, 3}, {2, 0, 4}, {1, 2, 4}};
#define NATOM_SHAPE (sizeof atom_shapes / sizeof *atom_shapes)

static void test_product_atoms_equal_single_calls(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (size_t i = 0; i < NATOM_SHAPE * RACAHI_ISA_COUNT; i++) {
        racahi_isa isa = (racahi_isa)(i / NATOM_SHAPE);
        if (isa > racahi_cpu_best()) continue;
        problem q = open_problem(atom_shapes[i % NATOM_SHAPE], 24, isa, &seed);
        racahi_product_expand_f64(q.plan, q.Cp, q.W, q.coef);
        double *A = random_array(ROWS * q.nA, &seed), *dB = random_array(ROWS * q.nB, &seed);
        double *B = array(ROWS * q.nB), *dA = array(ROWS * q.nA), *dcoef = array(q.ne);
        for (size_t n = 0; n < ROWS; n++) {
            memset(B, 0, ROWS * q.nB * sizeof(double)), memset(dA, 0, ROWS * q.nA * sizeof(double));
            memset(dcoef, 0, q.ne * sizeof(double)), memset(q.dcoef, 0, q.ne * sizeof(double));
            racahi_product_forward_atoms_f64(q.plan, q.ws, q.Cp, n, permuted, q.coef, A, B);
            racahi_product_backward_atoms_f64(q.plan, q.ws, q.Cp, n, permuted, q.coef, A, dB, dA, NULL);
            for (int weights = 0; weights < 2; weights++) {
                for (size_t k = 0; k < n; k++) {
                    size_t r = (size_t)permuted[k];
                    racahi_product_forward_f64(q.plan, q.ws, q.Cp, q.coef, A + r * q.nA, q.B);
                    ASSERT_SAME_SUMS(B + r * q.nB, q.B, q.nB);
                    racahi_product_backward_f64(q.plan, q.ws, q.Cp, q.coef, A + r * q.nA, dB + r * q.nB, q.dA,
                                                weights ? q.dcoef : NULL);
                    ASSERT_SAME_SUMS(dA + r * q.nA, q.dA, q.nA);
                }
                if (weights) break;
                memset(dA, 0, ROWS * q.nA * sizeof(double));
                racahi_product_backward_atoms_f64(q.plan, q.ws, q.Cp, n, permuted, q.coef, A, dB, dA, dcoef);
            }
            ASSERT_SAME_SUMS(dcoef, q.dcoef, q.ne);
            for (size_t k = 0; k < q.nB; k++) assert_true(B[2 * q.nB + k] == 0); /* row 2 is never listed */
            for (size_t k = 0; k < q.nA; k++) assert_true(dA[2 * q.nA + k] == 0);
        }
        racahi_product_forward_atoms_f64(q.plan, q.ws, q.Cp, 2, NULL, q.coef, A, B);
        racahi_product_forward_f64(q.plan, q.ws, q.Cp, q.coef, A + q.nA, q.B);
        ASSERT_SAME_SUMS(B + q.nB, q.B, q.nB);
        double *all[] = {A, dB, B, dA, dcoef};
        for (size_t k = 0; k < 5; k++) racahi_free(all[k]);
        close_problem(&q);
    }
}

static void test_product_atoms_f32_equal_single_calls(void **state)
{
    (void)state;
    uint64_t seed = 31;
    for (size_t i = 0; i < NATOM_SHAPE * RACAHI_ISA_COUNT; i++) {
        racahi_isa isa = (racahi_isa)(i / NATOM_SHAPE);
        if (isa > racahi_cpu_best()) continue;
        problem q = open_problem(atom_shapes[i % NATOM_SHAPE], 16, isa, &seed);
        double *A = random_array(ROWS * q.nA, &seed), *dB = random_array(ROWS * q.nB, &seed);
        racahi_product_expand_f64(q.plan, q.Cp, q.W, q.coef);
        float *coef = rounded(q.ne, q.coef), *fA = rounded(ROWS * q.nA, A), *fdB = rounded(ROWS * q.nB, dB);
        float *B = rounded(q.nB, q.B), *dA = rounded(q.nA, q.dA), *dcoef = rounded(q.ne, q.dcoef);
        float *mB = rounded(ROWS * q.nB, dB), *mdA = rounded(ROWS * q.nA, A),
              *mdcoef = rounded(q.ne, q.dcoef);
        for (size_t n = 1; n < ROWS; n++) {
            memset(dcoef, 0, q.ne * sizeof(float)), memset(mdcoef, 0, q.ne * sizeof(float));
            racahi_product_forward_atoms_f32(q.plan, q.ws, q.Cp, n, permuted, coef, fA, mB);
            racahi_product_backward_atoms_f32(q.plan, q.ws, q.Cp, n, permuted, coef, fA, fdB, mdA, mdcoef);
            for (size_t k = 0; k < n; k++) {
                size_t r = (size_t)permuted[k];
                racahi_product_forward_f32(q.plan, q.ws, q.Cp, coef, fA + r * q.nA, B);
                assert_same_sums_f32(mB + r * q.nB, B, q.nB);
                racahi_product_backward_f32(q.plan, q.ws, q.Cp, coef, fA + r * q.nA, fdB + r * q.nB, dA,
                                            dcoef);
                assert_same_sums_f32(mdA + r * q.nA, dA, q.nA);
            }
            assert_same_sums_f32(mdcoef, dcoef, q.ne);
        }
        void *all[] = {A, dB, coef, fA, fdB, B, dA, dcoef, mB, mdA, mdcoef};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) racahi_free(all[k]);
        close_problem(&q);
    }
}

/* ---- derivatives ------------------------------------------------------------------------------ */

static double objective(problem *q) /* B . dB, through expand so that W matters */
{
    double sum = 0;
    racahi_product_expand_f64(q->plan, q->Cp, q->W, q->coef);
    racahi_product_forward_f64(q->plan, q->ws, q->Cp, q->coef, q->A, q->B);
    for (size_t i = 0; i < q->nB; i++) sum += q->B[i] * q->dB[i];
    return sum;
}

static double central_difference(problem *q, double *x)
{
    const double h = 1e-5, keep = *x;
    *x = keep + h;
    double up = objective(q);
    *x = keep - h;
    double down = objective(q);
    *x = keep;
    return (up - down) / (2 * h);
}

static void test_product_gradient_matches_central_difference(void **state)
{
    (void)state;
    uint64_t seed = 4;
    double worst = 0;
    for (size_t i = 0; i < NSHAPE; i++) {
        problem q = open_problem(shapes[i], 8, racahi_cpu_best(), &seed);
        double size = 1 + fabs(objective(&q));
        racahi_product_backward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.dB, q.dA, q.dcoef);
        racahi_product_expand_backward_f64(q.plan, q.Cp, q.dcoef, q.dW);
        for (int trial = 0; trial < 12; trial++) {
            size_t a = racah_test_next(&seed) % q.nA, w = racah_test_next(&seed) % q.nW;
            double da = central_difference(&q, &q.A[a]), dw = central_difference(&q, &q.W[w]);
            /* rounding 1e-16 size/h + truncation h^2 B''' */
            RACAH_ASSERT_CLOSE_AT(a, q.dA[a], da, 2e-9 * size, 1e-7);
            RACAH_ASSERT_CLOSE_AT(w, q.dW[w], dw, 2e-9 * size, 1e-7);
            worst = fmax(worst, fmax(fabs(q.dA[a] - da), fabs(q.dW[w] - dw)) / size);
        }
        close_problem(&q);
    }
    print_message("central differences: largest deviation %.2g\n", worst);
}

/* ---- symmetry ----------------------------------------------------------------------------------- */

/* x <- D x for a feature of natural parity [(lmax+1)^2][Cp]; D^{l+1} from D^l x R with the unit-norm 3j
 * tensor. */
static void rotate(int lmax, size_t Cp, const double R[9], double sign, double *x)
{
    racah_error err;
    double D[81] = {1}, next[81], C[9 * 3 * 9], y[9];
    for (int l = 0; l <= lmax; l++) {
        int a = 2 * l + 1, b = 2 * l + 3;
        for (size_t c = 0; c < Cp; c++) {
            for (int m = 0; m < a; m++) {
                y[m] = 0;
                for (int n = 0; n < a; n++)
                    y[m] += (l % 2 ? sign : 1) * D[m * a + n] * x[(size_t)(l * l + n) * Cp + c];
            }
            for (int m = 0; m < a; m++) x[(size_t)(l * l + m) * Cp + c] = y[m];
        }
        if (l == lmax) break;
        RACAH_ASSERT_OK(racah_cg_wigner3j(l, 1, l + 1, RACAH_CG_E3NN_06, C, &err));
        memset(next, 0, sizeof next);
        for (int i = 0; i < a * 3 * b; i++)
            for (int j = 0; j < a * 3 * b; j++)
                next[i % b * b + j % b] +=
                    b * C[i] * C[j] * D[i / (3 * b) * a + j / (3 * b)] * R[i / b % 3 * 3 + j / b % 3];
        memcpy(D, next, sizeof D);
    }
}

static void test_product_is_equivariant(void **state)
{
    (void)state;
    uint64_t seed = 5;
    double worst = 0;
    for (size_t i = 0; i < NSHAPE; i++) {
        problem q = open_problem(shapes[i], 8, racahi_cpu_best(), &seed);
        double R[9], sign = i % 2 ? -1 : 1;
        racah_test_rotation(&seed, R);
        racahi_product_expand_f64(q.plan, q.Cp, q.W, q.coef);
        racahi_product_forward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.rB);
        rotate(q.s.Lout, q.Cp, R, sign, q.rB);
        rotate(q.s.lmax, q.Cp, R, sign, q.A);
        racahi_product_forward_f64(q.plan, q.ws, q.Cp, q.coef, q.A, q.B);
        double d = distance(q.nB, q.B, q.rB);
        RACAH_ASSERT_CLOSE_AT(i, d, 0.0, 1e-12, 0);
        worst = fmax(worst, d);
        close_problem(&q);
    }
    print_message("equivariance: largest error %.2g\n", worst);
}

/* ---- shape and errors --------------------------------------------------------------------------- */

static void test_product_paths_are_those_of_the_bases(void **state)
{
    (void)state;
    racah_error err;
    racahi_product *p;
    RACAH_ASSERT_OK(racahi_product_create(&p, 3, 2, 3, RACAHI_ISA_BASE, &err));
    size_t at = 0;
    for (int L = 0; L <= 2; L++)
        for (int nu = 1; nu <= 3; nu++) {
            racahi_symbasis *s;
            RACAH_ASSERT_OK(racahi_symbasis_create(&s, 3, L, nu, &err));
            assert_int_equal(racahi_product_path_offset(p, L, nu), at);
            assert_int_equal(racahi_product_npath_of(p, L, nu), s->npath);
            at += s->npath;
            racahi_symbasis_destroy(s);
        }
    assert_int_equal(racahi_product_npath(p), at);
    /* one multiply-add for each entry forward, two backward; the outer sums add about half of that */
    double n = (double)racahi_product_nentry(p);
    double forward = (double)racahi_product_flops(p, false), backward = (double)racahi_product_flops(p, true);
    assert_true(forward >= 2 * n && forward < 3.1 * n);
    assert_true(backward >= 4 * n && backward < 6.4 * n);
    racahi_product_destroy(p);
}

/* The lists in tp/product_3?3_list.inc are those of the plans; otherwise tp/make_product_list.c must run again. */
static void test_product_of_mace_is_written_out(void **state)
{
    (void)state;
    racah_error err;
    for (int Lout = 0; Lout <= 1; Lout++) {
        racahi_product *p;
        RACAH_ASSERT_OK(racahi_product_create(&p, 3, Lout, 3, RACAHI_ISA_BASE, &err));
        assert_int_equal(p->unrolled, 303 + 10 * Lout);
        racahi_product_destroy(p);
    }
}

static void test_product_refuses_bad_input(void **state)
{
    (void)state;
    static const struct {
        int lmax, Lout, order, isa;
        const char *word;
    } bad[] = {
        {-1, 0, 1, 0, "lmax = -1"}, {5, 0, 1, 0, "lmax = 5"},  {2, -1, 1, 0, "Lout = -1"},
        {2, 5, 1, 0, "Lout = 5"},   {2, 0, 0, 0, "order = 0"}, {2, 0, 5, 0, "order = 5"},
        {4, 0, 4, 0, "order = 4"},  {2, 0, 2, -1, "set -1"},   {2, 0, 2, RACAHI_ISA_COUNT, "set 3"},
    };
    racah_error err;
    double x[64] = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        racahi_product *p = (racahi_product *)&err;
        assert_int_equal(
            racahi_product_create(&p, bad[i].lmax, bad[i].Lout, bad[i].order, (racahi_isa)bad[i].isa, &err),
            RACAH_EINVAL);
        assert_null(p);
        assert_non_null(strstr(err.msg, bad[i].word));
        if (bad[i].isa) continue;
        x[0] = 7; /* outputs of the twins stay untouched */
        assert_int_equal(racahi_product_forward_ref(bad[i].lmax, bad[i].Lout, bad[i].order, 8, x, x, x, &err),
                         RACAH_EINVAL);
        assert_int_equal(
            racahi_product_backward_ref(bad[i].lmax, bad[i].Lout, bad[i].order, 8, x, x, x, x, NULL, &err),
            RACAH_EINVAL);
        assert_true(x[0] == 7);
    }
    assert_int_equal(racahi_product_create(NULL, 1, 0, 1, RACAHI_ISA_BASE, &err), RACAH_EINVAL);
    racahi_product_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_product_f64_matches_reference),
        cmocka_unit_test(test_product_f32_matches_reference),
        cmocka_unit_test(test_product_atoms_equal_single_calls),
        cmocka_unit_test(test_product_atoms_f32_equal_single_calls),
        cmocka_unit_test(test_product_gradient_matches_central_difference),
        cmocka_unit_test(test_product_is_equivariant),
        cmocka_unit_test(test_product_paths_are_those_of_the_bases),
        cmocka_unit_test(test_product_of_mace_is_written_out),
        cmocka_unit_test(test_product_refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
