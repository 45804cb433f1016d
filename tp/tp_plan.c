/* SPDX-License-Identifier: MIT
 * Plans of tensor products: description, paths, normalisation, what is refused and why. */
#include "tp_internal.h"

#include <math.h>
#include <string.h>

static const racahi_tp_ops *const all_ops[RACAH_TP_ALGORITHM_COUNT] = {
    NULL,          &racahi_tp_cg,     &racahi_tp_so2,   &racahi_tp_gaunt, &racahi_tp_grid,
    &racahi_tp_cp, &racahi_tp_matrix, &racahi_tp_vector};
static const char *const algorithm_names[RACAH_TP_ALGORITHM_COUNT] = {"auto", "cg", "so2",    "gaunt",
                                                                      "grid", "cp", "matrix", "vector"};
static const char *const mode_names[] = {"uvu", "uuu", "uvw", "uuw", "uvv"};

const racahi_tp_ops *racahi_tp_ops_of(racah_tp_algorithm a)
{
    return (unsigned)a < RACAH_TP_ALGORITHM_COUNT ? all_ops[a] : NULL;
}

const char *racah_tp_algorithm_name(racah_tp_algorithm a)
{
    return (unsigned)a < RACAH_TP_ALGORITHM_COUNT ? algorithm_names[a] : NULL;
}

racah_status racah_tp_algorithm_find(const char *name, racah_tp_algorithm *out, racah_error *err)
{
    if (!name || !out) return racahi_fail(err, RACAH_EINVAL, "racah_tp_algorithm_find: an argument is NULL");
    for (int a = 0; a < RACAH_TP_ALGORITHM_COUNT; a++)
        if (strcmp(name, algorithm_names[a]) == 0) {
            *out = (racah_tp_algorithm)a;
            return RACAH_OK;
        }
    return racahi_fail(err, RACAH_EINVAL,
                       "\"%s\" is no tensor-product algorithm; there are auto, cg, so2, gaunt, "
                       "grid, cp, matrix, vector",
                       name);
}

void racah_tp_desc_init(racah_tp_desc *d)
{
    memset(d, 0, sizeof *d);
    d->size = sizeof *d;
    d->C = d->C2 = 1;
    d->mode = RACAH_TP_UUU;
    d->algorithm = RACAH_TP_CG;
    d->mmax = -1;
}

/* ---- description --------------------------------------------------------------------------------- */

static racah_status check_enum(const char *what, int value, int count, racah_error *err)
{
    if (value >= 0 && value < count) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "tp plan: %s = %d, need 0 .. %d", what, value, count - 1);
}

static racah_status check_desc(const racah_tp_desc *d, racah_error *err)
{
    if (d->size != sizeof *d)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: the description has size %zu, this library's has %zu; fill it "
                           "with racah_tp_desc_init",
                           d->size, sizeof *d);
    RACAHI_TRY(check_enum("algorithm", (int)d->algorithm, RACAH_TP_ALGORITHM_COUNT, err));
    RACAHI_TRY(check_enum("family", (int)d->family, 4, err));
    RACAHI_TRY(check_enum("mode", (int)d->mode, 5, err));
    RACAHI_TRY(check_enum("weights", (int)d->weights, 5, err));
    RACAHI_TRY(check_enum("dtype", (int)d->dtype, 2, err));
    RACAHI_TRY(check_enum("layout", (int)d->layout, 2, err));
    RACAHI_TRY(check_enum("second", (int)d->second, 2, err));
    RACAHI_TRY(check_enum("signs", (int)d->signs, 2, err));
    RACAHI_TRY(check_enum("irrep_normalization", (int)d->irrep_normalization, 3, err));
    RACAHI_TRY(check_enum("path_normalization", (int)d->path_normalization, 3, err));
    int strings = (d->irreps_in1 != NULL) + (d->irreps_in2 != NULL) + (d->irreps_out != NULL);
    if (strings != 0 && strings != 3)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: %d of the three irreps strings are given; give all (long form) "
                           "or none (short form)",
                           strings);
    return RACAH_OK;
}

