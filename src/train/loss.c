/* SPDX-License-Identifier: MIT
 * Loss and gradient of a batch; equations in loss.h. */
#include "loss.h"
#include "data_internal.h"
#include "../linear/gemm.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Workspace of a thread: the structures of a group as one. */
typedef struct worker {
    racahi_grad *grad;
    int *elem;
    racahi_edges edges;
    double *forces;          /* (atoms,3) */
    double *energy, *factor; /* (atoms) */
    size_t cap_elem, cap_row, cap_j, cap_d, cap_forces, cap_energy, cap_factor;
} worker;

/* What the residuals of a structure ask of the parameters. */
typedef struct pull {
    double a;       /* dL/dE */
    double *v;      /* dL/dF (atoms,3) */
    double sig[9];  /* dL/dsigma, symmetrised */
    bool displaced; /* v or sig has a non-zero entry */
} pull;

typedef struct outcome {
    racah_status status;
    racah_error err;
} outcome;

typedef struct ranked { /* a structure of the batch, its cost and its group */
    size_t index, cost, group;
} ranked;

struct racahi_loss {
    const racahi_net *net;
    int nthread;
    worker *worker; /* [nthread] */
    size_t nslot, size;
    double *slot; /* [nslot][size] gradients in the engine's layout */
    size_t cap_batch;
    racahi_residual *res;
    outcome *
        outcome; /* [3 cap_batch]: residuals of each structure, and the two passes of each group's gradient */
    ranked *rank;  /* by group */
    size_t *start; /* [cap_batch + 1] where groups begin in rank */
    pull *pull;
    double *v; /* of all structures */
    size_t cap_v;
};

/* Counts of labels that normalise the three terms; 0 where a term is absent. */
typedef struct norms {
    double energy, forces, stress;
} norms;

/* What all structures of a call share. */
typedef struct job {
    const racahi_weights *weights;
    const double *scale;
    const racahi_loss_weights *lw;
    norms k;
    double displacement;
} job;

static norms count_labels(const racahi_loss_weights *lw, const racahi_sample *const *batch, size_t n)
{
    double e = 0, f = 0, s = 0;
    for (size_t i = 0; i < n; i++) {
        e += batch[i]->has_energy;
        f += batch[i]->has_forces ? 3.0 * (double)batch[i]->n : 0;
        s += batch[i]->has_stress ? 9.0 : 0;
    }
    return (norms){e > 0 ? lw->energy / e : 0, f > 0 ? lw->forces / f : 0, s > 0 ? lw->stress / s : 0};
}

static double rho(const racahi_loss_weights *lw, double x)
{
    if (lw->kind == RACAHI_LOSS_HUBER && fabs(x) > lw->huber_delta)
        return lw->huber_delta * (2 * fabs(x) - lw->huber_delta);
    return x * x;
}

static double drho(const racahi_loss_weights *lw, double x)
{
    if (lw->kind == RACAHI_LOSS_HUBER && fabs(x) > lw->huber_delta) return copysign(2 * lw->huber_delta, x);
    return 2 * x;
}

/* ---- creation ----------------------------------------------------------------------------------- */

racah_status racahi_loss_create(racahi_loss **out, const racahi_net *net, int threads, size_t max_batch,
                                racah_error *err)
{
    *out = NULL;
    racahi_loss *l = racahi_calloc(1, sizeof *l);
    if (!l) return racahi_fail(err, RACAH_ENOMEM, "loss: %zu bytes do not fit in memory", sizeof *l);
    l->net = net;
    l->nthread = threads > 0 ? racahi_blas_threads(threads) : 1;
    l->size = racahi_net_gradient_size(net);
    l->nslot = max_batch + max_batch % 2 < RACAHI_LOSS_SLOTS ? max_batch + max_batch % 2 : RACAHI_LOSS_SLOTS;
    l->worker = racahi_calloc((size_t)l->nthread, sizeof *l->worker);
    l->slot = racahi_malloc(l->nslot, l->size * sizeof *l->slot);
    racah_status st = RACAH_OK;
    if (!l->worker || !l->slot)
        st = racahi_fail(err, RACAH_ENOMEM, "%zu gradients of %zu parameters: %zu bytes do not fit in memory",
                         l->nslot, l->size, l->nslot * l->size * sizeof *l->slot);
    for (int t = 0; t < l->nthread && st == RACAH_OK; t++)
        st = racahi_grad_create(&l->worker[t].grad, net, err);
    if (st == RACAH_OK)
        *out = l;
    else
        racahi_loss_destroy(l);
    return st;
}

