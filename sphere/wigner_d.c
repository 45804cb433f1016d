/* SPDX-License-Identifier: MIT
 * Wigner D matrices by recursion in the degree. */
#include "wigner_d.h"

#include <math.h>
#include <string.h>

/* One step of the recursion: D of degree l from M of degree l-1. Entries are addressed by m = -l..l. */
typedef struct wigner_step {
    int l;
    const double *R, *M;
} wigner_step;

static double r_at(const wigner_step *s, int i, int j) { return s->R[3 * (i + 1) + (j + 1)]; }
static double m_at(const wigner_step *s, int a, int b)
{
    int h = s->l - 1;
    return s->M[(a + h) * (2 * h + 1) + (b + h)];
}

/* The paper's P: row i of R combined with row a of M towards column n of the new matrix. */
static double mixed(const wigner_step *s, int i, int a, int n)
{
    int l = s->l;
    if (n == l) return r_at(s, i, 1) * m_at(s, a, l - 1) - r_at(s, i, -1) * m_at(s, a, -l + 1);
    if (n == -l) return r_at(s, i, 1) * m_at(s, a, -l + 1) + r_at(s, i, -1) * m_at(s, a, l - 1);
    return r_at(s, i, 0) * m_at(s, a, n);
}

static double v_term(const wigner_step *s, int m, int n)
{
    if (m == 0) return mixed(s, 1, 1, n) + mixed(s, -1, -1, n);
    if (m > 0) {
        double p = mixed(s, 1, m - 1, n);
        return m == 1 ? p * sqrt(2) : p - mixed(s, -1, -m + 1, n);
    }
    double p = mixed(s, -1, -m - 1, n);
    return m == -1 ? p * sqrt(2) : mixed(s, 1, m + 1, n) + p;
}

static double w_term(const wigner_step *s, int m, int n)
{
    if (m > 0) return mixed(s, 1, m + 1, n) + mixed(s, -1, -m - 1, n);
    return mixed(s, 1, m - 1, n) - mixed(s, -1, -m + 1, n);
}

/* Table 1 of the paper: u, v, w; terms whose factor is zero would address M outside and are left out. */
static double element(const wigner_step *s, int m, int n)
{
    int l = s->l, a = m < 0 ? -m : m;
    double d = n == l || n == -l ? 2.0 * l * (2 * l - 1) : (double)((l + n) * (l - n)), sum = 0;
    if (a < l) sum += sqrt((l + m) * (l - m) / d) * mixed(s, 0, m, n);
    double v = 0.5 * sqrt((m == 0 ? 2.0 : 1.0) * (l + a - 1) * (l + a) / d);
    sum += (m == 0 ? -v : v) * v_term(s, m, n);
    if (m != 0 && a < l - 1) sum -= 0.5 * sqrt((l - a - 1) * (l - a) / d) * w_term(s, m, n);
    return sum;
}

void racahi_wigner_d(int lmax, const double R[9], double *D)
{
    D[0] = 1;
    if (lmax >= 1) memcpy(D + 1, R, 9 * sizeof *D);
    for (int l = 2; l <= lmax; l++) {
        wigner_step s = {l, R, D + RACAHI_WIGNER_D_OFFSET(l - 1)};
        double *out = D + RACAHI_WIGNER_D_OFFSET(l);
        for (int m = -l; m <= l; m++)
            for (int n = -l; n <= l; n++) *out++ = element(&s, m, n);
    }
}

static racah_status check(int lmax, const double *in, int n, const double *D, racah_error *err)
{
    if (lmax < 0 || lmax > RACAH_SPH_LMAX)
        return racahi_fail(err, RACAH_EINVAL, "Wigner D: lmax = %d, need 0 .. %d", lmax, RACAH_SPH_LMAX);
    if (!in || !D) return racahi_fail(err, RACAH_EINVAL, "Wigner D: %s is NULL", in ? "D" : "the rotation");
    for (int i = 0; i < n; i++)
        if (!isfinite(in[i]))
            return racahi_fail(err, RACAH_ENUMERIC, "Wigner D: number %d of the rotation is not finite", i);
    return RACAH_OK;
}

racah_status racahi_wigner_d_from_matrix(int lmax, const double R[9], double *D, racah_error *err)
{
    RACAHI_TRY(check(lmax, R, 9, D, err));
    double off = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double dot = R[3 * i] * R[3 * j] + R[3 * i + 1] * R[3 * j + 1] + R[3 * i + 2] * R[3 * j + 2];
            off = fmax(off, fabs(dot - (i == j)));
        }
    double det = R[0] * (R[4] * R[8] - R[5] * R[7]) - R[1] * (R[3] * R[8] - R[5] * R[6]) +
                 R[2] * (R[3] * R[7] - R[4] * R[6]);
    if (!(off < 1e-6) || det < 0)
        return racahi_fail(err, RACAH_EINVAL,
                           "Wigner D: the matrix is not a rotation (|R R^T - 1| = %g, determinant %g)", off,
                           det);
    racahi_wigner_d(lmax, R, D);
    return RACAH_OK;
}

racah_status racahi_wigner_d_from_quaternion(int lmax, const double q[4], double *D, racah_error *err)
{
    RACAHI_TRY(check(lmax, q, 4, D, err));
    double big = fmax(fmax(fabs(q[0]), fabs(q[1])), fmax(fabs(q[2]), fabs(q[3])));
    if (big == 0) return racahi_fail(err, RACAH_EINVAL, "Wigner D: the quaternion is zero");
    double w = q[0] / big, x = q[1] / big, y = q[2] / big, z = q[3] / big;
    double n = 1 / sqrt(w * w + x * x + y * y + z * z);
    w *= n, x *= n, y *= n, z *= n;
    const double R[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
                         2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
                         2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
    racahi_wigner_d(lmax, R, D);
    return RACAH_OK;
}

/* Rows a, u, b with a cross u = b. For u_y >= 0 the shortest rotation to +y; otherwise the shortest rotation to
 * -y followed by a half turn about x. 1 + |u_y| >= 1 never vanishes. */
void racahi_rotation_to_pole(const double u[3], double R[9])
{
    double x = u[0], y = u[1], z = u[2], s = y < 0 ? -1 : 1, h = 1 / (1 + s * y);
    R[0] = 1 - x * x * h, R[1] = -s * x, R[2] = -x * z * h;
    R[3] = x, R[4] = y, R[5] = z;
    R[6] = -s * x * z * h, R[7] = -z, R[8] = s * (1 - z * z * h);
}
