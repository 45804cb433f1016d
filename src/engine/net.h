/* SPDX-License-Identifier: MIT
 * The model compiled for evaluation: plans of every layer, the padded layout of its weights, a system's geometry
 * cut into tiles. Shared by the double and float engines and by the parameter gradients.
 *
 * Data flow of one evaluation (N local atoms, M = N + ghosts; all features [row][k][Cp]):
 *   edges -> for each layer t:  x = U h (t > 0; ghosts by `forward`)
 *                               tiles of atoms: Y, W of the edges -> A~ -> A = V A~/lambda -> B -> h' = P B + S h
 *   energies from the readouts; back through the layers: dh' -> dB -> dA -> dA~ -> dx, dY, dW -> edge gradients g
 *   forces and virial from g. Whole-system arrays: h, x, A of each layer (features), 56 bytes for each edge.
 */
#ifndef RACAHI_NET_H
#define RACAHI_NET_H

#include "../model/model.h"
#include "../neigh/neigh.h"
#include "../radial/radial.h"
#include "grad.h"
#include "../../tp/conv_cp.h"
#include "sph.h"

typedef struct racahi_layer_plan {
    racahi_conv *conv;
    racahi_nodeconv *node; /* the convolution by another algorithm than cg, or NULL */
    racahi_product *prod;
    int lin, lout;
    size_t K;     /* (lin+1)^2 components of x */
    size_t SL;    /* (lout+1)^2 components of h' */
    size_t nrow;  /* rows of A~ */
    size_t nw;    /* radial functions for each channel */
    size_t npath, nentry;
} racahi_layer_plan;

struct racahi_net {
    racahi_config cfg;
    racahi_params table;
    racahi_isa isa;
    size_t S; /* (l_max+1)^2 */
    racahi_layer_plan layer[RACAHI_MAX_LAYERS];
    double *r0; /* [nelem][nelem] reference distances of the transform, NULL without one */
};

/* Makes every layer's convolution run by `method` (the many-body product stays the symmetric contraction, whose path
 * weights the other algorithms cannot tell apart). AUTO and CG leave the net as it is. RACAH_EUNSUPPORTED names what
 * the model has and the method needs. */
racah_status racahi_net_set_method(racahi_net *net, racah_method method, racah_error *err);

typedef struct racahi_first racahi_first; /* first.h */

/* Radial functions by interpolation. */
typedef struct racahi_tables {
    racahi_table radial[RACAHI_MAX_LAYERS];
    racahi_table density[RACAHI_MAX_LAYERS]; /* tanh(d^2), double in both precisions */
    racahi_first *first; /* the first layer as a density (then radial[0] is empty), or NULL */
    int *pair; /* [nelem][nelem] table of two elements, -1 where one is not in use; NULL: one table for all pairs */
} racahi_tables;

/* Offsets (elements) in a padded weight buffer with channel stride Cp; channel dimensions are padded with zeros. */
typedef struct racahi_layout {
    size_t Cp, total, embed, readout_hidden, readout_out;
    struct {
        size_t up[RACAHI_LH_MAX + 1], radial[RACAHI_MAX_MLP + 1], density[RACAHI_MAX_MLP + 1];
        size_t mix[RACAHI_L_MAX + 1]; /* [nelem or 1][nslot][Cp][Cp] */
        size_t product; /* [nelem][npath][Cp] */
        size_t linear[RACAHI_LH_MAX + 1], skip[RACAHI_LH_MAX + 1], readout;
    } layer[RACAHI_MAX_LAYERS];
    /* derived from the weights, in a second buffer */
    size_t derived_total, x0, skip0; /* [nelem][Cp]: x and S h of the first layer, functions of the element */
    size_t coef[RACAHI_MAX_LAYERS];  /* [nelem][nentry][Cp] */
} racahi_layout;

racahi_layout racahi_layout_make(const racahi_net *net, size_t Cp);

/* The node matrices of a layout: `count` matrices (rows, Cp) one after the other, rows a multiple of Cp. */
typedef struct racahi_matrices {
    size_t offset, count, rows;
} racahi_matrices;
#define RACAHI_MAX_MATRICES (RACAHI_MAX_LAYERS * (3 * (RACAHI_LH_MAX + 1) + RACAHI_L_MAX + 1))
size_t racahi_layout_matrices(const racahi_net *net, const racahi_layout *at, racahi_matrices m[RACAHI_MAX_MATRICES]);

