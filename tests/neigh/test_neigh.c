/* SPDX-License-Identifier: MIT
 * Neighbour list: equality with the brute-force twin, symmetry, known coordination shells, bad input. */
#include "support.h"

#include "../src/io/extxyz.h"
#include "../src/neigh/neigh.h"

#include <dirent.h>
#include <limits.h>

/* Bit for bit: the decision and the vector are the same arithmetic, only the search differs. */
static void assert_same(const racahi_edges *a, const racahi_edges *b, const char *what)
{
    if (a->n != b->n || a->nedge != b->nedge)
        fail_msg("%s: %zu atoms %zu edges, the twin has %zu and %zu", what, a->n, a->nedge, b->n, b->nedge);
    assert_memory_equal(a->row, b->row, (a->n + 1) * sizeof *a->row);
    if (!a->nedge) return;
    assert_memory_equal(a->j, b->j, a->nedge * sizeof *a->j);
    assert_memory_equal(a->shift, b->shift, 3 * a->nedge * sizeof *a->shift);
    assert_memory_equal(a->d, b->d, 3 * a->nedge * sizeof *a->d);
}

static void build_both(racahi_edges *a, racahi_edges *b, size_t n, const double *pos, const double *cell,
                       const int pbc[3], double rcut, const char *what)
{
    racah_error err;
    RACAH_ASSERT_OK(racahi_neigh_build(a, n, pos, cell, pbc, rcut, &err));
    RACAH_ASSERT_OK(racahi_neigh_build_ref(b, n, pos, cell, pbc, rcut, &err));
    assert_same(a, b, what);
}

static size_t find_edge(const racahi_edges *e, size_t i, int j, const int s[3])
{
    for (size_t k = e->row[i]; k < e->row[i + 1]; k++)
        if (e->j[k] == j && memcmp(e->shift + 3 * k, s, 3 * sizeof *s) == 0) return k;
    return SIZE_MAX;
}

/* Every edge has its partner with exactly the opposite vector and shift; rows are sorted; lengths fit. */
static void assert_symmetric(const racahi_edges *e, const int pbc[3], double rcut)
{
    for (size_t i = 0; i < e->n; i++)
        for (size_t k = e->row[i]; k < e->row[i + 1]; k++) {
            const int *s = e->shift + 3 * k, back[3] = {-s[0], -s[1], -s[2]};
            const double *d = e->d + 3 * k;
            size_t p = find_edge(e, (size_t)e->j[k], (int)i, back);
            assert_true(p != SIZE_MAX);
            for (int c = 0; c < 3; c++) {
                assert_true(e->d[3 * p + c] == -d[c]);
                assert_true(pbc[c] || s[c] == 0);
            }
            assert_true(d[0] * d[0] + d[1] * d[1] + d[2] * d[2] < rcut * rcut);
            if (k == e->row[i]) continue;
            int order = e->j[k] - e->j[k - 1];
            for (int c = 0; c < 3 && order == 0; c++) order = s[c] - s[c - 3];
            assert_true(order > 0);
        }
}

static void test_neigh_data_sets_match_brute_force(void **state)
{
    (void)state;
    racahi_edges a = {0}, b = {0};
    racah_error err;
    size_t frames = 0, files = 0;
    DIR *dir = opendir(RACAH_SHARED_DIR "/data");
    if (!dir) skip();
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *dot = strrchr(entry->d_name, '.');
        char path[1024];
        racahi_frames f;
        if (!dot || strcmp(dot, ".xyz") != 0) continue;
        snprintf(path, sizeof path, "%s/data/%s", RACAH_SHARED_DIR, entry->d_name);
        RACAH_ASSERT_OK(racahi_extxyz_read(&f, path, &err));
        for (size_t k = 0; k < f.n; k++) {
            char what[1100];
            snprintf(what, sizeof what, "%s, frame %zu", entry->d_name, k);
            build_both(&a, &b, f.f[k].n, f.f[k].pos, f.f[k].cell, f.f[k].pbc, 5.0, what);
            if (k % 50 == 0) assert_symmetric(&a, f.f[k].pbc, 5.0);
        }
        frames += f.n, files++;
        racahi_frames_free(&f);
    }
    closedir(dir);
    print_message("%zu frames of %zu files\n", frames, files);
    assert_true(files >= 12 && frames >= 3000);
    racahi_edges_free(&a);
    racahi_edges_free(&b);
}

