/* SPDX-License-Identifier: MIT
 * CP factors: every table against its tensor, truncation and permutation, fall-backs, the fitter. */
#include "support.h"

#include "../../tp/cp_internal.h"
#include "racah_sphere.h"
#include "racah_tp.h"

static size_t square(int l) { return (size_t)((l + 1) * (l + 1)); }

static double *target(int l1, int l2, int l3, racahi_cp_family family, racahi_cp_paths paths)
{
    racah_error err;
    double *T = racahi_malloc(square(l1) * square(l2) * square(l3), sizeof *T);
    assert_non_null(T);
    RACAH_ASSERT_OK(racahi_cp_target(l1, l2, l3, family, paths, T, &err));
    return T;
}

static double largest(const double *a, size_t n)
{
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(a[i]));
    return m;
}

static void test_cp_target_has_the_known_elements(void **state)
{
    (void)state;
    double *g = target(1, 1, 1, RACAHI_CP_GAUNT, RACAHI_CP_EVEN);
    double *u = target(1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL);
    double *c = target(1, 1, 1, RACAHI_CP_COMPONENT, RACAHI_CP_ALL);
    /* 1 * x = x and x * x = 1 + ..; the cross product x x y = z with norm 1/sqrt 6 */
    RACAH_ASSERT_CLOSE(g[(0 * 4 + 1) * 4 + 1], 1, 1e-15, 0);
    RACAH_ASSERT_CLOSE(g[(1 * 4 + 1) * 4 + 0], 1, 1e-15, 0);
    RACAH_ASSERT_CLOSE(g[(1 * 4 + 2) * 4 + 3], 0, 1e-15, 0);
    RACAH_ASSERT_CLOSE(fabs(u[(1 * 4 + 2) * 4 + 3]), 1 / sqrt(6), 1e-15, 0);
    RACAH_ASSERT_CLOSE(fabs(c[(1 * 4 + 2) * 4 + 3]), sqrt(3. / 6), 1e-15, 0);
    int nonzero = 0; /* the count of design.md 3.1 */
    for (int i = 0; i < 64; i++) nonzero += fabs(u[i]) > 1e-14;
    assert_int_equal(nonzero, 16);
    racahi_free(g), racahi_free(u), racahi_free(c);
}

static void test_cp_every_table_is_what_it_says(void **state)
{
    (void)state;
    int exact = 0, approximate = 0;
    for (const racahi_cp_factors *t = racahi_cp_tables; t->rank; t++) {
        double *T = target(t->l1, t->l2, t->l3, t->family, t->paths);
        double residual = racahi_cp_residual(t, T);
        bool is_exact = t->residual <= RACAHI_CP_EXACT;
        is_exact ? exact++ : approximate++;
        /* exact ones are given to two digits of a rounding error */
        if (is_exact)
            assert_true(residual <= RACAHI_CP_EXACT);
        else
            RACAH_ASSERT_CLOSE(residual, t->residual, 0, 0.06);
        assert_true(largest(t->A, square(t->l1) * (size_t)t->rank) < 10);
        assert_true(largest(t->B, square(t->l2) * (size_t)t->rank) < 10);
        assert_true(largest(t->C, square(t->l3) * (size_t)t->rank) < 10);
        assert_ptr_equal(racahi_cp_factors_find(t->l1, t->l2, t->l3, t->family, t->paths, !is_exact), t);
        racahi_free(T);
    }
    assert_true(exact >= 15 && approximate >= 2);
    assert_null(racahi_cp_factors_find(9, 9, 9, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, false));
}

/* Degrees in any order, with zeros, with degrees that no path reaches; all families. */
static void test_cp_factors_of_all_degrees_are_exact(void **state)
{
    (void)state;
    racah_error err;
    for (int l1 = 0; l1 <= 4; l1++)
        for (int l2 = 0; l2 <= 4; l2++)
            for (int l3 = 0; l3 <= 4; l3++)
                for (int k = 0; k < 4; k++) {
                    const racahi_cp_family family[4] = {RACAHI_CP_GAUNT, RACAHI_CP_UNIT, RACAHI_CP_COMPONENT,
                                                        RACAHI_CP_UNIT};
                    racahi_cp_paths paths = k == 3 ? RACAHI_CP_ALL : RACAHI_CP_EVEN;
                    racahi_cp_factors *f;
                    RACAH_ASSERT_OK(racahi_cp_factors_create(&f, l1, l2, l3, family[k], paths, false, &err));
                    double *T = target(l1, l2, l3, family[k], paths);
                    if (!(racahi_cp_residual(f, T) <= RACAHI_CP_EXACT && f->residual <= RACAHI_CP_EXACT))
                        fail_msg("(%d,%d,%d) family %d: residual %g", l1, l2, l3, k, f->residual);
                    if (l1 * l2 * l3 > 0 && k < 3) assert_string_not_equal(f->source, "fibres");
                    if (l1 * l2 * l3 == 0 && k < 2) { /* a product with a scalar: one term for each pair */
                        int lo = l1 == 0   ? (l2 < l3 ? l2 : l3)
                                 : l2 == 0 ? (l1 < l3 ? l1 : l3)
                                           : (l1 < l2 ? l1 : l2);
                        assert_true(f->rank <= (lo + 1) * (lo + 1));
                    }
                    racahi_free(T);
                    racahi_cp_factors_destroy(f);
                }
}