void racahi_loss_destroy(racahi_loss *l)
{
    if (!l) return;
    for (int t = 0; l->worker && t < l->nthread; t++) {
        worker *w = &l->worker[t];
        racahi_grad_destroy(w->grad);
        racahi_edges_free(&w->edges);
        racahi_free(w->elem);
        racahi_free(w->forces);
        racahi_free(w->energy);
        racahi_free(w->factor);
    }
    racahi_free(l->worker);
    racahi_free(l->slot);
    racahi_free(l->res);
    racahi_free(l->outcome);
    racahi_free(l->rank);
    racahi_free(l->start);
    racahi_free(l->pull);
    racahi_free(l->v);
    racahi_free(l);
}

static racah_status reserve_batch(racahi_loss *l, const racahi_sample *const *batch, size_t n,
                                  racah_error *err)
{
    size_t atoms = 0;
    for (size_t i = 0; i < n; i++) atoms += batch[i]->n;
    RACAHI_TRY(racahi_reserve((void **)&l->v, &l->cap_v, 3 * atoms, sizeof *l->v, "force residuals", err));
    if (n > l->cap_batch) {
        racahi_free(l->res), racahi_free(l->outcome), racahi_free(l->rank), racahi_free(l->start);
        racahi_free(l->pull);
        l->res = racahi_calloc(n, sizeof *l->res);
        l->outcome = racahi_calloc(3 * n, sizeof *l->outcome);
        l->rank = racahi_calloc(n, sizeof *l->rank);
        l->start = racahi_calloc(n + 1, sizeof *l->start);
        l->pull = racahi_calloc(n, sizeof *l->pull);
        l->cap_batch = l->res && l->outcome && l->rank && l->start && l->pull ? n : 0;
        if (!l->cap_batch)
            return racahi_fail(err, RACAH_ENOMEM, "batch of %zu structures: %zu bytes do not fit in memory",
                               n,
                               (n + 1) * (sizeof *l->res + 3 * sizeof *l->outcome + sizeof *l->rank +
                                          sizeof *l->start + sizeof *l->pull));
    }
    double *v = l->v;
    for (size_t i = 0; i < n; i++) l->pull[i].v = v, v += 3 * batch[i]->n;
    return RACAH_OK;
}

/* The n structures r of a batch as one, in w. */
static racah_status join(worker *w, const racahi_sample *const *batch, const ranked *r, size_t n,
                         racah_error *err)
{
    racahi_edges *to = &w->edges;
    size_t atoms = 0, edges = 0;
    for (size_t k = 0; k < n; k++) atoms += batch[r[k].index]->n, edges += batch[r[k].index]->edges.nedge;
    RACAHI_TRY(racahi_reserve((void **)&w->elem, &w->cap_elem, atoms, sizeof *w->elem, "elements", err));
    RACAHI_TRY(racahi_reserve((void **)&w->forces, &w->cap_forces, 3 * atoms, sizeof(double), "forces", err));
    RACAHI_TRY(racahi_reserve((void **)&w->energy, &w->cap_energy, atoms, sizeof(double), "energies", err));
    RACAHI_TRY(racahi_reserve((void **)&w->factor, &w->cap_factor, atoms, sizeof(double), "factors", err));
    RACAHI_TRY(racahi_reserve((void **)&to->row, &w->cap_row, atoms + 1, sizeof *to->row, "edge lists", err));
    RACAHI_TRY(racahi_reserve((void **)&to->j, &w->cap_j, edges, sizeof *to->j, "senders", err));
    RACAHI_TRY(racahi_reserve((void **)&to->d, &w->cap_d, 3 * edges, sizeof *to->d, "edge vectors", err));
    to->n = atoms, to->nedge = edges;
    to->row[0] = 0;
    for (size_t k = 0, a0 = 0, e0 = 0; k < n; k++) {
        const racahi_sample *s = batch[r[k].index];
        const racahi_edges *from = &s->edges;
        memcpy(w->elem + a0, s->elem, s->n * sizeof *w->elem);
        for (size_t i = 1; i <= s->n; i++) to->row[a0 + i] = e0 + from->row[i];
        for (size_t e = 0; e < from->nedge; e++) to->j[e0 + e] = from->j[e] + (int)a0;
        memcpy(to->d + 3 * e0, from->d, 3 * from->nedge * sizeof *to->d);
        a0 += s->n, e0 += from->nedge;
    }
    return RACAH_OK;
}

/* ---- one structure ------------------------------------------------------------------------------ */