static racah_status make_irreps(racah_tp_plan *p, const racah_tp_desc *d, racah_error *err)
{
    if (d->irreps_in1) {
        RACAHI_TRY(racahi_irreps_parse(&p->in1, d->irreps_in1, "irreps_in1", err));
        RACAHI_TRY(racahi_irreps_parse(&p->in2, d->irreps_in2, "irreps_in2", err));
        RACAHI_TRY(racahi_irreps_parse(&p->out, d->irreps_out, "irreps_out", err));
    } else {
        bool natural = d->family != RACAH_TP_FAMILY_MATRIX;
        if (d->C2 != 1 && d->C2 != d->C)
            return racahi_fail(err, RACAH_EINVAL,
                               "tp plan: C2 = %d channels in the second input, need 1 or C = %d", d->C2,
                               d->C);
        p->d.mode = d->C2 == d->C ? RACAH_TP_UUU : RACAH_TP_UVU;
        int sign = d->family == RACAH_TP_FAMILY_POISSON ? -1 : 1;
        RACAHI_TRY(racahi_irreps_degrees(&p->in1, d->C, d->l1max, natural, 1, err));
        RACAHI_TRY(racahi_irreps_degrees(&p->in2, d->C2, d->l2max, natural, 1, err));
        RACAHI_TRY(racahi_irreps_degrees(&p->out, d->C, d->l3max, natural, sign, err));
    }
    p->L = p->in1.lmax > p->in2.lmax ? p->in1.lmax : p->in2.lmax;
    if (p->out.lmax > p->L) p->L = p->out.lmax;
    return RACAH_OK;
}

/* ---- paths ----------------------------------------------------------------------------------------- */

static racah_status refuse_path(const racahi_tp_path *t, const char *why, racah_error *err)
{
    char a[32], b[32], c[32];
    racahi_irrep_print(t->b1, a), racahi_irrep_print(t->b2, b), racahi_irrep_print(t->b3, c);
    return racahi_fail(err, RACAH_EINVAL, "tp plan: path %s x %s -> %s (blocks %d, %d, %d, mode %s): %s", a,
                       b, c, t->ins.in1, t->ins.in2, t->ins.out, mode_names[t->ins.mode], why);
}

static racah_status check_multiplicities(const racahi_tp_path *t, racah_error *err)
{
    int m1 = t->b1->mul, m2 = t->b2->mul, m3 = t->b3->mul;
    switch (t->ins.mode) {
    case RACAH_TP_UVU:
        return m1 == m3 ? RACAH_OK
                        : refuse_path(t,
                                      "the output's multiplicity must be the first "
                                      "input's",
                                      err);
    case RACAH_TP_UVV:
        return m2 == m3 ? RACAH_OK
                        : refuse_path(t,
                                      "the output's multiplicity must be the second "
                                      "input's",
                                      err);
    case RACAH_TP_UUU:
        return m1 == m2 && m2 == m3 ? RACAH_OK : refuse_path(t, "all multiplicities must be equal", err);
    case RACAH_TP_UUW:
        return m1 == m2 ? RACAH_OK : refuse_path(t, "the inputs' multiplicities must be equal", err);
    case RACAH_TP_UVW: break;
    }
    return RACAH_OK;
}

static racah_status check_path(const racah_tp_plan *p, const racahi_tp_path *t, racah_error *err)
{
    int l1 = t->b1->l, l2 = t->b2->l, l3 = t->b3->l;
    if (t->b1->p * t->b2->p != t->b3->p)
        return refuse_path(t, "the output's parity must be the product of the inputs'", err);
    if (!racahi_tp_family_has(RACAH_TP_FAMILY_COMPONENT, 0, l1, l2, l3))
        return refuse_path(t, "the triangle rule |l1-l2| <= l3 <= l1+l2 is broken", err);
    if (!racahi_tp_family_has(p->d.family, p->L, l1, l2, l3))
        return refuse_path(t,
                           p->d.family == RACAH_TP_FAMILY_GAUNT
                               ? "l1+l2+l3 is odd: the Gaunt coefficient is zero, no weight can matter"
                               : "l1+l2+l3 is even: the Poisson bracket has no such part",
                           err);
    RACAHI_TRY(check_multiplicities(t, err));
    if (!isfinite(t->ins.path_weight) || t->ins.path_weight < 0)
        return refuse_path(t, "path_weight must be finite and not negative", err);
    bool weighted =
        p->d.weights == RACAH_TP_W_PATH ? t->ins.has_weight != 0 : p->d.weights != RACAH_TP_W_NONE;
    if (!weighted && (t->ins.mode == RACAH_TP_UVW || t->ins.mode == RACAH_TP_UUW))
        return refuse_path(t, "this mode mixes channels by its weights and cannot be without", err);
    if (p->d.weights != RACAH_TP_W_PATH && (t->ins.mode == RACAH_TP_UVW || t->ins.mode == RACAH_TP_UUW))
        return refuse_path(t, "this mode has a weight matrix for each path: weights must be `path`", err);
    return RACAH_OK;
}

