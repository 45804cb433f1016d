/* SPDX-License-Identifier: MIT
 * Trainings of a tiny model on structures of a pair potential, and what their callbacks saw. */
#ifndef RACAH_TEST_TRAIN_RUN_H
#define RACAH_TEST_TRAIN_RUN_H

#include "train_support.h"

#include "../../src/io/safetensors.h"

#include <sys/stat.h>

#define NFRAME 14

/* What the structures of write_labelled are made of. */
typedef struct recipe {
    uint64_t seed;
    double al, o;  /* eV for each atom of an element, besides the pair potential */
    double factor; /* of the pair potential */
    bool only_al;
} recipe;

/* Energy, forces and virial of a smooth pair potential D_ij (1 - r/3.5)^3 (r - r0_ij) with periodic images.
 */
static inline void pair_labels(int n, const int *kind, const double *pos, double a, double *energy, double *f,
                               double *w)
{
    *energy = 0;
    memset(f, 0, 3 * (size_t)n * sizeof *f);
    memset(w, 0, 9 * sizeof *w);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int image = 0; image < 27; image++) {
                const int shift[3] = {image % 3 - 1, image / 3 % 3 - 1, image / 9 - 1};
                double d[3], r = 0;
                for (int x = 0; x < 3; x++) {
                    d[x] = pos[3 * i + x] - pos[3 * j + x] - a * shift[x];
                    r += d[x] * d[x];
                }
                r = sqrt(r);
                if (r == 0 || r >= 3.5) continue;
                double q = 1 - r / 3.5, r0 = 2.2 + 0.2 * (kind[i] + kind[j]), depth = 1 + kind[i] * kind[j];
                *energy += 0.5 * depth * q * q * q * (r - r0);
                double slope = 0.5 * depth * (q * q * q - 3 / 3.5 * q * q * (r - r0));
                for (int x = 0; x < 3; x++) {
                    f[3 * i + x] -= slope * d[x] / r;
                    f[3 * j + x] += slope * d[x] / r;
                    for (int y = 0; y < 3; y++) w[3 * x + y] -= slope * d[x] * d[y] / r;
                }
            }
}

/* NFRAME periodic structures of four atoms; one without forces, one without stress, one without energy. */
static inline void write_labelled(const char *name, recipe what)
{
    static char text[32768];
    size_t n = 0;
    uint64_t rng = what.seed;
    for (int s = 0; s < NFRAME; s++) {
        const int kind[4] = {0, !what.only_al, s % 2 && !what.only_al, 0};
        const double site[12] = {0, 0, 0, 2, 2, 0, 2, 0, 2, 0, 2, 2};
        double a = 3.8 + 0.4 * racah_test_uniform(&rng), pos[12], f[12], w[9], energy;
        for (int k = 0; k < 12; k++) pos[k] = site[k] * a / 4 + 0.2 * racah_test_normal(&rng);
        pair_labels(4, kind, pos, a, &energy, f, w);
        energy *= what.factor;
        for (int k = 0; k < 12; k++) f[k] *= what.factor;
        for (int k = 0; k < 9; k++) w[k] *= what.factor;
        for (int i = 0; i < 4; i++) energy += kind[i] ? what.o : what.al;
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "4\nLattice=\"%.17g 0 0 0 %.17g 0 0 0 %.17g\" Properties=species:S:1:pos:R:3%s "
                              "config_type=%s pbc=\"T T T\"",
                              a, a, a, s == 3 ? "" : ":forces:R:3", s % 3 ? "x" : "y");
        if (s != 4) n += (size_t)snprintf(text + n, sizeof text - n, " energy=%.17g", energy);
        if (s != 5) {
            n += (size_t)snprintf(text + n, sizeof text - n, " virial=\"");
            for (int k = 0; k < 9; k++)
                n += (size_t)snprintf(text + n, sizeof text - n, "%s%.17g", k ? " " : "", w[k]);
            n += (size_t)snprintf(text + n, sizeof text - n, "\"");
        }
        for (int i = 0; i < 4; i++) {
            n += (size_t)snprintf(text + n, sizeof text - n, "\n%s %.17g %.17g %.17g", kind[i] ? "O" : "Al",
                                  pos[3 * i], pos[3 * i + 1], pos[3 * i + 2]);
            if (s != 3)
                n += (size_t)snprintf(text + n, sizeof text - n, " %.17g %.17g %.17g", f[3 * i], f[3 * i + 1],
                                      f[3 * i + 2]);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "\n");
    }
    assert_true(n < sizeof text);
    test_write(name, text);
}

static inline void write_structures(const char *name, uint64_t seed)
{
    write_labelled(name, (recipe){seed, -0.5, -1.5, 1, false});
}

