/* SPDX-License-Identifier: MIT
 * Derivatives of one structure's energy, for training. */
#include "grad.h"
#include "engine.h"

#include <math.h>
#include <string.h>

struct racahi_grad {
    const racahi_net *net;
    racahi_engine_f64 *engine;
    const racahi_weights *weights; /* the ones the engine was made for */
    racahi_system system;
    double *atom_energy, *padded, *scratch;
    size_t cap_atoms;
};

racah_status racahi_grad_create(racahi_grad **out, const racahi_net *net, racah_error *err)
{
    *out = racahi_calloc(1, sizeof **out);
    if (!*out) return racahi_fail(err, RACAH_ENOMEM, "gradient workspace: %zu bytes do not fit", sizeof **out);
    (*out)->net = net;
    return RACAH_OK;
}

void racahi_grad_destroy(racahi_grad *g)
{
    if (!g) return;
    racahi_engine_destroy_f64(g->engine);
    racahi_system_free(&g->system);
    racahi_free(g->atom_energy), racahi_free(g->padded), racahi_free(g->scratch);
    racahi_free(g);
}

static racah_status prepare(racahi_grad *g, const racahi_weights *w, size_t n, bool dtheta, racah_error *err)
{
    if (g->weights != w) {
        racahi_engine_destroy_f64(g->engine);
        g->engine = NULL, g->weights = NULL;
        RACAHI_TRY(racahi_engine_create_f64(&g->engine, g->net, w, NULL, err));
        g->weights = w;
    }
    RACAHI_TRY(racahi_reserve((void **)&g->atom_energy, &g->cap_atoms, n, sizeof(double), "atom energies", err));
    if (dtheta && !g->padded) {
        g->padded = racahi_malloc(w->at.total, sizeof(double));
        g->scratch = racahi_malloc(racahi_isolated_scratch(g->net, w->at.Cp), sizeof(double));
        if (!g->padded || !g->scratch)
            return racahi_fail(err, RACAH_ENOMEM, "parameter gradient: %zu bytes do not fit in memory",
                               (w->at.total + racahi_isolated_scratch(g->net, w->at.Cp)) * sizeof(double));
    }
    return RACAH_OK;
}

racah_status racahi_grad_eval(racahi_grad *g, const racahi_weights *w, const int *elem, const racahi_edges *edges,
                              const double *scale, double *energy, double *forces, double *virial, double factor,
                              double *dtheta, racah_error *err)
{
    const size_t n = edges->n;
    RACAHI_TRY(prepare(g, w, n, dtheta != NULL, err));
    RACAHI_TRY(racahi_system_set(&g->system, n, n, elem, edges->row, edges->j, edges->d,
                                 racahi_engine_tile_atoms(g->net), err));
    if (dtheta) memset(g->padded, 0, w->at.total * sizeof(double));
    RACAHI_TRY(racahi_engine_run_f64(g->engine, &g->system, scale, 1, NULL, g->atom_energy, forces || virial,
                                     dtheta ? g->padded : NULL, err));
    if (dtheta) {
        double seed[RACAHI_MAX_ELEMENTS] = {0};
        for (size_t i = 0; i < n; i++) seed[elem[i]] -= scale[elem[i]];
        racahi_isolated_backward(w, seed, g->padded, g->scratch);
    }
    if (dtheta) racahi_layout_unpack_add(g->net, &w->at, g->padded, factor, dtheta);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += g->atom_energy[i];
    if (energy) *energy = sum;
    if (forces) memset(forces, 0, 3 * n * sizeof *forces);
    if (virial) memset(virial, 0, 9 * sizeof *virial);
    racahi_system_gather(&g->system, forces, virial, NULL);
    return RACAH_OK;
}
