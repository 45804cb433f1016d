/* SPDX-License-Identifier: MIT
 * Convolution: fast kernels against the readable twins, gradients, equivariance, layout. */
#include "support.h"

#include "conv.h"
#include "racah_tp.h"

#include <float.h>

#define NATOM 4
#define GUARD 64 /* bytes behind the workspace that must survive */

typedef struct shape {
    int lin, ly, lout;
    racahi_weights_kind kind;
    racahi_family family;
} shape;

/* One random call in double, with room for its results. */
typedef struct problem {
    shape s;
    size_t Cp, ne, nx, ny, nw, nrow, sx, sY, sW, sA; /* s.: number of values */
    int *j, *jd; /* jd: the same with the atoms in the opposite order */
    double *x, *W, *Wr, *Y, *dA, *A, *dx, *dY, *dW, *dr;
    double *row, *b; /* [ne][6][nw*Cp], [ne][12]: where W and Wr come from */
} problem;

static size_t square(int l) { return (size_t)((l + 1) * (l + 1)); }

static double *random_block(uint64_t *seed, size_t n)
{
    double *a = racahi_malloc(n, sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++) a[i] = racah_test_normal(seed);
    return a;
}

/* Filled with NaN: what a kernel leaves unwritten fails every comparison. */
static double *nan_block(size_t n)
{
    double *a = racahi_malloc(n, sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++) a[i] = NAN;
    return a;
}

static racahi_conv *make_plan(shape s, racahi_isa isa)
{
    racah_error err;
    racahi_conv *p;
    RACAH_ASSERT_OK(racahi_conv_create(&p, s.lin, s.ly, s.lout, s.kind, s.family, isa, &err));
    return p;
}

/* W and dW/dr as a table of splines gives them. */
static void from_rows(problem *q)
{
    const size_t n = q->nw * q->Cp;
    for (size_t e = 0; e < q->ne; e++)
        for (size_t c = 0; c < n; c++) {
            double w[2] = {0};
            for (size_t k = 0; k < 12; k++) w[k / 6] += q->b[12 * e + k] * q->row[(6 * e + k % 6) * n + c];
            q->W[e * n + c] = w[0], q->Wr[e * n + c] = w[1];
        }
}

static problem make_problem(uint64_t *seed, shape s, size_t Cp, size_t ne)
{
    racahi_conv *p = make_plan(s, RACAHI_ISA_BASE);
    problem q = {.s = s,
                 .Cp = Cp,
                 .ne = ne,
                 .nx = square(s.lin),
                 .ny = square(s.ly),
                 .nw = racahi_conv_nw(p),
                 .nrow = racahi_conv_nrow(p)};
    racahi_conv_destroy(p);
    q.sx = NATOM * q.nx * Cp, q.sY = ne * q.ny, q.sW = ne * q.nw * Cp, q.sA = q.nrow * Cp;
    q.j = racahi_malloc(ne, sizeof *q.j);
    q.jd = racahi_malloc(ne, sizeof *q.jd);
    assert_non_null(q.j);
    assert_non_null(q.jd);
    for (size_t e = 0; e < ne; e++)
        q.j[e] = (int)(racah_test_next(seed) % NATOM), q.jd[e] = NATOM - 1 - q.j[e]; /* repeats: periodic images */
    q.x = random_block(seed, q.sx), q.W = random_block(seed, q.sW), q.Wr = random_block(seed, q.sW);
    q.Y = random_block(seed, q.sY), q.dA = random_block(seed, q.sA);
    q.A = nan_block(q.sA), q.dx = random_block(seed, q.sx), q.dY = nan_block(q.sY);
    q.dW = nan_block(q.sW), q.dr = nan_block(ne);
    q.row = random_block(seed, 6 * q.sW), q.b = random_block(seed, 12 * ne);
    from_rows(&q);
    return q;
}

