/* SPDX-License-Identifier: MIT
 * One bilinear map, many algorithms: they agree with cg, are equivariant, and refuse what they cannot do. */
#include "tp_oracle.h"

#include "wigner_d.h"

#include <pthread.h>

static const int channels[] = {1, 3, 8, 17, 64};

static racah_tp_plan *plan_of(racah_tp_desc d, racah_tp_algorithm a)
{
    racah_error err;
    racah_tp_plan *plan;
    d.algorithm = a;
    RACAH_ASSERT_OK(racah_tp_plan_create(&plan, &d, &err));
    racah_tp_info info;
    racah_tp_plan_info(plan, &info);
    if (a != RACAH_TP_AUTO) assert_int_equal(info.algorithm, a);
    return plan;
}

/* Values and all gradients of algorithm a against cg in double, relative to the largest of each array. */
static void agrees_with_cg(const racah_tp_desc *d, racah_tp_algorithm a, size_t n, double tolerance,
                           uint64_t seed)
{
    racah_tp_desc reference = *d;
    reference.dtype = RACAH_TP_F64;
    racah_tp_plan *p = plan_of(*d, a), *q = plan_of(reference, RACAH_TP_CG);
    tp_case c, r;
    uint64_t s1 = seed, s2 = seed;
    tp_case_make(&c, p, d->weights_common, n, &s1);
    tp_case_make(&r, q, d->weights_common, n, &s2);
    tp_case_run(&c, p, d->dtype);
    tp_case_run(&r, q, RACAH_TP_F64);
    double e[4] = {tp_difference(c.z, r.z, n * c.d3), tp_difference(c.dx, r.dx, n * c.d1),
                   tp_difference(c.dy, r.dy, n * c.d2), tp_difference(c.dw, r.dw, c.wlen)};
    for (int i = 0; i < 4; i++) {
        if (!(e[i] <= tolerance))
            print_error("%s, family %d, L %d %d %d, C %d %d, weights %d, dtype %d, array %d (z dx dy dw):\n",
                        racah_tp_algorithm_name(a), (int)d->family, d->l1max, d->l2max, d->l3max, d->C, d->C2,
                        (int)d->weights, (int)d->dtype, i);
        RACAH_ASSERT_CLOSE(e[i], 0, tolerance, 0);
    }
    tp_case_free(&c), tp_case_free(&r);
    racah_tp_plan_destroy(p), racah_tp_plan_destroy(q);
}

static racah_tp_desc short_form(racah_tp_family family, int L, int C, int C2, racah_tp_weights weights,
                                int dtype)
{
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.family = family, d.C = C, d.C2 = C2, d.l1max = d.l2max = d.l3max = L;
    d.weights = weights, d.dtype = (racah_tp_dtype)dtype;
    d.path_normalization = RACAH_TP_PATH_NONE;
    return d;
}

static double limit(int dtype) { return dtype == RACAH_TP_F64 ? 1e-12 : 1e-5; }

/* ---- agreement ---------------------------------------------------------------------------------------- */

/* Five algorithms for one function, L = 0..6; so2 where the second input is a direction; three of the twelve kinds of weights and second input for each size. */
static void test_tp_gaunt_family_agrees(void **state)
{
    (void)state;
    static const racah_tp_weights kinds[] = {RACAH_TP_W_DEGREE, RACAH_TP_W_SEPARABLE, RACAH_TP_W_SHARED,
                                             RACAH_TP_W_NONE};
    int turn = 0;
    for (int L = 0; L <= 6; L++)
        for (int c = 0; c < 5; c++)
            for (int k = 0; k < 3; k++, turn += 5) {
                racah_tp_weights w = kinds[turn % 4];
                int second = turn % 3, C = channels[c];
                for (int dtype = 0; dtype < 2; dtype++) {
                    racah_tp_desc d = short_form(RACAH_TP_FAMILY_GAUNT, L, C, second == 0 ? C : 1, w, dtype);
                    if (second == 2) d.second = RACAH_TP_SECOND_DIRECTION;
                    d.weights_common = turn % 2;
                    agrees_with_cg(&d, RACAH_TP_CG, 2, limit(dtype), 100);
                    agrees_with_cg(&d, RACAH_TP_GAUNT, 2, limit(dtype), 100);
                    agrees_with_cg(&d, RACAH_TP_GRID, 2, limit(dtype), 100);
                    agrees_with_cg(&d, RACAH_TP_CP, 2, limit(dtype), 100);
                    if (second == 2) agrees_with_cg(&d, RACAH_TP_SO2, 2, limit(dtype), 100);
                }
            }
}

