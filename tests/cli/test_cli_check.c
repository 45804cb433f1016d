/* SPDX-License-Identifier: MIT
 * racah check as a judge: it must find what is wrong, a changed sign in a model or a wrong result, and say where. */
#include "cli_support.h"

#include "../../src/base/unroll.h"
#include "../../src/cli/check.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* Under a sanitizer models take so much longer that only those up to this size, bytes, are judged: larger ones run the
 * same code. */
#ifdef RACAHI_SANITIZED
#define LARGEST_MODEL 500000
#else
#define LARGEST_MODEL 1000000000
#endif

/* Calls f with the path of every shipped model; how many there were. */
static int each_shipped_model(void (*f)(const char *path))
{
    DIR *folder = opendir(RACAH_SOURCE_DIR "/data/models");
    assert_non_null(folder);
    int models = 0;
    for (const struct dirent *d; (d = readdir(folder));) {
        const char *end = strrchr(d->d_name, '.');
        char path[1024];
        if (!end || strcmp(end, ".racah") != 0) continue;
        snprintf(path, sizeof path, RACAH_SOURCE_DIR "/data/models/%s", d->d_name);
        struct stat file;
        assert_int_equal(stat(path, &file), 0);
        if (file.st_size > LARGEST_MODEL) continue;
        f(path);
        models++;
    }
    closedir(folder);
    return models;
}

/* ---- a model that is not the one that was trained ------------------------------------------------------------ */

/* Do the stored references notice? */
static bool references_fail(const char *path)
{
    racah_error err;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, path, &err));
    check_context c = {.model = m, .compute = racah_compute, .threads = 1, .seed = 1};
    const racah_calc_options exact = {.size = sizeof exact, .radial = RACAH_RADIAL_EXACT};
    RACAH_ASSERT_OK(racah_calc_create(&c.exact, m, &exact, &err));
    RACAH_ASSERT_OK(check_references(&c, &err));
    assert_int_equal(c.report.n, 3);
    const bool failed = !check_passed(&c.report);
    racah_calc_destroy(c.exact);
    racah_model_destroy(m);
    return failed;
}

static void flip_and_judge(racah_model *m, double *x, const char *what)
{
    racah_error err;
    *x = -*x;
    RACAH_ASSERT_OK(racahi_model_save(m, "cli_flipped.racah", &err)); /* with the hash of what is in it */
    *x = -*x;
    if (!references_fail("cli_flipped.racah")) fail_msg("%s: a changed sign (of %g) went unnoticed", what, *x);
}

/* The largest element of every tensor, and another one that is not negligible beside it: in a wide network a weight of
 * the third order that is a tenth of the largest may change forces by 1e-10 eV/A only. */
static void flip_every_tensor(const char *path)
{
    racah_error err;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, path, &err));
    assert_true(m->nref > 0);
    assert_false(references_fail(path));
    uint64_t seed = 1;
    int flipped = 0;
    for (size_t t = 0; t < m->table.n; t++) {
        const racahi_param *p = &m->table.t[t];
        double *x = m->theta + p->offset;
        size_t n = p->b * p->r * p->c, largest = 0;
        for (size_t k = 0; k < n; k++)
            if (fabs(x[k]) > fabs(x[largest])) largest = k;
        flip_and_judge(m, x + largest, p->name);
        size_t other = largest;
        for (int tries = 0; tries < 100 && (other == largest || fabs(x[other]) < 0.2 * fabs(x[largest])); tries++)
            other = (size_t)(racah_test_uniform(&seed) * (double)n);
        if (fabs(x[other]) >= 0.2 * fabs(x[largest])) flip_and_judge(m, x + other, p->name);
        flipped += 1 + (other != largest);
    }
    flip_and_judge(m, &m->E0[0], "E0");
    flip_and_judge(m, &m->scale[0], "scale");
    print_message("%s: %d signs changed one by one, each found\n", path, flipped + 2);
    racah_model_destroy(m);
}

static void test_check_finds_one_changed_sign(void **state)
{
    (void)state;
    flip_every_tensor(MODEL);
    assert_true(each_shipped_model(flip_every_tensor) > 0);
    /* and through the command: exit code, and the lines that say so */
    racah_error err;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, RACAH_SOURCE_DIR "/data/models/silicon.racah", &err));
    flip_and_judge(m, &m->theta[racahi_model_param(m, "layer1.mix.l2")->offset], "layer1.mix.l2");
    racah_model_destroy(m);
    cli_run r = cli_racah("check cli_flipped.racah --seconds 0.1");
    assert_int_equal(r.code, 1);
    assert_non_null(strstr(r.out, "FAILED reference forces"));
    assert_null(strstr(r.out, "FAILED rotation")); /* it is a potential, but another one */
    cli_run_free(&r);
}

/* ---- a wrong result -------------------------------------------------------------------------------------------- */

static enum wrong {
    RIGHT, VIRIAL_SIGN, VIRIAL_HALF, VIRIAL_XY, VIRIAL_DIAGONAL, VIRIAL_TRACE, VIRIAL_ASYMMETRIC, STRESS_SIGN, FORCE,
    ENERGY_DRIFT, ENERGY_NAN, WRONG_COUNT
} wrong;

