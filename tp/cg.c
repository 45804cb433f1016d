/* SPDX-License-Identifier: MIT
 * Coupling coefficients in closed form: Wigner 3j and Gaunt tensors in the real basis of racah_sphere.h. */
#include "racah_tp.h"

#include "../src/base/base.h"

#include <math.h>
#include <string.h>

/* The largest factorial needed is (l1+l2+l3+1)! = (3 RACAH_CG_LMAX + 1)!, so these primes suffice. */
static const int primes[] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31};
#define NPRIME (int)(sizeof primes / sizeof *primes)
#define NBINOM (2 * RACAH_CG_LMAX + 1)
_Static_assert(3 * RACAH_CG_LMAX + 1 < 37, "list one more prime");

/* What all components of one (l1,l2,l3) share. */
typedef struct cg_triple {
    int l1, l2, l3;
    int64_t binom[NBINOM][NBINOM]; /* binom[n][k] = n over k, 0 for k > n */
    int exponent[NPRIME];          /* of 1 / ((l1+l2+l3+1)! a! b! c!), a, b, c as in cg_value */
} cg_triple;

static bool triangle(int l1, int l2, int l3) { return l3 <= l1 + l2 && l1 <= l2 + l3 && l2 <= l1 + l3; }

/* exponent[p] += sign * (power of prime p in n!), Legendre's formula. */
static void add_factorial(int exponent[NPRIME], int n, int sign)
{
    for (int p = 0; p < NPRIME; p++)
        for (int q = n / primes[p]; q > 0; q /= primes[p]) exponent[p] += sign * q;
}

static void triple_init(cg_triple *t, int l1, int l2, int l3)
{
    memset(t, 0, sizeof *t);
    t->l1 = l1, t->l2 = l2, t->l3 = l3;
    for (int n = 0; n < NBINOM; n++) {
        t->binom[n][0] = 1;
        for (int k = 1; k <= n; k++) t->binom[n][k] = t->binom[n - 1][k - 1] + t->binom[n - 1][k];
    }
    add_factorial(t->exponent, l1 + l2 + l3 + 1, -1);
    add_factorial(t->exponent, l1 + l2 - l3, -1);
    add_factorial(t->exponent, l1 - l2 + l3, -1);
    add_factorial(t->exponent, -l1 + l2 + l3, -1);
}

static int64_t binom(const cg_triple *t, int n, int k) { return k < 0 || k > n ? 0 : t->binom[n][k]; }

/* <l1 m1 l2 m2 | l3 m1+m2> / sqrt(2 l3+1) with the Condon-Shortley phase. Racah's single sum (Phys. Rev. 62,
 * 438 (1942), eq. 16) with its factorials gathered into binomials: sqrt( prod_i (l_i+m_i)! (l_i-m_i)! /
 * ((l1+l2+l3+1)! a! b! c!) )
 *     * sum_k (-1)^k (a over k) (b over l1-m1-k) (c over l2+m2-k),   a = l1+l2-l3, b = l1-l2+l3, c =
 * -l1+l2+l3. The sum is an exact integer below 2^(a+b+c) <= 2^33 and the root is taken of an exact product of
 * primes, so the terms of alternating sign lose nothing. */
static long double cg_value(const cg_triple *t, int m1, int m2)
{
    int l1 = t->l1, l2 = t->l2, l3 = t->l3, m3 = m1 + m2;
    int64_t sum = 0;
    for (int k = 0; k <= l1 + l2 - l3; k++) {
        int64_t term = binom(t, l1 + l2 - l3, k) * binom(t, l1 - l2 + l3, l1 - m1 - k) *
                       binom(t, -l1 + l2 + l3, l2 + m2 - k);
        sum += k & 1 ? -term : term;
    }
    int e[NPRIME];
    memcpy(e, t->exponent, sizeof e);
    const int factorial[6] = {l1 + m1, l1 - m1, l2 + m2, l2 - m2, l3 + m3, l3 - m3};
    for (int i = 0; i < 6; i++) add_factorial(e, factorial[i], 1);

    /* sqrt(prod p^e) = num/den * sqrt(odd): whole powers leave the root, odd <= 2*3*...*31 < 2^38 is exact */
    long double num = 1, den = 1, odd = 1;
    for (int p = 0; p < NPRIME; p++) {
        int left = e[p];
        for (; left >= 2; left -= 2) num *= primes[p];
        for (; left < 0; left += 2) den *= primes[p];
        if (left) odd *= primes[p];
    }
    return (long double)sum * (num / den) * sqrtl(odd);
}

/* The matrix from real to complex harmonics, q[M][m] with |M| = |m|, has entries i^turns * 2^(-1/2) (1 for m
 * = 0): M < 0: 1 (m = -M), -i (m = M);   M > 0: (-1)^M (m = M), i (-1)^M (m = -M);   all times (-i)^l, which
 * makes the real coefficients real and is e3nn's choice of sign. Returns turns (any sign, modulo 4). */
static int quarter_turns(int l, int M, int m)
{
    int turns = -l;
    if (M < 0 && m < 0) turns += 3;
    if (M > 0) turns += 2 * (M & 1) + (m < 0 ? 1 : 0);
    return turns;
}

/* C (zeroed by the caller) = sum over complex components of q1 q2 conj(q3) CG. Only |m3| = |m1 +- m2| occurs,
 * and the terms that meet in one element are equal, so no digits are lost here either. */
