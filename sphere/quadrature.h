/* SPDX-License-Identifier: MIT
 * Quadrature rules on the unit sphere: sum_g w_g f(r_g) = integral of f for polynomials up to a degree.
 *
 *   PRODUCT     Gauss-Legendre nodes along the polar axis y times uniform angles, any degree:
 *               n = ceil((degree+1)/2) rings of degree+1 points
 *   OCTAHEDRAL  points and weights symmetric under the octahedral group with inversion (the rules of V. I. Lebedev,
 *               Zh. vychisl. mat. mat. fiz. 15, 48 (1975), solved for by make_quadrature.py): 6, 14, 26, 38, 50,
 *               74, 86, 110, 146, 170, 194 points for degree 3, 5, ..., 23 (the one of 74 points has negative
 *               weights); fewer points by a third
 *   BEST        the one of these two with fewer points
 *   EQUAL       equally spaced in both angles, degree+1 rings of degree+1 points: what the 2D Fourier series of a
 *               function on the sphere is sampled at; weights from integral cos(n t) sin t dt = 2 / (1 - n^2) */
#ifndef RACAHI_QUADRATURE_H
#define RACAHI_QUADRATURE_H

#include "../src/base/base.h"

#define RACAHI_QUADRATURE_MAX_DEGREE 63

typedef enum racahi_quadrature_kind {
    RACAHI_QUADRATURE_BEST = 0,
    RACAHI_QUADRATURE_OCTAHEDRAL = 1,
    RACAHI_QUADRATURE_PRODUCT = 2,
    RACAHI_QUADRATURE_EQUAL = 3
} racahi_quadrature_kind;

typedef struct racahi_quadrature {
    int degree;       /* exact up to here, at least what was asked for */
    size_t n;         /* points */
    const char *name; /* "octahedral", "product" or "equal" */
    double *r;        /* (n,3) unit vectors */
    double *w;        /* (n) sum 4 pi */
} racahi_quadrature;

/* Errors: RACAH_EINVAL (degree outside 0 .. RACAHI_QUADRATURE_MAX_DEGREE, kind), RACAH_EUNSUPPORTED (octahedral
 * rule of that degree not in the table), RACAH_ENOMEM. */
racah_status racahi_quadrature_create(racahi_quadrature **out, int degree, racahi_quadrature_kind kind,
                                      racah_error *err);
void racahi_quadrature_destroy(racahi_quadrature *q); /* NULL is legal */

#endif
