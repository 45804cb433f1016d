/* SPDX-License-Identifier: MIT
 * Fuzz target: any text as an irreps string. What is accepted says the same when it is printed and read
 * again. */
#include "fuzz.h"

#include "../../src/base/irreps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racahi_irreps irreps, again;
    racah_error err = {0};
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    racah_status status = racahi_irreps_parse(&irreps, text, "fuzz", &err);
    free(text);
    if (status != RACAH_OK) {
        require_refused(status, &err, irreps.block);
        require(irreps.n == 0 && irreps.dim == 0 && strncmp(err.msg, "fuzz", 4) == 0);
        return 0;
    }
    text = calloc(irreps.n + 1, 33);
    require(text != NULL);
    for (size_t k = 0; k < irreps.n; k++) {
        char term[32];
        racahi_irrep_print(&irreps.block[k], term);
        strcat(strcat(text, k ? "+" : ""), term);
    }
    require(racahi_irreps_parse(&again, text, "fuzz", &err) == RACAH_OK);
    require(again.n == irreps.n && again.dim == irreps.dim && again.lmax == irreps.lmax);
    size_t dim = 0;
    for (size_t k = 0; k < irreps.n; k++) {
        const racahi_irrep *a = &irreps.block[k], *b = &again.block[k];
        require(a->mul == b->mul && a->l == b->l && a->p == b->p && a->offset == b->offset &&
                a->offset == dim);
        dim += (size_t)a->mul * (size_t)(2 * a->l + 1);
    }
    require(dim == irreps.dim);
    racahi_irreps_free(&irreps), racahi_irreps_free(&again);
    free(text);
    return 0;
}
