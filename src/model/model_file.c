/* SPDX-License-Identifier: MIT
 * Model files (*.racah): a safetensors container with the config in its metadata.
 *
 * __metadata__: format "racah", format_version (integer), config (JSON), training (JSON, optional), units,
 * references (count), sha256 of header and data (of the data alone in formats 1 and 2). Tensors: every parameter (b, r, c) under its name, E0, scale, shift
 * (nelem), ref/<n>/{numbers,positions,cell,pbc,energy,forces,virial}; all F64 but numbers and pbc (I32). */
#include "model.h"
#include "../io/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2: options of config (radial bases, transforms, density, ZBL, mixing by element); 3: the hash covers the header */
#define FORMAT_VERSION 3
#define ARCHITECTURE "racah-message-passing"
#define MAX_REFERENCES 1000

/* ---- writing ---------------------------------------------------------------------------------- */

static racah_status write_reference(racahi_st_writer *w, size_t i, const racahi_reference *r,
                                    racah_error *err)
{
    char name[64];
    const size_t n1[] = {r->n}, n3[] = {r->n, 3}, m33[] = {3, 3}, s3[] = {3};
    const struct {
        const char *what;
        racahi_dtype type;
        int ndim;
        const size_t *shape;
        const void *data;
    } t[] = {{"numbers", RACAHI_I32, 1, n1, r->Z},        {"positions", RACAHI_F64, 2, n3, r->pos},
             {"cell", RACAHI_F64, 2, m33, r->cell},       {"pbc", RACAHI_I32, 1, s3, r->pbc},
             {"energy", RACAHI_F64, 0, NULL, &r->energy}, {"forces", RACAHI_F64, 2, n3, r->forces},
             {"virial", RACAHI_F64, 2, m33, r->virial}};
    for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
        snprintf(name, sizeof name, "ref/%zu/%s", i, t[k].what);
        RACAHI_TRY(racahi_st_writer_tensor(w, name, t[k].type, t[k].ndim, t[k].shape, t[k].data, err));
    }
    return RACAH_OK;
}

static racah_status fill(racahi_st_writer *w, const racah_model *m, const char *config, racah_error *err)
{
    char number[32];
    RACAHI_TRY(racahi_st_writer_meta(w, "format", "racah", err));
    snprintf(number, sizeof number, "%d", FORMAT_VERSION);
    RACAHI_TRY(racahi_st_writer_meta(w, "format_version", number, err));
    RACAHI_TRY(racahi_st_writer_meta(w, "architecture", ARCHITECTURE, err));
    RACAHI_TRY(racahi_st_writer_meta(w, "writer", racah_version(), err));
    RACAHI_TRY(racahi_st_writer_meta(w, "units", "eV, Angstrom", err));
    RACAHI_TRY(racahi_st_writer_meta(w, "config", config, err));
    snprintf(number, sizeof number, "%zu", m->nref);
    RACAHI_TRY(racahi_st_writer_meta(w, "references", number, err));
    if (m->training) RACAHI_TRY(racahi_st_writer_meta(w, "training", m->training, err));
    const size_t ne[] = {(size_t)m->cfg.nelem};
    RACAHI_TRY(racahi_st_writer_tensor(w, "E0", RACAHI_F64, 1, ne, m->E0, err));
    RACAHI_TRY(racahi_st_writer_tensor(w, "scale", RACAHI_F64, 1, ne, m->scale, err));
    RACAHI_TRY(racahi_st_writer_tensor(w, "shift", RACAHI_F64, 1, ne, m->shift, err));
    for (size_t i = 0; i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        const size_t shape[] = {p->b, p->r, p->c};
        RACAHI_TRY(racahi_st_writer_tensor(w, p->name, RACAHI_F64, 3, shape, m->theta + p->offset, err));
    }
    for (size_t i = 0; i < m->nref; i++) RACAHI_TRY(write_reference(w, i, &m->ref[i], err));
    return RACAH_OK;
}

