/* SPDX-License-Identifier: MIT
 * Convolution plan: path list, output slots, the sparse map Y -> K, and the blocks the kernels run. */
#include "conv_internal.h"
#include "racah_tp.h"

#include <math.h>
#include <stdlib.h>

racah_status racahi_conv_coupling(racahi_family family, int l1, int l2, int l3, double *C, racah_error *err)
{
    size_t n = (size_t)(2 * l1 + 1) * (size_t)(2 * l2 + 1) * (size_t)(2 * l3 + 1);
    double scale;
    if (family == RACAHI_FAMILY_GAUNT) {
        RACAHI_TRY(racah_cg_gaunt(l1, l2, l3, C, err));
        scale = sqrt(4 * 3.14159265358979323846);
    } else {
        RACAHI_TRY(racah_cg_wigner3j(l1, l2, l3, RACAH_CG_E3NN_06, C, err));
        scale = sqrt(2.0 * l3 + 1);
    }
    for (size_t i = 0; i < n; i++) C[i] *= scale;
    return RACAH_OK;
}

/* ---- paths ------------------------------------------------------------------------------- */

static bool allowed(int l1, int l2, int l3)
{
    return l2 >= abs(l1 - l3) && l2 <= l1 + l3 && (l1 + l2 + l3) % 2 == 0;
}

/* One group of paths: same weight, l1 and output slot. Bit l2 of `set` is on when the path is in the group.
 */
typedef struct conv_group {
    int l1, l3;
    unsigned set;
    size_t w, a0;
} conv_group;

/* Groups in path order; returns their number. g == NULL only counts. Fills nslot and offset on the way. */
static size_t list_groups(racahi_conv *p, racahi_weights_kind kind, conv_group *g)
{
    size_t ng = 0, npath = 0, row = 0;
    for (int l3 = 0; l3 <= p->lout; l3++) {
        size_t n3 = 2 * (size_t)l3 + 1, slot = 0;
        p->offset[l3] = row;
        for (int l1 = 0; l1 <= p->lin; l1++) {
            unsigned set = 0; /* all l2 of a `shared` group */
            for (int l2 = 0; l2 <= p->ly; l2++) {
                if (!allowed(l1, l2, l3)) continue;
                set |= 1u << l2;
                if (kind == RACAHI_W_SHARED) continue;
                bool path = kind == RACAHI_W_PATH;
                if (g)
                    g[ng] = (conv_group){l1, l3, 1u << l2, path ? npath : (size_t)l2,
                                         row + (path ? slot * n3 : 0)};
                ng++, npath++, slot++;
            }
            if (kind == RACAHI_W_SHARED && set) {
                if (g) g[ng] = (conv_group){l1, l3, set, 0, row};
                ng++;
            }
        }
        p->nslot[l3] = kind == RACAHI_W_PATH ? slot : 1;
        row += p->nslot[l3] * n3;
    }
    p->nrow = row;
    p->nw = kind == RACAHI_W_PATH ? npath : kind == RACAHI_W_DEGREE ? (size_t)p->ly + 1 : 1;
    return ng;
}

/* ---- tasks ------------------------------------------------------------------------------- */

/* Largest of 9, 7, 5, 3, 1 rows that fits. */
static int cut3(int left) { return left >= 9 ? 9 : left - 1 + left % 2; }

/* The backward kernel holds n1*n3 accumulators of dK, n1 of u and n1 of W x: what fits 32 (AVX-512) or 16
 * vector registers. */
static int cut1(int left, int n3, racahi_isa isa)
{
    int most = isa == RACAHI_ISA_AVX512 ? (n3 == 9 ? 2 : 3) : n3 >= 7 ? 1 : n3 == 5 ? 2 : 3;
    return left < most ? left : most;
}

/* Operations per edge and channel of the kernels in conv_kernel.inc, multiplications and additions counted
 * separately; backward in its dr form. */
static void count_flops(racahi_conv *p, const racahi_conv_task *t)
{
    size_t n1 = (size_t)t->n1, n3 = (size_t)t->n3;
    if (t->diag) {
        p->flops_forward += 1 + 2 * n3;                /* s = K W; A += s x */
        p->flops_backward += 1 + (2 * n3 - 1) + 2 * n3 /* s, d = sum dA x, dx += s dA */
                             + 2 + 1 + 2;              /* dK += W d, dW = K d, dr += dW Wr */
        return;
    }
    p->flops_forward += n1 <= n3 ? n1 + 2 * n1 * n3 : (2 * n1 - 1) * n3 + 2 * n3;
    p->flops_backward += n1 + n1 * (2 * n3 - 1) + 2 * n1 * n3 /* s = W x, u = K^T dA, dK += dA s */
                         + (2 * n1 - 1) + 2 * n1 + 2;         /* dW = u x, dx += W u, dr += dW Wr */
}

