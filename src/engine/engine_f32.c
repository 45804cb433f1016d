/* SPDX-License-Identifier: MIT
 * The engine with features in float. */
#include "engine.h"
#include "first.h"
#include "../linear/rows.h"

#include <math.h>
#include <omp.h>
#include <sched.h>
#include <string.h>

#define REAL float
#define NAME(x) x##_f32
#define RACAHI_ENGINE_DOUBLE 0
#include "engine_body.inc"
#include "engine_first.inc"
#include "engine_run.inc"
