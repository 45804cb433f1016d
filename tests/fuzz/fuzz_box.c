/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a box for `racah bench`: LAMMPS data, or extended XYZ. */
#include "fuzz.h"

#include "../../src/cli/box.h"
#include "../../src/model/model.h"

static racah_model *model_of_two(void)
{
    racah_error err;
    racah_model *m;
    racahi_config cfg = {.nelem = 2, .Z = {8, 14}, .layers = 1, .channels = 1, .correlation = 1, .r_max = 3, .nbessel = 1,
                         .cutoff_p = 5, .readout_width = 1, .lambda = {1}};
    require(racahi_model_create(&m, &cfg, &err) == RACAH_OK);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racah_model *model = model_of_two();
    for (int named = 0; named < 2; named++) {
        racah_error err = {0};
        cli_box box;
        fuzz_file f = fuzz_file_open(data, size);
        racah_status status = cli_box_read(&box, f.path, named ? "Si,O" : NULL, model, &err);
        close(f.fd);
        if (status != RACAH_OK) {
            require_refused(status, &err, box.pos);
        } else {
            require(box.n >= 1);
            require_finite(box.pos, 3 * box.n);
            require_finite(box.cell, 9);
            for (size_t i = 0; i < box.n; i++) require(racah_model_element_index(model, box.Z[i]) >= 0);
        }
        cli_box_free(&box);
    }
    racah_model_destroy(model);
    return 0;
}
