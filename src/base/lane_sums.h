/* SPDX-License-Identifier: MIT
 * Sums over the lanes of as many vectors of 64 bytes as one has lanes, all at once: lane i of the result is the sum
 * of v[i]. A tree of merges (two shuffles and a sum each) instead of a sum for each vector; its order is fixed,
 * whatever the instruction set. For kernels: INLINE carries their target attribute. */
#ifndef RACAHI_LANE_SUMS_H
#define RACAHI_LANE_SUMS_H

typedef double racahi_line_f64 __attribute__((vector_size(64)));
typedef float racahi_line_f32 __attribute__((vector_size(64)));

#define RACAHI_LANE_SUMS_F64(INLINE, name)                                                                            \
    INLINE racahi_line_f64 name(const racahi_line_f64 *v)                                                              \
    {                                                                                                                  \
        racahi_line_f64 a[4], b[2];                                                                                    \
        for (int i = 0; i < 4; i++)                                                                                    \
            a[i] = __builtin_shufflevector(v[2 * i], v[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14) +                        \
                   __builtin_shufflevector(v[2 * i], v[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);                         \
        for (int i = 0; i < 2; i++)                                                                                    \
            b[i] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +                         \
                   __builtin_shufflevector(a[2 * i], a[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);                        \
        return __builtin_shufflevector(b[0], b[1], 0, 1, 2, 3, 8, 9, 10, 11) +                                         \
               __builtin_shufflevector(b[0], b[1], 4, 5, 6, 7, 12, 13, 14, 15);                                        \
    }

#define RACAHI_LANE_SUMS_F32(INLINE, name)                                                                            \
    INLINE racahi_line_f32 name(const racahi_line_f32 *v)                                                              \
    {                                                                                                                  \
        racahi_line_f32 a[8], b[4], c[2];                                                                              \
        for (int i = 0; i < 8; i++)                                                                                    \
            a[i] = __builtin_shufflevector(v[2 * i], v[2 * i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28,  \
                                           14, 30) +                                                                   \
                   __builtin_shufflevector(v[2 * i], v[2 * i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29,  \
                                           15, 31);                                                                    \
        for (int i = 0; i < 4; i++)                                                                                    \
            b[i] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13,   \
                                           28, 29) +                                                                   \
                   __builtin_shufflevector(a[2 * i], a[2 * i + 1], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, \
                                           30, 31);                                                                    \
        for (int i = 0; i < 2; i++)                                                                                    \
            c[i] = __builtin_shufflevector(b[2 * i], b[2 * i + 1], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25,   \
                                           26, 27) +                                                                   \
                   __builtin_shufflevector(b[2 * i], b[2 * i + 1], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, \
                                           30, 31);                                                                    \
        return __builtin_shufflevector(c[0], c[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +           \
               __builtin_shufflevector(c[0], c[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);      \
    }

#endif
