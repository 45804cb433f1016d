/* SPDX-License-Identifier: MIT
 * Initial weights keep the variance: from inputs of unit variance every block of the model makes outputs of
 * unit variance (sums over N neighbours: N, which neighbor_norm: sqrt divides out). Averages over random
 * inputs and weights; tolerances are a few standard errors of those. */
#include "train_support.h"

#include "../../sphere/racah_sphere.h"

static double normal(uint64_t *rng) { return racah_test_normal(rng); }

static racahi_config shape(racahi_weights_kind weights)
{
    return (racahi_config){.nelem = 2,
                           .Z = {8, 14},
                           .layers = 2,
                           .channels = 16,
                           .l_max = 3,
                           .l_hidden = 2,
                           .correlation = 3,
                           .weights = weights,
                           .r_max = 5,
                           .nbessel = 8,
                           .cutoff_p = 5,
                           .nmlp = 2,
                           .mlp = {24, 24},
                           .readout_width = 16,
                           .lambda = {1, 1}};
}

/* Rows of a matrix that are summed into one output, by name: all but the products, whose sum is a polynomial.
 */
static double fan_in(const racahi_param *p)
{
    if (strcmp(p->name, "embed") == 0) return 1; /* one row is picked */
    if (strstr(p->name, ".mix.")) return (double)(p->b * p->r);
    if (strstr(p->name, ".radial.2")) return (double)p->b; /* (in, radial functions, C) */
    if (p->r == 1) return (double)p->c;                    /* readouts: a row */
    return (double)p->r;
}

static void test_init_linear_maps_keep_the_variance(void **state)
{
    (void)state;
    racah_error err;
    for (int kind = 0; kind < 3; kind++) {
        const racahi_config cfg = shape((racahi_weights_kind)kind);
        racah_model *m = NULL;
        RACAH_ASSERT_OK(racahi_model_create(&m, &cfg, &err));
        racahi_model_init(m, 5);
        for (size_t t = 0; t < m->table.n; t++) {
            const racahi_param *p = &m->table.t[t];
            const double n = (double)(p->b * p->r * p->c);
            double sum = 0;
            for (size_t k = 0; k < p->b * p->r * p->c; k++) sum += pow(m->theta[p->offset + k], 2);
            /* five standard errors of the mean square of n normal numbers */
            RACAH_ASSERT_CLOSE_AT(t, sum / n / (p->gain * p->gain), 1, 5 * sqrt(2 / n), 0);
            if (!strstr(p->name, ".product."))
                RACAH_ASSERT_CLOSE_AT(t, p->gain * p->gain * fan_in(p), 1, 0, 1e-12);
        }
        racah_model_destroy(m);
    }
}

/* E[act(z)^2] = 1 for normal z, by the trapezium rule. */
static void test_init_activation_keeps_the_second_moment(void **state)
{
    (void)state;
    double sum = 0;
    for (double z = -12; z <= 12; z += 0.01)
        sum += 0.01 * exp(-0.5 * z * z) / sqrt(2 * 3.14159265358979323846) * pow(racahi_act_ref(z, NULL), 2);
    /* e3nn took its constant from a random sample: 1.00316 */
    RACAH_ASSERT_CLOSE(sum, 1, 0, 0.004);
}

