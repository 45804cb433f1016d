/* SPDX-License-Identifier: MIT
 * Algorithm `cp`: exact factors of the coupling tensor (cp.h), z = C ( (A^T x) * (B^T y) ), the form of Tensor
 * Decomposition Networks (arXiv 2507.01131) without their approximation.
 *
 * Family gaunt; family component where all even paths, or all paths, of the degrees are there: its coefficients are
 * those of the unit tensors times f1(l1) f2(l2) f3(output), which scale the rows of A, B, C. */
#include "cp.h"
#include "tp_transform.h"

#include <math.h>

static racah_status fill(racah_tp_plan *p, const racahi_cp_factors *f, racah_error *err)
{
    racahi_tp_transform *t = p->state;
    size_t R = (size_t)f->rank;
    RACAHI_TRY(racahi_tp_transform_dense(p, R, err));
    bool component = p->d.family == RACAH_TP_FAMILY_COMPONENT;
    bool norm = component && p->d.irrep_normalization == RACAH_TP_IRREP_NORM;
    const racahi_irreps *in[3] = {&p->in1, &p->in2, &p->out};
    const double *factor[3] = {f->A, f->B, f->C};
    for (int w = 0; w < 3; w++)
        for (size_t b = 0; b < in[w]->n; b++) {
            int l = in[w]->block[b].l;
            double scale = 1;
            if (norm && w < 2) scale = sqrt(2 * l + 1);
            for (size_t q = 0; component && w == 2 && q < p->npath;
                 q++) /* any path into this output tells f3 */
                if (p->path[q].b3 == &in[w]->block[b])
                    scale = p->path[q].coefficient /
                            (norm ? sqrt((2 * p->path[q].b1->l + 1) * (2 * p->path[q].b2->l + 1)) : 1);
            for (int m = -l; m <= l; m++) {
                size_t row = racahi_tp_component(p, in[w], b, m);
                for (size_t r = 0; r < R; r++) {
                    double v = scale * factor[w][(size_t)(l * l + l + m) * R + r];
                    if (w < 2)
                        t->T_f64[w][r * t->S[w] + row] = v;
                    else
                        t->T_f64[2][row * R + r] = v;
                }
            }
        }
    return racahi_tp_transform_finish(p, err);
}

static racah_status cp_create(racah_tp_plan *p, racah_error *err)
{
    bool even = true;
    racahi_cp_family family = RACAHI_CP_GAUNT;
    if (p->d.family == RACAH_TP_FAMILY_COMPONENT) {
        family = RACAHI_CP_UNIT;
        for (size_t q = 0; q < p->npath; q++)
            even = even && (p->path[q].b1->l + p->path[q].b2->l + p->path[q].b3->l) % 2 == 0;
        if (!even && p->d.signs != RACAH_CG_E3NN_06)
            return racahi_fail(err, RACAH_EUNSUPPORTED,
                               "tp plan: factors of odd paths exist for e3nn 0.6's signs only");
    } else if (p->d.family != RACAH_TP_FAMILY_GAUNT) {
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "tp plan: there are factors for families gaunt and component only");
    }
    RACAHI_TRY(racahi_tp_transform_begin(p, even, err));
    racahi_cp_factors *f;
    RACAHI_TRY(racahi_cp_factors_create(&f, p->in1.lmax, p->in2.lmax, p->out.lmax, family,
                                        even ? RACAHI_CP_EVEN : RACAHI_CP_ALL, false, err));
    racah_status status = fill(p, f, err);
    racahi_cp_factors_destroy(f);
    return status;
}

const racahi_tp_ops racahi_tp_cp = RACAHI_TP_TRANSFORM_OPS(RACAH_TP_CP, cp_create);
