/* SPDX-License-Identifier: MIT
 * racah info: what a model file contains. */
#include "cli.h"

#include "../model/model.h"
#include "../neigh/neigh.h"

#include <stdlib.h>
#include <string.h>

/* Bytes and operations depend on the surroundings: these are for a usual dense phase. */
#define INFO_GHOSTS_PER_ATOM 0.0

static const char *const weight_names[] = {"path", "degree", "shared"};

static const char *weights_name(const racahi_config *c)
{
    size_t k = (size_t)c->weights;
    return k < sizeof weight_names / sizeof weight_names[0] ? weight_names[k] : "unknown";
}

/* Mean number of neighbours of the stored structures; 50 where there are none. */
static double neighbours(const racah_model *m)
{
    racahi_edges edges = {0};
    racah_error err;
    size_t atoms = 0, count = 0;
    for (size_t i = 0; i < m->nref; i++) {
        const racahi_reference *r = &m->ref[i];
        if (racahi_neigh_build(&edges, r->n, r->pos, r->has_cell ? r->cell : NULL, r->pbc, m->cfg.r_max,
                               &err) != RACAH_OK)
            continue;
        atoms += r->n;
        count += edges.nedge;
    }
    racahi_edges_free(&edges);
    return atoms ? (double)count / (double)atoms : 50.0;
}

static json_t *elements_json(const racah_model *m)
{
    json_t *list = json_array();
    for (int e = 0; e < m->cfg.nelem; e++) {
        json_t *o = json_object();
        json_object_set_new(o, "symbol", json_string(racahi_element_symbol(m->cfg.Z[e])));
        json_object_set_new(o, "Z", json_integer(m->cfg.Z[e]));
        json_object_set_new(o, "E0", cli_number(m->E0[e]));
        json_object_set_new(o, "scale", cli_number(m->scale[e]));
        json_object_set_new(o, "shift", cli_number(m->shift[e]));
        json_array_append_new(list, o);
    }
    return list;
}

/* As it stands in the file. */
static json_t *architecture_json(const racahi_config *c)
{
    char *text = racahi_config_to_json(c);
    json_t *o = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return o ? o : json_null();
}

static json_t *tensors_json(const racah_model *m)
{
    json_t *list = json_array();
    for (size_t i = 0; i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        json_t *o = json_object();
        json_object_set_new(o, "name", json_string(p->name));
        json_object_set_new(o, "shape",
                            json_pack("[I,I,I]", (json_int_t)p->b, (json_int_t)p->r, (json_int_t)p->c));
        json_object_set_new(o, "count", json_integer((json_int_t)(p->b * p->r * p->c)));
        json_array_append_new(list, o);
    }
    return list;
}

/* The training summary is JSON text; anything else is shown as a string. */
static json_t *training_json(const racah_model *m)
{
    if (!m->training) return json_null();
    json_t *o = json_loads(m->training, JSON_REJECT_DUPLICATES, NULL);
    return o ? o : json_string(m->training);
}

static json_t *cost_json(const racah_calc *calc, double nneigh)
{
    json_t *o = json_object();
    json_object_set_new(o, "neighbors", cli_number(nneigh));
    json_object_set_new(
        o, "bytes_per_atom",
        json_integer((json_int_t)racah_calc_bytes_per_atom(calc, nneigh, INFO_GHOSTS_PER_ATOM)));
    json_object_set_new(o, "fixed_bytes", json_integer((json_int_t)racah_calc_fixed_bytes(calc)));
    json_object_set_new(o, "flops_per_atom", cli_number(racah_calc_flops_per_atom(calc, nneigh)));
    return o;
}

static void print_elements(const racah_model *m)
{
    printf("elements        %d\n", m->cfg.nelem);
    printf("  %-4s %4s %18s %14s %14s\n", "", "Z", "E0 (eV)", "scale (eV)", "shift (eV)");
    for (int e = 0; e < m->cfg.nelem; e++)
        printf("  %-4s %4d %18.8f %14.8f %14.8f\n", racahi_element_symbol(m->cfg.Z[e]), m->cfg.Z[e], m->E0[e],
               m->scale[e], m->shift[e]);
}

