/* SPDX-License-Identifier: MIT
 * Options of a layer and of the radial functions (density, mixing by element, no skip, bases, transforms, ZBL), and the
 * elements a calculator is made for. Derivatives against central differences of the energy. */
#include "engine_fixture.h"
#include "../src/engine/net.h"

static double central(racah_calc *c, const fixture_atoms *a, size_t i, double h)
{
    double e[4];
    const double step[4] = {-2 * h, -h, h, 2 * h};
    for (int k = 0; k < 4; k++) {
        fixture_atoms b = *a;
        b.pos[i] += step[k];
        e[k] = fixture_compute(c, &b, NULL, NULL);
    }
    return (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h);
}

/* dE/dstrain_pq. */
static double strained(racah_calc *c, const fixture_atoms *a, int p, int q)
{
    double e[4];
    const double h = 2e-4, step[4] = {-2 * h, -h, h, 2 * h};
    for (int k = 0; k < 4; k++) {
        fixture_atoms b = *a;
        for (size_t i = 0; i < a->n; i++) b.pos[3 * i + (size_t)p] += step[k] * a->pos[3 * i + (size_t)q];
        for (int r = 0; r < 3; r++) b.cell[3 * r + p] += step[k] * a->cell[3 * r + q];
        e[k] = fixture_compute(c, &b, NULL, NULL);
    }
    return (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h);
}

static racah_model *option_model(int set, int layers)
{
    racahi_config cfg = fixture_config(RACAHI_W_PATH, layers, 3, 1, 3, 6);
    fixture_set_options(&cfg, set);
    return fixture_model(&cfg, 7 + (uint64_t)set);
}

static void test_forces_and_virial_match_central_differences(void **state)
{
    (void)state;
    for (int set = 1; set < FIXTURE_OPTIONS; set++)
        for (int radial = RACAH_RADIAL_TABLE; radial <= RACAH_RADIAL_EXACT; radial++) {
            racah_model *m = option_model(set, 2);
            racah_calc *c = fixture_calc(m, (racah_radial)radial, RACAH_DOUBLE, RACAH_ISA_AUTO);
            const fixture_atoms a = fixture_structure(8, 3);
            double f[192], v[9], largest = 0;
            fixture_compute(c, &a, f, v);
            for (size_t i = 0; i < 3 * a.n; i++) largest = fmax(largest, fabs(f[i]));
            /* h^4 truncation at ZBL's stiff end; the forces there are tens of eV/A */
            for (size_t i = 0; i < 3 * a.n; i += 2)
                RACAH_ASSERT_CLOSE_AT(i, f[i], -central(c, &a, i, 5e-4), 1e-9 * largest + 1e-9, 1e-8);
            for (int k = 0; k < 9; k += 2)
                RACAH_ASSERT_CLOSE_AT(k, v[k], -strained(c, &a, k / 3, k % 3), 1e-8 * largest, 1e-7);
            racah_calc_destroy(c);
            racah_model_destroy(m);
        }
}

static void test_tables_and_single_agree_with_exact(void **state)
{
    (void)state;
    for (int set = 1; set < FIXTURE_OPTIONS; set++) {
        racah_model *m = option_model(set, 3);
        const fixture_atoms a = fixture_structure(10, 5);
        double f[3][192], e[3], worst[3] = {0}, largest = 0;
        for (int k = 0; k < 3; k++) {
            racah_calc *c = fixture_calc(m, k ? RACAH_RADIAL_TABLE : RACAH_RADIAL_EXACT, k == 2 ? RACAH_SINGLE : RACAH_DOUBLE,
                                         RACAH_ISA_AUTO);
            e[k] = fixture_compute(c, &a, f[k], NULL);
            racah_calc_destroy(c);
            for (size_t i = 0; i < 3 * a.n; i++) {
                worst[k] = fmax(worst[k], fabs(f[k][i] - f[0][i]));
                largest = fmax(largest, fabs(f[0][i]));
            }
        }
        print_message("options %d: largest force %.3g; tables off by %.2g, single by %.2g\n", set, largest, worst[1], worst[2]);
        RACAH_ASSERT_CLOSE(worst[1], 0, 1e-7 * largest, 0); /* 512 knots of the steepest random MLP */
        RACAH_ASSERT_CLOSE(worst[2], 0, 2e-5 * largest, 0); /* float: 2^-24 times a few hundred terms */
        RACAH_ASSERT_CLOSE(e[1], e[0], 0, 1e-8);
        racah_model_destroy(m);
    }
}

static void test_isolated_atoms_and_cutoff(void **state)
{
    (void)state;
    for (int set = 1; set < FIXTURE_OPTIONS; set++) {
        racah_model *m = option_model(set, 2);
        racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
        fixture_atoms a = {.n = 2, .Z = {1, 8}, .pos = {0, 0, 0, 0, 0, 4.0}};
        double f[6];
        RACAH_ASSERT_CLOSE(fixture_compute(c, &a, f, NULL), 0, 1e-13, 0);
        assert_true(f[5] == 0);
        a.pos[5] = 4.0 - 1e-3; /* the sums vanish like (rc-r)^3; 300: size of random radial functions */
        assert_true(fabs(fixture_compute(c, &a, f, NULL)) < 300 * 1e-9);
        assert_true(fabs(f[5]) < 300 * 3e-6);
        racah_calc_destroy(c);
        racah_model_destroy(m);
    }
}

