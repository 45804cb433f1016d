/* SPDX-License-Identifier: MIT
 * safetensors: writing, reading back, atomic replacement. Bad input: test_safetensors_malformed. */
#include "folder.h"
#include "support.h"

#include "../src/io/file.h"
#include "../src/io/safetensors.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of its own for each test, removed with all it holds. */
static int make_dir(void **state)
{
    enum { SIZE = 64 };
    *state = malloc(SIZE);
    return *state ? folder_make(*state, SIZE, "racah-st") : -1;
}

static size_t count_files(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static int remove_dir(void **state)
{
    const int status = folder_remove(*state);
    free(*state);
    return status;
}

static char *path_in(void **state, const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", (char *)*state, name);
    return path;
}

static racahi_st_writer *new_writer(void)
{
    racahi_st_writer *w;
    racah_error err;
    RACAH_ASSERT_OK(racahi_st_writer_create(&w, &err));
    return w;
}

static const double f64[6] = {1.5, -2.25, 1e300, -0.0, 5e-324, 7};
static const float f32[3] = {1.5f, -3.25f, 1e-30f};
static const int64_t i64[2] = {INT64_MIN, INT64_MAX};
static const int32_t i32[4] = {INT32_MIN, -1, 0, INT32_MAX};
static const uint8_t u8[5] = {0, 1, 127, 128, 255}, flags[3] = {1, 0, 1};

/* Odd sizes first, so that the writer has to order them. */
static racahi_st_writer *fill_writer(void)
{
    racah_error err;
    racahi_st_writer *w = new_writer();
    const size_t s5[] = {5}, s3[] = {3}, s22[] = {2, 2}, s231[] = {2, 3, 1}, s2[] = {2}, empty[] = {4, 0, 2};
    const size_t eight[8] = {1, 1, 1, 1, 1, 1, 1, 2};
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "bytes", RACAHI_U8, 1, s5, u8, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "floats", RACAHI_F32, 1, s3, f32, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "flags", RACAHI_BOOL, 1, s3, flags, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "doubles", RACAHI_F64, 3, s231, f64, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "scalar", RACAHI_F64, 0, NULL, f64 + 1, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "empty", RACAHI_F64, 3, empty, NULL, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "ints \"quoted\" \xc3\xa9", RACAHI_I32, 2, s22, i32, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "longs", RACAHI_I64, 1, s2, i64, &err));
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "eight", RACAHI_F64, 8, eight, f64, &err));
    RACAH_ASSERT_OK(racahi_st_writer_meta(w, "format_version", "1", &err));
    RACAH_ASSERT_OK(racahi_st_writer_meta(w, "nested", "{\"a\": [1, \"b\\\\\"]}\n", &err));
    RACAH_ASSERT_OK(racahi_st_writer_meta(w, "empty", "", &err));
    return w;
}

static void check_tensor(const racahi_safetensors *s, const char *name, racahi_dtype dtype, int ndim,
                         size_t count, const void *data, size_t size)
{
    const racahi_tensor *t = racahi_safetensors_find(s, name);
    assert_non_null(t);
    assert_int_equal(t->dtype, dtype);
    assert_int_equal(t->ndim, ndim);
    assert_int_equal(t->count, count);
    assert_non_null(t->data);
    assert_int_equal((uintptr_t)t->data % RACAHI_ALIGN, 0);
    if (size) assert_memory_equal(t->data, data, size);
}

static void test_safetensors_write_then_read_gives_the_same(void **state)
{
    char path[256];
    racah_error err;
    racahi_safetensors *s;
    racahi_st_writer *w = fill_writer();
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path_in(state, "a.racah", path), &err));
    racahi_st_writer_destroy(w);
    RACAH_ASSERT_OK(racahi_safetensors_read(&s, path, &err));
    assert_string_equal(s->path, path);
    assert_int_equal(s->n, 9);
    check_tensor(s, "bytes", RACAHI_U8, 1, 5, u8, sizeof u8);
    check_tensor(s, "floats", RACAHI_F32, 1, 3, f32, sizeof f32);
    check_tensor(s, "flags", RACAHI_BOOL, 1, 3, flags, sizeof flags);
    check_tensor(s, "doubles", RACAHI_F64, 3, 6, f64, sizeof f64);
    check_tensor(s, "scalar", RACAHI_F64, 0, 1, f64 + 1, 8);
    check_tensor(s, "empty", RACAHI_F64, 3, 0, NULL, 0);
    check_tensor(s, "ints \"quoted\" \xc3\xa9", RACAHI_I32, 2, 4, i32, sizeof i32);
    check_tensor(s, "longs", RACAHI_I64, 1, 2, i64, sizeof i64);
    check_tensor(s, "eight", RACAHI_F64, 8, 2, f64, 16);
    const size_t *shape = racahi_safetensors_find(s, "doubles")->shape;
    assert_true(shape[0] == 2 && shape[1] == 3 && shape[2] == 1);
    assert_null(racahi_safetensors_find(s, "none"));
    assert_int_equal(s->nmeta, 4);
    assert_string_equal(racahi_safetensors_meta(s, "format_version"), "1");
    assert_string_equal(racahi_safetensors_meta(s, "nested"), "{\"a\": [1, \"b\\\\\"]}\n");
    assert_string_equal(racahi_safetensors_meta(s, "empty"), "");
    assert_string_equal(racahi_safetensors_meta(s, "sha256"), s->sha256_file);
    assert_string_not_equal(s->sha256, s->sha256_file);
    assert_null(racahi_safetensors_meta(s, "none"));
    racahi_safetensors_free(s);
    racahi_safetensors_free(NULL);
    assert_int_equal(count_files(*state), 1);
}

