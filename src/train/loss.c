/* SPDX-License-Identifier: MIT
 * Loss and gradient of a batch; equations in loss.h. */
#include "loss.h"
#include "data_internal.h"
#include "../linear/gemm.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct worker {
    racahi_grad *grad;
    double *forces;    /* (atoms,3) */
    double *d, *delta; /* (edges,3) displaced edge vectors, direction of displacement */
    size_t cap_forces, cap_d, cap_delta;
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

typedef struct ranked { /* a structure of the batch and its cost */
    size_t index, cost;
} ranked;

struct racahi_loss {
    size_t nparam;
    int nthread;
    worker *worker; /* [nthread] */
    size_t nslot;
    double *slot; /* [nslot][nparam] */
    size_t cap_batch;
    racahi_residual *res;
    outcome *outcome; /* [3 cap_batch]: residuals, and the two passes of the gradient */
    ranked *rank;
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

racah_status racahi_loss_create(racahi_loss **out, const racahi_net *net, size_t nparam, int threads,
                                size_t max_batch, racah_error *err)
{
    *out = NULL;
    racahi_loss *l = racahi_calloc(1, sizeof *l);
    if (!l) return racahi_fail(err, RACAH_ENOMEM, "loss: %zu bytes do not fit in memory", sizeof *l);
    l->nparam = nparam;
    l->nthread = threads > 0 ? racahi_blas_threads(threads) : 1;
    l->nslot = max_batch + max_batch % 2 < RACAHI_LOSS_SLOTS ? max_batch + max_batch % 2 : RACAHI_LOSS_SLOTS;
    l->worker = racahi_calloc((size_t)l->nthread, sizeof *l->worker);
    l->slot = racahi_malloc(l->nslot, nparam * sizeof *l->slot);
    racah_status st = RACAH_OK;
    if (!l->worker || !l->slot)
        st = racahi_fail(err, RACAH_ENOMEM, "%zu gradients of %zu parameters: %zu bytes do not fit in memory",
                         l->nslot, nparam, l->nslot * nparam * sizeof *l->slot);
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
        racahi_free(w->forces);
        racahi_free(w->d);
        racahi_free(w->delta);
    }
    racahi_free(l->worker);
    racahi_free(l->slot);
    racahi_free(l->res);
    racahi_free(l->outcome);
    racahi_free(l->rank);
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
        racahi_free(l->res), racahi_free(l->outcome), racahi_free(l->rank), racahi_free(l->pull);
        l->res = racahi_calloc(n, sizeof *l->res);
        l->outcome = racahi_calloc(3 * n, sizeof *l->outcome);
        l->rank = racahi_calloc(n, sizeof *l->rank);
        l->pull = racahi_calloc(n, sizeof *l->pull);
        l->cap_batch = l->res && l->outcome && l->rank && l->pull ? n : 0;
        if (!l->cap_batch)
            return racahi_fail(
                err, RACAH_ENOMEM, "batch of %zu structures: %zu bytes do not fit in memory", n,
                n * (sizeof *l->res + 3 * sizeof *l->outcome + sizeof *l->rank + sizeof *l->pull));
    }
    double *v = l->v;
    for (size_t i = 0; i < n; i++) l->pull[i].v = v, v += 3 * batch[i]->n;
    return RACAH_OK;
}

