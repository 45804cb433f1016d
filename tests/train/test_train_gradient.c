/* SPDX-License-Identifier: MIT
 * The gradient of the full loss (energies, forces, stresses) against finite differences of the loss, for
 * every tensor of every kind of model. */
#include "train_support.h"

#include "../../src/train/loss.h"

#define R_MAX 3.0

/* Two structures of two elements with random labels. The periodic one has distances r_max -+ 1e-4 (edges that
 * the displaced passes move across the cutoff), images of atoms with themselves and a skewed cell. */
static void write_structures(void)
{
    char text[4096];
    uint64_t rng = 20260117;
    size_t n = 0;
    const double cell[9] = {3.4, 0.1, -0.2, 0.3, 4.1, 0.2, -0.1, 0.4, 4.6};
    const double pos[2][4][3] = {{{0, 0, 0}, {R_MAX - 1e-4, 0, 0}, {0, R_MAX + 1e-4, 0}, {1.5, 1.4, 2.2}},
                                 {{0.1, 0, 0}, {1.9, 0.3, 0.2}, {0.2, 2.1, -0.4}, {0, 0, 0}}};
    const int atoms[2] = {4, 3};
    for (int s = 0; s < 2; s++) {
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%d\nProperties=species:S:1:pos:R:3:forces:R:3 energy=%.17g ", atoms[s],
                              -8 + racah_test_normal(&rng));
        if (s == 0) {
            double sigma[6];
            for (int k = 0; k < 6; k++) sigma[k] = 0.1 * racah_test_normal(&rng);
            n += (size_t)snprintf(text + n, sizeof text - n, "config_weight=0.7 Lattice=\"");
            for (int k = 0; k < 9; k++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%g", k ? " " : "", cell[k]);
            n += (size_t)snprintf(
                text + n, sizeof text - n, "\" stress=\"%g %g %g %g %g %g %g %g %g\" pbc=\"T T T\"\n",
                sigma[0], sigma[5], sigma[4], sigma[5], sigma[1], sigma[3], sigma[4], sigma[3], sigma[2]);
        } else {
            n += (size_t)snprintf(text + n, sizeof text - n, "pbc=\"F F F\"\n");
        }
        for (int a = 0; a < atoms[s]; a++) {
            double f[3]; /* drawn one after the other: the order of a call's arguments is the compiler's */
            for (int k = 0; k < 3; k++) f[k] = racah_test_normal(&rng);
            n += (size_t)snprintf(text + n, sizeof text - n, "%s %.17g %.17g %.17g %.6f %.6f %.6f\n",
                                  a % 2 ? "O" : "Si", pos[s][a][0], pos[s][a][1], pos[s][a][2], f[0], f[1], f[2]);
        }
    }
    assert_true(n < sizeof text);
    test_write("two.xyz", text);
}

/* The second structure twice: of three, two are evaluated together. */
#define NBATCH 3

typedef struct setup {
    racahi_train_config *cfg;
    racahi_dataset *data;
    racah_model *model;
    racahi_net *net;
    racahi_weights *w;
    racahi_loss *loss;
    double scale[RACAHI_MAX_ELEMENTS];
    const racahi_sample *batch[NBATCH];
    racahi_loss_weights lw;
} setup;

static void create(setup *s, const char *text, int kind)
{
    racah_error err;
    memset(s, 0, sizeof *s);
    s->cfg = test_config("two.xyz", "out", text);
    RACAH_ASSERT_OK(racahi_dataset_create(&s->data, s->cfg, NULL, NULL, &err));
    racahi_config shape = {.nelem = s->data->nelem};
    memcpy(shape.Z, s->data->Z, sizeof shape.Z);
    racahi_train_config_shape(s->cfg, &shape);
    for (int t = 0; t < shape.layers; t++) shape.lambda[t] = 4;
    RACAH_ASSERT_OK(racahi_model_create(&s->model, &shape, &err));
    racahi_model_init(s->model, 17);
    RACAH_ASSERT_OK(racahi_net_create(&s->net, &s->model->cfg, RACAH_ISA_AUTO, &err));
    RACAH_ASSERT_OK(racahi_weights_create(&s->w, s->net, &err));
    RACAH_ASSERT_OK(racahi_loss_create(&s->loss, s->net, 1, NBATCH, &err));
    s->scale[0] = 0.7, s->scale[1] = 1.3;
    assert_int_equal(s->data->ntrain, 2);
    for (int i = 0; i < NBATCH; i++) s->batch[i] = &s->data->train[i > 0];
    s->lw = (racahi_loss_weights){3, 2, 50, kind, 0.3};
}

