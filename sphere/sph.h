/* SPDX-License-Identifier: MIT
 * Spherical harmonics for the engine: a plan holds the picked kernel, evaluation is batched. */
#ifndef RACAHI_SPH_H
#define RACAHI_SPH_H

#include "../src/base/base.h"
#include "racah_sphere.h"

/* Shorter vectors count as zero, so that gradients (about l/|r|) stay finite in float; components must stay
 * below RACAHI_SPH_HUGE so that |r|^2 does not overflow. The public functions check the latter, kernels do
 * not. */
#define RACAHI_SPH_TINY 1e-30
#define RACAHI_SPH_HUGE 1e150

/* Y (n,S) and optional dY (n,3,S), `component` normalisation, of vectors r (n,3). Positions are
 * double in both; the float twin computes the unit vector in double and the polynomials in float.
 * No |r| = 0 may be passed by the engine (coincident atoms are refused before), but it is safe. */
typedef void (*racahi_sph_fn_f64)(int lmax, size_t n, const double *r, double *Y, double *dY);
typedef void (*racahi_sph_fn_f32)(int lmax, size_t n, const double *r, float *Y, float *dY);

/* NULL for lmax outside 0 .. RACAH_SPH_LMAX. A variant this build does not have becomes the best it has below
 * it; the CPU must run the result. The function must be called with the lmax it was picked for. */
racahi_sph_fn_f64 racahi_sph_pick_f64(int lmax, racahi_isa isa);
racahi_sph_fn_f32 racahi_sph_pick_f32(int lmax, racahi_isa isa);

/* g (n,3) of dE (n,S): g[i][a] = sum_k dE[i][k] dY[i][a][k], without storing dY; picked like the above. */
typedef void (*racahi_sph_pull_fn_f64)(int lmax, size_t n, const double *r, const double *dE, double *g);
typedef void (*racahi_sph_pull_fn_f32)(int lmax, size_t n, const double *r, const float *dE, float *g);
racahi_sph_pull_fn_f64 racahi_sph_pick_pull_f64(int lmax, racahi_isa isa);
racahi_sph_pull_fn_f32 racahi_sph_pick_pull_f32(int lmax, racahi_isa isa);

/* Readable reference twin (associated Legendre recurrence, scalar double). */
void racahi_sph_ref(int lmax, racah_sph_norm norm, size_t n, const double *r, double *Y, double *dY);

#endif
