/* SPDX-License-Identifier: MIT
 * A model: its shape (config), its parameters (one flat vector with a table of tensors) and constants.
 *
 * The potential (design.md section 4; MACE, arXiv 2206.07697). Layer t = 0..T-1, atom i, channel c:
 *   e_b(r) = R_b(x) f_p(r/rc), x = r or a transform of it (radial/radial.h)   b = 1..nbessel
 *   W(r)   = MLP_t(e(r)), SiLU * 1.679177 between linear layers, no biases
 *   h^0_i  = embed[z_i]
 *   x      = U_t h^t                                                        per l
 *   A~_i   = (1/lambda_ti) sum_j W(r_ij) [x_j (x) Y(r_ij)]                  rows = slots of tp/conv.h
 *   A_i    = V_t A~_i                                                       per l, nslot(l) C -> C
 *   B_i    = many-body product (tp/product.h), weights by element
 *   h^t+1  = P_t B_i + S_{t,z_i} h^t                                        per l <= lout(t)
 *   E_i   += readout_t(h^{t+1}_0): linear for t < T-1; last: w2 . (1.679177 silu(W1 h))
 *   E      = sum_i E0[z_i] + scale[z_i] (E_i - Eiso[z_i]) + shift[z_i]
 * lin(0) = 0, lin(t) = l_hidden, lout(t) = l_hidden, lout(T-1) = 0.
 *
 * Options of a layer, so that an imported MACE model is a model like any other: lambda is a number or a density,
 *   lambda_ti = 1 + sum_j tanh(d_t(r_ij)^2), d_t an MLP of e(r) with one output;
 * V may depend on the element of the receiver, V_t,z_i; S may be absent. A ZBL repulsion may be part of E_i:
 *   E_i   += 1/2 sum_j 14.3996 Z_i Z_j/r phi(r/a) f_p(r/(R_i+R_j)),  a = a_prefactor 0.529/(Z_i^a_exp + Z_j^a_exp),
 *   phi(x) = c0 e^-3.2x + c1 e^-0.9423x + c2 e^-0.4028x + c3 e^-0.2016x, R covalent radii (as MACE has it).
 *
 * Isolated atom: the product has no constant term and A = 0, so h^1 = S h^0, ... and E_i is a constant of the
 * element, Eiso[z]. It is taken out, E = sum_i E0 + scale (E_i - Eiso) + shift: an isolated atom has energy
 * E0 + shift exactly and the interaction energy vanishes with distance by construction. (A model that was trained
 * without this is the same model with shift + scale Eiso for shift.)
 */
#ifndef RACAHI_MODEL_H
#define RACAHI_MODEL_H

#include "../racah.h"
#include "../../tp/conv.h"
#include "../../tp/product.h"
#include "../radial/radial.h"

#define RACAHI_MAX_LAYERS 4
#define RACAHI_MAX_MLP 6
#define RACAHI_MAX_ELEMENTS 118

typedef struct racahi_config {
    int nelem;
    int Z[RACAHI_MAX_ELEMENTS];      /* ascending */
    int layers;                      /* T, 1..4 */
    int channels;                    /* C */
    int l_max;                       /* 0..4 */
    int l_hidden;                    /* 0..2, <= l_max */
    int correlation;                 /* 1..4 */
    racahi_weights_kind weights;
    racahi_family family;
    double r_max;                    /* A */
    int nbessel;
    int cutoff_p;                    /* polynomial cutoff power, 5 or 6 */
    int nmlp;                        /* hidden layers of the radial MLP */
    int mlp[RACAHI_MAX_MLP];         /* their widths */
    int readout_width;               /* hidden width of the last readout (16) */
    double lambda[RACAHI_MAX_LAYERS];/* sums over neighbours are divided by this (1 where density[t]) */

    /* Options; all zero is the plain model. They are written to a file only where set. */
    racahi_basis basis;
    bool has_basis_param;
    double basis_param[RACAHI_BASIS_MAX]; /* [nbessel] wave numbers (1/A) or centres instead of the usual ones */
    racahi_transform transform;
    double transform_param[3];
    double radius[RACAHI_MAX_ELEMENTS];   /* covalent radii, A: for the transform and ZBL */
    bool element_mix[RACAHI_MAX_LAYERS];  /* V of the layer depends on the element */
    bool no_skip[RACAHI_MAX_LAYERS];      /* no S */
    bool density[RACAHI_MAX_LAYERS];      /* lambda is the density */
    int ndensity;                         /* hidden layers of the density MLP */
    int density_mlp[RACAHI_MAX_MLP];
    bool zbl;
    int zbl_p;
    double zbl_a_exp, zbl_a_prefactor, zbl_c[4];
} racahi_config;

