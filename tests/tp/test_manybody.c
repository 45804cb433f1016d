/* SPDX-License-Identifier: MIT
 * Many-body products by grid and cp: against the readable twin, the symmetric contraction, central
 * differences. */
#include "support.h"

#include "manybody.h"
#include "product.h"
#include "symbasis.h"

enum { NATOM = 2, CP = 16 };

static size_t square(int l) { return (size_t)((l + 1) * (l + 1)); }

static double *block(uint64_t *seed, size_t n) /* seed NULL: NaN */
{
    double *a = racahi_malloc(n, sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++) a[i] = seed ? racah_test_normal(seed) : NAN;
    return a;
}

static float *to_float(const double *a, size_t n)
{
    float *b = racahi_malloc(n, sizeof *b);
    assert_non_null(b);
    for (size_t i = 0; i < n; i++) b[i] = (float)a[i];
    return b;
}

static racahi_manybody *make_plan(int algorithm, int lmax, int Lout, int order, int isa, void **ws)
{
    racah_error err;
    racahi_manybody *p;
    RACAH_ASSERT_OK(racahi_manybody_create(&p, (racahi_manybody_algorithm)algorithm, lmax, Lout, order,
                                           (racahi_isa)isa, &err));
    size_t size = racahi_manybody_ws_size(p);
    *ws = racahi_malloc(size, 1);
    assert_non_null(*ws);
    memset(*ws, 0xff, size); /* NaN */
    return p;
}

static void assert_same(const double *a, const double *b, size_t n, double tolerance)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, fabs(b[i]));
    for (size_t i = 0; i < n; i++) RACAH_ASSERT_CLOSE_AT(i, a[i], b[i], tolerance * scale, 0);
}

static void test_manybody_every_algorithm_and_variant_matches_the_reference(void **state)
{
    (void)state;
    static const int shape[][3] = {{0, 0, 2}, {1, 1, 1}, {1, 1, 2}, {1, 0, 3},
                                   {2, 2, 3}, {3, 1, 3}, {2, 1, 4}};
    uint64_t seed = 5;
    racah_error err;
    for (size_t t = 0; t < sizeof shape / sizeof *shape; t++) {
        int lmax = shape[t][0], Lout = shape[t][1], N = shape[t][2];
        size_t nA = NATOM * square(lmax) * CP, nB = NATOM * square(Lout) * CP,
               nW = (size_t)(N * (Lout + 1)) * CP;
        double *A = block(&seed, nA), *W = block(&seed, nW), *B = block(NULL, nB), *ref = block(NULL, nB);
        for (size_t i = 0; i < nA; i++) A[i] /= (double)square(lmax); /* |f| about 1 */
        float *Af = to_float(A, nA), *Wf = to_float(W, nW), *Bf = to_float(B, nB);
        RACAH_ASSERT_OK(racahi_manybody_forward_ref(lmax, Lout, N, CP, NATOM, W, A, ref, &err));
        for (int a = RACAHI_MANYBODY_GRID; a <= RACAHI_MANYBODY_CP; a++)
            for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
                void *ws;
                racahi_manybody *p = make_plan(a, lmax, Lout, N, isa, &ws);
                racahi_manybody_forward_f64(p, ws, CP, NATOM, W, A, B);
                assert_same(B, ref, nB, 1e-12);
                racahi_manybody_forward_f32(p, ws, CP, NATOM, Wf, Af, Bf);
                for (size_t i = 0; i < nB; i++) B[i] = (double)Bf[i];
                assert_same(B, ref, nB, 1e-5);
                racahi_free(ws);
                racahi_manybody_destroy(p);
            }
        racahi_free(A), racahi_free(W), racahi_free(B), racahi_free(ref);
        racahi_free(Af), racahi_free(Wf), racahi_free(Bf);
    }
}

