/* SPDX-License-Identifier: MIT
 * Linear maps of node features whose rows lie scattered: y[r] (+)= alpha x[r] W for rows r of a tile's atoms, one
 * degree at a time. OpenBLAS wants the rows packed into a matrix and packs the weights in every call; here rows are
 * taken where they are and W is packed once for each set of weights (both in bench_kernels). Training takes the gradients
 * of W, which need no scattered output, through gemm.h.
 *
 * A row of x is `xseg` segments of K channels, `xstep` apart (the slots of a degree), and likewise of y. W has
 * xseg*K rows and yseg*N columns. All counts of channels are multiples of 8 (f64) or 16 (f32). The sum over k runs in
 * order whatever the instruction set. Serial, re-entrant, no allocation.
 */
#ifndef RACAHI_ROWS_H
#define RACAHI_ROWS_H

#include "../base/base.h"

typedef struct racahi_rows {
    size_t n;                /* rows */
    const size_t *xat, *yat; /* offset of each in x and y, elements; yat distinct */
    size_t K, xseg, xstep;
    size_t N, yseg, ystep;
    const size_t *wseg;      /* NULL, or [xseg]: each segment has a matrix (K, yseg*N) of its own, packed from there on */
    double alpha;
    bool add;                /* y +=, otherwise y = */
} racahi_rows;

/* A matrix (rows, columns) into the order the kernels read: for each segment of N columns, panels of up to 256
 * bytes, each row after row; rows*columns elements. W is row-major with leading dimension ld, and is that matrix or, where
 * `transposed`, its transpose. */
void racahi_rows_pack_f64(size_t rows, size_t columns, size_t N, const double *W, size_t ld, bool transposed, double *packed);
void racahi_rows_pack_f32(size_t rows, size_t columns, size_t N, const float *W, size_t ld, bool transposed, float *packed);

void racahi_rows_f64(racahi_isa isa, const racahi_rows *q, const double *x, const double *packed, double *y);
void racahi_rows_f32(racahi_isa isa, const racahi_rows *q, const float *x, const float *packed, float *y);

#endif
