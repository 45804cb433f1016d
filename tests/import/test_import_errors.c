/* SPDX-License-Identifier: MIT
 * What a dump can lack or hold that is not supported: an exact status and a message that names it. */
#include "support.h"

#include "../../src/import/import.h"
#include "golden_dump.h"

#include <unistd.h>

static void set(json_t *dump, const char *list, size_t i, const char *key, json_t *value)
{
    json_t *o =
        i == (size_t)-1 ? json_object_get(dump, list) : json_array_get(json_object_get(dump, list), i);
    assert_true(json_is_object(o));
    json_object_set_new(o, key, value);
}

static json_t *module(json_t *dump, const char *name)
{
    return json_object_get(json_object_get(dump, "modules"), name);
}

static void polar(json_t *d) { json_object_set_new(d, "class", json_string("PolarMACE")); }
static void no_cutoff(json_t *d) { json_object_set_new(d, "apply_cutoff", json_false()); }
static void nonlinear(json_t *d)
{
    set(d, "interactions", 1, "class", json_string("RealAgnosticResidualNonLinearInteractionBlock"));
}
static void dipoles(json_t *d) { set(d, "readouts", 0, "class", json_string("LinearDipoleReadoutBlock")); }
static void bias_readout(json_t *d)
{
    set(d, "readouts", 1, "class", json_string("NonLinearBiasReadoutBlock"));
}
static void strange_basis(json_t *d) { json_object_set_new(d, "radial_basis", json_string("SplineBasis")); }
static void strange_transform(json_t *d)
{
    json_object_set_new(d, "distance_transform", json_string("LogTransform"));
}
static void strange_repulsion(json_t *d) { json_object_set_new(d, "pair_repulsion", json_string("D3")); }
static void tanh_mlp(json_t *d)
{
    json_object_set_new(module(d, "interactions.0.conv_tp_weights.layer1"), "act", json_string("tanh"));
}
static void wrong_parity(json_t *d)
{
    json_object_set_new(module(d, "products.0.linear"), "irreps_out", json_string("8x0e+8x1e"));
}
static void two_heads(json_t *d) { json_object_set_new(d, "heads", json_pack("[s,s]", "pbe", "r2scan")); }
static void extra_parameter(json_t *d)
{
    json_array_append_new(json_object_get(d, "parameters"),
                          json_string("products.0.symmetric_contractions.contractions.0.weights_0_zeroed"));
}
static void few_paths(json_t *d)
{
    json_array_remove(json_object_get(module(d, "interactions.1.conv_tp"), "instructions"), 2);
}
static void wrong_path(json_t *d)
{
    json_object_set_new(
        json_array_get(json_object_get(module(d, "interactions.1.conv_tp"), "instructions"), 0), "i_in2",
        json_integer(1));
}
static void instruction_out_of_range(json_t *d)
{
    json_object_set_new(json_array_get(json_object_get(module(d, "products.0.linear"), "instructions"), 0),
                        "i_in", json_integer(77));
}
static void no_module(json_t *d) { json_object_del(json_object_get(d, "modules"), "interactions.0.skip_tp"); }
static void no_average(json_t *d)
{
    json_object_del(json_array_get(json_object_get(d, "interactions"), 1), "avg_num_neighbors");
}

