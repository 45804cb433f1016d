/* SPDX-License-Identifier: MIT
 * Reading the dump of a MACE checkpoint. */
#include "dump.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256

#define FORMAT_NAME(name, fmt)                                                                               \
    char name[NAME_SIZE];                                                                                    \
    do {                                                                                                     \
        va_list ap;                                                                                          \
        va_start(ap, fmt);                                                                                   \
        vsnprintf(name, sizeof name, fmt, ap);                                                               \
        va_end(ap);                                                                                          \
    } while (0)

racah_status racahi_dump_open(racahi_dump *d, const char *path, racah_error *err)
{
    memset(d, 0, sizeof *d);
    RACAHI_TRY(racahi_safetensors_read(&d->file, path, err));
    const char *format = racahi_safetensors_meta(d->file, "format"),
               *version = racahi_safetensors_meta(d->file, "format_version"),
               *text = racahi_safetensors_meta(d->file, "dump");
    if (!format || strcmp(format, "mace-dump") != 0)
        return racahi_fail(err, RACAH_EFORMAT,
                           "%s: not a dump of src/mace_export.py (metadata \"format\" is \"%.40s\")", path,
                           format ? format : "");
    if (!version || strcmp(version, "1") != 0)
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: dump of format version \"%.20s\", this release reads 1", path,
                           version ? version : "");
    json_error_t je;
    d->json = text ? json_loads(text, JSON_REJECT_DUPLICATES, &je) : NULL;
    if (!json_is_object(d->json))
        return racahi_fail(err, RACAH_EFORMAT, "%s: metadata \"dump\" is %s", path,
                           !text     ? "missing"
                           : d->json ? "not an object"
                                     : je.text);
    d->used = racahi_calloc(d->file->n, sizeof *d->used);
    if (!d->used) return racahi_fail(err, RACAH_ENOMEM, "%s: no memory", path);
    const racahi_tensor *t = racahi_safetensors_find(d->file, "node_embedding.linear.weight");
    d->single = t && t->dtype == RACAHI_F32;
    return RACAH_OK;
}

void racahi_dump_close(racahi_dump *d)
{
    if (d->file) racahi_safetensors_free(d->file);
    json_decref(d->json);
    racahi_free(d->used);
    memset(d, 0, sizeof *d);
}

bool racahi_dump_has(const racahi_dump *d, const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    return racahi_safetensors_find(d->file, name) != NULL;
}

static racah_status read_array(racahi_dump *d, racahi_array *out, const char *name, racah_error *err)
{
    memset(out, 0, sizeof *out);
    const racahi_tensor *t = racahi_safetensors_find(d->file, name);
    if (!t) return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" is missing", d->file->path, name);
    d->used[t - d->file->t] = true;
    out->ndim = t->ndim, out->n = t->count;
    memcpy(out->shape, t->shape, sizeof out->shape);
    out->x = racahi_malloc(t->count, sizeof *out->x);
    if (!out->x)
        return racahi_fail(err, RACAH_ENOMEM, "%s: %zu numbers do not fit in memory", name, t->count);
    for (size_t i = 0; i < t->count; i++) {
        double v = NAN;
        if (t->dtype == RACAHI_F64) v = ((const double *)t->data)[i];
        if (t->dtype == RACAHI_F32) v = ((const float *)t->data)[i];
        if (t->dtype == RACAHI_I64) v = (double)((const int64_t *)t->data)[i];
        if (t->dtype == RACAHI_I32) v = ((const int32_t *)t->data)[i];
        if (!isfinite(v)) {
            racahi_free(out->x);
            out->x = NULL;
            return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" element %zu is not a finite number",
                               d->file->path, name, i);
        }
        out->x[i] = v;
    }
    return RACAH_OK;
}

racah_status racahi_dump_array(racahi_dump *d, racahi_array *out, racah_error *err, const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    return read_array(d, out, name, err);
}

static racah_status read_number(racahi_dump *d, double *out, const char *name, racah_error *err)
{
    racahi_array a;
    RACAHI_TRY(read_array(d, &a, name, err));
    const size_t n = a.n;
    if (n == 1) *out = a.x[0];
    racahi_free(a.x);
    if (n == 1) return RACAH_OK;
    return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" has %zu elements, wanted 1", d->file->path,
                       name, n);
}

racah_status racahi_dump_number(racahi_dump *d, double *out, racah_error *err, const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    return read_number(d, out, name, err);
}

