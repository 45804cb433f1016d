/* SPDX-License-Identifier: MIT
 * Bad input through the command itself, as a user meets it: the exit code, a message that names file and line
 * or tensor, nothing on standard output but tables already shown, and no file written. The readers' own tests
 * (tests/io, tests/model, tests/train) know many more cases; these show that each kind arrives. */
#include "cli_support.h"

#include "../../src/io/safetensors.h"

#include <unistd.h>

#define FORCES "Properties=species:S:1:pos:R:3:forces:R:3"
#define PLAIN "Properties=species:S:1:pos:R:3"

/* Must end with this exit code, `says` in its messages, and without the file cli_result. */
static void expect(int code, const char *says, const char *arguments)
{
    remove("cli_result");
    cli_expect(code, says, arguments);
    if (access("cli_result", F_OK) == 0) fail_msg("racah %s: a result was written", arguments);
    assert_int_not_equal(system("ls cli_result.* >/dev/null 2>&1"), 0);
}

static int cases;

/* ---- extended XYZ
 * ---------------------------------------------------------------------------------------------- */

static void test_bad_frames_are_refused_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "cli_bad.xyz:1: "},
        {"x\n\nSi 0 0 0\n", "cli_bad.xyz:1: number of atoms: found 'x'"},
        {"0\n\n", "cli_bad.xyz:1: "},
        {"99999999999999\n\nSi 0 0 0\n", "cli_bad.xyz:3: "},
        {"2\n\nSi 0 0 0\n", "cli_bad.xyz:3: the file ends after 1 atoms of the frame of line 1, wanted 2"},
        {"1\n\nSi 0 0 0\n2\n\nSi 0 0 0\n",
         "cli_bad.xyz:6: the file ends after 1 atoms of the frame of line 4, wanted 2"},
        {"1\n\nSi 0 0\n", "cli_bad.xyz:3: 3 columns"},
        {"1\n" FORCES "\nSi 0 0 0 1 2\n", "cli_bad.xyz:3: 6 columns"},
        {"1\n\nSi 0 0 0 7\n", "cli_bad.xyz:3: 5 columns"},
        {"1\nLattice=\"3 0 0 0 3 0 0 0\"\nSi 0 0 0\n", "cli_bad.xyz:2: Lattice: 8 numbers"},
        {"1\nLattice=\"3 0 0 0 3 0 0 0 0\"\nSi 0 0 0\n", "cli_bad.xyz:2: Lattice: vector 3"},
        {"1\nLattice=\"3 0 0 0 3 0 3 3 0\"\nSi 0 0 0\n", "cli_bad.xyz:2: Lattice: vector 3"},
        {"1\npbc=\"T T T\"\nSi 0 0 0\n", "cli_bad.xyz:2: "},
        {"1\n\nXx 0 0 0\n", "cli_bad.xyz:3: unknown species 'Xx'"},
        {"1\n\nsi 0 0 0\n", "cli_bad.xyz:3: unknown species 'si'"},
        {"1\n" PLAIN "\nCu 0 0 0\n",
         "cli_bad.xyz:1: frame 1 has Cu, which is not in the model (it has O Si)"},
        {"1\n\nSi nan 0 0\n", "cli_bad.xyz:3: position x: found 'nan'"},
        {"1\n\nSi 0 0 inf\n", "cli_bad.xyz:3: position z: found 'inf'"},
        {"1\n\nSi 5.0abc 0 0\n", "cli_bad.xyz:3: position x: found '5.0abc'"},
        {"1\n\nSi 0 5,0 0\n", "cli_bad.xyz:3: position y: found '5,0'"},
        {"1\n\nSi 0 0 1e400\n", "cli_bad.xyz:3: position z: '1e400' is out of the range"},
        {"1\nenergy=nan\nSi 0 0 0\n", "cli_bad.xyz:2: energy: found 'nan'"},
        {"1\nenergy=1 energy=2\nSi 0 0 0\n", "cli_bad.xyz:2: energy is given twice"},
        {"1\nconfig_type=\"a\nSi 0 0 0\n", "cli_bad.xyz:2: "},
        {"2\n" FORCES "\nSi 0 0 0 1 2 3\nSi 0 0 2 1 nan 3\n", "cli_bad.xyz:4: force y: found 'nan'"},
        {"1\nLattice=\"3 0 0 0 3 0 0 0 3\" stress=\"1 2 3\"\nSi 0 0 0\n", "cli_bad.xyz:2: stress: 3 numbers"},
        {"1\nvirial=\"1 2 3 4 5 6\"\nSi 0 0 0\n", "cli_bad.xyz:2: virial needs a Lattice"},
        {"1\nProperties=species:S:1\nSi\n", "cli_bad.xyz:2: Properties: no pos:R:3 column"},
        {"2\n\nSi 1 1 1\nO 1 1 1\n", "cli_bad.xyz:4: "}, /* two atoms in one place */
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++, cases++) {
        cli_write_file("cli_bad.xyz", bad[k].text);
        expect(3, bad[k].says, "eval " MODEL " cli_bad.xyz --out cli_result");
        expect(3, k == 15 ? "" : bad[k].says,
               k == 15 ? "eval " MODEL " cli_bad.xyz --json cli_result"
                       : "check " MODEL " cli_bad.xyz --json cli_result");
    }
    cli_write_file("cli_bad.yaml", "train_file: cli_bad.xyz\noutput: cli_result\nr_max: 4\n");
    expect(3, "cli_bad.xyz:4: ", "train cli_bad.yaml");
}