static void test_what_is_not_supported_is_named(void **state)
{
    (void)state;
    if (!golden_present()) skip();
    static const struct {
        golden_change change;
        const char *head;
        racah_status status;
        const char *words;
    } cases[] = {
        {{.json = polar}, NULL, RACAH_EUNSUPPORTED, "model class \"PolarMACE\""},
        {{.json = no_cutoff}, NULL, RACAH_EUNSUPPORTED, "apply_cutoff = False"},
        {{.json = nonlinear}, NULL, RACAH_EUNSUPPORTED, "\"RealAgnosticResidualNonLinearInteractionBlock\""},
        {{.json = dipoles}, NULL, RACAH_EUNSUPPORTED, "readout \"LinearDipoleReadoutBlock\""},
        {{.json = bias_readout}, NULL, RACAH_EUNSUPPORTED, "readout \"NonLinearBiasReadoutBlock\""},
        {{.json = strange_basis}, NULL, RACAH_EUNSUPPORTED, "radial basis \"SplineBasis\""},
        {{.json = strange_transform}, NULL, RACAH_EUNSUPPORTED, "distance transform \"LogTransform\""},
        {{.json = strange_repulsion}, NULL, RACAH_EUNSUPPORTED, "pair repulsion \"D3\""},
        {{.json = tanh_mlp},
         NULL,
         RACAH_EUNSUPPORTED,
         "interactions.0.conv_tp_weights.layer1: activation \"tanh\""},
        {{.json = wrong_parity}, NULL, RACAH_EUNSUPPORTED, "natural parity"},
        {{.json = two_heads}, NULL, RACAH_EINVAL, "the heads pbe, r2scan"},
        {{.json = two_heads}, "scan", RACAH_EINVAL, "no head scan"},
        {{.json = extra_parameter},
         NULL,
         RACAH_EUNSUPPORTED,
         "weights_0_zeroed\" belongs to a part of the model"},
        {{.json = few_paths},
         NULL,
         RACAH_EFORMAT,
         "interactions.1.conv_tp_weights has 56 outputs, its 6 paths want 48"},
        {{.json = wrong_path}, NULL, RACAH_EUNSUPPORTED, "path 0 of interactions.1.conv_tp"},
        {{.json = instruction_out_of_range}, NULL, RACAH_EFORMAT, "products.0.linear: an instruction"},
        {{.json = no_module}, NULL, RACAH_EUNSUPPORTED, "module \"interactions.0.skip_tp\" is missing"},
        {{.json = no_average}, NULL, RACAH_EFORMAT, "interactions.1 has no avg_num_neighbors"},
        {{.drop_tensor = "r_max"}, NULL, RACAH_EFORMAT, "tensor \"r_max\" is missing"},
        {{.drop_tensor = "products.1.linear.weight"},
         NULL,
         RACAH_EFORMAT,
         "\"products.1.linear.weight\" is missing"},
        {{0}, "other", RACAH_EINVAL, "no head other; the model has the heads Default"},
    };
    char path[64];
    snprintf(path, sizeof path, "errors-%ld.mace.safetensors", (long)getpid());
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        racah_error err = {0};
        racah_model *m = (racah_model *)1;
        golden_dump("d_tiny", path, &cases[i].change);
        const racah_status st = racahi_import_mace(&m, path, cases[i].head, &err);
        if (st != cases[i].status || m || !strstr(err.msg, cases[i].words))
            fail_msg("case %zu: status %d, '%s', wanted %d, '%s'", i, st, err.msg, cases[i].status,
                     cases[i].words);
    }
    unlink(path);
}

/* A float32 checkpoint: the same model but for the rounding of its numbers. */
static void test_float32_checkpoint(void **state)
{
    (void)state;
    if (!golden_present()) skip();
    racah_error err;
    const char *const names[] = {"e_tiny_l1", "f_residual_first"};
    for (int k = 0; k < 2; k++) {
        char path[64];
        racah_model *m[2];
        double e[2], largest = 0;
        snprintf(path, sizeof path, "single-%ld.mace.safetensors", (long)getpid());
        for (int single = 0; single < 2; single++) {
            const golden_change change = {.single = single};
            golden_dump(names[k], path, &change);
            RACAH_ASSERT_OK(racahi_import_mace(&m[single], path, NULL, &err));
            assert_non_null(strstr(m[single]->training, single ? "float32" : "float64"));
            assert_int_equal(m[single]->nref, 2);
            e[single] = m[single]->ref[0].energy;
        }
        for (size_t i = 0; i < 24; i++) largest = fmax(largest, fabs(m[0]->ref[0].forces[i]));
        for (size_t i = 0; i < 24; i++)
            RACAH_ASSERT_CLOSE_AT(i, m[1]->ref[0].forces[i], m[0]->ref[0].forces[i], 1e-4 * largest, 0);
        RACAH_ASSERT_CLOSE(e[1], e[0], 0, 1e-6);
        racah_model_destroy(m[0]), racah_model_destroy(m[1]);
        unlink(path);
    }
}

static void test_files_that_are_no_dump(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m;
    assert_int_equal(racahi_import_mace(&m, "no-such-file", NULL, &err), RACAH_EIO);
    assert_null(m);
    assert_int_equal(racahi_import_mace(&m, RACAH_SOURCE_DIR "/tests/golden/model_v1.racah", NULL, &err),
                     RACAH_EFORMAT);
    assert_non_null(strstr(err.msg, "not a dump"));
    assert_null(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_supported_is_named),
        cmocka_unit_test(test_float32_checkpoint),
        cmocka_unit_test(test_files_that_are_no_dump),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
