/* SPDX-License-Identifier: MIT
 * Measures of tensor products (design.md 3.4): the map a plan computes, its rank, its equivariance. */
#ifndef RACAH_CLI_TP_MEASURE_H
#define RACAH_CLI_TP_MEASURE_H

#include "../../tp/cp.h"
#include "../../tp/racah_tp.h"

/* Largest |z(Dx,Dy) - D z(x,y)| over random rotations and random x, y of length 1 (all degrees together), for
 * the bilinear map of these factors, in double. */
racah_status cli_cp_equivariance(const racahi_cp_factors *f, int rotations, double *error, racah_error *err);

/* Degrees 0..L everywhere, one channel, short form. */
typedef struct cli_tp_measure {
    int expressivity;       /* dimension of the reachable set: rank of the map's derivative by the weights */
    int interactability;    /* number of triples (l1, l2, l3) that can be non-zero */
    unsigned char *triples; /* [(L+1)^3] 1 where it can; racahi_free */
    double equivariance_f64, equivariance_f32; /* largest error over random rotations, relative to max |z| */
} cli_tp_measure;

/* desc: C = C2 = 1 (or a direction), family, weights and algorithm set; L = l1max = l2max = l3max. With free
 * equivariant linears in front and behind, which for one channel are one factor for each degree: weights
 * PATH and SEPARABLE contain them. Numerical rank at 1e-9 of the largest column (pivoted Gram-Schmidt). */
racah_status cli_tp_measure_run(const racah_tp_desc *desc, int rotations, cli_tp_measure *out,
                                racah_error *err);

#endif
