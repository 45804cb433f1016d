/* SPDX-License-Identifier: MIT
 * The multiply-add peak of one core, measured with a loop that touches registers only. */
#include "peak.h"

#define ACCUMULATORS 12

#define REAL double
#define BYTES 16
#define NAME peak_base_f64
#define ATTRIBUTE
#include "peak_kernel.inc"
#define REAL float
#define BYTES 16
#define NAME peak_base_f32
#define ATTRIBUTE
#include "peak_kernel.inc"
#if RACAHI_X86
#define REAL double
#define BYTES 32
#define NAME peak_avx2_f64
#define ATTRIBUTE RACAHI_TARGET_AVX2
#include "peak_kernel.inc"
#define REAL float
#define BYTES 32
#define NAME peak_avx2_f32
#define ATTRIBUTE RACAHI_TARGET_AVX2
#include "peak_kernel.inc"
#define REAL double
#define BYTES 64
#define NAME peak_avx512_f64
#define ATTRIBUTE RACAHI_TARGET_AVX512
#include "peak_kernel.inc"
#define REAL float
#define BYTES 64
#define NAME peak_avx512_f32
#define ATTRIBUTE RACAHI_TARGET_AVX512
#include "peak_kernel.inc"
#endif

typedef double (*peak_fn)(size_t steps, double *sink);

static peak_fn pick(racahi_isa isa, bool single)
{
    if (isa > racahi_cpu_best()) return NULL;
#if RACAHI_X86
    if (isa == RACAHI_ISA_AVX512) return single ? peak_avx512_f32 : peak_avx512_f64;
    if (isa == RACAHI_ISA_AVX2) return single ? peak_avx2_f32 : peak_avx2_f64;
#endif
    return single ? peak_base_f32 : peak_base_f64;
}

double cli_peak_flops(racahi_isa isa, bool single)
{
    peak_fn run = pick(isa, single);
    if (!run) return 0;
    volatile double kept = 0; /* so that the loop is not removed */
    double best = 0, sink = 0;
    size_t steps = 1000;
    for (int repeat = 0; repeat < 10;) {
        double start = racahi_now(), flops = run(steps, &sink), seconds = racahi_now() - start;
        if (seconds < 4e-3) { /* too short to time, and the clock of the core is still rising */
            steps *= 2;
            continue;
        }
        if (flops / seconds > best) best = flops / seconds;
        repeat++;
    }
    kept = sink;
    (void)kept;
    return best;
}
