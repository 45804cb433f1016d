/* SPDX-License-Identifier: MIT
 * racah import: a trained MACE model, as src/mace_export.py dumps it, becomes a Racah model; a Racah model of an older
 * format becomes one of today's. */
#include "cli.h"

#include "../import/import.h"

#include <string.h>

static void summary(const racah_model *m, const char *from, const char *to, bool ours)
{
    const racahi_config *c = &m->cfg;
    static const char *const basis[] = {"Bessel", "Gaussian", "Chebyshev"}, *const transform[] = {
                                                                                "", ", Agnesi", ", soft"};
    printf("%s -> %s\nelements       ", from, to);
    for (int e = 0; e < c->nelem; e++) printf(" %s", racah_element_symbol(c->Z[e]));
    printf("\nlayers          %d, %d channels, l_max %d, l_hidden %d, correlation %d, r_max %g A\n",
           c->layers, c->channels, c->l_max, c->l_hidden, c->correlation, c->r_max);
    printf("radial          %d %s functions%s%s\n", c->nbessel, basis[c->basis], transform[c->transform],
           c->zbl ? "; ZBL repulsion" : "");
    for (int t = 0; t < c->layers; t++) {
        printf("layer %d         %s%s, neighbour sums divided by ", t,
               c->no_skip[t] ? "no skip connection" : "residual",
               c->element_mix[t] ? ", mixing by element" : "");
        if (c->density[t])
            printf("a density\n");
        else
            printf("%g\n", c->lambda[t]);
    }
    printf("parameters      %zu%s\n", racah_model_nparameters(m),
           ours ? "" : "; every one of the checkpoint was used");
}

int racahi_cmd_import(int argc, char **argv)
{
    const char *out = NULL, *head = NULL;
    const cli_option options[] = {
        {"-o", CLI_STRING, &out, .metavar = "M.racah", .help = "model file to write (needed)"},
        {"--head", CLI_STRING, &head, .metavar = "NAME", .help = "head of a model with several heads"},
        {0}};
    const cli_syntax syntax = {
        "racah import NAME.mace.safetensors|OLD.racah -o M.racah [--head NAME]",
        "Make a Racah model of a trained MACE model. The dump comes from a machine with torch and mace:\n"
        "    python mace_export.py NAME.model          (src/mace_export.py; writes NAME.mace.safetensors)\n"
        "Energies, forces and stress are MACE's to rounding error. What is not supported is named.\n"
        "A Racah model (*.racah) is written again in the present file format, with the same numbers.\n",
        options, 1, 1};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    if (rc >= 0) return rc;
    if (!out) return cli_usage("-o is missing; usage: %s", syntax.usage);
    racah_error err;
    racah_model *m = NULL;
    const char *from = positional[0], *end = strrchr(from, '.');
    const bool ours = end && strcmp(end, ".racah") == 0;
    if (ours && head) return cli_usage("--head: a Racah model has no heads");
    racah_status st = ours ? racah_model_load(&m, from, &err) : racahi_import_mace(&m, from, head, &err);
    if (st == RACAH_OK) st = racahi_model_save(m, out, &err);
    if (st == RACAH_OK) summary(m, from, out, ours);
    racah_model_destroy(m);
    return st == RACAH_OK ? CLI_OK : cli_error(st, &err);
}