/* Degrees of the inputs and the output differ, blocks in any order, repeated, missing. */
static void test_tp_gaunt_family_agrees_on_any_blocks(void **state)
{
    (void)state;
    for (int weights = 1; weights < 5; weights++)
        for (int one = 0; one < 2; one++)
            for (int dtype = 0; dtype < 2; dtype++) {
                racah_tp_desc d =
                    short_form(RACAH_TP_FAMILY_GAUNT, 0, 5, 5, (racah_tp_weights)weights, dtype);
                d.irreps_in1 = "5x2e+5x0e+5x1o+5x2e", d.irreps_in2 = one ? "3o+1o+0e" : "5x3o+5x1o+5x0e";
                d.irreps_out = "5x1o+5x4e+5x0e+5x1o", d.mode = one ? RACAH_TP_UVU : RACAH_TP_UUU;
                agrees_with_cg(&d, RACAH_TP_GAUNT, 3, limit(dtype), 7);
                agrees_with_cg(&d, RACAH_TP_GRID, 3, limit(dtype), 7);
                agrees_with_cg(&d, RACAH_TP_CP, 3, limit(dtype), 7);
            }
}

static void test_tp_matrix_and_vector_agree(void **state)
{
    (void)state;
    for (int L = 0; L <= 5; L++)
        for (int c = 0; c < 5; c++)
            for (int dtype = 0; dtype < 2; dtype++) {
                racah_tp_weights w = (racah_tp_weights)(1 + (L + c) % 4);
                int C = channels[c], C2 = (L + c) % 2 ? 1 : C;
                racah_tp_desc d = short_form(RACAH_TP_FAMILY_MATRIX, L, C, C2, w, dtype);
                agrees_with_cg(&d, RACAH_TP_MATRIX, 2, limit(dtype), 8);
                if (L == 0) continue; /* no odd path */
                d = short_form(RACAH_TP_FAMILY_POISSON, L, C, C2, w, dtype);
                agrees_with_cg(&d, RACAH_TP_VECTOR, 2, limit(dtype), 8);
            }
}

static void test_tp_cp_agrees_on_component_family(void **state)
{
    (void)state;
    for (int irrep = 0; irrep < 3; irrep++)
        for (int path = 0; path < 3; path++)
            for (int all = 0; all < 2; all++)
                for (int L = 1; L <= 3; L++) {
                    racah_tp_desc d =
                        short_form(RACAH_TP_FAMILY_COMPONENT, L, 4, 4, RACAH_TP_W_SHARED, path % 2);
                    d.irrep_normalization = (racah_tp_irrep_normalization)irrep;
                    d.path_normalization = (racah_tp_path_normalization)path;
                    static const char *const e[] = {"4x0e+4x1e", "4x0e+4x1e+4x2e", "4x0e+4x1e+4x2e+4x3e"};
                    if (all) d.irreps_in1 = d.irreps_in2 = d.irreps_out = e[L - 1];
                    /* irrep none divides by sqrt(2 l3+1), which is separable too */
                    agrees_with_cg(&d, RACAH_TP_CP, 2, path % 2 ? 1e-5 : 1e-12, 9);
                }
}