/* Append the tasks of a group; t == NULL only counts tasks and K entries. */
static void add_tasks(racahi_conv *p, const conv_group *g, racahi_isa isa, racahi_conv_task *t)
{
    int N1 = 2 * g->l1 + 1, N3 = 2 * g->l3 + 1;
    bool diag = g->set == 1u && N1 > 1, first = true;
    if (t)
        for (size_t i = 0; i < p->ntask; i++) first = first && t[i].w != g->w;
    size_t k_diag = p->nK;
    for (int b3 = 0, n3; b3 < N3; b3 += n3) {
        n3 = cut3(N3 - b3);
        for (int b1 = diag ? b3 : 0, n1; b1 < (diag ? b3 + 1 : N1); b1 += n1) {
            n1 = diag ? n3 : cut1(N1 - b1, n3, isa);
            racahi_conv_task new = {.n1 = n1,
                                    .n3 = n3,
                                    .diag = diag,
                                    .first = first,
                                    .w = g->w,
                                    .x0 = (size_t)(g->l1 * g->l1 + b1),
                                    .a0 = g->a0 + (size_t)b3,
                                    .k0 = p->nK};
            if (diag) {
                /* each piece has a K of its own, the same number */
                new.k0 = k_diag++;
                p->nK = k_diag;
            } else {
                p->nK += (size_t)(n1 * n3);
            }
            if (t) t[p->ntask] = new, count_flops(p, &new);
            p->ntask++;
            first = false;
        }
    }
}

/* ---- the map Y -> K ------------------------------------------------------------------------ */

static racah_status map_alloc(racahi_conv_map *m, size_t nrow, size_t nnz, racah_error *err)
{
    m->nrow = nrow;
    m->ptr = racahi_calloc(nrow + 1, sizeof *m->ptr);
    m->col = racahi_calloc(nnz, sizeof *m->col);
    m->coef_f64 = racahi_calloc(nnz, sizeof *m->coef_f64);
    m->coef_f32 = racahi_calloc(nnz, sizeof *m->coef_f32);
    if (!m->ptr || !m->col || !m->coef_f64 || !m->coef_f32)
        return racahi_fail(err, RACAH_ENOMEM, "convolution plan: %zu bytes do not fit in memory",
                           (nrow + 1) * sizeof *m->ptr +
                               nnz * (sizeof *m->col + sizeof *m->coef_f64 + sizeof *m->coef_f32));
    return RACAH_OK;
}

static void map_free(racahi_conv_map *m)
{
    racahi_free(m->ptr), racahi_free(m->col), racahi_free(m->coef_f64), racahi_free(m->coef_f32);
}

/* Dense coefficients D[nK][ny] of K = D Y for the tasks of group g, which start at task t. Adds (a `shared`
 * group has several l2). */
static racah_status fill_group(const racahi_conv *p, const conv_group *g, racahi_family family,
                               const racahi_conv_task *t, const racahi_conv_task *end, double *D, double *C,
                               racah_error *err)
{
    for (int l2 = 0; l2 <= p->ly; l2++) {
        if (!(g->set >> l2 & 1)) continue;
        RACAHI_TRY(racahi_conv_coupling(family, g->l1, l2, g->l3, C, err));
        size_t N2 = 2 * (size_t)l2 + 1, N3 = 2 * (size_t)g->l3 + 1;
        for (const racahi_conv_task *q = t; q < end; q++) {
            size_t b1 = q->x0 - (size_t)(g->l1 * g->l1), b3 = q->a0 - g->a0;
            for (size_t k3 = 0; k3 < (q->diag ? 1 : (size_t)q->n3); k3++)
                for (size_t k1 = 0; k1 < (q->diag ? 1 : (size_t)q->n1); k1++)
                    for (size_t m2 = 0; m2 < N2; m2++)
                        D[(q->k0 + k3 * (size_t)q->n1 + k1) * p->ny + (size_t)(l2 * l2) + m2] +=
                            C[((b1 + k1) * N2 + m2) * N3 + b3 + k3];
        }
    }
    return RACAH_OK;
}

/* Sparse rows of D (rstride, cstride: of D, so that the transpose is the same code). Exact zeros of C are
 * zeros only to rounding in the generator. */
static racah_status map_from_dense(racahi_conv_map *m, const double *D, size_t nrow, size_t ncol,
                                   size_t rstride, size_t cstride, racah_error *err)
{
    const double zero = 1e-14;
    size_t nnz = 0;
    for (size_t i = 0; i < nrow * ncol; i++) nnz += fabs(D[i]) > zero;
    RACAHI_TRY(map_alloc(m, nrow, nnz, err));
    size_t q = 0;
    for (size_t r = 0; r < nrow; r++) {
        m->ptr[r] = q;
        for (size_t c = 0; c < ncol; c++) {
            double v = D[r * rstride + c * cstride];
            if (!(fabs(v) > zero)) continue;
            m->col[q] = c, m->coef_f64[q] = v, m->coef_f32[q] = (float)v, q++;
        }
    }
    m->ptr[nrow] = q;
    return RACAH_OK;
}

