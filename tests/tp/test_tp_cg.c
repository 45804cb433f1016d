/* SPDX-License-Identifier: MIT
 * Plans with algorithm cg: e3nn's golden numbers, the dense oracle in every mode, normalisation and weight.
 */
#include "tp_oracle.h"

#include "tp_kernel.h"

#include <jansson.h>

/* ---- golden numbers of e3nn -------------------------------------------------------------------- */

static double *numbers(json_t *rows, size_t *n)
{
    *n = json_array_size(rows);
    size_t m = json_array_size(json_array_get(rows, 0));
    double *a = calloc(*n * m + 1, sizeof *a);
    for (size_t i = 0; i < *n; i++)
        for (size_t j = 0; j < m; j++)
            a[i * m + j] = json_number_value(json_array_get(json_array_get(rows, i), j));
    return a;
}

static void compare_golden(json_t *golden, const char *key, const double *mine, size_t len)
{
    size_t n;
    double *want = numbers(json_object_get(golden, key), &n);
    for (size_t i = 0; i < len; i++) RACAH_ASSERT_CLOSE_AT(i, mine[i], want[i], 1e-12, 1e-12);
    free(want);
}

static void golden_case(json_t *g)
{
    racah_error err;
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.irreps_in1 = json_string_value(json_object_get(g, "irreps_in1"));
    d.irreps_in2 = json_string_value(json_object_get(g, "irreps_in2"));
    d.irreps_out = json_string_value(json_object_get(g, "irreps_out"));
    racah_tp_mode mode =
        strcmp(json_string_value(json_object_get(g, "mode")), "uvw") == 0 ? RACAH_TP_UVW : RACAH_TP_UVU;
    json_t *list = json_object_get(g, "instructions");
    racah_tp_instruction ins[64];
    d.ninstructions = json_array_size(list);
    assert_in_range(d.ninstructions, 1, 64);
    for (size_t i = 0; i < d.ninstructions; i++) {
        json_t *t = json_array_get(list, i);
        ins[i] = (racah_tp_instruction){(int)json_integer_value(json_array_get(t, 0)),
                                        (int)json_integer_value(json_array_get(t, 1)),
                                        (int)json_integer_value(json_array_get(t, 2)),
                                        mode,
                                        1,
                                        1.0};
    }
    d.instructions = ins;
    d.layout = RACAH_TP_MUL_IR;
    racah_tp_plan *plan;
    RACAH_ASSERT_OK(racah_tp_plan_create(&plan, &d, &err));
    for (size_t i = 0; i < d.ninstructions; i++) { /* e3nn prints the normalised coefficient of each path */
        double c;
        racah_tp_plan_instruction(plan, i, NULL, NULL, &c);
        RACAH_ASSERT_CLOSE_AT(i, c, json_number_value(json_array_get(json_array_get(list, i), 3)), 0, 1e-15);
    }
    tp_case c;
    uint64_t seed = 1;
    size_t n;
    tp_case_make(&c, plan, false, 2, &seed);
    free(c.x), free(c.y), free(c.w), free(c.dz);
    c.x = numbers(json_object_get(g, "x"), &n);
    assert_int_equal(n, 2);
    c.y = numbers(json_object_get(g, "y"), &n), c.w = numbers(json_object_get(g, "w"), &n);
    c.dz = numbers(json_object_get(g, "grad_z"), &n);
    tp_case_run(&c, plan, RACAH_TP_F64);
    compare_golden(g, "z", c.z, 2 * c.d3);
    compare_golden(g, "grad_x", c.dx, 2 * c.d1);
    compare_golden(g, "grad_y", c.dy, 2 * c.d2);
    compare_golden(g, "grad_w", c.dw, c.wlen);
    tp_case_free(&c);
    racah_tp_plan_destroy(plan);
}

static void test_tp_matches_e3nn(void **state)
{
    (void)state;
    json_error_t why;
    json_t *root = json_load_file(RACAH_SHARED_DIR "/golden/e3nn_tensor_product.json", 0, &why);
    if (!root) {
        print_message("the table of e3nn tensor products is not on this machine: skipped\n");
        skip();
    }
    json_t *cases = json_object_get(root, "cases");
    assert_int_equal(json_array_size(cases), 4);
    for (size_t i = 0; i < json_array_size(cases); i++) golden_case(json_array_get(cases, i));
    json_decref(root);
}

/* ---- oracle ---------------------------------------------------------------------------------------- */

