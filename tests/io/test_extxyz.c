/* SPDX-License-Identifier: MIT
 * Extended XYZ: what is read, and that writing and reading again gives the same. Bad input:
 * test_extxyz_malformed. */
#include "folder.h"
#include "support.h"

#include "../src/io/extxyz.h"

#include <locale.h>
#include <unistd.h>

static void parse(racahi_frames *f, const char *text)
{
    racah_error err;
    RACAH_ASSERT_OK(racahi_extxyz_parse(f, text, strlen(text), "t.xyz", &err));
}

static void test_extxyz_plain_frame(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "2\nLattice=\"4 0 0 0 5 0 0 0 6\" Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.5e1 "
              "pbc=\"T F T\" config_type=liquid config_weight=0.25\n"
              "Si 0 0.5 -1e-1 1 2 3\nO +1. .5 2 -1 -2 -3\n");
    assert_int_equal(f.n, 1);
    assert_string_equal(f.path, "t.xyz");
    assert_false(f.used_ref_keys);
    const racahi_frame *p = f.f;
    const double pos[6] = {0, 0.5, -0.1, 1, 0.5, 2}, forces[6] = {1, 2, 3, -1, -2, -3};
    const double cell[9] = {4, 0, 0, 0, 5, 0, 0, 0, 6};
    assert_int_equal(p->n, 2);
    assert_int_equal(p->line, 1);
    assert_int_equal(p->Z[0], 14);
    assert_int_equal(p->Z[1], 8);
    assert_memory_equal(p->pos, pos, sizeof pos);
    assert_memory_equal(p->forces, forces, sizeof forces);
    assert_memory_equal(p->cell, cell, sizeof cell);
    assert_true(p->has_cell && p->has_energy && !p->has_stress);
    assert_true(p->energy == -15 && p->weight == 0.25);
    assert_true(p->pbc[0] == 1 && p->pbc[1] == 0 && p->pbc[2] == 1);
    assert_string_equal(p->config_type, "liquid");
    racahi_frames_free(&f);
    racahi_frames_free(&f);
    racahi_frames_free(NULL);
}

static void test_extxyz_defaults_without_keys(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "1\n\nH 0 0 0\n\n  \n1\nLattice=\"1 0 0 0 1 0 0 0 1\"\nH 0 0 0");
    assert_int_equal(f.n, 2);
    assert_null(f.f[0].forces);
    assert_true(!f.f[0].has_energy && !f.f[0].has_cell && f.f[0].weight == 1);
    assert_string_equal(f.f[0].config_type, "");
    assert_int_equal(f.f[1].line, 6);
    for (int a = 0; a < 3; a++) assert_true(f.f[0].pbc[a] == 0 && f.f[1].pbc[a] == 1);
    assert_true(racahi_frame_is_isolated(&f.f[0]) && !racahi_frame_is_isolated(&f.f[1]));
    racahi_frames_free(&f);
}

static void test_extxyz_columns_in_any_order_with_extras(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "1\nProperties=tags:I:1:forces:R:3:label:S:2:pos:R:3:fixed:L:1:magmoms:R:1:species:S:1\n"
              "7 1 2 3 a b 4 5 6 T nan Cu\n");
    const double pos[3] = {4, 5, 6}, forces[3] = {1, 2, 3};
    assert_int_equal(f.f[0].Z[0], 29);
    assert_memory_equal(f.f[0].pos, pos, sizeof pos);
    assert_memory_equal(f.f[0].forces, forces, sizeof forces);
    racahi_frames_free(&f);
    parse(&f, "1\nProperties=numbers:I:1:pos:R:3\n92 0 0 0\n");
    assert_int_equal(f.f[0].Z[0], 92);
    racahi_frames_free(&f);
    parse(&f, "1\nProperties=Z:I:1:positions:R:3:species:S:1\n1 0 0 0 He\n"); /* the symbol decides */
    assert_int_equal(f.f[0].Z[0], 2);
    racahi_frames_free(&f);
}

