/* SPDX-License-Identifier: MIT
 * Fourier coefficients of spherical harmonics on the torus. */
#include "sh_fourier.h"

#include "sph.h"

#include <math.h>

void racahi_sh_fourier(int l, int m, double *c)
{
    const double pi = 3.14159265358979323846;
    int n = 4 * (l + 1);
    for (int k = -l; k <= l; k++) c[k + l] = 0;
    for (int i = 0; i < n; i++) {
        double t = 2 * pi * i / n, r[3] = {0, cos(t), sin(t)}, Y[(RACAH_SPH_LMAX + 1) * (RACAH_SPH_LMAX + 1)];
        racahi_sph_ref(l, RACAH_SPH_COMPONENT, 1, r, Y, NULL); /* f = 0: Y_lm = P_lm(t), t < 0 included */
        for (int k = -l; k <= l; k++) {
            if ((k + l) % 2) continue;
            double phase = 2 * pi * ((long)i * k % n) / n;
            c[k + l] += Y[l * l + l + m] * (m % 2 ? sin(phase) : cos(phase)) / n;
        }
    }
}

static double ring(int n) { return n % 2 ? 0 : 2.0 / (1.0 - (double)n * n); }

double racahi_sh_fourier_integral(int l, int m, const double *c, int u)
{
    double sum = 0; /* products of two cosines or sines; c is even or odd in k */
    for (int k = -l; k <= l; k++) sum += c[k + l] * ring(m % 2 ? u - k : u + k);
    return sum;
}