static void real_tensor(const cg_triple *t, double *C)
{
    static const double root[4] = {1, 0.70710678118654752440, 0.5, 0.35355339059327376220}; /* 2^(-k/2) */
    int l1 = t->l1, l2 = t->l2, l3 = t->l3;
    size_t n2 = 2 * (size_t)l2 + 1, n3 = 2 * (size_t)l3 + 1;
    for (int M1 = -l1; M1 <= l1; M1++)
        for (int M2 = -l2; M2 <= l2; M2++) {
            int M3 = M1 + M2;
            if (M3 < -l3 || M3 > l3) continue;
            long double value = cg_value(t, M1, M2);
            double term = (double)(value * root[(M1 != 0) + (M2 != 0) + (M3 != 0)]);
            for (int choice = 0; choice < 8; choice++) { /* the signs of the three real m */
                int m1 = choice & 1 ? -M1 : M1, m2 = choice & 2 ? -M2 : M2, m3 = choice & 4 ? -M3 : M3;
                if ((choice & 1 && !M1) || (choice & 2 && !M2) || (choice & 4 && !M3)) continue;
                int turns = quarter_turns(l1, M1, m1) + quarter_turns(l2, M2, m2) - quarter_turns(l3, M3, m3);
                if (turns & 1) continue; /* imaginary: cancels against (-M1,-M2,-M3) */
                double *c = C + ((size_t)(m1 + l1) * n2 + (size_t)(m2 + l2)) * n3 + (size_t)(m3 + l3);
                *c += (turns & 2) ? -term : term;
            }
        }
}

/* e3nn 0.4.4: with l1 <= l2 <= l3 the first non-zero element (row-major) is positive; any other order of the
 * three is that tensor with permuted axes, negated by an odd permutation when l1+l2+l3 is odd. Even sums
 * agree with release 0.6 already. */
static void signs_of_044(int l1, int l2, int l3, double *C)
{
    if ((l1 + l2 + l3) % 2 == 0) return;
    int l[3] = {l1, l2, l3};
    size_t stride[3] = {(2 * (size_t)l2 + 1) * (2 * (size_t)l3 + 1), 2 * (size_t)l3 + 1, 1};
    bool negate = false;
    for (int pass = 0; pass < 2; pass++) /* sort, counting exchanges */
        for (int i = 0; i < 2; i++)
            if (l[i] > l[i + 1]) {
                int a = l[i];
                size_t s = stride[i];
                l[i] = l[i + 1], l[i + 1] = a;
                stride[i] = stride[i + 1], stride[i + 1] = s;
                negate = !negate;
            }
    double first = 0;
    for (int i = 0; i <= 2 * l[0] && first == 0; i++)
        for (int j = 0; j <= 2 * l[1] && first == 0; j++)
            for (int k = 0; k <= 2 * l[2] && first == 0; k++)
                first = C[(size_t)i * stride[0] + (size_t)j * stride[1] + (size_t)k * stride[2]];
    if ((first > 0) != negate) return;
    size_t n = (2 * (size_t)l1 + 1) * (2 * (size_t)l2 + 1) * (2 * (size_t)l3 + 1);
    for (size_t i = 0; i < n; i++) C[i] = 0.0 - C[i]; /* keeps +0 */
}

static racah_status check_degrees(const char *who, int l1, int l2, int l3, const double *out,
                                  racah_error *err)
{
    if (!out) return racahi_fail(err, RACAH_EINVAL, "%s: the output array is NULL", who);
    const int l[3] = {l1, l2, l3};
    for (int i = 0; i < 3; i++)
        if (l[i] < 0 || l[i] > RACAH_CG_LMAX)
            return racahi_fail(err, RACAH_EINVAL, "%s: l%d = %d, need 0 .. %d", who, i + 1, l[i],
                               RACAH_CG_LMAX);
    return RACAH_OK;
}

static size_t tensor_size(int l1, int l2, int l3)
{
    return (size_t)(2 * l1 + 1) * (size_t)(2 * l2 + 1) * (size_t)(2 * l3 + 1);
}

racah_status racah_cg_wigner3j(int l1, int l2, int l3, racah_cg_signs signs, double *C, racah_error *err)
{
    RACAHI_TRY(check_degrees("racah_cg_wigner3j", l1, l2, l3, C, err));
    if (signs != RACAH_CG_E3NN_06 && signs != RACAH_CG_E3NN_044)
        return racahi_fail(err, RACAH_EINVAL, "racah_cg_wigner3j: signs = %d, need RACAH_CG_E3NN_06 or _044",
                           (int)signs);
    memset(C, 0, tensor_size(l1, l2, l3) * sizeof *C);
    if (!triangle(l1, l2, l3)) return RACAH_OK;
    cg_triple t;
    triple_init(&t, l1, l2, l3);
    real_tensor(&t, C);
    if (signs == RACAH_CG_E3NN_044) signs_of_044(l1, l2, l3, C);
    return RACAH_OK;
}

racah_status racah_cg_gaunt(int l1, int l2, int l3, double *G, racah_error *err)
{
    RACAHI_TRY(check_degrees("racah_cg_gaunt", l1, l2, l3, G, err));
    size_t n = tensor_size(l1, l2, l3);
    memset(G, 0, n * sizeof *G);
    if (!triangle(l1, l2, l3) || (l1 + l2 + l3) % 2) return RACAH_OK;
    cg_triple t;
    triple_init(&t, l1, l2, l3);
    real_tensor(&t, G);
    /* The signs of 3j(l1 l2 l3; 0 0 0) and of the complex product cancel in e3nn's basis: the factor is
     * positive. */
    const long double four_pi = 12.566370614359172953850573533118L;
    long double factor = fabsl(cg_value(&t, 0, 0)) *
                         sqrtl((long double)((2 * l1 + 1) * (2 * l2 + 1) * (2 * l3 + 1)) / four_pi);
    for (size_t i = 0; i < n; i++) G[i] = (double)(G[i] * factor);
    return RACAH_OK;
}
