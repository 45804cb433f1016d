/* SPDX-License-Identifier: MIT
 * Linear maps of scattered rows: both precisions, every instruction set, one body. */
#include "rows.h"
#include "../base/unroll.h"

/* Width of the panel of columns that begins at column c: N columns are cut into the fewest panels of at most 256 bytes
 * (four vectors of AVX-512), whose widths differ by a line at most. */
static size_t panel(size_t N, size_t c, size_t line)
{
    const size_t left = (N - c) / line, panels = (left + 3) / 4;
    return (left + panels - 1) / panels * line;
}

#define VB 16
#define NV 2
#define MR 4
#define MOST 4
#define TARGET
#define REAL double
#define NAME(x) x##_f64_base
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#define REAL float
#define NAME(x) x##_f32_base
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#undef TARGET
#undef MR
#undef MOST
#undef NV
#undef VB

#if RACAHI_X86
#define VB 32
#define NV 2
#define MR 6
#define MOST 6
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define NAME(x) x##_f64_avx2
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#define REAL float
#define NAME(x) x##_f32_avx2
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#undef TARGET
#undef MR
#undef MOST
#undef NV
#undef VB

#define VB 64
#define NV 4
#define MR 6
#define MOST 8
#define TARGET RACAHI_TARGET_AVX512
#define REAL double
#define NAME(x) x##_f64_avx512
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#define REAL float
#define NAME(x) x##_f32_avx512
#include "rows_kernel.inc"
#undef NAME
#undef REAL
#define PICK(isa, name) ((isa) == RACAHI_ISA_AVX512 ? name##_avx512 : (isa) == RACAHI_ISA_AVX2 ? name##_avx2 : name##_base)
#else
#define PICK(isa, name) ((void)(isa), name##_base)
#endif

void racahi_rows_f64(racahi_isa isa, const racahi_rows *q, const double *x, const double *packed, double *y)
{
    PICK(isa, rows_f64)(q, x, packed, y);
}

void racahi_rows_f32(racahi_isa isa, const racahi_rows *q, const float *x, const float *packed, float *y)
{
    PICK(isa, rows_f32)(q, x, packed, y);
}

#define PACK(NAME, REAL)                                                                                               \
    void NAME(size_t rows, size_t columns, size_t N, const REAL *W, size_t ld, bool transposed, REAL *packed)          \
    {                                                                                                                  \
        for (size_t s = 0; s < columns; s += N)                                                                        \
            for (size_t c = 0, width; c < N; c += width) {                                                             \
                width = panel(N, c, 64 / sizeof(REAL));                                                                \
                for (size_t k = 0; k < rows; k++)                                                                      \
                    for (size_t i = 0; i < width; i++)                                                                 \
                        *packed++ = transposed ? W[(s + c + i) * ld + k] : W[k * ld + s + c + i];                      \
            }                                                                                                          \
    }
PACK(racahi_rows_pack_f64, double)
PACK(racahi_rows_pack_f32, float)