/* so2 with a weight for each path, odd paths, unequal multiplicities, outputs beyond the reach. */
static void test_tp_so2_agrees_with_path_weights(void **state)
{
    (void)state;
    for (int dtype = 0; dtype < 2; dtype++)
        for (int common = 0; common < 2; common++) {
            racah_tp_desc d;
            racah_tp_desc_init(&d);
            d.irreps_in1 = "5x2e+7x0e+9x1o+5x1e", d.irreps_in2 = "2e+0e+1o+3o";
            d.irreps_out = "9x1o+9x1e+5x2e+7x3o+5x3o+5x4e+7x0e+5x0o+3x5e+9x2o";
            d.second = RACAH_TP_SECOND_DIRECTION, d.dtype = (racah_tp_dtype)dtype, d.weights_common = common;
            const racah_tp_instruction ins[] = {
                {0, 0, 2, RACAH_TP_UVU, 1, 1}, {0, 3, 4, RACAH_TP_UVU, 1, 2}, {0, 0, 5, RACAH_TP_UVU, 1, 1},
                {1, 3, 3, RACAH_TP_UVU, 1, 1}, {2, 1, 0, RACAH_TP_UVU, 0, 1}, {2, 0, 0, RACAH_TP_UVU, 1, 1},
                {2, 2, 1, RACAH_TP_UVU, 1, 3}, {3, 2, 7, RACAH_TP_UVU, 1, 1}, {2, 0, 9, RACAH_TP_UVU, 1, 1},
                {1, 1, 6, RACAH_TP_UVU, 1, 1}, {3, 0, 2, RACAH_TP_UVU, 1, 1}};
            d.instructions = ins, d.ninstructions = sizeof ins / sizeof *ins;
            agrees_with_cg(&d, RACAH_TP_SO2, 5, limit(dtype), 10);
        }
}

/* Directions on the axes, next to the poles, very short, and zero. */
static void test_tp_so2_agrees_at_special_directions(void **state)
{
    (void)state;
    static const double special[][3] = {{0, 1, 0},           {0, -1, 0},   {1, 0, 0},      {0, 0, -1},
                                        {1e-9, -1, 1e-9},    {1e-8, 1, 0}, {1, 1e-12, -1}, {1, -1e-12, -1},
                                        {3e-8, -2e-8, 1e-8}, {0, 0, 0}};
    racah_tp_desc d = short_form(RACAH_TP_FAMILY_COMPONENT, 3, 4, 1, RACAH_TP_W_PATH, 0);
    d.second = RACAH_TP_SECOND_DIRECTION;
    racah_tp_plan *p = plan_of(d, RACAH_TP_SO2), *q = plan_of(d, RACAH_TP_CG);
    uint64_t s1 = 3, s2 = 3;
    tp_case a, b;
    size_t n = sizeof special / sizeof *special;
    tp_case_make(&a, p, false, n, &s1), tp_case_make(&b, q, false, n, &s2);
    memcpy(a.y, special, sizeof special), memcpy(b.y, special, sizeof special);
    tp_case_run(&a, p, RACAH_TP_F64), tp_case_run(&b, q, RACAH_TP_F64);
    for (size_t i = 0; i < n; i++) {
        RACAH_ASSERT_CLOSE_AT(i, tp_difference(a.z + i * a.d3, b.z + i * a.d3, a.d3), 0, 1e-12, 0);
        RACAH_ASSERT_CLOSE_AT(i, tp_difference(a.dx + i * a.d1, b.dx + i * a.d1, a.d1), 0, 1e-12, 0);
        RACAH_ASSERT_CLOSE_AT(i, tp_difference(a.dy + i * 3, b.dy + i * 3, 3), 0, 1e-12, 0);
        RACAH_ASSERT_CLOSE_AT(i, tp_difference(a.dw + i * a.nw, b.dw + i * a.nw, a.nw), 0, 1e-12, 0);
    }
    tp_case_free(&a), tp_case_free(&b);
    racah_tp_plan_destroy(p), racah_tp_plan_destroy(q);
}

/* ---- equivariance ------------------------------------------------------------------------------------------ */

