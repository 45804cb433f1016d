/* SPDX-License-Identifier: MIT
 * Readable twins of the activation, the radial MLP and the table's interpolant: plain loops, libm. */
#include "radial.h"

#include <math.h>

double racahi_act_ref(double z, double *da)
{
    const double norm = 1.6791767923989418, s = 1 / (1 + exp(-z));
    if (da) *da = norm * s * (1 + z * (1 - s));
    return norm * z * s;
}

void racahi_mlp_ref(const racahi_radial *p, const double *const *w, double r, double *scratch, double *W)
{
    size_t widest = (size_t)p->nb, nin = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++) widest = p->width[k] > widest ? p->width[k] : widest;
    double *in = scratch, *out = scratch + widest;
    racahi_bessel(p, 1, &r, in, NULL, NULL);
    for (int k = 0; k < p->nmlp; k++) {
        for (size_t v = 0; v < p->width[k]; v++) {
            double z = 0;
            for (size_t u = 0; u < nin; u++) z += in[u] * w[k][u * p->width[k] + v];
            out[v] = racahi_act_ref(z, NULL);
        }
        double *swap = in;
        in = out, out = swap;
        nin = p->width[k];
    }
    for (size_t v = 0; v < p->nout; v++) {
        W[v] = 0;
        for (size_t u = 0; u < nin; u++) W[v] += in[u] * w[p->nmlp][u * p->nout + v];
    }
}

double racahi_table_ref(const racahi_table *t, size_t c, double r, double *slope)
{
    if (slope) *slope = 0;
    if (r >= t->rc) return 0;
    size_t i = (size_t)(r / t->h);
    if (i > t->nknot - 2) i = t->nknot - 2;
    double k[6]; /* value, h slope, h^2 curvature at either end of the interval */
    for (size_t d = 0; d < 6; d++) {
        const size_t at = (3 * i + d) * t->nout + c;
        k[d] = t->f64 ? t->f64[at] : (double)t->f32[at];
    }
    /* W = sum_n a_n u^n: the first three match the left end, D are what they leave at the right end */
    const double D0 = k[3] - k[0] - k[1] - k[2] / 2, D1 = k[4] - k[1] - k[2], D2 = k[5] - k[2];
    const double a[6] = {k[0], k[1], k[2] / 2, 10 * D0 - 4 * D1 + D2 / 2, -15 * D0 + 7 * D1 - D2,
                         6 * D0 - 3 * D1 + D2 / 2};
    const double u = r / t->h - (double)i;
    double W = 0, W1 = 0;
    for (int n = 5; n >= 0; n--) {
        W1 = W1 * u + W;
        W = W * u + a[n];
    }
    if (slope) *slope = W1 / t->h;
    return W;
}
