/* SPDX-License-Identifier: MIT
 * racah eval: figures against labels whose distance from the model is known, output files, exit codes. */
#include "cli_support.h"

/* The labels are printed with 17 digits, so only rounding of large energies is left. */
#define TOL 1e-9

static const json_t *group(const json_t *o, const char *name)
{
    const json_t *groups = json_object_get(o, "groups");
    for (size_t k = 0; k < json_array_size(groups); k++)
        if (strcmp(json_string_value(json_object_get(json_array_get(groups, k), "name")), name) == 0)
            return json_array_get(groups, k);
    print_error("no group %s\n", name);
    fail();
    return NULL;
}

static void count(const json_t *g, int structures, int atoms)
{
    assert_int_equal(json_integer_value(json_object_get(g, "structures")), structures);
    assert_int_equal(json_integer_value(json_object_get(g, "atoms")), atoms);
}

static void test_eval_figures_match_known_offsets(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads *= 2) { /* more and fewer threads than frames */
        cli_run r = cli_racah("eval " MODEL " " FRAMES " --json - --threads %d", threads);
        if (r.code != 0) print_error("%s\n", r.err);
        assert_int_equal(r.code, 0);
        json_t *o = cli_json(r.out); /* standard output is one JSON object and nothing else */
        assert_string_equal(json_string_value(json_object_get(o, "model")), MODEL);
        assert_string_equal(json_string_value(json_object_get(o, "file")), FRAMES);
        const json_t *g = group(o, "bulk");
        count(g, 2, 16);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_mae"), BULK_ENERGY_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_rmse"), BULK_ENERGY_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_total_rmse"), 8 * BULK_ENERGY_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "forces_mae"), FORCE_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "forces_rmse"), FORCE_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "stress_mae"), STRESS_OFF, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "stress_rmse"), STRESS_OFF, TOL, 0);
        g = group(o, "cluster");
        count(g, 1, 5);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_mae"), CLUSTER_ENERGY_OFF, TOL, 0);
        assert_true(json_is_null(json_object_get(g, "stress_mae")));
        assert_true(json_is_null(json_object_get(g, "stress_rmse")));
        g = group(o, "isolated_atom");
        count(g, 1, 1);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_mae"), 0, TOL, 0);
        g = group(o, "all"); /* the unlabelled frame counts as structure, not in the figures */
        count(g, 5, 30);
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_mae"), (2 * BULK_ENERGY_OFF + CLUSTER_ENERGY_OFF) / 4, TOL,
                           0);
        double square = 2 * BULK_ENERGY_OFF * BULK_ENERGY_OFF + CLUSTER_ENERGY_OFF * CLUSTER_ENERGY_OFF;
        RACAH_ASSERT_CLOSE(cli_figure(g, "energy_rmse"), sqrt(square / 4), TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "forces_mae"), FORCE_OFF * 63 / 66, TOL, 0);
        RACAH_ASSERT_CLOSE(cli_figure(g, "forces_rmse"), FORCE_OFF * sqrt(63.0 / 66), TOL, 0);
        g = group(o, "O"); /* atoms 1, 4, 7 of eight, 1, 4 of five */
        count(g, 4, 11);
        RACAH_ASSERT_CLOSE(cli_figure(g, "forces_mae"), FORCE_OFF, TOL, 0);
        count(group(o, "Si"), 5, 19);
        assert_non_null(strstr(r.err, "bulk")); /* the table for people */
        json_decref(o);
        cli_run_free(&r);
    }
}

