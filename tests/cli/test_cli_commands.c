/* SPDX-License-Identifier: MIT
 * racah itself, info, check and bench: output, verdicts and exit codes. */
#include "cli_support.h"

static void test_main_exit_codes_and_help(void **state)
{
    (void)state;
    cli_expect(2, "usage: racah COMMAND", "");
    cli_expect(2, "no command 'evaluate'", "evaluate");
    cli_expect(3, "cli_absent.safetensors", "import cli_absent.safetensors -o cli_imported.racah");
    const char *const commands[] = {"train", "eval", "info", "check", "bench", "import", "tp", "cp-fit"};
    for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
        cli_run r = cli_racah("%s --help", commands[k]);
        assert_int_equal(r.code, 0);
        assert_non_null(strstr(r.out, "usage: racah "));
        assert_non_null(strstr(r.out, commands[k]));
        assert_string_equal(r.err, "");
        cli_run_free(&r);
    }
    cli_run r = cli_racah("--version");
    assert_int_equal(r.code, 0);
    assert_int_equal(strncmp(r.out, "racah " RACAH_VERSION ",", strlen("racah " RACAH_VERSION ",")), 0);
    cli_run_free(&r);
    r = cli_racah("--help");
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "Exit codes"));
    cli_run_free(&r);
}

static void test_train_of_a_committee_writes_its_members(void **state)
{
    (void)state;
    char text[4096], *to = text;
    for (int i = 0; i < 6; i++)
        to += sprintf(to, "2\nenergy=%g pbc=\"F F F\" Properties=species:S:1:pos:R:3:forces:R:3\n"
                          "Si 0 0 0 %g 0 0\nSi %g 0 0 %g 0 0\n",
                      -1 - 0.1 * i, -0.5 + 0.2 * i, 2 + 0.1 * i, 0.5 - 0.2 * i);
    cli_write_file("cli_train.xyz", text);
    cli_write_file("cli_train.yaml", "train_file: cli_train.xyz\noutput: cli_team\nepochs: 2\nchannels: 4\nl_max: 1\n"
                                     "radial: {mlp: [4]}\nseed: [1, 2]\n");
    remove("cli_team-3.ckpt"); /* of an earlier run of this test */
    cli_run r = cli_racah("train cli_train.yaml --fresh");
    if (r.code != 0) print_error("%s\n", r.err);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "atoms/s"));
    assert_non_null(strstr(r.out, "racah eval cli_team-1.racah cli_team-2.racah FILE.xyz"));
    cli_run_free(&r);
    r = cli_racah("eval cli_team-1.racah cli_team-2.racah cli_train.xyz --json -");
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    assert_true(cli_figure(json_array_get(json_object_get(o, "groups"), 0), "energy_std") > 0);
    json_decref(o);
    cli_run_free(&r);
    /* a third member joins; the first two are done already */
    r = cli_racah("train cli_train.yaml --seed 1,2,3");
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "going on from cli_team-2.ckpt: 2 epochs done"));
    assert_null(strstr(r.out, "going on from cli_team-3.ckpt"));
    cli_run_free(&r);
    cli_expect(2, "--seed: seed: \"x\" is not an integer", "train cli_train.yaml --seed x");
}

static void test_train_exit_codes(void **state)
{
    (void)state;
    cli_expect(2, "usage", "train");
    cli_expect(3, "cli_absent.yaml", "train cli_absent.yaml");
    cli_run r = cli_racah("train --template");
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "train_file"));
    cli_run_free(&r);
}

