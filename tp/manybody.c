/* SPDX-License-Identifier: MIT
 * Plans of the many-body products. */
#include "manybody_internal.h"
#include "cp.h"
#include "quadrature.h"
#include "racah_sphere.h"

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

/* a [rows][cols] and its transpose in both precisions. */
static bool store(const double *a, size_t rows, size_t cols, double **f64, double **t64, float **f32,
                  float **t32)
{
    size_t n = rows * cols;
    *f64 = racahi_malloc(n, sizeof **f64), *t64 = racahi_malloc(n, sizeof **t64);
    *f32 = racahi_malloc(n, sizeof **f32), *t32 = racahi_malloc(n, sizeof **t32);
    if (!*f64 || !*t64 || !*f32 || !*t32) return false;
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < cols; k++) {
            double v = a[i * cols + k];
            (*f64)[i * cols + k] = (*t64)[k * rows + i] = v;
            (*f32)[i * cols + k] = (*t32)[k * rows + i] = (float)v;
        }
    return true;
}

static racah_status set_step(racahi_manybody *p, int which, int l1, int l2, int l3, racah_error *err)
{
    racahi_cp_factors *f = NULL;
    RACAHI_TRY(racahi_cp_factors_create(&f, l1, l2, l3, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, false, err));
    racahi_manybody_step *s = &p->step[which];
    s->n1 = square(l1), s->n2 = square(l2), s->n3 = square(l3), s->R = (size_t)f->rank;
    if (s->R > p->Rmax) p->Rmax = s->R;
    bool ok = store(f->A, s->n1, s->R, &s->f64.A, &s->f64.AT, &s->f32.A, &s->f32.AT) &&
              store(f->B, s->n2, s->R, &s->f64.B, &s->f64.BT, &s->f32.B, &s->f32.BT) &&
              store(f->C, s->n3, s->R, &s->f64.C, &s->f64.CT, &s->f32.C, &s->f32.CT);
    racahi_cp_factors_destroy(f);
    return ok ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "many-body product: rank %zu does not fit", s->R);
}

static racah_status build_cp(racahi_manybody *p, racah_error *err)
{
    if (p->order >= 2) RACAHI_TRY(set_step(p, 0, p->lmax, p->lmax, p->lmid, err));
    if (p->order >= 3) RACAHI_TRY(set_step(p, 1, p->lmid, p->lmax, p->Lout, err));
    if (p->order >= 4) RACAHI_TRY(set_step(p, 2, p->lmid, p->lmid, p->Lout, err));
    return RACAH_OK;
}

static racah_status build_grid(racahi_manybody *p, racah_error *err)
{
    const double four_pi = 4 * 3.14159265358979323846;
    racahi_quadrature *q = NULL;
    RACAHI_TRY(racahi_quadrature_create(&q, p->order * p->lmax + p->Lout, RACAHI_QUADRATURE_BEST, err));
    racahi_manybody_step *s = &p->step[0];
    size_t G = q->n;
    s->n1 = p->S, s->n3 = p->nout, s->R = p->Rmax = G;
    double *Y = racahi_malloc(G * p->S, sizeof *Y), *back = racahi_malloc(G * p->nout, sizeof *back);
    double *values = racahi_malloc(G * p->S, sizeof *values);
    bool ok = Y && back && values;
    racah_status status = RACAH_OK;
    if (ok) status = racah_sph_eval_f64(p->lmax, RACAH_SPH_COMPONENT, G, q->r, Y, NULL, err);
    if (ok && status == RACAH_OK) {
        for (size_t g = 0; g < G; g++) {
            for (size_t k = 0; k < p->S; k++) values[k * G + g] = Y[g * p->S + k];
            for (size_t k = 0; k < p->nout; k++) back[k * G + g] = Y[g * p->S + k] * q->w[g] / four_pi;
        }
        ok = store(values, p->S, G, &s->f64.A, &s->f64.AT, &s->f32.A, &s->f32.AT) &&
             store(back, p->nout, G, &s->f64.C, &s->f64.CT, &s->f32.C, &s->f32.CT);
    }
    racahi_free(Y), racahi_free(back), racahi_free(values);
    racahi_quadrature_destroy(q);
    if (!ok) return racahi_fail(err, RACAH_ENOMEM, "many-body product: %zu points do not fit", G);
    return status;
}

