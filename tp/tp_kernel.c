/* SPDX-License-Identifier: MIT
 * Kernels of the tensor products: one body (tp_kernel.inc) for every precision and instruction set. */
#include "tp_kernel.h"

#include <string.h>

/* UNROLL marks loops whose trip count is a constant after inlining; not under a sanitizer, which would make the
 * compiler work for minutes (see conv_kernel.c). */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer) ||                       \
    __has_feature(thread_sanitizer)
#define TP_PLAIN
#endif
#endif
#if defined(TP_PLAIN) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL
#define FORCE_INLINE static __attribute__((unused))
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define FORCE_INLINE static inline __attribute__((always_inline))
#else
#define UNROLL _Pragma("GCC unroll 16")
#define FORCE_INLINE static inline __attribute__((always_inline))
#endif

/* Blocks that stay in registers: ROWS x 2 vectors in apply, B3 x B1 in grad. */
#define VB 16
#define ROWS 6
#define B1 2
#define B3 4
#define TARGET
#define REAL double
#define NAME(x) x##_f64_base
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define NAME(x) x##_f32_base
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB

#if RACAHI_X86
#define VB 32
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define NAME(x) x##_f64_avx2
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
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
#define B1 3
#define B3 7
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define NAME(x) x##_f64_avx512
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
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
