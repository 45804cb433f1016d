/* SPDX-License-Identifier: MIT
 * The plan of the many-body product, shared by product.c (builds it) and product_kernel.c (runs it).
 *
 * Nodes are partial monomials: node 0 is the number 1, node 1+k is A[k], further nodes (fourth order only)
 * are products of two A. Every monomial is the product of three nodes, and an output the nested sum
 *     B[LM] = sum_{runs of LM} a sum_{items of the run} b sum_{entries of the item} coef[e] x[e]
 * with a and b among the first 1+S nodes. An entry costs one fused multiply-add forward and two backward,
 * items and runs are few, and since a b is made where it is used, there are few nodes, too: the values and
 * adjoints of several atoms fit in the first-level cache. Each LM has its own cover of its monomials by few
 * pairs (a,b).
 */
#ifndef RACAHI_PRODUCT_INTERNAL_H
#define RACAHI_PRODUCT_INTERNAL_H

#include "product.h"
#include "unroll.h"

#define RACAHI_PRODUCT_LOUT_MAX 4
#define RACAHI_PRODUCT_LM_MAX ((RACAHI_PRODUCT_LOUT_MAX + 1) * (RACAHI_PRODUCT_LOUT_MAX + 1))
#define RACAHI_PRODUCT_ATOMS                                                                                 \
    4 /* atoms a kernel takes at once: a loaded coefficient is used for each of them */

typedef struct racahi_product_pair {
    uint16_t a, b; /* nodes */
} racahi_product_pair;

typedef struct racahi_product_run {
    uint16_t a, count; /* node; number of items */
} racahi_product_run;

typedef struct racahi_product_item {
    uint16_t b, count; /* node; number of entries */
} racahi_product_item;

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
    size_t nrun, nitem, nentry, nrun_of[RACAHI_PRODUCT_LM_MAX];
    racahi_product_run *run;   /* [nrun] by LM */
    racahi_product_item *item; /* [nitem] in the order of the runs */
    size_t nsquare;   /* first entries, outside of the items: coef A[k]^2 in B[00], k = 0..S-1; S or 0 */
    uint16_t *x;      /* [nentry - nsquare] in the order of the items */
    size_t *u_start;  /* [nentry+1] the paths of entry e: */
    uint32_t *u_path; /*   u_path[u_start[e] .. u_start[e+1]) */
    double *u;        /*   and their coefficients */
    int unrolled;     /* 0, or 100 lmax + 10 Lout + order of a shape whose sums are written out in the kernels */
    const racahi_product_kernels *kernels;
};

enum { RACAHI_PRODUCT_BLOCK = 16 };

/* Width of the block of coefficients that channel c is in; the block begins at (c - c % 16) * nentry. */
static inline size_t racahi_product_width(size_t Cp, size_t c)
{
    const size_t left = Cp - c / RACAHI_PRODUCT_BLOCK * RACAHI_PRODUCT_BLOCK;
    return left < RACAHI_PRODUCT_BLOCK ? left : RACAHI_PRODUCT_BLOCK;
}

/* Place of entry 0, channel c. */
static inline size_t racahi_product_place(const racahi_product *p, size_t c)
{
    const size_t in = c % RACAHI_PRODUCT_BLOCK;
    return (c - in) * p->nentry + in;
}

/* The ranges of racahi_product_create. */
racah_status racahi_product_check(int lmax, int Lout, int order, racah_error *err);

const racahi_product_kernels *racahi_product_pick(racahi_isa isa);

#endif
