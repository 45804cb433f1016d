/* SPDX-License-Identifier: MIT
 * Structures for check and bench, and their form with ghost atoms and a neighbour list. */
#include "box.h"

#include "../neigh/neigh.h"

#include <string.h>

racah_status cli_box_create(cli_box *out, size_t n, const double *pos, const int *Z, const double *cell,
                            const int pbc[3], racah_error *err)
{
    *out = (cli_box){.n = n, .has_cell = cell != NULL};
    out->pos = racahi_malloc(n, 3 * sizeof *out->pos);
    out->Z = racahi_malloc(n, sizeof *out->Z);
    if (!out->pos || !out->Z) {
        cli_box_free(out);
        return racahi_fail(err, RACAH_ENOMEM, "structure of %zu atoms does not fit in memory", n);
    }
    memcpy(out->pos, pos, n * 3 * sizeof *pos);
    memcpy(out->Z, Z, n * sizeof *Z);
    if (cell) memcpy(out->cell, cell, sizeof out->cell);
    memcpy(out->pbc, pbc, sizeof out->pbc);
    return RACAH_OK;
}

racah_status cli_box_copy(cli_box *out, const cli_box *from, racah_error *err)
{
    RACAHI_TRY(
        cli_box_create(out, from->n, from->pos, from->Z, from->has_cell ? from->cell : NULL, from->pbc, err));
    memcpy(out->name, from->name, sizeof out->name);
    return RACAH_OK;
}

void cli_box_free(cli_box *box)
{
    racahi_free(box->pos);
    racahi_free(box->Z);
    *box = (cli_box){0};
}

racah_structure cli_box_structure(const cli_box *box)
{
    racah_structure s = {.size = sizeof s,
                         .threads = 1,
                         .natoms = box->n,
                         .positions = box->pos,
                         .atomic_numbers = box->Z,
                         .cell = box->has_cell ? box->cell : NULL};
    memcpy(s.pbc, box->pbc, sizeof s.pbc);
    return s;
}

/* ---- local and ghost atoms -------------------------------------------------------------------- */

/* Index of the image (j, shift): one ghost for each distinct image, found through the chain of ghosts of j.
 */
typedef struct ghost_table {
    int *head; /* [n] first ghost of atom j, -1: none */
    int *next; /* [cap] next ghost of the same atom */
    int (*shift)[3];
    int *owner;
    size_t n, cap, cap_next, cap_shift;
} ghost_table;

static racah_status ghost_index(ghost_table *g, int j, const int shift[3], size_t nlocal, int *out,
                                racah_error *err)
{
    for (int k = g->head[j]; k >= 0; k = g->next[k])
        if (memcmp(g->shift[k], shift, sizeof g->shift[k]) == 0) {
            *out = (int)nlocal + k;
            return RACAH_OK;
        }
    if (g->n + nlocal >= (size_t)INT32_MAX)
        return racahi_fail(err, RACAH_ENOMEM, "more than 2^31 ghost atoms");
    RACAHI_TRY(racahi_reserve((void **)&g->owner, &g->cap, g->n + 1, sizeof *g->owner, "ghost atoms", err));
    RACAHI_TRY(
        racahi_reserve((void **)&g->next, &g->cap_next, g->n + 1, sizeof *g->next, "ghost atoms", err));
    RACAHI_TRY(
        racahi_reserve((void **)&g->shift, &g->cap_shift, g->n + 1, sizeof *g->shift, "ghost atoms", err));
    int k = (int)g->n++;
    g->owner[k] = j;
    memcpy(g->shift[k], shift, sizeof g->shift[k]);
    g->next[k] = g->head[j];
    g->head[j] = k;
    *out = (int)nlocal + k;
    return RACAH_OK;
}

static racah_status fill_list(cli_local *out, const racahi_edges *edges, ghost_table *g, racah_error *err)
{
    static const int none[3] = {0, 0, 0};
    for (size_t i = 0; i < out->nlocal; i++) {
        out->neighbors[i] = out->list + edges->row[i];
        out->numneigh[i] = (int)(edges->row[i + 1] - edges->row[i]);
        for (size_t e = edges->row[i]; e < edges->row[i + 1]; e++) {
            const int *shift = edges->shift + 3 * e;
            if (memcmp(shift, none, sizeof none) == 0)
                out->list[e] = edges->j[e];
            else
                RACAHI_TRY(ghost_index(g, edges->j[e], shift, out->nlocal, &out->list[e], err));
        }
    }
    return RACAH_OK;
}

