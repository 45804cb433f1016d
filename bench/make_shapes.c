/* SPDX-License-Identifier: MIT
 * make_shapes DIR: the published MACE shapes (ScaleShiftMACE, two layers, l_max 3, correlation 3, radial network
 * 64-64-64) with random weights, for timing: the time of a step does not depend on the weights.
 *   off-small.racah   96x0e         r_max 4.5  H C N O        (MACE-OFF23 small)
 *   off-medium.racah  128x0e+128x1o r_max 5.0  H C N O        (MACE-OFF23 medium)
 *   mp-small.racah    128x0e        r_max 6.0  H O Al Si Cu   density blocks, Agnesi transform, ZBL (MACE-MP-0b)
 * make_shapes DIR NAME CHANNELS L_MAX L_HIDDEN R_MAX: NAME.racah for H C N O, otherwise as off-small. */
#include "../src/model/model.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct shape {
    const char *name;
    int channels, l_max, l_hidden, nbessel;
    double r_max, neighbours;
    int nelem, Z[5];
    bool mp;
} shape;

static const shape shapes[] = {{"off-small", 96, 3, 0, 8, 4.5, 41, 4, {1, 6, 7, 8}, false},
                               {"off-medium", 128, 3, 1, 8, 5.0, 54, 4, {1, 6, 7, 8}, false},
                               {"mp-small", 128, 3, 0, 10, 6.0, 44, 5, {1, 8, 13, 14, 29}, true}};

/* What MACE-MP-0b has beyond the -OFF models; radii as in the golden c_mp_small. */
static void mp_options(racahi_config *cfg)
{
    static const double zbl[4] = {0.1818, 0.5099, 0.2802, 0.02817}, radius[5] = {0.31, 0.66, 1.21, 1.11, 1.32};
    for (int e = 0; e < cfg->nelem; e++) cfg->radius[e] = radius[e];
    for (int t = 0; t < cfg->layers; t++) cfg->density[t] = true, cfg->lambda[t] = 1;
    cfg->ndensity = 1, cfg->density_mlp[0] = 64;
    cfg->zbl = true, cfg->zbl_p = 6, cfg->zbl_a_exp = 0.3, cfg->zbl_a_prefactor = 0.4543;
    for (int k = 0; k < 4; k++) cfg->zbl_c[k] = zbl[k];
    cfg->transform = RACAHI_TRANSFORM_AGNESI;
    cfg->transform_param[0] = 0.9183, cfg->transform_param[1] = 4.5791, cfg->transform_param[2] = 1.0805;
}

static racah_status write_shape(const shape *s, const char *folder, racah_error *err)
{
    char path[4096];
    racah_model *m = NULL;
    racahi_config cfg = {.nelem = s->nelem, .layers = 2, .channels = s->channels, .l_max = s->l_max,
                         .l_hidden = s->l_hidden, .correlation = 3, .weights = RACAHI_W_PATH,
                         .family = RACAHI_FAMILY_COMPONENT, .r_max = s->r_max, .nbessel = s->nbessel, .cutoff_p = 5, .nmlp = 3, .mlp = {64, 64, 64},
                         .readout_width = 16};
    for (int e = 0; e < s->nelem; e++) cfg.Z[e] = s->Z[e];
    for (int t = 0; t < cfg.layers; t++) cfg.lambda[t] = s->neighbours;
    cfg.element_mix[0] = cfg.no_skip[0] = true; /* RealAgnosticInteractionBlock, not residual */
    if (s->mp) mp_options(&cfg);
    snprintf(path, sizeof path, "%s/%s.racah", folder, s->name);
    RACAHI_TRY(racahi_model_create(&m, &cfg, err));
    racahi_model_init(m, 1);
    const racah_status status = racahi_model_save(m, path, err);
    racah_model_destroy(m);
    return status;
}

int main(int argc, char **argv)
{
    racah_error err = {0};
    const shape *list = shapes;
    size_t count = sizeof shapes / sizeof shapes[0];
    shape own = shapes[0];
    if (argc == 7) {
        own.name = argv[2], own.channels = atoi(argv[3]), own.l_max = atoi(argv[4]), own.l_hidden = atoi(argv[5]);
        own.r_max = atof(argv[6]);
        list = &own, count = 1;
    } else if (argc != 2) {
        fprintf(stderr, "usage: make_shapes FOLDER [NAME CHANNELS L_MAX L_HIDDEN R_MAX]\n");
        return 2;
    }
    for (size_t k = 0; k < count; k++)
        if (write_shape(&list[k], argv[1], &err) != RACAH_OK) {
            fprintf(stderr, "make_shapes: %s\n", err.msg);
            return 1;
        }
    return 0;
}
