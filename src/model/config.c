/* SPDX-License-Identifier: MIT
 * Shape of a model: checks, and its JSON form in model files. */
#include "model.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static racah_status in_range(const char *key, int value, int low, int high, racah_error *err)
{
    if (value >= low && value <= high) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "%s = %d, allowed are %d .. %d", key, value, low, high);
}

static racah_status positive(const char *key, double value, double high, racah_error *err)
{
    if (isfinite(value) && value > 0 && value <= high) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "%s = %g, allowed are positive numbers up to %g", key, value, high);
}

static racah_status is_number(const char *key, double value, racah_error *err)
{
    if (isfinite(value) && fabs(value) < 1e6) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "%s = %g, wanted a finite number", key, value);
}

static racah_status check_radial(const racahi_config *c, racah_error *err)
{
    RACAHI_TRY(in_range("radial_basis", (int)c->basis, 0, RACAHI_BASIS_CHEBYSHEV, err));
    RACAHI_TRY(in_range("transform", (int)c->transform, 0, RACAHI_TRANSFORM_SOFT, err));
    if (c->basis == RACAHI_BASIS_GAUSSIAN && c->nbessel < 2)
        return racahi_fail(err, RACAH_EINVAL, "bessel = %d: the gaussian basis has at least 2 functions",
                           c->nbessel);
    if (c->has_basis_param && c->basis == RACAHI_BASIS_CHEBYSHEV)
        return racahi_fail(err, RACAH_EINVAL, "basis_parameters: the chebyshev basis has none");
    for (int b = 0; c->has_basis_param && b < c->nbessel; b++) {
        RACAHI_TRY(is_number("basis_parameters", c->basis_param[b], err));
        if (c->basis == RACAHI_BASIS_BESSEL && !(c->basis_param[b] > 0))
            return racahi_fail(err, RACAH_EINVAL, "basis_parameters: wave number %g, wanted a positive one",
                               c->basis_param[b]);
    }
    const int n = c->transform == RACAHI_TRANSFORM_AGNESI ? 3 : c->transform == RACAHI_TRANSFORM_SOFT ? 1 : 0;
    for (int k = 0; k < n; k++)
        RACAHI_TRY(positive("transform_parameters", c->transform_param[k], 1000, err));
    if (n == 3 && !(c->transform_param[1] > c->transform_param[0]))
        return racahi_fail(err, RACAH_EINVAL, "transform_parameters: q = %g, p = %g, wanted q < p",
                           c->transform_param[0], c->transform_param[1]);
    for (int e = 0; (n || c->zbl) && e < c->nelem; e++) RACAHI_TRY(positive("radii", c->radius[e], 10, err));
    return RACAH_OK;
}

static racah_status check_zbl_and_density(const racahi_config *c, racah_error *err)
{
    if (c->zbl) {
        RACAHI_TRY(in_range("zbl: p", c->zbl_p, 3, 12, err));
        RACAHI_TRY(positive("zbl: a_exp", c->zbl_a_exp, 10, err));
        RACAHI_TRY(positive("zbl: a_prefactor", c->zbl_a_prefactor, 100, err));
        for (int k = 0; k < 4; k++) RACAHI_TRY(is_number("zbl: c", c->zbl_c[k], err));
    }
    RACAHI_TRY(in_range("density_mlp: number of hidden layers", c->ndensity, 0, RACAHI_MAX_MLP, err));
    for (int k = 0; k < c->ndensity; k++)
        RACAHI_TRY(in_range("density_mlp: width", c->density_mlp[k], 1, 4096, err));
    return RACAH_OK;
}

