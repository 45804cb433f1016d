/* SPDX-License-Identifier: MIT
 * Product quadrature on the sphere for tests: Gauss-Legendre along the polar axis y times uniform angles. */
#ifndef RACAH_TEST_QUADRATURE_H
#define RACAH_TEST_QUADRATURE_H

#include "support.h"

#define QUADRATURE_NMAX 20
#define QUADRATURE_POINTS(n) ((size_t)(2 * (n) * (n)))

/* n rings of 2n points, exact for polynomials of degree 2n-1. r (2n*n,3) unit vectors, w (2n*n), sum 4 pi. */
static inline void quadrature_make(int n, double *r, double *w)
{
    const double pi = 3.14159265358979323846;
    assert_in_range(n, 1, QUADRATURE_NMAX);
    for (int i = 0; i < n; i++) {
        double t = cos(pi * (i + 0.75) / (n + 0.5)), slope = 1; /* Newton on P_n */
        for (int it = 0; it < 100; it++) {
            double p = 1, before = 0;
            for (int l = 1; l <= n; l++) {
                double next = ((2 * l - 1) * t * p - (l - 1) * before) / l;
                before = p, p = next;
            }
            slope = n * (t * p - before) / (t * t - 1);
            t -= p / slope;
            if (fabs(p / slope) < 1e-16) break;
        }
        double weight = 2 / ((1 - t * t) * slope * slope) * 2 * pi / (2 * n), rho = sqrt(1 - t * t);
        for (int j = 0; j < 2 * n; j++) {
            double phi = 2 * pi * (j + 0.3) / (2 * n);
            double *p = r + 3 * (2 * n * i + j);
            p[0] = rho * sin(phi), p[1] = t, p[2] = rho * cos(phi);
            w[2 * n * i + j] = weight;
        }
    }
}

#endif