static void test_extxyz_ref_names_win(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "1\nProperties=species:S:1:pos:R:3:REF_forces:R:3:forces:R:3 energy=1 REF_energy=2 "
              "stress=\"1 1 1 1 1 1 1 1 1\" REF_stress=\"2 0 0 0 2 0 0 0 2\"\nH 0 0 0 4 5 6 1 2 3\n");
    assert_true(f.used_ref_keys);
    assert_true(f.f[0].energy == 2 && f.f[0].forces[0] == 4 && f.f[0].forces[2] == 6);
    assert_true(f.f[0].stress[0] == 2 && f.f[0].stress[1] == 0);
    racahi_frames_free(&f);
    parse(&f, "1\nProperties=species:S:1:pos:R:3:forces:R:3:REF_forces:R:3 energy=1\nH 0 0 0 1 2 3 4 5 6\n");
    assert_true(f.used_ref_keys && f.f[0].energy == 1 && f.f[0].forces[1] == 5);
    racahi_frames_free(&f);
    parse(&f, "1\nProperties=species:S:1:pos:R:3:force:R:3 energy=1\nH 0 0 0 1 2 3\n");
    assert_true(!f.used_ref_keys && f.f[0].forces[1] == 2);
    racahi_frames_free(&f);
}

#define BOX "Lattice=\"2 0 0 1 3 0 0 5 4\" " /* volume 24 */

static void check_stress(const char *keys, const double want[9], bool from_virial)
{
    racahi_frames f;
    char text[1024];
    snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", keys);
    parse(&f, text);
    assert_true(f.f[0].has_stress);
    assert_int_equal(f.f[0].stress_from_virial, from_virial);
    for (int k = 0; k < 9; k++) RACAH_ASSERT_CLOSE_AT(k, f.f[0].stress[k], want[k], 0, 0);
    racahi_frames_free(&f);
}

