/* SPDX-License-Identifier: MIT
 * Spherical harmonics: e3nn's tables, algebra, gradients, every kernel variant against the reference twin. */
#include "support.h"

#include "sph.h"
#include "quadrature.h"

#define LMAX RACAH_SPH_LMAX
#define SMAX ((LMAX + 1) * (LMAX + 1))

static const int counts[] = {1, 2, 3, 5, 7, 8, 9, 17};
#define NCOUNT (sizeof counts / sizeof *counts)

static size_t S_of(int lmax) { return (size_t)((lmax + 1) * (lmax + 1)); }

static void random_points(size_t n, double *r, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) {
        double length = 0.1 + 10 * racah_test_uniform(seed), norm = 0;
        for (int a = 0; a < 3; a++) r[3 * i + (size_t)a] = racah_test_normal(seed);
        for (int a = 0; a < 3; a++) norm += r[3 * i + (size_t)a] * r[3 * i + (size_t)a];
        for (int a = 0; a < 3; a++) r[3 * i + (size_t)a] *= length / sqrt(norm);
    }
}

/* On and very near every axis and face diagonal, where a formula in angles would lose digits. */
static size_t special_points(double *r)
{
    size_t n = 0;
    for (int a = -1; a <= 1; a++)
        for (int b = -1; b <= 1; b++)
            for (int c = -1; c <= 1; c++)
                for (int shift = 0; shift < 3; shift++) {
                    if (!a && !b && !c) continue;
                    static const double eps[3] = {0, 1e-9, -1e-4};
                    r[3 * n] = 1.7 * a + eps[shift], r[3 * n + 1] = 1.7 * b - eps[shift];
                    r[3 * n + 2] = 1.7 * c + 0.5 * eps[shift];
                    n++;
                }
    return n;
}

/* ---- tables ------------------------------------------------------------------------------- */

/* Lines of x y z and 81 values (l <= 8); returns their number, 0 without the file. */
static int compare_table(const char *path)
{
    racah_error err;
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    char *line = racahi_malloc(1, 1 << 16);
    double v[84], Y[81], ref[81];
    float rf[3], Yf[81];
    int rows = 0;
    while (fgets(line, 1 << 16, f)) {
        if (line[0] == '#') continue;
        char *p = line, *end;
        for (int i = 0; i < 84; i++) {
            v[i] = strtod(p, &end);
            assert_ptr_not_equal(p, end);
            p = end;
        }
        racahi_sph_ref(8, RACAH_SPH_COMPONENT, 1, v, ref, NULL);
        RACAH_ASSERT_OK(racah_sph_eval_f64(8, RACAH_SPH_COMPONENT, 1, v, Y, NULL, &err));
        for (int a = 0; a < 3; a++) rf[a] = (float)v[a];
        RACAH_ASSERT_OK(racah_sph_eval_f32(8, RACAH_SPH_COMPONENT, 1, rf, Yf, NULL, &err));
        for (int k = 0; k < 81; k++) {
            RACAH_ASSERT_CLOSE_AT(k, ref[k], v[3 + k], 1e-13, 0); /* measured 1.5e-14 */
            RACAH_ASSERT_CLOSE_AT(k, Y[k], v[3 + k], 1e-13, 0);
            RACAH_ASSERT_CLOSE_AT(k, (double)Yf[k], v[3 + k], 1e-5, 0); /* rounding of rf, times l */
        }
        rows++;
    }
    fclose(f);
    racahi_free(line);
    return rows;
}

static void test_sph_matches_e3nn_excerpt(void **state)
{
    (void)state;
    assert_int_equal(compare_table(RACAH_SOURCE_DIR "/tests/golden/e3nn06_spherical_harmonics_l8.txt"), 8);
}

static void test_sph_matches_full_e3nn_table(void **state)
{
    (void)state;
    int rows = compare_table(RACAH_SHARED_DIR "/golden/e3nn_spherical_harmonics_l8.txt");
    if (rows == 0) {
        print_message("the full e3nn table is not on this machine: skipped\n");
        skip();
    }
    assert_int_equal(rows, 40);
}

