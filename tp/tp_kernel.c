/* SPDX-License-Identifier: MIT
 * Kernels of the tensor products: one body (tp_kernel.inc) for every precision and instruction set. */
#include "tp_kernel.h"
#include "unroll.h"

#include <string.h>
#if RACAHI_X86
#include <immintrin.h>
#endif

/* clang-format off */
#define EVEN_2 0, 2
#define ODD_2 1, 3
#define LOW_2 0, 2
#define HIGH_2 1, 3
#define EVEN_4 0, 2, 4, 6
#define ODD_4 1, 3, 5, 7
#define LOW_4 0, 4, 1, 5
#define HIGH_4 2, 6, 3, 7
#define EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_8 1, 3, 5, 7, 9, 11, 13, 15
#define LOW_8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH_8 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_16 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW_16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH_16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
/* clang-format on */

/* Blocks that stay in registers: ROWS x 2 vectors in apply, (ROWS - 1) x SUM_VECTORS twice in sum, B3 x B1 in
 * grad. STREAM: past the caches, where a vector is a whole line. EVEN, ODD, LOW, HIGH: lanes of two vectors. */
#define VB 16
#define ROWS 6
#define SUM_VECTORS 1
#define STREAM(p, v) NAME(store)((p), (v), VL)
#define B1 2
#define B3 4
#define TARGET
#define REAL double
#define EVEN EVEN_2
#define ODD ODD_2
#define LOW LOW_2
#define HIGH HIGH_2
#define NAME(x) x##_f64_base
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define EVEN EVEN_4
#define ODD ODD_4
#define LOW LOW_4
#define HIGH HIGH_4
#define NAME(x) x##_f32_base
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB

#if RACAHI_X86
#define VB 32
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define EVEN EVEN_4
#define ODD ODD_4
#define LOW LOW_4
#define HIGH HIGH_4
#define NAME(x) x##_f64_avx2
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define EVEN EVEN_8
#define ODD ODD_8
#define LOW LOW_8
#define HIGH HIGH_8
#define NAME(x) x##_f32_avx2
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB
#undef ROWS
#undef B1
#undef B3

#define VB 64
#define ROWS 8
#undef SUM_VECTORS
#define SUM_VECTORS 2
#undef STREAM
#define STREAM(p, v) _mm512_stream_si512((void *)(p), (__m512i)(v))
#define B1 3
#define B3 7
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define EVEN EVEN_8
#define ODD ODD_8
#define LOW LOW_8
#define HIGH HIGH_8
#define NAME(x) x##_f64_avx512
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define EVEN EVEN_16
#define ODD ODD_16
#define LOW LOW_16
#define HIGH HIGH_16
#define NAME(x) x##_f32_avx512
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#endif

const racahi_tp_kernels_f64 *racahi_tp_kernels_pick_f64(racahi_isa isa)
{
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512) return &kernels_f64_avx512;
    if (isa == RACAHI_ISA_AVX2) return &kernels_f64_avx2;
#endif
    (void)isa;
    return &kernels_f64_base;
}

const racahi_tp_kernels_f32 *racahi_tp_kernels_pick_f32(racahi_isa isa)
{
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512) return &kernels_f32_avx512;
    if (isa == RACAHI_ISA_AVX2) return &kernels_f32_avx2;
#endif
    (void)isa;
    return &kernels_f32_base;
}
