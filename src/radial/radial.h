/* SPDX-License-Identifier: MIT
 * Radial functions W(r) = MLP(e(r)): Bessel basis with polynomial cutoff (DimeNet, arXiv 2003.03123), a bias-free
 * MLP with SiLU, and its tabulation for molecular dynamics.
 *
 *   e_b(r) = sqrt(2/rc) sin(b pi r/rc)/r f(r/rc),  b = 1..nb
 *   f(u)   = 1 - (p+1)(p+2)/2 u^p + p(p+2) u^(p+1) - p(p+1)/2 u^(p+2) for u < 1, else 0
 *   a_0 = e,  a_k+1 = act(a_k W_k),  W = a_K W_K      act(z) = 1.6791767923989418 z/(1+exp(-z))  (e3nn)
 *
 * Derivatives are exact; f, f', f'' vanish at rc and silu(0) = 0, so W is smooth to second order there.
 */
#ifndef RACAHI_RADIAL_H
#define RACAHI_RADIAL_H

#include "../base/base.h"

#define RACAHI_RADIAL_LAYERS 6

typedef struct racahi_radial {
    int nb, p;
    double rc;
    int nmlp;                          /* hidden layers */
    size_t width[RACAHI_RADIAL_LAYERS];
    size_t nout;                       /* padded outputs, nw * Cp */
    racahi_isa isa;
} racahi_radial;

/* e (ne,nb) and, where not NULL, first and second derivatives. r >= rc gives zeros; r = 0 the limits. */
void racahi_bessel(const racahi_radial *p, size_t ne, const double *r, double *e, double *de, double *d2e);

/* Scratch of the MLP for up to ne rows: activations that backward needs. */
typedef struct racahi_mlp_ws {
    double *e, *de;                              /* (ne, nb) */
    double *a[RACAHI_RADIAL_LAYERS];             /* activations (ne, width) */
    double *s[RACAHI_RADIAL_LAYERS];             /* act'(z) */
    double *g[2];                                /* gradients, (ne, max(width, nb)) */
} racahi_mlp_ws;
void racahi_mlp_ws_layout(const racahi_radial *p, size_t ne, racahi_arena *arena, racahi_mlp_ws *ws);

/* W (ne,nout) of distances r; w[k] are the matrices (in,out) row-major. Leaves activations in ws. */
void racahi_mlp_forward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                        const double *r, double *W);
/* After a forward on the same rows: dr[e] = dE/dr from dW (ne,nout); dw[k] += gradients where dw != NULL. */
void racahi_mlp_backward(const racahi_radial *p, racahi_mlp_ws *ws, const double *const *w, size_t ne,
                         const double *dW, double *dr, double *const *dw);

/* act(z) and act'(z), vectorised; da may be NULL. In place allowed (a == z). */
void racahi_act(racahi_isa isa, size_t n, const double *z, double *a, double *da);

/* Readable twins, one number or one distance at a time. scratch: twice max(width, nb); W (nout). */
double racahi_act_ref(double z, double *da);
void racahi_mlp_ref(const racahi_radial *p, const double *const *w, double r, double *scratch, double *W);

/* ---- table: quintic spline through W at uniform knots 0 .. rc, with the exact slope and curvature at both ends.
 * Four continuous derivatives; a third of the memory of a Hermite table, so that it stays in cache; three times the
 * error at the same knots (tests/radial), 3e-11 and 1e-8 of the largest value and slope at 512. */

typedef struct racahi_table {
    size_t nknot, nout;
    double h, inv_h, rc;
    racahi_isa isa;
    double *f64; /* [nknot + 4][nout] B-spline coefficients; exactly one of f64 and f32 is set */
    float *f32;
    size_t bytes;
} racahi_table;

racah_status racahi_table_create(racahi_table *t, const racahi_radial *p, const double *const *w, size_t nknot,
                                 bool single, racah_error *err);
void racahi_table_free(racahi_table *t);
/* W (ne,nout) and, where not NULL, the exact derivative Wr of the interpolant. 0 <= r; r >= rc gives zeros. */
void racahi_table_eval_f64(const racahi_table *t, size_t ne, const double *r, double *W, double *Wr);
void racahi_table_eval_f32(const racahi_table *t, size_t ne, const double *r, float *W, float *Wr);
/* Readable twin: output c at distance r, and the slope where not NULL. */
double racahi_table_ref(const racahi_table *t, size_t c, double r, double *slope);

#endif
