/* SPDX-License-Identifier: MIT
 * Radial functions: Bessel basis, activation, MLP forward and backward, table. */
#include "support.h"

#include "../src/radial/radial.h"

#define RC 4.5

/* ---- basis --------------------------------------------------------------------------------- */

/* sqrt(2/rc) sin(b pi r/rc)/r f(r/rc) straight from the formula, in long double. */
static long double bessel_direct(int b, int p, long double rc, long double r)
{
    if (r >= rc) return 0;
    const long double pi = acosl(-1.0L), k = b * pi / rc, u = r / rc;
    const long double f = 1 - (p + 1.0L) * (p + 2.0L) / 2 * powl(u, p) + p * (p + 2.0L) * powl(u, p + 1) -
                          p * (p + 1.0L) / 2 * powl(u, p + 2);
    return sqrtl(2 / rc) * (r > 0 ? sinl(k * r) / r : k) * f;
}

/* First and second derivative of the formula: sixth-order central differences in long double. */
static long double bessel_difference(int order, int b, int p, long double rc, long double r)
{
    const long double h = 1e-3L;
    long double v[7];
    for (int s = -3; s <= 3; s++) {
        /* the formula is even in r apart from the cutoff's odd powers; a point left of 0 is its analytic
         * continuation */
        const long double x = r + s * h, u = x / rc, k = b * acosl(-1.0L) / rc;
        const long double f = 1 - (p + 1.0L) * (p + 2.0L) / 2 * powl(u, p) + p * (p + 2.0L) * powl(u, p + 1) -
                              p * (p + 1.0L) / 2 * powl(u, p + 2);
        v[s + 3] = sqrtl(2 / rc) * (fabsl(x) > 1e-12L ? sinl(k * x) / x : k) * f;
    }
    if (order == 1) return (v[6] - v[0] - 9 * (v[5] - v[1]) + 45 * (v[4] - v[2])) / (60 * h);
    return (2 * (v[6] + v[0]) - 27 * (v[5] + v[1]) + 270 * (v[4] + v[2]) - 490 * v[3]) / (180 * h * h);
}

static void test_bessel_matches_formula_and_differences(void **state)
{
    (void)state;
    enum { NB = 10 };
    double worst[3] = {0};
    for (int p = 3; p <= 12; p += 3) {
        const racahi_radial q = {.nb = NB, .p = p, .rc = RC};
        for (int i = 0; i <= 400; i++) {
            const double r = i < 200   ? RC * i / 200
                             : i < 300 ? RC * pow(10, -0.1 * (i - 199))
                                       : RC - pow(0.8, i - 299);
            double e[NB], d[NB], c[NB], only[NB];
            racahi_bessel(&q, 1, &r, e, d, c);
            racahi_bessel(&q, 1, &r, only, NULL, NULL);
            assert_memory_equal(e, only, sizeof e);
            for (int b = 1; b <= NB; b++) {
                /* scale of order n: sqrt(2/rc) k^(n+1); sin(b theta) by recurrence loses about b ulp */
                const double k = b * 3.141592653589793 / RC, s0 = sqrt(2 / RC) * k, s1 = s0 * k, s2 = s1 * k;
                const double v0 = (double)bessel_direct(b, p, RC, r),
                             v1 = (double)bessel_difference(1, b, p, RC, r),
                             v2 = (double)bessel_difference(2, b, p, RC, r);
                worst[0] = fmax(worst[0], fabs(e[b - 1] - v0) / s0);
                worst[1] = fmax(worst[1], fabs(d[b - 1] - v1) / s1);
                worst[2] = fmax(worst[2], fabs(c[b - 1] - v2) / s2);
                RACAH_ASSERT_CLOSE_AT(b, e[b - 1], v0, 4e-15 * s0, 0);
                RACAH_ASSERT_CLOSE_AT(b, d[b - 1], v1, 1e-13 * s1 + 1e-12,
                                      0); /* h^6 truncation: (k h)^6 / 140 */
                RACAH_ASSERT_CLOSE_AT(b, c[b - 1], v2, 1e-11 * s2 + 1e-11, 0);
            }
        }
    }
    print_message("bessel: value off by %.2g, slope %.2g, curvature %.2g (of their scales)\n", worst[0],
                  worst[1], worst[2]);
}

