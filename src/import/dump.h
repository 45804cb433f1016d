/* SPDX-License-Identifier: MIT
 * Reading the dump of a MACE checkpoint: tensors as doubles, e3nn's linear maps. */
#ifndef RACAHI_IMPORT_DUMP_H
#define RACAHI_IMPORT_DUMP_H

#include "../base/base.h"
#include "../io/safetensors.h"

#include <jansson.h>

#define DUMP_IRREPS 64
#define DUMP_DIMS RACAHI_TENSOR_DIMS

typedef struct racahi_dump {
    racahi_safetensors *file;
    json_t *json;
    bool *used;  /* [file->n] */
    bool single; /* a float32 checkpoint */
} racahi_dump;

racah_status racahi_dump_open(racahi_dump *d, const char *path, racah_error *err);
void racahi_dump_close(racahi_dump *d);

typedef struct racahi_array {
    int ndim;
    size_t shape[DUMP_DIMS], n;
    double *x; /* free with racahi_free */
} racahi_array;

bool racahi_dump_has(const racahi_dump *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A tensor as doubles; numbers must be finite. Marks it as used. */
racah_status racahi_dump_array(racahi_dump *d, racahi_array *out, racah_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* A tensor with one element. */
racah_status racahi_dump_number(racahi_dump *d, double *out, racah_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same where a whole number is wanted. */
racah_status racahi_dump_integer(racahi_dump *d, int *out, racah_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Every parameter (listed in the dump) has been read: what was not is an unknown part of the model. */
racah_status racahi_dump_all_used(const racahi_dump *d, racah_error *err);

/* Entries of the JSON text. */
racah_status racahi_dump_module(const racahi_dump *d, const json_t **out, racah_error *err, const char *fmt,
                                ...) __attribute__((format(printf, 4, 5)));
const char *racahi_dump_string(const json_t *o, const char *key); /* "" where there is none */

typedef struct racahi_mul_irreps { /* natural parity only */
    int n;
    struct {
        size_t mul;
        int l;
    } t[DUMP_IRREPS];
} racahi_mul_irreps;

racah_status racahi_dump_irreps(racahi_mul_irreps *out, const json_t *module, const char *key,
                                const char *name, racah_error *err);
/* Multiplicity of all irreps of this degree before entry i. */
size_t racahi_irreps_before(const racahi_mul_irreps *irreps, int i, int l);
size_t racahi_irreps_total(const racahi_mul_irreps *irreps, int l);
int racahi_irreps_lmax(const racahi_mul_irreps *irreps);

/* e3nn's Linear, and FullyConnectedTensorProduct with a one-hot vector of the elements (then nelem > 1 blocks
 * are interleaved): for each degree l one matrix [z][in][out] with every factor included, channels of equal l
 * in the order of the irreps. */
typedef struct racahi_maps {
    racahi_mul_irreps in, out;
    size_t nelem; /* 1 for a Linear */
    size_t nin[5], nout[5];
    double *w[5]; /* [nelem][nin][nout], NULL where no path */
} racahi_maps;
racah_status racahi_maps_linear(racahi_maps *m, racahi_dump *d, racah_error *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
racah_status racahi_maps_by_element(racahi_maps *m, racahi_dump *d, size_t nelem, racah_error *err,
                                    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void racahi_maps_free(racahi_maps *m);

/* Paths of a U matrix [2L+1 unless L = 0][S]..[S][npath] as combinations of the paths of symbasis.h:
 * T [npath of U][npath of the basis]. An error where they are not such combinations to the given relative
 * accuracy. */
racah_status racahi_project_paths(double **T, size_t *nbasis, const racahi_array *U, int lmax, int L, int nu,
                                  double tolerance, const char *name, racah_error *err);

#endif
