/* SPDX-License-Identifier: MIT
 * The table of training keys, the template, and the comparison with a checkpoint. Reading YAML:
 * config_yaml.c. */
#include "config_internal.h"

#include "../io/extxyz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(racahi_train_config, field)

/* clang-format off */
static const racahi_train_key keys[] = {
{"train_file", KEY_FILES, AT(train_file), 0, 0, NULL, NULL, "train.xyz", 0, "Data",
 "extended XYZ file with the training structures, or a list of files [a.xyz, b.xyz]. "
 "Isolated atoms (one atom, not periodic) are taken out and give E0s"},
{"valid_file", KEY_FILES, AT(valid_file), 0, 0, NULL, NULL, "valid.xyz", 0, NULL,
 "validation structures (file or list); instead of valid_fraction"},
{"valid_fraction", KEY_NUMBER, AT(valid_fraction), 0, 0.9, NULL, "0.1", NULL, 0, NULL,
 "share of train_file set aside for validation, drawn by seed evenly over config_type"},
{"output", KEY_TEXT, AT(output), 0, 0, NULL, "model", NULL, 0, NULL,
 "writes OUTPUT.racah (best model), OUTPUT.ckpt (to go on), OUTPUT.csv and OUTPUT.svg (progress)"},

{"start_from", KEY_TEXT, AT(start_from), 0, 0, NULL, NULL, "model.racah", 0, "Model",
 "fine-tuning: the model whose weights to begin with, trained here or imported. It gives all keys of this "
 "group but E0s; elements that the training structures do not have are left out. A smaller lr, 1e-3, suits it"},
{"r_max", KEY_NUMBER, AT(r_max), 0.5, 30, NULL, "5.0", NULL, 0, NULL,
 "cutoff radius of one layer, A"},
{"channels", KEY_INT, AT(channels), 1, 1024, NULL, "64", NULL, 0, NULL,
 "features of each angular momentum; multiples of 8 are fastest"},
{"l_max", KEY_INT, AT(l_max), 0, 4, NULL, "3", NULL, 0, NULL,
 "highest angular momentum of the edges and of the density"},
{"l_hidden", KEY_INT, AT(l_hidden), 0, 2, NULL, "1", NULL, 0, NULL,
 "highest angular momentum of the features passed between layers"},
{"correlation", KEY_INT, AT(correlation), 1, 4, NULL, "3", NULL, 0, NULL,
 "order of the many-body product: 3 gives four-body terms in each layer"},
{"layers", KEY_INT, AT(layers), 1, RACAHI_MAX_LAYERS, NULL, "2", NULL, 0, NULL,
 "message passing layers; the model sees layers x r_max"},
{"weights", KEY_CHOICE, AT(weights), 0, 0, "path|degree|shared", "path", NULL, 0, NULL,
 "radial functions: one for each path, for each edge degree, or one for all"},
{"family", KEY_CHOICE, AT(family), 0, 0, "component|gaunt", "component", NULL, 0, NULL,
 "coupling coefficients"},
{"method", KEY_CHOICE, AT(method), 0, 0, "auto|cg|so2|gaunt|grid|cp", "auto", NULL, 0, NULL,
 "algorithm of the tensor product; they compute the same function"},
{"radial.bessel", KEY_INT, AT(bessel), 1, 64, NULL, "8", NULL, 0, NULL,
 "number of Bessel functions"},
{"radial.cutoff_p", KEY_INT, AT(cutoff_p), 3, 12, NULL, "5", NULL, 0, NULL,
 "power of the polynomial cutoff"},
{"radial.mlp", KEY_WIDTHS, AT(mlp), 1, 4096, NULL, "[64, 64]", NULL, 0, NULL,
 "widths of the hidden layers of the radial network"},
{"radial.density_mlp", KEY_WIDTHS, AT(density_mlp), 1, 4096, NULL, "[64]", NULL, 0, NULL,
 "widths of the hidden layers of the network of `density: true`"},
{"readout_width", KEY_INT, AT(readout_width), 1, 4096, NULL, "16", NULL, 0, NULL,
 "hidden width of the last readout"},
{"neighbor_norm", KEY_CHOICE, AT(neighbor_norm), 0, 0, "average|sqrt|none", "sqrt", NULL, 0, NULL,
 "sums over neighbours are divided by their average number (as MACE does), "
 "by its square root (learns faster), or by 1"},
{"avg_num_neighbors", KEY_NUMBER, AT(avg_num_neighbors), 0, 1e5, NULL, "0", NULL, 0, NULL,
 "that average; 0 takes it from the training data"},
{"density", KEY_CHOICE, AT(density), 0, 0, "false|true", "false", NULL, 0, NULL,
 "sums over neighbours are divided by a learnt density of neighbours (as in MACE's density blocks) instead of "
 "neighbor_norm"},
{"zbl", KEY_CHOICE, AT(zbl), 0, 0, "false|true", "false", NULL, 0, NULL,
 "nuclear repulsion (Ziegler, Biersack, Littmark) between atoms closer than the sum of their covalent radii, "
 "so that they cannot collapse where there are no data"},
{"E0s", KEY_E0, AT(e0), 0, 0, "auto|isolated|average|model", "auto", NULL, 0, NULL,
 "energies of isolated atoms: isolated (one-atom frames), average (least squares; with start_from of what its "
 "model leaves), model (those of start_from), auto (isolated; for the rest model, without one average), or a "
 "mapping {Si: -0.8, O: -1.2} in eV"},
{"shift", KEY_CHOICE, AT(shift), 0, 0, "none|average", "none", NULL, 0, NULL,
 "energies of the elements besides E0s: none (a lone atom has E0, and bonds cost energy to break) or average (least "
 "squares of what E0s leave, as MACE does: a lone atom then has E0 + shift, which is no dissociation limit)"},
{"scaling", KEY_CHOICE, AT(scaling), 0, 0, "forces_rms|none", "forces_rms", NULL, 0, NULL,
 "energies are multiplied by the rms of the training forces, or by 1"},

{"loss", KEY_CHOICE, AT(loss), 0, 0, "mse|huber", "mse", NULL, 0, "Loss",
 "of a residual x: x^2, or x^2 up to huber_delta and 2 huber_delta |x| - huber_delta^2 beyond"},
{"huber_delta", KEY_NUMBER, AT(huber_delta), 1e-9, 1e9, NULL, "0.1", NULL, 0, NULL,
 "in the unit of the residual (eV/atom, eV/A, eV/A^3)"},
{"energy_weight", KEY_NUMBER, AT(energy_weight), 0, 1e12, NULL, "1", NULL, 0, NULL,
 "of the mean over structures of (energy error / atoms)^2; small at first, with a stage two of 1000 or more for the last "
 "fifth of the epochs: a large one from the start costs accuracy of forces"},
{"forces_weight", KEY_NUMBER, AT(forces_weight), 0, 1e12, NULL, "100", NULL, 0, NULL,
 "of the mean over force components of (force error)^2"},
{"stress_weight", KEY_NUMBER, AT(stress_weight), 0, 1e12, NULL, "1e4", NULL, 0, NULL,
 "of the mean over stress components of (stress error)^2; structures without a stress are left out. 1 eV/A^3 is a huge "
 "stress: with less than 1e4 the forces drown it, and elastic constants come out wrong"},
{"config_type_weights", KEY_TYPES, AT(type_weights), 0, 1e12, NULL, "{}", NULL, 0, NULL,
 "by config_type, multiplies config_weight of its structures: {Surface: 5} where few structures teach a lot; others 1"},
{"displacement", KEY_NUMBER, AT(displacement), 1e-7, 1e-2, NULL, "1e-4", NULL, 0, NULL,
 "largest change of an edge vector in the central difference behind force and stress gradients, A"},

{"batch_size", KEY_INT, AT(batch_size), 1, 100000, NULL, "2", NULL, 0, "Optimisation",
 "structures in a step; in the same time, many small steps learn more than few large ones"},
{"epochs", KEY_INT, AT(epochs), 1, 10000000, NULL, "200", NULL, 0, NULL,
 "passes over the training structures"},
{"optimizer", KEY_CHOICE, AT(optimizer), 0, 0, "amsgrad|adamw|muon", "muon", NULL, 0, NULL,
 "Adam with decoupled weight decay, with or without the running maximum of AMSGrad; muon: orthogonalised momentum "
 "for the matrices between channels, amsgrad for the rest"},
{"lr", KEY_NUMBER, AT(lr), 1e-12, 10, NULL, "0.01", NULL, 0, NULL,
 "learning rate: relative to the initial spread of each tensor"},
{"min_lr", KEY_NUMBER, AT(min_lr), 0, 10, NULL, "1e-5", NULL, 0, NULL,
 "learning rate at the end of the cosine and exponential schedules, lower bound of plateau"},
{"warmup_epochs", KEY_NUMBER, AT(warmup_epochs), 0, 1e6, NULL, "0", NULL, 0, NULL,
 "epochs over which the rate rises from zero (a fraction is fine)"},
{"schedule", KEY_CHOICE, AT(schedule), 0, 0, "cosine|plateau|exponential|constant", "cosine", NULL, 0, NULL,
 "course of the learning rate"},
{"lr_factor", KEY_NUMBER, AT(lr_factor), 0.01, 1, NULL, "0.8", NULL, 0, NULL,
 "plateau: the rate is multiplied by this ..."},
{"lr_patience", KEY_INT, AT(lr_patience), 1, 1000000, NULL, "20", NULL, 0, NULL,
 "... after so many epochs without a lower validation loss"},
{"beta1", KEY_NUMBER, AT(beta1), 0, 0.999999, NULL, "0.9", NULL, 0, NULL, "decay of the mean gradient"},
{"beta2", KEY_NUMBER, AT(beta2), 0, 0.9999999, NULL, "0.999", NULL, 0, NULL,
 "decay of the mean squared gradient"},
{"weight_decay", KEY_NUMBER, AT(weight_decay), 0, 1, NULL, "5e-7", NULL, 0, NULL,
 "of all but embedding, radial and readout weights; a step multiplies them by 1 - lr weight_decay"},
{"clip", KEY_NUMBER, AT(clip), 0, 1e12, NULL, "10", NULL, 0, NULL,
 "largest norm of the gradient (in units of each tensor's initial spread); 0: no limit"},
{"ema", KEY_NUMBER, AT(ema), 0, 0.999999, NULL, "0.99", NULL, 0, NULL,
 "decay of the running average of the weights, which is what is validated and saved; 0: none"},
{"keep", KEY_CHOICE, AT(keep), 0, 0, "best|last", "best", NULL, 0, NULL,
 "which epoch's weights are saved: those with the lowest validation loss, or the last ones, where validation structures "
 "are few and the schedule ends at a small rate"},
{"patience", KEY_INT, AT(patience), 0, 10000000, NULL, "0", NULL, 0, NULL,
 "stop (or begin stage two) after so many epochs without a lower validation loss; 0: never"},
{"stage_two.start", KEY_INT, AT(stage_start), 0, 10000000, NULL, "0", NULL, 0, NULL,
 "first epoch of a second stage with other weights; 0: none"},
{"stage_two.energy_weight", KEY_NUMBER, AT(stage_energy_weight), 0, 1e12, NULL, "1000", NULL, 0, NULL,
 "energy_weight of the second stage"},
{"stage_two.forces_weight", KEY_NUMBER, AT(stage_forces_weight), 0, 1e12, NULL, "100", NULL, 0, NULL,
 "forces_weight of the second stage"},
{"stage_two.stress_weight", KEY_NUMBER, AT(stage_stress_weight), 0, 1e12, NULL, "1e4", NULL, 0, NULL,
 "stress_weight of the second stage"},
{"stage_two.lr", KEY_NUMBER, AT(stage_lr), 0, 10, NULL, "0", NULL, 0, NULL,
 "learning rate with which the schedule starts anew; 0: it goes on"},

{"seed", KEY_SEEDS, AT(seed), 0, 2147483647, NULL, "1", NULL, 0, "Run",
 "of initial weights, validation split and the order of the structures; a list [1, 2, 3] trains a committee, "
 "OUTPUT-1.racah ..., with one split"},
{"threads", KEY_INT, AT(threads), 0, 4096, NULL, "0", NULL, 1, NULL,
 "the results do not depend on it; 0: all this process may use"},
{"max_minutes", KEY_NUMBER, AT(max_minutes), 0, 1e9, NULL, "0", NULL, 1, NULL,
 "stop cleanly after this time; the same command goes on; 0: no limit"},
};
/* clang-format on */

