/* SPDX-License-Identifier: MIT
 * Whole trainings of a tiny model on structures of a pair potential. */
#include "train_support.h"

#include "../../src/io/safetensors.h"

#include <sys/stat.h>

#define NFRAME 14

/* Energy, forces and virial of a smooth pair potential D_ij (1 - r/3.5)^3 (r - r0_ij) with periodic images.
 */
static void pair_labels(int n, const int *kind, const double *pos, double a, double *energy, double *f,
                        double *w)
{
    *energy = 0;
    memset(f, 0, 3 * (size_t)n * sizeof *f);
    memset(w, 0, 9 * sizeof *w);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int image = 0; image < 27; image++) {
                const int shift[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
                double d[3], r = 0;
                for (int x = 0; x < 3; x++) {
                    d[x] = pos[3 * i + x] - pos[3 * j + x] - a * shift[x];
                    r += d[x] * d[x];
                }
                r = sqrt(r);
                if (r == 0 || r >= 3.5) continue;
                double q = 1 - r / 3.5, r0 = 2.2 + 0.2 * (kind[i] + kind[j]), depth = 1 + kind[i] * kind[j];
                *energy += 0.5 * depth * q * q * q * (r - r0);
                double slope = 0.5 * depth * (q * q * q - 3 / 3.5 * q * q * (r - r0));
                for (int x = 0; x < 3; x++) {
                    f[3 * i + x] -= slope * d[x] / r;
                    f[3 * j + x] += slope * d[x] / r;
                    for (int y = 0; y < 3; y++) w[3 * x + y] -= slope * d[x] * d[y] / r;
                }
            }
}