racah_status racahi_config_check(const racahi_config *c, racah_error *err)
{
    RACAHI_TRY(in_range("elements: their number", c->nelem, 1, RACAHI_MAX_ELEMENTS, err));
    for (int e = 0; e < c->nelem; e++) {
        RACAHI_TRY(in_range("elements: atomic number", c->Z[e], 1, 118, err));
        if (e && c->Z[e] <= c->Z[e - 1])
            return racahi_fail(err, RACAH_EINVAL, "elements: %d after %d, wanted ascending atomic numbers",
                               c->Z[e], c->Z[e - 1]);
    }
    RACAHI_TRY(in_range("layers", c->layers, 1, RACAHI_MAX_LAYERS, err));
    RACAHI_TRY(in_range("channels", c->channels, 1, 4096, err));
    RACAHI_TRY(in_range("l_max", c->l_max, 0, RACAHI_L_MAX, err));
    RACAHI_TRY(in_range("l_hidden", c->l_hidden, 0, RACAHI_LH_MAX, err));
    if (c->l_hidden > c->l_max)
        return racahi_fail(err, RACAH_EINVAL, "l_hidden = %d is larger than l_max = %d", c->l_hidden,
                           c->l_max);
    RACAHI_TRY(in_range("correlation", c->correlation, 1, RACAHI_SYM_NU_MAX, err));
    if (c->correlation == 4 && c->l_max > 3)
        return racahi_fail(err, RACAH_EINVAL, "correlation = 4 needs l_max <= 3, got l_max = %d", c->l_max);
    RACAHI_TRY(in_range("weights", (int)c->weights, RACAHI_W_PATH, RACAHI_W_SHARED, err));
    RACAHI_TRY(in_range("family", (int)c->family, RACAHI_FAMILY_COMPONENT, RACAHI_FAMILY_GAUNT, err));
    RACAHI_TRY(positive("r_max", c->r_max, 100, err));
    RACAHI_TRY(in_range("bessel", c->nbessel, 1, 64, err));
    RACAHI_TRY(in_range("cutoff_p", c->cutoff_p, 3, 12, err));
    RACAHI_TRY(in_range("mlp: number of hidden layers", c->nmlp, 0, RACAHI_MAX_MLP, err));
    for (int k = 0; k < c->nmlp; k++) RACAHI_TRY(in_range("mlp: width", c->mlp[k], 1, 4096, err));
    RACAHI_TRY(in_range("readout_width", c->readout_width, 1, 4096, err));
    for (int t = 0; t < c->layers; t++) RACAHI_TRY(positive("lambda", c->lambda[t], 1e6, err));
    RACAHI_TRY(check_radial(c, err));
    return check_zbl_and_density(c, err);
}

static const char *const weights_names[] = {"path", "degree", "shared"};
static const char *const family_names[] = {"component", "gaunt"};
static const char *const basis_names[] = {"bessel", "gaussian", "chebyshev"};
static const char *const transform_names[] = {"none", "agnesi", "soft"};

static bool any(const bool *flag, int n)
{
    for (int t = 0; t < n; t++)
        if (flag[t]) return true;
    return false;
}

static json_t *reals(const double *x, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(a, json_real(x[i]));
    return a;
}

static void flags_to_json(json_t *o, const char *key, const bool *flag, int n)
{
    if (!any(flag, n)) return;
    json_t *a = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(a, json_boolean(flag[i]));
    json_object_set_new(o, key, a);
}

/* Only what is set: a plain model has a short header. */
static void options_to_json(const racahi_config *c, json_t *o)
{
    if (c->basis != RACAHI_BASIS_BESSEL)
        json_object_set_new(o, "radial_basis", json_string(basis_names[c->basis]));
    if (c->has_basis_param) json_object_set_new(o, "basis_parameters", reals(c->basis_param, c->nbessel));
    if (c->transform != RACAHI_TRANSFORM_NONE) {
        json_object_set_new(o, "transform", json_string(transform_names[c->transform]));
        json_object_set_new(o, "transform_parameters",
                            reals(c->transform_param, c->transform == RACAHI_TRANSFORM_AGNESI ? 3 : 1));
    }
    if (c->transform != RACAHI_TRANSFORM_NONE || c->zbl)
        json_object_set_new(o, "radii", reals(c->radius, c->nelem));
    if (c->zbl)
        json_object_set_new(o, "zbl",
                            json_pack("{s:i, s:f, s:f, s:o}", "p", c->zbl_p, "a_exp", c->zbl_a_exp,
                                      "a_prefactor", c->zbl_a_prefactor, "c", reals(c->zbl_c, 4)));
    flags_to_json(o, "element_mix", c->element_mix, c->layers);
    flags_to_json(o, "no_skip", c->no_skip, c->layers);
    flags_to_json(o, "density", c->density, c->layers);
    if (any(c->density, c->layers) && c->ndensity) {
        json_t *a = json_array();
        for (int k = 0; k < c->ndensity; k++) json_array_append_new(a, json_integer(c->density_mlp[k]));
        json_object_set_new(o, "density_mlp", a);
    }
}

char *racahi_config_to_json(const racahi_config *c)
{
    json_t *elements = json_array(), *mlp = json_array(), *lambda = json_array();
    for (int e = 0; e < c->nelem; e++) json_array_append_new(elements, json_integer(c->Z[e]));
    for (int k = 0; k < c->nmlp; k++) json_array_append_new(mlp, json_integer(c->mlp[k]));
    for (int t = 0; t < c->layers; t++) json_array_append_new(lambda, json_real(c->lambda[t]));
    json_t *o =
        json_pack("{s:o, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:f, s:i, s:i, s:o, s:i, s:o}", "elements",
                  elements, "layers", c->layers, "channels", c->channels, "l_max", c->l_max, "l_hidden",
                  c->l_hidden, "correlation", c->correlation, "weights", weights_names[c->weights], "family",
                  family_names[c->family], "r_max", c->r_max, "bessel", c->nbessel, "cutoff_p", c->cutoff_p,
                  "mlp", mlp, "readout_width", c->readout_width, "lambda", lambda);
    if (o) options_to_json(c, o);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    return text;
}