static void transform(const racahi_irreps *s, const double *D, bool invert, const double *x, double *out)
{
    for (size_t b = 0; b < s->n; b++) {
        const racahi_irrep *q = &s->block[b];
        const double *Dl = D + RACAHI_WIGNER_D_OFFSET(q->l);
        int n = 2 * q->l + 1;
        for (int u = 0; u < q->mul; u++)
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int j = 0; j < n; j++) sum += Dl[i * n + j] * x[q->offset + (size_t)(j * q->mul + u)];
                out[q->offset + (size_t)(i * q->mul + u)] = invert ? q->p * sum : sum;
            }
    }
}

/* |z(D x, D y) - D z(x, y)| over the largest |z|, with a random rotation, and with inversion on top. */
static double equivariance_error(const racah_tp_desc *d, racah_tp_algorithm a, bool invert, uint64_t *seed)
{
    racah_error err;
    racah_tp_plan *p = plan_of(*d, a);
    tp_oracle o;
    tp_case c, r;
    tp_oracle_make(&o, d, p);
    tp_case_make(&c, p, false, 3, seed), tp_case_make(&r, p, false, 3, seed);
    double R[9], D[RACAHI_WIGNER_D_SIZE(RACAH_SPH_LMAX)], *want = calloc(3 * c.d3, 8);
    racah_test_rotation(seed, R);
    RACAH_ASSERT_OK(racahi_wigner_d_from_matrix(RACAH_SPH_LMAX, R, D, &err));
    memcpy(r.w, c.w, c.wlen * 8);
    for (size_t i = 0; i < 3; i++) {
        transform(&o.in1, D, invert, c.x + i * c.d1, r.x + i * c.d1);
        if (d->second == RACAH_TP_SECOND_DIRECTION)
            for (int k = 0; k < 3; k++)
                r.y[3 * i + (size_t)k] =
                    (invert ? -1 : 1) *
                    (R[3 * k] * c.y[3 * i] + R[3 * k + 1] * c.y[3 * i + 1] + R[3 * k + 2] * c.y[3 * i + 2]);
        else
            transform(&o.in2, D, invert, c.y + i * c.d2, r.y + i * c.d2);
    }
    tp_case_run(&c, p, RACAH_TP_F64), tp_case_run(&r, p, RACAH_TP_F64);
    for (size_t i = 0; i < 3; i++) transform(&o.out, D, invert, c.z + i * c.d3, want + i * c.d3);
    double e = tp_difference(r.z, want, 3 * c.d3);
    free(want), tp_case_free(&c), tp_case_free(&r), tp_oracle_free(&o);
    racah_tp_plan_destroy(p);
    return e;
}

static void test_tp_algorithms_are_equivariant(void **state)
{
    (void)state;
    static const struct {
        racah_tp_family family;
        racah_tp_algorithm algorithm;
        racah_tp_second second;
    } cases[] = {{RACAH_TP_FAMILY_COMPONENT, RACAH_TP_CG, 0}, {RACAH_TP_FAMILY_COMPONENT, RACAH_TP_SO2, 1},
                 {RACAH_TP_FAMILY_GAUNT, RACAH_TP_CG, 0},     {RACAH_TP_FAMILY_GAUNT, RACAH_TP_GAUNT, 0},
                 {RACAH_TP_FAMILY_GAUNT, RACAH_TP_GRID, 0},   {RACAH_TP_FAMILY_GAUNT, RACAH_TP_CP, 0},
                 {RACAH_TP_FAMILY_GAUNT, RACAH_TP_SO2, 1},    {RACAH_TP_FAMILY_MATRIX, RACAH_TP_MATRIX, 0},
                 {RACAH_TP_FAMILY_MATRIX, RACAH_TP_CG, 0},    {RACAH_TP_FAMILY_POISSON, RACAH_TP_VECTOR, 0},
                 {RACAH_TP_FAMILY_POISSON, RACAH_TP_CG, 0},   {RACAH_TP_FAMILY_COMPONENT, RACAH_TP_CP, 0}};
    uint64_t seed = 21;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int L = 1; L <= 4; L++)
            for (int invert = 0; invert < 2; invert++) {
                racah_tp_desc d =
                    short_form(cases[i].family, L, 3, cases[i].second ? 1 : 3, RACAH_TP_W_SHARED, 0);
                d.second = cases[i].second;
                RACAH_ASSERT_CLOSE_AT(i, equivariance_error(&d, cases[i].algorithm, invert, &seed), 0, 1e-12,
                                      0);
            }
}