static void test_bessel_limits_are_exact(void **state)
{
    (void)state;
    const racahi_radial q = {.nb = 6, .p = 5, .rc = RC};
    const double r[6] = {0, 1e-300, RC, nextafter(RC, 0), nextafter(RC, 10), INFINITY};
    double e[36], d[36], c[36];
    racahi_bessel(&q, 6, r, e, d, c);
    for (size_t b = 0; b < 6; b++) {
        const double k = (double)(b + 1) * 3.14159265358979323846 / RC;
        for (size_t i = 0; i < 2; i++) { /* sin(kr)/r -> k, slope 0, curvature -k^3/3 */
            RACAH_ASSERT_CLOSE_AT(b, e[6 * i + b], sqrt(2 / RC) * k, 0, 1e-15);
            RACAH_ASSERT_CLOSE_AT(b, d[6 * i + b], 0, 1e-290, 0);
            RACAH_ASSERT_CLOSE_AT(b, c[6 * i + b], -sqrt(2 / RC) * k * k * k / 3, 0, 2e-15);
        }
        for (size_t i = 2; i < 6; i++) {
            if (i == 3) { /* one ulp inside: rounding of f only */
                RACAH_ASSERT_CLOSE_AT(b, e[6 * i + b], 0, 1e-14, 0);
                RACAH_ASSERT_CLOSE_AT(b, d[6 * i + b], 0, 1e-13, 0);
                RACAH_ASSERT_CLOSE_AT(b, c[6 * i + b], 0, 1e-12, 0);
                continue;
            }
            assert_true(e[6 * i + b] == 0 && d[6 * i + b] == 0 && c[6 * i + b] == 0);
        }
    }
}

/* ---- other bases and transforms --------------------------------------------------------------- */

static long double transform_direct(const racahi_radial *q, long double r, long double r0)
{
    const double *p = q->transform_param;
    if (q->transform == RACAHI_TRANSFORM_AGNESI) {
        const long double u = r / r0;
        return 1 / (1 + p[2] * powl(u, p[0]) / (1 + powl(u, (long double)p[0] - p[1])));
    }
    if (q->transform == RACAHI_TRANSFORM_SOFT) {
        const long double p0 = 0.75L * r0, p1 = 4 * r0 / 3;
        return p0 + (r - p0) * (1 + tanhl(p[0] / (p1 - p0) * (r - (p0 + p1) / 2))) / 2;
    }
    return r;
}

/* The formulas of radial.h; Chebyshev as cosh(b acosh x) or cos(b acos x). */
static long double basis_direct(const racahi_radial *q, int b, long double r, long double r0)
{
    const long double x = transform_direct(q, r, r0), u = r / q->rc;
    const long double f = 1 - 21 * powl(u, 5) + 35 * powl(u, 6) - 15 * powl(u, 7);
    if (q->basis == RACAHI_BASIS_BESSEL) {
        const long double k = q->basis_param ? q->basis_param[b - 1] : b * 3.14159265358979323846264338L / q->rc;
        return sqrtl(2 / (long double)q->rc) * sinl(k * x) / x * f;
    }
    if (q->basis == RACAHI_BASIS_GAUSSIAN) {
        const long double step = (long double)q->rc / (q->nb - 1),
                          d = (x - (q->basis_param ? q->basis_param[b - 1] : (b - 1) * step)) / step;
        return expl(-d * d / 2) * f;
    }
    return (x > 1 ? coshl(b * acoshl(x)) : cosl(b * acosl(x))) * f;
}

