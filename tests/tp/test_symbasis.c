/* SPDX-License-Identifier: MIT
 * The symmetric basis: dimension by characters, orthonormality, equivariance, order and stability. */
#include "support.h"

#include "racah_tp.h"
#include "symbasis.h"

#define LMAX 4
#define S_MAX 25

/* Every (lmax, L, nu) that the tests go through; nu = 4 is slow to check beyond this. */
static bool covered(int lmax, int L, int nu) { return nu <= 3 ? L <= 4 : lmax <= 2 || (lmax == 3 && L <= 1); }

/* ---- dimension: multiplicity of L in the symmetric power, from characters -------------- */

static double chi(int l, double angle)
{
    double sum = 1;
    for (int m = 1; m <= l; m++) sum += 2 * cos(m * angle);
    return sum;
}

/* Character of the nu-th symmetric power at (rotation by angle) x (inversion if odd): Newton's identity
 * nu h_nu = sum_k p_k h_{nu-k} with p_k the character of the k-th power of the group element. */
static double chi_sym(int lmax, int nu, double angle, bool odd)
{
    double h[RACAHI_SYM_NU_MAX + 1] = {1};
    for (int n = 1; n <= nu; n++) {
        for (int k = 1; k <= n; k++) {
            double p = 0;
            for (int l = 0; l <= lmax; l++) p += (odd && k % 2 && l % 2 ? -1 : 1) * chi(l, k * angle);
            h[n] += p * h[n - k];
        }
        h[n] /= n;
    }
    return h[nu];
}

/* Haar measure (1 - cos a)/(2 pi) da on a full turn; the integrand has degree <= 4*4+4+1 < 64, so 64
 * equidistant points integrate it exactly. */
static double multiplicity(int lmax, int L, int nu)
{
    double sum = 0;
    for (int i = 0; i < 64; i++) {
        double a = 2 * 3.14159265358979323846 * i / 64;
        double pair = chi_sym(lmax, nu, a, false) + (L % 2 ? -1 : 1) * chi_sym(lmax, nu, a, true);
        sum += (1 - cos(a)) * chi(L, a) * pair / 2;
    }
    return sum / 64;
}

static void test_symbasis_dimension_is_that_of_characters(void **state)
{
    (void)state;
    racah_error err;
    assert_int_equal(lround(multiplicity(3, 0, 1)), 1);
    assert_int_equal(lround(multiplicity(3, 0, 2)), 4);
    for (int lmax = 0; lmax <= LMAX; lmax++)
        for (int L = 0; L <= 4; L++)
            for (int nu = 1; nu <= RACAHI_SYM_NU_MAX; nu++) {
                if (!covered(lmax, L, nu)) continue;
                racahi_symbasis *b;
                RACAH_ASSERT_OK(racahi_symbasis_create(&b, lmax, L, nu, &err));
                double want = multiplicity(lmax, L, nu);
                RACAH_ASSERT_CLOSE(want, (double)lround(want), 1e-9, 0);
                if (lround(want) != (long)b->npath)
                    print_error("lmax %d L %d nu %d: %zu paths, characters say %g\n", lmax, L, nu, b->npath,
                                want);
                assert_int_equal(b->npath, lround(want));
                racahi_symbasis_destroy(b);
            }
}

/* ---- shape ------------------------------------------------------------------------------ */

static void test_symbasis_monomials_are_sorted_and_used(void **state)
{
    (void)state;
    racah_error err;
    for (int lmax = 0; lmax <= 3; lmax++)
        for (int nu = 1; nu <= 4; nu++) {
            racahi_symbasis *b;
            if (nu == 4 && lmax > 2) continue;
            RACAH_ASSERT_OK(racahi_symbasis_create(&b, lmax, 1, nu, &err));
            for (size_t q = 0; q < b->nmono; q++) {
                const uint8_t *k = b->mono + q * (size_t)nu;
                for (int t = 0; t < nu; t++) assert_true(k[t] < (lmax + 1) * (lmax + 1));
                for (int t = 1; t < nu; t++) assert_true(k[t - 1] <= k[t]);
                if (q) assert_true(memcmp(k - nu, k, (size_t)nu) < 0);
                double most = 0;
                for (size_t m = 0; m < 3; m++)
                    for (size_t p = 0; p < b->npath; p++)
                        most = fmax(most, fabs(b->U[(m * b->nmono + q) * b->npath + p]));
                assert_true(most > 1e-6);
            }
            racahi_symbasis_destroy(b);
        }
}