/* One parameter tensor, (b, r, c) row-major in the flat vector at `offset`. */
typedef struct racahi_param {
    char name[40];       /* e.g. "layer0.mix.l2" */
    size_t b, r, c;      /* count = b*r*c */
    size_t offset;       /* in the flat vector, elements */
    double gain;         /* standard deviation at initialisation; Adam's step is lr * gain, so that a tensor
                            trains as if stored with unit variance and scaled in the forward pass (e3nn) */
    bool decay;          /* weight decay applies (mix, product, linear, up, skip; not embedding, radial, readout) */
    bool row_channels;   /* r counts channels: the engine pads it */
    bool col_channels;   /* c counts channels */
} racahi_param;

#define RACAHI_L_MAX 4   /* largest degree of A */
#define RACAHI_LH_MAX 2  /* largest degree of node features */

/* Tensors and where to find each; -1 where a layer has none. */
typedef struct racahi_params {
    size_t n;
    racahi_param *t;
    size_t count; /* all elements */
    int embed;    /* (1, nelem, C) */
    struct {
        int up[RACAHI_LH_MAX + 1];                                /* (1, C, C), l <= lin */
        int radial[RACAHI_MAX_MLP + 1];                           /* (1, in, out); last (in, nw, C) */
        int density[RACAHI_MAX_MLP + 1];                          /* (1, in, out); last (1, in, 1) */
        int mix[RACAHI_L_MAX + 1];                                /* (nslot, C, C) or (nelem*nslot, C, C) */
        int product[RACAHI_LH_MAX + 1][RACAHI_SYM_NU_MAX + 1];    /* [L][nu]: (nelem, npath, C) */
        int linear[RACAHI_LH_MAX + 1];                            /* (1, C, C), l <= lout */
        int skip[RACAHI_LH_MAX + 1];                              /* (nelem, C, C), l <= min(lin, lout) */
        int readout;                                              /* (1, 1, C) but for the last layer */
    } layer[RACAHI_MAX_LAYERS];
    int readout_hidden, readout_out; /* last layer: (1, C, H), (1, 1, H) */
} racahi_params;

/* Degrees of the node features a layer reads and writes. */
static inline int racahi_lin(const racahi_config *c, int t) { return t == 0 ? 0 : c->l_hidden; }
static inline int racahi_lout(const racahi_config *c, int t) { return t == c->layers - 1 ? 0 : c->l_hidden; }

typedef struct racahi_reference { /* a stored structure with results of the trained model (double, exact radial) */
    size_t n;
    int *Z;
    double *pos, cell[9], *forces, virial[9], energy;
    int pbc[3];
    bool has_cell;
} racahi_reference;

struct racah_model {
    racahi_config cfg;
    racahi_params table;
    double *theta;                           /* [table.count] */
    double E0[RACAHI_MAX_ELEMENTS];          /* eV, by element index */
    double scale[RACAHI_MAX_ELEMENTS];
    double shift[RACAHI_MAX_ELEMENTS];
    size_t nref;
    racahi_reference *ref;
    char *training;                          /* JSON text: training summary, or NULL */
    double *shortest;                        /* [nelem][nelem] A, of the training data; NULL where unknown */
    char *path, sha256[65];
};

/* "0.1"-style architecture text and back (flat JSON object; written to __metadata__.config). */
char *racahi_config_to_json(const racahi_config *cfg); /* free with free(); NULL without memory */
racah_status racahi_config_from_json(racahi_config *cfg, const char *text, racah_error *err);

/* Tensor table of a config (which must have passed the check). */
racah_status racahi_params_create(racahi_params *out, const racahi_config *cfg, racah_error *err);
void racahi_params_free(racahi_params *p);

/* Check ranges; message names the key, what came and what is allowed. */
racah_status racahi_config_check(const racahi_config *cfg, racah_error *err);

/* Allocate a model of this shape: tensor table made, theta zero, E0 = shift = 0, scale = 1, no references. */
racah_status racahi_model_create(racah_model **out, const racahi_config *cfg, racah_error *err);
/* The same in two steps: the shape without theta (NULL), then theta. A file's tensors are compared with the shape
 * before a size that only its header claims is allocated. */
racah_status racahi_model_create_shape(racah_model **out, const racahi_config *cfg, racah_error *err);
racah_status racahi_model_allocate(racah_model *m, racah_error *err);
/* theta ~ N(0, gain^2) from a seed (counter-based generator: same numbers on every machine). */
void racahi_model_init(racah_model *m, uint64_t seed);
/* Write NAME.racah: atomic, references and training summary included. Non-finite numbers are RACAH_ENUMERIC. */
racah_status racahi_model_save(const racah_model *m, const char *path, racah_error *err);
const racahi_param *racahi_model_param(const racah_model *m, const char *name); /* or NULL */
/* Take the shortest distances out of the training summary, if it has any. */
racah_status racahi_model_read_shortest(racah_model *m, racah_error *err);
/* Append a reference structure computed by the caller (copied). */
racah_status racahi_model_add_reference(racah_model *m, size_t n, const int *Z, const double *pos,
                                        const double *cell, const int pbc[3], double energy,
                                        const double *forces, const double *virial, racah_error *err);

#endif
