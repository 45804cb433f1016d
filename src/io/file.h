/* SPDX-License-Identifier: MIT
 * Reading a whole file into memory. */
#ifndef RACAHI_FILE_H
#define RACAHI_FILE_H

#include "../base/base.h"

/* The bytes of a regular file, or of a pipe until its end, in 64-byte aligned memory (free with racahi_free).
 * Errors: RACAH_EIO (names the file and the reason), RACAH_ENOMEM; outputs untouched then. */
racah_status racahi_file_slurp(const char *path, void **bytes, size_t *size, racah_error *err);

#endif
