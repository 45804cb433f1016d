/* SPDX-License-Identifier: MIT
 * Whole models with random weights: one molecular-dynamics step (energy and forces) of a distorted diamond
 * lattice, by shape of the model, instruction set and precision. Trained models: racah bench model. */
#include "bench.h"

#include "../src/cli/box.h"
#include "../src/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shape {
    const char *name;
    int layers, channels, l_max, l_hidden, correlation;
    racahi_weights_kind weights;
} shape;

static const shape shapes[] = {
    {"T=1 C=32 l=2", 1, 32, 2, 0, 2, RACAHI_W_PATH},
    {"T=2 C=32 l=3 L=0", 2, 32, 3, 0, 3, RACAHI_W_PATH},
    {"T=2 C=64 l=3 L=1", 2, 64, 3, 1, 3, RACAHI_W_PATH},
    {"T=2 C=64 l=3 L=1 degree", 2, 64, 3, 1, 3, RACAHI_W_DEGREE},
    {"T=2 C=128 l=3 L=2", 2, 128, 3, 2, 3, RACAHI_W_PATH},
};

/* 4 x 4 x 4 cells of eight atoms, moved by up to 0.1 A. */
static void diamond(cli_box *box, racah_error *err)
{
    static const double base[8][3] = {{0, 0, 0},       {0, .5, .5},     {.5, 0, .5},     {.5, .5, 0},
                                      {.25, .25, .25}, {.25, .75, .75}, {.75, .25, .75}, {.75, .75, .25}};
    static const int periodic[3] = {1, 1, 1};
    enum { CELLS = 4, N = 8 * CELLS * CELLS * CELLS };
    double a = 5.46, pos[3 * N], cell[9] = {CELLS * a, 0, 0, 0, CELLS * a, 0, 0, 0, CELLS * a};
    int Z[N];
    uint64_t seed = 6;
    bench_fill_f64(&seed, pos, 3 * N);
    for (int i = 0; i < N; i++) {
        const int place[3] = {i / 8 % CELLS, i / 8 / CELLS % CELLS, i / 8 / CELLS / CELLS};
        Z[i] = 14;
        for (int x = 0; x < 3; x++) pos[3 * i + x] = 0.1 * pos[3 * i + x] + a * (place[x] + base[i % 8][x]);
    }
    bench_must(cli_box_create(box, N, pos, Z, cell, periodic, err), err);
}

static racah_model *make_model(const shape *s, racah_error *err)
{
    racahi_config cfg = {.nelem = 1,
                         .Z = {14},
                         .layers = s->layers,
                         .channels = s->channels,
                         .l_max = s->l_max,
                         .l_hidden = s->l_hidden,
                         .correlation = s->correlation,
                         .weights = s->weights,
                         .r_max = 5,
                         .nbessel = 8,
                         .cutoff_p = 5,
                         .nmlp = 2,
                         .mlp = {64, 64},
                         .readout_width = 16};
    for (int t = 0; t < s->layers; t++) cfg.lambda[t] = 28;
    racah_model *m = NULL;
    bench_must(racahi_model_create(&m, &cfg, err), err);
    racahi_model_init(m, 1);
    return m;
}

typedef struct step_case {
    racah_calc *calc;
    cli_local *local;
    double energy, *forces;
    racah_status status;
} step_case;

static void step(void *ctx)
{
    step_case *c = ctx;
    racah_error err;
    racah_local s = cli_local_inputs(c->local, c->calc);
    s.interaction_energy = &c->energy;
    s.forces = c->forces;
    memset(c->forces, 0, 3 * (c->local->nlocal + c->local->nghost) * sizeof *c->forces);
    racah_status status = racah_compute_local(c->calc, &s, &err);
    if (status != RACAH_OK) c->status = status;
}

/* The reference: baseline kernels, double, radial MLP instead of its table, no ghosts. */
static void reference(const racah_model *m, const cli_box *box, double *energy, double *forces)
{
    racah_error err;
    racah_calc *calc = NULL;
    racah_calc_options options = {
        .size = sizeof options, .radial = RACAH_RADIAL_EXACT, .isa = RACAH_ISA_BASELINE};
    racah_structure s = cli_box_structure(box);
    s.interaction_energy = energy;
    s.forces = forces;
    bench_must(racah_calc_create(&calc, m, &options, &err), &err);
    bench_must(racah_compute(calc, &s, &err), &err);
    racah_calc_destroy(calc);
}

static void bench_shape(bench *b, const shape *s, const cli_box *box)
{
    racah_error err;
    racah_model *m = make_model(s, &err);
    cli_local local;
    bench_must(cli_local_create(&local, box, m, 0, &err), &err);
    size_t all = local.nlocal + local.nghost;
    double energy, *ref = racahi_calloc(all, 3 * sizeof *ref);
    step_case c = {.local = &local, .forces = racahi_calloc(all, 3 * sizeof(double))};
    if (!ref || !c.forces) bench_must(racahi_fail(&err, RACAH_ENOMEM, "forces do not fit in memory"), &err);
    reference(m, box, &energy, ref);
    double neighbours = (double)local.nedge / (double)box->n;
    for (int isa = 0; isa <= (int)racahi_cpu_best(); isa++)
        for (int single = 0; single < 2; single++) {
            racah_calc_options options = {.size = sizeof options,
                                          .precision = (racah_precision)single,
                                          .isa = (racah_isa)(isa + 1)}; /* after AUTO the two enums agree */
            bench_must(racah_calc_create(&c.calc, m, &options, &err), &err);
            bench_subject t = {.name = "model",
                               .params = s->name,
                               .isa = (racahi_isa)isa,
                               .single = single,
                               .run = step,
                               .ctx = &c,
                               .items = (double)box->n,
                               .item = "atom and step",
                               .flops = racah_calc_flops_per_atom(c.calc, neighbours) * (double)box->n,
                               .allowed = single ? 1e-4 : 1e-7};
            t.whole_cpu = true;
            c.status = RACAH_OK;
            step(&c);
            cli_local_fold(&local, c.forces, 3);
            t.max_err = bench_error_f64(c.forces, ref, 3 * box->n);
            double off = fabs(c.energy - energy) / fmax(fabs(energy), 1e-3);
            if (!(off <= t.max_err)) t.max_err = off;
            if (c.status != RACAH_OK) t.max_err = NAN;
            bench_subject_run(b, &t);
            racah_calc_destroy(c.calc);
        }
    racahi_free(ref);
    racahi_free(c.forces);
    cli_local_free(&local);
    racah_model_destroy(m);
}

int main(int argc, char **argv)
{
    bench b;
    racah_error err;
    cli_box box;
    int rc = bench_begin(&b, argc, argv);
    if (rc >= 0) return rc;
    diamond(&box, &err);
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++)
        if (bench_wanted(&b, shapes[k].name)) bench_shape(&b, &shapes[k], &box);
    cli_box_free(&box);
    return bench_end(&b);
}
