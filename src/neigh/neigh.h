/* SPDX-License-Identifier: MIT
 * Neighbour list with true periodic images.
 *
 * Edge e of receiver i: sender j[e], vector d[e] = r_i - (r_j + shift[e] . cell) (receiver minus sender, A),
 * |d| < rcut strictly. Any cell shape, cells smaller than the cutoff (an atom may see images of itself),
 * atoms outside the cell (they are not wrapped: shifts refer to the positions as given).
 */
#ifndef RACAHI_NEIGH_H
#define RACAHI_NEIGH_H

#include "../base/base.h"

typedef struct racahi_edges {
    size_t n; /* receivers */
    size_t nedge;
    size_t *row; /* [n+1] edges of i are row[i] .. row[i+1]-1 */
    int *j;      /* [nedge] sender */
    double *d;   /* [nedge][3] A */
    int *shift;  /* [nedge][3] image of the sender in cell vectors; NULL where senders are ghost atoms */
    size_t cap_n, cap_edge, cap_shift; /* capacities of the arrays; reuse keeps them */
} racahi_edges;

/* Build (or rebuild into) *edges; zero-initialise it the first time. Order: by i, then by j, then by shift
 * (lexicographic), so equal input gives equal output.
 * pos (n,3) A; cell (3,3) rows = lattice vectors A, or NULL when no direction is periodic; pbc[a] != 0 where
 * periodic along cell vector a (cell vectors of non-periodic directions may be zero). Linear in n for large
 * n. d of edge i<-j with shift s is exactly -d of edge j<-i with shift -s, and both are in the list or
 * neither. Errors: RACAH_EINVAL (non-finite position or cell or one beyond 1e9 A, singular cell, rcut <= 0,
 * more than 1e8 images within reach, two atoms at distance < 1e-6 A: the message names them), RACAH_ENOMEM.
 * On error *edges is still valid to reuse or free. */
racah_status racahi_neigh_build(racahi_edges *edges, size_t n, const double *pos, const double *cell,
                                const int pbc[3], double rcut, racah_error *err);
void racahi_edges_free(racahi_edges *edges);

/* Readable twin: loops over all pairs and all images within reach. Same order. */
racah_status racahi_neigh_build_ref(racahi_edges *edges, size_t n, const double *pos, const double *cell,
                                    const int pbc[3], double rcut, racah_error *err);

#endif