static void test_extxyz_stress_and_virial(void **state)
{
    (void)state;
    const double full[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, voigt[9] = {1, 6, 5, 6, 2, 4, 5, 4, 3};
    /* virial = -dE/dstrain, stress = +(1/V) dE/dstrain: the sign changes; V = 24, so 24 -> -1 */
    const double minus[9] = {-1, -0.0, -0.0, -0.0, -2, -0.0, -0.0, -0.0, 3};
    const double minus_voigt[9] = {-1, -6, -5, -6, -2, -4, -5, -4, -3};
    check_stress(BOX "stress=\"1 2 3 4 5 6 7 8 9\"", full, false);
    check_stress(BOX "stress=\"1 2 3 4 5 6\"", voigt, false);
    check_stress(BOX "stress=[[1, 2, 3], [4, 5, 6], [7, 8, 9]]", full, false);
    check_stress(BOX "stress=\"[[1, 2, 3], [4, 5, 6], [7, 8, 9]]\"", full, false);
    check_stress(BOX "stress=\"_JSON [[1, 2, 3], [4, 5, 6], [7, 8, 9]]\"", full, false);
    check_stress(BOX "stress={1 2 3 4 5 6 7 8 9}", full, false);
    check_stress(BOX "virial=\"24 0 0 0 48 0 0 0 -72\"", minus, true);
    check_stress(BOX "virials=\"24 0 0 0 48 0 0 0 -72\"", minus, true);
    check_stress(BOX "REF_virial=\"24 0 0 0 48 0 0 0 -72\"", minus, true);
    check_stress(BOX "REF_virials='24 0 0 0 48 0 0 0 -72'", minus, true);
    check_stress(BOX "virial=\"24 48 72 96 120 144\"", minus_voigt, true);
    check_stress(BOX "virial=\"24 0 0 0 48 0 0 0 -72\" stress=\"1 2 3 4 5 6 7 8 9\"", full, false);
    check_stress(BOX "virial_stress=\"0 0 0 0 0 0\" stress=\"1 2 3 4 5 6 7 8 9\"", full, false);
    check_stress(BOX "REF_virial=\"24 0 0 0 48 0 0 0 -72\" stress=\"1 2 3 4 5 6 7 8 9\"", minus, true);
}

static void test_extxyz_comment_line_forms(void **state)
{
    (void)state;
    const struct {
        const char *comment, *type;
    } cases[] = {
        {"config_type=a", "a"},
        {"config_type=\"a b\"", "a b"},
        {"config_type='a \"b\"'", "a \"b\""},
        {"config_type=\"a \\\"b\\\" \\\\ c\"", "a \"b\" \\ c"},
        {"config_type=\"two\\nlines\"", "two\nlines"},
        {"config_type=\"\"", ""},
        {"config_type", ""},
        {"config_type = spaced", "spaced"},
        {"\"config_type\"=quoted_key", "quoted_key"},
        {"flag other_flag config_type=after_flags last_flag", "after_flags"},
        {"  \t config_type=tabs\t", "tabs"},
        {"config_type=a=b", "a=b"},
        {"info=\"config_type=no\" config_type=yes", "yes"},
        {"info={config_type=no} config_type=yes", "yes"},
        {"info=[[1, 2], [\"config_type=no ]\", 3]] config_type=yes", "yes"},
        {"info=[1, 2, [3, [4]]] config_type=yes", "yes"},
        {"info=\"_JSON {\\\"a\\\": [1, 2]}\" config_type=yes", "yes"},
        {"info=\"energy=nan\" my_energy=nan config_type=yes", "yes"},
        {"config_type=isolated_atom", "isolated_atom"},
        {"config_type=IsolatedAtom", "IsolatedAtom"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        racahi_frames f;
        char text[512];
        snprintf(text, sizeof text, "1\n%s\nH 0 0 0\n", cases[k].comment);
        parse(&f, text);
        assert_string_equal(f.f[0].config_type, cases[k].type);
        racahi_frames_free(&f);
    }
}

static void test_extxyz_pbc_forms(void **state)
{
    (void)state;
    const struct {
        const char *comment;
        int pbc[3];
    } cases[] = {
        {"pbc=\"T F T\"", {1, 0, 1}}, {"pbc=\"1 0 0\"", {1, 0, 0}}, {"pbc=[True, False, true]", {1, 0, 1}},
        {"pbc={T F F}", {1, 0, 0}},   {"pbc=F", {0, 0, 0}},         {"pbc=\"TRUE FALSE false\"", {1, 0, 0}},
        {"pbc", {1, 1, 1}},           {"PBC=\"F F T\"", {0, 0, 1}}, {"config_type=x", {1, 1, 1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        racahi_frames f;
        char text[512];
        snprintf(text, sizeof text, "1\nlattice=\"2 0 0 0 2 0 0 0 2\" %s\nH 0 0 0\n", cases[k].comment);
        parse(&f, text);
        for (int a = 0; a < 3; a++) assert_int_equal(f.f[0].pbc[a], cases[k].pbc[a]);
        racahi_frames_free(&f);
    }
}

static void test_extxyz_line_ends_and_byte_order_mark(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "\xef\xbb\xbf 1 \r\nenergy=-3\r\nH 1 2 3\r\n2\r\nenergy=4\r\nH 0 0 0\r\nO 0 0 1\r\n\r\n\r\n");
    assert_int_equal(f.n, 2);
    assert_true(f.f[0].energy == -3 && f.f[0].pos[2] == 3 && f.f[1].pos[5] == 1);
    assert_int_equal(f.f[1].line, 4);
    racahi_frames_free(&f);
}

/* Judged by what it is, not by its config_type. */
static void test_extxyz_isolated_atom(void **state)
{
    (void)state;
    racahi_frames f;
    parse(&f, "1\nconfig_type=anything pbc=\"F F F\"\nH 0 0 0\n"
              "1\nLattice=\"9 0 0 0 9 0 0 0 9\" pbc=\"F F F\"\nH 0 0 0\n"
              "1\nLattice=\"9 0 0 0 9 0 0 0 9\" config_type=isolated_atom\nH 0 0 0\n"
              "2\nconfig_type=isolated_atom\nH 0 0 0\nH 0 0 1\n");
    const bool want[4] = {true, true, false, false};
    for (int k = 0; k < 4; k++) assert_int_equal(racahi_frame_is_isolated(&f.f[k]), want[k]);
    racahi_frames_free(&f);
}

/* ---- writing ----------------------------------------------------------------------------- */

static char *write_frames(const racahi_frames *f, const racahi_frame_results *res, size_t *size)
{
    racah_error err;
    char *text = NULL;
    FILE *to = open_memstream(&text, size);
    assert_non_null(to);
    for (size_t k = 0; k < f->n; k++) RACAH_ASSERT_OK(racahi_extxyz_write(to, &f->f[k], res, &err));
    fclose(to);
    return text;
}

static void assert_frames_equal(const racahi_frame *a, const racahi_frame *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->Z, b->Z, a->n * sizeof *a->Z);
    assert_memory_equal(a->pos, b->pos, 3 * a->n * sizeof *a->pos);
    assert_int_equal(a->forces != NULL, b->forces != NULL);
    if (a->forces) assert_memory_equal(a->forces, b->forces, 3 * a->n * sizeof *a->forces);
    assert_int_equal(a->has_cell, b->has_cell);
    assert_memory_equal(a->cell, b->cell, sizeof a->cell);
    assert_memory_equal(a->pbc, b->pbc, sizeof a->pbc);
    assert_int_equal(a->has_energy, b->has_energy);
    assert_int_equal(a->has_stress, b->has_stress);
    assert_memory_equal(&a->energy, &b->energy, sizeof a->energy);
    assert_memory_equal(a->stress, b->stress, sizeof a->stress);
    assert_memory_equal(&a->weight, &b->weight, sizeof a->weight);
    assert_string_equal(a->config_type, b->config_type);
}

static void test_extxyz_write_then_read_gives_the_same_bits(void **state)
{
    (void)state;
    uint64_t seed = 5;
    racahi_frames f, g;
    racah_error err;
    size_t size;
    parse(&f,
          "3\nLattice=\"5.1 0.1 0.2 0 5 0 -3 0 4\" Properties=species:S:1:pos:R:3:forces:R:3 pbc=\"T T F\" "
          "config_type=\"a \\\"b\\\" \\\\c\\nd'e\" config_weight=0.1 energy=0.1 virial=\"1 2 3 4 5 6\"\n"
          "H 0 0 0 0 0 0\nC 1 1 1 1 1 1\nOg 2 2 2 2 2 2\n1\n\nHe 0 0 0\n");
    for (size_t k = 0; k < 9; k++) {
        f.f[0].pos[k] =
            ldexp(racah_test_normal(&seed), (int)(racah_test_next(&seed) % 40) - 20) + 9. * (double)k;
        f.f[0].forces[k] = ldexp(racah_test_normal(&seed), (int)(racah_test_next(&seed) % 1900) - 950);
    }
    f.f[0].energy = 0x1.fffffffffffffp-1022, f.f[0].cell[1] = -0x1p-1074, f.f[1].pos[0] = -0.0;
    char *text = write_frames(&f, NULL, &size);
    RACAH_ASSERT_OK(racahi_extxyz_parse(&g, text, size, "again", &err));
    assert_int_equal(g.n, 2);
    for (int k = 0; k < 2; k++) assert_frames_equal(&f.f[k], &g.f[k]);
    assert_false(g.f[0].stress_from_virial);
    free(text);
    racahi_frames_free(&f);
    racahi_frames_free(&g);
}

static void test_extxyz_results_are_extra_columns_and_keys(void **state)
{
    (void)state;
    racahi_frames f, g;
    racah_error err;
    size_t size;
    const double energy = -1.25, forces[6] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6},
                 stress[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const racahi_frame_results res = {.energy = &energy, .forces = forces, .stress = stress};
    parse(&f, "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=7\nH 0 0 0 1 2 3\nO 0 0 1 4 5 6\n");
    char *text = write_frames(&f, &res, &size);
    assert_non_null(strstr(text, "Properties=species:S:1:pos:R:3:forces:R:3:racah_forces:R:3"));
    assert_non_null(strstr(text, " energy=7 "));
    assert_non_null(strstr(text, " racah_energy=-1.25 "));
    assert_non_null(strstr(text, "racah_stress=\"1 2 3 4 5 6 7 8 9\""));
    assert_non_null(strstr(text, "0.40000000000000002"));
    RACAH_ASSERT_OK(racahi_extxyz_parse(&g, text, size, "again", &err));
    assert_frames_equal(&f.f[0], &g.f[0]);
    free(text);
    racahi_frames_free(&f);
    racahi_frames_free(&g);
}

/* Exactly what the shared data hold, through our own writer. */
static void test_extxyz_data_sets_round_trip(void **state)
{
    (void)state;
    const char *const files[] = {"acac_isolated.xyz", "si_test.xyz", "ge_train.xyz", "acac_train_300K.xyz"};
    const size_t frames[] = {3, 25, 228, 500};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        char path[1024];
        racahi_frames f, g;
        racah_error err;
        size_t size;
        snprintf(path, sizeof path, "%s/data/%s", RACAH_SHARED_DIR, files[k]);
        if (access(path, R_OK) != 0) skip();
        RACAH_ASSERT_OK(racahi_extxyz_read(&f, path, &err));
        assert_int_equal(f.n, frames[k]);
        char *text = write_frames(&f, NULL, &size);
        RACAH_ASSERT_OK(racahi_extxyz_parse(&g, text, size, "again", &err));
        assert_int_equal(f.n, g.n);
        for (size_t i = 0; i < f.n; i++) assert_frames_equal(&f.f[i], &g.f[i]);
        free(text);
        racahi_frames_free(&f);
        racahi_frames_free(&g);
    }
}

static void test_extxyz_writer_refuses_what_it_cannot_write(void **state)
{
    (void)state;
    racahi_frames f;
    racah_error err;
    char *text = NULL;
    size_t size = 0;
    const double bad[9] = {0, NAN, 0};
    FILE *to = open_memstream(&text, &size);
    parse(&f, "1\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\nH 0 0 0 0 0 0\n");
    const racahi_frame good = f.f[0];
    racahi_frame *p = f.f;
    double keep;
#define REFUSED(change, code, says)                                                                          \
    do {                                                                                                     \
        change;                                                                                              \
        assert_int_equal(racahi_extxyz_write(to, p, NULL, &err), code);                                      \
        if (!strstr(err.msg, says)) fail_msg("'%s' does not say '%s'", err.msg, says);                       \
    } while (0)
    REFUSED(p->Z[0] = 0, RACAH_EINVAL, "atomic number 0");
    p->Z[0] = 1, keep = p->pos[2];
    REFUSED(p->pos[2] = INFINITY, RACAH_ENUMERIC, "number 2 of the positions is inf");
    p->pos[2] = keep;
    REFUSED(p->forces[1] = NAN, RACAH_ENUMERIC, "number 1 of the forces is nan");
    p->forces[1] = 0;
    REFUSED(p->energy = NAN, RACAH_ENUMERIC, "energy");
    *p = good;
    const racahi_frame_results results[] = {{.energy = bad + 1}, {.forces = bad}, {.stress = bad}};
    const char *const names[] = {"racah_energy", "racah_forces", "racah_stress"};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(racahi_extxyz_write(to, p, &results[k], &err), RACAH_ENUMERIC);
        assert_non_null(strstr(err.msg, names[k]));
    }
    fflush(to);
    assert_int_equal(size, 0); /* nothing of a refused frame reaches the file */
    fclose(to);
    free(text);
    racahi_frames_free(&f);
}