static void check(const racah_tp_desc *d, size_t n, uint64_t *seed)
{
    racah_error err;
    racah_tp_plan *plan;
    RACAH_ASSERT_OK(racah_tp_plan_create(&plan, d, &err));
    tp_check_oracle(d, plan, n, d->dtype == RACAH_TP_F64 ? 1e-13 : 1e-5, seed);
    racah_tp_plan_destroy(plan);
}

/* Every mode on irreps in any order, both parities, with terms that repeat and outputs that no path reaches.
 */
static void test_tp_cg_modes_match_oracle(void **state)
{
    (void)state;
    static const struct {
        racah_tp_mode mode;
        const char *in1, *in2, *out;
    } cases[] = {
        {RACAH_TP_UVU, "5x2e+5x0e+5x1o", "3x1o+2x0e+1x2e", "5x1o + 5x3o + 5x0o + 5x2e + 5x1e + 5x1o + 5x4o"},
        {RACAH_TP_UVV, "2x1o+3x0e", "17x1o+17x2e+17x0e", "17x1o+17x1e+17x2e+17x0e"},
        {RACAH_TP_UUU, "9x0e+9x1o+9x2e+9x1e", "9x1o+9x0e+9x2o", "9x0e+9x1e+9x3o+9x2e+9x1o"},
        {RACAH_TP_UUW, "6x0e+6x1o+6x2e", "6x1o+6x0e+6x2e", "4x0e+1x1e+7x3o+9x2e+2x1o"},
        {RACAH_TP_UVW, "6x0e+3x1o+2x2e", "4x1o+1x0e+5x3e", "4x0e+1x1e+7x3o+9x2e+2x1o+1x0e+17x1o"},
        {RACAH_TP_UVW, "0x0e+3x1o+2x0e", "4x1o+0x0e", "4x0e+0x1e+3x1o"},
        /* paths of either parity have the same coefficients and share K, of one copy or several */
        {RACAH_TP_UVU, "5x0o+5x0e+5x1o+5x1e+5x2o+5x2e", "0e+1o+2e", "5x0o+5x0e+5x1o+5x1e+5x2o+5x2e"},
        {RACAH_TP_UVU, "3x1o+3x1e", "2x1o", "3x1o+3x1e"},
        {RACAH_TP_UVV, "2x1o", "3x1o+3x1e", "3x1o+3x1e"},
    };
    uint64_t seed = 11;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int dtype = 0; dtype < 2; dtype++)
            for (int k = 0; k < 9; k++) {
                racah_tp_desc d;
                racah_tp_desc_init(&d);
                d.irreps_in1 = cases[i].in1, d.irreps_in2 = cases[i].in2, d.irreps_out = cases[i].out;
                d.mode = cases[i].mode, d.dtype = (racah_tp_dtype)dtype;
                d.irrep_normalization = (racah_tp_irrep_normalization)(k % 3);
                d.path_normalization = (racah_tp_path_normalization)(k / 3);
                d.weights_common = k % 2;
                d.signs = k % 2 ? RACAH_CG_E3NN_044 : RACAH_CG_E3NN_06;
                check(&d, k == 0 ? 19 : 2, &seed);
            }
}

/* Instructions of mixed modes, path weights, paths without weight, the same path twice. */
static void test_tp_cg_instructions_match_oracle(void **state)
{
    (void)state;
    const racah_tp_instruction ins[] = {
        {0, 0, 0, RACAH_TP_UVU, 0, 1.0}, {1, 0, 1, RACAH_TP_UVW, 1, 0.3}, {1, 1, 0, RACAH_TP_UUU, 1, 2.0},
        {1, 1, 0, RACAH_TP_UUU, 0, 1.0}, {0, 1, 1, RACAH_TP_UVV, 0, 0.7}, {1, 1, 2, RACAH_TP_UUW, 1, 1.0},
        {0, 0, 0, RACAH_TP_UVU, 1, 0.0}, {1, 0, 1, RACAH_TP_UVV, 1, 1.5}, {1, 1, 0, RACAH_TP_UVU, 1, 0.9}};
    uint64_t seed = 12;
    for (int dtype = 0; dtype < 2; dtype++) {
        racah_tp_desc d;
        racah_tp_desc_init(&d);
        d.irreps_in1 = "4x0e+4x1o", d.irreps_in2 = "4x0e+4x1o", d.irreps_out = "4x0e+4x1o+3x2e";
        d.instructions = ins, d.ninstructions = sizeof ins / sizeof *ins;
        d.dtype = (racah_tp_dtype)dtype;
        check(&d, 3, &seed);
    }
}