static void free_problem(problem *q)
{
    void *all[] = {q->row, q->b, q->j, q->jd, q->x, q->W, q->Wr, q->Y, q->dA, q->A, q->dx, q->dY, q->dW, q->dr};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static double *copy(const double *a, size_t n)
{
    double *b = racahi_malloc(n, sizeof *b);
    assert_non_null(b);
    memcpy(b, a, n * sizeof *b);
    return b;
}

static float *narrow(const double *a, size_t n)
{
    float *b = racahi_malloc(n, sizeof *b);
    assert_non_null(b);
    for (size_t i = 0; i < n; i++) b[i] = (float)a[i];
    return b;
}

static void widen(float *b, double *a, size_t n)
{
    for (size_t i = 0; i < n; i++) a[i] = b[i];
    racahi_free(b);
}

/* The smallest workspace allowed, with a guard behind it; its content is NaN. */
static void *make_ws(const racahi_conv *p, size_t ne)
{
    size_t n = racahi_conv_ws_size(p, ne);
    unsigned char *ws = racahi_malloc(n + GUARD, 1);
    assert_non_null(ws);
    memset(ws, 0xff, n);
    memset(ws + n, 0x5a, GUARD);
    return ws;
}

static void free_ws(const racahi_conv *p, size_t ne, unsigned char *ws)
{
    size_t n = racahi_conv_ws_size(p, ne);
    for (size_t i = 0; i < GUARD; i++) assert_int_equal(ws[n + i], 0x5a);
    racahi_free(ws);
}

/* What a run is given and asked for: W and dW, W and dr, or W by spline and dr. */
enum { WITH_DW, WITH_DR, BY_SPLINE, NKIND };

/* The rows of dx in the opposite order of those of x, where jd finds them; or back. */
static void reverse_dx(problem *q)
{
    const size_t n = q->nx * q->Cp;
    for (size_t a = 0; a < NATOM / 2; a++)
        for (size_t i = 0; i < n; i++) {
            double *one = &q->dx[a * n + i], *other = &q->dx[(NATOM - 1 - a) * n + i], d = *one;
            *one = *other, *other = d;
        }
}

/* Fills q's results: A, dx (added to), dY and dW or dr. */
static void run(problem *q, racahi_isa isa, int with_dr)
{
    racahi_conv *p = make_plan(q->s, isa);
    void *ws = make_ws(p, q->ne);
    if (with_dr == BY_SPLINE) {
        const double **row = racahi_malloc(q->ne + 1, sizeof *row);
        assert_non_null(row);
        for (size_t e = 0; e < q->ne; e++) row[e] = q->row + 6 * e * q->nw * q->Cp;
        memset(q->A, 0, racahi_conv_nrow(p) * q->Cp * sizeof *q->A);
        racahi_conv_forward_spline_f64(p, ws, q->Cp, q->ne, q->j, q->x, row, q->b, q->Y, q->A);
        reverse_dx(q);
        racahi_conv_backward_spline_f64(p, ws, q->Cp, q->ne, q->j, q->x, row, q->b, q->Y, q->dA, q->jd, q->dx, q->dY, q->dr);
        reverse_dx(q);
        racahi_free(row);
        free_ws(p, q->ne, ws);
        racahi_conv_destroy(p);
        return;
    }
    memset(q->A, 0, racahi_conv_nrow(p) * q->Cp * sizeof *q->A);
    racahi_conv_forward_f64(p, ws, q->Cp, q->ne, q->j, q->x, q->W, q->Y, q->A);
    racahi_conv_backward_f64(p, ws, q->Cp, q->ne, q->j, q->x, q->W, q->Y, q->dA, q->dx, q->dY,
                             with_dr ? NULL : q->dW, with_dr ? q->Wr : NULL, with_dr ? q->dr : NULL);
    free_ws(p, q->ne, ws);
    racahi_conv_destroy(p);
}

static void run_f32(problem *q, racahi_isa isa, int with_dr)
{
    racahi_conv *p = make_plan(q->s, isa);
    void *ws = make_ws(p, q->ne);
    if (with_dr == BY_SPLINE) reverse_dx(q);
    float *x = narrow(q->x, q->sx), *W = narrow(q->W, q->sW), *Wr = narrow(q->Wr, q->sW);
    float *Y = narrow(q->Y, q->sY), *dA = narrow(q->dA, q->sA), *A = narrow(q->A, q->sA);
    float *dx = narrow(q->dx, q->sx), *dY = narrow(q->dY, q->sY), *dW = narrow(q->dW, q->sW);
    float *dr = narrow(q->dr, q->ne);
    memset(A, 0, racahi_conv_nrow(p) * q->Cp * sizeof *A);
    if (with_dr == BY_SPLINE) {
        const float **row = racahi_malloc(q->ne + 1, sizeof *row);
        float *rows = narrow(q->row, 6 * q->sW), *b = narrow(q->b, 12 * q->ne);
        assert_non_null(row);
        for (size_t e = 0; e < q->ne; e++) row[e] = rows + 6 * e * q->nw * q->Cp;
        racahi_conv_forward_spline_f32(p, ws, q->Cp, q->ne, q->j, x, row, b, Y, A);
        racahi_conv_backward_spline_f32(p, ws, q->Cp, q->ne, q->j, x, row, b, Y, dA, q->jd, dx, dY, dr);
        racahi_free(row), racahi_free(rows), racahi_free(b);
    } else {
        racahi_conv_forward_f32(p, ws, q->Cp, q->ne, q->j, x, W, Y, A);
        racahi_conv_backward_f32(p, ws, q->Cp, q->ne, q->j, x, W, Y, dA, dx, dY, with_dr ? NULL : dW,
                                 with_dr ? Wr : NULL, with_dr ? dr : NULL);
    }
    racahi_free(x), racahi_free(W), racahi_free(Wr), racahi_free(Y), racahi_free(dA);
    widen(A, q->A, q->sA), widen(dx, q->dx, q->sx), widen(dY, q->dY, q->sY), widen(dW, q->dW, q->sW);
    widen(dr, q->dr, q->ne);
    if (with_dr == BY_SPLINE) reverse_dx(q);
    free_ws(p, q->ne, ws);
    racahi_conv_destroy(p);
}

static void run_ref(problem *q)
{
    racah_error err;
    const shape s = q->s;
    RACAH_ASSERT_OK(racahi_conv_forward_ref(s.lin, s.ly, s.lout, s.kind, s.family, q->Cp, q->ne, q->j, q->x,
                                            q->W, q->Y, q->A, &err));
    RACAH_ASSERT_OK(racahi_conv_backward_ref(s.lin, s.ly, s.lout, s.kind, s.family, q->Cp, q->ne, q->j, q->x,
                                             q->W, q->Y, q->dA, q->dx, q->dY, q->dW, &err));
    for (size_t e = 0; e < q->ne; e++) {
        q->dr[e] = 0;
        for (size_t i = e * q->nw * q->Cp; i < (e + 1) * q->nw * q->Cp; i++) q->dr[e] += q->dW[i] * q->Wr[i];
    }
}

static double rms(const double *a, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * a[i];
    return n ? sqrt(s / (double)n) : 0;
}

/* |a-b| <= tol (scale + |b|), where scale is the size of the sums b would be without cancellation: their
 * terms have both signs, and the rounding error is that of the terms, not of the result. */
static double worst_f64, worst_f32; /* reported at the end, in units of scale + |b| */
static void compare_scaled(const double *a, const double *b, size_t n, double scale, double tol,
                           double *worst)
{
    for (size_t i = 0; i < n; i++) {
        RACAH_ASSERT_CLOSE_AT(i, a[i], b[i], tol * scale, tol);
        double d = fabs(a[i] - b[i]);
        if (d > 0 && d / (scale + fabs(b[i])) > *worst) *worst = d / (scale + fabs(b[i]));
    }
}

/* Many values: their root mean square tells the scale. */
static void compare(const double *a, const double *b, size_t n, double tol, double *worst)
{
    compare_scaled(a, b, n, rms(b, n), tol, worst);
}

/* A fresh copy of the problem's result fields, so that two implementations start alike. */
static problem fork_results(const problem *q)
{
    problem r = *q;
    r.A = nan_block(q->sA), r.dx = copy(q->dx, q->sx), r.dY = nan_block(q->sY);
    r.dW = nan_block(q->sW), r.dr = nan_block(q->ne);
    return r;
}

static void free_results(problem *r)
{
    racahi_free(r->A), racahi_free(r->dx), racahi_free(r->dY), racahi_free(r->dW), racahi_free(r->dr);
}

static void check_against_ref(uint64_t *seed, shape s, size_t Cp, size_t ne, bool single)
{
    problem q = make_problem(seed, s, Cp, ne);
    if (single) { /* the inputs must be floats, or their rounding is what is measured */
        double *in[] = {q.row, q.b, q.x, q.Y, q.dA, q.dx, q.W, q.Wr};
        size_t n[] = {6 * q.sW, 12 * q.ne, q.sx, q.sY, q.sA, q.sx, q.sW, q.sW};
        for (size_t k = 0; k < 8; k++) {
            if (in[k] == q.W) from_rows(&q);
            for (size_t i = 0; i < n[k]; i++) in[k][i] = (float)in[k][i];
        }
    }
    /* Up to a few thousand terms of both signs (33 edges x 49 products, or channels x products): the
     * roundings add up as a random walk, some 10 epsilon; 64 leaves room for the largest of many values. */
    double tol = 64 * (single ? FLT_EPSILON : DBL_EPSILON);
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        problem ref = fork_results(&q);
        double *worst = single ? &worst_f32 : &worst_f64;
        run_ref(&ref);
        /* sum over weights and channels of dW W or dW Wr; the former is also sum_k dY Y. Few values: no
         * statistics */
        double sum_W = rms(ref.dW, q.sW) * rms(q.W, q.sW) * sqrt((double)(q.nw * q.Cp));
        for (int with_dr = 0; with_dr < NKIND; with_dr++) {
            problem f = fork_results(&q);
            if (single)
                run_f32(&f, (racahi_isa)isa, with_dr);
            else
                run(&f, (racahi_isa)isa, with_dr);
            compare(f.A, ref.A, q.sA, tol, worst);
            compare(f.dx, ref.dx, q.sx, tol, worst);
            compare_scaled(f.dY, ref.dY, q.sY, sum_W / (rms(q.Y, q.sY) + DBL_MIN), tol, worst);
            if (with_dr)
                compare_scaled(f.dr, ref.dr, q.ne, sum_W, tol, worst);
            else
                compare(f.dW, ref.dW, q.sW, tol, worst);
            free_results(&f);
        }
        free_results(&ref);
    }
    free_problem(&q);
}