/* ---- reading -------------------------------------------------------------------------------- */

static racah_status get_int(const json_t *o, const char *key, int *out, racah_error *err)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_integer(v)) return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is not an integer", key);
    json_int_t i = json_integer_value(v);
    if (i < -1000000 || i > 1000000)
        return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is out of range", key);
    *out = (int)i;
    return RACAH_OK;
}

static racah_status get_real(const json_t *v, const char *key, double *out, racah_error *err)
{
    if (!json_is_number(v)) return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is not a number", key);
    *out = json_number_value(v);
    return RACAH_OK;
}

static racah_status get_word(const json_t *o, const char *key, const char *const *names, int n, int *out,
                             racah_error *err)
{
    const char *word = json_string_value(json_object_get(o, key));
    for (int i = 0; word && i < n; i++)
        if (strcmp(word, names[i]) == 0) {
            *out = i;
            return RACAH_OK;
        }
    return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is %.40s%s%.40s, which this release does not know",
                       key, word ? "\"" : "not a string", word ? word : "", word ? "\"" : "");
}

static racah_status get_ints(const json_t *o, const char *key, int *out, int *n, int max, racah_error *err)
{
    const json_t *a = json_object_get(o, key);
    if (!json_is_array(a) || json_array_size(a) > (size_t)max)
        return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is not an array of at most %d integers", key,
                           max);
    *n = (int)json_array_size(a);
    for (int i = 0; i < *n; i++) {
        const json_t *v = json_array_get(a, (size_t)i);
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > 1000000)
            return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\"[%d] is not a small non-negative integer",
                               key, i);
        out[i] = (int)json_integer_value(v);
    }
    return RACAH_OK;
}

/* A key this release does not know is a property of the model it would leave out: refused. */
static racah_status known_keys(json_t *o, racah_error *err)
{
    static const char *const keys[] = {"elements",      "layers",
                                       "channels",      "l_max",
                                       "l_hidden",      "correlation",
                                       "weights",       "family",
                                       "r_max",         "bessel",
                                       "cutoff_p",      "mlp",
                                       "readout_width", "lambda",
                                       "radial_basis",  "basis_parameters",
                                       "transform",     "transform_parameters",
                                       "radii",         "zbl",
                                       "element_mix",   "no_skip",
                                       "density",       "density_mlp"};
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value)
    {
        size_t k = 0;
        while (k < sizeof keys / sizeof *keys && strcmp(key, keys[k]) != 0) k++;
        if (k == sizeof keys / sizeof *keys)
            return racahi_fail(err, RACAH_EFORMAT, "config: key \"%.40s\" is not known to this release", key);
    }
    return RACAH_OK;
}

static racah_status get_reals(const json_t *o, const char *key, double *out, int n, racah_error *err)
{
    const json_t *a = json_object_get(o, key);
    if (!json_is_array(a) || json_array_size(a) != (size_t)n)
        return racahi_fail(err, RACAH_EFORMAT, "config: \"%s\" is not an array of %d numbers", key, n);
    for (int i = 0; i < n; i++) RACAHI_TRY(get_real(json_array_get(a, (size_t)i), key, &out[i], err));
    return RACAH_OK;
}

static racah_status get_flags(const json_t *o, const char *key, bool *out, int n, racah_error *err)
{
    const json_t *a = json_object_get(o, key);
    if (!a) return RACAH_OK;
    bool ok = json_is_array(a) && json_array_size(a) == (size_t)n;
    for (int i = 0; ok && i < n; i++) {
        ok = json_is_boolean(json_array_get(a, (size_t)i));
        out[i] = json_is_true(json_array_get(a, (size_t)i));
    }
    return ok ? RACAH_OK
              : racahi_fail(err, RACAH_EFORMAT,
                            "config: \"%s\" is not an array of true or false for each of %d layers", key, n);
}

static racah_status read_zbl(racahi_config *c, const json_t *zbl, racah_error *err)
{
    c->zbl = true;
    if (!json_is_object(zbl) || json_object_size(zbl) != 4)
        return racahi_fail(err, RACAH_EFORMAT,
                           "config: \"zbl\" is not an object of p, a_exp, a_prefactor, c");
    RACAHI_TRY(get_int(zbl, "p", &c->zbl_p, err));
    RACAHI_TRY(get_real(json_object_get(zbl, "a_exp"), "zbl: a_exp", &c->zbl_a_exp, err));
    RACAHI_TRY(get_real(json_object_get(zbl, "a_prefactor"), "zbl: a_prefactor", &c->zbl_a_prefactor, err));
    return get_reals(zbl, "c", c->zbl_c, 4, err);
}

