/* SPDX-License-Identifier: MIT
 * Orthonormal basis of the symmetric equivariant polynomials: the many-body product's path space.
 *
 * A feature A has S = (lmax+1)^2 components of natural parity (0e, 1o, 2e, ...). Every O(3)-equivariant
 * homogeneous polynomial of degree nu from A to degree L (natural parity) is a linear combination of
 * npath basis polynomials
 *     P_p[m](A) = sum_q U[m][q][p] * prod_{t<nu} A[mono[q*nu+t]]          m = 0..2L
 * which is what MACE's symmetric contraction spans with its U matrices.
 *
 * The basis is a function of (lmax, L, nu) alone, reproducible to rounding on every machine, because
 * model files store weights in it. Multisets l1 <= l2 <= .. of degrees come in lexicographic order; within
 * one the couplings ((..(l1 l2)l12 l3).. )L come in lexicographic order of the intermediates (l12, l123),
 * which may have either parity (l1 + l2 + l12 odd is allowed; the sum of all l_i and L is even). Each is
 * symmetrised and made orthogonal to the ones before (Gram-Schmidt, twice); it is dropped when what is left
 * is below 1e-6 of the coupling's norm. Normalisation: seen as a symmetric tensor T[m][i1..i_nu], each
 * component m of a P_p has Frobenius norm 1/sqrt(nu!), so that unit-variance Gaussian A give P_p about unit
 * variance. Different p and different m are orthogonal in the same sense. Sign: that of the coupling itself
 * (e3nn 0.6 3j signs).
 */
#ifndef RACAHI_SYMBASIS_H
#define RACAHI_SYMBASIS_H

#include "../src/base/base.h"

#define RACAHI_SYM_NU_MAX 4

typedef struct racahi_symbasis {
    int lmax, L, nu;
    size_t nmono;  /* monomials that occur in some component of some path */
    size_t npath;  /* dimension of the space */
    uint8_t *mono; /* [nmono][nu] component indices k of A, ascending, lexicographic order */
    double *U;     /* [2L+1][nmono][npath] */
} racahi_symbasis;

/* lmax 0..4, L 0..4, nu 1..4 (nu = 4 only for lmax <= 3). The space may be empty (npath = nmono = 0), for
 * example for nu = 1 and L > lmax. Takes milliseconds. Errors: RACAH_EINVAL, RACAH_ENOMEM; *out is NULL then.
 */
racah_status racahi_symbasis_create(racahi_symbasis **out, int lmax, int L, int nu, racah_error *err);
void racahi_symbasis_destroy(racahi_symbasis *b);

#endif