static void test_conv_fast_matches_ref(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int kind = 0; kind < 3; kind++)
        for (int family = 0; family < 2; family++)
            for (int lin = 0; lin <= 2; lin++)
                for (int ly = 0; ly <= 4; ly++)
                    for (int lout = 0; lout <= 4; lout++) {
                        shape s = {lin, ly, lout, (racahi_weights_kind)kind, (racahi_family)family};
                        check_against_ref(&seed, s, 8, 5, false);
                        check_against_ref(&seed, s, 16, 2, true);
                    }
}

static void test_conv_fast_matches_ref_for_every_size(void **state)
{
    (void)state;
    uint64_t seed = 2;
    const size_t ne[] = {0, 1, 2, 5, 33}, wide[] = {8, 16, 40}, narrow_[] = {16, 48};
    for (int kind = 0; kind < 3; kind++)
        for (size_t i = 0; i < 5; i++) {
            shape s = {1, 3, 3, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT};
            for (size_t k = 0; k < 3; k++) check_against_ref(&seed, s, wide[k], ne[i], false);
            for (size_t k = 0; k < 2; k++) check_against_ref(&seed, s, narrow_[k], ne[i], true);
            s.lin = 0;
            check_against_ref(&seed, s, 40, ne[i], false);
            check_against_ref(&seed, s, 48, ne[i], true);
        }
}