/* Weights per channel, every family, y for each channel or one for all. */
static void test_tp_cg_weights_match_oracle(void **state)
{
    (void)state;
    static const int channels[] = {1, 3, 8, 17, 64};
    uint64_t seed = 13;
    for (int family = 0; family < 4; family++)
        for (int weights = 0; weights < 5; weights++)
            for (size_t i = 0; i < 5; i++)
                for (int k = 0; k < 4; k++) {
                    racah_tp_desc d;
                    racah_tp_desc_init(&d);
                    d.C = channels[i], d.C2 = k & 1 ? 1 : d.C;
                    d.l1max = 2, d.l2max = 3, d.l3max = 2;
                    d.family = (racah_tp_family)family, d.weights = (racah_tp_weights)weights;
                    d.dtype = k & 2 ? RACAH_TP_F32 : RACAH_TP_F64;
                    d.weights_common = weights == 2;
                    check(&d, 2, &seed);
                }
}

/* Every instruction set's kernels give what plain loops give, whole vectors and remainders: apply, and a sum of two
 * terms (the second a multiple of the identity) added or past the caches. */
static void test_tp_kernels_of_every_isa_agree(void **state)
{
    (void)state;
    uint64_t seed = 17;
    enum { N1 = 7, N3 = 9, CMAX = 37, NX = N3 * CMAX, NZ = N3 * CMAX, NK = N1 * N3 };
    double x[NX], w[CMAX], K[NK + 1], KT[NK + 1];
    double *z[3] = {racahi_malloc(NZ, 8), racahi_malloc(NZ, 8), racahi_malloc(NZ, 8)}; /* aligned */
    for (int i = 0; i < NX; i++) x[i] = racah_test_normal(&seed);
    for (int i = 0; i < CMAX; i++) w[i] = racah_test_normal(&seed);
    for (int i = 0; i <= NK; i++) K[i] = racah_test_normal(&seed);
    for (size_t C = 1; C <= CMAX; C += C == 29 ? 3 : C == 32 ? 5 : 4)
        for (size_t n3 = 1; n3 <= N3; n3++)
            for (size_t n1 = 1; n1 <= N1; n1++)
                for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
                    for (int how = 0; how < 4; how++) {
                        const racahi_tp_kernels_f64 *k = racahi_tp_kernels_pick_f64((racahi_isa)isa);
                        bool weighted = how & 1, add = how & 2;
                        for (size_t i = 0; i < n3 * C; i++) z[0][i] = z[1][i] = z[2][i] = (double)i;
                        const double *wr = weighted ? w : NULL;
                        for (size_t a = 0; a < n3; a++)
                            for (size_t b = 0; b < n1; b++) KT[b * n3 + a] = K[a * n1 + b];
                        KT[NK] = K[NK];
                        const racahi_tp_term t[2] = {{n1, 0, 0, weighted ? 0 : RACAHI_TP_NO_WEIGHT, 0, 0},
                                                     {0, NK, 0, RACAHI_TP_NO_WEIGHT, 0, 0}};
                        const racahi_tp_operands_f64 o = {KT, x, w, NULL};
                        k->apply(n1, n3, C, K, x, C, wr, z[0], C, add);
                        k->sum(n3, C, 2, t, &o, z[2], 0, C,
                               add     ? RACAHI_TP_ADD
                               : C % 8 ? RACAHI_TP_SET
                                       : RACAHI_TP_STREAM);
                        for (size_t i = 0; i < n3 * C && !add; i++) z[1][i] = 0;
                        for (size_t a = 0; a < n3; a++)
                            for (size_t b = 0; b < n1; b++)
                                for (size_t c = 0; c < C; c++)
                                    z[1][a * C + c] += (weighted ? w[c] : 1) * K[a * n1 + b] * x[b * C + c];
                        RACAH_ASSERT_CLOSE(tp_difference(z[0], z[1], n3 * C), 0, 1e-14, 0);
                        for (size_t i = 0; i < n3 * C; i++) z[1][i] += K[NK] * x[i];
                        RACAH_ASSERT_CLOSE(tp_difference(z[2], z[1], n3 * C), 0, 1e-12,
                                           0); /* terms may cancel */
                    }
    for (int i = 0; i < 3; i++) racahi_free(z[i]);
}

