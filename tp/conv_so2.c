/* SPDX-License-Identifier: MIT
 * Plan of the so2 convolution: terms, slots, generators. */
#include "conv_so2_internal.h"
#include "conv_internal.h"
#include "racah_sphere.h"
#include "racah_tp.h"
#include "wigner_d.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool allowed(int l1, int l2, int l3)
{
    return l2 >= abs(l1 - l3) && l2 <= l1 + l3 && (l1 + l2 + l3) % 2 == 0;
}

/* ---- terms ------------------------------------------------------------------------------------------ */

/* All (l1, l2, l3) in the order of conv.h; the terms of weight w are collected in `term` from *n on (NULL:
 * count). A `shared` weight has one term for (l1, l3, m), the sum over l2. */
static racah_status collect(racahi_so2conv *p, const racahi_conv *cg, int lin, int lout,
                            racahi_weights_kind kind, racahi_family family, size_t w, double *C,
                            racahi_so2_term *term, size_t *n, racah_error *err)
{
    size_t path = 0;
    for (int l3 = 0; l3 <= lout; l3++) {
        size_t slot = 0;
        for (int l1 = 0; l1 <= lin; l1++) {
            size_t first = *n;
            for (int l2 = 0; l2 <= p->ly; l2++) {
                if (!allowed(l1, l2, l3)) continue;
                bool separate = kind == RACAHI_W_PATH;
                size_t mine = separate ? path : kind == RACAHI_W_DEGREE ? (size_t)l2 : 0;
                size_t row = racahi_conv_slot_offset(cg, l3) + (separate ? slot * (size_t)(2 * l3 + 1) : 0);
                path++, slot++;
                if (mine != w) continue;
                RACAHI_TRY(racahi_conv_coupling(family, l1, l2, l3, C, err));
                int low = l1 < l3 ? l1 : l3;
                for (int m = -low; m <= low; m++) {
                    size_t i = (size_t)(l1 + m), k = (size_t)(l3 + m);
                    double c = C[(i * (size_t)(2 * l2 + 1) + (size_t)l2) * (size_t)(2 * l3 + 1) + k];
                    racahi_so2_term t = {(size_t)(l1 * l1) + i, row + k, c * sqrt(2.0 * l2 + 1)};
                    size_t q = first;
                    while (term && kind == RACAHI_W_SHARED && q < *n &&
                           (term[q].x != t.x || term[q].a != t.a))
                        q++;
                    if (term && kind == RACAHI_W_SHARED && q < *n)
                        term[q].c += t.c;
                    else {
                        if (term) term[*n] = t;
                        ++*n;
                    }
                }
            }
        }
    }
    return RACAH_OK;
}

static racah_status build_terms(racahi_so2conv *p, const racahi_conv *cg, int lin, int lout,
                                racahi_weights_kind kind, racahi_family family, racah_error *err)
{
    size_t size = (size_t)((2 * lin + 1) * (2 * p->ly + 1) * (2 * lout + 1)), most = 0, n = 0;
    double *C = racahi_malloc(size, sizeof *C);
    p->start = racahi_calloc(p->nw + 1, sizeof *p->start);
    racah_status s = C && p->start ? RACAH_OK : RACAH_ENOMEM;
    for (size_t w = 0; s == RACAH_OK && w < p->nw; w++)
        s = collect(p, cg, lin, lout, kind, family, w, C, NULL, &most, err);
    if (s == RACAH_OK && !(p->term = racahi_calloc(most, sizeof *p->term))) s = RACAH_ENOMEM;
    for (size_t w = 0; s == RACAH_OK && w < p->nw; w++) {
        s = collect(p, cg, lin, lout, kind, family, w, C, p->term, &n, err);
        p->start[w + 1] = n;
    }
    racahi_free(C);
    return s == RACAH_ENOMEM ? racahi_fail(err, RACAH_ENOMEM, "so2 convolution: %zu terms do not fit", most)
                             : s;
}

/* ---- generators --------------------------------------------------------------------------------------- */

/* J of axis a (0 x, 2 z) on degree l, (2l+1)^2: J Y(r) = d/dt Y(r + t e_a x r). It is wigner_3j(l,1,l) up to
 * size and sign; the gradient of the harmonics at one point gives the sign. */