static void test_cp_beyond_the_tables_quadrature_or_fibres_are_exact(void **state)
{
    (void)state;
    racah_error err;
    for (int L = 5; L <= 6; L++) {
        racahi_cp_factors *g, *u;
        RACAH_ASSERT_OK(racahi_cp_factors_create(&g, L, L, L, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, false, &err));
        assert_true(g->rank <= (L == 5 ? 86 : 146)); /* Lebedev's number of points */
        assert_true(g->residual <= RACAHI_CP_EXACT);
        assert_true(largest(g->A, square(L) * (size_t)g->rank) < 10);
        RACAH_ASSERT_OK(racahi_cp_factors_create(&u, L, L, L, RACAHI_CP_UNIT, RACAHI_CP_EVEN, false, &err));
        assert_string_equal(u->source, "fibres");
        assert_true(u->residual <= RACAHI_CP_EXACT);
        racahi_cp_factors_destroy(g), racahi_cp_factors_destroy(u);
    }
    racahi_cp_factors *q;
    RACAH_ASSERT_OK(racahi_cp_factors_quadrature(&q, 2, 3, 1, RACAHI_QUADRATURE_BEST, &err));
    assert_string_equal(q->source, "quadrature");
    assert_true(q->residual <= RACAHI_CP_EXACT);
    racahi_cp_factors_destroy(q);
}

static void test_cp_the_ranks_of_the_design_are_reached(void **state)
{
    (void)state;
    static const struct {
        int l1, l2, l3, family, paths, rank;
    } want[] = {
        {1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL, 8},    {2, 2, 2, RACAHI_CP_UNIT, RACAHI_CP_ALL, 30},
        {3, 3, 3, RACAHI_CP_UNIT, RACAHI_CP_ALL, 90},
        {1, 1, 1, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 6},  {1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_EVEN, 6},
        {2, 2, 2, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 18}, {2, 2, 2, RACAHI_CP_UNIT, RACAHI_CP_EVEN, 18},
        {3, 3, 3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 32}, {2, 3, 3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 28},
        {3, 3, 3, RACAHI_CP_UNIT, RACAHI_CP_EVEN, 52},  {4, 4, 4, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 58},
        {1, 3, 1, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 9},  {1, 3, 2, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 16},
        {1, 3, 3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 21}};
    racah_error err;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        racahi_cp_factors *f;
        RACAH_ASSERT_OK(racahi_cp_factors_create(&f, want[i].l1, want[i].l2, want[i].l3,
                                                 (racahi_cp_family)want[i].family,
                                                 (racahi_cp_paths)want[i].paths, false, &err));
        if (f->rank > want[i].rank) fail_msg("%zu: rank %d, want %d", i, f->rank, want[i].rank);
        racahi_cp_factors_destroy(f);
    }
}

static void test_cp_fit_finds_known_ranks_from_random_starts(void **state)
{
    (void)state;
    static const struct {
        int l1, l2, l3, family, paths, rank;
    } t[] = {{1, 1, 1, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 6},
             {1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL, 8},
             {1, 1, 2, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 9},
             {1, 3, 3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, 21}};
    racah_error err;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int n1 = (int)square(t[i].l1), n2 = (int)square(t[i].l2), n3 = (int)square(t[i].l3), R = t[i].rank;
        double *T =
            target(t[i].l1, t[i].l2, t[i].l3, (racahi_cp_family)t[i].family, (racahi_cp_paths)t[i].paths);
        double *F = racahi_malloc((size_t)((n1 + n2 + n3) * R), sizeof *F), residual;
        assert_non_null(F);
        racahi_cp_fit_options o = {
            .rank = R, .seed = 12, .minutes = 10, .tolerance = 1e-14, .largest = 10, .max_restarts = 60};
        RACAH_ASSERT_OK(racahi_cp_fit(T, n1, n2, n3, &o, F, F + n1 * R, F + (n1 + n2) * R, &residual, &err));
        racahi_cp_factors f = {.l1 = t[i].l1,
                               .l2 = t[i].l2,
                               .l3 = t[i].l3,
                               .rank = R,
                               .A = F,
                               .B = F + n1 * R,
                               .C = F + (n1 + n2) * R};
        assert_true(residual <= 1e-14 && racahi_cp_residual(&f, T) <= 1e-14);
        assert_true(largest(F, (size_t)((n1 + n2 + n3) * R)) <= 10);
        racahi_free(T), racahi_free(F);
    }
}