/* Degrees above 4 are cut into several register blocks, on both sides. */
static void test_conv_high_degrees_match_ref(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int kind = 0; kind < 3; kind++) {
        check_against_ref(&seed, (shape){3, 3, 3, (racahi_weights_kind)kind, RACAHI_FAMILY_GAUNT}, 8, 3,
                          false);
        check_against_ref(&seed, (shape){5, 2, 6, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT}, 8, 3,
                          false);
        check_against_ref(&seed, (shape){0, 6, 6, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT}, 16, 3,
                          false);
        check_against_ref(&seed, (shape){6, 0, 6, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT}, 16, 2,
                          true);
    }
}

static void test_conv_variants_agree(void **state)
{
    (void)state;
    uint64_t seed = 4;
    for (int kind = 0; kind < 3; kind++) {
        problem q =
            make_problem(&seed, (shape){2, 3, 3, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT}, 40, 33);
        problem base = fork_results(&q);
        run(&base, RACAHI_ISA_BASE, false);
        for (int isa = 1; isa <= (int)racahi_cpu_best(); isa++) {
            problem f = fork_results(&q);
            double worst = 0;
            run(&f, (racahi_isa)isa, false);
            /* the same order of sums: only fused multiply-adds make a difference */
            compare(f.A, base.A, q.sA, 16 * DBL_EPSILON, &worst);
            compare(f.dx, base.dx, q.sx, 16 * DBL_EPSILON, &worst);
            compare(f.dY, base.dY, q.sY, 16 * DBL_EPSILON, &worst);
            compare(f.dW, base.dW, q.sW, 16 * DBL_EPSILON, &worst);
            free_results(&f);
        }
        free_results(&base), free_problem(&q);
    }
}