static void test_bases_and_transforms_match_formulas_and_differences(void **state)
{
    (void)state;
    enum { NB = 7 };
    const double given[NB] = {0.3, 0.9, 1.1, 2.5, 2.6, 3.3, 4.1};
    for (int k = 0; k < 3 * 3 * 2; k++) {
        racahi_radial q = {.nb = NB, .p = 5, .rc = RC, .basis = (racahi_basis)(k % 3),
                           .transform = (racahi_transform)(k / 3 % 3), .transform_param = {0.9183, 4.5791, 1.0805}};
        if (q.transform == RACAHI_TRANSFORM_SOFT) q.transform_param[0] = 4;
        if (k >= 9 && q.basis != RACAHI_BASIS_CHEBYSHEV) q.basis_param = given;
        const double r0 = racahi_transform_r0(q.transform, 0.31, 0.66);
        RACAH_ASSERT_CLOSE(r0, q.transform == RACAHI_TRANSFORM_AGNESI ? 0.485 : 0.97, 0, 1e-15);
        for (double r = 0.05; r < RC; r += 0.0613) {
            double e[NB], d[NB], c[NB];
            racahi_basis_eval(&q, 1, &r, &r0, e, d, c);
            for (int b = 1; b <= NB; b++) { /* five-point differences in long double */
                const long double h = 1e-4L, v[5] = {basis_direct(&q, b, r - 2 * h, r0), basis_direct(&q, b, r - h, r0),
                                                     basis_direct(&q, b, r, r0), basis_direct(&q, b, r + h, r0),
                                                     basis_direct(&q, b, r + 2 * h, r0)};
                const double d1 = (double)((v[0] - 8 * v[1] + 8 * v[3] - v[4]) / (12 * h)),
                             d2 = (double)((-v[0] + 16 * v[1] - 30 * v[2] + 16 * v[3] - v[4]) / (12 * h * h));
                /* the cutoff is exact to some 1e-15 of 1, so errors count against R_b, which reaches 1e6 for
                 * Chebyshev polynomials of r; differences: h^4 of steep transforms at small r */
                const double u = r / RC, f = 1 - pow(u, 5) * (21 - u * (35 - 15 * u)), R = 1 + fabs((double)v[2]) / f;
                RACAH_ASSERT_CLOSE_AT(b, e[b - 1], (double)v[2], 1e-14 * R, 1e-12);
                RACAH_ASSERT_CLOSE_AT(b, d[b - 1], d1, 1e-8 * R, 1e-9);
                RACAH_ASSERT_CLOSE_AT(b, c[b - 1], d2, 1e-6 * R, 1e-6);
            }
        }
        const double edge[2] = {0, RC}, r0s[2] = {r0, r0};
        double e[2 * NB], d[2 * NB], c[2 * NB];
        racahi_basis_eval(&q, 2, edge, r0s, e, d, c);
        for (int b = 0; b < 2 * NB; b++) assert_true(isfinite(e[b]) && isfinite(d[b]) && isfinite(c[b]));
        for (int b = NB; b < 2 * NB; b++) assert_true(e[b] == 0 && d[b] == 0 && c[b] == 0);
    }
}

/* ---- activation ------------------------------------------------------------------------------ */

static void act_direct(double z, long double *a, long double *da)
{
    const long double norm = 1.6791767923989418L, s = 1 / (1 + expl(-(long double)z));
    const long double t = 1 / (1 + expl((long double)z)); /* 1 - s without cancellation */
    *a = norm * z * s;
    *da = norm * s * (1 + z * t);
}

static void check_act(racahi_isa isa, size_t n, const double *z)
{
    double *a = malloc(n * sizeof *a), *da = malloc(n * sizeof *da), *only = malloc(n * sizeof *only),
           worst[2] = {0};
    racahi_act(isa, n, z, a, da);
    memcpy(only, z, n * sizeof *z);
    racahi_act(isa, n, only, only, NULL); /* in place, without the derivative */
    for (size_t i = 0; i < n; i++) {
        long double v, d;
        act_direct(z[i], &v, &d);
        const double ref = racahi_act_ref(z[i], NULL);
        /* five roundings: exp, 1+, /, z*, norm*; below exp(-700) only that it vanishes */
        RACAH_ASSERT_CLOSE_AT(i, a[i], (double)v, 1e-300, 4 * 0x1p-52);
        RACAH_ASSERT_CLOSE_AT(i, a[i], ref, 1e-300, 5 * 0x1p-52);
        RACAH_ASSERT_CLOSE_AT(i, only[i], (double)v, 1e-300, 4 * 0x1p-52);
        /* 1 - s has an absolute error of 2^-53, times z up to where s rounds to 1 */
        RACAH_ASSERT_CLOSE_AT(i, da[i], (double)d,
                              (z[i] > 0 ? 40 : 3) * 0x1p-52 * fmin(1, exp(z[i])) + 1e-300, 8 * 0x1p-52);
        if (fabs((double)v) > 1e-290) worst[0] = fmax(worst[0], fabs(a[i] - (double)v) / fabs((double)v));
        worst[1] = fmax(worst[1], fabs(da[i] - (double)d));
    }
    print_message("act %s: value off by %.2f ulp, derivative by %.2g\n", racahi_isa_name(isa),
                  worst[0] * 0x1p52, worst[1]);
    free(a), free(da), free(only);
}