/* Raw bytes: length, padding to 64, order by element size, hash of everything after the length. */
static void test_safetensors_file_layout(void **state)
{
    char path[256], hex[65];
    void *bytes;
    size_t size, length = 0;
    racah_error err;
    racahi_st_writer *w = fill_writer();
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path_in(state, "a.racah", path), &err));
    RACAH_ASSERT_OK(racahi_file_slurp(path, &bytes, &size, &err));
    const unsigned char *b = bytes;
    for (int k = 0; k < 8; k++) length |= (size_t)b[k] << 8 * k;
    assert_int_equal((8 + length) % 64, 0);
    assert_memory_equal(b + 8, "{\"__metadata__\":{", 17);
    const size_t data = 48 + 8 + 16 + 16 + 12 + 16 + 5 + 3;
    assert_int_equal(size, 8 + length + data);
    assert_memory_equal(b + 8 + length, f64, sizeof f64);
    assert_memory_equal(b + size - 8, u8, 5);
    assert_memory_equal(b + size - 3, flags, 3);
    char *digits = memmem(b, 8 + length, "\"sha256\":\"", 10), written[64];
    assert_non_null(digits);
    memcpy(written, digits + 10, 64);
    memset(digits + 10, '0', 64);
    RACAH_ASSERT_OK(racahi_sha256(b + 8, length + data, hex, &err));
    assert_memory_equal(written, hex, 64);
    racahi_free(bytes);
    /* the same list gives the same bytes */
    void *again;
    size_t again_size;
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path, &err));
    RACAH_ASSERT_OK(racahi_file_slurp(path, &again, &again_size, &err));
    assert_int_equal(again_size, size);
    racahi_free(again);
    racahi_st_writer_destroy(w);
    racahi_st_writer_destroy(NULL);
}

static void test_safetensors_file_without_tensors(void **state)
{
    char path[256];
    racah_error err;
    racahi_safetensors *s;
    racahi_st_writer *w = new_writer();
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path_in(state, "e", path), &err));
    racahi_st_writer_destroy(w);
    RACAH_ASSERT_OK(racahi_safetensors_read(&s, path, &err));
    assert_int_equal(s->n, 0);
    assert_string_equal(s->sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    racahi_safetensors_free(s);
}

