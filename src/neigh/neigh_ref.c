/* SPDX-License-Identifier: MIT
 * Readable twin of the neighbour list: all pairs, all images within reach, in the order of the result. */
#include "neigh_internal.h"

/* Images s of j along cell vector a with |f - s| h <= rcut, where f is the fractional coordinate of r_i - r_j
 * (of length r) and h the height of the cell along a: nothing outside can be within rcut. The margin covers
 * the rounding of f, at worst epsilon / RACAHI_NEIGH_FLAT of r/h. */
static racah_status reach(double f, double r, double h, double rcut, int periodic, int *lo, int *hi,
                          racah_error *err)
{
    *lo = *hi = 0;
    if (!periodic) return RACAH_OK;
    double margin = 1e-6 * (1 + rcut / h) + 1e-9 * r / h;
    double a = ceil(f - rcut / h - margin), b = floor(f + rcut / h + margin);
    if (!(a > -1e9 && b < 1e9))
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: image numbers beyond 1e9 (cell height %g A)",
                           h);
    *lo = (int)a, *hi = (int)b;
    return RACAH_OK;
}

static racah_status pair(racahi_edges *e, size_t i, size_t j, const double *pos, const double A[9],
                         const double inv[9], const double height[3], const int pbc[3], double rcut,
                         racah_error *err)
{
    const double *ri = pos + 3 * i, *rj = pos + 3 * j;
    int lo[3], hi[3], s[3];
    double images = 1, r = hypot(hypot(ri[0] - rj[0], ri[1] - rj[1]), ri[2] - rj[2]);
    for (int a = 0; a < 3; a++) {
        double f = 0;
        for (int c = 0; c < 3; c++) f += inv[3 * a + c] * (ri[c] - rj[c]);
        RACAHI_TRY(reach(f, r, height[a], rcut, pbc[a], &lo[a], &hi[a], err));
        images *= (double)hi[a] - lo[a] + 1;
    }
    if (images > RACAHI_NEIGH_IMAGES)
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: %g images within reach of one atom", images);
    for (s[0] = lo[0]; s[0] <= hi[0]; s[0]++)
        for (s[1] = lo[1]; s[1] <= hi[1]; s[1]++)
            for (s[2] = lo[2]; s[2] <= hi[2]; s[2]++) {
                double d[3], r2;
                if (i == j && !s[0] && !s[1] && !s[2]) continue;
                r2 = racahi_neigh_vector(ri, rj, s, A, d);
                if (!(r2 < rcut * rcut)) continue;
                if (r2 < RACAHI_NEIGH_COINCIDE * RACAHI_NEIGH_COINCIDE)
                    return racahi_neigh_coincide(i, j, s, sqrt(r2), err);
                RACAHI_TRY(racahi_neigh_reserve(e, 1, err));
                racahi_neigh_append(e, (int)j, s, d);
            }
    return RACAH_OK;
}

racah_status racahi_neigh_build_ref(racahi_edges *e, size_t n, const double *pos, const double *cell,
                                    const int pbc[3], double rcut, racah_error *err)
{
    double A[9], basis[9], inv[9], height[3];
    e->n = e->nedge = 0;
    RACAHI_TRY(racahi_neigh_check(n, pos, cell, pbc, rcut, A, basis, err));
    RACAHI_TRY(racahi_neigh_start(e, n, err));
    racahi_neigh_invert(basis, inv, height);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            racah_status status = pair(e, i, j, pos, A, inv, height, pbc, rcut, err);
            if (status != RACAH_OK) {
                e->n = e->nedge = 0;
                return status;
            }
        }
        e->row[i + 1] = e->nedge;
    }
    return RACAH_OK;
}
