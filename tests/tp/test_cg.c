/* SPDX-License-Identifier: MIT
 * Wigner 3j and Gaunt tensors against e3nn's tables, algebra and quadrature. */
#include "support.h"

#include "racah_tp.h"
#include "sph.h"
#include "sphere/quadrature.h"

#define LMAX RACAH_CG_LMAX
#define NMAX (2 * LMAX + 1)

static double *tensor_new(void) { return racahi_calloc(NMAX * NMAX * NMAX, sizeof(double)); }

static size_t at(int l2, int l3, int i, int j, int k)
{
    return ((size_t)i * (2 * (size_t)l2 + 1) + (size_t)j) * (2 * (size_t)l3 + 1) + (size_t)k;
}

/* Compare a text table "l1 l2 l3 i j k value" with the generator; returns the number of lines, 0 if not
 * there. */
static int compare_table(const char *path, racah_cg_signs signs)
{
    racah_error err;
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    double *C = tensor_new();
    char line[256];
    int rows = 0;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#') continue;
        int l1, l2, l3, i, j, k;
        double value;
        assert_int_equal(sscanf(line, "%d %d %d %d %d %d %lf", &l1, &l2, &l3, &i, &j, &k, &value), 7);
        RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, signs, C, &err));
        RACAH_ASSERT_CLOSE_AT(rows, C[at(l2, l3, i, j, k)], value, 1e-15, 0); /* e3nn's last digit */
        rows++;
    }
    fclose(f);
    racahi_free(C);
    return rows;
}

static void test_cg_matches_e3nn_06(void **state)
{
    (void)state;
    assert_int_equal(compare_table(RACAH_SOURCE_DIR "/tests/golden/e3nn06_wigner_3j.txt", RACAH_CG_E3NN_06),
                     48);
}

static void test_cg_matches_e3nn_044(void **state)
{
    (void)state;
    assert_int_equal(compare_table(RACAH_SOURCE_DIR "/tests/golden/e3nn044_wigner_3j.txt", RACAH_CG_E3NN_044),
                     44);
}

static void test_cg_matches_full_e3nn_06_table(void **state)
{
    (void)state;
    int rows = compare_table(RACAH_SHARED_DIR "/golden/e3nn_wigner_3j_l5.txt", RACAH_CG_E3NN_06);
    if (rows == 0) {
        print_message("the full e3nn 3j table is not on this machine: skipped\n");
        skip();
    }
    assert_int_equal(rows, 5265);
}

/* The table lists non-zero elements only: the norm shows that nothing else is non-zero. Orthogonality is the
 * stronger sum_{m1 m2} C[m1,m2,m3] C[m1,m2,m3'] = delta / (2 l3 + 1). */
static void test_cg_columns_are_orthogonal(void **state)
{
    (void)state;
    racah_error err;
    double *C = tensor_new();
    for (int l1 = 0; l1 <= LMAX; l1++)
        for (int l2 = 0; l2 <= LMAX; l2++)
            for (int l3 = 0; l3 <= LMAX; l3++) {
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, C, &err));
                size_t rows = (size_t)(2 * l1 + 1) * (size_t)(2 * l2 + 1), n3 = 2 * (size_t)l3 + 1;
                bool allowed = l3 <= l1 + l2 && l3 >= abs(l1 - l2);
                for (size_t a = 0; a < n3; a++)
                    for (size_t b = 0; b <= a; b++) {
                        double sum = 0;
                        for (size_t i = 0; i < rows; i++) sum += C[i * n3 + a] * C[i * n3 + b];
                        RACAH_ASSERT_CLOSE(sum, a == b && allowed ? 1.0 / (double)n3 : 0, 2e-15, 0);
                    }
            }
    racahi_free(C);
}

/* With 1 <= l1 <= l2 <= l3 <= 6 the two releases differ in exactly these triples (README of the golden data).
 */