static void test_eval_writes_frames_that_agree_with_themselves(void **state)
{
    (void)state;
    cli_run r = cli_racah("eval " MODEL " " FRAMES " --out cli_eval.xyz --json cli_eval.json");
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "bulk"));
    char *text = cli_read_file("cli_eval.xyz");
    assert_non_null(text);
    int energies = 0;
    for (const char *p = text; (p = strstr(p, "racah_energy=")); p++) energies++;
    assert_int_equal(energies, 5);
    assert_non_null(strstr(text, "racah_forces:R:3"));
    int stresses = 0;
    for (const char *p = text; (p = strstr(p, "racah_stress=")); p++) stresses++;
    assert_int_equal(stresses, 3); /* periodic frames only */
    /* the model's results made the labels: now every figure is zero */
    char *labels = malloc(strlen(text) + 1), *to = labels;
    for (const char *p = text; *p;) {
        if (strncmp(p, "energy=", 7) == 0 && (p == text || p[-1] == ' ')) { /* drop the old label */
            p += strcspn(p, " \n");
        } else if (strncmp(p, "racah_energy=", 13) == 0) {
            to += sprintf(to, "energy=");
            p += 13;
        } else {
            *to++ = *p++;
        }
    }
    *to = 0;
    cli_write_file("cli_relabelled.xyz", labels);
    free(labels);
    free(text);
    cli_run_free(&r);
    r = cli_racah("eval " MODEL " cli_relabelled.xyz --json -");
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    RACAH_ASSERT_CLOSE(cli_figure(group(o, "all"), "energy_rmse"), 0, TOL, 0);
    json_decref(o);
    text = cli_read_file("cli_eval.json");
    json_decref(cli_json(text));
    free(text);
    cli_run_free(&r);
}

/* Three models, their energies and forces of the first frame, and of the file written by eval. */
static void test_eval_of_a_committee_gives_mean_and_deviation(void **state)
{
    (void)state;
    enum { M = 3 };
    racah_error err;
    racahi_frames frames;
    double e[M], f[M][24];
    char name[32];
    RACAH_ASSERT_OK(racahi_extxyz_read(&frames, FRAMES, &err));
    const racahi_frame *first = &frames.f[0];
    assert_int_equal(first->n, 8);
    for (int k = 0; k < M; k++) {
        racah_model *m = cli_make_model();
        racah_calc *calc = NULL;
        for (size_t i = 0; i < m->table.count; i++) m->theta[i] *= 1 + 0.03 * k * (double)(i % 3);
        snprintf(name, sizeof name, "cli_member_%d.racah", k);
        RACAH_ASSERT_OK(racahi_model_save(m, name, &err));
        RACAH_ASSERT_OK(racah_calc_create(&calc, m, NULL, &err));
        racah_structure s = {.size = sizeof s,
                             .natoms = 8,
                             .positions = first->pos,
                             .atomic_numbers = first->Z,
                             .cell = first->cell,
                             .pbc = {1, 1, 1},
                             .energy = &e[k],
                             .forces = f[k]};
        RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
        racah_calc_destroy(calc);
        racah_model_destroy(m);
    }
    racahi_frames_free(&frames);
    double mean = (e[0] + e[1] + e[2]) / 3, std = 0, fmean[24], fstd[8] = {0};
    for (int k = 0; k < M; k++) std += pow(e[k] - mean, 2) / 2;
    for (int c = 0; c < 24; c++) {
        fmean[c] = (f[0][c] + f[1][c] + f[2][c]) / 3;
        for (int k = 0; k < M; k++) fstd[c / 3] += pow(f[k][c] - fmean[c], 2) / 2;
    }
    assert_true(std > 1e-6 && fstd[0] > 1e-6);

    cli_run r = cli_racah("eval cli_member_0.racah cli_member_1.racah cli_member_2.racah " FRAMES
                          " --out cli_committee.xyz --json -");
    if (r.code != 0) print_error("%s\n", r.err);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.err, "std of the committee"));
    json_t *o = cli_json(r.out);
    assert_int_equal(json_array_size(json_object_get(o, "models")), 3);
    const json_t *all = group(o, "all"), *bulk = group(o, "bulk");
    assert_true(cli_figure(all, "forces_std_max") >= cli_figure(bulk, "forces_std"));
    assert_true(cli_figure(bulk, "forces_std") > 0 && cli_figure(bulk, "energy_std") > 0);
    json_decref(o);
    cli_run_free(&r);
    char *text = cli_read_file("cli_committee.xyz");
    assert_non_null(text);
    assert_non_null(strstr(text, ":racah_forces:R:3:racah_forces_std:R:1"));
    double got;
    assert_int_equal(sscanf(strstr(text, "racah_energy="), "racah_energy=%lf", &got), 1);
    RACAH_ASSERT_CLOSE(got, mean, TOL, 0);
    assert_int_equal(sscanf(strstr(text, "racah_energy_std="), "racah_energy_std=%lf", &got), 1);
    RACAH_ASSERT_CLOSE(got, sqrt(std), TOL, 0);
    const char *line = strchr(strchr(text, '\n') + 1, '\n') + 1;
    for (int a = 0; a < 8; a++, line = strchr(line, '\n') + 1) {
        double x[3], dev;
        assert_int_equal(sscanf(line, "%*s %*f %*f %*f %*f %*f %*f %lf %lf %lf %lf", x, x + 1, x + 2, &dev),
                         4);
        for (int c = 0; c < 3; c++) RACAH_ASSERT_CLOSE_AT(a, x[c], fmean[3 * a + c], TOL, 0);
        RACAH_ASSERT_CLOSE_AT(a, dev, sqrt(fstd[a]), TOL, 0);
    }
    free(text);
    /* one model three times is no committee: no deviation, the figures of the model */
    r = cli_racah("eval " MODEL " " MODEL " " MODEL " " FRAMES " --json -");
    assert_int_equal(r.code, 0);
    o = cli_json(r.out);
    RACAH_ASSERT_CLOSE(cli_figure(group(o, "all"), "forces_std_max"), 0, TOL, 0);
    RACAH_ASSERT_CLOSE(cli_figure(group(o, "bulk"), "energy_mae"), BULK_ENERGY_OFF, TOL, 0);
    json_decref(o);
    cli_run_free(&r);
}

