/* SPDX-License-Identifier: MIT
 * Convolution with transforms at the nodes: against the readable convolution, central differences, limits. */
#include "support.h"

#include "conv_cp.h"
#include "racah_sphere.h"

#include <float.h>

enum { NRECV = 4, NSEND = 6 };

/* One random list of edges with room for all results, in double. */
typedef struct problem {
    int lin, ly, lout;
    racahi_weights_kind kind;
    racahi_family family;
    size_t Cp, E, nx, ny, nw, nrow, ptr[NRECV + 1], sx, sW, sY, sA;
    int *j;
    double *x, *W, *Y, *dA, *A, *dx, *dY, *dW;
} problem;

static size_t square(int l) { return (size_t)((l + 1) * (l + 1)); }

static double *block(uint64_t *seed, size_t n) /* seed NULL: NaN, so that what stays unwritten fails */
{
    double *a = racahi_malloc(n, sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++) a[i] = seed ? racah_test_normal(seed) : NAN;
    return a;
}

static problem make_problem(uint64_t *seed, int lin, int ly, int lout, racahi_weights_kind kind,
                            racahi_family family, size_t Cp)
{
    problem q = {.lin = lin, .ly = ly, .lout = lout, .kind = kind, .family = family, .Cp = Cp};
    const size_t edges[NRECV] = {3, 0, 7, 2}; /* a receiver without neighbours too */
    for (int i = 0; i < NRECV; i++) q.ptr[i + 1] = q.ptr[i] + edges[i];
    q.E = q.ptr[NRECV], q.nx = square(lin), q.ny = square(ly), q.nrow = square(lout);
    q.nw = kind == RACAHI_W_SHARED ? 1 : (size_t)ly + 1;
    q.sx = NSEND * q.nx * Cp, q.sW = q.E * q.nw * Cp, q.sY = q.E * q.ny, q.sA = NRECV * q.nrow * Cp;
    q.j = racahi_malloc(q.E, sizeof *q.j);
    assert_non_null(q.j);
    for (size_t e = 0; e < q.E; e++)
        q.j[e] = (int)(racah_test_next(seed) % (NSEND - 1)); /* the last: no edge */
    q.x = block(seed, q.sx), q.W = block(seed, q.sW), q.Y = block(seed, q.sY), q.dA = block(seed, q.sA);
    q.A = block(NULL, q.sA), q.dx = block(NULL, q.sx), q.dY = block(NULL, q.sY), q.dW = block(NULL, q.sW);
    return q;
}

