/* SPDX-License-Identifier: MIT
 * The plan of the many-body product, shared by product.c (builds it) and product_kernel.c (runs it).
 *
 * Nodes are partial monomials: node 0 is the number 1, node 1+k is A[k], further nodes are products of two of
 * those. Every monomial up to fourth order is the product of two nodes (1.k, k.k', k.pair, pair.pair), so
 * that B[LM] = sum_{groups g of LM} val[g.node] * sum_{entries e of g} coef[e] val[other[e]] costs one fused
 * multiply-add and two loads for each entry; the groups are few (one for each A[k] up to third order). Which
 * pair of a third-order monomial becomes a node is chosen so that few pairs are needed.
 */
#ifndef RACAHI_PRODUCT_INTERNAL_H
#define RACAHI_PRODUCT_INTERNAL_H

#include "product.h"

#define RACAHI_PRODUCT_LOUT_MAX 4
#define RACAHI_PRODUCT_LM_MAX ((RACAHI_PRODUCT_LOUT_MAX + 1) * (RACAHI_PRODUCT_LOUT_MAX + 1))
#define RACAHI_PRODUCT_ATOMS                                                                                 \
    2 /* atoms a kernel takes at once: a loaded coefficient is used for each of them */

typedef struct racahi_product_pair {
    uint16_t a, b; /* nodes */
} racahi_product_pair;

typedef struct racahi_product_group {
    uint16_t node, count; /* common factor; number of entries */
} racahi_product_group;

/* n atoms with the same coefficients; row[i] is the row of A, B, dB and dA of atom i (i itself if NULL). */
typedef void (*racahi_product_forward_fn_f64)(const racahi_product *p, void *ws, size_t Cp, size_t n,
                                              const int *row, const double *coef, const double *A, double *B);
typedef void (*racahi_product_forward_fn_f32)(const racahi_product *p, void *ws, size_t Cp, size_t n,
                                              const int *row, const float *coef, const float *A, float *B);
typedef void (*racahi_product_backward_fn_f64)(const racahi_product *p, void *ws, size_t Cp, size_t n,
                                               const int *row, const double *coef, const double *A,
                                               const double *dB, double *dA, double *dcoef);
typedef void (*racahi_product_backward_fn_f32)(const racahi_product *p, void *ws, size_t Cp, size_t n,
                                               const int *row, const float *coef, const float *A,
                                               const float *dB, float *dA, float *dcoef);

typedef struct racahi_product_kernels {
    racahi_product_forward_fn_f64 forward_f64;
    racahi_product_forward_fn_f32 forward_f32;
    racahi_product_backward_fn_f64 backward_f64;
    racahi_product_backward_fn_f32 backward_f32;
} racahi_product_kernels;

struct racahi_product {
    int lmax, Lout, order;
    size_t S, nLM, npath;
    size_t path_offset[(RACAHI_PRODUCT_LOUT_MAX + 1) * RACAHI_SYM_NU_MAX + 1]; /* [L*order + nu-1] */
    size_t nnode, npair;                                                       /* nnode = 1 + S + npair */
    racahi_product_pair *pair;                                                 /* [npair] */
    size_t ngroup, group_start[RACAHI_PRODUCT_LM_MAX + 1];
    racahi_product_group *group; /* [ngroup] by LM, then node */
    size_t nentry;
    uint16_t *other;  /* [nentry] second node, in the order of the groups */
    size_t *u_start;  /* [nentry+1] the paths of entry e: */
    uint32_t *u_path; /*   u_path[u_start[e] .. u_start[e+1]) */
    double *u;        /*   and their coefficients */
    const racahi_product_kernels *kernels;
};

/* The ranges of racahi_product_create. */
racah_status racahi_product_check(int lmax, int Lout, int order, racah_error *err);

const racahi_product_kernels *racahi_product_pick(racahi_isa isa);

#endif
