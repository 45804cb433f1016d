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

/* Uniform B-spline of degree p on [0, p+1] (Cox-de Boor), and its derivative. */
static double bspline(int p, double x)
{
    if (p == 0) return x >= 0 && x < 1;
    return (x * bspline(p - 1, x) + (p + 1 - x) * bspline(p - 1, x - 1)) / p;
}

double racahi_table_ref(const racahi_table *t, size_t c, double r, double *slope)
{
    if (slope) *slope = 0;
    if (r >= t->rc) return 0;
    double W = 0;
    for (size_t i = 0; i < t->nknot + 4; i++) { /* the spline of row i lives on knots i-5 .. i+1 */
        const double x = r / t->h + 5 - (double)i, v = t->f64 ? t->f64[i * t->nout + c] : (double)t->f32[i * t->nout + c];
        if (x < 0 || x >= 6) continue;
        W += v * bspline(5, x);
        if (slope) *slope += v * (bspline(4, x) - bspline(4, x - 1)) / t->h;
    }
    return W;
}
