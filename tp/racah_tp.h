/* SPDX-License-Identifier: MIT
 * Tensor products of real spherical harmonics: coupling coefficients, and plans that run one bilinear map by
 * any of several algorithms.
 *
 *   z[l3 m3, c] = sum_{l1 l2} W(l1,l2,l3; c) sum_{m1 m2} C(l1m1, l2m2, l3m3) x[l1 m1, c] y[l2 m2, c]
 *
 * A plan is made once from a description (what is multiplied, which coefficients, which weights, by which
 * algorithm) and is immutable then; forward and backward run it on n samples, allocate nothing and may be
 * called from many threads on one plan, each with a workspace of its own. */
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

/* ---- what a plan is made of ------------------------------------------------------------------- */

/* How a plan computes. All of them give the same map to rounding error where they apply:
 *   CG      sparse table of coefficients; everything
 *   SO2     rotates the direction to the polar axis; second input a direction, one channel there
 *   GAUNT   2D Fourier series and FFTW; family gaunt
 *   GRID    values on a quadrature of the sphere; family gaunt
 *   CP      exact factors z = C (A^T x * B^T y); family gaunt, and others where factors are shipped
 *   MATRIX  products of (L+1) x (L+1) matrices; family matrix
 *   VECTOR  Poisson bracket r . (grad x cross grad y) on the grid; family poisson (the odd paths)
 *   AUTO    times those that apply and keeps the fastest */
typedef enum racah_tp_algorithm {
    RACAH_TP_AUTO = 0,
    RACAH_TP_CG = 1,
    RACAH_TP_SO2 = 2,
    RACAH_TP_GAUNT = 3,
    RACAH_TP_GRID = 4,
    RACAH_TP_CP = 5,
    RACAH_TP_MATRIX = 6,
    RACAH_TP_VECTOR = 7
} racah_tp_algorithm;
#define RACAH_TP_ALGORITHM_COUNT 8

/* Coefficients C(l1m1, l2m2, l3m3); w3j is racah_cg_wigner3j, harmonics are component-normalised.
 *   COMPONENT  e3nn: sqrt(alpha) w3j, alpha from irrep_normalization and path_normalization (below)
 *   GAUNT      pointwise product of functions on the sphere: sqrt(4 pi) * racah_cg_gaunt; even sums only
 *   MATRIX     product of matrices in the basis i^l T_l of tensor operators of spin L/2 (racah_tp_coefficients)
 *   POISSON    Poisson bracket of functions on the sphere, r . (grad f cross grad g); odd sums only
 * The last three have no normalisation to choose. */
typedef enum racah_tp_family {
    RACAH_TP_FAMILY_COMPONENT = 0,
    RACAH_TP_FAMILY_GAUNT = 1,
    RACAH_TP_FAMILY_MATRIX = 2,
    RACAH_TP_FAMILY_POISSON = 3
} racah_tp_family;

/* Connection of the multiplicities u (first input), v (second), w (output), and the shape of a path's weight:
 *   UVW  z[w] = sum_uv W[u,v,w] x[u] y[v]        UVU  z[u] = sum_v W[u,v] x[u] y[v]
 *   UUU  z[u] = W[u] x[u] y[u]                   UVV  z[v] = sum_u W[u,v] x[u] y[v]
 *   UUW  z[w] = sum_u W[u,w] x[u] y[u] */
typedef enum racah_tp_mode {
    RACAH_TP_UVU = 0,
    RACAH_TP_UUU = 1,
    RACAH_TP_UVW = 2,
    RACAH_TP_UUW = 3,
    RACAH_TP_UVV = 4
} racah_tp_mode;

/* Weights, from most to least general. All but PATH and NONE need one channel count C throughout (mode uuu, or
 * uvu with multiplicity 1 in the second input); "block" is one term of an irreps string.
 *   PATH       one weight array for each instruction, concatenated in their order (e3nn)
 *   DEGREE     W[block of in2][C]
 *   SEPARABLE  a[block of in1][C], b[block of in2][C], d[block of out][C]: W = a b d
 *   SHARED     W[C]
 *   NONE       all weights are 1 */
typedef enum racah_tp_weights {
    RACAH_TP_W_PATH = 0,
    RACAH_TP_W_DEGREE = 1,
    RACAH_TP_W_SHARED = 2,
    RACAH_TP_W_SEPARABLE = 3,
    RACAH_TP_W_NONE = 4
} racah_tp_weights;

