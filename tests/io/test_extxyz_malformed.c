/* SPDX-License-Identifier: MIT
 * Extended XYZ: everything that must be refused, with its line. */
#include "support.h"

#include "../src/io/extxyz.h"

#include <unistd.h>

#define H "H 0 0 0\n"
#define BOX "Lattice=\"3 0 0 0 3 0 0 0 3\" "
#define F "Properties=species:S:1:pos:R:3:forces:R:3"

typedef struct bad {
    size_t line;
    const char *text, *says;
} bad;

static const bad cases[] = {
    /* number of atoms */
    {1, "", "no frame"},
    {3, "\n \r\n\t\n", "no frame"},
    {1, "x\n\n" H, "number of atoms: found 'x'"},
    {1, "-1\n\n" H, "number of atoms: found '-1'"},
    {1, "1.0\n\n" H, "number of atoms: found '1.0'"},
    {1, "+1\n\n" H, "number of atoms: found '+1'"},
    {1, "1 2\n\n" H, "found '2' behind it"},
    {1, "0\n\n", "found 0, wanted at least 1"},
    {1, "99999999999999999999999\n\n" H, "number of atoms"},
    {3, "18446744073709551615\n\n" H,
     "ends after 1 atoms of the frame of line 1, wanted 18446744073709551615"},
    {3, "1000000000000\n\n" H, "ends after 1 atoms"},
    {1, "1", "ends before the comment line"},
    {1, "1\n", "ends before the comment line"},
    {2, "1\nenergy=1", "ends after 0 atoms"},
    /* short and long frames */
    {3, "2\n\n" H, "ends after 1 atoms of the frame of line 1, wanted 2"},
    {6, "1\n\n" H "2\n\n" H, "ends after 1 atoms of the frame of line 4, wanted 2"},
    {4, "2\n\n" H "1\n\n" H, "1 columns in the line of atom 2 of the frame, wanted 4"},
    {4, "2\n\n" H "\n" H, "0 columns in the line of atom 2 of the frame, wanted 4"},
    {4, "1\n\n" H H, "number of atoms: found 'H'"},
    {6, "1\n\n" H "\n\n" H, "number of atoms: found 'H'"},
    {3, "1\n\nH 0 0\n", "3 columns"},
    {3, "1\n\nH 0 0 0 0\n", "5 columns"},
    {3, "1\n" F "\nH 0 0 0 1 2\n", "6 columns in the line of atom 1 of the frame, wanted 7"},
    {3, "1\n" F "\nH 0 0 0 1 2 3 4\n", "8 columns"},
    {3, "1\nProperties=tags:I:3:species:S:1:pos:R:3\nH 0 0 0\n", "4 columns"},
    /* species */
    {3, "1\n\nXx 0 0 0\n", "unknown species 'Xx'"},
    {3, "1\n\nh 0 0 0\n", "unknown species 'h'"},
    {3, "1\n\nSI 0 0 0\n", "unknown species 'SI'"},
    {3, "1\n\nX 0 0 0\n", "unknown species 'X'"},
    {3, "1\n\n14 0 0 0\n", "unknown species '14'"},
    {3, "1\n\nHydrogen 0 0 0\n", "unknown species 'Hydrogen'"},
    {4, "2\n\nH 0 0 0\nH2 0 0 1\n", "unknown species 'H2'"},
    {3, "1\nProperties=Z:I:1:pos:R:3\n0 0 0 0\n", "unknown species '0'"},
    {3, "1\nProperties=Z:I:1:pos:R:3\n119 0 0 0\n", "unknown species '119'"},
    {3, "1\nProperties=Z:I:1:pos:R:3\nH 0 0 0\n", "atomic number: found 'H'"},
    {3, "1\nProperties=Z:I:1:pos:R:3\n-1 0 0 0\n", "atomic number: found '-1'"},
    /* numbers */
    {3, "1\n\nH nan 0 0\n", "position x: found 'nan'"},
    {3, "1\n\nH 0 inf 0\n", "position y: found 'inf'"},
    {3, "1\n\nH 0 0 -Infinity\n", "position z: found '-Infinity'"},
    {3, "1\n\nH 5.0abc 0 0\n", "found '5.0abc'"},
    {3, "1\n\nH 5,0 0 0\n", "found '5,0'"},
    {3, "1\n\nH 1e400 0 0\n", "'1e400' is out of the range"},
    {3, "1\n\nH -1e400 0 0\n", "'-1e400' is out of the range"},
    {3, "1\n\nH 0x10 0 0\n", "found '0x10'"},
    {3, "1\n\nH 1.0D0 0 0\n", "found '1.0D0'"},
    {3, "1\n\nH 1e 0 0\n", "found '1e'"},
    {3, "1\n\nH 1e+ 0 0\n", "found '1e+'"},
    {3, "1\n\nH . 0 0\n", "found '.'"},
    {3, "1\n\nH - 0 0\n", "found '-'"},
    {3, "1\n\nH +-1 0 0\n", "found '+-1'"},
    {3, "1\n\nH 1.2.3 0 0\n", "found '1.2.3'"},
    {3, "1\n\nH *** 0 0\n", "found '***'"},
    {3, "1\n\nH 1\xc3\xa9 0 0\n", "found '1?\?'"},
    {4, "2\n" F "\nH 0 0 0 1 2 3\nH 0 0 1 1 nan 3\n", "force y: found 'nan'"},
    {3, "1\n" F "\nH 0 0 0 1e999 2 3\n", "force x"},
    {2, "1\nenergy=nan\n" H, "energy: found 'nan'"},
    {2, "1\nenergy=-inf\n" H, "energy: found '-inf'"},
    {2, "1\nenergy=1e400\n" H, "energy: '1e400' is out of the range"},
    {2, "1\nenergy=5.0abc\n" H, "energy: found '5.0abc'"},
    {2, "1\nenergy=5,0\n" H, "energy: found '5,0'"},
    {2, "1\nenergy=\"1 2\"\n" H, "energy: 2 numbers, wanted 1"},
    {2, "1\nenergy=\"\"\n" H, "energy: 0 numbers, wanted 1"},
    {2, "1\nenergy\n" H, "energy: 0 numbers, wanted 1"},
    {2, "1\nenergy=T\n" H, "energy: found 'T'"},
    {2, "1\nenergy=None\n" H, "energy: found 'None'"},
    {2, "1\nREF_energy=nan energy=1\n" H, "REF_energy: found 'nan'"},
    {2, "1\nconfig_weight=x\n" H, "config_weight: found 'x'"},
    {2, "1\nconfig_weight=-1\n" H, "config_weight: found -1"},
    {5, "1\nenergy=1\n" H "1\nenergy=nan\n" H, "energy: found 'nan'"},
    {5, "1\r\nenergy=1\r\nH 0 0 0\r\n1\r\nenergy=nan\r\nH 0 0 0\r\n", "energy: found 'nan'"},
    /* cell and pbc */
    {2, "1\nLattice=\"3 0 0 0 3 0 0 0\"\n" H, "Lattice: 8 numbers, wanted 9"},
    {2, "1\nLattice=\"3 0 0 0 3 0 0 0 3 0\"\n" H, "Lattice: 10 numbers, wanted 9"},
    {2, "1\nLattice=\"3 3 3\"\n" H, "Lattice: 3 numbers, wanted 9"},
    {2, "1\nLattice=3 0 0 0 3 0 0 0 3\n" H, "Lattice: 1 numbers, wanted 9"},
    {2, "1\nLattice=\"3 0 0 0 x 0 0 0 3\"\n" H, "Lattice: found 'x'"},
    {2, "1\nLattice=\"3 0 0 0 nan 0 0 0 3\"\n" H, "Lattice: found 'nan'"},
    {2, "1\nLattice=\"3,0,0,0,3,0,0,0,3\"\n" H, "Lattice: found '3,0,0,0,3,0,0,0,3'"},
    {2, "1\nLattice=\"3 0 0 0 3 0 0 0 0\"\n" H, "Lattice: vector 3"},
    {2, "1\nLattice=\"3 0 0 0 3 0 3 3 0\"\n" H, "Lattice: vector 3"},
    {2, "1\nLattice=\"3 0 0 6 0 0 0 0 3\" pbc=\"T T F\"\n" H, "Lattice: vector 2"},
    {2, "1\npbc=\"T T T\"\n" H, "there is no Lattice"},
    {2, "1\npbc=\"F F T\"\n" H, "there is no Lattice"},
    {2, "1\n" BOX "pbc=\"T T\"\n" H, "pbc: 2 values, wanted three"},
    {2, "1\n" BOX "pbc=\"T T T T\"\n" H, "pbc: more than three values"},
    {2, "1\n" BOX "pbc=\"\"\n" H, "pbc: 0 values"},
    {2, "1\n" BOX "pbc=\"T T X\"\n" H, "pbc: found 'X', wanted T or F"},
    {2, "1\n" BOX "pbc=\"T,T,T\"\n" H, "pbc: found 'T,T,T'"},
    {2, "1\n" BOX "pbc=\"2 1 1\"\n" H, "pbc: found '2'"},
    /* stress and virial */
    {2, "1\n" BOX "stress=\"1 2 3\"\n" H, "stress: 3 numbers, wanted 9 or 6"},
    {2, "1\n" BOX "stress=\"1 2 3 4 5 6 7\"\n" H, "stress: 7 numbers"},
    {2, "1\n" BOX "stress=\"1 2 3 4 5 nan\"\n" H, "stress: found 'nan'"},
    {2, "1\n" BOX "REF_stress=\"1 2 3 4 5 6 7 8 9 10\"\n" H, "REF_stress: 10 numbers"},
    {2, "1\n" BOX "virial=\"1 2 3 4 5 6 7 8 inf\"\n" H, "virial: found 'inf'"},
    {2, "1\nvirial=\"1 2 3 4 5 6\"\n" H, "virial needs a Lattice with a volume"},
    {2, "1\nLattice=\"0 0 0 0 0 0 0 0 0\" pbc=\"F F F\" REF_virial=\"1 2 3 4 5 6\"\n" H,
     "REF_virial needs a Lattice"},
    {2, "1\nLattice=\"1e-100 0 0 0 1e-100 0 0 0 1e-100\" pbc=F virial=\"1e200 2 3 4 5 6\"\n" H,
     "out of range"},
    /* Properties */
    {2, "1\nProperties=species:S:1\n" H, "no pos:R:3"},
    {2, "1\nProperties=pos:R:3\n" H, "no species:S:1"},
    {2, "1\nProperties=\n" H, "no value after 'Properties='"},
    {2, "1\nProperties=\"\"\n" H, "no species"},
    {2, "1\nProperties=species:S:1:pos:R\n" H, "'pos' is incomplete"},
    {2, "1\nProperties=species:S:1:pos\n" H, "'pos' is incomplete"},
    {2, "1\nProperties=species:S:1::R:3\n" H, "is incomplete"},
    {2, "1\nProperties=species:S:1:pos:R:2\n" H, "pos is R:2, wanted R:3"},
    {2, "1\nProperties=species:S:1:pos:I:3\n" H, "pos is I:3, wanted R:3"},
    {2, "1\nProperties=species:I:1:pos:R:3\n" H, "species is I:1, wanted S:1"},
    {2, "1\nProperties=species:S:1:pos:R:3:forces:R:1\n" H, "forces is R:1"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:Q:1\n" H, "type 'Q'"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:II:1\n" H, "type 'II'"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:I:0\n" H, "0 columns of 'tag'"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:I:-1\n" H, "found '-1'"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:I:99999999999999999999\n" H, "number of columns"},
    {2, "1\nProperties=species:S:1:pos:R:3:tag:I:10001\n" H, "10001 columns"},
    {2, "1\nProperties=species:S:1:pos:R:3:pos:R:3\n" H, "second column for pos"},
    {2, "1\nProperties=species:S:1:pos:R:3:positions:R:3\n" H, "second column for positions"},
    {2, "1\nProperties=species:S:1:pos:R:3:forces:R:3:force:R:3\n" H, "second column for force"},
    /* comment line */
    {2, "1\nenergy=1 energy=2\n" H, "energy is given twice"},
    {2, "1\nLattice=\"3 0 0 0 3 0 0 0 3\" lattice=\"4 0 0 0 4 0 0 0 4\"\n" H, "Lattice is given twice"},
    {2, "1\nconfig_type=\"a\n" H, "is not closed"},
    {2, "1\nconfig_type='a b\n" H, "is not closed"},
    {2, "1\nconfig_type=\"a\\\"\n" H, "is not closed"},
    {2, "1\ninfo=[1, [2]\n" H, "bracket opened"},
    {2, "1\ninfo={1 2\n" H, "bracket opened"},
    {2, "1\ninfo=[\"]\n" H, "bracket opened"},
    {2, "1\n\"key=1\n" H, "is not closed"},
    {2, "1\n=5\n" H, "no key before '=5'"},
    {2, "1\nenergy=1 =5\n" H, "no key before '=5'"},
    {2, "1\nenergy=\n" H, "no value after 'energy='"},
    {2, "1\nconfig_type=\"a\"b\n" H, "right after the value of 'config_type'"},
    {2, "1\ninfo=[1]2\n" H, "right after the value of 'info'"},
    /* coincident atoms, in any order along x */
    {5, "3\n\nH 0 0 0\nH 5 0 0\nO 0 0 0.0009\n", "that of line 3 are 0.0009 A apart"},
    {4, "2\n\nH 1 1 1\nH 1 1 1\n", "that of line 3 are 0 A apart"},
    {5, "3\n\nH 0 0 2\nH 0.0005 0 0\nH 0 0.0001 0\n", "that of line 4"},
};

static void test_extxyz_malformed_input_is_refused_with_its_line(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const bad *c = &cases[k];
        racahi_frames f;
        racah_error err = {0};
        char where[64];
        size_t size = strlen(c->text);
        /* an exact copy, so that a sanitizer sees the first byte read behind the end */
        char *text = malloc(size ? size : 1);
        memcpy(text, c->text, size);
        racah_status status = racahi_extxyz_parse(&f, text, size, "some/file.xyz", &err);
        snprintf(where, sizeof where, "some/file.xyz:%zu: ", c->line);
        if (status != RACAH_EFORMAT || err.code != RACAH_EFORMAT ||
            strncmp(err.msg, where, strlen(where)) != 0 || !strstr(err.msg, c->says))
            fail_msg("case %zu: status %d, message '%s', wanted '%s...%s'", k, status, err.msg, where,
                     c->says);
        assert_true(f.n == 0 && f.f == NULL && f.path == NULL && f.cap == 0);
        assert_int_equal(racahi_extxyz_parse(&f, text, size, "some/file.xyz", NULL), RACAH_EFORMAT);
        free(text);
    }
}

