/* SPDX-License-Identifier: MIT
 * Training data: reading, split, neighbour lists. E0s and statistics: data_labels.c. */
#include "data_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One frame before it becomes a sample. */
typedef struct item {
    const racahi_frame *frame;
    const char *file;
    size_t number;
    size_t order; /* of reading */
    uint64_t key; /* random order of the split */
} item;

typedef struct items {
    size_t n, cap;
    item *v;
} items;

void racahi_say(racahi_say_fn say, void *ctx, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    if (!say) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    say(ctx, text);
}

int racahi_dataset_element(const racahi_dataset *data, int Z)
{
    for (int e = 0; e < data->nelem; e++)
        if (data->Z[e] == Z) return e;
    return -1;
}

static double cell_volume(const double c[9])
{
    return fabs(c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) +
                c[2] * (c[3] * c[7] - c[4] * c[6]));
}

/* ---- reading and splitting ------------------------------------------------------------------- */

/* Sort the frames of one file: isolated atoms to `isolated`, the rest to `rest`. */
static racah_status collect(const racahi_frames *frames, items *isolated, items *rest, racah_error *err)
{
    for (size_t i = 0; i < frames->n; i++) {
        items *to = racahi_frame_is_isolated(&frames->f[i]) ? isolated : rest;
        RACAHI_TRY(
            racahi_reserve((void **)&to->v, &to->cap, to->n + 1, sizeof *to->v, "list of structures", err));
        to->v[to->n++] = (item){.frame = &frames->f[i], .file = frames->path, .number = i + 1};
    }
    return RACAH_OK;
}

static racah_status read_files(racahi_dataset *data, const racahi_train_config *cfg, items *isolated,
                               items *train, items *valid, racah_error *err)
{
    size_t n = cfg->train_file.n + cfg->valid_file.n;
    data->files = racahi_calloc(n, sizeof *data->files);
    if (!data->files)
        return racahi_fail(err, RACAH_ENOMEM, "%zu files: %zu bytes do not fit in memory", n,
                           n * sizeof *data->files);
    for (size_t i = 0; i < n; i++) {
        bool first = i < cfg->train_file.n;
        const char *path = first ? cfg->train_file.path[i] : cfg->valid_file.path[i - cfg->train_file.n];
        RACAHI_TRY(racahi_extxyz_read(&data->files[i], path, err));
        data->nfiles = i + 1;
        RACAHI_TRY(collect(&data->files[i], isolated, first ? train : valid, err));
    }
    return RACAH_OK;
}

/* config_weight times that of the configuration for its type. */
static racah_status weigh_types(racahi_dataset *data, const racahi_train_type_weights *w, racah_error *err)
{
    for (int k = 0; k < w->n; k++) {
        size_t found = 0;
        for (size_t i = 0; i < data->nfiles; i++)
            for (size_t j = 0; j < data->files[i].n; j++) {
                racahi_frame *f = &data->files[i].f[j];
                if (strcmp(f->config_type, w->type[k])) continue;
                f->weight *= w->value[k];
                found++;
            }
        if (!found)
            return racahi_fail(err, RACAH_EDATA, "config_type_weights: no structure has config_type \"%s\"", w->type[k]);
    }
    return RACAH_OK;
}

static int by_type_then_key(const void *pa, const void *pb)
{
    const item *a = pa, *b = pb;
    int type = strcmp(a->frame->config_type, b->frame->config_type);
    if (type) return type;
    return a->key < b->key ? -1 : a->key > b->key;
}

static int by_order(const void *pa, const void *pb)
{
    const item *a = pa, *b = pb;
    return a->order < b->order ? -1 : a->order > b->order;
}

static uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t racahi_random(uint64_t seed, uint64_t stream, uint64_t counter)
{
    const uint64_t gamma = 0x9e3779b97f4a7c15u;
    return mix64(mix64(mix64(seed + gamma) + gamma * (stream + 1)) + gamma * (counter + 1));
}

/* Move a share of `train` to `valid`: random order within each config_type, then every 1/fraction-th, so that
 * each type is represented in proportion. The frames then go back to the order of the files. */
static racah_status split(items *train, items *valid, double fraction, int seed, racah_error *err)
{
    items keep = {0};
    racah_status st = RACAH_OK;
    for (size_t i = 0; i < train->n; i++) {
        train->v[i].order = i;
        train->v[i].key = racahi_random((uint64_t)seed, RACAHI_STREAM_SPLIT, i);
    }
    if (train->n) qsort(train->v, train->n, sizeof *train->v, by_type_then_key);
    for (size_t i = 0; i < train->n && st == RACAH_OK; i++) {
        bool out = floor((double)(i + 1) * fraction + 0.5) > floor((double)i * fraction + 0.5);
        items *to = out ? valid : &keep;
        st = racahi_reserve((void **)&to->v, &to->cap, to->n + 1, sizeof *to->v, "list of structures", err);
        if (st == RACAH_OK) to->v[to->n++] = train->v[i];
    }
    racahi_free(train->v);
    *train = keep;
    if (keep.n) qsort(keep.v, keep.n, sizeof *keep.v, by_order);
    if (valid->n) qsort(valid->v, valid->n, sizeof *valid->v, by_order);
    return st;
}