/* Lines "R" (9 numbers) and, for l = 0..4, "D l" ((2l+1)^2 numbers): Y(R r) = D Y(r). */
static void test_sph_rotates_with_e3nn_matrices(void **state)
{
    (void)state;
    FILE *f = fopen(RACAH_SHARED_DIR "/golden/e3nn_wigner_D_l4.txt", "r");
    if (!f) {
        print_message("e3nn's rotation matrices are not on this machine: skipped\n");
        skip();
    }
    uint64_t seed = 11;
    char name[8];
    double R[9], D[81], r[3] = {0}, Rr[3], Y[25], YR[25];
    int blocks = 0, c = fgetc(f);
    while (c == '#') {
        while (c != '\n' && c != EOF) c = fgetc(f);
        c = fgetc(f);
    }
    ungetc(c, f);
    while (fscanf(f, "%7s", name) == 1) {
        if (name[0] == 'R') {
            for (int i = 0; i < 9; i++) assert_int_equal(fscanf(f, "%lf", R + i), 1);
            random_points(1, r, &seed);
            for (int a = 0; a < 3; a++) Rr[a] = R[3 * a] * r[0] + R[3 * a + 1] * r[1] + R[3 * a + 2] * r[2];
            racahi_sph_ref(4, RACAH_SPH_COMPONENT, 1, r, Y, NULL);
            racahi_sph_ref(4, RACAH_SPH_COMPONENT, 1, Rr, YR, NULL);
            continue;
        }
        int l, n;
        assert_int_equal(fscanf(f, "%d", &l), 1);
        assert_in_range(l, 0, 4);
        n = 2 * l + 1;
        for (int i = 0; i < n * n; i++) assert_int_equal(fscanf(f, "%lf", D + i), 1);
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) sum += D[i * n + j] * Y[l * l + j];
            RACAH_ASSERT_CLOSE(YR[l * l + i], sum, 1e-12, 0);
        }
        blocks++;
    }
    fclose(f);
    assert_true(blocks >= 5);
}

/* ---- fast against reference ---------------------------------------------------------------- */

typedef struct accuracy {
    double Y, dY; /* largest error seen, dY times |r| */
} accuracy;

/* Output arrays end in a guard value that must survive. */
static accuracy compare_f64(int lmax, racahi_isa isa, size_t n, const double *r)
{
    accuracy worst = {0, 0};
    const size_t S = S_of(lmax);
    double *Y = racahi_calloc(n * S + 1, 8), *dY = racahi_calloc(3 * n * S + 1, 8);
    double *ref = racahi_calloc(n * S, 8), *dref = racahi_calloc(3 * n * S, 8),
           *only = racahi_calloc(n * S + 1, 8);
    Y[n * S] = dY[3 * n * S] = only[n * S] = 77;
    racahi_sph_fn_f64 fn = racahi_sph_pick_f64(lmax, isa);
    assert_non_null(fn);
    fn(lmax, n, r, Y, dY);
    fn(lmax, n, r, only, NULL);
    racahi_sph_ref(lmax, RACAH_SPH_COMPONENT, n, r, ref, dref);
    assert_true(Y[n * S] == 77 && dY[3 * n * S] == 77 && only[n * S] == 77);
    for (size_t i = 0; i < n; i++) {
        const double *ri = r + 3 * i, length = sqrt(ri[0] * ri[0] + ri[1] * ri[1] + ri[2] * ri[2]);
        for (size_t k = i * S; k < (i + 1) * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, Y[k], ref[k], 1e-13, 0);
            RACAH_ASSERT_CLOSE_AT(k, only[k], ref[k], 1e-13, 0);
            worst.Y = fmax(worst.Y, fabs(Y[k] - ref[k]));
        }
        for (size_t k = i * 3 * S; k < (i + 1) * 3 * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, dY[k] * length, dref[k] * length, 1e-12, 0);
            worst.dY = fmax(worst.dY, fabs(dY[k] - dref[k]) * length);
        }
    }
    racahi_free(Y), racahi_free(dY), racahi_free(ref), racahi_free(dref), racahi_free(only);
    return worst;
}

