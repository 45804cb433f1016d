/* SPDX-License-Identifier: MIT
 * Real spherical harmonics and gradients, readable reference: the test oracle of sph_kernel.c. */
#include "sph.h"

#include <math.h>

/* A number that depends on the direction u, and its derivative by u (a polynomial of the three components, so
 * no angle and no singular axis appears anywhere). */
typedef struct dual {
    double v, d[3];
} dual;

static dual dual_mul(dual a, dual b)
{
    dual p = {.v = a.v * b.v};
    for (int i = 0; i < 3; i++) p.d[i] = a.d[i] * b.v + a.v * b.d[i];
    return p;
}

static dual dual_axpby(double alpha, dual a, double beta, dual b)
{
    dual s = {.v = alpha * a.v + beta * b.v};
    for (int i = 0; i < 3; i++) s.d[i] = alpha * a.d[i] + beta * b.d[i];
    return s;
}

/* Write Y_lm = p and, projected on the sphere, its gradient by r: a homogeneous polynomial p of degree l has
 * u . grad p = l p, hence d/dr_a p(r/|r|) = (dp/du_a - l p u_a) / |r|. */
static void store(dual p, int l, int k, size_t S, const double u[3], double inv_r, double *Y, double *dY)
{
    Y[k] = p.v;
    if (!dY) return;
    for (int a = 0; a < 3; a++) dY[(size_t)a * S + (size_t)k] = (p.d[a] - l * p.v * u[a]) * inv_r;
}

/* Solid harmonics r^l Y_lm at a unit vector. The polar axis is y; with (Z, X, Y) -> (x, y, z) cyclically,
 *   c_m + i s_m = (z + i x)^m,
 *   q_lm = sqrt((2l+1) (2 - [m=0]) (l-m)!/(l+m)!) r^(l-m) d^m P_l(y/r), so that component l, +m is q c_m and
 *   component l, -m is q s_m. For fixed m (differentiate the recurrence of P_l m times, normalise):
 *   q_mm     = sqrt((2m+1)/(2m)) q_{m-1,m-1}    (q_11 = sqrt(3) q_00),
 *   q_lm     = A y q_{l-1,m} - B r^2 q_{l-2,m},
 *   A = sqrt((2l+1)(2l-1) / ((l-m)(l+m))),  B = sqrt((2l+1)(l+m-1)(l-m-1) / ((2l-3)(l-m)(l+m))). */
static void one_point(int lmax, const double scale[RACAH_SPH_LMAX + 1], const double u[3], double inv_r,
                      double *Y, double *dY)
{
    const size_t S = (size_t)(lmax + 1) * (size_t)(lmax + 1);
    const dual x = {u[0], {1, 0, 0}}, y = {u[1], {0, 1, 0}}, z = {u[2], {0, 0, 1}};
    const dual r2 = {1, {2 * u[0], 2 * u[1], 2 * u[2]}}; /* |u| = 1 */
    dual c = {.v = 1}, s = {.v = 0}, qmm = {.v = 1};
    for (int m = 0; m <= lmax; m++) {
        if (m > 0) {
            dual next = dual_axpby(1, dual_mul(z, c), -1, dual_mul(x, s));
            s = dual_axpby(1, dual_mul(x, c), 1, dual_mul(z, s));
            c = next;
            qmm.v *= m == 1 ? sqrt(3.0) : sqrt((2.0 * m + 1) / (2.0 * m));
        }
        dual before = {.v = 0}, q = qmm; /* q_{l-1,m}, q_lm */
        for (int l = m; l <= lmax; l++) {
            if (l > m) {
                double A = sqrt((2.0 * l + 1) * (2.0 * l - 1) / ((l - m) * (l + m)));
                double B =
                    sqrt((2.0 * l + 1) * (l + m - 1) * (l - m - 1) / ((2.0 * l - 3) * (l - m) * (l + m)));
                if (l == m + 1) B = 0;
                dual next = dual_axpby(A, dual_mul(y, q), -B, dual_mul(r2, before));
                before = q, q = next;
            }
            dual pc = dual_axpby(scale[l], dual_mul(q, c), 0, c);
            dual ps = dual_axpby(scale[l], dual_mul(q, s), 0, s);
            store(pc, l, l * l + l + m, S, u, inv_r, Y, dY);
            if (m > 0) store(ps, l, l * l + l - m, S, u, inv_r, Y, dY);
        }
    }
}

void racahi_sph_ref(int lmax, racah_sph_norm norm, size_t n, const double *r, double *Y, double *dY)
{
    const size_t S = (size_t)(lmax + 1) * (size_t)(lmax + 1);
    double scale[RACAH_SPH_LMAX + 1]; /* from `component` to the norm asked for */
    for (int l = 0; l <= lmax; l++)
        scale[l] = norm == RACAH_SPH_NORM       ? 1 / sqrt(2.0 * l + 1)
                   : norm == RACAH_SPH_INTEGRAL ? 0.28209479177387814347 /* 1/sqrt(4 pi) */
                                                : 1;
    for (size_t i = 0; i < n; i++) {
        const double *ri = r + 3 * i;
        double *Yi = Y + i * S, *dYi = dY ? dY + i * 3 * S : NULL;
        double length = sqrt(ri[0] * ri[0] + ri[1] * ri[1] + ri[2] * ri[2]);
        if (length < RACAHI_SPH_TINY) {
            for (size_t k = 0; k < S; k++) Yi[k] = k == 0 ? scale[0] : 0;
            for (size_t k = 0; dYi && k < 3 * S; k++) dYi[k] = 0;
            continue;
        }
        const double u[3] = {ri[0] / length, ri[1] / length, ri[2] / length};
        one_point(lmax, scale, u, 1 / length, Yi, dYi);
    }
}
