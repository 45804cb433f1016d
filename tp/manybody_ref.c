/* SPDX-License-Identifier: MIT
 * Many-body products as written: f^2 = f f, f^3 = f^2 f, f^4 = f^2 f^2 with the Gaunt tensor. */
#include "manybody_internal.h"
#include "cp.h"

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

/* z[k] = sum_ij T[i,j,k] x[i] y[j] for degrees l1, l2, l3 (one channel). */
static void multiply(int l1, int l2, int l3, const double *T, const double *x, const double *y, double *z)
{
    size_t n1 = square(l1), n2 = square(l2), n3 = square(l3);
    for (size_t k = 0; k < n3; k++) z[k] = 0;
    for (size_t i = 0; i < n1; i++)
        for (size_t j = 0; j < n2; j++)
            for (size_t k = 0; k < n3; k++) z[k] += T[(i * n2 + j) * n3 + k] * x[i] * y[j];
}

static racah_status forward(int lmax, int Lout, int order, size_t Cp, size_t n, const double *W,
                            const double *A, double *B, double *const T[3], double *f, racah_error *err)
{
    int l2 = 2 * lmax;
    size_t S = square(lmax), nout = square(Lout);
    double *power[4] = {f, f + S, f + S + square(l2), f + S + square(l2) + nout};
    RACAHI_TRY(racahi_cp_target(lmax, lmax, l2, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, T[0], err));
    RACAHI_TRY(racahi_cp_target(l2, lmax, Lout, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, T[1], err));
    RACAHI_TRY(racahi_cp_target(l2, l2, Lout, RACAHI_CP_GAUNT, RACAHI_CP_EVEN, T[2], err));
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < Cp; c++) {
            for (size_t k = 0; k < S; k++) power[0][k] = A[(i * S + k) * Cp + c];
            multiply(lmax, lmax, l2, T[0], power[0], power[0], power[1]);
            multiply(l2, lmax, Lout, T[1], power[1], power[0], power[2]);
            multiply(l2, l2, Lout, T[2], power[1], power[1], power[3]);
            for (int L = 0; L <= Lout; L++)
                for (size_t k = (size_t)(L * L); k < square(L); k++) {
                    double b = 0;
                    for (int q = 0; q < order; q++)
                        b += W[((size_t)q * ((size_t)Lout + 1) + (size_t)L) * Cp + c] * power[q][k];
                    B[(i * nout + k) * Cp + c] = b;
                }
        }
    return RACAH_OK;
}

racah_status racahi_manybody_forward_ref(int lmax, int Lout, int order, size_t Cp, size_t n, const double *W,
                                         const double *A, double *B, racah_error *err)
{
    if (lmax < 0 || lmax > RACAHI_MANYBODY_LMAX || Lout < 0 || Lout > lmax || order < 1 ||
        order > RACAHI_MANYBODY_ORDER_MAX)
        return racahi_fail(err, RACAH_EINVAL, "many-body product: lmax %d, Lout %d, order %d", lmax, Lout,
                           order);
    size_t S = square(lmax), S2 = square(2 * lmax), nout = square(Lout);
    double *T[3] = {racahi_malloc(S * S * S2, sizeof(double)), racahi_malloc(S2 * S * nout, sizeof(double)),
                    racahi_malloc(S2 * S2 * nout, sizeof(double))};
    double *f = racahi_malloc(S + S2 + 2 * nout, sizeof *f);
    racah_status s = T[0] && T[1] && T[2] && f
                         ? forward(lmax, Lout, order, Cp, n, W, A, B, T, f, err)
                         : racahi_fail(err, RACAH_ENOMEM, "many-body product: tensors do not fit");
    racahi_free(T[0]), racahi_free(T[1]), racahi_free(T[2]), racahi_free(f);
    return s;
}