/* Rounding of the direction (6e-8) times |r| |grad Y| <= l sqrt(2l+1), and of l recurrence steps each
 * amplified by up to l near a pole, set the error of Y; another factor l that of the gradient. */
static accuracy compare_f32(int lmax, racahi_isa isa, size_t n, const double *r)
{
    accuracy worst = {0, 0};
    const size_t S = S_of(lmax);
    const double tol = 3e-8 * (lmax + 1) * (lmax + 1) * sqrt(2.0 * lmax + 1);
    float *Y = racahi_calloc(n * S + 1, 4), *dY = racahi_calloc(3 * n * S + 1, 4),
          *only = racahi_calloc(n * S + 1, 4);
    double *ref = racahi_calloc(n * S, 8), *dref = racahi_calloc(3 * n * S, 8);
    Y[n * S] = dY[3 * n * S] = only[n * S] = 77;
    racahi_sph_fn_f32 fn = racahi_sph_pick_f32(lmax, isa);
    assert_non_null(fn);
    fn(lmax, n, r, Y, dY);
    fn(lmax, n, r, only, NULL);
    racahi_sph_ref(lmax, RACAH_SPH_COMPONENT, n, r, ref, dref);
    assert_true(Y[n * S] == 77 && dY[3 * n * S] == 77 && only[n * S] == 77);
    for (size_t i = 0; i < n; i++) {
        const double *ri = r + 3 * i, length = sqrt(ri[0] * ri[0] + ri[1] * ri[1] + ri[2] * ri[2]);
        for (size_t k = i * S; k < (i + 1) * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, (double)Y[k], ref[k], tol, 0);
            RACAH_ASSERT_CLOSE_AT(k, (double)only[k], ref[k], tol, 0);
            worst.Y = fmax(worst.Y, fabs((double)Y[k] - ref[k]));
        }
        for (size_t k = i * 3 * S; k < (i + 1) * 3 * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, (double)dY[k] * length, dref[k] * length, tol * (lmax + 1), 0);
            worst.dY = fmax(worst.dY, fabs((double)dY[k] - dref[k]) * length);
        }
    }
    racahi_free(Y), racahi_free(dY), racahi_free(ref), racahi_free(dref), racahi_free(only);
    return worst;
}

static void test_sph_fast_matches_ref_for_every_variant(void **state)
{
    (void)state;
    uint64_t seed = 3;
    double r[3 * 100];
    for (racahi_isa isa = RACAHI_ISA_BASE; isa <= racahi_cpu_best(); isa++)
        for (int lmax = 0; lmax <= LMAX; lmax++) {
            accuracy d = {0, 0}, s = {0, 0}, a;
            for (size_t t = 0; t <= NCOUNT; t++) {
                size_t n;
                if (t < NCOUNT)
                    random_points(n = (size_t)counts[t], r, &seed);
                else
                    n = special_points(r);
                a = compare_f64(lmax, isa, n, r);
                d.Y = fmax(d.Y, a.Y), d.dY = fmax(d.dY, a.dY);
                a = compare_f32(lmax, isa, n, r);
                s.Y = fmax(s.Y, a.Y), s.dY = fmax(s.dY, a.dY);
            }
            print_message("%s lmax %2d: largest error of Y, |r| dY: double %.1e %.1e, float %.1e %.1e\n",
                          racahi_isa_name(isa), lmax, d.Y, d.dY, s.Y, s.dY);
        }
    assert_null(racahi_sph_pick_f64(-1, RACAHI_ISA_BASE));
    assert_null(racahi_sph_pick_f64(LMAX + 1, RACAHI_ISA_BASE));
    assert_null(racahi_sph_pick_f32(-1, RACAHI_ISA_BASE));
    assert_null(racahi_sph_pick_f32(LMAX + 1, RACAHI_ISA_BASE));
}

/* ---- algebra, through the public function ---------------------------------------------------- */

