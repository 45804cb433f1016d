/* SPDX-License-Identifier: MIT
 * Fine-tuning: trainings that begin with the weights of a model. */
#include "train_run.h"

#include "../engine/engine_fixture.h"

static const char still[] =
    "epochs: 1\nlr: 1e-12\nmin_lr: 0\nema: 0\nbatch_size: 3\n"; /* weights do not move */

/* The keys of a fine-tuning that starts from DIR/model. */
static const char *start(const char *model, const char *more)
{
    static char text[1024];
    snprintf(text, sizeof text, "start_from: %s\n%s", test_path(model), more);
    return text;
}

/* Mean squared errors of energies per atom and forces, by the public interface. */
static void evaluate(const char *model, const char *file, double *energy, double *forces)
{
    racah_error err;
    racah_model *m = NULL;
    racah_calc *calc = NULL;
    racahi_frames frames;
    double ne = 0, nf = 0;
    const racah_calc_options exact = {.size = sizeof exact, .radial = RACAH_RADIAL_EXACT};
    *energy = *forces = 0;
    RACAH_ASSERT_OK(racah_model_load(&m, test_path(model), &err));
    RACAH_ASSERT_OK(racah_calc_create(&calc, m, &exact, &err));
    RACAH_ASSERT_OK(racahi_extxyz_read(&frames, test_path(file), &err));
    for (size_t i = 0; i < frames.n; i++) {
        const racahi_frame *f = &frames.f[i];
        double e, x[12];
        racah_structure s = {.size = sizeof s,
                             .natoms = f->n,
                             .positions = f->pos,
                             .atomic_numbers = f->Z,
                             .cell = f->cell,
                             .pbc = {1, 1, 1},
                             .energy = &e,
                             .forces = x};
        RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
        if (f->has_energy) ne++, *energy += pow((e - f->energy) / (double)f->n, 2);
        for (size_t k = 0; f->forces && k < 3 * f->n; k++) nf++, *forces += pow(x[k] - f->forces[k], 2);
    }
    *energy /= ne, *forces /= nf;
    racahi_frames_free(&frames);
    racah_calc_destroy(calc);
    racah_model_destroy(m);
}

/* Train from `model` on `file` with weights that do not move: what the trainer measures is what evaluation of
 * the model gives. */
static void starts_as_evaluated(const char *model, const char *file, const char *more)
{
    racah_error err;
    witness w;
    racahi_train_result r;
    char text[512];
    double energy, forces;
    snprintf(text, sizeof text, "%sE0s: model\nvalid_file: %s\nstress_weight: 0\n%s", still, test_path(file),
             more);
    evaluate(model, file, &energy, &forces);
    RACAH_ASSERT_OK(train_text(file, "still", start(model, text), 0, true, &w, &r, &err));
    /* rates of 1e-12 and sums in another order */
    RACAH_ASSERT_CLOSE(r.kept_measure, energy + 100 * forces, 0, 1e-8);
    evaluate("still.racah", file, &energy, &forces);
    RACAH_ASSERT_CLOSE(r.kept_measure, energy + 100 * forces, 0, 1e-8);
}

static void test_train_start_begins_where_the_model_is(void **state)
{
    (void)state;
    starts_as_evaluated("base.racah", "data.xyz", "");
    starts_as_evaluated("base.racah", "moved.xyz", "");
}

static void test_train_start_of_fewer_elements_is_the_same_potential(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m = NULL;
    starts_as_evaluated("base.racah", "al.xyz", "");
    RACAH_ASSERT_OK(racah_model_load(&m, test_path("still.racah"), &err));
    assert_int_equal(racah_model_nelements(m), 1);
    assert_int_equal(racah_model_atomic_number(m, 0), 13);
    racah_model_destroy(m);
}

/* All that imported models may have: mixing by element, no skip, density, ZBL, radial options, scale by
 * element, shift; for both elements and for one. */
static void test_train_start_of_models_with_every_option(void **state)
{
    (void)state;
    racah_error err;
    for (int set = 1; set < FIXTURE_OPTIONS; set++) {
        racahi_config c = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 3);
        c.Z[0] = 8, c.Z[1] = 13, c.r_max = 3.5;
        fixture_set_options(&c, set);
        racah_model *m = fixture_model(&c, 5);
        RACAH_ASSERT_OK(racahi_model_save(m, test_path("options.racah"), &err));
        racah_model_destroy(m);
        starts_as_evaluated("options.racah", "data.xyz", "");
        starts_as_evaluated("options.racah", "al.xyz", "");
    }
}

