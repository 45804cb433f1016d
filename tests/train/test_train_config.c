/* SPDX-License-Identifier: MIT */
#include "train_support.h"

#include <stdbool.h>

/* Status and message of parsing `text`; the configuration must be absent on failure. */
static racah_status parse(const char *text, racah_error *err)
{
    racahi_train_config *cfg = (racahi_train_config *)1;
    racah_status st = racahi_train_config_parse(&cfg, text, strlen(text), "c.yaml", err);
    assert_true((st == RACAH_OK) == (cfg != NULL));
    racahi_train_config_destroy(cfg);
    return st;
}

static void test_train_config_bad_text_names_line_and_wish(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "c.yaml: the file is empty"},
        {"# only a comment\n", "c.yaml: the file is empty"},
        {"- a\n- b\n", "c.yaml:1: lines of \"key: value\" are wanted"},
        {"channels: 8\n", "c.yaml: train_file is missing"},
        {"train_file: a.xyz\nchanels: 8\n",
         "c.yaml:2: unknown key \"chanels\"; the nearest known key is channels"},
        {"train_file: a.xyz\nbogusword_xyz_123: 8\n", "c.yaml:2: unknown key \"bogusword_xyz_123\"; `racah"},
        {"train_file: a.xyz\nradial:\n  bessel: 8\n  cutof_p: 6\n",
         "c.yaml:4: unknown key \"radial.cutof_p\"; the nearest known key is radial.cutoff_p"},
        {"train_file: a.xyz\nbessel: 8\n",
         "c.yaml:2: unknown key \"bessel\"; the nearest known key is radial.bessel"},
        {"train_file: a.xyz\nradial.bessel: 8\n", "c.yaml:2: unknown key \"radial.bessel\""},
        {"train_file: a.xyz\nradial: 8\n", "c.yaml:2: radial: a mapping of keys is wanted"},
        {"train_file: a.xyz\nlr: 0.1\nepochs: 5\nlr: 0.2\n", "c.yaml:4: lr is given twice, first in line 2"},
        {"train_file: a.xyz\nr_max: 5.0abc\n", "c.yaml:2: r_max: \"5.0abc\" is not a number"},
        {"train_file: a.xyz\nr_max: 5,0\n", "c.yaml:2: r_max: \"5,0\" is not a number"},
        {"train_file: a.xyz\nr_max: 1e400\n", "c.yaml:2: r_max: 1e400 is too large for a number"},
        {"train_file: a.xyz\nr_max: nan\n", "c.yaml:2: r_max: \"nan\" is not a number"},
        {"train_file: a.xyz\nr_max: .inf\n", "c.yaml:2: r_max: \".inf\" is not a number"},
        {"train_file: a.xyz\nr_max: 0x10\n", "c.yaml:2: r_max: \"0x10\" is not a number"},
        {"train_file: a.xyz\nr_max: -5\n", "c.yaml:2: r_max: -5 is outside 0.5 .. 30"},
        {"train_file: a.xyz\nr_max:\n", "c.yaml:2: r_max: no value"},
        {"train_file: a.xyz\nr_max: ~\n", "c.yaml:2: r_max: no value"},
        {"train_file: a.xyz\nr_max: [5]\n", "c.yaml:2: r_max: a single value is wanted, not a list"},
        {"train_file: a.xyz\nr_max: {a: 5}\n", "c.yaml:2: r_max: a single value is wanted, not a mapping"},
        {"train_file: a.xyz\nchannels: 8.5\n", "c.yaml:2: channels: \"8.5\" is not an integer"},
        {"train_file: a.xyz\nchannels: 1e2\n", "c.yaml:2: channels: \"1e2\" is not an integer"},
        {"train_file: a.xyz\nchannels: 0\n", "c.yaml:2: channels: 0 is outside 1 .. 1024"},
        {"train_file: a.xyz\nchannels: 99999999999999999999\n",
         "c.yaml:2: channels: 99999999999999999999 is outside"},
        {"train_file: a.xyz\nweights: paths\n",
         "c.yaml:2: weights: \"paths\" is not one of path|degree|shared"},
        {"train_file: a.xyz\nweights: pat\n", "c.yaml:2: weights: \"pat\" is not one of path|degree|shared"},
        {"train_file: a.xyz\nmethod: so2\n", "c.yaml:2: method: this release trains with cg"},
        {"train_file: []\n", "c.yaml:1: train_file: the list is empty"},
        {"train_file: [a.xyz, b.xyz, a.xyz]\n", "c.yaml:1: train_file: a.xyz is listed twice"},
        {"train_file: {a: b}\n", "c.yaml:1: train_file: a single value is wanted, not a mapping"},
        {"train_file: \"\"\n", "c.yaml:1: train_file: empty text"},
        {"train_file: \"a\\0b\"\n", "c.yaml:1: train_file: the text contains a control character, byte 0x00"},
        {"train_file: \"a\\x7f\"\n",
         "c.yaml:1: train_file: the text contains a control character, byte 0x7f"},
        {"train_file: |\n  a.xyz\n", "c.yaml:1: train_file: the text contains a line break"},
        {"train_file: [a,\n  b\n\n  output:c]\n", "c.yaml:2: train_file: the text contains a line break"},
        {"train_file: a\nconfig_type_weights: {\"b\\nc\": 2}\n",
         "c.yaml:2: config_type_weights: the text contains a line break"},
        {"train_file: a.xyz\nradial: {mlp: 64}\n", "c.yaml:2: radial.mlp: \"64\" is not a list of integers"},
        {"train_file: a.xyz\nradial: {mlp: [64, x]}\n", "c.yaml:2: radial.mlp: \"x\" is not an integer"},
        {"train_file: a.xyz\nradial: {mlp: [64, 0]}\n", "c.yaml:2: radial.mlp: 0 is outside 1 .. 4096"},
        {"train_file: a.xyz\nradial: {mlp: [1,1,1,1,1,1,1]}\n", "c.yaml:2: radial.mlp: 7 entries, at most 6"},
        {"train_file: a.xyz\nE0s: mean\n",
         "c.yaml:2: E0s: \"mean\" is not one of auto|isolated|average|model"},
        {"train_file: a.xyz\nE0s:\n  Si: -1\n  Xx: 2\n", "c.yaml:4: E0s: \"Xx\" is not a chemical symbol"},
        {"train_file: a.xyz\nE0s:\n  Si: -1\n  Si: 2\n", "c.yaml:4: E0s: Si is given twice"},
        {"train_file: a.xyz\nE0s:\n  Si: x\n", "c.yaml:3: E0s: \"x\" is not a number"},
        {"train_file: a.xyz\nE0s: {}\n", "c.yaml:2: E0s: the mapping is empty"},
        {"train_file: a.xyz\nconfig_type_weights: 3\n",
         "c.yaml:2: config_type_weights: \"3\" is not a mapping {Surface: 5}"},
        {"train_file: a.xyz\nconfig_type_weights: {a: x}\n", "c.yaml:2: config_type_weights: \"x\" is not a number"},
        {"train_file: a.xyz\nconfig_type_weights: {a: -1}\n", "c.yaml:2: config_type_weights: -1 is outside 0 .. 1e+12"},
        {"train_file: a.xyz\nconfig_type_weights:\n  a: 1\n  a: 2\n", "c.yaml:4: config_type_weights: a is given twice"},
        {"train_file: a.xyz\nvalid_fraction: 0.2\nvalid_file: b.xyz\n",
         "c.yaml:2: valid_fraction and valid_file exclude each other"},
        {"train_file: a.xyz\nl_max: 1\nl_hidden: 2\n", "c.yaml:3: l_hidden = 2 is larger than l_max = 1"},
        {"train_file: a.xyz\nl_max: 0\n", "c.yaml:2: l_hidden = 1 is larger than l_max = 0"},
        {"train_file: a.xyz\nl_max: 4\ncorrelation: 4\n",
         "c.yaml:3: correlation = 4 needs l_max <= 3, not 4"},
        {"train_file: a.xyz\nlr: 1e-6\n", "c.yaml:2: min_lr = 1e-05 is larger than lr = 1e-06"},
        {"train_file: a.xyz\nepochs: 5\nwarmup_epochs: 6\n",
         "c.yaml:3: warmup_epochs = 6 exceeds epochs = 5"},
        {"train_file: a.xyz\nschedule: exponential\nmin_lr: 0\n", "c.yaml:2: the exponential schedule needs"},
        {"train_file: a.xyz\nstage_two:\n  start: 201\n",
         "c.yaml:3: stage_two.start = 201 exceeds epochs = 200"},
        {"train_file: a.xyz\nstage_two:\n  start: 1\n",
         "c.yaml:3: stage_two.start = 1 leaves no first stage"},
        {"train_file: a.xyz\nenergy_weight: 0\nforces_weight: 0\nstress_weight: 0\n",
         "c.yaml:2: energy_weight, forces_weight and stress_weight are all zero"},
        {"train_file: a.xyz\nzbl: yes\n", "c.yaml:2: zbl: \"yes\" is not one of false|true"},
        {"train_file: a.xyz\nE0s: model\n", "c.yaml:2: E0s: model needs start_from"},
        {"train_file: a.xyz\nseed: x\n", "c.yaml:2: seed: \"x\" is not an integer"},
        {"train_file: a.xyz\nseed: []\n", "c.yaml:2: seed: the list is empty"},
        {"train_file: a.xyz\nseed: [1, 2, 1]\n", "c.yaml:2: seed: 1 is listed twice"},
        {"train_file: a.xyz\nseed: [1, -2]\n", "c.yaml:2: seed: -2 is outside 0 .. 2147483647"},
        {"train_file: a.xyz\n\tlr: 3\n", "c.yaml:2: not YAML"},
        {"train_file: [a.xyz\nlr: 3\n", "c.yaml:2: not YAML"},
        {"train_file: a.xyz\n---\nlr: 1\n", "c.yaml:3: a second YAML document"},
        {"? [a]\n: b\n", "c.yaml:1: configuration: a single value is wanted, not a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        racah_error err = {0};
        racah_status st = parse(cases[i].text, &err);
        bool method = strstr(cases[i].text, "so2") != NULL;
        if (st != (method ? RACAH_EUNSUPPORTED : RACAH_EFORMAT) ||
            strncmp(err.msg, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("case %zu, status %d:\n  got    %s\n  wanted %s", i, (int)st, err.msg, cases[i].message);
    }
}

static void test_train_config_reads_every_type(void **state)
{
    (void)state;
    const char *text = "train_file: [a.xyz, 'b c.xyz']\nvalid_file: v.xyz\nr_max: 6.25\nweights: shared\n"
                       "radial: {bessel: 10, mlp: [32, 16]}\nE0s: {O: -2.5, H: 1e1}\nstage_two:\n  start: 7\n"
                       "  energy_weight: 12\noutput: x/y\nseed: 2147483647\nconfig_type_weights: {Surface: 5, b c: 0.5}\n";
    racah_error err;
    racahi_train_config *c = NULL;
    RACAH_ASSERT_OK(racahi_train_config_parse(&c, text, strlen(text), "c.yaml", &err));
    assert_int_equal(c->train_file.n, 2);
    assert_string_equal(c->train_file.path[1], "b c.xyz");
    assert_string_equal(c->valid_file.path[0], "v.xyz");
    assert_string_equal(c->output, "x/y");
    RACAH_ASSERT_CLOSE(c->r_max, 6.25, 0, 0);
    assert_int_equal(c->weights, RACAHI_W_SHARED);
    assert_int_equal(c->bessel, 10);
    assert_int_equal(c->cutoff_p, 5);
    assert_int_equal(c->mlp.n, 2);
    assert_int_equal(c->mlp.v[1], 16);
    assert_int_equal(c->e0.kind, RACAHI_E0_GIVEN);
    assert_int_equal(c->e0.Z[0], 8);
    RACAH_ASSERT_CLOSE(c->e0.value[1], 10, 0, 0);
    assert_int_equal(c->stage_start, 7);
    RACAH_ASSERT_CLOSE(c->stage_energy_weight, 12, 0, 0);
    RACAH_ASSERT_CLOSE(c->stage_forces_weight, 100, 0, 0);
    assert_int_equal(c->seed.now, 2147483647);
    assert_int_equal(c->type_weights.n, 2);
    assert_string_equal(c->type_weights.type[1], "b c");
    RACAH_ASSERT_CLOSE(c->type_weights.value[0], 5, 0, 0);
    racahi_config shape = {0};
    racahi_train_config_shape(c, &shape);
    assert_int_equal(shape.nmlp, 2);
    assert_int_equal(shape.mlp[0], 32);
    racahi_train_config_destroy(c);
}

static void test_train_config_members_of_a_committee(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_train_config *c = NULL;
    const char *text = "train_file: a.xyz\noutput: x/y\nseed: [7, 3, 9]\n";
    RACAH_ASSERT_OK(racahi_train_config_parse(&c, text, strlen(text), "c.yaml", &err));
    const char *const outputs[] = {"x/y-7", "x/y-3", "x/y-9"};
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < 3; k++) {
            RACAH_ASSERT_OK(racahi_train_config_member(c, k, &err));
            assert_string_equal(c->output, outputs[k]);
            assert_int_equal(c->seed.now, c->seed.v[k]);
        }
    char *t = racahi_train_config_text(c);
    assert_non_null(strstr(t, "seed: 9\n")); /* what its checkpoint is compared with */
    racahi_free(t);
    racahi_train_config_destroy(c);
    text = "train_file: a.xyz\noutput: x/y\n";
    RACAH_ASSERT_OK(racahi_train_config_parse(&c, text, strlen(text), "c.yaml", &err));
    RACAH_ASSERT_OK(racahi_train_config_member(c, 0, &err));
    assert_string_equal(c->output, "x/y"); /* one seed: the plain name */
    RACAH_ASSERT_OK(racahi_train_config_seeds(c, "4,5", &err));
    assert_int_equal(c->seed.n, 2);
    assert_int_equal(c->seed.now, 4);
    static const char *const wrong[] = {"", "4,", ",4", "4,x", "4,4", "4;5", "99999999999", "1, 2"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(racahi_train_config_seeds(c, wrong[i], &err), RACAH_EFORMAT);
        assert_non_null(strstr(err.msg, "--seed: seed: "));
    }
    racahi_train_config_destroy(c);
}

