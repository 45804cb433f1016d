/* SPDX-License-Identifier: MIT
 * Reading numpy's .npz files (zip of .npy, stored or deflated) for the golden tests. */
#ifndef RACAH_TEST_NPZ_H
#define RACAH_TEST_NPZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct npy {
    char name[160]; /* without .npy */
    char type[4];   /* "f8", "i8", "i4", "b1" */
    int ndim;
    size_t shape[8], count;
    void *data;
} npy;

typedef struct npz {
    size_t n;
    npy *a;
} npz;

/* false where the file is absent or not understood. */
bool npz_read(npz *out, const char *path);
void npz_free(npz *z);
const npy *npz_find(const npz *z, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* or NULL */

#endif
