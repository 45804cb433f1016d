/* SPDX-License-Identifier: MIT
 * Neighbour list: lattice reduction, cell list over the reduced cell, sorted edges. */
#include "neigh_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- shared with the readable twin ------------------------------------------------------- */

static double dot(const double *a, const double *b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static void cross(const double *a, const double *b, double *c)
{
    c[0] = a[1] * b[2] - a[2] * b[1];
    c[1] = a[2] * b[0] - a[0] * b[2];
    c[2] = a[0] * b[1] - a[1] * b[0];
}

void racahi_neigh_invert(const double basis[9], double inv[9], double height[3])
{
    for (int a = 0; a < 3; a++) {
        double *g = inv + 3 * a;
        cross(basis + 3 * ((a + 1) % 3), basis + 3 * ((a + 2) % 3), g);
        double det = dot(basis + 3 * a, g);
        height[a] = fabs(det) / sqrt(dot(g, g));
        for (int c = 0; c < 3; c++) g[c] /= det;
    }
}

void racahi_neigh_complete(const int pbc[3], double basis[9])
{
    bool have[3] = {pbc[0] != 0, pbc[1] != 0, pbc[2] != 0};
    for (int a = 0; a < 3; a++) {
        double *v = basis + 3 * a;
        const double *u = basis + 3 * ((a + 1) % 3), *w = basis + 3 * ((a + 2) % 3);
        bool hu = have[(a + 1) % 3], hw = have[(a + 2) % 3];
        if (have[a]) continue;
        have[a] = true;
        if (hu && hw) {
            cross(u, w, v);
        } else if (hu || hw) {
            /* perpendicular to one vector: its cross product with the axis it has least of */
            const double *p = hu ? u : w;
            double axis[3] = {0, 0, 0};
            int least = 0;
            for (int c = 1; c < 3; c++)
                if (fabs(p[c]) < fabs(p[least])) least = c;
            axis[least] = 1;
            cross(p, axis, v);
        } else {
            v[0] = 1, v[1] = v[2] = 0;
        }
        double norm = sqrt(dot(v, v));
        for (int c = 0; c < 3; c++) v[c] /= norm;
    }
}

/* Copies the periodic cell vectors and refuses those that span no line, plane or volume. */
static racah_status check_cell(const double *cell, const int pbc[3], double A[9], double basis[9],
                               racah_error *err)
{
    double product = 1;
    for (int a = 0; a < 3; a++) {
        double length = 0;
        for (int c = 0; c < 3; c++) {
            double x = cell ? cell[3 * a + c] : 0;
            if (!(fabs(x) <= RACAHI_NEIGH_FAR))
                return racahi_fail(err, RACAH_EINVAL,
                                   "cell vector %d, component %d is %g, need a finite number within 1e9 A", a,
                                   c, x);
            A[3 * a + c] = pbc[a] ? x : 0;
        }
        if (!pbc[a]) continue;
        length = sqrt(dot(A + 3 * a, A + 3 * a));
        if (!(length > RACAHI_NEIGH_COINCIDE))
            return racahi_fail(err, RACAH_EINVAL,
                               "cell vector %d has length %g A but the structure is periodic along it", a,
                               length);
        product *= length;
    }
    memcpy(basis, A, 9 * sizeof *A);
    racahi_neigh_complete(pbc, basis);
    double n[3], det;
    cross(basis + 3, basis + 6, n);
    det = fabs(dot(basis, n));
    if (!(det > RACAHI_NEIGH_FLAT * product))
        return racahi_fail(
            err, RACAH_EINVAL,
            "singular cell: its periodic vectors are linearly dependent (%g of the product of their lengths)",
            det / product);
    return RACAH_OK;
}

racah_status racahi_neigh_check(size_t n, const double *pos, const double *cell, const int pbc[3],
                                double rcut, double A[9], double basis[9], racah_error *err)
{
    if (!pbc) return racahi_fail(err, RACAH_EINVAL, "neighbour list: pbc is NULL");
    if (!pos && n)
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: positions of %zu atoms are NULL", n);
    if (n > (size_t)INT_MAX)
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: %zu atoms, at most %d", n, INT_MAX);
    if (!(rcut > 0 && rcut <= RACAHI_NEIGH_FAR))
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: cutoff %g A, need a positive finite number",
                           rcut);
    if (!cell && (pbc[0] || pbc[1] || pbc[2]))
        return racahi_fail(err, RACAH_EINVAL, "neighbour list: periodic directions (%d %d %d) without a cell",
                           pbc[0] != 0, pbc[1] != 0, pbc[2] != 0);
    for (size_t k = 0; k < 3 * n; k++)
        if (!(fabs(pos[k]) <= RACAHI_NEIGH_FAR))
            return racahi_fail(err, RACAH_EINVAL,
                               "position of atom %zu (counted from 0), component %zu is %g, need a finite "
                               "number within 1e9 A",
                               k / 3, k % 3, pos[k]);
    return check_cell(cell, pbc, A, basis, err);
}

