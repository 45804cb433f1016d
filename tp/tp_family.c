/* SPDX-License-Identifier: MIT
 * Coefficients of the four families of tensor products. */
#include "tp_family.h"

#include "tp_internal.h"

#include <complex.h>
#include <math.h>
#include <string.h>

bool racahi_tp_family_has(racah_tp_family family, int L, int l1, int l2, int l3)
{
    if (l3 > l1 + l2 || l1 > l2 + l3 || l2 > l1 + l3) return false;
    bool odd = (l1 + l2 + l3) % 2;
    switch (family) {
    case RACAH_TP_FAMILY_COMPONENT: return true;
    case RACAH_TP_FAMILY_GAUNT: return !odd;
    case RACAH_TP_FAMILY_MATRIX: return l1 <= L && l2 <= L && l3 <= L;
    case RACAH_TP_FAMILY_POISSON: return odd;
    }
    return false;
}

/* {Y_l1, Y_l2} = y . (grad Y_l1 cross grad Y_l2) at the pole y, where only Y_l0 = sqrt(2l+1) is not zero and
 * only m = -1 and m = 1 have a slope, N_l = sqrt((2l+1) l (l+1) / 2) along x and z. The bracket is equivariant, so
 * it is sum_l3 f w3j Y_l3, and the orthogonality of w3j gives f from those two components. */
static double poisson_factor(int l1, int l2, int l3, const double *w3j)
{
    size_t n2 = 2 * (size_t)l2 + 1, n3 = 2 * (size_t)l3 + 1;
    double slopes = sqrt((2 * l1 + 1) * l1 * (l1 + 1) * 0.5 * (2 * l2 + 1) * l2 * (l2 + 1) * 0.5);
    double minus_plus = w3j[((size_t)(l1 - 1) * n2 + (size_t)(l2 + 1)) * n3 + (size_t)l3];
    double plus_minus = w3j[((size_t)(l1 + 1) * n2 + (size_t)(l2 - 1)) * n3 + (size_t)l3];
    return -sqrt(2 * l3 + 1) * slopes * (minus_plus - plus_minus);
}

/* ---- spin operators ---------------------------------------------------------------------------- */

/* J along x, y, z of spin (n-1)/2, times the factor that makes tr J_a^2 = n. State i has m = (n-1)/2 - i. */
static void spin_vector(size_t n, double complex *H)
{
    double j = 0.5 * ((double)n - 1), scale = 1 / sqrt(j * (j + 1) / 3);
    memset(H, 0, 3 * n * n * sizeof *H);
    for (size_t i = 0; i < n; i++) {
        double m = j - (double)i;
        H[(2 * n + i) * n + i] = scale * m;
        if (i + 1 == n) break;
        double half = 0.5 * scale * sqrt(j * (j + 1) - m * (m - 1)); /* <m|J+|m-1> / 2 */
        H[i * n + i + 1] = half, H[(i + 1) * n + i] = half;
        H[(n + i) * n + i + 1] = -half * I, H[(n + i + 1) * n + i] = half * I;
    }
}

static void add_product(size_t n, double f, const double complex *A, const double complex *B,
                        double complex *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            double complex a = f * A[i * n + k];
            if (a == 0) continue;
            for (size_t j = 0; j < n; j++) out[i * n + j] += a * B[k * n + j];
        }
}

/* H_l = the part of degree l of H_1 H_(l-1): the stretched coupling is Hermitian and has the sign of J^l. */
static racah_status spin_operators(int L, double complex *H, racah_error *err)
{
    size_t n = (size_t)L + 1, nn = n * n;
    for (size_t i = 0; i < n; i++) H[i * n + i] = 1;
    if (L >= 1) spin_vector(n, H + nn);
    for (int l = 2; l <= L; l++) {
        double w[3 * (2 * RACAH_CG_LMAX + 1) * (2 * RACAH_CG_LMAX + 1)];
        RACAHI_TRY(racah_cg_wigner3j(1, l - 1, l, RACAH_CG_E3NN_06, w, err));
        size_t nb = 2 * (size_t)l - 1, nc = 2 * (size_t)l + 1;
        double complex *lower = H + (size_t)((l - 1) * (l - 1)) * nn, *out = H + (size_t)(l * l) * nn;
        for (size_t a = 0; a < 3; a++)
            for (size_t b = 0; b < nb; b++)
                for (size_t c = 0; c < nc; c++) {
                    double f = w[(a * nb + b) * nc + c];
                    if (f != 0) add_product(n, f, H + (1 + a) * nn, lower + b * nn, out + c * nn);
                }
        double norm = 0;
        for (size_t i = 0; i < nc * nn; i++) norm += creal(out[i] * conj(out[i]));
        for (size_t i = 0; i < nc * nn; i++) out[i] *= sqrt((double)(n * nc) / norm);
    }
    return RACAH_OK;
}

