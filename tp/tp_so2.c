/* SPDX-License-Identifier: MIT
 * Algorithm `so2`: rotate the direction to the polar axis, where its harmonics are Y_l0 = sqrt(2l+1) and
 * nothing else, multiply there, rotate back (Passaro and Zitnick, Reducing SO(3) Convolutions to SO(2), arXiv
 * 2302.03655).
 *
 *   z = D3^T B D1 x,   B[k3,k1] = sum over paths of W C(l1 m1, l2 0, l3 m3) sqrt(2 l2+1)
 *
 * A coefficient with m2 = 0 joins m3 = m1 (even sums) or m3 = -m1 (odd sums), one entry for each row. Leaving
 * out |m| > mmax keeps z equivariant, because a turn about the axis mixes m and -m only.
 *
 * Separable weights are multiplied out to one for each path.
 *
 * D comes from the rotation matrix by recursion, in double, so no frame is singular; the turn about the axis
 * is arbitrary and drops out. Nor is the frame differentiated: z is equivariant, so turning the direction by
 * a small w (r -> r + w x r) is the same as turning z by w and x by -w, and
 *
 *   T_a = dE/dw_a = <dz, G_a z> - <dx, G_a x>,   dE/dr = T x r / |r|^2
 *
 * with G_a the generators of rotations. Inner products do not change when all are rotated, so both are taken
 * in the frame of the direction, where T has no component along the axis. */
#include "../sphere/wigner_d.h"
#include "tp_internal.h"

#include <math.h>
#include <string.h>

#define NO_WEIGHT SIZE_MAX

typedef struct so2_path {
    size_t x0, z0, w0, n; /* offsets in a sample, first weight, entries */
    size_t a0, b0, d0; /* separable weights: those of the path's blocks; w0 is its place in their products */
    size_t mul;
    bool scalar; /* l2 = 0: the only ones a zero vector has */
    racahi_tp_entry *entry;
} so2_path;

typedef struct so2_state {
    int lmax;
    so2_path *path;
    /* generators about x and z for each degree: entries k1, k2 of G[k1][k2] from gen_ptr[2 l + a] */
    size_t *gen_ptr;
    racahi_tp_entry *gen;
} so2_state;

static void so2_destroy_paths(so2_path *path, size_t n)
{
    for (size_t i = 0; path && i < n; i++) racahi_free(path[i].entry);
    racahi_free(path);
}

static void so2_destroy(void *state)
{
    so2_state *s = state;
    if (!s) return;
    size_t n = 0; /* the list ends with a path without multiplicity */
    while (s->path && s->path[n].mul) n++;
    so2_destroy_paths(s->path, n);
    racahi_free(s->gen_ptr);
    racahi_free(s->gen);
    racahi_free(s);
}

static int order_kept(const racah_tp_plan *p, int l)
{
    return p->d.mmax >= 0 && p->d.mmax < l ? p->d.mmax : l;
}

static size_t so2_weight(const racah_tp_plan *p, const racahi_tp_path *t)
{
    switch (p->d.weights) {
    case RACAH_TP_W_PATH: return t->ins.has_weight ? t->w0 : NO_WEIGHT;
    case RACAH_TP_W_DEGREE: return (size_t)t->ins.in2 * (size_t)p->C;
    case RACAH_TP_W_SHARED: return 0;
    default: return NO_WEIGHT; /* separable: so2_create */
    }
}

static racah_status make_path(const racah_tp_plan *p, const racahi_tp_path *t, so2_path *q, racah_error *err)
{
    int l1 = t->b1->l, l2 = t->b2->l, l3 = t->b3->l, m1max = order_kept(p, l1), m3max = order_kept(p, l3);
    double *C;
    RACAHI_TRY(racahi_tp_path_tensor(p, t, &C, err));
    q->entry = racahi_calloc(2 * (size_t)l3 + 1, sizeof *q->entry);
    if (!q->entry) {
        racahi_free(C);
        return racahi_fail(err, RACAH_ENOMEM, "tp so2: no memory");
    }
    q->x0 = t->b1->offset, q->z0 = t->b3->offset, q->mul = (size_t)t->b1->mul, q->scalar = l2 == 0;
    q->w0 = so2_weight(p, t);
    for (int m3 = -m3max; m3 <= m3max; m3++)
        for (int m1 = -m1max; m1 <= m1max; m1++) {
            double c = C[((size_t)(m1 + l1) * (2 * (size_t)l2 + 1) + (size_t)l2) * (2 * (size_t)l3 + 1) +
                         (size_t)(m3 + l3)] *
                       sqrt(2 * l2 + 1);
            if (c != 0) q->entry[q->n++] = (racahi_tp_entry){m1 + l1, m3 + l3, c, (float)c};
        }
    racahi_free(C);
    return RACAH_OK;
}

