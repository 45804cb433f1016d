/* SPDX-License-Identifier: MIT
 * Wigner D: e3nn's table, group law, harmonics, quaternions, frames; quadratures and Fourier series of harmonics. */
#include "support.h"

#include "../../sphere/quadrature.h" /* the library's, not the tests' own */
#include "sh_fourier.h"
#include "wigner_d.h"
#include "sph.h"

#define LMAX RACAH_SPH_LMAX
#define SIZE RACAHI_WIGNER_D_SIZE(LMAX)

static void multiply(const double *A, const double *B, int n, double *C)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double s = 0;
            for (int k = 0; k < n; k++) s += A[i * n + k] * B[k * n + j];
            C[i * n + j] = s;
        }
}

static void test_wigner_d_matches_e3nn(void **state)
{
    (void)state;
    racah_error err;
    FILE *f = fopen(RACAH_SHARED_DIR "/golden/e3nn_wigner_D_l4.txt", "r");
    if (!f) {
        print_message("e3nn's table of D matrices is not on this machine: skipped\n");
        skip();
    }
    static char line[1 << 16];
    static double D[RACAHI_WIGNER_D_SIZE(4)];
    int rotations = 0, matrices = 0;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#') continue;
        char *p = line + 1, *end;
        if (line[0] == 'R') {
            double R[9];
            for (int i = 0; i < 9; i++, p = end) R[i] = strtod(p, &end);
            RACAH_ASSERT_OK(racahi_wigner_d_from_matrix(4, R, D, &err));
            rotations++;
            continue;
        }
        long l = strtol(p, &end, 10);
        const double *Dl = D + RACAHI_WIGNER_D_OFFSET(l);
        p = end;
        for (long i = 0; i < (2 * l + 1) * (2 * l + 1); i++) {
            double want = strtod(p, &end);
            assert_ptr_not_equal(p, end);
            p = end;
            RACAH_ASSERT_CLOSE_AT(i, Dl[i], want, 1e-13, 0); /* e3nn's own rounding is 1e-14 */
        }
        matrices++;
    }
    fclose(f);
    assert_true(rotations >= 5);
    assert_int_equal(matrices, 5 * rotations);
}

static void test_wigner_d_is_a_representation(void **state)
{
    (void)state;
    static double A[SIZE], B[SIZE], AB[SIZE], P[23 * 23];
    uint64_t seed = 3;
    for (int trial = 0; trial < 20; trial++) {
        double R[9], Q[9], RQ[9];
        racah_test_rotation(&seed, R), racah_test_rotation(&seed, Q);
        multiply(R, Q, 3, RQ);
        racahi_wigner_d(LMAX, R, A), racahi_wigner_d(LMAX, Q, B), racahi_wigner_d(LMAX, RQ, AB);
        for (int l = 0; l <= LMAX; l++) {
            size_t o = RACAHI_WIGNER_D_OFFSET(l);
            int n = 2 * l + 1;
            multiply(A + o, B + o, n, P);
            for (int i = 0; i < n * n; i++) RACAH_ASSERT_CLOSE_AT(i, AB[o + (size_t)i], P[i], 1e-12, 0);
            for (int i = 0; i < n; i++)
                for (int j = 0; j < n; j++)
                    P[i * n + j] = B[o + (size_t)(j * n + i)]; /* transpose = inverse */
            static double one[23 * 23];
            multiply(B + o, P, n, one);
            for (int i = 0; i < n * n; i++) RACAH_ASSERT_CLOSE_AT(i, one[i], i % (n + 1) == 0, 1e-12, 0);
        }
    }
}

/* Y(R r) = D Y(r), also for rotations about and onto the axis, where angles are singular. */
static void test_wigner_d_rotates_harmonics(void **state)
{
    (void)state;
    racah_error err;
    static double D[SIZE];
    enum { S = (LMAX + 1) * (LMAX + 1) };
    static const double q[][4] = {{1, 0, 0, 0},        {0, 1, 0, 0}, {0, 0, 1, 0},        {0, 0, 0, 1},
                                  {1, 1e-9, 0, 0},     {1, 0, 2, 0}, {1e-12, 1, 0, 1},    {3, -2, 5, 7},
                                  {0.3, 0.1, -2, 0.7}, {0, 1, 1, 0}, {1e200, 0, 0, 1e200}};
    uint64_t seed = 4;
    for (size_t t = 0; t < sizeof q / sizeof *q; t++) {
        RACAH_ASSERT_OK(racahi_wigner_d_from_quaternion(LMAX, q[t], D, &err));
        const double *R = D + 1;
        double r[3], Rr[3] = {0}, Y[S], YR[S];
        for (int a = 0; a < 3; a++) r[a] = racah_test_normal(&seed);
        for (int a = 0; a < 3; a++)
            for (int b = 0; b < 3; b++) Rr[a] += R[3 * a + b] * r[b];
        racahi_sph_ref(LMAX, RACAH_SPH_NORM, 1, r, Y, NULL);
        racahi_sph_ref(LMAX, RACAH_SPH_NORM, 1, Rr, YR, NULL);
        for (int l = 0; l <= LMAX; l++)
            for (int i = 0; i <= 2 * l; i++) {
                double s = 0;
                for (int j = 0; j <= 2 * l; j++)
                    s += D[RACAHI_WIGNER_D_OFFSET(l) + (size_t)(i * (2 * l + 1) + j)] * Y[l * l + j];
                RACAH_ASSERT_CLOSE_AT(l * l + i, s, YR[l * l + i], 1e-12, 0);
            }
    }
}