static void test_train_start_learns_new_data_sooner_than_new_weights(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result tuned, fresh;
    const char *tune = "epochs: 8\nlr: 0.005\nvalid_fraction: 0.2\nbatch_size: 3\nenergy_weight: 50\n";
    double before = NAN;
    RACAH_ASSERT_OK(train_text("moved.xyz", "tuned", start("base.racah", tune), 0, false, &w, &tuned, &err));
    const char *said = strstr(w.said, "before training: loss ");
    assert_non_null(said);
    assert_int_equal(sscanf(said, "before training: loss %lf", &before), 1);
    RACAH_ASSERT_OK(
        train("moved.xyz", "fresh", "epochs: 8\nenergy_weight: 50\n", 0, false, &w, &fresh, &err));
    print_message("validation loss %g -> %g, from new weights %g\n", before, tuned.kept_measure,
                  fresh.kept_measure);
    assert_true(tuned.kept_measure < 0.7 * before && tuned.kept_measure < 0.6 * fresh.kept_measure);
}

/* Labels of another method: constants for each atom. Fitted to what the model leaves, they are all of it. */
static void test_train_start_fits_e0_to_what_the_model_leaves(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    racah_model *a = NULL, *b = NULL;
    char text[512];
    snprintf(text, sizeof text, "%sE0s: average\nvalid_fraction: 0\n", still);
    RACAH_ASSERT_OK(train_text("data.xyz", "e0a", start("base.racah", text), 0, false, &w, &r, &err));
    const double loss = r.kept_measure;
    write_labelled("other.xyz", (recipe){42, -0.5 + 7, -1.5 - 3, 1, false});
    RACAH_ASSERT_OK(train_text("other.xyz", "e0b", start("base.racah", text), 0, false, &w, &r, &err));
    RACAH_ASSERT_CLOSE(r.kept_measure, loss, 0, 1e-8);
    RACAH_ASSERT_OK(racah_model_load(&a, test_path("e0a.racah"), &err));
    RACAH_ASSERT_OK(racah_model_load(&b, test_path("e0b.racah"), &err));
    RACAH_ASSERT_CLOSE(b->E0[0] - a->E0[0], -3, 1e-9, 0); /* O, Al */
    RACAH_ASSERT_CLOSE(b->E0[1] - a->E0[1], 7, 1e-9, 0);
    racah_model_destroy(a);
    racah_model_destroy(b);
    /* without the key E0s, isolated atoms of the new data count, and the model's for the rest */
    write_labelled("other.xyz", (recipe){42, -0.5, -1.5, 1, false});
    FILE *f = fopen(test_path("other.xyz"), "a");
    assert_non_null(f);
    fputs("1\nenergy=-0.625 pbc=\"F F F\"\nAl 0 0 0\n", f);
    assert_int_equal(fclose(f), 0);
    RACAH_ASSERT_OK(train_text("other.xyz", "e0c", start("base.racah", still), 0, false, &w, &r, &err));
    RACAH_ASSERT_OK(racah_model_load(&a, test_path("base.racah"), &err));
    RACAH_ASSERT_OK(racah_model_load(&b, test_path("e0c.racah"), &err));
    RACAH_ASSERT_CLOSE(b->E0[0], a->E0[0], 0, 0);
    RACAH_ASSERT_CLOSE(b->E0[1], -0.625, 0, 0);
    racah_model_destroy(a);
    racah_model_destroy(b);
}

