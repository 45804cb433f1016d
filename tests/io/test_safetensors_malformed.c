/* SPDX-License-Identifier: MIT
 * safetensors: everything that must be refused, naming the file and the tensor. */
#include "support.h"

#include "../src/io/safetensors.h"

/* Container with this header text and `data` zero bytes behind it; free() it. */
static unsigned char *container(const char *header, uint64_t length, size_t data, size_t *size)
{
    size_t n = strlen(header);
    *size = 8 + n + data;
    unsigned char *b = calloc(*size, 1);
    assert_non_null(b);
    for (int k = 0; k < 8; k++) b[k] = (unsigned char)(length >> 8 * k);
    memcpy(b + 8, header, n);
    return b;
}

#define T(name, dtype, shape, offsets)                                                                       \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

typedef struct bad {
    const char *header;
    size_t data;
    const char *says;
} bad;

static const bad cases[] = {
    /* header text */
    {"", 0, "does not begin with '{'"},
    {"[]", 0, "does not begin with '{'"},
    {" {}", 0, "does not begin with '{'"},
    {"{", 0, "header, byte"},
    {"{}}", 0, "header, byte"},
    {"{} x", 0, "header, byte"},
    {"{\"a\":}", 0, "header, byte"},
    {"{\"\xff\":1}", 0, "header, byte"},
    {"{" T("a", "F64", "1", "0,8") "," T("a", "F64", "1", "0,8") "}", 8, "duplicate"},
    {"{\"a\":{\"dtype\":\"F64\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "duplicate"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate"},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, "__metadata__ is no object"},
    {"{\"__metadata__\":\"x\"}", 0, "__metadata__ is no object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "the value of 'k' is no string"},
    {"{\"__metadata__\":{\"j\":\"ok\",\"k\":null}}", 0, "the value of 'k' is no string"},
    {"{\"__metadata__\":{\"k\":{\"n\":\"x\"}}}", 0, "the value of 'k' is no string"},
    /* shape of an entry */
    {"{\"w\":1}", 0, "tensor 'w': found no object"},
    {"{\"w\":{}}", 0, "tensor 'w': 0 keys"},
    {"{\"w\":{\"dtype\":\"F64\",\"shape\":[]}}", 8, "tensor 'w': 2 keys"},
    {"{\"w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8],\"x\":1}}", 8, "tensor 'w': 4 keys"},
    {"{\"w\":{\"dtype\":\"F64\",\"shape\":[],\"offsets\":[0,8]}}", 8, "tensor 'w': data_offsets"},
    {"{\"w\":{\"type\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, "tensor 'w': no dtype"},
    {"{\"w\":{\"dtype\":\"F64\",\"dims\":[],\"data_offsets\":[0,8]}}", 8, "tensor 'w': no shape"},
    /* dtype */
    {"{" T("w", "F16", "1", "0,2") "}", 2, "tensor 'w': dtype 'F16', known are F64 F32"},
    {"{" T("w", "BF16", "1", "0,2") "}", 2, "tensor 'w': dtype 'BF16'"},
    {"{" T("w", "f64", "1", "0,8") "}", 8, "tensor 'w': dtype 'f64'"},
    {"{" T("w", "", "1", "0,8") "}", 8, "tensor 'w': dtype ''"},
    {"{\"w\":{\"dtype\":64,\"shape\":[],\"data_offsets\":[0,8]}}", 8, "tensor 'w': no dtype string"},
    /* shape */
    {"{" T("w", "F64", "-1", "0,8") "}", 8, "tensor 'w': dimension 0 is no whole number"},
    {"{" T("w", "F64", "1,1.0", "0,8") "}", 8, "tensor 'w': dimension 1"},
    {"{" T("w", "F64", "\"1\"", "0,8") "}", 8, "tensor 'w': dimension 0"},
    {"{" T("w", "F64", "1,1,1,1,1,1,1,1,1", "0,8") "}", 8, "tensor 'w': 9 dimensions, at most 8"},
    {"{\"w\":{\"dtype\":\"F64\",\"shape\":1,\"data_offsets\":[0,8]}}", 8, "tensor 'w': no shape array"},
    {"{" T("w", "F64", "99999999999999999999", "0,8") "}", 8, "header, byte"},
    {"{" T("w", "F64", "4294967296,4294967296", "0,8") "}", 8,
     "tensor 'w': the product of its dimensions overflows"},
    {"{" T("w", "F64", "2305843009213693952", "0,0") "}", 0, "tensor 'w': the product"},
    {"{" T("w", "F64", "4611686018427387904,4", "0,0") "}", 0, "tensor 'w': the product"},
    /* offsets */
    {"{" T("w", "F64", "1", "0") "}", 8, "tensor 'w': data_offsets"},
    {"{" T("w", "F64", "1", "0,8,8") "}", 8, "tensor 'w': data_offsets"},
    {"{" T("w", "F64", "1", "-8,0") "}", 8, "tensor 'w': data_offsets"},
    {"{" T("w", "F64", "1", "0,8.0") "}", 8, "tensor 'w': data_offsets"},
    {"{" T("w", "F64", "1", "8,0") "}", 8, "tensor 'w': data_offsets 8 ... 0"},
    {"{" T("w", "F64", "1", "0,9") "}", 8, "tensor 'w': data_offsets 0 ... 9, the file has 8"},
    {"{" T("w", "F64", "1", "9223372036854775800,9223372036854775807") "}", 8, "tensor 'w': data_offsets"},
    /* product against offsets */
    {"{" T("w", "F64", "2", "0,8") "}", 8,
     "tensor 'w': 8 bytes at its data_offsets, its shape and F64 want 16"},
    {"{" T("w", "F64", "", "0,16") "}", 16,
     "tensor 'w': 16 bytes at its data_offsets, its shape and F64 want 8"},
    {"{" T("w", "F32", "2", "0,16") "}", 16, "F32 want 8"},
    {"{" T("w", "U8", "3,0", "0,3") "}", 3, "U8 want 0"},
    /* layout */
    {"{" T("a", "F64", "1", "0,8") "," T("b", "F64", "1", "4,12") "}", 12,
     "tensor 'b' begins at 4, wanted 8 (overlap"},
    {"{" T("a", "F64", "1", "0,8") "," T("b", "F64", "1", "0,8") "}", 8,
     "tensor 'b' begins at 0, wanted 8 (overlap"},
    {"{" T("a", "F64", "1", "0,8") "," T("b", "F64", "1", "12,20") "}", 20,
     "tensor 'b' begins at 12, wanted 8 (a hole"},
    {"{" T("b", "F64", "1", "16,24") "," T("a", "F64", "1", "0,8") "}", 24,
     "tensor 'b' begins at 16, wanted 8 (a hole"},
    {"{" T("a", "F64", "1", "8,16") "}", 16, "tensor 'a' begins at 8, wanted 0 (a hole"},
    {"{" T("a", "F64", "1", "0,8") "}", 9, "1 bytes of data after the last tensor"},
    {"{}", 1, "1 bytes of data after the last tensor"},
    {"{" T("a", "F64", "1", "0,8") "," T("e", "F64", "0", "4,4") "}", 8,
     "tensor 'e' begins at 4, wanted 8 (overlap"},
};

static void assert_refused(const void *bytes, size_t size, const char *says, size_t number)
{
    racahi_safetensors *s = (racahi_safetensors *)&s;
    racah_error err = {0};
    racah_status status = racahi_safetensors_parse(&s, bytes, size, "m.racah", &err);
    if (status != RACAH_EFORMAT || err.code != RACAH_EFORMAT || strncmp(err.msg, "m.racah: ", 9) != 0 ||
        !strstr(err.msg, says))
        fail_msg("case %zu: status %d, message '%s', wanted 'm.racah: ...%s'", number, status, err.msg, says);
    assert_null(s);
    assert_int_equal(racahi_safetensors_parse(&s, bytes, size, "m.racah", NULL), RACAH_EFORMAT);
    assert_null(s);
}

static void test_safetensors_malformed_headers_are_refused(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        size_t size;
        unsigned char *b = container(cases[k].header, strlen(cases[k].header), cases[k].data, &size);
        assert_refused(b, size, cases[k].says, k);
        free(b);
    }
}