/* A~ of N random neighbours with normal x and W: N in every row. */
static void test_init_convolution_sums_variances(void **state)
{
    (void)state;
    enum { N = 20, SAMPLES = 300, C = 8 };
    racah_error err;
    racahi_conv *conv = NULL;
    RACAH_ASSERT_OK(
        racahi_conv_create(&conv, 2, 3, 3, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT, RACAHI_ISA_BASE, &err));
    const size_t nw = racahi_conv_nw(conv), nrow = racahi_conv_nrow(conv);
    double *W = racahi_calloc(N * nw * C, sizeof *W), *A = racahi_calloc(nrow * C, sizeof *A), x[N * 9 * C];
    double Y[N * 16], d[3 * N], square[4] = {0};
    int j[N];
    uint64_t rng = 8;
    for (int s = 0; s < SAMPLES; s++) {
        for (int e = 0; e < N; e++) j[e] = e;
        for (int k = 0; k < 3 * N; k++) d[k] = normal(&rng); /* directions evenly on the sphere */
        for (int k = 0; k < N * 9 * C; k++) x[k] = normal(&rng);
        for (size_t k = 0; k < N * nw * C; k++) W[k] = normal(&rng);
        RACAH_ASSERT_OK(racah_sph_eval_f64(3, RACAH_SPH_COMPONENT, N, d, Y, NULL, &err));
        memset(A, 0, nrow * C * sizeof *A);
        RACAH_ASSERT_OK(racahi_conv_forward_ref(2, 3, 3, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT, C, N, j, x,
                                                W, Y, A, &err));
        for (int l = 0; l <= 3; l++) {
            const size_t rows = racahi_conv_nslot(conv, l) * (size_t)(2 * l + 1);
            const double *a = A + racahi_conv_slot_offset(conv, l) * C;
            for (size_t k = 0; k < rows * C; k++) square[l] += a[k] * a[k] / (double)(rows * C * SAMPLES);
        }
    }
    for (int l = 0; l <= 3; l++) RACAH_ASSERT_CLOSE_AT(l, square[l] / N, 1, 0.05, 0);
    racahi_conv_destroy(conv);
    racahi_free(W);
    racahi_free(A);
}

/* B of normal A with the initial weights. */
static void test_init_product_keeps_the_variance(void **state)
{
    (void)state;
    enum { SAMPLES = 3000, C = 16 };
    racah_error err;
    const racahi_config cfg = shape(RACAHI_W_PATH);
    racah_model *m = NULL;
    racahi_product *prod = NULL;
    RACAH_ASSERT_OK(racahi_model_create(&m, &cfg, &err));
    RACAH_ASSERT_OK(racahi_product_create(&prod, 3, 2, 3, RACAHI_ISA_BASE, &err));
    const size_t npath = racahi_product_npath(prod);
    double *W = racahi_calloc(npath * C, sizeof *W),
           *coef = racahi_calloc(racahi_product_nentry(prod) * C, sizeof *coef);
    void *ws = racahi_calloc(racahi_product_ws_size(prod), 1);
    double A[16 * C], B[9 * C], square[3] = {0};
    uint64_t rng = 9;
    for (int s = 0; s < SAMPLES; s++) {
        if (s % 10 == 0) { /* new weights, as racahi_model_init makes them */
            for (int L = 0; L <= 2; L++)
                for (int nu = 1; nu <= 3; nu++) {
                    const int at = m->table.layer[0].product[L][nu];
                    if (at < 0) continue;
                    double *w = W + racahi_product_path_offset(prod, L, nu) * C;
                    for (size_t k = 0; k < racahi_product_npath_of(prod, L, nu) * C; k++)
                        w[k] = m->table.t[at].gain * normal(&rng);
                }
            racahi_product_expand_f64(prod, C, W, coef);
        }
        for (int k = 0; k < 16 * C; k++) A[k] = normal(&rng);
        racahi_product_forward_f64(prod, ws, C, coef, A, B);
        for (int L = 0; L <= 2; L++)
            for (int k = L * L * C; k < (L + 1) * (L + 1) * C; k++)
                square[L] += B[k] * B[k] / ((2 * L + 1) * C * (double)SAMPLES);
    }
    print_message("mean square of B: %.3f %.3f %.3f\n", square[0], square[1], square[2]);
    /* powers of the same A are not independent: monomials with equal factors weigh more (a scalar's square
     * has a mean), which is a factor of 1.2, and 2 for scalars */
    assert_true(square[0] > 0.9 && square[0] < 2.3);
    for (int L = 1; L <= 2; L++) RACAH_ASSERT_CLOSE_AT(L, square[L], 1.1, 0.25, 0);
    racahi_product_destroy(prod);
    racah_model_destroy(m);
    racahi_free(W);
    racahi_free(coef);
    racahi_free(ws);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init_linear_maps_keep_the_variance),
        cmocka_unit_test(test_init_activation_keeps_the_second_moment),
        cmocka_unit_test(test_init_convolution_sums_variances),
        cmocka_unit_test(test_init_product_keeps_the_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
