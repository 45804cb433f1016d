/* SPDX-License-Identifier: MIT
 * Write a model with random weights for the LAMMPS tests:
 *   make_model OUT.racah SEED LAYERS L_HIDDEN CHANNELS [+options | +guard | +huge] ELEMENT...
 * +options: all that imported models may have (element-dependent mixing, no residual in the first layer, density
 * normalisation, ZBL). +guard: no atoms of the training data were nearer than 1.5 A. +huge: radial functions that
 * overflow in single precision. */
#include "../../src/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_options(racahi_config *cfg)
{
    static const double zbl[4] = {0.1818, 0.5099, 0.2802, 0.02817};
    for (int e = 0; e < RACAHI_MAX_ELEMENTS; e++) cfg->radius[e] = 1.4 + 0.1 * (e % 3);
    for (int t = 0; t < cfg->layers; t++) cfg->element_mix[t] = cfg->density[t] = true, cfg->lambda[t] = 1;
    cfg->no_skip[0] = true;
    cfg->ndensity = 1;
    cfg->density_mlp[0] = 8;
    cfg->zbl = true;
    cfg->zbl_p = 6, cfg->zbl_a_exp = 0.3, cfg->zbl_a_prefactor = 0.4543;
    for (int k = 0; k < 4; k++) cfg->zbl_c[k] = zbl[k];
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fprintf(stderr, "use: make_model OUT.racah SEED LAYERS L_HIDDEN CHANNELS [+options|+guard|+huge] ELEMENT... (ascending)\n");
        return 2;
    }
    racahi_config cfg = {0};
    cfg.layers = atoi(argv[3]);
    cfg.l_hidden = atoi(argv[4]);
    cfg.channels = atoi(argv[5]);
    cfg.l_max = 2;
    cfg.correlation = 3;
    cfg.weights = RACAHI_W_PATH;
    cfg.family = RACAHI_FAMILY_COMPONENT;
    cfg.r_max = 4.2;
    cfg.nbessel = 6;
    cfg.cutoff_p = 5;
    cfg.nmlp = 2;
    cfg.mlp[0] = cfg.mlp[1] = 16;
    cfg.readout_width = 16;
    for (int t = 0; t < cfg.layers; t++) cfg.lambda[t] = 8;
    const char *word = argv[6][0] == '+' ? argv[6] : "";
    if (!strcmp(word, "+options")) set_options(&cfg);
    for (int k = *word ? 7 : 6; k < argc; k++) cfg.Z[cfg.nelem++] = racah_element_number(argv[k]);

    racah_error err = {0};
    racah_model *m = NULL;
    racah_status status = racahi_model_create(&m, &cfg, &err);
    if (status == RACAH_OK) {
        racahi_model_init(m, (uint64_t)strtoull(argv[2], NULL, 10));
        for (int e = 0; e < cfg.nelem; e++) m->E0[e] = -100.0 - 7.25 * e, m->scale[e] = 20 + 5 * e;
        if (!strcmp(word, "+guard")) m->training = racahi_strdup("{\"shortest_distance\": 1.5}");
        const racahi_param *p = racahi_model_param(m, "layer0.radial.2");
        for (size_t k = 0; !strcmp(word, "+huge") && k < p->b * p->r * p->c; k++) m->theta[p->offset + k] *= 1e20;
        status = racahi_model_save(m, argv[1], &err);
    }
    racah_model_destroy(m);
    if (status != RACAH_OK) fprintf(stderr, "make_model: %s\n", err.msg);
    return status == RACAH_OK ? 0 : 1;
}