static void test_sph_gradient_matches_central_difference(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 5;
    double r[3 * 100];
    size_t n = special_points(r);
    random_points(12, r + 3 * n, &seed);
    n += 12;
    static const double offset[4] = {-2, -1, 1, 2}, weight[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    for (size_t i = 0; i < n; i++) {
        const double *ri = r + 3 * i, length = sqrt(ri[0] * ri[0] + ri[1] * ri[1] + ri[2] * ri[2]);
        const double h = 4e-4 * length;
        double Y[SMAX], dY[3 * SMAX], Yh[SMAX], diff[SMAX];
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, ri, Y, dY, &err));
        for (int a = 0; a < 3; a++) {
            memset(diff, 0, sizeof diff);
            for (int t = 0; t < 4; t++) {
                double x[3] = {ri[0], ri[1], ri[2]};
                x[a] += offset[t] * h;
                RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, x, Yh, NULL, &err));
                for (int k = 0; k < SMAX; k++) diff[k] += weight[t] * Yh[k] / h;
            }
            /* truncation h^4 l^5 sqrt(2l+1)/30 = 1e-9 |r|^-1 at l = 11, rounding 1e-14/h = 1e-10 */
            for (int k = 0; k < SMAX; k++)
                RACAH_ASSERT_CLOSE_AT(k, dY[a * SMAX + k] * length, diff[k] * length, 2e-9, 0);
        }
    }
}

static void test_sph_is_orthonormal_in_three_normalisations(void **state)
{
    (void)state;
    racah_error err;
    const double four_pi = 12.566370614359172954;
    const size_t points = QUADRATURE_POINTS(12); /* exact to degree 23 >= 22 */
    double *r = racahi_calloc(3 * points, 8), *w = racahi_calloc(points, 8),
           *Y = racahi_calloc(SMAX * points, 8);
    quadrature_make(12, r, w);
    for (racah_sph_norm norm = RACAH_SPH_COMPONENT; norm <= RACAH_SPH_INTEGRAL; norm++) {
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, norm, points, r, Y, NULL, &err));
        for (int l = 0; l <= LMAX; l++)
            for (int i = l * l; i < (l + 1) * (l + 1); i++)
                for (int j = 0; j <= i; j++) {
                    double sum = 0, want = norm == RACAH_SPH_COMPONENT ? four_pi
                                           : norm == RACAH_SPH_NORM    ? four_pi / (2 * l + 1)
                                                                       : 1;
                    for (size_t p = 0; p < points; p++)
                        sum += w[p] * Y[p * SMAX + (size_t)i] * Y[p * SMAX + (size_t)j];
                    RACAH_ASSERT_CLOSE(sum, i == j ? want : 0, 1e-12, 0);
                }
    }
    racahi_free(r), racahi_free(w), racahi_free(Y);
}

/* The public float function and gradients in each normalisation are the component ones times a factor of l.
 */
static void test_sph_normalisations_scale_values_and_gradients(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 6;
    enum { n = 131, lmax = 5, S = 36 }; /* more than two blocks of the float function */
    double r[3 * n];
    float rf[3 * n];
    static double Y[n * S], dY[3 * n * S], ref[n * S], dref[3 * n * S]; /* too large for the stack */
    static float Yf[n * S], dYf[3 * n * S];
    random_points(n, r, &seed);
    for (int i = 0; i < 3 * n; i++) r[i] = (double)(rf[i] = (float)r[i]);
    for (racah_sph_norm norm = RACAH_SPH_COMPONENT; norm <= RACAH_SPH_INTEGRAL; norm++) {
        racahi_sph_ref(lmax, norm, n, r, ref, dref);
        RACAH_ASSERT_OK(racah_sph_eval_f64(lmax, norm, n, r, Y, dY, &err));
        RACAH_ASSERT_OK(racah_sph_eval_f32(lmax, norm, n, rf, Yf, dYf, &err));
        for (int k = 0; k < n * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, Y[k], ref[k], 1e-13, 0);
            RACAH_ASSERT_CLOSE_AT(k, (double)Yf[k], ref[k], 2e-6, 0);
        }
        for (int k = 0; k < 3 * n * S; k++) {
            RACAH_ASSERT_CLOSE_AT(k, dY[k], dref[k], 1e-13, 1e-12); /* |r| >= 0.1 */
            RACAH_ASSERT_CLOSE_AT(k, (double)dYf[k], dref[k], 1e-4, 1e-6);
        }
    }
}