/* A file of an older format comes back with the same numbers and today's hash. */
static void test_import_renews_an_older_file(void **state)
{
    (void)state;
    static const char *const old[] = {RACAH_SOURCE_DIR "/tests/golden/model_v1.racah",
                                      RACAH_SOURCE_DIR "/tests/golden/model_v2.racah", MODEL};
    for (size_t k = 0; k < sizeof old / sizeof *old; k++) {
        racah_error err;
        racah_model *a, *b;
        char arguments[1024];
        snprintf(arguments, sizeof arguments, "import %s -o cli_renewed.racah", old[k]);
        cli_expect(0, NULL, arguments);
        RACAH_ASSERT_OK(racah_model_load(&a, old[k], &err));
        RACAH_ASSERT_OK(racah_model_load(&b, "cli_renewed.racah", &err));
        assert_memory_equal(&a->cfg, &b->cfg, sizeof a->cfg);
        assert_memory_equal(a->theta, b->theta, a->table.count * sizeof(double));
        assert_memory_equal(a->E0, b->E0, sizeof a->E0);
        assert_memory_equal(a->scale, b->scale, sizeof a->scale);
        assert_memory_equal(a->shift, b->shift, sizeof a->shift);
        assert_int_equal(a->nref, b->nref);
        for (size_t i = 0; i < a->nref; i++)
            assert_memory_equal(a->ref[i].forces, b->ref[i].forces, 3 * a->ref[i].n * sizeof(double));
        assert_int_equal(strcmp(a->sha256, b->sha256) == 0, k == 2);
        racah_model_destroy(a);
        racah_model_destroy(b);
    }
    cli_expect(2, "no heads", "import --head x " MODEL " -o cli_renewed.racah");
}

/* ---- info --------------------------------------------------------------------------------------- */

static void test_info_describes_the_model(void **state)
{
    (void)state;
    cli_run r = cli_racah("info " MODEL " --json -");
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    racah_model *m = cli_make_model();
    assert_non_null(m);
    assert_int_equal(json_integer_value(json_object_get(o, "parameters")), racah_model_nparameters(m));
    size_t sum = 0;
    const json_t *tensors = json_object_get(o, "tensors");
    assert_int_equal(json_array_size(tensors), m->table.n);
    for (size_t k = 0; k < json_array_size(tensors); k++)
        sum += (size_t)json_integer_value(json_object_get(json_array_get(tensors, k), "count"));
    assert_int_equal(sum, racah_model_nparameters(m));
    const json_t *elements = json_object_get(o, "elements");
    assert_int_equal(json_array_size(elements), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(elements, 1), "symbol")), "Si");
    RACAH_ASSERT_CLOSE(cli_figure(json_array_get(elements, 1), "E0"), m->E0[1], 0, 0);
    const json_t *shape = json_object_get(o, "architecture");
    RACAH_ASSERT_CLOSE(cli_figure(shape, "r_max"), 4.0, 0, 0);
    RACAH_ASSERT_CLOSE(cli_figure(shape, "channels"), 8, 0, 0);
    assert_true(cli_figure(json_object_get(o, "cost"), "bytes_per_atom") > 0);
    assert_true(cli_figure(json_object_get(o, "cost"), "flops_per_atom") > 0);
    assert_int_equal(json_integer_value(json_object_get(o, "references")), 2);
    racah_model_destroy(m);
    json_decref(o);
    cli_run_free(&r);
    r = cli_racah("info --tensors " MODEL);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "4 A for each layer"));
    assert_non_null(strstr(r.out, "layer0"));
    cli_run_free(&r);
}

static void test_info_exit_codes(void **state)
{
    (void)state;
    cli_expect(2, "missing", "info");
    cli_expect(3, "cli_absent.racah", "info cli_absent.racah");
    cli_expect(2, "--thread", "info " MODEL " --thread 1");
}

/* ---- check -------------------------------------------------------------------------------------- */

static const json_t *check_line(const json_t *o, const char *name)
{
    const json_t *checks = json_object_get(o, "checks");
    for (size_t k = 0; k < json_array_size(checks); k++)
        if (strcmp(json_string_value(json_object_get(json_array_get(checks, k), "name")), name) == 0)
            return json_array_get(checks, k);
    print_error("no check '%s'\n", name);
    fail();
    return NULL;
}

static bool passed(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(check_line(o, name), "passed"));
}

static const char *const checks[] = {
    "reference energy", "reference forces", "reference virial", "forces (MLP)",        "forces (table)",
    "virial",           "rotation",         "rotated virial",   "transformed forces",  "inversion",
    "translation",      "permutation",      "threads",          "doubled cell",        "sum of forces",
    "sum of energies",  "sum of virials",   "ghost atoms",      "ghost atoms, virial",
    "images of atoms",  "images of atoms, virial", "table, energy", "table, forces",   "table, virial",
    "single, energy",   "single, forces",   "single, virial",   "stress",              "isolated atom",
    "cutoff, energy",   "cutoff, forces",   "beyond the cutoff"};
enum { NCHECKS = sizeof checks / sizeof checks[0] };