static void test_wigner_d_refuses_what_is_no_rotation(void **state)
{
    (void)state;
    racah_error err;
    static double D[SIZE];
    double R[9] = {1, 0, 0, 0, 1, 0, 0, 0, -1}, q[4] = {0};
    assert_int_equal(racahi_wigner_d_from_matrix(2, R, D, &err), RACAH_EINVAL);
    R[8] = 1.001;
    assert_int_equal(racahi_wigner_d_from_matrix(2, R, D, &err), RACAH_EINVAL);
    R[8] = NAN;
    assert_int_equal(racahi_wigner_d_from_matrix(2, R, D, &err), RACAH_ENUMERIC);
    R[8] = 1;
    assert_int_equal(racahi_wigner_d_from_matrix(12, R, D, &err), RACAH_EINVAL);
    assert_int_equal(racahi_wigner_d_from_matrix(-1, R, D, &err), RACAH_EINVAL);
    assert_int_equal(racahi_wigner_d_from_matrix(2, NULL, D, &err), RACAH_EINVAL);
    assert_int_equal(racahi_wigner_d_from_quaternion(2, q, D, &err), RACAH_EINVAL);
}

static void test_rotation_to_pole_is_exact_everywhere(void **state)
{
    (void)state;
    static const double special[][3] = {{0, 1, 0},     {0, -1, 0},    {1, 0, 0},      {0, 0, 1},
                                        {1e-9, -1, 0}, {1, 1e-17, 0}, {1, -1e-17, 0}, {0, -1, 1e-16}};
    uint64_t seed = 5;
    for (size_t t = 0; t < 200; t++) {
        double u[3], n = 0, R[9];
        for (int a = 0; a < 3; a++) u[a] = t < 8 ? special[t][a] : racah_test_normal(&seed);
        for (int a = 0; a < 3; a++) n += u[a] * u[a];
        for (int a = 0; a < 3; a++) u[a] /= sqrt(n);
        racahi_rotation_to_pole(u, R);
        for (int a = 0; a < 3; a++)
            RACAH_ASSERT_CLOSE_AT(t, R[3 * a] * u[0] + R[3 * a + 1] * u[1] + R[3 * a + 2] * u[2], a == 1,
                                  5e-16, 0);
        double det = R[0] * (R[4] * R[8] - R[5] * R[7]) - R[1] * (R[3] * R[8] - R[5] * R[6]) +
                     R[2] * (R[3] * R[7] - R[4] * R[6]);
        RACAH_ASSERT_CLOSE_AT(t, det, 1, 1e-15, 0);
    }
}

/* ---- quadratures ---------------------------------------------------------------------------------------- */

/* All harmonics up to the degree (11 at most: products of two reach every degree up to 22). */
static void check_rule(const racahi_quadrature *q)
{
    int top = q->degree, l1 = top < LMAX ? top : LMAX, l2 = top - l1 < LMAX ? top - l1 : LMAX;
    size_t S = (LMAX + 1) * (LMAX + 1);
    double *Y = calloc(q->n * S, 8);
    for (size_t g = 0; g < q->n; g++) {
        const double *r = q->r + 3 * g;
        RACAH_ASSERT_CLOSE_AT(g, r[0] * r[0] + r[1] * r[1] + r[2] * r[2], 1, 5e-16, 0);
    }
    racahi_sph_ref(LMAX, RACAH_SPH_INTEGRAL, q->n, q->r, Y, NULL);
    for (int i = 0; i < (l1 + 1) * (l1 + 1); i++)
        for (int j = 0; j < (l2 + 1) * (l2 + 1); j++) {
            double sum = 0;
            for (size_t g = 0; g < q->n; g++) sum += q->w[g] * Y[g * S + (size_t)i] * Y[g * S + (size_t)j];
            RACAH_ASSERT_CLOSE(sum, i == j, 2e-14,
                               0); /* some hundred terms of size one, harmonics to 2e-13/l */
        }
    free(Y);
}

