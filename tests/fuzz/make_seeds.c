/* SPDX-License-Identifier: MIT
 * make_seeds DIR: valid inputs in DIR/<target> to start the fuzz targets from, of the formats as they are now. */
#include "fuzz.h"
#include "fuzz_checkpoint.h"

#include "../../src/model/model.h"

#include <errno.h>
#include <jansson.h>
#include <sys/stat.h>

#define MUST(call) require_ok((call), &err)

static void require_ok(racah_status status, const racah_error *err)
{
    if (status == RACAH_OK) return;
    fprintf(stderr, "make_seeds: %s\n", err->msg);
    exit(1);
}

static const char *in(const char *dir, const char *target, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, target);
    require(mkdir(path, 0777) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/%s/%s", dir, target, name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    require(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- models ------------------------------------------------------------------------------------ */

static void model_seed(const char *dir, const char *name, bool options)
{
    racah_error err;
    racah_model *m;
    racahi_config cfg = {.nelem = 2, .Z = {8, 14}, .layers = 2, .channels = 1, .l_max = 1, .l_hidden = 1, .correlation = 2,
                         .r_max = 3, .nbessel = 2, .cutoff_p = 5, .nmlp = 1, .mlp = {2}, .readout_width = 2,
                         .lambda = {2, 2}};
    if (options) {
        cfg.layers = 1, cfg.l_hidden = 0, cfg.weights = RACAHI_W_SHARED, cfg.family = RACAHI_FAMILY_GAUNT;
        cfg.has_basis_param = true, cfg.basis_param[0] = 1, cfg.basis_param[1] = 2;
        cfg.transform = RACAHI_TRANSFORM_AGNESI;
        cfg.transform_param[0] = 0.9, cfg.transform_param[1] = 4.5, cfg.transform_param[2] = 1;
        cfg.radius[0] = 0.7, cfg.radius[1] = 1.1;
        cfg.zbl = true, cfg.zbl_p = 6, cfg.zbl_a_exp = 0.3, cfg.zbl_a_prefactor = 0.45;
        for (int k = 0; k < 4; k++) cfg.zbl_c[k] = 0.25;
        cfg.element_mix[0] = cfg.no_skip[0] = cfg.density[0] = true;
        cfg.ndensity = 1, cfg.density_mlp[0] = 2;
    }
    MUST(racahi_model_create(&m, &cfg, &err));
    racahi_model_init(m, 1);
    const int Z[2] = {8, 14}, pbc[3] = {1, 1, 1};
    const double pos[6] = {0, 0, 0, 1.5, 1, 0.5}, cell[9] = {3, 0, 0, 0, 3, 0, 0, 0, 3}, zero[9] = {0};
    MUST(racahi_model_add_reference(m, 2, Z, pos, options ? NULL : cell, pbc, -1, zero, zero, &err));
    m->training = racahi_strdup("{}");
    MUST(racahi_model_save(m, in(dir, "model", name), &err));
    MUST(racahi_model_save(m, in(dir, "safetensors", name), &err));
    char *text = racahi_config_to_json(&cfg);
    write_text(in(dir, "config", name), text);
    free(text);
    racah_model_destroy(m);
}

/* ---- training ---------------------------------------------------------------------------------- */

static void checkpoint_seed(const char *dir)
{
    racah_error err;
    racahi_train_config *cfg = fuzz_train_config();
    racahi_train_state s;
    const double theta[FUZZ_PARAMETERS] = {1, 2, 3};
    MUST(racahi_state_create(&s, cfg, FUZZ_PARAMETERS, theta, &err));
    s.epoch = 2, s.batch = 1, s.structures = 4, s.kept_epoch = 1, s.best_measure = 0.5, s.since_best = 1;
    MUST(racahi_reserve((void **)&s.history, &s.cap, 2, RACAHI_H_COLUMNS * sizeof(double), "history", &err));
    memset(s.history, 0, 2 * RACAHI_H_COLUMNS * sizeof(double));
    s.nrow = 2;
    MUST(racahi_state_save(&s, cfg, FUZZ_DATA, in(dir, "checkpoint", "two_epochs"), &err));
    racahi_state_free(&s);
    racahi_train_config_destroy(cfg);
    char *text = racahi_train_config_template();
    require(text != NULL);
    write_text(in(dir, "yaml", "template"), text);
    racahi_free(text);
}

/* ---- a MACE checkpoint: two elements, two layers, one channel, degrees up to 1, correlation 2 ------------- */

typedef struct dump {
    racahi_st_writer *w;
    json_t *modules;
    bool single, mixing; /* float32; first layer with mixing by element and density */
} dump;

static void tensor(dump *d, const char *name, const double *x, int ndim, const size_t *shape)
{
    static union {
        double x[4096];
        float f[8192];
    } kept; /* the writer copies nothing */
    static size_t used;
    racah_error err;
    size_t n = 1;
    for (int k = 0; k < ndim; k++) n *= shape[k];
    require(used + n <= 4096);
    double *to = kept.x + used;
    for (size_t i = 0; i < n; i++) {
        const double v = x ? x[i] : 0.5 - 0.25 * (double)(i % 4);
        if (d->single)
            ((float *)to)[i] = (float)v;
        else
            to[i] = v;
    }
    used += n;
    MUST(racahi_st_writer_tensor(d->w, name, d->single ? RACAHI_F32 : RACAHI_F64, ndim, shape, to, &err));
}

static void number(dump *d, const char *name, double x) { tensor(d, name, &x, 0, NULL); }

static void sized(dump *d, const char *name, int ndim, size_t a, size_t b, size_t c)
{
    tensor(d, name, NULL, ndim, (const size_t[]){a, b, c});
}

/* e3nn's Linear, or (second != NULL) its product with the one-hot elements; `links` = "00 11": input, output. */
static void linear(dump *d, const char *name, const char *from, const char *second, const char *to, const char *links,
                   size_t weights)
{
    char weight[80];
    json_t *list = json_array();
    for (const char *s = links; *s; s += s[2] ? 3 : 2) {
        json_t *o = json_pack("{s:i, s:i, s:f}", second ? "i_in1" : "i_in", s[0] - '0', "i_out", s[1] - '0',
                              "path_weight", 0.5);
        if (second) json_object_set_new(o, "i_in2", json_integer(0));
        json_array_append_new(list, o);
    }
    json_t *m = json_pack("{s:s, s:s, s:o}", second ? "irreps_in1" : "irreps_in", from, "irreps_out", to,
                          "instructions", list);
    if (second) json_object_set_new(m, "irreps_in2", json_string(second));
    json_object_set_new(d->modules, name, m);
    snprintf(weight, sizeof weight, "%s.weight", name);
    sized(d, weight, 1, weights, 0, 0);
}

static void mlp(dump *d, const char *net, size_t in, size_t width, size_t out)
{
    char name[80];
    for (int k = 0; k < 2; k++) {
        const size_t a = k ? width : in, b = k ? out : width;
        snprintf(name, sizeof name, "%s.layer%d", net, k);
        json_t *m = json_pack("{s:f, s:f, s:f, s:f, s:s}", "h_in", (double)a, "h_out", (double)b, "var_in", 1.0,
                              "var_out", 1.0, "act", k ? "" : "silu");
        json_object_set_new(m, "act_cst", k ? json_null() : json_real(1.6791767923989418));
        json_object_set_new(d->modules, name, m);
        snprintf(name, sizeof name, "%s.layer%d.weight", net, k);
        sized(d, name, 2, a, b, 0);
    }
}

/* U of degree L and order 1 or 2 over (1, 3) components: A_m; or A_0 A_0, A.A and A_0 A_m. */
static void contraction(dump *d, int t, int L)
{
    char name[96];
    const size_t nm = 2 * (size_t)L + 1, np = L ? 1 : 2;
    double U1[12] = {0}, U2[48] = {0};
    for (size_t m = 0; m < nm; m++) U1[m * 4 + (size_t)L + m] = 1;
    if (L == 0) {
        U2[0] = 1;
        for (size_t k = 1; k < 4; k++) U2[(k * 4 + k) * 2 + 1] = 1;
    }
    for (size_t m = 0; L && m < 3; m++) U2[m * 16 + m + 1] = U2[m * 16 + 4 * (m + 1)] = 1;
    const int base = snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d.", t, L);
#define NAMED(what) (snprintf(name + base, sizeof name - (size_t)base, "%s", what), name)
    tensor(d, NAMED("U_matrix_1"), U1, L ? 3 : 2, L ? (const size_t[]){3, 4, 1} : (const size_t[]){4, 1});
    tensor(d, NAMED("U_matrix_2"), U2, L ? 4 : 3, L ? (const size_t[]){3, 4, 4, 1} : (const size_t[]){4, 4, 2});
    sized(d, NAMED("weights_max"), 3, 2, np, 1);
    sized(d, NAMED("weights.0"), 3, 2, 1, 1);
#undef NAMED
}

static void layer(dump *d, int t)
{
    char name[64];
    const char *in = t ? "1x0e+1x1o" : "1x0e", *both = "1x0e+1x1o", *conv = t ? "1x0e+1x0e+1x1o+1x1o" : both;
    static const int path[2][4][3] = {{{0, 0, 0}, {0, 1, 1}}, {{0, 0, 0}, {1, 1, 1}, {0, 1, 2}, {1, 0, 3}}};
    const bool mixing = d->mixing && t == 0;
#define NAMED(what) (snprintf(name, sizeof name, "interactions.%d.%s", t, what), name)
    linear(d, NAMED("linear_up"), in, NULL, in, t ? "00 11" : "00", t ? 2 : 1);
    json_t *list = json_array();
    for (int p = 0; p < (t ? 4 : 2); p++)
        json_array_append_new(list, json_pack("{s:i, s:i, s:i, s:s, s:b, s:f}", "i_in1", path[t][p][0], "i_in2",
                                              path[t][p][1], "i_out", path[t][p][2], "connection_mode", "uvu",
                                              "has_weight", 1, "path_weight", 1.0));
    json_object_set_new(d->modules, NAMED("conv_tp"),
                        json_pack("{s:s, s:s, s:s, s:o}", "irreps_in1", in, "irreps_in2", both, "irreps_out", conv,
                                  "instructions", list));
    mlp(d, NAMED("conv_tp_weights"), 2, 2, t ? 4 : 2);
    if (mixing) mlp(d, NAMED("density_fn"), 2, 2, 1);
    linear(d, NAMED("linear"), conv, NULL, both, t ? "00 10 21 31" : "00 11", t ? 4 : 2);
    linear(d, NAMED("skip_tp"), mixing ? both : in, "2x0e", t ? "1x0e" : both, mixing ? "00 11" : "00", mixing ? 4 : 2);
#undef NAMED
    for (int L = 0; L <= 1 - t; L++) contraction(d, t, L);
    snprintf(name, sizeof name, "products.%d.linear", t);
    linear(d, name, t ? "1x0e" : both, NULL, t ? "1x0e" : both, t ? "00" : "00 11", t ? 1 : 2);
}

static json_t *head_of(bool mixing)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[{s:s, s:f}, {s:s, s:f}], s:[{s:s}, {s:s}], s:[{s:s}, {s:s}], s:[]}",
                     "class", "ScaleShiftMACE", "radial_basis", "BesselBasis", "distance_transform",
                     mixing ? "AgnesiTransform" : "None", "pair_repulsion", mixing ? "ZBLBasis" : "None", "heads", "a",
                     "interactions", "class",
                     mixing ? "RealAgnosticDensityInteractionBlock" : "RealAgnosticResidualInteractionBlock",
                     "avg_num_neighbors", 4.0, "class", "RealAgnosticResidualInteractionBlock", "avg_num_neighbors",
                     4.0, "products", "class", "EquivariantProductBasisBlock", "class",
                     "EquivariantProductBasisBlock", "readouts", "class", "LinearReadoutBlock", "class",
                     "NonLinearReadoutBlock", "parameters");
}