racah_status racahi_neigh_start(racahi_edges *e, size_t n, racah_error *err)
{
    e->n = e->nedge = 0;
    RACAHI_TRY(
        racahi_reserve((void **)&e->row, &e->cap_n, n + 1, sizeof *e->row, "neighbour list rows", err));
    RACAHI_TRY(racahi_neigh_reserve(e, 1, err));
    e->n = n;
    e->row[0] = 0;
    return RACAH_OK;
}

racah_status racahi_neigh_reserve(racahi_edges *e, size_t more, racah_error *err)
{
    size_t want;
    if (__builtin_add_overflow(e->nedge, more, &want))
        return racahi_fail(err, RACAH_ENOMEM, "neighbour list: %zu + %zu edges", e->nedge, more);
    /* j and d share one capacity: it moves when both have grown */
    size_t cap_j = e->cap_edge, cap_d = e->cap_edge;
    RACAHI_TRY(racahi_reserve((void **)&e->j, &cap_j, want, sizeof *e->j, "neighbour list senders", err));
    RACAHI_TRY(racahi_reserve((void **)&e->d, &cap_d, want, 3 * sizeof *e->d, "neighbour list vectors", err));
    e->cap_edge = cap_j < cap_d ? cap_j : cap_d;
    return racahi_reserve((void **)&e->shift, &e->cap_shift, want, 3 * sizeof *e->shift,
                          "neighbour list shifts", err);
}

racah_status racahi_neigh_coincide(size_t i, size_t j, const int s[3], double r, racah_error *err)
{
    if (s[0] || s[1] || s[2])
        return racahi_fail(
            err, RACAH_EINVAL,
            "atom %zu and the image (%d %d %d) of atom %zu (counted from 0) coincide: %g A apart", i, s[0],
            s[1], s[2], j, r);
    return racahi_fail(err, RACAH_EINVAL, "atoms %zu and %zu (counted from 0) coincide: %g A apart", i, j, r);
}

void racahi_edges_free(racahi_edges *e)
{
    if (!e) return;
    racahi_free(e->row);
    racahi_free(e->j);
    racahi_free(e->d);
    racahi_free(e->shift);
    memset(e, 0, sizeof *e);
}

/* ---- lattice reduction ------------------------------------------------------------------- */

/* A short basis of the same lattice, so that the number of images searched follows the number of neighbours
 * however skewed the given cell is: basis_a = sum_b M[a][b] A_b with M integer and unimodular over the
 * periodic directions. Pairwise Gauss steps, then single steps by +-u +-v, which is all a three-dimensional
 * lattice needs. Speed alone depends on how far this gets; the list is right for any M. */
typedef struct lattice {
    double v[9]; /* reduced vectors, completed to a basis */
    double M[9]; /* whole numbers */
} lattice;

