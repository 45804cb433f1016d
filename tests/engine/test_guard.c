/* SPDX-License-Identifier: MIT
 * What must not pass in silence: atoms nearer than in the training data, numbers that are not finite. */
#include "engine_fixture.h"

#include "../src/neigh/neigh.h"

/* H-H never met: the distance of any two atoms counts. */
static const char *const summary = "{\"shortest_distance\": 1.3, \"shortest_distances\": {\"H-O\": 1.45, \"O-O\": 1.8}}";
static const double limits[2][2] = {{1.3, 1.45}, {1.45, 1.8}};

static racah_model *guarded_model(int layers, const char *training)
{
    racahi_config cfg = fixture_config(RACAHI_W_PATH, layers, 2, layers > 1, 2, 5);
    racah_model *m = fixture_model(&cfg, 21);
    racah_error err;
    m->training = racahi_strdup(training);
    RACAH_ASSERT_OK(racahi_model_read_shortest(m, &err));
    return m;
}

/* The closest atoms of each pair of elements from the readable neighbour list. */
static void closest(const fixture_atoms *a, racah_close want[2][2])
{
    racahi_edges edges = {0};
    racah_error err;
    RACAH_ASSERT_OK(racahi_neigh_build_ref(&edges, a->n, a->pos, a->cell, a->pbc, 4.0, &err));
    for (int k = 0; k < 4; k++) want[k / 2][k % 2] = (racah_close){.i = -1, .j = -1};
    for (size_t i = 0; i < a->n; i++)
        for (size_t e = edges.row[i]; e < edges.row[i + 1]; e++) {
            const double *d = edges.d + 3 * e, r = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            const int p = a->Z[i] == 8, q = a->Z[edges.j[e]] == 8;
            racah_close *w = &want[p][q];
            if (p <= q && r < limits[p][q] && (w->i < 0 || r < w->distance)) *w = (racah_close){(int)i, edges.j[e], r};
        }
    racahi_edges_free(&edges);
}

