/* SPDX-License-Identifier: MIT
 * Kernels the tensor-product algorithms are made of, for one precision each, and their tables.
 *
 * Arrays of channels are rows of C contiguous numbers, any C >= 0, no padding, no alignment needed; `xs` is the
 * distance of rows. K is a small matrix. w is a row of C weights or NULL for ones. */
#ifndef RACAHI_TP_KERNEL_H
#define RACAHI_TP_KERNEL_H

#include "../src/base/base.h"

#include <stddef.h>

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
    ptrdiff_t x2, w2; /* of two sums at once: from there to the x and w of the second one's term */
} racahi_tp_term;

/* What the gradient of a term does: where its x and dx, w and dw, dz start in a sample. */
enum {
    RACAHI_TP_ADD_X = 1, /* to the gradients that are there */
    RACAHI_TP_ADD_W = 2,
    RACAHI_TP_OUT_X = 4, /* nothing follows: to where finished gradients go */
    RACAHI_TP_OUT_W = 8
};
typedef struct racahi_tp_place {
    size_t x0, w0, z0;
    unsigned how;
} racahi_tp_place;

/* The gradients of terms that have the same K [n1][n3] at k0 (n1 = 0: one number, times the identity), whose sums are
 * from s0 on. Weights: all terms have some, or none. side: of the operands. */
typedef struct racahi_tp_class {
    size_t n1, n3, C, k0, s0, nplace;
    const racahi_tp_place *place;
    unsigned side;
} racahi_tp_class;

/* A piece of work on them: `rows` rows of K [n1][n] from k0 on (0: K is one number, times the identity of n1 rows), for
 * vectors of channels side by side in one place or in two, the second x2, w2, z2 after the first. `add`: to the sums.
 * `columns`: all n rows of n1 <= STEP_COLUMNS columns (FOUR and PAIR only). */
enum { RACAHI_TP_STEP_ROWS = 7, RACAHI_TP_STEP_COLUMNS = 3 };
enum { /* TAIL: m channels; PAIR: 2 x 2 vectors; BLOCK: m channels in turn, dK in registers */
    RACAHI_TP_TAIL,
    RACAHI_TP_ONE,
    RACAHI_TP_TWO,
    RACAHI_TP_FOUR,
    RACAHI_TP_PAIR,
    RACAHI_TP_BLOCK
};
enum { RACAHI_TP_MANY = 8 }; /* vectors in all places: from here on BLOCK is faster */
typedef struct racahi_tp_step {
    size_t x0, w0, z0, k0, s0, n1, n, C, m;
    ptrdiff_t x2, w2, z2;
    unsigned how;
    uint8_t rows, columns, kind, weighted, add, side;
} racahi_tp_step;

/* How channels go: by vectors of lanes, at most `vectors` together: of each the rows of dz, w, dw, x and a sum are in
 * registers, beside a number of K and one of dK. A BLOCK has at most `rows` rows, and columns[rows] columns of K. */
typedef struct racahi_tp_step_limits {
    size_t registers, lanes, vectors, rows;
    uint8_t columns[RACAHI_TP_STEP_ROWS + 1];
} racahi_tp_step_limits;

/* How many vectors of channels go together in a BLOCK, so that each number of K is read once for all: of each x and its
 * gradient, w, dz and their product are in registers beside the sums and that number. */
static inline size_t racahi_tp_block_vectors(size_t registers, size_t n1, size_t n3)
{
    return n1 && n1 * n3 + 2 * (2 * n1 + 3) + 1 <= registers ? 2 : 1;
}

/* The steps of a class; returns how many. step NULL: only that. */
size_t racahi_tp_split(const racahi_tp_step_limits *most, const racahi_tp_class *t, racahi_tp_step *step);

/* Three ranges of addresses that will be wanted soon are asked for line by line, one line of each of STREAMS equal
 * parts of them in turn: memory serves several pages at a time faster than one. While no part comes to the end of a
 * range the parts go side by side: a run, of which part k starts at from[k] bytes after start[range[k]]. Addresses may
 * lie outside their arrays. Each call makes `each` parts of a turn more due. */
enum { RACAHI_TP_AHEAD_PART = 64, RACAHI_TP_AHEAD_STREAMS = 4, RACAHI_TP_AHEAD_RANGES = 3 };
typedef struct racahi_tp_ahead {
    uintptr_t at[RACAHI_TP_AHEAD_STREAMS], start[RACAHI_TP_AHEAD_RANGES];
    size_t left, run, each, due, nrun;
    struct {
        size_t turns, from[RACAHI_TP_AHEAD_STREAMS];
        uint8_t range[RACAHI_TP_AHEAD_STREAMS];
    } runs[RACAHI_TP_AHEAD_RANGES];
} racahi_tp_ahead;

/* For ranges of so many lines, to be asked for in so many calls. Set start, run = left = due = 0 for each sample. */
void racahi_tp_ahead_plan(racahi_tp_ahead *a, const size_t lines[RACAHI_TP_AHEAD_RANGES], size_t calls);

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
