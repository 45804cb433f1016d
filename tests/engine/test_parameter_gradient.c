/* SPDX-License-Identifier: MIT
 * dE/dtheta of every tensor against central differences of the energy, for every kind of weights and shape. */
#include "engine_fixture.h"

/* Each atom's energy counts differently. */
static double factor_of(size_t i) { return 1 + 0.25 * (double)i; }

static double energy(racahi_grad *g, racahi_weights *w, const double *theta, const int *elem, const racahi_edges *edges,
                     const double *scale)
{
    racah_error err;
    double e[64], sum = 0;
    racahi_weights_set(w, theta);
    RACAH_ASSERT_OK(racahi_grad_eval(g, w, elem, edges, scale, e, NULL, NULL, NULL, &err));
    for (size_t i = 0; i < edges->n; i++) sum += factor_of(i) * e[i];
    return sum;
}

static void check_config(racahi_config cfg)
{
    racah_error err;
    racah_model *m = fixture_model(&cfg, 5);
    const fixture_atoms a = fixture_structure(7, 77);
    int elem[64];
    for (size_t i = 0; i < a.n; i++) elem[i] = racah_model_element_index(m, a.Z[i]);
    racahi_edges edges = {0};
    RACAH_ASSERT_OK(racahi_neigh_build(&edges, a.n, a.pos, a.cell, a.pbc, cfg.r_max + 0.2, &err));
    racahi_net *net;
    racahi_weights *w;
    racahi_grad *g;
    RACAH_ASSERT_OK(racahi_net_create(&net, &cfg, RACAH_ISA_AUTO, &err));
    RACAH_ASSERT_OK(racahi_weights_create(&w, net, &err));
    RACAH_ASSERT_OK(racahi_grad_create(&g, net, &err));
    double *dtheta = calloc(m->table.count, sizeof *dtheta), *padded = calloc(racahi_net_gradient_size(net), sizeof *padded);
    double e[64], factor[64];
    for (size_t i = 0; i < a.n; i++) factor[i] = factor_of(i);
    racahi_weights_set(w, m->theta);
    RACAH_ASSERT_OK(racahi_grad_eval(g, w, elem, &edges, m->scale, e, NULL, factor, padded, &err));
    racahi_net_unpack_gradient(net, padded, dtheta);
    double norm = 0;
    for (size_t k = 0; k < m->table.count; k++) norm += dtheta[k] * dtheta[k];
    norm = sqrt(norm);
    uint64_t seed = 4;
    for (size_t t = 0; t < m->table.n; t++) { /* along a random direction of each tensor */
        const racahi_param *p = &m->table.t[t];
        const size_t count = p->b * p->r * p->c;
        double *x = m->theta + p->offset, *dir = malloc(count * sizeof *dir), *x0 = malloc(count * sizeof *x0);
        double along = 0, tensor = 0;
        memcpy(x0, x, count * sizeof *x0);
        for (size_t k = 0; k < count; k++) {
            dir[k] = p->gain * racah_test_normal(&seed);
            along += dir[k] * dtheta[p->offset + k];
            tensor += dir[k] * dir[k] * dtheta[p->offset + k] * dtheta[p->offset + k];
        }
        double v[4];
        const double h = 1e-3, step[4] = {-2 * h, -h, h, 2 * h};
        for (int s = 0; s < 4; s++) {
            for (size_t k = 0; k < count; k++) x[k] = x0[k] + step[s] * dir[k];
            v[s] = energy(g, w, m->theta, elem, &edges, m->scale);
        }
        memcpy(x, x0, count * sizeof *x0);
        const double fd = (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h);
        if (!(fabs(fd - along) <= 1e-6 * fmax(sqrt(tensor), 1e-6 * norm) + 1e-10))
            print_error("%s: ", p->name);
        RACAH_ASSERT_CLOSE(along, fd, 1e-6 * fmax(sqrt(tensor), 1e-6 * norm) + 1e-10, 0);
        free(dir), free(x0);
    }
    free(dtheta), free(padded);
    racahi_grad_destroy(g), racahi_weights_destroy(w), racahi_net_destroy(net), racahi_edges_free(&edges);
    racah_model_destroy(m);
}

static void check(racahi_weights_kind kind, int layers, int l_max, int l_hidden, int correlation)
{
    check_config(fixture_config(kind, layers, l_max, l_hidden, correlation, 4));
}

static void test_options_have_exact_parameter_gradients(void **state)
{
    (void)state;
    for (int set = 1; set < FIXTURE_OPTIONS; set++)
        for (int layers = 1; layers <= 3; layers++) {
            racahi_config cfg = fixture_config(set == 3 ? RACAHI_W_DEGREE : RACAHI_W_PATH, layers, 2, 1, 2, 4);
            fixture_set_options(&cfg, set);
            check_config(cfg);
        }
}

static void test_parameter_gradient_matches_central_differences(void **state)
{
    (void)state;
    for (int w = RACAHI_W_PATH; w <= RACAHI_W_SHARED; w++)
        for (int layers = 1; layers <= 3; layers++)
            for (int lh = 0; lh <= 2; lh++) check((racahi_weights_kind)w, layers, 2, lh, 2);
    check(RACAHI_W_PATH, 2, 3, 1, 3);
    check(RACAHI_W_PATH, 2, 1, 1, 4);
    check(RACAHI_W_PATH, 2, 0, 0, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parameter_gradient_matches_central_differences),
                                       cmocka_unit_test(test_options_have_exact_parameter_gradients)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
