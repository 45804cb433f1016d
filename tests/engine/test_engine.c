/* SPDX-License-Identifier: MIT
 * The potential: forces, virial, invariances, precision, threads, level 2. Random models, so that nothing cancels. */
#include "engine_fixture.h"

/* Fourth-order central difference of the energy along one coordinate. */
static double slope(racah_calc *c, fixture_atoms *a, double *x, double h)
{
    const double x0 = *x;
    double e[4];
    const double step[4] = {-2 * h, -h, h, 2 * h};
    for (int k = 0; k < 4; k++) {
        *x = x0 + step[k];
        e[k] = fixture_compute(c, a, NULL, NULL);
    }
    *x = x0;
    return (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h);
}

static void check_forces(const racahi_config *cfg, racah_radial radial)
{
    racah_model *m = fixture_model(cfg, 7);
    racah_calc *c = fixture_calc(m, radial, RACAH_DOUBLE, RACAH_ISA_AUTO);
    fixture_atoms a = fixture_structure(9, 3);
    double f[192], v[9];
    fixture_compute(c, &a, f, v);
    for (size_t i = 0; i < 3 * a.n; i += 2) /* h^4 truncation and 1e-15 E / h rounding are both below 1e-9 */
        RACAH_ASSERT_CLOSE_AT(i, f[i], -slope(c, &a, &a.pos[i], 1e-3), 1e-8, 1e-8);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_forces_match_central_differences(void **state)
{
    (void)state;
    for (int w = RACAHI_W_PATH; w <= RACAHI_W_SHARED; w++)
        for (int layers = 1; layers <= 3; layers++)
            for (int lh = 0; lh <= 2; lh++) {
                racahi_config cfg = fixture_config((racahi_weights_kind)w, layers, 2, lh, 2, 5);
                check_forces(&cfg, RACAH_RADIAL_EXACT);
            }
    racahi_config big = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 12);
    check_forces(&big, RACAH_RADIAL_EXACT);
    check_forces(&big, RACAH_RADIAL_TABLE);
    for (int w = RACAHI_W_PATH; w <= RACAHI_W_SHARED; w++) { /* wide enough for the first layer as a density */
        racahi_config wide = fixture_config((racahi_weights_kind)w, 2, 3, 1, 2, 24);
        check_forces(&wide, RACAH_RADIAL_TABLE);
    }
    racahi_config four = fixture_config(RACAHI_W_PATH, 2, 2, 1, 4, 4), flat = fixture_config(RACAHI_W_PATH, 2, 0, 0, 2, 3);
    check_forces(&four, RACAH_RADIAL_EXACT);
    check_forces(&flat, RACAH_RADIAL_EXACT);
}