static void test_act_matches_libm_for_every_isa(void **state)
{
    (void)state;
    enum { N = 20011 }; /* odd: the remainder of every vector length runs */
    double *z = malloc(N * sizeof *z);
    uint64_t seed = 5;
    for (size_t i = 0; i < N; i++)
        z[i] = i < 6000    ? -60 + 0.02 * (double)i
               : i < 12000 ? 3 * racah_test_normal(&seed)
                           : 699 * (2 * racah_test_uniform(&seed) - 1);
    static const double special[] = {0,
                                     -0.0,
                                     1e-310,
                                     -1e-310,
                                     1e-20,
                                     0.34657359027997264,
                                     -0.34657359027997264,
                                     1.0397207708399179,
                                     -1.2784645427610738,
                                     36.7,
                                     37.5,
                                     -37.5,
                                     700,
                                     -700,
                                     700.5,
                                     -700.5,
                                     745,
                                     -745,
                                     1e5,
                                     -1e5,
                                     1e300,
                                     -1e300,
                                     1.7e308,
                                     -1.7e308};
    memcpy(z, special, sizeof special);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (fabs(z[i]) > 1e308) z[i] *= 0.5; /* norm * z must not overflow */
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        check_act((racahi_isa)isa, N, z);
        double in[3] = {NAN, -INFINITY, INFINITY}, a[3], da[3];
        racahi_act((racahi_isa)isa, 3, in, a, da);
        assert_true(isnan(a[0]) && isnan(da[0]));
        assert_true(fabs(a[1]) <= 1e-300 && fabs(da[1]) <= 1e-300);
        assert_true(isinf(a[2]) && !isfinite(da[2]));
    }
    free(z);
}

/* ---- MLP --------------------------------------------------------------------------------------- */

typedef struct mlp {
    racahi_radial p;
    double *w[RACAHI_RADIAL_LAYERS + 1];
    const double *cw[RACAHI_RADIAL_LAYERS + 1];
    size_t count[RACAHI_RADIAL_LAYERS + 1];
} mlp;

static mlp make_mlp(int nb, int nmlp, const size_t *width, size_t nout, racahi_isa isa)
{
    mlp m = {.p = {.nb = nb, .p = 5, .rc = RC, .nmlp = nmlp, .nout = nout, .isa = isa}};
    uint64_t seed = 31;
    size_t in = (size_t)nb;
    for (int k = 0; k <= nmlp; k++) {
        const size_t n = k < nmlp ? width[k] : nout;
        if (k < nmlp) m.p.width[k] = n;
        m.count[k] = in * n;
        m.cw[k] = m.w[k] = malloc(in * n * sizeof(double));
        for (size_t i = 0; i < in * n; i++) m.w[k][i] = racah_test_normal(&seed) / sqrt((double)in);
        in = n;
    }
    return m;
}

static void free_mlp(mlp *m)
{
    for (int k = 0; k <= m->p.nmlp; k++) free(m->w[k]);
}

static void *make_ws(const mlp *m, size_t ne, racahi_mlp_ws *ws)
{
    racahi_arena a = racahi_arena_measure();
    racahi_mlp_ws_layout(&m->p, ne, &a, ws);
    void *block = racahi_malloc(a.used, 1);
    memset(block, 0xff, a.used); /* NaN: nothing may rest on zeros */
    a = racahi_arena_on(block, a.used);
    racahi_mlp_ws_layout(&m->p, ne, &a, ws);
    assert_false(a.overflow);
    return block;
}

/* The matrices packed, from here on; free the block. */
static double *use_packed(const mlp *m, racahi_mlp_ws *ws)
{
    size_t total = 0, at = 0;
    for (int k = 0; k <= m->p.nmlp; k++) total += m->count[k];
    double *block = malloc(2 * total * sizeof *block);
    for (int k = 0; k <= m->p.nmlp; at += m->count[k++]) {
        ws->packed[k] = block + at, ws->packed_t[k] = block + total + at;
        racahi_mlp_pack(&m->p, k, m->w[k], block + at, block + total + at);
    }
    return block;
}

