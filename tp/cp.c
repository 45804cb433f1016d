/* SPDX-License-Identifier: MIT
 * The tensors that CP factors stand for, and how well they do. */
#include "cp_internal.h"
#include "racah_tp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double four_pi = 4 * 3.14159265358979323846;

racah_status racahi_cp_check(int l1, int l2, int l3, racahi_cp_family family, racahi_cp_paths paths,
                             racah_error *err)
{
    const int l[3] = {l1, l2, l3};
    for (int i = 0; i < 3; i++)
        if (l[i] < 0 || l[i] > RACAHI_CP_LMAX)
            return racahi_fail(err, RACAH_EINVAL, "cp: l%d = %d, need 0..%d", i + 1, l[i], RACAHI_CP_LMAX);
    if ((unsigned)family > RACAHI_CP_COMPONENT)
        return racahi_fail(err, RACAH_EINVAL, "cp: family %d, need 0..%d", (int)family, RACAHI_CP_COMPONENT);
    if ((unsigned)paths > RACAHI_CP_ALL)
        return racahi_fail(err, RACAH_EINVAL, "cp: paths %d, need 0 (even) or 1 (all)", (int)paths);
    if (family == RACAHI_CP_GAUNT && paths == RACAHI_CP_ALL)
        return racahi_fail(err, RACAH_EINVAL, "cp: the gaunt family has no odd paths, ask for the even ones");
    return RACAH_OK;
}

static size_t square(int l) { return (size_t)(l + 1) * (size_t)(l + 1); }

racah_status racahi_cp_target(int l1, int l2, int l3, racahi_cp_family family, racahi_cp_paths paths,
                              double *T, racah_error *err)
{
    if (!T) return racahi_fail(err, RACAH_EINVAL, "cp: T = NULL");
    RACAHI_TRY(racahi_cp_check(l1, l2, l3, family, paths, err));
    size_t S2 = square(l2), S3 = square(l3);
    memset(T, 0, sizeof(double) * square(l1) * S2 * S3);
    double *w = racahi_malloc((size_t)((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)), sizeof *w);
    if (!w)
        return racahi_fail(err, RACAH_ENOMEM, "cp: the coefficients of (%d,%d,%d) do not fit", l1, l2, l3);
    racah_status s = RACAH_OK;
    for (int a = 0; a <= l1; a++)
        for (int b = 0; b <= l2; b++)
            for (int c = abs(a - b); c <= l3 && c <= a + b && s == RACAH_OK; c++) {
                if (paths == RACAHI_CP_EVEN && (a + b + c) % 2) continue;
                bool gaunt = family == RACAHI_CP_GAUNT;
                s = gaunt ? racah_cg_gaunt(a, b, c, w, err)
                          : racah_cg_wigner3j(a, b, c, RACAH_CG_E3NN_06, w, err);
                double scale = gaunt ? sqrt(four_pi) : family == RACAHI_CP_COMPONENT ? sqrt(2.0 * c + 1) : 1;
                size_t na = (size_t)(2 * a + 1), nb = (size_t)(2 * b + 1), nc = (size_t)(2 * c + 1);
                for (size_t i = 0; i < na; i++)
                    for (size_t j = 0; j < nb; j++)
                        for (size_t k = 0; k < nc; k++)
                            T[(((size_t)(a * a) + i) * S2 + (size_t)(b * b) + j) * S3 + (size_t)(c * c) + k] =
                                scale * w[(i * nb + j) * nc + k];
            }
    racahi_free(w);
    return s;
}

double racahi_cp_residual(const racahi_cp_factors *f, const double *T)
{
    size_t n1 = square(f->l1), n2 = square(f->l2), n3 = square(f->l3), R = (size_t)f->rank;
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n1; i++)
        for (size_t j = 0; j < n2; j++)
            for (size_t k = 0; k < n3; k++) {
                double t = T[(i * n2 + j) * n3 + k], e = t;
                for (size_t r = 0; r < R; r++) e -= f->A[i * R + r] * f->B[j * R + r] * f->C[k * R + r];
                sum += e * e, norm += t * t;
            }
    return sqrt(sum / norm);
}