/* The blocks of a path exist; fills in pointers to them. */
static racah_status locate(racah_tp_plan *p, racahi_tp_path *t, size_t i, racah_error *err)
{
    const racah_tp_instruction *s = &t->ins;
    if (s->in1 < 0 || (size_t)s->in1 >= p->in1.n || s->in2 < 0 || (size_t)s->in2 >= p->in2.n || s->out < 0 ||
        (size_t)s->out >= p->out.n)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: instruction %zu has blocks %d, %d, %d; there are %zu, %zu, %zu", i,
                           s->in1, s->in2, s->out, p->in1.n, p->in2.n, p->out.n);
    RACAHI_TRY(check_enum("an instruction's mode", (int)s->mode, 5, err));
    t->b1 = &p->in1.block[s->in1], t->b2 = &p->in2.block[s->in2], t->b3 = &p->out.block[s->out];
    return RACAH_OK;
}

static bool path_exists(const racah_tp_plan *p, const racahi_irrep *a, const racahi_irrep *b,
                        const racahi_irrep *c)
{
    return a->p * b->p == c->p && racahi_tp_family_has(p->d.family, p->L, a->l, b->l, c->l);
}

static size_t count_paths(const racah_tp_plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->in1.n; i++)
        for (size_t j = 0; j < p->in2.n; j++)
            for (size_t k = 0; k < p->out.n; k++)
                n += path_exists(p, &p->in1.block[i], &p->in2.block[j], &p->out.block[k]);
    return n;
}

static racah_status make_paths(racah_tp_plan *p, const racah_tp_desc *d, racah_error *err)
{
    p->npath = d->instructions ? d->ninstructions : count_paths(p);
    if (p->npath == 0)
        return racahi_fail(err, RACAH_EINVAL, "tp plan: no path leads from the inputs to the output");
    p->path = racahi_calloc(p->npath, sizeof *p->path);
    if (!p->path) return racahi_fail(err, RACAH_ENOMEM, "tp plan: %zu paths do not fit in memory", p->npath);
    size_t n = 0;
    if (d->instructions)
        for (; n < p->npath; n++) p->path[n].ins = d->instructions[n];
    else
        for (size_t i = 0; i < p->in1.n; i++)
            for (size_t j = 0; j < p->in2.n; j++)
                for (size_t k = 0; k < p->out.n; k++)
                    if (path_exists(p, &p->in1.block[i], &p->in2.block[j], &p->out.block[k]))
                        p->path[n++].ins = (racah_tp_instruction){(int)i, (int)j, (int)k, p->d.mode, 1, 1.0};
    for (size_t i = 0; i < n; i++) {
        RACAHI_TRY(locate(p, &p->path[i], i, err));
        RACAHI_TRY(check_path(p, &p->path[i], err));
    }
    return RACAH_OK;
}

static double fan_in(const racahi_tp_path *t)
{
    double m1 = t->b1->mul, m2 = t->b2->mul;
    switch (t->ins.mode) {
    case RACAH_TP_UVW: return m1 * m2;
    case RACAH_TP_UVU: return m2;
    case RACAH_TP_UVV: return m1;
    case RACAH_TP_UUW: return m1;
    case RACAH_TP_UUU: break;
    }
    return 1;
}