/* sum_m Y_lm(a) Y_lm(b) = (2l+1) P_l(a.b) and sum_m |grad Y_lm|^2 = l(l+1)(2l+1)/r^2, everywhere. */
static void test_sph_obeys_addition_theorem(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 8;
    double r[3 * 120], *Y, *dY;
    size_t n = special_points(r);
    random_points(20, r + 3 * n, &seed);
    n += 20;
    Y = racahi_calloc(n * SMAX, 8), dY = racahi_calloc(3 * n * SMAX, 8);
    RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, n, r, Y, dY, &err));
    for (size_t i = 0; i < n; i++) {
        const double *a = r + 3 * i, aa = a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
        for (size_t j = 0; j <= i; j++) {
            const double *b = r + 3 * j, bb = b[0] * b[0] + b[1] * b[1] + b[2] * b[2];
            double t = (a[0] * b[0] + a[1] * b[1] + a[2] * b[2]) / sqrt(aa * bb), P = 1, before = 0;
            for (int l = 0; l <= LMAX; l++) {
                double sum = 0;
                for (int k = l * l; k < (l + 1) * (l + 1); k++)
                    sum += Y[i * SMAX + (size_t)k] * Y[j * SMAX + (size_t)k];
                RACAH_ASSERT_CLOSE_AT(l, sum, (2 * l + 1) * P, 2e-12,
                                      0); /* P_l' = 66 times the rounding of t */
                double next = ((2 * l + 1) * t * P - l * before) / (l + 1);
                before = P, P = next;
            }
        }
        for (int l = 0; l <= LMAX; l++) {
            double sum = 0;
            for (int k = l * l; k < (l + 1) * (l + 1); k++) {
                double radial = 0;
                for (int d = 0; d < 3; d++) {
                    double g = dY[(3 * i + (size_t)d) * SMAX + (size_t)k];
                    sum += g * g, radial += g * a[d];
                }
                RACAH_ASSERT_CLOSE_AT(k, radial, 0, 1e-12, 0); /* Y does not depend on |r| */
            }
            RACAH_ASSERT_CLOSE_AT(l, sum * aa, l * (l + 1.0) * (2 * l + 1), 1e-12, 1e-13);
        }
    }
    racahi_free(Y), racahi_free(dY);
}

