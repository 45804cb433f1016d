/* SPDX-License-Identifier: MIT
 * The activation 1.679177 silu(z) and its derivative, vectorised.
 *
 * exp by the usual reduction z = n ln 2 + t, |t| <= ln2/2, a degree-13 Taylor polynomial (remainder 4e-18
 * relative) and 2^n from the exponent bits; arguments are clamped to +-700, where silu is z or 0 to rounding
 * (below, the factor z is clamped too: -1e300 times exp(-700) would not be 0). NaN stays NaN. */
#include "radial.h"

#include <string.h>

#define ACT_NORM 1.6791767923989418 /* 1/sqrt(E[silu(x)^2]), x ~ N(0,1): e3nn normalize2mom */

static inline __attribute__((always_inline)) double exp_poly(double z)
{
    z = z < -700 ? -700 : z > 700 ? 700 : z;
    const double shift = 0x1.8p52; /* adding it rounds to an integer held in the low mantissa bits */
    double t = z * 1.4426950408889634 + shift;
    uint64_t bits;
    memcpy(&bits, &t, 8);
    double n = t - shift;
    double x = (z - n * 0x1.62e42fefa3800p-1) - n * 0x1.ef35793c76730p-45; /* ln 2 in two parts */
    double p = 1.0 / 6227020800;
    p = p * x + 1.0 / 479001600;
    p = p * x + 1.0 / 39916800;
    p = p * x + 1.0 / 3628800;
    p = p * x + 1.0 / 362880;
    p = p * x + 1.0 / 40320;
    p = p * x + 1.0 / 5040;
    p = p * x + 1.0 / 720;
    p = p * x + 1.0 / 120;
    p = p * x + 1.0 / 24;
    p = p * x + 1.0 / 6;
    p = p * x + 0.5;
    p = p * x + 1;
    p = p * x + 1;
    uint64_t scale = (bits + 1023) << 52;
    double s;
    memcpy(&s, &scale, 8);
    return p * s;
}

static inline __attribute__((always_inline)) void act_body(size_t n, const double *z, double *a, double *da)
{
    if (da) {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            double zi = z[i] < -700 ? -700 : z[i], sig = 1 / (1 + exp_poly(-zi));
            a[i] = ACT_NORM * zi * sig;
            da[i] = ACT_NORM * sig * (1 + zi * (1 - sig));
        }
    } else {
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            double zi = z[i] < -700 ? -700 : z[i], sig = 1 / (1 + exp_poly(-zi));
            a[i] = ACT_NORM * zi * sig;
        }
    }
}

static void act_base(size_t n, const double *z, double *a, double *da) { act_body(n, z, a, da); }
#if RACAHI_X86
RACAHI_TARGET_AVX2 static void act_avx2(size_t n, const double *z, double *a, double *da)
{
    act_body(n, z, a, da);
}
RACAHI_TARGET_AVX512 static void act_avx512(size_t n, const double *z, double *a, double *da)
{
    act_body(n, z, a, da);
}
#endif

void racahi_act(racahi_isa isa, size_t n, const double *z, double *a, double *da)
{
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512) {
        act_avx512(n, z, a, da);
        return;
    }
    if (isa == RACAHI_ISA_AVX2) {
        act_avx2(n, z, a, da);
        return;
    }
#endif
    (void)isa;
    act_base(n, z, a, da);
}