/* Leaving out large |m| keeps equivariance and changes the numbers; keeping all of them changes nothing. */
static void test_tp_so2_truncation_is_equivariant(void **state)
{
    (void)state;
    uint64_t seed = 22;
    racah_tp_desc d = short_form(RACAH_TP_FAMILY_COMPONENT, 3, 5, 1, RACAH_TP_W_PATH, 0);
    d.second = RACAH_TP_SECOND_DIRECTION;
    for (d.mmax = 0; d.mmax <= 3; d.mmax++) {
        for (int invert = 0; invert < 2; invert++)
            RACAH_ASSERT_CLOSE(equivariance_error(&d, RACAH_TP_SO2, invert, &seed), 0, 1e-12, 0);
        racah_tp_desc all = d;
        all.mmax = -1;
        racah_tp_plan *p = plan_of(d, RACAH_TP_SO2), *q = plan_of(all, RACAH_TP_CG);
        uint64_t s1 = 4, s2 = 4;
        tp_case a, b;
        tp_case_make(&a, p, false, 2, &s1), tp_case_make(&b, q, false, 2, &s2);
        tp_case_run(&a, p, RACAH_TP_F64), tp_case_run(&b, q, RACAH_TP_F64);
        double e = tp_difference(a.z, b.z, 2 * a.d3);
        if (d.mmax == 3)
            RACAH_ASSERT_CLOSE(e, 0, 1e-12, 0);
        else
            assert_true(e > 1e-2);
        /* z is linear in x and w, so their gradients give E = dz.z exactly; the direction by central differences */
        double E = 0, Ex = 0, Ew = 0;
        for (size_t i = 0; i < 2 * a.d3; i++) E += a.z[i] * a.dz[i];
        for (size_t i = 0; i < 2 * a.d1; i++) Ex += a.x[i] * a.dx[i];
        for (size_t i = 0; i < a.wlen; i++) Ew += a.w[i] * a.dw[i];
        RACAH_ASSERT_CLOSE(Ex, E, 1e-11, 1e-12);
        RACAH_ASSERT_CLOSE(Ew, E, 1e-11, 1e-12);
        double *dy = calloc(6, 8);
        memcpy(dy, a.dy, 6 * 8);
        for (size_t i = 0; i < 6; i++) {
            double y = a.y[i], h = 1e-5, side[2];
            for (int s = 0; s < 2; s++) {
                a.y[i] = y + (s ? h : -h);
                tp_case_run(&a, p, RACAH_TP_F64);
                side[s] = 0;
                for (size_t k = 0; k < 2 * a.d3; k++) side[s] += a.z[k] * a.dz[k];
            }
            a.y[i] = y;
            RACAH_ASSERT_CLOSE_AT(i, dy[i], (side[1] - side[0]) / (2 * h), 1e-5,
                                  1e-7); /* h^2 and rounding / h */
        }
        free(dy), tp_case_free(&a), tp_case_free(&b);
        racah_tp_plan_destroy(p), racah_tp_plan_destroy(q);
    }
}