static racah_status reserve_worker(worker *w, const racahi_sample *s, racah_error *err)
{
    size_t a = 3 * s->n, e = 3 * s->edges.nedge, size = sizeof(double);
    RACAHI_TRY(racahi_reserve((void **)&w->forces, &w->cap_forces, a, size, "forces", err));
    RACAHI_TRY(racahi_reserve((void **)&w->d, &w->cap_d, e, size, "displaced edges", err));
    return racahi_reserve((void **)&w->delta, &w->cap_delta, e, size, "edge displacements", err);
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

/* Add one side (0 or 1) of the central difference to grad; without displacement, side 0 is all there is. */
static racah_status add_gradient(const racahi_sample *s, const job *b, worker *w, const pull *p, int side,
                                 double *grad, racah_error *err)
{
    RACAHI_TRY(reserve_worker(w, s, err));
    double energy, largest = p->displaced ? edge_directions(s, p->v, p->sig, w->delta) : 0;
    if (largest == 0) { /* no residual moves an edge: only the energy term is left */
        if (p->a == 0 || side) return RACAH_OK;
        return racahi_grad_eval(w->grad, b->weights, s->elem, &s->edges, b->scale, &energy, NULL, NULL, p->a,
                                grad, err);
    }
    const double step = b->displacement / largest, sign = side ? 1 : -1;
    racahi_edges edges = s->edges;
    edges.d = w->d;
    for (size_t k = 0; k < 3 * edges.nedge; k++) w->d[k] = s->edges.d[k] + sign * step * w->delta[k];
    return racahi_grad_eval(w->grad, b->weights, s->elem, &edges, b->scale, &energy, NULL, NULL,
                            0.5 * p->a - sign / (2 * step), grad, err);
}

/* Residuals and pull of one structure. */
static racah_status one_structure(const racahi_sample *s, const job *b, worker *w, racahi_residual *r,
                                  pull *p, racah_error *err)
{
    double energy, virial[9];
    RACAHI_TRY(reserve_worker(w, s, err));
    bool derivatives = s->has_forces || s->has_stress;
    RACAHI_TRY(racahi_grad_eval(w->grad, b->weights, s->elem, &s->edges, b->scale, &energy,
                                derivatives ? w->forces : NULL, s->has_stress ? virial : NULL, 0, NULL, err));
    residuals(s, b, energy, w->forces, virial, r, p);
    if (!isfinite(r->rho_e + r->rho_f + r->rho_s))
        return racahi_fail(err, RACAH_ENUMERIC,
                           "the loss is not finite (energy %g eV, sum of |force errors| %g eV/A)", energy,
                           r->f_abs);
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

/* Sum the slots in order; blocks of parameters are independent. */
static void reduce(const racahi_loss *l, size_t nslot, double *grad)
{
    const size_t block = 4096, nblock = (l->nparam + block - 1) / block;
#pragma omp parallel for num_threads(l->nthread) schedule(static)
    for (size_t b = 0; b < nblock; b++) {
        size_t lo = b * block, hi = lo + block < l->nparam ? lo + block : l->nparam;
        memcpy(grad + lo, l->slot + lo, (hi - lo) * sizeof *grad);
        for (size_t s = 1; s < nslot; s++) {
            const double *from = l->slot + s * l->nparam;
            for (size_t i = lo; i < hi; i++) grad[i] += from[i];
        }
    }
}

/* Both sides of all structures, from the largest, are dealt to the slots back and forth: two to a slot in
 * small batches, where an odd number of structures makes one slot more so that two threads get the same
 * number. */
static void gradients(racahi_loss *l, const job *b, const racahi_sample *const *batch, size_t n, size_t nslot)
{
#pragma omp parallel for num_threads(l->nthread) schedule(dynamic, 1)
    for (size_t q = 0; q < nslot; q++) {
        const size_t slot = nslot - 1 - q; /* the first ones may have one task less: they come last */
        worker *w = &l->worker[omp_get_thread_num()];
        double *g = l->slot + slot * l->nparam;
        memset(g, 0, l->nparam * sizeof *g);
        for (size_t round = 0; round * nslot < 2 * n; round++) {
            const size_t task = round * nslot + (round % 2 ? nslot - 1 - slot : slot);
            if (task >= 2 * n) continue;
            const size_t i = l->rank[task / 2].index;
            outcome *oc = &l->outcome[n + task];
            oc->status = add_gradient(batch[i], b, w, &l->pull[i], (int)(task % 2), g, &oc->err);
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
    for (size_t i = 0; i < n; i++) l->rank[i] = (ranked){i, batch[i]->edges.nedge + batch[i]->n};
    qsort(l->rank, n, sizeof *l->rank, by_cost); /* the largest first: they balance the threads */
    memset(l->outcome, 0, 3 * n * sizeof *l->outcome);
#pragma omp parallel for num_threads(l->nthread) schedule(dynamic, 1)
    for (size_t k = 0; k < n; k++) {
        const size_t i = l->rank[k].index;
        outcome *oc = &l->outcome[i];
        oc->status =
            one_structure(batch[i], &b, &l->worker[omp_get_thread_num()], &l->res[i], &l->pull[i], &oc->err);
    }
    RACAHI_TRY(first_failure(l, batch, n, 1, err));
    const size_t nslot = n + n % 2 < l->nslot ? n + n % 2 : l->nslot;
    if (grad) {
        gradients(l, &b, batch, n, nslot);
        RACAHI_TRY(first_failure(l, batch, n, 3, err));
    }
    if (grad) reduce(l, nslot, grad);
    if (res) memcpy(res, l->res, n * sizeof *res);
    *value = racahi_loss_combine(lw, batch, l->res, n);
    return RACAH_OK;
}

racah_status racahi_loss_predict(racahi_loss *l, const racahi_weights *w, const racahi_sample *s,
                                 const double *scale, double *energy, double *forces, double *virial,
                                 racah_error *err)
{
    double e;
    racah_status st = racahi_grad_eval(l->worker[0].grad, w, s->elem, &s->edges, scale, energy ? energy : &e,
                                       forces, virial, 0, NULL, err);
    return st == RACAH_OK ? RACAH_OK : racahi_sample_error(s, err, st);
}
