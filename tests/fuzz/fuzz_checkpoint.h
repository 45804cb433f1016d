/* SPDX-License-Identifier: MIT
 * The training that the checkpoints of the fuzz target belong to. */
#ifndef RACAH_FUZZ_CHECKPOINT_H
#define RACAH_FUZZ_CHECKPOINT_H

#include "fuzz.h"

#include "../../src/train/state.h"

#define FUZZ_PARAMETERS 3
#define FUZZ_DATA "0123456789abcdef"

static inline racahi_train_config *fuzz_train_config(void)
{
    static const char text[] = "train_file: a.xyz\nschedule: plateau\n";
    racah_error err;
    racahi_train_config *cfg;
    require(racahi_train_config_parse(&cfg, text, strlen(text), "fuzz", &err) == RACAH_OK);
    return cfg;
}

#endif