/* ---- samples ---------------------------------------------------------------------------------- */

racah_status racahi_sample_error(const racahi_sample *s, racah_error *err, racah_status code)
{
    return racahi_prefix(err, code, "%s, frame %zu (line %zu)", s->file, s->number, s->frame->line);
}

static racah_status make_sample(racahi_sample *s, const racahi_dataset *data, const item *it, double reach,
                                racah_error *err)
{
    const racahi_frame *f = it->frame;
    *s = (racahi_sample){.frame = f, .file = it->file, .number = it->number, .n = f->n};
    s->elem = racahi_malloc(f->n, sizeof *s->elem);
    if (!s->elem)
        return racahi_fail(err, RACAH_ENOMEM, "%s: %zu bytes for its atoms do not fit in memory", it->file,
                           f->n * sizeof *s->elem);
    for (size_t i = 0; i < f->n; i++) {
        s->elem[i] = racahi_dataset_element(data, f->Z[i]);
        if (s->elem[i] < 0)
            return racahi_fail(err, RACAH_EDATA, "%s, frame %zu: %s is not in the training structures",
                               it->file, it->number, racahi_element_symbol(f->Z[i]));
    }
    bool any = f->pbc[0] || f->pbc[1] || f->pbc[2];
    if (f->pbc[0] && f->pbc[1] && f->pbc[2]) s->volume = cell_volume(f->cell);
    s->has_energy = f->has_energy;
    s->has_forces = f->forces != NULL;
    s->has_stress = f->has_stress && s->volume > 0;
    racah_status st = racahi_neigh_build(&s->edges, f->n, f->pos, any ? f->cell : NULL, f->pbc, reach, err);
    return st == RACAH_OK ? RACAH_OK : racahi_sample_error(s, err, st);
}

static racah_status make_samples(racahi_sample **out, size_t *n, const racahi_dataset *data, items *list,
                                 double reach, racah_error *err)
{
    *out = racahi_calloc(list->n, sizeof **out);
    if (!*out)
        return racahi_fail(err, RACAH_ENOMEM, "%zu structures: %zu bytes do not fit in memory", list->n,
                           list->n * sizeof **out);
    for (size_t i = 0; i < list->n; i++) {
        *n = i + 1; /* counts the one being made, so that destroy frees it */
        RACAHI_TRY(make_sample(&(*out)[i], data, &list->v[i], reach, err));
    }
    return RACAH_OK;
}

/* Elements of the training structures (isolated atoms of other elements do not count), ascending. */
static void find_elements(racahi_dataset *data, const items *train)
{
    bool seen[RACAHI_MAX_ELEMENTS + 1] = {false};
    for (size_t i = 0; i < train->n; i++)
        for (size_t a = 0; a < train->v[i].frame->n; a++) seen[train->v[i].frame->Z[a]] = true;
    for (int Z = 1; Z <= RACAHI_MAX_ELEMENTS; Z++)
        if (seen[Z]) data->Z[data->nelem++] = Z;
}

/* Isolated atoms: their energies by atomic number, NAN where there is none. */
static racah_status isolated_energies(const items *isolated, double *energy, racah_error *err)
{
    const item *of[RACAHI_MAX_ELEMENTS + 1] = {NULL};
    for (int Z = 0; Z <= RACAHI_MAX_ELEMENTS; Z++) energy[Z] = NAN;
    for (size_t i = 0; i < isolated->n; i++) {
        const item *it = &isolated->v[i];
        int Z = it->frame->Z[0];
        const char *symbol = racahi_element_symbol(Z);
        if (!it->frame->has_energy)
            return racahi_fail(err, RACAH_EDATA, "%s, frame %zu: the isolated %s atom has no energy",
                               it->file, it->number, symbol);
        if (of[Z])
            return racahi_fail(err, RACAH_EDATA, "two isolated %s atoms: %s, frame %zu and %s, frame %zu",
                               symbol, of[Z]->file, of[Z]->number, it->file, it->number);
        of[Z] = it;
        energy[Z] = it->frame->energy;
    }
    return RACAH_OK;
}

