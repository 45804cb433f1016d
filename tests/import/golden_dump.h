/* SPDX-License-Identifier: MIT
 * The golden MACE models (../shared/golden/mace) as dumps of the form src/mace_export.py writes. */
#ifndef RACAH_TEST_GOLDEN_DUMP_H
#define RACAH_TEST_GOLDEN_DUMP_H

#include <jansson.h>
#include <stdbool.h>

/* What a test changes before the dump is written. */
typedef struct golden_change {
    void (*json)(json_t *dump); /* or NULL */
    const char *drop_tensor;    /* or NULL */
    bool single;                /* write F32 */
} golden_change;

/* Is the golden data there? Prints a message where not. */
bool golden_present(void);
/* Write the dump of one golden model; fails the test where that does not work. change may be NULL. */
void golden_dump(const char *model, const char *path, const golden_change *change);

#endif