/* Two sums at once are those that one call each gives, wherever the second one's operands are. */
static void test_tp_two_sums_at_once_equal_one_by_one(void **state)
{
    (void)state;
    uint64_t seed = 19;
    enum { N1 = 7, N3 = 9, C = 16, NX = 2 * N3 * C, NK = N1 * N3 };
    double x[NX], w[4 * C], K[NK + 1], *z[2] = {racahi_malloc(NX, 8), racahi_malloc(NX, 8)}; /* aligned */
    for (int i = 0; i < NX; i++) x[i] = racah_test_normal(&seed);
    for (int i = 0; i < 4 * C; i++) w[i] = racah_test_normal(&seed);
    for (int i = 0; i <= NK; i++) K[i] = racah_test_normal(&seed);
    const racahi_tp_kernels_f64 *k = racahi_tp_kernels_pick_f64(racahi_cpu_best());
    const racahi_tp_operands_f64 o = {K, x, w, NULL};
    for (size_t n3 = 1; n3 <= N3 && k->limits.vectors == 4 && C == 2 * k->limits.lanes; n3++)
        for (size_t n1 = 1; n1 <= N1; n1++)
            for (int how = RACAHI_TP_SET; how <= RACAHI_TP_STREAM; how++) {
                const size_t x1 = N3 * C, none = RACAHI_TP_NO_WEIGHT;
                const racahi_tp_term both[2] = {{n1, 0, x1, 0, -(ptrdiff_t)x1, 3 * C}, {0, NK, 0, none, (ptrdiff_t)x1, 0}};
                const racahi_tp_term one[2][2] = {{{n1, 0, x1, 0, 0, 0}, {0, NK, 0, none, 0, 0}},
                                                  {{n1, 0, 0, 3 * C, 0, 0}, {0, NK, x1, none, 0, 0}}};
                for (int i = 0; i < NX; i++) z[0][i] = z[1][i] = i;
                k->sum(n3, C, 2, both, &o, z[0], N3 * C, C, (racahi_tp_write)how);
                for (size_t i = 0; i < 2; i++)
                    k->sum(n3, C, 2, one[i], &o, z[1] + i * N3 * C, 0, C, (racahi_tp_write)how);
                RACAH_ASSERT_CLOSE(tp_difference(z[0], z[1], NX), 0, 1e-13, 0);
            }
    for (int i = 0; i < 2; i++) racahi_free(z[i]);
}

/* Each line of the three ranges is asked for once, and as many beyond them as make the parts equal. */
static void test_tp_ahead_asks_for_every_line_once(void **state)
{
    (void)state;
    enum { MOST = 40, STREAMS = RACAHI_TP_AHEAD_STREAMS };
    for (size_t a = 0; a < MOST; a += 3)
        for (size_t b = 0; b < MOST; b += b < 3 ? 1 : 7)
            for (size_t c = 0; c < MOST; c += c < 3 ? 1 : 5) {
                const size_t lines[3] = {a, b, c};
                unsigned char asked[3][2 * MOST] = {{0}};
                racahi_tp_ahead p;
                racahi_tp_ahead_plan(&p, lines, 1);
                size_t turns = 0, beyond = 0;
                for (size_t r = 0; r < p.nrun; r++, turns += p.runs[r - 1].turns)
                    for (size_t k = 0; k < STREAMS; k++)
                        for (size_t i = 0; i < p.runs[r].turns; i++)
                            asked[p.runs[r].range[k]][p.runs[r].from[k] / 64 + i]++;
                for (size_t k = 0; k < 3; k++)
                    for (size_t i = 0; i < 2 * MOST; i++) {
                        assert_true(i < lines[k] ? asked[k][i] == 1 : asked[k][i] <= 1);
                        beyond += i >= lines[k] && asked[k][i];
                    }
                assert_int_equal(turns, (a + b + c + STREAMS - 1) / STREAMS);
                assert_int_equal(beyond, turns * STREAMS - (a + b + c));
            }
}

/* The gradients of two terms with one K by plain loops; n1 = 0: K is one number. dK is added up over both. */
static void class_by_loops(const racahi_tp_class *t, const racahi_tp_sample_f64 *a, double *dK)
{
    const size_t n1 = t->n1 ? t->n1 : t->n3, C = t->C;
    memset(dK, 0, t->n1 * t->n3 * sizeof *dK + sizeof *dK);
    for (const racahi_tp_place *q = t->place; q < t->place + t->nplace; q++) {
        const bool weighted = q->w0 != RACAHI_TP_NO_WEIGHT;
        for (size_t c = 0; c < C; c++) {
            if (!(q->how & RACAHI_TP_ADD_W) && weighted) a->dw[q->w0 + c] = 0;
            for (size_t i = 0; i < n1; i++)
                if (!(q->how & RACAHI_TP_ADD_X)) a->dx[q->x0 + i * C + c] = 0;
            for (size_t i = 0; i < n1; i++)
                for (size_t j = 0; j < t->n3; j++) {
                    if (!t->n1 && i != j) continue;
                    const size_t e = t->n1 ? i * t->n3 + j : 0;
                    const double k = a->K[t->k0 + e], w = weighted ? a->w[q->w0 + c] : 1;
                    const double x = a->x[q->x0 + i * C + c], dz = a->dz[q->z0 + j * C + c];
                    a->dx[q->x0 + i * C + c] += w * k * dz;
                    dK[e] += w * x * dz;
                    if (weighted) a->dw[q->w0 + c] += k * x * dz;
                }
        }
    }
}