/* Random cells from plump to strongly skewed and much thinner than the cutoff, any pbc, atoms up to `away`
 * cells outside. */
static void random_structure(uint64_t *s, size_t n, double *pos, double cell[9], int pbc[3], double away)
{
    double R[9], L[9] = {0};
    double size = 2 + 6 * racah_test_uniform(s), skew = racah_test_uniform(s) < 0.3 ? 20 : 1;
    L[0] = size * (0.5 + racah_test_uniform(s)), L[4] = size * (0.5 + racah_test_uniform(s));
    L[8] = size * (0.5 + racah_test_uniform(s)) * (racah_test_uniform(s) < 0.5 ? -1 : 1);
    L[3] = skew * size * (racah_test_uniform(s) - 0.5), L[6] = skew * size * (racah_test_uniform(s) - 0.5);
    L[7] = skew * size * (racah_test_uniform(s) - 0.5);
    racah_test_rotation(s, R);
    for (int a = 0; a < 3; a++)
        for (int c = 0; c < 3; c++)
            cell[3 * a + c] = L[3 * a] * R[c] + L[3 * a + 1] * R[3 + c] + L[3 * a + 2] * R[6 + c];
    for (int a = 0; a < 3; a++) pbc[a] = (int)(racah_test_next(s) & 1);
    for (size_t i = 0; i < n; i++) {
        double f[3];
        for (int a = 0; a < 3; a++) f[a] = racah_test_uniform(s) + rint(away * (racah_test_uniform(s) - 0.5));
        for (int c = 0; c < 3; c++) pos[3 * i + c] = f[0] * cell[c] + f[1] * cell[3 + c] + f[2] * cell[6 + c];
    }
}

static void test_neigh_random_cells_match_brute_force(void **state)
{
    (void)state;
    uint64_t seed = 20260101;
    racahi_edges a = {0}, b = {0};
    size_t edges = 0;
    for (int trial = 0; trial < 400; trial++) {
        double pos[3 * 40], cell[9], rcut = 1 + 5 * racah_test_uniform(&seed);
        int pbc[3];
        size_t n = 1 + racah_test_next(&seed) % 40;
        char what[64];
        random_structure(&seed, n, pos, cell, pbc, trial % 4 == 0 ? 0 : 7);
        for (int k = 0; k < 3; k++)
            if (!pbc[k] && trial % 3 == 0) memset(cell + 3 * k, 0, 3 * sizeof *cell);
        snprintf(what, sizeof what, "trial %d, pbc %d%d%d, n %zu", trial, pbc[0], pbc[1], pbc[2], n);
        build_both(&a, &b, n, pos, cell, pbc, rcut, what);
        assert_symmetric(&a, pbc, rcut);
        edges += a.nedge;
    }
    assert_true(edges > 10000);
    racahi_edges_free(&a);
    racahi_edges_free(&b);
}

/* Enough atoms for many bins along each axis, with atoms outside the cell and open directions. */
static void test_neigh_large_structure_matches_brute_force(void **state)
{
    (void)state;
    enum { N = 700 };
    uint64_t seed = 7;
    racahi_edges a = {0}, b = {0};
    const double cell[9] = {22, 1, -2, 4, 19, 3, -5, 2, 24};
    static double pos[3 * N];
    for (int subset = 0; subset < 8; subset++) {
        const int pbc[3] = {subset & 1, subset >> 1 & 1, subset >> 2 & 1};
        for (size_t k = 0; k < 3 * N; k++) pos[k] = 60 * (racah_test_uniform(&seed) - 0.3);
        if (subset == 3) pos[0] = 4e4; /* one atom far away must not empty the bins of the others */
        build_both(&a, &b, N, pos, cell, pbc, 4.3, "large structure");
        assert_symmetric(&a, pbc, 4.3);
        assert_true(a.nedge > 100);
    }
    racahi_edges_free(&a);
    racahi_edges_free(&b);
}