/* G_a = w3j(1,l,l)[a] times the factor that makes the turn about the axis y d Y_l1 = -Y_l,-1. */
static racah_status make_generators(so2_state *s, racah_error *err)
{
    size_t most = 0, n = 0;
    for (int l = 1; l <= s->lmax; l++) most += 8 * (2 * (size_t)l + 1);
    s->gen_ptr = racahi_calloc(2 * (size_t)s->lmax + 3, sizeof *s->gen_ptr);
    s->gen = racahi_calloc(most, sizeof *s->gen);
    if (!s->gen_ptr || !s->gen) return racahi_fail(err, RACAH_ENOMEM, "tp so2: no memory");
    for (int l = 0; l <= s->lmax; l++) {
        size_t w = 2 * (size_t)l + 1;
        double C[3 * (2 * RACAH_CG_LMAX + 1) * (2 * RACAH_CG_LMAX + 1)] = {0}, f = 0;
        if (l > 0) {
            RACAHI_TRY(racah_cg_wigner3j(1, l, l, RACAH_CG_E3NN_06, C, err));
            f = -1 / C[(w + (size_t)l + 1) * w + (size_t)l - 1];
        }
        for (size_t a = 0; a < 2; a++) { /* x and z; no torque about y */
            s->gen_ptr[2 * (size_t)l + a] = n;
            for (size_t i = 0; l > 0 && i < w; i++)
                for (size_t j = 0; j < w; j++) {
                    double c = f * C[(2 * a * w + i) * w + j];
                    if (fabs(c) > 1e-12) s->gen[n++] = (racahi_tp_entry){(int)i, (int)j, c, (float)c};
                }
            s->gen_ptr[2 * (size_t)l + a + 1] = n;
        }
    }
    return RACAH_OK;
}

static size_t so2_workspace(const racah_tp_plan *p);

static racah_status so2_check(const racah_tp_plan *p, racah_error *err)
{
    if (p->d.second != RACAH_TP_SECOND_DIRECTION)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: so2 rotates a direction to the axis; the second input must be "
                           "the harmonics of one (second = RACAH_TP_SECOND_DIRECTION)");
    for (size_t i = 0; i < p->npath; i++)
        if (p->path[i].ins.mode != RACAH_TP_UVU &&
            !(p->path[i].ins.mode == RACAH_TP_UUU && p->path[i].b1->mul == 1))
            return racahi_fail(err, RACAH_EINVAL, "tp plan: so2 computes mode uvu only (instruction %zu)", i);
    return RACAH_OK;
}

static racah_status so2_create(racah_tp_plan *p, racah_error *err)
{
    RACAHI_TRY(so2_check(p, err));
    so2_state *s = p->state = racahi_calloc(1, sizeof *s);
    if (!s) return racahi_fail(err, RACAH_ENOMEM, "tp so2: no memory");
    s->lmax = p->in1.lmax > p->out.lmax ? p->in1.lmax : p->out.lmax;
    s->path = racahi_calloc(p->npath + 1, sizeof *s->path);
    if (!s->path) return racahi_fail(err, RACAH_ENOMEM, "tp so2: no memory");
    size_t n = 0;
    double block = 0, rotate = 0, turn = 0;
    for (size_t i = 0; i < p->npath; i++) {
        if (p->path[i].b1->mul == 0) continue;
        RACAHI_TRY(make_path(p, &p->path[i], &s->path[n], err));
        if (p->d.weights == RACAH_TP_W_SEPARABLE) {
            const racah_tp_instruction *t = &p->path[i].ins;
            so2_path *q = &s->path[n];
            const size_t C = (size_t)p->C;
            q->a0 = (size_t)t->in1 * C, q->b0 = (p->in1.n + (size_t)t->in2) * C;
            q->d0 = (p->in1.n + p->in2.n + (size_t)t->out) * C, q->w0 = n * C;
        }
        block += (double)(s->path[n].n * s->path[n].mul), n++;
    }
    RACAHI_TRY(make_generators(s, err));
    for (int io = 0; io < 2; io++) {
        const racahi_irreps *q = io ? &p->out : &p->in1;
        for (size_t b = 0; b < q->n; b++) {
            double mul = q->block[b].mul, w = 2 * q->block[b].l + 1,
                   kept = 2 * order_kept(p, q->block[b].l) + 1;
            rotate += 2 * mul * w * kept, turn += 8 * mul * w;
        }
    }
    p->flops_forward = rotate + 3 * block, p->flops_backward = 3 * rotate + 9 * block + turn;
    p->ws_algorithm = so2_workspace(p);
    return RACAH_OK;
}

#define REAL double
#define NAME(x) x##_f64
#include "tp_so2.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "tp_so2.inc"
#undef REAL
#undef NAME

static size_t so2_workspace(const racah_tp_plan *p)
{
    racahi_arena a = racahi_arena_measure();
    if (p->d.dtype == RACAH_TP_F64) {
        so2_buffers_f64 b;
        so2_layout_f64(p, &a, &b);
    } else {
        so2_buffers_f32 b;
        so2_layout_f32(p, &a, &b);
    }
    return a.used;
}

const racahi_tp_ops racahi_tp_so2 = {RACAH_TP_SO2,     so2_create,      so2_destroy,     so2_forward_f64,
                                     so2_backward_f64, so2_forward_f32, so2_backward_f32};
