/* SPDX-License-Identifier: MIT
 * The engine in double precision, and what both precisions share. */
#include "engine.h"
#include "first.h"
#include "../linear/rows.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <string.h>

#define REAL double
#define NAME(x) x##_f64
#define RACAHI_ENGINE_DOUBLE 1
#include "engine_body.inc"
#include "engine_first.inc"
#include "engine_run.inc"

static racahi_radial basis_of(const racahi_net *net)
{
    const racahi_config *c = &net->cfg;
    racahi_radial r = {.nb = c->nbessel, .p = c->cutoff_p, .rc = c->r_max, .isa = net->isa, .basis = c->basis,
                       .transform = c->transform, .basis_param = c->has_basis_param ? c->basis_param : NULL};
    memcpy(r.transform_param, c->transform_param, sizeof r.transform_param);
    return r;
}

racahi_radial racahi_net_radial(const racahi_net *net, int t, size_t Cp)
{
    const racahi_config *c = &net->cfg;
    racahi_radial r = basis_of(net);
    r.nmlp = c->nmlp, r.nout = net->layer[t].nw * Cp;
    for (int k = 0; k < c->nmlp; k++) r.width[k] = (size_t)c->mlp[k];
    return r;
}

racahi_radial racahi_net_density(const racahi_net *net)
{
    racahi_radial r = basis_of(net);
    r.nmlp = net->cfg.ndensity, r.nout = 1;
    for (int k = 0; k < r.nmlp; k++) r.width[k] = (size_t)net->cfg.density_mlp[k];
    return r;
}

/* Enough rows for good node GEMMs, few enough that a tile's matrices stay in L2. */
size_t racahi_engine_tile_atoms(const racahi_net *net)
{
    (void)net;
    return 32;
}

void racahi_engine_bytes(const racahi_net *net, size_t Cp, size_t real, size_t *per_atom, size_t *per_row)
{
    size_t atom = sizeof(double), row = 0, K = max_components_f64(net);
    for (int t = 0; t < net->cfg.layers; t++) {
        if (t < net->cfg.layers - 1) atom += (net->layer[t].SL + net->S) * Cp * real;
        if (t) row += net->layer[t].K * Cp * real;
        if (net->cfg.density[t]) atom += sizeof(double);
    }
    *per_atom = atom + (net->cfg.layers > 2 ? 2 : net->cfg.layers - 1) * K * Cp * real;
    *per_row = row + K * Cp * real;
}
