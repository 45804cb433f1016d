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

static bool knot_values(const racahi_radial *p, const double *const *w, size_t n, const double *r, double *out[3])
{
    size_t widest = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++)
        if (p->width[k] > widest) widest = p->width[k];
    double *block = racahi_malloc(6 * n * widest, sizeof(double));
    if (!block) return false;
    double *in[3], *next[3];
    for (int d = 0; d < 3; d++) in[d] = block + (size_t)d * n * widest, next[d] = block + (size_t)(d + 3) * n * widest;
    racahi_bessel(p, n, r, in[0], in[1], in[2]);
    size_t nin = (size_t)p->nb;
    for (int k = 0; k < p->nmlp; k++) {
        const size_t m = p->width[k];
        for (int d = 0; d < 3; d++) racahi_gemm_f64(false, false, n, m, nin, 1, in[d], nin, w[k], m, 0, next[d], m);
        act_taylor(n * m, next[0], next[1], next[2]);
        for (int d = 0; d < 3; d++) {
            double *swap = in[d];
            in[d] = next[d], next[d] = swap;
        }
        nin = m;
    }
    for (int d = 0; d < 3; d++)
        racahi_gemm_f64(false, false, n, p->nout, nin, 1, in[d], nin, w[p->nmlp], p->nout, 0, out[d], p->nout);
    racahi_free(block);
    return true;
}

racah_status racahi_table_create(racahi_table *t, const racahi_radial *p, const double *const *w, size_t nknot,
                                 bool single, racah_error *err)
{
    memset(t, 0, sizeof *t);
    t->nknot = nknot, t->nout = p->nout, t->rc = p->rc, t->isa = p->isa;
    t->h = p->rc / (double)(nknot - 1), t->inv_h = 1 / t->h;
    t->bytes = nknot * 3 * p->nout * (single ? sizeof(float) : sizeof(double));
    double *r = racahi_malloc(nknot, sizeof *r), *raw = racahi_malloc(3 * nknot * p->nout, sizeof *raw);
    void *table = racahi_malloc(t->bytes, 1);
    double *out[3] = {raw, raw ? raw + nknot * p->nout : NULL, raw ? raw + 2 * nknot * p->nout : NULL};
    bool ok = r && raw && table;
    if (ok) {
        for (size_t i = 0; i < nknot; i++) r[i] = t->h * (double)i;
        ok = knot_values(p, w, nknot, r, out);
    }
    if (ok) {
        if (single)
            t->f32 = table;
        else
            t->f64 = table;
        const double scale[3] = {1, t->h, t->h * t->h};
        for (size_t i = 0; i < nknot; i++)
            for (size_t d = 0; d < 3; d++)
                for (size_t c = 0; c < p->nout; c++) {
                    double v = scale[d] * out[d][i * p->nout + c];
                    if (single)
                        t->f32[(3 * i + d) * p->nout + c] = (float)v;
                    else
                        t->f64[(3 * i + d) * p->nout + c] = v;
                }
    } else
        racahi_free(table);
    racahi_free(r);
    racahi_free(raw);
    return ok ? RACAH_OK
              : racahi_fail(err, RACAH_ENOMEM, "radial table: %zu bytes do not fit in memory", t->bytes);
}

void racahi_table_free(racahi_table *t)
{
    racahi_free(t->f64);
    racahi_free(t->f32);
    memset(t, 0, sizeof *t);
}
