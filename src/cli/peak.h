/* SPDX-License-Identifier: MIT
 * The multiply-add peak of one core, measured: what percentages of peak refer to. */
#ifndef RACAH_CLI_PEAK_H
#define RACAH_CLI_PEAK_H

#include "../base/base.h"

/* FLOP/s (multiply and add count one each) of a loop over registers only, with the vectors of `isa` in double
 * or single precision. The best of several short runs, about 50 ms in total. 0 where this CPU lacks the
 * variant. */
double cli_peak_flops(racahi_isa isa, bool single);

#endif
