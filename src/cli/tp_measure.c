/* SPDX-License-Identifier: MIT
 * Measures of tensor products, taken from outside: a plan is run on basis vectors, random vectors and rotated
 * ones, whatever it does inside. */
#include "tp_measure.h"
#include "../../sphere/quadrature.h"
#include "../../sphere/wigner_d.h"

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

typedef struct probe {
    racah_tp_plan *plan;
    racah_tp_info info;
    void *ws;
    int L;
    bool direction, single;
    size_t S, npoints; /* samples of the second input: S basis vectors, or directions */
    racahi_quadrature *q;
    double *Y; /* [npoints][S] */
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
    racahi_quadrature_destroy(p->q);
    void *all[] = {p->ws, p->Y, p->x, p->y, p->z, p->w, p->xf, p->yf, p->zf, p->wf};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

/* One set of weights for all samples, buffers for S * npoints of them. */
static racah_status probe_init(probe *p, const racah_tp_desc *desc, bool single, racah_error *err)
{
    racah_tp_desc d = *desc;
    *p = (probe){.L = d.l1max, .single = single, .direction = d.second == RACAH_TP_SECOND_DIRECTION};
    d.C = d.C2 = 1, d.weights_common = 1, d.dtype = single ? RACAH_TP_F32 : RACAH_TP_F64;
    p->S = p->npoints = square(p->L);
    RACAHI_TRY(racah_tp_plan_create(&p->plan, &d, err));
    racah_tp_plan_info(p->plan, &p->info);
    if (p->direction) {
        RACAHI_TRY(racahi_quadrature_create(&p->q, 2 * p->L, RACAHI_QUADRATURE_BEST, err));
        p->npoints = p->q->n;
        p->Y = racahi_malloc(p->npoints * p->S, sizeof *p->Y);
        if (!p->Y) return racahi_fail(err, RACAH_ENOMEM, "tp: samples do not fit");
        RACAHI_TRY(racah_sph_eval_f64(p->L, RACAH_SPH_COMPONENT, p->npoints, p->q->r, p->Y, NULL, err));
    }
    size_t n = p->S * p->npoints, nw = p->info.nw;
    p->ws = racahi_malloc(racah_tp_ws_size(p->plan), 1);
    p->x = racahi_calloc(n * p->info.dim1, sizeof *p->x),
    p->xf = racahi_calloc(n * p->info.dim1, sizeof *p->xf);
    p->y = racahi_calloc(n * p->info.dim2, sizeof *p->y),
    p->yf = racahi_calloc(n * p->info.dim2, sizeof *p->yf);
    p->z = racahi_calloc(n * p->info.dim3, sizeof *p->z),
    p->zf = racahi_calloc(n * p->info.dim3, sizeof *p->zf);
    p->w = racahi_calloc(nw, sizeof *p->w), p->wf = racahi_calloc(nw, sizeof *p->wf);
    if (!p->ws || !p->x || !p->xf || !p->y || !p->yf || !p->z || !p->zf || !p->w || !p->wf)
        return racahi_fail(err, RACAH_ENOMEM, "tp: %zu samples do not fit", n);
    uint64_t seed = 3;
    for (size_t i = 0; i < nw; i++) p->w[i] = 0.5 + uniform(&seed); /* generic */
    return RACAH_OK;
}

/* The map for the current weights, M [S][S][dim3]: basis vectors in; directions by projection on the
 * harmonics. */
static racah_status dense_map(probe *p, double *M, racah_error *err)
{
    const double four_pi = 4 * 3.14159265358979323846;
    size_t n2 = p->npoints, d2 = p->info.dim2, d3 = p->info.dim3;
    for (size_t i = 0; i < p->S; i++)
        for (size_t j = 0; j < n2; j++) {
            size_t s = i * n2 + j;
            for (size_t k = 0; k < p->info.dim1; k++) p->x[s * p->info.dim1 + k] = k == i;
            for (size_t k = 0; k < d2; k++) p->y[s * d2 + k] = p->direction ? p->q->r[3 * j + k] : k == j;
        }
    RACAHI_TRY(run(p, p->S * n2, err));
    if (!p->direction) {
        memcpy(M, p->z, p->S * n2 * d3 * sizeof *M);
        return RACAH_OK;
    }
    memset(M, 0, p->S * p->S * d3 * sizeof *M);
    for (size_t i = 0; i < p->S; i++)
        for (size_t g = 0; g < n2; g++)
            for (size_t j = 0; j < p->S; j++)
                for (size_t k = 0; k < d3; k++)
                    M[(i * p->S + j) * d3 + k] +=
                        p->q->w[g] / four_pi * p->Y[g * p->S + j] * p->z[(i * n2 + g) * d3 + k];
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

/* The map is linear in each weight alone, so a step of 1 gives its derivative without truncation error. */
static racah_status reach(probe *p, cli_tp_measure *out, racah_error *err)
{
    size_t nM = p->S * p->S * p->info.dim3, nw = p->info.nw, n1 = (size_t)p->L + 1;
    double *M = racahi_malloc(nM, sizeof *M), *J = racahi_malloc(nM * (nw ? nw : 1), sizeof *J);
    out->triples = racahi_calloc(n1 * n1 * n1, 1);
    racah_status s = M && J && out->triples ? dense_map(p, M, err)
                                            : racahi_fail(err, RACAH_ENOMEM, "tp: %zu maps do not fit", nw);
    for (size_t c = 0; s == RACAH_OK && c < nw; c++) {
        p->w[c] += 1;
        s = dense_map(p, J + c * nM, err);
        p->w[c] -= 1;
        for (size_t i = 0; i < nM; i++) J[c * nM + i] -= M[i];
    }
    if (s == RACAH_OK) {
        double largest = 0;
        for (size_t i = 0; i < nM; i++) largest = fmax(largest, fabs(M[i]));
        for (size_t i = 0; i < nM; i++) {
            size_t k[3] = {i / p->info.dim3 / p->S, i / p->info.dim3 % p->S, i % p->info.dim3}, l[3];
            for (int a = 0; a < 3; a++)
                for (l[a] = 0; (l[a] + 1) * (l[a] + 1) <= k[a];) l[a]++;
            if (fabs(M[i]) > 1e-9 * largest) out->triples[(l[0] * n1 + l[1]) * n1 + l[2]] = 1;
        }
        for (size_t i = 0; i < n1 * n1 * n1; i++) out->interactability += out->triples[i];
        out->expressivity = nw ? column_rank(J, nw, nM) : 1;
    }
    racahi_free(M), racahi_free(J);
    return s;
}

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
    for (int single = 0; single < 2; single++) {
        probe p;
        racah_status s = probe_init(&p, desc, single, err);
        if (s == RACAH_OK && !single) s = reach(&p, out, err);
        if (s == RACAH_OK)
            s = equivariance(&p, rotations, single ? &out->equivariance_f32 : &out->equivariance_f64, err);
        probe_free(&p);
        RACAHI_TRY(s);
    }
    return RACAH_OK;
}