/* E = <B, dB>; all variants, both precisions against the double gradient that differences confirm. */
static void test_manybody_gradients_match_central_differences(void **state)
{
    (void)state;
    static const int shape[][3] = {{2, 1, 1}, {1, 1, 2}, {2, 1, 3}, {1, 1, 4}};
    uint64_t seed = 8;
    for (size_t t = 0; t < sizeof shape / sizeof *shape; t++) {
        int lmax = shape[t][0], Lout = shape[t][1], N = shape[t][2];
        size_t nA = NATOM * square(lmax) * CP, nB = NATOM * square(Lout) * CP,
               nW = (size_t)(N * (Lout + 1)) * CP;
        double *A = block(&seed, nA), *W = block(&seed, nW), *dB = block(&seed, nB), *B = block(NULL, nB);
        double *gA = block(NULL, nA), *gW = block(NULL, nW), *dA = block(NULL, nA), *dW = block(NULL, nW);
        for (size_t i = 0; i < nA; i++) A[i] /= (double)square(lmax);
        float *Af = to_float(A, nA), *Wf = to_float(W, nW), *dBf = to_float(dB, nB), *dAf = to_float(A, nA);
        float *dWf = to_float(W, nW);
        for (int a = RACAHI_MANYBODY_GRID; a <= RACAHI_MANYBODY_CP; a++)
            for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
                void *ws;
                racahi_manybody *p = make_plan(a, lmax, Lout, N, isa, &ws);
                for (size_t i = 0; i < nW; i++) dW[i] = 0.5, dWf[i] = 0.5f; /* it is added to */
                racahi_manybody_backward_f64(p, ws, CP, NATOM, W, A, dB, dA, dW);
                for (size_t i = 0; i < nW; i++) dW[i] -= 0.5;
                if (a == 0 && isa == 0) {
                    memcpy(gA, dA, nA * sizeof *gA), memcpy(gW, dW, nW * sizeof *gW);
                    double *value[2] = {A, W}, *grad[2] = {gA, gW};
                    for (int trial = 0; trial < 30; trial++) {
                        int v = trial % 2;
                        size_t i = racah_test_next(&seed) % (v ? nW : nA);
                        double old = value[v][i], e[2] = {0, 0}, h = 1e-4;
                        for (int side = 0; side < 2; side++) {
                            value[v][i] = old + (side ? h : -h);
                            racahi_manybody_forward_f64(p, ws, CP, NATOM, W, A, B);
                            for (size_t k = 0; k < nB; k++) e[side] += B[k] * dB[k];
                        }
                        value[v][i] = old; /* h^2 f''' / 6 and rounding / h */
                        RACAH_ASSERT_CLOSE_AT(i, grad[v][i], (e[1] - e[0]) / (2 * h), 1e-7, 1e-7);
                    }
                }
                assert_same(dA, gA, nA, 1e-12), assert_same(dW, gW, nW, 1e-12);
                racahi_manybody_backward_f32(p, ws, CP, NATOM, Wf, Af, dBf, dAf, dWf);
                for (size_t i = 0; i < nA; i++) dA[i] = (double)dAf[i];
                for (size_t i = 0; i < nW; i++) dW[i] = (double)dWf[i] - 0.5;
                assert_same(dA, gA, nA, 1e-5), assert_same(dW, gW, nW, 1e-5);
                racahi_free(ws);
                racahi_manybody_destroy(p);
            }
        racahi_free(A), racahi_free(W), racahi_free(dB), racahi_free(B), racahi_free(gA), racahi_free(gW);
        racahi_free(dA), racahi_free(dW), racahi_free(Af), racahi_free(Wf), racahi_free(dBf),
            racahi_free(dAf);
        racahi_free(dWf);
    }
}

/* The power of order nu to degree L is a combination of the basis polynomials of (L, nu): they are orthogonal
 * as symmetric tensors, so for random unit-variance A (channels) the coefficients come from least squares. */
