/* SPDX-License-Identifier: MIT
 * Densities of the first layer: both precisions, every instruction set, one body. */
#include "first.h"
#include "../base/lane_sums.h"
#include "../base/unroll.h"

#include <string.h>

#define REAL double
#define VEC racahi_line_f64
#define SUMS RACAHI_LANE_SUMS_F64
#define TARGET
#define VECTORS 1
#define NAME(x) x##_f64_base
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#define REAL float
#define VEC racahi_line_f32
#define SUMS RACAHI_LANE_SUMS_F32
#define NAME(x) x##_f32_base
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#undef TARGET

#if RACAHI_X86
#define REAL double
#define VEC racahi_line_f64
#define SUMS RACAHI_LANE_SUMS_F64
#define TARGET RACAHI_TARGET_AVX2
#define NAME(x) x##_f64_avx2
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#define REAL float
#define VEC racahi_line_f32
#define SUMS RACAHI_LANE_SUMS_F32
#define NAME(x) x##_f32_avx2
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#undef TARGET
#undef VECTORS
#define VECTORS 2
#define REAL double
#define VEC racahi_line_f64
#define SUMS RACAHI_LANE_SUMS_F64
#define TARGET RACAHI_TARGET_AVX512
#define NAME(x) x##_f64_avx512
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#define REAL float
#define VEC racahi_line_f32
#define SUMS RACAHI_LANE_SUMS_F32
#define NAME(x) x##_f32_avx512
#include "first_kernel.inc"
#undef NAME
#undef REAL
#undef VEC
#undef SUMS
#undef TARGET
#define PICK(isa, name) ((isa) == RACAHI_ISA_AVX512 ? name##_avx512 : (isa) == RACAHI_ISA_AVX2 ? name##_avx2 : name##_base)
#else
#define PICK(isa, name) ((void)(isa), name##_base)
#endif

void racahi_first_forward_f64(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const double *phi,
                              const double *Y, double *const *D)
{
    PICK(isa, forward_f64)(lmax, nq, ne, edge, phi, Y, D);
}

void racahi_first_forward_f32(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const float *phi,
                              const float *Y, float *const *D)
{
    PICK(isa, forward_f32)(lmax, nq, ne, edge, phi, Y, D);
}

void racahi_first_backward_f64(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const double *phi,
                               const double *dphi, const double *Y, const double *const *dD, double *dY, double *dr)
{
    PICK(isa, backward_f64)(lmax, nq, ne, edge, phi, dphi, Y, dD, dY, dr);
}

void racahi_first_backward_f32(racahi_isa isa, int lmax, size_t nq, size_t ne, const int *edge, const float *phi,
                               const float *dphi, const float *Y, const float *const *dD, float *dY, float *dr)
{
    PICK(isa, backward_f32)(lmax, nq, ne, edge, phi, dphi, Y, dD, dY, dr);
}
