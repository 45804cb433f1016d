/* SPDX-License-Identifier: MIT
 * What the fuzz targets share. */
#ifndef RACAH_FUZZ_H
#define RACAH_FUZZ_H

#include "../../src/io/st_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void require(bool ok)
{
    if (!ok) abort();
}

static inline void require_finite(const double *x, size_t n)
{
    for (size_t k = 0; k < n; k++) require(isfinite(x[k]));
}

/* The bytes as a file in memory, for readers that take a path. */
typedef struct fuzz_file {
    int fd;
    char path[32];
} fuzz_file;

static inline fuzz_file fuzz_file_open(const uint8_t *data, size_t size)
{
    fuzz_file f = {.fd = memfd_create("fuzz", MFD_CLOEXEC)};
    require(f.fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(f.fd, data + done, size - done);
        require(n > 0);
        done += (size_t)n;
    }
    snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
    return f;
}

/* A failed reader left a code and a message, and nothing else. */
static inline void require_refused(racah_status status, const racah_error *err, const void *out)
{
    require(status != RACAH_OK && err->code == status && err->msg[0] && !out);
}

/* A safetensors file whose "sha256" entry, if it has one, is right: a changed byte must reach the code behind that
 * check. `whole`: the hash of header and data, otherwise of the data alone. NULL where the bytes are no such file;
 * free(). */
static inline uint8_t *fuzz_sealed(const uint8_t *data, size_t size, bool whole)
{
    uint64_t header = 0;
    if (size < 8) return NULL;
    for (int k = 0; k < 8; k++) header |= (uint64_t)data[k] << 8 * k;
    if (header > size - 8) return NULL;
    uint8_t *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    char hex[65];
    racah_error err;
    const size_t at = racahi_sha256_place((const char *)data + 8, header);
    if (at + 64 <= header) {
        uint8_t *from = copy + 8 + (whole ? 0 : header);
        memcpy(copy + 8 + at, RACAHI_SHA256_BLANK, 64);
        require(racahi_sha256(from, (size_t)(copy + size - from), hex, &err) == RACAH_OK);
        memcpy(copy + 8 + at, hex, 64);
    }
    return copy;
}

#endif