static void test_virial_matches_strain(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 24);
    racah_model *m = fixture_model(&cfg, 11);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(9, 5);
    double v[9], norm = 0;
    fixture_compute(c, &a, NULL, v);
    for (int k = 0; k < 9; k++) norm += fabs(v[k]) / 9;
    for (int p = 0; p < 3; p++)
        for (int q = 0; q < 3; q++) {
            double e[4];
            const double h = 2e-4, step[4] = {-2 * h, -h, h, 2 * h};
            for (int k = 0; k < 4; k++) {
                fixture_atoms b = a;
                for (size_t i = 0; i < a.n; i++) b.pos[3 * i + (size_t)p] += step[k] * a.pos[3 * i + (size_t)q];
                for (int r = 0; r < 3; r++) b.cell[3 * r + p] += step[k] * a.cell[3 * r + q];
                e[k] = fixture_compute(c, &b, NULL, NULL);
            }
            RACAH_ASSERT_CLOSE_AT(3 * p + q, v[3 * p + q], -(e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h),
                                  1e-7 * norm, 1e-7);
        }
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_energy_is_invariant_and_forces_rotate(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 3, 2, 3, 6);
    racah_model *m = fixture_model(&cfg, 13);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(9, 8);
    double f[192], g[192], R[9], e = fixture_compute(c, &a, f, NULL);
    uint64_t seed = 99;
    for (int trial = 0; trial < 4; trial++) {
        racah_test_rotation(&seed, R);
        const double sign = trial & 1 ? -1 : 1; /* rotations and rotoinversions */
        const double t[3] = {1.7, -20.3, 0.4};
        fixture_atoms b = a;
        for (size_t i = 0; i < a.n; i++) { /* reversed order: a permutation too */
            const size_t k = a.n - 1 - i;
            b.Z[k] = a.Z[i];
            for (int r = 0; r < 3; r++)
                b.pos[3 * k + (size_t)r] = t[r] + sign * (R[3 * r] * a.pos[3 * i] + R[3 * r + 1] * a.pos[3 * i + 1] +
                                                          R[3 * r + 2] * a.pos[3 * i + 2]);
        }
        for (int v = 0; v < 3; v++)
            for (int r = 0; r < 3; r++)
                b.cell[3 * v + r] = sign * (R[3 * r] * a.cell[3 * v] + R[3 * r + 1] * a.cell[3 * v + 1] +
                                            R[3 * r + 2] * a.cell[3 * v + 2]);
        RACAH_ASSERT_CLOSE(fixture_compute(c, &b, g, NULL), e, 0, 1e-11);
        for (size_t i = 0; i < a.n; i++)
            for (int r = 0; r < 3; r++)
                RACAH_ASSERT_CLOSE(g[3 * (a.n - 1 - i) + (size_t)r],
                                   sign * (R[3 * r] * f[3 * i] + R[3 * r + 1] * f[3 * i + 1] + R[3 * r + 2] * f[3 * i + 2]),
                                   1e-11, 1e-10);
    }
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_supercell_has_the_same_energy_per_cell(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_DEGREE, 2, 2, 1, 3, 8);
    racah_model *m = fixture_model(&cfg, 17);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(5, 21);
    fixture_atoms b = a;
    b.n = 8 * a.n;
    for (size_t s = 0; s < 8; s++)
        for (size_t i = 0; i < a.n; i++) {
            b.Z[s * a.n + i] = a.Z[i];
            for (size_t k = 0; k < 3; k++)
                b.pos[3 * (s * a.n + i) + k] = a.pos[3 * i + k] + (double)(s & 1) * a.cell[k] +
                                               (double)(s >> 1 & 1) * a.cell[3 + k] + (double)(s >> 2) * a.cell[6 + k];
        }
    for (int k = 0; k < 9; k++) b.cell[k] *= 2;
    double f[192], g[192], v[9], w[9];
    double e = fixture_compute(c, &a, f, v);
    RACAH_ASSERT_CLOSE(fixture_compute(c, &b, g, w), 8 * e, 0, 1e-12);
    for (size_t i = 0; i < 3 * b.n; i++) RACAH_ASSERT_CLOSE_AT(i, g[i], f[i % (3 * a.n)], 1e-11, 1e-10);
    for (int k = 0; k < 9; k++) RACAH_ASSERT_CLOSE_AT(k, w[k], 8 * v[k], 1e-10, 1e-10);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_isolated_atoms_have_their_own_energy_and_no_force(void **state)
{
    (void)state;
    racah_error err;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 8);
    racah_model *m = fixture_model(&cfg, 19);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const double pos[6] = {0, 0, 0, 0, 4.0, 0}; /* at the cutoff exactly: no edge */
    const int Z[2] = {1, 8};
    double e, ie, f[6], ae[2], v[9];
    racah_structure s = {.size = sizeof s, .natoms = 2, .positions = pos, .atomic_numbers = Z, .energy = &e,
                         .interaction_energy = &ie, .forces = f, .atom_energy = ae, .virial = v};
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    RACAH_ASSERT_CLOSE(ie, 0, 1e-14, 0);
    for (int i = 0; i < 2; i++) RACAH_ASSERT_CLOSE(ae[i], racah_model_isolated_energy(m, i), 1e-14, 1e-14);
    RACAH_ASSERT_CLOSE(e, m->E0[0] + m->E0[1] + m->shift[0] + m->shift[1], 1e-13, 0);
    for (int k = 0; k < 6; k++) RACAH_ASSERT_CLOSE_AT(k, f[k], 0, 0, 0);
    s.natoms = 0;
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    RACAH_ASSERT_CLOSE(e, 0, 0, 0);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_energy_and_force_are_smooth_at_the_cutoff(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 8);
    racah_model *m = fixture_model(&cfg, 23);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    for (int k = 1; k <= 3; k++) { /* e ~ (rc-r)^3: value, slope and curvature vanish */
        const double x = 4.0 - pow(10, -k);
        fixture_atoms a = {.n = 2, .Z = {1, 8}, .pos = {0, 0, 0, 0, 0, x}};
        double f[6];
        double e = fixture_compute(c, &a, f, NULL);
        assert_true(fabs(e) < 10 * pow(10, -3 * k));
        assert_true(fabs(f[5]) < 30 * pow(10, -2 * k));
    }
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_threads_and_isa_do_not_change_the_result(void **state)
{
    (void)state;
    racah_error err;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 24);
    racah_model *m = fixture_model(&cfg, 29);
    const fixture_atoms a = fixture_structure(60, 31);
    double f[3][192], e[3], v[3][9];
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    for (int k = 0; k < 3; k++) {
        racah_structure s = {.size = sizeof s, .threads = k + 1, .natoms = a.n, .positions = a.pos,
                             .atomic_numbers = a.Z, .cell = a.cell, .pbc = {1, 1, 1}, .interaction_energy = &e[k],
                             .forces = f[k], .virial = v[k]};
        RACAH_ASSERT_OK(racah_compute(c, &s, &err));
        assert_memory_equal(&e[k], &e[0], sizeof e[0]);
        assert_memory_equal(f[k], f[0], 3 * a.n * sizeof(double));
        assert_memory_equal(v[k], v[0], sizeof v[0]);
    }
    racah_calc_destroy(c);
    for (int isa = RACAH_ISA_BASELINE; isa <= (int)racahi_cpu_best() + RACAH_ISA_BASELINE; isa++) {
        c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, (racah_isa)isa);
        RACAH_ASSERT_CLOSE(fixture_compute(c, &a, f[1], NULL), e[0], 1e-9, 0);
        for (size_t i = 0; i < 3 * a.n; i++) RACAH_ASSERT_CLOSE_AT(i, f[1][i], f[0][i], 1e-9, 1e-11);
        racah_calc_destroy(c);
    }
    racah_model_destroy(m);
}

