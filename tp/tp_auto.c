/* SPDX-License-Identifier: MIT
 * Algorithm `auto`: every algorithm that can run the plan is timed on it, forward and backward, and the fastest
 * stays. What was chosen can be kept in a cache, under everything that decides it. */
#include "tp_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef struct cache_line {
    uint64_t key[2];
    racah_tp_algorithm algorithm;
} cache_line;

struct racah_tp_cache {
    pthread_mutex_t lock;
    size_t n, cap;
    cache_line *line;
};

racah_status racah_tp_cache_create(racah_tp_cache **out, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "racah_tp_cache_create: out is NULL");
    racah_tp_cache *c = *out = racahi_calloc(1, sizeof *c);
    if (!c) return racahi_fail(err, RACAH_ENOMEM, "tp cache: no memory");
    pthread_mutex_init(&c->lock, NULL);
    return RACAH_OK;
}

void racah_tp_cache_destroy(racah_tp_cache *c)
{
    if (!c) return;
    pthread_mutex_destroy(&c->lock);
    racahi_free(c->line);
    racahi_free(c);
}

/* ---- keys -------------------------------------------------------------------------------------------- */

/* FNV-1a twice with different starts: 128 bits of everything that decides the choice. */
static void mix(uint64_t key[2], uint64_t value)
{
    for (int i = 0; i < 2; i++)
        for (int b = 0; b < 8; b++) key[i] = (key[i] ^ (value >> (8 * b) & 0xff)) * 0x100000001b3u;
}

static void mix_irreps(uint64_t key[2], const racahi_irreps *s)
{
    mix(key, s->n);
    for (size_t i = 0; i < s->n; i++) {
        mix(key, (uint64_t)s->block[i].mul);
        mix(key, (uint64_t)(2 * s->block[i].l + (s->block[i].p > 0)));
    }
}

static void plan_key(const racah_tp_plan *p, uint64_t key[2])
{
    key[0] = 0xcbf29ce484222325u, key[1] = 0x84222325cbf29ce4u;
    mix_irreps(key, &p->in1), mix_irreps(key, &p->in2), mix_irreps(key, &p->out);
    mix(key, p->npath);
    for (size_t i = 0; i < p->npath; i++) {
        const racah_tp_instruction *t = &p->path[i].ins;
        const int fields[5] = {t->in1, t->in2, t->out, (int)t->mode, t->has_weight != 0};
        uint64_t bits;
        memcpy(&bits, &t->path_weight, sizeof bits);
        for (int f = 0; f < 5; f++) mix(key, (uint64_t)fields[f]);
        mix(key, bits);
    }
    const racah_tp_desc *d = &p->d;
    const int fields[10] = {(int)d->family,
                            (int)d->irrep_normalization,
                            (int)d->path_normalization,
                            (int)d->signs,
                            (int)d->weights,
                            d->weights_common != 0,
                            (int)d->second,
                            (int)d->layout,
                            (int)d->dtype,
                            d->mmax};
    for (int f = 0; f < 10; f++) mix(key, (uint64_t)fields[f]);
}

static racah_tp_algorithm cache_find(racah_tp_cache *c, const uint64_t key[2])
{
    racah_tp_algorithm found = RACAH_TP_AUTO;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < c->n; i++)
        if (c->line[i].key[0] == key[0] && c->line[i].key[1] == key[1]) found = c->line[i].algorithm;
    pthread_mutex_unlock(&c->lock);
    return found;
}

static racah_status cache_add(racah_tp_cache *c, const uint64_t key[2], racah_tp_algorithm a,
                              racah_error *err)
{
    pthread_mutex_lock(&c->lock);
    racah_status status =
        racahi_reserve((void **)&c->line, &c->cap, c->n + 1, sizeof *c->line, "tp cache", err);
    if (status == RACAH_OK) c->line[c->n++] = (cache_line){{key[0], key[1]}, a};
    pthread_mutex_unlock(&c->lock);
    return status;
}

/* ---- timing -------------------------------------------------------------------------------------------- */

typedef struct trial {
    size_t n, dim[8]; /* x y w z dx dy dw dz */
    void *array[8];
} trial;

static void trial_free(trial *t)
{
    for (int i = 0; i < 8; i++) racahi_free(t->array[i]);
}