/* ---- gradients -------------------------------------------------------------------------------- */

static double dot(const double *a, const double *b, size_t n)
{
    double s = 0;
    for (size_t i = 0; i < n; i++) s += a[i] * b[i];
    return s;
}

/* <dA, A(x, W, Y)> */
static double energy(const problem *q, racahi_isa isa, const double *x, const double *W, const double *Y)
{
    racahi_conv *p = make_plan(q->s, isa);
    void *ws = make_ws(p, q->ne);
    double *A = nan_block(q->sA);
    memset(A, 0, q->sA * sizeof *A);
    racahi_conv_forward_f64(p, ws, q->Cp, q->ne, q->j, x, W, Y, A);
    double E = dot(A, q->dA, q->sA);
    racahi_free(A), free_ws(p, q->ne, ws);
    racahi_conv_destroy(p);
    return E;
}

static double *shifted(const double *a, const double *v, double h, size_t n)
{
    double *b = copy(a, n);
    for (size_t i = 0; i < n; i++) b[i] += h * v[i];
    return b;
}

static void test_conv_backward_is_the_adjoint(void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int kind = 0; kind < 3; kind++)
        for (int lin = 0; lin <= 2; lin++)
            for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
                shape s = {lin, 3, 3, (racahi_weights_kind)kind, RACAHI_FAMILY_COMPONENT};
                problem q = make_problem(&seed, s, 16, 9);
                memset(q.dx, 0, q.sx * sizeof *q.dx);
                run(&q, (racahi_isa)isa, false);
                double *vx = random_block(&seed, q.sx), *vW = random_block(&seed, q.sW);
                double *vY = random_block(&seed, q.sY);
                racahi_isa k = (racahi_isa)isa;
                /* A is linear in each argument. Both sides are sums of some 1e4 random terms: the error is
                 * relative to the largest partial sums, a few hundred times epsilon of |value| ~ 1e3 */
                double scale = sqrt(dot(q.A, q.A, q.sA) * dot(q.dA, q.dA, q.sA)), tol = 1e-13 * scale;
                RACAH_ASSERT_CLOSE(dot(q.dx, vx, q.sx), energy(&q, k, vx, q.W, q.Y), tol, 0);
                RACAH_ASSERT_CLOSE(dot(q.dW, vW, q.sW), energy(&q, k, q.x, vW, q.Y), tol, 0);
                RACAH_ASSERT_CLOSE(dot(q.dY, vY, q.sY), energy(&q, k, q.x, q.W, vY), tol, 0);
                racahi_free(vx), racahi_free(vW), racahi_free(vY);
                free_problem(&q);
            }
}

static void test_conv_gradients_match_central_difference(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int kind = 0; kind < 3; kind++) {
        problem q =
            make_problem(&seed, (shape){1, 3, 2, (racahi_weights_kind)kind, RACAHI_FAMILY_GAUNT}, 8, 7);
        memset(q.dx, 0, q.sx * sizeof *q.dx);
        racahi_isa isa = racahi_cpu_best();
        run(&q, isa, false);
        double *v[3] = {random_block(&seed, q.sx), random_block(&seed, q.sW), random_block(&seed, q.sY)};
        const double h = 1e-5;
        double E[2];
        for (int side = 0; side < 2; side++) { /* all three arguments move at once */
            double d = side ? h : -h, *x = shifted(q.x, v[0], d, q.sx), *W = shifted(q.W, v[1], d, q.sW);
            double *Y = shifted(q.Y, v[2], d, q.sY);
            E[side] = energy(&q, isa, x, W, Y);
            racahi_free(x), racahi_free(W), racahi_free(Y);
        }
        double slope = dot(q.dx, v[0], q.sx) + dot(q.dW, v[1], q.sW) + dot(q.dY, v[2], q.sY);
        /* third derivative h^2 ~ 1e-10, rounding epsilon/h ~ 1e-11, both times values of 1e2 */
        RACAH_ASSERT_CLOSE((E[1] - E[0]) / (2 * h), slope, 1e-7, 0);
        for (int i = 0; i < 3; i++) racahi_free(v[i]);
        free_problem(&q);
    }
}