typedef enum racah_tp_dtype { RACAH_TP_F64 = 0, RACAH_TP_F32 = 1 } racah_tp_dtype;
/* Order within a block of the inputs and the output: IR_MUL [m][channel] (fast), MUL_IR [channel][m] (e3nn's
 * default; converted at the border). */
typedef enum racah_tp_layout { RACAH_TP_IR_MUL = 0, RACAH_TP_MUL_IR = 1 } racah_tp_layout;
/* The second input: numbers, or directions (n,3) whose component-normalised harmonics are the second input. Its
 * gradient is then with respect to the direction (perpendicular to it). A zero vector has Y = 0 for l > 0. */
typedef enum racah_tp_second { RACAH_TP_SECOND_ANY = 0, RACAH_TP_SECOND_DIRECTION = 1 } racah_tp_second;

/* e3nn: COMPONENT alpha = 2 l3+1, NORM alpha = (2 l1+1)(2 l2+1), NONE alpha = 1; then alpha is divided by
 * ELEMENT: the sum of the fan-in of all paths into that output; PATH: the path's fan-in times the number of
 * these paths; NONE: 1. Fan-in: uvw m1 m2, uvu m2, uvv m1, uuw m1, uuu 1. Finally alpha *= path_weight. */
typedef enum racah_tp_irrep_normalization {
    RACAH_TP_IRREP_COMPONENT = 0,
    RACAH_TP_IRREP_NORM = 1,
    RACAH_TP_IRREP_NONE = 2
} racah_tp_irrep_normalization;
typedef enum racah_tp_path_normalization {
    RACAH_TP_PATH_ELEMENT = 0,
    RACAH_TP_PATH_PATH = 1,
    RACAH_TP_PATH_NONE = 2
} racah_tp_path_normalization;

/* One path: blocks (terms of the irreps strings, from 0) and how they connect. path_weight is e3nn's: it enters
 * alpha, so the path is scaled by its root (families other than component: the same). */
typedef struct racah_tp_instruction {
    int in1, in2, out;
    racah_tp_mode mode;
    int has_weight; /* PATH weights only: 0 = this path has weight 1 (modes uvu, uvv, uuu) */
    double path_weight;
} racah_tp_instruction;

typedef struct racah_tp_cache racah_tp_cache; /* remembers what AUTO chose; thread safe */

typedef struct racah_tp_desc {
    size_t size; /* sizeof(racah_tp_desc), set by racah_tp_desc_init */

    /* Long form: irreps strings such as "128x0e+128x1o" (any order, parities, multiplicities). */
    const char *irreps_in1, *irreps_in2, *irreps_out;
    /* Short form, when the three strings are NULL: C channels of degrees 0..l1max (0e, 1o, 2e, ...), second input
     * degrees 0..l2max with C channels, or one (C2 = 1), output degrees 0..l3max. Family poisson: the output has
     * the other parity (0o, 1e, ...); family matrix: every parity is e. */
    int C, C2, l1max, l2max, l3max;

    /* NULL: every path the triangle rule, parity and the family allow, by in1, then in2, then out; mode for all. */
    const racah_tp_instruction *instructions;
    size_t ninstructions;
    racah_tp_mode mode;

    racah_tp_family family;
    racah_tp_irrep_normalization irrep_normalization; /* family component only */
    racah_tp_path_normalization path_normalization;   /* family component only */
    racah_cg_signs signs;                             /* family component only */
    racah_tp_weights weights;
    int weights_common; /* 0: weights (n,nw), each sample its own; 1: one set (nw) for all, dw summed over samples */
    racah_tp_second second;
    racah_tp_layout layout;
    racah_tp_dtype dtype;

    racah_tp_algorithm algorithm;
    int mmax;              /* so2: keep |m| <= mmax only (still equivariant); < 0 keeps all */
    racah_tp_cache *cache; /* AUTO: looked up first, written after timing; may be NULL */
    size_t auto_n;         /* AUTO: samples to time with; 0 = 64 */
} racah_tp_desc;

/* Short form with C = C2 = 1, degrees 0, mode uuu; family component, PATH weights per sample, float64, IR_MUL, CG. */
RACAH_API void racah_tp_desc_init(racah_tp_desc *desc);

/* ---- plans ------------------------------------------------------------------------------------- */

typedef struct racah_tp_plan racah_tp_plan;

