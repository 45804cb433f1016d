/* SPDX-License-Identifier: MIT
 * The shape of a model: every limit with its message, JSON form, tensor table, initial parameters. */
#include "support.h"

#include "../src/model/model.h"

static racahi_config good(void)
{
    return (racahi_config){.nelem = 3,
                           .Z = {1, 6, 8},
                           .layers = 2,
                           .channels = 5,
                           .l_max = 3,
                           .l_hidden = 1,
                           .correlation = 3,
                           .weights = RACAHI_W_DEGREE,
                           .family = RACAHI_FAMILY_GAUNT,
                           .r_max = 4.75,
                           .nbessel = 7,
                           .cutoff_p = 6,
                           .nmlp = 2,
                           .mlp = {11, 13},
                           .readout_width = 9,
                           .lambda = {3.25, 1.0 / 3}};
}

static void refused(const racahi_config *c, const char *says)
{
    racah_error err = {0};
    assert_int_equal(racahi_config_check(c, &err), RACAH_EINVAL);
    if (err.code != RACAH_EINVAL || !strstr(err.msg, says))
        fail_msg("message '%s', wanted '%s'", err.msg, says);
    assert_int_equal(racahi_config_check(c, NULL), RACAH_EINVAL);
    racah_model *m = (racah_model *)&err;
    assert_int_equal(racahi_model_create(&m, c, &err), RACAH_EINVAL);
    assert_null(m);
}

#define REFUSED(change, says)                                                                                \
    do {                                                                                                     \
        racahi_config c = good();                                                                            \
        change;                                                                                              \
        refused(&c, says);                                                                                   \
    } while (0)
#define ACCEPTED(change)                                                                                     \
    do {                                                                                                     \
        racah_error err;                                                                                     \
        racahi_config c = good();                                                                            \
        change;                                                                                              \
        RACAH_ASSERT_OK(racahi_config_check(&c, &err));                                                      \
    } while (0)

static void test_config_integers_have_limits(void **state)
{
    (void)state;
    ACCEPTED((void)0);
    REFUSED(c.nelem = 0, "elements: their number = 0, allowed are 1 .. 118");
    REFUSED(c.nelem = 119, "elements: their number = 119, allowed are 1 .. 118");
    REFUSED(c.Z[0] = 0, "elements: atomic number = 0, allowed are 1 .. 118");
    REFUSED(c.Z[2] = 119, "elements: atomic number = 119, allowed are 1 .. 118");
    REFUSED(c.Z[1] = 8, "elements: 8 after 8, wanted ascending");
    REFUSED(c.Z[0] = 7, "elements: 6 after 7, wanted ascending");
    ACCEPTED(c.nelem = 118; for (int e = 0; e < 118; e++) c.Z[e] = e + 1);
    REFUSED(c.layers = 0, "layers = 0, allowed are 1 .. 4");
    REFUSED(c.layers = 5, "layers = 5, allowed are 1 .. 4");
    REFUSED(c.channels = 0, "channels = 0, allowed are 1 .. 4096");
    REFUSED(c.channels = 4097, "channels = 4097, allowed are 1 .. 4096");
    ACCEPTED(c.channels = 4096);
    REFUSED(c.l_max = -1, "l_max = -1, allowed are 0 .. 4");
    REFUSED(c.l_max = 5, "l_max = 5, allowed are 0 .. 4");
    ACCEPTED(c.l_max = 4);
    REFUSED(c.l_hidden = -1, "l_hidden = -1, allowed are 0 .. 2");
    REFUSED(c.l_hidden = 3, "l_hidden = 3, allowed are 0 .. 2");
    REFUSED(c.l_max = 1; c.l_hidden = 2, "l_hidden = 2 is larger than l_max = 1");
    ACCEPTED(c.l_max = 2; c.l_hidden = 2);
    REFUSED(c.correlation = 0, "correlation = 0, allowed are 1 .. 4");
    REFUSED(c.correlation = 5, "correlation = 5, allowed are 1 .. 4");
    REFUSED(c.correlation = 4; c.l_max = 4, "correlation = 4 needs l_max <= 3, got l_max = 4");
    ACCEPTED(c.correlation = 4);
    REFUSED(c.weights = (racahi_weights_kind)-1, "weights = -1, allowed are 0 .. 2");
    REFUSED(c.weights = (racahi_weights_kind)3, "weights = 3, allowed are 0 .. 2");
    REFUSED(c.family = (racahi_family)-1, "family = -1, allowed are 0 .. 1");
    REFUSED(c.family = (racahi_family)2, "family = 2, allowed are 0 .. 1");
    REFUSED(c.nbessel = 0, "bessel = 0, allowed are 1 .. 64");
    REFUSED(c.nbessel = 65, "bessel = 65, allowed are 1 .. 64");
    REFUSED(c.cutoff_p = 2, "cutoff_p = 2, allowed are 3 .. 12");
    REFUSED(c.cutoff_p = 13, "cutoff_p = 13, allowed are 3 .. 12");
    REFUSED(c.nmlp = -1, "mlp: number of hidden layers = -1, allowed are 0 .. 6");
    REFUSED(c.nmlp = 7, "mlp: number of hidden layers = 7, allowed are 0 .. 6");
    ACCEPTED(c.nmlp = 0);
    REFUSED(c.mlp[1] = 0, "mlp: width = 0, allowed are 1 .. 4096");
    REFUSED(c.mlp[0] = 4097, "mlp: width = 4097, allowed are 1 .. 4096");
    ACCEPTED(c.mlp[2] = 0); /* beyond nmlp: not read */
    REFUSED(c.readout_width = 0, "readout_width = 0, allowed are 1 .. 4096");
    REFUSED(c.readout_width = 4097, "readout_width = 4097, allowed are 1 .. 4096");
}