/* with and without multiples of the vector length, for which the packed matrices serve */
static const size_t widths[] = {64, 33, 8, 1, 12, 24};

static void test_mlp_forward_matches_reference(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (int nmlp = 0; nmlp <= 6; nmlp++)
            for (size_t ne = 1; ne <= 17; ne += 16) {
                mlp m = make_mlp(8, nmlp, widths, 24, (racahi_isa)isa);
                racahi_mlp_ws ws;
                void *block = make_ws(&m, ne, &ws);
                double r[17], W[17 * 24], want[24], scratch[128];
                for (size_t i = 0; i < ne; i++) r[i] = RC * 1.05 * (double)i / 16 + (i ? 0 : 1e-3);
                double *packed = NULL;
                for (int k = 0; k < 2; k++) {
                    if (k) packed = use_packed(&m, &ws);
                    racahi_mlp_forward(&m.p, &ws, m.cw, ne, r, W);
                    for (size_t i = 0; i < ne; i++) {
                        racahi_mlp_ref(&m.p, m.cw, r[i], scratch, want);
                        for (size_t c = 0; c < 24; c++) {
                            RACAH_ASSERT_CLOSE_AT(c, W[i * 24 + c], want[c], 1e-14, 1e-13); /* sums of 64 terms */
                            if (r[i] >= RC) assert_true(W[i * 24 + c] == 0);
                        }
                    }
                }
                free(packed);
                racahi_free(block);
                free_mlp(&m);
            }
}

/* sum_i g_i W_i of the reference twin */
static double ref_sum(const mlp *m, size_t ne, const double *r, const double *g)
{
    double sum = 0, W[24], scratch[128];
    for (size_t i = 0; i < ne; i++) {
        racahi_mlp_ref(&m->p, m->cw, r[i], scratch, W);
        for (size_t c = 0; c < m->p.nout; c++) sum += g[i * m->p.nout + c] * W[c];
    }
    return sum;
}

static double slope(const mlp *m, size_t ne, const double *r, const double *g, double *x)
{
    const double x0 = *x, h = 1e-3, step[4] = {-2 * h, -h, h, 2 * h};
    double v[4];
    for (int k = 0; k < 4; k++) *x = x0 + step[k], v[k] = ref_sum(m, ne, r, g);
    *x = x0;
    return (v[0] - 8 * v[1] + 8 * v[2] - v[3]) / (12 * h);
}

static void check_backward(int nmlp, const size_t *width, racahi_isa isa, bool packed)
{
    enum { NE = 5, NOUT = 8 };
    mlp m = make_mlp(6, nmlp, width, NOUT, isa);
    racahi_mlp_ws ws;
    void *block = make_ws(&m, NE, &ws);
    double *matrices = packed ? use_packed(&m, &ws) : NULL;
    double r[NE] = {0.4, 1.3, 2.2, 3.9, 4.7}, W[NE * NOUT], g[NE * NOUT], dr[NE], dr2[NE];
    double *dw[RACAHI_RADIAL_LAYERS + 1];
    uint64_t seed = 77;
    for (size_t i = 0; i < NE * NOUT; i++) g[i] = racah_test_normal(&seed);
    for (int k = 0; k <= nmlp; k++) {
        dw[k] = malloc(m.count[k] * sizeof(double));
        for (size_t i = 0; i < m.count[k]; i++) dw[k][i] = 100; /* added to */
    }
    racahi_mlp_forward(&m.p, &ws, m.cw, NE, r, W);
    racahi_mlp_backward(&m.p, &ws, m.cw, NE, g, dr2, NULL);
    racahi_mlp_backward(&m.p, &ws, m.cw, NE, g, dr,
                        dw); /* twice after one forward: the activations are kept */
    assert_memory_equal(dr, dr2, sizeof dr);
    for (size_t i = 0; i < NE; i++) RACAH_ASSERT_CLOSE_AT(i, dr[i], slope(&m, NE, r, g, &r[i]), 1e-8, 1e-8);
    assert_true(dr[NE - 1] == 0);
    for (int k = 0; k <= nmlp; k++)
        for (size_t i = 0; i < m.count[k]; i++)
            RACAH_ASSERT_CLOSE_AT(i, dw[k][i] - 100, slope(&m, NE, r, g, &m.w[k][i]), 1e-9, 1e-8);
    for (int k = 0; k <= nmlp; k++) free(dw[k]);
    free(matrices);
    racahi_free(block);
    free_mlp(&m);
}