_Static_assert(sizeof keys / sizeof *keys <= RACAHI_TRAIN_MAX_KEYS,
               "line[] of the configuration is too small");

const racahi_train_key *racahi_train_keys(size_t *n)
{
    *n = sizeof keys / sizeof *keys;
    return keys;
}

int racahi_train_key_line(const racahi_train_config *cfg, const char *name)
{
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        if (strcmp(keys[k].name, name) == 0) return cfg->line[k];
    return 0;
}

/* ---- text ------------------------------------------------------------------------------------- */

typedef struct text {
    char *s;
    size_t n, cap;
    bool failed;
} text;

static void put(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(text *t, const char *fmt, ...)
{
    va_list ap, again;
    if (t->failed) return;
    va_start(ap, fmt);
    va_copy(again, ap);
    int need = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (need < 0 ||
        racahi_reserve((void **)&t->s, &t->cap, t->n + (size_t)need + 1, 1, "text", NULL) != RACAH_OK)
        t->failed = true;
    else
        t->n += (size_t)vsnprintf(t->s + t->n, (size_t)need + 1, fmt, again);
    va_end(again);
}

static char *finish(text *t)
{
    if (!t->failed) return t->s;
    racahi_free(t->s);
    return NULL;
}

/* The shortest of the usual forms that reads back as the same double. */
static void put_number(text *t, double x)
{
    char s[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, x);
        if (strtod(s, NULL) == x) break;
    }
    put(t, "%s", s);
}

