/* SPDX-License-Identifier: MIT
 * What the tests of the trainer share: files in a directory of their own, configurations from text. */
#ifndef RACAH_TEST_TRAIN_SUPPORT_H
#define RACAH_TEST_TRAIN_SUPPORT_H

#include "../folder.h"
#include "../support.h"

#include "../../src/train/data.h"
#include "../../src/train/train.h"

#include <unistd.h>

static char test_dir[64];

static inline int test_dir_create(void **state)
{
    (void)state;
    return folder_make(test_dir, sizeof test_dir, "racah-train");
}

static inline int test_dir_remove(void **state)
{
    (void)state;
    return folder_remove(test_dir);
}

/* "DIR/name"; up to four live at a time. */
static inline const char *test_path(const char *name)
{
    static char path[4][160];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", test_dir, name);
    return path[next];
}

static inline void test_write(const char *name, const char *text)
{
    FILE *f = fopen(test_path(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* The configuration with "train_file: DIR/file" and "output: DIR/out" in front. */
static inline racahi_train_config *test_config(const char *file, const char *out, const char *more)
{
    char text[2048];
    racah_error err;
    racahi_train_config *cfg = NULL;
    int n =
        snprintf(text, sizeof text, "train_file: %s\noutput: %s\n%s", test_path(file), test_path(out), more);
    assert_true(n > 0 && (size_t)n < sizeof text);
    RACAH_ASSERT_OK(racahi_train_config_parse(&cfg, text, (size_t)n, "test.yaml", &err));
    return cfg;
}

#endif
