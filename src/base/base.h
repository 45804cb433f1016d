/* SPDX-License-Identifier: MIT
 * What every folder may use: failing with a message, checked allocation, arenas, CPU detection. */
#ifndef RACAH_BASE_H
#define RACAH_BASE_H

#include "racah_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- errors ---------------------------------------------------------------------------- */

/* Fill *err (if not NULL) with code and a formatted message. */
void racahi_set_error(racah_error *err, racah_status code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same as an expression with the value `code`, so that `return racahi_fail(...)` reads as one step (a macro:
 * the compiler then knows that a failing path does not return RACAH_OK). */
#define racahi_fail(err, code, ...) (racahi_set_error((err), (code), __VA_ARGS__), (code))

/* Put "prefix: " before the message already in *err (for example the file a parser was given).
 * Returns err->code, or `code` when err is NULL. */
racah_status racahi_prefix(racah_error *err, racah_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define RACAHI_TRY(call)                                                                      \
    do {                                                                                      \
        racah_status racahi_try_status = (call);                                              \
        if (racahi_try_status != RACAH_OK) return racahi_try_status;                          \
    } while (0)

/* ---- memory ---------------------------------------------------------------------------- */

#define RACAHI_ALIGN 64 /* one AVX-512 vector, one cache line */

/* Zeroed, 64-byte aligned memory for n*size bytes; NULL on overflow or failure. n = 0 gives a
 * valid pointer. Free with racahi_free. */
void *racahi_calloc(size_t n, size_t size);
/* The same, not zeroed. */
void *racahi_malloc(size_t n, size_t size);
void racahi_free(void *p);
/* Duplicate a string; NULL for NULL or on failure. Free with racahi_free. */
char *racahi_strdup(const char *s);

/* Make *p hold at least `want` elements of `size` bytes, growing by at least 1.5x; *cap is the
 * capacity in elements. The old content is kept. On failure *p and *cap are unchanged. */
racah_status racahi_reserve(void **p, size_t *cap, size_t want, size_t size, const char *what,
                            racah_error *err);

/* Bump allocator over one block. The same code that lays out a workspace also measures it:
 * start with racahi_arena_measure(), run the layout, create a block of .used bytes, run it again.
 * In measuring mode racahi_arena_take returns NULL and only counts. */
typedef struct racahi_arena {
    char *base;  /* NULL while measuring */
    size_t size; /* bytes behind base */
    size_t used;
    bool overflow; /* a size did not fit in size_t, or the block was too small */
} racahi_arena;

racahi_arena racahi_arena_measure(void);
racahi_arena racahi_arena_on(void *block, size_t size); /* block 64-byte aligned */
/* n*size bytes, 64-byte aligned. */
void *racahi_arena_take(racahi_arena *a, size_t n, size_t size);

/* ---- instruction sets -------------------------------------------------------------------- */

typedef enum racahi_isa { RACAHI_ISA_BASE = 0, RACAHI_ISA_AVX2 = 1, RACAHI_ISA_AVX512 = 2 } racahi_isa;
#define RACAHI_ISA_COUNT 3

/* Best variant this CPU runs; no state is kept. */
racahi_isa racahi_cpu_best(void);
const char *racahi_isa_name(racahi_isa isa);

#if defined(__x86_64__) && !defined(RACAH_SCALAR_ONLY)
#define RACAHI_X86 1
#define RACAHI_TARGET_AVX2 __attribute__((target("avx2,fma")))
#if defined(__clang__) /* clang 14 drops the whole attribute when it meets prefer-vector-width */
#define RACAHI_TARGET_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#else
#define RACAHI_TARGET_AVX512                                                                  \
    __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,prefer-vector-width=512")))
#endif
#else
#define RACAHI_X86 0
#endif

double racahi_now(void); /* monotonic clock, s */

#endif