static racah_status must_be_finite(const char *path, const char *name, size_t n, const double *x,
                                   racah_error *err)
{
    for (size_t k = 0; k < n; k++)
        if (!isfinite(x[k]))
            return racahi_fail(err, RACAH_ENUMERIC,
                               "%s: tensor \"%s\" element %zu is not finite, not written", path, name, k);
    return RACAH_OK;
}

/* What the reader would refuse is not written. */
static racah_status all_finite(const racah_model *m, const char *path, racah_error *err)
{
    for (size_t i = 0; i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        RACAHI_TRY(must_be_finite(path, p->name, p->b * p->r * p->c, m->theta + p->offset, err));
    }
    const size_t ne = (size_t)m->cfg.nelem;
    RACAHI_TRY(must_be_finite(path, "E0", ne, m->E0, err));
    RACAHI_TRY(must_be_finite(path, "scale", ne, m->scale, err));
    RACAHI_TRY(must_be_finite(path, "shift", ne, m->shift, err));
    for (size_t i = 0; i < m->nref; i++) {
        const racahi_reference *r = &m->ref[i];
        const struct {
            const char *what;
            size_t n;
            const double *x;
        } t[] = {{"positions", 3 * r->n, r->pos},
                 {"cell", 9, r->cell},
                 {"energy", 1, &r->energy},
                 {"forces", 3 * r->n, r->forces},
                 {"virial", 9, r->virial}};
        char name[64];
        for (size_t k = 0; k < sizeof t / sizeof *t; k++) {
            snprintf(name, sizeof name, "ref/%zu/%s", i, t[k].what);
            RACAHI_TRY(must_be_finite(path, name, t[k].n, t[k].x, err));
        }
    }
    return RACAH_OK;
}

racah_status racahi_model_save(const racah_model *m, const char *path, racah_error *err)
{
    RACAHI_TRY(all_finite(m, path, err));
    char *config = racahi_config_to_json(&m->cfg);
    if (!config) return racahi_fail(err, RACAH_ENOMEM, "%s: the header, some 4096 bytes, does not fit in memory", path);
    racahi_st_writer *w = NULL;
    racah_status st = racahi_st_writer_create(&w, err);
    if (st == RACAH_OK) st = fill(w, m, config, err);
    if (st == RACAH_OK) st = racahi_st_writer_save(w, path, err);
    racahi_st_writer_destroy(w);
    free(config);
    return st;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* A tensor of exactly this type and shape, finite. */
static racah_status want(const racahi_safetensors *f, const char *name, racahi_dtype type, int ndim,
                         const size_t *shape, const racahi_tensor **out, racah_error *err)
{
    const racahi_tensor *t = racahi_safetensors_find(f, name);
    if (!t) return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" is missing", f->path, name);
    if (t->dtype != type)
        return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" has the wrong type, wanted %s", f->path,
                           name, type == RACAHI_F64 ? "F64" : "I32");
    bool same = t->ndim == ndim;
    for (int d = 0; same && d < ndim; d++) same = t->shape[d] == shape[d];
    if (!same) {
        char got[128] = "", wanted[128] = "";
        for (int d = 0; d < t->ndim; d++)
            snprintf(got + strlen(got), sizeof got - strlen(got), "%s%zu", d ? "," : "", t->shape[d]);
        for (int d = 0; d < ndim; d++)
            snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "%s%zu", d ? "," : "",
                     shape[d]);
        return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" has shape (%s), wanted (%s)", f->path, name,
                           got, wanted);
    }
    if (type == RACAHI_F64)
        for (size_t i = 0; i < t->count; i++)
            if (!isfinite(((const double *)t->data)[i]))
                return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" element %zu is not finite", f->path,
                                   name, i);
    *out = t;
    return RACAH_OK;
}

