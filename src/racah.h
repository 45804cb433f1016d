/* SPDX-License-Identifier: MIT
 * Racah: equivariant interatomic potentials. Energies, forces and virials of a trained model from C.
 *
 * Units: eV and Angstrom. Stress = +(1/V) dE/dstrain (eV/A^3, positive in tension, ASE's sign);
 * virial = -dE/dstrain (eV) = sum over edges of -d (x) dE/dd. Tensors of nine numbers are row-major; six
 * numbers are in the order xx yy zz yz xz xy.
 *
 * A racah_model is immutable after loading and may be shared by threads. A racah_calc holds the tables and the
 * workspace of one evaluation at a time: one for each thread that calls compute. Functions return a status and
 * fill an optional racah_error; the library never prints, never exits and keeps no mutable globals.
 *
 * BLAS threads: the engine owns the parallelism (struct field `threads`); call openblas_set_num_threads(1) once
 * in your program, otherwise OpenBLAS may start threads of its own inside ours. The library does not do it,
 * because that setting belongs to the whole process. In threads of your own that compute, call omp_set_num_threads(1)
 * too: an OpenBLAS with OpenMP asks each thread anew, and hangs where it and the program have different OpenMP
 * libraries (clang's and gcc's). An OpenBLAS built without threads (Debian's -serial) may not be
 * called by two threads at a time: `threads` then counts as 1, and your own threads must take turns.
 */
#ifndef RACAH_H
#define RACAH_H

#include "racah_sphere.h"
#include "racah_status.h"
#include "racah_tp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "MAJOR.MINOR.PATCH"; never NULL. Thread safe. */
RACAH_API const char *racah_version(void);
/* One line: version, compiler, BLAS, instruction set picked on this machine. Writes at most size bytes, NUL included. */
RACAH_API void racah_build_info(char *text, size_t size);

/* ---- models ---------------------------------------------------------------------------- */

typedef struct racah_model racah_model;

/* Read and check a *.racah file. Every number is checked (shapes, ranges, finite values, SHA-256) before it is
 * used. Errors: RACAH_EIO, RACAH_EFORMAT (message names file and tensor), RACAH_EUNSUPPORTED (newer format),
 * RACAH_ENOMEM; *out = NULL then. Free with racah_model_destroy (NULL is fine). Since 0.1 */
RACAH_API racah_status racah_model_load(racah_model **out, const char *path, racah_error *err);
RACAH_API void racah_model_destroy(racah_model *model);

RACAH_API int racah_model_nelements(const racah_model *model);
/* Atomic number of element index 0 <= e < nelements (ascending); 0 outside. */
RACAH_API int racah_model_atomic_number(const racah_model *model, int e);
/* Element index of an atomic number, or -1. */
RACAH_API int racah_model_element_index(const racah_model *model, int atomic_number);
/* Chemical symbol <-> atomic number 1..118; NULL / 0 where unknown. */
RACAH_API const char *racah_element_symbol(int atomic_number);
RACAH_API int racah_element_number(const char *symbol);
/* Standard atomic mass (u); 0 where unknown. */
RACAH_API double racah_element_mass(int atomic_number);
/* Cutoff radius of one layer, A: the reach of the neighbour list. */
RACAH_API double racah_model_cutoff(const racah_model *model);
RACAH_API int racah_model_layers(const racah_model *model);
RACAH_API size_t racah_model_nparameters(const racah_model *model);
/* Energy of an isolated atom of element e (E0 plus the model's constant), eV. */
RACAH_API double racah_model_isolated_energy(const racah_model *model, int e);
/* Shortest distance between atoms of elements e1 and e2 in the training data, A (of any elements where these two never
 * met); nearer than that the model extrapolates. 0 where the file does not say, as in imported models. Since 0.1 */
RACAH_API double racah_model_shortest_distance(const racah_model *model, int e1, int e2);

/* ---- calculators ----------------------------------------------------------------------- */