/* Row a += t times row b of M if that shortens vector a noticeably. */
static bool try_step(lattice *L, const double A[9], int a, const double t[3])
{
    double M[3], v[3];
    for (int b = 0; b < 3; b++) {
        M[b] = L->M[3 * a + b];
        for (int k = 0; k < 3; k++) M[b] += t[k] * L->M[3 * k + b];
        if (fabs(M[b]) > 1e8) return false;
    }
    for (int c = 0; c < 3; c++) v[c] = M[0] * A[c] + M[1] * A[3 + c] + M[2] * A[6 + c];
    if (!(dot(v, v) < dot(L->v + 3 * a, L->v + 3 * a) * (1 - 1e-9))) return false;
    memcpy(L->M + 3 * a, M, sizeof M);
    memcpy(L->v + 3 * a, v, sizeof v);
    return true;
}

static bool reduce_once(lattice *L, const double A[9], const int pbc[3])
{
    bool changed = false;
    for (int a = 0; a < 3; a++) {
        int u = (a + 1) % 3, w = (a + 2) % 3;
        if (!pbc[a]) continue;
        for (int k = 0; k < 3; k++) {
            double t[3] = {0, 0, 0};
            if (k == a || !pbc[k]) continue;
            t[k] = -rint(dot(L->v + 3 * a, L->v + 3 * k) / dot(L->v + 3 * k, L->v + 3 * k));
            if (t[k] != 0 && try_step(L, A, a, t)) changed = true;
        }
        if (!pbc[u] || !pbc[w]) continue;
        for (int k = 0; k < 4; k++) {
            double t[3] = {0, 0, 0};
            t[u] = k & 1 ? 1 : -1, t[w] = k & 2 ? 1 : -1;
            if (try_step(L, A, a, t)) changed = true;
        }
    }
    return changed;
}

static void reduce(lattice *L, const double A[9], const int pbc[3])
{
    memcpy(L->v, A, sizeof L->v);
    for (int a = 0; a < 9; a++) L->M[a] = a % 4 == 0 && pbc[a / 4];
    for (int round = 0; round < 200 && reduce_once(L, A, pbc); round++) continue;
    racahi_neigh_complete(pbc, L->v);
}

/* ---- cell list --------------------------------------------------------------------------- */

typedef struct hit {
    int j, s[3];
    double d[3];
} hit;

/* Atoms wrapped into the reduced cell and sorted into bins at least `search` wide between opposite faces (or,
 * where the cell is thinner than that, one bin whose images are visited). */
typedef struct grid {
    lattice L;
    double A[9], rcut, search;
    int pbc[3], nbin[3], reach[3]; /* bins along each axis; bins on either side that can hold neighbours */
    double *r;                     /* [n][3] wrapped positions, in bin order */
    int *wrap;                     /* [n][3] r_wrapped = r - wrap . L, in bin order */
    int *bin;                      /* [n][3] bin of an atom, in input order */
    int *order, *place;            /* [n] place in bin order -> atom, and back */
    size_t *start;                 /* [bins+1] first place of each bin */
    hit *hits;                     /* neighbours of the receiver at hand */
    size_t nhit, cap_hit;
} grid;

static void grid_free(grid *g)
{
    racahi_free(g->r);
    racahi_free(g->wrap);
    racahi_free(g->bin);
    racahi_free(g->order);
    racahi_free(g->place);
    racahi_free(g->start);
    racahi_free(g->hits);
}

