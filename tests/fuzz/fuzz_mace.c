/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as the dump of a MACE checkpoint. */
#include "fuzz.h"

#include "../../src/import/import.h"
#include "../../src/racah.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racah_error err = {0};
    racah_model *m;
    fuzz_file f = fuzz_file_open(data, size);
    racah_status status = racahi_import_mace(&m, f.path, NULL, &err);
    close(f.fd);
    if (status != RACAH_OK)
        require_refused(status, &err, m);
    else
        require(m->nref == 2 && racahi_config_check(&m->cfg, &err) == RACAH_OK);
    racah_model_destroy(m);
    return 0;
}