static void put_choice(text *t, const char *choices, int index)
{
    const char *word = choices;
    for (; index > 0; index--) word = strchr(word, '|') + 1;
    put(t, "%.*s", (int)strcspn(word, "|"), word);
}

static void put_value(text *t, const racahi_train_key *k, const racahi_train_config *cfg)
{
    const void *at = (const char *)cfg + k->offset;
    switch (k->type) {
    case KEY_INT: put(t, "%d", *(const int *)at); break;
    case KEY_NUMBER: put_number(t, *(const double *)at); break;
    case KEY_CHOICE: put_choice(t, k->choices, *(const int *)at); break;
    case KEY_SEEDS: put(t, "%d", ((const racahi_train_seeds *)at)->now); break;
    case KEY_TEXT: put(t, "%s", *(char *const *)at ? *(char *const *)at : ""); break;
    case KEY_FILES: {
        const racahi_train_files *f = at;
        put(t, "[");
        for (size_t i = 0; i < f->n; i++) put(t, "%s%s", i ? ", " : "", f->path[i]);
        put(t, "]");
        break;
    }
    case KEY_WIDTHS: {
        const racahi_train_widths *w = at;
        put(t, "[");
        for (int i = 0; i < w->n; i++) put(t, "%s%d", i ? ", " : "", w->v[i]);
        put(t, "]");
        break;
    }
    case KEY_TYPES: {
        const racahi_train_type_weights *w = at;
        put(t, "{");
        for (int i = 0; i < w->n; i++) {
            put(t, "%s%s: ", i ? ", " : "", w->type[i]);
            put_number(t, w->value[i]);
        }
        put(t, "}");
        break;
    }
    case KEY_E0: {
        const racahi_train_e0 *e = at;
        if (e->kind != RACAHI_E0_GIVEN) {
            put_choice(t, k->choices, e->kind);
            break;
        }
        put(t, "{");
        for (int i = 0; i < e->n; i++) {
            put(t, "%s%s: ", i ? ", " : "", racah_element_symbol(e->Z[i]));
            put_number(t, e->value[i]);
        }
        put(t, "}");
        break;
    }
    }
}

