/* SPDX-License-Identifier: MIT
 * Kernels of the tensor products: one body (tp_kernel.inc) for every precision and instruction set. */
#include "tp_kernel.h"
#include "turn.h"
#include "unroll.h"

#include <string.h>
#if RACAHI_X86
#include <immintrin.h>
#endif

/* How many of those left the next block takes so that blocks are at most `most` and even in size. */
static inline size_t even_block(size_t left, size_t most)
{
    size_t blocks = (left + most - 1) / most;
    return (left + blocks - 1) / blocks;
}

/* What stays in registers: ROWS x 2 vectors in apply, (ROWS - 1) x SUM_VECTORS in sum or SUM_ROWS x twice as many;
 * in grad at most GRAD_ROWS rows of GRAD_VECTORS, or the sums of B3 rows and B1 columns, of which LIMITS says how many go
 * with 0, 1, .. rows. STREAM: past the caches, where a vector is a whole line. */
#define GRAD_ROWS RACAHI_TP_STEP_ROWS
#define GRAD_COLUMNS RACAHI_TP_STEP_COLUMNS
#define VB 16
#define ROWS 6
#define SUM_VECTORS 1
#define SUM_ROWS 0
#define STREAM(p, v) NAME(store)((p), (v), VL)
#define GRAD_VECTORS 2
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
#undef GRAD_VECTORS
#undef B1
#undef B3
#undef LIMITS
#undef REGISTERS

#define VB 64
#define ROWS 8
#undef SUM_VECTORS
#define SUM_VECTORS 2
#undef SUM_ROWS
#define SUM_ROWS 5
#undef STREAM
#define STREAM(p, v) _mm512_stream_si512((void *)(p), (__m512i)(v))
#define GRAD_VECTORS 4
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

/* How many vectors go together for so many rows. */
static size_t together(const racahi_tp_step_limits *most, size_t rows)
{
    size_t n = most->vectors;
    while (n > 1 && (rows + 4) * n + 2 > most->registers) n /= 2;
    return n;
}

/* The most rows with which as many vectors of channels as there are go together. */
static size_t most_rows(const racahi_tp_step_limits *most, size_t vectors)
{
    size_t rows = RACAHI_TP_STEP_ROWS;
    while (rows > 1 && together(most, rows) < most->vectors && together(most, rows) < vectors) rows--;
    return rows;
}

/* Both are worked on at once: neither may read what the other writes. */
static bool are_pair(const racahi_tp_place *p, const racahi_tp_place *q)
{
    return p->how == q->how && p->x0 != q->x0 && (p->w0 == RACAHI_TP_NO_WEIGHT || p->w0 != q->w0);
}

/* The next step of t, whose places q are, from channel c on: nv vectors may go together; by > 0: blocks take so many
 * channels at a time. Moves on. */
static racahi_tp_step next_step(const racahi_tp_class *t, size_t lanes, size_t nv, size_t by, const racahi_tp_place **q,
                                const racahi_tp_place *end, size_t *c)
{
    const racahi_tp_place *p = *q;
    const size_t left = t->C - *c;
    racahi_tp_step s = {.x0 = p->x0 + *c, .z0 = p->z0 + *c, .n = t->n3, .C = t->C, .how = p->how};
    s.side = (uint8_t)t->side, s.weighted = p->w0 != RACAHI_TP_NO_WEIGHT;
    if (s.weighted) s.w0 = p->w0 + *c;
    if (by && left >= by) {
        s.kind = RACAHI_TP_BLOCK, s.m = left / by * by;
    } else if (nv >= 4 && t->C == 2 * lanes && p + 1 < end && are_pair(p, p + 1)) {
        s.kind = RACAHI_TP_PAIR, s.m = 2 * lanes, ++*q;
        s.x2 = (ptrdiff_t)p[1].x0 - (ptrdiff_t)p->x0, s.z2 = (ptrdiff_t)p[1].z0 - (ptrdiff_t)p->z0;
        if (s.weighted) s.w2 = (ptrdiff_t)p[1].w0 - (ptrdiff_t)p->w0;
    } else if (nv >= 4 && left >= 4 * lanes) {
        s.kind = RACAHI_TP_FOUR, s.m = 4 * lanes;
    } else if (nv >= 2 && left >= 2 * lanes) {
        s.kind = RACAHI_TP_TWO, s.m = 2 * lanes;
    } else if (left >= lanes) {
        s.kind = RACAHI_TP_ONE, s.m = lanes;
    } else {
        s.kind = RACAHI_TP_TAIL, s.m = left;
    }
    *c += s.m;
    if (*c == t->C) *c = 0, ++*q;
    return s;
}

