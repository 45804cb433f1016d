/* SPDX-License-Identifier: MIT
 * Steps of the optimisers on a table of two tensors: matrices between channels, and a column. */
#include "../support.h"

#include "../../src/train/optim.h"

enum { C = 12, B = 3, N = B * C * C + 7 };

static racahi_param tensors[2] = {
    {.name = "mix", .b = B, .r = C, .c = C, .gain = 0.3, .row_channels = true, .col_channels = true},
    {.name = "radial", .b = 1, .r = 7, .c = 1, .offset = B * C * C, .gain = 0.5}};
static const racahi_params table = {.n = 2, .t = tensors, .count = N};

/* One step from zero weights with this gradient; where it leads to theta. */
static void one_step(int kind, int threads, const double *grad, double *theta)
{
    racah_error err;
    racahi_optim o;
    const racahi_train_config cfg = {.beta1 = 0.9, .beta2 = 0.999};
    memset(theta, 0, N * sizeof *theta);
    RACAH_ASSERT_OK(racahi_optim_create(&o, N, kind, theta, &err));
    if (kind == RACAHI_MUON) RACAH_ASSERT_OK(racahi_optim_prepare(&o, C, threads, &err));
    racahi_optim_step(&o, &table, &cfg, 0.01, racahi_optim_norm(&table, grad), grad, theta);
    racahi_optim_free(&o);
}

/* Rows from 1 to 1e-2 in size. */
static void random_gradient(double *grad)
{
    uint64_t rng = 3;
    for (int i = 0; i < N; i++) grad[i] = racah_test_normal(&rng) * pow(10, -2.0 * (i / C % C) / (C - 1));
}

static double image(const double *w, const double *v)
{
    double square = 0;
    for (int i = 0; i < C; i++) {
        double x = 0;
        for (int j = 0; j < C; j++) x += w[i * C + j] * v[j];
        square += x * x;
    }
    return sqrt(square);
}

static void test_optim_muon_moves_all_directions_alike(void **state)
{
    (void)state;
    double grad[N], theta[N], least = INFINITY, most = 0;
    uint64_t rng = 4;
    random_gradient(grad);
    one_step(RACAHI_MUON, 1, grad, theta);
    const double size = 0.01 * 0.3 * 1.6 * sqrt(C); /* lr gain 1.6 sqrt(C) */
    for (int b = 0; b < B; b++) {
        const double *w = theta + b * C * C, *g = grad + b * C * C;
        double against = 0;
        for (int i = 0; i < C * C; i++) against += w[i] * g[i];
        assert_true(against < 0);
        /* a row of U V^T has length 1 within the 0.7 .. 1.2 of the singular values, less where five
         * iterations do not raise the smallest of them: the small rows of the gradient move as far as the
         * large ones */
        for (int i = 0; i < C; i++) {
            double row = 0;
            for (int j = 0; j < C; j++) row += w[i * C + j] * w[i * C + j];
            row = sqrt(row) / size;
            RACAH_ASSERT_CLOSE_AT(i, row, 0.85, 0.4, 0);
        }
        for (int k = 0; k < 200; k++) {
            double v[C], length = 0;
            for (int j = 0; j < C; j++) v[j] = racah_test_normal(&rng), length += v[j] * v[j];
            const double x = image(w, v) / sqrt(length) / size;
            least = fmin(least, x), most = fmax(most, x);
        }
    }
    print_message("lengths %g .. %g\n", least, most);
    assert_true(least > 0.5 && most < 1.25);
}

static void test_optim_muon_is_amsgrad_elsewhere(void **state)
{
    (void)state;
    double grad[N], a[N], b[N];
    random_gradient(grad);
    one_step(RACAHI_MUON, 1, grad, a);
    one_step(RACAHI_AMSGRAD, 1, grad, b);
    for (int i = B * C * C; i < N; i++) {
        RACAH_ASSERT_CLOSE_AT(i, a[i], b[i], 0, 0);
        /* Adam's first step: lr gain, less the part of 1e-8 in the denominator */
        RACAH_ASSERT_CLOSE_AT(i, a[i], copysign(0.01 * 0.5, -grad[i]), 0, 1e-5);
    }
}

static void test_optim_muon_knows_neither_threads_nor_the_size_of_a_gradient(void **state)
{
    (void)state;
    double grad[N], a[N], b[N];
    random_gradient(grad);
    one_step(RACAHI_MUON, 1, grad, a);
    one_step(RACAHI_MUON, 3, grad, b);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < N; i++) grad[i] *= 1024;
    one_step(RACAHI_MUON, 1, grad, b);
    for (int i = 0; i < B * C * C; i++) RACAH_ASSERT_CLOSE_AT(i, a[i], b[i], 1e-14, 0); /* rounding */
    memset(grad, 0, sizeof grad);
    one_step(RACAHI_MUON, 2, grad, b); /* a tensor that no structure reaches stays where it is */
    for (int i = 0; i < N; i++) RACAH_ASSERT_CLOSE_AT(i, b[i], 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optim_muon_moves_all_directions_alike),
        cmocka_unit_test(test_optim_muon_is_amsgrad_elsewhere),
        cmocka_unit_test(test_optim_muon_knows_neither_threads_nor_the_size_of_a_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