/* fcc: 12 neighbours at a/sqrt 2, 6 at a, 24 at a sqrt(3/2), 12 at a sqrt 2; from the primitive cell, and
 * from the same lattice described by an absurdly skewed cell. */
static void test_neigh_one_atom_fcc_has_known_shells(void **state)
{
    (void)state;
    racah_error err;
    const double a = 3.6, h = a / 2, prim[9] = {0, h, h, h, 0, h, h, h, 0}, pos[3] = {1.1, -200.3, 55.5};
    const int all[3] = {1, 1, 1};
    double skewed[9], needle[9];
    racahi_edges e = {0};
    memcpy(skewed, prim, sizeof skewed);
    memcpy(needle, prim, sizeof needle);
    /* 1.5e6 A long: without the reduction the search would pass millions of images, and be refused */
    for (int c = 0; c < 3; c++) needle[3 + c] += 6e5 * prim[c];
    for (int c = 0; c < 3; c++)
        skewed[6 + c] += 31 * prim[c] - 17 * prim[3 + c], skewed[3 + c] += 5 * prim[c];
    const struct {
        double r;
        size_t count;
    } shells[] = {{0.70 * a, 0}, {0.72 * a, 12}, {1.01 * a, 18}, {1.23 * a, 42}, {1.42 * a, 54}};
    for (size_t k = 0; k < sizeof shells / sizeof *shells; k++) {
        RACAH_ASSERT_OK(racahi_neigh_build(&e, 1, pos, prim, all, shells[k].r, &err));
        assert_int_equal(e.nedge, shells[k].count);
        RACAH_ASSERT_OK(racahi_neigh_build(&e, 1, pos, skewed, all, shells[k].r, &err));
        assert_int_equal(e.nedge, shells[k].count);
        RACAH_ASSERT_OK(racahi_neigh_build(&e, 1, pos, needle, all, shells[k].r, &err));
        assert_int_equal(e.nedge, shells[k].count);
    }
    racahi_edges_free(&e);
}

static void test_neigh_one_atom_periodic_along_one_axis(void **state)
{
    (void)state;
    racah_error err;
    const double cell[9] = {0, 0, 0, 0, 0, 0, 0, 0.6, 0.8}, pos[3] = {0, 0, 0};
    const int pbc[3] = {0, 0, 1};
    racahi_edges e = {0};
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 1, pos, cell, pbc, 3.5, &err));
    assert_int_equal(e.nedge, 6);
    for (size_t k = 0; k < 6; k++) {
        int s = (int)k < 3 ? (int)k - 3 : (int)k - 2;
        assert_int_equal(e.shift[3 * k + 2], s);
        RACAH_ASSERT_CLOSE_AT(k, e.d[3 * k + 1], -0.6 * s, 1e-15, 0);
        RACAH_ASSERT_CLOSE_AT(k, e.d[3 * k + 2], -0.8 * s, 1e-15, 0);
    }
    racahi_edges_free(&e);
}

static void test_neigh_cutoff_is_strict(void **state)
{
    (void)state;
    racah_error err;
    const double pos[6] = {0, 0, 0, 3, 4, 0};
    const int open[3] = {0, 0, 0};
    racahi_edges e = {0};
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 2, pos, NULL, open, 5.0, &err));
    assert_int_equal(e.nedge, 0);
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 2, pos, NULL, open, nextafter(5.0, 6), &err));
    assert_int_equal(e.nedge, 2);
    /* receiver minus sender */
    RACAH_ASSERT_CLOSE(e.d[0], -3, 0, 0);
    RACAH_ASSERT_CLOSE(e.d[4], 4, 0, 0);
    /* atoms exactly on bin boundaries of a lattice whose spacing is the cutoff */
    double chain[3 * 30];
    for (int i = 0; i < 30; i++) chain[3 * i] = i, chain[3 * i + 1] = chain[3 * i + 2] = 0;
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 30, chain, NULL, open, 1.0, &err));
    assert_int_equal(e.nedge, 0);
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 30, chain, NULL, open, nextafter(1.0, 2), &err));
    assert_int_equal(e.nedge, 58);
    racahi_edges_free(&e);
}