static void test_mlp_backward_matches_central_differences(void **state)
{
    (void)state;
    static const size_t small[] = {12, 9, 4, 1, 7, 5}, whole[] = {16, 8, 3, 8, 24, 8};
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (int nmlp = 0; nmlp <= 6; nmlp++) {
            check_backward(nmlp, small, (racahi_isa)isa, false);
            check_backward(nmlp, whole, (racahi_isa)isa, true);
        }
}

/* ---- table ---------------------------------------------------------------------------------------- */

static void test_table_interpolates_the_mlp(void **state)
{
    (void)state;
    racah_error err;
    enum { NOUT = 40, NR = 3000 };
    static const size_t trained[] = {64, 64, 64};
    mlp m = make_mlp(8, 3, trained, NOUT, racahi_cpu_best());
    racahi_table t;
    RACAH_ASSERT_OK(racahi_table_create(&t, &m.p, m.cw, 512, false, &err));
    assert_non_null(t.f64);
    assert_null(t.f32);
    assert_int_equal(t.bytes, (512 + 4) * NOUT * 8);
    double W[NOUT], want[NOUT], Wr[NOUT], up[NOUT], down[NOUT], scratch[128], scale = 0, worst[2] = {0},
                                                                              diff = 0;
    for (size_t i = 0; i < 512; i += 7) { /* at the knots it is the MLP */
        const double r = t.h * (double)i;
        racahi_table_eval_f64(&t, 1, &r, W, NULL);
        racahi_mlp_ref(&m.p, m.cw, r, scratch, want);
        for (size_t c = 0; c < NOUT; c++) {
            RACAH_ASSERT_CLOSE_AT(c, W[c], want[c], 1e-13, 1e-12);
            scale = fmax(scale, fabs(want[c]));
        }
    }
    uint64_t seed = 3;
    for (size_t i = 0; i < NR; i++) {
        const double r = RC * racah_test_uniform(&seed), h = 1e-5, a = r + h, b = r - h;
        if (b < 0) continue;
        racahi_table_eval_f64(&t, 1, &r, W, Wr);
        racahi_table_eval_f64(&t, 1, &a, up, NULL);
        racahi_table_eval_f64(&t, 1, &b, down, NULL);
        racahi_mlp_ref(&m.p, m.cw, r, scratch, want);
        for (size_t c = 0; c < NOUT; c++) {
            const double fd = (up[c] - down[c]) / (2 * h); /* exact derivative of the interpolant itself */
            diff = fmax(diff, fabs(Wr[c] - fd));
            RACAH_ASSERT_CLOSE_AT(c, Wr[c], fd, 1e-7 * scale, 1e-7);
            worst[0] = fmax(worst[0], fabs(W[c] - want[c]));
        }
        racahi_mlp_ref(&m.p, m.cw, a, scratch, up);
        racahi_mlp_ref(&m.p, m.cw, b, scratch, down);
        for (size_t c = 0; c < NOUT; c++)
            worst[1] = fmax(worst[1], fabs(Wr[c] - (up[c] - down[c]) / (2 * h)));
    }
    print_message(
        "table, 512 knots, 8-64-64-64: largest |W| %.3g, off by %.2g, slope by %.2g; slope against its own "
        "difference %.2g\n",
        scale, worst[0], worst[1], diff);
    assert_true(worst[0] <= 1e-9 * scale);
    assert_true(worst[1] <= 1e-6 * scale);
    racahi_table_free(&t);
    assert_null(t.f64);
    free_mlp(&m);
}