static void test_check_passes_a_sound_model(void **state)
{
    (void)state;
    cli_run r = cli_racah("check " MODEL " --json - --seconds 2");
    if (r.code) print_error("%s", r.err);
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    assert_true(json_is_true(json_object_get(o, "passed")));
    assert_int_equal(json_array_size(json_object_get(o, "checks")), NCHECKS);
    for (int k = 0; k < NCHECKS; k++) {
        const json_t *line = check_line(o, checks[k]);
        assert_true(json_is_true(json_object_get(line, "passed")));
        assert_true(cli_figure(line, "figure") <= cli_figure(line, "limit"));
        assert_true(cli_figure(line, "tried") >= 1);
    }
    /* the differences are real numbers, not zero against zero */
    assert_true(cli_figure(check_line(o, "forces (MLP)"), "figure") > 0);
    assert_true(cli_figure(check_line(o, "virial"), "tried") >= 4);
    json_decref(o);
    cli_run_free(&r);
    r = cli_racah("check " MODEL " " FRAMES " --structures 5 --seconds 1 --seed 9");
    if (r.code) print_error("%s", r.out);
    assert_int_equal(r.code, 0);
    assert_non_null(strstr(r.out, "checks passed"));
    assert_null(strstr(r.out, "FAILED"));
    cli_run_free(&r);
}

/* Figures of a stored reference that the parameters do not give any more. */
static void test_check_fails_a_model_that_is_not_what_it_was(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, MODEL, &err));
    m->ref[0].energy += 1e-6;
    RACAH_ASSERT_OK(racahi_model_save(m, "cli_energy.racah", &err));
    m->ref[0].energy -= 1e-6;
    m->ref[1].forces[4] += 1e-6;
    RACAH_ASSERT_OK(racahi_model_save(m, "cli_forces.racah", &err));
    racah_model_destroy(m);
    const char *const broken[2] = {"energy", "forces"};
    for (int k = 0; k < 2; k++) {
        cli_run r = cli_racah("check cli_%s.racah --json - --seconds 0.1", broken[k]);
        assert_int_equal(r.code, 1);
        json_t *o = cli_json(r.out);
        assert_true(json_is_false(json_object_get(o, "passed")));
        assert_int_equal(passed(o, "reference energy"), k != 0);
        assert_int_equal(passed(o, "reference forces"), k != 1);
        assert_true(passed(o, "rotation"));
        assert_non_null(strstr(r.err, "FAILED"));
        json_decref(o);
        cli_run_free(&r);
    }
}

static void test_check_exit_codes(void **state)
{
    (void)state;
    cli_expect(2, "missing", "check");
    cli_expect(3, "cli_absent.racah", "check cli_absent.racah");
    cli_expect(3, "cli_absent.xyz", "check " MODEL " cli_absent.xyz");
    cli_write_file("cli_fe.xyz", "1\nProperties=species:S:1:pos:R:3\nFe 0 0 0\n");
    cli_expect(3, "Fe", "check " MODEL " cli_fe.xyz");
    /* two atoms on one place cannot be evaluated: the reader or the check says so */
    cli_write_file("cli_twin.xyz", "2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nSi 0 0 0\n");
    cli_expect(3, "cli_twin.xyz", "check " MODEL " cli_twin.xyz");
}

/* ---- bench -------------------------------------------------------------------------------------- */

/* One cubic box, as LAMMPS data in the given style and as extended XYZ. */
static void write_boxes(const char *style)
{
    uint64_t seed = 2;
    char data[4096], xyz[4096];
    int n = snprintf(
        data, sizeof data,
        "silica-like\n\n8 atoms\n2 atom types\n-1 4.1 xlo xhi\n0 4.9 ylo yhi\n"
        "0.5 5.8 zlo zhi\n0.4 -0.2 0.3 xy xz yz\n\nMasses\n\n1 15.999 # O\n2 28.085\n\nAtoms # %s\n\n",
        style);
    int k = snprintf(xyz, sizeof xyz,
                     "8\nLattice=\"5.1 0 0 0.4 4.9 0 -0.2 0.3 5.3\" Properties=species:S:1:pos:R:3\n");
    for (int i = 0; i < 8; i++) {
        double r[3];
        const int place[3] = {i & 1, i >> 1 & 1, i >> 2};
        for (int x = 0; x < 3; x++) r[x] = 2.5 * place[x] + 0.4 * racah_test_uniform(&seed);
        int type = i % 3 == 0 ? 1 : 2;
        n += snprintf(data + n, sizeof data - (size_t)n, "%d %s%d %s%.12f %.12f %.12f 0 0 0\n", i + 1,
                      strcmp(style, "full") == 0 ? "7 " : "", type,
                      strcmp(style, "atomic") == 0 ? "" : "-0.5 ", r[0], r[1], r[2]);
        k += snprintf(xyz + k, sizeof xyz - (size_t)k, "%s %.12f %.12f %.12f\n", type == 1 ? "O" : "Si", r[0],
                      r[1], r[2]);
    }
    cli_write_file("cli_box.data", data);
    cli_write_file("cli_box.xyz", xyz);
}

