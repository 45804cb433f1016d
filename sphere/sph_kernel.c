/* SPDX-License-Identifier: MIT
 * Spherical harmonics for batches of points: one point in each lane of a vector. */
#include "sph.h"
#include "turn.h"
#include "unroll.h"

#include <math.h>
#include <string.h>
#if RACAHI_X86
#include <immintrin.h>
#endif

#undef UNROLL /* sph_body.inc has two of its own */

enum sph_mode {
    SPH_VALUES,    /* Y */
    SPH_GRADIENTS, /* Y and dY */
    SPH_PULL       /* dY (n,3): the gradients contracted with the cotangents Y (n,S) */
};
#define SMAX ((RACAH_SPH_LMAX + 1) * (RACAH_SPH_LMAX + 1))

/* SPH_UNROLL: the trip counts are constants of at most 16 once the body is inlined.
 * SPH_SIMD: gcc would unroll a loop over 4 lanes before it thinks of vectors; clang needs no hint, and
 * warns of a failed one under a sanitizer. */
#if defined(RACAHI_SANITIZED)
#define SPH_UNROLL
#elif defined(__clang__)
#define SPH_UNROLL _Pragma("unroll")
#else
#define SPH_UNROLL _Pragma("GCC unroll 16")
#endif
#if defined(__clang__)
#define SPH_SIMD
#else
#define SPH_SIMD _Pragma("omp simd")
#endif

static const double factor[] = {
#include "sph_table.inc"
};
_Static_assert(sizeof factor / sizeof *factor == (RACAH_SPH_LMAX + 1) * (RACAH_SPH_LMAX + 2) / 2,
               "run make_sph_table.py for this RACAH_SPH_LMAX");
static const double reciprocal[RACAH_SPH_LMAX + 1] = {0,       1.0,     1.0 / 2, 1.0 / 3, 1.0 / 4,  1.0 / 5,
                                                      1.0 / 6, 1.0 / 7, 1.0 / 8, 1.0 / 9, 1.0 / 10, 1.0 / 11};

#define REAL double
#define VB 16
#define LANES 2
#define TARGET
#define NAME(x) x##_f64_base
#include "sph_kernel.inc"

#define REAL float
#define VB 16
#define LANES 4
#define TARGET
#define NAME(x) x##_f32_base
#include "sph_kernel.inc"

#if RACAHI_X86
#define REAL double
#define VB 32
#define LANES 4
#define TARGET RACAHI_TARGET_AVX2
#define NAME(x) x##_f64_avx2
#include "sph_kernel.inc"

#define REAL float
#define VB 32
#define LANES 8
#define TARGET RACAHI_TARGET_AVX2
#define NAME(x) x##_f32_avx2
#include "sph_kernel.inc"

#define REAL double
#define VB 64
#define LANES 8
#define TARGET RACAHI_TARGET_AVX512
#define NAME(x) x##_f64_avx512
#include "sph_kernel.inc"

#define REAL float
#define VB 64
#define LANES 16
#define TARGET RACAHI_TARGET_AVX512
#define NAME(x) x##_f32_avx512
#include "sph_kernel.inc"
#endif

#if RACAHI_X86
#define PICK(f) isa == RACAHI_ISA_AVX512 ? f##_avx512(lmax) : isa == RACAHI_ISA_AVX2 ? f##_avx2(lmax) : f##_base(lmax)
#else
#define PICK(f) ((void)isa, f##_base(lmax))
#endif

racahi_sph_fn_f64 racahi_sph_pick_f64(int lmax, racahi_isa isa)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX) return NULL;
    return PICK(pick_f64);
}

racahi_sph_fn_f32 racahi_sph_pick_f32(int lmax, racahi_isa isa)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX) return NULL;
    return PICK(pick_f32);
}

racahi_sph_pull_fn_f64 racahi_sph_pick_pull_f64(int lmax, racahi_isa isa)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX) return NULL;
    return PICK(pick_pull_f64);
}

racahi_sph_pull_fn_f32 racahi_sph_pick_pull_f32(int lmax, racahi_isa isa)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX) return NULL;
    return PICK(pick_pull_f32);
}
