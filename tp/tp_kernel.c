/* SPDX-License-Identifier: MIT
 * Kernels of the tensor products: one body (tp_kernel.inc) for every precision and instruction set. */
#include "tp_kernel.h"
#include "turn.h"
#include "unroll.h"

#include <string.h>
#if RACAHI_X86
#include <immintrin.h>
#endif

/* Blocks that stay in registers: ROWS x 2 vectors in apply, (ROWS - 1) x SUM_VECTORS twice in sum, at most B3 rows and
 * B1 columns in grad, of which LIMITS says how many go with 0, 1, .. rows. STREAM: past the caches, where a vector is a
 * whole line. */
#define VB 16
#define ROWS 6
#define SUM_VECTORS 1
#define STREAM(p, v) NAME(store)((p), (v), VL)
#define B1 2
#define B3 4
#define LIMITS {0, 2, 2, 2, 2}
#define REGISTERS 16
#define TARGET
#define REAL double
#define VL 2
#define NAME(x) x##_f64_base
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 4
#define NAME(x) x##_f32_base
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB

#if RACAHI_X86
#define VB 32
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define VL 4
#define NAME(x) x##_f64_avx2
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 8
#define NAME(x) x##_f32_avx2
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#undef TARGET
#undef VB
#undef ROWS
#undef B1
#undef B3
#undef LIMITS
#undef REGISTERS

#define VB 64
#define ROWS 8
#undef SUM_VECTORS
#define SUM_VECTORS 2
#undef STREAM
#define STREAM(p, v) _mm512_stream_si512((void *)(p), (__m512i)(v))
#define B1 5
#define B3 7
#define LIMITS {0, 5, 5, 5, 4, 4, 3, 3}
#define REGISTERS 32
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define VL 8
#define NAME(x) x##_f64_avx512
#define TYPE(x) x##_f64
#include "tp_kernel.inc"
#define REAL float
#define VL 16
#define NAME(x) x##_f32_avx512
#define TYPE(x) x##_f32
#include "tp_kernel.inc"
#endif

void racahi_tp_ahead_plan(racahi_tp_ahead *a, const size_t lines[RACAHI_TP_AHEAD_RANGES], size_t calls)
{
    enum { STREAMS = RACAHI_TP_AHEAD_STREAMS, RANGES = RACAHI_TP_AHEAD_RANGES };
    size_t end[RANGES], total = 0; /* of each range, were they one after the other */
    for (size_t k = 0; k < RANGES; k++) end[k] = total += lines[k];
    const size_t turns = (total + STREAMS - 1) / STREAMS;
    a->nrun = 0, a->each = turns * RACAHI_TP_AHEAD_PART / calls + 1;
    for (size_t done = 0, most; done < turns; done += most, a->nrun++) {
        most = turns - done;
        for (size_t s = 0; s < STREAMS; s++) {
            const size_t line = s * turns + done;
            size_t range = 0;
            while (range < RANGES - 1 && line >= end[range]) range++;
            a->runs[a->nrun].range[s] = (uint8_t)range;
            a->runs[a->nrun].from[s] = (line - end[range] + lines[range]) * 64;
            if (range < RANGES - 1 && end[range] - line < most) most = end[range] - line;
        }
        a->runs[a->nrun].turns = most;
    }
}

/* Blocks even in size. */
static size_t even_block(size_t left, size_t most)
{
    size_t blocks = (left + most - 1) / most;
    return (left + blocks - 1) / blocks;
}

size_t racahi_tp_split(const racahi_tp_block_limits *most, const racahi_tp_class *t, racahi_tp_block *block,
                       racahi_tp_place *place)
{
    const size_t N1 = t->n1, N3 = t->n3;
    size_t n = 0;
    for (size_t k3 = 0, b3; k3 < N3; k3 += b3) {
        b3 = N1 ? even_block(N3 - k3, most->n3) : N3;
        for (size_t k1 = 0, b1; k1 < N1 || (!N1 && !k1); k1 += N1 ? b1 : 1, n++) {
            b1 = N1 ? even_block(N1 - k1, most->n1[b3]) : 0;
            if (!block) continue;
            block[n] = (racahi_tp_block){.n1 = (uint32_t)b1,
                                         .n3 = (uint32_t)b3,
                                         .n = (uint32_t)N3,
                                         .weighted = t->place->w0 != RACAHI_TP_NO_WEIGHT,
                                         .C = t->C,
                                         .k0 = t->k0 + k1 * N3 + k3,
                                         .s0 = k1 * N3 + k3,
                                         .nplace = t->nplace,
                                         .place = place};
            const bool last_rows = k3 + b3 == N3, last = last_rows && k1 + b1 == N1;
            for (size_t i = 0; i < t->nplace; i++, place++) {
                *place = t->place[i];
                place->x0 += k1 * t->C, place->z0 += k3 * t->C;
                if (k3) place->how |= RACAHI_TP_ADD_X;
                if (k1 || k3) place->how |= RACAHI_TP_ADD_W;
                if (!last_rows) place->how &= ~(unsigned)RACAHI_TP_OUT_X; /* the last rows finish dx */
                if (!last) place->how &= ~(unsigned)RACAHI_TP_OUT_W;      /* the last block dw */
            }
        }
    }
    return n;
}

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
