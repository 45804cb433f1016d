/* SPDX-License-Identifier: MIT
 * What the files of the CP decompositions share. */
#ifndef RACAHI_CP_INTERNAL_H
#define RACAHI_CP_INTERNAL_H

#include "cp.h"

#define RACAHI_CP_EXACT 1e-14 /* relative residual up to which factors count as exact */

/* Compiled tables; the last has rank 0. */
extern const racahi_cp_factors racahi_cp_tables[];

racah_status racahi_cp_check(int l1, int l2, int l3, racahi_cp_family family, racahi_cp_paths paths,
                             racah_error *err);

#endif
