/* SPDX-License-Identifier: MIT
 * Algorithm `vector`: the paths with odd l1+l2+l3, which pointwise products cannot form, as Poisson bracket on a
 * quadrature of the sphere (arXiv 2605.15073; the pointwise cross product of the gradients as vector fields):
 *
 *   z_k = 1/(4 pi) sum_g w_g Y_k(r_g) r_g . (grad f x grad h)(r_g),   f = sum_i x_i Y_i, h = sum_j y_j Y_j
 *
 * With an orthonormal tangent frame t1 x t2 = r at each point, r . (grad f x grad h) = f_1 h_2 - f_2 h_1: two
 * products for each point, so T1 = (t1.grad Y; t2.grad Y), T2 = (t2.grad Y; -t1.grad Y), T3 = (w Y, w Y). The bracket
 * is a polynomial of degree l1 + l2 whatever the frames are, so the same rules are exact as for `grid`. */
#include "../sphere/wigner_d.h"
#include "tp_transform.h"

/* T[component] = sign * t . grad Y */
static void fill_slopes(const racah_tp_plan *p, const racahi_irreps *s, const double *dY, const double t[3],
                        double sign, double *T)
{
    size_t S = (size_t)((p->L + 1) * (p->L + 1));
    for (size_t b = 0; b < s->n; b++)
        for (int m = -s->block[b].l; m <= s->block[b].l; m++) {
            size_t k = (size_t)(s->block[b].l * s->block[b].l + s->block[b].l + m);
            T[racahi_tp_component(p, s, b, m)] =
                sign * (t[0] * dY[k] + t[1] * dY[S + k] + t[2] * dY[2 * S + k]);
        }
}

static racah_status fill(racah_tp_plan *p, const racahi_quadrature *q, racah_error *err)
{
    racahi_tp_transform *t = p->state;
    size_t n = q->n, S = (size_t)((p->L + 1) * (p->L + 1));
    RACAHI_TRY(racahi_tp_transform_dense(p, 2 * n, err));
    double *Y = racahi_malloc(4 * n * S, sizeof *Y), *dY = Y + n * S;
    if (!Y) return racahi_fail(err, RACAH_ENOMEM, "tp vector: %zu points do not fit in memory", n);
    racahi_sph_ref(p->L, RACAH_SPH_COMPONENT, n, q->r, Y, dY);
    for (size_t g = 0; g < n; g++) {
        double F[9]; /* rows a, r, b with b x a = r */
        racahi_rotation_to_pole(q->r + 3 * g, F);
        const double *t1 = F + 6, *t2 = F, *slopes = dY + 3 * S * g;
        fill_slopes(p, &p->in1, slopes, t1, 1, t->T_f64[0] + g * t->S[0]);
        fill_slopes(p, &p->in1, slopes, t2, 1, t->T_f64[0] + (n + g) * t->S[0]);
        fill_slopes(p, &p->in2, slopes, t2, 1, t->T_f64[1] + g * t->S[1]);
        fill_slopes(p, &p->in2, slopes, t1, -1, t->T_f64[1] + (n + g) * t->S[1]);
        for (size_t b = 0; b < p->out.n; b++)
            for (int m = -p->out.block[b].l; m <= p->out.block[b].l; m++) {
                int l = p->out.block[b].l;
                double v = Y[g * S + (size_t)(l * l + l + m)] * q->w[g] / (4 * 3.14159265358979323846);
                double *row = t->T_f64[2] + racahi_tp_component(p, &p->out, b, m) * 2 * n;
                row[g] = row[n + g] = v;
            }
    }
    racahi_free(Y);
    return racahi_tp_transform_finish(p, err);
}

static racah_status vector_create(racah_tp_plan *p, racah_error *err)
{
    if (p->d.family != RACAH_TP_FAMILY_POISSON)
        return racahi_fail(err, RACAH_EINVAL,
                           "tp plan: vector computes Poisson brackets, which is family poisson");
    return racahi_tp_transform_on_points(p, false, fill, err);
}

const racahi_tp_ops racahi_tp_vector = RACAHI_TP_TRANSFORM_OPS(RACAH_TP_VECTOR, vector_create);
