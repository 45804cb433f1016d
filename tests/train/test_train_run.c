/* SPDX-License-Identifier: MIT
 * Whole trainings of a tiny model. */
#include "train_run.h"

static void test_train_run_lowers_the_loss_and_writes_a_model(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    RACAH_ASSERT_OK(train("data.xyz", "smoke", "epochs: 10\n", 0, false, &w, &r, &err));
    assert_int_equal(r.end, RACAHI_TRAIN_DONE);
    assert_int_equal(r.epochs_done, 10);
    assert_int_equal(w.epochs, 10);
    assert_true(r.kept_epoch >= 1 && r.kept_epoch <= 10);
    print_message("loss %g -> %g\n", w.first_loss, w.last_loss);
    assert_true(w.last_loss < 0.7 * w.first_loss);
    assert_int_equal(w.rows, 6);        /* train and valid: all, x, y */
    for (int i = 0; i < w.rows; i += 3) /* a group of one may lack a label */
        assert_true(isfinite(w.row[i].forces_rmse) && isfinite(w.row[i].energy_mae));
    assert_int_equal(w.row[0].structures + w.row[3].structures, NFRAME);
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, test_path("smoke.racah"), &err));
    assert_int_equal(racah_model_nelements(m), 2);
    assert_int_equal(m->nref, 3);
    assert_non_null(strstr(m->training, "\"best_epoch\""));
    /* each pair of elements has its own shortest distance, and none is below that of all */
    const char *overall = strstr(m->training, "\"shortest_distance\":");
    assert_non_null(overall);
    const double any = strtod(overall + strlen("\"shortest_distance\":"), NULL);
    double least = INFINITY, most = 0;
    for (int k = 0; k < 4; k++) {
        const double d = racah_model_shortest_distance(m, k / 2, k % 2);
        least = fmin(least, d), most = fmax(most, d);
    }
    RACAH_ASSERT_CLOSE(least, any, 0, 0);
    assert_true(most > any);
    /* the stored references are reproduced by the engine */
    racah_calc *calc = NULL;
    const racah_calc_options exact = {.size = sizeof exact, .radial = RACAH_RADIAL_EXACT};
    RACAH_ASSERT_OK(racah_calc_create(&calc, m, &exact, &err));
    for (size_t k = 0; k < m->nref; k++) {
        const racahi_reference *ref = &m->ref[k];
        double energy, forces[12], virial[9];
        racah_structure s = {.size = sizeof s,
                             .natoms = ref->n,
                             .positions = ref->pos,
                             .atomic_numbers = ref->Z,
                             .cell = ref->cell,
                             .pbc = {1, 1, 1},
                             .energy = &energy,
                             .forces = forces,
                             .virial = virial};
        RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
        RACAH_ASSERT_CLOSE_AT(k, energy, ref->energy, 1e-11, 1e-12);
        for (int i = 0; i < 12; i++) RACAH_ASSERT_CLOSE_AT(i, forces[i], ref->forces[i], 1e-11, 1e-11);
        for (int i = 0; i < 9; i++) RACAH_ASSERT_CLOSE_AT(i, virial[i], ref->virial[i], 1e-11, 1e-11);
    }
    racah_calc_destroy(calc);
    racah_model_destroy(m);
}

static void test_train_run_csv_has_a_line_for_each_epoch(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    char line[1024];
    int lines = 0;
    RACAH_ASSERT_OK(train("data.xyz", "csv", "epochs: 3\n", 0, false, &w, &r, &err));
    FILE *f = fopen(test_path("csv.csv"), "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        int commas = 0;
        for (char *s = line; *s; s++) commas += *s == ',';
        assert_int_equal(commas, RACAHI_H_COLUMNS - 1);
        if (lines == 0)
            assert_non_null(strstr(line, "epoch,time_s,lr,train_loss,valid_energy_rmse,valid_forces_rmse"));
        else
            assert_int_equal(atoi(line), lines);
        lines++;
    }
    fclose(f);
    assert_int_equal(lines, 4);
}

static void test_train_run_does_not_depend_on_threads(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    RACAH_ASSERT_OK(train("data.xyz", "t1", "epochs: 3\nthreads: 1\n", 0, false, &w, &r, &err));
    RACAH_ASSERT_OK(train("data.xyz", "t2", "epochs: 3\nthreads: 2\n", 0, false, &w, &r, &err));
    RACAH_ASSERT_OK(train("data.xyz", "t3", "epochs: 3\nthreads: 3\n", 0, false, &w, &r, &err));
    assert_same_checkpoint("t1.ckpt", "t2.ckpt");
    assert_same_checkpoint("t1.ckpt", "t3.ckpt");
}

