/* SPDX-License-Identifier: MIT
 * Coupling coefficients of real spherical harmonics (the tensor products build on them). */
#ifndef RACAH_TP_H
#define RACAH_TP_H

#include "racah_status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RACAH_CG_LMAX 11

/* e3nn changed the sign of some triples with odd l1+l2+l3 at release 0.5.0. */
typedef enum racah_cg_signs { RACAH_CG_E3NN_06 = 0, RACAH_CG_E3NN_044 = 1 } racah_cg_signs;

/* Wigner 3j tensor in the real basis, unit Frobenius norm (e3nn's o3.wigner_3j).
 *   C[m1+l1, m2+l2, m3+l3], (2l1+1, 2l2+1, 2l3+1) row-major doubles, good to 1e-15
 * Zero tensor when the triangle rule does not hold. Allocates nothing.
 * Errors: RACAH_EINVAL (l outside 0..RACAH_CG_LMAX, signs, NULL); C untouched then. Thread safe. Since 0.1 */
RACAH_API racah_status racah_cg_wigner3j(int l1, int l2, int l3, racah_cg_signs signs, double *C,
                                         racah_error *err);

/* Gaunt tensor: the integral of three orthonormal (`integral`-normalised) real harmonics,
 * same shape and layout as above; zero for odd l1+l2+l3.
 *   G = sqrt((2l1+1)(2l2+1)(2l3+1)/4pi) |3j(l1 l2 l3; 0 0 0)| wigner3j[m1, m2, m3]
 * Errors and thread safety as above. Since 0.1 */
RACAH_API racah_status racah_cg_gaunt(int l1, int l2, int l3, double *G, racah_error *err);

#ifdef __cplusplus
}
#endif
#endif
