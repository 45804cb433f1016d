/* SPDX-License-Identifier: MIT
 * Algorithm `grid`: values of both inputs on a quadrature of the sphere, pointwise product, and back.
 *
 *   z_k = 1/(4 pi) sum_g w_g Y_k(r_g) [sum_i Y_i(r_g) x_i] [sum_j Y_j(r_g) y_j]
 *
 * The integrand is a polynomial of degree l1max + l2max + l3max on the sphere, so a rule exact to that degree makes
 * this the gaunt family exactly (Gauss-Legendre x uniform angles: Xie et al., The Price of Freedom, arXiv
 * 2506.13523; fewer points with octahedral rules). The rule with fewer points is taken. */
#include "tp_transform.h"

static void fill_values(const racah_tp_plan *p, const racahi_irreps *s, size_t g, const double *Y, double *T)
{
    for (size_t b = 0; b < s->n; b++)
        for (int m = -s->block[b].l; m <= s->block[b].l; m++) {
            int l = s->block[b].l;
            T[racahi_tp_component(p, s, b, m)] =
                Y[g * (size_t)((p->L + 1) * (p->L + 1)) + (size_t)(l * l + l + m)];
        }
}

static racah_status fill(racah_tp_plan *p, const racahi_quadrature *q, racah_error *err)
{
    racahi_tp_transform *t = p->state;
    RACAHI_TRY(racahi_tp_transform_dense(p, q->n, err));
    size_t S = (size_t)((p->L + 1) * (p->L + 1));
    double *Y = racahi_malloc(q->n * S, sizeof *Y), *row = racahi_malloc(t->S[2], sizeof *row);
    if (!Y || !row) {
        racahi_free(Y), racahi_free(row);
        return racahi_fail(err, RACAH_ENOMEM, "tp grid: %zu points do not fit in memory", q->n);
    }
    racahi_sph_ref(p->L, RACAH_SPH_COMPONENT, q->n, q->r, Y, NULL);
    for (size_t g = 0; g < q->n; g++) {
        fill_values(p, &p->in1, g, Y, t->T_f64[0] + g * t->S[0]);
        fill_values(p, &p->in2, g, Y, t->T_f64[1] + g * t->S[1]);
        fill_values(p, &p->out, g, Y, row);
        for (size_t k = 0; k < t->S[2]; k++)
            t->T_f64[2][k * q->n + g] = row[k] * q->w[g] / (4 * 3.14159265358979323846);
    }
    racahi_free(Y), racahi_free(row);
    return racahi_tp_transform_finish(p, err);
}

static racah_status grid_create(racah_tp_plan *p, racah_error *err)
{
    if (p->d.family != RACAH_TP_FAMILY_GAUNT)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: grid multiplies functions point by point, which is family gaunt");
    return racahi_tp_transform_on_points(p, true, fill, err);
}

const racahi_tp_ops racahi_tp_grid = RACAHI_TP_TRANSFORM_OPS(RACAH_TP_GRID, grid_create);