static racah_status fill_maps(racahi_conv *p, const conv_group *g, size_t ng, const size_t *task0,
                              racahi_family family, racah_error *err)
{
    int L1 = 2 * p->lin + 1, L2 = 2 * p->ly + 1, L3 = 2 * p->lout + 1;
    double *D = racahi_calloc(p->nK * p->ny, sizeof *D);
    double *C = racahi_calloc((size_t)L1 * (size_t)L2 * (size_t)L3, sizeof *C);
    racah_status s = RACAH_OK;
    if (!D || !C)
        s = racahi_fail(err, RACAH_ENOMEM, "convolution plan: %zu bytes do not fit in memory",
                        (p->nK * p->ny + (size_t)L1 * (size_t)L2 * (size_t)L3) * sizeof *D);
    for (size_t i = 0; s == RACAH_OK && i < ng; i++)
        s = fill_group(p, &g[i], family, p->task + task0[i], p->task + task0[i + 1], D, C, err);
    if (s == RACAH_OK) s = map_from_dense(&p->K, D, p->nK, p->ny, p->ny, 1, err);
    if (s == RACAH_OK) s = map_from_dense(&p->dY, D, p->ny, p->nK, 1, p->ny, err);
    racahi_free(D);
    racahi_free(C);
    return s;
}

/* ---- create, destroy, sizes ------------------------------------------------------------------ */

static racah_status check(int lin, int ly, int lout, racahi_weights_kind kind, racahi_family family,
                          racah_error *err)
{
    const int l[3] = {lin, ly, lout};
    static const char *const name[3] = {"lin", "ly", "lout"};
    for (int i = 0; i < 3; i++)
        if (l[i] < 0 || l[i] > RACAH_CG_LMAX)
            return racahi_fail(err, RACAH_EINVAL, "convolution: %s = %d, need 0..%d", name[i], l[i],
                               RACAH_CG_LMAX);
    if ((unsigned)kind > RACAHI_W_SHARED)
        return racahi_fail(err, RACAH_EINVAL, "convolution: weights kind %d, need 0..%d", (int)kind,
                           RACAHI_W_SHARED);
    if ((unsigned)family > RACAHI_FAMILY_GAUNT)
        return racahi_fail(err, RACAH_EINVAL, "convolution: family %d, need 0..%d", (int)family,
                           RACAHI_FAMILY_GAUNT);
    return RACAH_OK;
}

static racah_status build(racahi_conv *p, racahi_weights_kind kind, racahi_family family, racahi_isa isa,
                          racah_error *err)
{
    racah_status s = RACAH_OK;
    conv_group *g = NULL;
    size_t *task0 = NULL, ng = 0;
    p->nslot = racahi_calloc((size_t)p->lout + 1, sizeof *p->nslot);
    p->offset = racahi_calloc((size_t)p->lout + 1, sizeof *p->offset);
    if (!p->nslot || !p->offset) goto nomem;
    ng = list_groups(p, kind, NULL);
    g = racahi_calloc(ng, sizeof *g);
    task0 = racahi_calloc(ng + 1, sizeof *task0);
    p->used = racahi_calloc(p->nw, sizeof *p->used);
    if (!g || !task0 || !p->used) goto nomem;
    list_groups(p, kind, g);
    for (size_t i = 0; i < ng; i++) add_tasks(p, &g[i], isa, NULL);
    p->task = racahi_calloc(p->ntask, sizeof *p->task);
    if (!p->task) goto nomem;
    p->ntask = p->nK = 0;
    for (size_t i = 0; i < ng; i++) {
        task0[i] = p->ntask;
        add_tasks(p, &g[i], isa, p->task);
        p->used[g[i].w] = true;
    }
    task0[ng] = p->ntask;
    s = fill_maps(p, g, ng, task0, family, err);
    goto done;
nomem:
    s = racahi_fail(err, RACAH_ENOMEM, "convolution plan lin = %d, ly = %d, lout = %d: %zu bytes do not fit in memory",
                    p->lin, p->ly, p->lout,
                    ((size_t)p->lout + 1) * (sizeof *p->nslot + sizeof *p->offset) + ng * sizeof *g +
                        (ng + 1) * sizeof *task0 + p->nw * sizeof *p->used + p->ntask * sizeof *p->task);
done:
    racahi_free(g);
    racahi_free(task0);
    return s;
}