static json_t *bench(const char *arguments)
{
    cli_run r = cli_racah("bench model " MODEL " %s --json - --repeats 5 --seconds 0", arguments);
    if (r.code) print_error("%s", r.err);
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    cli_run_free(&r);
    return o;
}

static void test_bench_reports_the_same_box_from_both_formats(void **state)
{
    (void)state;
    const char *const styles[] = {"atomic", "charge", "full"};
    for (size_t k = 0; k < 3; k++) {
        write_boxes(styles[k]);
        json_t *a = bench("--box cli_box.data"), *b = bench("--box cli_box.xyz");
        RACAH_ASSERT_CLOSE(cli_figure(a, "neighbors"), cli_figure(b, "neighbors"), 0, 0);
        RACAH_ASSERT_CLOSE(cli_figure(a, "flops_per_atom"), cli_figure(b, "flops_per_atom"), 0, 0);
        assert_true(cli_figure(a, "neighbors") > 1);
        const char *const positive[] = {"us_per_atom_step", "flops_per_atom", "percent_of_peak",
                                        "bytes_per_atom",   "peak_gflops",    "gflops"};
        for (size_t i = 0; i < 6; i++) assert_true(cli_figure(a, positive[i]) > 0);
        assert_int_equal(json_integer_value(json_object_get(a, "atoms")), 8);
        assert_true(json_array_size(json_object_get(a, "stages")) >= 1);
        json_decref(a);
        json_decref(b);
    }
}

static void test_bench_exit_codes(void **state)
{
    (void)state;
    write_boxes("atomic");
    cli_expect(2, "bench model", "bench kernels x");
    cli_expect(2, "--box", "bench model " MODEL);
    cli_expect(3, "cli_absent.data", "bench model " MODEL " --box cli_absent.data");
    cli_expect(3, "Ge", "bench model " MODEL " --box cli_box.data --elements Ge,Si");
    write_boxes("dipole");
    cli_expect(3, "atomic, charge", "bench model " MODEL " --box cli_box.data");
    cli_write_file("cli_short.data",
                   "t\n\n2 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n0 5 zlo zhi\n\nMasses\n\n"
                   "1 28.1\n\nAtoms\n\n1 1 0 0 0\n");
    cli_expect(3, "cli_short.data:15", "bench model " MODEL " --box cli_short.data");
    cli_write_file("cli_heavy.data",
                   "t\n\n1 atoms\n1 atom types\n0 5 xlo xhi\n0 5 ylo yhi\n0 5 zlo zhi\n\nMasses\n\n"
                   "1 63.5\n\nAtoms\n\n1 1 0 0 0\n");
    cli_expect(3, "--elements", "bench model " MODEL " --box cli_heavy.data");
    cli_expect(0, NULL, "bench model " MODEL " --box cli_heavy.data --elements Si --repeats 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_main_exit_codes_and_help),
        cmocka_unit_test(test_train_exit_codes),
        cmocka_unit_test(test_train_of_a_committee_writes_its_members),
        cmocka_unit_test(test_import_renews_an_older_file),
        cmocka_unit_test(test_info_describes_the_model),
        cmocka_unit_test(test_info_exit_codes),
        cmocka_unit_test(test_check_passes_a_sound_model),
        cmocka_unit_test(test_check_fails_a_model_that_is_not_what_it_was),
        cmocka_unit_test(test_check_exit_codes),
        cmocka_unit_test(test_bench_reports_the_same_box_from_both_formats),
        cmocka_unit_test(test_bench_exit_codes),
    };
    return cmocka_run_group_tests(tests, cli_make_files, NULL);
}
