/* SPDX-License-Identifier: MIT
 * Optimiser and learning rate; what they do is in optim.h. */
#include "optim.h"

#include <math.h>
#include <string.h>

racah_status racahi_optim_create(racahi_optim *o, size_t n, bool amsgrad, const double *theta,
                                 racah_error *err)
{
    *o = (racahi_optim){.n = n};
    o->m = racahi_calloc(n, sizeof *o->m);
    o->v = racahi_calloc(n, sizeof *o->v);
    o->vmax = amsgrad ? racahi_calloc(n, sizeof *o->vmax) : NULL;
    o->ema = racahi_malloc(n, sizeof *o->ema);
    if (!o->m || !o->v || !o->ema || (amsgrad && !o->vmax)) {
        racahi_optim_free(o);
        return racahi_fail(err, RACAH_ENOMEM, "no memory for the optimiser of %zu parameters", n);
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

void racahi_optim_step(racahi_optim *o, const racahi_params *table, const racahi_train_config *cfg, double lr,
                       double norm, const double *grad, double *theta)
{
    const double clip = cfg->clip > 0 && norm > cfg->clip ? cfg->clip / norm : 1;
    const double b1 = cfg->beta1, b2 = cfg->beta2, tiny = 1e-8;
    const double step = (double)++o->steps;
    const double c1 = 1 / (1 - pow(b1, step)), c2 = 1 / (1 - pow(b2, step));
    /* the average follows quickly at first, or it would remember the initial weights for 1/(1-ema) steps */
    const double keep = cfg->ema > 0 ? fmin(cfg->ema, (1 + step) / (10 + step)) : 0;
    for (size_t t = 0; t < table->n; t++) {
        const racahi_param *p = &table->t[t];
        const double gain = gain_of(p), shrink = p->decay ? 1 - lr * cfg->weight_decay : 1;
        for (size_t i = p->offset; i < p->offset + p->b * p->r * p->c; i++) {
            double g = clip * gain * grad[i];
            o->m[i] = b1 * o->m[i] + (1 - b1) * g;
            o->v[i] = b2 * o->v[i] + (1 - b2) * g * g;
            double v = o->v[i];
            if (o->vmax) {
                if (v > o->vmax[i]) o->vmax[i] = v;
                v = o->vmax[i];
            }
            theta[i] = shrink * theta[i] - lr * gain * c1 * o->m[i] / (sqrt(c2 * v) + tiny);
            o->ema[i] = keep * o->ema[i] + (1 - keep) * theta[i];
        }
    }
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
