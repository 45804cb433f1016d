/* SPDX-License-Identifier: MIT
 * The golden MACE models, imported: energies of the atoms, forces and stress as MACE gives them. */
#include "support.h"

#include "../../src/import/import.h"
#include "golden_dump.h"
#include "npz.h"

#include <unistd.h>

typedef struct results { /* of one structure */
    size_t n;
    double *atom, *forces, stress[9];
} results;

static results compute(racah_calc *calc, const npz *r, const char *name)
{
    racah_error err;
    const npy *Z = npz_find(r, "%s/Z", name), *pos = npz_find(r, "%s/positions", name),
              *cell = npz_find(r, "%s/cell", name), *pbc = npz_find(r, "%s/pbc", name);
    assert_true(Z && pos && cell && pbc);
    results o = {.n = Z->count,
                 .atom = calloc(Z->count, sizeof(double)),
                 .forces = calloc(3 * Z->count, sizeof(double))};
    int number[64], p[3];
    assert_true(o.n <= 64);
    for (size_t i = 0; i < o.n; i++) number[i] = (int)((const int64_t *)Z->data)[i];
    for (int c = 0; c < 3; c++) p[c] = (int)((const int64_t *)pbc->data)[c];
    racah_structure s = {.size = sizeof s,
                         .natoms = o.n,
                         .positions = pos->data,
                         .atomic_numbers = number,
                         .cell = p[0] ? cell->data : NULL,
                         .pbc = {p[0], p[1], p[2]},
                         .atom_energy = o.atom,
                         .forces = o.forces,
                         .stress = p[0] ? o.stress : NULL};
    RACAH_ASSERT_OK(racah_compute(calc, &s, &err));
    return o;
}

static racah_calc *calc_of(const racah_model *m, racah_radial radial, racah_precision precision, racah_isa isa)
{
    racah_error err;
    racah_calc *calc;
    const racah_calc_options o = {.size = sizeof o, .radial = radial, .precision = precision, .isa = isa};
    RACAH_ASSERT_OK(racah_calc_create(&calc, m, &o, &err));
    return calc;
}

static double worst(const double *a, const double *b, size_t n)
{
    double w = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs(a[i] - b[i]);
        if (!(d <= w)) w = d; /* a NaN stays */
    }
    return w;
}

/* Tolerances of issue 5: 1e-10 eV and the rounding of E0 (MACE adds them: 4 ulp of the largest), 1e-9 eV/A,
 * 1e-10 eV/A^3 with exact radial functions; tables within 1e-6 eV/A of that. */
static void check_structure(racah_calc *const calc[3], const npz *r, const char *model, const char *name)
{
    const npy *node = npz_find(r, "%s/node_energy", name), *forces = npz_find(r, "%s/forces", name),
              *stress = npz_find(r, "%s/stress", name);
    assert_true(node && forces);
    results exact = compute(calc[0], r, name), table = compute(calc[1], r, name),
            single = compute(calc[2], r, name);
    double rounding = 0;
    for (size_t i = 0; i < exact.n; i++)
        rounding = fmax(rounding, 4 * 0x1p-52 * fabs(((const double *)node->data)[i]));
    const double de = worst(exact.atom, node->data, exact.n),
                 df = worst(exact.forces, forces->data, 3 * exact.n),
                 ds = stress ? worst(exact.stress, stress->data, 9) : 0,
                 dt = worst(table.forces, exact.forces, 3 * exact.n);
    double rms = 0, ref = 0;
    for (size_t i = 0; i < 3 * exact.n; i++) {
        rms += pow(single.forces[i] - exact.forces[i], 2) / (3 * (double)exact.n);
        ref += pow(exact.forces[i], 2) / (3 * (double)exact.n);
    }
    print_message("%-16s %-10s atom energy %.1e eV, forces %.1e eV/A, stress %.1e eV/A^3; tables +%.1e eV/A; "
                  "single %.1e of rms force %.1e eV/A\n",
                  model, name, de, df, ds, dt, sqrt(rms), sqrt(ref));
    RACAH_ASSERT_CLOSE(de, 0, 1e-10 + rounding, 0);
    RACAH_ASSERT_CLOSE(df, 0, 1e-9, 0);
    RACAH_ASSERT_CLOSE(ds, 0, 1e-10, 0);
    RACAH_ASSERT_CLOSE(dt, 0, 1e-6, 0);
    RACAH_ASSERT_CLOSE(sqrt(rms), 0, 1e-9 + 3e-5 * sqrt(ref),
                       0); /* c on si8, many cancelling terms: 1.7e-5 */
    free(exact.atom), free(exact.forces), free(table.atom), free(table.forces), free(single.atom),
        free(single.forces);
}

