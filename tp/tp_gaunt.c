/* SPDX-License-Identifier: MIT
 * Algorithm `gaunt`: functions on the sphere as 2D Fourier series, multiplied on a torus (Luo et al., Enabling
 * Efficient Equivariant Operations in the Fourier Basis via Gaunt Tensor Products, arXiv 2401.10216), with the closed
 * forms of sh_fourier.h instead of numerical integrals.
 *
 *   F[u,v] = coefficients of f, |u|, |v| <= l1max; likewise g;  h = f g on an N x N torus, N >= 2(l1max+l2max)+1, so
 *   that nothing aliases; z_lm = 1/(4 pi) integral h Y_lm over the sphere, from the coefficients of h.
 *
 * Only v = m occurs for degree-l harmonics of order m, so both ends are sparse. With real functions v >= 0 is
 * enough: h = Re sum_{v>=0} k_v F[u,v] e^(i(u t + v f)), k_0 = 1, k_v = 2, which is what the c2r transform evaluates;
 * the transposes follow from this form. Arrays have the channels innermost, real and imaginary parts in separate
 * planes (row (u Nv + v), imaginary parts NF rows later).
 *
 * FFTW's planner has global state; every use of it here is under one lock. A program that plans with FFTW elsewhere
 * at the same time must do as FFTW's manual says (fftw_make_planner_thread_safe). Plans are made with FFTW_ESTIMATE:
 * the same plan, so the same rounding, every time. */
#include "../sphere/sh_fourier.h"
#include "tp_transform.h"

#include <fftw3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;

/* A sparse map between rows of features and rows of Fourier coefficients. */
typedef struct gaunt_map {
    racahi_tp_map m;
    size_t *target;
} gaunt_map;

typedef struct gaunt_entry {
    size_t to, from;
    double c;
} gaunt_entry;

struct racahi_tp_fft {
    size_t N, Nv, NF; /* points on a circle; kept orders N/2+1; coefficients N Nv */
    gaunt_map map[3]; /* features to coefficients (0, 1), coefficients to features (2) */
    gaunt_map transposed[3];
    fftw_plan to_f64[2], from_f64[2]; /* coefficients to points, back; for p->C channels and for one */
    fftwf_plan to_f32[2], from_f32[2];
    size_t C[2];
};

void racahi_tp_fft_destroy(racahi_tp_fft *f)
{
    if (!f) return;
    for (int i = 0; i < 6; i++) {
        gaunt_map *m = i < 3 ? &f->map[i] : &f->transposed[i - 3];
        racahi_free(m->m.ptr), racahi_free(m->m.col), racahi_free(m->m.c_f64), racahi_free(m->m.c_f32);
        racahi_free(m->target);
    }
    pthread_mutex_lock(&planner);
    for (int i = 0; i < 2; i++) {
        if (f->to_f64[i]) fftw_destroy_plan(f->to_f64[i]);
        if (f->from_f64[i]) fftw_destroy_plan(f->from_f64[i]);
        if (f->to_f32[i]) fftwf_destroy_plan(f->to_f32[i]);
        if (f->from_f32[i]) fftwf_destroy_plan(f->from_f32[i]);
    }
    pthread_mutex_unlock(&planner);
    racahi_free(f);
}

size_t racahi_tp_fft_ws(const racahi_tp_fft *f) { return 2 * f->NF; }

double racahi_tp_fft_flops(const racahi_tp_fft *f, int which)
{
    double n = (double)(f->N * f->N), log2n = 0;
    for (double s = 1; s < n; s *= 2) log2n += 1;
    return 2.5 * n * log2n + 2 * (double)f->map[which].m.ptr[f->map[which].m.nrow];
}

/* ---- sparse maps ---------------------------------------------------------------------------------------- */

static int by_target(const void *a, const void *b)
{
    const gaunt_entry *p = a, *q = b;
    if (p->to != q->to) return p->to < q->to ? -1 : 1;
    return p->from < q->from ? -1 : p->from > q->from;
}

static racah_status make_map(gaunt_map *m, gaunt_entry *e, size_t n, racah_error *err)
{
    qsort(e, n, sizeof *e, by_target);
    m->m.ptr = racahi_calloc(n + 1, sizeof(size_t)), m->m.col = racahi_calloc(n, sizeof(size_t));
    m->m.c_f64 = racahi_calloc(n, sizeof(double)), m->m.c_f32 = racahi_calloc(n, sizeof(float));
    m->target = racahi_calloc(n, sizeof(size_t));
    if (!m->m.ptr || !m->m.col || !m->m.c_f64 || !m->m.c_f32 || !m->target)
        return racahi_fail(err, RACAH_ENOMEM, "tp gaunt: tables do not fit in memory");
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || e[i].to != e[i - 1].to) m->target[m->m.nrow++] = e[i].to;
        m->m.col[i] = e[i].from, m->m.c_f64[i] = e[i].c, m->m.c_f32[i] = (float)e[i].c;
        m->m.ptr[m->m.nrow] = i + 1;
    }
    return RACAH_OK;
}

