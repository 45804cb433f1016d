/* SPDX-License-Identifier: MIT
 * Linear maps of scattered rows: both precisions, every instruction set, one body. */
#include "rows.h"
#include "../base/unroll.h"

#define VB 16
#define NV 2
#define MR 4
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
#undef NV
#undef VB

#if RACAHI_X86
#define VB 32
#define NV 2
#define MR 6
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
#undef NV
#undef VB

#define VB 64
#define NV 4
#define MR 6
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
        const size_t PW = 256 / sizeof(REAL);                                                                          \
        for (size_t s = 0; s < columns; s += N)                                                                        \
            for (size_t c = 0; c < N; c += PW) {                                                                       \
                const size_t width = N - c < PW ? N - c : PW;                                                          \
                for (size_t k = 0; k < rows; k++)                                                                      \
                    for (size_t i = 0; i < width; i++)                                                                 \
                        *packed++ = transposed ? W[(s + c + i) * ld + k] : W[k * ld + s + c + i];                      \
            }                                                                                                          \
    }
PACK(racahi_rows_pack_f64, double)
PACK(racahi_rows_pack_f32, float)