static void test_extxyz_write_error_is_reported(void **state)
{
    (void)state;
    racahi_frames f;
    racah_error err;
    FILE *to = fopen("/dev/full", "w");
    if (!to) skip();
    parse(&f, "1\n\nH 0 0 0\n");
    assert_int_equal(racahi_extxyz_write(to, f.f, NULL, &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, "No space left"));
    fclose(to);
    racahi_frames_free(&f);
}

/* Makes a locale with a decimal comma with localedef and switches to it: none may be installed. */
static bool use_decimal_comma(void)
{
    char dir[64], command[256];
    if (folder_make(dir, sizeof dir, "/tmp/racah-locale") != 0) return false;
    snprintf(command, sizeof command, "%s/source", dir);
    FILE *f = fopen(command, "w");
    if (!f) return false;
    fputs("comment_char %\nescape_char /\nLC_NUMERIC\ndecimal_point \",\"\nthousands_sep \"\"\ngrouping -1\n"
          "END LC_NUMERIC\n",
          f);
    fclose(f);
    snprintf(command, sizeof command,
             "localedef --no-archive -c -i %s/source -f ANSI_X3.4-1968 %s/comma >/dev/null 2>&1", dir, dir);
    int made = system(command); /* warns, and returns 1, because all other categories are missing */
    setenv("LOCPATH", dir, 1);
    bool found = made != -1 && setlocale(LC_NUMERIC, "comma") != NULL;
    unsetenv("LOCPATH");
    return folder_remove(dir) == 0 && found;
}

