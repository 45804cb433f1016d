/* SPDX-License-Identifier: MIT
 * Plans of the many-body powers through tensor-product plans. */
#include "manybody_gaunt.h"
#include "manybody_internal.h"

#include <string.h>

/* step[0]: f^2 from f and f; step[1]: f^3 from f^2 and f; step[2]: f^4 from f^2 and f^2. */
struct racahi_manybody_gaunt {
    int Lout, order;
    size_t C, S, nmid, nout;
    racah_tp_plan *step[3];
    size_t tp_ws; /* largest workspace of the steps */
};

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

static racah_status make_step(racahi_manybody_gaunt *p, int which, racah_tp_algorithm algorithm, int l1,
                              int l2, int l3, racah_tp_dtype dtype, racah_error *err)
{
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.C = d.C2 = (int)p->C, d.l1max = l1, d.l2max = l2, d.l3max = l3;
    d.mode = RACAH_TP_UUU, d.family = RACAH_TP_FAMILY_GAUNT, d.weights = RACAH_TP_W_NONE;
    d.algorithm = algorithm, d.dtype = dtype;
    RACAHI_TRY(racah_tp_plan_create(&p->step[which], &d, err));
    size_t ws = racah_tp_ws_size(p->step[which]);
    if (ws > p->tp_ws) p->tp_ws = ws;
    return RACAH_OK;
}

static racah_status build(racahi_manybody_gaunt *p, racah_tp_algorithm a, int lmax, int lmid,
                          racah_tp_dtype dtype, racah_error *err)
{
    if (p->order >= 2) RACAHI_TRY(make_step(p, 0, a, lmax, lmax, lmid, dtype, err));
    if (p->order >= 3) RACAHI_TRY(make_step(p, 1, a, lmid, lmax, p->Lout, dtype, err));
    if (p->order >= 4) RACAHI_TRY(make_step(p, 2, a, lmid, lmid, p->Lout, dtype, err));
    return RACAH_OK;
}

racah_status racahi_manybody_gaunt_create(racahi_manybody_gaunt **out, racah_tp_algorithm algorithm, int lmax,
                                          int Lout, int order, size_t Cp, racah_tp_dtype dtype,
                                          racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "many-body product: out = NULL");
    *out = NULL;
    if (lmax < 0 || lmax > RACAHI_MANYBODY_LMAX || Lout < 0 || Lout > lmax || order < 1 ||
        order > RACAHI_MANYBODY_ORDER_MAX || Cp < 1 || Cp > 1000000)
        return racahi_fail(
            err, RACAH_EINVAL,
            "many-body product: lmax %d, Lout %d, order %d, channels %zu; need lmax 0..%d, Lout "
            "0..lmax, order 1..%d, channels 1..1000000",
            lmax, Lout, order, Cp, RACAHI_MANYBODY_LMAX, RACAHI_MANYBODY_ORDER_MAX);
    racahi_manybody_gaunt *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "many-body product: plan does not fit");
    int lmid = racahi_manybody_lmid(lmax, Lout, order);
    p->Lout = Lout, p->order = order, p->C = Cp;
    p->S = square(lmax), p->nmid = square(lmid), p->nout = square(Lout);
    racah_status s = build(p, algorithm, lmax, lmid, dtype, err);
    if (s != RACAH_OK) {
        racahi_manybody_gaunt_destroy(p);
        return s;
    }
    *out = p;
    return RACAH_OK;
}

void racahi_manybody_gaunt_destroy(racahi_manybody_gaunt *p)
{
    if (!p) return;
    for (int i = 0; i < 3; i++) racah_tp_plan_destroy(p->step[i]);
    racahi_free(p);
}

double racahi_manybody_gaunt_flops(const racahi_manybody_gaunt *p, bool backward)
{
    double sum = (double)((backward ? 4 : 2) * (size_t)p->order * p->nout);
    for (int i = 0; i < 3 && p->step[i]; i++) {
        racah_tp_info info;
        racah_tp_plan_info(p->step[i], &info);
        sum += (info.flops_forward + (backward ? info.flops_backward : 0)) / (double)p->C;
    }
    return sum;
}

/* Rows: f^2, f^3, f^4, their gradients, and two gradients of a step before they are added. Bytes for doubles.
 */
typedef struct space {
    void *tp, *f[4], *df[4], *t[2];
} space;

static size_t layout(const racahi_manybody_gaunt *p, void *ws, size_t n, space *s)
{
    racahi_arena a = ws ? racahi_arena_on(ws, SIZE_MAX) : racahi_arena_measure();
    size_t rows[4] = {p->S, p->nmid, p->nout, p->nout}, most = p->nmid > p->S ? p->nmid : p->S;
    if (n > SIZE_MAX / 64 / (p->C * (most + 1))) return SIZE_MAX;
    s->tp = racahi_arena_take(&a, p->tp_ws, 1);
    for (int i = 0; i < 4; i++) {
        s->f[i] = i ? racahi_arena_take(&a, n * rows[i] * p->C, sizeof(double)) : NULL;
        s->df[i] = racahi_arena_take(&a, n * rows[i] * p->C, sizeof(double));
    }
    for (int i = 0; i < 2; i++) s->t[i] = racahi_arena_take(&a, n * most * p->C, sizeof(double));
    return a.overflow ? SIZE_MAX : a.used;
}

size_t racahi_manybody_gaunt_ws_size(const racahi_manybody_gaunt *p, size_t n)
{
    space s;
    return layout(p, NULL, n, &s);
}

#define REAL double
#define NAME(x) x##_f64
#include "manybody_gaunt.inc"
#define REAL float
#define NAME(x) x##_f32
#include "manybody_gaunt.inc"
