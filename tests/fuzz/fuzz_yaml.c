/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a training configuration. What is accepted describes a model that can be made, and its
 * text is the same configuration. */
#include "fuzz.h"

#include "../../src/train/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racah_error err = {0};
    racahi_train_config *cfg;
    racah_status status = racahi_train_config_parse(&cfg, (const char *)data, size, "fuzz", &err);
    if (status != RACAH_OK) {
        require_refused(status, &err, cfg);
        require(strncmp(err.msg, "fuzz:", 5) == 0);
        return 0;
    }
    char *text = racahi_train_config_text(cfg);
    require(text && racahi_train_config_same(cfg, text, &err) == RACAH_OK);
    racahi_free(text);
    racahi_config shape = {.nelem = 1, .Z = {14}};
    racahi_train_config_shape(cfg, &shape);
    for (int t = 0; t < shape.layers; t++) shape.lambda[t] = 1;
    shape.radius[0] = 1;
    require(racahi_config_check(&shape, &err) == RACAH_OK);
    racahi_train_config_destroy(cfg);
    return 0;
}
