/* SPDX-License-Identifier: MIT
 * Kernels the tensor-product algorithms are made of, for one precision each, and their tables.
 *
 * Arrays of channels are rows of C contiguous numbers, any C >= 0, no padding, no alignment needed; `xs` is the
 * distance of rows. K is a small matrix. w is a row of C weights or NULL for ones. */
#ifndef RACAHI_TP_KERNEL_H
#define RACAHI_TP_KERNEL_H

#include "../src/base/base.h"

#define RACAHI_TP_LANES(REAL) (64 / sizeof(REAL))

/* One non-zero coefficient of a path. */
typedef struct racahi_tp_entry {
    int k1, k2;
    double c_f64;
    float c_f32;
} racahi_tp_entry;

/* Sparse map K[row] = sum over ptr[row] <= q < ptr[row+1] of c[q] b[col[q] + v]. */
typedef struct racahi_tp_map {
    size_t nrow;
    size_t *ptr, *col;
    double *c_f64;
    float *c_f32;
} racahi_tp_map;

/* One term w K x of a sum, by where its operands start: K [n1][n3], x n1 rows of C. n1 = 0: K is one number, times
 * the identity. */
#define RACAHI_TP_NO_WEIGHT SIZE_MAX
typedef struct racahi_tp_term {
    size_t n1, k0, x0, w0;
    bool first, last; /* of a sample's terms to read these rows of x, and to write those of dx */
} racahi_tp_term;

/* Ranges of addresses that will be wanted soon, asked for one line after the other; they may lie outside their arrays.
 * at is the next one, in range `range`; each call makes `each` parts of a line more due. */
enum { RACAHI_TP_AHEAD_PART = 64 };
typedef struct racahi_tp_ahead {
    uintptr_t at, start[3], end[3];
    size_t range, each, due;
} racahi_tp_ahead;

typedef enum racahi_tp_write { RACAHI_TP_SET, RACAHI_TP_ADD, RACAHI_TP_STREAM } racahi_tp_write;

#define REAL double
#define NAME(x) x##_f64
#include "tp_kernel_types.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "tp_kernel_types.inc"
#undef REAL
#undef NAME

#endif
