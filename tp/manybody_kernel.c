/* SPDX-License-Identifier: MIT
 * Fast kernels of the many-body products: one body (manybody_kernel.inc) for every precision and instruction
 * set. */
#include "manybody_internal.h"
#include "cp_kernel_macros.h"

#include <string.h>

#define TARGET
#define REAL double
#define VL 2
#define NAME(x) x##_f64_base
#define FIELD f64
#include "manybody_kernel.inc"
#define REAL float
#define VL 4
#define NAME(x) x##_f32_base
#define FIELD f32
#include "manybody_kernel.inc"
#undef TARGET

#if RACAHI_X86
#define TARGET RACAHI_TARGET_AVX2
#define REAL double
#define VL 4
#define NAME(x) x##_f64_avx2
#define FIELD f64
#include "manybody_kernel.inc"
#define REAL float
#define VL 8
#define NAME(x) x##_f32_avx2
#define FIELD f32
#include "manybody_kernel.inc"
#undef TARGET

/* Not RACAHI_TARGET_AVX512: vectors are explicit. */
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma")))
#define REAL double
#define VL 8
#define NAME(x) x##_f64_avx512
#define FIELD f64
#include "manybody_kernel.inc"
#define REAL float
#define VL 16
#define NAME(x) x##_f32_avx512
#define FIELD f32
#include "manybody_kernel.inc"
#endif

racahi_manybody_kernels racahi_manybody_pick(racahi_manybody_algorithm algorithm, racahi_isa isa)
{
    bool grid = algorithm == RACAHI_MANYBODY_GRID;
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512)
        return grid ? (racahi_manybody_kernels){grid_forward_f64_avx512, grid_backward_f64_avx512,
                                                grid_forward_f32_avx512, grid_backward_f32_avx512}
                    : (racahi_manybody_kernels){cp_forward_f64_avx512, cp_backward_f64_avx512,
                                                cp_forward_f32_avx512, cp_backward_f32_avx512};
    if (isa == RACAHI_ISA_AVX2)
        return grid ? (racahi_manybody_kernels){grid_forward_f64_avx2, grid_backward_f64_avx2,
                                                grid_forward_f32_avx2, grid_backward_f32_avx2}
                    : (racahi_manybody_kernels){cp_forward_f64_avx2, cp_backward_f64_avx2,
                                                cp_forward_f32_avx2, cp_backward_f32_avx2};
#endif
    (void)isa;
    return grid ? (racahi_manybody_kernels){grid_forward_f64_base, grid_backward_f64_base,
                                            grid_forward_f32_base, grid_backward_f32_base}
                : (racahi_manybody_kernels){cp_forward_f64_base, cp_backward_f64_base, cp_forward_f32_base,
                                            cp_backward_f32_base};
}