racah_status racahi_tp_spin_operators(int L, double **K, racah_error *err)
{
    static const double complex turn[4] = {1, I, -1, -I};
    size_t n = (size_t)L + 1;
    *K = NULL;
    double complex *H = racahi_calloc(n * n * n * n, sizeof *H);
    if (!H)
        return racahi_fail(err, RACAH_ENOMEM, "spin operators of %zu x %zu matrices do not fit in memory", n,
                           n);
    racah_status status = spin_operators(L, H, err);
    if (status != RACAH_OK) {
        racahi_free(H);
        return status;
    }
    for (int l = 0; l <= L; l++)
        for (size_t i = (size_t)(l * l) * n * n; i < (size_t)((l + 1) * (l + 1)) * n * n; i++)
            H[i] *= turn[l % 4];
    *K = (double *)H;
    return RACAH_OK;
}

/* C(a,b,c) = Re tr(K_c^+ K_a K_b) / n. */
static racah_status matrix_coefficients(int L, int l1, int l2, int l3, double *C, racah_error *err)
{
    double *pairs;
    RACAHI_TRY(racahi_tp_spin_operators(L, &pairs, err));
    const double complex *K = (const double complex *)pairs;
    size_t n = (size_t)L + 1, nn = n * n, n2 = 2 * (size_t)l2 + 1, n3 = 2 * (size_t)l3 + 1;
    double complex P[(RACAH_CG_LMAX + 1) * (RACAH_CG_LMAX + 1)];
    for (size_t a = 0; a <= 2 * (size_t)l1; a++)
        for (size_t b = 0; b < n2; b++) {
            memset(P, 0, sizeof P);
            add_product(n, 1, K + ((size_t)(l1 * l1) + a) * nn, K + ((size_t)(l2 * l2) + b) * nn, P);
            for (size_t c = 0; c < n3; c++) {
                const double complex *Kc = K + ((size_t)(l3 * l3) + c) * nn;
                double s = 0;
                for (size_t i = 0; i < nn; i++) s += creal(conj(Kc[i]) * P[i]);
                C[(a * n2 + b) * n3 + c] = s / (double)n;
            }
        }
    racahi_free(pairs);
    return RACAH_OK;
}

racah_status racah_tp_coefficients(racah_tp_family family, int L, int l1, int l2, int l3,
                                   racah_cg_signs signs, double *C, racah_error *err)
{
    if (family == RACAH_TP_FAMILY_GAUNT)
        RACAHI_TRY(racah_cg_gaunt(l1, l2, l3, C, err));
    else
        RACAHI_TRY(racah_cg_wigner3j(l1, l2, l3, signs, C, err)); /* checks the degrees for all */
    size_t n = (size_t)(2 * l1 + 1) * (size_t)(2 * l2 + 1) * (size_t)(2 * l3 + 1);
    double factor = 1;
    switch (family) {
    case RACAH_TP_FAMILY_COMPONENT: factor = sqrt(2 * l3 + 1); break;
    case RACAH_TP_FAMILY_GAUNT: factor = sqrt(4 * 3.14159265358979323846); break;
    case RACAH_TP_FAMILY_POISSON:
        factor = racahi_tp_family_has(family, 0, l1, l2, l3) ? poisson_factor(l1, l2, l3, C) : 0;
        break;
    case RACAH_TP_FAMILY_MATRIX:
        if (L < 0 || L > RACAH_CG_LMAX || l1 > L || l2 > L || l3 > L)
            return racahi_fail(err, RACAH_EINVAL,
                               "racah_tp_coefficients: L = %d with degrees %d, %d, %d; need all <= "
                               "L <= %d",
                               L, l1, l2, l3, RACAH_CG_LMAX);
        return matrix_coefficients(L, l1, l2, l3, C, err);
    default:
        return racahi_fail(err, RACAH_EINVAL, "racah_tp_coefficients: family %d, need 0 .. 3", (int)family);
    }
    for (size_t i = 0; i < n; i++) C[i] *= factor;
    return RACAH_OK;
}

racah_status racahi_tp_path_tensor(const racah_tp_plan *p, const racahi_tp_path *path, double **C,
                                   racah_error *err)
{
    int l1 = path->b1->l, l2 = path->b2->l, l3 = path->b3->l;
    size_t n = (size_t)(2 * l1 + 1) * (size_t)(2 * l2 + 1) * (size_t)(2 * l3 + 1);
    *C = racahi_malloc(n, sizeof **C);
    if (!*C) return racahi_fail(err, RACAH_ENOMEM, "tp plan: a coefficient tensor does not fit in memory");
    racah_status status = racah_tp_coefficients(p->d.family, p->L, l1, l2, l3, p->d.signs, *C, err);
    if (status != RACAH_OK) {
        racahi_free(*C);
        *C = NULL;
        return status;
    }
    /* path->coefficient already contains e3nn's normalisation, of which C has the part 2 l3+1 */
    double f = path->coefficient / (p->d.family == RACAH_TP_FAMILY_COMPONENT ? sqrt(2 * l3 + 1) : 1), big = 0;
    for (size_t i = 0; i < n; i++) C[0][i] *= f, big = fmax(big, fabs(C[0][i]));
    for (size_t i = 0; i < n; i++) /* rounding left by sums that cancel is not a coefficient */
        if (fabs(C[0][i]) < 1e-14 * big) C[0][i] = 0;
    return RACAH_OK;
}