static void test_quadratures_are_exact_to_their_degree(void **state)
{
    (void)state;
    racah_error err;
    racahi_quadrature *q;
    static const size_t points[] = {6, 14, 26, 38, 50, 74, 86, 110, 146, 170, 194};
    for (int d = 0; d <= 23; d++) {
        RACAH_ASSERT_OK(racahi_quadrature_create(&q, d, RACAHI_QUADRATURE_OCTAHEDRAL, &err));
        assert_int_equal(q->n, points[d < 3 ? 0 : (d - 2) / 2]);
        assert_true(q->degree >= d && q->degree <= (d < 2 ? 3 : d + 1));
        if (d % 2) check_rule(q);
        racahi_quadrature_destroy(q);
    }
    for (int d = 0; d <= 23; d++) {
        RACAH_ASSERT_OK(racahi_quadrature_create(&q, d, RACAHI_QUADRATURE_PRODUCT, &err));
        assert_int_equal(q->n, (d / 2 + 1) * (d + 1));
        if (d < 10 || d == 22) check_rule(q);
        size_t product = q->n;
        racahi_quadrature_destroy(q);
        RACAH_ASSERT_OK(racahi_quadrature_create(&q, d, RACAHI_QUADRATURE_EQUAL, &err));
        assert_int_equal(q->n, (d + 1) * (d + 1));
        if (d < 10 || d == 22) check_rule(q);
        racahi_quadrature_destroy(q);
        RACAH_ASSERT_OK(racahi_quadrature_create(&q, d, RACAHI_QUADRATURE_BEST, &err));
        assert_true(q->n <= product);
        racahi_quadrature_destroy(q);
    }
    assert_int_equal(racahi_quadrature_create(&q, 24, RACAHI_QUADRATURE_OCTAHEDRAL, &err),
                     RACAH_EUNSUPPORTED);
    assert_int_equal(racahi_quadrature_create(&q, -1, RACAHI_QUADRATURE_BEST, &err), RACAH_EINVAL);
    assert_int_equal(racahi_quadrature_create(&q, 64, RACAHI_QUADRATURE_BEST, &err), RACAH_EINVAL);
    assert_int_equal(racahi_quadrature_create(&q, 3, (racahi_quadrature_kind)7, &err), RACAH_EINVAL);
    racahi_quadrature_destroy(NULL);
}

/* ---- Fourier series ------------------------------------------------------------------------------------------ */

static void test_sh_fourier_series_and_integrals(void **state)
{
    (void)state;
    const double pi = 3.14159265358979323846;
    for (int l = 0; l <= LMAX; l++)
        for (int m = 0; m <= l; m++) {
            double c[2 * LMAX + 1], Y[(LMAX + 1) * (LMAX + 1)];
            racahi_sh_fourier(l, m, c);
            for (int i = 0; i < 13; i++) {
                double t = 0.1 + 0.47 * i, r[3] = {0, cos(t), sin(t)}, sum = 0;
                racahi_sph_ref(l, RACAH_SPH_COMPONENT, 1, r, Y, NULL);
                for (int k = -l; k <= l; k++) sum += c[k + l] * (m % 2 ? sin(k * t) : cos(k * t));
                RACAH_ASSERT_CLOSE_AT(i, sum, Y[l * l + l + m], 1e-12, 0);
            }
            for (int u = 0; u <= 24; u += 3) { /* Simpson in 20000 steps: error (u h)^4 is below 1e-9 */
                int n = 20000;
                double sum = 0;
                for (int i = 0; i <= n; i++) {
                    double t = pi * i / n, P = 0;
                    for (int k = -l; k <= l; k++) P += c[k + l] * (m % 2 ? sin(k * t) : cos(k * t));
                    sum += (i == 0 || i == n ? 1
                            : i % 2          ? 4
                                             : 2) *
                           P * (m % 2 ? sin(u * t) : cos(u * t)) * sin(t);
                    if (l > 3) break; /* a few degrees are enough for the numerical integral */
                }
                if (l <= 3)
                    RACAH_ASSERT_CLOSE(racahi_sh_fourier_integral(l, m, c, u), sum * pi / (3 * n), 1e-9, 0);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wigner_d_matches_e3nn),
        cmocka_unit_test(test_wigner_d_is_a_representation),
        cmocka_unit_test(test_wigner_d_rotates_harmonics),
        cmocka_unit_test(test_wigner_d_refuses_what_is_no_rotation),
        cmocka_unit_test(test_rotation_to_pole_is_exact_everywhere),
        cmocka_unit_test(test_quadratures_are_exact_to_their_degree),
        cmocka_unit_test(test_sh_fourier_series_and_integrals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
