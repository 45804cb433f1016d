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
 * normal equations reach rounding error here.
 *
 * Tied columns (racahi_cp_symmetry): all tensors are symmetric under rotation of all three indices, of which the
 * half turns about the axes only change signs of the components; the even unit and Gaunt tensors are so under
 * inversion P too and under permutations of indices of equal range. Decompositions of the same symmetry have
 * far fewer unknowns, (3,3,3) at rank 50 for instance 25 x 16 instead of 2400, so a step costs 1/200 of the
 * free one, and as many fewer equations. Levenberg-Marquardt finds them from random starts without sweeps
 * before. */
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
    racahi_cp_symmetry symmetry;
    int images;   /* tied: columns that the symmetry makes of one, 2 or 4 */
    int singles;  /* columns that are their own images, the last ones */
    int at[3], W; /* tied: where the three columns of a term start in its W unknowns */
    int U;        /* unknowns of Levenberg-Marquardt: P, or W for each set of images and each single */
    double *u, *u_trial, *slope; /* tied: [U]; dF/du [P], which is +-1 or 0 */
    double *gram[3];             /* [R][R] */
    double *M;                   /* [R][max n] right side of one ALS solve; [R][R] below */
    double *G;
    double *E;           /* residual [n1][n2][n3] */
    double *KR;          /* [R][n2*n3] */
    double *H;           /* [U][U] */
    double *grad, *step; /* [P] */
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

/* ---- tied columns ----------------------------------------------------------------------------- */

/* Column r belongs to these unknowns. */
static double *unknowns_of(const fit *w, double *u, int r)
{
    int n = w->images, sets = (w->R - w->singles) / n;
    return u + (size_t)(r < n * sets ? r / n : r - (n - 1) * sets) * (size_t)w->W;
}

/* What makes image `image` of a column, on component l, m: inversion; the half turns about x, y and z. With the polar
 * axis y, Y_lm is P_l^|m|(y) times the real (m >= 0) or imaginary part of (z + i x)^|m|. */
static double image_sign(racahi_cp_symmetry symmetry, int image, int l, int m)
{
    double l_odd = l % 2 ? -1 : 1, m_odd = m % 2 ? -1 : 1, x = m < 0 ? -l_odd : l_odd;
    if (symmetry != RACAHI_CP_TURNS) return image ? l_odd : 1;
    const double turns[4] = {1, x, m_odd, x * m_odd};
    return turns[image];
}

/* Singles have those components only that no image changes. */
static void make_slopes(fit *w)
{
    for (int f = 0; f < 3; f++)
        for (int r = 0; r < w->R; r++)
            for (int l = 0; l * l < w->n[f]; l++)
                for (int k = l * l; k < (l + 1) * (l + 1) && k < w->n[f]; k++) {
                    int m = k - l * l - l;
                    double *slope = w->slope + (w->F[f] - w->F[0]) + r * w->n[f] + k;
                    *slope = image_sign(w->symmetry, r % w->images, l, m);
                    if (r < w->R - w->singles) continue;
                    *slope = 1;
                    for (int i = 0; i < w->images; i++)
                        if (image_sign(w->symmetry, i, l, m) < 0) *slope = 0;
                }
}

static void expand(const fit *w, double *u, double *const F[3])
{
    for (int f = 0; f < 3; f++)
        for (int r = 0; r < w->R; r++) {
            const double *s = w->slope + (F[f] - F[0]) + r * w->n[f], *v = unknowns_of(w, u, r) + w->at[f];
            for (int k = 0; k < w->n[f]; k++) F[f][r * w->n[f] + k] = s[k] * v[k];
        }
}

/* Gradients of the unknowns from those of the columns, in place. */
static void reduce(fit *w)
{
    double *g = w->u_trial; /* free here */
    memset(g, 0, sizeof(double) * (size_t)w->U);
    for (int f = 0; f < 3; f++)
        for (int r = 0; r < w->R; r++) {
            size_t o = (size_t)(w->F[f] - w->F[0]) + (size_t)(r * w->n[f]);
            double *v = unknowns_of(w, g, r) + w->at[f];
            for (int k = 0; k < w->n[f]; k++) v[k] += w->slope[o + (size_t)k] * w->grad[o + (size_t)k];
        }
    memcpy(w->grad, g, sizeof(double) * (size_t)w->U);
}