static void test_safetensors_wrong_header_lengths_are_refused(void **state)
{
    (void)state;
    const char *header = "{" T("w", "F64", "1", "0,8") "}";
    const uint64_t n = strlen(header),
                   lengths[] = {0,        1,          n - 1,      n + 1,          n + 8,          n + 9,
                                1u << 31, 1ull << 32, 1ull << 63, UINT64_MAX - 8, UINT64_MAX - 7, UINT64_MAX};
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        size_t size;
        unsigned char *b = container(header, lengths[k], 8, &size);
        assert_refused(b, size, lengths[k] > n + 8 ? "header length" : "header", k);
        free(b);
    }
}

static void test_safetensors_bool_other_than_0_or_1_is_refused(void **state)
{
    (void)state;
    size_t size;
    const char *header = "{" T("flags", "BOOL", "3", "0,3") "}";
    unsigned char *b = container(header, strlen(header), 3, &size);
    b[size - 2] = 2;
    assert_refused(b, size, "tensor 'flags': element 1 is 2, wanted 0 or 1", 0);
    free(b);
}

/* Tensors may be listed in any order and empty ones may sit anywhere on a boundary. */
static void test_safetensors_unusual_but_valid_files_are_read(void **state)
{
    (void)state;
    size_t size;
    racah_error err;
    racahi_safetensors *s;
    const char *header =
        "{" T("b", "F32", "2", "8,16") "," T("e2", "U8", "0", "16,16") "," T("a", "F64", "", "0,8") "," T(
            "e0", "I64", "3,0,9223372036854775807", "0,0") "," T("e1", "U8", "0", "8,8") "}   \n ";
    unsigned char *b = container(header, strlen(header), 16, &size);
    RACAH_ASSERT_OK(racahi_safetensors_parse(&s, b, size, "m.racah", &err));
    const char *const order[] = {"e0", "a", "e1", "b", "e2"};
    assert_int_equal(s->n, 5);
    for (int k = 0; k < 5; k++) assert_string_equal(s->t[k].name, order[k]);
    assert_int_equal(s->nmeta, 0);
    racahi_safetensors_free(s);
    free(b);
}

