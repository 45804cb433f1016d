/* SPDX-License-Identifier: MIT
 * One evaluation of the potential: forward through the layers, and back to edge gradients. Two engines from one
 * body (engine_body.inc): double, and float with energies and edge gradients summed in double.
 */
#ifndef RACAHI_ENGINE_H
#define RACAHI_ENGINE_H

#include "net.h"
#include "stages.h"
#include "../linear/gemm.h"

/* Feature exchange between ranks, for rows of this engine's type; NULL functions mean there are no ghosts. */
typedef struct racahi_exchange {
    racah_exchange_fn forward, reverse;
    void *ctx;
} racahi_exchange;

typedef struct racahi_engine_f64 racahi_engine_f64;
typedef struct racahi_engine_f32 racahi_engine_f32;

/* The weights are read through the pointer at each evaluation (double) or converted at creation (float).
 * tables: radial tables, or NULL for exact radial functions (double only). */
racah_status racahi_engine_create_f64(racahi_engine_f64 **out, const racahi_net *net, const racahi_weights *w,
                                      const racahi_tables *tables, racah_error *err);
racah_status racahi_engine_create_f32(racahi_engine_f32 **out, const racahi_net *net, const racahi_weights *w,
                                      const racahi_tables *tables, racah_error *err);
void racahi_engine_destroy_f64(racahi_engine_f64 *e);
void racahi_engine_destroy_f32(racahi_engine_f32 *e);

/* Evaluate s (made with racahi_engine_tile_* atoms a tile).
 *   atom_energy  out  (N) scale[z] (E_i - isolated), 0 for ignored atoms
 *   want_g            fill s->g with dE/dd of every edge
 *   grad         in/out padded parameter gradient of sum_i scale E_i (without the isolated part), += , or NULL;
 *                double engine with exact radial functions and one thread only; dcoef and such are internal */
racah_status racahi_engine_run_f64(racahi_engine_f64 *e, racahi_system *s, const double *scale, int threads,
                                   const racahi_exchange *x, double *atom_energy, bool want_g, double *grad,
                                   racah_error *err);
racah_status racahi_engine_run_f32(racahi_engine_f32 *e, racahi_system *s, const double *scale, int threads,
                                   const racahi_exchange *x, double *atom_energy, bool want_g, double *grad,
                                   racah_error *err);

/* Time of the stages into clock from now on (evaluations on one thread), NULL: off. */
void racahi_engine_clock_f64(racahi_engine_f64 *e, racahi_clock *clock);
void racahi_engine_clock_f32(racahi_engine_f32 *e, racahi_clock *clock);

size_t racahi_engine_tile_atoms(const racahi_net *net);
/* Bytes of whole-system arrays for each local atom, and for each row of M (local and ghost). */
void racahi_engine_bytes(const racahi_net *net, size_t Cp, size_t real, size_t *per_atom, size_t *per_row);

#endif
