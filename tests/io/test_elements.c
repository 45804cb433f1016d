/* SPDX-License-Identifier: MIT
 * Table of the elements. */
#include "support.h"

#include "../src/io/extxyz.h"
#include "../src/racah.h"

#include <ctype.h>

static void test_elements_symbol_and_number_are_inverse(void **state)
{
    (void)state;
    for (int Z = 1; Z <= 118; Z++) {
        const char *s = racahi_element_symbol(Z);
        assert_non_null(s);
        assert_true(isupper((unsigned char)s[0]) && strlen(s) <= 2);
        assert_int_equal(racahi_element_number(s), Z);
        assert_true(racah_element_symbol(Z) == s);
        assert_int_equal(racah_element_number(s), Z);
    }
}

static void test_elements_out_of_range_is_unknown(void **state)
{
    (void)state;
    const int outside[] = {-2147483647 - 1, -1, 0, 119, 2147483647};
    const char *const names[] = {"", "X", "si", "SI", "Si ", " Si", "D", "Uue", "1", "Sii"};
    for (size_t k = 0; k < sizeof outside / sizeof *outside; k++) {
        assert_null(racahi_element_symbol(outside[k]));
        assert_true(racahi_element_mass(outside[k]) == 0);
        assert_null(racah_element_symbol(outside[k]));
        assert_true(racah_element_mass(outside[k]) == 0);
    }
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        assert_int_equal(racahi_element_number(names[k]), 0);
    assert_int_equal(racahi_element_number(NULL), 0);
}

/* Numbers and masses of elements across the table, typed in from the periodic table independently of
 * elements.c. */
static void test_elements_known_values(void **state)
{
    (void)state;
    const struct {
        const char *symbol;
        int Z;
        double mass;
    } known[] = {{"H", 1, 1.008},    {"C", 6, 12.011},    {"O", 8, 15.999},    {"Si", 14, 28.085},
                 {"Ar", 18, 39.95},  {"Fe", 26, 55.845},  {"Cu", 29, 63.546},  {"Ge", 32, 72.63},
                 {"Mo", 42, 95.95},  {"Ag", 47, 107.868}, {"Xe", 54, 131.293}, {"Ba", 56, 137.327},
                 {"Lu", 71, 174.97}, {"Hf", 72, 178.49},  {"W", 74, 183.84},   {"Au", 79, 196.967},
                 {"Pb", 82, 207.2},  {"Rn", 86, 222},     {"U", 92, 238.029},  {"Og", 118, 294}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        assert_int_equal(racah_element_number(known[k].symbol), known[k].Z);
        /* five digits: the table is the abridged one */
        RACAH_ASSERT_CLOSE_AT(known[k].Z, racah_element_mass(known[k].Z), known[k].mass, 0, 5e-5);
    }
}

/* Typed in from Cordero et al. (2008), table 2. */
static void test_elements_known_radii(void **state)
{
    (void)state;
    const struct {
        int Z;
        double radius;
    } known[] = {{1, 0.31},  {6, 0.76},  {8, 0.66},  {14, 1.11}, {26, 1.32}, {32, 1.20},
                 {42, 1.54}, {55, 2.44}, {79, 1.36}, {82, 1.46}, {96, 1.69}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        RACAH_ASSERT_CLOSE_AT(known[k].Z, racahi_element_radius(known[k].Z), known[k].radius, 0, 1e-15);
    RACAH_ASSERT_CLOSE(racahi_element_radius(97), 0.2, 0, 0);
    RACAH_ASSERT_CLOSE(racahi_element_radius(0), 0, 0, 0);
    RACAH_ASSERT_CLOSE(racahi_element_radius(119), 0, 0, 0);
}

/* Masses grow with Z except at the known inversions; a swapped or mistyped row breaks this. */
static void test_elements_masses_grow(void **state)
{
    (void)state;
    const int inverted[] = {18, 27, 52, 90, 92};
    for (int Z = 1; Z < 103; Z++) {
        bool known = false;
        for (size_t k = 0; k < sizeof inverted / sizeof *inverted; k++) known = known || inverted[k] == Z;
        double step = racah_element_mass(Z + 1) - racah_element_mass(Z);
        /* Pu-Am and Cm-Bk: mass numbers of the longest-lived isotopes (244, 243; 247, 247) */
        if (Z == 94)
            assert_true(step == -1);
        else if (Z == 96)
            assert_true(step == 0);
        else if (known)
            assert_true(step < 0);
        else
            assert_true(step > 0 && step < 13.5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_symbol_and_number_are_inverse),
        cmocka_unit_test(test_elements_out_of_range_is_unknown),
        cmocka_unit_test(test_elements_known_values),
        cmocka_unit_test(test_elements_known_radii),
        cmocka_unit_test(test_elements_masses_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
