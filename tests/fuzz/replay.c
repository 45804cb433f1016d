/* SPDX-License-Identifier: MIT
 * Runs a fuzz target over every file of the given directories (those that exist): a crash or a broken promise of the target (abort)
 * fails the test. Needs no fuzzing engine. */
#include "../../src/io/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The target gets an exact copy, so that a sanitizer sees the first byte read behind the end. */
static int replay(const char *path)
{
    racah_error err;
    void *bytes;
    size_t size;
    if (racahi_file_slurp(path, &bytes, &size, &err) != RACAH_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) return 1;
    memcpy(copy, bytes, size);
    racahi_free(bytes);
    fprintf(stderr, "%s\n", path); /* unbuffered: the last line names the input that crashed */
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int main(int argc, char **argv)
{
    int files = 0, failed = 0;
    for (int k = 1; k < argc; k++) {
        DIR *dir = opendir(argv[k]);
        if (!dir && k == 1) fprintf(stderr, "there is no %s\n", argv[k]), failed++;
        for (struct dirent *e; dir && (e = readdir(dir));) {
            char path[4096];
            if (e->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[k], e->d_name);
            failed += replay(path);
            files++;
        }
        if (dir) closedir(dir);
    }
    printf("%d inputs\n", files);
    return failed || files == 0;
}
