/* SPDX-License-Identifier: MIT
 * Wigner D matrices of real spherical harmonics: Y_l(R r) = D^l(R) Y_l(r). */
#ifndef RACAHI_WIGNER_D_H
#define RACAHI_WIGNER_D_H

#include "../src/base/base.h"
#include "racah_sphere.h"

/* Numbers in the matrices of degrees 0..lmax, one after the other, D^l row-major (2l+1, 2l+1). */
#define RACAHI_WIGNER_D_SIZE(lmax)                                                                           \
    (((size_t)(lmax) + 1) * (2 * (size_t)(lmax) + 1) * (2 * (size_t)(lmax) + 3) / 3)
#define RACAHI_WIGNER_D_OFFSET(l) ((l) == 0 ? (size_t)0 : RACAHI_WIGNER_D_SIZE((l)-1))

/* D of degrees 0..lmax of a rotation matrix R (row-major), by the recursion of Ivanic and Ruedenberg (J. Phys.
 * Chem. 100, 6342 (1996), with the corrections of 102, 9099 (1998)): each matrix from the one before and R, no
 * angles and so no singular frame. In e3nn's order (polar axis y) the paper's m = -1, 0, 1 are x, y, z: D^1 = R.
 * Nothing is checked (lmax <= RACAH_SPH_LMAX, R orthogonal). Allocates nothing. */
void racahi_wigner_d(int lmax, const double R[9], double *D);

/* As above with checks. q = (w, x, y, z) need not be normalised.
 * Errors: RACAH_EINVAL (lmax, NULL, R further than 1e-6 from a rotation, q = 0), RACAH_ENUMERIC (not finite). */
racah_status racahi_wigner_d_from_matrix(int lmax, const double R[9], double *D, racah_error *err);
racah_status racahi_wigner_d_from_quaternion(int lmax, const double q[4], double *D, racah_error *err);

/* A rotation that takes the unit vector u to the polar axis y; its turn about y is arbitrary. Two charts, so
 * that it is smooth and exact everywhere on its own half of the sphere. */
void racahi_rotation_to_pole(const double u[3], double R[9]);

#endif
