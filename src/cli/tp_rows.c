/* SPDX-License-Identifier: MIT
 * Runs one algorithm at one L for `racah tp`. */
#include "tp_rows.h"
#include "peak.h"

#include <math.h>
#include <string.h>

const cli_tp_case cli_tp_cases[CLI_TP_NCASES] = {
    {"cg component", RACAH_TP_CG, RACAH_TP_FAMILY_COMPONENT, RACAH_TP_W_PATH, RACAH_TP_SECOND_ANY},
    {"so2 component", RACAH_TP_SO2, RACAH_TP_FAMILY_COMPONENT, RACAH_TP_W_PATH, RACAH_TP_SECOND_DIRECTION},
    {"cg gaunt", RACAH_TP_CG, RACAH_TP_FAMILY_GAUNT, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
    {"gaunt gaunt", RACAH_TP_GAUNT, RACAH_TP_FAMILY_GAUNT, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
    {"grid gaunt", RACAH_TP_GRID, RACAH_TP_FAMILY_GAUNT, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
    {"cp gaunt", RACAH_TP_CP, RACAH_TP_FAMILY_GAUNT, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
    {"matrix matrix", RACAH_TP_MATRIX, RACAH_TP_FAMILY_MATRIX, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
    {"vector poisson", RACAH_TP_VECTOR, RACAH_TP_FAMILY_POISSON, RACAH_TP_W_SEPARABLE, RACAH_TP_SECOND_ANY},
};

static racah_tp_desc describe(const cli_tp_case *c, int L, int channels)
{
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.C = channels, d.C2 = c->second == RACAH_TP_SECOND_DIRECTION ? 1 : channels;
    d.l1max = d.l2max = d.l3max = L;
    d.mode = d.C2 == channels && channels > 1 ? RACAH_TP_UUU : RACAH_TP_UVU;
    d.algorithm = c->algorithm, d.family = c->family, d.weights = c->weights, d.second = c->second;
    return d;
}

/* ---- times ---------------------------------------------------------------------------------------- */

typedef struct batch {
    racah_tp_plan *plan;
    void *ws;
    size_t n;
    bool single;
    void *x, *y, *w, *z, *dx, *dy, *dw; /* double or float; z is also the gradient that backward gets */
} batch;

static void fill(void *a, size_t n, bool single)
{
    for (size_t i = 0; i < n; i++) { /* any numbers of size 1, no two neighbours equal */
        double v = sin(0.7 * (double)i + 0.3);
        if (single)
            ((float *)a)[i] = (float)v;
        else
            ((double *)a)[i] = v;
    }
}

static racah_status batch_init(batch *b, const racah_tp_desc *desc, size_t n, bool single,
                               racah_tp_info *info, racah_error *err)
{
    racah_tp_desc d = *desc;
    d.dtype = single ? RACAH_TP_F32 : RACAH_TP_F64;
    *b = (batch){.n = n, .single = single};
    RACAHI_TRY(racah_tp_plan_create(&b->plan, &d, err));
    racah_tp_plan_info(b->plan, info);
    const size_t size[4] = {n * info->dim1, n * info->dim2, n * info->nw, n * info->dim3};
    void **all[7] = {&b->x, &b->y, &b->w, &b->z, &b->dx, &b->dy, &b->dw};
    b->ws = racahi_malloc(racah_tp_ws_size(b->plan), 1);
    for (int i = 0; i < 7; i++) {
        *all[i] = racahi_calloc(size[i % 4], single ? sizeof(float) : sizeof(double));
        if (!*all[i] || !b->ws)
            return racahi_fail(err, RACAH_ENOMEM, "tp: a batch of %zu samples does not fit", n);
        fill(*all[i], size[i % 4], single);
    }
    return RACAH_OK;
}

static void batch_free(batch *b)
{
    racah_tp_plan_destroy(b->plan);
    void *all[] = {b->ws, b->x, b->y, b->w, b->z, b->dx, b->dy, b->dw};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static racah_status once(batch *b, bool backward, racah_error *err)
{
    if (b->single)
        return backward ? racah_tp_backward_f32(b->plan, b->ws, b->n, b->x, b->y, b->w, b->z, b->dx, b->dy,
                                                b->dw, err)
                        : racah_tp_forward_f32(b->plan, b->ws, b->n, b->x, b->y, b->w, b->z, err);
    return backward
               ? racah_tp_backward_f64(b->plan, b->ws, b->n, b->x, b->y, b->w, b->z, b->dx, b->dy, b->dw, err)
               : racah_tp_forward_f64(b->plan, b->ws, b->n, b->x, b->y, b->w, b->z, err);
}

/* The shortest run of those that fit the time, at least three. */
static racah_status time_batch(batch *b, bool backward, double seconds, double *best, racah_error *err)
{
    *best = INFINITY;
    RACAHI_TRY(once(b, backward, err));
    double begin = racahi_now();
    for (int i = 0; i < 3 || racahi_now() - begin < seconds; i++) {
        double start = racahi_now();
        RACAHI_TRY(once(b, backward, err));
        *best = fmin(*best, racahi_now() - start);
    }
    return RACAH_OK;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

static racah_status measure(const cli_tp_rows *t, cli_tp_row *row, racah_error *err)
{
    const cli_tp_case *c = &cli_tp_cases[row->which];
    racah_tp_desc one = describe(c, row->L, 1), many = describe(c, row->L, t->channels);
    RACAHI_TRY(cli_tp_measure_run(&one, t->rotations, &row->measure, err));
    double items = (double)t->samples * (double)t->channels;
    for (int single = 0; single < 2; single++) {
        batch b;
        racah_status s = batch_init(&b, &many, (size_t)t->samples, single, &row->info, err);
        for (int backward = 0; s == RACAH_OK && t->seconds > 0 && backward < 2; backward++) {
            s = time_batch(&b, backward, t->seconds, &row->time[backward][single], err);
            row->time[backward][single] /= items;
        }
        batch_free(&b);
        RACAHI_TRY(s);
    }
    const racah_tp_info *i = &row->info;
    row->bytes = 8.0 * (double)(i->dim1 + i->dim2 + i->nw + i->dim3) / (double)t->channels;
    return RACAH_OK;
}

racah_status cli_tp_row_run(const cli_tp_rows *t, cli_tp_row *row, racah_error *err)
{
    racah_error local = {0};
    racah_status s = measure(t, row, &local);
    if (s == RACAH_EUNSUPPORTED) {
        row->missing = s;
        snprintf(row->message, sizeof row->message, "%.255s", local.msg);
        return RACAH_OK;
    }
    if (s != RACAH_OK) *err = local;
    return s;
}