static void test_cg_releases_differ_in_known_triples(void **state)
{
    (void)state;
    static const int differ[][3] = {{1, 2, 2}, {1, 3, 3}, {1, 4, 4}, {1, 5, 5}, {1, 6, 6},
                                    {3, 4, 6}, {4, 4, 5}, {4, 5, 6}, {5, 5, 5}, {5, 6, 6}};
    racah_error err;
    double *A = tensor_new(), *B = tensor_new();
    for (int l1 = 0; l1 <= 6; l1++)
        for (int l2 = l1; l2 <= 6; l2++)
            for (int l3 = l2; l3 <= 6 && l3 <= l1 + l2; l3++) {
                double sign = 1;
                for (size_t t = 0; t < sizeof differ / sizeof *differ; t++)
                    if (differ[t][0] == l1 && differ[t][1] == l2 && differ[t][2] == l3) sign = -1;
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, A, &err));
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_044, B, &err));
                size_t n = (size_t)((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1));
                for (size_t i = 0; i < n; i++) RACAH_ASSERT_CLOSE_AT(i, B[i], sign * A[i], 0, 0);
            }
    racahi_free(A);
    racahi_free(B);
}

/* 0.4.4 builds every order of (l1,l2,l3) from the sorted one: an exchange of two axes gives (-1)^(l1+l2+l3).
 */
static void test_cg_044_is_permutation_symmetric(void **state)
{
    (void)state;
    racah_error err;
    double *A = tensor_new(), *B = tensor_new(), *D = tensor_new();
    for (int l1 = 0; l1 <= 7; l1++)
        for (int l2 = 0; l2 <= 7; l2++)
            for (int l3 = 0; l3 <= 7; l3++) {
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_044, A, &err));
                RACAH_ASSERT_OK(racah_cg_wigner3j(l2, l1, l3, RACAH_CG_E3NN_044, B, &err));
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l3, l2, RACAH_CG_E3NN_044, D, &err));
                double sign = (l1 + l2 + l3) % 2 ? -1 : 1;
                for (int i = 0; i <= 2 * l1; i++)
                    for (int j = 0; j <= 2 * l2; j++)
                        for (int k = 0; k <= 2 * l3; k++) {
                            double a = sign * A[at(l2, l3, i, j, k)];
                            RACAH_ASSERT_CLOSE(B[at(l1, l3, j, i, k)], a, 4e-16, 0);
                            RACAH_ASSERT_CLOSE(D[at(l3, l2, i, k, j)], a, 4e-16, 0);
                        }
            }
    racahi_free(A);
    racahi_free(B);
    racahi_free(D);
}

/* D[l] (2l+1,2l+1): Y_l(R r) = D Y_l(r), by quadrature of Y_l(R r) Y_l(r)^T. */
static void rotation_matrices(int lmax, const double R[9], double *D[])
{
    int n = lmax + 1;
    size_t S = (size_t)(n * n), points = QUADRATURE_POINTS(n);
    double *r = racahi_calloc(3 * points, sizeof *r), *w = racahi_calloc(points, sizeof *w);
    double *Rr = racahi_calloc(3 * points, sizeof *r);
    double *Y = racahi_calloc(S * points, sizeof *Y), *YR = racahi_calloc(S * points, sizeof *Y);
    quadrature_make(n, r, w);
    for (size_t p = 0; p < points; p++)
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) Rr[3 * p + (size_t)a] += R[3 * a + b] * r[3 * p + (size_t)b];
    racahi_sph_ref(lmax, RACAH_SPH_INTEGRAL, points, r, Y, NULL);
    racahi_sph_ref(lmax, RACAH_SPH_INTEGRAL, points, Rr, YR, NULL);
    for (int l = 0; l <= lmax; l++)
        for (int i = 0; i <= 2 * l; i++)
            for (int j = 0; j <= 2 * l; j++) {
                double sum = 0;
                for (size_t p = 0; p < points; p++)
                    sum += w[p] * YR[p * S + (size_t)(l * l + i)] * Y[p * S + (size_t)(l * l + j)];
                D[l][i * (2 * l + 1) + j] = sum;
            }
    racahi_free(r);
    racahi_free(w);
    racahi_free(Rr);
    racahi_free(Y);
    racahi_free(YR);
}

/* Invariance, even and odd triples alike: sum D1[a,i] D2[b,j] D3[c,k] C[i,j,k] = C[a,b,c] for a proper
 * rotation. Contracted with random vectors u, v, w: C(D1^T u, D2^T v, D3^T w) = C(u, v, w). */
