/* SPDX-License-Identifier: MIT
 * Fast kernels of the convolution: one body (conv_kernel.inc) for every precision and instruction set. */
#include "conv_internal.h"
#include "../src/base/unroll.h"

#include <string.h>

#define NV 2 /* vectors of channels a forward pass keeps for each row */

#define VB 16 /* vector bytes */
#define TARGET
#define REAL double
#define NAME(x) x##_f64_base
#define FIELD(x) x##_f64
#include "conv_kernel.inc"
#define REAL float
#define NAME(x) x##_f32_base
#define FIELD(x) x##_f32
#include "conv_kernel.inc"
#undef TARGET
#undef VB

#if RACAHI_X86
#define VB 32
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define NAME(x) x##_f64_avx2
#define FIELD(x) x##_f64
#include "conv_kernel.inc"
#define REAL float
#define NAME(x) x##_f32_avx2
#define FIELD(x) x##_f32
#include "conv_kernel.inc"
#undef TARGET
#undef VB

#define VB 64
/* Not RACAHI_TARGET_AVX512: its prefer-vector-width makes clang 14 drop the attribute, and vectors are
 * explicit. */
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define NAME(x) x##_f64_avx512
#define FIELD(x) x##_f64
#include "conv_kernel.inc"
#define REAL float
#define NAME(x) x##_f32_avx512
#define FIELD(x) x##_f32
#include "conv_kernel.inc"
#endif

#define SET(variant)                                                                                         \
    do {                                                                                                     \
        p->forward_f64 = forward_f64_##variant, p->backward_f64 = backward_f64_##variant;                    \
        p->forward_f32 = forward_f32_##variant, p->backward_f32 = backward_f32_##variant;                    \
        p->forward_spline_f64 = forward_spline_f64_##variant;                                                \
        p->backward_spline_f64 = backward_spline_f64_##variant;                                              \
        p->forward_spline_f32 = forward_spline_f32_##variant;                                                \
        p->backward_spline_f32 = backward_spline_f32_##variant;                                              \
    } while (0)

void racahi_conv_pick(racahi_conv *p, racahi_isa isa)
{
    SET(base);
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX2) SET(avx2);
    if (isa == RACAHI_ISA_AVX512) SET(avx512);
#else
    (void)isa;
#endif
}
