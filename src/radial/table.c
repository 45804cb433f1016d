/* SPDX-License-Identifier: MIT
 * Making the radial table: W, W', W'' of the MLP at the knots by forward differentiation. */
#include "radial.h"
#include "../linear/gemm.h"

#include <math.h>
#include <string.h>

#define ACT_NORM 1.6791767923989418

/* z, z', z'' -> act(z) and its first two derivatives in r, in place. */
static void act_taylor(size_t n, double *z, double *z1, double *z2)
{
    for (size_t i = 0; i < n; i++) {
        double s = 1 / (1 + exp(-z[i])), d = s * (1 - s);
        double f1 = s + z[i] * d, f2 = d * (2 + z[i] * (1 - 2 * s));
        z2[i] = ACT_NORM * (f2 * z1[i] * z1[i] + f1 * z2[i]);
        z1[i] = ACT_NORM * f1 * z1[i];
        z[i] = ACT_NORM * z[i] * s;
    }
}

static bool knot_values(const racahi_radial *p, const double *const *w, size_t n, const double *r,
                        double *out[3])
{
    size_t widest = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++)
        if (p->width[k] > widest) widest = p->width[k];
    double *block = racahi_malloc(6 * n * widest, sizeof(double));
    if (!block) return false;
    double *in[3], *next[3];
    for (int d = 0; d < 3; d++)
        in[d] = block + (size_t)d * n * widest, next[d] = block + (size_t)(d + 3) * n * widest;
    racahi_bessel(p, n, r, in[0], in[1], in[2]);
    size_t nin = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++) {
        const size_t m = p->width[k];
        for (int d = 0; d < 3; d++)
            racahi_gemm_f64(false, false, n, m, nin, 1, in[d], nin, w[k], m, 0, next[d], m);
        act_taylor(n * m, next[0], next[1], next[2]);
        for (int d = 0; d < 3; d++) {
            double *swap = in[d];
            in[d] = next[d], next[d] = swap;
        }
        nin = m;
    }
    for (int d = 0; d < 3; d++)
        racahi_gemm_f64(false, false, n, p->nout, nin, 1, in[d], nin, w[p->nmlp], p->nout, 0, out[d],
                        p->nout);
    racahi_free(block);
    return true;
}

/* B-spline coefficients of the interpolating quintic spline, in place in rhs [n+4][nout]; n knots. Rows of the system:
 * h^2 f''(0), h f'(0), f at the knots, h f'(rc), h^2 f''(rc), each times 120. rhs has room for [n+4][5] more.
 * No pivoting: the pivots are 20, 40, .. and settle at 26.6; the tests see the residual. */
static void spline_solve(size_t n, size_t nout, double *rhs)
{
    static const double value[5] = {1, 26, 66, 26, 1}, slope[5] = {-5, -50, 0, 50, 5}, curve[5] = {20, 40, -120, 40, 20};
    const size_t N = n + 4;
    double *upper = rhs + N * nout; /* [N][5]: the diagonal and four more, as the sweep leaves them */
    for (size_t r = 0; r < N; r++) {
        const double *c = r == 0 || r == N - 1 ? curve : r == 1 || r == N - 2 ? slope : value;
        const size_t first = r < 2 ? 0 : r > N - 3 ? N - 5 : r - 2;
        double row[9] = {0}; /* columns r-4 .. r+4 */
        for (size_t k = 0; k < 5; k++) row[first + k + 4 - r] = c[k];
        for (size_t k = r < 4 ? 4 - r : 0; k < 4; k++) { /* eliminate column r-4+k with its row */
            if (row[k] == 0) continue;
            const size_t p = r + k - 4;
            const double f = row[k] / upper[5 * p];
            for (size_t m = 0; m < 5; m++) row[k + m] -= f * upper[5 * p + m];
            for (size_t o = 0; o < nout; o++) rhs[r * nout + o] -= f * rhs[p * nout + o];
        }
        memcpy(upper + 5 * r, row + 4, 5 * sizeof(double));
    }
    for (size_t r = N; r-- > 0;)
        for (size_t o = 0; o < nout; o++) {
            double sum = rhs[r * nout + o];
            for (size_t m = 1; m < 5 && r + m < N; m++) sum -= upper[5 * r + m] * rhs[(r + m) * nout + o];
            rhs[r * nout + o] = sum / upper[5 * r];
        }
}

racah_status racahi_table_create(racahi_table *t, const racahi_radial *p, const double *const *w, size_t nknot,
                                 bool single, racah_error *err)
{
    memset(t, 0, sizeof *t);
    const size_t n = p->nout, rows = nknot + 4;
    t->nknot = nknot, t->nout = n, t->rc = p->rc, t->isa = p->isa;
    t->h = p->rc / (double)(nknot - 1), t->inv_h = 1 / t->h;
    t->bytes = rows * n * (single ? sizeof(float) : sizeof(double));
    double *r = racahi_malloc(nknot, sizeof *r), *raw = racahi_malloc(3 * nknot * n, sizeof *raw);
    double *c = racahi_malloc(rows * (n + 5), sizeof *c);
    void *table = racahi_malloc(t->bytes, 1);
    double *out[3] = {raw, raw ? raw + nknot * n : NULL, raw ? raw + 2 * nknot * n : NULL};
    bool ok = r && raw && c && table;
    if (ok) {
        for (size_t i = 0; i < nknot; i++) r[i] = t->h * (double)i;
        ok = knot_values(p, w, nknot, r, out);
    }
    if (ok) {
        const size_t last = (nknot - 1) * n;
        for (size_t o = 0; o < n; o++) {
            c[o] = 120 * t->h * t->h * out[2][o], c[n + o] = 120 * t->h * out[1][o];
            for (size_t i = 0; i < nknot; i++) c[(i + 2) * n + o] = 120 * out[0][i * n + o];
            c[(nknot + 2) * n + o] = 120 * t->h * out[1][last + o];
            c[(nknot + 3) * n + o] = 120 * t->h * t->h * out[2][last + o];
        }
        spline_solve(nknot, n, c);
        if (single)
            t->f32 = table;
        else
            t->f64 = table;
        for (size_t i = 0; i < rows * n; i++) {
            if (single)
                t->f32[i] = (float)c[i];
            else
                t->f64[i] = c[i];
        }
    } else
        racahi_free(table);
    racahi_free(r), racahi_free(raw), racahi_free(c);
    return ok ? RACAH_OK
              : racahi_fail(err, RACAH_ENOMEM, "radial table: %zu bytes do not fit in memory", t->bytes);
}

void racahi_table_free(racahi_table *t)
{
    racahi_free(t->f64);
    racahi_free(t->f32);
    memset(t, 0, sizeof *t);
}
