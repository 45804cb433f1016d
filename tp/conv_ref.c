/* SPDX-License-Identifier: MIT
 * Readable twins of the convolution: the equation of conv.h, loops over paths and m1, m2, m3, in double. */
#include "conv_internal.h"

#include <stdlib.h>
#include <string.h>

/* Where path (l1, l2, l3) finds its weight and its output rows. */
typedef struct conv_path {
    size_t w, row;
} conv_path;

/* Steps through the paths in order: l3, then l1, then l2. Start with l3 = l1 = 0, l2 = -1 and zero counters.
 */
typedef struct conv_walk {
    int l1, l2, l3;
    size_t npath, first_row, nslot; /* first row of l3; slots of l3 so far */
} conv_walk;

static bool next_path(conv_walk *i, int lin, int ly, int lout, racahi_weights_kind kind, conv_path *path)
{
    for (;;) {
        i->l2++;
        if (i->l2 > ly) i->l2 = 0, i->l1++;
        if (i->l1 > lin) {
            i->first_row += (kind == RACAHI_W_PATH ? i->nslot : 1) * (size_t)(2 * i->l3 + 1);
            i->nslot = 0, i->l1 = 0, i->l2 = 0, i->l3++;
        }
        if (i->l3 > lout) return false;
        if (i->l2 >= abs(i->l1 - i->l3) && i->l2 <= i->l1 + i->l3 && (i->l1 + i->l2 + i->l3) % 2 == 0) break;
    }
    path->w = kind == RACAHI_W_PATH ? i->npath : kind == RACAHI_W_DEGREE ? (size_t)i->l2 : 0;
    path->row = i->first_row + (kind == RACAHI_W_PATH ? i->nslot * (size_t)(2 * i->l3 + 1) : 0);
    i->npath++, i->nslot++;
    return true;
}

/* Number of weights and rows: what the walk has counted at its end. */
static void count(int lin, int ly, int lout, racahi_weights_kind kind, size_t *nw, size_t *nrow)
{
    conv_walk i = {.l2 = -1};
    conv_path path;
    while (next_path(&i, lin, ly, lout, kind, &path)) continue;
    *nw = kind == RACAHI_W_PATH ? i.npath : kind == RACAHI_W_DEGREE ? (size_t)ly + 1 : 1;
    *nrow = i.first_row;
}

static racah_status coupling_block(int lin, int ly, int lout, double **C, racah_error *err)
{
    if (lin < 0 || ly < 0 || lout < 0)
        return racahi_fail(err, RACAH_EINVAL, "convolution: lin = %d, ly = %d, lout = %d, need >= 0", lin, ly,
                           lout);
    size_t n = (size_t)(2 * lin + 1) * (size_t)(2 * ly + 1) * (size_t)(2 * lout + 1);
    *C = racahi_malloc(n, sizeof **C);
    if (!*C) return racahi_fail(err, RACAH_ENOMEM, "convolution: %zu coefficients do not fit", n);
    return RACAH_OK;
}

racah_status racahi_conv_forward_ref(int lin, int ly, int lout, racahi_weights_kind kind,
                                     racahi_family family, size_t Cp, size_t ne, const int *j,
                                     const double *x, const double *W, const double *Y, double *A,
                                     racah_error *err)
{
    double *C;
    RACAHI_TRY(coupling_block(lin, ly, lout, &C, err));
    size_t nw, nrow, nx = (size_t)((lin + 1) * (lin + 1)), ny = (size_t)((ly + 1) * (ly + 1));
    count(lin, ly, lout, kind, &nw, &nrow);
    memset(A, 0, nrow * Cp * sizeof *A);
    racah_status s = RACAH_OK;
    conv_walk i = {.l2 = -1};
    conv_path p;
    while (s == RACAH_OK && next_path(&i, lin, ly, lout, kind, &p)) {
        size_t n1 = 2 * (size_t)i.l1 + 1, n2 = 2 * (size_t)i.l2 + 1, n3 = 2 * (size_t)i.l3 + 1;
        s = racahi_conv_coupling(family, i.l1, i.l2, i.l3, C, err);
        for (size_t e = 0; s == RACAH_OK && e < ne; e++) {
            const double *xe = x + ((size_t)j[e] * nx + (size_t)(i.l1 * i.l1)) * Cp;
            const double *Ye = Y + e * ny + i.l2 * i.l2, *We = W + (e * nw + p.w) * Cp;
            for (size_t m1 = 0; m1 < n1; m1++)
                for (size_t m2 = 0; m2 < n2; m2++)
                    for (size_t m3 = 0; m3 < n3; m3++)
                        for (size_t c = 0; c < Cp; c++)
                            A[(p.row + m3) * Cp + c] +=
                                We[c] * C[(m1 * n2 + m2) * n3 + m3] * xe[m1 * Cp + c] * Ye[m2];
        }
    }
    racahi_free(C);
    return s;
}

racah_status racahi_conv_backward_ref(int lin, int ly, int lout, racahi_weights_kind kind,
                                      racahi_family family, size_t Cp, size_t ne, const int *j,
                                      const double *x, const double *W, const double *Y, const double *dA,
                                      double *dx, double *dY, double *dW, racah_error *err)
{
    double *C;
    RACAHI_TRY(coupling_block(lin, ly, lout, &C, err));
    size_t nw, nrow, nx = (size_t)((lin + 1) * (lin + 1)), ny = (size_t)((ly + 1) * (ly + 1));
    count(lin, ly, lout, kind, &nw, &nrow);
    memset(dY, 0, ne * ny * sizeof *dY);
    memset(dW, 0, ne * nw * Cp * sizeof *dW);
    racah_status s = RACAH_OK;
    conv_walk i = {.l2 = -1};
    conv_path p;
    while (s == RACAH_OK && next_path(&i, lin, ly, lout, kind, &p)) {
        size_t n1 = 2 * (size_t)i.l1 + 1, n2 = 2 * (size_t)i.l2 + 1, n3 = 2 * (size_t)i.l3 + 1;
        s = racahi_conv_coupling(family, i.l1, i.l2, i.l3, C, err);
        for (size_t e = 0; s == RACAH_OK && e < ne; e++) {
            size_t row = (size_t)j[e] * nx + (size_t)(i.l1 * i.l1);
            const double *xe = x + row * Cp, *Ye = Y + e * ny + i.l2 * i.l2, *We = W + (e * nw + p.w) * Cp;
            double *dxe = dx + row * Cp, *dYe = dY + e * ny + i.l2 * i.l2, *dWe = dW + (e * nw + p.w) * Cp;
            for (size_t m1 = 0; m1 < n1; m1++)
                for (size_t m2 = 0; m2 < n2; m2++)
                    for (size_t m3 = 0; m3 < n3; m3++)
                        for (size_t c = 0; c < Cp; c++) {
                            double g = C[(m1 * n2 + m2) * n3 + m3] * dA[(p.row + m3) * Cp + c];
                            dxe[m1 * Cp + c] += g * We[c] * Ye[m2];
                            dYe[m2] += g * We[c] * xe[m1 * Cp + c];
                            dWe[c] += g * xe[m1 * Cp + c] * Ye[m2];
                        }
        }
    }
    racahi_free(C);
    return s;
}