/* Fractional coordinates and bins: extent[a] is 1 for periodic axes, the span of the atoms otherwise. */
static racah_status choose_bins(grid *g, size_t n, const double height[3], const double extent[3],
                                racah_error *err)
{
    double images = 1, width[3];
    for (int a = 0; a < 3; a++) {
        width[a] = extent[a] * height[a];
        double bins = floor(width[a] / g->search);
        g->nbin[a] = bins < 1 ? 1 : bins > 1e6 ? 1000000 : (int)bins;
    }
    /* empty bins cost time too: no more than a few for each atom */
    while ((double)g->nbin[0] * g->nbin[1] * g->nbin[2] > 4.0 * (double)n + 64) {
        int a = g->nbin[0] >= g->nbin[1] ? 0 : 1;
        if (g->nbin[2] > g->nbin[a]) a = 2;
        g->nbin[a] = g->nbin[a] / 2 > 1 ? g->nbin[a] / 2 : 1;
    }
    for (int a = 0; a < 3; a++) {
        double reach = g->pbc[a] ? ceil(g->search * g->nbin[a] / width[a]) : g->nbin[a] > 1;
        images *= 2 * reach + 1;
        if (images > RACAHI_NEIGH_IMAGES)
            return racahi_fail(
                err, RACAH_EINVAL,
                "neighbour list: a cutoff of %g A reaches more than %g images of this cell (height %g A)",
                g->rcut, RACAHI_NEIGH_IMAGES, height[a]);
        g->reach[a] = (int)reach;
    }
    return RACAH_OK;
}

/* Counting sort of the atoms by bin; within a bin they stay in input order. */
static racah_status fill_bins(grid *g, size_t n, const double *pos, const int *wrap, racah_error *err)
{
    size_t bins = (size_t)g->nbin[0] * (size_t)g->nbin[1] * (size_t)g->nbin[2];
    g->start = racahi_calloc(bins + 1, sizeof *g->start);
    if (!g->start)
        return racahi_fail(err, RACAH_ENOMEM, "neighbour list: %zu bins, %zu bytes, do not fit in memory", bins,
                           (bins + 1) * sizeof *g->start);
#define BIN_OF(b) (((size_t)(b)[0] * g->nbin[1] + (size_t)(b)[1]) * g->nbin[2] + (size_t)(b)[2])
    for (size_t i = 0; i < n; i++) g->start[BIN_OF(g->bin + 3 * i) + 1]++;
    for (size_t b = 0; b < bins; b++) g->start[b + 1] += g->start[b];
    for (size_t i = 0; i < n; i++) {
        size_t p = g->start[BIN_OF(g->bin + 3 * i)]++;
        g->order[p] = (int)i, g->place[i] = (int)p;
        for (int c = 0; c < 3; c++) {
            const int *w = wrap + 3 * i;
            g->wrap[3 * p + c] = w[c];
            g->r[3 * p + c] =
                pos[3 * i + c] - (w[0] * g->L.v[c] + w[1] * g->L.v[3 + c] + w[2] * g->L.v[6 + c]);
        }
    }
#undef BIN_OF
    /* each start has moved to the end of its bin, which is the start of the next */
    memmove(g->start + 1, g->start, bins * sizeof *g->start);
    g->start[0] = 0;
    return RACAH_OK;
}

/* Wraps, chooses the bins and fills them. f [n][3] and wrap [n][3] are scratch. */
static racah_status sort_atoms(grid *g, size_t n, const double *pos, double *f, int *wrap, racah_error *err)
{
    double inv[9], height[3], low[3], extent[3], far = 0, scale = 0, whole = 1;
    racahi_neigh_invert(g->L.v, inv, height);
    for (int a = 0; a < 3; a++) {
        double max = -HUGE_VAL;
        low[a] = HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            double x = dot(inv + 3 * a, pos + 3 * i), w = g->pbc[a] ? floor(x) : 0;
            if (!(fabs(w) < 1e9))
                return racahi_fail(err, RACAH_EINVAL,
                                   "neighbour list: atom %zu (counted from 0) is more than 1e9 cells away",
                                   i);
            f[3 * i + a] = x - w, wrap[3 * i + a] = (int)w;
            low[a] = fmin(low[a], x - w), max = fmax(max, x - w);
        }
        if (g->pbc[a]) low[a] = 0, max = 1;
        extent[a] = max - low[a];
    }
    for (size_t k = 0; k < 3 * n; k++) far = fmax(far, fabs(pos[k]));
    for (int k = 0; k < 9; k++) scale = fmax(scale, fabs(g->A[k])), whole = fmax(whole, fabs(g->L.M[k]));
    /* The search radius covers the rounding of wrapped positions and of reduced vectors; the decision itself
     * is made on the unwrapped vector with the caller's cutoff. */
    g->search = g->rcut * (1 + 1e-9) + 1e-12 * (far + scale * whole);
    RACAHI_TRY(choose_bins(g, n, height, extent, err));
    for (size_t i = 0; i < n; i++)
        for (int a = 0; a < 3; a++) {
            double b = extent[a] > 0 ? floor((f[3 * i + a] - low[a]) / extent[a] * g->nbin[a]) : 0;
            g->bin[3 * i + a] = b < 0 ? 0 : b > g->nbin[a] - 1 ? g->nbin[a] - 1 : (int)b;
        }
    return fill_bins(g, n, pos, wrap, err);
}

