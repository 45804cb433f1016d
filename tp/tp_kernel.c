/* SPDX-License-Identifier: MIT
 * Kernels of the tensor products: one body (tp_kernel.inc) for every precision and instruction set. */
#include "tp_kernel.h"
#include "turn.h"
#include "unroll.h"

#include <string.h>
#if RACAHI_X86
#include <immintrin.h>
#endif

/* Where a block's gradients of x and w go: added to earlier ones, past the caches where nothing follows. */
enum { GRAD_ADD_X = 1, GRAD_ADD_W = 2, GRAD_OUT_X = 4, GRAD_OUT_W = 8 };

/* Blocks that stay in registers: ROWS x 2 vectors in apply, (ROWS - 1) x SUM_VECTORS twice in sum, B3 x B1 in
 * grad. STREAM: past the caches, where a vector is a whole line. */
#define VB 16
#define ROWS 6
#define SUM_VECTORS 1
#define STREAM(p, v) NAME(store)((p), (v), VL)
#define B1 2
#define B3 4
#define TARGET
#define REAL double
#define VL 2
#define NAME(x) x##_f64_base
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 4
#define NAME(x) x##_f32_base
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB

#if RACAHI_X86
#define VB 32
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define VL 4
#define NAME(x) x##_f64_avx2
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 8
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
#define VL 8
#define NAME(x) x##_f64_avx512
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 16
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