/* SHA-256 over numbers and labels in the order training sees them. */
static racah_status hash_samples(const racahi_sample *s, size_t n, char hash[65], racah_error *err)
{
    char *bytes = NULL;
    size_t cap = 0, used;
    racah_status st = RACAH_OK;
    for (size_t i = 0; i < n && st == RACAH_OK; i++) {
        const racahi_frame *f = s[i].frame;
        size_t need = 64 + f->n * (sizeof(int) + 6 * sizeof(double)) + 21 * sizeof(double);
        st = racahi_reserve((void **)&bytes, &cap, need, 1, "hash of the data", err);
        if (st != RACAH_OK) break;
        memcpy(bytes, hash, 64);
        used = 64;
#define ADD(p, count) memcpy(bytes + used, p, (count) * sizeof *(p)), used += (count) * sizeof *(p)
        ADD(f->Z, f->n);
        ADD(f->pos, 3 * f->n);
        if (s[i].has_forces) ADD(f->forces, 3 * f->n);
        ADD(f->cell, 9);
        double more[3] = {s[i].has_energy ? s[i].energy : 0, f->weight,
                          s[i].has_energy + 2.0 * s[i].has_forces + 4.0 * s[i].has_stress};
        ADD(more, 3);
        if (s[i].has_stress) ADD(f->stress, 9);
#undef ADD
        st = racahi_sha256(bytes, used, hash, err);
    }
    racahi_free(bytes);
    return st;
}

static racah_status build(racahi_dataset *data, const racahi_train_config *cfg, items *isolated, items *train,
                          items *valid, racahi_say_fn say, void *ctx, racah_error *err)
{
    double energy[RACAHI_MAX_ELEMENTS + 1];
    /* rounding of the displaced distances must not leave the skin */
    const double reach = cfg->r_max + 1.001 * cfg->displacement;
    RACAHI_TRY(read_files(data, cfg, isolated, train, valid, err));
    RACAHI_TRY(weigh_types(data, &cfg->type_weights, err));
    if (!cfg->valid_file.n) RACAHI_TRY(split(train, valid, cfg->valid_fraction, cfg->seed.v[0], err));
    if (!train->n)
        return racahi_fail(err, RACAH_EDATA, "no structure to train on in %s", cfg->train_file.path[0]);
    RACAHI_TRY(isolated_energies(isolated, energy, err));
    find_elements(data, train);
    RACAHI_TRY(make_samples(&data->train, &data->ntrain, data, train, reach, err));
    RACAHI_TRY(make_samples(&data->valid, &data->nvalid, data, valid, reach, err));
    racahi_label_statistics(&data->train_stats, data->train, data->ntrain, cfg->r_max);
    racahi_label_statistics(&data->valid_stats, data->valid, data->nvalid, cfg->r_max);
    racahi_say_statistics(data, isolated->n, say, ctx);
    const racahi_label_stats *s = &data->train_stats;
    if (!s->energies && !s->forces && !s->stresses)
        return racahi_fail(
            err, RACAH_EDATA,
            "%s: no label in %zu training structures; wanted energy, forces or stress (or REF_energy, "
            "REF_forces, REF_stress, virial)",
            cfg->train_file.path[0], data->ntrain);
    RACAHI_TRY(racahi_find_e0(data, cfg, energy, say, ctx, err));
    memset(data->hash, '0', 64);
    RACAHI_TRY(hash_samples(data->train, data->ntrain, data->hash, err));
    return hash_samples(data->valid, data->nvalid, data->hash, err);
}

racah_status racahi_dataset_create(racahi_dataset **out, const racahi_train_config *cfg, racahi_say_fn say,
                                   void *ctx, racah_error *err)
{
    items isolated = {0}, train = {0}, valid = {0};
    *out = NULL;
    racahi_dataset *data = racahi_calloc(1, sizeof *data);
    if (!data)
        return racahi_fail(err, RACAH_ENOMEM, "data set: %zu bytes do not fit in memory", sizeof *data);
    racah_status st = build(data, cfg, &isolated, &train, &valid, say, ctx, err);
    racahi_free(isolated.v);
    racahi_free(train.v);
    racahi_free(valid.v);
    if (st == RACAH_OK)
        *out = data;
    else
        racahi_dataset_destroy(data);
    return st;
}

static void samples_free(racahi_sample *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        racahi_free(s[i].elem);
        racahi_edges_free(&s[i].edges);
    }
    racahi_free(s);
}

void racahi_dataset_destroy(racahi_dataset *data)
{
    if (!data) return;
    samples_free(data->train, data->ntrain);
    samples_free(data->valid, data->nvalid);
    for (size_t i = 0; i < data->nfiles; i++) racahi_frames_free(&data->files[i]);
    racahi_free(data->files);
    racahi_free(data);
}
