/* SPDX-License-Identifier: MIT
 * Errors of a model on labelled frames, by group. */
#ifndef RACAH_CLI_EVAL_STATS_H
#define RACAH_CLI_EVAL_STATS_H

#include "cli.h"

/* Results of the model for one frame; of several models the mean, and standard deviations (of n - 1). */
typedef struct eval_result {
    double energy, energy_std;
    double *forces;     /* [n][3] */
    double *forces_std; /* [n] length of the vector of the components' deviations */
    double stress[9];   /* where has_stress */
    bool has_stress;    /* three periodic directions */
} eval_result;

/* Sums over the differences of one quantity; the figures are null where count is 0. */
typedef struct eval_sum {
    size_t count;
    double abs, square;
} eval_sum;

typedef struct eval_group {
    const char *name;
    const char *kind;  /* "all", "config_type" or "element" */
    int Z;             /* of an element group, else 0 */
    size_t structures; /* with at least one atom of the group */
    size_t atoms;
    eval_sum energy;       /* (model - label) / atoms of the structure, eV/atom */
    eval_sum energy_total; /* model - label, eV */
    eval_sum forces;       /* components, eV/A; of an element: of its atoms only */
    eval_sum stress;       /* nine components, eV/A^3 */
    eval_sum energy_std;   /* of the committee / atoms of the structure, eV/atom */
    eval_sum forces_std;   /* for each atom, eV/A */
    double forces_std_max;
} eval_group;

typedef struct eval_groups {
    size_t n, cap;
    eval_group *g;
    bool committee; /* the deviations mean something */
} eval_groups;

/* Group "all", then each config_type in order of first appearance, then each element by atomic number. The
 * names belong to the frames. */
racah_status eval_groups_make(eval_groups *out, const racahi_frames *frames, const eval_result *results,
                              bool committee, racah_error *err);
void eval_groups_free(eval_groups *groups);

double eval_mae(const eval_sum *s);  /* NaN where count is 0 */
double eval_rmse(const eval_sum *s); /* NaN where count is 0 */

json_t *eval_groups_json(const eval_groups *groups);
void eval_groups_print(const eval_groups *groups, FILE *to);

/* Parity picture (energy per atom and force components against the labels) as SVG through gnuplot.
 * Returns an exit code; without gnuplot CLI_OK after a message. */
int eval_plot(const char *svg, const char *title, const racahi_frames *frames, const eval_result *results);

#endif
