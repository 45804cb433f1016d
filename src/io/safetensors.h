/* SPDX-License-Identifier: MIT
 * The safetensors container: 8-byte little-endian header length, JSON header, raw little-endian tensors. */
#ifndef RACAHI_SAFETENSORS_H
#define RACAHI_SAFETENSORS_H

#include "../base/base.h"

typedef enum racahi_dtype {
    RACAHI_F64 = 0,
    RACAHI_F32,
    RACAHI_I64,
    RACAHI_I32,
    RACAHI_U8,
    RACAHI_BOOL
} racahi_dtype;
#define RACAHI_TENSOR_DIMS 8

typedef struct racahi_tensor {
    char *name;
    racahi_dtype dtype;
    int ndim;
    size_t shape[RACAHI_TENSOR_DIMS];
    size_t count; /* product of shape; 1 for ndim = 0 */
    void *data;   /* aligned copy, `count` elements; owned by the file object */
} racahi_tensor;

typedef struct racahi_safetensors {
    size_t n;
    racahi_tensor *t; /* file order */
    size_t nmeta;
    char **meta_key, **meta_value; /* __metadata__, flat strings */
    char *path;
    char sha256[65];      /* hex, of the bytes after the header */
    char sha256_file[65]; /* of header and data, the digits of metadata "sha256" taken as 0; "" without that key */
} racahi_safetensors;

/* Everything is checked before it is allocated: header length, duplicate keys, offsets (in order of position:
 * no overlap, no hole, ending exactly at the end of file), products, dtype sizes. Unknown dtypes are errors
 * that name the tensor. Non-finite floats are not judged here (the model reader does). Errors: RACAH_EIO,
 * RACAH_EFORMAT (names file and tensor), RACAH_ENOMEM. *out = NULL on failure. */
racah_status racahi_safetensors_read(racahi_safetensors **out, const char *path, racah_error *err);
racah_status racahi_safetensors_parse(racahi_safetensors **out, const void *bytes, size_t size,
                                      const char *name, racah_error *err);
void racahi_safetensors_free(racahi_safetensors *s);

const racahi_tensor *racahi_safetensors_find(const racahi_safetensors *s, const char *name); /* or NULL */
const char *racahi_safetensors_meta(const racahi_safetensors *s, const char *key);           /* or NULL */

/* Writing: fill a racahi_safetensors-like list and write it in one go. Data start at a multiple of 64 (header
 * padded with spaces); tensors are written back to back (the format forbids padding), 8-byte elements first,
 * then 4, then 1, each group in the given order, so that every tensor is aligned to its element size;
 * "sha256" of header (its own 64 digits as 0) and data is added to the metadata (a key of that name given by the
 * caller is RACAH_EINVAL, as are names twice). Written to PATH.tmp-<pid>, fsync, rename: PATH is whole or untouched, and the temporary
 * is removed on failure (disk full included). The builder copies nothing: pointers live until save. */
typedef struct racahi_st_writer racahi_st_writer;
racah_status racahi_st_writer_create(racahi_st_writer **out, racah_error *err);
racah_status racahi_st_writer_meta(racahi_st_writer *w, const char *key, const char *value, racah_error *err);
racah_status racahi_st_writer_tensor(racahi_st_writer *w, const char *name, racahi_dtype dtype, int ndim,
                                     const size_t *shape, const void *data, racah_error *err);
racah_status racahi_st_writer_save(racahi_st_writer *w, const char *path, racah_error *err);
void racahi_st_writer_destroy(racahi_st_writer *w);

/* SHA-256 of bytes as 64 hex digits and a NUL. */
racah_status racahi_sha256(const void *bytes, size_t size, char hex[65], racah_error *err);

#endif