static racah_status place_ghosts(cli_local *out, const cli_box *box, const racah_model *model, ghost_table *g,
                                 racah_error *err)
{
    out->nghost = g->n;
    size_t all = out->nlocal + out->nghost;
    out->pos = racahi_malloc(all, 3 * sizeof *out->pos);
    out->elements = racahi_malloc(all, sizeof *out->elements);
    out->owner = racahi_malloc(out->nghost, sizeof *out->owner);
    if (!out->pos || !out->elements || !out->owner)
        return racahi_fail(err, RACAH_ENOMEM, "%zu local and ghost atoms do not fit in memory", all);
    for (size_t i = 0; i < all; i++) {
        size_t from = i < out->nlocal ? i : (size_t)g->owner[i - out->nlocal];
        for (int x = 0; x < 3; x++) {
            double r = box->pos[3 * from + x];
            for (int a = 0; i >= out->nlocal && a < 3; a++)
                r += g->shift[i - out->nlocal][a] * box->cell[3 * a + x];
            out->pos[3 * i + x] = r;
        }
        out->elements[i] = racah_model_element_index(model, box->Z[from]);
        if (i >= out->nlocal) out->owner[i - out->nlocal] = (int)from;
    }
    return RACAH_OK;
}

racah_status cli_local_create(cli_local *out, const cli_box *box, const racah_model *model, double skin,
                              racah_error *err)
{
    racahi_edges edges = {0};
    ghost_table g = {0};
    *out = (cli_local){.nlocal = box->n};
    racah_status status = racahi_neigh_build(&edges, box->n, box->pos, box->has_cell ? box->cell : NULL,
                                             box->pbc, racah_model_cutoff(model) + skin, err);
    if (status != RACAH_OK) goto done;
    out->nedge = edges.nedge;
    out->numneigh = racahi_calloc(box->n, sizeof *out->numneigh);
    out->neighbors = racahi_calloc(box->n, sizeof *out->neighbors);
    out->list = racahi_calloc(edges.nedge, sizeof *out->list);
    g.head = racahi_malloc(box->n, sizeof *g.head);
    if (!out->numneigh || !out->neighbors || !out->list || !g.head) {
        status = racahi_fail(err, RACAH_ENOMEM, "neighbour list of %zu entries does not fit in memory",
                             edges.nedge);
        goto done;
    }
    for (size_t i = 0; i < box->n; i++) g.head[i] = -1;
    status = fill_list(out, &edges, &g, err);
    if (status == RACAH_OK) status = place_ghosts(out, box, model, &g, err);
done:
    racahi_edges_free(&edges);
    racahi_free(g.head);
    racahi_free(g.next);
    racahi_free(g.shift);
    racahi_free(g.owner);
    if (status != RACAH_OK) cli_local_free(out);
    return status;
}

void cli_local_free(cli_local *l)
{
    racahi_free(l->pos);
    racahi_free(l->elements);
    racahi_free(l->owner);
    racahi_free(l->numneigh);
    racahi_free(l->neighbors);
    racahi_free(l->list);
    *l = (cli_local){0};
}

static int forward(void *ctx, void *rows, size_t width)
{
    const cli_local *l = ctx;
    size_t bytes = width * l->exchange_bytes;
    char *base = rows;
    for (size_t g = 0; g < l->nghost; g++)
        memcpy(base + (l->nlocal + g) * bytes, base + (size_t)l->owner[g] * bytes, bytes);
    return 0;
}

void cli_local_fold(const cli_local *l, double *rows, size_t width)
{
    for (size_t g = 0; g < l->nghost; g++) {
        double *from = rows + (l->nlocal + g) * width, *to = rows + (size_t)l->owner[g] * width;
        for (size_t k = 0; k < width; k++) to[k] += from[k], from[k] = 0;
    }
}

static int reverse(void *ctx, void *rows, size_t width)
{
    const cli_local *l = ctx;
    if (l->exchange_bytes == sizeof(double)) {
        cli_local_fold(l, rows, width);
        return 0;
    }
    float *base = rows;
    for (size_t g = 0; g < l->nghost; g++) {
        const float *from = base + (l->nlocal + g) * width;
        float *to = base + (size_t)l->owner[g] * width;
        for (size_t k = 0; k < width; k++) to[k] += from[k];
    }
    return 0;
}

racah_local cli_local_inputs(cli_local *l, const racah_calc *calc)
{
    l->exchange_bytes = racah_calc_exchange_bytes(calc);
    return (racah_local){.size = sizeof(racah_local),
                         .threads = 1,
                         .nlocal = l->nlocal,
                         .nghost = l->nghost,
                         .positions = l->pos,
                         .elements = l->elements,
                         .numneigh = l->numneigh,
                         .neighbors = (const int *const *)l->neighbors,
                         .forward = forward,
                         .reverse = reverse,
                         .exchange_ctx = l};
}
