/* SPDX-License-Identifier: MIT
 * A trained model gives the same energies and forces by every algorithm of the convolution. */
#include "train_run.h"

#include "../../src/racah.h"

enum { N = 40 }; /* more atoms than a tile has */

typedef struct result {
    double energy, forces[3 * N], virial[9];
} result;

static void structure(double pos[3 * N], int Z[N], double cell[9])
{
    uint64_t rng = 5;
    for (int k = 0; k < 9; k++) cell[k] = k % 4 ? 0.2 * k : 7.8;
    for (int i = 0; i < N; i++) {
        Z[i] = i % 3 ? 8 : 13;
        const int site[3] = {i % 4, i / 4 % 4, i / 16};
        for (int c = 0; c < 3; c++)
            pos[3 * i + c] = 1.9 * site[c] + 0.3 * racah_test_normal(&rng);
    }
}

static racah_status compute(const racah_model *m, racah_calc_options o, int threads, result *r, racah_error *err)
{
    double pos[3 * N], cell[9];
    int Z[N];
    structure(pos, Z, cell);
    o.size = sizeof o;
    *r = (result){0};
    racah_calc *c;
    racah_status st = racah_calc_create(&c, m, &o, err);
    if (st != RACAH_OK) return st;
    racah_structure s = {.size = sizeof s, .natoms = N, .positions = pos, .atomic_numbers = Z, .threads = threads,
                         .energy = &r->energy, .forces = r->forces, .virial = r->virial, .pbc = {1, 1, 1}};
    s.cell = cell;
    st = racah_compute(c, &s, err);
    racah_calc_destroy(c);
    return st;
}

static racah_model *trained(const char *name, const char *more)
{
    racah_error err;
    witness w;
    racahi_train_result r;
    racah_model *m;
    char text[512], file[64];
    snprintf(text, sizeof text,
             "r_max: 3.5\nchannels: 8\nl_max: 3\nl_hidden: 2\ncorrelation: 3\nlayers: 2\nradial: {bessel: 4, mlp: [8]}\n"
             "readout_width: 4\nbatch_size: 3\nvalid_fraction: 0.2\nlr: 0.02\nepochs: 10\n%s",
             more);
    RACAH_ASSERT_OK(train_text("data.xyz", name, text, 0, false, &w, &r, &err));
    snprintf(file, sizeof file, "%s.racah", name);
    RACAH_ASSERT_OK(racah_model_load(&m, test_path(file), &err));
    return m;
}

/* Sums in another order: 1e-10 of an energy of tens of eV, 1e-9 of forces of some eV/A; in single precision the
 * features carry 1e-7. */
static void assert_equal_results(const result *a, const result *b, bool single)
{
    RACAH_ASSERT_CLOSE(a->energy, b->energy, 0, single ? 1e-5 : 1e-10);
    for (size_t k = 0; k < 3 * N; k++) RACAH_ASSERT_CLOSE_AT(k, a->forces[k], b->forces[k], single ? 1e-3 : 1e-9, 0);
    for (size_t k = 0; k < 9; k++) RACAH_ASSERT_CLOSE_AT(k, a->virial[k], b->virial[k], single ? 1e-2 : 1e-9, 1e-9);
}

static void test_method_gaunt_model_gives_the_same_by_all(void **state)
{
    (void)state;
    static const char *const keys[] = {"family: gaunt\nweights: degree\n", "family: gaunt\nweights: shared\n"};
    for (int k = 0; k < 2; k++) {
        racah_error err;
        racah_model *m = trained(k ? "shared" : "degree", keys[k]);
        result cg, other;
        for (int radial = 0; radial < 2; radial++) {
            RACAH_ASSERT_OK(
                compute(m, (racah_calc_options){.method = RACAH_METHOD_CG, .radial = (racah_radial)radial}, 1, &cg, &err));
            double largest = 0;
            for (int i = 0; i < 3 * N; i++) largest = fmax(largest, fabs(cg.forces[i]));
            print_message("energy %.3f eV, largest force %.3f eV/A\n", cg.energy, largest);
            assert_true(largest > 0.05 && largest < 100);
            for (int method = RACAH_METHOD_AUTO; method <= RACAH_METHOD_CP; method++)
                for (int single = 0; single < 2 - radial; single++) {
                    racah_calc_options o = {.method = (racah_method)method, .radial = (racah_radial)radial,
                                            .precision = single ? RACAH_SINGLE : RACAH_DOUBLE};
                    RACAH_ASSERT_OK(compute(m, o, 1 + method % 2, &other, &err));
                    assert_equal_results(&other, &cg, single);
                }
        }
        racah_model_destroy(m);
    }
}

static void test_method_component_model_takes_cg_and_so2(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m = trained("component", "family: component\nweights: path\n");
    result cg, other;
    RACAH_ASSERT_OK(compute(m, (racah_calc_options){.method = RACAH_METHOD_CG}, 1, &cg, &err));
    RACAH_ASSERT_OK(compute(m, (racah_calc_options){.method = RACAH_METHOD_SO2}, 1, &other, &err));
    assert_equal_results(&other, &cg, false);
    for (int method = RACAH_METHOD_GAUNT; method <= RACAH_METHOD_CP; method++) {
        assert_int_equal(compute(m, (racah_calc_options){.method = (racah_method)method}, 1, &other, &err),
                         RACAH_EUNSUPPORTED);
        assert_non_null(strstr(err.msg, "path weights"));
    }
    racah_model_destroy(m);
    m = trained("degree2", "family: component\nweights: degree\n");
    assert_int_equal(compute(m, (racah_calc_options){.method = RACAH_METHOD_GRID}, 1, &other, &err),
                     RACAH_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "method grid"));
    assert_non_null(strstr(err.msg, "gaunt family"));
    racah_model_destroy(m);
}

static int create(void **state)
{
    if (test_dir_create(state)) return -1;
    write_structures("data.xyz", 3);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_method_gaunt_model_gives_the_same_by_all),
        cmocka_unit_test(test_method_component_model_takes_cg_and_so2),
    };
    return cmocka_run_group_tests(tests, create, test_dir_remove);
}