/* One pair of columns and of factors into the block of their unknowns. */
static void tied_block(const fit *w, int f, int g, int r, int s, double *block)
{
    int n = w->n[f], m = w->n[g], R = w->R, U = w->U;
    const double *sf = w->slope + (w->F[f] - w->F[0]) + r * n, *sg = w->slope + (w->F[g] - w->F[0]) + s * m;
    block += (size_t)w->at[f] * (size_t)U + (size_t)w->at[g];
    if (f == g) {
        double v = w->gram[(f + 1) % 3][r * R + s] * w->gram[(f + 2) % 3][r * R + s];
        for (int i = 0; i < n; i++) block[(size_t)i * (size_t)U + (size_t)i] += v * sf[i] * sg[i];
        return;
    }
    const double *a = w->F[f] + s * n, *b = w->F[g] + r * m;
    double v = w->gram[3 - f - g][r * R + s], vb[256];
    for (int j = 0; j < m; j++) vb[j] = v * sg[j] * b[j];
    for (int i = 0; i < n; i++) {
        double t = sf[i] * a[i], *row = block + (size_t)i * (size_t)U;
        for (int j = 0; j < m; j++) row[j] += t * vb[j];
    }
}

static void tied_normal_matrix(fit *w)
{
    memset(w->H, 0, sizeof(double) * (size_t)w->U * (size_t)w->U);
    for (int r = 0; r < w->R; r++)
        for (int s = 0; s < w->R; s++) {
            ptrdiff_t p = unknowns_of(w, w->u, r) - w->u, q = unknowns_of(w, w->u, s) - w->u;
            for (int f = 0; q >= p && f < 3; f++)
                for (int g = 0; g < 3; g++) tied_block(w, f, g, r, s, w->H + p * w->U + q);
        }
}

static void tied_start(fit *w)
{
    double size = 0.3 + 0.4 * fit_uniform(w);
    for (int p = 0; p < w->U; p++) w->u[p] = size * fit_normal(w);
    expand(w, w->u, w->F);
}

/* ---- Levenberg-Marquardt ---------------------------------------------------------------------- */

/* Lower triangle (column-major: H[p*U+q], q >= p) of J'J. */
static void normal_matrix(fit *w)
{
    if (w->symmetry != RACAHI_CP_FREE) {
        tied_normal_matrix(w);
        return;
    }
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
    if (w->symmetry != RACAHI_CP_FREE) reduce(w);
}

/* The factors of unknowns + step. */
static void try_step(fit *w)
{
    bool tied = w->symmetry != RACAHI_CP_FREE;
    const double *from = tied ? w->u : w->F[0];
    double *to = tied ? w->u_trial : w->trial[0];
    for (int p = 0; p < w->U; p++) to[p] = from[p] + w->step[p];
    if (tied) expand(w, w->u_trial, w->trial);
}

static void accept_step(fit *w)
{
    memcpy(w->F[0], w->trial[0], sizeof(double) * (size_t)w->P);
    if (w->symmetry != RACAHI_CP_FREE) memcpy(w->u, w->u_trial, sizeof(double) * (size_t)w->U);
}

