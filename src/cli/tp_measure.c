/* SPDX-License-Identifier: MIT
 * Measures of tensor products, taken from outside: a plan is run on basis vectors, random vectors and rotated
 * ones, whatever it does inside. */
#include "tp_measure.h"
#include "../../sphere/quadrature.h"
#include "../../sphere/wigner_d.h"
#include "../linear/gemm.h"

#include <math.h>
#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014), Box-Muller; fixed seeds: the same figures every time. */
static double uniform(uint64_t *s)
{
    uint64_t z = (*s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double normal(uint64_t *s)
{
    double u = uniform(s) + 0x1p-54, v = uniform(s);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

static void random_vector(uint64_t *seed, size_t n, double *x, bool unit)
{
    double norm = 0;
    for (size_t i = 0; i < n; i++) x[i] = normal(seed), norm += x[i] * x[i];
    for (size_t i = 0; unit && i < n; i++) x[i] /= sqrt(norm);
}

static void random_rotation(uint64_t *seed, double R[9])
{
    double q[4];
    random_vector(seed, 4, q, true);
    double w = q[0], x = q[1], y = q[2], z = q[3];
    const double M[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                         2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                         2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    memcpy(R, M, sizeof M);
}

/* y = D x for degrees 0..l. */
static void rotate(int l, const double *D, const double *x, double *y)
{
    for (int a = 0; a <= l; a++) {
        const double *d = D + RACAHI_WIGNER_D_OFFSET(a);
        size_t n = 2 * (size_t)a + 1, o = (size_t)(a * a);
        for (size_t i = 0; i < n; i++) {
            double s = 0;
            for (size_t k = 0; k < n; k++) s += d[i * n + k] * x[o + k];
            y[o + i] = s;
        }
    }
}

/* ---- factors -------------------------------------------------------------------------------------- */

static void apply(const racahi_cp_factors *f, const double *x, const double *y, double *z)
{
    size_t n1 = square(f->l1), n2 = square(f->l2), n3 = square(f->l3), R = (size_t)f->rank;
    memset(z, 0, n3 * sizeof *z);
    for (size_t r = 0; r < R; r++) {
        double p = 0, q = 0;
        for (size_t i = 0; i < n1; i++) p += f->A[i * R + r] * x[i];
        for (size_t j = 0; j < n2; j++) q += f->B[j * R + r] * y[j];
        for (size_t k = 0; k < n3; k++) z[k] += f->C[k * R + r] * p * q;
    }
}

racah_status cli_cp_equivariance(const racahi_cp_factors *f, int rotations, double *error, racah_error *err)
{
    enum { S = (RACAHI_CP_LMAX + 1) * (RACAHI_CP_LMAX + 1) };
    int l = f->l1 > f->l2 ? f->l1 : f->l2;
    l = l > f->l3 ? l : f->l3;
    double x[S], y[S], z[S], Dx[S], Dy[S], Dz[S], other[S], R[9], worst = 0;
    double *D = racahi_malloc(RACAHI_WIGNER_D_SIZE(l), sizeof *D);
    if (!D) return racahi_fail(err, RACAH_ENOMEM, "rotation matrices to l = %d do not fit", l);
    uint64_t seed = 1;
    for (int t = 0; t < rotations; t++) {
        random_rotation(&seed, R);
        racahi_wigner_d(l, R, D);
        random_vector(&seed, square(f->l1), x, true);
        random_vector(&seed, square(f->l2), y, true);
        rotate(f->l1, D, x, Dx), rotate(f->l2, D, y, Dy);
        apply(f, x, y, z), apply(f, Dx, Dy, other);
        rotate(f->l3, D, z, Dz);
        double d = 0;
        for (size_t k = 0; k < square(f->l3); k++) d += (Dz[k] - other[k]) * (Dz[k] - other[k]);
        worst = fmax(worst, sqrt(d));
    }
    racahi_free(D);
    *error = worst;
    return RACAH_OK;
}

/* ---- plans ------------------------------------------------------------------------------------------ */

/* A plan of C channels, one in the second input, with one set of generic weights and room for n samples. */
typedef struct probe {
    racah_tp_plan *plan;
    racah_tp_info info;
    void *ws;
    int L;
    bool direction, single;
    size_t S, C;
    double *x, *y, *z, *w;
    float *xf, *yf, *zf, *wf;
} probe;

static racah_status run(probe *p, size_t n, racah_error *err)
{
    if (!p->single) return racah_tp_forward_f64(p->plan, p->ws, n, p->x, p->y, p->w, p->z, err);
    for (size_t i = 0; i < n * p->info.dim1; i++) p->xf[i] = (float)p->x[i];
    for (size_t i = 0; i < n * p->info.dim2; i++) p->yf[i] = (float)p->y[i];
    for (size_t i = 0; i < p->info.nw; i++) p->wf[i] = (float)p->w[i];
    RACAHI_TRY(racah_tp_forward_f32(p->plan, p->ws, n, p->xf, p->yf, p->wf, p->zf, err));
    for (size_t i = 0; i < n * p->info.dim3; i++) p->z[i] = (double)p->zf[i];
    return RACAH_OK;
}

static void probe_free(probe *p)
{
    racah_tp_plan_destroy(p->plan);
    void *all[] = {p->ws, p->x, p->y, p->z, p->w, p->xf, p->yf, p->zf, p->wf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static racah_status probe_init(probe *p, const racah_tp_desc *desc, bool single, size_t C, size_t n,
                               racah_error *err)
{
    racah_tp_desc d = *desc;
    *p = (probe){.L = d.l1max, .single = single, .direction = d.second == RACAH_TP_SECOND_DIRECTION, .C = C};
    d.C = (int)C, d.C2 = 1, d.mode = RACAH_TP_UVU;
    d.weights_common = 1, d.dtype = single ? RACAH_TP_F32 : RACAH_TP_F64;
    p->S = square(p->L);
    RACAHI_TRY(racah_tp_plan_create(&p->plan, &d, err));
    racah_tp_plan_info(p->plan, &p->info);
    size_t nw = p->info.nw, nf = single ? n : 0;
    p->ws = racahi_malloc(racah_tp_ws_size(p->plan), 1);
    p->x = racahi_calloc(n * p->info.dim1, sizeof *p->x);
    p->y = racahi_calloc(n * p->info.dim2, sizeof *p->y);
    p->z = racahi_calloc(n * p->info.dim3, sizeof *p->z);
    p->w = racahi_calloc(nw, sizeof *p->w);
    p->xf = racahi_calloc(nf * p->info.dim1, sizeof *p->xf);
    p->yf = racahi_calloc(nf * p->info.dim2, sizeof *p->yf);
    p->zf = racahi_calloc(nf * p->info.dim3, sizeof *p->zf);
    p->wf = racahi_calloc(single ? nw : 0, sizeof *p->wf);
    if (!p->ws || !p->x || !p->xf || !p->y || !p->yf || !p->z || !p->zf || !p->w || !p->wf)
        return racahi_fail(err, RACAH_ENOMEM, "tp: %zu samples do not fit", n);
    uint64_t seed = 3;
    for (size_t k = 0; k < nw / C; k++) {
        double v = 0.5 + uniform(&seed);
        for (size_t c = 0; c < C; c++) p->w[k * C + c] = v;
    }
    return RACAH_OK;
}

/* Number of columns of J [ncol][n] that are independent at 1e-9 of the largest; J is destroyed. */
static int column_rank(double *J, size_t ncol, size_t n)
{
    double first = 0;
    for (size_t done = 0; done < ncol; done++) {
        size_t pivot = done;
        double best = -1;
        for (size_t c = done; c < ncol; c++) {
            double s = 0;
            for (size_t i = 0; i < n; i++) s += J[c * n + i] * J[c * n + i];
            if (s > best) best = s, pivot = c;
        }
        best = sqrt(best);
        if (done == 0) first = best;
        if (!(best > 1e-9 * first)) return (int)done;
        for (size_t i = 0; i < n; i++) {
            double t = J[pivot * n + i];
            J[pivot * n + i] = J[done * n + i], J[done * n + i] = t / best;
        }
        for (size_t c = done + 1; c < ncol; c++)
            for (int twice = 0; twice < 2; twice++) {
                double dot = 0;
                for (size_t i = 0; i < n; i++) dot += J[done * n + i] * J[c * n + i];
                for (size_t i = 0; i < n; i++) J[c * n + i] -= dot * J[done * n + i];
            }
    }
    return (int)ncol;
}

/* ---- expressivity ------------------------------------------------------------------------------------ */

/* The maps [i][j][k] of a plan whose channels have weights of their own: the first n generic ones with one weight
 * changed, the last one unchanged. The map is linear in each weight alone, so a step of 1 gives its derivative without
 * truncation error. The derivatives span as many dimensions as their images under a random map of maps into `rows`
 * numbers, which sends each element to one of them with a random factor. */
typedef struct reached {
    probe p;
    size_t nw, n2;        /* weights of a channel; second inputs: S basis vectors, or directions */
    racahi_quadrature *q; /* directions, */
    double *back;         /* and [S][n2] from values there to coefficients of harmonics */
    double *M;            /* [S][S][C], maps of one basis vector i */
    size_t rows;
    double *images;  /* [rows][C] */
    double *largest; /* [(L+1)^3], of the last map */
} reached;

static void reached_free(reached *r)
{
    probe_free(&r->p);
    racahi_quadrature_destroy(r->q);
    racahi_free(r->back), racahi_free(r->M), racahi_free(r->images), racahi_free(r->largest);
}

static racah_status make_directions(reached *r, racah_error *err)
{
    const double four_pi = 4 * 3.14159265358979323846;
    size_t S = r->p.S;
    double *Y = racahi_malloc(r->n2 * S, sizeof *Y);
    r->back = racahi_malloc(S * r->n2, sizeof *r->back);
    racah_status s = Y && r->back ? racah_sph_eval_f64(r->p.L, RACAH_SPH_COMPONENT, r->n2, r->q->r, Y, NULL, err)
                                  : racahi_fail(err, RACAH_ENOMEM, "tp: %zu directions do not fit", r->n2);
    for (size_t j = 0; s == RACAH_OK && j < S; j++)
        for (size_t g = 0; g < r->n2; g++) r->back[j * r->n2 + g] = r->q->w[g] / four_pi * Y[g * S + j];
    racahi_free(Y);
    return s;
}

static racah_status reached_init(reached *r, const racah_tp_desc *desc, racah_error *err)
{
    const int L = desc->l1max;
    const bool direction = desc->second == RACAH_TP_SECOND_DIRECTION;
    RACAHI_TRY(probe_init(&r->p, desc, false, 1, 1, err)); /* tells the number of weights */
    r->nw = r->p.info.nw, r->n2 = square(L);
    probe_free(&r->p);
    r->p = (probe){0};
    if (direction) {
        RACAHI_TRY(racahi_quadrature_create(&r->q, 2 * L, RACAHI_QUADRATURE_BEST, err));
        r->n2 = r->q->n;
    }
    const size_t C = r->nw + 1, n1 = (size_t)L + 1;
    RACAHI_TRY(probe_init(&r->p, desc, false, C, r->n2, err));
    for (size_t c = 0; c < r->nw; c++) r->p.w[c * C + c] += 1;
    if (direction) RACAHI_TRY(make_directions(r, err));
    r->rows = 16 * C; /* many more than there are derivatives: few elements that matter meet in one row */
    r->M = racahi_malloc(r->p.S * r->p.info.dim3, sizeof *r->M);
    r->images = racahi_calloc(r->rows * C, sizeof *r->images);
    r->largest = racahi_calloc(n1 * n1 * n1, sizeof *r->largest);
    if (!r->M || !r->images || !r->largest) return racahi_fail(err, RACAH_ENOMEM, "tp: %zu maps do not fit", C);
    return RACAH_OK;
}

/* M of basis vector i; directions by projection on the harmonics. */
static racah_status maps_of(reached *r, size_t i, racah_error *err)
{
    probe *p = &r->p;
    const size_t C = p->C, d1 = p->info.dim1, d2 = p->info.dim2, d3 = p->info.dim3;
    for (size_t j = 0; j < r->n2; j++) {
        for (size_t k = 0; k < d1; k++) p->x[j * d1 + k] = k / C == i;
        for (size_t k = 0; k < d2; k++) p->y[j * d2 + k] = r->q ? r->q->r[3 * j + k] : k == j;
    }
    RACAHI_TRY(run(p, r->n2, err));
    if (r->q)
        racahi_gemm_f64(false, false, p->S, d3, r->n2, 1, r->back, r->n2, p->z, d3, 0, r->M, d3);
    else
        memcpy(r->M, p->z, p->S * d3 * sizeof *r->M);
    return RACAH_OK;
}

static size_t degree(size_t k)
{
    size_t l = 0;
    while ((l + 1) * (l + 1) <= k) l++;
    return l;
}

/* Images of the derivatives, and which triples there are. */
static void collect(reached *r, size_t i, uint64_t *seed)
{
    const size_t C = r->p.C, S3 = r->p.info.dim3 / C, n1 = (size_t)r->p.L + 1;
    for (size_t j = 0; j < r->p.S; j++)
        for (size_t k = 0; k < S3; k++) {
            const double *M = r->M + (j * S3 + k) * C, last = M[C - 1], factor = normal(seed);
            double *to = r->images + (size_t)(uniform(seed) * (double)r->rows) * C;
            double *most = &r->largest[(degree(i) * n1 + degree(j)) * n1 + degree(k)];
            *most = fmax(*most, fabs(last));
            for (size_t c = 0; c + 1 < C; c++) to[c] += factor * (M[c] - last);
        }
}

static racah_status reach(const racah_tp_desc *desc, cli_tp_measure *out, racah_error *err)
{
    reached r = {0};
    const size_t n1 = (size_t)desc->l1max + 1, n = n1 * n1 * n1;
    racah_status s = reached_init(&r, desc, err);
    uint64_t seed = 5;
    for (size_t i = 0; s == RACAH_OK && i < r.p.S; i++) {
        s = maps_of(&r, i, err);
        if (s == RACAH_OK) collect(&r, i, &seed);
    }
    double *J = racahi_malloc(r.nw * r.rows, sizeof *J); /* columns */
    out->triples = racahi_calloc(n, 1);
    if (s == RACAH_OK && (!J || !out->triples))
        s = racahi_fail(err, RACAH_ENOMEM, "tp: %zu maps do not fit", r.nw);
    if (s == RACAH_OK) {
        double largest = 0;
        for (size_t i = 0; i < n; i++) largest = fmax(largest, r.largest[i]);
        for (size_t i = 0; i < n; i++)
            out->interactability += out->triples[i] = r.largest[i] > 1e-9 * largest;
        for (size_t c = 0; c < r.nw; c++)
            for (size_t i = 0; i < r.rows; i++) J[c * r.rows + i] = r.images[i * r.p.C + c];
        out->expressivity = r.nw ? column_rank(J, r.nw, r.rows) : 1;
    }
    racahi_free(J);
    reached_free(&r);
    return s;
}

/* ---- equivariance ------------------------------------------------------------------------------------- */

static racah_status equivariance(probe *p, int rotations, double *error, racah_error *err)
{
    double *D = racahi_malloc(RACAHI_WIGNER_D_SIZE(p->L), sizeof *D);
    double *z = racahi_malloc(p->info.dim3, sizeof *z);
    double R[9], worst = 0, largest = 0;
    racah_status s = D && z ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "tp: rotations do not fit");
    uint64_t seed = 11;
    for (int t = 0; s == RACAH_OK && t < rotations; t++) { /* sample 0 as it is, sample 1 rotated */
        size_t d1 = p->info.dim1, d2 = p->info.dim2, d3 = p->info.dim3;
        random_rotation(&seed, R);
        racahi_wigner_d(p->L, R, D);
        random_vector(&seed, d1, p->x, false);
        rotate(p->L, D, p->x, p->x + d1);
        random_vector(&seed, d2, p->y, false);
        if (p->direction)
            for (size_t a = 0; a < 3; a++)
                p->y[3 + a] = R[3 * a] * p->y[0] + R[3 * a + 1] * p->y[1] + R[3 * a + 2] * p->y[2];
        else
            rotate(p->L, D, p->y, p->y + d2);
        s = run(p, 2, err);
        rotate(p->L, D, p->z, z);
        for (size_t k = 0; k < d3; k++) {
            worst = fmax(worst, fabs(z[k] - p->z[d3 + k]));
            largest = fmax(largest, fabs(z[k]));
            if (!isfinite(p->z[d3 + k])) worst = INFINITY;
        }
    }
    racahi_free(D), racahi_free(z);
    *error = worst / largest;
    return s;
}

racah_status cli_tp_measure_run(const racah_tp_desc *desc, int rotations, cli_tp_measure *out,
                                racah_error *err)
{
    *out = (cli_tp_measure){0};
    RACAHI_TRY(reach(desc, out, err));
    for (int single = 0; single < 2; single++) {
        probe p;
        racah_status s = probe_init(&p, desc, single, 1, 2, err);
        if (s == RACAH_OK)
            s = equivariance(&p, rotations, single ? &out->equivariance_f32 : &out->equivariance_f64, err);
        probe_free(&p);
        RACAHI_TRY(s);
    }
    return RACAH_OK;
}