/* Row of coefficient (u,v), part 0 real, 1 imaginary. */
static size_t coefficient_row(const racahi_tp_fft *f, int u, int v, int part)
{
    size_t wrapped = u < 0 ? f->N - (size_t)-u : (size_t)u;
    return (part ? f->NF : 0) + wrapped * f->Nv + (size_t)v;
}

/* Where component m of degree l goes, and the sign: x_m P (cos or sin)(m f) has F = P_u (x_m - i x_-m) / k_v with
 * P_u = A_u for even |m|, -i B_u for odd. */
static void part_and_sign(int m, int *part, double *sign)
{
    bool odd = m % 2;
    if (m >= 0)
        *part = odd ? 1 : 0, *sign = odd ? -1 : 1;
    else
        *part = odd ? 0 : 1, *sign = -1;
}

/* Features to coefficients, and the transpose of that followed by c2r: d Re F = k_v Re R, likewise Im. */
static racah_status input_maps(const racah_tp_plan *p, racahi_tp_fft *f, int which, gaunt_entry *e,
                               racah_error *err)
{
    const racahi_irreps *s = which ? &p->in2 : &p->in1;
    for (int transposed = 0; transposed < 2; transposed++) {
        size_t n = 0;
        for (size_t b = 0; b < s->n; b++)
            for (int l = s->block[b].l, m = -l; m <= l; m++) {
                double c[2 * RACAH_SPH_LMAX + 1], sign, k = m ? 2 : 1;
                int part, v = abs(m);
                part_and_sign(m, &part, &sign);
                racahi_sh_fourier(l, v, c);
                for (int u = -l; u <= l; u += 2) {
                    size_t row = coefficient_row(f, u, v, part), feature = racahi_tp_component(p, s, b, m);
                    double value = sign * c[u + l] / k;
                    if (transposed)
                        e[n++] = (gaunt_entry){feature, row, value * k};
                    else
                        e[n++] = (gaunt_entry){row, feature, value};
                }
            }
        RACAHI_TRY(make_map(transposed ? &f->transposed[which] : &f->map[which], e, n, err));
    }
    return RACAH_OK;
}

/* Coefficients of h (from r2c, which does not divide by N^2) to features, u >= 0 folded:
 *   z_m = 1/2 sum_u Re H C_u (even m >= 0), ...   (part_and_sign again: the projection is the conjugate)
 * and its transpose after which c2r gives the transpose of r2c: d Re F = d Re H / k_v, and for v = 0 shared by u and
 * -u to be Hermitian. */
static racah_status output_maps(const racah_tp_plan *p, racahi_tp_fft *f, int ulimit, gaunt_entry *e,
                                racah_error *err)
{
    for (int transposed = 0; transposed < 2; transposed++) {
        size_t n = 0;
        for (size_t b = 0; b < p->out.n; b++)
            for (int l = p->out.block[b].l, m = -l; m <= l; m++) {
                double c[2 * RACAH_SPH_LMAX + 1], sign, k = m ? 2 : 1;
                int part, v = abs(m);
                part_and_sign(m, &part, &sign);
                racahi_sh_fourier(l, v, c);
                for (int u = l % 2; u <= ulimit && v < (int)f->Nv; u += 2) {
                    double value = sign * 0.5 * racahi_sh_fourier_integral(l, v, c, u) * (u ? 2 : 1) /
                                   (double)(f->N * f->N);
                    size_t row = coefficient_row(f, u, v, part),
                           feature = racahi_tp_component(p, &p->out, b, m);
                    if (!transposed)
                        e[n++] = (gaunt_entry){feature, row, value};
                    else if (v > 0 || u == 0)
                        e[n++] = (gaunt_entry){row, feature, value / k};
                    else {
                        e[n++] = (gaunt_entry){row, feature, value / 2};
                        e[n++] = (gaunt_entry){coefficient_row(f, -u, v, part), feature, value / 2};
                    }
                }
            }
        RACAHI_TRY(make_map(transposed ? &f->transposed[2] : &f->map[2], e, n, err));
    }
    return RACAH_OK;
}

/* ---- transforms ------------------------------------------------------------------------------------------- */

