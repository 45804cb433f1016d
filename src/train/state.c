/* SPDX-License-Identifier: MIT
 * Checkpoints: a safetensors file with the vectors, the counters, the history and the configuration's text.
 */
#include "state.h"
#include "../io/safetensors.h"

#include <math.h>
#include <string.h>

#define CKPT_FORMAT "racah-checkpoint 1"

enum { NCOUNT = 8, NVALUE = 5 };

static void pack(const racahi_train_state *s, int64_t count[NCOUNT], double value[NVALUE])
{
    const int64_t c[NCOUNT] = {s->epoch,      s->batch,     s->structures, s->kept_epoch,
                               s->since_best, s->since_cut, s->stage,      s->optim.steps};
    const double v[NVALUE] = {s->loss_sum, s->norm_sum, s->best_measure, s->plateau, s->elapsed};
    memcpy(count, c, sizeof c);
    memcpy(value, v, sizeof v);
}

static void unpack(racahi_train_state *s, const int64_t c[NCOUNT], const double v[NVALUE])
{
    s->epoch = c[0], s->batch = c[1], s->structures = c[2], s->kept_epoch = c[3];
    s->since_best = c[4], s->since_cut = c[5], s->stage = c[6], s->optim.steps = c[7];
    s->loss_sum = v[0], s->norm_sum = v[1], s->best_measure = v[2], s->plateau = v[3], s->elapsed = v[4];
}

racah_status racahi_state_create(racahi_train_state *s, const racahi_train_config *cfg, size_t n,
                                 const double *theta, racah_error *err)
{
    *s = (racahi_train_state){.n = n, .best_measure = INFINITY, .plateau = 1, .stage = cfg->stage_start};
    s->theta = racahi_malloc(n, sizeof *s->theta);
    s->kept = racahi_malloc(n, sizeof *s->kept);
    if (!s->theta || !s->kept) {
        racahi_state_free(s);
        return racahi_fail(err, RACAH_ENOMEM, "%zu parameters: %zu bytes do not fit in memory", n,
                           2 * n * sizeof *s->theta);
    }
    memcpy(s->theta, theta, n * sizeof *theta);
    memcpy(s->kept, theta, n * sizeof *theta);
    racah_status st = racahi_optim_create(&s->optim, n, cfg->optimizer, theta, err);
    if (st != RACAH_OK) racahi_state_free(s);
    return st;
}

void racahi_state_free(racahi_train_state *s)
{
    racahi_free(s->theta);
    racahi_free(s->kept);
    racahi_free(s->history);
    racahi_optim_free(&s->optim);
    *s = (racahi_train_state){0};
}

/* Names and places of the vectors of n numbers. */
typedef struct vector {
    const char *name;
    double *at; /* NULL: this optimiser has none */
} vector;

enum { NVECTOR = 6 };

static void vectors(const racahi_train_state *s, vector out[NVECTOR])
{
    const vector v[NVECTOR] = {{"theta", s->theta},    {"ema", s->optim.ema},  {"best", s->kept},
                               {"adam.m", s->optim.m}, {"adam.v", s->optim.v}, {"adam.vmax", s->optim.vmax}};
    memcpy(out, v, sizeof v);
}

static racah_status fill(racahi_st_writer *w, const racahi_train_state *s, const int64_t *count,
                         const double *value, const char *text, const char *data_hash, racah_error *err)
{
    const size_t nc = NCOUNT, nv = NVALUE, rows[2] = {s->nrow, RACAHI_H_COLUMNS};
    vector v[NVECTOR];
    vectors(s, v);
    RACAHI_TRY(racahi_st_writer_meta(w, "format", CKPT_FORMAT, err));
    RACAHI_TRY(racahi_st_writer_meta(w, "config", text, err));
    RACAHI_TRY(racahi_st_writer_meta(w, "data", data_hash, err));
    RACAHI_TRY(racahi_st_writer_tensor(w, "counters", RACAHI_I64, 1, &nc, count, err));
    RACAHI_TRY(racahi_st_writer_tensor(w, "values", RACAHI_F64, 1, &nv, value, err));
    for (int i = 0; i < NVECTOR; i++)
        if (v[i].at) RACAHI_TRY(racahi_st_writer_tensor(w, v[i].name, RACAHI_F64, 1, &s->n, v[i].at, err));
    if (!s->nrow) return RACAH_OK;
    return racahi_st_writer_tensor(w, "history", RACAHI_F64, 2, rows, s->history, err);
}

racah_status racahi_state_save(const racahi_train_state *s, const racahi_train_config *cfg,
                               const char *data_hash, const char *path, racah_error *err)
{
    racahi_st_writer *w = NULL;
    int64_t count[NCOUNT];
    double value[NVALUE];
    char *text = racahi_train_config_text(cfg);
    if (!text) return racahi_fail(err, RACAH_ENOMEM, "%s: no memory", path);
    pack(s, count, value);
    racah_status st = racahi_st_writer_create(&w, err);
    if (st == RACAH_OK) st = fill(w, s, count, value, text, data_hash, err);
    if (st == RACAH_OK) st = racahi_st_writer_save(w, path, err);
    racahi_st_writer_destroy(w);
    racahi_free(text);
    return st;
}

