/* SPDX-License-Identifier: MIT
 * Linear maps of scattered rows against the plain sum, every instruction set and odd sizes. */
#include "support.h"

#include "../../src/linear/rows.h"

#include <float.h>
#include <string.h>

typedef struct shape {
    size_t n, K, xseg, N, yseg;
    bool transposed, add, own; /* own: each segment has a packed matrix of its own, the last one first */
} shape;

/* Rows of x and y lie in reverse order with gaps; segments of a row are `gap` apart. */
static void check(uint64_t *seed, shape s, racahi_isa isa, bool single)
{
    const size_t gap = 16, rows = s.K * s.xseg, columns = s.N * s.yseg;
    const size_t xstep = s.K + gap, ystep = s.N + gap, xrow = s.xseg * xstep, yrow = s.yseg * ystep;
    const double alpha = 0.75;
    double *x = racahi_malloc(s.n * xrow + 1, sizeof *x), *y = racahi_malloc(s.n * yrow + 1, sizeof *y);
    double *W = racahi_malloc(rows * columns, sizeof *W), *packed = racahi_malloc(rows * columns, sizeof *packed);
    float *x32 = racahi_malloc(s.n * xrow + 1, sizeof *x32), *y32 = racahi_malloc(s.n * yrow + 1, sizeof *y32);
    float *W32 = racahi_malloc(rows * columns, sizeof *W32), *p32 = racahi_malloc(rows * columns, sizeof *p32);
    size_t *xat = racahi_malloc(s.n + 1, sizeof *xat), *yat = racahi_malloc(s.n + 1, sizeof *yat);
    double *before = racahi_malloc(s.n * yrow + 1, sizeof *before);
    assert_true(x && y && W && packed && x32 && y32 && W32 && p32 && xat && yat && before);
    for (size_t i = 0; i < s.n * xrow; i++) x32[i] = (float)racah_test_normal(seed), x[i] = x32[i];
    for (size_t i = 0; i < s.n * yrow; i++) y32[i] = (float)racah_test_normal(seed), before[i] = y[i] = y32[i];
    for (size_t i = 0; i < rows * columns; i++) W32[i] = (float)racah_test_normal(seed), W[i] = W32[i];
    for (size_t r = 0; r < s.n; r++) xat[r] = (s.n - 1 - r) * xrow, yat[r] = (s.n - 1 - r) * yrow;
    size_t wseg[3];
    const racahi_rows q = {.n = s.n, .xat = xat, .yat = yat, .K = s.K, .xseg = s.xseg, .xstep = xstep,
                           .N = s.N, .yseg = s.yseg, .ystep = ystep, .wseg = s.own ? wseg : NULL, .alpha = alpha,
                           .add = s.add};
    const size_t ld = s.transposed ? rows : columns, pieces = s.own ? s.xseg : 1;
    for (size_t p = 0; p < pieces; p++) {
        const size_t from = p * s.K * (s.transposed ? 1 : ld), to = (pieces - 1 - p) * s.K * columns;
        wseg[p] = to;
        if (single) racahi_rows_pack_f32(rows / pieces, columns, s.N, W32 + from, ld, s.transposed, p32 + to);
        else racahi_rows_pack_f64(rows / pieces, columns, s.N, W + from, ld, s.transposed, packed + to);
    }
    if (single) {
        racahi_rows_f32(isa, &q, x32, p32, y32);
        for (size_t i = 0; i < s.n * yrow; i++) y[i] = y32[i];
    } else
        racahi_rows_f64(isa, &q, x, packed, y);
    /* a sum of `rows` products of normal numbers: rounding is at most rows eps times their size, about 1 each */
    const double tol = (double)(rows + 4) * (single ? FLT_EPSILON : DBL_EPSILON);
    for (size_t r = 0; r < s.n; r++)
        for (size_t c = 0; c < yrow; c++) {
            const size_t seg = c / ystep, col = c % ystep, at = yat[r] + c;
            double want = before[at];
            if (col < s.N) { /* what lies between the segments stays */
                want = s.add ? want : 0;
                for (size_t k = 0; k < rows; k++) {
                    const size_t o = seg * s.N + col;
                    want += alpha * x[xat[r] + k / s.K * xstep + k % s.K] * (s.transposed ? W[o * ld + k] : W[k * ld + o]);
                }
            }
            RACAH_ASSERT_CLOSE_AT(at, y[at], want, col < s.N ? tol * 4 : 0, 0);
        }
    void *all[] = {x, y, W, packed, x32, y32, W32, p32, xat, yat, before};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) racahi_free(all[i]);
}

static void test_rows_match_the_plain_sum(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const size_t n[] = {0, 1, 2, 3, 5, 6, 7, 13, 32}, wide[] = {16, 32, 48, 64, 80, 96, 128, 144};
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (size_t i = 0; i < sizeof n / sizeof *n; i++)
            for (size_t k = 0; k < sizeof wide / sizeof *wide; k++)
                for (int flags = 0; flags < 20; flags++) /* from 16 on: own, with three segments */
                    check(&seed, (shape){n[i], wide[k], flags & 20 ? 3 : 1, wide[(k * 5 + i) % 8], flags & 8 ? 2 : 1, flags & 1, flags & 2,
                                         flags & 16},
                          (racahi_isa)isa, i % 2 == 0);
}

/* A multiple of 8, not of 16, channels in double. */
static void test_rows_of_eight_channels(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (size_t K = 8; K <= 72; K += 8)
            for (size_t N = 8; N <= 72; N += 8) check(&seed, (shape){9, K, 1, N, 1, false, false, false}, (racahi_isa)isa, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_match_the_plain_sum),
                                       cmocka_unit_test(test_rows_of_eight_channels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
