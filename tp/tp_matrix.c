/* SPDX-License-Identifier: MIT
 * Algorithm `matrix`: harmonics as (L+1) x (L+1) matrices, multiplied (the matrix tensor product of arXiv
 * 2506.13523).
 *
 *   X = sum_a x_a K_a,  Y = sum_b y_b K_b,  z_c = Re tr(K_c^+ X Y) / (L+1),   K_lm = i^l H_lm
 *
 * with the spin operators H of racah_tp_coefficients. The i^l make the structure constants real, so real numbers
 * stay real and the product is associative; all paths l1, l2, l3 <= L appear, odd sums as commutators. A matrix is
 * kept as 2 (L+1)^2 rows (real, imaginary) of channels. */
#include "tp_family.h"
#include "tp_transform.h"

/* Rows: part * n^2 + i * n + j. */
static void product_table(size_t n, size_t *ptr, racahi_tp_entry *e)
{
    size_t nn = n * n, q = 0;
    for (size_t part = 0; part < 2; part++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                for (size_t k = 0; k < n; k++) {
                    size_t a = i * n + k, b = k * n + j; /* re: re re - im im;  im: re im + im re */
                    e[q++] = (racahi_tp_entry){(int)a, (int)(part * nn + b), 1, 1};
                    e[q++] = (racahi_tp_entry){(int)(nn + a), (int)((1 - part) * nn + b), part ? 1 : -1,
                                               part ? 1 : -1};
                }
                ptr[part * nn + i * n + j + 1] = q;
            }
}

static void fill(racah_tp_plan *p, const double *K)
{
    racahi_tp_transform *t = p->state;
    size_t nn = (size_t)((p->L + 1) * (p->L + 1));
    const racahi_irreps *in[3] = {&p->in1, &p->in2, &p->out};
    for (int w = 0; w < 3; w++)
        for (size_t b = 0; b < in[w]->n; b++)
            for (int m = -in[w]->block[b].l; m <= in[w]->block[b].l; m++) {
                int l = in[w]->block[b].l;
                size_t row = racahi_tp_component(p, in[w], b, m);
                const double *k = K + (size_t)(l * l + l + m) * nn * 2;
                for (size_t e = 0; e < nn; e++)
                    for (size_t part = 0; part < 2; part++) {
                        if (w < 2)
                            t->T_f64[w][(part * nn + e) * t->S[w] + row] = k[2 * e + part];
                        else
                            t->T_f64[2][row * 2 * nn + part * nn + e] = k[2 * e + part] / (p->L + 1);
                    }
            }
}

static racah_status matrix_create(racah_tp_plan *p, racah_error *err)
{
    if (p->d.family != RACAH_TP_FAMILY_MATRIX)
        return racahi_fail(err, RACAH_EINVAL, "tp plan: algorithm matrix computes family matrix only");
    RACAHI_TRY(racahi_tp_transform_begin(p, false, err));
    racahi_tp_transform *t = p->state;
    size_t n = (size_t)p->L + 1;
    t->y_channels = true;
    RACAHI_TRY(racahi_tp_transform_dense(p, 2 * n * n, err));
    t->ptr = racahi_calloc(2 * n * n + 1, sizeof *t->ptr);
    t->entry = racahi_calloc(4 * n * n * n, sizeof *t->entry);
    if (!t->ptr || !t->entry) return racahi_fail(err, RACAH_ENOMEM, "tp matrix: no memory");
    product_table(n, t->ptr, t->entry);
    double *K;
    RACAHI_TRY(racahi_tp_spin_operators(p->L, &K, err));
    fill(p, K);
    racahi_free(K);
    return racahi_tp_transform_finish(p, err);
}

const racahi_tp_ops racahi_tp_matrix = RACAHI_TP_TRANSFORM_OPS(RACAH_TP_MATRIX, matrix_create);
