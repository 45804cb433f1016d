/* SPDX-License-Identifier: MIT
 * A program outside the project: consumer [MODEL.racah]. Prints the version, and with a model the energy of
 * one distorted periodic cell of its first element to 1e-9 eV. */
#include <racah.h>

#include <stdio.h>
#include <stdlib.h>

static int energy_of(const racah_model *model, double *energy)
{
    racah_error err;
    racah_calc *calc = NULL;
    int Z = racah_model_atomic_number(model, 0), species[2] = {Z, Z};
    double a = racah_model_cutoff(model);
    const double cell[9] = {a, 0, 0, 0.1 * a, 0.9 * a, 0, 0, 0.05 * a, 0.8 * a};
    const double pos[6] = {0, 0, 0, 0.5 * a, 0.42 * a, 0.37 * a};
    racah_structure s = {.size = sizeof s,
                         .threads = 1,
                         .natoms = 2,
                         .positions = pos,
                         .atomic_numbers = species,
                         .cell = cell,
                         .pbc = {1, 1, 1},
                         .energy = energy};
    racah_status status = racah_calc_create(&calc, model, NULL, &err);
    if (status == RACAH_OK) status = racah_compute(calc, &s, &err);
    if (status != RACAH_OK) fprintf(stderr, "%s: %s\n", racah_status_text(status), err.msg);
    racah_calc_destroy(calc);
    return status == RACAH_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    char text[512];
    racah_build_info(text, sizeof text);
    printf("version %s\n%s\n", racah_version(), text);
    if (argc < 2) return 0;
    racah_error err;
    racah_model *model = NULL;
    if (racah_model_load(&model, argv[1], &err) != RACAH_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    double energy = 0;
    int rc = energy_of(model, &energy);
    if (rc == 0) printf("energy %.9f\n", energy);
    racah_model_destroy(model);
    return rc;
}
