/* SPDX-License-Identifier: MIT
 * Pictures through a pipe to gnuplot, for every command that draws one. */
#ifndef RACAH_CLI_GNUPLOT_H
#define RACAH_CLI_GNUPLOT_H

#include <stdio.h>

/* Writes gnuplot commands (after terminal and output have been set). */
typedef void (*cli_draw_fn)(FILE *to, const void *ctx);

/* Draw an SVG of the given size in points. Returns an exit code; without gnuplot CLI_OK after a message, since a
 * picture is never what a result depends on. An output that cannot be written is found before drawing, because
 * gnuplot itself only warns. */
int cli_gnuplot(const char *svg, int width, int height, cli_draw_fn draw, const void *ctx);

/* A string in gnuplot's single quotes, where '' stands for one quote; line breaks would end the command. */
void cli_gnuplot_quoted(FILE *to, const char *text);

#endif