typedef enum racah_precision { RACAH_DOUBLE = 0, RACAH_SINGLE = 1 } racah_precision;
typedef enum racah_method {
    RACAH_METHOD_AUTO = 0, RACAH_METHOD_CG, RACAH_METHOD_SO2, RACAH_METHOD_GAUNT, RACAH_METHOD_GRID,
    RACAH_METHOD_CP
} racah_method;
typedef enum racah_radial { RACAH_RADIAL_TABLE = 0, RACAH_RADIAL_EXACT = 1 } racah_radial;
typedef enum racah_isa { RACAH_ISA_AUTO = 0, RACAH_ISA_BASELINE, RACAH_ISA_AVX2, RACAH_ISA_AVX512 } racah_isa;

/* Set .size = sizeof(racah_calc_options) and zero the rest for defaults. */
typedef struct racah_calc_options {
    size_t size;
    racah_precision precision; /* SINGLE: features in float; energies, forces, virial summed in double */
    racah_method method;       /* of the convolution; AUTO is CG. Models of family gaunt with weights degree or shared
                                  take every method, others CG and SO2; else RACAH_EUNSUPPORTED with the reason */
    racah_radial radial;       /* TABLE: quintic interpolant of the radial functions and its exact derivative */
    racah_isa isa;             /* AUTO: best of this CPU; a variant the CPU lacks is RACAH_EUNSUPPORTED */
    /* Since 0.1, second edition (a smaller size field leaves them out): */
    const int *elements;       /* (nelements) element indices of the model that will occur; read at creation only.
                                  Others are refused later, and no radial tables are made for their pairs.
                                  NULL: all elements of the model */
    int nelements;
} racah_calc_options;

typedef struct racah_calc racah_calc;

/* options may be NULL. The model must outlive the calculator. Since 0.1 */
RACAH_API racah_status racah_calc_create(racah_calc **out, const racah_model *model,
                                         const racah_calc_options *options, racah_error *err);
RACAH_API void racah_calc_destroy(racah_calc *calc);

/* Two atoms nearer to each other than any two of their elements in the training data. */
typedef struct racah_close {
    int i, j;        /* atoms, counted from 0 (j: image or ghost too); -1: no such pair */
    double distance; /* A */
} racah_close;

/* Level 1: a complete structure. Set .size = sizeof(racah_structure), fill the inputs, point the outputs you
 * want to your arrays and leave the rest NULL. Arrays are the caller's; inputs are only read.
 * Small periodic cells are right (images are real neighbours), atoms may lie outside the cell. */
typedef struct racah_structure {
    size_t size;
    int threads;               /* OpenMP threads; 0 means 1. The results do not depend on it */
    size_t natoms;             /* N >= 0 */
    const double *positions;   /* (N,3) A */
    const int *atomic_numbers; /* (N) */
    const double *cell;        /* (3,3) rows are lattice vectors, A; NULL without periodic directions */
    int pbc[3];                /* non-zero: periodic along cell vector a */
    /* outputs, each may be NULL */
    double *energy;            /* total, eV, with isolated-atom energies */
    double *interaction_energy;/* total minus the isolated-atom energies, eV */
    double *forces;            /* (N,3) eV/A */
    double *virial;            /* (3,3) eV, -dE/dstrain */
    double *stress;            /* (3,3) eV/A^3, +(1/V) dE/dstrain; needs three periodic directions */
    double *atom_energy;       /* (N) eV, sums to energy */
    double *atom_virial;       /* (N,6) eV, xx yy zz yz xz xy, each edge half to either end; sums to virial */
    /* Since 0.1, second edition (a smaller size field leaves them out): guard against atoms nearer than in training */
    int close_stop;            /* non-zero: RACAH_ECLOSE names the worst pair, nothing is computed */
    racah_close *close;        /* out, (nelements,nelements) or NULL: for elements a <= b of the model, at
                                  a*nelements + b, their closest atoms where nearer than in training */
} racah_structure;

/* Errors: RACAH_EINVAL (NULL, element not in the model, coincident atoms, non-finite input: named in the
 * message), RACAH_ENOMEM, RACAH_ENUMERIC (a result is not finite; names the atom and its nearest neighbours),
 * RACAH_ECLOSE (on request only). Outputs are finite, and untouched on error.
 * Not thread safe for one calc; different calcs of one model are independent. Since 0.1 */