/* First order is the feature itself; second order from one degree is the contraction with the 3j tensor. */
static void test_symbasis_low_orders_are_known(void **state)
{
    (void)state;
    racah_error err;
    racahi_symbasis *b;
    RACAH_ASSERT_OK(racahi_symbasis_create(&b, 3, 2, 1, &err));
    assert_int_equal(b->npath, 1);
    assert_int_equal(b->nmono, 5);
    for (size_t m = 0; m < 5; m++)
        for (size_t q = 0; q < 5; q++)
            RACAH_ASSERT_CLOSE_AT(q, b->U[m * 5 + q], m == q ? 1.0 : 0.0, 1e-14, 0);
    assert_int_equal(b->mono[0], 4);
    racahi_symbasis_destroy(b);

    /* L = 0, nu = 2: P_l = sum_m A_lm^2 / sqrt(2 (2l+1)), since the tensor has norm 1/sqrt(2); positive, as
     * e3nn's wigner_3j(l, l, 0) is. */
    RACAH_ASSERT_OK(racahi_symbasis_create(&b, 3, 0, 2, &err));
    assert_int_equal(b->npath, 4);
    assert_int_equal(b->nmono, 16);
    for (int l = 0; l <= 3; l++)
        for (size_t q = 0; q < 16; q++) {
            bool own = b->mono[2 * q] >= l * l && b->mono[2 * q] < (l + 1) * (l + 1);
            assert_int_equal(b->mono[2 * q], b->mono[2 * q + 1]);
            RACAH_ASSERT_CLOSE_AT(q, b->U[q * 4 + (size_t)l], own ? 1 / sqrt(2 * (2 * l + 1.0)) : 0.0, 1e-14,
                                  0);
        }
    racahi_symbasis_destroy(b);
}

/* Number of distinct orders of the factors of a monomial. */
static double orders(int nu, const uint8_t *k)
{
    double n = 1;
    for (int t = 0, run = 0; t < nu; t++) {
        run = t && k[t] == k[t - 1] ? run + 1 : 1;
        n = n * (t + 1) / run;
    }
    return n;
}

static void test_symbasis_components_are_orthonormal(void **state)
{
    (void)state;
    racah_error err;
    double worst = 0;
    for (int lmax = 0; lmax <= LMAX; lmax++)
        for (int L = 0; L <= 2; L++)
            for (int nu = 1; nu <= 4; nu++) {
                if (!covered(lmax, L, nu)) continue;
                racahi_symbasis *b;
                RACAH_ASSERT_OK(racahi_symbasis_create(&b, lmax, L, nu, &err));
                size_t np = b->npath, nm = 2 * (size_t)L + 1;
                double *G = racahi_malloc(np * np, sizeof *G);
                assert_non_null(G);
                double factorial = nu == 4 ? 24 : nu == 3 ? 6 : nu;
                /* G between components m and n of the paths: delta_mn delta_pp' / nu! (Schur's lemma) */
                for (size_t m = 0; m < nm; m++)
                    for (size_t n = 0; n < nm; n++) {
                        memset(G, 0, np * np * sizeof *G);
                        for (size_t q = 0; q < b->nmono; q++) {
                            const double *u = b->U + (m * b->nmono + q) * np,
                                         *v = b->U + (n * b->nmono + q) * np;
                            double w = 1 / orders(nu, b->mono + q * (size_t)nu);
                            for (size_t p = 0; p < np; p++) {
                                if (u[p] == 0) continue;
                                for (size_t r = 0; r < np; r++) G[p * np + r] += w * u[p] * v[r];
                            }
                        }
                        for (size_t i = 0; i < np * np; i++) {
                            double want = m == n && i / np == i % np ? 1 / factorial : 0;
                            worst = fmax(worst, fabs(G[i] - want));
                            RACAH_ASSERT_CLOSE_AT(i, G[i], want, 1e-13, 0);
                        }
                    }
                racahi_free(G);
                racahi_symbasis_destroy(b);
            }
    print_message("orthonormality: largest error %.2g\n", worst);
}

/* ---- equivariance ------------------------------------------------------------------------ */

/* Block-diagonal representation: D^0 = 1, D^1 = R (e3nn's order is x, y, z) and
 * D^{l+1} = (2l+3) C^T (D^l x D^1) C with the unit-norm 3j tensor of (l, 1, l+1). D[l] is (2l+1)x(2l+1). */
static void representations(const double R[9], double D[LMAX + 1][81])
{
    racah_error err;
    D[0][0] = 1;
    memcpy(D[1], R, 9 * sizeof *R);
    for (int l = 1; l < LMAX; l++) {
        int a = 2 * l + 1, b = 2 * l + 3;
        double C[9 * 3 * 9];
        RACAH_ASSERT_OK(racah_cg_wigner3j(l, 1, l + 1, RACAH_CG_E3NN_06, C, &err));
        memset(D[l + 1], 0, 81 * sizeof(double));
        for (int i = 0; i < a * 3 * b; i++)
            for (int j = 0; j < a * 3 * b; j++)
                D[l + 1][i % b * b + j % b] +=
                    b * C[i] * D[l][i / (3 * b) * a + j / (3 * b)] * R[i / b % 3 * 3 + j / b % 3] * C[j];
    }
}

static void evaluate(const racahi_symbasis *b, const double *A, double *P)
{
    memset(P, 0, (2 * (size_t)b->L + 1) * b->npath * sizeof *P);
    for (size_t q = 0; q < b->nmono; q++) {
        double x = 1;
        for (int t = 0; t < b->nu; t++) x *= A[b->mono[q * (size_t)b->nu + (size_t)t]];
        for (size_t m = 0; m <= 2 * (size_t)b->L; m++)
            for (size_t p = 0; p < b->npath; p++)
                P[m * b->npath + p] += x * b->U[(m * b->nmono + q) * b->npath + p];
    }
}