/* Terms that are symmetric under inversion, and under exchange of two or three factors. */
static void test_cp_fit_ties_columns(void **state)
{
    (void)state;
    static const struct {
        int l1, l2, rank, singles;
        racahi_cp_symmetry symmetry;
    } t[] = {{1, 1, 6, 0, RACAHI_CP_ALL_THREE},
             {2, 2, 21, 1, RACAHI_CP_ALL_THREE},
             {3, 3, 52, 0, RACAHI_CP_ALL_THREE},
             {1, 3, 28, 0, RACAHI_CP_LAST_TWO},
             {1, 2, 18, 0, RACAHI_CP_INVERSION}};
    racah_error err;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int l1 = t[i].l1, l2 = t[i].l2, n1 = (int)square(l1), n2 = (int)square(l2), R = t[i].rank;
        double *T = target(l1, l2, l2, RACAHI_CP_UNIT, RACAHI_CP_EVEN), residual;
        double *A = racahi_malloc((size_t)((n1 + 2 * n2) * R), sizeof *A);
        assert_non_null(A);
        double *B = A + n1 * R, *C = B + n2 * R;
        racahi_cp_fit_options o = {.rank = R,
                                   .symmetry = t[i].symmetry,
                                   .singles = t[i].singles,
                                   .seed = 1,
                                   .minutes = 10,
                                   .tolerance = 1e-14,
                                   .largest = 10,
                                   .max_restarts = 60};
        RACAH_ASSERT_OK(racahi_cp_fit(T, n1, n2, n2, &o, A, B, C, &residual, &err));
        if (!(residual <= 1e-14)) fail_msg("case %zu: residual %g", i, residual);
        for (int k = 0; k < n2; k++)
            for (int r = 0; r < R; r++) {
                double b = B[k * R + r];
                if (t[i].symmetry >= RACAHI_CP_LAST_TWO) RACAH_ASSERT_CLOSE(C[k * R + r], b, 1e-12, 0);
                if (t[i].symmetry == RACAHI_CP_ALL_THREE) RACAH_ASSERT_CLOSE(A[k * R + r], b, 1e-12, 0);
                bool odd = (k >= 1 && k < 4) || (k >= 9 && k < 16);
                if (r >= R - t[i].singles)
                    assert_true(!odd || b == 0);
                else if (r % 2 == 0)
                    RACAH_ASSERT_CLOSE(B[k * R + r + 1], odd ? -b : b, 1e-12, 0);
            }
        racahi_free(T), racahi_free(A);
    }
}

/* Terms in fours that the half turns about the axes permute: they must change as functions on the sphere do. */
static void test_cp_fit_ties_columns_by_half_turns(void **state)
{
    (void)state;
    static const struct {
        int l, rank, singles;
    } t[] = {{1, 8, 0}, {2, 30, 2}};
    racah_error err;
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int l = t[i].l, n = (int)square(l), R = t[i].rank;
        double *T = target(l, l, l, RACAHI_CP_UNIT, RACAHI_CP_ALL), residual;
        double *A = racahi_malloc((size_t)(3 * n * R), sizeof *A);
        assert_non_null(A);
        racahi_cp_fit_options o = {.rank = R, .symmetry = RACAHI_CP_TURNS, .singles = t[i].singles, .seed = 1,
                                   .minutes = 10, .tolerance = 1e-14, .largest = 10, .max_restarts = 60};
        RACAH_ASSERT_OK(racahi_cp_fit(T, n, n, n, &o, A, A + n * R, A + 2 * n * R, &residual, &err));
        assert_true(residual <= 1e-14);
        const double r[3] = {0.3, -0.5, 0.7};
        double turned[4][3], Y[4][9];
        for (int q = 0; q < 4; q++)
            for (int a = 0; a < 3; a++) turned[q][a] = q == 0 || q == a + 1 ? r[a] : -r[a];
        RACAH_ASSERT_OK(racah_sph_eval_f64(l, RACAH_SPH_COMPONENT, 4, turned[0], Y[0], NULL, &err));
        for (int f = 0; f < 3; f++)
            for (int c = 0; c < R - t[i].singles; c++) { /* column c as a function, at the point turned with it */
                double value = 0, first = 0;
                for (int k = 0; k < n; k++) {
                    value += A[(f * n + k) * R + c] * (&Y[0][0])[(size_t)(c % 4) * square(l) + (size_t)k];
                    first += A[(f * n + k) * R + c / 4 * 4] * (&Y[0][0])[k];
                }
                RACAH_ASSERT_CLOSE(value, first, 1e-13, 0); /* rounding of ten products of size 1 */
            }
        racahi_free(T), racahi_free(A);
    }
}

