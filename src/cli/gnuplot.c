/* SPDX-License-Identifier: MIT
 * Pictures through a pipe to gnuplot. */
#include "gnuplot.h"
#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

void cli_gnuplot_quoted(FILE *to, const char *text)
{
    fputc('\'', to);
    for (const char *p = text; *p; p++) {
        if (*p == '\'') fputc('\'', to);
        fputc(*p == '\n' || *p == '\r' ? ' ' : *p, to);
    }
    fputc('\'', to);
}

int cli_gnuplot(const char *svg, int width, int height, cli_draw_fn draw, const void *ctx)
{
    if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
        cli_message("%s: no picture, because gnuplot is not installed (package gnuplot-nox)", svg);
        return CLI_OK;
    }
    FILE *probe = fopen(svg, "w");
    if (!probe || fclose(probe) != 0) {
        cli_message("%s: cannot be written", svg);
        return CLI_BAD_FILE;
    }
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    FILE *to = popen("gnuplot", "w");
    int rc = -1;
    if (to) {
        fprintf(to, "set terminal svg size %d,%d enhanced background rgb 'white'\nset output ", width, height);
        cli_gnuplot_quoted(to, svg);
        fputc('\n', to);
        draw(to, ctx);
        rc = pclose(to);
    }
    signal(SIGPIPE, before);
    if (rc == -1 || !WIFEXITED(rc) || WEXITSTATUS(rc) != 0) {
        cli_message("%s: gnuplot failed", svg);
        return CLI_BAD_FILE;
    }
    return CLI_OK;
}
