/* SPDX-License-Identifier: MIT
 * Compiler words of the kernels that include cp_project.inc. */
#ifndef RACAHI_CP_KERNEL_MACROS_H
#define RACAHI_CP_KERNEL_MACROS_H

/* Loops with a constant trip count are unrolled, but not under a sanitizer: its checks take the compiler
 * minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer) ||                       \
    __has_feature(thread_sanitizer)
#define CONV_PLAIN
#endif
#endif
#if defined(CONV_PLAIN) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNROLL
#define FORCE_INLINE static
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define FORCE_INLINE static inline __attribute__((always_inline))
#else
#define UNROLL _Pragma("GCC unroll 16")
#define FORCE_INLINE static inline __attribute__((always_inline))
#endif

#define TILE 12 /* accumulators that fit 16 registers beside the operands */

/* clang-format off */
#define EVEN_2 0, 2
#define ODD_2 1, 3
#define EVEN_4 0, 2, 4, 6
#define ODD_4 1, 3, 5, 7
#define EVEN_8 0, 2, 4, 6, 8, 10, 12, 14
#define ODD_8 1, 3, 5, 7, 9, 11, 13, 15
#define EVEN_16 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD_16 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
/* clang-format on */

#endif
