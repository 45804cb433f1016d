/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as extended XYZ. What is accepted must be sound and survive writing and reading. */
#include "fuzz.h"

#include "../../src/io/extxyz.h"

static void require_sound(const racahi_frame *f)
{
    require(f->n >= 1 && f->config_type && f->line >= 1 && f->weight >= 0 && isfinite(f->weight));
    for (size_t i = 0; i < f->n; i++) require(f->Z[i] >= 1 && f->Z[i] <= 118);
    require_finite(f->pos, 3 * f->n);
    if (f->forces) require_finite(f->forces, 3 * f->n);
    require_finite(f->cell, 9);
    require_finite(f->stress, 9);
    require_finite(&f->energy, 1);
    for (int a = 0; a < 3; a++) require(f->has_cell || !f->pbc[a]);
}

static void require_same(const racahi_frame *a, const racahi_frame *b)
{
    require(a->n == b->n && a->has_cell == b->has_cell && a->has_energy == b->has_energy);
    require(a->has_stress == b->has_stress && !a->forces == !b->forces);
    require(memcmp(a->Z, b->Z, a->n * sizeof *a->Z) == 0);
    require(memcmp(a->pos, b->pos, 3 * a->n * sizeof *a->pos) == 0);
    if (a->forces) require(memcmp(a->forces, b->forces, 3 * a->n * sizeof *a->forces) == 0);
    require(memcmp(a->cell, b->cell, sizeof a->cell) == 0 && memcmp(a->pbc, b->pbc, sizeof a->pbc) == 0);
    require(memcmp(a->stress, b->stress, sizeof a->stress) == 0);
    require(memcmp(&a->energy, &b->energy, sizeof a->energy) == 0);
    require(a->weight == b->weight && strcmp(a->config_type, b->config_type) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racahi_frames f, g;
    racah_error err = {0};
    if (racahi_extxyz_parse(&f, (const char *)data, size, "fuzz", &err) != RACAH_OK) {
        require(err.code != RACAH_OK && strncmp(err.msg, "fuzz:", 5) == 0 && f.n == 0 && !f.f && !f.path);
        return 0;
    }
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    require(to != NULL);
    for (size_t k = 0; k < f.n; k++) {
        require_sound(&f.f[k]);
        require(racahi_extxyz_write(to, &f.f[k], NULL, &err) == RACAH_OK);
    }
    fclose(to);
    require(racahi_extxyz_parse(&g, text, length, "again", &err) == RACAH_OK && f.n == g.n);
    for (size_t k = 0; k < f.n; k++) require_same(&f.f[k], &g.f[k]);
    free(text);
    racahi_frames_free(&f);
    racahi_frames_free(&g);
    return 0;
}