static void test_train_start_resumes_and_refuses_another_model(void **state)
{
    (void)state;
    racah_error err = {0};
    witness w;
    racahi_train_result r;
    const char *tune = "epochs: 3\nE0s: average\nvalid_fraction: 0.2\nbatch_size: 3\n";
    char text[1024];
    snprintf(text, sizeof text, "%s", start("base.racah", tune));
    RACAH_ASSERT_OK(train_text("moved.xyz", "whole", text, 0, false, &w, &r, &err));
    RACAH_ASSERT_OK(train_text("moved.xyz", "parts", text, 5, false, &w, &r, &err));
    RACAH_ASSERT_OK(train_text("moved.xyz", "parts", text, 0, false, &w, &r, &err));
    assert_same_checkpoint("whole.ckpt", "parts.ckpt");
    RACAH_ASSERT_OK(train("data.xyz", "turncoat", "epochs: 1\n", 0, false, &w, &r, &err));
    snprintf(text, sizeof text, "%s", start("turncoat.racah", tune));
    RACAH_ASSERT_OK(train_text("moved.xyz", "follower", text, 0, false, &w, &r, &err));
    RACAH_ASSERT_OK(train("data.xyz", "turncoat", "epochs: 1\nseed: 2\n", 0, true, &w, &r, &err));
    assert_int_equal(train_text("moved.xyz", "follower", text, 0, false, &w, &r, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "or the model of start_from have changed"));
}

static void test_train_start_refuses_what_does_not_fit(void **state)
{
    (void)state;
    static const struct {
        const char *file, *keys;
        racah_status status;
        const char *message;
    } cases[] = {
        {"data.xyz", "channels: 8\n", RACAH_EINVAL, "test.yaml:4: channels: 8, but start_from's model has 4"},
        {"data.xyz", "r_max: 5\n", RACAH_EINVAL, "test.yaml:4: r_max: 5, but start_from's model has 3.5"},
        {"data.xyz", "radial: {mlp: [8, 8]}\n", RACAH_EINVAL,
         "radial.mlp: [8, 8], but start_from's model has [8]"},
        {"data.xyz", "zbl: true\n", RACAH_EINVAL, "zbl: true, but start_from's model has false"},
        {"data.xyz", "neighbor_norm: sqrt\n", RACAH_EINVAL, "neighbor_norm: start_from's model has it"},
        {"data.xyz", "scaling: none\n", RACAH_EINVAL, "scaling: start_from's model has it"},
        {"iron.xyz", "", RACAH_EDATA, "Fe is in the training structures, but"},
    };
    racah_error err;
    witness w;
    racahi_train_result r;
    test_write("iron.xyz", "2\nenergy=-1 pbc=\"F F F\"\nFe 0 0 0\nAl 2 0 0\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "%svalid_fraction: 0\n", cases[i].keys);
        err = (racah_error){0};
        racah_status st =
            train_text(cases[i].file, "wrong", start("base.racah", text), 0, false, &w, &r, &err);
        if (st != cases[i].status || !strstr(err.msg, cases[i].message))
            fail_msg("case %zu, status %d: %s", i, (int)st, err.msg);
    }
    assert_non_null(strstr(err.msg, "base.racah knows only O Al"));
    assert_int_equal(train_text("data.xyz", "base", start("base.racah", ""), 0, true, &w, &r, &err),
                     RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "start_from: output would overwrite"));
    /* keys that say the same are fine */
    RACAH_ASSERT_OK(train_text("data.xyz", "same",
                               start("base.racah", "epochs: 1\nchannels: 4\nr_max: 3.5\n"), 0, false, &w, &r,
                               &err));
    assert_int_equal(train_text("data.xyz", "wrong", start("absent.racah", ""), 0, false, &w, &r, &err),
                     RACAH_EIO);
}

static int set_up(void **state)
{
    racah_error err;
    witness w;
    racahi_train_result r;
    if (test_dir_create(state)) return -1;
    write_structures("data.xyz", 42);
    write_labelled("moved.xyz", (recipe){43, -0.6, -1.4, 1.3, false});
    write_labelled("al.xyz", (recipe){44, -0.5, 0, 1, true});
    RACAH_ASSERT_OK(train("data.xyz", "base", "epochs: 12\n", 0, false, &w, &r, &err));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_start_begins_where_the_model_is),
        cmocka_unit_test(test_train_start_of_fewer_elements_is_the_same_potential),
        cmocka_unit_test(test_train_start_of_models_with_every_option),
        cmocka_unit_test(test_train_start_learns_new_data_sooner_than_new_weights),
        cmocka_unit_test(test_train_start_fits_e0_to_what_the_model_leaves),
        cmocka_unit_test(test_train_start_resumes_and_refuses_another_model),
        cmocka_unit_test(test_train_start_refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
