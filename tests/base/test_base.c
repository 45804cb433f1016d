/* SPDX-License-Identifier: MIT */
#include "support.h"

static void test_fail_fills_message_and_returns_code(void **state)
{
    (void)state;
    racah_error err = {0};
    assert_int_equal(racahi_fail(&err, RACAH_EINVAL, "C = %d, need C >= 1", 0), RACAH_EINVAL);
    assert_int_equal(err.code, RACAH_EINVAL);
    assert_string_equal(err.msg, "C = 0, need C >= 1");
    assert_int_equal(racahi_prefix(&err, RACAH_EIO, "file %s", "a.xyz"), RACAH_EINVAL);
    assert_string_equal(err.msg, "file a.xyz: C = 0, need C >= 1");
    assert_int_equal(racahi_fail(NULL, RACAH_EIO, "nobody listens"), RACAH_EIO);
}

static void test_allocation_rejects_overflow_and_aligns(void **state)
{
    (void)state;
    assert_null(racahi_malloc(SIZE_MAX / 2, 4));
    void *p = racahi_calloc(3, 8);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % RACAHI_ALIGN, 0);
    racahi_free(p);
}

static void test_reserve_keeps_content(void **state)
{
    (void)state;
    racah_error err;
    void *p = NULL;
    size_t cap = 0;
    RACAH_ASSERT_OK(racahi_reserve(&p, &cap, 4, sizeof(int), "ints", &err));
    for (int i = 0; i < 4; i++) ((int *)p)[i] = i;
    RACAH_ASSERT_OK(racahi_reserve(&p, &cap, 1000, sizeof(int), "ints", &err));
    assert_true(cap >= 1000);
    for (int i = 0; i < 4; i++) assert_int_equal(((int *)p)[i], i);
    assert_int_equal(racahi_reserve(&p, &cap, SIZE_MAX / 2, sizeof(int), "ints", &err), RACAH_ENOMEM);
    assert_int_equal(((int *)p)[3], 3);
    racahi_free(p);
}

static void test_arena_measures_what_it_takes(void **state)
{
    (void)state;
    racahi_arena m = racahi_arena_measure();
    assert_null(racahi_arena_take(&m, 5, 8));
    assert_null(racahi_arena_take(&m, 100, 1));
    assert_int_equal(m.used, 64 + 128);
    void *block = racahi_malloc(m.used, 1);
    racahi_arena a = racahi_arena_on(block, m.used);
    assert_non_null(racahi_arena_take(&a, 5, 8));
    assert_non_null(racahi_arena_take(&a, 100, 1));
    assert_false(a.overflow);
    assert_null(racahi_arena_take(&a, 1, 1));
    assert_true(a.overflow);
    racahi_free(block);
}

static void test_every_status_has_a_text(void **state)
{
    (void)state;
    for (int c = RACAH_OK; c <= RACAH_EDATA; c++)
        assert_string_not_equal(racah_status_text((racah_status)c), "unknown status code");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_fills_message_and_returns_code),
        cmocka_unit_test(test_allocation_rejects_overflow_and_aligns),
        cmocka_unit_test(test_reserve_keeps_content),
        cmocka_unit_test(test_arena_measures_what_it_takes),
        cmocka_unit_test(test_every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
