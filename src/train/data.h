/* SPDX-License-Identifier: MIT
 * Training data: files -> labelled structures with neighbour lists, isolated-atom energies, statistics. */
#ifndef RACAHI_TRAIN_DATA_H
#define RACAHI_TRAIN_DATA_H

#include "../io/extxyz.h"
#include "../neigh/neigh.h"
#include "config.h"

/* Texts for the user go through this; may be NULL. */
typedef void (*racahi_say_fn)(void *ctx, const char *text);

/* One structure. Edges reach a little beyond r_max, so that they serve displaced positions as well. */
typedef struct racahi_sample {
    const racahi_frame *frame; /* in racahi_dataset.files */
    const char *file;
    size_t number; /* 1-based, of the frame in its file */
    size_t n;
    int *elem; /* [n] element indices */
    bool has_energy, has_forces, has_stress;
    double energy; /* label minus the sum of E0 and shift, eV */
    double volume; /* A^3; 0 unless periodic in three directions */
    racahi_edges edges;
} racahi_sample;

typedef struct racahi_label_stats {
    size_t structures, atoms, energies, forces, stresses; /* counts of structures with the label */
    size_t from_virial;                                   /* of the stresses */
    size_t masked_stress;                    /* given, but the structure is not periodic in 3 directions */
    double energy_min, energy_max;           /* eV/atom, as labelled */
    double force_rms, force_max, stress_rms; /* over components; the largest component */
    const racahi_sample *force_max_at;
    double neighbors; /* average within r_max */
    size_t neighbors_min, neighbors_max;
    double shortest; /* A; INFINITY without edges */
    const racahi_sample *shortest_at;
} racahi_label_stats;

typedef struct racahi_dataset {
    size_t nfiles;
    racahi_frames *files;
    size_t ntrain, nvalid;
    racahi_sample *train, *valid;
    int nelem;
    int Z[RACAHI_MAX_ELEMENTS];               /* ascending */
    double E0[RACAHI_MAX_ELEMENTS];           /* eV */
    const char *E0_from[RACAHI_MAX_ELEMENTS]; /* "isolated atom", "start_from", ... as told to the user */
    double shift[RACAHI_MAX_ELEMENTS]; /* eV, the rest of what the elements contribute before training */
    racahi_label_stats train_stats, valid_stats;
    char hash[65]; /* SHA-256 of everything training sees */
} racahi_dataset;

/* Read the files of cfg, take out isolated atoms, split, find E0s, build neighbour lists, say the statistics.
 * Errors: those of the reader; RACAH_EDATA (no label at all, nothing left to train on, two isolated atoms of
 * one element, an element of the validation set that is not in the training set, ...), RACAH_ENOMEM. */
racah_status racahi_dataset_create(racahi_dataset **out, const racahi_train_config *cfg, racahi_say_fn say,
                                   void *ctx, racah_error *err);
void racahi_dataset_destroy(racahi_dataset *data);

/* Element index of an atomic number, -1 if absent. */
int racahi_dataset_element(const racahi_dataset *data, int Z);

/* Least squares for reference energies: minimise sum over rows of (sum_e count[row][e]/atoms[row] x[e] -
 * y[row])^2, y in eV/atom; the solution of least norm where compositions do not determine it (*rank < nelem
 * then). count (nrow, nelem) row-major. Source: LAPACK dgelsd. */
racah_status racahi_fit_e0(size_t nrow, int nelem, const double *count, const double *y, double *x, int *rank,
                           racah_error *err);

#endif