static void destroy(setup *s)
{
    racahi_loss_destroy(s->loss);
    racahi_weights_destroy(s->w);
    racahi_net_destroy(s->net);
    racah_model_destroy(s->model);
    racahi_dataset_destroy(s->data);
    racahi_train_config_destroy(s->cfg);
}

static double loss_at(setup *s, const double *theta)
{
    racah_error err;
    double value;
    racahi_weights_set(s->w, theta);
    RACAH_ASSERT_OK(
        racahi_loss_eval(s->loss, s->w, s->batch, NBATCH, s->scale, &s->lw, 1e-4, &value, NULL, NULL, &err));
    return value;
}

/* dL/dh of theta + h direction at h = 0: sixth-order central difference. */
static double difference(setup *s, const double *theta, const racahi_param *p, const double *direction,
                         double h, double *moved)
{
    const double c[3] = {45.0 / 60, -9.0 / 60, 1.0 / 60};
    const size_t n = p->b * p->r * p->c;
    double sum = 0;
    memcpy(moved, theta, s->model->table.count * sizeof *moved);
    for (int k = 1; k <= 3; k++)
        for (int side = -1; side <= 1; side += 2) {
            for (size_t i = 0; i < n; i++)
                moved[p->offset + i] = theta[p->offset + i] + side * k * h * direction[i];
            sum += side * c[k - 1] * loss_at(s, moved);
        }
    return sum / h;
}

/* Both along the gradient and along a random direction of each tensor. Returns the worst error in units of
 * what is allowed. */
static double worst_tensor(setup *s, const char *what)
{
    racah_error err;
    const racahi_params *table = &s->model->table;
    const double *theta = s->model->theta;
    double *g = racahi_calloc(table->count, sizeof *g), *moved = racahi_calloc(table->count, sizeof *moved);
    double *u = racahi_calloc(table->count, sizeof *u), value, total = 0, worst = 0;
    uint64_t rng = 99;
    racahi_weights_set(s->w, theta);
    RACAH_ASSERT_OK(
        racahi_loss_eval(s->loss, s->w, s->batch, NBATCH, s->scale, &s->lw, 1e-4, &value, g, NULL, &err));
    for (size_t i = 0; i < table->count; i++) total += g[i] * g[i];
    total = sqrt(total);
    assert_true(isfinite(total) && total > 1e-3);
    for (size_t t = 0; t < table->n; t++) {
        const racahi_param *p = &table->t[t];
        const size_t n = p->b * p->r * p->c;
        double norm = 0;
        for (size_t i = 0; i < n; i++) norm += g[p->offset + i] * g[p->offset + i];
        norm = sqrt(norm);
        /* issue 2: 1e-5 max(|g_tensor|, 1e-6 |g|) */
        const double allowed = 1e-5 * fmax(norm, 1e-6 * total);
        for (int kind = norm > 0 ? 0 : 1; kind < 2; kind++) {
            double length = 0, along = 0;
            for (size_t i = 0; i < n; i++) {
                u[i] = kind == 0 ? g[p->offset + i] : racah_test_normal(&rng);
                length += u[i] * u[i];
            }
            for (size_t i = 0; i < n; i++) u[i] /= sqrt(length), along += u[i] * g[p->offset + i];
            /* a thousandth of the tensor's own size */
            double h = 1e-3 * p->gain * sqrt((double)n);
            double e = fabs(difference(s, theta, p, u, h, moved) - along) / allowed;
            if (!(e <= 1))
                print_error("%s, %s, direction %d: error %.3g of the allowed %.3g\n", what, p->name, kind, e,
                            allowed);
            if (!(e <= worst)) worst = e;
        }
    }
    racahi_free(g);
    racahi_free(moved);
    racahi_free(u);
    return worst;
}