/* In one go and in three parts; files NAME.* and NAME-parts.* */
static void resumes(const char *name, const char *more)
{
    racah_error err;
    witness w;
    racahi_train_result r;
    char parts[64], ckpt[2][80];
    snprintf(parts, sizeof parts, "%s-parts", name);
    snprintf(ckpt[0], sizeof ckpt[0], "%s.ckpt", name);
    snprintf(ckpt[1], sizeof ckpt[1], "%s.ckpt", parts);
    RACAH_ASSERT_OK(train("data.xyz", name, more, 0, false, &w, &r, &err));
    const int batches = w.batches;
    assert_int_equal(batches, 16);
    RACAH_ASSERT_OK(train("data.xyz", parts, more, 6, false, &w, &r, &err)); /* in the second epoch */
    assert_int_equal(r.end, RACAHI_TRAIN_STOPPED);
    assert_int_equal(r.epochs_done, 1);
    assert_int_equal(w.batches, 6);
    RACAH_ASSERT_OK(train("data.xyz", parts, more, 2, false, &w, &r, &err)); /* at the end of an epoch */
    assert_int_equal(r.epochs_done, 2);
    assert_non_null(strstr(w.said, "in the middle of the next"));
    RACAH_ASSERT_OK(train("data.xyz", parts, more, 0, false, &w, &r, &err));
    assert_int_equal(r.end, RACAHI_TRAIN_DONE);
    assert_int_equal(w.batches, batches - 8);
    assert_same_checkpoint(ckpt[0], ckpt[1]);
    /* a finished training stays what it is */
    RACAH_ASSERT_OK(train("data.xyz", parts, more, 0, false, &w, &r, &err));
    assert_int_equal(w.batches, 0);
    assert_int_equal(r.end, RACAHI_TRAIN_DONE);
    assert_same_checkpoint(ckpt[0], ckpt[1]);
}

static void test_train_run_resumes_bit_for_bit(void **state)
{
    (void)state;
    resumes("stages", "epochs: 4\nthreads: 2\nstage_two: {start: 3, energy_weight: 50, lr: 0.005}\n");
    resumes("blocks", "epochs: 4\ndensity: true\nzbl: true\n");
}

/* Half of the repulsion of a pair for each atom: 14.3996 Z Z'/r phi(r/a) f(r/(R+R')), written from the
 * equation. */
static double zbl(double r, double Z1, double Z2, double reach)
{
    const double c[4] = {0.1818, 0.5099, 0.2802, 0.02817}, k[4] = {3.2, 0.9423, 0.4028, 0.2016};
    const double a = 0.4543 * 0.529 / (pow(Z1, 0.3) + pow(Z2, 0.3)), u = r / reach;
    double phi = 0;
    for (int i = 0; i < 4; i++) phi += c[i] * exp(-k[i] * r / a);
    return 14.3996 * Z1 * Z2 / r * phi * (1 - 28 * pow(u, 6) + 48 * pow(u, 7) - 21 * pow(u, 8));
}

static void test_train_run_with_zbl_is_repulsive_where_there_are_no_data(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result result;
    racah_model *m = NULL;
    racah_calc *calc = NULL;
    RACAH_ASSERT_OK(train("data.xyz", "zbl", "epochs: 10\nzbl: true\n", 0, false, &w, &result, &err));
    RACAH_ASSERT_OK(racah_model_load(&m, test_path("zbl.racah"), &err));
    RACAH_ASSERT_OK(racah_calc_create(&calc, m, NULL, &err));
    for (double r = 0.15; r < 0.8; r += 0.05) {
        double energy, forces[6];
        const double positions[6] = {0, 0, 0, r, 0, 0};
        const int Z[2] = {13, 8};
        racah_structure s = {.size = sizeof s,
                             .natoms = 2,
                             .positions = positions,
                             .atomic_numbers = Z,
                             .interaction_energy = &energy,
                             .forces = forces};
        RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
        /* what ten epochs give the network at such distances is of the order of its labels, 1 eV; the
         * repulsion falls from 1600 to 9 eV, and 1 % of it shows a wrong factor */
        RACAH_ASSERT_CLOSE(energy, zbl(r, 13, 8, 1.21 + 0.66), 4, 0.01);
        assert_true(forces[0] < -5 && forces[3] > 5);
    }
    racah_calc_destroy(calc);
    racah_model_destroy(m);
    /* caesium's repulsion would reach beyond the edge list */
    test_write("caesium.xyz", "2\nenergy=-1 pbc=\"F F F\"\nCs 0 0 0\nCs 3 0 0\n"
                              "2\nenergy=-1 pbc=\"F F F\"\nCs 0 0 0\nCs 3 0 0\n");
    assert_int_equal(train("caesium.xyz", "caesium", "zbl: true\n", 0, false, &w, &result, &err),
                     RACAH_EDATA);
    assert_non_null(strstr(err.msg, "zbl between two Cs atoms reaches 4.88 A, beyond r_max = 3.5"));
}

