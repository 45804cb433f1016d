/* SPDX-License-Identifier: MIT
 * Spin operators behind the family `matrix`. */
#ifndef RACAHI_TP_FAMILY_H
#define RACAHI_TP_FAMILY_H

#include "racah_tp.h"

/* K[lm][i][j], lm = l*l+l+m for l <= L, (L+1) x (L+1) complex matrices as (re, im) pairs of doubles:
 *   K[((lm n + i) n + j) 2 + part],  n = L+1,  tr K_a^+ K_b = n delta
 * K_lm = i^l H_lm as racah_tp_coefficients says. Freed with racahi_free by the caller. Errors: RACAH_ENOMEM. */
racah_status racahi_tp_spin_operators(int L, double **K, racah_error *err);

#endif