/* Every instruction set, all kinds of steps, whole vectors and remainders, set or added, past the caches or not; two
 * places of their own, or with one x, which no step may take at once, or four (of many channels: one). */
static void test_tp_class_gradients_of_every_isa_agree(void **state)
{
    (void)state;
    uint64_t seed = 18;
    static const size_t channels[] = {1, 4, 7, 8, 13, 16, 17, 29, 32, 37};
    enum { N = 11, CMAX = 37, NX = 2 * N * CMAX, NK = N * N };
    double x[NX], w[2 * CMAX], dz[NX], K[NK + 1], dK[2][NK + 8], sums[(NK + 8) * 8], scratch[2][NX];
    racahi_tp_step step[2 * NK];
    double *dx[2] = {racahi_malloc(NX, 8), racahi_malloc(NX, 8)}; /* aligned */
    double *dw[2] = {racahi_malloc(2 * CMAX, 8), racahi_malloc(2 * CMAX, 8)};
    for (int i = 0; i < NX; i++) x[i] = racah_test_normal(&seed), dz[i] = racah_test_normal(&seed);
    for (int i = 0; i < 2 * CMAX; i++) w[i] = racah_test_normal(&seed);
    for (int i = 0; i <= NK; i++) K[i] = racah_test_normal(&seed);
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        for (size_t n3 = 1; n3 <= N; n3++)
            for (size_t n1 = 0; n1 <= N; n1++)
                for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
                    for (int how = 0; how < 24; how++) {
                        const racahi_tp_kernels_f64 *k = racahi_tp_kernels_pick_f64((racahi_isa)isa);
                        const size_t C = channels[c], places = how < 16 ? 2 : C <= 16 ? 4 : 1, rows = n1 ? n1 : n3;
                        const bool weighted = how & 1, add = how & 2, stream = how & 4 && C % 8 == 0, one_x = how & 8;
                        const unsigned flags = (add ? RACAHI_TP_ADD_X : 0) | RACAHI_TP_OUT_X |
                                               (add && !stream ? RACAHI_TP_ADD_W : RACAHI_TP_OUT_W);
                        racahi_tp_place place[4];
                        for (size_t i = 0; i < places; i++)
                            place[i] = (racahi_tp_place){.x0 = i * rows * C,
                                                         .w0 = weighted ? i * C : RACAHI_TP_NO_WEIGHT,
                                                         .z0 = (places - 1 - i) * n3 * C,
                                                         .how = flags};
                        if (one_x) {
                            place[0].how &= ~(unsigned)RACAHI_TP_OUT_X;
                            place[1].x0 = 0, place[1].how |= RACAHI_TP_ADD_X;
                        }
                        const racahi_tp_class t = {n1, n3, C, 1, 0, places, place, how & 1};
                        for (int b = 0; b < 2; b++) {
                            for (int i = 0; i < NX; i++) dx[b][i] = scratch[0][i] = i % 8;
                            for (int i = 0; i < 2 * CMAX; i++) dw[b][i] = i % 8;
                        }
                        racahi_tp_sample_f64 a = {.K = K,
                                                  .x = x,
                                                  .w = w,
                                                  .dz = dz,
                                                  .dx = stream ? scratch[0] : dx[0],
                                                  .dw = stream ? scratch[1] : dw[0],
                                                  .x_out = dx[0],
                                                  .w_out = dw[0],
                                                  .sums = sums,
                                                  .how = RACAHI_TP_ADD_X | RACAHI_TP_ADD_W |
                                                         (stream ? RACAHI_TP_OUT_X | RACAHI_TP_OUT_W : 0)};
                        const racahi_tp_sample_f64 *const sides[2] = {&a, &a};
                        k->grad(racahi_tp_split(&k->limits, &t, step), step, sides);
                        k->lanes(n1 ? n1 * n3 : 1, sums, dK[0]);
                        a.dx = dx[1], a.dw = dw[1];
                        class_by_loops(&t, &a, dK[1]);
                        RACAH_ASSERT_CLOSE(tp_difference(dx[0], dx[1], NX), 0, 1e-13, 0);
                        RACAH_ASSERT_CLOSE(tp_difference(dw[0], dw[1], 2 * CMAX), 0, 1e-13, 0);
                        RACAH_ASSERT_CLOSE(tp_difference(dK[0], dK[1], n1 ? n1 * n3 : 1), 0, 1e-12,
                                           0); /* one number may cancel */
                    }
    for (int b = 0; b < 2; b++) racahi_free(dx[b]), racahi_free(dw[b]);
}

