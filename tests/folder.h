/* SPDX-License-Identifier: MIT
 * A folder for the files of a test, removed with all it holds. */
#ifndef RACAH_TEST_FOLDER_H
#define RACAH_TEST_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline int folder_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

/* Makes STEM-..., a name that nothing has, and puts it in path. 0, or -1 where it cannot. */
static inline int folder_make(char *path, size_t size, const char *stem)
{
    snprintf(path, size, "%s-XXXXXX", stem);
    return mkdtemp(path) ? 0 : -1;
}

static inline int folder_remove(const char *path)
{
    return nftw(path, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