static void test_config_reals_have_limits(void **state)
{
    (void)state;
    static const double bad[] = {0, -0.0, -1, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        REFUSED(c.r_max = bad[i], "r_max = ");
        REFUSED(c.lambda[1] = bad[i], "lambda = ");
    }
    REFUSED(c.r_max = 100.5, "r_max = 100.5, allowed are positive numbers up to 100");
    REFUSED(c.lambda[0] = 2e6, "lambda = 2e+06, allowed are positive numbers up to 1e+06");
    ACCEPTED(c.lambda[2] = NAN); /* beyond layers: not read */
    ACCEPTED(c.r_max = 100);
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void test_config_json_round_trip_is_exact(void **state)
{
    (void)state;
    racah_error err;
    for (int k = 0; k < 4; k++) {
        racahi_config a = good(), b;
        if (k == 1) a.nmlp = 0, a.weights = RACAHI_W_PATH, a.family = RACAHI_FAMILY_COMPONENT;
        if (k == 2)
            a.layers = 1, a.weights = RACAHI_W_SHARED, a.r_max = nextafter(5, 6), a.lambda[0] = 0x1p-40;
        if (k == 3) {
            a.nelem = 118, a.layers = 4, a.nmlp = 6;
            for (int e = 0; e < 118; e++) a.Z[e] = e + 1;
            for (int i = 0; i < 6; i++) a.mlp[i] = 4096 - i;
            for (int t = 0; t < 4; t++) a.lambda[t] = sqrt(2 + t);
        }
        for (int t = a.layers; t < RACAHI_MAX_LAYERS; t++)
            a.lambda[t] = 0; /* what is not written comes back as 0 */
        for (int i = a.nmlp; i < RACAHI_MAX_MLP; i++) a.mlp[i] = 0;
        for (int e = a.nelem; e < RACAHI_MAX_ELEMENTS; e++) a.Z[e] = 0;
        char *text = racahi_config_to_json(&a);
        assert_non_null(text);
        memset(&b, 0xff, sizeof b);
        RACAH_ASSERT_OK(racahi_config_from_json(&b, text, &err));
        assert_memory_equal(a.Z, b.Z, sizeof a.Z);
        assert_memory_equal(a.mlp, b.mlp, sizeof a.mlp);
        assert_memory_equal(a.lambda, b.lambda, sizeof a.lambda);
        assert_memory_equal(&a.r_max, &b.r_max, sizeof a.r_max);
        const int got[] = {b.nelem,    b.layers,      b.channels,     b.l_max,
                           b.l_hidden, b.correlation, (int)b.weights, (int)b.family,
                           b.nbessel,  b.cutoff_p,    b.nmlp,         b.readout_width};
        const int want[] = {a.nelem,    a.layers,      a.channels,     a.l_max,
                            a.l_hidden, a.correlation, (int)a.weights, (int)a.family,
                            a.nbessel,  a.cutoff_p,    a.nmlp,         a.readout_width};
        assert_memory_equal(got, want, sizeof got);
        char *again = racahi_config_to_json(&b);
        assert_string_equal(text, again);
        free(text), free(again);
    }
}

/* The JSON text with `from` replaced by `to`. */
static char *edited(const char *from, const char *to)
{
    const racahi_config c = good();
    char *text = racahi_config_to_json(&c), *out;
    const char *at = strstr(text, from);
    if (!at) fail_msg("'%s' is not in %s", from, text);
    if (asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) < 0) abort();
    free(text);
    return out;
}