static void test_cp_fit_below_the_rank_reports_what_is_left(void **state)
{
    (void)state;
    racah_error err;
    double *T = target(1, 1, 1, RACAHI_CP_GAUNT, RACAHI_CP_EVEN), F[3 * 4 * 4], residual = 0;
    racahi_cp_fit_options o = {
        .rank = 4, .seed = 1, .minutes = 10, .tolerance = 1e-14, .largest = 10, .max_restarts = 3};
    RACAH_ASSERT_OK(racahi_cp_fit(T, 4, 4, 4, &o, F, F + 16, F + 32, &residual, &err));
    racahi_cp_factors f = {.l1 = 1, .l2 = 1, .l3 = 1, .rank = 4, .A = F, .B = F + 16, .C = F + 32};
    RACAH_ASSERT_CLOSE(racahi_cp_residual(&f, T), residual, 1e-12, 1e-9);
    assert_true(residual > 0.1);
    racahi_free(T);
}

static void test_cp_refuses_bad_arguments(void **state)
{
    (void)state;
    racah_error err;
    racahi_cp_factors *f = (void *)&err;
    double T[1], F[3], residual = -1;
    assert_int_equal(racahi_cp_factors_create(NULL, 1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL, false, &err),
                     RACAH_EINVAL);
    assert_int_equal(racahi_cp_factors_create(&f, 12, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL, false, &err),
                     RACAH_EINVAL);
    assert_null(f);
    assert_int_equal(racahi_cp_factors_create(&f, 1, 1, 1, RACAHI_CP_GAUNT, RACAHI_CP_ALL, false, &err),
                     RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "odd"));
    assert_int_equal(racahi_cp_factors_create(&f, 1, 1, 1, (racahi_cp_family)3, RACAHI_CP_ALL, false, &err),
                     RACAH_EINVAL);
    assert_int_equal(racahi_cp_factors_create(&f, 1, 2, 3, RACAHI_CP_UNIT, RACAHI_CP_ALL, true, &err),
                     RACAH_EUNSUPPORTED);
    assert_int_equal(racahi_cp_target(1, 1, 1, RACAHI_CP_UNIT, RACAHI_CP_ALL, NULL, &err), RACAH_EINVAL);
    racahi_cp_fit_options o = {.rank = 0, .minutes = 1};
    T[0] = 1;
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.rank = 2, T[0] = 1,
    o.singles = 1; /* singles without symmetry; an odd number for pairs; unequal ranges */
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = RACAHI_CP_INVERSION;
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = RACAHI_CP_LAST_TWO, o.singles = 0;
    assert_int_equal(racahi_cp_fit(T, 1, 1, 4, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = RACAHI_CP_ALL_THREE;
    assert_int_equal(racahi_cp_fit(T, 4, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = RACAHI_CP_TURNS; /* two terms are not a four */
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = (racahi_cp_symmetry)5;
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    o.symmetry = RACAHI_CP_FREE;
    o.rank = 1, T[0] = NAN;
    assert_int_equal(racahi_cp_fit(T, 1, 1, 1, &o, F, F + 1, F + 2, &residual, &err), RACAH_EINVAL);
    assert_true(residual == -1);
    racahi_cp_factors_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cp_target_has_the_known_elements),
        cmocka_unit_test(test_cp_every_table_is_what_it_says),
        cmocka_unit_test(test_cp_factors_of_all_degrees_are_exact),
        cmocka_unit_test(test_cp_beyond_the_tables_quadrature_or_fibres_are_exact),
        cmocka_unit_test(test_cp_the_ranks_of_the_design_are_reached),
        cmocka_unit_test(test_cp_fit_finds_known_ranks_from_random_starts),
        cmocka_unit_test(test_cp_fit_ties_columns),
        cmocka_unit_test(test_cp_fit_ties_columns_by_half_turns),
        cmocka_unit_test(test_cp_fit_below_the_rank_reports_what_is_left),
        cmocka_unit_test(test_cp_refuses_bad_arguments),
    };
    return cmocka_run_group_tests_name("cp", tests, NULL, NULL);
}
