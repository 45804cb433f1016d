/* SPDX-License-Identifier: MIT
 * Irreps strings of e3nn: "128x0e + 128x1o" is 128 scalars of even and 128 vectors of odd parity. */
#ifndef RACAHI_IRREPS_H
#define RACAHI_IRREPS_H

#include "base.h"

#define RACAHI_IRREPS_LMAX 11
#define RACAHI_IRREPS_MAX_MUL 1048576
#define RACAHI_IRREPS_MAX_BLOCKS 4096

/* One term: mul copies of degree l and parity p (+1 e, -1 o). Its numbers start at `offset` in a sample. */
typedef struct racahi_irrep {
    int mul, l, p;
    size_t offset;
} racahi_irrep;

typedef struct racahi_irreps {
    size_t n, dim;
    int lmax; /* -1 when there is no term */
    racahi_irrep *block;
} racahi_irreps;

/* Grammar: terms joined by '+', each [MULx]L(e|o), blanks around anything allowed ("0e", "2x1o+3x0e"); an empty
 * string has no terms. Terms keep their order and are not merged; multiplicity 0 is a term without numbers.
 * `what` names the string in messages. Errors: RACAH_EINVAL with the column, RACAH_ENOMEM; *out is empty then. */
racah_status racahi_irreps_parse(racahi_irreps *out, const char *text, const char *what, racah_error *err);
/* Degrees 0..lmax with C channels; p(l) = (-1)^l sign for natural, sign otherwise. */
racah_status racahi_irreps_degrees(racahi_irreps *out, int C, int lmax, bool natural, int sign,
                                   racah_error *err);
void racahi_irreps_free(racahi_irreps *irreps);

/* "16x1o" into text. */
void racahi_irrep_print(const racahi_irrep *block, char text[32]);

#endif
