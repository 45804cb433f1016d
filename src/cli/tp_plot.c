/* SPDX-License-Identifier: MIT
 * Picture of `racah tp`: time against L, an SVG drawn by gnuplot over a pipe. */
#include "gnuplot.h"
#include "tp_rows.h"

/* A block of "L, time in ns, time for each path" per algorithm; true if it has points. */
static bool block(FILE *to, const cli_tp_rows *t, int which, int backward)
{
    bool any = false;
    fprintf(to, "$c%d_%d << EOD\n", which, backward);
    for (size_t i = 0; i < t->n; i++) {
        const cli_tp_row *r = &t->row[i];
        if (r->which != which || r->missing || !(r->time[backward][0] > 0)) continue;
        fprintf(to, "%d %.6g %.6g\n", r->L, 1e9 * r->time[backward][0],
                1e9 * r->time[backward][0] / (double)r->measure.interactability);
        any = true;
    }
    fputs("EOD\n", to);
    return any;
}

static void panel(FILE *to, bool have[CLI_TP_NCASES][2], int backward, int column, const char *title)
{
    fprintf(to, "set title '%s'\nplot", title);
    const char *sep = " ";
    for (int c = 0; c < CLI_TP_NCASES; c++) {
        if (!have[c][backward]) continue;
        fprintf(to, "%s$c%d_%d using 1:%d with linespoints pt %d title '%s'", sep, c, backward, column, c + 1,
                cli_tp_cases[c].name);
        sep = ", ";
    }
    fputc('\n', to);
}

static void draw(FILE *to, const void *ctx)
{
    const cli_tp_rows *t = ctx;
    bool have[CLI_TP_NCASES][2], any = false;
    for (int c = 0; c < CLI_TP_NCASES; c++)
        for (int b = 0; b < 2; b++) any = (have[c][b] = block(to, t, c, b)) || any;
    fputs("set multiplot layout 1,3\nset logscale y\nset grid\nset key top left\nset xlabel 'L'\n"
          "set ylabel 'ns per sample and channel, double'\nset xtics 1\n",
          to);
    if (any) {
        panel(to, have, 0, 2, "forward");
        panel(to, have, 1, 2, "backward");
        fputs("set ylabel 'ns per sample, channel and path'\n", to);
        panel(to, have, 0, 3, "forward, for each path");
    }
    fputs("unset multiplot\n", to);
}

int cli_tp_plot(const char *svg, const cli_tp_rows *t) { return cli_gnuplot(svg, 1100, 480, draw, t); }