/* Residuals and pull from energy, forces and virial. */
static void residuals(const racahi_sample *s, const job *b, double energy, const double *forces,
                      const double *virial, racahi_residual *r, pull *p)
{
    const racahi_frame *f = s->frame;
    const racahi_loss_weights *lw = b->lw;
    const norms k = b->k;
    const double c = f->weight;
    double *sig = p->sig;
    bool any = false;
    *r = (racahi_residual){0};
    p->a = 0;
    memset(sig, 0, 9 * sizeof *sig);
    if (s->has_energy && s->n) {
        const double n = (double)s->n;
        r->energy = energy - s->energy;
        r->rho_e = rho(lw, r->energy / n);
        p->a = c * k.energy * drho(lw, r->energy / n) / n;
    }
    for (size_t i = 0; i < 3 * s->n; i++) {
        double x = s->has_forces ? forces[i] - f->forces[i] : 0;
        r->f_abs += fabs(x);
        r->f_sq += x * x;
        r->rho_f += rho(lw, x);
        p->v[i] = c * k.forces * drho(lw, x);
        any = any || p->v[i] != 0;
    }
    if (s->has_stress) {
        double g[9];
        for (int i = 0; i < 9; i++) {
            double x = -virial[i] / s->volume - f->stress[i];
            r->s_abs += fabs(x);
            r->s_sq += x * x;
            r->rho_s += rho(lw, x);
            g[i] = c * k.stress * drho(lw, x);
        }
        for (int i = 0; i < 9; i++) {
            sig[i] = 0.5 * (g[i] + g[3 * (i % 3) + i / 3]);
            any = any || sig[i] != 0;
        }
    }
    p->displaced = any;
}

/* delta_e = v_i - v_j - s d_e / V; returns the largest length. */
static double edge_directions(const racahi_sample *s, const double *v, const double sig[9], double *delta)
{
    const racahi_edges *ed = &s->edges;
    const double inv = s->has_stress ? 1 / s->volume : 0;
    double largest = 0;
    for (size_t i = 0; i < s->n; i++)
        for (size_t e = ed->row[i]; e < ed->row[i + 1]; e++) {
            const double *d = ed->d + 3 * e, *vj = v + 3 * (size_t)ed->j[e];
            double *out = delta + 3 * e, sum = 0;
            for (int x = 0; x < 3; x++) {
                double strain = sig[3 * x] * d[0] + sig[3 * x + 1] * d[1] + sig[3 * x + 2] * d[2];
                out[x] = v[3 * i + (size_t)x] - vj[x] - inv * strain;
                sum += out[x] * out[x];
            }
            if (sum > largest) largest = sum;
        }
    return sqrt(largest);
}

/* ---- a group of structures, evaluated together ---------------------------------------------------- */

/* Add one side (0 or 1) of the central difference of the n structures r to grad. */
static racah_status add_gradient(const racahi_sample *const *batch, const ranked *r, size_t n, const job *b,
                                 worker *w, const pull *pulls, int side, double *grad, racah_error *err)
{
    const double sign = side ? 1 : -1;
    bool any = false;
    RACAHI_TRY(join(w, batch, r, n, err));
    for (size_t k = 0, a0 = 0, e0 = 0; k < n; k++) {
        const racahi_sample *s = batch[r[k].index];
        const pull *p = &pulls[r[k].index];
        double *d = w->edges.d + 3 * e0, factor;
        const double largest = p->displaced ? edge_directions(s, p->v, p->sig, d) : 0;
        if (largest > 0) {
            const double step = b->displacement / largest;
            for (size_t x = 0; x < 3 * s->edges.nedge; x++) d[x] = s->edges.d[x] + sign * step * d[x];
            factor = 0.5 * p->a - sign / (2 * step);
        } else { /* no residual moves an edge: only the energy term is left, on one side */
            memcpy(d, s->edges.d, 3 * s->edges.nedge * sizeof *d);
            factor = side ? 0 : p->a;
        }
        any = any || factor != 0;
        for (size_t i = 0; i < s->n; i++) w->factor[a0 + i] = factor;
        a0 += s->n, e0 += s->edges.nedge;
    }
    if (!any) return RACAH_OK;
    return racahi_grad_eval(w->grad, b->weights, w->elem, &w->edges, b->scale, w->energy, NULL, w->factor,
                            grad, err);
}