/* e3nn's normalisation (o3.TensorProduct); other families are scaled by the root of path_weight only. */
static void normalise(racah_tp_plan *p)
{
    for (size_t i = 0; i < p->npath; i++) {
        racahi_tp_path *t = &p->path[i];
        double alpha = 1, share = 1, total = 0, paths = 0;
        if (p->d.family == RACAH_TP_FAMILY_COMPONENT) {
            if (p->d.irrep_normalization == RACAH_TP_IRREP_COMPONENT) alpha = 2 * t->b3->l + 1;
            if (p->d.irrep_normalization == RACAH_TP_IRREP_NORM)
                alpha = (2 * t->b1->l + 1) * (2 * t->b2->l + 1);
            for (size_t j = 0; j < p->npath; j++)
                if (p->path[j].b3 == t->b3) total += fan_in(&p->path[j]), paths++;
            if (p->d.path_normalization == RACAH_TP_PATH_ELEMENT) share = total;
            if (p->d.path_normalization == RACAH_TP_PATH_PATH) share = fan_in(t) * paths;
        }
        if (share > 0) alpha /= share;
        t->coefficient = sqrt(alpha * t->ins.path_weight);
    }
}

/* ---- weights ------------------------------------------------------------------------------------------ */

/* The one channel count of modes uuu and uvu with one copy of y, or 0. */
static void find_channels(racah_tp_plan *p)
{
    int C = p->in1.n ? p->in1.block[0].mul : 0;
    bool one = true, full = true, uuu = true, uvu = true;
    for (size_t i = 0; i < p->in1.n; i++)
        if (p->in1.block[i].mul != C) return;
    for (size_t i = 0; i < p->out.n; i++)
        if (p->out.block[i].mul != C) return;
    for (size_t i = 0; i < p->in2.n; i++) {
        one = one && p->in2.block[i].mul == 1;
        full = full && p->in2.block[i].mul == C;
    }
    for (size_t i = 0; i < p->npath; i++) {
        uuu = uuu && p->path[i].ins.mode == RACAH_TP_UUU;
        uvu = uvu && p->path[i].ins.mode == RACAH_TP_UVU;
    }
    if ((full && uuu) || (one && uvu)) p->C = C, p->y_one = one;
}

static size_t path_weights(const racahi_tp_path *t)
{
    size_t m1 = (size_t)t->b1->mul, m2 = (size_t)t->b2->mul, m3 = (size_t)t->b3->mul;
    switch (t->ins.mode) {
    case RACAH_TP_UVW: return m1 * m2 * m3;
    case RACAH_TP_UVU: return m1 * m2;
    case RACAH_TP_UVV: return m1 * m2;
    case RACAH_TP_UUW: return m1 * m3;
    case RACAH_TP_UUU: break;
    }
    return m1;
}

static racah_status count_weights(racah_tp_plan *p, racah_error *err)
{
    find_channels(p);
    size_t C = (size_t)p->C;
    if (C == 0 && p->d.weights != RACAH_TP_W_PATH && p->d.weights != RACAH_TP_W_NONE)
        return racahi_fail(
            err, RACAH_EINVAL,
            "tp plan: weights degree, separable and shared are one number for each channel, which needs "
            "one multiplicity throughout and mode uuu, or uvu with multiplicity 1 in the second input");
    switch (p->d.weights) {
    case RACAH_TP_W_PATH:
        for (size_t i = 0; i < p->npath; i++) {
            racahi_tp_path *t = &p->path[i];
            t->w0 = p->nw;
            t->nw = t->ins.has_weight ? path_weights(t) : 0;
            p->nw += t->nw;
        }
        break;
    case RACAH_TP_W_DEGREE: p->nw = p->in2.n * C; break;
    case RACAH_TP_W_SEPARABLE: p->nw = (p->in1.n + p->in2.n + p->out.n) * C; break;
    case RACAH_TP_W_SHARED: p->nw = C; break;
    case RACAH_TP_W_NONE: break;
    }
    return RACAH_OK;
}

/* ---- second input, coefficients, algorithm -------------------------------------------------------------- */