/* Keys of format 2; what is absent is off. Sizes are checked before they index anything. */
static racah_status read_options(racahi_config *c, const json_t *o, racah_error *err)
{
    int word;
    if (c->layers < 1 || c->layers > RACAHI_MAX_LAYERS || c->nbessel < 1 || c->nbessel > RACAHI_BASIS_MAX)
        return RACAH_OK; /* racahi_config_check will refuse it */
    if (json_object_get(o, "radial_basis")) {
        RACAHI_TRY(get_word(o, "radial_basis", basis_names, 3, &word, err));
        c->basis = (racahi_basis)word;
    }
    if (json_object_get(o, "basis_parameters")) {
        c->has_basis_param = true;
        RACAHI_TRY(get_reals(o, "basis_parameters", c->basis_param, c->nbessel, err));
    }
    if (json_object_get(o, "transform")) {
        RACAHI_TRY(get_word(o, "transform", transform_names, 3, &word, err));
        c->transform = (racahi_transform)word;
        const int n = c->transform == RACAHI_TRANSFORM_AGNESI ? 3
                      : c->transform == RACAHI_TRANSFORM_SOFT ? 1
                                                              : 0;
        if (n) RACAHI_TRY(get_reals(o, "transform_parameters", c->transform_param, n, err));
    }
    if (json_object_get(o, "zbl")) RACAHI_TRY(read_zbl(c, json_object_get(o, "zbl"), err));
    if (c->transform != RACAHI_TRANSFORM_NONE || c->zbl)
        RACAHI_TRY(get_reals(o, "radii", c->radius, c->nelem, err));
    RACAHI_TRY(get_flags(o, "element_mix", c->element_mix, c->layers, err));
    RACAHI_TRY(get_flags(o, "no_skip", c->no_skip, c->layers, err));
    RACAHI_TRY(get_flags(o, "density", c->density, c->layers, err));
    if (json_object_get(o, "density_mlp"))
        RACAHI_TRY(get_ints(o, "density_mlp", c->density_mlp, &c->ndensity, RACAHI_MAX_MLP, err));
    return RACAH_OK;
}

static racah_status read_object(racahi_config *c, json_t *o, racah_error *err)
{
    int word;
    if (!json_is_object(o)) return racahi_fail(err, RACAH_EFORMAT, "config: not a JSON object");
    RACAHI_TRY(known_keys(o, err));
    RACAHI_TRY(get_ints(o, "elements", c->Z, &c->nelem, RACAHI_MAX_ELEMENTS, err));
    RACAHI_TRY(get_int(o, "layers", &c->layers, err));
    RACAHI_TRY(get_int(o, "channels", &c->channels, err));
    RACAHI_TRY(get_int(o, "l_max", &c->l_max, err));
    RACAHI_TRY(get_int(o, "l_hidden", &c->l_hidden, err));
    RACAHI_TRY(get_int(o, "correlation", &c->correlation, err));
    RACAHI_TRY(get_word(o, "weights", weights_names, 3, &word, err));
    c->weights = (racahi_weights_kind)word;
    RACAHI_TRY(get_word(o, "family", family_names, 2, &word, err));
    c->family = (racahi_family)word;
    RACAHI_TRY(get_real(json_object_get(o, "r_max"), "r_max", &c->r_max, err));
    RACAHI_TRY(get_int(o, "bessel", &c->nbessel, err));
    RACAHI_TRY(get_int(o, "cutoff_p", &c->cutoff_p, err));
    RACAHI_TRY(get_ints(o, "mlp", c->mlp, &c->nmlp, RACAHI_MAX_MLP, err));
    RACAHI_TRY(get_int(o, "readout_width", &c->readout_width, err));
    const json_t *lambda = json_object_get(o, "lambda");
    if (!json_is_array(lambda) || json_array_size(lambda) != (size_t)c->layers ||
        c->layers > RACAHI_MAX_LAYERS)
        return racahi_fail(err, RACAH_EFORMAT,
                           "config: \"lambda\" is not an array of one number for each of %d layers",
                           c->layers);
    for (int t = 0; t < c->layers; t++)
        RACAHI_TRY(get_real(json_array_get(lambda, (size_t)t), "lambda", &c->lambda[t], err));
    return read_options(c, o, err);
}

racah_status racahi_config_from_json(racahi_config *c, const char *text, racah_error *err)
{
    memset(c, 0, sizeof *c);
    json_error_t je;
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &je);
    if (!o) return racahi_fail(err, RACAH_EFORMAT, "config: not JSON: %s", je.text);
    racah_status st = read_object(c, o, err);
    json_decref(o);
    if (st != RACAH_OK) return st;
    st = racahi_config_check(c, err);
    return st == RACAH_OK ? RACAH_OK : racahi_prefix(err, st, "config");
}
