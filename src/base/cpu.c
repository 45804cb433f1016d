/* SPDX-License-Identifier: MIT
 * Which kernel variants this CPU can run. */
#include "base.h"

#include <time.h>

racahi_isa racahi_cpu_best(void)
{
#if RACAHI_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return RACAHI_ISA_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return RACAHI_ISA_AVX2;
#endif
    return RACAHI_ISA_BASE;
}

const char *racahi_isa_name(racahi_isa isa)
{
    static const char *const names[RACAHI_ISA_COUNT] = {"base", "avx2", "avx512"};
    return names[isa];
}

double racahi_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