racah_status racahi_conv_create(racahi_conv **out, int lin, int ly, int lout, racahi_weights_kind kind,
                                racahi_family family, racahi_isa isa, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "convolution: out = NULL");
    *out = NULL;
    RACAHI_TRY(check(lin, ly, lout, kind, family, err));
    if ((unsigned)isa >= RACAHI_ISA_COUNT)
        return racahi_fail(err, RACAH_EINVAL, "convolution: instruction set %d, need 0..%d", (int)isa,
                           RACAHI_ISA_COUNT - 1);
    if (isa > racahi_cpu_best())
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "convolution: %s kernels, this processor or build has %s at best",
                           racahi_isa_name(isa), racahi_isa_name(racahi_cpu_best()));
    racahi_conv *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "convolution plan: %zu bytes do not fit", sizeof *p);
    p->lin = lin, p->ly = ly, p->lout = lout;
    p->nx = (size_t)((lin + 1) * (lin + 1)), p->ny = (size_t)((ly + 1) * (ly + 1));
    racah_status s = build(p, kind, family, isa, err);
    if (s != RACAH_OK) {
        racahi_conv_destroy(p);
        return s;
    }
    racahi_conv_pick(p, isa);
    *out = p;
    return RACAH_OK;
}

void racahi_conv_destroy(racahi_conv *p)
{
    if (!p) return;
    racahi_free(p->nslot), racahi_free(p->offset), racahi_free(p->used), racahi_free(p->task);
    map_free(&p->K), map_free(&p->dY);
    racahi_free(p);
}

size_t racahi_conv_nw(const racahi_conv *p) { return p->nw; }
size_t racahi_conv_nrow(const racahi_conv *p) { return p->nrow; }
size_t racahi_conv_nslot(const racahi_conv *p, int l3) { return p->nslot[l3]; }
size_t racahi_conv_slot_offset(const racahi_conv *p, int l3) { return p->offset[l3]; }
size_t racahi_conv_flops(const racahi_conv *p, bool backward)
{
    return backward ? p->flops_backward : p->flops_forward;
}

/* Forward keeps K of all edges, in tiles of 8 (f64) or 16 (f32) edges: 64 bytes for each entry. Backward
 * keeps K of one tile and 64 bytes of lane sums for each entry of dK. Both: Y of one tile transposed, one row
 * for dr. */
size_t racahi_conv_ws_size(const racahi_conv *p, size_t max_edges)
{
    size_t tiles = max_edges / 8 + 1;
    if (tiles > SIZE_MAX / 64 / (p->nK + p->ny + 2)) return SIZE_MAX; /* no block of this size exists */
    return 64 * ((tiles > 2 ? tiles : 2) * p->nK + p->ny + 1);
}

/* ---- evaluation -------------------------------------------------------------------------------- */

void racahi_conv_forward_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                             const double *x, const double *W, const double *Y, double *A)
{
    p->forward_f64(p, ws, Cp, ne, j, x, W, Y, A);
}

void racahi_conv_forward_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                             const float *x, const float *W, const float *Y, float *A)
{
    p->forward_f32(p, ws, Cp, ne, j, x, W, Y, A);
}

void racahi_conv_backward_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                              const double *x, const double *W, const double *Y, const double *dA, double *dx,
                              double *dY, double *dW, const double *Wr, double *dr)
{
    p->backward_f64(p, ws, Cp, ne, j, x, W, Y, dA, dx, dY, dW, Wr, dr);
}

void racahi_conv_backward_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                              const float *x, const float *W, const float *Y, const float *dA, float *dx,
                              float *dY, float *dW, const float *Wr, float *dr)
{
    p->backward_f32(p, ws, Cp, ne, j, x, W, Y, dA, dx, dY, dW, Wr, dr);
}

void racahi_conv_forward_spline_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const double *x, const double *const *row, const double *b, const double *Y,
                                    double *A)
{
    p->forward_spline_f64(p, ws, Cp, ne, j, x, row, b, Y, A);
}

void racahi_conv_backward_spline_f64(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                     const double *x, const double *const *row, const double *b, const double *Y,
                                     const double *dA, const int *jd, double *dx, double *dY, double *dr)
{
    p->backward_spline_f64(p, ws, Cp, ne, j, x, row, b, Y, dA, jd, dx, dY, dr);
}

void racahi_conv_forward_spline_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                    const float *x, const float *const *row, const float *b, const float *Y,
                                    float *A)
{
    p->forward_spline_f32(p, ws, Cp, ne, j, x, row, b, Y, A);
}

void racahi_conv_backward_spline_f32(const racahi_conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                     const float *x, const float *const *row, const float *b, const float *Y,
                                     const float *dA, const int *jd, float *dx, float *dY, float *dr)
{
    p->backward_spline_f32(p, ws, Cp, ne, j, x, row, b, Y, dA, jd, dx, dY, dr);
}