static void test_extxyz_zero_byte_is_refused(void **state)
{
    (void)state;
    racahi_frames f;
    racah_error err;
    const char text[] = "1\nconfig_type=a\0b\nH 0 0 0\n";
    assert_int_equal(racahi_extxyz_parse(&f, text, sizeof text - 1, "z.xyz", &err), RACAH_EFORMAT);
    assert_string_equal(err.msg, "z.xyz:2: a zero byte, wanted text");
    assert_int_equal(racahi_extxyz_parse(&f, NULL, 0, "z.xyz", &err), RACAH_EFORMAT);
}

/* A file cut anywhere is refused, or the cut leaves whole frames and at most a shorter last number. */
static void test_extxyz_every_truncation_is_safe(void **state)
{
    (void)state;
    const char *whole =
        "2\nLattice=\"9 0 0 0 9 0 0 0 9\" " F " energy=-1 config_type=\"a \\\" b\" info=[[1, 2], 3]\n"
        "H 0 0 0 1 2 3\nO 0 0 1 4 5 6\n1\nenergy=1\nHe 0 0 0\n";
    size_t size = strlen(whole), accepted = 0, first = (size_t)(strstr(whole, "4 5 6") - whole) + 5;
    for (size_t n = 0; n <= size; n++) {
        racahi_frames f;
        racah_error err;
        char *text = malloc(n ? n : 1);
        memcpy(text, whole, n);
        racah_status status = racahi_extxyz_parse(&f, text, n, "cut", &err);
        if (n < first) assert_int_equal(status, RACAH_EFORMAT);
        if (status == RACAH_OK) {
            accepted++;
            assert_int_equal(f.n, n < size - 1 ? 1 : 2);
        }
        racahi_frames_free(&f);
        free(text);
    }
    /* after the first frame with and without its line end, after the second the same */
    assert_int_equal(accepted, 4);
}