/* Every even triple is in reach of grid, every odd one of vector: together they span all paths. */
static void test_tp_families_reach_every_triple(void **state)
{
    (void)state;
    racah_error err;
    static double C[13 * 13 * 13];
    for (int l1 = 0; l1 <= 6; l1++)
        for (int l2 = 0; l2 <= 6; l2++)
            for (int l3 = abs(l1 - l2); l3 <= 6 && l3 <= l1 + l2; l3++)
                for (int odd = 0; odd < 2; odd++) {
                    racah_tp_family f = odd ? RACAH_TP_FAMILY_POISSON : RACAH_TP_FAMILY_GAUNT;
                    RACAH_ASSERT_OK(racah_tp_coefficients(f, 0, l1, l2, l3, RACAH_CG_E3NN_06, C, &err));
                    double norm = 0;
                    for (int i = 0; i < (2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1); i++) norm += C[i] * C[i];
                    if ((l1 + l2 + l3) % 2 == odd)
                        assert_true(norm > 1e-2);
                    else
                        RACAH_ASSERT_CLOSE(norm, 0, 0, 0);
                }
}

/* The product of matrices is associative; L = 1 gives the quaternions: i^2 = j^2 = k^2 = -1 for unit vectors. */
static void test_tp_matrix_family_is_an_algebra(void **state)
{
    (void)state;
    for (int L = 1; L <= 4; L++) {
        racah_tp_desc d = short_form(RACAH_TP_FAMILY_MATRIX, L, 2, 2, RACAH_TP_W_NONE, 0);
        racah_tp_plan *p = plan_of(d, RACAH_TP_MATRIX);
        uint64_t seed = 5;
        tp_case ab, bc, left, right;
        tp_case_make(&ab, p, false, 1, &seed), tp_case_make(&bc, p, false, 1, &seed);
        tp_case_make(&left, p, false, 1, &seed), tp_case_make(&right, p, false, 1, &seed);
        size_t n = ab.d1 * 8;
        memcpy(bc.x, ab.y, n), memcpy(left.y, bc.y, n), memcpy(right.x, ab.x, n);
        tp_case_run(&ab, p, RACAH_TP_F64), tp_case_run(&bc, p, RACAH_TP_F64);
        memcpy(left.x, ab.z, n), memcpy(right.y, bc.z, n);
        tp_case_run(&left, p, RACAH_TP_F64), tp_case_run(&right, p, RACAH_TP_F64);
        RACAH_ASSERT_CLOSE(tp_difference(left.z, right.z, left.d3), 0, 1e-13, 0);
        tp_case_free(&ab), tp_case_free(&bc), tp_case_free(&left), tp_case_free(&right);
        racah_tp_plan_destroy(p);
    }
    racah_error err;
    double C[3 * 3 * 1], one[27];
    RACAH_ASSERT_OK(racah_tp_coefficients(RACAH_TP_FAMILY_MATRIX, 1, 1, 1, 0, RACAH_CG_E3NN_06, C, &err));
    for (int i = 0; i < 9; i++) RACAH_ASSERT_CLOSE_AT(i, C[i], i % 4 == 0 ? -1 : 0, 1e-15, 0);
    RACAH_ASSERT_OK(racah_tp_coefficients(RACAH_TP_FAMILY_MATRIX, 1, 1, 1, 1, RACAH_CG_E3NN_06, one, &err));
    RACAH_ASSERT_CLOSE(fabs(one[5]), 1, 1e-15, 0);  /* x y = +- z */
    RACAH_ASSERT_CLOSE(one[5], -one[11], 1e-15, 0); /* y x = -+ z */
}

/* ---- refusals, auto, threads --------------------------------------------------------------------------------- */

static void refused(racah_tp_desc d, racah_tp_algorithm a, racah_status code, const char *reason)
{
    racah_error err = {0};
    racah_tp_plan *plan = (racah_tp_plan *)&err;
    d.algorithm = a;
    assert_int_equal(racah_tp_plan_create(&plan, &d, &err), code);
    assert_null(plan);
    if (!strstr(err.msg, reason)) print_error("message \"%s\" does not say \"%s\"\n", err.msg, reason);
    assert_non_null(strstr(err.msg, reason));
}