typedef struct bad_json {
    const char *from, *to, *says;
    racah_status status;
} bad_json;

static const bad_json bad_texts[] = {
    {"{", "", "config: not JSON", RACAH_EFORMAT},
    {"}", "} 1", "config: not JSON", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":2,\"layers\":2", "config: not JSON: duplicate", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":2,\"residual\":true", "config: key \"residual\" is not known",
     RACAH_EFORMAT},
    {"\"layers\":2,", "", "config: \"layers\" is not an integer", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":2.0", "config: \"layers\" is not an integer", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":\"2\"", "config: \"layers\" is not an integer", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":null", "config: \"layers\" is not an integer", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":4294967298", "config: \"layers\" is out of range", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":3", "config: \"lambda\" is not an array of one number for each of 3",
     RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":-1", "config: \"lambda\" is not an array", RACAH_EFORMAT},
    {"\"layers\":2", "\"layers\":1000000", "config: \"lambda\" is not an array", RACAH_EFORMAT},
    {"\"channels\":5,", "", "config: \"channels\" is not an integer", RACAH_EFORMAT},
    {"\"channels\":5", "\"channels\":-4294967291", "config: \"channels\" is out of range", RACAH_EFORMAT},
    {"\"channels\":5", "\"channels\":0", "config: channels = 0", RACAH_EINVAL},
    {"\"l_max\":3,", "", "config: \"l_max\" is not an integer", RACAH_EFORMAT},
    {"\"l_max\":3", "\"l_max\":9", "config: l_max = 9", RACAH_EINVAL},
    {"\"l_hidden\":1,", "", "config: \"l_hidden\" is not an integer", RACAH_EFORMAT},
    {"\"l_hidden\":1", "\"l_hidden\":-1", "config: l_hidden = -1", RACAH_EINVAL},
    {"\"correlation\":3,", "", "config: \"correlation\" is not an integer", RACAH_EFORMAT},
    {"\"correlation\":3", "\"correlation\":0", "config: correlation = 0", RACAH_EINVAL},
    {"\"weights\":\"degree\",", "", "config: \"weights\" is not a string", RACAH_EFORMAT},
    {"\"weights\":\"degree\"", "\"weights\":1", "config: \"weights\" is not a string", RACAH_EFORMAT},
    {"\"weights\":\"degree\"", "\"weights\":\"separable\"", "config: \"weights\" is \"separable\", which",
     RACAH_EFORMAT},
    {"\"family\":\"gaunt\",", "", "config: \"family\" is not a string", RACAH_EFORMAT},
    {"\"family\":\"gaunt\"", "\"family\":\"matrix\"", "config: \"family\" is \"matrix\", which",
     RACAH_EFORMAT},
    {"\"r_max\":4.75,", "", "config: \"r_max\" is not a number", RACAH_EFORMAT},
    {"\"r_max\":4.75", "\"r_max\":\"4.75\"", "config: \"r_max\" is not a number", RACAH_EFORMAT},
    {"\"r_max\":4.75", "\"r_max\":1e999", "config: not JSON", RACAH_EFORMAT},
    {"\"r_max\":4.75", "\"r_max\":NaN", "config: not JSON", RACAH_EFORMAT},
    {"\"r_max\":4.75", "\"r_max\":-4.75", "config: r_max = -4.75", RACAH_EINVAL},
    {"\"bessel\":7,", "", "config: \"bessel\" is not an integer", RACAH_EFORMAT},
    {"\"bessel\":7", "\"bessel\":65", "config: bessel = 65", RACAH_EINVAL},
    {"\"cutoff_p\":6,", "", "config: \"cutoff_p\" is not an integer", RACAH_EFORMAT},
    {"\"cutoff_p\":6", "\"cutoff_p\":1", "config: cutoff_p = 1", RACAH_EINVAL},
    {"\"mlp\":[11,13],", "", "config: \"mlp\" is not an array of at most 6 integers", RACAH_EFORMAT},
    {"\"mlp\":[11,13]", "\"mlp\":11", "config: \"mlp\" is not an array of at most 6 integers", RACAH_EFORMAT},
    {"\"mlp\":[11,13]", "\"mlp\":[1,1,1,1,1,1,1]", "config: \"mlp\" is not an array of at most 6",
     RACAH_EFORMAT},
    {"\"mlp\":[11,13]", "\"mlp\":[11,1.5]", "config: \"mlp\"[1] is not a small", RACAH_EFORMAT},
    {"\"mlp\":[11,13]", "\"mlp\":[-1]", "config: \"mlp\"[0] is not a small", RACAH_EFORMAT},
    {"\"mlp\":[11,13]", "\"mlp\":[11,0]", "config: mlp: width = 0", RACAH_EINVAL},
    {"\"readout_width\":9,", "", "config: \"readout_width\" is not an integer", RACAH_EFORMAT},
    {"\"readout_width\":9", "\"readout_width\":5000", "config: readout_width = 5000", RACAH_EINVAL},
    {"\"elements\":[1,6,8],", "", "config: \"elements\" is not an array of at most 118 integers",
     RACAH_EFORMAT},
    {"\"elements\":[1,6,8]", "\"elements\":{}", "config: \"elements\" is not an array", RACAH_EFORMAT},
    {"\"elements\":[1,6,8]", "\"elements\":[]", "config: elements: their number = 0", RACAH_EINVAL},
    {"\"elements\":[1,6,8]", "\"elements\":[8,1]", "config: elements: 1 after 8", RACAH_EINVAL},
    {"\"elements\":[1,6,8]", "\"elements\":[1,\"O\"]", "config: \"elements\"[1] is not a small",
     RACAH_EFORMAT},
    {"\"elements\":[1,6,8]", "\"elements\":[1,119]", "config: elements: atomic number = 119", RACAH_EINVAL},
    {"\"lambda\":[3.25,", "\"lambda\":[", "config: \"lambda\" is not an array of one number for each of 2",
     RACAH_EFORMAT},
    {"\"lambda\":[3.25,", "\"lambda\":[true,", "config: \"lambda\" is not a number", RACAH_EFORMAT},
    {"\"lambda\":[3.25,", "\"lambda\":[0,", "config: lambda = 0", RACAH_EINVAL},
};