static racah_status generator(int l, int a, double *J, racah_error *err)
{
    enum { MAX = 2 * RACAH_CG_LMAX + 1 };
    double w[MAX * 3 * MAX], Y[(RACAH_CG_LMAX + 1) * (RACAH_CG_LMAX + 1)], dY[3 * sizeof Y / sizeof Y[0]];
    const double r[3] = {0.36, 0.48, -0.8},
                 t[2][3] = {{0, 0.8, 0.48}, {-0.48, 0.36, 0}}; /* e_x x r, e_z x r */
    size_t n = (size_t)(2 * l + 1), S = (size_t)((l + 1) * (l + 1)), o = (size_t)(l * l);
    RACAHI_TRY(racah_cg_wigner3j(l, 1, l, RACAH_CG_E3NN_06, w, err));
    RACAHI_TRY(racah_sph_eval_f64(l, RACAH_SPH_COMPONENT, 1, r, Y, dY, err));
    double size = sqrt(l * (l + 1.0) * (2 * l + 1)), dot = 0;
    for (size_t i = 0; i < n; i++) {
        double turned = 0, slope = 0;
        for (size_t k = 0; k < n; k++) {
            J[i * n + k] = size * w[(i * 3 + (size_t)a) * n + k];
            turned += J[i * n + k] * Y[o + k];
        }
        for (size_t b = 0; b < 3; b++) slope += dY[b * S + o + i] * t[a / 2][b];
        dot += turned * slope;
    }
    for (size_t i = 0; dot < 0 && i < n * n; i++) J[i] = -J[i];
    return RACAH_OK;
}

static racah_status build_turn(racahi_so2_list *list, int axis, const racahi_so2_rows *rows, size_t nrows,
                               racah_error *err)
{
    enum { MAX = 2 * RACAH_CG_LMAX + 1 };
    double J[MAX * MAX];
    for (int fill = 0; fill < 2; fill++) {
        list->n = 0;
        for (size_t s = 0; s < nrows; s++) {
            size_t n = (size_t)(2 * rows[s].l + 1);
            RACAHI_TRY(generator(rows[s].l, axis, J, err));
            for (size_t i = 0; i < n * n; i++) {
                if (fabs(J[i]) < 1e-12) continue;
                if (fill)
                    list->g[list->n] = (racahi_so2_generator){rows[s].row + i / n, rows[s].row + i % n, J[i]};
                list->n++;
            }
        }
        if (!fill && !(list->g = racahi_calloc(list->n, sizeof *list->g)))
            return racahi_fail(err, RACAH_ENOMEM, "so2 convolution: generators do not fit");
    }
    return RACAH_OK;
}

/* ---- plan -----------------------------------------------------------------------------------------------
 */

static racah_status build(racahi_so2conv *p, const racahi_conv *cg, int lin, int lout,
                          racahi_weights_kind kind, racahi_family family, racah_error *err)
{
    p->nin = (size_t)lin + 1;
    for (int l = 0; l <= lout; l++) p->nout += racahi_conv_nslot(cg, l);
    p->in = racahi_calloc(p->nin, sizeof *p->in), p->out = racahi_calloc(p->nout, sizeof *p->out);
    if (!p->in || !p->out) return racahi_fail(err, RACAH_ENOMEM, "so2 convolution: slots do not fit");
    for (int l = 0; l <= lin; l++) p->in[l] = (racahi_so2_rows){l, (size_t)(l * l)};
    size_t n = 0;
    for (int l = 0; l <= lout; l++)
        for (size_t s = 0; s < racahi_conv_nslot(cg, l); s++)
            p->out[n++] = (racahi_so2_rows){l, racahi_conv_slot_offset(cg, l) + s * (size_t)(2 * l + 1)};
    RACAHI_TRY(build_terms(p, cg, lin, lout, kind, family, err));
    for (int a = 0; a < 2; a++) {
        RACAHI_TRY(build_turn(&p->turn_in[a], 2 * a, p->in, p->nin, err));
        RACAHI_TRY(build_turn(&p->turn_out[a], 2 * a, p->out, p->nout, err));
    }
    return RACAH_OK;
}

