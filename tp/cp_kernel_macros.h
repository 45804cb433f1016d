/* SPDX-License-Identifier: MIT
 * Compiler words of the kernels that include cp_project.inc. */
#ifndef RACAHI_CP_KERNEL_MACROS_H
#define RACAHI_CP_KERNEL_MACROS_H

#include "../src/base/unroll.h"

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