static void test_config_json_errors_name_the_key(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof bad_texts / sizeof *bad_texts; k++) {
        const bad_json *b = &bad_texts[k];
        char *text = edited(b->from, b->to);
        racahi_config c;
        racah_error err = {0};
        racah_status st = racahi_config_from_json(&c, text, &err);
        if (st != b->status || err.code != st || strncmp(err.msg, b->says, strlen(b->says)) != 0)
            fail_msg("case %zu (%s): status %d, message '%s', wanted %d, '%s'", k, b->to, st, err.msg,
                     b->status, b->says);
        assert_int_equal(racahi_config_from_json(&c, text, NULL), b->status);
        free(text);
    }
    racahi_config c;
    racah_error err;
    static const char *const none[] = {"", "[]", "1", "null"};
    for (size_t k = 0; k < 4; k++)
        assert_int_equal(racahi_config_from_json(&c, none[k], &err), RACAH_EFORMAT);
}

/* ---- tensor table and initial parameters ------------------------------------------------------------- */

static void test_table_tiles_the_flat_vector(void **state)
{
    (void)state;
    racah_error err;
    for (int layers = 1; layers <= 4; layers++)
        for (int l_max = 0; l_max <= 4; l_max++)
            for (int lh = 0; lh <= 2 && lh <= l_max; lh++) {
                racahi_config c = good();
                c.layers = layers, c.l_max = l_max, c.l_hidden = lh, c.correlation = l_max > 2 ? 2 : 4;
                c.weights = (racahi_weights_kind)(l_max % 3);
                for (int t = 0; t < layers; t++) c.lambda[t] = 1;
                racahi_params p;
                RACAH_ASSERT_OK(racahi_params_create(&p, &c, &err));
                size_t at = 0;
                for (size_t i = 0; i < p.n; i++) {
                    assert_int_equal(p.t[i].offset, at);
                    assert_true(p.t[i].b >= 1 && p.t[i].r >= 1 && p.t[i].c >= 1);
                    assert_true(isfinite(p.t[i].gain) && p.t[i].gain > 0);
                    if (p.t[i].row_channels) assert_int_equal(p.t[i].r, c.channels);
                    if (p.t[i].col_channels) assert_int_equal(p.t[i].c, c.channels);
                    at += p.t[i].b * p.t[i].r * p.t[i].c;
                    assert_true(strlen(p.t[i].name) < sizeof p.t[i].name - 1);
                    for (size_t j = 0; j < i; j++) assert_string_not_equal(p.t[i].name, p.t[j].name);
                }
                assert_int_equal(p.count, at);
                assert_string_equal(p.t[p.embed].name, "embed");
                assert_string_equal(p.t[p.readout_out].name, "readout.out");
                for (int t = 0; t < layers; t++) { /* which tensors a layer has follows from its degrees */
                    char name[40];
                    const int lin = t ? lh : 0, lout = t == layers - 1 ? 0 : lh;
                    for (int l = 0; l <= RACAHI_LH_MAX; l++) {
                        assert_int_equal(p.layer[t].up[l] >= 0, l <= lin);
                        assert_int_equal(p.layer[t].linear[l] >= 0, l <= lout);
                        assert_int_equal(p.layer[t].skip[l] >= 0, l <= lin && l <= lout);
                        snprintf(name, sizeof name, "layer%d.linear.l%d", t, l);
                        if (l <= lout) assert_string_equal(p.t[p.layer[t].linear[l]].name, name);
                    }
                    assert_int_equal(p.layer[t].readout >= 0, t < layers - 1);
                    for (int k = 0; k <= RACAHI_MAX_MLP; k++)
                        assert_int_equal(p.layer[t].radial[k] >= 0, k <= c.nmlp);
                }
                racahi_params_free(&p);
                assert_null(p.t);
            }
}