racah_status racahi_dump_integer(racahi_dump *d, int *out, racah_error *err, const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    double x;
    RACAHI_TRY(read_number(d, &x, name, err));
    if (fabs(x) > 1e6 || x != floor(x))
        return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" is %g, wanted a whole number", d->file->path,
                           name, x);
    *out = (int)x;
    return RACAH_OK;
}

racah_status racahi_dump_all_used(const racahi_dump *d, racah_error *err)
{
    const json_t *list = json_object_get(d->json, "parameters");
    if (!json_is_array(list))
        return racahi_fail(err, RACAH_EFORMAT, "%s: the dump does not list its parameters", d->file->path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        const racahi_tensor *t = name ? racahi_safetensors_find(d->file, name) : NULL;
        if (!t)
            return racahi_fail(err, RACAH_EFORMAT, "%s: parameter \"%.80s\" has no tensor", d->file->path,
                               name ? name : "");
        if (t->count && !d->used[t - d->file->t])
            return racahi_fail(err, RACAH_EUNSUPPORTED,
                               "%s: parameter \"%.120s\" belongs to a part of the model that "
                               "this release does not import",
                               d->file->path, name);
    }
    return RACAH_OK;
}

racah_status racahi_dump_module(const racahi_dump *d, const json_t **out, racah_error *err, const char *fmt,
                                ...)
{
    FORMAT_NAME(name, fmt);
    *out = json_object_get(json_object_get(d->json, "modules"), name);
    if (json_is_object(*out)) return RACAH_OK;
    return racahi_fail(err, RACAH_EUNSUPPORTED,
                       "%s: module \"%s\" is missing: a block this release does not import", d->file->path,
                       name);
}

