/* SPDX-License-Identifier: MIT */
#include "train_support.h"

#define CELL "Lattice=\"6 0 0 0 6 0 0 0 6\" pbc=\"T T T\""
#define FREE "pbc=\"F F F\""
#define PLAIN "Properties=species:S:1:pos:R:3"
#define FORCES "Properties=species:S:1:pos:R:3:forces:R:3"

static char said[16384];

static void listen(void *ctx, const char *text)
{
    (void)ctx;
    size_t n = strlen(said);
    snprintf(said + n, sizeof said - n, "%s\n", text);
}

/* Data set of one file with this content. */
static racah_status load(const char *xyz, const char *more, racahi_dataset **data, racah_error *err)
{
    test_write("data.xyz", xyz);
    said[0] = 0;
    racahi_train_config *cfg = test_config("data.xyz", "out", more);
    racah_status st = racahi_dataset_create(data, cfg, listen, NULL, err);
    assert_true((st == RACAH_OK) == (*data != NULL));
    racahi_train_config_destroy(cfg); /* the data set keeps nothing of it */
    return st;
}

static void test_train_data_without_labels_is_an_error(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    assert_int_equal(load("1\n" PLAIN " " CELL "\nSi 0 0 0\n", "valid_fraction: 0\n", &d, &err), RACAH_EDATA);
    assert_non_null(strstr(err.msg, "no label in 1 training structures"));
    /* labels in the validation file only do not help */
    test_write("valid.xyz", "1\n" PLAIN " " CELL " energy=-1\nSi 0 0 0\n");
    char more[128];
    snprintf(more, sizeof more, "valid_file: %s\n", test_path("valid.xyz"));
    assert_int_equal(load("1\n" PLAIN " " CELL "\nSi 0 0 0\n", more, &d, &err), RACAH_EDATA);
}

static void test_train_data_nothing_left_is_an_error(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    assert_int_equal(load("1\n" PLAIN " " FREE " energy=-1\nH 0 0 0\n", "valid_fraction: 0\n", &d, &err),
                     RACAH_EDATA);
    assert_non_null(strstr(err.msg, "no structure to train on"));
}

static void test_train_data_masks_missing_labels_and_counts(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *d = NULL;
    const char *xyz = "2\n" FORCES " " CELL " energy=-4 stress=\"1 0 0 0 2 0 0 0 3\" config_type=a\n"
                      "Si 0 0 0 1 2 2\nSi 0 0 2 -1 -2 -2\n"
                      "2\n" PLAIN " " CELL " energy=-6 config_type=b\nSi 0 0 0\nSi 0 0 2.5\n"
                      "2\n" FORCES " " FREE " Lattice=\"9 0 0 0 9 0 0 0 9\" stress=\"1 0 0 0 1 0 0 0 1\"\n"
                      "Si 0 0 0 0 0 3\nSi 0 0 2.2 0 0 -3\n"
                      "1\n" PLAIN " " FREE " energy=-0.5\nSi 0 0 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nr_max: 3\nshift: average\n", &d, &err));
    const racahi_label_stats *s = &d->train_stats;
    assert_int_equal(d->ntrain, 3);
    assert_int_equal(d->nvalid, 0);
    assert_int_equal(s->structures, 3);
    assert_int_equal(s->atoms, 6);
    assert_int_equal(s->energies, 2);
    assert_int_equal(s->forces, 2);
    assert_int_equal(s->stresses, 1);
    assert_int_equal(s->masked_stress, 1); /* not periodic: no volume */
    RACAH_ASSERT_CLOSE(s->energy_min, -3, 1e-15, 0);
    RACAH_ASSERT_CLOSE(s->energy_max, -2, 1e-15, 0);
    RACAH_ASSERT_CLOSE(s->force_rms, sqrt((18 + 18) / 12.0), 1e-15, 0);
    RACAH_ASSERT_CLOSE(s->force_max, 3, 0, 0);
    assert_int_equal(s->force_max_at->number, 3);
    RACAH_ASSERT_CLOSE(s->shortest, 2, 1e-15, 0);
    RACAH_ASSERT_CLOSE(s->neighbors, 1, 0, 0);
    RACAH_ASSERT_CLOSE(d->E0[0], -0.5, 0, 0);
    assert_string_equal(d->E0_from[0], "isolated atom");
    /* the isolated atoms leave -1.5 and -2.5 eV/atom */
    RACAH_ASSERT_CLOSE(d->shift[0], -2, 1e-15, 0);
    RACAH_ASSERT_CLOSE(d->train[0].energy, 1, 1e-14, 0);
    RACAH_ASSERT_CLOSE(d->train[1].energy, -1, 1e-14, 0);
    RACAH_ASSERT_CLOSE(d->train[0].volume, 216, 1e-12, 0);
    assert_false(d->train[1].has_forces);
    assert_false(d->train[2].has_energy);
    assert_false(d->train[2].has_stress);
    assert_non_null(strstr(said, "isolated atoms (for E0 only): 1"));
    assert_non_null(strstr(said, "a 1+0, b 1+0, (none) 1+0"));
    racahi_dataset_destroy(d);
}

