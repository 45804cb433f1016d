/* SPDX-License-Identifier: MIT
 * Made tests/golden/model_v*.racah, each with the last code that wrote its format version: small random models with
 * two reference structures. Kept as their record; the files themselves stay as they are, later releases must go on
 * reading them. Usage: make_golden_models OUT.racah [OPTIONS]
 *   model_v1  no options          model_v2  option set 2 (engine_fixture.h)          model_v3  option set 3 */
#include "engine/engine_fixture.h"

#include "../src/model/model.h"

static void add_reference(racah_model *m, racah_calc *c, const fixture_atoms *a)
{
    racah_error err;
    double energy, forces[192], virial[9];
    const bool periodic = a->pbc[0];
    racah_structure s = {.size = sizeof s,
                         .natoms = a->n,
                         .positions = a->pos,
                         .atomic_numbers = a->Z,
                         .cell = periodic ? a->cell : NULL,
                         .pbc = {a->pbc[0], a->pbc[1], a->pbc[2]},
                         .energy = &energy,
                         .forces = forces,
                         .virial = virial};
    if (racah_compute(c, &s, &err) != RACAH_OK ||
        racahi_model_add_reference(m, a->n, a->Z, a->pos, s.cell, a->pbc, energy, forces, virial, &err) !=
            RACAH_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    racah_error err;
    racahi_config cfg = {.nelem = 2,
                         .Z = {1, 8},
                         .layers = 2,
                         .channels = 3,
                         .l_max = 2,
                         .l_hidden = 1,
                         .correlation = 3,
                         .weights = RACAHI_W_PATH,
                         .family = RACAHI_FAMILY_COMPONENT,
                         .r_max = 4.0,
                         .nbessel = 5,
                         .cutoff_p = 6,
                         .nmlp = 2,
                         .mlp = {6, 5},
                         .readout_width = 4,
                         .lambda = {3.5, 1.0 / 0.3}};
    if (argc > 2) fixture_set_options(&cfg, atoi(argv[2]));
    racah_model *m = fixture_model(&cfg, 20261121);
    racah_calc *c = fixture_calc(m, RACAH_RADIAL_EXACT, RACAH_DOUBLE, RACAH_ISA_BASELINE);
    fixture_atoms a = fixture_structure(7, 101), b = fixture_structure(5, 103);
    memset(b.pbc, 0, sizeof b.pbc);
    add_reference(m, c, &a);
    add_reference(m, c, &b);
    m->training = racahi_strdup("{\"data\":\"none, random parameters\"}");
    if (racahi_model_save(m, argv[1], &err) != RACAH_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    racah_calc_destroy(c);
    racah_model_destroy(m);
    return 0;
}
