/* SPDX-License-Identifier: MIT
 * Readable twins of the many-body product: B = sum over L, nu, M, monomials and paths of W U mono, as written
 * in product.h, and its derivatives by the product rule. */
#include "product_internal.h"

#include <string.h>

/* Calls visit for every (L, nu) with its basis and the weights' first path. */
typedef struct ref_args {
    size_t Cp;
    const double *W, *A, *dB;
    double *B, *dA, *dW;
} ref_args;

typedef void (*ref_visit)(const ref_args *r, const racahi_symbasis *s, size_t path);

static racah_status each_basis(int lmax, int Lout, int order, const ref_args *r, ref_visit visit,
                               racah_error *err)
{
    size_t path = 0;
    for (int L = 0; L <= Lout; L++)
        for (int nu = 1; nu <= order; nu++) {
            racahi_symbasis *s;
            RACAHI_TRY(racahi_symbasis_create(&s, lmax, L, nu, err));
            visit(r, s, path);
            path += s->npath;
            racahi_symbasis_destroy(s);
        }
    return RACAH_OK;
}

static void forward_basis(const ref_args *r, const racahi_symbasis *s, size_t path)
{
    for (size_t m = 0; m <= 2 * (size_t)s->L; m++)
        for (size_t q = 0; q < s->nmono; q++)
            for (size_t p = 0; p < s->npath; p++) {
                double u = s->U[(m * s->nmono + q) * s->npath + p];
                if (u == 0) continue;
                for (size_t c = 0; c < r->Cp; c++) {
                    double x = u * r->W[(path + p) * r->Cp + c];
                    for (int t = 0; t < s->nu; t++)
                        x *= r->A[s->mono[q * (size_t)s->nu + (size_t)t] * r->Cp + c];
                    r->B[((size_t)(s->L * s->L) + m) * r->Cp + c] += x;
                }
            }
}

static void backward_basis(const ref_args *r, const racahi_symbasis *s, size_t path)
{
    for (size_t m = 0; m <= 2 * (size_t)s->L; m++)
        for (size_t q = 0; q < s->nmono; q++)
            for (size_t p = 0; p < s->npath; p++) {
                double u = s->U[(m * s->nmono + q) * s->npath + p];
                if (u == 0) continue;
                const uint8_t *k = s->mono + q * (size_t)s->nu;
                for (size_t c = 0; c < r->Cp; c++) {
                    double w = r->W[(path + p) * r->Cp + c];
                    double g = u * r->dB[((size_t)(s->L * s->L) + m) * r->Cp + c];
                    for (int t = 0; t < s->nu; t++) { /* factor t is the one differentiated */
                        double x = g * w;
                        for (int v = 0; v < s->nu; v++)
                            if (v != t) x *= r->A[k[v] * r->Cp + c];
                        r->dA[k[t] * r->Cp + c] += x;
                    }
                    if (!r->dW) continue;
                    for (int t = 0; t < s->nu; t++) g *= r->A[k[t] * r->Cp + c];
                    r->dW[(path + p) * r->Cp + c] += g;
                }
            }
}

racah_status racahi_product_forward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                        const double *A, double *B, racah_error *err)
{
    ref_args r = {.Cp = Cp, .W = W, .A = A, .B = B};
    RACAHI_TRY(racahi_product_check(lmax, Lout, order, err));
    memset(B, 0, (size_t)((Lout + 1) * (Lout + 1)) * Cp * sizeof *B);
    return each_basis(lmax, Lout, order, &r, forward_basis, err);
}

racah_status racahi_product_backward_ref(int lmax, int Lout, int order, size_t Cp, const double *W,
                                         const double *A, const double *dB, double *dA, double *dW,
                                         racah_error *err)
{
    ref_args r = {.Cp = Cp, .W = W, .A = A, .dB = dB, .dA = dA, .dW = dW};
    RACAHI_TRY(racahi_product_check(lmax, Lout, order, err));
    memset(dA, 0, (size_t)((lmax + 1) * (lmax + 1)) * Cp * sizeof *dA);
    return each_basis(lmax, Lout, order, &r, backward_basis, err);
}