static racah_model *model(const racahi_config *c, uint64_t seed)
{
    racah_error err;
    racah_model *m;
    RACAH_ASSERT_OK(racahi_model_create(&m, c, &err));
    for (size_t k = 0; k < m->table.count; k++) assert_true(m->theta[k] == 0);
    for (int e = 0; e < c->nelem; e++) assert_true(m->E0[e] == 0 && m->shift[e] == 0 && m->scale[e] == 1);
    assert_null(m->ref);
    racahi_model_init(m, seed);
    return m;
}

static void test_model_init_is_deterministic_and_scaled(void **state)
{
    (void)state;
    racahi_config c = good();
    c.channels = 40;
    racah_model *m = model(&c, 1), *same = model(&c, 1), *other = model(&c, 2);
    assert_int_equal(racah_model_nparameters(m), m->table.count);
    assert_memory_equal(m->theta, same->theta, m->table.count * sizeof(double));
    size_t equal = 0;
    for (size_t k = 0; k < m->table.count; k++) equal += m->theta[k] == other->theta[k];
    assert_int_equal(equal, 0);
    for (size_t i = 0; i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        const size_t n = p->b * p->r * p->c;
        double s = 0, s2 = 0;
        for (size_t k = 0; k < n; k++) s += m->theta[p->offset + k], s2 += pow(m->theta[p->offset + k], 2);
        RACAH_ASSERT_CLOSE_AT(i, s / ((double)n * p->gain), 0, 5 / sqrt((double)n),
                              0); /* five standard errors */
        RACAH_ASSERT_CLOSE_AT(i, s2 / ((double)n * p->gain * p->gain), 1, 5 * sqrt(2 / (double)n), 0);
    }
    racah_model_destroy(m), racah_model_destroy(same), racah_model_destroy(other);
}

/* theta[k]/gain: SplitMix64 and Box-Muller written out again in Python 3.11, November 2026. A change here
 * makes old training runs irreproducible. */
