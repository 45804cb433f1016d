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
                        const double *r0, double *out[3])
{
    size_t widest = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++)
        if (p->width[k] > widest) widest = p->width[k];
    double *block = racahi_malloc(6 * n * widest, sizeof(double));
    if (!block) return false;
    double *in[3], *next[3];
    for (int d = 0; d < 3; d++)
        in[d] = block + (size_t)d * n * widest, next[d] = block + (size_t)(d + 3) * n * widest;
    racahi_basis_eval(p, n, r, r0, in[0], in[1], in[2]);
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

/* B-spline coefficients of the interpolating quintic spline, in place in rhs [n+4][nout]; n knots. Rows of
 * the system: h^2 f''(0), h f'(0), f at the knots, h f'(rc), h^2 f''(rc), each times 120. rhs has room for
 * [n+4][5] more. No pivoting: the pivots are 20, 40, .. and settle at 26.6; the tests see the residual. */
static void spline_solve(size_t n, size_t nout, double *rhs)
{
    static const double value[5] = {1, 26, 66, 26, 1}, slope[5] = {-5, -50, 0, 50, 5},
                        curve[5] = {20, 40, -120, 40, 20};
    const size_t N = n + 4;
    double *upper = rhs + N * nout; /* [N][5]: the diagonal and four more, as the sweep leaves them */
    for (size_t r = 0; r < N; r++) {
        const double *c = r == 0 || r == N - 1 ? curve : r == 1 || r == N - 2 ? slope : value;
        const size_t first = r < 2 ? 0 : r > N - 3 ? N - 5 : r - 2;
        double row[9] = {0}; /* columns r-4 .. r+4 */
        for (size_t k = 0; k < 5; k++) row[first + k + 4 - r] = c[k];
        for (size_t k = 0; k < 4; k++) {             /* eliminate column r-4+k with its row */
            if (r + k < 4 || row[k] == 0) continue;
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

/* d, d', d'' -> tanh(d^2) and its derivatives, in place. */
static void density_taylor(size_t n, double *d, double *d1, double *d2)
{
    for (size_t i = 0; i < n; i++) {
        const double q = tanh(d[i] * d[i]), s = 1 - q * q, g1 = 2 * d[i] * d1[i],
                     g2 = 2 * (d1[i] * d1[i] + d[i] * d2[i]);
        d[i] = q;
        d1[i] = s * g1;
        d2[i] = s * (g2 - 2 * q * g1 * g1);
    }
}

typedef struct scratch { /* of one table: distances, reference distances, W and derivatives, coefficients */
    double *r, *r0, *out[3], *c;
} scratch;

/* B-spline coefficients [nknot+4][nout] of one pair, in s->c. */
static bool coefficients(const racahi_table *t, const racahi_radial *p, const double *const *w, bool density,
                         scratch *s)
{
    const size_t n = t->nout, nknot = t->nknot, last = (nknot - 1) * n;
    double *c = s->c, *const *out = s->out;
    if (!knot_values(p, w, nknot, s->r, s->r0, s->out)) return false;
    if (density) density_taylor(nknot * n, out[0], out[1], out[2]);
    for (size_t o = 0; o < n; o++) {
        c[o] = 120 * t->h * t->h * out[2][o], c[n + o] = 120 * t->h * out[1][o];
        for (size_t i = 0; i < nknot; i++) c[(i + 2) * n + o] = 120 * out[0][i * n + o];
        c[(nknot + 2) * n + o] = 120 * t->h * out[1][last + o];
        c[(nknot + 3) * n + o] = 120 * t->h * t->h * out[2][last + o];
    }
    spline_solve(nknot, n, c);
    return true;
}

racah_status racahi_table_create_pairs(racahi_table *t, const racahi_radial *p, const double *const *w,
                                       size_t nknot, size_t npair, const double *r0, bool density,
                                       bool single, racah_error *err)
{
    memset(t, 0, sizeof *t);
    const size_t n = p->nout, rows = nknot + 4;
    t->nknot = nknot, t->nout = n, t->npair = npair, t->pair_stride = rows * n, t->rc = p->rc,
    t->isa = p->isa;
    t->h = p->rc / (double)(nknot - 1), t->inv_h = 1 / t->h;
    t->bytes = npair * rows * n * (single ? sizeof(float) : sizeof(double));
    double *block = racahi_malloc(2 * nknot + 3 * nknot * n + rows * (n + 5), sizeof *block);
    void *table = racahi_malloc(npair * rows * n, single ? sizeof(float) : sizeof(double));
    bool ok = block && table;
    if (ok) {
        scratch s = {.r = block, .r0 = block + nknot, .c = block + 2 * nknot + 3 * nknot * n};
        for (size_t d = 0; d < 3; d++) s.out[d] = block + 2 * nknot + d * nknot * n;
        for (size_t i = 0; i < nknot; i++) s.r[i] = t->h * (double)i;
        for (size_t q = 0; ok && q < npair; q++) {
            for (size_t i = 0; i < nknot; i++) s.r0[i] = r0 ? r0[q] : 0;
            ok = coefficients(t, p, w, density, &s);
            for (size_t i = 0; ok && i < rows * n; i++) {
                if (single)
                    ((float *)table)[q * t->pair_stride + i] = (float)s.c[i];
                else
                    ((double *)table)[q * t->pair_stride + i] = s.c[i];
            }
        }
    }
    racahi_free(block);
    if (!ok) {
        racahi_free(table);
        return racahi_fail(err, RACAH_ENOMEM, "radial tables of %zu pairs: %zu bytes do not fit in memory",
                           npair, t->bytes);
    }
    if (single)
        t->f32 = table;
    else
        t->f64 = table;
    return RACAH_OK;
}

racah_status racahi_table_create(racahi_table *t, const racahi_radial *p, const double *const *w,
                                 size_t nknot, bool single, racah_error *err)
{
    return racahi_table_create_pairs(t, p, w, nknot, 1, NULL, false, single, err);
}

void racahi_table_free(racahi_table *t)
{
    racahi_free(t->f64);
    racahi_free(t->f32);
    memset(t, 0, sizeof *t);
}