/* ---- models
 * ---------------------------------------------------------------------------------------------------- */

/* MODEL with its bytes at `at` replaced, cut to `size`. */
static void damage(size_t at, const void *by, size_t n, size_t size)
{
    static unsigned char bytes[1 << 20];
    FILE *f = fopen(MODEL, "rb");
    assert_non_null(f);
    const size_t all = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(all > 4096 && all < sizeof bytes && at + n <= all);
    memcpy(bytes + at, by, n);
    f = fopen("cli_bad.racah", "wb");
    assert_non_null(f);
    if (size > all) size = all;
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Where this text stands in the header of MODEL. */
static size_t place(const char *text)
{
    char *bytes = calloc(1, 65536);
    FILE *f = fopen(MODEL, "rb");
    assert_non_null(f);
    const size_t n = fread(bytes, 1, 65535, f);
    fclose(f);
    for (size_t k = 0; k < n; k++)
        if (!bytes[k]) bytes[k] = '.'; /* the length before the header */
    const char *at = strstr(bytes, text);
    if (!at) fail_msg("'%s' is not in the header", text);
    const size_t k = (size_t)(at - bytes);
    free(bytes);
    return k;
}

static void test_bad_models_are_refused_with_their_fault(void **state)
{
    (void)state;
    const size_t whole = 1 << 20;
    const struct {
        size_t at;
        const char *by;
        size_t n, size;
        const char *says;
    } bad[] = {
        {0, "", 0, 0, "cli_bad.racah: 0 bytes"},
        {0, "", 0, 5, "cli_bad.racah: 5 bytes"},
        {0, "", 0, 300, "cli_bad.racah: header length"},
        {0, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, whole, "cli_bad.racah: header length"},
        {0, "\1\0\0\0\0\0\0\0", 8, whole, "cli_bad.racah: header, byte"},
        {8, "[", 1, whole, "cli_bad.racah: the header does not begin with"},
        {0, "PK\3\4wrong", 9, whole, "cli_bad.racah: header length"},
        {place("\"data_offsets\":[0,") + 16, "8", 1, whole, "cli_bad.racah: tensor"},
        {place("\"F64\""), "\"F32\"", 5, whole, "cli_bad.racah: tensor"},
        {place("\"F64\""), "\"Q64\"", 5, whole, "cli_bad.racah: tensor"},
        {place("\"format\"") + 1, "farmat", 6, whole, "not a Racah model"},
        {place("\"format_version\":\"") + 18, "9", 1, whole,
         "format version 9 is newer than this release reads"},
        {place("\"architecture\":\"") + 16, "tacah", 5, whole, "this release has"},
        {place("\"sha256\":\"") + 10, "00000000", 8, whole, "do not match the SHA-256"},
        {place("channels"), "chanmels", 8, whole, "cli_bad.racah: "},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++, cases++) {
        damage(bad[k].at, bad[k].by, bad[k].n, bad[k].size);
        expect(3, bad[k].says, "eval cli_bad.racah " FRAMES " --out cli_result");
        expect(3, bad[k].says, "info cli_bad.racah --json cli_result");
    }
    /* cut in the data, one byte changed in the data, one too many */
    assert_int_equal(system("head -c -100 " MODEL " >cli_bad.racah"), 0);
    expect(3, "cli_bad.racah: tensor", "check cli_bad.racah --json cli_result");
    assert_int_equal(system("cp " MODEL " cli_bad.racah; printf x >>cli_bad.racah"), 0);
    expect(3, "after the last tensor", "check cli_bad.racah --json cli_result");
    expect(3, "cli_bad.racah", "import cli_bad.racah -o cli_result");
    expect(3, "Is a directory", "info . --json cli_result");
    expect(3, "cli_absent.racah: cannot open it",
           "bench model cli_absent.racah --box " FRAMES " --json cli_result");
    cases += 5;
}

/* A tensor that is not finite, written with the right hash. */
static void test_a_model_with_nan_is_refused_with_its_tensor(void **state)
{
    (void)state;
    racah_error err;
    racahi_st_writer *w;
    racahi_safetensors *f;
    RACAH_ASSERT_OK(racahi_safetensors_read(&f, MODEL, &err));
    RACAH_ASSERT_OK(racahi_st_writer_create(&w, &err));
    for (size_t k = 0; k < f->nmeta; k++)
        if (strcmp(f->meta_key[k], "sha256") != 0)
            RACAH_ASSERT_OK(racahi_st_writer_meta(w, f->meta_key[k], f->meta_value[k], &err));
    for (size_t k = 0; k < f->n; k++) {
        if (strcmp(f->t[k].name, "layer1.mix.l2") == 0) ((double *)f->t[k].data)[3] = NAN;
        RACAH_ASSERT_OK(racahi_st_writer_tensor(w, f->t[k].name, f->t[k].dtype, f->t[k].ndim, f->t[k].shape,
                                                f->t[k].data, &err));
    }
    RACAH_ASSERT_OK(racahi_st_writer_save(w, "cli_bad.racah", &err));
    racahi_st_writer_destroy(w);
    racahi_safetensors_free(f);
    expect(3, "cli_bad.racah: tensor \"layer1.mix.l2\" element 3 is not finite",
           "info cli_bad.racah --json cli_result");
    cases++;
}

/* ---- configurations
 * -------------------------------------------------------------------------------------------- */

static void test_bad_configurations_are_refused_with_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says; /* line 3 of the file */
    } bad[] = {
        {"chanels: 8", "cli_bad.yaml:3: unknown key \"chanels\"; the nearest known key is channels"},
        {"channels: 8.5", "cli_bad.yaml:3: channels: \"8.5\" is not an integer"},
        {"channels: 0", "cli_bad.yaml:3: channels: 0 is outside 1 .. 1024"},
        {"channels: many", "cli_bad.yaml:3: channels: \"many\" is not an integer"},
        {"r_max: 5.0abc", "cli_bad.yaml:3: r_max: \"5.0abc\" is not a number"},
        {"r_max: 5,0", "cli_bad.yaml:3: r_max: \"5,0\" is not a number"},
        {"r_max: 1e400", "cli_bad.yaml:3: r_max: 1e400 is too large for a number"},
        {"r_max: nan", "cli_bad.yaml:3: r_max: \"nan\" is not a number"},
        {"r_max: -5", "cli_bad.yaml:3: r_max: -5 is outside 0.5 .. 30"},
        {"r_max:", "cli_bad.yaml:3: r_max: no value"},
        {"r_max: [5]", "cli_bad.yaml:3: r_max: a single value is wanted, not a list"},
        {"weights: paths", "cli_bad.yaml:3: weights: \"paths\" is not one of path|degree|shared"},
        {"output: again", "cli_bad.yaml:3: output is given twice, first in line 2"},
        {"radial: {mlp: [64, x]}", "cli_bad.yaml:3: radial.mlp: \"x\" is not an integer"},
        {"radial: 8", "cli_bad.yaml:3: radial: a mapping of keys is wanted"},
        {"E0s: {Xx: 1}", "cli_bad.yaml:3: E0s: \"Xx\" is not a chemical symbol"},
        {"zbl: yes", "cli_bad.yaml:3: zbl: \"yes\" is not one of false|true"},
        {"l_hidden: 9", "cli_bad.yaml:3: l_hidden: 9 is outside"},
        {"stage_two: {start: 9999}", "cli_bad.yaml:3: stage_two.start = 9999 exceeds epochs"},
        {"\tlr: 3", "cli_bad.yaml:3: not YAML"},
        {"E0s: {Si: [1}", "cli_bad.yaml:3: not YAML"},
        {"valid_file: cli_absent.xyz", "cli_absent.xyz: cannot open it"},
        {"start_from: cli_absent.racah", "cli_absent.racah: cannot open it"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++, cases++) {
        char text[512];
        snprintf(text, sizeof text, "train_file: " FRAMES "\noutput: cli_result\n%s\n", bad[k].line);
        cli_write_file("cli_bad.yaml", text);
        expect(3, bad[k].says, "train cli_bad.yaml");
    }
    cli_write_file("cli_bad.yaml", "output: cli_result\n");
    expect(3, "cli_bad.yaml: train_file is missing", "train cli_bad.yaml");
    cli_write_file("cli_bad.yaml", "");
    expect(3, "cli_bad.yaml: the file is empty", "train cli_bad.yaml");
    cli_write_file("cli_bad.xyz", "2\n" PLAIN "\nSi 0 0 0\nSi 0 0 2\n"); /* no labels at all */
    cli_write_file("cli_bad.yaml", "train_file: cli_bad.xyz\noutput: cli_result\n");
    expect(1, "cli_bad.xyz", "train cli_bad.yaml");
    cases += 3;
}