static racah_status check_direction(racah_tp_plan *p, racah_error *err)
{
    if (p->d.second != RACAH_TP_SECOND_DIRECTION) return RACAH_OK;
    for (size_t i = 0; i < p->in2.n; i++) {
        const racahi_irrep *b = &p->in2.block[i];
        char text[32];
        racahi_irrep_print(b, text);
        if (b->mul != 1 || b->p != (b->l % 2 ? -1 : 1))
            return racahi_fail(err, RACAH_EINVAL,
                               "tp plan: the second input is a direction, so its terms are 1x0e, "
                               "1x1o, 1x2e, ...; term %zu is %s",
                               i, text);
    }
    if (p->in2.n == 0) return racahi_fail(err, RACAH_EINVAL, "tp plan: the second input has no terms");
    p->sph_f64 = racahi_sph_pick_f64(p->in2.lmax, p->isa);
    p->sph_f32 = racahi_sph_pick_f32(p->in2.lmax, p->isa);
    return RACAH_OK;
}

static racah_status count_coefficients(racah_tp_plan *p, racah_error *err)
{
    for (size_t i = 0; i < p->npath; i++) {
        const racahi_tp_path *t = &p->path[i];
        double *C;
        RACAHI_TRY(racahi_tp_path_tensor(p, t, &C, err));
        size_t n = (size_t)(2 * t->b1->l + 1) * (size_t)(2 * t->b2->l + 1) * (size_t)(2 * t->b3->l + 1);
        for (size_t q = 0; q < n; q++) p->nnz += C[q] != 0;
        racahi_free(C);
    }
    return RACAH_OK;
}

racah_status racahi_tp_plan_attach(racah_tp_plan *p, const racahi_tp_ops *ops, racah_error *err)
{
    p->ops = ops;
    racah_status status = ops->create(p, err);
    if (status != RACAH_OK) {
        racahi_tp_plan_detach(p);
        return status;
    }
    p->ws_size = racahi_tp_exec_ws(p);
    return RACAH_OK;
}

void racahi_tp_plan_detach(racah_tp_plan *p)
{
    if (p->ops) p->ops->destroy(p->state);
    p->ops = NULL, p->state = NULL;
    p->ws_algorithm = p->ws_size = p->rank = 0;
    p->flops_forward = p->flops_backward = 0;
}

static racah_status build(racah_tp_plan *p, const racah_tp_desc *d, racah_error *err)
{
    p->d = *d;
    RACAHI_TRY(make_irreps(p, d, err));
    p->d.irreps_in1 = p->d.irreps_in2 = p->d.irreps_out = NULL;
    p->d.instructions = NULL, p->d.ninstructions = 0;
    RACAHI_TRY(make_paths(p, d, err));
    normalise(p);
    RACAHI_TRY(count_weights(p, err));
    RACAHI_TRY(check_direction(p, err));
    RACAHI_TRY(count_coefficients(p, err));
    if (d->algorithm == RACAH_TP_AUTO) return racahi_tp_auto(p, err);
    if (d->mmax >= 0 && d->algorithm != RACAH_TP_SO2)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: mmax = %d leaves out components, which only so2 can do; set "
                           "mmax = -1 for %s",
                           d->mmax, algorithm_names[d->algorithm]);
    return racahi_tp_plan_attach(p, all_ops[d->algorithm], err);
}

racah_status racah_tp_plan_create(racah_tp_plan **out, const racah_tp_desc *desc, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "racah_tp_plan_create: out is NULL");
    *out = NULL;
    if (!desc) return racahi_fail(err, RACAH_EINVAL, "racah_tp_plan_create: desc is NULL");
    RACAHI_TRY(check_desc(desc, err));
    racah_tp_plan *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "tp plan: no memory");
    p->isa = racahi_cpu_best();
    p->k_f64 = racahi_tp_kernels_pick_f64(p->isa);
    p->k_f32 = racahi_tp_kernels_pick_f32(p->isa);
    racah_status status = build(p, desc, err);
    if (status != RACAH_OK) {
        racah_tp_plan_destroy(p);
        return status;
    }
    *out = p;
    return RACAH_OK;
}

void racah_tp_plan_destroy(racah_tp_plan *p)
{
    if (!p) return;
    racahi_tp_plan_detach(p);
    racahi_irreps_free(&p->in1);
    racahi_irreps_free(&p->in2);
    racahi_irreps_free(&p->out);
    racahi_free(p->path);
    racahi_free(p);
}