/* Y(R r) = D Y(r) and grad Y (R r) = R D grad Y(r), D from quadrature of Y(R r) Y(r)^T. */
static void test_sph_is_rotation_covariant(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 9;
    enum { n = 20 };
    const size_t points = QUADRATURE_POINTS(12);
    double *q = racahi_calloc(3 * points, 8), *w = racahi_calloc(points, 8),
           *Rq = racahi_calloc(3 * points, 8);
    double *Y = racahi_calloc(SMAX * points, 8), *YR = racahi_calloc(SMAX * points, 8);
    double R[9], r[3 * n], Rr[3 * n] = {0};
    double *y = racahi_calloc(n * SMAX, 8), *yR = racahi_calloc(n * SMAX, 8);
    double *g = racahi_calloc(3 * n * SMAX, 8), *gR = racahi_calloc(3 * n * SMAX, 8);
    quadrature_make(12, q, w);
    racah_test_rotation(&seed, R);
    for (size_t p = 0; p < points; p++)
        for (size_t a = 0; a < 9; a++) Rq[3 * p + a / 3] += R[a] * q[3 * p + a % 3];
    RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_INTEGRAL, points, q, Y, NULL, &err));
    RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_INTEGRAL, points, Rq, YR, NULL, &err));
    random_points(n, r, &seed);
    for (size_t i = 0; i < n; i++)
        for (size_t a = 0; a < 9; a++) Rr[3 * i + a / 3] += R[a] * r[3 * i + a % 3];
    RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, n, r, y, g, &err));
    RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, n, Rr, yR, gR, &err));
    for (int l = 0; l <= LMAX; l++)
        for (size_t k = (size_t)(l * l); k < (size_t)((l + 1) * (l + 1)); k++) {
            double D[2 * LMAX + 1] = {0};
            for (size_t p = 0; p < points; p++)
                for (int m = 0; m <= 2 * l; m++)
                    D[m] += w[p] * YR[p * SMAX + k] * Y[p * SMAX + (size_t)(l * l + m)];
            for (size_t i = 0; i < n; i++) {
                double sum = 0, length = 0;
                for (int a = 0; a < 3; a++) length += r[3 * i + (size_t)a] * r[3 * i + (size_t)a];
                length = sqrt(length);
                for (int m = 0; m <= 2 * l; m++) sum += D[m] * y[i * SMAX + (size_t)(l * l + m)];
                RACAH_ASSERT_CLOSE(yR[i * SMAX + k], sum, 1e-12, 0);
                for (size_t a = 0; a < 3; a++) {
                    double grad = 0;
                    for (size_t b = 0; b < 3; b++)
                        for (int m = 0; m <= 2 * l; m++)
                            grad += R[3 * a + b] * D[m] * g[(3 * i + b) * SMAX + (size_t)(l * l + m)];
                    RACAH_ASSERT_CLOSE(gR[(3 * i + a) * SMAX + k] * length, grad * length, 1e-11, 0);
                }
            }
        }
    racahi_free(q), racahi_free(w), racahi_free(Rq), racahi_free(Y), racahi_free(YR);
    racahi_free(y), racahi_free(yR), racahi_free(g), racahi_free(gR);
}

static void test_sph_parity_and_scaling(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 10;
    double r[3], minus[3], twice[3], Y[3][SMAX], dY[3][3 * SMAX];
    for (int t = 0; t < 20; t++) {
        random_points(1, r, &seed);
        for (int a = 0; a < 3; a++) minus[a] = -r[a], twice[a] = 2 * r[a];
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, r, Y[0], dY[0], &err));
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, minus, Y[1], dY[1], &err));
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, twice, Y[2], dY[2], &err));
        for (int l = 0; l <= LMAX; l++)
            for (int k = l * l; k < (l + 1) * (l + 1); k++) {
                double sign = l % 2 ? -1 : 1;
                RACAH_ASSERT_CLOSE_AT(k, Y[1][k], sign * Y[0][k], 1e-14, 0);
                RACAH_ASSERT_CLOSE_AT(k, Y[2][k], Y[0][k], 1e-14, 0);
                for (int a = 0; a < 3; a++) {
                    double d = dY[0][a * SMAX + k];
                    RACAH_ASSERT_CLOSE_AT(k, dY[1][a * SMAX + k], -sign * d, 1e-13, 1e-14);
                    RACAH_ASSERT_CLOSE_AT(k, dY[2][a * SMAX + k], d / 2, 1e-13, 1e-14);
                }
            }
    }
}

/* l = 1 is sqrt(3) (x,y,z)/r, and on the polar axis Y_l0 = sqrt(2l+1) (+-1)^l with everything else zero. */
static void test_sph_on_the_axes(void **state)
{
    (void)state;
    racah_error err;
    for (int a = 0; a < 3; a++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double r[3] = {0, 0, 0}, Y[SMAX], dY[3 * SMAX];
            r[a] = 2.5 * sign;
            RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, r, Y, dY, &err));
            for (int b = 0; b < 3; b++) {
                RACAH_ASSERT_CLOSE(Y[1 + b], a == b ? sign * sqrt(3.0) : 0, 1e-15, 0);
                for (int d = 0; d < 3; d++)
                    RACAH_ASSERT_CLOSE(dY[d * SMAX + 1 + b], d == b && d != a ? sqrt(3.0) / 2.5 : 0, 1e-15,
                                       0);
            }
            for (int l = 0; a == 1 && l <= LMAX; l++)
                for (int m = -l; m <= l; m++) {
                    double want = m == 0 ? sqrt(2.0 * l + 1) * (l % 2 ? sign : 1) : 0;
                    RACAH_ASSERT_CLOSE(Y[l * l + l + m], want, 1e-14, 0);
                }
        }
}