static racah_status grid_build(grid *g, size_t n, const double *pos, racah_error *err)
{
    double *f = racahi_malloc(n, 3 * sizeof *f);
    int *wrap = racahi_malloc(n, 3 * sizeof *wrap);
    g->r = racahi_malloc(n, 3 * sizeof *g->r);
    g->wrap = racahi_malloc(n, 3 * sizeof *g->wrap);
    g->bin = racahi_malloc(n, 3 * sizeof *g->bin);
    g->order = racahi_malloc(n, sizeof *g->order);
    g->place = racahi_malloc(n, sizeof *g->place);
    racah_status status;
    if (!f || !wrap || !g->r || !g->wrap || !g->bin || !g->order || !g->place)
        status = racahi_fail(err, RACAH_ENOMEM, "neighbour list of %zu atoms: %zu bytes do not fit in memory", n,
                             n * (6 * sizeof *f + 9 * sizeof *wrap + 2 * sizeof *g->order));
    else
        status = sort_atoms(g, n, pos, f, wrap, err);
    racahi_free(f);
    racahi_free(wrap);
    return status;
}

/* Atoms of one bin, displaced by q . L, as neighbours of the atom at place p. */
static racah_status visit_bin(grid *g, size_t bin, const int q[3], size_t p, const double *pos,
                              racah_error *err)
{
    const double *r = g->r + 3 * p, limit = g->search * g->search, rc2 = g->rcut * g->rcut;
    size_t i = (size_t)g->order[p];
    double t[3];
    for (int c = 0; c < 3; c++)
        t[c] = r[c] - (q[0] * g->L.v[c] + q[1] * g->L.v[3 + c] + q[2] * g->L.v[6 + c]);
    for (size_t k = g->start[bin]; k < g->start[bin + 1]; k++) {
        const double *x = g->r + 3 * k;
        double dx = t[0] - x[0], dy = t[1] - x[1], dz = t[2] - x[2];
        if (dx * dx + dy * dy + dz * dz > limit) continue;
        if (k == p && !q[0] && !q[1] && !q[2]) continue;
        hit h = {.j = g->order[k]};
        double m[3];
        for (int a = 0; a < 3; a++) m[a] = (double)q[a] + g->wrap[3 * p + a] - g->wrap[3 * k + a];
        for (int b = 0; b < 3; b++) {
            double s = m[0] * g->L.M[b] + m[1] * g->L.M[3 + b] + m[2] * g->L.M[6 + b];
            if (!(fabs(s) < 1e9))
                return racahi_fail(err, RACAH_EINVAL,
                                   "neighbour list: image numbers beyond 1e9 between atoms %zu and %d", i,
                                   h.j);
            h.s[b] = (int)s;
        }
        if (!(racahi_neigh_vector(pos + 3 * i, pos + 3 * h.j, h.s, g->A, h.d) < rc2)) continue;
        if (g->nhit == g->cap_hit)
            RACAHI_TRY(racahi_reserve((void **)&g->hits, &g->cap_hit, g->nhit + 1, sizeof *g->hits,
                                      "neighbours of one atom", err));
        g->hits[g->nhit++] = h;
    }
    return RACAH_OK;
}

