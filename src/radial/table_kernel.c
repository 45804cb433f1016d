/* SPDX-License-Identifier: MIT
 * Evaluation of radial tables, double and float. */
#include "radial.h"

#define REAL double
#define NAME(x) x##_f64
#include "table_kernel.inc"
#undef REAL
#undef NAME
#define REAL float
#define NAME(x) x##_f32
#include "table_kernel.inc"

void racahi_table_eval_f64(const racahi_table *t, size_t ne, const double *r, double *W, double *Wr)
{
    table_run_f64(t, t->f64, ne, NULL, r, W, Wr);
}

void racahi_table_eval_f32(const racahi_table *t, size_t ne, const double *r, float *W, float *Wr)
{
    table_run_f32(t, t->f32, ne, NULL, r, W, Wr);
}

void racahi_table_eval_pairs_f64(const racahi_table *t, size_t ne, const int *pair, const double *r,
                                 double *W, double *Wr)
{
    table_run_f64(t, t->f64, ne, pair, r, W, Wr);
}

void racahi_table_eval_pairs_f32(const racahi_table *t, size_t ne, const int *pair, const double *r, float *W,
                                 float *Wr)
{
    table_run_f32(t, t->f32, ne, pair, r, W, Wr);
}

void racahi_table_locate_f64(const racahi_table *t, size_t ne, const int *pair, const double *r, const double **row,
                             double *b)
{
    table_locate_f64(t, t->f64, ne, pair, r, row, b);
}

void racahi_table_locate_f32(const racahi_table *t, size_t ne, const int *pair, const double *r, const float **row,
                             float *b)
{
    table_locate_f32(t, t->f32, ne, pair, r, row, b);
}