/* dr is the derivative along dW/dr: exactly what W(r +- h) gives. */
static void test_conv_dr_matches_central_difference(void **state)
{
    (void)state;
    uint64_t seed = 7;
    problem q = make_problem(&seed, (shape){1, 2, 2, RACAHI_W_DEGREE, RACAHI_FAMILY_COMPONENT}, 16, 6);
    racahi_isa isa = racahi_cpu_best();
    run(&q, isa, true);
    for (size_t e = 0; e < q.ne; e++) {
        double *v = racahi_calloc(q.sW, sizeof *v);
        assert_non_null(v);
        memcpy(v + e * q.nw * q.Cp, q.Wr + e * q.nw * q.Cp, q.nw * q.Cp * sizeof *v);
        double *W[2] = {shifted(q.W, v, -1, q.sW), shifted(q.W, v, 1, q.sW)}; /* linear: any step is exact */
        double slope = (energy(&q, isa, q.x, W[1], q.Y) - energy(&q, isa, q.x, W[0], q.Y)) / 2;
        RACAH_ASSERT_CLOSE_AT(e, q.dr[e], slope, 1e-11, 0);
        racahi_free(v), racahi_free(W[0]), racahi_free(W[1]);
    }
    free_problem(&q);
}

/* ---- mathematics --------------------------------------------------------------------------------- */

#define LTOP 4
/* D[l][m*(2l+1)+m'] of an orthogonal 3x3 matrix for l <= LTOP. l = 1 is the matrix itself, because Y_1 = (x,
 * y, z); D^l follows from D^(l-1) x D^1 through the 3j. */
static void wigner_D(const double R[9], double D[LTOP + 1][81])
{
    racah_error err;
    D[0][0] = 1;
    memcpy(D[1], R, 9 * sizeof *R);
    for (int l = 2; l <= LTOP; l++) {
        int n1 = 2 * l - 1, n3 = 2 * l + 1;
        double C[7 * 3 * 9];
        RACAH_ASSERT_OK(racah_cg_wigner3j(l - 1, 1, l, RACAH_CG_E3NN_06, C, &err));
        for (int a = 0; a < n3; a++)
            for (int b = 0; b < n3; b++) {
                double s = 0;
                for (int i = 0; i < n1 * n1 * 9; i++) {
                    int m = i / 9 / n1, k = i / 9 % n1, u = i % 9 / 3, v = i % 3;
                    s += C[(m * 3 + u) * n3 + a] * D[l - 1][m * n1 + k] * R[u * 3 + v] *
                         C[(k * 3 + v) * n3 + b];
                }
                D[l][a * n3 + b] = n3 * s;
            }
    }
}

/* Rotates nblock blocks of rows of degree l, [2l+1][Cp] each, in place. */
static void rotate(const double *D, int l, size_t nblock, size_t Cp, double *a)
{
    size_t n = 2 * (size_t)l + 1;
    double *old = copy(a, nblock * n * Cp);
    for (size_t b = 0; b < nblock; b++)
        for (size_t m = 0; m < n; m++)
            for (size_t c = 0; c < Cp; c++) {
                double s = 0;
                for (size_t k = 0; k < n; k++) s += D[m * n + k] * old[(b * n + k) * Cp + c];
                a[(b * n + m) * Cp + c] = s;
            }
    racahi_free(old);
}

static void rotate_features(double D[LTOP + 1][81], int lmax, size_t n, size_t Cp, double *x)
{
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l <= lmax; l++) rotate(D[l], l, 1, Cp, x + (i * square(lmax) + (size_t)(l * l)) * Cp);
}

static void test_conv_is_equivariant_under_rotation_and_inversion(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int n = 0; n < 12; n++) {
        shape s = {n % 3, 3, 4, (racahi_weights_kind)(n / 3 % 3), (racahi_family)(n / 6)};
        problem q = make_problem(&seed, s, 8, 6), r = fork_results(&q);
        double R[9], D[LTOP + 1][81], worst = 0;
        racah_test_rotation(&seed, R);
        for (int i = 0; n % 2 && i < 9; i++) R[i] = -R[i]; /* every second one with the inversion */
        wigner_D(R, D);
        run(&q, racahi_cpu_best(), false);
        racahi_conv *p = make_plan(s, RACAHI_ISA_BASE);
        for (int l = 0; l <= s.lout; l++)
            rotate(D[l], l, racahi_conv_nslot(p, l), q.Cp, q.A + racahi_conv_slot_offset(p, l) * q.Cp);
        racahi_conv_destroy(p);
        rotate_features(D, s.lin, NATOM, q.Cp, q.x);
        rotate_features(D, s.ly, q.ne, 1, q.Y);
        run(&r, racahi_cpu_best(), false);
        compare(r.A, q.A, q.sA, 1e-13, &worst); /* roundings of the rotations, about 20 products each */
        free_results(&r), free_problem(&q);
    }
}

