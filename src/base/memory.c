/* SPDX-License-Identifier: MIT
 * Checked, aligned allocation and the arena. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

static bool round_up(size_t n, size_t size, size_t *bytes)
{
    size_t b;
    if (__builtin_mul_overflow(n, size, &b)) return false;
    if (__builtin_add_overflow(b, (size_t)RACAHI_ALIGN - 1, &b)) return false;
    *bytes = b & ~(size_t)(RACAHI_ALIGN - 1);
    return true;
}

void *racahi_malloc(size_t n, size_t size)
{
    size_t bytes;
    if (!round_up(n, size, &bytes)) return NULL;
    return aligned_alloc(RACAHI_ALIGN, bytes ? bytes : RACAHI_ALIGN);
}

void *racahi_calloc(size_t n, size_t size)
{
    void *p = racahi_malloc(n, size);
    if (p) memset(p, 0, n * size);
    return p;
}

void racahi_free(void *p) { free(p); }

char *racahi_strdup(const char *s)
{
    if (!s) return NULL;
    size_t n = strlen(s) + 1;
    char *copy = racahi_malloc(n, 1);
    if (copy) memcpy(copy, s, n);
    return copy;
}

racah_status racahi_reserve(void **p, size_t *cap, size_t want, size_t size, const char *what,
                            racah_error *err)
{
    if (want <= *cap && *p) return RACAH_OK;
    size_t grown = *cap + *cap / 2;
    size_t n = want > grown ? want : grown;
    if (n < 16) n = 16;
    void *fresh = racahi_malloc(n, size);
    if (!fresh)
        return racahi_fail(err, RACAH_ENOMEM, "%s: %zu elements of %zu bytes do not fit in memory",
                           what, n, size);
    if (*p) memcpy(fresh, *p, *cap * size);
    racahi_free(*p);
    *p = fresh;
    *cap = n;
    return RACAH_OK;
}

racahi_arena racahi_arena_measure(void) { return (racahi_arena){0}; }

racahi_arena racahi_arena_on(void *block, size_t size)
{
    return (racahi_arena){.base = block, .size = size};
}

void *racahi_arena_take(racahi_arena *a, size_t n, size_t size)
{
    size_t bytes, end;
    if (!round_up(n, size, &bytes) || __builtin_add_overflow(a->used, bytes, &end)) {
        a->overflow = true;
        return NULL;
    }
    if (a->base && end > a->size) {
        a->overflow = true;
        return NULL;
    }
    void *p = a->base ? a->base + a->used : NULL;
    a->used = end;
    return p;
}