static void test_safetensors_every_truncation_is_refused(void **state)
{
    (void)state;
    size_t size;
    racah_error err;
    racahi_safetensors *s;
    const char *header =
        "{\"__metadata__\":{\"k\":\"v\"}," T("a", "F64", "2", "0,16") "," T("b", "U8", "3", "16,19") "}  ";
    unsigned char *b = container(header, strlen(header), 19, &size);
    for (size_t n = 0; n < size; n++) {
        unsigned char *cut = malloc(n ? n : 1); /* exact size: a sanitizer sees reads behind the end */
        memcpy(cut, b, n);
        assert_refused(cut, n, "", n);
        free(cut);
    }
    RACAH_ASSERT_OK(racahi_safetensors_parse(&s, b, size, "m.racah", &err));
    assert_int_equal(s->n, 2);
    racahi_safetensors_free(s);
    free(b);
}

/* Any one byte of the header changed: read or refused, never a crash; what is read fits the data. */
static void test_safetensors_every_changed_header_byte_is_safe(void **state)
{
    (void)state;
    size_t size;
    const char *header =
        "{\"__metadata__\":{\"k\":\"v\"}," T("a", "F64", "2", "0,16") "," T("b", "U8", "3", "16,19") "}  ";
    unsigned char *b = container(header, strlen(header), 19, &size);
    const unsigned char changes[] = {0x01, 0x02, 0x10, 0x40, 0x80};
    for (size_t at = 0; at < size - 19; at++)
        for (size_t k = 0; k < sizeof changes; k++) {
            racahi_safetensors *s;
            size_t bytes = 0;
            static const size_t sizes[] = {8, 4, 8, 4, 1, 1};
            b[at] ^= changes[k];
            if (racahi_safetensors_parse(&s, b, size, "m.racah", NULL) == RACAH_OK) {
                for (size_t t = 0; t < s->n; t++) bytes += s->t[t].count * sizes[s->t[t].dtype];
                assert_int_equal(bytes, 19);
                racahi_safetensors_free(s);
            }
            b[at] ^= changes[k];
        }
    free(b);
}

static void test_safetensors_unreadable_files(void **state)
{
    (void)state;
    racah_error err;
    racahi_safetensors *s;
    assert_int_equal(racahi_safetensors_read(&s, "no/such/model.racah", &err), RACAH_EIO);
    assert_string_equal(err.msg, "no/such/model.racah: cannot open it (No such file or directory)");
    assert_null(s);
    assert_int_equal(racahi_safetensors_read(&s, "/", &err), RACAH_EIO);
    assert_int_equal(racahi_safetensors_read(&s, "/dev/null", &err), RACAH_EFORMAT);
    assert_non_null(strstr(err.msg, "/dev/null: 0 bytes"));
    assert_int_equal(racahi_safetensors_read(&s, NULL, &err), RACAH_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safetensors_malformed_headers_are_refused),
        cmocka_unit_test(test_safetensors_wrong_header_lengths_are_refused),
        cmocka_unit_test(test_safetensors_bool_other_than_0_or_1_is_refused),
        cmocka_unit_test(test_safetensors_unusual_but_valid_files_are_read),
        cmocka_unit_test(test_safetensors_every_truncation_is_refused),
        cmocka_unit_test(test_safetensors_every_changed_header_byte_is_safe),
        cmocka_unit_test(test_safetensors_unreadable_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