static double outside_of_contraction(int lmax, int L, int N)
{
    enum { CH = 96 };
    racah_error err;
    uint64_t seed = 77;
    racahi_product *product;
    RACAH_ASSERT_OK(racahi_product_create(&product, lmax, L, N, racahi_cpu_best(), &err));
    size_t np = racahi_product_npath_of(product, L, N), first = racahi_product_path_offset(product, L, N);
    size_t all = racahi_product_npath(product), nout = square(L), n = (size_t)(2 * L + 1) * CH;
    double *A = block(&seed, square(lmax) * CH), *B = block(NULL, nout * CH), *W = block(NULL, all * CH);
    double *P = block(NULL, (np + 1) * n);
    for (size_t p = 0; p < np; p++) {
        for (size_t i = 0; i < all * CH; i++) W[i] = i / CH == first + p;
        RACAH_ASSERT_OK(racahi_product_forward_ref(lmax, L, N, CH, W, A, B, &err));
        memcpy(P + p * n, B + square(L - 1) * CH, n * sizeof *P);
    }
    void *ws;
    racahi_manybody *m = make_plan(RACAHI_MANYBODY_GRID, lmax, L, N, (int)racahi_cpu_best(), &ws);
    size_t nw = (size_t)(N * (L + 1));
    double *w = block(NULL, nw * CH);
    for (size_t i = 0; i < nw * CH; i++) w[i] = i / CH == nw - 1;
    racahi_manybody_forward_f64(m, ws, CH, 1, w, A, B);
    double *target = P + np * n, norm = 0, left = 0;
    memcpy(target, B + square(L - 1) * CH, n * sizeof *P);
    for (size_t i = 0; i < n; i++) norm += target[i] * target[i];
    for (size_t p = 0; p <= np; p++) /* modified Gram-Schmidt, target last */
        for (int twice = 0; twice < 2; twice++)
            for (size_t q = 0; q < p; q++) {
                double dot = 0, qq = 0;
                for (size_t i = 0; i < n; i++)
                    dot += P[p * n + i] * P[q * n + i], qq += P[q * n + i] * P[q * n + i];
                for (size_t i = 0; i < n; i++) P[p * n + i] -= dot / qq * P[q * n + i];
            }
    for (size_t i = 0; i < n; i++) left += target[i] * target[i];
    racahi_free(A), racahi_free(B), racahi_free(W), racahi_free(P), racahi_free(w), racahi_free(ws);
    racahi_manybody_destroy(m);
    racahi_product_destroy(product);
    return sqrt(left / norm);
}

static void test_manybody_powers_lie_in_the_space_of_the_symmetric_contraction(void **state)
{
    (void)state;
    static const int shape[][3] = {{1, 1, 2}, {2, 0, 3}, {2, 2, 2}, {2, 1, 3}, {2, 2, 3}};
    for (size_t t = 0; t < sizeof shape / sizeof *shape; t++) {
        double outside = outside_of_contraction(shape[t][0], shape[t][1], shape[t][2]);
        if (!(outside < 1e-10)) fail_msg("shape %zu: %g of the power is outside", t, outside);
    }
}

static void test_manybody_refuses_bad_arguments(void **state)
{
    (void)state;
    racah_error err;
    racahi_manybody *p = (void *)&err;
    assert_int_equal(racahi_manybody_create(NULL, RACAHI_MANYBODY_CP, 1, 1, 1, RACAHI_ISA_BASE, &err),
                     RACAH_EINVAL);
    static const int bad[][4] = {{2, 1, 1, 1}, {0, 6, 1, 1}, {0, -1, 0, 1},
                                 {0, 1, 2, 1}, {0, 1, 1, 0}, {0, 1, 1, 5}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(racahi_manybody_create(&p, (racahi_manybody_algorithm)bad[i][0], bad[i][1],
                                                bad[i][2], bad[i][3], RACAHI_ISA_BASE, &err),
                         RACAH_EINVAL);
        assert_null(p);
    }
    double x[1] = {3};
    assert_int_equal(racahi_manybody_forward_ref(6, 0, 1, 1, 1, x, x, x, &err), RACAH_EINVAL);
    racahi_manybody_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manybody_every_algorithm_and_variant_matches_the_reference),
        cmocka_unit_test(test_manybody_gradients_match_central_differences),
        cmocka_unit_test(test_manybody_powers_lie_in_the_space_of_the_symmetric_contraction),
        cmocka_unit_test(test_manybody_refuses_bad_arguments),
    };
    return cmocka_run_group_tests_name("manybody", tests, NULL, NULL);
}
