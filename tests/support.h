/* SPDX-License-Identifier: MIT
 * What every test uses: CMocka with the headers it needs, comparison of doubles, a counter-based generator. */
#ifndef RACAH_TEST_SUPPORT_H
#define RACAH_TEST_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../src/base/base.h"

/* Passes only if |a-b| <= atol + rtol |b|: NaN fails. */
#define RACAH_ASSERT_CLOSE(a, b, atol, rtol)                                                  \
    racah_assert_close((a), (b), (atol), (rtol), -1, #a, #b, __FILE__, __LINE__)
/* The same for element i of two arrays; i is printed. */
#define RACAH_ASSERT_CLOSE_AT(i, a, b, atol, rtol)                                            \
    racah_assert_close((a), (b), (atol), (rtol), (long)(i), #a, #b, __FILE__, __LINE__)

static inline void racah_assert_close(double a, double b, double atol, double rtol, long i, const char *ta,
                                      const char *tb, const char *file, int line)
{
    if (fabs(a - b) <= atol + rtol * fabs(b)) return;
    if (i >= 0) print_error("index %ld: ", i);
    print_error("%s = %.17g, %s = %.17g, difference %.3g, allowed %.3g (atol %.3g, rtol %.3g)\n", ta, a, tb, b,
                fabs(a - b), atol + rtol * fabs(b), atol, rtol);
    _fail(file, line);
}

/* The call must return RACAH_OK; prints the message otherwise. Uses a local `racah_error err`. */
#define RACAH_ASSERT_OK(call)                                                                 \
    do {                                                                                      \
        racah_status racah_test_status = (call);                                              \
        if (racah_test_status != RACAH_OK) {                                                  \
            print_error("%s: %s: %s\n", #call, racah_status_text(racah_test_status), err.msg);\
            _fail(__FILE__, __LINE__);                                                        \
        }                                                                                     \
    } while (0)

/* SplitMix64: seeded, the same everywhere. */
static inline uint64_t racah_test_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline double racah_test_uniform(uint64_t *state) /* [0,1) */
{
    return (double)(racah_test_next(state) >> 11) * 0x1p-53;
}
static inline double racah_test_normal(uint64_t *state)
{
    double u = racah_test_uniform(state) + 0x1p-54, v = racah_test_uniform(state);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}
/* Random rotation matrix (row-major) from a uniform quaternion. */
static inline void racah_test_rotation(uint64_t *state, double R[9])
{
    double q[4], n = 0;
    for (int i = 0; i < 4; i++) q[i] = racah_test_normal(state), n += q[i] * q[i];
    n = 1 / sqrt(n);
    double w = q[0] * n, x = q[1] * n, y = q[2] * n, z = q[3] * n;
    double M[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
                   2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                   2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)};
    memcpy(R, M, sizeof M);
}

#endif