static void test_train_run_refuses_changed_configuration_and_data(void **state)
{
    (void)state;
    racah_error err = {0};
    witness w;
    racahi_train_result r;
    RACAH_ASSERT_OK(train("data.xyz", "changed", "epochs: 1\n", 0, false, &w, &r, &err));
    assert_int_equal(train("data.xyz", "changed", "epochs: 1\nclip: 3\n", 0, false, &w, &r, &err),
                     RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "clip was 10, is 3"));
    write_structures("moving.xyz", 5);
    RACAH_ASSERT_OK(train("moving.xyz", "moving", "epochs: 1\n", 0, false, &w, &r, &err));
    write_structures("moving.xyz", 6);
    assert_int_equal(train("moving.xyz", "moving", "epochs: 1\n", 0, false, &w, &r, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "structures have changed"));
    RACAH_ASSERT_OK(train("moving.xyz", "moving", "epochs: 1\n", 0, true, &w, &r, &err)); /* fresh */
    assert_int_equal(w.batches, 4);
    test_write("broken.ckpt", "not a checkpoint");
    assert_int_equal(train("data.xyz", "broken", "epochs: 1\n", 0, false, &w, &r, &err), RACAH_EFORMAT);
}

static void test_train_run_patience_begins_stage_two_then_stops(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    /* a constant rate without averaging makes the validation loss jump: two epochs in a row without a better
     * one come soon */
    const char *more = "epochs: 60\nschedule: constant\nema: 0\npatience: 2\nstage_two: {start: 50}\n";
    RACAH_ASSERT_OK(train("data.xyz", "patience", more, 0, false, &w, &r, &err));
    assert_non_null(strstr(w.said, "stage two begins"));
    int two = 0;
    while (two < w.epochs && two < 64 && w.stage[two] == 1) two++;
    assert_true(two >= 2 && two < 49);
    for (int i = two; i < w.epochs && i < 64; i++) RACAH_ASSERT_CLOSE_AT(i, w.stage[i], 2, 0, 0);
}

#define UNTIL_WORSE "epochs: 60\nschedule: constant\nema: 0\npatience: 2\n"

/* Without a second stage: patience ends the training, with the best epoch in the file. */
static void test_train_run_patience_stops_early(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(train("data.xyz", "early", UNTIL_WORSE, 0, false, &w, &r, &err));
    assert_int_equal(r.end, RACAHI_TRAIN_PATIENCE);
    assert_true(r.epochs_done < 60);
    assert_int_equal(r.epochs_done, r.kept_epoch + 2);
    assert_int_equal(w.epochs, r.epochs_done);
    RACAH_ASSERT_OK(racah_model_load(&m, test_path("early.racah"), &err));
    const char *best = strstr(m->training, "\"best_epoch\":");
    assert_non_null(best);
    assert_int_equal(atoi(best + strlen("\"best_epoch\":")), r.kept_epoch);
    racah_model_destroy(m);
}

/* The same training, but two epochs later than the best one: its loss is higher, and the file has its weights. */
static void test_train_run_keeps_the_last_epoch(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r, early;
    racah_model *m = NULL;
    racahi_safetensors *ckpt = NULL;
    RACAH_ASSERT_OK(train("data.xyz", "early", UNTIL_WORSE, 0, true, &w, &early, &err));
    RACAH_ASSERT_OK(train("data.xyz", "last", UNTIL_WORSE "keep: last\n", 0, true, &w, &r, &err));
    assert_int_equal(r.epochs_done, early.epochs_done);
    assert_int_equal(r.kept_epoch, r.epochs_done);
    assert_true(r.kept_measure > early.kept_measure);
    RACAH_ASSERT_OK(racah_model_load(&m, test_path("last.racah"), &err));
    RACAH_ASSERT_OK(racahi_safetensors_read(&ckpt, test_path("last.ckpt"), &err));
    const racahi_tensor *theta = racahi_safetensors_find(ckpt, "theta");
    assert_non_null(theta);
    assert_int_equal(theta->count, m->table.count);
    assert_memory_equal(theta->data, m->theta, theta->count * sizeof(double));
    racahi_safetensors_free(ckpt);
    racah_model_destroy(m);
}

