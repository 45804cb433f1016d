/* SPDX-License-Identifier: MIT
 * Fast kernels of the node-side convolution: one body (conv_cp_kernel.inc) for every precision and
 * instruction set. */
#include "conv_cp_internal.h"
#include "cp_kernel_macros.h"

#include <string.h>

/* gcc 12 else keeps one address for each unrolled load, on the stack, instead of one pointer and displacements. */
#define ONE_POINTER(p) __asm__("" : "+r"(p))

#define NV 2                                       /* vectors of a block */
#define MAX_FILTERS (RACAHI_CP_LMAX + 1)
#define MORE_FILTERS(DO) DO(2) DO(3) DO(4) DO(5) /* with code of their own, as one */

#define TARGET
#define REAL double
#define VL 2
#define EVEN EVEN_2
#define ODD ODD_2
#define NAME(x) x##_f64_base
#define FIELD f64
#include "conv_cp_kernel.inc"
#define REAL float
#define VL 4
#define EVEN EVEN_4
#define ODD ODD_4
#define NAME(x) x##_f32_base
#define FIELD f32
#include "conv_cp_kernel.inc"
#undef TARGET

#if RACAHI_X86
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define VL 4
#define EVEN EVEN_4
#define ODD ODD_4
#define NAME(x) x##_f64_avx2
#define FIELD f64
#include "conv_cp_kernel.inc"
#define REAL float
#define VL 8
#define EVEN EVEN_8
#define ODD ODD_8
#define NAME(x) x##_f32_avx2
#define FIELD f32
#include "conv_cp_kernel.inc"
#undef TARGET

/* Not RACAHI_TARGET_AVX512: vectors are explicit. */
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define VL 8
#define EVEN EVEN_8
#define ODD ODD_8
#define NAME(x) x##_f64_avx512
#define FIELD f64
#include "conv_cp_kernel.inc"
#define REAL float
#define VL 16
#define EVEN EVEN_16
#define ODD ODD_16
#define NAME(x) x##_f32_avx512
#define FIELD f32
#include "conv_cp_kernel.inc"
#endif

racahi_nodeconv_kernels racahi_nodeconv_pick(racahi_isa isa)
{
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512)
        return (racahi_nodeconv_kernels){forward_f64_avx512, backward_f64_avx512, multiply_f64_avx512, forward_f32_avx512,
                                         backward_f32_avx512, multiply_f32_avx512};
    if (isa == RACAHI_ISA_AVX2)
        return (racahi_nodeconv_kernels){forward_f64_avx2, backward_f64_avx2, multiply_f64_avx2, forward_f32_avx2,
                                         backward_f32_avx2, multiply_f32_avx2};
#endif
    (void)isa;
    return (racahi_nodeconv_kernels){forward_f64_base, backward_f64_base, multiply_f64_base, forward_f32_base,
                                     backward_f32_base, multiply_f32_base};
}