static racah_status check(racahi_manybody_algorithm algorithm, int lmax, int Lout, int order, racahi_isa isa,
                          racah_error *err)
{
    if ((unsigned)algorithm > RACAHI_MANYBODY_CP)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: algorithm %d, need 0..%d", (int)algorithm,
                           RACAHI_MANYBODY_CP);
    if (lmax < 0 || lmax > RACAHI_MANYBODY_LMAX)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: lmax = %d, need 0..%d", lmax,
                           RACAHI_MANYBODY_LMAX);
    if (Lout < 0 || Lout > lmax)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: Lout = %d, need 0..lmax = %d", Lout, lmax);
    if (order < 1 || order > RACAHI_MANYBODY_ORDER_MAX)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: order %d, need 1..%d", order,
                           RACAHI_MANYBODY_ORDER_MAX);
    if ((unsigned)isa >= RACAHI_ISA_COUNT)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: instruction set %d, need 0..%d", (int)isa,
                           RACAHI_ISA_COUNT - 1);
    if (isa > racahi_cpu_best())
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "many-body product: %s kernels, this processor has %s at best",
                           racahi_isa_name(isa), racahi_isa_name(racahi_cpu_best()));
    return RACAH_OK;
}

racah_status racahi_manybody_create(racahi_manybody **out, racahi_manybody_algorithm algorithm, int lmax,
                                    int Lout, int order, racahi_isa isa, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "many-body product: out = NULL");
    *out = NULL;
    RACAHI_TRY(check(algorithm, lmax, Lout, order, isa, err));
    racahi_manybody *p = racahi_calloc(1, sizeof *p);
    if (!p) return racahi_fail(err, RACAH_ENOMEM, "many-body product: %zu bytes do not fit", sizeof *p);
    p->algorithm = algorithm, p->lmax = lmax, p->Lout = Lout, p->order = order;
    p->lmid = racahi_manybody_lmid(lmax, Lout, order);
    p->S = square(lmax), p->nout = square(Lout), p->nmid = square(p->lmid);
    p->kernels = racahi_manybody_pick(algorithm, isa);
    racah_status s = algorithm == RACAHI_MANYBODY_GRID ? build_grid(p, err) : build_cp(p, err);
    if (s != RACAH_OK) {
        racahi_manybody_destroy(p);
        return s;
    }
    *out = p;
    return RACAH_OK;
}

void racahi_manybody_destroy(racahi_manybody *p)
{
    if (!p) return;
    for (int i = 0; i < 3; i++) {
        const racahi_manybody_step *s = &p->step[i];
        void *all[] = {s->f64.A, s->f64.AT, s->f64.B, s->f64.BT, s->f64.C, s->f64.CT,
                       s->f32.A, s->f32.AT, s->f32.B, s->f32.BT, s->f32.C, s->f32.CT};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) racahi_free(all[k]);
    }
    racahi_free(p);
}

size_t racahi_manybody_points(const racahi_manybody *p) { return p->step[0].R + p->step[1].R + p->step[2].R; }

size_t racahi_manybody_flops(const racahi_manybody *p, bool backward)
{
    size_t N = (size_t)p->order, nL = (size_t)p->Lout + 1, sum = 0;
    if (p->algorithm == RACAHI_MANYBODY_GRID) {
        size_t G = p->step[0].R, transforms = 2 * G * (p->S + p->nout);
        return backward ? transforms + 2 * G * p->S + nL * G * 5 * N : transforms + nL * G * (2 * N - 1);
    }
    for (int i = 0; i < 3; i++) {
        const racahi_manybody_step *s = &p->step[i];
        size_t one = s->R * (2 * (s->n1 + s->n2 + s->n3) + 1);
        sum += backward ? 2 * one + s->R : one;
    }
    return sum + (backward ? 3 : 2) * N * p->nout;
}

size_t racahi_manybody_ws_size(const racahi_manybody *p) { return 64 * racahi_manybody_rows(p); }

void racahi_manybody_forward_f64(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const double *W,
                                 const double *A, double *B)
{
    p->kernels.forward_f64(p, ws, Cp, n, W, A, B);
}

void racahi_manybody_forward_f32(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const float *W,
                                 const float *A, float *B)
{
    p->kernels.forward_f32(p, ws, Cp, n, W, A, B);
}

void racahi_manybody_backward_f64(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const double *W,
                                  const double *A, const double *dB, double *dA, double *dW)
{
    p->kernels.backward_f64(p, ws, Cp, n, W, A, dB, dA, dW);
}

void racahi_manybody_backward_f32(const racahi_manybody *p, void *ws, size_t Cp, size_t n, const float *W,
                                  const float *A, const float *dB, float *dA, float *dW)
{
    p->kernels.backward_f32(p, ws, Cp, n, W, A, dB, dA, dW);
}
