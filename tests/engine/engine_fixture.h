/* SPDX-License-Identifier: MIT
 * Random models and structures for the engine's tests. */
#ifndef RACAH_ENGINE_FIXTURE_H
#define RACAH_ENGINE_FIXTURE_H

#include "support.h"
#include "../src/engine/grad.h"
#include "../src/io/extxyz.h"

static inline racahi_config fixture_config(racahi_weights_kind weights, int layers, int l_max, int l_hidden,
                                           int correlation, int channels)
{
    return (racahi_config){.nelem = 2, .Z = {1, 8}, .layers = layers, .channels = channels, .l_max = l_max,
                           .l_hidden = l_hidden, .correlation = correlation, .weights = weights,
                           .family = RACAHI_FAMILY_COMPONENT, .r_max = 4.0, .nbessel = 6, .cutoff_p = 5, .nmlp = 2,
                           .mlp = {12, 9}, .readout_width = 7, .lambda = {3, 4, 3.5, 3}};
}

#define FIXTURE_OPTIONS 4

/* Options of imported models switched on, in FIXTURE_OPTIONS sets that cover each of them; set 0 is plain. */
static inline void fixture_set_options(racahi_config *c, int set)
{
    if (set == 0) return;
    c->radius[0] = 0.7, c->radius[1] = 1.2; /* the fixture's closest atoms are 1.1 A apart: ZBL is at work */
    c->zbl_p = 6, c->zbl_a_exp = 0.3, c->zbl_a_prefactor = 0.4543;
    memcpy(c->zbl_c, (const double[]){0.1818, 0.5099, 0.2802, 0.02817}, sizeof c->zbl_c);
    c->zbl = set >= 2;
    for (int t = 0; t < c->layers; t++) {
        c->element_mix[t] = set == 3 || (set == 1 && t == 0) || (set == 2 && t == c->layers - 1);
        c->no_skip[t] = set == 3 || (set == 1 && t == 0);
        c->density[t] = set == 2 || (set == 1 && t == 0);
    }
    if (set == 1) {
        c->basis = RACAHI_BASIS_GAUSSIAN, c->transform = RACAHI_TRANSFORM_SOFT, c->transform_param[0] = 4;
        c->ndensity = 1, c->density_mlp[0] = 5;
    }
    if (set == 2) {
        c->basis = RACAHI_BASIS_CHEBYSHEV, c->transform = RACAHI_TRANSFORM_AGNESI;
        memcpy(c->transform_param, (const double[]){0.9183, 4.5791, 1.0805}, sizeof c->transform_param);
    }
    if (set == 3) {
        c->has_basis_param = true;
        for (int b = 0; b < c->nbessel; b++) c->basis_param[b] = 0.7 * (b + 1) + 0.05 * b * b;
    }
}

/* A model with random parameters, E0, scale and shift. */
static inline racah_model *fixture_model(const racahi_config *cfg, uint64_t seed)
{
    racah_error err;
    racah_model *m;
    RACAH_ASSERT_OK(racahi_model_create(&m, cfg, &err));
    racahi_model_init(m, seed);
    for (int e = 0; e < cfg->nelem; e++) m->E0[e] = -10 - 3 * e, m->scale[e] = 0.8 + 0.3 * e, m->shift[e] = 0.1 * e;
    return m;
}

typedef struct fixture_atoms {
    size_t n;
    int Z[64];
    double pos[192], cell[9];
    int pbc[3];
} fixture_atoms;

/* n atoms at least 1.1 A apart (images too) in a triclinic cell smaller than 2 r_max, some outside the cell. */
static inline fixture_atoms fixture_structure(size_t n, uint64_t seed)
{
    fixture_atoms a = {.n = n, .cell = {6.1, 0.2, -0.4, 0.9, 5.7, 0.3, -0.5, 0.8, 6.6}, .pbc = {1, 1, 1}};
    for (size_t i = 0; i < n; i++) {
        for (int tries = 0; tries < 10000; tries++) {
            double f[3], best = 1e9;
            for (int c = 0; c < 3; c++) f[c] = racah_test_uniform(&seed) * 1.4 - 0.2;
            for (int c = 0; c < 3; c++)
                a.pos[3 * i + (size_t)c] = f[0] * a.cell[c] + f[1] * a.cell[3 + c] + f[2] * a.cell[6 + c];
            for (size_t j = 0; j < i; j++)
                for (int s = 0; s < 27; s++) {
                    double r2 = 0;
                    for (int c = 0; c < 3; c++) {
                        double d = a.pos[3 * i + (size_t)c] - a.pos[3 * j + (size_t)c] + (s % 3 - 1) * a.cell[c] +
                                   (s / 3 % 3 - 1) * a.cell[3 + c] + (s / 9 - 1) * a.cell[6 + c];
                        r2 += d * d;
                    }
                    if (r2 < best) best = r2;
                }
            if (best > 1.21) break;
        }
        a.Z[i] = racah_test_uniform(&seed) < 0.5 ? 1 : 8;
    }
    a.Z[0] = 1, a.Z[n - 1] = 8;
    return a;
}

static inline racah_calc *fixture_calc(const racah_model *m, racah_radial radial, racah_precision precision,
                                       racah_isa isa)
{
    racah_error err;
    racah_calc *c;
    racah_calc_options o = {.size = sizeof o, .radial = radial, .precision = precision, .isa = isa};
    RACAH_ASSERT_OK(racah_calc_create(&c, m, &o, &err));
    return c;
}

/* Interaction energy; forces, virial and per-atom values where wanted. */
static inline double fixture_compute(racah_calc *c, const fixture_atoms *a, double *forces, double *virial)
{
    racah_error err;
    double e;
    racah_structure s = {.size = sizeof s, .natoms = a->n, .positions = a->pos, .atomic_numbers = a->Z,
                         .cell = a->cell, .pbc = {a->pbc[0], a->pbc[1], a->pbc[2]}, .interaction_energy = &e,
                         .forces = forces, .virial = virial};
    RACAH_ASSERT_OK(racah_compute(c, &s, &err));
    return e;
}

#endif