static void test_tp_algorithms_refuse_with_reasons(void **state)
{
    (void)state;
    racah_tp_desc d = short_form(RACAH_TP_FAMILY_GAUNT, 2, 4, 1, RACAH_TP_W_PATH, 0);
    static const racah_tp_algorithm factored[] = {RACAH_TP_GAUNT, RACAH_TP_GRID, RACAH_TP_CP};
    for (int i = 0; i < 3; i++) refused(d, factored[i], RACAH_EINVAL, "does not factor");
    refused(d, RACAH_TP_SO2, RACAH_EINVAL, "RACAH_TP_SECOND_DIRECTION");
    refused(d, RACAH_TP_MATRIX, RACAH_EINVAL, "family matrix");
    refused(d, RACAH_TP_VECTOR, RACAH_EINVAL, "family poisson");
    d.weights = RACAH_TP_W_SHARED, d.second = RACAH_TP_SECOND_DIRECTION, d.mmax = 1;
    refused(d, RACAH_TP_GRID, RACAH_EINVAL, "only so2");
    d.mmax = -1, d.family = RACAH_TP_FAMILY_COMPONENT;
    refused(d, RACAH_TP_GRID, RACAH_EINVAL, "family gaunt");
    refused(d, RACAH_TP_GAUNT, RACAH_EINVAL, "family gaunt");
    d.family = RACAH_TP_FAMILY_MATRIX, d.second = RACAH_TP_SECOND_ANY;
    refused(d, RACAH_TP_CP, RACAH_EUNSUPPORTED, "gaunt and component only");
    d.irreps_in1 = "4x0e+4x1o", d.irreps_in2 = "0e+1o", d.irreps_out = "4x0e+4x1o", d.mode = RACAH_TP_UVU;
    refused(d, RACAH_TP_MATRIX, RACAH_EINVAL, "parity forbids");
    d.family = RACAH_TP_FAMILY_GAUNT;
    racah_tp_instruction some[] = {{0, 0, 0, RACAH_TP_UVU, 1, 1},
                                   {0, 1, 1, RACAH_TP_UVU, 1, 1},
                                   {1, 0, 1, RACAH_TP_UVU, 1, 1},
                                   {1, 1, 0, RACAH_TP_UVU, 1, 1}};
    d.instructions = some, d.ninstructions = 3;
    refused(d, RACAH_TP_GRID, RACAH_EINVAL, "blocks 1, 1, 0 is there 0 times");
    d.ninstructions = 4, some[2].path_weight = 2;
    refused(d, RACAH_TP_GRID, RACAH_EINVAL, "path_weight of instruction 2");
    d.instructions = NULL, d.irreps_in2 = "2x0e+2x1o", d.weights = RACAH_TP_W_NONE;
    refused(d, RACAH_TP_GRID, RACAH_EINVAL, "one multiplicity throughout");
    racah_tp_algorithm a;
    assert_int_equal(racah_tp_algorithm_find("grid", &a, NULL), RACAH_OK);
    assert_int_equal(a, RACAH_TP_GRID);
    assert_int_equal(racah_tp_algorithm_find("fft", &a, NULL), RACAH_EINVAL);
    assert_null(racah_tp_algorithm_name((racah_tp_algorithm)99));
}