static racah_status trial_make(const racah_tp_plan *p, trial *t, racah_error *err)
{
    size_t n = p->d.auto_n ? p->d.auto_n : 64, d2 = p->d.second == RACAH_TP_SECOND_DIRECTION ? 3 : p->in2.dim;
    size_t nw = p->d.weights_common ? p->nw : n * p->nw;
    size_t size = p->d.dtype == RACAH_TP_F64 ? sizeof(double) : sizeof(float);
    const size_t len[8] = {n * p->in1.dim, n * d2, nw, n * p->out.dim,
                           n * p->in1.dim, n * d2, nw, n * p->out.dim};
    t->n = n;
    for (int i = 0; i < 8; i++) {
        t->array[i] = racahi_calloc(len[i] + 1, size);
        if (!t->array[i]) {
            trial_free(t);
            return racahi_fail(err, RACAH_ENOMEM, "tp auto: %zu samples do not fit in memory", n);
        }
        for (size_t k = 0; k < len[i]; k++) { /* numbers of ordinary size; which ones does not matter */
            double v = (double)((k * 2654435761u + (size_t)i * 97) % 1024) / 512 - 0.999;
            if (size == sizeof(double))
                ((double *)t->array[i])[k] = v;
            else
                ((float *)t->array[i])[k] = (float)v;
        }
    }
    return RACAH_OK;
}

static void trial_run(const racah_tp_plan *p, const trial *t, void *ws)
{
    void *const *a = t->array;
    if (p->d.dtype == RACAH_TP_F64) {
        racahi_tp_run_forward_f64(p, ws, t->n, a[0], a[1], a[2], a[3]);
        racahi_tp_run_backward_f64(p, ws, t->n, a[0], a[1], a[2], a[7], a[4], a[5], a[6]);
    } else {
        racahi_tp_run_forward_f32(p, ws, t->n, a[0], a[1], a[2], a[3]);
        racahi_tp_run_backward_f32(p, ws, t->n, a[0], a[1], a[2], a[7], a[4], a[5], a[6]);
    }
}

/* Best of three after a warm-up; *seconds < 0 without memory. */
static double trial_time(const racah_tp_plan *p, const trial *t)
{
    void *ws = racahi_malloc(p->ws_size, 1);
    if (!ws) return -1;
    trial_run(p, t, ws);
    double best = -1;
    for (int i = 0; i < 3; i++) {
        double start = racahi_now();
        trial_run(p, t, ws);
        double seconds = racahi_now() - start;
        if (best < 0 || seconds < best) best = seconds;
    }
    racahi_free(ws);
    return best;
}

/* Only so2 may be a candidate when components are left out. */
static bool candidate(const racah_tp_plan *p, racah_tp_algorithm a)
{
    return p->d.mmax < 0 || a == RACAH_TP_SO2;
}

racah_status racahi_tp_auto(racah_tp_plan *p, racah_error *err)
{
    uint64_t key[2];
    plan_key(p, key);
    if (p->d.cache) {
        racah_tp_algorithm a = cache_find(p->d.cache, key);
        if (a != RACAH_TP_AUTO) return racahi_tp_plan_attach(p, racahi_tp_ops_of(a), err);
    }
    trial t = {0};
    RACAHI_TRY(trial_make(p, &t, err));
    racah_tp_algorithm best = RACAH_TP_AUTO;
    double least = 0;
    racah_error why = {0};
    for (int a = 1; a < RACAH_TP_ALGORITHM_COUNT; a++) {
        const racahi_tp_ops *ops = racahi_tp_ops_of((racah_tp_algorithm)a);
        if (!candidate(p, (racah_tp_algorithm)a) || racahi_tp_plan_attach(p, ops, &why) != RACAH_OK) continue;
        double seconds = trial_time(p, &t);
        racahi_tp_plan_detach(p);
        if (seconds >= 0 && (best == RACAH_TP_AUTO || seconds < least))
            best = (racah_tp_algorithm)a, least = seconds;
    }
    trial_free(&t);
    if (best == RACAH_TP_AUTO)
        return racahi_fail(err, why.code ? why.code : RACAH_ENOMEM,
                           "tp auto: no algorithm can run this; the last said: %s", why.msg);
    if (p->d.cache) RACAHI_TRY(cache_add(p->d.cache, key, best, err));
    return racahi_tp_plan_attach(p, racahi_tp_ops_of(best), err);
}