char *racahi_train_config_text(const racahi_train_config *cfg)
{
    text t = {0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        put(&t, "%s: ", keys[i].name);
        put_value(&t, &keys[i], cfg);
        put(&t, "\n");
    }
    return finish(&t);
}

/* Help as comment lines of at most 100 characters. */
static void put_help(text *t, const char *indent, const char *help, const char *range)
{
    char all[640];
    snprintf(all, sizeof all, "%s%s", help, range);
    const char *s = all;
    while (*s) {
        size_t n = strlen(s), width = 100;
        if (n > width)
            for (n = width; n > 0 && s[n] != ' '; n--) continue;
        put(t, "%s# %.*s\n", indent, (int)n, s);
        s += n;
        while (*s == ' ') s++;
    }
}

static void put_range(char *out, size_t size, const racahi_train_key *k)
{
    out[0] = 0;
    if (k->choices) {
        snprintf(out, size, " (%s)", k->choices);
        for (char *s = out; *s; s++)
            if (*s == '|') memmove(s + 2, s + 1, strlen(s + 1) + 1), s[0] = ',', s[1] = ' ';
    } else if (k->type == KEY_INT || k->type == KEY_WIDTHS || k->type == KEY_NUMBER || k->type == KEY_SEEDS ||
               k->type == KEY_TYPES) {
        snprintf(out, size, " (%g .. %g)", k->low, k->high);
    }
}

