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
    double *forces, *v; /* (atoms,3) */
    double *d, *delta;  /* (edges,3) displaced edge vectors, direction of displacement */
    size_t cap_forces, cap_v, cap_d, cap_delta;
} worker;

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
    outcome *outcome;
    ranked *rank;
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
    if (!l) return racahi_fail(err, RACAH_ENOMEM, "no memory for the loss");
    l->nparam = nparam;
    l->nthread = threads > 0 ? racahi_blas_threads(threads) : 1;
    l->nslot = max_batch < RACAHI_LOSS_SLOTS ? max_batch : RACAHI_LOSS_SLOTS;
    l->worker = racahi_calloc((size_t)l->nthread, sizeof *l->worker);
    l->slot = racahi_malloc(l->nslot, nparam * sizeof *l->slot);
    racah_status st = RACAH_OK;
    if (!l->worker || !l->slot)
        st =
            racahi_fail(err, RACAH_ENOMEM, "no memory for %zu gradients of %zu parameters", l->nslot, nparam);
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
        racahi_free(w->v);
        racahi_free(w->d);
        racahi_free(w->delta);
    }
    racahi_free(l->worker);
    racahi_free(l->slot);
    racahi_free(l->res);
    racahi_free(l->outcome);
    racahi_free(l->rank);
    racahi_free(l);
}

static racah_status reserve_batch(racahi_loss *l, size_t n, racah_error *err)
{
    if (n <= l->cap_batch) return RACAH_OK;
    racahi_residual *res = racahi_calloc(n, sizeof *res);
    outcome *oc = racahi_calloc(n, sizeof *oc);
    ranked *rank = racahi_calloc(n, sizeof *rank);
    if (!res || !oc || !rank) {
        racahi_free(res);
        racahi_free(oc);
        racahi_free(rank);
        return racahi_fail(err, RACAH_ENOMEM, "no memory for a batch of %zu structures", n);
    }
    racahi_free(l->res);
    racahi_free(l->outcome);
    racahi_free(l->rank);
    l->res = res, l->outcome = oc, l->rank = rank, l->cap_batch = n;
    return RACAH_OK;
}

static racah_status reserve_worker(worker *w, const racahi_sample *s, racah_error *err)
{
    size_t a = 3 * s->n, e = 3 * s->edges.nedge, size = sizeof(double);
    RACAHI_TRY(racahi_reserve((void **)&w->forces, &w->cap_forces, a, size, "forces", err));
    RACAHI_TRY(racahi_reserve((void **)&w->v, &w->cap_v, a, size, "force residuals", err));
    RACAHI_TRY(racahi_reserve((void **)&w->d, &w->cap_d, e, size, "displaced edges", err));
    return racahi_reserve((void **)&w->delta, &w->cap_delta, e, size, "edge displacements", err);
}

/* ---- one structure ------------------------------------------------------------------------------ */

/* Residuals from energy, w->forces and virial; dL/dE to *a, dL/dF to w->v, symmetrised dL/dsigma to sig.
 * Returns whether v or sig has a non-zero entry. */