static void test_eval_without_labels_gives_null(void **state)
{
    (void)state;
    cli_write_file("cli_bare.xyz", "2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nO 0 0 1.7\n");
    cli_run r = cli_racah("eval " MODEL " cli_bare.xyz --json -");
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    const char *const keys[] = {"energy_mae",  "energy_rmse", "energy_total_rmse", "forces_mae",
                                "forces_rmse", "stress_mae",  "stress_rmse"};
    for (size_t k = 0; k < 7; k++) assert_true(json_is_null(json_object_get(group(o, "all"), keys[k])));
    json_decref(o);
    cli_run_free(&r);
}

static void test_eval_draws_with_gnuplot_and_says_when_it_is_absent(void **state)
{
    (void)state;
    remove("cli_parity.svg");
    cli_run r = cli_racah("eval " MODEL " " FRAMES " --plot cli_parity.svg");
    assert_int_equal(r.code, 0);
    if (system("command -v gnuplot >/dev/null") == 0) {
        char *svg = cli_read_file("cli_parity.svg");
        assert_non_null(svg);
        assert_non_null(strstr(svg, "<svg"));
        assert_non_null(strstr(svg, "</svg>"));
        free(svg);
    } else {
        assert_non_null(strstr(r.err, "gnuplot"));
    }
    cli_run_free(&r);
    char command[2048];
    snprintf(command, sizeof command,
             "PATH=/nonexistent '%s' eval " MODEL " " FRAMES " --plot cli_none.svg "
             ">/dev/null 2>cli_err.txt",
             RACAH_CLI);
    assert_int_equal(system(command), 0);
    char *text = cli_read_file("cli_err.txt");
    assert_non_null(strstr(text, "gnuplot is not installed"));
    free(text);
}

