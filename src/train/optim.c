/* SPDX-License-Identifier: MIT
 * Optimiser and learning rate; what they do is in optim.h. */
#include "optim.h"
#include "../linear/gemm.h"

#include <math.h>
#include <omp.h>
#include <string.h>

racah_status racahi_optim_create(racahi_optim *o, size_t n, int kind, const double *theta, racah_error *err)
{
    const bool amsgrad = kind != RACAHI_ADAMW;
    *o = (racahi_optim){.n = n};
    o->m = racahi_calloc(n, sizeof *o->m);
    o->v = racahi_calloc(n, sizeof *o->v);
    o->vmax = amsgrad ? racahi_calloc(n, sizeof *o->vmax) : NULL;
    o->ema = racahi_malloc(n, sizeof *o->ema);
    if (!o->m || !o->v || !o->ema || (amsgrad && !o->vmax)) {
        racahi_optim_free(o);
        return racahi_fail(err, RACAH_ENOMEM, "optimiser of %zu parameters: %zu bytes do not fit in memory",
                           n, (amsgrad ? 4 : 3) * n * sizeof *o->m);
    }
    memcpy(o->ema, theta, n * sizeof *theta);
    return RACAH_OK;
}

void racahi_optim_free(racahi_optim *o)
{
    racahi_free(o->m);
    racahi_free(o->v);
    racahi_free(o->vmax);
    racahi_free(o->ema);
    racahi_free(o->work);
    *o = (racahi_optim){0};
}

static double gain_of(const racahi_param *p) { return p->gain > 0 ? p->gain : 1; }

double racahi_optim_norm(const racahi_params *table, const double *grad)
{
    double sum = 0;
    for (size_t t = 0; t < table->n; t++) {
        const racahi_param *p = &table->t[t];
        double part = 0;
        for (size_t k = 0; k < p->b * p->r * p->c; k++) part += grad[p->offset + k] * grad[p->offset + k];
        sum += gain_of(p) * gain_of(p) * part;
    }
    return sqrt(sum);
}

racah_status racahi_optim_prepare(racahi_optim *o, size_t channels, int threads, racah_error *err)
{
    o->threads = racahi_blas_threads(threads);
    o->work = racahi_malloc((size_t)threads * 4, channels * channels * sizeof *o->work);
    if (!o->work)
        return racahi_fail(err, RACAH_ENOMEM, "matrices of the optimiser: %zu bytes do not fit in memory",
                           (size_t)threads * 4 * channels * channels * sizeof *o->work);
    return RACAH_OK;
}

/* What all parameters of a step share. */
typedef struct rates {
    double lr, clip, b1, b2, c1, c2;
} rates;

static void adam(racahi_optim *o, const racahi_param *p, const rates *s, double shrink, const double *grad,
                 double *theta)
{
    const double gain = gain_of(p), tiny = 1e-8;
    for (size_t i = p->offset; i < p->offset + p->b * p->r * p->c; i++) {
        double g = s->clip * gain * grad[i];
        o->m[i] = s->b1 * o->m[i] + (1 - s->b1) * g;
        o->v[i] = s->b2 * o->v[i] + (1 - s->b2) * g * g;
        double v = o->v[i];
        if (o->vmax) {
            if (v > o->vmax[i]) o->vmax[i] = v;
            v = o->vmax[i];
        }
        theta[i] = shrink * theta[i] - s->lr * gain * s->c1 * o->m[i] / (sqrt(s->c2 * v) + tiny);
    }
}

/* X (C,C) <- U V^T of its singular value decomposition, nearly: float is more than the iteration needs. work:
 * 3 C^2. */
static void orthogonalise(size_t C, float *X, float *work)
{
    const size_t n = C * C;
    float *A = work, *B = A + n, *T = B + n;
    for (int k = 0; k < 5; k++) { /* X <- 3.4445 X - 4.7750 A X + 2.0315 A^2 X, A = X X^T */
        racahi_gemm_f32(false, true, C, C, C, 1, X, C, X, C, 0, A, C);
        memcpy(B, A, n * sizeof *B);
        racahi_gemm_f32(false, false, C, C, C, 2.0315, A, C, A, C, -4.7750, B, C);
        memcpy(T, X, n * sizeof *T);
        racahi_gemm_f32(false, false, C, C, C, 1, B, C, T, C, 3.4445, X, C);
    }
}

