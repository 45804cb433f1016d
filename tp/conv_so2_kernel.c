/* SPDX-License-Identifier: MIT
 * Kernels of the so2 convolution: one body (conv_so2_kernel.inc) for every precision and instruction set. */
#include "conv_so2_internal.h"
#include "cp_kernel_macros.h"
#include "wigner_d.h"

#include <math.h>
#include <string.h>

#define TARGET
#define REAL double
#define VL 2
#define NAME(x) x##_f64_base
#include "conv_so2_kernel.inc"
#define REAL float
#define VL 4
#define NAME(x) x##_f32_base
#include "conv_so2_kernel.inc"
#undef TARGET

#if RACAHI_X86
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define VL 4
#define NAME(x) x##_f64_avx2
#include "conv_so2_kernel.inc"
#define REAL float
#define VL 8
#define NAME(x) x##_f32_avx2
#include "conv_so2_kernel.inc"
#undef TARGET

/* Not RACAHI_TARGET_AVX512: vectors are explicit. */
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define VL 8
#define NAME(x) x##_f64_avx512
#include "conv_so2_kernel.inc"
#define REAL float
#define VL 16
#define NAME(x) x##_f32_avx512
#include "conv_so2_kernel.inc"
#endif

racahi_so2_kernels racahi_so2_pick(racahi_isa isa)
{
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512)
        return (racahi_so2_kernels){forward_f64_avx512, backward_f64_avx512, forward_f32_avx512,
                                    backward_f32_avx512};
    if (isa == RACAHI_ISA_AVX2)
        return (racahi_so2_kernels){forward_f64_avx2, backward_f64_avx2, forward_f32_avx2, backward_f32_avx2};
#endif
    (void)isa;
    return (racahi_so2_kernels){forward_f64_base, backward_f64_base, forward_f32_base, backward_f32_base};
}