static void test_eval_rejects_bad_files_with_3(void **state)
{
    (void)state;
    cli_expect(3, "cli_absent.racah", "eval cli_absent.racah " FRAMES);
    cli_expect(3, "cli_absent.xyz", "eval " MODEL " cli_absent.xyz");
    cli_write_file("cli_garbage.racah", "this is not a model");
    cli_expect(3, "cli_garbage.racah", "eval cli_garbage.racah " FRAMES);
    assert_int_equal(system("head -c 3000 " MODEL " >cli_cut.racah"), 0);
    cli_expect(3, "cli_cut.racah", "eval cli_cut.racah " FRAMES);
    cli_write_file("cli_bad.xyz", "2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nO 0 zero 1.7\n");
    cli_expect(3, "cli_bad.xyz:4", "eval " MODEL " cli_bad.xyz");
    cli_write_file("cli_empty.xyz", "");
    cli_expect(3, "cli_empty.xyz", "eval " MODEL " cli_empty.xyz");
    cli_write_file(
        "cli_cu.xyz",
        "1\nProperties=species:S:1:pos:R:3\nSi 0 0 0\n1\nProperties=species:S:1:pos:R:3\nCu 0 0 0\n");
    cli_expect(3, "cli_cu.xyz:4: frame 2 has Cu, which is not in the model (it has O Si)",
               "eval " MODEL " cli_cu.xyz");
    cli_expect(3, "cannot be written", "eval " MODEL " " FRAMES " --json nowhere/f.json");
    cli_expect(3, "cannot be written", "eval " MODEL " " FRAMES " --out nowhere/f.xyz");
    cli_expect(3, "/dev/full", "eval " MODEL " " FRAMES " --json /dev/full");
    cli_expect(3, "/dev/full", "eval " MODEL " " FRAMES " --out /dev/full");
}

/* Results that do not fit on the disk leave what was there, even where it is the input. 1.5 kB: clang's OpenMP runtime
 * needs 1 kB of shared memory before main. */
static void test_eval_on_a_full_disk_keeps_what_was_there(void **state)
{
    (void)state;
    const char *const options[] = {"--out cli_kept.xyz", "--json cli_kept.xyz"};
    assert_int_equal(system("cp " FRAMES " cli_kept.xyz"), 0);
    for (int i = 0; i < 2; i++) {
        char command[2048];
        snprintf(command, sizeof command,
                 "ulimit -f 3; '%s' eval " MODEL " cli_kept.xyz %s >/dev/null 2>cli_err.txt; [ $? = 3 ]",
                 RACAH_CLI, options[i]);
        assert_int_equal(system(command), 0);
        char *text = cli_read_file("cli_err.txt");
        assert_non_null(strstr(text, "cli_kept.xyz: "));
        free(text);
        assert_int_equal(system("cmp -s " FRAMES " cli_kept.xyz"), 0);
        assert_int_not_equal(system("ls cli_kept.xyz.* >/dev/null 2>&1"), 0);
    }
    cli_expect(0, NULL, "eval " MODEL " cli_kept.xyz --out cli_kept.xyz");
}

static void test_eval_rejects_wrong_usage_with_2(void **state)
{
    (void)state;
    cli_expect(2, "missing", "eval");
    cli_expect(2, "missing", "eval " MODEL);
    cli_expect(3, FRAMES ": ", "eval " MODEL " " FRAMES " " FRAMES); /* frames where a model should be */
    cli_expect(2, "--wrong", "eval " MODEL " " FRAMES " --wrong");
    cli_expect(2, "a value is missing", "eval " MODEL " " FRAMES " --json");
    cli_expect(2, "--threads 0", "eval " MODEL " " FRAMES " --threads 0");
    cli_expect(2, "--threads 1.5", "eval " MODEL " " FRAMES " --threads 1.5");
    cli_expect(2, "double|single", "eval " MODEL " " FRAMES " --precision half");
    cli_expect(2, "auto|cg", "eval " MODEL " " FRAMES " --method=fast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_eval_figures_match_known_offsets),
        cmocka_unit_test(test_eval_writes_frames_that_agree_with_themselves),
        cmocka_unit_test(test_eval_of_a_committee_gives_mean_and_deviation),
        cmocka_unit_test(test_eval_without_labels_gives_null),
        cmocka_unit_test(test_eval_draws_with_gnuplot_and_says_when_it_is_absent),
        cmocka_unit_test(test_eval_rejects_bad_files_with_3),
        cmocka_unit_test(test_eval_on_a_full_disk_keeps_what_was_there),
        cmocka_unit_test(test_eval_rejects_wrong_usage_with_2),
    };
    return cmocka_run_group_tests(tests, cli_make_files, NULL);
}