/* Errors: RACAH_EINVAL (irreps strings with the place, blocks, multiplicities, a combination without meaning, with
 * the reason), RACAH_EUNSUPPORTED (no tables or factors of that size; the message names what there is),
 * RACAH_ENOMEM. *out = NULL then. desc is not kept. Since 0.1 */
RACAH_API racah_status racah_tp_plan_create(racah_tp_plan **out, const racah_tp_desc *desc, racah_error *err);
RACAH_API void racah_tp_plan_destroy(racah_tp_plan *plan); /* NULL is legal */

typedef struct racah_tp_info {
    racah_tp_algorithm algorithm; /* the one that runs, never AUTO */
    size_t dim1, dim2, dim3;      /* numbers in a sample of x, y (3 for a direction) and z */
    size_t nw;                    /* weights of a sample */
    size_t npath;                 /* instructions */
    size_t nnz;                   /* non-zero coefficients of all instructions */
    size_t rank;                  /* points or rank of grid, cp, vector; FFT points; 0 otherwise */
    double flops_forward, flops_backward; /* of a sample, as this algorithm does them */
} racah_tp_info;

RACAH_API void racah_tp_plan_info(const racah_tp_plan *plan, racah_tp_info *info);
/* Instruction i < npath; *offset = its first weight in w (PATH weights with has_weight), *coefficient = sqrt(alpha)
 * for family component, the root of path_weight otherwise. Pointers may be NULL. RACAH_EINVAL for i >= npath. */
RACAH_API racah_status racah_tp_plan_instruction(const racah_tp_plan *plan, size_t i, racah_tp_instruction *ins,
                                                 size_t *offset, double *coefficient);

/* Bytes of workspace of forward and backward, for any n. A block of 64-byte aligned memory, one per thread. */
RACAH_API size_t racah_tp_ws_size(const racah_tp_plan *plan);

/* n samples (n = 0 is legal). Shapes: x (n,dim1), y (n,dim2), w (n,nw) or (nw), z (n,dim3). Overlap forbidden.
 * z is overwritten. w may be NULL when nw = 0. Errors: RACAH_EINVAL (NULL, dtype is not the plan's). Since 0.1 */
RACAH_API racah_status racah_tp_forward_f64(const racah_tp_plan *plan, void *ws, size_t n, const double *x,
                                            const double *y, const double *w, double *z, racah_error *err);
RACAH_API racah_status racah_tp_forward_f32(const racah_tp_plan *plan, void *ws, size_t n, const float *x,
                                            const float *y, const float *w, float *z, racah_error *err);
/* Given dz = dE/dz: dx, dy, dw = dE/dx, dE/dy, dE/dw, shaped like x, y, w, overwritten; NULL is skipped. */
RACAH_API racah_status racah_tp_backward_f64(const racah_tp_plan *plan, void *ws, size_t n, const double *x,
                                             const double *y, const double *w, const double *dz, double *dx,
                                             double *dy, double *dw, racah_error *err);
RACAH_API racah_status racah_tp_backward_f32(const racah_tp_plan *plan, void *ws, size_t n, const float *x,
                                             const float *y, const float *w, const float *dz, float *dx, float *dy,
                                             float *dw, racah_error *err);

RACAH_API racah_status racah_tp_cache_create(racah_tp_cache **out, racah_error *err);
RACAH_API void racah_tp_cache_destroy(racah_tp_cache *cache);

/* Coefficients of a family for one triple, without path normalisation or weight (component: sqrt(2l3+1) w3j),
 * shape and layout of racah_cg_wigner3j. L: family matrix only, the matrices are (L+1) x (L+1); every l <= L.
 *   matrix  K_lm = i^l H_lm, H_lm the Hermitian tensor operators of spin L/2 that go with the real harmonics,
 *           tr H_lm H_l'm' = (L+1) delta, H_1 a positive multiple of the angular momentum, H_l of its power l;
 *           K_a K_b = sum_c C(a,b,c) K_c with C real and antisymmetric in a, b exactly for odd sums. */
RACAH_API racah_status racah_tp_coefficients(racah_tp_family family, int L, int l1, int l2, int l3,
                                             racah_cg_signs signs, double *C, racah_error *err);

/* "cg", "so2", ... and back; the table of names that every command uses. NULL / RACAH_EINVAL when unknown. */
RACAH_API const char *racah_tp_algorithm_name(racah_tp_algorithm algorithm);
RACAH_API racah_status racah_tp_algorithm_find(const char *name, racah_tp_algorithm *out, racah_error *err);

#ifdef __cplusplus
}
#endif
#endif