racah_status racahi_so2conv_create(racahi_so2conv **out, int lin, int ly, int lout, racahi_weights_kind kind,
                                   racahi_family family, racahi_isa isa, racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "so2 convolution: out = NULL");
    *out = NULL;
    racahi_conv *cg; /* checks the arguments and knows the slots */
    RACAHI_TRY(racahi_conv_create(&cg, lin, ly, lout, kind, family, isa, err));
    racahi_so2conv *p = racahi_calloc(1, sizeof *p);
    racah_status s = p ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "so2 convolution: plan does not fit");
    if (p) {
        p->lmax = lin > lout ? lin : lout, p->ly = ly;
        p->nx = (size_t)((lin + 1) * (lin + 1)), p->ny = (size_t)((ly + 1) * (ly + 1));
        p->nw = racahi_conv_nw(cg), p->nrow = racahi_conv_nrow(cg);
        p->kernels = racahi_so2_pick(isa);
        s = build(p, cg, lin, lout, kind, family, err);
    }
    racahi_conv_destroy(cg);
    if (s != RACAH_OK) {
        racahi_so2conv_destroy(p);
        return s;
    }
    *out = p;
    return RACAH_OK;
}

void racahi_so2conv_destroy(racahi_so2conv *p)
{
    if (!p) return;
    racahi_free(p->start), racahi_free(p->term), racahi_free(p->in), racahi_free(p->out);
    for (int a = 0; a < 2; a++) racahi_free(p->turn_in[a].g), racahi_free(p->turn_out[a].g);
    racahi_free(p);
}

size_t racahi_so2conv_flops(const racahi_so2conv *p, bool backward)
{
    size_t rotate = 0, terms = p->start[p->nw], turn = 0;
    for (size_t i = 0; i < p->nin; i++) rotate += (size_t)((2 * p->in[i].l + 1) * (2 * p->in[i].l + 1));
    for (size_t i = 0; i < p->nout; i++) rotate += (size_t)((2 * p->out[i].l + 1) * (2 * p->out[i].l + 1));
    for (int a = 0; a < 2; a++) turn += p->turn_in[a].n + p->turn_out[a].n;
    return backward ? 4 * rotate + 8 * terms + 3 * turn : 2 * rotate + 3 * terms;
}

size_t racahi_so2conv_ws_size(const racahi_so2conv *p)
{
    /* D and its transpose in double and in the precision of the kernel; rows of 64 bytes */
    return 4 * 8 * (RACAHI_WIGNER_D_SIZE(p->lmax) + 8) + 2 * 64 * (p->nx + p->nrow);
}

void racahi_so2_frame(const racahi_so2conv *p, const double Y1[3], double u[3], double R[9], double *D,
                      double *DT)
{
    double norm = 0;
    for (int a = 0; a < 3; a++) norm += Y1[a] * Y1[a];
    for (int a = 0; a < 3; a++) u[a] = Y1[a] / sqrt(norm);
    racahi_rotation_to_pole(u, R);
    racahi_wigner_d(p->lmax, R, D);
    for (int l = 0; l <= p->lmax; l++) {
        size_t n = (size_t)(2 * l + 1), o = RACAHI_WIGNER_D_OFFSET(l);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n; k++) DT[o + k * n + i] = D[o + i * n + k];
    }
}

/* ---- evaluation
 * --------------------------------------------------------------------------------------------- */

void racahi_so2conv_forward_f64(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                const double *x, const double *W, const double *Y, double *A)
{
    p->kernels.forward_f64(p, ws, Cp, ne, j, x, W, Y, A);
}

void racahi_so2conv_forward_f32(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                const float *x, const float *W, const float *Y, float *A)
{
    p->kernels.forward_f32(p, ws, Cp, ne, j, x, W, Y, A);
}

void racahi_so2conv_backward_f64(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                 const double *x, const double *W, const double *Y, const double *dA,
                                 double *dx, double *dY, double *dW)
{
    p->kernels.backward_f64(p, ws, Cp, ne, j, x, W, Y, dA, dx, dY, dW);
}

void racahi_so2conv_backward_f32(const racahi_so2conv *p, void *ws, size_t Cp, size_t ne, const int *j,
                                 const float *x, const float *W, const float *Y, const float *dA, float *dx,
                                 float *dY, float *dW)
{
    p->kernels.backward_f32(p, ws, Cp, ne, j, x, W, Y, dA, dx, dY, dW);
}