static const char small[] = "r_max: 3.5\nchannels: 4\nl_max: 1\nl_hidden: 1\ncorrelation: 2\nlayers: 2\n"
                            "radial: {bessel: 4, mlp: [8]}\nreadout_width: 4\nbatch_size: 3\n"
                            "valid_fraction: 0.2\nlr: 0.02\n";

/* What the callbacks saw, and after how many batches to stop (0: never). */
typedef struct witness {
    int batches, stop_after, epochs, rows;
    bool away; /* move the output folder away after the first epoch and back after the second */
    double first_loss, last_loss, stage[64];
    racahi_error_row row[16];
    char said[16384];
} witness;

static inline void hear(void *ctx, const char *text)
{
    witness *w = ctx;
    size_t n = strlen(w->said);
    snprintf(w->said + n, sizeof w->said - n, "%s\n", text);
}

static inline void count_batch(void *ctx, const racahi_train_progress *p)
{
    witness *w = ctx;
    w->batches++;
    assert_true(p->batch >= 1 && p->batch <= p->batches && p->structures_per_s > 0 &&
                p->atoms_per_s > p->structures_per_s);
}

static inline void see_epoch(void *ctx, const double row[RACAHI_H_COLUMNS], bool best)
{
    witness *w = ctx;
    (void)best;
    if (w->epochs == 0) w->first_loss = row[RACAHI_H_TRAIN_LOSS];
    w->last_loss = row[RACAHI_H_TRAIN_LOSS];
    if (w->away && w->epochs < 2) {
        const char *here = test_path("sub"), *gone = test_path("gone");
        assert_int_equal(w->epochs == 0 ? rename(here, gone) : rename(gone, here), 0);
    }
    if (w->epochs < 64) w->stage[w->epochs] = row[RACAHI_H_STAGE];
    w->epochs++;
}

static inline void see_errors(void *ctx, const racahi_error_row *rows, size_t n)
{
    witness *w = ctx;
    w->rows = n < 16 ? (int)n : 16;
    memcpy(w->row, rows, (size_t)w->rows * sizeof *rows);
    for (int i = 0; i < w->rows; i++)
        w->row[i].group = w->row[i].set = NULL; /* they live only during the call */
}

static inline bool want_stop(void *ctx)
{
    witness *w = ctx;
    return w->stop_after && w->batches >= w->stop_after;
}

/* Train with the keys of `text`, which come after file and output. */
static inline racah_status train_text(const char *file, const char *out, const char *text, int stop_after,
                                      bool fresh, witness *w, racahi_train_result *result, racah_error *err)
{
    memset(w, 0, sizeof *w);
    w->stop_after = stop_after;
    const racahi_train_callbacks cb = {w, hear, count_batch, see_epoch, see_errors, want_stop};
    const racahi_train_options options = {.fresh = fresh};
    racahi_train_config *cfg = test_config(file, out, text);
    racah_status st = racahi_train(cfg, &cb, &options, result, err);
    racahi_train_config_destroy(cfg);
    return st;
}

/* The same for the small model and the keys of `more`. */
static inline racah_status train(const char *file, const char *out, const char *more, int stop_after,
                                 bool fresh, witness *w, racahi_train_result *result, racah_error *err)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s", small, more);
    return train_text(file, out, text, stop_after, fresh, w, result, err);
}

/* All tensors of two checkpoints bit for bit, but the times. */
static inline void assert_same_checkpoint(const char *a, const char *b)
{
    racah_error err;
    racahi_safetensors *fa = NULL, *fb = NULL;
    RACAH_ASSERT_OK(racahi_safetensors_read(&fa, test_path(a), &err));
    RACAH_ASSERT_OK(racahi_safetensors_read(&fb, test_path(b), &err));
    assert_int_equal(fa->n, fb->n);
    assert_true(fa->n >= 8);
    for (size_t i = 0; i < fa->n; i++) {
        const racahi_tensor *ta = &fa->t[i], *tb = racahi_safetensors_find(fb, ta->name);
        assert_non_null(tb);
        assert_int_equal(ta->count, tb->count);
        if (strcmp(ta->name, "history") == 0)
            for (size_t r = 0; r < ta->shape[0]; r++)
                ((double *)ta->data)[r * RACAHI_H_COLUMNS + RACAHI_H_TIME] =
                    ((double *)tb->data)[r * RACAHI_H_COLUMNS + RACAHI_H_TIME] = 0;
        if (strcmp(ta->name, "values") == 0)
            ((double *)ta->data)[4] = ((double *)tb->data)[4] = 0; /* elapsed */
        if (memcmp(ta->data, tb->data, ta->count * 8) != 0)
            fail_msg("%s differs between %s and %s", ta->name, a, b);
    }
    racahi_safetensors_free(fa);
    racahi_safetensors_free(fb);
}

#endif
