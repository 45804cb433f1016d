/* SPDX-License-Identifier: MIT
 * Finding CP decompositions: damped alternating least squares from random starts, polished by
 * Levenberg-Marquardt.
 *
 * With two factors fixed the third is a linear least-squares problem whose normal matrix is the entrywise
 * product of two R x R Gram matrices, so a sweep costs three R x R Cholesky solves. A Tikhonov term that
 * decays from sweep to sweep keeps columns from growing against each other (the infimum over rank-R tensors
 * need not be attained). Near a solution alternation crawls; the Levenberg-Marquardt step on all (n1+n2+n3) R
 * unknowns at once then converges quadratically, although the solutions form a manifold (scalings,
 * rotations): the damping vanishes with the residual. Its normal matrix has closed-form blocks,
 *     <dA_ir, dA_i's> = [i = i'] (B'B)_rs (C'C)_rs        <dA_ir, dB_js> = A_is B_jr (C'C)_rs
 * and so on, so that the Jacobian is never formed. Exact decompositions have zero residual, which is why
 * normal equations reach rounding error here. */
#include "cp_internal.h"

#include <cblas.h>
#include <math.h>
#include <string.h>
#include <time.h>

/* LAPACK's Cholesky, which comes with OpenBLAS: a = U'U or LL', n x n column-major. */
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda,
                    double *b, const int *ldb, int *info);

typedef struct fit_entry {
    int i[3];
    double v;
} fit_entry;

/* Factors are F[f] [R][n[f]]: the components of one column are contiguous. */
typedef struct fit {
    int n[3], R, P;
    const double *T;
    double norm; /* |T| */
    size_t nnz;
    fit_entry *nz;
    double *F[3], *trial[3], *best[3]; /* each set is one block of P doubles, [0] is its start */
    double *gram[3];                   /* [R][R] */
    double *M;                         /* [R][max n] right side of one ALS solve; [R][R] below */
    double *G;
    double *E;  /* residual [n1][n2][n3] */
    double *KR; /* [R][n2*n3] */
    double *H;  /* [P][P] */
    double *grad, *step;
    uint64_t rng;
} fit;

