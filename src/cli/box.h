/* SPDX-License-Identifier: MIT
 * A structure in memory for check and bench: from a frame, a stored reference or a LAMMPS data file; and the
 * same structure as an MD code holds it, with ghost atoms and a neighbour list. */
#ifndef RACAH_CLI_BOX_H
#define RACAH_CLI_BOX_H

#include "cli.h"

typedef struct cli_box {
    size_t n;
    double *pos; /* [n][3] A */
    int *Z;      /* [n] */
    double cell[9];
    bool has_cell;
    int pbc[3];
    char name[128];
} cli_box;

racah_status cli_box_create(cli_box *out, size_t n, const double *pos, const int *Z, const double *cell,
                            const int pbc[3], racah_error *err);
racah_status cli_box_copy(cli_box *out, const cli_box *from, racah_error *err);
void cli_box_free(cli_box *box);
racah_structure cli_box_structure(const cli_box *box); /* inputs set, outputs NULL, one thread */

/* Read a box: LAMMPS data (a file with "xlo xhi") or the first frame of an extended XYZ file. `elements` is
 * "Si,O,...", one symbol for each LAMMPS type, or NULL: then each type is the model's element of nearest
 * mass. Errors: RACAH_EIO, RACAH_EFORMAT (file and line named), RACAH_ENOMEM. */
racah_status cli_box_read(cli_box *out, const char *path, const char *elements, const racah_model *model,
                          racah_error *err);

/* Local and ghost atoms: every image of an atom within the cutoff + skin of another one is a ghost. */
typedef struct cli_local {
    size_t nlocal, nghost;
    double *pos;     /* [nlocal+nghost][3] */
    int *elements;   /* [nlocal+nghost] */
    int *owner;      /* [nghost] local index */
    int *numneigh;   /* [nlocal] */
    int **neighbors; /* [nlocal] into list */
    int *list;
    size_t exchange_bytes; /* of one element of a row */
    size_t nedge;          /* entries of the list */
} cli_local;

racah_status cli_local_create(cli_local *out, const cli_box *box, const racah_model *model, double skin,
                              racah_error *err);
void cli_local_free(cli_local *local);
/* Inputs of racah_compute_local with exchange callbacks among the atoms of this process. */
racah_local cli_local_inputs(cli_local *local, const racah_calc *calc);
/* Forces of ghosts are added to their owners and cleared: (nlocal+nghost,3). */
void cli_local_fold(const cli_local *local, double *rows, size_t width);

#endif
