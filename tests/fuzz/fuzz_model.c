/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a model file with the right checksum. What is accepted is finite and computes: finite
 * energy and forces, or an error. */
#include "fuzz.h"

#include "../../src/model/model.h"
#include "../../src/racah.h"

static void require_sound(const racah_model *m)
{
    const size_t n = (size_t)m->cfg.nelem;
    require_finite(m->theta, m->table.count);
    require_finite(m->E0, n), require_finite(m->scale, n), require_finite(m->shift, n);
    for (size_t i = 0; i < m->nref; i++) {
        const racahi_reference *r = &m->ref[i];
        require_finite(r->pos, 3 * r->n), require_finite(r->forces, 3 * r->n);
        for (size_t a = 0; a < r->n; a++) require(racah_model_element_index(m, r->Z[a]) >= 0);
    }
}

static void compute(const racah_model *m)
{
    racah_error err = {0};
    racah_calc *calc;
    const double r = 0.4 * racah_model_cutoff(m), pos[6] = {0, 0, 0, r, 0.1 * r, -0.2 * r};
    const int Z[2] = {racah_model_atomic_number(m, 0), racah_model_atomic_number(m, 0)};
    double energy, forces[6];
    racah_structure s = {.size = sizeof s, .natoms = 2, .positions = pos, .atomic_numbers = Z, .energy = &energy,
                         .forces = forces};
    racah_status status = racah_calc_create(&calc, m, NULL, &err);
    if (status == RACAH_OK) status = racah_compute(calc, &s, &err);
    if (status == RACAH_OK)
        require_finite(&energy, 1), require_finite(forces, 6);
    else
        require_refused(status, &err, NULL);
    racah_calc_destroy(calc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racah_error err = {0};
    racah_model *m;
    static const char old[] = "\"format_version\":\"1\"", two[] = "\"format_version\":\"2\""; /* data alone */
    const bool whole = !memmem(data, size, old, strlen(old)) && !memmem(data, size, two, strlen(two));
    uint8_t *sealed = fuzz_sealed(data, size, whole);
    if (!sealed) return 0; /* fuzz_safetensors has that */
    fuzz_file f = fuzz_file_open(sealed, size);
    free(sealed);
    racah_status status = racah_model_load(&m, f.path, &err);
    close(f.fd);
    if (status != RACAH_OK) {
        require_refused(status, &err, m);
        require(strstr(err.msg, f.path) != NULL);
        return 0;
    }
    require_sound(m);
    if (racah_model_nparameters(m) < 20000) compute(m);
    racah_model_destroy(m);
    return 0;
}