static void test_close_atoms_are_reported_by_elements(void **state)
{
    (void)state;
    racah_model *m = guarded_model(2, summary);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    racah_error err;
    int found = 0, none = 0, image = 0;
    for (int p = 0; p < 2; p++)
        for (int q = 0; q < 2; q++) RACAH_ASSERT_CLOSE(racah_model_shortest_distance(m, p, q), limits[p][q], 0, 0);
    assert_true(racah_model_shortest_distance(m, 0, 2) == 0 && racah_model_shortest_distance(NULL, 0, 0) == 0);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        fixture_atoms a = fixture_structure(4 + seed, seed);
        if (seed == 12) { /* an atom and its own image */
            a.n = 1, a.Z[0] = 8;
            for (int k = 0; k < 9; k++) a.cell[k] = k % 4 ? 0 : k == 8 ? 1.7 : 9;
        }
        double e, f[192];
        racah_close got[4], want[2][2];
        racah_structure s = {.size = sizeof s, .natoms = a.n, .positions = a.pos, .atomic_numbers = a.Z,
                             .cell = a.cell, .pbc = {1, 1, 1}, .energy = &e, .forces = f, .close = got};
        RACAH_ASSERT_OK(racah_compute(c, &s, &err));
        closest(&a, want);
        for (int k = 0; k < 4; k++) {
            const racah_close *w = &want[k / 2][k % 2];
            assert_int_equal(got[k].i < 0, w->i < 0);
            found += w->i >= 0, none += w->i < 0, image += w->i >= 0 && w->i == w->j;
            if (w->i < 0) continue;
            RACAH_ASSERT_CLOSE_AT(k, got[k].distance, w->distance, 1e-12, 0);
            assert_int_equal(a.Z[got[k].i], k / 2 ? 8 : 1);
            assert_int_equal(a.Z[got[k].j], k % 2 ? 8 : 1);
        }
    }
    assert_true(found > 5 && none > 5 && image > 0);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_close_stop_names_the_worst_pair_and_computes_nothing(void **state)
{
    (void)state;
    racah_model *m = guarded_model(1, summary);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const double pos[12] = {0, 0, 0, 0, 0, 1.4, 7, 0, 0, 7, 1.75, 0}; /* 1.4/1.45 < 1.75/1.8 */
    const int Z[4] = {8, 1, 8, 8};
    double e = 42;
    racah_close close[4] = {{.i = 7}};
    racah_error err;
    racah_structure s = {.size = sizeof s, .natoms = 4, .positions = pos, .atomic_numbers = Z, .energy = &e,
                         .close_stop = 1, .close = close};
    assert_int_equal(racah_compute(c, &s, &err), RACAH_ECLOSE);
    assert_int_equal(err.code, RACAH_ECLOSE);
    assert_non_null(strstr(err.msg, "atoms 0 (O) and 1 (H) are 1.4000 A apart"));
    assert_non_null(strstr(err.msg, "(1.4500 A)"));
    assert_int_equal(close[0].i, 7);
    RACAH_ASSERT_CLOSE(e, 42, 0, 0);
    s.close_stop = 0;
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    assert_int_equal(close[0].i, -1);
    assert_true(close[1].i == 1 && close[1].j == 0 && close[3].i == 2 && close[3].j == 3);
    /* a program of the first edition, whose struct ends before these fields */
    s.close_stop = 1;
    close[0].i = 7;
    s.size = offsetof(racah_structure, close_stop);
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    assert_int_equal(close[0].i, 7);
    s.size--;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    s.size = sizeof s + 8;
    assert_int_equal(racah_compute(c, &s, &err), RACAH_EINVAL);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

/* Local atoms with everything in reach as ghosts; one layer, so that nothing need be exchanged. */
static void test_close_ghosts_are_seen(void **state)
{
    (void)state;
    racah_model *m = guarded_model(1, summary);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const double pos[9] = {0, 0, 0, 2, 0, 0, -1.4, 0, 0};
    const int elements[3] = {0, 1, 1}, numneigh[1] = {2}, list[2] = {1, 2}, *neighbors[1] = {list};
    double e = 42;
    racah_close close[4];
    racah_error err;
    racah_local s = {.size = sizeof s, .nlocal = 1, .nghost = 2, .positions = pos, .elements = elements,
                     .numneigh = numneigh, .neighbors = neighbors, .energy = &e, .close = close};
    RACAH_ASSERT_OK(racah_compute_local(c, &s, &err));
    assert_true(close[0].i == -1 && close[1].i == 0 && close[1].j == 2 && close[3].i == -1);
    RACAH_ASSERT_CLOSE(close[1].distance, 1.4, 1e-15, 0);
    s.close_stop = 1, e = 42;
    assert_int_equal(racah_compute_local(c, &s, &err), RACAH_ECLOSE);
    assert_non_null(strstr(err.msg, "atoms 0 (H) and 2 (O)"));
    RACAH_ASSERT_CLOSE(e, 42, 0, 0);
    s.size = offsetof(racah_local, close_stop);
    RACAH_ASSERT_OK(racah_compute_local(c, &s, &err));
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_close_without_a_summary_guards_nothing(void **state)
{
    (void)state;
    const char *const summaries[] = {NULL, "no JSON", "[1]", "{}", "{\"shortest_distance\": null}",
                                     "{\"shortest_distance\": -1}", "{\"shortest_distance\": 1e9}"};
    for (size_t k = 0; k < sizeof summaries / sizeof *summaries; k++) {
        racah_model *m = guarded_model(1, summaries[k]);
        racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
        const double pos[6] = {0, 0, 0, 0, 0, 0.5};
        const int Z[2] = {8, 1};
        racah_close close[4];
        racah_error err;
        racah_structure s = {.size = sizeof s, .natoms = 2, .positions = pos, .atomic_numbers = Z, .close_stop = 1,
                             .close = close};
        assert_true(racah_model_shortest_distance(m, 0, 1) == 0);
        RACAH_ASSERT_OK(racah_compute(c, &s, &err));
        assert_int_equal(close[1].i, -1);
        racah_calc_destroy(c);
        racah_model_destroy(m);
    }
}

/* ---- numbers ------------------------------------------------------------------------------------------------ */

/* Weights that fit in double but not in float. */
static void test_overflow_in_single_precision_is_an_error_that_names_atoms(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 2, 2, 1, 3, 5);
    racah_model *m = fixture_model(&cfg, 4);
    const racahi_param *p = racahi_model_param(m, "layer0.radial.2");
    for (size_t k = 0; k < p->b * p->r * p->c; k++) m->theta[p->offset + k] *= 1e20;
    const fixture_atoms a = fixture_structure(8, 2);
    for (int single = 0; single < 2; single++) {
        racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, single ? RACAH_SINGLE : RACAH_DOUBLE, RACAH_ISA_AUTO);
        double e = 42, f[24] = {42}, w[9] = {42};
        racah_error err;
        racah_structure s = {.size = sizeof s, .natoms = a.n, .positions = a.pos, .atomic_numbers = a.Z,
                             .cell = a.cell, .pbc = {1, 1, 1}, .energy = &e, .forces = f, .virial = w};
        const racah_status st = racah_compute(c, &s, &err);
        assert_int_equal(st, single ? RACAH_ENUMERIC : RACAH_OK);
        if (single) {
            assert_non_null(strstr(err.msg, "atom 0 is not finite ("));
            assert_non_null(strstr(err.msg, "neighbours; nearest atom "));
            RACAH_ASSERT_CLOSE(e, 42, 0, 0);
            RACAH_ASSERT_CLOSE(f[0], 42, 0, 0);
            RACAH_ASSERT_CLOSE(w[0], 42, 0, 0);
        } else
            for (int k = 0; k < 24; k++) assert_true(isfinite(f[k]) && isfinite(e) && isfinite(w[k % 9]));
        racah_calc_destroy(c);
    }
    racah_model_destroy(m);
}

