/* SPDX-License-Identifier: MIT
 * What the reader and the writer of safetensors files share. */
#ifndef RACAHI_ST_INTERNAL_H
#define RACAHI_ST_INTERNAL_H

#include "safetensors.h"

const char *racahi_dtype_name(racahi_dtype d); /* NULL outside the enum */
size_t racahi_dtype_size(racahi_dtype d);      /* bytes; 0 outside the enum */
/* Product of the shape; false on overflow. A dimension of 0 makes the product 0 whatever the others are. */
bool racahi_shape_count(int ndim, const size_t *shape, size_t *count);
/* 2n digits and a NUL. */
void racahi_hex(const unsigned char *bytes, size_t n, char *hex);


/* The digits of "sha256" while the hash that they will hold is taken. */
#define RACAHI_SHA256_BLANK "0000000000000000000000000000000000000000000000000000000000000000"
/* Where those 64 digits stand in a header text; `size` where there is no such key. (JSON text inside a string has its
 * quotes escaped, so that nothing in there can be taken for it.) */
size_t racahi_sha256_place(const char *text, size_t size);

#endif
