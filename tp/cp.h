/* SPDX-License-Identifier: MIT
 * Canonical polyadic (CP) decompositions of the coupling tensors:
 *
 *   T[i,j,k] = sum_r A[i,r] B[j,r] C[k,r]      i < (l1+1)^2, j < (l2+1)^2, k < (l3+1)^2, r < rank
 *
 * so that z_k = sum_ij T[i,j,k] x_i y_j costs rank products between three small matrix products
 * (Tensor Decomposition Networks, arXiv 2507.01131, but with factors that are exact to rounding).
 *
 * Families (indices k = l*l + l + m, component-normalised harmonics, e3nn signs of release 0.6):
 *   gaunt      sqrt(4 pi) times the Gaunt tensor: the pointwise product of functions on the sphere
 *   unit       wigner_3j of unit norm for each path (TDN's target)
 *   component  sqrt(2 l3 + 1) wigner_3j (e3nn); its factors are unit's with the rows of C scaled
 * Paths: even (l1+l2+l3 even, natural parity) or all (gaunt has no odd ones).
 *
 * Exact factors come from what has the lowest rank: a compiled table (made by `racah cp-fit`, data/cp_*.inc;
 * a table serves all smaller degrees and, for even paths, all orders of (l1, l2, l3)), for gaunt a quadrature
 * of the sphere of degree l1+l2+l3, or the non-zero fibres of the tensor: T = sum over the pairs (i,j) that
 * couple of e_i x e_j x T[i,j,:]. So there is always an answer. `approximate` asks for TDN's rank
 * 7 L^2 with the best residual known (l1 = l2 = l3 = L, unit, all paths; compiled tables only).
 */
#ifndef RACAHI_CP_H
#define RACAHI_CP_H

#include "../sphere/quadrature.h"
#include "../src/base/base.h"

typedef enum racahi_cp_family {
    RACAHI_CP_GAUNT = 0,
    RACAHI_CP_UNIT = 1,
    RACAHI_CP_COMPONENT = 2
} racahi_cp_family;
typedef enum racahi_cp_paths { RACAHI_CP_EVEN = 0, RACAHI_CP_ALL = 1 } racahi_cp_paths;

#define RACAHI_CP_LMAX 11 /* what racah_cg_* has */

typedef struct racahi_cp_factors {
    int l1, l2, l3;
    racahi_cp_family family;
    racahi_cp_paths paths;
    int rank;
    const double *A, *B, *C; /* [(l1+1)^2][rank], [(l2+1)^2][rank], [(l3+1)^2][rank], row-major */
    double residual;         /* relative Frobenius norm of T - sum A B C */
    const char *source;      /* "table", "quadrature", "fibres" */
} racahi_cp_factors;

/* Compiled tables only, looked up as they are stored (no smaller degrees, no permutation, no `component`);
 * NULL where there is none. Never freed. */
const racahi_cp_factors *racahi_cp_factors_find(int l1, int l2, int l3, racahi_cp_family family,
                                                racahi_cp_paths paths, bool approximate);

/* Factors for any degrees 0..RACAHI_CP_LMAX, owned by the caller (A, B, C are part of the object).
 * Errors: RACAH_EINVAL (degree, family, paths), RACAH_EUNSUPPORTED (approximate without a table),
 * RACAH_ENOMEM; *out is NULL then. */
racah_status racahi_cp_factors_create(racahi_cp_factors **out, int l1, int l2, int l3,
                                      racahi_cp_family family, racahi_cp_paths paths, bool approximate,
                                      racah_error *err);
/* Family gaunt by a quadrature, whatever tables there are: A and B are the values of the harmonics at the
 * points, C the values times weight / 4 pi. Errors as above. */
racah_status racahi_cp_factors_quadrature(racahi_cp_factors **out, int l1, int l2, int l3,
                                          racahi_quadrature_kind kind, racah_error *err);
void racahi_cp_factors_destroy(racahi_cp_factors *f);

/* The dense tensor T[(l1+1)^2][(l2+1)^2][(l3+1)^2], the oracle of everything above. */
racah_status racahi_cp_target(int l1, int l2, int l3, racahi_cp_family family, racahi_cp_paths paths,
                              double *T, racah_error *err);
/* |T - sum A B C| / |T|, Frobenius. T has the shape of the factors. */
double racahi_cp_residual(const racahi_cp_factors *f, const double *T);

/* ---- fitting ------------------------------------------------------------------------------------ */

/* What the columns of the factors are tied to. Inversion P has P_k = (-1)^l, k = l*l + l + m (the ranges are squares
 * then); the half turns X, Y, Z about the axes have signs too. The tensor must have the symmetry: even paths for
 * inversion, and wigner_3j or Gaunt coefficients for equal columns; any coupling for turns. */
typedef enum racahi_cp_symmetry {
    RACAHI_CP_FREE = 0,      /* nothing */
    RACAHI_CP_INVERSION = 1, /* terms come in pairs (a,b,c), (Pa,Pb,Pc) */
    RACAHI_CP_LAST_TWO = 2,  /* and b = c */
    RACAHI_CP_ALL_THREE = 3, /* and a = b = c */
    RACAHI_CP_TURNS = 4      /* terms come in fours (a,b,c), (Xa,Xb,Xc), (Ya,Yb,Yc), (Za,Zb,Zc) */
} racahi_cp_symmetry;

typedef struct racahi_cp_fit_options {
    int rank;
    racahi_cp_symmetry symmetry;
    int singles; /* tied columns: terms that are their own images, component by component */
    uint64_t seed;
    double minutes;   /* of processor time; restarts until then */
    double tolerance; /* stop as soon as the relative residual is below, 1e-14 */
    double largest;   /* and no entry is above, 10 */
    int max_restarts; /* 0: no limit */
    int sweeps;       /* of each restart, 0: 400; more help where many starts fail */
    /* progress after each restart; NULL: none. Return true to stop. */
    bool (*progress)(void *ctx, int restart, double als, double lm, double best);
    void *ctx;
} racahi_cp_fit_options;

/* Damped alternating least squares (Tikhonov term decaying to 1e-14, balanced columns, random restarts), then
 * Levenberg-Marquardt; for tied columns the latter alone. T [n1][n2][n3]; A [n1][rank], B, C: the best found. Allocates.
 * Deterministic for a seed and restart count. Errors: RACAH_EINVAL, RACAH_ENOMEM. */
racah_status racahi_cp_fit(const double *T, int n1, int n2, int n3, const racahi_cp_fit_options *options,
                           double *A, double *B, double *C, double *residual, racah_error *err);

#endif