static void test_train_data_edges_have_a_skin(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *d = NULL;
    const char *xyz = "3\n" PLAIN " " FREE " energy=1\nSi 0 0 0\nSi 0 0 3.00005\nSi 0 3.0002 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nr_max: 3\ndisplacement: 1e-4\n", &d, &err));
    assert_int_equal(d->train[0].edges.nedge, 2);          /* 0-1 and 1-0 may come inside, 0-2 may not */
    RACAH_ASSERT_CLOSE(d->train_stats.neighbors, 0, 0, 0); /* the skin does not count */
    racahi_dataset_destroy(d);
}

static void test_train_data_least_squares_finds_exact_energies(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *d = NULL;
    /* E = -3 n_O - 1.5 n_H */
    const char *xyz = "3\n" PLAIN " " FREE " energy=-6\nO 0 0 0\nH 1 0 0\nH 0 1 0\n"
                      "2\n" PLAIN " " FREE " energy=-6\nO 0 0 0\nO 1.2 0 0\n"
                      "2\n" PLAIN " " FREE " energy=-3\nH 0 0 0\nH 0.7 0 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nE0s: average\n", &d, &err));
    assert_int_equal(d->nelem, 2);
    assert_int_equal(d->Z[0], 1);
    RACAH_ASSERT_CLOSE(d->E0[0], -1.5, 1e-12, 0);
    RACAH_ASSERT_CLOSE(d->E0[1], -3, 1e-12, 0);
    for (int i = 0; i < 3; i++) RACAH_ASSERT_CLOSE_AT(i, d->train[i].energy, 0, 1e-11, 0);
    racahi_dataset_destroy(d);
}

static void test_train_data_least_squares_singular_takes_least_norm(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *d = NULL;
    /* one composition: x with x.(2,1)/3 = -5 of least norm is -5*3*(2,1)/5 = (-6,-3) */
    const char *xyz = "3\n" PLAIN " " FREE " energy=-15\nO 0 0 0\nH 1 0 0\nH 0 1 0\n"
                      "3\n" PLAIN " " FREE " energy=-15\nO 0 0 0\nH 1.1 0 0\nH 0 1 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nE0s: average\n", &d, &err));
    RACAH_ASSERT_CLOSE(d->E0[0], -6, 1e-12, 0);
    RACAH_ASSERT_CLOSE(d->E0[1], -3, 1e-12, 0);
    assert_non_null(strstr(said, "the compositions fix only 1 of 2 E0s"));
    racahi_dataset_destroy(d);
}

static void test_train_data_auto_mixes_isolated_and_fit(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    const char *xyz = "1\n" PLAIN " " FREE " energy=-0.5\nH 0 0 0\n"
                      "3\n" PLAIN " " FREE " energy=-9\nO 0 0 0\nH 1 0 0\nH 0 1 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\n", &d, &err));
    RACAH_ASSERT_CLOSE(d->E0[0], -0.5, 0, 0);
    RACAH_ASSERT_CLOSE(d->E0[1], -8, 1e-12, 0);
    assert_string_equal(d->E0_from[1], "least squares");
    racahi_dataset_destroy(d);
    assert_int_equal(load(xyz, "valid_fraction: 0\nE0s: isolated\n", &d, &err), RACAH_EDATA);
    assert_non_null(strstr(err.msg, "structure of O; there is none"));
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nE0s: {H: -1, O: -2}\n", &d, &err));
    RACAH_ASSERT_CLOSE(d->shift[0], 0, 0, 0);
    RACAH_ASSERT_CLOSE(d->train[0].energy, -5, 1e-15, 0);
    racahi_dataset_destroy(d);
    assert_int_equal(load(xyz, "valid_fraction: 0\nE0s: {H: -1}\n", &d, &err), RACAH_EDATA);
    assert_non_null(strstr(err.msg, "E0s has no value for O"));
}