/* Residuals and pulls of the n structures r. */
static racah_status add_residuals(const racahi_sample *const *batch, const ranked *r, size_t n, const job *b,
                                  worker *w, racahi_residual *res, pull *pulls, racah_error *err)
{
    bool derivatives = false;
    for (size_t k = 0; k < n; k++)
        derivatives = derivatives || batch[r[k].index]->has_forces || batch[r[k].index]->has_stress;
    RACAHI_TRY(join(w, batch, r, n, err));
    RACAHI_TRY(racahi_grad_eval(w->grad, b->weights, w->elem, &w->edges, b->scale, w->energy,
                                derivatives ? w->forces : NULL, NULL, NULL, err));
    for (size_t k = 0, a0 = 0; k < n; k++) {
        const racahi_sample *s = batch[r[k].index];
        racahi_residual *out = &res[r[k].index];
        double energy = 0, virial[9];
        for (size_t i = 0; i < s->n; i++) energy += w->energy[a0 + i];
        if (s->has_stress) racahi_grad_virial(w->grad, a0, a0 + s->n, virial);
        residuals(s, b, energy, w->forces + 3 * a0, virial, out, &pulls[r[k].index]);
        if (!isfinite(out->rho_e + out->rho_f + out->rho_s))
            return racahi_fail(err, RACAH_ENUMERIC,
                               "the loss is not finite (energy %g eV, sum of |force errors| %g eV/A)", energy,
                               out->f_abs);
        a0 += s->n;
    }
    return RACAH_OK;
}

/* ---- the batch ---------------------------------------------------------------------------------- */

double racahi_loss_combine(const racahi_loss_weights *lw, const racahi_sample *const *batch,
                           const racahi_residual *res, size_t n)
{
    norms k = count_labels(lw, batch, n);
    double e = 0, f = 0, s = 0;
    for (size_t i = 0; i < n; i++) {
        double c = batch[i]->frame->weight;
        e += c * res[i].rho_e;
        f += c * res[i].rho_f;
        s += c * res[i].rho_s;
    }
    return k.energy * e + k.forces * f + k.stress * s;
}

