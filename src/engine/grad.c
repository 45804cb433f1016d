/* SPDX-License-Identifier: MIT
 * Derivatives of the energies of structures, for training. */
#include "grad.h"
#include "engine.h"

#include <math.h>
#include <string.h>

struct racahi_grad {
    const racahi_net *net;
    racahi_engine_f64 *engine;
    const racahi_weights *weights; /* the ones the engine was made for */
    racahi_system system;
    double *scratch; /* of the isolated atoms */
};

racah_status racahi_grad_create(racahi_grad **out, const racahi_net *net, racah_error *err)
{
    *out = racahi_calloc(1, sizeof **out);
    if (!*out)
        return racahi_fail(err, RACAH_ENOMEM, "gradient workspace: %zu bytes do not fit", sizeof **out);
    (*out)->net = net;
    return RACAH_OK;
}

void racahi_grad_destroy(racahi_grad *g)
{
    if (!g) return;
    racahi_engine_destroy_f64(g->engine);
    racahi_system_free(&g->system);
    racahi_free(g->scratch);
    racahi_free(g);
}

static racah_status prepare(racahi_grad *g, const racahi_weights *w, bool parameters, racah_error *err)
{
    if (g->weights != w) {
        racahi_engine_destroy_f64(g->engine);
        g->engine = NULL, g->weights = NULL;
        RACAHI_TRY(racahi_engine_create_f64(&g->engine, g->net, w, NULL, err));
        g->weights = w;
    }
    if (parameters && !g->scratch) {
        const size_t size = racahi_isolated_scratch(g->net, w->at.Cp);
        g->scratch = racahi_malloc(size, sizeof(double));
        if (!g->scratch)
            return racahi_fail(err, RACAH_ENOMEM, "parameter gradient: %zu bytes do not fit in memory",
                               size * sizeof(double));
    }
    return RACAH_OK;
}

racah_status racahi_grad_eval(racahi_grad *g, const racahi_weights *w, const int *elem,
                              const racahi_edges *edges, const double *scale, double *atom_energy,
                              double *forces, const double *factor, double *gradient, racah_error *err)
{
    const size_t n = edges->n;
    RACAHI_TRY(prepare(g, w, gradient != NULL, err));
    RACAHI_TRY(racahi_system_set(&g->system, n, n, elem, edges->row, edges->j, edges->d,
                                 racahi_engine_tile_atoms(g->net), err));
    g->system.factor = factor;
    RACAHI_TRY(racahi_engine_run_f64(g->engine, &g->system, scale, 1, NULL, atom_energy, forces != NULL,
                                     gradient, err));
    if (gradient) {
        double seed[RACAHI_MAX_ELEMENTS] = {0};
        for (size_t i = 0; i < n; i++) seed[elem[i]] -= racahi_system_seed(&g->system, scale, i);
        racahi_isolated_backward(w, seed, gradient, g->scratch);
    }
    if (forces) {
        memset(forces, 0, 3 * n * sizeof *forces);
        racahi_system_gather(&g->system, forces, NULL, NULL);
    }
    return RACAH_OK;
}

void racahi_grad_virial(const racahi_grad *g, size_t i0, size_t i1, double *virial)
{
    racahi_system part = g->system;
    part.row += i0, part.N = i1 - i0;
    memset(virial, 0, 9 * sizeof *virial);
    racahi_system_gather(&part, NULL, virial, NULL);
}