static void test_train_data_shift_takes_what_composition_explains(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    /* E - E0 = 2 n_O + 0.5 n_H: the elements' shares where compositions differ, */
    const char *xyz = "3\n" PLAIN " " FREE " energy=-1\nO 0 0 0\nH 1 0 0\nH 0 1 0\n"
                      "2\n" PLAIN " " FREE " energy=0\nO 0 0 0\nO 1.2 0 0\n"
                      "2\n" PLAIN " " FREE " energy=-1\nH 0 0 0\nH 0.7 0 0\n";
    RACAH_ASSERT_OK(load(xyz, "valid_fraction: 0\nE0s: {H: -1, O: -2}\nshift: average\n", &d, &err));
    RACAH_ASSERT_CLOSE(d->shift[0], 0.5, 1e-12, 0);
    RACAH_ASSERT_CLOSE(d->shift[1], 2, 1e-12, 0);
    for (int i = 0; i < 3; i++) RACAH_ASSERT_CLOSE_AT(i, d->train[i].energy, 0, 1e-11, 0);
    assert_non_null(strstr(said, "shift O  2.000000 eV"));
    racahi_dataset_destroy(d);
    /* and the same for all atoms where they do not */
    const char *one = "3\n" PLAIN " " FREE " energy=-7\nO 0 0 0\nH 1 0 0\nH 0 1 0\n"
                      "3\n" PLAIN " " FREE " energy=-13\nO 0 0 0\nH 1.1 0 0\nH 0 1 0\n";
    RACAH_ASSERT_OK(load(one, "valid_fraction: 0\nE0s: {H: -1, O: -2}\nshift: average\n", &d, &err));
    for (int e = 0; e < 2; e++) RACAH_ASSERT_CLOSE_AT(e, d->shift[e], -2, 1e-12, 0);
    RACAH_ASSERT_CLOSE(d->train[0].energy, 3, 1e-11, 0);
    racahi_dataset_destroy(d);
}

static void test_train_data_two_isolated_atoms_of_one_element_are_an_error(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    const char *xyz =
        "1\n" PLAIN " " FREE " energy=-0.5\nH 0 0 0\n1\n" PLAIN " " FREE " energy=-0.6\nH 0 0 0\n"
        "2\n" PLAIN " " FREE " energy=-1\nH 0 0 0\nH 1 0 0\n";
    assert_int_equal(load(xyz, "valid_fraction: 0\n", &d, &err), RACAH_EDATA);
    assert_non_null(strstr(err.msg, "two isolated H atoms"));
    assert_non_null(strstr(err.msg, "frame 2"));
    assert_int_equal(load("1\n" PLAIN " " FREE "\nH 0 0 0\n2\n" PLAIN " " FREE
                          " energy=-1\nH 0 0 0\nH 1 0 0\n",
                          "valid_fraction: 0\n", &d, &err),
                     RACAH_EDATA);
    assert_non_null(strstr(err.msg, "the isolated H atom has no energy"));
}

static void test_train_data_unknown_element_in_validation_is_an_error(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    test_write("valid.xyz", "2\n" PLAIN " " FREE " energy=-1\nO 0 0 0\nH 1 0 0\n");
    char more[128];
    snprintf(more, sizeof more, "valid_file: %s\n", test_path("valid.xyz"));
    assert_int_equal(load("2\n" PLAIN " " FREE " energy=-1\nH 0 0 0\nH 1 0 0\n", more, &d, &err),
                     RACAH_EDATA);
    assert_non_null(strstr(err.msg, "valid.xyz, frame 1: O is not in the training structures"));
}

/* 40 structures, 30 of one type and 10 of another; energy labels number them. */
static const char *forty(void)
{
    static char text[8192];
    size_t n = 0;
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "2\n" PLAIN " " FREE " energy=%d config_type=%s\nH 0 0 0\nH 1 0 0\n", i,
                              i % 4 == 3 ? "rare" : "common");
    assert_true(n < sizeof text);
    return text;
}