/* No coupling coefficients needed: with lin = 0 the product is W x Y in both families. */
static void test_conv_of_scalars_is_a_plain_product(void **state)
{
    (void)state;
    uint64_t seed = 9;
    for (int n = 0; n < 6; n++) {
        shape s = {0, 3, 3, (racahi_weights_kind)(n % 3), (racahi_family)(n / 3)};
        problem q = make_problem(&seed, s, 16, 11);
        run(&q, racahi_cpu_best(), false);
        for (int l = 0; l <= 3; l++)
            for (int m = 0; m <= 2 * l; m++)
                for (size_t c = 0; c < q.Cp; c++) {
                    double sum = 0;
                    size_t w = s.kind == RACAHI_W_SHARED ? 0 : (size_t)l, k = (size_t)(l * l + m);
                    for (size_t e = 0; e < q.ne; e++)
                        sum +=
                            q.W[(e * q.nw + w) * q.Cp + c] * q.x[(size_t)q.j[e] * q.Cp + c] * q.Y[e * 16 + k];
                    RACAH_ASSERT_CLOSE_AT(k, q.A[k * q.Cp + c], sum, 1e-13, 1e-13);
                }
        free_problem(&q);
    }
}

/* With all path weights equal, the slots of one l3 add up to the single slot of the other kinds. */
static void test_conv_kinds_agree_for_equal_weights(void **state)
{
    (void)state;
    uint64_t seed = 10;
    for (int kind = 1; kind < 3; kind++)
        for (int lin = 0; lin <= 2; lin++) {
            shape s = {lin, 3, 3, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT};
            problem q = make_problem(&seed, s, 8, 9);
            s.kind = (racahi_weights_kind)kind;
            problem r = make_problem(&seed, s, 8, 9);
            memcpy(r.x, q.x, q.sx * sizeof *q.x), memcpy(r.Y, q.Y, q.sY * sizeof *q.Y);
            memcpy(r.j, q.j, q.ne * sizeof *q.j), memcpy(r.jd, q.jd, q.ne * sizeof *q.jd);
            for (size_t e = 0; e < q.ne; e++)
                for (size_t i = 0; i < q.nw * 8; i++) q.W[e * q.nw * 8 + i] = q.W[e * q.nw * 8 + i % 8];
            for (size_t e = 0; e < q.ne; e++)
                for (size_t i = 0; i < r.nw * 8; i++) r.W[e * r.nw * 8 + i] = q.W[e * q.nw * 8 + i % 8];
            run(&q, racahi_cpu_best(), false), run(&r, racahi_cpu_best(), false);
            racahi_conv *p = make_plan(q.s, RACAHI_ISA_BASE);
            double *sum = racahi_calloc(r.sA, sizeof *sum), worst = 0;
            for (int l = 0; l <= 3; l++)
                for (size_t slot = 0; slot < racahi_conv_nslot(p, l); slot++)
                    for (size_t i = 0; i < (size_t)(2 * l + 1) * 8; i++)
                        sum[(size_t)(l * l) * 8 + i] +=
                            q.A[(racahi_conv_slot_offset(p, l) + slot * (size_t)(2 * l + 1)) * 8 + i];
            compare(r.A, sum, r.sA, 1e-13, &worst);
            racahi_conv_destroy(p);
            racahi_free(sum), free_problem(&q), free_problem(&r);
        }
}

/* ---- layout and arguments ------------------------------------------------------------------------- */

static void test_conv_layout_is_that_of_mace(void **state)
{
    (void)state;
    /* (l1 l2 l3) with l1 <= 1, l2, l3 <= 3: 000 110 | 011 101 121 | 022 112 132 | 033 123 */
    const size_t slots[] = {2, 3, 3, 2}, offset[] = {0, 2, 11, 26};
    shape s = {1, 3, 3, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT};
    racahi_conv *p = make_plan(s, RACAHI_ISA_BASE);
    assert_int_equal(racahi_conv_nw(p), 10);
    assert_int_equal(racahi_conv_nrow(p), 40);
    for (int l = 0; l <= 3; l++) {
        assert_int_equal(racahi_conv_nslot(p, l), slots[l]);
        assert_int_equal(racahi_conv_slot_offset(p, l), offset[l]);
    }
    racahi_conv_destroy(p);
    for (int kind = 1; kind < 3; kind++) {
        s.kind = (racahi_weights_kind)kind;
        p = make_plan(s, RACAHI_ISA_BASE);
        assert_int_equal(racahi_conv_nw(p), kind == RACAHI_W_DEGREE ? 4 : 1);
        assert_int_equal(racahi_conv_nrow(p), 16);
        for (int l = 0; l <= 3; l++) {
            assert_int_equal(racahi_conv_nslot(p, l), 1);
            assert_int_equal(racahi_conv_slot_offset(p, l), l * l);
        }
        racahi_conv_destroy(p);
    }
}

