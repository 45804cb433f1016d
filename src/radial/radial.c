/* SPDX-License-Identifier: MIT
 * Bessel basis and radial MLP. */
#include "radial.h"
#include "../linear/gemm.h"

#include <math.h>
#include <string.h>

/* ---- basis -------------------------------------------------------------------------------------- */

/* j0(x) = sin x / x and two derivatives; the power series where the closed forms cancel. */
static void j0_near_zero(double x, double *j, double *j1, double *j2)
{
    double term = -1.0 / 6, sum = 0, sum1 = 0, sum2 = 0; /* term = (-1)^n x^(2n-2) / (2n+1)!, n = 1, 2, .. */
    for (int n = 1; n < 10; n++) {
        sum += term;                        /* (j0 - 1) / x^2 */
        sum1 += 2 * n * term;               /* j0' / x */
        sum2 += 2 * n * (2 * n - 1) * term; /* j0'' */
        term *= -x * x / ((2 * n + 2) * (2 * n + 3));
    }
    *j = 1 + x * x * sum;
    *j1 = x * sum1;
    *j2 = sum2;
}

static void cutoff(int p, double rc, double r, double *f, double *f1, double *f2)
{
    const double u = r / rc, v = 1 - u, n = 0.5 * p * (p + 1.0) * (p + 2.0);
    const double up2 = pow(u, p - 2), up1 = up2 * u, up = up1 * u;
    *f = 1 - up * ((p + 1.0) * (p + 2.0) / 2 - u * (p * (p + 2.0) - u * (p * (p + 1.0) / 2)));
    *f1 = -n * up1 * v * v / rc;
    *f2 = -n * (up2 * (p - 1) * v * v - 2 * up1 * v) / (rc * rc);
}

void racahi_bessel(const racahi_radial *q, size_t ne, const double *r, double *e, double *de, double *d2e)
{
    const double pi = 3.14159265358979323846, norm = sqrt(2 / q->rc);
    const size_t nb = (size_t)q->nb;
    for (size_t i = 0; i < ne; i++) {
        double *ei = e + i * nb, *di = de ? de + i * nb : NULL, *ci = d2e ? d2e + i * nb : NULL;
        if (!(r[i] < q->rc)) {
            memset(ei, 0, nb * sizeof *ei);
            if (di) memset(di, 0, nb * sizeof *di);
            if (ci) memset(ci, 0, nb * sizeof *ci);
            continue;
        }
        double f, f1, f2;
        cutoff(q->p, q->rc, r[i], &f, &f1, &f2);
        const double theta = pi * r[i] / q->rc, s1 = sin(theta), c1 = cos(theta);
        double s = s1, c = c1; /* sin, cos of b theta */
        for (size_t b = 0; b < nb; b++) {
            const double k = (double)(b + 1) * pi / q->rc, x = k * r[i];
            double j, j1, j2;
            if (x < 0.5)
                j0_near_zero(x, &j, &j1, &j2);
            else {
                j = s / x;
                j1 = (c - j) / x;
                j2 = -j - 2 * j1 / x;
            }
            const double B = norm * k * j, B1 = norm * k * k * j1, B2 = norm * k * k * k * j2;
            ei[b] = B * f;
            if (di) di[b] = B1 * f + B * f1;
            if (ci) ci[b] = B2 * f + 2 * B1 * f1 + B * f2;
            const double sn = s * c1 + c * s1;
            c = c * c1 - s * s1;
            s = sn;
        }
    }
}

/* ---- MLP ---------------------------------------------------------------------------------------- */

void racahi_mlp_ws_layout(const racahi_radial *p, size_t ne, racahi_arena *arena, racahi_mlp_ws *ws)
{
    size_t widest = (size_t)p->nb;
    ws->e = racahi_arena_take(arena, ne * (size_t)p->nb, sizeof(double));
    ws->de = racahi_arena_take(arena, ne * (size_t)p->nb, sizeof(double));
    for (int k = 0; k < p->nmlp; k++) {
        ws->a[k] = racahi_arena_take(arena, ne * p->width[k], sizeof(double));
        ws->s[k] = racahi_arena_take(arena, ne * p->width[k], sizeof(double));
        if (p->width[k] > widest) widest = p->width[k];
    }
    for (int i = 0; i < 2; i++) ws->g[i] = racahi_arena_take(arena, ne * widest, sizeof(double));
}

void racahi_mlp_forward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                        const double *r, double *W)
{
    racahi_bessel(p, ne, r, ws->e, ws->de, NULL);
    const double *in = ws->e;
    size_t nin = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++) {
        const size_t n = p->width[k];
        racahi_gemm_f64(false, false, ne, n, nin, 1, in, nin, w[k], n, 0, ws->a[k], n);
        racahi_act(p->isa, ne * n, ws->a[k], ws->a[k], ws->s[k]);
        in = ws->a[k];
        nin = n;
    }
    racahi_gemm_f64(false, false, ne, p->nout, nin, 1, in, nin, w[p->nmlp], p->nout, 0, W, p->nout);
}

void racahi_mlp_backward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                         const double *dW, double *dr, double *const *dw)
{
    const double *dout = dW;
    size_t nout = p->nout;
    for (int k = p->nmlp; k >= 0; k--) {
        const double *in = k ? ws->a[k - 1] : ws->e;
        const size_t nin = k ? p->width[k - 1] : (size_t)p->nb;
        double *din = ws->g[k & 1];
        if (dw) racahi_gemm_f64(true, false, nin, nout, ne, 1, in, nin, dout, nout, 1, dw[k], nout);
        racahi_gemm_f64(false, true, ne, nin, nout, 1, dout, nout, w[k], nout, 0, din, nin);
        if (k)
            for (size_t i = 0; i < ne * nin; i++) din[i] *= ws->s[k - 1][i];
        dout = din;
        nout = nin;
    }
    for (size_t i = 0; i < ne; i++) {
        double sum = 0;
        for (size_t b = 0; b < nout; b++) sum += dout[i * nout + b] * ws->de[i * nout + b];
        dr[i] = sum;
    }
}