static void muon(racahi_optim *o, const racahi_param *p, const rates *s, double shrink, const double *grad,
                 double *theta)
{
    const size_t C = p->c, n = C * C;
    const double gain = gain_of(p), mu = 0.95, size = 1.6 * sqrt((double)C);
#pragma omp parallel for num_threads(o->threads) schedule(static)
    for (size_t b = 0; b < p->b; b++) {
        float *X = o->work + (size_t)omp_get_thread_num() * 4 * n;
        double *m = o->m + p->offset + b * n, *w = theta + p->offset + b * n;
        const double *g = grad + p->offset + b * n;
        const double rate = (1 - mu) * s->clip * gain;
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            m[i] = mu * m[i] + rate * g[i];
            const double x = mu * m[i] + rate * g[i];
            sum += x * x;
        }
        const double normal = sum > 0 ? 1 / sqrt(sum) : 0;
        for (size_t i = 0; i < n; i++) X[i] = (float)(normal * (mu * m[i] + rate * g[i]));
        orthogonalise(C, X, X + n);
        for (size_t i = 0; i < n; i++) w[i] = shrink * w[i] - s->lr * gain * size * (double)X[i];
    }
}

/* Whether Muon moves the tensor. */
static bool orthogonal(const racahi_optim *o, const racahi_param *p)
{
    return o->work && p->row_channels && p->col_channels;
}

void racahi_optim_step(racahi_optim *o, const racahi_params *table, const racahi_train_config *cfg, double lr,
                       double norm, const double *grad, double *theta)
{
    const double step = (double)++o->steps;
    const rates s = {.lr = lr,
                     .clip = cfg->clip > 0 && norm > cfg->clip ? cfg->clip / norm : 1,
                     .b1 = cfg->beta1,
                     .b2 = cfg->beta2,
                     .c1 = 1 / (1 - pow(cfg->beta1, step)),
                     .c2 = 1 / (1 - pow(cfg->beta2, step))};
    /* the average follows quickly at first, or it would remember the initial weights for 1/(1-ema) steps */
    const double keep = cfg->ema > 0 ? fmin(cfg->ema, (1 + step) / (10 + step)) : 0;
    for (size_t t = 0; t < table->n; t++) {
        const racahi_param *p = &table->t[t];
        const double shrink = p->decay ? 1 - lr * cfg->weight_decay : 1;
        if (orthogonal(o, p))
            muon(o, p, &s, shrink, grad, theta);
        else
            adam(o, p, &s, shrink, grad, theta);
    }
    for (size_t i = 0; i < o->n; i++) o->ema[i] = keep * o->ema[i] + (1 - keep) * theta[i];
}

double racahi_optim_flops(const racahi_optim *o, const racahi_params *table)
{
    double sum = 0;
    for (size_t t = 0; t < table->n; t++) {
        const racahi_param *p = &table->t[t];
        if (orthogonal(o, p)) sum += 5 * 3 * 2 * (double)p->b * pow((double)p->c, 3);
    }
    return sum;
}

double racahi_learning_rate(const racahi_train_config *cfg, double epoch, int stage, double plateau)
{
    double top = cfg->lr, from = 0;
    if (stage > 0 && epoch >= stage && cfg->stage_lr > 0) top = cfg->stage_lr, from = stage;
    /* with a rate of its own for stage two, the first stage's schedule ends where stage two begins */
    double to = from == 0 && stage > 0 && cfg->stage_lr > 0 ? stage : cfg->epochs;
    double x = to > from ? fmin((epoch - from) / (to - from), 1) : 1, lr = top;
    switch (cfg->schedule) {
    case RACAHI_SCHEDULE_COSINE:
        lr = cfg->min_lr + 0.5 * (top - cfg->min_lr) * (1 + cos(3.14159265358979323846 * x));
        break;
    case RACAHI_SCHEDULE_EXPONENTIAL: lr = top * pow(cfg->min_lr / top, x); break;
    case RACAHI_SCHEDULE_PLATEAU: lr = fmax(top * plateau, fmin(cfg->min_lr, top)); break;
    case RACAHI_SCHEDULE_CONSTANT: break;
    }
    return epoch < cfg->warmup_epochs ? lr * (epoch / cfg->warmup_epochs) : lr;
}