const char *racahi_dump_string(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

/* ---- irreps --------------------------------------------------------------------------------------- */

racah_status racahi_dump_irreps(racahi_mul_irreps *out, const json_t *module, const char *key,
                                const char *name, racah_error *err)
{
    const char *text = racahi_dump_string(module, key), *at = text;
    memset(out, 0, sizeof *out);
    while (*at && out->n < DUMP_IRREPS) {
        char *end;
        const unsigned long mul = strtoul(at, &end, 10);
        if (end == at || *end != 'x' || mul < 1 || mul > 100000) break;
        at = end + 1;
        const long l = strtol(at, &end, 10);
        if (end == at || (*end != 'e' && *end != 'o') || l < 0) break;
        if (l > 4 || *end != (l % 2 ? 'o' : 'e'))
            return racahi_fail(
                err, RACAH_EUNSUPPORTED,
                "%s: irreps \"%.80s\": only natural parity (0e, 1o, 2e, ..) up to l = 4 is imported", name,
                text);
        out->t[out->n].mul = mul, out->t[out->n].l = (int)l;
        out->n++;
        at = end + 1;
        if (*at == '+' && at[1]) at++;
    }
    if (*text && !*at) return RACAH_OK;
    return racahi_fail(err, RACAH_EFORMAT, "%s: %s \"%.80s\" is not a list of irreps", name, key, text);
}

size_t racahi_irreps_before(const racahi_mul_irreps *irreps, int i, int l)
{
    size_t sum = 0;
    for (int k = 0; k < i; k++)
        if (irreps->t[k].l == l) sum += irreps->t[k].mul;
    return sum;
}

size_t racahi_irreps_total(const racahi_mul_irreps *irreps, int l)
{
    return racahi_irreps_before(irreps, irreps->n, l);
}

int racahi_irreps_lmax(const racahi_mul_irreps *irreps)
{
    int l = 0;
    for (int k = 0; k < irreps->n; k++) l = irreps->t[k].l > l ? irreps->t[k].l : l;
    return l;
}

/* ---- linear maps ----------------------------------------------------------------------------------- */

void racahi_maps_free(racahi_maps *m)
{
    for (int l = 0; l < 5; l++) racahi_free(m->w[l]);
    memset(m, 0, sizeof *m);
}

/* One instruction: block [in][nelem][out] of the flat weights at *at. */
static racah_status add_instruction(racahi_maps *m, const json_t *ins, const char *in_key,
                                    const racahi_array *w, size_t *at, const char *name, racah_error *err)
{
    const json_t *in = json_object_get(ins, in_key), *out = json_object_get(ins, "i_out"),
                 *weight = json_object_get(ins, "path_weight");
    const json_int_t i = json_integer_value(in), o = json_integer_value(out);
    if (!json_is_integer(in) || !json_is_integer(out) || !json_is_number(weight) || i < 0 || i >= m->in.n ||
        o < 0 || o >= m->out.n || m->in.t[i].l != m->out.t[o].l)
        return racahi_fail(err, RACAH_EFORMAT, "%s: an instruction does not fit its irreps", name);
    const int l = m->in.t[i].l;
    const size_t nu = m->in.t[i].mul, nv = m->out.t[o].mul, u0 = racahi_irreps_before(&m->in, (int)i, l),
                 v0 = racahi_irreps_before(&m->out, (int)o, l);
    if (*at + nu * m->nelem * nv > w->n)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %zu weights, the instructions want more", name, w->n);
    if (!m->w[l]) {
        if (m->nelem * m->nin[l] * m->nout[l] > DUMP_IRREPS * w->n) /* before sizes of the text alone are allocated */
            return racahi_fail(err, RACAH_EFORMAT, "%s: %zu weights for irreps of %zu x %zu", name, w->n, m->nin[l],
                               m->nout[l]);
        m->w[l] = racahi_calloc(m->nelem * m->nin[l] * m->nout[l], sizeof(double));
        if (!m->w[l]) return racahi_fail(err, RACAH_ENOMEM, "%s: weights do not fit in memory", name);
    }
    /* the 3j symbol of (l, 0, l) has norm 1: 1/sqrt(2l+1) on its diagonal */
    const double f = json_number_value(weight) / (strcmp(in_key, "i_in1") == 0 ? sqrt(2 * l + 1.0) : 1);
    for (size_t u = 0; u < nu; u++)
        for (size_t z = 0; z < m->nelem; z++)
            for (size_t v = 0; v < nv; v++)
                m->w[l][(z * m->nin[l] + u0 + u) * m->nout[l] + v0 + v] +=
                    f * w->x[*at + (u * m->nelem + z) * nv + v];
    *at += nu * m->nelem * nv;
    return RACAH_OK;
}

static racah_status load_maps(racahi_maps *m, racahi_dump *d, const char *name, size_t nelem, bool product,
                              racah_error *err)
{
    const json_t *module;
    memset(m, 0, sizeof *m);
    RACAHI_TRY(racahi_dump_module(d, &module, err, "%s", name));
    RACAHI_TRY(racahi_dump_irreps(&m->in, module, product ? "irreps_in1" : "irreps_in", name, err));
    RACAHI_TRY(racahi_dump_irreps(&m->out, module, "irreps_out", name, err));
    if (product) {
        racahi_mul_irreps species;
        RACAHI_TRY(racahi_dump_irreps(&species, module, "irreps_in2", name, err));
        if (species.n != 1 || species.t[0].l != 0 || species.t[0].mul != nelem)
            return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: second input \"%.40s\", wanted %zux0e", name,
                               racahi_dump_string(module, "irreps_in2"), nelem);
    }
    m->nelem = nelem;
    for (int l = 0; l < 5; l++)
        m->nin[l] = racahi_irreps_total(&m->in, l), m->nout[l] = racahi_irreps_total(&m->out, l);
    char bias[NAME_SIZE + 8];
    snprintf(bias, sizeof bias, "%s.bias", name);
    const racahi_tensor *b = racahi_safetensors_find(d->file, bias);
    if (b && b->count) return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: biases are not imported", name);
    racahi_array w;
    RACAHI_TRY(racahi_dump_array(d, &w, err, "%s.weight", name));
    const json_t *list = json_object_get(module, "instructions");
    racah_status st =
        json_is_array(list) ? RACAH_OK : racahi_fail(err, RACAH_EFORMAT, "%s: no instructions", name);
    size_t at = 0;
    for (size_t i = 0; st == RACAH_OK && i < json_array_size(list); i++)
        st = add_instruction(m, json_array_get(list, i), product ? "i_in1" : "i_in", &w, &at, name, err);
    if (st == RACAH_OK && at != w.n)
        st = racahi_fail(err, RACAH_EFORMAT, "%s: %zu weights, the instructions want %zu", name, w.n, at);
    racahi_free(w.x);
    if (st != RACAH_OK) racahi_maps_free(m);
    return st;
}

racah_status racahi_maps_linear(racahi_maps *m, racahi_dump *d, racah_error *err, const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    return load_maps(m, d, name, 1, false, err);
}

racah_status racahi_maps_by_element(racahi_maps *m, racahi_dump *d, size_t nelem, racah_error *err,
                                    const char *fmt, ...)
{
    FORMAT_NAME(name, fmt);
    return load_maps(m, d, name, nelem, true, err);
}