/* ---- boxes
 * ----------------------------------------------------------------------------------------------------- */

static void test_bad_boxes_are_refused_with_file_and_line(void **state)
{
    (void)state;
    static const char good[] = "title\n\n1 atoms\n1 atom types\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
                               "Masses\n\n1 28.0855\n\nAtoms # atomic\n\n1 1 0 0 0\n";
    static const struct {
        const char *from, *to, *says;
    } bad[] = {
        {"1 atoms", "x atoms", "cli_bad.data:3: "},
        {"1 atoms", "1000000 atoms", "cli_bad.data:3: "},
        {"0 9 xlo", "9 0 xlo", "cli_bad.data:5: "},
        {"0 9 ylo", "0 nan ylo", "cli_bad.data:6: "},
        {"1 28.0855", "1 heavy", "cli_bad.data:11: "},
        {"1 28.0855", "1 99", "type 1 has the mass of no element of the model"},
        {"# atomic", "# sphere", "cli_bad.data:13: "},
        {"1 1 0 0 0", "1 7 0 0 0", "cli_bad.data:15: "},
        {"1 1 0 0 0", "1 1 0 0 1e400", "cli_bad.data:15: "},
        {"1 1 0 0 0", "", "cli_bad.data:"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++, cases++) {
        char text[512];
        const char *at = strstr(good, bad[k].from);
        assert_non_null(at);
        snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, bad[k].to, at + strlen(bad[k].from));
        cli_write_file("cli_bad.data", text);
        expect(3, bad[k].says, "bench model " MODEL " --box cli_bad.data --json cli_result");
    }
}

static void test_there_were_enough_cases(void **state)
{
    (void)state;
    print_message("%d bad inputs, each with its exit code and message, nothing written\n", cases);
    assert_true(cases >= 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_frames_are_refused_with_file_and_line),
        cmocka_unit_test(test_bad_models_are_refused_with_their_fault),
        cmocka_unit_test(test_a_model_with_nan_is_refused_with_its_tensor),
        cmocka_unit_test(test_bad_configurations_are_refused_with_file_and_line),
        cmocka_unit_test(test_bad_boxes_are_refused_with_file_and_line),
        cmocka_unit_test(test_there_were_enough_cases),
    };
    return cmocka_run_group_tests(tests, cli_make_files, NULL);
}
