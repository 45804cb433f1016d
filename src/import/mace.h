/* SPDX-License-Identifier: MIT
 * A MACE checkpoint on its way to a Racah model. */
#ifndef RACAHI_IMPORT_MACE_H
#define RACAHI_IMPORT_MACE_H

#include "dump.h"
#include "../model/model.h"

#define MACE_ACT 1.6791767923989418 /* the engine's activation is this times silu */

typedef struct racahi_mace {
    racahi_dump d;
    const char *path;
    racahi_config cfg;
    int head, nhead;
    const char *head_name;
    double basis_scale; /* the checkpoint's radial basis over ours: a rounded prefactor */
    int nreadout;       /* layers, or 1: only the last one */
} racahi_mace;

/* Checks all classes and fills cfg, head and basis_scale. */
racah_status racahi_mace_configure(racahi_mace *m, const char *head, racah_error *err);
/* A layer of an e3nn FullyConnectedNet: silu between layers; cst is its constant, 0 for the last layer. */
racah_status racahi_mace_mlp_layer(const racahi_mace *m, const char *net, int k, size_t *in, size_t *out,
                                   double *cst, racah_error *err);
int racahi_mace_mlp_layers(const racahi_mace *m, const char *net);
const char *racahi_mace_class(const racahi_mace *m, const char *list, int i); /* "" where there is none */

#endif