void racah_tp_plan_info(const racah_tp_plan *p, racah_tp_info *info)
{
    *info = (racah_tp_info){.algorithm = p->ops->algorithm,
                            .dim1 = p->in1.dim,
                            .dim2 = p->d.second == RACAH_TP_SECOND_DIRECTION ? 3 : p->in2.dim,
                            .dim3 = p->out.dim,
                            .nw = p->nw,
                            .npath = p->npath,
                            .nnz = p->nnz,
                            .rank = p->rank,
                            .flops_forward = p->flops_forward,
                            .flops_backward = p->flops_backward};
}

racah_status racah_tp_plan_instruction(const racah_tp_plan *p, size_t i, racah_tp_instruction *ins,
                                       size_t *offset, double *coefficient)
{
    if (!p || i >= p->npath) return RACAH_EINVAL;
    if (ins) *ins = p->path[i].ins;
    if (offset) *offset = p->path[i].w0;
    if (coefficient) *coefficient = p->path[i].coefficient;
    return RACAH_OK;
}

size_t racah_tp_ws_size(const racah_tp_plan *p) { return p->ws_size; }

/* ---- entry points with their checks ------------------------------------------------------------------------ */

static racah_status check_call(const racah_tp_plan *p, const void *ws, size_t n, racah_tp_dtype dtype,
                               bool arrays, const void *w, racah_error *err)
{
    if (!p) return racahi_fail(err, RACAH_EINVAL, "tensor product: the plan is NULL");
    if (p->d.dtype != dtype)
        return racahi_fail(err, RACAH_EINVAL, "tensor product: the plan is for %s, the function for %s",
                           p->d.dtype == RACAH_TP_F64 ? "double" : "float",
                           dtype == RACAH_TP_F64 ? "double" : "float");
    if (n == 0) return RACAH_OK;
    if (!ws && p->ws_size) return racahi_fail(err, RACAH_EINVAL, "tensor product: the workspace is NULL");
    if ((uintptr_t)ws % RACAHI_ALIGN)
        return racahi_fail(err, RACAH_EINVAL, "tensor product: the workspace is not aligned to %d bytes",
                           RACAHI_ALIGN);
    if (!arrays || (!w && p->nw))
        return racahi_fail(err, RACAH_EINVAL, "tensor product: an input array is NULL");
    return RACAH_OK;
}

racah_status racah_tp_forward_f64(const racah_tp_plan *p, void *ws, size_t n, const double *x,
                                  const double *y, const double *w, double *z, racah_error *err)
{
    RACAHI_TRY(check_call(p, ws, n, RACAH_TP_F64, x && y && z, w, err));
    racahi_tp_run_forward_f64(p, ws, n, x, y, w, z);
    return RACAH_OK;
}

racah_status racah_tp_forward_f32(const racah_tp_plan *p, void *ws, size_t n, const float *x, const float *y,
                                  const float *w, float *z, racah_error *err)
{
    RACAHI_TRY(check_call(p, ws, n, RACAH_TP_F32, x && y && z, w, err));
    racahi_tp_run_forward_f32(p, ws, n, x, y, w, z);
    return RACAH_OK;
}

racah_status racah_tp_backward_f64(const racah_tp_plan *p, void *ws, size_t n, const double *x,
                                   const double *y, const double *w, const double *dz, double *dx, double *dy,
                                   double *dw, racah_error *err)
{
    RACAHI_TRY(check_call(p, ws, n, RACAH_TP_F64, x && y && dz, w, err));
    racahi_tp_run_backward_f64(p, ws, n, x, y, w, dz, dx, dy, dw);
    return RACAH_OK;
}

racah_status racah_tp_backward_f32(const racah_tp_plan *p, void *ws, size_t n, const float *x, const float *y,
                                   const float *w, const float *dz, float *dx, float *dy, float *dw,
                                   racah_error *err)
{
    RACAHI_TRY(check_call(p, ws, n, RACAH_TP_F32, x && y && dz, w, err));
    racahi_tp_run_backward_f32(p, ws, n, x, y, w, dz, dx, dy, dw);
    return RACAH_OK;
}
