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
    return RACAH_OK;
}

static const char *const weights_names[] = {"path", "degree", "shared"};
static const char *const family_names[] = {"component", "gaunt"};

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
    static const char *const keys[] = {"elements",    "layers",  "channels",      "l_max", "l_hidden",
                                       "correlation", "weights", "family",        "r_max", "bessel",
                                       "cutoff_p",    "mlp",     "readout_width", "lambda"};
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
    return RACAH_OK;
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