/* Returns the relative residual. Gives up where progress stalls above `hopeless`. */
static double levenberg(fit *w, double tolerance, double stop_time)
{
    enum { MAX_STEPS = 400, WINDOW = 25 };
    int U = w->U, one = 1, info;
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
        for (int p = 0; p < U; p++) w->H[(size_t)p * (size_t)U + (size_t)p] += lambda;
        dpotrf_("L", &U, w->H, &U, &info);
        double gain = -1, fnew = f;
        if (info == 0) {
            memcpy(w->step, w->grad, sizeof(double) * (size_t)U);
            dpotrs_("L", &U, &one, w->H, &U, w->step, &U, &info);
            try_step(w);
            fnew = residual(w, w->trial);
            double predicted = cblas_ddot(U, w->step, 1, w->grad, 1);
            predicted += lambda * cblas_ddot(U, w->step, 1, w->step, 1);
            gain = (f - fnew) / predicted;
        }
        if (info == 0 && fnew < f) {
            accept_step(w);
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
    racahi_free(w->grad), racahi_free(w->step), racahi_free(w->u), racahi_free(w->slope);
}

static void fit_tie(fit *w, const racahi_cp_fit_options *o)
{
    int n1 = w->n[0], n2 = w->n[1], n3 = w->n[2];
    w->symmetry = o->symmetry, w->singles = o->singles, w->images = o->symmetry == RACAHI_CP_TURNS ? 4 : 2;
    w->at[0] = 0, w->at[1] = n1, w->at[2] = n1 + n2, w->W = n1 + n2 + n3;
    if (o->symmetry == RACAHI_CP_LAST_TWO) w->at[2] = n1, w->W = n1 + n2;
    if (o->symmetry == RACAHI_CP_ALL_THREE) w->at[1] = w->at[2] = 0, w->W = n1;
    w->U = o->symmetry == RACAHI_CP_FREE ? w->P : w->W * ((w->R - w->singles) / w->images + w->singles);
}

static racah_status fit_init(fit *w, const double *T, int n1, int n2, int n3, const racahi_cp_fit_options *o,
                             racah_error *err)
{
    int R = o->rank;
    *w = (fit){.n = {n1, n2, n3}, .R = R, .P = (n1 + n2 + n3) * R, .T = T};
    fit_tie(w, o);
    size_t size = (size_t)n1 * (size_t)n2 * (size_t)n3, P = (size_t)w->P, RR = (size_t)R * (size_t)R;
    size_t U = (size_t)w->U;
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
    ok = (w->H = racahi_calloc(U * U, sizeof(double))) && ok;
    ok = (w->grad = racahi_calloc(P, sizeof(double))) && ok;
    ok = (w->step = racahi_calloc(P, sizeof(double))) && ok;
    ok = (w->u = racahi_calloc(2 * U, sizeof(double))) && ok;
    ok = (w->slope = racahi_calloc(P, sizeof(double))) && ok;
    if (!ok) return racahi_fail(err, RACAH_ENOMEM, "cp fit: rank %d with %zu unknowns does not fit", R, P);
    w->u_trial = w->u + U;
    make_slopes(w);
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

static racah_status check_symmetry(int n1, int n2, int n3, const racahi_cp_fit_options *o, racah_error *err)
{
    if ((unsigned)o->symmetry > RACAHI_CP_TURNS)
        return racahi_fail(err, RACAH_EINVAL, "cp fit: symmetry %d, need 0..%d", (int)o->symmetry,
                           RACAHI_CP_TURNS);
    bool equal = o->symmetry == RACAHI_CP_LAST_TWO || o->symmetry == RACAHI_CP_ALL_THREE;
    if ((equal && n2 != n3) || (o->symmetry == RACAHI_CP_ALL_THREE && n1 != n2))
        return racahi_fail(err, RACAH_EINVAL, "cp fit: equal columns need equal ranges, have (%d,%d,%d)", n1,
                           n2, n3);
    bool tied = o->symmetry != RACAHI_CP_FREE;
    int images = o->symmetry == RACAHI_CP_TURNS ? 4 : 2;
    if (o->singles < 0 || o->singles > o->rank || (!tied && o->singles) ||
        (tied && (o->rank - o->singles) % images))
        return racahi_fail(
            err, RACAH_EINVAL,
            "cp fit: %d single columns of %d; the others come in pairs, or fours with half turns, and there are "
            "no singles without symmetry",
            o->singles, o->rank);
    return RACAH_OK;
}

racah_status racahi_cp_fit(const double *T, int n1, int n2, int n3, const racahi_cp_fit_options *o, double *A,
                           double *B, double *C, double *residual_out, racah_error *err)
{
    if (!T || !o || !A || !B || !C || !residual_out) return racahi_fail(err, RACAH_EINVAL, "cp fit: NULL");
    if (n1 < 1 || n2 < 1 || n3 < 1 || n1 > 200 || n2 > 200 || n3 > 200)
        return racahi_fail(err, RACAH_EINVAL, "cp fit: shape (%d,%d,%d), need 1..200 each", n1, n2, n3);
    if (o->rank < 1 || o->rank > 1000)
        return racahi_fail(err, RACAH_EINVAL, "cp fit: rank %d, need 1..1000", o->rank);
    RACAHI_TRY(check_symmetry(n1, n2, n3, o, err));
    fit w;
    racah_status status = fit_init(&w, T, n1, n2, n3, o, err);
    if (status == RACAH_OK && !(w.norm > 0 && isfinite(w.norm)))
        status = racahi_fail(err, RACAH_EINVAL, "cp fit: |T| = %g", w.norm);
    double best = INFINITY, best_als = INFINITY, end = cpu_seconds() + 60 * o->minutes;
    for (int restart = 0; status == RACAH_OK; restart++) {
        w.rng = o->seed * 0x2545f4914f6cdd1du + (uint64_t)restart;
        bool tied = o->symmetry != RACAHI_CP_FREE;
        if (tied) tied_start(&w);
        double a = tied ? INFINITY : als(&w, o->sweeps > 0 ? o->sweeps : ALS_SWEEPS), l = a;
        /* polishing costs a hundred times the sweeps, and exact factors came from below 1e-2 only */
        if (tied || a < 1e-2 || a < best_als) l = levenberg(&w, o->tolerance, end), balance(&w);
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
