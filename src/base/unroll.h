/* SPDX-License-Identifier: MIT
 * UNROLL and FORCE_INLINE for kernels, and RACAHI_SANITIZED, defined where a sanitizer watches. */
#ifndef RACAHI_UNROLL_H
#define RACAHI_UNROLL_H

/* Loops with a constant trip count are unrolled, but not under a sanitizer: its checks take the compiler
 * minutes. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer) ||                       \
    __has_feature(thread_sanitizer)
#define RACAHI_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RACAHI_SANITIZED
#endif
#if defined(RACAHI_SANITIZED)
#define UNROLL
#define FORCE_INLINE static
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#define FORCE_INLINE static inline __attribute__((always_inline))
#else
#define UNROLL _Pragma("GCC unroll 16")
#define FORCE_INLINE static inline __attribute__((always_inline))
#endif

/* v is a vector to keep in a register: gcc would rather load it again for each instruction that reads it. */
#if defined(__x86_64__)
#define IN_REGISTER(v) __asm__("" : "+v"(v))
#else
#define IN_REGISTER(v) (void)(v)
#endif

#endif