static void test_cg_is_invariant_under_rotation(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 7;
    double R[9], *D[LMAX + 1], *C = tensor_new(), u[3][NMAX], v[3][NMAX];
    for (int l = 0; l <= LMAX; l++) D[l] = racahi_calloc((size_t)((2 * l + 1) * (2 * l + 1)), sizeof(double));
    racah_test_rotation(&seed, R);
    rotation_matrices(LMAX, R, D);
    for (int l1 = 0; l1 <= LMAX; l1++)
        for (int l2 = 0; l2 <= LMAX; l2++)
            for (int l3 = abs(l1 - l2); l3 <= LMAX && l3 <= l1 + l2; l3++) {
                const int l[3] = {l1, l2, l3};
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, C, &err));
                for (int t = 0; t < 3; t++) {
                    double norm = 0;
                    for (int i = 0; i <= 2 * l[t]; i++) {
                        u[t][i] = racah_test_normal(&seed);
                        norm += u[t][i] * u[t][i];
                    }
                    for (int i = 0; i <= 2 * l[t]; i++) u[t][i] /= sqrt(norm);
                    for (int i = 0; i <= 2 * l[t]; i++) {
                        v[t][i] = 0;
                        for (int a = 0; a <= 2 * l[t]; a++)
                            v[t][i] += D[l[t]][a * (2 * l[t] + 1) + i] * u[t][a];
                    }
                }
                double before = 0, after = 0;
                for (int i = 0; i <= 2 * l1; i++)
                    for (int j = 0; j <= 2 * l2; j++)
                        for (int k = 0; k <= 2 * l3; k++) {
                            double c = C[at(l2, l3, i, j, k)];
                            before += c * u[0][i] * u[1][j] * u[2][k];
                            after += c * v[0][i] * v[1][j] * v[2][k];
                        }
                RACAH_ASSERT_CLOSE(after, before, 1e-13, 0);
            }
    for (int l = 0; l <= LMAX; l++) racahi_free(D[l]);
    racahi_free(C);
}

/* The integral of three harmonics, done numerically with the reference harmonics. */
static void test_gaunt_matches_quadrature(void **state)
{
    (void)state;
    racah_error err;
    const int n = 18; /* exact to degree 35 >= 33 */
    const size_t S = (LMAX + 1) * (LMAX + 1), points = QUADRATURE_POINTS(18);
    double *r = racahi_calloc(3 * points, sizeof *r), *w = racahi_calloc(points, sizeof *w);
    double *Y = racahi_calloc(S * points, sizeof *Y), *Yt = racahi_calloc(S * points, sizeof *Y);
    double *G = tensor_new(), *pair = racahi_calloc(points, sizeof *pair);
    quadrature_make(n, r, w);
    racahi_sph_ref(LMAX, RACAH_SPH_INTEGRAL, points, r, Y, NULL);
    for (size_t k = 0; k < S; k++)
        for (size_t p = 0; p < points; p++) Yt[k * points + p] = Y[p * S + k];
    /* every order of the degrees up to 4; above, one order of each (the tensor's symmetry is checked
     * elsewhere) */
    for (int l1 = 0; l1 <= LMAX; l1++)
        for (int l2 = 0; l2 <= LMAX; l2++)
            for (int l3 = 0; l3 <= LMAX; l3++) {
                bool small = l1 <= 4 && l2 <= 4 && l3 <= 4;
                if (!small && (l2 > l1 || l3 > l2 || (l1 > 7 && (l1 + l2 + l3) % 2))) continue;
                RACAH_ASSERT_OK(racah_cg_gaunt(l1, l2, l3, G, &err));
                for (int i = 0; i <= 2 * l1; i++)
                    for (int j = 0; j <= 2 * l2; j++) {
                        if (!small && (i + j) % 3) continue; /* a third of the pairs is enough up there */
                        const double *Yi = Yt + (size_t)(l1 * l1 + i) * points;
                        const double *Yj = Yt + (size_t)(l2 * l2 + j) * points;
                        for (size_t p = 0; p < points; p++) pair[p] = w[p] * Yi[p] * Yj[p];
                        for (int k = 0; k <= 2 * l3; k++) {
                            const double *Yk = Yt + (size_t)(l3 * l3 + k) * points;
                            double sum = 0;
                            for (size_t p = 0; p < points; p++) sum += pair[p] * Yk[p];
                            RACAH_ASSERT_CLOSE(G[at(l2, l3, i, j, k)], sum, 1e-13, 0);
                        }
                    }
            }
    racahi_free(r);
    racahi_free(w);
    racahi_free(Y);
    racahi_free(Yt);
    racahi_free(G);
    racahi_free(pair);
}

