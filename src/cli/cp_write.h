/* SPDX-License-Identifier: MIT
 * The table files of CP factors, which tp/cp_tables.c includes. */
#ifndef RACAH_CLI_CP_WRITE_H
#define RACAH_CLI_CP_WRITE_H

#include "../../tp/cp.h"

#include <stdbool.h>

/* A, B and C, row after row, as a C initialiser list of doubles behind a comment that names the command.
 * False (errno says why) if the file cannot be written. */
bool cli_cp_write(const char *path, const racahi_cp_factors *f, const char *command);
double cli_cp_largest(const racahi_cp_factors *f); /* largest absolute value of an entry */

#endif