static racah_status plan_all(const racah_tp_plan *p, racahi_tp_fft *f, racah_error *err)
{
    f->C[0] = (size_t)p->C, f->C[1] = 1;
    size_t most = f->C[0] * (f->N * f->N + 2 * f->NF + 16);
    double *block = racahi_malloc(most, sizeof *block);
    if (!block)
        return racahi_fail(err, RACAH_ENOMEM, "tp gaunt: %zu points do not fit in memory", f->N * f->N);
    bool good = true;
    pthread_mutex_lock(&planner);
    for (int i = 0; i < 2 && good; i++) {
        int N = (int)f->N, Nv = (int)f->Nv, C = (int)f->C[i];
        const fftw_iodim inner = {C, 1, 1};
        const fftw_iodim back[2] = {{N, Nv * C, N * C}, {N, C, C}},
                         forth[2] = {{N, N * C, Nv * C}, {N, C, C}};
        if (p->d.dtype == RACAH_TP_F64) {
            double *re = block, *im = re + f->NF * f->C[i], *points = block + 2 * f->NF * f->C[0];
            points += (8 - (size_t)(points - block) % 8) % 8;
            f->to_f64[i] = fftw_plan_guru_split_dft_c2r(2, back, 1, &inner, re, im, points, FFTW_ESTIMATE);
            f->from_f64[i] = fftw_plan_guru_split_dft_r2c(2, forth, 1, &inner, points, re, im, FFTW_ESTIMATE);
            good = f->to_f64[i] && f->from_f64[i];
        } else {
            float *start = (float *)(void *)block, *re = start, *im = re + f->NF * f->C[i];
            float *points = start + 2 * f->NF * f->C[0];
            points += (16 - (size_t)(points - start) % 16) % 16;
            f->to_f32[i] = fftwf_plan_guru_split_dft_c2r(2, back, 1, &inner, re, im, points, FFTW_ESTIMATE);
            f->from_f32[i] =
                fftwf_plan_guru_split_dft_r2c(2, forth, 1, &inner, points, re, im, FFTW_ESTIMATE);
            good = f->to_f32[i] && f->from_f32[i];
        }
    }
    pthread_mutex_unlock(&planner);
    racahi_free(block);
    if (!good)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "tp gaunt: FFTW has no plan for %zu x %zu points", f->N,
                           f->N);
    return RACAH_OK;
}

/* Smallest size >= n with no prime factor above 5. */
static size_t smooth_size(size_t n)
{
    for (;; n++) {
        size_t m = n;
        for (size_t q = 2; q <= 5; q++)
            while (m % q == 0) m /= q;
        if (m == 1) return n;
    }
}

static racah_status gaunt_create(racah_tp_plan *p, racah_error *err)
{
    if (p->d.family != RACAH_TP_FAMILY_GAUNT)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: gaunt multiplies functions point by point, which is family gaunt");
    RACAHI_TRY(racahi_tp_transform_begin(p, true, err));
    racahi_tp_transform *t = p->state;
    racahi_tp_fft *f = t->fft = racahi_calloc(1, sizeof *f);
    if (!f) return racahi_fail(err, RACAH_ENOMEM, "tp gaunt: no memory");
    int both = p->in1.lmax + p->in2.lmax;
    f->N = smooth_size(2 * (size_t)both + 1), f->Nv = f->N / 2 + 1, f->NF = f->N * f->Nv;
    t->R = p->rank = f->N * f->N;
    size_t rows = t->S[0] > t->S[1] ? t->S[0] : t->S[1];
    if (t->S[2] > rows) rows = t->S[2];
    gaunt_entry *e = racahi_malloc(2 * rows * (size_t)(both + p->L + 2), sizeof *e);
    if (!e) return racahi_fail(err, RACAH_ENOMEM, "tp gaunt: no memory");
    racah_status status = input_maps(p, f, 0, e, err);
    if (status == RACAH_OK) status = input_maps(p, f, 1, e, err);
    if (status == RACAH_OK) status = output_maps(p, f, both, e, err);
    racahi_free(e);
    if (status != RACAH_OK) return status;
    RACAHI_TRY(plan_all(p, f, err));
    return racahi_tp_transform_finish(p, err);
}

#define REAL double
#define NAME(x) x##_f64
#define FFTW(x) fftw_##x
#include "tp_gaunt.inc"
#undef REAL
#undef NAME
#undef FFTW
#define REAL float
#define NAME(x) x##_f32
#define FFTW(x) fftwf_##x
#include "tp_gaunt.inc"
#undef REAL
#undef NAME
#undef FFTW

const racahi_tp_ops racahi_tp_gaunt = RACAHI_TP_TRANSFORM_OPS(RACAH_TP_GAUNT, gaunt_create);