/* Above the sizes that fit the caches results are written past them: the same numbers as in small calls. */
static void test_tp_large_batches_equal_small_ones(void **state)
{
    (void)state;
    static const char *const irreps[] = {"32x0e+32x1o", "5x0e+5x1o"};
    for (int which = 0; which < 4; which++) {
        racah_error err;
        racah_tp_desc d;
        racah_tp_desc_init(&d);
        d.irreps_in1 = irreps[which & 1], d.irreps_in2 = "0e+1o", d.irreps_out = irreps[which & 1];
        d.mode = RACAH_TP_UVU, d.weights_common = which & 2;
        racah_tp_plan *plan;
        RACAH_ASSERT_OK(racah_tp_plan_create(&plan, &d, &err));
        racah_tp_info info;
        racah_tp_plan_info(plan, &info);
        const size_t n = ((size_t)17 << 20) / (8 * (info.dim1 + info.dim3 + info.nw)) + 1, part = 100;
        uint64_t seed = 23;
        tp_case c;
        tp_case_make(&c, plan, which & 2, n, &seed);
        tp_case_run(&c, plan, RACAH_TP_F64);
        void *ws = racahi_malloc(racah_tp_ws_size(plan), 1);
        double *z = racahi_malloc(part * c.d3, 8), *dx = racahi_malloc(part * c.d1, 8),
               *dy = racahi_malloc(part * c.d2, 8), *dw = racahi_malloc(part * info.nw, 8);
        for (size_t i = 0; i + part <= n; i += n - i < 3 * part ? 1 : 2 * part) {
            const double *w = c.w + (which & 2 ? 0 : i * info.nw), *x = c.x + i * c.d1, *y = c.y + i * c.d2;
            RACAH_ASSERT_OK(racah_tp_forward_f64(plan, ws, part, x, y, w, z, &err));
            RACAH_ASSERT_OK(
                racah_tp_backward_f64(plan, ws, part, x, y, w, c.dz + i * c.d3, dx, dy, dw, &err));
            assert_memory_equal(z, c.z + i * c.d3, part * c.d3 * 8);
            assert_memory_equal(dx, c.dx + i * c.d1, part * c.d1 * 8);
            assert_memory_equal(dy, c.dy + i * c.d2, part * c.d2 * 8);
            if (!(which & 2)) assert_memory_equal(dw, c.dw + i * info.nw, part * info.nw * 8);
        }
        racahi_free(ws), racahi_free(z), racahi_free(dx), racahi_free(dy), racahi_free(dw), tp_case_free(&c);
        racah_tp_plan_destroy(plan);
    }
}

/* ---- layouts, skipped outputs, calls ------------------------------------------------------------------ */

static void test_tp_skipped_gradients_change_nothing(void **state)
{
    (void)state;
    racah_error err;
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.irreps_in1 = "5x0e+3x1o", d.irreps_in2 = "2x1o+1x0e", d.irreps_out = "5x1o+3x1o+3x0e+3x1e";
    d.mode = RACAH_TP_UVU;
    const racah_tp_instruction ins[] = {{0, 0, 0, RACAH_TP_UVU, 1, 1},
                                        {1, 1, 1, RACAH_TP_UVU, 1, 1},
                                        {1, 0, 2, RACAH_TP_UVU, 1, 1},
                                        {1, 0, 3, RACAH_TP_UVU, 1, 1}};
    d.instructions = ins, d.ninstructions = 4;
    for (int layout = 0; layout < 2; layout++)
        for (int skip = 0; skip < 8; skip++) {
            d.layout = (racah_tp_layout)layout;
            racah_tp_plan *plan;
            RACAH_ASSERT_OK(racah_tp_plan_create(&plan, &d, &err));
            uint64_t seed = 5;
            tp_case c;
            tp_case_make(&c, plan, false, 20, &seed);
            tp_case_run(&c, plan, RACAH_TP_F64);
            double *dx = calloc(20 * c.d1, 8), *dy = calloc(20 * c.d2, 8), *dw = calloc(c.wlen, 8);
            void *ws = racahi_malloc(racah_tp_ws_size(plan), 1);
            RACAH_ASSERT_OK(racah_tp_backward_f64(plan, ws, 20, c.x, c.y, c.w, c.dz, skip & 1 ? NULL : dx,
                                                  skip & 2 ? NULL : dy, skip & 4 ? NULL : dw, &err));
            for (size_t i = 0; i < 20 * c.d1; i++)
                RACAH_ASSERT_CLOSE_AT(i, dx[i], skip & 1 ? 0 : c.dx[i], 0, 0);
            for (size_t i = 0; i < 20 * c.d2; i++)
                RACAH_ASSERT_CLOSE_AT(i, dy[i], skip & 2 ? 0 : c.dy[i], 0, 0);
            for (size_t i = 0; i < c.wlen; i++) RACAH_ASSERT_CLOSE_AT(i, dw[i], skip & 4 ? 0 : c.dw[i], 0, 0);
            free(dx), free(dy), free(dw), racahi_free(ws), tp_case_free(&c);
            racah_tp_plan_destroy(plan);
        }
}