char *racahi_train_config_template(void)
{
    text t = {0};
    char range[160], section[32] = "";
    put(&t, "# Configuration of `racah train`. Only train_file is required; every other key has the default "
            "shown.\n");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const racahi_train_key *k = &keys[i];
        const char *dot = strchr(k->name, '.'), *name = dot ? dot + 1 : k->name, *indent = dot ? "  " : "";
        if (k->group) put(&t, "\n# ---- %s\n", k->group);
        if (dot && strncmp(section, k->name, (size_t)(dot - k->name + 1)) != 0) {
            snprintf(section, sizeof section, "%.*s.", (int)(dot - k->name), k->name);
            put(&t, "%.*s:\n", (int)(dot - k->name), k->name);
        }
        put_range(range, sizeof range, k);
        put_help(&t, indent, k->help, range);
        if (k->standard)
            put(&t, "%s%s: %s\n", indent, name, k->standard);
        else
            put(&t, "%s%s%s: %s\n", indent, strcmp(name, "train_file") ? "# " : "", name, k->example);
    }
    return finish(&t);
}

/* ---- comparison with a checkpoint ------------------------------------------------------------ */

/* Value of `name` in a text of racahi_train_config_text; "" where it is not there. */
static void value_in(const char *all, const char *name, char *out, size_t size)
{
    size_t n = strlen(name);
    out[0] = 0;
    for (const char *s = all; s && *s;) {
        const char *end = strchr(s, '\n');
        size_t len = end ? (size_t)(end - s) : strlen(s);
        if (len > n + 1 && strncmp(s, name, n) == 0 && s[n] == ':') {
            snprintf(out, size, "%.*s", (int)(len - n - 2), s + n + 2);
            return;
        }
        s = end ? end + 1 : NULL;
    }
}

racah_status racahi_train_config_same(const racahi_train_config *cfg, const char *old_text, racah_error *err)
{
    char *now = racahi_train_config_text(cfg), old[2048], new[2048], list[384];
    size_t used = 0;
    if (!now) return racahi_fail(err, RACAH_ENOMEM, "configuration: no memory for its text");
    list[0] = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const racahi_train_key *k = &keys[i];
        bool to_the_end =
            cfg->schedule == RACAHI_SCHEDULE_COSINE || cfg->schedule == RACAHI_SCHEDULE_EXPONENTIAL;
        if (k->may_change || (strcmp(k->name, "epochs") == 0 && !to_the_end)) continue;
        value_in(old_text, k->name, old, sizeof old);
        /* a key that did not exist then: its default is what the release did without it */
        if (!old[0] && k->standard) snprintf(old, sizeof old, "%s", k->standard);
        value_in(now, k->name, new, sizeof new);
        if (strcmp(old, new) == 0) continue;
        if (used < sizeof list) {
            int n = snprintf(list + used, sizeof list - used, "%s%s was %.80s, is %.80s", used ? "; " : "",
                             k->name, old[0] ? old : "absent", new);
            used += (size_t)n;
        }
    }
    racahi_free(now);
    if (!used) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "the configuration differs from the checkpoint's: %s", list);
}

void racahi_train_config_shape(const racahi_train_config *cfg, racahi_config *shape)
{
    shape->layers = cfg->layers;
    shape->channels = cfg->channels;
    shape->l_max = cfg->l_max;
    shape->l_hidden = cfg->l_hidden;
    shape->correlation = cfg->correlation;
    shape->weights = (racahi_weights_kind)cfg->weights;
    shape->family = (racahi_family)cfg->family;
    shape->r_max = cfg->r_max;
    shape->nbessel = cfg->bessel;
    shape->cutoff_p = cfg->cutoff_p;
    shape->nmlp = cfg->mlp.n;
    memcpy(shape->mlp, cfg->mlp.v, sizeof cfg->mlp.v);
    shape->readout_width = cfg->readout_width;
    shape->ndensity = cfg->density ? cfg->density_mlp.n : 0;
    if (cfg->density) memcpy(shape->density_mlp, cfg->density_mlp.v, sizeof cfg->density_mlp.v);
    for (int t = 0; t < shape->layers; t++) shape->density[t] = cfg->density;
    shape->zbl = cfg->zbl;
    if (!cfg->zbl) return;
    shape->zbl_p = 6, shape->zbl_a_exp = 0.3, shape->zbl_a_prefactor = 0.4543; /* MACE's ZBLBasis */
    memcpy(shape->zbl_c, (const double[4]){0.1818, 0.5099, 0.2802, 0.02817}, sizeof shape->zbl_c);
    for (int e = 0; e < shape->nelem; e++) shape->radius[e] = racahi_element_radius(shape->Z[e]);
}