/* For even triples the Gaunt tensor is a positive multiple of the 3j tensor; for odd ones it is zero. */
static void test_gaunt_is_positive_multiple_of_3j(void **state)
{
    (void)state;
    racah_error err;
    double *C = tensor_new(), *G = tensor_new();
    for (int l1 = 0; l1 <= LMAX; l1++)
        for (int l2 = 0; l2 <= LMAX; l2++)
            for (int l3 = 0; l3 <= LMAX; l3++) {
                RACAH_ASSERT_OK(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, C, &err));
                RACAH_ASSERT_OK(racah_cg_gaunt(l1, l2, l3, G, &err));
                size_t n = (size_t)((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1));
                double factor = 0;
                for (size_t i = 0; i < n; i++) factor += G[i] * C[i];
                bool even = (l1 + l2 + l3) % 2 == 0 && l3 <= l1 + l2 && l3 >= abs(l1 - l2);
                if (even) assert_true(factor > 1e-3);
                for (size_t i = 0; i < n; i++)
                    RACAH_ASSERT_CLOSE_AT(i, G[i], even ? factor * C[i] : 0, 1e-15, 0);
            }
    racahi_free(C);
    racahi_free(G);
}

static void test_cg_bad_input_leaves_output_untouched(void **state)
{
    (void)state;
    static const int bad[][3] = {{-1, 0, 0},       {0, -1, 0},       {0, 0, -1},
                                 {LMAX + 1, 0, 0}, {0, LMAX + 1, 0}, {0, 0, LMAX + 1}};
    racah_error err;
    double out[4] = {5, 5, 5, 5};
    for (size_t t = 0; t < sizeof bad / sizeof *bad; t++) {
        const int *l = bad[t];
        memset(&err, 0, sizeof err);
        assert_int_equal(racah_cg_wigner3j(l[0], l[1], l[2], RACAH_CG_E3NN_06, out, &err), RACAH_EINVAL);
        assert_int_equal(err.code, RACAH_EINVAL);
        assert_non_null(strstr(err.msg, "need 0 .. 11"));
        assert_int_equal(racah_cg_gaunt(l[0], l[1], l[2], out, NULL), RACAH_EINVAL);
    }
    assert_int_equal(racah_cg_wigner3j(1, 1, 1, RACAH_CG_E3NN_06, NULL, &err), RACAH_EINVAL);
    assert_int_equal(racah_cg_gaunt(1, 1, 2, NULL, &err), RACAH_EINVAL);
    assert_int_equal(racah_cg_wigner3j(0, 0, 0, (racah_cg_signs)2, out, &err), RACAH_EINVAL);
    for (int i = 0; i < 4; i++) RACAH_ASSERT_CLOSE(out[i], 5, 0, 0);
    RACAH_ASSERT_OK(racah_cg_wigner3j(0, 0, 0, RACAH_CG_E3NN_06, out, &err));
    RACAH_ASSERT_CLOSE(out[0], 1, 0, 0);
    RACAH_ASSERT_CLOSE(out[1], 5, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cg_matches_e3nn_06),
        cmocka_unit_test(test_cg_matches_e3nn_044),
        cmocka_unit_test(test_cg_matches_full_e3nn_06_table),
        cmocka_unit_test(test_cg_columns_are_orthogonal),
        cmocka_unit_test(test_cg_releases_differ_in_known_triples),
        cmocka_unit_test(test_cg_044_is_permutation_symmetric),
        cmocka_unit_test(test_cg_is_invariant_under_rotation),
        cmocka_unit_test(test_gaunt_matches_quadrature),
        cmocka_unit_test(test_gaunt_is_positive_multiple_of_3j),
        cmocka_unit_test(test_cg_bad_input_leaves_output_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