/* Results that are off in one way, as a faulty library or machine might give them. */
static racah_status faulty(racah_calc *calc, racah_structure *s, racah_error *err)
{
    const racah_status st = racah_compute(calc, s, err);
    if (st != RACAH_OK) return st;
    for (int k = 0; k < 9 && s->virial; k++) {
        double *v = &s->virial[k];
        const bool diagonal = k % 4 == 0;
        if (wrong == VIRIAL_SIGN) *v = -*v;
        if (wrong == VIRIAL_HALF) *v *= 0.5;
        if (wrong == VIRIAL_XY && (k == 1 || k == 3)) *v = -*v;
        if (wrong == VIRIAL_DIAGONAL && !diagonal) *v = 0;
        if (wrong == VIRIAL_TRACE && diagonal) *v += 1e-4;
        if (wrong == VIRIAL_ASYMMETRIC && k == 5) *v += 1e-4;
    }
    if (wrong == STRESS_SIGN && s->stress)
        for (int k = 0; k < 9; k++) s->stress[k] = -s->stress[k];
    if (wrong == FORCE && s->forces)
        for (size_t k = 0; k < 3 * s->natoms; k++) s->forces[k] *= 1 + 1e-5;
    if (wrong == ENERGY_DRIFT && s->interaction_energy) *s->interaction_energy += 1e-5 * s->positions[0];
    if (wrong == ENERGY_NAN && s->interaction_energy) *s->interaction_energy = NAN;
    return RACAH_OK;
}

static const check_line *line_of(const check_report *r, const char *name)
{
    for (int k = 0; k < r->n; k++)
        if (strcmp(r->line[k].name, name) == 0) return &r->line[k];
    fail_msg("no check '%s'", name);
    return NULL;
}

static void test_check_finds_wrong_results(void **state)
{
    (void)state;
    static const struct {
        enum wrong wrong;
        const char *found_by, *not_by;
    } cases[] = {{VIRIAL_SIGN, "virial", "forces (MLP)"},      {VIRIAL_HALF, "virial", "forces (MLP)"},
                 {VIRIAL_XY, "virial", "forces (MLP)"},        {VIRIAL_DIAGONAL, "virial", "forces (MLP)"},
                 {VIRIAL_TRACE, "virial", "forces (MLP)"},     {VIRIAL_ASYMMETRIC, "virial", "forces (MLP)"},
                 {STRESS_SIGN, "stress", "virial"},            {FORCE, "forces (MLP)", "virial"},
                 {ENERGY_DRIFT, "translation", "sum of forces"}, {ENERGY_NAN, "forces (MLP)", "sum of forces"}};
    racah_error err;
    racah_model *m = NULL;
    RACAH_ASSERT_OK(racah_model_load(&m, RACAH_SOURCE_DIR "/data/models/silicon.racah", &err));
    racah_calc *exact = NULL, *table = NULL;
    const racah_calc_options options = {.size = sizeof options, .radial = RACAH_RADIAL_EXACT};
    RACAH_ASSERT_OK(racah_calc_create(&exact, m, &options, &err));
    RACAH_ASSERT_OK(racah_calc_create(&table, m, NULL, &err));
    const racahi_reference *ref = &m->ref[0];
    cli_box box;
    RACAH_ASSERT_OK(cli_box_create(&box, ref->n, ref->pos, ref->Z, ref->cell, ref->pbc, &err));
    for (size_t k = 0; k <= sizeof cases / sizeof *cases; k++) {
        check_context c = {.model = m, .compute = faulty, .exact = exact, .table = table, .threads = 1, .seed = 3};
        check_values v;
        wrong = k ? cases[k - 1].wrong : RIGHT;
        RACAH_ASSERT_OK(check_values_create(&v, box.n, &err));
        RACAH_ASSERT_OK(check_eval(&c, table, &box, &v, &err));
        RACAH_ASSERT_OK(check_forces(&c, &box, &err));
        RACAH_ASSERT_OK(check_virial(&c, &box, &err));
        RACAH_ASSERT_OK(check_symmetries(&c, &box, &v, &err));
        RACAH_ASSERT_OK(check_sums(&c, &box, &v, &err));
        check_values_free(&v);
        if (!k) {
            if (!check_passed(&c.report)) check_print(&c.report, stderr);
            assert_true(check_passed(&c.report));
            continue;
        }
        const check_line *found = line_of(&c.report, cases[k - 1].found_by);
        if (!found->failed || line_of(&c.report, cases[k - 1].not_by)->failed) check_print(&c.report, stderr);
        assert_true(found->failed);
        assert_false(line_of(&c.report, cases[k - 1].not_by)->failed);
        print_message("fault %d: %s %.1e, limit %.1e\n", (int)wrong, found->name, found->figure, found->limit);
    }
    cli_box_free(&box);
    racah_calc_destroy(exact), racah_calc_destroy(table);
    racah_model_destroy(m);
}

/* ---- every model we ship --------------------------------------------------------------------------------------- */

static void passes_within_a_minute(const char *path)
{
    struct rusage before, after;
    getrusage(RUSAGE_CHILDREN, &before);
    cli_run r = cli_racah("check %s --json - --threads 1", path);
    getrusage(RUSAGE_CHILDREN, &after);
    if (r.code) print_error("%s: %s\n", path, r.err);
    assert_int_equal(r.code, 0);
    json_t *o = cli_json(r.out);
    assert_true(json_is_true(json_object_get(o, "passed")));
    assert_true(cli_figure(o, "references") > 0);
    const double seconds = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                           (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec);
    print_message("%s: %.0f s of processor time\n", path, seconds);
    assert_true(seconds < 60);
    json_decref(o);
    cli_run_free(&r);
}

static void test_check_passes_every_shipped_model_within_a_minute(void **state)
{
    (void)state;
    assert_true(each_shipped_model(passes_within_a_minute) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_finds_one_changed_sign),
        cmocka_unit_test(test_check_finds_wrong_results),
        cmocka_unit_test(test_check_passes_every_shipped_model_within_a_minute),
    };
    return cmocka_run_group_tests(tests, cli_make_files, NULL);
}