/* SplitMix64 (Steele, Lea, Flood 2014) and Box-Muller. */
static double fit_uniform(fit *w)
{
    uint64_t z = (w->rng += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double fit_normal(fit *w)
{
    double u = fit_uniform(w) + 0x1p-54, v = fit_uniform(w);
    return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void compute_gram(const fit *w, double *const F[3], int f)
{
    for (int r = 0; r < w->R; r++)
        for (int s = 0; s <= r; s++) {
            double v = cblas_ddot(w->n[f], F[f] + r * w->n[f], 1, F[f] + s * w->n[f], 1);
            w->gram[f][r * w->R + s] = w->gram[f][s * w->R + r] = v;
        }
}

/* ---- alternating least squares -------------------------------------------------------------- */

/* F[f] = T_(f) (KR of the others) (G + mu)^-1. False if the matrix is not positive definite. */
static bool als_update(fit *w, int f, double mu)
{
    int g = (f + 1) % 3, h = (f + 2) % 3, n = w->n[f], R = w->R, info;
    memset(w->M, 0, sizeof(double) * (size_t)(n * R));
    for (size_t q = 0; q < w->nnz; q++) {
        const fit_entry *e = &w->nz[q];
        const double *b = w->F[g] + e->i[g], *c = w->F[h] + e->i[h];
        double *m = w->M + (size_t)e->i[f] * (size_t)R;
        for (int r = 0; r < R; r++) m[r] += e->v * b[r * w->n[g]] * c[r * w->n[h]];
    }
    for (int r = 0; r < R * R; r++) w->G[r] = w->gram[g][r] * w->gram[h][r];
    for (int r = 0; r < R; r++) w->G[r * R + r] += mu;
    dpotrf_("L", &R, w->G, &R, &info);
    if (info != 0) return false;
    dpotrs_("L", &R, &n, w->G, &R, w->M, &R, &info); /* M is [n][R]: n right sides */
    for (int r = 0; r < R; r++)
        for (int i = 0; i < n; i++) w->F[f][r * n + i] = w->M[i * R + r];
    compute_gram(w, w->F, f);
    return true;
}

/* The three columns of each term get the same length. */
static void balance(fit *w)
{
    for (int r = 0; r < w->R; r++) {
        double len[3], p = 1;
        for (int f = 0; f < 3; f++) p *= len[f] = cblas_dnrm2(w->n[f], w->F[f] + r * w->n[f], 1);
        if (!(p > 0)) continue;
        for (int f = 0; f < 3; f++) cblas_dscal(w->n[f], cbrt(p) / len[f], w->F[f] + r * w->n[f], 1);
    }
    for (int f = 0; f < 3; f++) compute_gram(w, w->F, f);
}

/* E = T - model for these factors, |E|^2. */
static double residual(fit *w, double *const F[3])
{
    int n12 = w->n[1] * w->n[2];
    for (int r = 0; r < w->R; r++)
        for (int j = 0; j < w->n[1]; j++)
            for (int k = 0; k < w->n[2]; k++)
                w->KR[(size_t)r * (size_t)n12 + (size_t)(j * w->n[2] + k)] =
                    F[1][r * w->n[1] + j] * F[2][r * w->n[2] + k];
    size_t size = (size_t)w->n[0] * (size_t)n12;
    memcpy(w->E, w->T, sizeof(double) * size);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, w->n[0], n12, w->R, -1, F[0], w->n[0], w->KR, n12, 1,
                w->E, n12);
    return cblas_ddot((int)size, w->E, 1, w->E, 1);
}

enum { ALS_SWEEPS = 400 }; /* default */

/* From a random start; relative residual reached. */
static double als(fit *w, int sweeps)
{
    double mu = pow(10, -0.5 - 1.5 * fit_uniform(w));
    double decay = pow(1e-7 / mu, 1.0 / sweeps);
    for (int p = 0; p < w->P; p++) w->F[0][p] = 0.5 * fit_normal(w);
    balance(w);
    for (int s = 0; s < sweeps; s++, mu *= decay) {
        for (int f = 0; f < 3; f++)
            if (!als_update(w, f, mu)) return INFINITY;
        balance(w);
    }
    return sqrt(residual(w, w->F)) / w->norm;
}

/* ---- Levenberg-Marquardt ---------------------------------------------------------------------- */

/* Lower triangle (column-major: H[p*P+q], q >= p) of J'J. */
static void normal_matrix(fit *w)
{
    size_t P = (size_t)w->P;
    int R = w->R;
    memset(w->H, 0, sizeof(double) * P * P);
    int start[3] = {0, w->n[0] * R, (w->n[0] + w->n[1]) * R};
    for (int f = 0; f < 3; f++)
        for (int g = f; g < 3; g++) {
            int h = 3 - f - g, n = w->n[f], m = w->n[g];
            for (int r = 0; r < R; r++)
                for (int s = f == g ? r : 0; s < R; s++) {
                    double *block = w->H + (size_t)(start[f] + r * n) * P + (size_t)(start[g] + s * m);
                    if (f == g) {
                        double v = w->gram[(f + 1) % 3][r * R + s] * w->gram[(f + 2) % 3][r * R + s];
                        for (int i = 0; i < n; i++) block[(size_t)i * P + (size_t)i] = v;
                        continue;
                    }
                    const double *a = w->F[f] + s * n, *b = w->F[g] + r * m;
                    double v = w->gram[h][r * R + s];
                    for (int i = 0; i < n; i++)
                        for (int j = 0; j < m; j++) block[(size_t)i * P + (size_t)j] = v * a[i] * b[j];
                }
        }
}

/* grad = J'E, the descent direction, from E of the current factors. */
static void descent(fit *w)
{
    memset(w->grad, 0, sizeof(double) * (size_t)w->P);
    double *ga = w->grad, *gb = ga + w->n[0] * w->R, *gc = gb + w->n[1] * w->R;
    int n1 = w->n[1], n2 = w->n[2], n12 = n1 * n2;
    for (int r = 0; r < w->R; r++) {
        const double *a = w->F[0] + r * w->n[0], *b = w->F[1] + r * n1, *c = w->F[2] + r * n2;
        /* w->step is free here: S[j,k] = sum_i a_i E[i,j,k] needs n12 numbers, M holds them */
        double *S = w->M;
        cblas_dgemv(CblasRowMajor, CblasTrans, w->n[0], n12, 1, w->E, n12, a, 1, 0, S, 1);
        cblas_dgemv(CblasRowMajor, CblasNoTrans, n1, n2, 1, S, n2, c, 1, 0, gb + r * n1, 1);
        cblas_dgemv(CblasRowMajor, CblasTrans, n1, n2, 1, S, n2, b, 1, 0, gc + r * n2, 1);
        cblas_dgemv(CblasRowMajor, CblasNoTrans, w->n[0], n12, 1, w->E, n12, w->KR + (size_t)r * (size_t)n12,
                    1, 0, ga + r * w->n[0], 1);
    }
}

/* Returns the relative residual. Gives up where progress stalls above `hopeless`. */
static double levenberg(fit *w, double tolerance, double stop_time)
{
    enum { MAX_STEPS = 400, WINDOW = 25 };
    int P = w->P, one = 1, info;
    double history[MAX_STEPS], f = residual(w, w->F), lambda = 1e-3 * f / (w->norm * w->norm) + 1e-12, nu = 2;
    bool fresh = true;
    for (int it = 0; it < MAX_STEPS && cpu_seconds() < stop_time; it++) {
        double rel = sqrt(f) / w->norm;
        history[it] = rel;
        if (rel <= 0.3 * tolerance) break;
        if (it >= WINDOW && rel > (rel > 1e-3 ? 0.8 : 0.95) * history[it - WINDOW]) break;
        if (fresh) descent(w);
        for (int k = 0; k < 3; k++) compute_gram(w, w->F, k);
        normal_matrix(w);
        for (int p = 0; p < P; p++) w->H[(size_t)p * (size_t)P + (size_t)p] += lambda;
        dpotrf_("L", &P, w->H, &P, &info);
        double gain = -1, fnew = f;
        if (info == 0) {
            memcpy(w->step, w->grad, sizeof(double) * (size_t)P);
            dpotrs_("L", &P, &one, w->H, &P, w->step, &P, &info);
            for (int p = 0; p < P; p++) w->trial[0][p] = w->F[0][p] + w->step[p];
            fnew = residual(w, w->trial);
            double predicted = cblas_ddot(P, w->step, 1, w->grad, 1);
            predicted += lambda * cblas_ddot(P, w->step, 1, w->step, 1);
            gain = (f - fnew) / predicted;
        }
        if (info == 0 && fnew < f) {
            memcpy(w->F[0], w->trial[0], sizeof(double) * (size_t)P);
            f = fnew, fresh = true, nu = 2;
            lambda *= fmax(0.1, 1 - pow(2 * gain - 1, 3));
            lambda = fmax(lambda, 1e-15);
        } else { /* E belongs to the trial: grad is still the one of the current point */
            if (rel < 1e-13) break;
            lambda = fmax(lambda * nu, 1e-15), nu *= 2, fresh = false;
            if (lambda > 1e8) break;
        }
    }
    return sqrt(f) / w->norm;
}

/* ---- driver -------------------------------------------------------------------------------------- */

static void fit_free(fit *w)
{
    racahi_free(w->nz), racahi_free(w->F[0]), racahi_free(w->trial[0]), racahi_free(w->best[0]);
    for (int f = 0; f < 3; f++) racahi_free(w->gram[f]);
    racahi_free(w->M), racahi_free(w->G), racahi_free(w->E), racahi_free(w->KR), racahi_free(w->H);
    racahi_free(w->grad), racahi_free(w->step);
}

static racah_status fit_init(fit *w, const double *T, int n1, int n2, int n3, int R, racah_error *err)
{
    *w = (fit){.n = {n1, n2, n3}, .R = R, .P = (n1 + n2 + n3) * R, .T = T};
    size_t size = (size_t)n1 * (size_t)n2 * (size_t)n3, P = (size_t)w->P, RR = (size_t)R * (size_t)R;
    for (size_t i = 0; i < size; i++) w->nnz += fabs(T[i]) > 1e-14;
    w->norm = cblas_dnrm2((int)size, T, 1);
    double **sets[3] = {w->F, w->trial, w->best};
    bool ok = true;
    for (int s = 0; s < 3; s++) {
        sets[s][0] = racahi_calloc(P, sizeof(double));
        ok = ok && sets[s][0];
        if (!ok) break;
        sets[s][1] = sets[s][0] + n1 * R, sets[s][2] = sets[s][1] + n2 * R;
    }
    for (int f = 0; f < 3; f++) ok = (w->gram[f] = racahi_calloc(RR, sizeof(double))) && ok;
    ok = (w->nz = racahi_calloc(w->nnz, sizeof *w->nz)) && ok;
    ok = (w->M = racahi_calloc(P + (size_t)n2 * (size_t)n3, sizeof(double))) && ok;
    ok = (w->G = racahi_calloc(RR, sizeof(double))) && ok;
    ok = (w->E = racahi_calloc(size, sizeof(double))) && ok;
    ok = (w->KR = racahi_calloc((size_t)R * (size_t)n2 * (size_t)n3, sizeof(double))) && ok;
    ok = (w->H = racahi_calloc(P * P, sizeof(double))) && ok;
    ok = (w->grad = racahi_calloc(P, sizeof(double))) && ok;
    ok = (w->step = racahi_calloc(P, sizeof(double))) && ok;
    if (!ok) return racahi_fail(err, RACAH_ENOMEM, "cp fit: rank %d with %zu unknowns does not fit", R, P);
    size_t q = 0;
    for (int i = 0; i < n1; i++)
        for (int j = 0; j < n2; j++)
            for (int k = 0; k < n3; k++) {
                double v = T[(i * n2 + j) * n3 + k];
                if (fabs(v) > 1e-14) w->nz[q++] = (fit_entry){{i, j, k}, v};
            }
    return RACAH_OK;
}

static double largest_entry(const fit *w)
{
    double m = 0;
    for (int p = 0; p < w->P; p++) m = fmax(m, fabs(w->F[0][p]));
    return m;
}

racah_status racahi_cp_fit(const double *T, int n1, int n2, int n3, const racahi_cp_fit_options *o, double *A,
                           double *B, double *C, double *residual_out, racah_error *err)
{
    if (!T || !o || !A || !B || !C || !residual_out) return racahi_fail(err, RACAH_EINVAL, "cp fit: NULL");
    if (n1 < 1 || n2 < 1 || n3 < 1 || n1 > 200 || n2 > 200 || n3 > 200)
        return racahi_fail(err, RACAH_EINVAL, "cp fit: shape (%d,%d,%d), need 1..200 each", n1, n2, n3);
    if (o->rank < 1 || o->rank > 1000)
        return racahi_fail(err, RACAH_EINVAL, "cp fit: rank %d, need 1..1000", o->rank);
    fit w;
    racah_status status = fit_init(&w, T, n1, n2, n3, o->rank, err);
    if (status == RACAH_OK && !(w.norm > 0 && isfinite(w.norm)))
        status = racahi_fail(err, RACAH_EINVAL, "cp fit: |T| = %g", w.norm);
    double best = INFINITY, best_als = INFINITY, end = cpu_seconds() + 60 * o->minutes;
    for (int restart = 0; status == RACAH_OK; restart++) {
        w.rng = o->seed * 0x2545f4914f6cdd1du + (uint64_t)restart;
        double a = als(&w, o->sweeps > 0 ? o->sweeps : ALS_SWEEPS), l = a;
        /* polishing costs a hundred times the sweeps, and exact factors came from below 1e-2 only */
        if (a < 1e-2 || a < best_als) l = levenberg(&w, o->tolerance, end), balance(&w);
        best_als = fmin(best_als, a);
        bool fits = largest_entry(&w) <= o->largest;
        if (fits && l < best) best = l, memcpy(w.best[0], w.F[0], sizeof(double) * (size_t)w.P);
        if (o->progress && o->progress(o->ctx, restart, a, l, best)) break;
        if (best <= o->tolerance || cpu_seconds() > end ||
            (o->max_restarts && restart + 1 >= o->max_restarts))
            break;
    }
    if (status == RACAH_OK) {
        double *out[3] = {A, B, C};
        for (int f = 0; f < 3; f++)
            for (int r = 0; r < w.R; r++)
                for (int i = 0; i < w.n[f]; i++) out[f][i * w.R + r] = w.best[f][r * w.n[f] + i];
        *residual_out = best;
    }
    fit_free(&w);
    return status;
}