static void test_table_and_single_precision_agree_with_exact(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 3, 1, 3, 40);
    racah_model *m = fixture_model(&cfg, 37);
    const fixture_atoms a = fixture_structure(20, 41);
    racah_calc *c[3] = {fixture_calc(m, RACAH_RADIAL_EXACT, RACAH_DOUBLE, RACAH_ISA_AUTO),
                        fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO),
                        fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_SINGLE, RACAH_ISA_AUTO)};
    double f[3][192], e[3], worst[3] = {0}, largest = 0;
    for (int k = 0; k < 3; k++) {
        e[k] = fixture_compute(c[k], &a, f[k], NULL);
        for (size_t i = 0; i < 3 * a.n; i++) {
            worst[k] = fmax(worst[k], fabs(f[k][i] - f[0][i]));
            largest = fmax(largest, fabs(f[k][i]));
        }
    }
    print_message("largest force %.3g; table off by %.2g, single by %.2g; energies %.12g %.2g %.2g\n", largest,
                  worst[1], worst[2], e[0], e[1] - e[0], e[2] - e[0]);
    /* interpolation: slope error 1e-7 of the radial functions' scale; float: 2^-24 times a few hundred terms */
    assert_true(worst[1] <= 1e-6 * largest);
    assert_true(worst[2] <= 2e-5 * largest);
    RACAH_ASSERT_CLOSE(e[1], e[0], 0, 1e-8);
    RACAH_ASSERT_CLOSE(e[2], e[0], 0, 1e-5);
    for (int k = 0; k < 3; k++) racah_calc_destroy(c[k]);
    racah_model_destroy(m);
}

static void test_per_atom_values_add_up(void **state)
{
    (void)state;
    racah_error err;
    racahi_config cfg = fixture_config(RACAHI_W_SHARED, 2, 3, 1, 3, 8);
    racah_model *m = fixture_model(&cfg, 43);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const fixture_atoms a = fixture_structure(12, 47);
    double e, ae[64], av[64 * 6], v[9], st[9];
    racah_structure s = {.size = sizeof s, .natoms = a.n, .positions = a.pos, .atomic_numbers = a.Z, .cell = a.cell,
                         .pbc = {1, 1, 1}, .energy = &e, .atom_energy = ae, .atom_virial = av, .virial = v,
                         .stress = st};
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    double sum = 0, w[6] = {0};
    for (size_t i = 0; i < a.n; i++) {
        sum += ae[i];
        for (size_t k = 0; k < 6; k++) w[k] += av[6 * i + k];
    }
    RACAH_ASSERT_CLOSE(sum, e, 0, 1e-13);
    static const int six[6] = {0, 4, 8, 5, 2, 1};
    const double *q = a.cell;
    const double volume = fabs(q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) +
                               q[2] * (q[3] * q[7] - q[4] * q[6]));
    for (int k = 0; k < 6; k++) {
        RACAH_ASSERT_CLOSE_AT(k, w[k], v[six[k]], 1e-12, 1e-12);
        RACAH_ASSERT_CLOSE_AT(k, st[six[k]], -v[six[k]] / volume, 0, 1e-14);
    }
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_bad_input_is_refused_and_outputs_stay(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 1, 1, 0, 1, 4);
    racah_model *m = fixture_model(&cfg, 1);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    double pos[6] = {0, 0, 0, 0, 0, 1}, e = 42;
    int Z[2] = {1, 14};
    racah_error err;
    racah_structure s = {.size = sizeof s, .natoms = 2, .positions = pos, .atomic_numbers = Z, .energy = &e};
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "Si"));
    Z[1] = 8;
    pos[5] = 0;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    pos[5] = NAN;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    pos[5] = 1;
    s.size = 8;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    s.size = sizeof s;
    s.pbc[0] = 1;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    RACAH_ASSERT_CLOSE(e, 42, 0, 0);
    racah_calc *none;
    racah_calc_options o = {.size = sizeof o, .method = RACAH_METHOD_GRID}; /* a component model */
    assert_int_equal(racah_calc_create(&none, m, &o, &err), RACAH_EUNSUPPORTED);
    assert_null(none);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forces_match_central_differences),
        cmocka_unit_test(test_virial_matches_strain),
        cmocka_unit_test(test_energy_is_invariant_and_forces_rotate),
        cmocka_unit_test(test_supercell_has_the_same_energy_per_cell),
        cmocka_unit_test(test_isolated_atoms_have_their_own_energy_and_no_force),
        cmocka_unit_test(test_energy_and_force_are_smooth_at_the_cutoff),
        cmocka_unit_test(test_threads_and_isa_do_not_change_the_result),
        cmocka_unit_test(test_table_and_single_precision_agree_with_exact),
        cmocka_unit_test(test_per_atom_values_add_up),
        cmocka_unit_test(test_bad_input_is_refused_and_outputs_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