static void refused(const racah_tp_desc *d, const char *reason)
{
    racah_error err = {0};
    racah_tp_plan *plan = (racah_tp_plan *)&err;
    assert_int_equal(racah_tp_plan_create(&plan, d, &err), RACAH_EINVAL);
    assert_null(plan);
    if (!strstr(err.msg, reason)) print_error("message \"%s\" does not say \"%s\"\n", err.msg, reason);
    assert_non_null(strstr(err.msg, reason));
}

static racah_tp_desc strings(const char *a, const char *b, const char *c, racah_tp_mode mode)
{
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    d.irreps_in1 = a, d.irreps_in2 = b, d.irreps_out = c, d.mode = mode;
    return d;
}

static void test_tp_meaningless_plans_are_refused(void **state)
{
    (void)state;
    racah_tp_desc d = strings("4x0e", "4x0e", "3x0e", RACAH_TP_UUU);
    refused(&d, "all multiplicities must be equal");
    d = strings("4x0e", "1x0e", "3x0e", RACAH_TP_UVU), refused(&d, "must be the first input's");
    d = strings("4x0e", "2x0e", "3x0e", RACAH_TP_UVV), refused(&d, "must be the second input's");
    d = strings("4x0e", "2x0e", "3x0e", RACAH_TP_UUW), refused(&d, "the inputs' multiplicities");
    d = strings("4x0e", "1x0e", "4x0o", RACAH_TP_UVU), refused(&d, "no path");
    d = strings("4x0e", "1x0e", "4x", RACAH_TP_UVU), refused(&d, "a degree was wanted");
    d = strings("4x0e", "1x0f", "4x0e", RACAH_TP_UVU), refused(&d, "'f' at column 4");
    d = strings("4x0e", "1x0e", NULL, RACAH_TP_UVU), refused(&d, "2 of the three");
    d = strings("4x0e", "1x12e", "4x0e", RACAH_TP_UVU), refused(&d, "above 11");

    racah_tp_instruction t = {0, 0, 0, RACAH_TP_UVU, 1, 1.0};
    d = strings("4x1o", "1x1o", "4x1o", RACAH_TP_UVU), d.instructions = &t, d.ninstructions = 1;
    refused(&d, "parity");
    d.irreps_out = "4x3e", refused(&d, "triangle");
    t.out = 1, refused(&d, "blocks 0, 0, 1");
    t.out = 0, t.path_weight = -1, d.irreps_out = "4x2e", refused(&d, "path_weight");
    t.path_weight = NAN, refused(&d, "path_weight");
    t.path_weight = 1, d.family = RACAH_TP_FAMILY_POISSON, refused(&d, "even");
    d.irreps_out = "4x1e", d.family = RACAH_TP_FAMILY_GAUNT, refused(&d, "odd");
    d.family = RACAH_TP_FAMILY_COMPONENT, t.mode = RACAH_TP_UVW, t.has_weight = 0, refused(&d, "without");
    t.has_weight = 1, d.weights = RACAH_TP_W_SHARED, refused(&d, "`path`");
    t.mode = RACAH_TP_UVU, d.irreps_in2 = "2x1o", refused(&d, "one multiplicity throughout");
    d.weights = RACAH_TP_W_PATH, d.second = RACAH_TP_SECOND_DIRECTION, refused(&d, "term 0 is 2x1o");
    d = strings("4x0e", "1x0e", "4x0e", RACAH_TP_UVU);
    d.mmax = 1, refused(&d, "only so2");
    d.mmax = -1, d.size = 8, refused(&d, "racah_tp_desc_init");
    racah_tp_desc_init(&d);
    d.C = 4, d.C2 = 2, refused(&d, "need 1 or C = 4");
    d.C2 = 4, d.l1max = 12, refused(&d, "0 .. 11");
    d.l1max = 0, d.dtype = (racah_tp_dtype)2, refused(&d, "dtype = 2");
}