static void test_train_data_split_is_even_over_types_and_seeded(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *a = NULL, *b = NULL, *c = NULL;
    RACAH_ASSERT_OK(load(forty(), "valid_fraction: 0.2\nseed: 3\n", &a, &err));
    RACAH_ASSERT_OK(load(forty(), "valid_fraction: 0.2\nseed: 3\n", &b, &err));
    RACAH_ASSERT_OK(load(forty(), "valid_fraction: 0.2\nseed: 4\n", &c, &err));
    assert_int_equal(a->ntrain, 32);
    assert_int_equal(a->nvalid, 8);
    int rare = 0, used[40] = {0};
    for (size_t i = 0; i < a->nvalid; i++) rare += strcmp(a->valid[i].frame->config_type, "rare") == 0;
    assert_int_equal(rare, 2);
    for (size_t i = 0; i < 40; i++) used[(int)(i < 32 ? a->train[i] : a->valid[i - 32]).frame->energy]++;
    for (int i = 0; i < 40; i++) assert_int_equal(used[i], 1);
    bool same = true;
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(a->valid[i].number, b->valid[i].number);
        same = same && a->valid[i].number == c->valid[i].number;
    }
    assert_false(same);
    assert_string_equal(a->hash, b->hash);
    assert_string_not_equal(a->hash, c->hash);
    racahi_dataset_destroy(a);
    racahi_dataset_destroy(b);
    racahi_dataset_destroy(c);
}

static void test_train_data_weighs_types(void **state)
{
    (void)state;
    racah_error err;
    racahi_dataset *a = NULL, *b = NULL;
    RACAH_ASSERT_OK(load(forty(), "config_type_weights: {rare: 2.5}\n", &a, &err));
    for (size_t i = 0; i < a->ntrain; i++)
        RACAH_ASSERT_CLOSE(a->train[i].frame->weight, strcmp(a->train[i].frame->config_type, "rare") ? 1 : 2.5, 0, 0);
    RACAH_ASSERT_OK(load(forty(), "", &b, &err));
    assert_string_not_equal(a->hash, b->hash);
    racahi_dataset_destroy(a);
    racahi_dataset_destroy(b);
    assert_int_equal(load(forty(), "config_type_weights: {Rare: 2.5}\n", &a, &err), RACAH_EDATA);
    assert_non_null(strstr(err.msg, "config_type_weights: no structure has config_type \"Rare\""));
}

static void test_train_data_warns_of_inverted_stress_and_zero_forces(void **state)
{
    (void)state;
    static char text[8192];
    racah_error err;
    racahi_dataset *d = NULL;
    for (int sign = -1; sign <= 1; sign += 2) {
        size_t n = 0;
        for (int i = 0; i < 10; i++) {
            double a = 5.0 + 0.05 * i, p = sign * 0.01 * (a - 5.2);
            n += (size_t)snprintf(text + n, sizeof text - n,
                                  "1\n" FORCES " Lattice=\"%g 0 0 0 %g 0 0 0 %g\" energy=-1 "
                                  "stress=\"%g 0 0 0 %g 0 0 0 %g\"\nSi 0 0 0 0 0 0\n",
                                  a, a, a, p, p, p);
        }
        RACAH_ASSERT_OK(load(text, "valid_fraction: 0\n", &d, &err));
        assert_true((strstr(said, "looks inverted") != NULL) == (sign < 0));
        assert_non_null(strstr(said, "all force labels are exactly zero"));
        racahi_dataset_destroy(d);
    }
}

static void test_train_data_missing_file_is_reported(void **state)
{
    (void)state;
    racah_error err = {0};
    racahi_dataset *d = NULL;
    racahi_train_config *cfg = test_config("absent.xyz", "out", "");
    assert_int_equal(racahi_dataset_create(&d, cfg, NULL, NULL, &err), RACAH_EIO);
    assert_null(d);
    racahi_train_config_destroy(cfg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_data_weighs_types),
        cmocka_unit_test(test_train_data_without_labels_is_an_error),
        cmocka_unit_test(test_train_data_nothing_left_is_an_error),
        cmocka_unit_test(test_train_data_masks_missing_labels_and_counts),
        cmocka_unit_test(test_train_data_edges_have_a_skin),
        cmocka_unit_test(test_train_data_least_squares_finds_exact_energies),
        cmocka_unit_test(test_train_data_least_squares_singular_takes_least_norm),
        cmocka_unit_test(test_train_data_auto_mixes_isolated_and_fit),
        cmocka_unit_test(test_train_data_shift_takes_what_composition_explains),
        cmocka_unit_test(test_train_data_two_isolated_atoms_of_one_element_are_an_error),
        cmocka_unit_test(test_train_data_unknown_element_in_validation_is_an_error),
        cmocka_unit_test(test_train_data_split_is_even_over_types_and_seeded),
        cmocka_unit_test(test_train_data_warns_of_inverted_stress_and_zero_forces),
        cmocka_unit_test(test_train_data_missing_file_is_reported),
    };
    return cmocka_run_group_tests(tests, test_dir_create, test_dir_remove);
}