static void free_problem(problem *q)
{
    void *all[] = {q->j, q->x, q->W, q->Y, q->dA, q->A, q->dx, q->dY, q->dW};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static racahi_nodeconv *make_plan(const problem *q, racahi_nodeconv_algorithm algorithm, racahi_isa isa)
{
    racah_error err;
    racahi_nodeconv *p = NULL;
    RACAH_ASSERT_OK(
        racahi_nodeconv_create(&p, algorithm, q->lin, q->ly, q->lout, q->kind, q->family, isa, &err));
    assert_int_equal(racahi_nodeconv_nw(p), q->nw);
    assert_int_equal(racahi_nodeconv_nrow(p), q->nrow);
    return p;
}

/* Workspace full of NaN. */
static void *make_ws(const racahi_nodeconv *p, const problem *q)
{
    size_t size = racahi_nodeconv_ws_size(p, NRECV, NSEND, q->E, 7);
    assert_true(size < 100000000);
    void *ws = racahi_malloc(size, 1);
    assert_non_null(ws);
    memset(ws, 0xff, size);
    return ws;
}

static void run_f64(problem *q, racahi_nodeconv_algorithm algorithm, racahi_isa isa)
{
    racahi_nodeconv *p = make_plan(q, algorithm, isa);
    void *ws = make_ws(p, q);
    memset(q->dx, 0, q->sx * sizeof *q->dx);
    racahi_nodeconv_forward_f64(p, ws, q->Cp, NRECV, q->ptr, NSEND, q->j, q->x, q->W, q->Y, q->A);
    racahi_nodeconv_backward_f64(p, ws, q->Cp, NRECV, q->ptr, NSEND, q->j, q->x, q->W, q->Y, q->dA, q->dx,
                                 q->dY, q->dW);
    racahi_free(ws);
    racahi_nodeconv_destroy(p);
}

static float *to_float(const double *a, size_t n)
{
    float *b = racahi_malloc(n, sizeof *b);
    assert_non_null(b);
    for (size_t i = 0; i < n; i++) b[i] = (float)a[i];
    return b;
}

static void to_double(float *a, size_t n, double *b)
{
    for (size_t i = 0; i < n; i++) b[i] = (double)a[i];
    racahi_free(a);
}

static void run_f32(problem *q, racahi_nodeconv_algorithm algorithm, racahi_isa isa)
{
    racahi_nodeconv *p = make_plan(q, algorithm, isa);
    void *ws = make_ws(p, q);
    float *x = to_float(q->x, q->sx), *W = to_float(q->W, q->sW), *Y = to_float(q->Y, q->sY);
    float *dA = to_float(q->dA, q->sA), *A = to_float(q->A, q->sA), *dx = to_float(q->dx, q->sx);
    float *dY = to_float(q->dY, q->sY), *dW = to_float(q->dW, q->sW);
    memset(dx, 0, q->sx * sizeof *dx);
    racahi_nodeconv_forward_f32(p, ws, q->Cp, NRECV, q->ptr, NSEND, q->j, x, W, Y, A);
    racahi_nodeconv_backward_f32(p, ws, q->Cp, NRECV, q->ptr, NSEND, q->j, x, W, Y, dA, dx, dY, dW);
    to_double(A, q->sA, q->A), to_double(dx, q->sx, q->dx), to_double(dY, q->sY, q->dY);
    to_double(dW, q->sW, q->dW);
    racahi_free(x), racahi_free(W), racahi_free(Y), racahi_free(dA), racahi_free(ws);
    racahi_nodeconv_destroy(p);
}

/* The readable convolution, one receiver after the other. */
static void run_ref(problem *q)
{
    racah_error err;
    memset(q->dx, 0, q->sx * sizeof *q->dx);
    for (int i = 0; i < NRECV; i++) {
        size_t e = q->ptr[i], ne = q->ptr[i + 1] - e, w = e * q->nw * q->Cp, y = e * q->ny;
        size_t a = (size_t)i * q->nrow * q->Cp;
        RACAH_ASSERT_OK(racahi_conv_forward_ref(q->lin, q->ly, q->lout, q->kind, q->family, q->Cp, ne,
                                                q->j + e, q->x, q->W + w, q->Y + y, q->A + a, &err));
        RACAH_ASSERT_OK(racahi_conv_backward_ref(q->lin, q->ly, q->lout, q->kind, q->family, q->Cp, ne,
                                                 q->j + e, q->x, q->W + w, q->Y + y, q->dA + a, q->dx,
                                                 q->dY + y, q->dW + w, &err));
    }
}

static double largest(const double *a, size_t n)
{
    double m = 0;
    for (size_t i = 0; i < n; i++) m = fmax(m, fabs(a[i]));
    return m;
}

/* Relative to the largest value: sums over channels and ranks cancel. */
static void assert_same(const double *a, const double *b, size_t n, double tolerance)
{
    double scale = largest(b, n);
    for (size_t i = 0; i < n; i++) RACAH_ASSERT_CLOSE_AT(i, a[i], b[i], tolerance * scale, 0);
}

static void assert_problem(const problem *q, const problem *r, double tolerance)
{
    assert_same(q->A, r->A, q->sA, tolerance), assert_same(q->dx, r->dx, q->sx, tolerance);
    assert_same(q->dY, r->dY, q->sY, tolerance), assert_same(q->dW, r->dW, q->sW, tolerance);
}

static bool has(racahi_nodeconv_algorithm algorithm, racahi_family family)
{
    return algorithm <= RACAHI_NODECONV_CP || (algorithm != RACAHI_NODECONV_SO2 && family == RACAHI_FAMILY_GAUNT);
}

static void test_nodeconv_every_algorithm_and_variant_matches_the_reference(void **state)
{
    (void)state;
    static const int l[][3] = {{0, 0, 0}, {0, 3, 3}, {1, 1, 1}, {1, 3, 3}, {2, 3, 3}, {3, 3, 3},
                               {3, 2, 0}, {2, 0, 2}, {1, 1, 3}, {4, 4, 4}, {3, 3, 6}};
    uint64_t seed = 31;
    for (size_t t = 0; t < sizeof l / sizeof *l; t++)
        for (int kind = RACAHI_W_DEGREE; kind <= RACAHI_W_SHARED; kind++)
            for (int family = 0; family <= RACAHI_FAMILY_GAUNT; family++) {
                problem q = make_problem(&seed, l[t][0], l[t][1], l[t][2], (racahi_weights_kind)kind,
                                         (racahi_family)family, t % 2 ? 32 : 16);
                problem r = q;
                r.A = block(NULL, q.sA), r.dx = block(NULL, q.sx), r.dY = block(NULL, q.sY);
                r.dW = block(NULL, q.sW);
                run_ref(&r);
                for (int a = RACAHI_NODECONV_CG; a <= RACAHI_NODECONV_GAUNT; a++)
                    for (int isa = 0; isa <= (int)racahi_cpu_best() && has(a, q.family); isa++) {
                        run_f64(&q, (racahi_nodeconv_algorithm)a, (racahi_isa)isa);
                        assert_problem(&q, &r, 1e-12);
                        run_f32(&q, (racahi_nodeconv_algorithm)a, (racahi_isa)isa);
                        assert_problem(&q, &r, 1e-5); /* the tolerance of design.md section 3 */
                    }
                racahi_free(r.A), racahi_free(r.dx), racahi_free(r.dY), racahi_free(r.dW);
                free_problem(&q);
            }
}

/* How E changes when the direction of the edge turns about axis a, from dE/dY and the gradient of Y at the
 * unit vector u: what every correct dY agrees on. */
static double torque(int ly, const double u[3], const double *dY, int a)
{
    racah_error err;
    double Y[49], g[3 * 49], t[3] = {0, 0, 0}, sum = 0; /* t = e_a x u */
    t[(a + 1) % 3] = -u[(a + 2) % 3], t[(a + 2) % 3] = u[(a + 1) % 3];
    RACAH_ASSERT_OK(racah_sph_eval_f64(ly, RACAH_SPH_COMPONENT, 1, u, Y, g, &err));
    for (size_t k = 0; k < square(ly); k++)
        for (size_t b = 0; b < 3; b++) sum += dY[k] * g[b * square(ly) + k] * t[b];
    return sum;
}

/* Random unit vectors u [E][3] whose first ones are on and beside the poles, where frames of angles fail; and
 * a problem with their harmonics and the sizes of these weights. */
static problem make_directions(uint64_t *seed, const int l[3], racahi_weights_kind kind, racahi_family family,
                               double **u)
{
    racah_error err;
    racahi_conv *cg;
    RACAH_ASSERT_OK(racahi_conv_create(&cg, l[0], l[1], l[2], kind, family, RACAHI_ISA_BASE, &err));
    problem q = make_problem(seed, l[0], l[1], l[2], RACAHI_W_SHARED, family, 16);
    q.kind = kind, q.nw = racahi_conv_nw(cg), q.nrow = racahi_conv_nrow(cg);
    q.sW = q.E * q.nw * q.Cp, q.sA = NRECV * q.nrow * q.Cp;
    racahi_conv_destroy(cg);
    racahi_free(q.W), racahi_free(q.dW), racahi_free(q.A), racahi_free(q.dA);
    q.W = block(seed, q.sW), q.dW = block(NULL, q.sW), q.A = block(NULL, q.sA), q.dA = block(seed, q.sA);
    *u = block(seed, 3 * q.E);
    const double poles[4][3] = {{0, 1, 0}, {0, -1, 0}, {1e-9, -1, 1e-12}, {1e-5, 1, 0}};
    memcpy(*u, poles, sizeof poles);
    for (double *v = *u; v < *u + 3 * q.E; v += 3) {
        double n = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        for (int a = 0; a < 3; a++) v[a] /= n;
    }
    RACAH_ASSERT_OK(racah_sph_eval_f64(q.ly, RACAH_SPH_COMPONENT, q.E, *u, q.Y, NULL, &err));
    return q;
}

static void test_nodeconv_so2_matches_the_reference_up_to_the_torque(void **state)
{
    (void)state;
    static const int l[][3] = {{0, 1, 1}, {1, 3, 3}, {2, 2, 3}, {3, 3, 1}, {2, 0, 2}};
    uint64_t seed = 41;
    for (size_t t = 0; t < sizeof l / sizeof *l; t++)
        for (int v = 0; v < 6; v++) { /* kind and family */
            double *u;
            problem q =
                make_directions(&seed, l[t], (racahi_weights_kind)(v / 2), (racahi_family)(v % 2), &u);
            problem r = q;
            r.A = block(NULL, q.sA), r.dx = block(NULL, q.sx), r.dY = block(NULL, q.sY);
            r.dW = block(NULL, q.sW);
            run_ref(&r);
            for (int run = 0; run < 2 * ((int)racahi_cpu_best() + 1); run++) {
                double tolerance = run % 2 ? 2e-5 : 1e-12, scale = largest(r.dY, q.sY);
                if (run % 2)
                    run_f32(&q, RACAHI_NODECONV_SO2, (racahi_isa)(run / 2));
                else
                    run_f64(&q, RACAHI_NODECONV_SO2, (racahi_isa)(run / 2));
                assert_same(q.A, r.A, q.sA, tolerance), assert_same(q.dx, r.dx, q.sx, tolerance);
                assert_same(q.dW, r.dW, q.sW, tolerance);
                for (size_t e = 0; e < q.E; e++)
                    for (int a = 0; a < 3; a++)
                        RACAH_ASSERT_CLOSE_AT(e, torque(q.ly, u + 3 * e, q.dY + e * q.ny, a),
                                              torque(q.ly, u + 3 * e, r.dY + e * q.ny, a),
                                              20 * tolerance * scale, 0);
            }
            racahi_free(u), racahi_free(r.A), racahi_free(r.dx), racahi_free(r.dY), racahi_free(r.dW);
            free_problem(&q);
        }
}

/* E = <A, dA> of the cp plan as a function of x, W and Y. */
static double energy(const problem *q, const racahi_nodeconv *p, void *ws)
{
    racahi_nodeconv_forward_f64(p, ws, q->Cp, NRECV, q->ptr, NSEND, q->j, q->x, q->W, q->Y, q->A);
    double e = 0;
    for (size_t i = 0; i < q->sA; i++) e += q->A[i] * q->dA[i];
    return e;
}

static void test_nodeconv_gradients_match_central_differences(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int kind = RACAHI_W_DEGREE; kind <= RACAHI_W_SHARED; kind++) {
        problem q = make_problem(&seed, 2, 2, 2, (racahi_weights_kind)kind, RACAHI_FAMILY_GAUNT, 16);
        run_f64(&q, RACAHI_NODECONV_CP, racahi_cpu_best());
        racahi_nodeconv *p = make_plan(&q, RACAHI_NODECONV_CP, racahi_cpu_best());
        void *ws = make_ws(p, &q);
        double *value[3] = {q.x, q.W, q.Y}, *grad[3] = {q.dx, q.dW, q.dY};
        const size_t n[3] = {q.sx, q.sW, q.sY};
        for (int v = 0; v < 3; v++)
            for (int trial = 0; trial < 12; trial++) {
                size_t i = racah_test_next(&seed) % n[v];
                const double h = 1e-2; /* E is linear in each: only rounding is left */
                double old = value[v][i];
                value[v][i] = old + h;
                double up = energy(&q, p, ws);
                value[v][i] = old - h;
                double down = energy(&q, p, ws);
                value[v][i] = old;
                RACAH_ASSERT_CLOSE_AT(i, grad[v][i], (up - down) / (2 * h), 1e-9, 1e-9);
            }
        racahi_free(ws);
        racahi_nodeconv_destroy(p);
        free_problem(&q);
    }
}

