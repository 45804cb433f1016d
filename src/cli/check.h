/* SPDX-License-Identifier: MIT
 * What the files of `racah check` share: the checks, their figures and limits, and evaluation of a structure.
 */
#ifndef RACAH_CLI_CHECK_H
#define RACAH_CLI_CHECK_H

#include "box.h"

#include "../model/model.h"

/* One line of the report: the worst figure over all structures. Passed only if figure <= limit (NaN fails).
 */
typedef struct check_line {
    const char *name;     /* "forces" */
    const char *unit;     /* "eV/A" */
    const char *about;    /* what was compared */
    double figure, limit; /* of the structure with the largest figure / limit */
    double ratio;         /* figure / limit, infinite for NaN */
    char where[256];      /* that structure; a failed evaluation leaves its message here */
    size_t count;         /* comparisons made */
    bool failed;
} check_line;

enum { CHECK_MAX_LINES = 32 };

typedef struct check_report {
    check_line line[CHECK_MAX_LINES];
    int n;
} check_report;

/* Enter one comparison under its name; the first call for a name fixes unit and text. */
void check_add(check_report *r, const char *name, const char *unit, const char *about, double figure,
               double limit, const char *where);
/* An evaluation that should have worked did not: the check fails with the message. */
void check_broken(check_report *r, const char *name, const char *unit, const char *about,
                  const racah_error *err);
bool check_passed(const check_report *r);
void check_print(const check_report *r, FILE *to);
json_t *check_json(const check_report *r);

/* racah_compute, or in tests something that gives wrong results. */
typedef racah_status (*check_compute)(racah_calc *, racah_structure *, racah_error *);

typedef struct check_context {
    const racah_model *model;
    check_compute compute;
    racah_calc *exact; /* radial MLP evaluated for each edge */
    racah_calc *table; /* tabulated radial functions, as in molecular dynamics */
    racah_calc *single; /* the same with features in single precision */
    int threads;
    double seconds; /* time to spend on finite differences of one structure */
    uint64_t seed;  /* state of the generator */
    check_report report;
} check_context;

/* Everything racah_compute gives for one structure. */
typedef struct check_values {
    double energy, interaction, virial[9];
    double stress[9];    /* zero unless periodic in three directions */
    double *forces;      /* [n][3] */
    double *atom_energy; /* [n] */
    double *atom_virial; /* [n][6] */
} check_values;

racah_status check_values_create(check_values *v, size_t n, racah_error *err);
void check_values_free(check_values *v);
racah_status check_eval(const check_context *c, racah_calc *calc, const cli_box *box, check_values *v,
                        racah_error *err);
/* Interaction energy only. */
racah_status check_energy(const check_context *c, racah_calc *calc, const cli_box *box, double *energy,
                          racah_error *err);

double check_uniform(check_context *c); /* [0,1), counter-based: the same on every machine */
double check_max_difference(const double *a, const double *b, size_t n); /* NaN if any is */
double check_max_abs(const double *a, size_t n);

/* Checks of one structure; v are its values with tabulated radial functions. They enter their figures in the
 * report, and return a status only where the check itself could not be made (memory). */
racah_status check_forces(check_context *c, const cli_box *box, racah_error *err);
racah_status check_virial(check_context *c, const cli_box *box, racah_error *err);
racah_status check_symmetries(check_context *c, const cli_box *box, const check_values *v, racah_error *err);
racah_status check_sums(check_context *c, const cli_box *box, const check_values *v, racah_error *err);
racah_status check_local_list(check_context *c, const cli_box *box, const check_values *v, racah_error *err);
racah_status check_table(check_context *c, const cli_box *box, const check_values *v, racah_error *err);
racah_status check_single(check_context *c, const cli_box *box, const check_values *v, racah_error *err);
/* Checks of the model. */
racah_status check_references(check_context *c, racah_error *err);
racah_status check_isolated(check_context *c, racah_error *err);
racah_status check_cutoff(check_context *c, racah_error *err);

#endif