static void test_sph_zero_vector_gives_zeros(void **state)
{
    (void)state;
    racah_error err;
    /* the second and the fourth are shorter than RACAHI_SPH_TINY */
    const double r[15] = {0, 0, 0, 1e-31, 0, -1e-31, 1, 2, 3, 1e-200, 1e-300, 0, 0, -0.0, 0};
    const float rf[15] = {0, 0, 0, 1e-31f, 0, -1e-31f, 1, 2, 3, 1e-40f, 0, 0, 0, -0.0f, 0};
    static double Y[5 * SMAX], dY[15 * SMAX], ref[5 * SMAX], dref[15 * SMAX];
    static float Yf[5 * SMAX], dYf[15 * SMAX];
    for (int lmax = 0; lmax <= LMAX; lmax++) {
        const int S = (int)S_of(lmax);
        RACAH_ASSERT_OK(racah_sph_eval_f64(lmax, RACAH_SPH_COMPONENT, 5, r, Y, dY, &err));
        RACAH_ASSERT_OK(racah_sph_eval_f32(lmax, RACAH_SPH_COMPONENT, 5, rf, Yf, dYf, &err));
        racahi_sph_ref(lmax, RACAH_SPH_COMPONENT, 5, r, ref, dref);
        for (int i = 0; i < 5; i++) {
            if (i == 2) continue; /* an ordinary point among them */
            for (int k = 0; k < S; k++) {
                double want = k == 0;
                RACAH_ASSERT_CLOSE_AT(k, Y[i * S + k], want, 0, 0);
                RACAH_ASSERT_CLOSE_AT(k, (double)Yf[i * S + k], want, 0, 0);
                RACAH_ASSERT_CLOSE_AT(k, ref[i * S + k], want, 0, 0);
            }
            for (int k = 3 * i * S; k < 3 * (i + 1) * S; k++) {
                RACAH_ASSERT_CLOSE_AT(k, dY[k], 0, 0, 0);
                RACAH_ASSERT_CLOSE_AT(k, (double)dYf[k], 0, 0, 0);
                RACAH_ASSERT_CLOSE_AT(k, dref[k], 0, 0, 0);
            }
        }
        for (int k = 2 * S; k < 3 * S; k++) RACAH_ASSERT_CLOSE_AT(k, Y[k], ref[k], 1e-13, 0);
    }
}

/* Very short and very long vectors are ordinary directions, and gradients of float stay finite. */
static void test_sph_extreme_lengths_stay_finite(void **state)
{
    (void)state;
    racah_error err;
    static const double lengths[] = {2e-30, 1e-20, 1e20, 1e149};
    double Y[SMAX], dY[3 * SMAX], ref[SMAX], one[3] = {0.6, 0, -0.8};
    float Yf[SMAX], dYf[3 * SMAX];
    racahi_sph_ref(LMAX, RACAH_SPH_COMPONENT, 1, one, ref, NULL);
    for (size_t t = 0; t < 4; t++) {
        double r[3] = {0.6 * lengths[t], 0, -0.8 * lengths[t]};
        RACAH_ASSERT_OK(racah_sph_eval_f64(LMAX, RACAH_SPH_COMPONENT, 1, r, Y, dY, &err));
        for (int k = 0; k < SMAX; k++) RACAH_ASSERT_CLOSE_AT(k, Y[k], ref[k], 1e-13, 0);
        for (int k = 0; k < 3 * SMAX; k++) assert_true(isfinite(dY[k]));
        if (t == 3) break; /* not a float */
        float rf[3] = {(float)r[0], 0, (float)r[2]};
        RACAH_ASSERT_OK(racah_sph_eval_f32(LMAX, RACAH_SPH_COMPONENT, 1, rf, Yf, dYf, &err));
        for (int k = 0; k < SMAX; k++) RACAH_ASSERT_CLOSE_AT(k, (double)Yf[k], ref[k], 1e-5, 0);
        for (int k = 0; k < 3 * SMAX; k++) assert_true(isfinite(dYf[k]));
    }
}