static void mace_seed(const char *dir, const char *name, bool single, bool mixing)
{
    racah_error err;
    dump d = {.modules = json_object(), .single = single, .mixing = mixing};
    MUST(racahi_st_writer_create(&d.w, &err));
    number(&d, "num_interactions", 2);
    number(&d, "r_max", 3);
    number(&d, "radial_embedding.cutoff_fn.r_max", 3);
    number(&d, "radial_embedding.cutoff_fn.p", 5);
    number(&d, "radial_embedding.bessel_fn.prefactor", 0.816496580927726);
    number(&d, "scale_shift.scale", 2);
    number(&d, "scale_shift.shift", 0);
    tensor(&d, "atomic_numbers", (const double[]){1, 8}, 1, (const size_t[]){2});
    tensor(&d, "radial_embedding.bessel_fn.bessel_weights", (const double[]){1, 2}, 1, (const size_t[]){2});
    sized(&d, "atomic_energies_fn.atomic_energies", 2, 1, 2, 0);
    if (mixing) {
        static const char *const parts[] = {"radial_embedding.distance_transform", "pair_repulsion_fn"};
        char key[64];
        for (int k = 0; k < 2; k++) {
            double radii[9];
            for (int i = 0; i < 9; i++) radii[i] = 0.5 + 0.1 * i;
            snprintf(key, sizeof key, "%s.covalent_radii", parts[k]);
            tensor(&d, key, radii, 1, (const size_t[]){9});
        }
        number(&d, "radial_embedding.distance_transform.q", 0.9);
        number(&d, "radial_embedding.distance_transform.p", 4.5);
        number(&d, "radial_embedding.distance_transform.a", 1);
        number(&d, "pair_repulsion_fn.p", 6);
        number(&d, "pair_repulsion_fn.a_exp", 0.3);
        number(&d, "pair_repulsion_fn.a_prefactor", 0.4543);
        tensor(&d, "pair_repulsion_fn.c", (const double[]){0.2, 0.5, 0.3, 0.03}, 1, (const size_t[]){4});
    }
    linear(&d, "node_embedding.linear", "2x0e", NULL, "1x0e", "00", 2);
    for (int t = 0; t < 2; t++) layer(&d, t);
    linear(&d, "readouts.0.linear", "1x0e+1x1o", NULL, "1x0e", "00", 1);
    linear(&d, "readouts.1.linear_1", "1x0e", NULL, "2x0e", "00", 2);
    linear(&d, "readouts.1.linear_2", "2x0e", NULL, "1x0e", "00", 2);
    json_object_set_new(d.modules, "readouts.1.non_linearity",
                        json_pack("{s:s, s:[f]}", "act", "silu", "act_cst", 1.6791767923989418));
    json_t *o = head_of(mixing);
    json_object_set_new(o, "modules", d.modules);
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
    require(text != NULL);
    MUST(racahi_st_writer_meta(d.w, "format", "mace-dump", &err));
    MUST(racahi_st_writer_meta(d.w, "format_version", "1", &err));
    MUST(racahi_st_writer_meta(d.w, "dump", text, &err));
    MUST(racahi_st_writer_save(d.w, in(dir, "mace", name), &err));
    racahi_st_writer_destroy(d.w);
    free(text);
    json_decref(o);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "use: make_seeds DIR\n");
        return 2;
    }
    require(mkdir(argv[1], 0777) == 0 || errno == EEXIST);
    model_seed(argv[1], "plain", false);
    model_seed(argv[1], "options", true);
    checkpoint_seed(argv[1]);
    mace_seed(argv[1], "double", false, false);
    mace_seed(argv[1], "single_mixing", true, true);
    return 0;
}
