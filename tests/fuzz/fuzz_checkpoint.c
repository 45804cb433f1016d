/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a training checkpoint, with the right checksum. What is accepted can be trained on. */
#include "fuzz.h"
#include "fuzz_checkpoint.h"

static void require_sound(const racahi_train_state *s)
{
    const size_t n = FUZZ_PARAMETERS;
    require_finite(s->theta, n), require_finite(s->kept, n), require_finite(s->optim.ema, n);
    require_finite(s->optim.m, n), require_finite(s->optim.v, n), require_finite(s->optim.vmax, n);
    for (size_t k = 0; k < n; k++) require(s->optim.v[k] >= 0 && s->optim.vmax[k] >= 0); /* under a root */
    require(s->epoch >= 0 && s->epoch <= INT32_MAX && s->nrow == (size_t)s->epoch && s->batch >= 0);
    require(s->kept_epoch >= 0 && s->kept_epoch <= s->epoch && s->since_best >= 0 && s->since_cut >= 0);
    require(s->structures >= 0 && s->stage >= 0 && s->optim.steps >= 0);
    require(isfinite(s->loss_sum) && isfinite(s->norm_sum) && isfinite(s->elapsed) && !isnan(s->best_measure));
    require(s->plateau > 0 && s->plateau <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racah_error err = {0};
    racahi_train_config *cfg = fuzz_train_config();
    racahi_train_state s;
    const double theta[FUZZ_PARAMETERS] = {0};
    uint8_t *sealed = fuzz_sealed(data, size, true);
    fuzz_file f = fuzz_file_open(sealed ? sealed : data, size);
    free(sealed);
    require(racahi_state_create(&s, cfg, FUZZ_PARAMETERS, theta, &err) == RACAH_OK);
    racah_status status = racahi_state_load(&s, cfg, FUZZ_DATA, f.path, &err);
    close(f.fd);
    if (status != RACAH_OK)
        require_refused(status, &err, NULL);
    else
        require_sound(&s);
    racahi_state_free(&s);
    racahi_train_config_destroy(cfg);
    return 0;
}