/* Data of a tensor with this shape. */
static racah_status tensor_of(const racahi_safetensors *f, const char *name, racahi_dtype dtype, size_t count,
                              const void **data, racah_error *err)
{
    const racahi_tensor *t = racahi_safetensors_find(f, name);
    if (!t) return racahi_fail(err, RACAH_EFORMAT, "%s: tensor %s is missing", f->path, name);
    if (t->dtype != dtype || t->count != count)
        return racahi_fail(err, RACAH_EFORMAT, "%s: tensor %s has %zu elements, wanted %zu %s", f->path, name,
                           t->count, count, dtype == RACAHI_I64 ? "of 64-bit integers" : "doubles");
    *data = t->data;
    return RACAH_OK;
}

static racah_status check_counters(const racahi_train_state *s, const char *path, racah_error *err)
{
    bool ok = s->epoch >= 0 && s->epoch <= INT32_MAX && (int64_t)s->nrow == s->epoch && s->batch >= 0 &&
              s->structures >= 0 && s->kept_epoch >= 0 && s->kept_epoch <= s->epoch && s->since_best >= 0 &&
              s->since_cut >= 0 && s->stage >= 0 && s->optim.steps >= 0 && s->plateau > 0 && s->plateau <= 1 &&
              isfinite(s->loss_sum) && isfinite(s->norm_sum) && isfinite(s->elapsed) && !isnan(s->best_measure);
    for (size_t k = 0; k < s->n; k++) ok = ok && s->optim.v[k] >= 0 && (!s->optim.vmax || s->optim.vmax[k] >= 0);
    if (!ok)
        return racahi_fail(err, RACAH_EFORMAT, "%s: its counters are not those of a training", path);
    return RACAH_OK;
}

static racah_status load(racahi_train_state *s, const racahi_train_config *cfg, const char *data_hash,
                         const racahi_safetensors *f, racah_error *err)
{
    const char *format = racahi_safetensors_meta(f, "format"), *text = racahi_safetensors_meta(f, "config");
    const char *hash = racahi_safetensors_meta(f, "data");
    const void *count, *value, *data;
    vector v[NVECTOR];
    if (!format || !text || !hash || strcmp(format, CKPT_FORMAT) != 0)
        return racahi_fail(err, RACAH_EFORMAT, "%s: format \"%.40s\" is not \"" CKPT_FORMAT "\"", f->path,
                           format ? format : "");
    const char *sum = racahi_safetensors_meta(f, "sha256");
    /* of header and data; of the data alone where an earlier release wrote it */
    if (!sum || (strcmp(sum, f->sha256_file) != 0 && strcmp(sum, f->sha256) != 0))
        return racahi_fail(err, RACAH_EFORMAT, "%s: the data do not match their SHA-256", f->path);
    racah_status st = racahi_train_config_same(cfg, text, err);
    if (st != RACAH_OK) return racahi_prefix(err, st, "%s", f->path);
    if (strcmp(hash, data_hash) != 0)
        return racahi_fail(err, RACAH_EINVAL,
                           "%s: the training or validation structures%s have changed since", f->path,
                           cfg->start_from ? " or the model of start_from" : "");
    RACAHI_TRY(tensor_of(f, "counters", RACAHI_I64, NCOUNT, &count, err));
    RACAHI_TRY(tensor_of(f, "values", RACAHI_F64, NVALUE, &value, err));
    unpack(s, count, value);
    vectors(s, v);
    for (int i = 0; i < NVECTOR; i++) {
        if (!v[i].at) continue;
        RACAHI_TRY(tensor_of(f, v[i].name, RACAHI_F64, s->n, &data, err));
        memcpy(v[i].at, data, s->n * sizeof(double));
        for (size_t k = 0; k < s->n; k++)
            if (!isfinite(v[i].at[k]))
                return racahi_fail(err, RACAH_EFORMAT, "%s: tensor %s, element %zu is not finite", f->path,
                                   v[i].name, k);
    }
    const racahi_tensor *h = racahi_safetensors_find(f, "history");
    size_t rows = h ? h->count / RACAHI_H_COLUMNS : 0;
    if (h) RACAHI_TRY(tensor_of(f, "history", RACAHI_F64, rows * RACAHI_H_COLUMNS, &data, err));
    RACAHI_TRY(racahi_reserve((void **)&s->history, &s->cap, rows + 1, RACAHI_H_COLUMNS * sizeof(double),
                              "history", err));
    if (h) memcpy(s->history, data, rows * RACAHI_H_COLUMNS * sizeof(double));
    s->nrow = rows;
    return check_counters(s, f->path, err);
}

racah_status racahi_state_load(racahi_train_state *s, const racahi_train_config *cfg, const char *data_hash,
                               const char *path, racah_error *err)
{
    racahi_safetensors *f = NULL;
    RACAHI_TRY(racahi_safetensors_read(&f, path, err));
    racah_status st = load(s, cfg, data_hash, f, err);
    racahi_safetensors_free(f);
    return st;
}