static void test_tp_bad_calls_are_refused(void **state)
{
    (void)state;
    racah_error err;
    racah_tp_desc d;
    racah_tp_desc_init(&d);
    racah_tp_plan *plan;
    assert_int_equal(racah_tp_plan_create(NULL, &d, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_plan_create(&plan, NULL, &err), RACAH_EINVAL);
    RACAH_ASSERT_OK(racah_tp_plan_create(&plan, &d, &err));
    double one = 1, z = 7;
    float onef = 1, zf = 7;
    char *ws = racahi_malloc(racah_tp_ws_size(plan) + 64, 1);
    assert_int_equal(racah_tp_forward_f64(NULL, ws, 1, &one, &one, &one, &z, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_forward_f64(plan, NULL, 1, &one, &one, &one, &z, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_forward_f64(plan, ws + 8, 1, &one, &one, &one, &z, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_forward_f64(plan, ws, 1, NULL, &one, &one, &z, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_forward_f64(plan, ws, 1, &one, &one, NULL, &z, &err), RACAH_EINVAL);
    assert_int_equal(racah_tp_backward_f64(plan, ws, 1, &one, &one, &one, NULL, &z, &z, &z, &err),
                     RACAH_EINVAL);
    assert_int_equal(racah_tp_forward_f32(plan, ws, 1, &onef, &onef, &onef, &zf, &err), RACAH_EINVAL);
    assert_non_null(strstr(err.msg, "double"));
    RACAH_ASSERT_CLOSE(z, 7, 0, 0);
    RACAH_ASSERT_OK(racah_tp_forward_f64(plan, ws, 0, NULL, NULL, NULL, NULL, &err));
    RACAH_ASSERT_OK(racah_tp_forward_f64(plan, ws, 1, &one, &one, &one, &z, &err));
    RACAH_ASSERT_CLOSE(z, 1, 0, 1e-15);
    assert_int_equal(racah_tp_plan_instruction(plan, 1, NULL, NULL, NULL), RACAH_EINVAL);
    racahi_free(ws);
    racah_tp_plan_destroy(plan);
    racah_tp_plan_destroy(NULL);
}

static void test_irreps_are_parsed_with_their_order(void **state)
{
    (void)state;
    racah_error err;
    racahi_irreps s;
    RACAH_ASSERT_OK(racahi_irreps_parse(&s, " 128x0e + 1o+ 3x11o +2x0e", "test", &err));
    assert_int_equal(s.n, 4);
    assert_int_equal(s.dim, 128 + 3 + 69 + 2);
    assert_int_equal(s.lmax, 11);
    assert_int_equal(s.block[1].mul, 1);
    assert_int_equal(s.block[1].p, -1);
    assert_int_equal(s.block[3].offset, 200);
    char text[32];
    racahi_irrep_print(&s.block[2], text);
    assert_string_equal(text, "3x11o");
    racahi_irreps_free(&s);
    RACAH_ASSERT_OK(racahi_irreps_parse(&s, "", "test", &err));
    assert_int_equal(s.n, 0);
    static const char *const bad[] = {"1x0e+", "+1x0e", "x0e",         "1x0",      "1x0ee",
                                      "-1x0e", "1y0e",  "99999999x0e", "1x0e 1x0e"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(racahi_irreps_parse(&s, bad[i], "test", &err), RACAH_EINVAL);
        assert_null(s.block);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tp_matches_e3nn),
        cmocka_unit_test(test_tp_cg_modes_match_oracle),
        cmocka_unit_test(test_tp_cg_instructions_match_oracle),
        cmocka_unit_test(test_tp_cg_weights_match_oracle),
        cmocka_unit_test(test_tp_kernels_of_every_isa_agree),
        cmocka_unit_test(test_tp_class_gradients_of_every_isa_agree),
        cmocka_unit_test(test_tp_two_sums_at_once_equal_one_by_one),
        cmocka_unit_test(test_tp_ahead_asks_for_every_line_once),
        cmocka_unit_test(test_tp_large_batches_equal_small_ones),
        cmocka_unit_test(test_tp_skipped_gradients_change_nothing),
        cmocka_unit_test(test_tp_meaningless_plans_are_refused),
        cmocka_unit_test(test_tp_bad_calls_are_refused),
        cmocka_unit_test(test_irreps_are_parsed_with_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
