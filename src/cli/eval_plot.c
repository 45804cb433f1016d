/* SPDX-License-Identifier: MIT
 * Parity picture of an evaluation: an SVG drawn by gnuplot over a pipe. */
#include "eval_stats.h"
#include "gnuplot.h"

#include <stdlib.h>
#include <string.h>

/* More points make the file large and the picture no better: every k-th component is drawn. */
#define MAX_POINTS 20000

static size_t write_energies(FILE *to, const racahi_frames *frames, const eval_result *results)
{
    size_t n = 0;
    fputs("$energy << EOD\n", to);
    for (size_t i = 0; i < frames->n; i++) {
        const racahi_frame *f = &frames->f[i];
        if (!f->has_energy || f->n == 0) continue;
        fprintf(to, "%.9g %.9g\n", f->energy / (double)f->n, results[i].energy / (double)f->n);
        n++;
    }
    fputs("EOD\n", to);
    return n;
}

static size_t write_forces(FILE *to, const racahi_frames *frames, const eval_result *results)
{
    size_t total = 0, seen = 0, n = 0;
    for (size_t i = 0; i < frames->n; i++)
        if (frames->f[i].forces) total += 3 * frames->f[i].n;
    size_t step = total / MAX_POINTS + 1;
    fputs("$forces << EOD\n", to);
    for (size_t i = 0; i < frames->n; i++) {
        const racahi_frame *f = &frames->f[i];
        for (size_t x = 0; f->forces && x < 3 * f->n; x++) {
            if (seen++ % step) continue;
            fprintf(to, "%.6g %.6g\n", f->forces[x], results[i].forces[x]);
            n++;
        }
    }
    fputs("EOD\n", to);
    return n;
}

static void panel(FILE *to, const char *block, const char *what, const char *unit, size_t points)
{
    if (points == 0) {
        fprintf(to, "set title 'no %s labels'; set xrange [0:1]; set yrange [0:1]; plot x notitle\n", what);
        return;
    }
    fprintf(to,
            "set title '%s'; set xlabel 'label (%s)'; set ylabel 'model (%s)'\n"
            "set autoscale; plot x with lines lc rgb 'gray50' notitle, %s with points pt 7 ps 0.25 "
            "lc rgb '#1f77b4' notitle\n",
            what, unit, unit, block);
}

typedef struct parity {
    const char *title;
    const racahi_frames *frames;
    const eval_result *results;
} parity;

static void draw(FILE *to, const void *ctx)
{
    const parity *p = ctx;
    size_t energies = write_energies(to, p->frames, p->results), forces = write_forces(to, p->frames, p->results);
    fputs("set multiplot layout 1,2 title ", to);
    cli_gnuplot_quoted(to, p->title);
    fputs(" noenhanced\nset grid; set key off; set size square\n", to);
    panel(to, "$energy", "energy", "eV/atom", energies);
    panel(to, "$forces", "forces", "eV/Å", forces);
    fputs("unset multiplot\n", to);
}

int eval_plot(const char *svg, const char *title, const racahi_frames *frames, const eval_result *results)
{
    return cli_gnuplot(svg, 1000, 520, draw, &(parity){title, frames, results});
}