/* Some rows and columns of K in one place after the other: blocks of whole vectors (many), and what they leave. */
static size_t split_places(const racahi_tp_step_limits *most, const racahi_tp_class *t, const racahi_tp_step *of,
                           bool many, unsigned add, unsigned keep, racahi_tp_step *step)
{
    const racahi_tp_place *const end = t->place + t->nplace;
    const size_t nv = t->n1 ? together(most, of->rows) : most->vectors, x0 = of->x0, z0 = of->z0;
    const size_t by = most->lanes * racahi_tp_block_vectors(most->registers, of->n1, of->rows);
    size_t n = 0, c = 0;
    for (const racahi_tp_place *q = t->place; q < end; n++) {
        racahi_tp_step s = next_step(t, most->lanes, nv, many ? by : 0, &q, end, &c);
        if (!step) continue;
        s.rows = of->rows, s.columns = of->columns, s.n1 = of->n1, s.k0 = of->k0, s.s0 = of->s0, s.add = n > 0;
        s.x0 += x0, s.z0 += z0;
        s.how = (s.how | add) & ~keep;
        step[n] = s;
    }
    return n;
}

/* So few columns that their rows need not go in several steps (four vectors together all along). */
static bool few_columns(const racahi_tp_step_limits *most, const racahi_tp_class *t, const racahi_tp_step *of)
{
    return most->vectors == 4 && t->n1 && t->n1 <= RACAHI_TP_STEP_COLUMNS &&
           split_places(most, t, of, false, 0, 0, NULL) * 4 * most->lanes == t->C * t->nplace;
}

size_t racahi_tp_split(const racahi_tp_step_limits *most, const racahi_tp_class *t, racahi_tp_step *step)
{
    const bool pairs = t->C == 2 * most->lanes && t->nplace > 1;
    const bool many = t->n1 && t->C * t->nplace >= RACAHI_TP_MANY * most->lanes && t->C >= 4 * most->lanes;
    const size_t N1 = t->n1, N3 = t->n3, rows = many ? most->rows : most_rows(most, t->C / most->lanes * (pairs ? 2 : 1));
    size_t n = 0;
    const racahi_tp_step whole = {.rows = 1, .columns = 1, .n1 = N1, .k0 = t->k0, .s0 = t->s0};
    if (!many && N3 > rows && few_columns(most, t, &whole)) return split_places(most, t, &whole, false, 0, 0, step);
    for (size_t k3 = 0, b3; k3 < N3; k3 += b3) {
        b3 = N1 ? even_block(N3 - k3, rows) : N3;
        for (size_t k1 = 0, b1; k1 < N1 || !k1; k1 += b1) {
            b1 = !N1 ? N3 : many ? even_block(N1 - k1, most->columns[b3]) : N1;
            const racahi_tp_step of = {.rows = N1 ? (uint8_t)b3 : 0,
                                       .n1 = b1,
                                       .k0 = t->k0 + k1 * N3 + k3,
                                       .s0 = t->s0 + k1 * N3 + k3,
                                       .x0 = k1 * t->C,
                                       .z0 = k3 * t->C};
            const bool last_rows = k3 + b3 == N3, last = last_rows && k1 + b1 >= N1; /* they finish dx and dw */
            n += split_places(most, t, &of, many, (k3 ? RACAHI_TP_ADD_X : 0) | (k1 || k3 ? RACAHI_TP_ADD_W : 0),
                              (last_rows ? 0 : RACAHI_TP_OUT_X) | (last ? 0 : RACAHI_TP_OUT_W), step ? step + n : NULL);
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
