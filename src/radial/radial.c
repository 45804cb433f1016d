/* SPDX-License-Identifier: MIT
 * Radial bases, distance transforms and the radial MLP. */
#include "radial.h"
#include "../linear/gemm.h"
#include "../linear/rows.h"

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

/* R_b(x) and two derivatives in x, each [nb]. */
static void bessel(const racahi_radial *q, double x, double *R, double *R1, double *R2)
{
    const double pi = 3.14159265358979323846, norm = sqrt(2 / q->rc);
    const double theta = pi * x / q->rc, s1 = sin(theta), c1 = cos(theta);
    double s = s1, c = c1; /* sin, cos of b theta */
    for (int b = 0; b < q->nb; b++) {
        const double k = q->basis_param ? q->basis_param[b] : (b + 1) * pi / q->rc, z = k * x;
        if (q->basis_param) s = sin(z), c = cos(z);
        double j, j1, j2;
        if (z < 0.5)
            j0_near_zero(z, &j, &j1, &j2);
        else {
            j = s / z;
            j1 = (c - j) / z;
            j2 = -j - 2 * j1 / z;
        }
        R[b] = norm * k * j, R1[b] = norm * k * k * j1, R2[b] = norm * k * k * k * j2;
        const double sn = s * c1 + c * s1;
        c = c * c1 - s * s1;
        s = sn;
    }
}

static void gaussian(const racahi_radial *q, double x, double *R, double *R1, double *R2)
{
    const double step = q->rc / (q->nb - 1), a = 1 / (step * step);
    for (int b = 0; b < q->nb; b++) {
        const double d = x - (q->basis_param ? q->basis_param[b] : b * step);
        R[b] = exp(-0.5 * a * d * d);
        R1[b] = -a * d * R[b];
        R2[b] = (a * d * a * d - a) * R[b];
    }
}

/* T_(b+1) = 2 x T_b - T_(b-1), differentiated. */
static void chebyshev(const racahi_radial *q, double x, double *R, double *R1, double *R2)
{
    double T = 1, T1 = 0, T2 = 0; /* T_0 */
    double U = x, U1 = 1, U2 = 0; /* T_1 */
    for (int b = 0; b < q->nb; b++) {
        R[b] = U, R1[b] = U1, R2[b] = U2;
        const double n = 2 * x * U - T, n1 = 2 * U + 2 * x * U1 - T1, n2 = 4 * U1 + 2 * x * U2 - T2;
        T = U, T1 = U1, T2 = U2;
        U = n, U1 = n1, U2 = n2;
    }
}

double racahi_transform_r0(racahi_transform transform, double radius_a, double radius_b)
{
    return (transform == RACAHI_TRANSFORM_AGNESI ? 0.5 : 1) * (radius_a + radius_b);
}

/* x = (1 + v)/(1 + v + a w), v = u^(p-q), w = u^p: the formula of the header without negative powers. */
static void agnesi(const double *param, double r, double r0, double x[3])
{
    const double q = param[0], p = param[1], a = param[2], u = r / r0, s = p - q;
    if (u < 1e-8) { /* the limit; p > 2 makes both derivatives vanish, others are cut off here */
        x[0] = 1, x[1] = x[2] = 0;
        return;
    }
    const double v = pow(u, s), w = pow(u, p);
    const double v1 = s * v / u, v2 = s * (s - 1) * v / (u * u), w1 = p * w / u,
                 w2 = p * (p - 1) * w / (u * u);
    /* x = 1/(1+g), g = a w/(1+v) */
    const double d = 1 / (1 + v), g = a * w * d, g1 = d * (a * w1 - g * v1);
    const double g2 = d * (a * w2 - 2 * g1 * v1 - g * v2);
    x[0] = 1 / (1 + g);
    x[1] = -x[0] * x[0] * g1 / r0;
    x[2] = (2 * x[0] * x[0] * x[0] * g1 * g1 - x[0] * x[0] * g2) / (r0 * r0);
}

static void soft(double alpha, double r, double r0, double x[3])
{
    const double p0 = 0.75 * r0, p1 = 4 * r0 / 3, k = alpha / (p1 - p0), th = tanh(k * (r - 0.5 * (p0 + p1)));
    const double s = 0.5 * (1 + th), s1 = 0.5 * k * (1 - th * th), s2 = -2 * k * th * s1;
    x[0] = p0 + (r - p0) * s;
    x[1] = s + (r - p0) * s1;
    x[2] = 2 * s1 + (r - p0) * s2;
}

