/* SPDX-License-Identifier: MIT
 * Many-body products through tensor-product plans (2D Fourier): values against the readable twin, gradients
 * against those of the grid, which central differences confirm (test_manybody.c). */
#include "support.h"

#include "manybody.h"
#include "manybody_gaunt.h"

enum { NATOM = 3, CP = 16 };

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

static void assert_same(const double *a, const float *single, const double *b, size_t n, double tolerance)
{
    double scale = 0;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, fabs(b[i]));
    for (size_t i = 0; i < n; i++)
        RACAH_ASSERT_CLOSE_AT(i, single ? (double)single[i] : a[i], b[i], tolerance * scale, 0);
}

static void *work(const racahi_manybody_gaunt *p)
{
    size_t size = racahi_manybody_gaunt_ws_size(p, NATOM);
    void *ws = racahi_malloc(size, 1);
    assert_non_null(ws);
    memset(ws, 0xff, size);
    return ws;
}

static void check_shape(racah_tp_algorithm algorithm, int lmax, int Lout, int N)
{
    uint64_t seed = 15;
    racah_error err;
    size_t nA = NATOM * square(lmax) * CP, nB = NATOM * square(Lout) * CP, nW = (size_t)(N * (Lout + 1)) * CP;
    double *A = block(&seed, nA), *W = block(&seed, nW), *dB = block(&seed, nB), *B = block(NULL, nB);
    double *rB = block(NULL, nB), *dA = block(NULL, nA), *rA = block(NULL, nA), *dW = block(NULL, nW);
    double *rW = block(NULL, nW);
    for (size_t i = 0; i < nA; i++) A[i] /= (double)square(lmax);
    for (size_t i = 0; i < nW; i++) dW[i] = rW[i] = 0.25; /* added to */
    RACAH_ASSERT_OK(racahi_manybody_forward_ref(lmax, Lout, N, CP, NATOM, W, A, rB, &err));
    racahi_manybody *g;
    RACAH_ASSERT_OK(racahi_manybody_create(&g, RACAHI_MANYBODY_GRID, lmax, Lout, N, racahi_cpu_best(), &err));
    void *ws = racahi_malloc(racahi_manybody_ws_size(g), 1);
    assert_non_null(ws);
    racahi_manybody_backward_f64(g, ws, CP, NATOM, W, A, dB, rA, rW);
    racahi_free(ws);
    racahi_manybody_destroy(g);

    racahi_manybody_gaunt *p;
    RACAH_ASSERT_OK(racahi_manybody_gaunt_create(&p, algorithm, lmax, Lout, N, CP, RACAH_TP_F64, &err));
    assert_true(racahi_manybody_gaunt_flops(p, true) > racahi_manybody_gaunt_flops(p, false));
    ws = work(p);
    RACAH_ASSERT_OK(racahi_manybody_gaunt_forward_f64(p, ws, NATOM, W, A, B, &err));
    assert_same(B, NULL, rB, nB, 1e-12);
    RACAH_ASSERT_OK(racahi_manybody_gaunt_backward_f64(p, ws, NATOM, W, A, dB, dA, dW, &err));
    assert_same(dA, NULL, rA, nA, 1e-12), assert_same(dW, NULL, rW, nW, 1e-12);
    racahi_free(ws);
    racahi_manybody_gaunt_destroy(p);

    float *Af = to_float(A, nA), *Wf = to_float(W, nW), *dBf = to_float(dB, nB), *Bf = to_float(B, nB);
    float *dAf = to_float(A, nA), *dWf = to_float(W, nW);
    for (size_t i = 0; i < nW; i++) dWf[i] = 0.25f;
    RACAH_ASSERT_OK(racahi_manybody_gaunt_create(&p, algorithm, lmax, Lout, N, CP, RACAH_TP_F32, &err));
    ws = work(p);
    RACAH_ASSERT_OK(racahi_manybody_gaunt_forward_f32(p, ws, NATOM, Wf, Af, Bf, &err));
    assert_same(NULL, Bf, rB, nB, 1e-5);
    RACAH_ASSERT_OK(racahi_manybody_gaunt_backward_f32(p, ws, NATOM, Wf, Af, dBf, dAf, dWf, &err));
    assert_same(NULL, dAf, rA, nA, 1e-5), assert_same(NULL, dWf, rW, nW, 1e-5);
    if (N > 1) /* the steps know their precision */
        assert_int_equal(racahi_manybody_gaunt_forward_f64(p, ws, NATOM, W, A, B, &err), RACAH_EINVAL);
    racahi_free(ws);
    racahi_manybody_gaunt_destroy(p);
    void *all[] = {A, W, dB, B, rB, dA, rA, dW, rW, Af, Wf, dBf, Bf, dAf, dWf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static void test_manybody_gaunt_matches_the_reference(void **state)
{
    (void)state;
    static const int shape[][3] = {{0, 0, 2}, {2, 1, 1}, {1, 1, 2}, {2, 2, 3}, {3, 1, 3}, {2, 1, 4}};
    for (size_t t = 0; t < sizeof shape / sizeof *shape; t++) {
        check_shape(RACAH_TP_GAUNT, shape[t][0], shape[t][1], shape[t][2]);
        check_shape(RACAH_TP_CG, shape[t][0], shape[t][1], shape[t][2]);
    }
}

static void test_manybody_gaunt_refuses_bad_arguments(void **state)
{
    (void)state;
    racah_error err;
    racahi_manybody_gaunt *p = (void *)&err;
    static const int bad[][4] = {{6, 1, 1, 8}, {1, 2, 1, 8}, {1, 1, 0, 8}, {1, 1, 5, 8}, {1, 1, 2, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(racahi_manybody_gaunt_create(&p, RACAH_TP_GAUNT, bad[i][0], bad[i][1], bad[i][2],
                                                      (size_t)bad[i][3], RACAH_TP_F64, &err),
                         RACAH_EINVAL);
        assert_null(p);
    }
    racahi_manybody_gaunt_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manybody_gaunt_matches_the_reference),
        cmocka_unit_test(test_manybody_gaunt_refuses_bad_arguments),
    };
    return cmocka_run_group_tests_name("manybody gaunt", tests, NULL, NULL);
}