static void test_neigh_rebuild_shrinks_and_empties(void **state)
{
    (void)state;
    racah_error err;
    const double pos[9] = {0, 0, 0, 1, 0, 0, 2, 0, 0};
    const int open[3] = {0, 0, 0};
    racahi_edges e = {0};
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 3, pos, NULL, open, 1.5, &err));
    assert_int_equal(e.nedge, 4);
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 1, pos, NULL, open, 1.5, &err));
    assert_int_equal(e.nedge, 0);
    assert_int_equal(e.row[1], 0);
    RACAH_ASSERT_OK(racahi_neigh_build(&e, 0, NULL, NULL, open, 1.5, &err));
    assert_int_equal(e.n, 0);
    assert_int_equal(e.row[0], 0);
    racahi_edges_free(&e);
    racahi_edges_free(&e);
    racahi_edges_free(NULL);
}

typedef racah_status (*builder)(racahi_edges *, size_t, const double *, const double *, const int *, double,
                                racah_error *);

static void assert_refused(size_t n, const double *pos, const double *cell, const int *pbc, double rcut,
                           const char *says)
{
    static const builder both[2] = {racahi_neigh_build, racahi_neigh_build_ref};
    for (int k = 0; k < 2; k++) {
        racahi_edges e = {0};
        racah_error err = {0};
        const double ok[6] = {0, 0, 0, 1, 0, 0};
        const int open[3] = {0, 0, 0};
        assert_int_equal(both[k](&e, n, pos, cell, pbc, rcut, &err), RACAH_EINVAL);
        assert_int_equal(err.code, RACAH_EINVAL);
        if (!strstr(err.msg, says)) fail_msg("message '%s' does not contain '%s'", err.msg, says);
        assert_int_equal(both[k](&e, n, pos, cell, pbc, rcut, NULL), RACAH_EINVAL);
        assert_int_equal(e.nedge, 0);
        RACAH_ASSERT_OK(both[k](&e, 2, ok, NULL, open, 2.0, &err)); /* still usable */
        assert_int_equal(e.nedge, 2);
        racahi_edges_free(&e);
    }
}

static void test_neigh_bad_input_is_refused(void **state)
{
    (void)state;
    const double pos[6] = {0, 0, 0, 1, 0, 0}, cube[9] = {4, 0, 0, 0, 4, 0, 0, 0, 4};
    const double nan_pos[6] = {0, 0, 0, 1, NAN, 0}, inf_pos[6] = {0, 0, INFINITY, 1, 0, 0};
    const double flat[9] = {4, 0, 0, 0, 4, 0, 4, 4, 0}, nan_cell[9] = {4, 0, 0, 0, NAN, 0, 0, 0, 4};
    const double line[9] = {4, 0, 0, 8, 0, 0, 0, 0, 4}, empty[9] = {4, 0, 0, 0, 4, 0, 0, 0, 0};
    const double tiny[9] = {1e-5, 0, 0, 0, 1e-5, 0, 0, 0, 1e-5};
    const int open[3] = {0, 0, 0}, all[3] = {1, 1, 1}, two[3] = {1, 1, 0}, z[3] = {0, 0, 1};
    assert_refused(2, NULL, NULL, open, 5, "NULL");
    assert_refused(2, pos, cube, NULL, 5, "pbc");
    assert_refused((size_t)INT_MAX + 1, pos, NULL, open, 5, "2147483648 atoms");
    assert_refused(2, pos, NULL, z, 5, "without a cell");
    assert_refused(2, pos, cube, all, 0, "cutoff 0");
    assert_refused(2, pos, cube, all, -1, "cutoff -1");
    assert_refused(2, pos, cube, all, NAN, "cutoff nan");
    assert_refused(2, pos, cube, all, INFINITY, "cutoff inf");
    assert_refused(2, nan_pos, cube, all, 5, "atom 1 (counted from 0), component 1 is nan");
    assert_refused(2, inf_pos, NULL, open, 5, "atom 0 (counted from 0), component 2 is inf");
    assert_refused(2, pos, nan_cell, all, 5, "cell vector 1, component 1 is nan");
    assert_refused(2, pos, flat, all, 5, "singular cell");
    assert_refused(2, pos, line, two, 5, "singular cell");
    assert_refused(2, pos, empty, all, 5, "cell vector 2 has length 0");
    assert_refused(1, pos, tiny, all, 5, "images");
}

