/* SPDX-License-Identifier: MIT
 * Real spherical harmonics and their gradients.
 *
 * Conventions, stated once for the whole library (they are e3nn's):
 *   index      k = l*l + l + m,  0 <= l <= lmax, -l <= m <= l;  S = (lmax+1)^2 values
 *   polar axis y; l = 1 is (x, y, z) in this order; no Condon-Shortley sign is visible
 *   component  sum_m Y_lm^2 = 2l+1   (default everywhere in Racah)
 *   norm       sum_m Y_lm^2 = 1
 *   integral   the integral of Y_lm^2 over the sphere is 1
 */
#ifndef RACAH_SPHERE_H
#define RACAH_SPHERE_H

#include "racah_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RACAH_SPH_LMAX 11

typedef enum racah_sph_norm {
    RACAH_SPH_COMPONENT = 0,
    RACAH_SPH_NORM = 1,
    RACAH_SPH_INTEGRAL = 2
} racah_sph_norm;

/* Real spherical harmonics of directions, and optional gradients.
 *   Y[n,k] = Y_lm(r_n / |r_n|)
 * lmax  in   0 .. RACAH_SPH_LMAX
 * n     in   number of points, may be 0
 * r     in   (n,3) row-major; any length unit, need not be normalised
 * Y     out  (n,S) dimensionless
 * dY    out  (n,3,S) dY[n,a,k] = d Y_k / d r_a, unit 1/length; or NULL to skip
 * Overlap forbidden. Allocates nothing. |r_n| = 0: Y = 0 for l > 0 and dY = 0; a length below 1e-30 counts
 * as 0, so that gradients (about l/|r|) stay finite in float.
 * Rounding: at l <= 4 below 2e-14 (f64) and 3e-6 (f32) in Y and |r| dY, at l = 11 2e-13 and 5e-5.
 * Errors: RACAH_EINVAL (lmax, norm, NULL with n > 0, n too large), RACAH_ENUMERIC (a component of r is not
 * finite or not below 1e150). Outputs untouched on error. Thread safe. Since 0.1 */
RACAH_API racah_status racah_sph_eval_f64(int lmax, racah_sph_norm norm, size_t n, const double *r, double *Y,
                                          double *dY, racah_error *err);
RACAH_API racah_status racah_sph_eval_f32(int lmax, racah_sph_norm norm, size_t n, const float *r, float *Y,
                                          float *dY, racah_error *err);

#ifdef __cplusplus
}
#endif
#endif