static racah_status read_reference(racah_model *m, const racahi_safetensors *f, size_t i, racah_error *err)
{
    char name[64];
    snprintf(name, sizeof name, "ref/%zu/numbers", i);
    const racahi_tensor *t = racahi_safetensors_find(f, name), *Z, *pos, *cell, *pbc, *energy, *forces,
                        *virial;
    if (!t || t->ndim != 1)
        return racahi_fail(err, RACAH_EFORMAT, "%s: tensor \"%s\" is missing or not a vector", f->path, name);
    const size_t n1[] = {t->shape[0]}, n3[] = {t->shape[0], 3}, m33[] = {3, 3}, s3[] = {3};
    const struct {
        const char *what;
        racahi_dtype type;
        int ndim;
        const size_t *shape;
        const racahi_tensor **out;
    } need[] = {{"numbers", RACAHI_I32, 1, n1, &Z},       {"positions", RACAHI_F64, 2, n3, &pos},
                {"cell", RACAHI_F64, 2, m33, &cell},      {"pbc", RACAHI_I32, 1, s3, &pbc},
                {"energy", RACAHI_F64, 0, NULL, &energy}, {"forces", RACAHI_F64, 2, n3, &forces},
                {"virial", RACAHI_F64, 2, m33, &virial}};
    for (size_t k = 0; k < sizeof need / sizeof *need; k++) {
        snprintf(name, sizeof name, "ref/%zu/%s", i, need[k].what);
        RACAHI_TRY(want(f, name, need[k].type, need[k].ndim, need[k].shape, need[k].out, err));
    }
    for (size_t a = 0; a < n1[0]; a++)
        if (racah_model_element_index(m, ((const int *)Z->data)[a]) < 0)
            return racahi_fail(
                err, RACAH_EFORMAT,
                "%s: tensor \"ref/%zu/numbers\" element %zu is %d, not an element of the model", f->path, i,
                a, ((const int *)Z->data)[a]);
    const int *flags = pbc->data;
    bool periodic = flags[0] || flags[1] || flags[2];
    return racahi_model_add_reference(m, n1[0], Z->data, pos->data, periodic ? cell->data : NULL, flags,
                                      *(const double *)energy->data, forces->data, virial->data, err);
}

/* Metadata before any tensor is looked at: is it ours, this version, whole? */
static racah_status check_header(const racahi_safetensors *f, racah_error *err)
{
    const char *format = racahi_safetensors_meta(f, "format"),
               *version = racahi_safetensors_meta(f, "format_version");
    if (!format || strcmp(format, "racah") != 0)
        return racahi_fail(err, RACAH_EFORMAT, "%s: not a Racah model (metadata \"format\" is not \"racah\")",
                           f->path);
    char *end;
    long v = version ? strtol(version, &end, 10) : 0;
    if (!version || end == version || *end || v < 1)
        return racahi_fail(err, RACAH_EFORMAT, "%s: format_version \"%.20s\" is not a positive integer",
                           f->path, version ? version : "");
    if (v > FORMAT_VERSION)
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: format version %ld is newer than this release reads (%d)", f->path, v,
                           FORMAT_VERSION);
    const char *architecture = racahi_safetensors_meta(f, "architecture");
    if (!architecture || strcmp(architecture, ARCHITECTURE) != 0)
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: architecture \"%.40s\", this release has " ARCHITECTURE, f->path,
                           architecture ? architecture : "");
    const char *sum = racahi_safetensors_meta(f, "sha256"), *found = v < 3 ? f->sha256 : f->sha256_file;
    if (!sum || strcmp(sum, found) != 0)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %s not match the SHA-256 (%.16s..., file says %.16s...)", f->path,
                           v < 3 ? "the data do" : "header and data do", found, sum ? sum : "nothing");
    return RACAH_OK;
}

static racah_status read_parameters(racah_model *m, const racahi_safetensors *f, racah_error *err)
{
    const racahi_tensor *t;
    for (size_t i = 0; i < m->table.n; i++) { /* all of them, before theta of that size is allocated */
        const racahi_param *p = &m->table.t[i];
        RACAHI_TRY(want(f, p->name, RACAHI_F64, 3, (const size_t[]){p->b, p->r, p->c}, &t, err));
    }
    RACAHI_TRY(racahi_model_allocate(m, err));
    for (size_t i = 0; i < m->table.n; i++) {
        t = racahi_safetensors_find(f, m->table.t[i].name);
        memcpy(m->theta + m->table.t[i].offset, t->data, t->count * sizeof(double));
    }
    const size_t ne[] = {(size_t)m->cfg.nelem};
    const struct {
        const char *name;
        double *to;
    } constants[] = {{"E0", m->E0}, {"scale", m->scale}, {"shift", m->shift}};
    for (size_t i = 0; i < 3; i++) {
        RACAHI_TRY(want(f, constants[i].name, RACAHI_F64, 1, ne, &t, err));
        memcpy(constants[i].to, t->data, t->count * sizeof(double));
    }
    return RACAH_OK;
}