static int by_cost(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    if (a->cost != b->cost) return a->cost > b->cost ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_group(const void *pa, const void *pb)
{
    const ranked *a = pa, *b = pb;
    if (a->group != b->group) return a->group < b->group ? -1 : 1;
    return by_cost(pa, pb);
}

/* Sum the slots in order into the first; blocks of parameters are independent. */
static void reduce(racahi_loss *l, size_t nslot)
{
    const size_t block = 4096, nblock = (l->size + block - 1) / block;
#pragma omp parallel for num_threads(l->nthread) schedule(static)
    for (size_t b = 0; b < nblock; b++) {
        size_t lo = b * block, hi = lo + block < l->size ? lo + block : l->size;
        for (size_t s = 1; s < nslot; s++) {
            const double *from = l->slot + s * l->size;
            for (size_t i = lo; i < hi; i++) l->slot[i] += from[i];
        }
    }
}

/* Deal the structures, from the largest, back and forth to as many groups as keep about GROUP_ATOMS atoms in
 * each, at least two: matrix products of many atoms are faster, and the gradients of a group's structures are
 * added up where they arise. Returns the number of groups. */
static size_t make_groups(racahi_loss *l, const racahi_sample *const *batch, size_t n)
{
    enum { GROUP_ATOMS = 48 };
    size_t atoms = 0;
    for (size_t i = 0; i < n; i++) {
        l->rank[i] = (ranked){.index = i, .cost = batch[i]->edges.nedge + batch[i]->n};
        atoms += batch[i]->n;
    }
    qsort(l->rank, n, sizeof *l->rank, by_cost);
    size_t count = (atoms + GROUP_ATOMS - 1) / GROUP_ATOMS;
    if (count < 2) count = 2;
    if (count > n) count = n;
    for (size_t k = 0; k < n; k++) {
        const size_t round = k / count, place = k % count;
        l->rank[k].group = round % 2 ? count - 1 - place : place;
    }
    qsort(l->rank, n, sizeof *l->rank, by_group);
    for (size_t k = 0, g = 0; k <= n; k++)
        if (k == n || l->rank[k].group == g) l->start[g++] = k;
    return count;
}

/* Both sides of all groups, from the largest, are dealt to the slots back and forth: two to a slot in small
 * batches, where an odd number of groups makes one slot more so that two threads get the same number. */
static void gradients(racahi_loss *l, const job *b, const racahi_sample *const *batch, size_t n,
                      size_t groups, size_t nslot)
{
#pragma omp parallel for num_threads(l->nthread) schedule(dynamic, 1)
    for (size_t q = 0; q < nslot; q++) {
        const size_t slot = nslot - 1 - q; /* the first ones may have one task less: they come last */
        worker *w = &l->worker[omp_get_thread_num()];
        double *sum = l->slot + slot * l->size;
        memset(sum, 0, l->size * sizeof *sum);
        for (size_t round = 0; round * nslot < 2 * groups; round++) {
            const size_t task = round * nslot + (round % 2 ? nslot - 1 - slot : slot);
            if (task >= 2 * groups) continue;
            const size_t g = task / 2, k0 = l->start[g], side = task % 2, many = l->start[g + 1] - k0;
            outcome *oc = &l->outcome[n + 2 * k0 + side];
            oc->status = add_gradient(batch, l->rank + k0, many, b, w, l->pull, (int)side, sum, &oc->err);
            if (oc->status == RACAH_OK || many == 1) continue;
            for (size_t k = k0; k < k0 + many; k++) { /* which of them? */
                oc = &l->outcome[n + 2 * k + side];
                oc->status = add_gradient(batch, l->rank + k, 1, b, w, l->pull, (int)side, sum, &oc->err);
            }
        }
    }
}

static void all_residuals(racahi_loss *l, const job *b, const racahi_sample *const *batch, size_t groups)
{
#pragma omp parallel for num_threads(l->nthread) schedule(dynamic, 1)
    for (size_t g = 0; g < groups; g++) {
        worker *w = &l->worker[omp_get_thread_num()];
        const size_t k0 = l->start[g], k1 = l->start[g + 1];
        racah_error err;
        if (add_residuals(batch, l->rank + k0, k1 - k0, b, w, l->res, l->pull, &err) == RACAH_OK) continue;
        for (size_t k = k0; k < k1; k++) { /* which of them? */
            outcome *oc = &l->outcome[l->rank[k].index];
            oc->status = add_residuals(batch, l->rank + k, 1, b, w, l->res, l->pull, &oc->err);
        }
    }
}

/* The error of the first structure that failed among the residuals, and with part = 3 the gradients. */
static racah_status first_failure(const racahi_loss *l, const racahi_sample *const *batch, size_t n,
                                  size_t part, racah_error *err)
{
    for (size_t k = 0; k < part * n; k++)
        if (l->outcome[k].status != RACAH_OK) {
            if (err) *err = l->outcome[k].err;
            return racahi_sample_error(batch[k < n ? k : l->rank[(k - n) / 2].index], err,
                                       l->outcome[k].status);
        }
    return RACAH_OK;
}

racah_status racahi_loss_eval(racahi_loss *l, const racahi_weights *weights,
                              const racahi_sample *const *batch, size_t n, const double *scale,
                              const racahi_loss_weights *lw, double displacement, double *value, double *grad,
                              racahi_residual *res, racah_error *err)
{
    RACAHI_TRY(reserve_batch(l, batch, n, err));
    const job b = {weights, scale, lw, count_labels(lw, batch, n), displacement};
    const size_t groups = make_groups(l, batch, n);
    memset(l->outcome, 0, 3 * n * sizeof *l->outcome);
    all_residuals(l, &b, batch, groups);
    RACAHI_TRY(first_failure(l, batch, n, 1, err));
    if (grad) {
        const size_t nslot = groups + groups % 2 < l->nslot ? groups + groups % 2 : l->nslot;
        gradients(l, &b, batch, n, groups, nslot);
        RACAHI_TRY(first_failure(l, batch, n, 3, err));
        reduce(l, nslot);
        racahi_net_unpack_gradient(l->net, l->slot, grad);
    }
    if (res) memcpy(res, l->res, n * sizeof *res);
    *value = racahi_loss_combine(lw, batch, l->res, n);
    return RACAH_OK;
}

double racahi_loss_flops(const racahi_loss *l, const racahi_sample *const *batch, size_t n, bool gradient)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t atoms = batch[i]->n, edges = batch[i]->edges.nedge;
        sum += racahi_grad_flops(l->net, atoms, edges, false);
        if (gradient) sum += 2 * racahi_grad_flops(l->net, atoms, edges, true);
    }
    return sum;
}

racah_status racahi_loss_predict(racahi_loss *l, const racahi_weights *weights, const racahi_sample *s,
                                 const double *scale, double *energy, double *forces, double *virial,
                                 racah_error *err)
{
    worker *w = &l->worker[0];
    const ranked alone = {0};
    racah_status st = join(w, &s, &alone, 1, err);
    if (st == RACAH_OK)
        st = racahi_grad_eval(w->grad, weights, w->elem, &w->edges, scale, w->energy, w->forces, NULL, NULL,
                              err);
    if (st != RACAH_OK) return racahi_sample_error(s, err, st);
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) sum += w->energy[i];
    if (energy) *energy = sum;
    if (forces) memcpy(forces, w->forces, 3 * s->n * sizeof *forces);
    if (virial) racahi_grad_virial(w->grad, 0, s->n, virial);
    return RACAH_OK;
}