void racahi_transform_eval(const racahi_radial *q, double r, double r0, double x[3])
{
    x[0] = r, x[1] = 1, x[2] = 0;
    if (q->transform == RACAHI_TRANSFORM_AGNESI) agnesi(q->transform_param, r, r0, x);
    if (q->transform == RACAHI_TRANSFORM_SOFT) soft(q->transform_param[0], r, r0, x);
}

void racahi_basis_eval(const racahi_radial *q, size_t ne, const double *r, const double *r0, double *e,
                       double *de, double *d2e)
{
    const size_t nb = (size_t)q->nb;
    double R[RACAHI_BASIS_MAX], R1[RACAHI_BASIS_MAX], R2[RACAHI_BASIS_MAX];
    for (size_t i = 0; i < ne; i++) {
        double *ei = e + i * nb, *di = de ? de + i * nb : NULL, *ci = d2e ? d2e + i * nb : NULL;
        if (!(r[i] < q->rc)) {
            memset(ei, 0, nb * sizeof *ei);
            if (di) memset(di, 0, nb * sizeof *di);
            if (ci) memset(ci, 0, nb * sizeof *ci);
            continue;
        }
        double f, f1, f2, x[3];
        cutoff(q->p, q->rc, r[i], &f, &f1, &f2);
        racahi_transform_eval(q, r[i], q->transform ? r0[i] : 0, x);
        if (q->basis == RACAHI_BASIS_BESSEL)
            bessel(q, x[0], R, R1, R2);
        else if (q->basis == RACAHI_BASIS_GAUSSIAN)
            gaussian(q, x[0], R, R1, R2);
        else
            chebyshev(q, x[0], R, R1, R2);
        for (size_t b = 0; b < nb; b++) {
            const double B1 = R1[b] * x[1], B2 = R2[b] * x[1] * x[1] + R1[b] * x[2]; /* in r */
            ei[b] = R[b] * f;
            if (di) di[b] = B1 * f + R[b] * f1;
            if (ci) ci[b] = B2 * f + 2 * B1 * f1 + R[b] * f2;
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
    memset(ws->packed, 0, sizeof ws->packed), memset(ws->packed_t, 0, sizeof ws->packed_t);
    ws->xat = racahi_arena_take(arena, ne, sizeof *ws->xat);
    ws->yat = racahi_arena_take(arena, ne, sizeof *ws->yat);
}

/* The kernels of rows.h write whole vectors. */
static bool in_vectors(size_t columns) { return columns % 8 == 0; }

void racahi_mlp_pack(const racahi_radial *p, int k, const double *w, double *packed, double *packed_t)
{
    const size_t in = k ? p->width[k - 1] : (size_t)p->nb, out = k < p->nmlp ? p->width[k] : p->nout;
    if (in_vectors(out)) racahi_rows_pack_f64(in, out, out, w, out, false, packed);
    if (in_vectors(in)) racahi_rows_pack_f64(out, in, in, w, out, true, packed_t);
}

/* y (n,nout) = x (n,nin) W, or x W^T with W (nout,nin); packed: W or W^T in the order of linear/rows.h, or NULL. */
static void multiply(const racahi_radial *p, const racahi_mlp_ws *ws, size_t n, size_t nin, size_t nout, const double *x,
                     bool transposed, const double *W, const double *packed, double *y)
{
    if (!packed || !in_vectors(nout)) {
        racahi_gemm_f64(false, transposed, n, nout, nin, 1, x, nin, W, transposed ? nin : nout, 0, y, nout);
        return;
    }
    for (size_t i = 0; i < n; i++) ws->xat[i] = i * nin, ws->yat[i] = i * nout;
    const racahi_rows q = {.n = n, .xat = ws->xat, .yat = ws->yat, .K = nin, .xseg = 1, .N = nout, .yseg = 1, .alpha = 1};
    racahi_rows_f64(p->isa, &q, x, packed, y);
}

void racahi_mlp_forward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                        const double *r, double *W)
{
    racahi_basis_eval(p, ne, r, ws->r0, ws->e, ws->de, NULL);
    const double *in = ws->e;
    size_t nin = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++) {
        const size_t n = p->width[k];
        multiply(p, ws, ne, nin, n, in, false, w[k], ws->packed[k], ws->a[k]);
        racahi_act(p->isa, ne * n, ws->a[k], ws->a[k], ws->s[k]);
        in = ws->a[k];
        nin = n;
    }
    multiply(p, ws, ne, nin, p->nout, in, false, w[p->nmlp], ws->packed[p->nmlp], W);
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
        multiply(p, ws, ne, nout, nin, dout, true, w[k], ws->packed_t[k], din);
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