static void test_table_error_falls_with_the_sixth_power(void **state)
{
    (void)state;
    racah_error err;
    static const size_t width[] = {16, 16};
    mlp m = make_mlp(8, 2, width, 8, RACAHI_ISA_BASE);
    double worst[2] = {0};
    for (int k = 0; k < 2; k++) {
        racahi_table t;
        RACAH_ASSERT_OK(racahi_table_create(&t, &m.p, m.cw, k ? 513 : 257, false, &err));
        double W[8], want[8], scratch[64];
        for (int i = 1; i < 2000; i++) {
            const double r = 0.5 + (RC - 0.5) * i / 2000;
            racahi_table_eval_f64(&t, 1, &r, W, NULL);
            racahi_mlp_ref(&m.p, m.cw, r, scratch, want);
            for (size_t c = 0; c < 8; c++) worst[k] = fmax(worst[k], fabs(W[c] - want[c]));
        }
        racahi_table_free(&t);
    }
    print_message("table: %.2g at 257 knots, %.2g at 513, ratio %.1f\n", worst[0], worst[1],
                  worst[0] / worst[1]);
    assert_true(worst[0] / worst[1] > 40 && worst[0] / worst[1] < 100); /* 2^6 = 64 */
    free_mlp(&m);
}

static void test_table_kernels_match_reference(void **state)
{
    (void)state;
    racah_error err;
    enum { NE = 37, MOST = 80 };
    static const size_t outs[] = {8, 16, 24, 48, 72, 80}, width[] = {10};
    double r[NE], W[NE * MOST], Wr[NE * MOST], only[NE * MOST];
    float w[NE * MOST], wr[NE * MOST];
    for (size_t i = 0; i < NE; i++) r[i] = RC * (double)i / 32; /* the last four are beyond rc, one at rc */
    r[1] = nextafter(RC, 0), r[2] = 1e-300;
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (size_t o = 0; o < sizeof outs / sizeof *outs; o++) {
            const size_t n = outs[o];
            mlp m = make_mlp(6, 1, width, n, (racahi_isa)isa);
            racahi_table d, s;
            RACAH_ASSERT_OK(racahi_table_create(&d, &m.p, m.cw, 33, false, &err));
            RACAH_ASSERT_OK(racahi_table_create(&s, &m.p, m.cw, 33, true, &err));
            assert_null(s.f64);
            racahi_table_eval_f64(&d, NE, r, W, Wr);
            racahi_table_eval_f64(&d, NE, r, only, NULL);
            racahi_table_eval_f32(&s, NE, r, w, wr);
            for (size_t i = 0; i < NE; i++)
                for (size_t c = 0; c < n; c++) {
                    double slope_ref, v = racahi_table_ref(&d, c, r[i], &slope_ref), scale = 0;
                    RACAH_ASSERT_CLOSE_AT(i, W[i * n + c], v, 1e-14, 1e-14);
                    RACAH_ASSERT_CLOSE_AT(i, only[i * n + c], v, 1e-14, 1e-14);
                    RACAH_ASSERT_CLOSE_AT(i, Wr[i * n + c], slope_ref, 1e-12, 1e-12);
                    v = racahi_table_ref(&s, c, r[i], &slope_ref);
                    for (size_t k = 0; k < 33 + 4; k++) scale = fmax(scale, fabs((double)s.f32[k * n + c]));
                    /* six products of float: 2^-24 each, of values up to the scale; slopes are differences
                     * over h */
                    RACAH_ASSERT_CLOSE_AT(i, (double)w[i * n + c], v, 6 * 0x1p-24 * scale, 0);
                    RACAH_ASSERT_CLOSE_AT(i, (double)wr[i * n + c], slope_ref, 24 * 0x1p-24 * scale / s.h, 0);
                    if (r[i] >= RC)
                        assert_true(W[i * n + c] == 0 && Wr[i * n + c] == 0 && w[i * n + c] == 0 &&
                                    wr[i * n + c] == 0);
                }
            racahi_table_free(&d), racahi_table_free(&s);
            free_mlp(&m);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bessel_matches_formula_and_differences),
        cmocka_unit_test(test_bessel_limits_are_exact),
        cmocka_unit_test(test_bases_and_transforms_match_formulas_and_differences),
        cmocka_unit_test(test_act_matches_libm_for_every_isa),
        cmocka_unit_test(test_mlp_forward_matches_reference),
        cmocka_unit_test(test_mlp_backward_matches_central_differences),
        cmocka_unit_test(test_table_interpolates_the_mlp),
        cmocka_unit_test(test_table_error_falls_with_the_sixth_power),
        cmocka_unit_test(test_table_kernels_match_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