RACAH_API racah_status racah_compute(racah_calc *calc, racah_structure *s, racah_error *err);

/* Level 2: local and ghost atoms with a neighbour list, as an MD code has them (the LAMMPS pair style).
 * Between layers the features of ghost atoms come from their owners through `forward`, and gradients go back
 * through `reverse`. Every rank makes the same sequence of exchanges, with zero atoms too.
 *
 * forward(ctx, rows, width): rows is (nlocal+nghost, width) of float or double (racah_calc_exchange_bytes per
 *   element); rows of local atoms are filled, the callback fills those of ghosts with their owner's row.
 * reverse(ctx, rows, width): adds each ghost's row to its owner's row; ghost rows are not read afterwards.
 * Return 0, or anything else to stop with RACAH_ECALLBACK. Both NULL: no exchange (nghost must be 0, or `row` name local
 * atoms only).
 *
 * Several ghosts may be images of one atom, or of an atom of this rank: `row` says so, and one of them carries the features
 * for all. Where one rank has all atoms there is then nothing to exchange, to copy or to keep for ghosts. */
typedef int (*racah_exchange_fn)(void *ctx, void *rows, size_t width);

typedef struct racah_local {
    size_t size;
    int threads;
    size_t nlocal, nghost;
    const double *positions;      /* (nlocal+nghost,3) A */
    const int *elements;          /* (nlocal+nghost) element index of the model, -1: not ours, ignored */
    const int *numneigh;          /* (nlocal) */
    const int *const *neighbors;  /* (nlocal) lists of indices < nlocal+nghost; full list, may reach beyond
                                     the cutoff: filtered here. Order fixes the order of sums */
    int neighbor_mask;            /* applied to each index (LAMMPS NEIGHMASK); 0 means none */
    racah_exchange_fn forward, reverse;
    void *exchange_ctx;
    /* outputs, each may be NULL */
    double *energy;               /* of the local atoms, with isolated-atom energies */
    double *interaction_energy;
    double *forces;               /* (nlocal+nghost,3): ADDED to; the caller adds ghost rows to their owners' */
    double *virial;               /* (3,3) from the edges of local receivers */
    double *atom_energy;          /* (nlocal): ADDED to */
    double *atom_virial;          /* (nlocal+nghost,6): ADDED to */
    /* Since 0.1, second edition: as in racah_structure; pairs of a local atom with a local or ghost atom */
    int close_stop;
    racah_close *close;
    /* Since 0.1, third edition: (nghost) or NULL. The atom that stands for each ghost, an image of the same atom: a local
     * atom, or a ghost that stands for itself (nlocal + g). Features, gradients, forces and atom_virial of the ghost are
     * those of that row: its own is not read, and undefined in `reverse` */
    const int *row;
} racah_local;

/* Errors as racah_compute, and RACAH_ECALLBACK. On error the accumulated outputs are untouched. Since 0.1 */
RACAH_API racah_status racah_compute_local(racah_calc *calc, racah_local *s, racah_error *err);

/* Largest `width` an exchange callback will see (elements for each atom), and bytes of one element (4 or 8). */
RACAH_API size_t racah_calc_exchange_width(const racah_calc *calc);
RACAH_API size_t racah_calc_exchange_bytes(const racah_calc *calc);

/* Memory: bytes for each local atom at `neighbors` edges per atom, and the fixed part (tables, weights). A process grows
 * by this within 20 % (35 % where racah_compute makes the neighbour list); each thread takes a workspace of some MB besides. */
RACAH_API size_t racah_calc_bytes_per_atom(const racah_calc *calc, double neighbors, double ghosts_per_atom);
RACAH_API size_t racah_calc_fixed_bytes(const racah_calc *calc);
/* Floating-point operations (multiply and add count one each) for one atom, energy and forces. */
RACAH_API double racah_calc_flops_per_atom(const racah_calc *calc, double neighbors);

#ifdef __cplusplus
}
#endif
#endif
