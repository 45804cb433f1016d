/* SPDX-License-Identifier: MIT
 * The kernel variants of the many-body product; the code is in product_kernel.inc. */
#include "product_internal.h"

#define TARGET
#define VBYTES 16
#define REAL double
#define NAME(x) x##_base_f64
#include "product_kernel.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_base_f32
#include "product_kernel.inc"
#undef REAL
#undef NAME
#undef TARGET
#undef VBYTES

#if RACAHI_X86
#define TARGET RACAHI_TARGET_AVX2
#define VBYTES 32
#define REAL double
#define NAME(x) x##_avx2_f64
#include "product_kernel.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_avx2_f32
#include "product_kernel.inc"
#undef REAL
#undef NAME
#undef TARGET
#undef VBYTES

#define TARGET RACAHI_TARGET_AVX512
#define VBYTES 64
#define REAL double
#define NAME(x) x##_avx512_f64
#include "product_kernel.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_avx512_f32
#include "product_kernel.inc"
#undef REAL
#undef NAME
#undef TARGET
#undef VBYTES
#endif

const racahi_product_kernels *racahi_product_pick(racahi_isa isa)
{
    static const racahi_product_kernels base = {forward_base_f64, forward_base_f32, backward_base_f64,
                                                backward_base_f32};
#if RACAHI_X86
    static const racahi_product_kernels avx2 = {forward_avx2_f64, forward_avx2_f32, backward_avx2_f64,
                                                backward_avx2_f32};
    static const racahi_product_kernels avx512 = {forward_avx512_f64, forward_avx512_f32, backward_avx512_f64,
                                                  backward_avx512_f32};
    if (isa == RACAHI_ISA_AVX512) return &avx512;
    if (isa == RACAHI_ISA_AVX2) return &avx2;
#else
    (void)isa;
#endif
    return &base;
}
