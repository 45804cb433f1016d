/* SPDX-License-Identifier: MIT
 * Radial functions W(r) = MLP(e(r)): a basis with polynomial cutoff, a bias-free MLP with SiLU, and its tabulation
 * for molecular dynamics.
 *
 *   e_b(r) = R_b(x) f(r/rc), b = 1..nb, x = r or a transform of r (the cutoff is always of r)
 *   bessel     R_b = sqrt(2/rc) sin(k_b x)/x, k_b = b pi/rc or given           (DimeNet, arXiv 2003.03123)
 *   gaussian   R_b = exp(-((nb-1)/rc)^2 (x - x_b)^2 / 2), x_b = (b-1) rc/(nb-1) or given
 *   chebyshev  R_b = T_b(x)
 *   agnesi     x = 1/(1 + a u^q/(1 + u^(q-p))), u = r/r0, r0 the mean of the two covalent radii
 *   soft       x = p0 + (r - p0) (1 + tanh(alpha (r - m)/(p1 - p0)))/2, p0 = 3/4 r0, p1 = 4/3 r0, m their mean,
 *              r0 the sum of the covalent radii
 *   f(u)   = 1 - (p+1)(p+2)/2 u^p + p(p+2) u^(p+1) - p(p+1)/2 u^(p+2) for u < 1, else 0
 *   a_0 = e,  a_k+1 = act(a_k W_k),  W = a_K W_K      act(z) = 1.6791767923989418 z/(1+exp(-z))  (e3nn)
 *
 * Derivatives are exact; f, f', f'' vanish at rc and silu(0) = 0, so W is smooth to second order there.
 */
#ifndef RACAHI_RADIAL_H
#define RACAHI_RADIAL_H

#include "../base/base.h"

#define RACAHI_RADIAL_LAYERS 6

#define RACAHI_BASIS_MAX 64

typedef enum racahi_basis {
    RACAHI_BASIS_BESSEL = 0,
    RACAHI_BASIS_GAUSSIAN = 1,
    RACAHI_BASIS_CHEBYSHEV = 2
} racahi_basis;
typedef enum racahi_transform {
    RACAHI_TRANSFORM_NONE = 0,
    RACAHI_TRANSFORM_AGNESI = 1, /* parameters q, p, a */
    RACAHI_TRANSFORM_SOFT = 2    /* alpha */
} racahi_transform;

typedef struct racahi_radial {
    int nb, p;
    double rc;
    int nmlp;                          /* hidden layers */
    size_t width[RACAHI_RADIAL_LAYERS];
    size_t nout;                       /* padded outputs, nw * Cp */
    racahi_isa isa;
    racahi_basis basis;                /* all zero from here on: Bessel functions of r */
    racahi_transform transform;
    double transform_param[3];
    const double *basis_param;         /* [nb] k_b or x_b, or NULL for the usual ones */
} racahi_radial;

/* e (ne,nb) and, where not NULL, first and second derivatives in r. r >= rc gives zeros; r = 0 the limits.
 * r0 (ne): reference distance of each pair, read only with a transform. */
void racahi_basis_eval(const racahi_radial *p, size_t ne, const double *r, const double *r0, double *e, double *de,
                       double *d2e);
/* x(r) and its first two derivatives; the identity without a transform. */
void racahi_transform_eval(const racahi_radial *p, double r, double r0, double x[3]);
/* Reference distance of a pair from the covalent radii of its atoms. */
double racahi_transform_r0(racahi_transform transform, double radius_a, double radius_b);
static inline void racahi_bessel(const racahi_radial *p, size_t ne, const double *r, double *e, double *de, double *d2e)
{
    racahi_basis_eval(p, ne, r, NULL, e, de, d2e);
}

/* Scratch of the MLP for up to ne rows: activations that backward needs. */
typedef struct racahi_mlp_ws {
    const double *r0;                            /* set by the caller where there is a transform: (ne) */
    /* set by the caller after the layout: the matrices as racahi_mlp_pack leaves them, or NULL for products by BLAS */
    const double *packed[RACAHI_RADIAL_LAYERS + 1], *packed_t[RACAHI_RADIAL_LAYERS + 1];
    size_t *xat, *yat;                           /* (ne) */
    double *e, *de;                              /* (ne, nb) */
    double *a[RACAHI_RADIAL_LAYERS];             /* activations (ne, width) */
    double *s[RACAHI_RADIAL_LAYERS];             /* act'(z) */
    double *g[2];                                /* gradients, (ne, max(width, nb)) */
} racahi_mlp_ws;
void racahi_mlp_ws_layout(const racahi_radial *p, size_t ne, racahi_arena *arena, racahi_mlp_ws *ws);