static void test_train_gradient_matches_difference_of_loss(void **state)
{
    (void)state;
    static const char *const weights[] = {"path", "degree", "shared"};
    double worst = 0;
    for (int k = 0; k < 3; k++)
        for (int T = 1; T <= 3; T++)
            for (int L = 0; L <= 2; L++) {
                char text[512], what[64];
                snprintf(
                    text, sizeof text,
                    "valid_fraction: 0\nr_max: %g\nchannels: 2\nl_max: 2\nl_hidden: %d\ncorrelation: %d\n"
                    "layers: %d\nweights: %s\nradial: {bessel: 3, mlp: [4]}\nreadout_width: 3\n"
                    "E0s: {Si: -2, O: -1.5}\n",
                    R_MAX, L, T == 3 ? 2 : 3, T, weights[k]);
                snprintf(what, sizeof what, "%s, T = %d, L_hidden = %d", weights[k], T, L);
                setup s;
                create(&s, text, RACAHI_LOSS_MSE);
                double e = worst_tensor(&s, what);
                destroy(&s);
                if (!(e <= 1)) fail_msg("%s: %.3g times the allowed error", what, e);
                worst = fmax(worst, e);
            }
    print_message("worst error: %.3g of 1e-5 max(|g_tensor|, 1e-6 |g|)\n", worst);
}

/* The slope of the Huber loss has a kink at |residual| = delta = 0.3, where no difference is of sixth order. Labels
 * near the prediction: every residual is 0.15 or 0.6 (+ up to 0.05), and no displacement moves one by 0.1. */
static void labels_off_the_kink(setup *s, racahi_frame frame[2], double forces[2][12])
{
    racah_error err;
    uint64_t rng = 5;
    racahi_weights_set(s->w, s->model->theta);
    for (int i = 0; i < 2; i++) {
        racahi_sample *q = &s->data->train[i];
        double energy, virial[9];
        RACAH_ASSERT_OK(
            racahi_loss_predict(s->loss, s->w, q, s->scale, &energy, forces[i], virial, &err));
        q->energy = energy - (i ? 0.6 : -0.15) * (double)q->n;
        for (size_t k = 0; k < 3 * q->n; k++)
            forces[i][k] -= (k % 2 ? 0.15 : -0.6) + 0.05 * racah_test_uniform(&rng);
        frame[i] = *q->frame;
        frame[i].forces = forces[i];
        for (int k = 0; k < 9 && q->has_stress; k++)
            frame[i].stress[k] = -virial[k] / q->volume - (k % 4 ? -0.15 : 0.6);
        q->frame = &frame[i];
    }
}

static void test_train_gradient_of_huber_loss(void **state)
{
    (void)state;
    setup s;
    racahi_frame frame[2];
    double forces[2][12];
    create(&s,
           "valid_fraction: 0\nr_max: 3\nchannels: 3\nl_max: 3\nl_hidden: 1\ncorrelation: 3\nlayers: 2\n"
           "family: gaunt\nradial: {bessel: 4, mlp: [5, 4]}\nreadout_width: 4\nE0s: {Si: -2, O: -1.5}\n",
           RACAHI_LOSS_HUBER);
    labels_off_the_kink(&s, frame, forces);
    double e = worst_tensor(&s, "huber");
    destroy(&s);
    if (!(e <= 1)) fail_msg("%.3g times the allowed error", e);
}

/* Atoms 0.5 A apart: the repulsion is at work, and its forces are part of the residuals. */
static void test_train_gradient_with_density_and_zbl(void **state)
{
    (void)state;
    setup s;
    create(&s,
           "valid_fraction: 0\nr_max: 3\nchannels: 3\nl_max: 2\nl_hidden: 1\ncorrelation: 2\nlayers: 2\n"
           "density: true\nzbl: true\nradial: {bessel: 4, mlp: [5], density_mlp: [6, 4]}\nreadout_width: 4\n"
           "E0s: {Si: -2, O: -1.5}\n",
           RACAHI_LOSS_MSE);
    assert_true(s.net != NULL && s.model->cfg.zbl && s.model->cfg.density[1] && s.model->cfg.ndensity == 2);
    double e = worst_tensor(&s, "density and zbl");
    destroy(&s);
    if (!(e <= 1)) fail_msg("%.3g times the allowed error", e);
}

