/* SPDX-License-Identifier: MIT
 * Fuzz target: any text as the config of a model file. What is accepted has a shape, and its JSON form is accepted
 * again and says the same. */
#include "fuzz.h"

#include "../../src/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racahi_config cfg, again;
    racah_error err = {0};
    racah_model *model;
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    racah_status status = racahi_config_from_json(&cfg, text, &err);
    free(text);
    if (status != RACAH_OK) {
        require_refused(status, &err, NULL);
        return 0;
    }
    text = racahi_config_to_json(&cfg);
    require(text && racahi_config_from_json(&again, text, &err) == RACAH_OK);
    char *second = racahi_config_to_json(&again);
    require(second && strcmp(text, second) == 0);
    free(text), free(second);
    require(racahi_model_create_shape(&model, &cfg, &err) == RACAH_OK && racah_model_nparameters(model) > 0);
    racah_model_destroy(model);
    return 0;
}