/* The constants of Ziegler, Biersack and Littmark, summed by hand for H-O at 0.8 A below a cutoff of 1.9 A. */
static void test_zbl_edge_matches_the_formula(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 1, 1, 0, 1, 2);
    fixture_set_options(&cfg, 2);
    const double r = 0.8, a = 0.4543 * 0.529 / (1 + pow(8, 0.3)), u = r / 1.9;
    const double phi = 0.1818 * exp(-3.2 * r / a) + 0.5099 * exp(-0.9423 * r / a) + 0.2802 * exp(-0.4028 * r / a) +
                       0.02817 * exp(-0.2016 * r / a);
    const double want = 0.5 * 14.3996 * 8 / r * phi * (1 - 28 * pow(u, 6) + 48 * pow(u, 7) - 21 * pow(u, 8));
    double slope, s2;
    RACAH_ASSERT_CLOSE(racahi_zbl_edge(&cfg, 0, 1, r, &slope), want, 0, 1e-14);
    const double h = 1e-5;
    RACAH_ASSERT_CLOSE(slope, (racahi_zbl_edge(&cfg, 1, 0, r + h, &s2) - racahi_zbl_edge(&cfg, 1, 0, r - h, &s2)) / (2 * h),
                       0, 1e-8);
    assert_true(racahi_zbl_edge(&cfg, 0, 1, 1.9, &s2) == 0 && s2 == 0);
}

static void test_elements_of_a_calculator(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m = option_model(2, 2);
    racah_calc *all = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO), *one;
    const int oxygen[] = {1}, wrong[] = {2};
    racah_calc_options o = {.size = sizeof o, .elements = oxygen, .nelements = 1};
    RACAH_ASSERT_OK(racah_calc_create(&one, m, &o, &err));
    fixture_atoms a = fixture_structure(8, 9);
    for (size_t i = 0; i < a.n; i++) a.Z[i] = 8;
    double f[192], g[192];
    const double e = fixture_compute(all, &a, f, NULL);
    assert_true(fixture_compute(one, &a, g, NULL) == e);
    assert_memory_equal(f, g, 3 * a.n * sizeof(double));
    assert_true(racah_calc_fixed_bytes(one) < racah_calc_fixed_bytes(all)); /* one pair of three */
    a.Z[3] = 1;
    racah_structure s = {.size = sizeof s, .natoms = a.n, .positions = a.pos, .atomic_numbers = a.Z};
    assert_int_equal(racah_compute(one, &s, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "atom 3 is H"));
    racah_calc *bad;
    o.elements = wrong;
    assert_int_equal(racah_calc_create(&bad, m, &o, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "element index 2"));
    o.nelements = -1;
    assert_int_equal(racah_calc_create(&bad, m, &o, &err), RACAH_EINVAL);
    o.nelements = 1, o.size = offsetof(racah_calc_options, elements); /* a caller from before: the list is not read */
    RACAH_ASSERT_OK(racah_calc_create(&bad, m, &o, &err));
    racah_calc_destroy(bad), racah_calc_destroy(one), racah_calc_destroy(all);
    racah_model_destroy(m);
}

static void test_options_survive_the_file(void **state)
{
    (void)state;
    racah_error err;
    for (int set = 0; set < FIXTURE_OPTIONS; set++) {
        racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 2, 4), back;
        if (set) fixture_set_options(&cfg, set);
        char *text = racahi_config_to_json(&cfg), *again;
        RACAH_ASSERT_OK(racahi_config_from_json(&back, text, &err));
        again = racahi_config_to_json(&back);
        assert_string_equal(text, again);
        assert_int_equal(back.zbl, cfg.zbl);
        assert_memory_equal(back.density, cfg.density, sizeof cfg.density);
        assert_memory_equal(back.element_mix, cfg.element_mix, sizeof cfg.element_mix);
        assert_memory_equal(back.no_skip, cfg.no_skip, sizeof cfg.no_skip);
        assert_memory_equal(back.transform_param, cfg.transform_param, sizeof cfg.transform_param);
        assert_memory_equal(back.basis_param, cfg.basis_param, sizeof cfg.basis_param);
        free(text), free(again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forces_and_virial_match_central_differences),
        cmocka_unit_test(test_tables_and_single_agree_with_exact),
        cmocka_unit_test(test_isolated_atoms_and_cutoff),
        cmocka_unit_test(test_zbl_edge_matches_the_formula),
        cmocka_unit_test(test_elements_of_a_calculator),
        cmocka_unit_test(test_options_survive_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
