/* SPDX-License-Identifier: MIT
 * Where an evaluation spends its time: stages with their measured seconds and counted work. */
#ifndef RACAHI_STAGES_H
#define RACAHI_STAGES_H

#include "net.h"

typedef enum racahi_stage {
    RACAHI_STAGE_EDGES,        /* distances, harmonics, place in the radial table; radial functions of a density layer */
    RACAHI_STAGE_DENSITY,      /* first layer: densities, and back */
    RACAHI_STAGE_CONV,         /* radial splines and convolution */
    RACAHI_STAGE_CONV_BACK,
    RACAHI_STAGE_LINEAR,       /* node matrices, both ways */
    RACAHI_STAGE_PRODUCT,      /* many-body product */
    RACAHI_STAGE_PRODUCT_BACK,
    RACAHI_STAGE_REST,         /* readouts, edge gradients, halos, forces, clearing */
    RACAHI_STAGE_COUNT
} racahi_stage;

const char *racahi_stage_name(racahi_stage s);

/* Filled by an evaluation on one thread with the clock set in the engine (racahi_engine_clock_*). */
typedef struct racahi_clock {
    double last, seconds[RACAHI_STAGE_COUNT];
} racahi_clock;

/* The time since the last mark goes to s. clock may be NULL. */
static inline void racahi_clock_mark(racahi_clock *clock, racahi_stage s)
{
    if (!clock) return;
    const double now = racahi_now();
    clock->seconds[s] += now - clock->last;
    clock->last = now;
}

/* Multiplications and additions (each counted), and bytes read or written beyond the registers, each operand of an
 * inner loop once: what the stage would move without any cache. For one atom with this many neighbours within the
 * cutoff, senders of `elements` elements, radial functions by table, features of `real` bytes. nq: functions of the
 * first layer's density, 0 where it is an ordinary layer. */
typedef struct racahi_work {
    double flops, bytes;
} racahi_work;
void racahi_stage_work(const racahi_net *net, size_t nq, size_t elements, size_t real, double neighbors,
                       racahi_work work[RACAHI_STAGE_COUNT]);

/* The same for a calculator, and its clock (NULL: off). */
void racahi_calc_work(const racah_calc *c, double neighbors, size_t elements, racahi_work work[RACAHI_STAGE_COUNT]);
void racahi_calc_clock(racah_calc *c, racahi_clock *clock);

#endif