static void check_equivariance(const racahi_symbasis *b, uint64_t *seed, double *worst)
{
    double R[9], D[LMAX + 1][81], A[S_MAX], RA[S_MAX] = {0};
    size_t np = b->npath, nm = 2 * (size_t)b->L + 1;
    double *P = racahi_malloc(nm * np, sizeof *P), *Q = racahi_malloc(nm * np, sizeof *Q);
    assert_true(P && Q);
    racah_test_rotation(seed, R);
    representations(R, D);
    double sign = racah_test_uniform(seed) < 0.5 ? -1 : 1; /* an inversion in half of the cases */
    for (int k = 0; k < (b->lmax + 1) * (b->lmax + 1); k++) A[k] = racah_test_normal(seed);
    for (int l = 0; l <= b->lmax; l++)
        for (int m = 0; m <= 2 * l; m++)
            for (int n = 0; n <= 2 * l; n++)
                RA[l * l + m] += (l % 2 ? sign : 1) * D[l][m * (2 * l + 1) + n] * A[l * l + n];
    evaluate(b, A, P);
    evaluate(b, RA, Q);
    for (size_t p = 0; p < np; p++)
        for (size_t m = 0; m < nm; m++) {
            double want = 0, size = 1;
            for (size_t n = 0; n < nm; n++) {
                want += (b->L % 2 ? sign : 1) * D[b->L][m * nm + n] * P[n * np + p];
                size += fabs(P[n * np + p]);
            }
            *worst = fmax(*worst, fabs(Q[m * np + p] - want) / size);
            RACAH_ASSERT_CLOSE_AT(p, Q[m * np + p], want, 2e-12 * size,
                                  0); /* up to 2000 terms of |A|^4 ~ 10 */
        }
    racahi_free(P);
    racahi_free(Q);
}

static void test_symbasis_is_equivariant_under_rotation_and_inversion(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 20260101;
    double worst = 0;
    for (int lmax = 0; lmax <= LMAX; lmax++)
        for (int L = 0; L <= 4; L++)
            for (int nu = 1; nu <= 4; nu++) {
                if (!covered(lmax, L, nu)) continue;
                racahi_symbasis *b;
                RACAH_ASSERT_OK(racahi_symbasis_create(&b, lmax, L, nu, &err));
                for (int trial = 0; trial < 4; trial++) check_equivariance(b, &seed, &worst);
                racahi_symbasis_destroy(b);
            }
    print_message("equivariance: largest error %.2g\n", worst);
}

static void test_symbasis_is_reproducible(void **state)
{
    (void)state;
    racah_error err;
    racahi_symbasis *a, *b;
    RACAH_ASSERT_OK(racahi_symbasis_create(&a, 3, 2, 3, &err));
    RACAH_ASSERT_OK(racahi_symbasis_create(&b, 3, 2, 3, &err));
    assert_int_equal(a->nmono, b->nmono);
    assert_int_equal(a->npath, b->npath);
    assert_memory_equal(a->mono, b->mono, 3 * a->nmono);
    assert_memory_equal(a->U, b->U, 5 * a->nmono * a->npath * sizeof(double));
    racahi_symbasis_destroy(a);
    racahi_symbasis_destroy(b);
}

static void test_symbasis_refuses_bad_input(void **state)
{
    (void)state;
    static const struct {
        int lmax, L, nu;
        const char *word;
    } bad[] = {
        {-1, 0, 1, "lmax = -1"}, {5, 0, 1, "lmax = 5"}, {2, -1, 1, "L = -1"}, {2, 5, 1, "L = 5"},
        {2, 0, 0, "nu = 0"},     {2, 0, 5, "nu = 5"},   {4, 0, 4, "nu = 4"},
    };
    racah_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        racahi_symbasis *b = (racahi_symbasis *)&err;
        assert_int_equal(racahi_symbasis_create(&b, bad[i].lmax, bad[i].L, bad[i].nu, &err), RACAH_EINVAL);
        assert_null(b);
        assert_non_null(strstr(err.msg, bad[i].word));
        assert_non_null(strstr(err.msg, "want"));
    }
    assert_int_equal(racahi_symbasis_create(NULL, 1, 0, 1, &err), RACAH_EINVAL);
    racahi_symbasis_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbasis_dimension_is_that_of_characters),
        cmocka_unit_test(test_symbasis_monomials_are_sorted_and_used),
        cmocka_unit_test(test_symbasis_low_orders_are_known),
        cmocka_unit_test(test_symbasis_components_are_orthonormal),
        cmocka_unit_test(test_symbasis_is_equivariant_under_rotation_and_inversion),
        cmocka_unit_test(test_symbasis_is_reproducible),
        cmocka_unit_test(test_symbasis_refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