/* FIPS 180-4 examples. */
static void test_safetensors_sha256_known_values(void **state)
{
    (void)state;
    char hex[65];
    racah_error err;
    RACAH_ASSERT_OK(racahi_sha256("abc", 3, hex, &err));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    RACAH_ASSERT_OK(racahi_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex, &err));
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    RACAH_ASSERT_OK(racahi_sha256(NULL, 0, hex, &err));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_safetensors_writer_refuses_bad_arguments(void **state)
{
    (void)state;
    racah_error err;
    racahi_st_writer *w = new_writer();
    const size_t two[1] = {2}, huge[2] = {SIZE_MAX / 2, 3}, wide[1] = {SIZE_MAX / 4};
    const double x[2] = {0};
#define REFUSED(call, says)                                                                                  \
    do {                                                                                                     \
        assert_int_equal(call, RACAH_EINVAL);                                                                \
        if (!strstr(err.msg, says)) fail_msg("'%s' does not say '%s'", err.msg, says);                       \
    } while (0)
    REFUSED(racahi_st_writer_tensor(w, NULL, RACAHI_F64, 1, two, x, &err), "no name");
    REFUSED(racahi_st_writer_tensor(w, "", RACAHI_F64, 1, two, x, &err), "no name");
    REFUSED(racahi_st_writer_tensor(w, "__metadata__", RACAHI_F64, 1, two, x, &err), "reserved");
    REFUSED(racahi_st_writer_tensor(w, "x", (racahi_dtype)17, 1, two, x, &err),
            "tensor 'x': unknown dtype 17");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, -1, two, x, &err), "-1 dimensions");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 9, two, x, &err), "9 dimensions");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 1, NULL, x, &err), "1 dimensions");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 2, huge, x, &err), "overflows");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 1, wide, x, &err), "overflows");
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 1, two, NULL, &err), "without data");
    REFUSED(racahi_st_writer_tensor(w, "\xff", RACAHI_F64, 1, two, x, &err), "UTF-8");
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "x", RACAHI_F64, 1, two, x, &err));
    REFUSED(racahi_st_writer_tensor(w, "x", RACAHI_F64, 1, two, x, &err), "tensor 'x' is there already");
    REFUSED(racahi_st_writer_meta(w, NULL, "", &err), "no key");
    REFUSED(racahi_st_writer_meta(w, "", "", &err), "no key");
    REFUSED(racahi_st_writer_meta(w, "k", NULL, &err), "no value");
    REFUSED(racahi_st_writer_meta(w, "sha256", "0", &err), "'sha256' is there already");
    REFUSED(racahi_st_writer_meta(w, "k", "\xff", &err), "UTF-8");
    RACAH_ASSERT_OK(racahi_st_writer_meta(w, "k", "v", &err));
    REFUSED(racahi_st_writer_meta(w, "k", "v", &err), "'k' is there already");
    REFUSED(racahi_st_writer_save(w, NULL, &err), "no file name");
    REFUSED(racahi_st_writer_save(w, "", &err), "no file name");
    racahi_st_writer_destroy(w);
}

/* ---- failing to write: the old file stays, no temporary is left ----------------------------- */

static void put_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void assert_text(const char *path, const char *text)
{
    racah_error err;
    void *bytes;
    size_t size;
    RACAH_ASSERT_OK(racahi_file_slurp(path, &bytes, &size, &err));
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
    racahi_free(bytes);
}

static void test_safetensors_save_into_missing_directory(void **state)
{
    char path[256];
    racah_error err;
    racahi_st_writer *w = fill_writer();
    assert_int_equal(racahi_st_writer_save(w, path_in(state, "none/a.racah", path), &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "No such file or directory"));
    assert_int_equal(count_files(*state), 0);
    racahi_st_writer_destroy(w);
}

/* A limit on the file size stands for the full disk: write fails in the middle of the data. */
static void test_safetensors_full_disk_leaves_the_old_file(void **state)
{
    char path[256];
    racah_error err;
    static double big[20000];
    const size_t shape[1] = {20000};
    racahi_st_writer *w = new_writer();
    struct rlimit before, small;
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, "big", RACAHI_F64, 1, shape, big, &err));
    put_text(path_in(state, "a.racah", path), "old content");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    racah_status status = racahi_st_writer_save(w, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, RACAH_EIO);
    assert_non_null(strstr(err.msg, "File too large"));
    assert_text(path, "old content");
    assert_int_equal(count_files(*state), 1);
    /* with room again the same list is saved over it */
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path, &err));
    racahi_safetensors *s;
    RACAH_ASSERT_OK(racahi_safetensors_read(&s, path, &err));
    assert_int_equal(racahi_safetensors_find(s, "big")->count, 20000);
    racahi_safetensors_free(s);
    assert_int_equal(count_files(*state), 1);
    racahi_st_writer_destroy(w);
}

static void test_safetensors_save_refuses_devices_and_directories(void **state)
{
    char path[256];
    struct stat st;
    racah_error err;
    racahi_st_writer *w = fill_writer();
    assert_int_equal(mkdir(path_in(state, "d", path), 0777), 0);
    assert_int_equal(racahi_st_writer_save(w, path, &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, "not a regular file"));
    assert_int_equal(racahi_st_writer_save(w, "/dev/null", &err), RACAH_EIO);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
    assert_int_equal(count_files(*state), 1);
    racahi_st_writer_destroy(w);
}

int main(void)
{
#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        WITH_DIR(test_safetensors_write_then_read_gives_the_same),
        WITH_DIR(test_safetensors_file_layout),
        WITH_DIR(test_safetensors_file_without_tensors),
        cmocka_unit_test(test_safetensors_sha256_known_values),
        cmocka_unit_test(test_safetensors_writer_refuses_bad_arguments),
        WITH_DIR(test_safetensors_save_into_missing_directory),
        WITH_DIR(test_safetensors_full_disk_leaves_the_old_file),
        WITH_DIR(test_safetensors_save_refuses_devices_and_directories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