/* Another instruction set gives what the best one gives: 1e-9 eV for each atom, forces to rounding. */
static void check_isa(racah_calc *best, racah_calc *other, const npz *r, const char *name)
{
    const results want = compute(best, r, name), got = compute(other, r, name);
    RACAH_ASSERT_CLOSE(worst(got.atom, want.atom, want.n), 0, 1e-9, 0);
    RACAH_ASSERT_CLOSE(worst(got.forces, want.forces, 3 * want.n), 0, 1e-9, 0);
    free(want.atom), free(want.forces), free(got.atom), free(got.forces);
}

static void check_model(const char *name)
{
    racah_error err;
    char dump[96], racah[96], path[512];
    racah_model *imported, *m;
    if (!golden_present()) skip();
    snprintf(dump, sizeof dump, "golden-%s-%ld.mace.safetensors", name, (long)getpid());
    snprintf(racah, sizeof racah, "golden-%s-%ld.racah", name, (long)getpid());
    golden_dump(name, dump, NULL);
    RACAH_ASSERT_OK(racahi_import_mace(&imported, dump, NULL, &err));
    RACAH_ASSERT_OK(racahi_model_save(imported, racah, &err));
    RACAH_ASSERT_OK(racah_model_load(&m, racah, &err)); /* what users evaluate came from a file */
    racah_model_destroy(imported);
    unlink(dump), unlink(racah);
    npz r;
    snprintf(path, sizeof path, RACAH_SHARED_DIR "/golden/mace/%s.results.npz", name);
    assert_true(npz_read(&r, path));
    racah_calc *const calc[3] = {calc_of(m, RACAH_RADIAL_EXACT, RACAH_DOUBLE, RACAH_ISA_AUTO),
                                 calc_of(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, RACAH_ISA_AUTO),
                                 calc_of(m, RACAH_RADIAL_TABLE, RACAH_SINGLE, RACAH_ISA_AUTO)};
    racah_calc *isa[RACAHI_ISA_COUNT];
    const int others = (int)racahi_cpu_best();
    for (int k = 0; k < others; k++)
        isa[k] = calc_of(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, (racah_isa)(RACAH_ISA_BASELINE + k));
    int structures = 0;
    for (size_t i = 0; i < r.n; i++) {
        char *slash = strchr(r.a[i].name, '/');
        if (!slash || strcmp(slash, "/Z") != 0) continue;
        char structure[64];
        snprintf(structure, sizeof structure, "%.*s", (int)(slash - r.a[i].name), r.a[i].name);
        check_structure(calc, &r, name, structure);
        for (int k = 0; k < others; k++) check_isa(calc[1], isa[k], &r, structure);
        structures++;
    }
    assert_int_equal(structures, 5);
    for (int k = 0; k < 3; k++) racah_calc_destroy(calc[k]);
    for (int k = 0; k < others; k++) racah_calc_destroy(isa[k]);
    npz_free(&r);
    racah_model_destroy(m);
}

static void test_golden_d_two_degrees(void **s) { (void)s, check_model("d_tiny"); }
static void test_golden_e_odd_triples(void **s) { (void)s, check_model("e_tiny_l1"); }
static void test_golden_a_off_small(void **s) { (void)s, check_model("a_off_small"); }
static void test_golden_f_residual_first_and_agnesi(void **s) { (void)s, check_model("f_residual_first"); }
static void test_golden_c_density_agnesi_zbl(void **s) { (void)s, check_model("c_mp_small"); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_d_two_degrees),
        cmocka_unit_test(test_golden_e_odd_triples),
        cmocka_unit_test(test_golden_a_off_small),
        cmocka_unit_test(test_golden_f_residual_first_and_agnesi),
        cmocka_unit_test(test_golden_c_density_agnesi_zbl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