static void test_train_run_time_limit_stops_and_reports(void **state)
{
    (void)state;
    racah_error err;
    witness w;
    racahi_train_result r;
    RACAH_ASSERT_OK(
        train("data.xyz", "time", "epochs: 1000000\nmax_minutes: 0.05\n", 0, false, &w, &r, &err));
    assert_int_equal(r.end, RACAHI_TRAIN_TIME);
    assert_true(w.rows > 0);
}

static void test_train_run_dry_writes_nothing(void **state)
{
    (void)state;
    racah_error err;
    witness w = {0};
    racahi_train_result r;
    racahi_train_config *cfg = test_config("data.xyz", "dry", small);
    const racahi_train_callbacks cb = {&w, hear, count_batch, see_epoch, see_errors, want_stop};
    const racahi_train_options options = {.dry_run = true};
    RACAH_ASSERT_OK(racahi_train(cfg, &cb, &options, &r, &err));
    assert_int_equal(r.end, RACAHI_TRAIN_DRY);
    assert_non_null(strstr(w.said, "parameters in"));
    assert_int_equal(w.batches, 0);
    assert_int_not_equal(access(test_path("dry.ckpt"), F_OK), 0);
    assert_int_not_equal(access(test_path("dry.csv"), F_OK), 0);
    racahi_train_config_destroy(cfg);
}

static void test_train_run_unwritable_output_is_an_error_at_once(void **state)
{
    (void)state;
    racah_error err = {0};
    witness w;
    racahi_train_result r;
    assert_int_equal(train("data.xyz", "no/such/folder/x", "epochs: 1\n", 0, false, &w, &r, &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, "no/such/folder/x"));
    assert_int_equal(w.batches, 0);
}

static void test_train_run_survives_a_folder_that_is_away_for_an_epoch(void **state)
{
    (void)state;
    racah_error err;
    witness w = {.away = true};
    racahi_train_result r;
    char text[1024];
    snprintf(text, sizeof text, "%sepochs: 3\n", small);
    assert_int_equal(mkdir(test_path("sub"), 0777), 0);
    racahi_train_config *cfg = test_config("data.xyz", "sub/x", text);
    const racahi_train_callbacks cb = {&w, hear, count_batch, see_epoch, see_errors, want_stop};
    RACAH_ASSERT_OK(racahi_train(cfg, &cb, NULL, &r, &err));
    assert_non_null(strstr(w.said, "training goes on"));
    assert_int_equal(r.epochs_done, 3);
    assert_int_equal(access(test_path("sub/x.racah"), R_OK), 0);
    racahi_train_config_destroy(cfg);
    RACAH_ASSERT_OK(train("data.xyz", "stayed", "epochs: 3\n", 0, false, &w, &r, &err));
    assert_same_checkpoint("sub/x.ckpt", "stayed.ckpt");
}

static int set_up(void **state)
{
    if (test_dir_create(state)) return -1;
    write_structures("data.xyz", 42);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_run_lowers_the_loss_and_writes_a_model),
        cmocka_unit_test(test_train_run_csv_has_a_line_for_each_epoch),
        cmocka_unit_test(test_train_run_does_not_depend_on_threads),
        cmocka_unit_test(test_train_run_resumes_bit_for_bit),
        cmocka_unit_test(test_train_run_with_zbl_is_repulsive_where_there_are_no_data),
        cmocka_unit_test(test_train_run_refuses_changed_configuration_and_data),
        cmocka_unit_test(test_train_run_patience_begins_stage_two_then_stops),
        cmocka_unit_test(test_train_run_patience_stops_early),
        cmocka_unit_test(test_train_run_keeps_the_last_epoch),
        cmocka_unit_test(test_train_run_time_limit_stops_and_reports),
        cmocka_unit_test(test_train_run_dry_writes_nothing),
        cmocka_unit_test(test_train_run_unwritable_output_is_an_error_at_once),
        cmocka_unit_test(test_train_run_survives_a_folder_that_is_away_for_an_epoch),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