static void test_tp_auto_keeps_an_exact_one(void **state)
{
    (void)state;
    racah_error err;
    racah_tp_cache *cache;
    RACAH_ASSERT_OK(racah_tp_cache_create(&cache, &err));
    for (int dtype = 0; dtype < 2; dtype++) {
        racah_tp_desc d = short_form(RACAH_TP_FAMILY_GAUNT, 2, 8, 1, RACAH_TP_W_SHARED, dtype);
        d.second = RACAH_TP_SECOND_DIRECTION, d.auto_n = 4;
        agrees_with_cg(&d, RACAH_TP_AUTO, 3, limit(dtype), 31);
        d.cache = cache;
        racah_tp_info first, again;
        racah_tp_plan *p = plan_of(d, RACAH_TP_AUTO);
        racah_tp_plan_info(p, &first);
        racah_tp_plan_destroy(p);
        assert_true(first.algorithm > RACAH_TP_AUTO && first.algorithm <= RACAH_TP_CP);
        for (int i = 0; i < 5; i++) { /* the cache decides now */
            p = plan_of(d, RACAH_TP_AUTO);
            racah_tp_plan_info(p, &again);
            assert_int_equal(again.algorithm, first.algorithm);
            racah_tp_plan_destroy(p);
        }
        d.mmax = 1, d.cache = NULL; /* only so2 can */
        p = plan_of(d, RACAH_TP_AUTO);
        racah_tp_plan_info(p, &again);
        assert_int_equal(again.algorithm, RACAH_TP_SO2);
        racah_tp_plan_destroy(p);
    }
    racah_tp_desc d = short_form(RACAH_TP_FAMILY_COMPONENT, 2, 3, 3, RACAH_TP_W_PATH, 0);
    racah_tp_plan *p = plan_of(d, RACAH_TP_AUTO); /* a weight for each path, any second input: cg alone */
    racah_tp_info info;
    racah_tp_plan_info(p, &info);
    assert_int_equal(info.algorithm, RACAH_TP_CG);
    racah_tp_plan_destroy(p);
    racah_tp_cache_destroy(cache);
    racah_tp_cache_destroy(NULL);
    assert_int_equal(racah_tp_cache_create(NULL, &err), RACAH_EINVAL);
}

typedef struct thread_work {
    const racah_tp_plan *plan;
    tp_case c;
} thread_work;

static void *run_in_thread(void *arg)
{
    thread_work *t = arg;
    for (int i = 0; i < 20; i++) tp_case_run(&t->c, t->plan, RACAH_TP_F64);
    return NULL;
}

/* One plan, two threads, the same bits. */
static void test_tp_plans_are_reentrant(void **state)
{
    (void)state;
    static const racah_tp_algorithm all[] = {RACAH_TP_CG, RACAH_TP_SO2, RACAH_TP_GAUNT, RACAH_TP_GRID,
                                             RACAH_TP_CP};
    for (int i = 0; i < 5; i++) {
        racah_tp_desc d = short_form(RACAH_TP_FAMILY_GAUNT, 2, 5, 1, RACAH_TP_W_DEGREE, 0);
        d.second = RACAH_TP_SECOND_DIRECTION;
        racah_tp_plan *p = plan_of(d, all[i]);
        thread_work work[2];
        pthread_t id[2];
        for (int t = 0; t < 2; t++) {
            uint64_t seed = 6;
            work[t].plan = p;
            tp_case_make(&work[t].c, p, false, 20, &seed);
            assert_int_equal(pthread_create(&id[t], NULL, run_in_thread, &work[t]), 0);
        }
        for (int t = 0; t < 2; t++) assert_int_equal(pthread_join(id[t], NULL), 0);
        const tp_case *a = &work[0].c, *b = &work[1].c;
        assert_memory_equal(a->z, b->z, 20 * a->d3 * 8);
        assert_memory_equal(a->dy, b->dy, 20 * a->d2 * 8);
        assert_memory_equal(a->dw, b->dw, a->wlen * 8);
        for (int t = 0; t < 2; t++) tp_case_free(&work[t].c);
        racah_tp_plan_destroy(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tp_gaunt_family_agrees),
        cmocka_unit_test(test_tp_gaunt_family_agrees_on_any_blocks),
        cmocka_unit_test(test_tp_matrix_and_vector_agree),
        cmocka_unit_test(test_tp_cp_agrees_on_component_family),
        cmocka_unit_test(test_tp_so2_agrees_with_path_weights),
        cmocka_unit_test(test_tp_so2_agrees_at_special_directions),
        cmocka_unit_test(test_tp_algorithms_are_equivariant),
        cmocka_unit_test(test_tp_so2_truncation_is_equivariant),
        cmocka_unit_test(test_tp_families_reach_every_triple),
        cmocka_unit_test(test_tp_matrix_family_is_an_algebra),
        cmocka_unit_test(test_tp_algorithms_refuse_with_reasons),
        cmocka_unit_test(test_tp_auto_keeps_an_exact_one),
        cmocka_unit_test(test_tp_plans_are_reentrant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