static void test_neigh_coincident_atoms_are_named(void **state)
{
    (void)state;
    const double pos[12] = {0, 0, 0, 1, 0, 0, 2, 0, 0, 1, 5e-7, 0};
    const double image[6] = {0.5, 0, 0, 8.5, 4, -12}, cube[9] = {4, 0, 0, 0, 4, 0, 0, 0, 4};
    const int open[3] = {0, 0, 0}, all[3] = {1, 1, 1};
    assert_refused(4, pos, NULL, open, 5, "atoms 1 and 3 (counted from 0) coincide");
    assert_refused(2, image, cube, all, 5, "atom 0 and the image (-2 -1 3) of atom 1");
}

/* Fully periodic structures keep their edge lengths when whole lattice vectors move atoms. */
static void test_neigh_moving_atoms_by_lattice_vectors_changes_shifts_only(void **state)
{
    (void)state;
    racah_error err;
    uint64_t seed = 99;
    double pos[3 * 12], moved[3 * 12], cell[9];
    int pbc[3] = {1, 1, 1};
    const int all[3] = {1, 1, 1};
    racahi_edges a = {0}, b = {0};
    random_structure(&seed, 12, pos, cell, pbc, 0);
    memcpy(moved, pos, sizeof pos);
    for (int c = 0; c < 3; c++)
        moved[3 * 5 + c] += 40 * cell[c] - 3 * cell[3 + c], moved[c] -= 7 * cell[6 + c];
    RACAH_ASSERT_OK(racahi_neigh_build(&a, 12, pos, cell, all, 4.0, &err));
    RACAH_ASSERT_OK(racahi_neigh_build(&b, 12, moved, cell, all, 4.0, &err));
    assert_int_equal(a.nedge, b.nedge);
    assert_true(a.nedge > 20);
    for (size_t k = 0; k < a.nedge; k++) {
        assert_int_equal(a.j[k], b.j[k]);
        /* 40 cells of a few Angstrom: 1e3 A, where doubles are 1e-13 apart */
        for (int c = 0; c < 3; c++) RACAH_ASSERT_CLOSE_AT(k, b.d[3 * k + c], a.d[3 * k + c], 1e-11, 0);
    }
    racahi_edges_free(&a);
    racahi_edges_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_neigh_data_sets_match_brute_force),
        cmocka_unit_test(test_neigh_random_cells_match_brute_force),
        cmocka_unit_test(test_neigh_large_structure_matches_brute_force),
        cmocka_unit_test(test_neigh_one_atom_fcc_has_known_shells),
        cmocka_unit_test(test_neigh_one_atom_periodic_along_one_axis),
        cmocka_unit_test(test_neigh_cutoff_is_strict),
        cmocka_unit_test(test_neigh_rebuild_shrinks_and_empties),
        cmocka_unit_test(test_neigh_bad_input_is_refused),
        cmocka_unit_test(test_neigh_coincident_atoms_are_named),
        cmocka_unit_test(test_neigh_moving_atoms_by_lattice_vectors_changes_shifts_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