/* The template is a configuration itself and says nothing but the defaults. */
static void test_train_config_template_is_the_defaults(void **state)
{
    (void)state;
    racah_error err;
    racahi_train_config *a = NULL, *b = NULL;
    char *template = racahi_train_config_template();
    assert_non_null(template);
    RACAH_ASSERT_OK(racahi_train_config_parse(&a, template, strlen(template), "template", &err));
    const char *least = "train_file: train.xyz\n";
    RACAH_ASSERT_OK(racahi_train_config_parse(&b, least, strlen(least), "least", &err));
    char *ta = racahi_train_config_text(a), *tb = racahi_train_config_text(b);
    assert_string_equal(ta, tb);
    RACAH_ASSERT_OK(racahi_train_config_same(a, tb, &err));
    racahi_free(ta);
    racahi_free(tb);
    racahi_free(template);
    racahi_train_config_destroy(a);
    racahi_train_config_destroy(b);
}

static void test_train_config_same_lists_the_difference(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_train_config *a = NULL, *b = NULL;
    const char *ta = "train_file: a.xyz\nlr: 0.02\nthreads: 1\nepochs: 10\n";
    const char *tb = "train_file: a.xyz\nlr: 0.01\nthreads: 2\nepochs: 20\nradial: {mlp: [8]}\n";
    RACAH_ASSERT_OK(racahi_train_config_parse(&a, ta, strlen(ta), "a", &err));
    RACAH_ASSERT_OK(racahi_train_config_parse(&b, tb, strlen(tb), "b", &err));
    char *old = racahi_train_config_text(a);
    assert_int_equal(racahi_train_config_same(b, old, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "lr was 0.02, is 0.01"));
    assert_non_null(strstr(err.msg, "radial.mlp was [64, 64], is [8]"));
    assert_non_null(strstr(err.msg, "epochs was 10, is 20")); /* cosine aims at the last epoch */
    assert_null(strstr(err.msg, "threads"));
    racahi_free(old);
    racahi_train_config_destroy(b);
    /* a key that a checkpoint of an older release does not have stands for its default */
    old = racahi_train_config_text(a);
    char *zbl = strstr(old, "zbl: false\n");
    assert_non_null(zbl);
    memmove(zbl, zbl + 11, strlen(zbl + 11) + 1);
    RACAH_ASSERT_OK(racahi_train_config_same(a, old, &err));
    a->zbl = 1;
    assert_int_equal(racahi_train_config_same(a, old, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "zbl was false, is true"));
    racahi_free(old);
    /* a constant rate does not know the last epoch: more of them may be asked for */
    const char *tc = "train_file: a.xyz\nschedule: constant\nepochs: 10\n";
    const char *td = "train_file: a.xyz\nschedule: constant\nepochs: 20\n";
    racahi_train_config_destroy(a);
    RACAH_ASSERT_OK(racahi_train_config_parse(&a, tc, strlen(tc), "c", &err));
    RACAH_ASSERT_OK(racahi_train_config_parse(&b, td, strlen(td), "d", &err));
    old = racahi_train_config_text(a);
    RACAH_ASSERT_OK(racahi_train_config_same(b, old, &err));
    racahi_free(old);
    racahi_train_config_destroy(a);
    racahi_train_config_destroy(b);
}

static void test_train_config_read_reports_missing_file(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_train_config *c = NULL;
    assert_int_equal(racahi_train_config_read(&c, "no/such/file.yaml", &err), RACAH_EIO);
    assert_null(c);
    assert_non_null(strstr(err.msg, "no/such/file.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_config_bad_text_names_line_and_wish),
        cmocka_unit_test(test_train_config_reads_every_type),
        cmocka_unit_test(test_train_config_members_of_a_committee),
        cmocka_unit_test(test_train_config_template_is_the_defaults),
        cmocka_unit_test(test_train_config_same_lists_the_difference),
        cmocka_unit_test(test_train_config_read_reports_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