/* Finite features, infinite product in the backward pass or in a sum: the message must still be one. */
static void test_overflow_of_a_sum_is_an_error(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 1, 1, 0, 1, 4);
    racah_model *m = fixture_model(&cfg, 4);
    m->E0[0] = 1.5e308;
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    const double pos[6] = {0, 0, 0, 0, 0, 1.5};
    const int Z[2] = {1, 1};
    double e = 42;
    racah_error err;
    racah_structure s = {.size = sizeof s, .natoms = 2, .positions = pos, .atomic_numbers = Z, .energy = &e};
    assert_int_equal(racah_compute(c, &s, &err), RACAH_ENUMERIC);
    assert_non_null(strstr(err.msg, "sum of the energies"));
    RACAH_ASSERT_CLOSE(e, 42, 0, 0);
    racah_calc_destroy(c);
    /* all together larger and larger, until energies or forces leave the range of double */
    double f[6], last = 0;
    int refused = 0;
    m->E0[0] = 0;
    c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO);
    s.forces = f;
    for (int k = 0; k < 30; k++) {
        m->scale[0] = m->scale[1] = ldexp(1e300, k);
        f[0] = e = 42;
        const racah_status st = racah_compute(c, &s, &err);
        if (st == RACAH_OK) {
            for (int i = 0; i < 6; i++) assert_true(isfinite(f[i]) && isfinite(e));
            last = fabs(f[2]);
        } else {
            assert_int_equal(st, RACAH_ENUMERIC);
            assert_true(e == 42 && f[0] == 42);
            refused++;
        }
    }
    assert_true(refused > 0 && last > 1e290);
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

static void test_local_positions_must_be_finite(void **state)
{
    (void)state;
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 1, 1, 0, 1, 4);
    racah_model *m = fixture_model(&cfg, 4);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_TABLE, RACAH_SINGLE, RACAH_ISA_AUTO);
    const double bad[3] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 6; k++) { /* a local atom without neighbours, and a ghost */
        double pos[9] = {0, 0, 0, 0, 0, 20, 0, 0, 1.5}, e = 42, f[9] = {42};
        const int elements[3] = {0, 1, 1}, numneigh[2] = {1, 0}, list[1] = {2}, *neighbors[2] = {list, NULL};
        racah_error err;
        racah_local s = {.size = sizeof s, .nlocal = 2, .nghost = 1, .positions = pos, .elements = elements,
                         .numneigh = numneigh, .neighbors = neighbors, .energy = &e, .forces = f};
        pos[k < 3 ? 4 : 7] = bad[k % 3];
        assert_int_equal(racah_compute_local(c, &s, &err), RACAH_ENUMERIC);
        assert_non_null(strstr(err.msg, k < 3 ? "position of atom 1 is not finite" : "atoms 0 and 2 is not finite"));
        assert_true(e == 42 && f[0] == 42);
    }
    racah_calc_destroy(c);
    racah_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_close_atoms_are_reported_by_elements),
        cmocka_unit_test(test_close_stop_names_the_worst_pair_and_computes_nothing),
        cmocka_unit_test(test_close_ghosts_are_seen),
        cmocka_unit_test(test_close_without_a_summary_guards_nothing),
        cmocka_unit_test(test_overflow_in_single_precision_is_an_error_that_names_atoms),
        cmocka_unit_test(test_overflow_of_a_sum_is_an_error),
        cmocka_unit_test(test_local_positions_must_be_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
