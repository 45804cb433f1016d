/* SPDX-License-Identifier: MIT
 * Tiles of a system, and forces and virials from edge gradients. */
#include "net.h"

#include <string.h>

racah_status racahi_system_set(racahi_system *s, size_t N, size_t M, const int *elem, const size_t *row, const int *j,
                               const double *d, size_t tile_atoms, racah_error *err)
{
    const size_t nedge = row[N], ntile = (N + tile_atoms - 1) / tile_atoms;
    s->N = N, s->M = M, s->nedge = nedge, s->elem = elem, s->row = row, s->j = j, s->d = d;
    RACAHI_TRY(racahi_reserve((void **)&s->halo, &s->cap_edge, nedge, sizeof *s->halo, "edge list", err));
    RACAHI_TRY(racahi_reserve((void **)&s->g, &s->cap_g, 3 * nedge, sizeof *s->g, "edge gradients", err));
    RACAHI_TRY(racahi_reserve((void **)&s->tile, &s->cap_tile, ntile, sizeof *s->tile, "tiles", err));
    if (M > s->cap_m || !s->stamp) {
        racahi_free(s->stamp), racahi_free(s->slot);
        s->cap_m = 0;
        s->stamp = racahi_malloc(M, sizeof *s->stamp), s->slot = racahi_malloc(M, sizeof *s->slot);
        if (!s->stamp || !s->slot)
            return racahi_fail(err, RACAH_ENOMEM, "tiles of %zu atoms: %zu bytes do not fit in memory", M,
                               M * (sizeof *s->stamp + sizeof *s->slot));
        s->cap_m = M;
    }
    for (size_t a = 0; a < M; a++) s->stamp[a] = -1;
    s->ntile = ntile, s->max_uniq = 0, s->max_edges = 0;
    size_t used = 0;
    for (size_t t = 0; t < ntile; t++) {
        racahi_tile *q = &s->tile[t];
        q->a0 = t * tile_atoms, q->a1 = q->a0 + tile_atoms < N ? q->a0 + tile_atoms : N;
        q->u0 = used;
        RACAHI_TRY(racahi_reserve((void **)&s->uniq, &s->cap_uniq, used + row[q->a1] - row[q->a0], sizeof *s->uniq,
                                  "tile senders", err));
        for (size_t e = row[q->a0]; e < row[q->a1]; e++) {
            const int b = j[e];
            if (s->stamp[b] != (int)t) {
                s->stamp[b] = (int)t;
                s->slot[b] = (int)(used - q->u0);
                s->uniq[used++] = b;
            }
            s->halo[e] = s->slot[b];
        }
        q->u1 = used;
        if (used - q->u0 > s->max_uniq) s->max_uniq = used - q->u0;
        for (size_t a = q->a0; a < q->a1; a++)
            if (row[a + 1] - row[a] > s->max_edges) s->max_edges = row[a + 1] - row[a];
    }
    return RACAH_OK;
}

void racahi_system_free(racahi_system *s)
{
    racahi_free(s->halo), racahi_free(s->uniq), racahi_free(s->tile), racahi_free(s->stamp), racahi_free(s->slot);
    racahi_free(s->g);
    memset(s, 0, sizeof *s);
}

void racahi_system_gather(const racahi_system *s, double *forces, double *virial, double *atom_virial)
{
    double w[9] = {0};
    for (size_t i = 0; i < s->N; i++)
        for (size_t e = s->row[i]; e < s->row[i + 1]; e++) {
            const double *g = s->g + 3 * e, *d = s->d + 3 * e;
            const size_t j = (size_t)s->j[e];
            if (forces)
                for (int a = 0; a < 3; a++) {
                    forces[3 * i + (size_t)a] -= g[a];
                    forces[3 * j + (size_t)a] += g[a];
                }
            /* E is invariant under rotation, so the sum is symmetric; single edges are symmetrised */
            const double v[6] = {-d[0] * g[0], -d[1] * g[1], -d[2] * g[2], -0.5 * (d[1] * g[2] + d[2] * g[1]),
                                 -0.5 * (d[0] * g[2] + d[2] * g[0]), -0.5 * (d[0] * g[1] + d[1] * g[0])};
            if (virial) {
                static const int at[6][2] = {{0, 0}, {4, 4}, {8, 8}, {5, 7}, {2, 6}, {1, 3}};
                for (int k = 0; k < 6; k++) {
                    w[at[k][0]] += v[k];
                    if (at[k][1] != at[k][0]) w[at[k][1]] += v[k];
                }
            }
            if (atom_virial)
                for (size_t k = 0; k < 6; k++) {
                    atom_virial[6 * i + k] += 0.5 * v[k];
                    atom_virial[6 * j + k] += 0.5 * v[k];
                }
        }
    if (virial)
        for (int k = 0; k < 9; k++) virial[k] += w[k];
}
