/* SPDX-License-Identifier: MIT
 * Real spherical harmonics as two-dimensional Fourier series, and back, in closed form.
 *
 * With y = cos t, z = sin t cos f, x = sin t sin f every harmonic continues to t in (-pi, 0) as a trigonometric
 * polynomial: Y_lm = P_l|m|(t) cos(m f) for m >= 0 and P_l|m|(t) sin(|m| f) for m < 0, with
 *
 *   P_lm(t) = sum_k A_k cos(k t) for even m,   sum_k B_k sin(k t) for odd m,   |k| <= l, k = l modulo 2. */
#ifndef RACAHI_SH_FOURIER_H
#define RACAHI_SH_FOURIER_H

#include "../src/base/base.h"

/* c[k+l], -l <= k <= l: A_k = A_-k for even m, B_k = -B_-k for odd m; component-normalised, 0 <= m <= l. The sums are
 * over 4(l+1) equally spaced angles, exact for trigonometric polynomials of degree l. l <= RACAH_SPH_LMAX. */
void racahi_sh_fourier(int l, int m, double *c);

/* integral_0^pi P_lm(t) cos(u t) sin t dt for even m, P_lm(t) sin(u t) sin t for odd m; c from above. In closed form
 * from integral_0^pi cos(n t) sin t dt = 2 / (1 - n^2) for even n, 0 for odd n. */
double racahi_sh_fourier_integral(int l, int m, const double *c, int u);

#endif