static void test_nodeconv_without_edges_gives_zeros(void **state)
{
    (void)state;
    uint64_t seed = 9;
    problem q = make_problem(&seed, 1, 2, 1, RACAHI_W_SHARED, RACAHI_FAMILY_GAUNT, 16);
    size_t ptr[NRECV + 1] = {0};
    for (int a = RACAHI_NODECONV_CG; a <= RACAHI_NODECONV_GAUNT; a++) {
        racahi_nodeconv *p = make_plan(&q, (racahi_nodeconv_algorithm)a, racahi_cpu_best());
        void *ws = make_ws(p, &q);
        memset(q.dx, 0, q.sx * sizeof *q.dx);
        int j[1] = {0}; /* not read, but not NULL: the kernels form addresses in it */
        double none[4] = {0};
        racahi_nodeconv_forward_f64(p, ws, q.Cp, NRECV, ptr, NSEND, j, q.x, none, none + 1, q.A);
        racahi_nodeconv_backward_f64(p, ws, q.Cp, NRECV, ptr, NSEND, j, q.x, none, none + 1, q.dA, q.dx, none + 2,
                                     none + 3);
        for (size_t i = 0; i < q.sA; i++) assert_true(q.A[i] == 0);
        for (size_t i = 0; i < q.sx; i++) assert_true(q.dx[i] == 0);
        racahi_nodeconv_forward_f64(p, ws, q.Cp, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL);
        racahi_free(ws);
        racahi_nodeconv_destroy(p);
    }
    free_problem(&q);
}