/* One parameter vector, ready for evaluation. */
struct racahi_weights {
    const racahi_net *net;
    racahi_layout at;
    double *w;       /* [at.total] */
    double *derived; /* [at.derived_total] */
    double *packed, *packed_t; /* [at.total] each: the node and radial matrices and their transposes, in linear/rows.h's order */
    double *scratch; /* for the isolated atoms */
    double isolated[RACAHI_MAX_ELEMENTS]; /* E_i of an isolated atom, which is subtracted */
};

racah_status racahi_weights_create_padded(racahi_weights **out, const racahi_net *net, size_t Cp, racah_error *err);
/* Energy of isolated atoms, and its reverse: grad += seed[z] dEiso[z]/dw (padded layout). */
void racahi_isolated_energy(const racahi_weights *w, double *energy, double *scratch);
void racahi_isolated_backward(const racahi_weights *w, const double *seed, double *grad, double *scratch);
size_t racahi_isolated_scratch(const racahi_net *net, size_t Cp); /* doubles */

/* Radial functions of layer t with outputs padded to Cp channels. */
racahi_radial racahi_net_radial(const racahi_net *net, int t, size_t Cp);
/* The MLP of the density, one output; the same shape in all layers. */
racahi_radial racahi_net_density(const racahi_net *net);
static inline bool racahi_net_has_skip(const racahi_net *net, int t) { return !net->cfg.no_skip[t]; }

racahi_isa racahi_isa_choose(racah_isa want, bool *ok);

/* ---- geometry ------------------------------------------------------------------------------------- */

/* A tile is a run of local atoms worked on together: its node matrices are one GEMM, its senders' gradients are
 * collected in a halo of its own and added up tile after tile, so that no result depends on the thread count. */
typedef struct racahi_tile {
    size_t a0, a1;   /* atoms */
    size_t u0, u1;   /* its distinct senders in racahi_system.uniq */
} racahi_tile;

typedef struct racahi_system {
    size_t N, M, nedge;
    const int *elem;    /* [M], -1: atom is ignored */
    const size_t *row;  /* [N+1] */
    const int *j;       /* [nedge] */
    const double *d;    /* [nedge][3] receiver minus sender */
    int *halo;          /* [nedge] index of the sender in its tile's list */
    int *uniq;          /* senders of each tile */
    racahi_tile *tile;
    size_t ntile, max_uniq, max_edges; /* largest halo; most edges of one atom */
    int *stamp, *slot;  /* [M] scratch of the tiling */
    double *g;          /* [nedge][3] dE/dd */
    const int *ghost_row; /* [M-N] the row that stands for each ghost, or NULL: its own */
    const double *factor; /* [N] of each atom's energy in what is differentiated, or NULL for 1 */
    size_t cap_edge, cap_uniq, cap_tile, cap_m, cap_g;
} racahi_system;

/* Point to the geometry and (re)make tiles of `tile_atoms` atoms. The arrays of edges must stay alive. */
racah_status racahi_system_set(racahi_system *s, size_t N, size_t M, const int *elem, const size_t *row, const int *j,
                               const double *d, size_t tile_atoms, racah_error *err);
void racahi_system_free(racahi_system *s);

/* What the energy E_i of an atom is multiplied with in the reverse pass. */
static inline double racahi_system_seed(const racahi_system *s, const double *scale, size_t i)
{
    return s->elem[i] < 0 ? 0 : s->factor ? scale[s->elem[i]] * s->factor[i] : scale[s->elem[i]];
}

/* ZBL repulsion of edges below the sum of the covalent radii: added to the atoms' E_i, and times the atom's seed to
 * s->g where want_g. Nothing where the model has none. */
void racahi_zbl_add(const racahi_net *net, racahi_system *s, const double *scale, int threads, double *atom_energy,
                    bool want_g);
/* Energy of one directed edge (half the pair's) and its slope in r; element indices. */
double racahi_zbl_edge(const racahi_config *cfg, int zi, int zj, double r, double *slope);

/* Forces (M,3), virial (9), per-atom virials (M,6): each added to, each may be NULL. From s->g. */
void racahi_system_gather(const racahi_system *s, double *forces, double *virial, double *atom_virial);

#endif