/* Bin b + o of an axis: the bin it is after wrapping and the image it is in; false where there is none. */
static bool wrap_bin(int b, int o, int nbin, int periodic, int *bin, int *q)
{
    int x = b + o;
    *q = 0, *bin = x;
    if (x >= 0 && x < nbin) return true;
    if (!periodic) return false;
    *q = x >= 0 ? x / nbin : -((-x + nbin - 1) / nbin);
    *bin = x - *q * nbin;
    return true;
}

static int compare_hits(const void *pa, const void *pb)
{
    const hit *a = pa, *b = pb;
    if (a->j != b->j) return a->j < b->j ? -1 : 1;
    for (int c = 0; c < 3; c++)
        if (a->s[c] != b->s[c]) return a->s[c] < b->s[c] ? -1 : 1;
    return 0;
}

/* All neighbours of atom i, sorted, into g->hits. */
static racah_status neighbours(grid *g, size_t i, const double *pos, racah_error *err)
{
    const int *b = g->bin + 3 * i, *R = g->reach, *nb = g->nbin;
    int bin[3], q[3];
    g->nhit = 0;
    for (int x = -R[0]; x <= R[0]; x++) {
        if (!wrap_bin(b[0], x, nb[0], g->pbc[0], &bin[0], &q[0])) continue;
        for (int y = -R[1]; y <= R[1]; y++) {
            if (!wrap_bin(b[1], y, nb[1], g->pbc[1], &bin[1], &q[1])) continue;
            for (int z = -R[2]; z <= R[2]; z++) {
                if (!wrap_bin(b[2], z, nb[2], g->pbc[2], &bin[2], &q[2])) continue;
                size_t at =
                    ((size_t)bin[0] * (size_t)nb[1] + (size_t)bin[1]) * (size_t)nb[2] + (size_t)bin[2];
                RACAHI_TRY(visit_bin(g, at, q, (size_t)g->place[i], pos, err));
            }
        }
    }
    if (g->nhit > 1) qsort(g->hits, g->nhit, sizeof *g->hits, compare_hits);
    for (size_t k = 0; k < g->nhit; k++) {
        const hit *h = g->hits + k;
        double r2 = dot(h->d, h->d);
        if (r2 < RACAHI_NEIGH_COINCIDE * RACAHI_NEIGH_COINCIDE)
            return racahi_neigh_coincide(i, (size_t)h->j, h->s, sqrt(r2), err);
    }
    return RACAH_OK;
}

static racah_status fill_rows(racahi_edges *e, grid *g, size_t n, const double *pos, racah_error *err)
{
    for (size_t i = 0; i < n; i++) {
        RACAHI_TRY(neighbours(g, i, pos, err));
        RACAHI_TRY(racahi_neigh_reserve(e, g->nhit, err));
        for (size_t k = 0; k < g->nhit; k++) racahi_neigh_append(e, g->hits[k].j, g->hits[k].s, g->hits[k].d);
        e->row[i + 1] = e->nedge;
    }
    return RACAH_OK;
}

racah_status racahi_neigh_build(racahi_edges *e, size_t n, const double *pos, const double *cell,
                                const int pbc[3], double rcut, racah_error *err)
{
    grid g = {.rcut = rcut};
    double basis[9];
    e->n = e->nedge = 0;
    RACAHI_TRY(racahi_neigh_check(n, pos, cell, pbc, rcut, g.A, basis, err));
    RACAHI_TRY(racahi_neigh_start(e, n, err));
    if (n == 0) return RACAH_OK;
    for (int a = 0; a < 3; a++) g.pbc[a] = pbc[a] != 0;
    reduce(&g.L, g.A, g.pbc);
    racah_status status = grid_build(&g, n, pos, err);
    if (status == RACAH_OK) status = fill_rows(e, &g, n, pos, err);
    grid_free(&g);
    if (status != RACAH_OK) e->n = e->nedge = 0;
    return status;
}