/* The loss is what loss.h says, also with labels missing. */
static void test_train_loss_is_the_documented_sum(void **state)
{
    (void)state;
    racah_error err;
    setup s;
    create(&s,
           "valid_fraction: 0\nr_max: 3\nchannels: 2\nl_max: 1\nl_hidden: 0\ncorrelation: 2\nlayers: 1\n"
           "radial: {bessel: 3, mlp: [4]}\nE0s: {Si: -2, O: -1.5}\n",
           RACAHI_LOSS_MSE);
    for (int mask = 0; mask < 8; mask++) {
        racahi_sample part[2] = {s.data->train[0], s.data->train[1]};
        const racahi_sample *batch[2] = {&part[0], &part[1]};
        part[0].has_energy = mask & 1, part[0].has_forces = mask & 2, part[0].has_stress = mask & 4;
        double e = 0, f = 0, t = 0, ne = 0, nf = 0, nt = 0, value;
        racahi_weights_set(s.w, s.model->theta);
        for (int i = 0; i < 2; i++) {
            const racahi_sample *q = batch[i];
            double energy, forces[12], virial[9], c = q->frame->weight;
            RACAH_ASSERT_OK(racahi_loss_predict(s.loss, s.w, q, s.scale, &energy, forces, virial, &err));
            double x = (energy - q->energy) / (double)q->n;
            if (q->has_energy) ne++, e += c * x * x;
            for (size_t k = 0; k < 3 * q->n && q->has_forces; k++)
                nf++, f += c * pow(forces[k] - q->frame->forces[k], 2);
            for (int k = 0; k < 9 && q->has_stress; k++)
                nt++, t += c * pow(-virial[k] / q->volume - q->frame->stress[k], 2);
        }
        double wanted = 3 * e / ne + 2 * f / nf + (nt > 0 ? 50 * t / nt : 0);
        RACAH_ASSERT_OK(
            racahi_loss_eval(s.loss, s.w, batch, 2, s.scale, &s.lw, 1e-4, &value, NULL, NULL, &err));
        RACAH_ASSERT_CLOSE_AT(mask, value, wanted, 0, 1e-13);
    }
    destroy(&s);
}

/* A residual of zero in forces and stress: one pass with the energy alone, the limit of the general case. */
static void test_train_gradient_without_force_labels(void **state)
{
    (void)state;
    setup s;
    create(&s,
           "valid_fraction: 0\nr_max: 3\nchannels: 2\nl_max: 2\nl_hidden: 1\ncorrelation: 2\nlayers: 2\n"
           "radial: {bessel: 3, mlp: [4]}\nE0s: {Si: -2, O: -1.5}\n",
           RACAHI_LOSS_MSE);
    racahi_sample part[2] = {s.data->train[0], s.data->train[1]};
    for (int i = 0; i < 2; i++) part[i].has_forces = part[i].has_stress = false;
    for (int i = 0; i < NBATCH; i++) s.batch[i] = &part[i > 0];
    double e = worst_tensor(&s, "energies only");
    destroy(&s);
    if (!(e <= 1)) fail_msg("%.3g times the allowed error", e);
}

static void test_train_gradient_not_finite_names_the_structure(void **state)
{
    (void)state;
    racah_error err = {0};
    double value;
    setup s;
    create(&s,
           "valid_fraction: 0\nr_max: 3\nchannels: 2\nl_max: 1\nl_hidden: 0\ncorrelation: 2\nlayers: 1\n"
           "radial: {bessel: 3, mlp: [4]}\nE0s: {Si: -2, O: -1.5}\n",
           RACAHI_LOSS_MSE);
    s.data->train[1].energy = 1e200; /* its square overflows */
    racahi_weights_set(s.w, s.model->theta);
    assert_int_equal(
        racahi_loss_eval(s.loss, s.w, s.batch, 2, s.scale, &s.lw, 1e-4, &value, NULL, NULL, &err),
        RACAH_ENUMERIC);
    assert_non_null(strstr(err.msg, "two.xyz, frame 2 (line 7): the loss is not finite"));
    destroy(&s);
}

static int set_up(void **state)
{
    if (test_dir_create(state)) return -1;
    write_structures();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_gradient_matches_difference_of_loss),
        cmocka_unit_test(test_train_gradient_of_huber_loss),
        cmocka_unit_test(test_train_gradient_with_density_and_zbl),
        cmocka_unit_test(test_train_gradient_without_force_labels),
        cmocka_unit_test(test_train_gradient_not_finite_names_the_structure),
        cmocka_unit_test(test_train_loss_is_the_documented_sum),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