static void test_nodeconv_refuses_what_has_no_meaning(void **state)
{
    (void)state;
    racah_error err;
    racahi_nodeconv *p = (void *)&err;
    const racahi_isa isa = RACAHI_ISA_BASE;
    assert_int_equal(racahi_nodeconv_create(NULL, RACAHI_NODECONV_CP, 1, 1, 1, RACAHI_W_SHARED,
                                            RACAHI_FAMILY_GAUNT, isa, &err),
                     RACAH_EINVAL);
    assert_int_equal(racahi_nodeconv_create(&p, (racahi_nodeconv_algorithm)5, 1, 1, 1, RACAHI_W_SHARED,
                                            RACAHI_FAMILY_GAUNT, isa, &err),
                     RACAH_EINVAL);
    assert_null(p);
    assert_int_equal(racahi_nodeconv_create(&p, RACAHI_NODECONV_CP, 1, -1, 1, RACAHI_W_SHARED,
                                            RACAHI_FAMILY_GAUNT, isa, &err),
                     RACAH_EINVAL);
    assert_int_equal(racahi_nodeconv_create(&p, RACAHI_NODECONV_CP, 1, 1, 1, RACAHI_W_PATH,
                                            RACAHI_FAMILY_GAUNT, isa, &err),
                     RACAH_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "path weights"));
    assert_int_equal(racahi_nodeconv_create(&p, RACAHI_NODECONV_GRID, 1, 1, 1, RACAHI_W_SHARED,
                                            RACAHI_FAMILY_COMPONENT, isa, &err),
                     RACAH_EUNSUPPORTED);
    assert_non_null(strstr(err.msg, "gaunt"));
    assert_null(p);
    racahi_nodeconv_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodeconv_every_algorithm_and_variant_matches_the_reference),
        cmocka_unit_test(test_nodeconv_so2_matches_the_reference_up_to_the_torque),
        cmocka_unit_test(test_nodeconv_gradients_match_central_differences),
        cmocka_unit_test(test_nodeconv_without_edges_gives_zeros),
        cmocka_unit_test(test_nodeconv_refuses_what_has_no_meaning),
    };
    return cmocka_run_group_tests_name("nodeconv", tests, NULL, NULL);
}
