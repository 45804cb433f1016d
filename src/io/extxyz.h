/* SPDX-License-Identifier: MIT
 * Extended XYZ frames (energies eV, lengths A, forces eV/A, stress eV/A^3 ASE sign, virial = -dE/dstrain eV)
 * read from and written to files. */
#ifndef RACAHI_EXTXYZ_H
#define RACAHI_EXTXYZ_H

#include "../base/base.h"

#include <stdio.h>

typedef struct racahi_frame {
    size_t n;
    int *Z;         /* [n] atomic numbers */
    double *pos;    /* [n][3] */
    double *forces; /* [n][3] or NULL when absent */
    double cell[9]; /* rows = lattice vectors; zeros when absent */
    bool has_cell;
    int pbc[3];
    bool has_energy, has_stress;
    double energy;
    double stress[9]; /* from `stress`/`REF_stress` (9 numbers, or 6 in Voigt order xx yy zz yz xz xy), or
                         from virial: -virial/volume; `stress` wins when both are there */
    bool stress_from_virial;
    double weight;     /* config_weight, 1 when absent */
    char *config_type; /* "" when absent */
    size_t line;       /* 1-based line of the frame's atom count in its file */
} racahi_frame;

typedef struct racahi_frames {
    size_t n;
    racahi_frame *f;
    size_t cap;
    char *path;
    bool used_ref_keys; /* REF_energy / REF_forces were read in preference to the plain names */
} racahi_frames;

/* Read a whole file ("-" is not special). Keys: energy|REF_energy, forces|REF_forces|force columns,
 * stress|REF_stress, virial|REF_virial|virials|REF_virials, config_type, config_weight, pbc, Lattice,
 * Properties. REF_ names win; for the stress the order is REF_stress, REF_virial(s), stress, virial(s).
 * Species come from species:S:1 or, without it, from Z|numbers|atomic_numbers:I:1. Lattice, Properties and
 * pbc in any case. Numbers in keys and columns that are not read are not judged. pbc absent: T T T with a
 * Lattice, F F F without. Everything else is ignored.
 * Errors: RACAH_EIO, RACAH_EFORMAT (message "FILE:LINE: what, found, wanted"), RACAH_ENOMEM; on error *out is
 * empty. Two atoms closer than 1e-3 A in one frame (not counting images) are an error. */
racah_status racahi_extxyz_read(racahi_frames *out, const char *path, racah_error *err);
/* The same from a block of memory (what the fuzz target calls); `name` is used in messages. */
racah_status racahi_extxyz_parse(racahi_frames *out, const char *text, size_t size, const char *name,
                                 racah_error *err);
void racahi_frames_free(racahi_frames *frames);

bool racahi_frame_is_isolated(const racahi_frame *f); /* one atom, no periodic direction */

/* Append one frame; extra results as racah_energy, racah_forces, racah_stress, racah_energy_std, racah_forces_std
 * where not NULL. */
typedef struct racahi_frame_results {
    const double *energy; /* 1 */
    const double *forces; /* [n][3] */
    const double *stress; /* 9 */
    const double *energy_std; /* 1, over a committee */
    const double *forces_std; /* [n] */
} racahi_frame_results;
racah_status racahi_extxyz_write(FILE *to, const racahi_frame *f, const racahi_frame_results *res,
                                 racah_error *err);

/* Symbol of an atomic number 1..118 ("Si"), NULL outside; number of a symbol, 0 if unknown; standard mass
 * (u). */
const char *racahi_element_symbol(int Z);
int racahi_element_number(const char *symbol);
double racahi_element_mass(int Z);
/* Covalent radius, A (Cordero et al., Dalton Trans. 2832 (2008)); beyond curium ASE's and MACE's 0.2; 0 outside
 * 1..118. */
double racahi_element_radius(int Z);

#endif