static bool residuals(const racahi_sample *s, const job *b, double energy, const double *virial, worker *w,
                      racahi_residual *r, double *a, double sig[9])
{
    const racahi_frame *f = s->frame;
    const racahi_loss_weights *lw = b->lw;
    const norms k = b->k;
    const double c = f->weight;
    bool any = false;
    *r = (racahi_residual){0};
    *a = 0;
    memset(sig, 0, 9 * sizeof *sig);
    if (s->has_energy && s->n) {
        const double n = (double)s->n;
        r->energy = energy - s->energy;
        r->rho_e = rho(lw, r->energy / n);
        *a = c * k.energy * drho(lw, r->energy / n) / n;
    }
    for (size_t i = 0; i < 3 * s->n; i++) {
        double x = s->has_forces ? w->forces[i] - f->forces[i] : 0;
        r->f_abs += fabs(x);
        r->f_sq += x * x;
        r->rho_f += rho(lw, x);
        w->v[i] = c * k.forces * drho(lw, x);
        any = any || w->v[i] != 0;
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
    return any;
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

/* Add the structure's dL/dtheta to grad. */
static racah_status add_gradient(const racahi_sample *s, const job *b, worker *w, double a, bool displaced,
                                 const double sig[9], double *grad, racah_error *err)
{
    double energy, largest = displaced ? edge_directions(s, w->v, sig, w->delta) : 0;
    if (largest == 0) { /* no residual moves an edge: only the energy term is left */
        if (a == 0) return RACAH_OK;
        return racahi_grad_eval(w->grad, b->weights, s->elem, &s->edges, b->scale, &energy, NULL, NULL, a,
                                grad, err);
    }
    const double step = b->displacement / largest;
    racahi_edges edges = s->edges;
    edges.d = w->d;
    for (int side = -1; side <= 1; side += 2) {
        for (size_t k = 0; k < 3 * edges.nedge; k++) w->d[k] = s->edges.d[k] + side * step * w->delta[k];
        RACAHI_TRY(racahi_grad_eval(w->grad, b->weights, s->elem, &edges, b->scale, &energy, NULL, NULL,
                                    0.5 * a - side / (2 * step), grad, err));
    }
    return RACAH_OK;
}

/* Residuals of one structure and, unless grad is NULL, its gradient added to grad. */
static racah_status one_structure(const racahi_sample *s, const job *b, worker *w, double *grad,
                                  racahi_residual *r, racah_error *err)
{
    double energy, virial[9], a, sig[9];
    RACAHI_TRY(reserve_worker(w, s, err));
    bool derivatives = s->has_forces || s->has_stress;
    RACAHI_TRY(racahi_grad_eval(w->grad, b->weights, s->elem, &s->edges, b->scale, &energy,
                                derivatives ? w->forces : NULL, s->has_stress ? virial : NULL, 0, NULL, err));
    bool displaced = residuals(s, b, energy, virial, w, r, &a, sig);
    if (!isfinite(r->rho_e + r->rho_f + r->rho_s))
        return racahi_fail(err, RACAH_ENUMERIC,
                           "the loss is not finite (energy %g eV, sum of |force errors| %g eV/A)", energy,
                           r->f_abs);
    if (!grad) return RACAH_OK;
    return add_gradient(s, b, w, a, displaced, sig, grad, err);
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

racah_status racahi_loss_eval(racahi_loss *l, const racahi_weights *weights,
                              const racahi_sample *const *batch, size_t n, const double *scale,
                              const racahi_loss_weights *lw, double displacement, double *value, double *grad,
                              racahi_residual *res, racah_error *err)
{
    RACAHI_TRY(reserve_batch(l, n, err));
    const job b = {weights, scale, lw, count_labels(lw, batch, n), displacement};
    /* without a gradient there is nothing to keep apart, and more pieces balance better */
    const size_t nslot = grad && n > l->nslot ? l->nslot : n;
    for (size_t i = 0; i < n; i++) l->rank[i] = (ranked){i, batch[i]->edges.nedge + batch[i]->n};
    qsort(l->rank, n, sizeof *l->rank, by_cost); /* the largest first: they balance the threads */
#pragma omp parallel for num_threads(l->nthread) schedule(dynamic, 1)
    for (size_t s = 0; s < nslot; s++) {
        worker *w = &l->worker[omp_get_thread_num()];
        double *g = grad ? l->slot + s * l->nparam : NULL;
        if (g) memset(g, 0, l->nparam * sizeof *g);
        for (size_t m = s; m < n; m += nslot) {
            size_t i = l->rank[m].index;
            outcome *oc = &l->outcome[i];
            oc->status = one_structure(batch[i], &b, w, g, &l->res[i], &oc->err);
        }
    }
    for (size_t i = 0; i < n; i++)
        if (l->outcome[i].status != RACAH_OK) {
            if (err) *err = l->outcome[i].err;
            return racahi_sample_error(batch[i], err, l->outcome[i].status);
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