/* A tensor nobody asked for belongs to a model that is not the one the config describes. */
static racah_status no_others(const racah_model *m, const racahi_safetensors *f, racah_error *err)
{
    if (f->n == m->table.n + 3 + 7 * m->nref)
        return RACAH_OK; /* names in a file are distinct, ours are all there */
    for (size_t i = 0; i < f->n; i++) {
        const char *name = f->t[i].name;
        if (racahi_model_param(m, name) || !strcmp(name, "E0") || !strcmp(name, "scale") ||
            !strcmp(name, "shift"))
            continue;
        char *end;
        if (strncmp(name, "ref/", 4) == 0 && strtoul(name + 4, &end, 10) < m->nref && *end == '/') continue;
        return racahi_fail(err, RACAH_EFORMAT,
                           "%s: tensor \"%.80s\" is no part of the model its config describes", f->path,
                           name);
    }
    return racahi_fail(err, RACAH_EFORMAT, "%s: %zu tensors, wanted %zu", f->path, f->n,
                       m->table.n + 3 + 7 * m->nref);
}

static racah_status read_model(racah_model **out, const racahi_safetensors *f, racah_error *err)
{
    RACAHI_TRY(check_header(f, err));
    const char *config = racahi_safetensors_meta(f, "config");
    if (!config) return racahi_fail(err, RACAH_EFORMAT, "%s: metadata \"config\" is missing", f->path);
    racahi_config cfg;
    racah_status st = racahi_config_from_json(&cfg, config, err);
    if (st == RACAH_ENOMEM) return racahi_prefix(err, st, "%s", f->path);
    if (st != RACAH_OK) {
        racahi_prefix(err, RACAH_EFORMAT, "%s", f->path);
        if (err) err->code = RACAH_EFORMAT;
        return RACAH_EFORMAT;
    }
    st = racahi_model_create_shape(out, &cfg, err);
    if (st != RACAH_OK) return racahi_prefix(err, st, "%s", f->path);
    racah_model *m = *out;
    RACAHI_TRY(read_parameters(m, f, err));
    const char *refs = racahi_safetensors_meta(f, "references");
    char *end = NULL;
    long nref = refs ? strtol(refs, &end, 10) : 0;
    if (nref < 0 || nref > MAX_REFERENCES || (refs && (*end || end == refs)))
        return racahi_fail(err, RACAH_EFORMAT, "%s: references = \"%.20s\", wanted 0 .. %d", f->path, refs,
                           MAX_REFERENCES);
    for (long i = 0; i < nref; i++) RACAHI_TRY(read_reference(m, f, (size_t)i, err));
    RACAHI_TRY(no_others(m, f, err));
    const char *training = racahi_safetensors_meta(f, "training");
    m->training = racahi_strdup(training);
    m->path = racahi_strdup(f->path);
    if ((training && !m->training) || !m->path)
        return racahi_fail(err, RACAH_ENOMEM, "%s: %zu bytes do not fit in memory", f->path,
                           (training ? strlen(training) : 0) + strlen(f->path) + 2);
    memcpy(m->sha256, racahi_safetensors_meta(f, "sha256"), sizeof m->sha256); /* equal to the one computed */
    return racahi_model_read_shortest(m, err);
}

racah_status racah_model_load(racah_model **out, const char *path, racah_error *err)
{
    if (!out || !path) return racahi_fail(err, RACAH_EINVAL, "model load: NULL argument");
    *out = NULL;
    racahi_safetensors *f = NULL;
    RACAHI_TRY(racahi_safetensors_read(&f, path, err));
    racah_status st = read_model(out, f, err);
    racahi_safetensors_free(f);
    if (st != RACAH_OK) {
        racah_model_destroy(*out);
        *out = NULL;
    }
    return st;
}
