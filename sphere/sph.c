/* SPDX-License-Identifier: MIT
 * Public spherical harmonics: argument checks, choice of the kernel, normalisation. */
#include "sph.h"

#include <math.h>

#define BLOCK 64 /* points whose float vectors are widened on the stack at a time */

static racah_status check(const char *who, int lmax, racah_sph_norm norm, size_t n, const void *r,
                          const void *Y, racah_error *err)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX)
        return racahi_fail(err, RACAH_EINVAL, "%s: lmax = %d, need 0 .. %d", who, lmax, RACAH_SPH_LMAX);
    if (norm != RACAH_SPH_COMPONENT && norm != RACAH_SPH_NORM && norm != RACAH_SPH_INTEGRAL)
        return racahi_fail(err, RACAH_EINVAL, "%s: norm = %d is none of racah_sph_norm", who, (int)norm);
    if (n > 0 && (!r || !Y)) return racahi_fail(err, RACAH_EINVAL, "%s: %s is NULL", who, r ? "Y" : "r");
    size_t bytes_per_point = 3 * (size_t)(lmax + 1) * (size_t)(lmax + 1) * sizeof(double);
    if (n > SIZE_MAX / bytes_per_point)
        return racahi_fail(err, RACAH_EINVAL, "%s: n = %zu points do not fit in memory", who, n);
    return RACAH_OK;
}

/* true for NaN too */
static bool out_of_range(double x) { return !(fabs(x) < RACAHI_SPH_HUGE); }

static racah_status range_error(const char *who, size_t i, double x, racah_error *err)
{
    return racahi_fail(err, RACAH_ENUMERIC, "%s: r[%zu][%zu] = %g, need a finite number below %g", who, i / 3,
                       i % 3, x, RACAHI_SPH_HUGE);
}

/* Factor from `component` to norm for degree l. */
static double norm_factor(racah_sph_norm norm, int l)
{
    const double inv_sqrt_4pi = 0.28209479177387814347;
    return norm == RACAH_SPH_NORM ? 1 / sqrt(2.0 * l + 1) : norm == RACAH_SPH_INTEGRAL ? inv_sqrt_4pi : 1;
}

racah_status racah_sph_eval_f64(int lmax, racah_sph_norm norm, size_t n, const double *r, double *Y,
                                double *dY, racah_error *err)
{
    static const char who[] = "racah_sph_eval_f64";
    RACAHI_TRY(check(who, lmax, norm, n, r, Y, err));
    for (size_t i = 0; i < 3 * n; i++)
        if (out_of_range(r[i])) return range_error(who, i, r[i], err);
    racahi_sph_pick_f64(lmax, racahi_cpu_best())(lmax, n, r, Y, dY);
    if (norm == RACAH_SPH_COMPONENT) return RACAH_OK;
    double *row = Y, *drow = dY;
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l <= lmax; l++) {
            double f = norm_factor(norm, l);
            for (int m = 0; m <= 2 * l; m++) *row++ *= f;
        }
    for (size_t i = 0; dY && i < 3 * n; i++)
        for (int l = 0; l <= lmax; l++) {
            double f = norm_factor(norm, l);
            for (int m = 0; m <= 2 * l; m++) *drow++ *= f;
        }
    return RACAH_OK;
}

racah_status racah_sph_eval_f32(int lmax, racah_sph_norm norm, size_t n, const float *r, float *Y, float *dY,
                                racah_error *err)
{
    static const char who[] = "racah_sph_eval_f32";
    RACAHI_TRY(check(who, lmax, norm, n, r, Y, err));
    for (size_t i = 0; i < 3 * n; i++)
        if (out_of_range((double)r[i])) return range_error(who, i, (double)r[i], err);
    const size_t S = (size_t)(lmax + 1) * (size_t)(lmax + 1);
    racahi_sph_fn_f32 kernel = racahi_sph_pick_f32(lmax, racahi_cpu_best());
    for (size_t first = 0; first < n; first += BLOCK) {
        size_t count = n - first < BLOCK ? n - first : BLOCK;
        double wide[3 * BLOCK];
        for (size_t i = 0; i < 3 * count; i++) wide[i] = (double)r[3 * first + i];
        kernel(lmax, count, wide, Y + first * S, dY ? dY + first * 3 * S : NULL);
    }
    if (norm == RACAH_SPH_COMPONENT) return RACAH_OK;
    float *row = Y, *drow = dY;
    for (size_t i = 0; i < n; i++)
        for (int l = 0; l <= lmax; l++) {
            float f = (float)norm_factor(norm, l);
            for (int m = 0; m <= 2 * l; m++) *row++ *= f;
        }
    for (size_t i = 0; dY && i < 3 * n; i++)
        for (int l = 0; l <= lmax; l++) {
            float f = (float)norm_factor(norm, l);
            for (int m = 0; m <= 2 * l; m++) *drow++ *= f;
        }
    return RACAH_OK;
}