static void test_conv_flops_of_scalars_are_the_minimum(void **state)
{
    (void)state;
    /* four products W x and 16 multiply-adds, whatever the instruction set */
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++) {
        racahi_conv *p = make_plan((shape){0, 3, 3, RACAHI_W_PATH, RACAHI_FAMILY_COMPONENT}, (racahi_isa)isa);
        assert_int_equal(racahi_conv_flops(p, false), 4 + 2 * 16);
        assert_true(racahi_conv_flops(p, true) > racahi_conv_flops(p, false));
        racahi_conv_destroy(p);
    }
}

static void test_conv_bad_input_is_refused(void **state)
{
    (void)state;
    const shape bad[] = {{-1, 3, 3, 0, 0},
                         {0, -1, 3, 0, 0},
                         {0, 3, -1, 0, 0},
                         {RACAH_CG_LMAX + 1, 3, 3, 0, 0},
                         {0, RACAH_CG_LMAX + 1, 3, 0, 0},
                         {0, 3, RACAH_CG_LMAX + 1, 0, 0},
                         {0, 3, 3, (racahi_weights_kind)3, 0},
                         {0, 3, 3, 0, (racahi_family)2}};
    const char *const what[] = {"lin", "ly", "lout", "lin", "ly", "lout", "kind", "family"};
    racah_error err;
    racahi_conv *p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        p = (racahi_conv *)&err;
        const shape b = bad[i];
        assert_int_equal(racahi_conv_create(&p, b.lin, b.ly, b.lout, b.kind, b.family, RACAHI_ISA_BASE, &err),
                         RACAH_EINVAL);
        assert_null(p);
        assert_non_null(strstr(err.msg, what[i]));
    }
    assert_int_equal(racahi_conv_create(NULL, 0, 0, 0, 0, 0, RACAHI_ISA_BASE, &err), RACAH_EINVAL);
    assert_int_equal(racahi_conv_create(&p, 0, 0, 0, 0, 0, (racahi_isa)RACAHI_ISA_COUNT, &err), RACAH_EINVAL);
    if (racahi_cpu_best() < RACAHI_ISA_AVX512)
        assert_int_equal(racahi_conv_create(&p, 0, 0, 0, 0, 0, RACAHI_ISA_AVX512, &err), RACAH_EUNSUPPORTED);
    double C;
    assert_int_equal(racahi_conv_forward_ref(-1, 0, 0, 0, 0, 8, 0, NULL, &C, &C, &C, &C, &err), RACAH_EINVAL);
    p = make_plan((shape){0, 0, 0, 0, 0}, RACAHI_ISA_BASE);
    assert_true(racahi_conv_ws_size(p, SIZE_MAX) == SIZE_MAX);
    racahi_conv_destroy(p);
    racahi_conv_destroy(NULL);
}

static int report(void **state)
{
    (void)state;
    print_message("largest difference from the twins: f64 %.2g, f32 %.2g\n", worst_f64, worst_f32);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conv_fast_matches_ref),
        cmocka_unit_test(test_conv_fast_matches_ref_for_every_size),
        cmocka_unit_test(test_conv_high_degrees_match_ref),
        cmocka_unit_test(test_conv_variants_agree),
        cmocka_unit_test(test_conv_backward_is_the_adjoint),
        cmocka_unit_test(test_conv_gradients_match_central_difference),
        cmocka_unit_test(test_conv_dr_matches_central_difference),
        cmocka_unit_test(test_conv_is_equivariant_under_rotation_and_inversion),
        cmocka_unit_test(test_conv_of_scalars_is_a_plain_product),
        cmocka_unit_test(test_conv_kinds_agree_for_equal_weights),
        cmocka_unit_test(test_conv_layout_is_that_of_mace),
        cmocka_unit_test(test_conv_flops_of_scalars_are_the_minimum),
        cmocka_unit_test(test_conv_bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, report);
}