/* Matrix k and its transpose, in*out numbers each, in the order of linear/rows.h: faster, where they are used often.
 * What has not a multiple of 8 columns is left out, and multiplied by BLAS. */
void racahi_mlp_pack(const racahi_radial *p, int k, const double *w, double *packed, double *packed_t);
/* W (ne,nout) of distances r; w[k] are the matrices (in,out) row-major. Leaves activations in ws. */
void racahi_mlp_forward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                        const double *r, double *W);
/* After a forward on the same rows: dr[e] = dE/dr from dW (ne,nout); dw[k] += gradients where dw != NULL. */
void racahi_mlp_backward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                         const double *dW, double *dr, double *const *dw);

/* act(z) and act'(z), vectorised; da may be NULL. In place allowed (a == z). */
void racahi_act(racahi_isa isa, size_t n, const double *z, double *a, double *da);

/* Readable twins, one number or one distance at a time (the MLP without a transform). scratch: twice max(width, nb); W (nout). */
double racahi_act_ref(double z, double *da);
void racahi_mlp_ref(const racahi_radial *p, const double *const *w, double r, double *scratch, double *W);

/* ---- table: quintic spline through W at uniform knots 0 .. rc, with the exact slope and curvature at both ends.
 * Four continuous derivatives; a third of the memory of a Hermite table, so that it stays in cache; three times the
 * error at the same knots (tests/radial), 3e-11 and 1e-8 of the largest value and slope at 512. */

typedef struct racahi_table {
    size_t nknot, nout, npair; /* npair tables one after the other, for transforms that depend on the pair */
    size_t pair_stride;        /* numbers from one to the next */
    double h, inv_h, rc;
    racahi_isa isa;
    double *f64; /* [npair][nknot + 4][nout] B-spline coefficients; exactly one of f64 and f32 is set */
    float *f32;
    size_t bytes;
} racahi_table;

racah_status racahi_table_create(racahi_table *t, const racahi_radial *p, const double *const *w, size_t nknot,
                                 bool single, racah_error *err);
/* The same for pairs with reference distances r0[npair], one table each. Where `density` (then nout = 1), what is
 * tabulated is tanh(W^2). */
racah_status racahi_table_create_pairs(racahi_table *t, const racahi_radial *p, const double *const *w, size_t nknot,
                                       size_t npair, const double *r0, bool density, bool single, racah_error *err);
void racahi_table_free(racahi_table *t);
/* W (ne,nout) and, where not NULL, the exact derivative Wr of the interpolant. 0 <= r; r >= rc gives zeros. */
void racahi_table_eval_f64(const racahi_table *t, size_t ne, const double *r, double *W, double *Wr);
void racahi_table_eval_f32(const racahi_table *t, size_t ne, const double *r, float *W, float *Wr);
/* The same with the table of each row, pair[e] < npair; NULL means 0 for all. */
void racahi_table_eval_pairs_f64(const racahi_table *t, size_t ne, const int *pair, const double *r, double *W,
                                 double *Wr);
void racahi_table_eval_pairs_f32(const racahi_table *t, size_t ne, const int *pair, const double *r, float *W,
                                 float *Wr);
/* Where the functions of each row come from, for kernels that form them channel by channel: with n = nout and q = 0..5,
 *   W[c] = sum_q b[12 e + q] row[e][q n + c],   Wr[c] = sum_q b[12 e + 6 + q] row[e][q n + c] */
void racahi_table_locate_f64(const racahi_table *t, size_t ne, const int *pair, const double *r, const double **row,
                             double *b);
void racahi_table_locate_f32(const racahi_table *t, size_t ne, const int *pair, const double *r, const float **row,
                             float *b);
/* Readable twin (of the first pair): output c at distance r, and the slope where not NULL. */
double racahi_table_ref(const racahi_table *t, size_t c, double r, double *slope);

#endif
