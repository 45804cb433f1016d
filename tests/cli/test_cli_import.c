/* SPDX-License-Identifier: MIT
 * racah import from the outside: a golden MACE model becomes a file that eval and check take; errors leave no
 * file. */
#include "cli_support.h"

#include "../import/golden_dump.h"
#include "../import/npz.h"

#include <dirent.h>
#include <unistd.h>

#define DUMP "d_tiny.mace.safetensors"
#define IMPORTED "d_tiny.racah"

static void two_heads(json_t *d) { json_object_set_new(d, "heads", json_pack("[s,s]", "pbe", "r2scan")); }
static void nonlinear(json_t *d)
{
    json_object_set_new(json_array_get(json_object_get(d, "interactions"), 1), "class",
                        json_string("RealAgnosticResidualNonLinearInteractionBlock"));
}

/* Every structure of the golden results with MACE's energies and forces as labels. */
static int write_golden_frames(const char *path)
{
    npz r;
    int frames = 0;
    assert_true(npz_read(&r, RACAH_SHARED_DIR "/golden/mace/d_tiny.results.npz"));
    FILE *to = fopen(path, "w");
    assert_non_null(to);
    for (size_t k = 0; k < r.n; k++) {
        const char *slash = strchr(r.a[k].name, '/');
        if (!slash || strcmp(slash, "/Z") != 0) continue;
        const int len = (int)(slash - r.a[k].name);
        const char *name = r.a[k].name;
        const npy *Z = &r.a[k], *pos = npz_find(&r, "%.*s/positions", len, name),
                  *cell = npz_find(&r, "%.*s/cell", len, name), *pbc = npz_find(&r, "%.*s/pbc", len, name),
                  *energy = npz_find(&r, "%.*s/energy", len, name),
                  *forces = npz_find(&r, "%.*s/forces", len, name);
        assert_true(pos && cell && pbc && energy && forces);
        fprintf(to, "%zu\n", Z->count);
        if (((const int64_t *)pbc->data)[0]) {
            fprintf(to, "pbc=\"T T T\" Lattice=\"");
            for (int c = 0; c < 9; c++)
                fprintf(to, "%.17g%s", ((const double *)cell->data)[c], c < 8 ? " " : "\" ");
        }
        fprintf(to, "Properties=species:S:1:pos:R:3:forces:R:3 energy=%.17g\n",
                *(const double *)energy->data);
        for (size_t i = 0; i < Z->count; i++) {
            fprintf(to, "%s", racah_element_symbol((int)((const int64_t *)Z->data)[i]));
            for (int c = 0; c < 3; c++) fprintf(to, " %.17g", ((const double *)pos->data)[3 * i + c]);
            for (int c = 0; c < 3; c++) fprintf(to, " %.17g", ((const double *)forces->data)[3 * i + c]);
            fputc('\n', to);
        }
        frames++;
    }
    assert_int_equal(fclose(to), 0);
    npz_free(&r);
    return frames;
}

static void test_import_gives_a_model_that_eval_and_check_take(void **state)
{
    (void)state;
    if (!golden_present()) skip();
    golden_dump("d_tiny", DUMP, NULL);
    unlink(IMPORTED);
    cli_run r = cli_racah("import " DUMP " -o " IMPORTED);
    if (r.code != 0) fail_msg("racah import: exit code %d: %s", r.code, r.err);
    assert_non_null(strstr(r.out, DUMP " -> " IMPORTED));
    assert_non_null(strstr(r.out, "every one of the checkpoint was used"));
    cli_run_free(&r);

    const int frames = write_golden_frames("cli_golden.xyz");
    assert_true(frames > 1);
    r = cli_racah("eval " IMPORTED " cli_golden.xyz --threads 1 --json -");
    if (r.code != 0) fail_msg("racah eval: exit code %d: %s", r.code, r.err);
    json_t *figures = cli_json(r.out);
    const json_t *all = json_array_get(json_object_get(figures, "groups"), 0);
    assert_string_equal(json_string_value(json_object_get(all, "name")), "all");
    assert_int_equal(json_integer_value(json_object_get(all, "structures")), frames);
    /* eval interpolates the radial functions: within 1e-6 eV/A of MACE (issue 5), energies as their integral
     */
    RACAH_ASSERT_CLOSE(cli_figure(all, "energy_rmse"), 0, 1e-6, 0);
    RACAH_ASSERT_CLOSE(cli_figure(all, "forces_rmse"), 0, 1e-6, 0);
    json_decref(figures);
    cli_run_free(&r);

    r = cli_racah("check " IMPORTED " --seconds 2 --threads 1");
    if (r.code != 0) fail_msg("racah check: exit code %d: %s%s", r.code, r.out, r.err);
    cli_run_free(&r);
    unlink(DUMP), unlink(IMPORTED);
}

/* Fails as wanted, and neither the model nor a part of it under another name is there. */
static void refused(int code, const char *words, const char *arguments)
{
    cli_expect(code, words, arguments);
    DIR *here = opendir(".");
    assert_non_null(here);
    for (struct dirent *f; (f = readdir(here));)
        if (strstr(f->d_name, "imported")) fail_msg("racah %s: left %s", arguments, f->d_name);
    closedir(here);
}

static void test_import_errors_leave_no_file(void **state)
{
    (void)state;
    refused(2, "-o is missing", "import " DUMP);
    refused(2, NULL, "import -o imported.racah");
    refused(3, "cli_absent.mace.safetensors", "import cli_absent.mace.safetensors -o imported.racah");
    cli_write_file("cli_garbage.mace.safetensors", "this is not a dump");
    refused(3, "cli_garbage.mace.safetensors", "import cli_garbage.mace.safetensors -o imported.racah");
    if (!golden_present()) skip();
    golden_dump("d_tiny", DUMP, &(golden_change){.json = nonlinear});
    refused(3, "\"RealAgnosticResidualNonLinearInteractionBlock\"", "import " DUMP " -o imported.racah");
    golden_dump("d_tiny", DUMP, &(golden_change){.json = two_heads});
    refused(2, "the heads pbe, r2scan", "import " DUMP " -o imported.racah");
    golden_dump("d_tiny", DUMP, &(golden_change){.drop_tensor = "products.1.linear.weight"});
    refused(3, "\"products.1.linear.weight\" is missing", "import " DUMP " -o imported.racah");
    golden_dump("d_tiny", DUMP, NULL);
    refused(2, "no head other", "import " DUMP " --head other -o imported.racah");
    refused(3, "nowhere/imported.racah", "import " DUMP " -o nowhere/imported.racah");
    assert_int_equal(system("head -c 20000 " DUMP " >cli_cut.mace.safetensors"), 0);
    refused(3, "cli_cut.mace.safetensors", "import cli_cut.mace.safetensors -o imported.racah");

    /* a model that was there before stays as it was */
    cli_write_file(IMPORTED, "precious");
    cli_expect(3, "cli_cut", "import cli_cut.mace.safetensors -o " IMPORTED);
    char *kept = cli_read_file(IMPORTED);
    assert_string_equal(kept, "precious");
    free(kept);
    unlink(DUMP), unlink(IMPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_gives_a_model_that_eval_and_check_take),
        cmocka_unit_test(test_import_errors_leave_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
