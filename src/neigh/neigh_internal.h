/* SPDX-License-Identifier: MIT
 * What the cell list and its readable twin share: input checks, the edge vector, appending an edge. */
#ifndef RACAHI_NEIGH_INTERNAL_H
#define RACAHI_NEIGH_INTERNAL_H

#include "neigh.h"

#include <limits.h>
#include <math.h>

/* Positions and cell vectors beyond this are refused: doubles are 1e-7 A apart there, and below it no product
 * of three lengths can overflow. */
#define RACAHI_NEIGH_FAR 1e9
/* Atoms nearer than this coincide: no potential has a meaning there. */
#define RACAHI_NEIGH_COINCIDE 1e-6
/* Volume of the cell over the product of its edge lengths (area in two dimensions) below which its vectors
 * count as linearly dependent. */
#define RACAHI_NEIGH_FLAT 1e-6
/* More images than this in reach of one atom means a wrong cell or cutoff, not a structure. */
#define RACAHI_NEIGH_IMAGES 1e8

/* Everything that can be wrong with the input, except coincident atoms. *A receives the cell with the vectors
 * of non-periodic directions set to zero, *basis the same with those vectors replaced by unit vectors
 * perpendicular to the periodic ones, so that it is always invertible. */
racah_status racahi_neigh_check(size_t n, const double *pos, const double *cell, const int pbc[3],
                                double rcut, double A[9], double basis[9], racah_error *err);

/* Rows of *inv are the columns of basis^-1: f_a = inv[a] . r is the a-th fractional coordinate of r, and
 * height[a] = 1/|inv[a]| the distance between the planes f_a = 0 and f_a = 1. */
void racahi_neigh_invert(const double basis[9], double inv[9], double height[3]);

/* Replaces the rows a of basis where !pbc[a] by unit vectors perpendicular to all others. */
void racahi_neigh_complete(const int pbc[3], double basis[9]);

/* d = (r_i - r_j) - shift . A in this order of operations: exchanging i and j and the sign of the shift then
 * changes the sign of d exactly, so either both edges of a pair are inside the cutoff or none. */
static inline double racahi_neigh_vector(const double *ri, const double *rj, const int s[3],
                                         const double A[9], double d[3])
{
    for (int c = 0; c < 3; c++) d[c] = (ri[c] - rj[c]) - (s[0] * A[c] + s[1] * A[3 + c] + s[2] * A[6 + c]);
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/* Room for `more` further edges. */
racah_status racahi_neigh_reserve(racahi_edges *e, size_t more, racah_error *err);
/* Append an edge; the room is there. */
static inline void racahi_neigh_append(racahi_edges *e, int j, const int s[3], const double d[3])
{
    size_t k = e->nedge++;
    e->j[k] = j;
    for (int c = 0; c < 3; c++) e->d[3 * k + c] = d[c], e->shift[3 * k + c] = s[c];
}

/* Start an empty list for n receivers. */
racah_status racahi_neigh_start(racahi_edges *e, size_t n, racah_error *err);
/* The message for |d| < RACAHI_NEIGH_COINCIDE. */
racah_status racahi_neigh_coincide(size_t i, size_t j, const int s[3], double r, racah_error *err);

#endif
