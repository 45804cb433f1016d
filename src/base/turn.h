/* SPDX-License-Identifier: MIT
 * Orders of lanes for turn.inc, by type and number of lanes: the instructions unpack (LOW, HIGH: within 16 bytes) and
 * shuffle of 16-byte blocks (EVEN, ODD), which need no index in a register and keep their sources. */
#ifndef RACAHI_TURN_H
#define RACAHI_TURN_H

/* clang-format off */
#define TURN_LOW_double_2 0, 2
#define TURN_HIGH_double_2 1, 3
#define TURN_LOW_double_4 0, 4, 2, 6
#define TURN_HIGH_double_4 1, 5, 3, 7
#define TURN_EVEN_double_4 0, 1, 4, 5
#define TURN_ODD_double_4 2, 3, 6, 7
#define TURN_LOW_double_8 0, 8, 2, 10, 4, 12, 6, 14
#define TURN_HIGH_double_8 1, 9, 3, 11, 5, 13, 7, 15
#define TURN_EVEN_double_8 0, 1, 4, 5, 8, 9, 12, 13
#define TURN_ODD_double_8 2, 3, 6, 7, 10, 11, 14, 15
#define TURN_LOW_float_4 0, 4, 1, 5
#define TURN_HIGH_float_4 2, 6, 3, 7
#define TURN_LOW_float_8 0, 8, 1, 9, 4, 12, 5, 13
#define TURN_HIGH_float_8 2, 10, 3, 11, 6, 14, 7, 15
#define TURN_EVEN_float_8 0, 1, 2, 3, 8, 9, 10, 11
#define TURN_ODD_float_8 4, 5, 6, 7, 12, 13, 14, 15
#define TURN_LOW_float_16 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define TURN_HIGH_float_16 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define TURN_EVEN_float_16 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define TURN_ODD_float_16 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
/* clang-format on */

/* The vector of the bytes of two halves. */
#define TURN_HALVES_32(p, q)                                                                                           \
    _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)(p))),                                \
                            _mm_loadu_si128((const void *)(q)), 1)
#define TURN_HALVES_64(p, q)                                                                                           \
    _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)(p))),                                  \
                       _mm256_loadu_si256((const void *)(q)), 1)

#define TURN_ORDER_(which, real, lanes) TURN_##which##_##real##_##lanes
#define TURN_ORDER(which, real, lanes) TURN_ORDER_(which, real, lanes)

#endif