/* A host program may have chosen a locale with a decimal comma. */
static void test_extxyz_numbers_do_not_depend_on_the_locale(void **state)
{
    (void)state;
    racahi_frames f;
    size_t size;
    char shown[8];
    if (!use_decimal_comma()) {
        print_message("localedef cannot make a locale with a decimal comma here\n");
        skip();
    }
    snprintf(shown, sizeof shown, "%g", 1.5);
    assert_string_equal(shown, "1,5");
    parse(&f, "1\nenergy=-1.5\nH 0.25 1.5e1 2\n");
    assert_true(f.f[0].energy == -1.5 && f.f[0].pos[0] == 0.25 && f.f[0].pos[1] == 15);
    char *text = write_frames(&f, NULL, &size);
    snprintf(shown, sizeof shown, "%g", 1.5);
    assert_string_equal(shown, "1,5"); /* the caller's locale is as it was */
    setlocale(LC_NUMERIC, "C");
    assert_non_null(strstr(text, "energy=-1.5 "));
    assert_non_null(strstr(text, " 0.25 "));
    free(text);
    racahi_frames_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extxyz_plain_frame),
        cmocka_unit_test(test_extxyz_defaults_without_keys),
        cmocka_unit_test(test_extxyz_columns_in_any_order_with_extras),
        cmocka_unit_test(test_extxyz_ref_names_win),
        cmocka_unit_test(test_extxyz_stress_and_virial),
        cmocka_unit_test(test_extxyz_comment_line_forms),
        cmocka_unit_test(test_extxyz_pbc_forms),
        cmocka_unit_test(test_extxyz_line_ends_and_byte_order_mark),
        cmocka_unit_test(test_extxyz_isolated_atom),
        cmocka_unit_test(test_extxyz_write_then_read_gives_the_same_bits),
        cmocka_unit_test(test_extxyz_results_are_extra_columns_and_keys),
        cmocka_unit_test(test_extxyz_data_sets_round_trip),
        cmocka_unit_test(test_extxyz_writer_refuses_what_it_cannot_write),
        cmocka_unit_test(test_extxyz_write_error_is_reported),
        cmocka_unit_test(test_extxyz_numbers_do_not_depend_on_the_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