static void test_extxyz_unreadable_files(void **state)
{
    (void)state;
    racahi_frames f;
    racah_error err;
    assert_int_equal(racahi_extxyz_read(&f, "no/such/file.xyz", &err), RACAH_EIO);
    assert_string_equal(err.msg, "no/such/file.xyz: cannot open it (No such file or directory)");
    assert_true(f.n == 0 && f.f == NULL);
    assert_int_equal(racahi_extxyz_read(&f, "/", &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, "Is a directory"));
    assert_int_equal(racahi_extxyz_read(&f, NULL, &err), RACAH_EINVAL);
}

static void test_extxyz_reads_from_a_pipe(void **state)
{
    (void)state;
    racahi_frames f;
    racah_error err;
    int ends[2];
    char path[64];
    if (access("/dev/fd/0", F_OK) != 0) skip();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "1\nenergy=3\nH 0 0 0\n", 19), 19);
    close(ends[1]);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    RACAH_ASSERT_OK(racahi_extxyz_read(&f, path, &err));
    assert_true(f.n == 1 && f.f[0].energy == 3);
    racahi_frames_free(&f);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extxyz_malformed_input_is_refused_with_its_line),
        cmocka_unit_test(test_extxyz_zero_byte_is_refused),
        cmocka_unit_test(test_extxyz_every_truncation_is_safe),
        cmocka_unit_test(test_extxyz_unreadable_files),
        cmocka_unit_test(test_extxyz_reads_from_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
