/* SPDX-License-Identifier: MIT
 * What a plan holds, and what an algorithm must provide.
 *
 * The driver (tp_exec.c) checks arguments, turns directions into harmonics and mul_ir into ir_mul, and hands
 * blocks of at most RACAHI_TP_LANES samples to the algorithm. */
#ifndef RACAHI_TP_INTERNAL_H
#define RACAHI_TP_INTERNAL_H

#include "../sphere/sph.h"
#include "../src/base/irreps.h"
#include "racah_tp.h"
#include "tp_kernel.h"

/* An instruction with what follows from it. */
typedef struct racahi_tp_path {
    racah_tp_instruction ins;
    const racahi_irrep *b1, *b2, *b3;
    double coefficient; /* sqrt(alpha), or the root of path_weight */
    size_t w0, nw;      /* PATH weights: its weights are w[w0 .. w0+nw) */
} racahi_tp_path;

/* What an algorithm provides. Forward: z (nb,dim3) overwritten. Backward: dx, dy overwritten, dw added to.
 * ws is 64-byte aligned; nb <= RACAHI_TP_LANES(REAL); stream: the arrays exceed the caches, so results may go past
 * them; wn is the distance of the samples' weights, 0 when common. */
typedef struct racahi_tp_ops {
    racah_tp_algorithm algorithm;
    racah_status (*create)(racah_tp_plan *p,
                           racah_error *err); /* fills p->state, p->ws_algorithm; or refuses */
    void (*destroy)(void *state);             /* half-built states and NULL are legal */
    void (*forward_f64)(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const double *x, const double *y,
                        const double *w, size_t wn, double *z);
    void (*backward_f64)(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const double *x, const double *y,
                         const double *w, size_t wn, const double *dz, double *dx, double *dy, double *dw);
    void (*forward_f32)(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const float *x, const float *y,
                        const float *w, size_t wn, float *z);
    void (*backward_f32)(const racah_tp_plan *p, void *ws, size_t nb, bool stream, const float *x, const float *y,
                         const float *w, size_t wn, const float *dz, float *dx, float *dy, float *dw);
} racahi_tp_ops;

struct racah_tp_plan {
    racah_tp_desc d; /* its strings and instructions are not kept (NULL) */
    racahi_irreps in1, in2, out;
    size_t npath;
    racahi_tp_path *path;
    size_t nw, nnz;
    int C;      /* the one channel count where there is one (modes uuu; uvu with one copy of y), else 0 */
    bool y_one; /* C > 0 and y is common to the channels */
    int L;      /* family matrix: the matrices are (L+1) x (L+1) */
    racahi_isa isa;
    const racahi_tp_kernels_f64 *k_f64;
    const racahi_tp_kernels_f32 *k_f32;
    racahi_sph_fn_f64 sph_f64; /* directions only */
    racahi_sph_fn_f32 sph_f32;
    const racahi_tp_ops *ops;
    void *state;
    bool sets_dw;                 /* backward overwrites dw instead of adding to it */
    size_t ws_algorithm, ws_size; /* bytes */
    size_t rank;
    double flops_forward, flops_backward;
};

extern const racahi_tp_ops racahi_tp_cg, racahi_tp_so2, racahi_tp_gaunt, racahi_tp_grid, racahi_tp_cp,
    racahi_tp_matrix, racahi_tp_vector;
const racahi_tp_ops *racahi_tp_ops_of(racah_tp_algorithm algorithm); /* NULL for AUTO and unknown values */

/* tp_plan.c: everything of a plan but the algorithm; then one algorithm for it. */
racah_status racahi_tp_plan_attach(racah_tp_plan *p, const racahi_tp_ops *ops, racah_error *err);
void racahi_tp_plan_detach(racah_tp_plan *p);
/* tp_auto.c: attach the fastest. */
racah_status racahi_tp_auto(racah_tp_plan *p, racah_error *err);

/* Bytes of the driver's own buffers plus the algorithm's. */
size_t racahi_tp_exec_ws(const racah_tp_plan *p);
/* Forward and backward of either precision without checks. */
void racahi_tp_run_forward_f64(const racah_tp_plan *p, void *ws, size_t n, const double *x, const double *y,
                               const double *w, double *z);
void racahi_tp_run_backward_f64(const racah_tp_plan *p, void *ws, size_t n, const double *x, const double *y,
                                const double *w, const double *dz, double *dx, double *dy, double *dw);
void racahi_tp_run_forward_f32(const racah_tp_plan *p, void *ws, size_t n, const float *x, const float *y,
                               const float *w, float *z);
void racahi_tp_run_backward_f32(const racah_tp_plan *p, void *ws, size_t n, const float *x, const float *y,
                                const float *w, const float *dz, float *dx, float *dy, float *dw);

/* Coefficients of a path, times its coefficient: (2l1+1, 2l2+1, 2l3+1) row-major, freed by the caller. */
racah_status racahi_tp_path_tensor(const racah_tp_plan *p, const racahi_tp_path *path, double **C,
                                   racah_error *err);
/* Is this triple one the family has a coefficient for? (triangle, parity of the sum, l <= L) */
bool racahi_tp_family_has(racah_tp_family family, int L, int l1, int l2, int l3);

/* First row (of C channels) of block b. */
static inline size_t racahi_tp_row(const racahi_irreps *s, size_t b, int C)
{
    return s->block[b].offset / (size_t)C;
}

#endif
