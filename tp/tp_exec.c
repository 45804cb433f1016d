/* SPDX-License-Identifier: MIT
 * The driver of tensor products: blocks of samples, directions to harmonics, mul_ir at the border. */
#include "tp_internal.h"

#include <string.h>

#define STREAM_BYTES ((size_t)16 << 20) /* more than a core's share of the last cache */

#define REAL double
#define NAME(x) x##_f64
#include "tp_exec.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "tp_exec.inc"
#undef REAL
#undef NAME

size_t racahi_tp_exec_ws(const racah_tp_plan *p)
{
    racahi_arena a = racahi_arena_measure();
    if (p->d.dtype == RACAH_TP_F64) {
        exec_buffers_f64 b;
        exec_layout_f64(p, &a, &b);
    } else {
        exec_buffers_f32 b;
        exec_layout_f32(p, &a, &b);
    }
    return a.used;
}