/* NFRAME periodic structures of four atoms; one without forces, one without stress, one without energy. */
static void write_structures(const char *name, uint64_t seed)
{
    static char text[32768];
    size_t n = 0;
    uint64_t rng = seed;
    for (int s = 0; s < NFRAME; s++) {
        const int kind[4] = {0, 1, s % 2, 0};
        const double site[12] = {0, 0, 0, 2, 2, 0, 2, 0, 2, 0, 2, 2};
        double a = 3.8 + 0.4 * racah_test_uniform(&rng), pos[12], f[12], w[9], energy;
        for (int k = 0; k < 12; k++) pos[k] = site[k] * a / 4 + 0.2 * racah_test_normal(&rng);
        pair_labels(4, kind, pos, a, &energy, f, w);
        energy += -2.0 - (1 + kind[2]);
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "4\nLattice=\"%.17g 0 0 0 %.17g 0 0 0 %.17g\" Properties=species:S:1:pos:R:3%s "
                              "config_type=%s pbc=\"T T T\"",
                              a, a, a, s == 3 ? "" : ":forces:R:3", s % 3 ? "x" : "y");
        if (s != 4) n += (size_t)snprintf(text + n, sizeof text - n, " energy=%.17g", energy);
        if (s != 5) {
            n += (size_t)snprintf(text + n, sizeof text - n, " virial=\"");
            for (int k = 0; k < 9; k++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%.17g", k ? " " : "", w[k]);
            n += (size_t)snprintf(text + n, sizeof text - n, "\"");
        }
        for (int i = 0; i < 4; i++) {
            n += (size_t)snprintf(text + n, sizeof text - n, "\n%s %.17g %.17g %.17g", kind[i] ? "O" : "Al",
                                  pos[3 * i], pos[3 * i + 1], pos[3 * i + 2]);
            if (s != 3)
                n += (size_t)snprintf(text + n, sizeof text - n, " %.17g %.17g %.17g", f[3 * i], f[3 * i + 1],
                                      f[3 * i + 2]);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    assert_true(n < sizeof text);
    test_write(name, text);
}

static const char small[] = "r_max: 3.5\nchannels: 4\nl_max: 1\nl_hidden: 1\ncorrelation: 2\nlayers: 2\n"
                            "radial: {bessel: 4, mlp: [8]}\nreadout_width: 4\nbatch_size: 3\n"
                            "valid_fraction: 0.2\nlr: 0.02\n";

/* What the callbacks saw, and after how many batches to stop (0: never). */
typedef struct witness {
    int batches, stop_after, epochs, rows;
    bool away; /* move the output folder away after the first epoch and back after the second */
    double first_loss, last_loss, stage[64];
    racahi_error_row row[16];
    char said[16384];
} witness;

static void hear(void *ctx, const char *text)
{
    witness *w = ctx;
    size_t n = strlen(w->said);
    snprintf(w->said + n, sizeof w->said - n, "%s\n", text);
}

static void count_batch(void *ctx, const racahi_train_progress *p)
{
    witness *w = ctx;
    w->batches++;
    assert_true(p->batch >= 1 && p->batch <= p->batches && p->structures_per_s > 0);
}

static void see_epoch(void *ctx, const double row[RACAHI_H_COLUMNS], bool best)
{
    witness *w = ctx;
    (void)best;
    if (w->epochs == 0) w->first_loss = row[RACAHI_H_TRAIN_LOSS];
    w->last_loss = row[RACAHI_H_TRAIN_LOSS];
    if (w->away && w->epochs < 2) {
        const char *here = test_path("sub"), *gone = test_path("gone");
        assert_int_equal(w->epochs == 0 ? rename(here, gone) : rename(gone, here), 0);
    }
    if (w->epochs < 64) w->stage[w->epochs] = row[RACAHI_H_STAGE];
    w->epochs++;
}

static void see_errors(void *ctx, const racahi_error_row *rows, size_t n)
{
    witness *w = ctx;
    w->rows = n < 16 ? (int)n : 16;
    memcpy(w->row, rows, (size_t)w->rows * sizeof *rows);
    for (int i = 0; i < w->rows; i++)
        w->row[i].group = w->row[i].set = NULL; /* they live only during the call */
}

static bool want_stop(void *ctx)
{
    witness *w = ctx;
    return w->stop_after && w->batches >= w->stop_after;
}

static racah_status train(const char *file, const char *out, const char *more, int stop_after, bool fresh,
                          witness *w, racahi_train_result *result, racah_error *err)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s", small, more);
    memset(w, 0, sizeof *w);
    w->stop_after = stop_after;
    const racahi_train_callbacks cb = {w, hear, count_batch, see_epoch, see_errors, want_stop};
    const racahi_train_options options = {.fresh = fresh};
    racahi_train_config *cfg = test_config(file, out, text);
    racah_status st = racahi_train(cfg, &cb, &options, result, err);
    racahi_train_config_destroy(cfg);
    return st;
}

/* All tensors of two checkpoints bit for bit, but the times. */
static void assert_same_checkpoint(const char *a, const char *b)
{
    racah_error err;
    racahi_safetensors *fa = NULL, *fb = NULL;
    RACAH_ASSERT_OK(racahi_safetensors_read(&fa, test_path(a), &err));
    RACAH_ASSERT_OK(racahi_safetensors_read(&fb, test_path(b), &err));
    assert_int_equal(fa->n, fb->n);
    assert_true(fa->n >= 8);
    for (size_t i = 0; i < fa->n; i++) {
        const racahi_tensor *ta = &fa->t[i], *tb = racahi_safetensors_find(fb, ta->name);
        assert_non_null(tb);
        assert_int_equal(ta->count, tb->count);
        if (strcmp(ta->name, "history") == 0)
            for (size_t r = 0; r < ta->shape[0]; r++)
                ((double *)ta->data)[r * RACAHI_H_COLUMNS + RACAHI_H_TIME] =
                    ((double *)tb->data)[r * RACAHI_H_COLUMNS + RACAHI_H_TIME] = 0;
        if (strcmp(ta->name, "values") == 0)
            ((double *)ta->data)[4] = ((double *)tb->data)[4] = 0; /* elapsed */
        if (memcmp(ta->data, tb->data, ta->count * 8) != 0)
            fail_msg("%s differs between %s and %s", ta->name, a, b);
    }
    racahi_safetensors_free(fa);
    racahi_safetensors_free(fb);
}

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
    assert_true(r.best_epoch >= 1 && r.best_epoch <= 10);
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

/* Half of the repulsion of a pair for each atom: 14.3996 Z Z'/r phi(r/a) f(r/(R+R')), written from the equation. */
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
        racah_structure s = {.size = sizeof s, .natoms = 2, .positions = positions, .atomic_numbers = Z,
                             .interaction_energy = &energy, .forces = forces};
        RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
        /* what ten epochs give the network at such distances is of the order of its labels, 1 eV; the repulsion
         * falls from 1600 to 9 eV, and 1 % of it shows a wrong factor */
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
        cmocka_unit_test(test_train_run_time_limit_stops_and_reports),
        cmocka_unit_test(test_train_run_dry_writes_nothing),
        cmocka_unit_test(test_train_run_unwritable_output_is_an_error_at_once),
        cmocka_unit_test(test_train_run_survives_a_folder_that_is_away_for_an_epoch),
    };
    return cmocka_run_group_tests(tests, set_up, test_dir_remove);
}