static void print_architecture(const racahi_config *c)
{
    printf("layers          %d\nchannels        %d\nl_max           %d (edges)  l_hidden %d\n", c->layers,
           c->channels, c->l_max, c->l_hidden);
    printf("body order      %d (correlation %d)\nweights         %s\ncutoff          %g A for each layer\n",
           c->correlation + 1, c->correlation, weights_name(c), c->r_max);
    static const char *const basis[] = {"Bessel", "Gaussian", "Chebyshev"}, *const of[] = {"r", "Agnesi(r)", "Soft(r)"};
    printf("radial          %d %s functions of %s, polynomial cutoff of power %d, MLP", c->nbessel, basis[c->basis],
           of[c->transform], c->cutoff_p);
    for (int i = 0; i < c->nmlp; i++) printf(" %d", c->mlp[i]);
    printf("\nsums divided by");
    for (int t = 0; t < c->layers; t++) {
        if (c->density[t])
            printf(" a density");
        else
            printf(" %g", c->lambda[t]);
    }
    printf("\n");
}

static void print_info(const racah_model *m, const racah_calc *calc, double nneigh, bool tensors)
{
    printf("file            %s\nsha256          %s\n", m->path ? m->path : "", m->sha256);
    print_elements(m);
    print_architecture(&m->cfg);
    printf("parameters      %zu in %zu tensors\n", racah_model_nparameters(m), m->table.n);
    for (size_t i = 0; tensors && i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        printf("  %-28s %5zu x %5zu x %5zu %10zu\n", p->name, p->b, p->r, p->c, p->b * p->r * p->c);
    }
    printf("references      %zu stored structures\n", m->nref);
    printf("cost            at %.1f neighbours: %zu bytes/atom + %.1f MB fixed, %.3f Mflop/atom for energy "
           "and forces\n",
           nneigh, racah_calc_bytes_per_atom(calc, nneigh, INFO_GHOSTS_PER_ATOM),
           (double)racah_calc_fixed_bytes(calc) / 1e6, racah_calc_flops_per_atom(calc, nneigh) / 1e6);
    json_t *training = training_json(m);
    char *text = json_dumps(training, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(8));
    printf("training        %s\n", m->training && text ? text : "no summary in the file");
    free(text);
    json_decref(training);
}

static int run(const char *path, const char *json, bool tensors)
{
    racah_error err;
    racah_model *m = NULL;
    racah_calc *calc = NULL;
    racah_status status = racah_model_load(&m, path, &err);
    if (status != RACAH_OK) return cli_error(status, &err);
    int rc = cli_calc_create(&calc, m, RACAH_DOUBLE, RACAH_METHOD_AUTO, RACAH_RADIAL_TABLE);
    if (rc == CLI_OK) {
        double nneigh = neighbours(m);
        if (!json || strcmp(json, "-") != 0) print_info(m, calc, nneigh, tensors);
        if (json) {
            json_t *o = json_object();
            json_object_set_new(o, "model", json_string(path));
            json_object_set_new(o, "sha256", json_string(m->sha256));
            json_object_set_new(o, "elements", elements_json(m));
            json_object_set_new(o, "architecture", architecture_json(&m->cfg));
            json_object_set_new(o, "parameters", json_integer((json_int_t)racah_model_nparameters(m)));
            json_object_set_new(o, "tensors", tensors_json(m));
            json_object_set_new(o, "references", json_integer((json_int_t)m->nref));
            json_object_set_new(o, "cost", cost_json(calc, nneigh));
            json_object_set_new(o, "training", training_json(m));
            rc = cli_write_json(json, o);
        }
    }
    racah_calc_destroy(calc);
    racah_model_destroy(m);
    return rc;
}

int racahi_cmd_info(int argc, char **argv)
{
    const char *json = NULL;
    bool tensors = false;
    const cli_option options[] = {
        {"--json", CLI_STRING, &json, .metavar = "F", .help = "the same as JSON; - for standard output"},
        {"--tensors", CLI_FLAG, &tensors, .help = "list every parameter tensor"},
        {0}};
    const cli_syntax syntax = {
        "racah info MODEL [options]",
        "Elements, architecture, parameters, memory and operations for each atom, training.\n", options, 1,
        1};
    const char *positional[8];
    int n, rc = cli_parse(&syntax, argc, argv, positional, &n);
    return rc >= 0 ? rc : run(positional[0], json, tensors);
}
