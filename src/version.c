/* SPDX-License-Identifier: MIT
 * Version and build information. */
#include "racah.h"

#include "base/base.h"

#include <cblas.h>
#include <stdio.h>

const char *racah_version(void) { return RACAH_VERSION; }

void racah_build_info(char *text, size_t size)
{
    if (!text || size == 0) return;
#if defined(__clang__)
    const char *compiler = "clang " __clang_version__;
#else
    const char *compiler = "gcc " __VERSION__;
#endif
#if RACAHI_X86
    const char *variants = "base avx2 avx512";
#else
    const char *variants = "base";
#endif
    snprintf(text, size, "racah %s, %s, %s, kernels %s (this CPU: %s)", racah_version(), compiler,
             openblas_get_config(), variants, racahi_isa_name(racahi_cpu_best()));
}
