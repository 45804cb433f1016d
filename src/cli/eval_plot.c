/* SPDX-License-Identifier: MIT
 * Parity picture of an evaluation: an SVG drawn by gnuplot over a pipe. */
#include "eval_stats.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* More points make the file large and the picture no better: every k-th component is drawn. */
#define MAX_POINTS 20000

/* A string in gnuplot's single quotes, where '' stands for one quote; line breaks would end the command. */
static void quoted(FILE *to, const char *text)
{
    fputc('\'', to);
    for (const char *p = text; *p; p++) {
        if (*p == '\'') fputc('\'', to);
        fputc(*p == '\n' || *p == '\r' ? ' ' : *p, to);
    }
    fputc('\'', to);
}

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

static bool have_gnuplot(void) { return system("command -v gnuplot >/dev/null 2>&1") == 0; }

int eval_plot(const char *svg, const char *title, const racahi_frames *frames, const eval_result *results)
{
    if (!have_gnuplot()) {
        cli_message("%s: no picture, because gnuplot is not installed (package gnuplot-nox)", svg);
        return CLI_OK;
    }
    /* gnuplot only warns when it cannot open its output: find out before. */
    FILE *probe = fopen(svg, "w");
    if (!probe || fclose(probe) != 0) {
        cli_message("%s: cannot be written", svg);
        return CLI_BAD_FILE;
    }
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    FILE *to = popen("gnuplot", "w");
    int rc = -1;
    if (to) {
        size_t energies = write_energies(to, frames, results), forces = write_forces(to, frames, results);
        fputs("set terminal svg size 1000,520 enhanced background rgb 'white'\nset output ", to);
        quoted(to, svg);
        fputs("\nset multiplot layout 1,2 title ", to);
        quoted(to, title);
        fputs(" noenhanced\nset grid; set key off; set size square\n", to);
        panel(to, "$energy", "energy", "eV/atom", energies);
        panel(to, "$forces", "forces", "eV/Å", forces);
        fputs("unset multiplot\n", to);
        rc = pclose(to);
    }
    signal(SIGPIPE, before);
    if (rc == -1 || !WIFEXITED(rc) || WEXITSTATUS(rc) != 0) {
        cli_message("%s: gnuplot failed", svg);
        return CLI_BAD_FILE;
    }
    return CLI_OK;
}