static void test_model_init_golden_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        size_t k;
        double value;
    } golden[] = {{0, 0, -0.2788749225862045},        {0, 1, -0.7642228620191814},
                  {1, 0, 1.3256718696671204},         {1, 1, 0.42681060022473444},
                  {1, 17, 0.011341623952792096},      {12345, 900, -1.6019146080225193},
                  {UINT64_MAX, 2, 0.6563597671886586}};
    racahi_config c = good();
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        racah_model *m = model(&c, golden[i].seed);
        assert_true(golden[i].k < m->table.count);
        double gain = 0;
        for (size_t t = 0; t < m->table.n; t++)
            if (m->table.t[t].offset <= golden[i].k) gain = m->table.t[t].gain;
        RACAH_ASSERT_CLOSE_AT(i, m->theta[golden[i].k] / gain, golden[i].value, 1e-15, 1e-14);
        racah_model_destroy(m);
    }
}

static void test_accessors_and_references(void **state)
{
    (void)state;
    racah_error err;
    racahi_config c = good();
    racah_model *m = model(&c, 3);
    assert_int_equal(racah_model_nelements(m), 3);
    static const int Z[] = {1, 6, 8};
    for (int e = 0; e < 3; e++) {
        assert_int_equal(racah_model_atomic_number(m, e), Z[e]);
        assert_int_equal(racah_model_element_index(m, Z[e]), e);
    }
    assert_int_equal(racah_model_atomic_number(m, -1), 0);
    assert_int_equal(racah_model_atomic_number(m, 3), 0);
    assert_int_equal(racah_model_element_index(m, 7), -1);
    assert_int_equal(racah_model_element_index(m, 0), -1);
    assert_int_equal(racah_model_layers(m), 2);
    RACAH_ASSERT_CLOSE(racah_model_cutoff(m), 4.75, 0, 0);
    m->E0[1] = -3, m->shift[1] = 0.25;
    RACAH_ASSERT_CLOSE(racah_model_isolated_energy(m, 1), -2.75, 0, 0);
    RACAH_ASSERT_CLOSE(racah_model_isolated_energy(m, 3), 0, 0, 0);
    assert_int_equal(racah_model_nelements(NULL), 0);
    assert_int_equal(racah_model_element_index(NULL, 1), -1);
    assert_true(racah_model_cutoff(NULL) == 0 && racah_model_nparameters(NULL) == 0 &&
                racah_model_layers(NULL) == 0);
    racah_model_destroy(NULL);
    assert_string_equal(racahi_model_param(m, "readout.hidden")->name, "readout.hidden");
    assert_null(racahi_model_param(m, "readout"));
    double pos[6] = {0, 0, 0, 1, 2, 3}, forces[6] = {1, 2, 3, 4, 5, 6},
           virial[9] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    const double cell[9] = {5, 0, 0, 0, 6, 0, 0, 0, 7};
    const int species[2] = {8, 1}, pbc[3] = {1, 0, 1}, none[3] = {0};
    RACAH_ASSERT_OK(racahi_model_add_reference(m, 2, species, pos, cell, pbc, -1.5, forces, virial, &err));
    RACAH_ASSERT_OK(racahi_model_add_reference(m, 1, species, pos, NULL, none, -2.5, forces, virial, &err));
    pos[3] = forces[5] = virial[0] = 0; /* copies */
    assert_int_equal(m->nref, 2);
    assert_true(m->ref[0].has_cell && !m->ref[1].has_cell);
    assert_true(m->ref[0].pos[3] == 1 && m->ref[0].forces[5] == 6 && m->ref[0].virial[0] == 9);
    assert_true(m->ref[0].energy == -1.5 && m->ref[1].energy == -2.5 && m->ref[1].n == 1 &&
                m->ref[1].Z[0] == 8);
    assert_memory_equal(m->ref[0].cell, cell, sizeof cell);
    assert_memory_equal(m->ref[0].pbc, pbc, sizeof pbc);
    racah_model_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_integers_have_limits),
        cmocka_unit_test(test_config_reals_have_limits),
        cmocka_unit_test(test_config_json_round_trip_is_exact),
        cmocka_unit_test(test_config_json_errors_name_the_key),
        cmocka_unit_test(test_table_tiles_the_flat_vector),
        cmocka_unit_test(test_model_init_is_deterministic_and_scaled),
        cmocka_unit_test(test_model_init_golden_numbers),
        cmocka_unit_test(test_accessors_and_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
