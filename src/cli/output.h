/* SPDX-License-Identifier: MIT
 * Files that a command writes: whole or not at all. */
#ifndef RACAH_CLI_OUTPUT_H
#define RACAH_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* A regular file is written aside and takes its name when it is complete: what was there before, the input
 * perhaps, survives a full disk and an interruption. Devices and pipes are written directly. */
typedef struct cli_output {
    const char *path;
    char *aside; /* NULL: written directly */
    FILE *to;
} cli_output;

/* Exit code; after a failure there is a message and nothing to close. The path is kept, not copied. */
int cli_output_open(cli_output *o, const char *path);
/* o->to may have been set to stdout instead of opening a file; that stays open.
 * good: the content is complete. Otherwise, or if the disk is full, what was written is removed. Exit code; a
 * message only where writing failed. */
int cli_output_close(cli_output *o, bool good);

#endif