/* The text of one value; racahi_free. NULL without memory. */
static char *value_text(const racahi_train_key *k, const racahi_train_config *cfg)
{
    text t = {0};
    put_value(&t, k, cfg);
    return finish(&t);
}

racah_status racahi_train_config_adopt(racahi_train_config *out, const racahi_train_config *cfg,
                                       const racah_model *start, racah_error *err)
{
    const racahi_config *c = &start->cfg;
    *out = *cfg;
    out->r_max = c->r_max, out->channels = c->channels, out->l_max = c->l_max, out->l_hidden = c->l_hidden;
    out->correlation = c->correlation, out->layers = c->layers, out->weights = (int)c->weights;
    out->family = (int)c->family, out->bessel = c->nbessel, out->cutoff_p = c->cutoff_p;
    out->readout_width = c->readout_width, out->zbl = c->zbl, out->density = 0;
    out->mlp.n = c->nmlp, out->density_mlp.n = c->ndensity;
    memcpy(out->mlp.v, c->mlp, sizeof out->mlp.v);
    memcpy(out->density_mlp.v, c->density_mlp, sizeof out->density_mlp.v);
    for (int t = 0; t < c->layers; t++) out->density = out->density || c->density[t];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const racahi_train_key *k = &keys[i];
        if (!cfg->line[i]) continue;
        if (k->offset == AT(neighbor_norm) || k->offset == AT(avg_num_neighbors) ||
            k->offset == AT(scaling) || k->offset == AT(shift))
            return racahi_fail(err, RACAH_EINVAL, "%s:%d: %s: start_from's model has it, leave the key out",
                               cfg->path, cfg->line[i], k->name);
        char *wanted = value_text(k, cfg), *has = value_text(k, out);
        racah_status st = RACAH_OK;
        if (!wanted || !has)
            st = racahi_fail(err, RACAH_ENOMEM, "configuration: no memory for its text");
        else if (strcmp(wanted, has) != 0)
            st = racahi_fail(err, RACAH_EINVAL,
                             "%s:%d: %s: %.60s, but start_from's model has %.60s; leave the "
                             "key out",
                             cfg->path, cfg->line[i], k->name, wanted, has);
        racahi_free(wanted);
        racahi_free(has);
        RACAHI_TRY(st);
    }
    for (int e = 0; e < c->nelem; e++) out->start_shift[c->Z[e]] = start->shift[e];
    if (cfg->e0.kind == RACAHI_E0_GIVEN) return RACAH_OK;
    out->e0.n = c->nelem;
    for (int e = 0; e < c->nelem; e++) out->e0.Z[e] = c->Z[e], out->e0.value[e] = start->E0[e];
    return RACAH_OK;
}

racah_status racahi_train_config_member(racahi_train_config *cfg, int k, racah_error *err)
{
    cfg->seed.now = cfg->seed.v[k];
    if (cfg->seed.n == 1) return RACAH_OK;
    if (!cfg->stem) {
        cfg->stem = cfg->output;
        cfg->output = NULL;
    }
    const size_t size = strlen(cfg->stem) + 16;
    racahi_free(cfg->output);
    cfg->output = racahi_malloc(size, 1);
    if (!cfg->output) return racahi_fail(err, RACAH_ENOMEM, "configuration: no memory for its text");
    snprintf(cfg->output, size, "%s-%d", cfg->stem, cfg->seed.now);
    return RACAH_OK;
}

static void files_free(racahi_train_files *f)
{
    for (size_t i = 0; i < f->n; i++) racahi_free(f->path[i]);
    racahi_free(f->path);
}

void racahi_train_config_destroy(racahi_train_config *cfg)
{
    if (!cfg) return;
    files_free(&cfg->train_file);
    files_free(&cfg->valid_file);
    racahi_free(cfg->output);
    racahi_free(cfg->stem);
    racahi_free(cfg->start_from);
    racahi_free(cfg->path);
    racahi_free(cfg);
}
