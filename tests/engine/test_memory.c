/* SPDX-License-Identifier: MIT
 * Memory: every allocation of the library fails once, in turn (an error that names the bytes, nothing lost, the next
 * call as good as before).
 * Linked with --wrap for the allocators, so that calls from the library come here; jansson's are only counted, because its
 * parser does not survive a failure. */
#include "engine_fixture.h"

#include <jansson.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);

static long countdown = -1; /* allocations until one fails; < 0: none does */
static long alive;          /* blocks not freed */
static size_t refused;      /* bytes of the one that failed */

static bool refuse(size_t n)
{
    if (countdown < 0 || countdown-- > 0) return false;
    refused = n;
    return true;
}

void *__wrap_malloc(size_t n)
{
    void *p = refuse(n) ? NULL : __real_malloc(n);
    alive += p != NULL;
    return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = refuse(n * size) ? NULL : __real_calloc(n, size);
    alive += p != NULL;
    return p;
}

void *__wrap_realloc(void *old, size_t n)
{
    void *p = refuse(n) ? NULL : __real_realloc(old, n);
    alive += p != NULL && !old;
    return p;
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    void *p = refuse(n) ? NULL : __real_aligned_alloc(align, n);
    alive += p != NULL;
    return p;
}

void __wrap_free(void *p)
{
    alive -= p != NULL;
    __real_free(p);
}

static void *count_malloc(size_t n)
{
    void *p = __real_malloc(n);
    alive += p != NULL;
    return p;
}

/* ---- every allocation fails ------------------------------------------------------------------------------------ */

#define FILE_NAME "test_memory.racah"

typedef struct outcome {
    double energy, forces[24];
} outcome;

/* Load, evaluate, write: everything that a program does with a model. */
static racah_status scenario(racah_precision precision, outcome *out, racah_error *err)
{
    const fixture_atoms a = fixture_structure(8, 5);
    racah_model *m = NULL;
    racah_calc *c = NULL;
    double virial[9], atom_virial[48], atom_energy[8];
    racah_close close[4];
    const racah_calc_options o = {.size = sizeof o, .precision = precision};
    racah_structure s = {.size = sizeof s, .threads = 2, .natoms = a.n, .positions = a.pos, .atomic_numbers = a.Z,
                         .cell = a.cell, .pbc = {1, 1, 1}, .energy = &out->energy, .forces = out->forces,
                         .virial = virial, .atom_virial = atom_virial, .atom_energy = atom_energy, .close = close};
    racah_status st = racah_model_load(&m, FILE_NAME, err);
    if (st == RACAH_OK) st = racah_calc_create(&c, m, &o, err);
    if (st == RACAH_OK) st = racah_compute(c, &s, err);
    if (st == RACAH_OK) st = racahi_model_save(m, "test_memory_out.racah", err);
    racah_calc_destroy(c);
    racah_model_destroy(m);
    return st;
}

static bool says_how_much(const char *message)
{
    return strstr(message, "bytes") && strpbrk(message, "0123456789");
}

static void test_each_failing_allocation_is_an_error_with_its_bytes(void **state)
{
    (void)state;
    racah_error err;
    json_set_alloc_funcs(count_malloc, __wrap_free); /* counted, for the library frees its texts; never refused */
    racahi_config cfg = fixture_config(RACAHI_W_PATH, 3, 2, 1, 3, 5);
    fixture_set_options(&cfg, 2);
    racah_model *m = fixture_model(&cfg, 8);
    const fixture_atoms a = fixture_structure(5, 3);
    double f[15] = {0}, w[9] = {0};
    m->training = racahi_strdup("{\"shortest_distance\": 1.2}");
    RACAH_ASSERT_OK(racahi_model_add_reference(m, a.n, a.Z, a.pos, a.cell, a.pbc, -1, f, w, &err));
    RACAH_ASSERT_OK(racahi_model_save(m, FILE_NAME, &err));
    racah_model_destroy(m);
    for (int precision = RACAH_DOUBLE; precision <= RACAH_SINGLE; precision++) {
        outcome good, bad;
        int wrong = 0;
        RACAH_ASSERT_OK(scenario((racah_precision)precision, &good, &err)); /* what starts once has started */
        const long before = alive;
        long n = 0;
        for (bool failing = true; failing; n++) {
            memset(&err, 0, sizeof err);
            memset(&bad, 0, sizeof bad);
            countdown = n;
            const racah_status st = scenario((racah_precision)precision, &bad, &err);
            failing = countdown < 0;
            countdown = -1;
            if (alive != before) fail_msg("allocation %ld (%zu bytes): %ld blocks lost", n, refused, alive - before);
            if (!failing) {
                assert_int_equal(st, RACAH_OK);
            } else if (st == RACAH_OK) { /* a cache that is no part of the result */
                assert_memory_equal(&bad, &good, sizeof good);
            } else if (st != RACAH_ENOMEM || !says_how_much(err.msg)) {
                print_error("allocation %ld (%zu bytes): status %d, '%s'\n", n, refused, st, err.msg);
                wrong++;
            }
        }
        print_message("%ld allocations, each failed once\n", n - 1);
        assert_true(n > 100);
        assert_int_equal(wrong, 0);
    }
    remove(FILE_NAME), remove("test_memory_out.racah");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_failing_allocation_is_an_error_with_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