static void test_sph_bad_input_leaves_outputs_untouched(void **state)
{
    (void)state;
    racah_error err;
    double r[6] = {1, 2, 3, 4, 5, 6}, Y[8], dY[24];
    float rf[6] = {1, 2, 3, 4, 5, 6}, Yf[8], dYf[24];
    for (int i = 0; i < 24; i++) dY[i] = 5, dYf[i] = 5;
    for (int i = 0; i < 8; i++) Y[i] = 5, Yf[i] = 5;
    const racah_sph_norm comp = RACAH_SPH_COMPONENT, nonsense = (racah_sph_norm)3;

    assert_int_equal(racah_sph_eval_f64(-1, comp, 2, r, Y, dY, &err), RACAH_EINVAL);
    assert_int_equal(err.code, RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "lmax = -1, need 0 .. 11"));
    assert_int_equal(racah_sph_eval_f64(LMAX + 1, comp, 2, r, Y, dY, NULL), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f64(1, nonsense, 2, r, Y, dY, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f64(1, comp, 2, NULL, Y, dY, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f64(1, comp, 2, r, NULL, dY, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f64(1, comp, SIZE_MAX / 16, r, Y, dY, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(-1, comp, 2, rf, Yf, dYf, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(LMAX + 1, comp, 2, rf, Yf, dYf, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(1, nonsense, 2, rf, Yf, dYf, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(1, comp, 2, NULL, Yf, dYf, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(1, comp, 2, rf, NULL, dYf, &err), RACAH_EINVAL);
    assert_int_equal(racah_sph_eval_f32(1, comp, SIZE_MAX / 16, rf, Yf, dYf, &err), RACAH_EINVAL);

    static const double unfit[] = {NAN, INFINITY, -INFINITY, 1e150};
    for (size_t t = 0; t < 4; t++) {
        r[4] = unfit[t], rf[4] = (float)unfit[t]; /* 1e150 becomes infinity */
        assert_int_equal(racah_sph_eval_f64(1, comp, 2, r, Y, dY, &err), RACAH_ENUMERIC);
        assert_non_null(strstr(err.msg, "r[1][1]"));
        assert_int_equal(racah_sph_eval_f32(1, comp, 2, rf, Yf, dYf, &err), RACAH_ENUMERIC);
    }
    RACAH_ASSERT_OK(racah_sph_eval_f64(1, comp, 0, NULL, NULL, NULL, &err)); /* no points: nothing to do */
    RACAH_ASSERT_OK(racah_sph_eval_f32(1, comp, 0, NULL, NULL, NULL, &err));
    for (int i = 0; i < 24; i++) assert_true(dY[i] == 5 && dYf[i] == 5);
    for (int i = 0; i < 8; i++) assert_true(Y[i] == 5 && Yf[i] == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sph_matches_e3nn_excerpt),
        cmocka_unit_test(test_sph_matches_full_e3nn_table),
        cmocka_unit_test(test_sph_rotates_with_e3nn_matrices),
        cmocka_unit_test(test_sph_fast_matches_ref_for_every_variant),
        cmocka_unit_test(test_sph_gradient_matches_central_difference),
        cmocka_unit_test(test_sph_is_orthonormal_in_three_normalisations),
        cmocka_unit_test(test_sph_normalisations_scale_values_and_gradients),
        cmocka_unit_test(test_sph_obeys_addition_theorem),
        cmocka_unit_test(test_sph_is_rotation_covariant),
        cmocka_unit_test(test_sph_parity_and_scaling),
        cmocka_unit_test(test_sph_on_the_axes),
        cmocka_unit_test(test_sph_zero_vector_gives_zeros),
        cmocka_unit_test(test_sph_extreme_lengths_stay_finite),
        cmocka_unit_test(test_sph_bad_input_leaves_outputs_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
