/* SPDX-License-Identifier: MIT
 * What a MACE checkpoint is: its classes are checked, its shape becomes a config. */
#include "mace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *racahi_mace_class(const racahi_mace *m, const char *list, int i)
{
    return racahi_dump_string(json_array_get(json_object_get(m->d.json, list), (size_t)i), "class");
}

static int list_size(const racahi_mace *m, const char *list)
{
    return (int)json_array_size(json_object_get(m->d.json, list));
}

static racah_status unsupported(const racahi_mace *m, const char *what, const char *got, const char *have,
                                racah_error *err)
{
    return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: %s \"%.60s\"; this release imports %s", m->path, what,
                       got, have);
}

static bool one_of(const char *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, list[i]) == 0) return true;
    return false;
}

static racah_status check_classes(const racahi_mace *m, int layers, racah_error *err)
{
    static const char *const models[] = {"MACE", "ScaleShiftMACE"};
    static const char *const blocks[] = {
        "RealAgnosticInteractionBlock", "RealAgnosticResidualInteractionBlock",
        "RealAgnosticDensityInteractionBlock", "RealAgnosticDensityResidualInteractionBlock"};
    const char *class = racahi_dump_string(m->d.json, "class");
    if (!one_of(class, models, 2))
        return unsupported(m, "model class", class, "MACE and ScaleShiftMACE", err);
    const json_t *cut = json_object_get(m->d.json, "apply_cutoff");
    if (cut && !json_is_true(cut))
        return unsupported(m, "option", "apply_cutoff = False", "models whose radial basis has the cutoff",
                           err);
    if (list_size(m, "interactions") != layers || list_size(m, "products") != layers)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %d interaction and %d product blocks for %d interactions",
                           m->path, list_size(m, "interactions"), list_size(m, "products"), layers);
    for (int t = 0; t < layers; t++) {
        class = racahi_mace_class(m, "interactions", t);
        if (!one_of(class, blocks, 4))
            return unsupported(m, "interaction block", class,
                               "RealAgnosticInteractionBlock, -Residual-, -Density- and "
                               "-DensityResidual-",
                               err);
        class = racahi_mace_class(m, "products", t);
        if (strcmp(class, "EquivariantProductBasisBlock") != 0)
            return unsupported(m, "product block", class, "EquivariantProductBasisBlock", err);
    }
    if (m->nreadout != layers && m->nreadout != 1)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %d readouts for %d interactions", m->path, m->nreadout,
                           layers);
    for (int i = 0; i < m->nreadout; i++) {
        const bool last = i == m->nreadout - 1, linear = !last || layers == 1;
        class = racahi_mace_class(m, "readouts", i);
        if (strcmp(class, linear ? "LinearReadoutBlock" : "NonLinearReadoutBlock") != 0)
            return unsupported(m, "readout", class,
                               "LinearReadoutBlock, and NonLinearReadoutBlock after the last of "
                               "several layers",
                               err);
    }
    return RACAH_OK;
}

static racah_status choose_head(racahi_mace *m, const char *head, racah_error *err)
{
    const json_t *list = json_object_get(m->d.json, "heads");
    m->nhead = (int)json_array_size(list);
    if (m->nhead < 1) return racahi_fail(err, RACAH_EFORMAT, "%s: the dump names no heads", m->path);
    char names[160] = "";
    for (int h = 0; h < m->nhead; h++) {
        const char *name = json_string_value(json_array_get(list, (size_t)h));
        if (!name) return racahi_fail(err, RACAH_EFORMAT, "%s: the name of head %d is no string", m->path, h);
        if (head ? strcmp(head, name) == 0 : m->nhead == 1) m->head = h, m->head_name = name;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", h ? ", " : "", name);
    }
    if (m->head_name) return RACAH_OK;
    return racahi_fail(err, RACAH_EINVAL, "%s: %s%.40s; the model has the heads %s", m->path,
                       head ? "no head " : "choose a head with --head", head ? head : "", names);
}

static racah_status read_elements(racahi_mace *m, racah_error *err)
{
    racahi_array Z;
    RACAHI_TRY(racahi_dump_array(&m->d, &Z, err, "atomic_numbers"));
    racah_status st = RACAH_OK;
    if (Z.n < 1 || Z.n > RACAHI_MAX_ELEMENTS)
        st = racahi_fail(err, RACAH_EFORMAT, "%s: %zu elements, allowed are 1 .. %d", m->path, Z.n,
                         RACAHI_MAX_ELEMENTS);
    for (size_t i = 0; st == RACAH_OK && i < Z.n; i++) {
        if (Z.x[i] < 1 || Z.x[i] > 118 || Z.x[i] != floor(Z.x[i]) || (i && Z.x[i] <= Z.x[i - 1]))
            st = racahi_fail(err, RACAH_EFORMAT,
                             "%s: atomic number %g of element %zu, wanted ascending numbers 1 .. 118",
                             m->path, Z.x[i], i);
        else
            m->cfg.Z[i] = (int)Z.x[i];
    }
    m->cfg.nelem = (int)Z.n;
    racahi_free(Z.x);
    return st;
}

/* Covalent radii of our elements from a table indexed by atomic number. */
static racah_status read_radii(racahi_mace *m, const char *from, racah_error *err)
{
    racahi_array R;
    RACAHI_TRY(racahi_dump_array(&m->d, &R, err, "%s.covalent_radii", from));
    racah_status st = RACAH_OK;
    for (int e = 0; st == RACAH_OK && e < m->cfg.nelem; e++) {
        if ((size_t)m->cfg.Z[e] >= R.n)
            st = racahi_fail(err, RACAH_EFORMAT, "%s: %s.covalent_radii ends before atomic number %d",
                             m->path, from, m->cfg.Z[e]);
        else if (m->cfg.radius[e] > 0 && m->cfg.radius[e] != R.x[m->cfg.Z[e]])
            st = racahi_fail(err, RACAH_EUNSUPPORTED, "%s: transform and ZBL have different covalent radii",
                             m->path);
        else
            m->cfg.radius[e] = R.x[m->cfg.Z[e]];
    }
    racahi_free(R.x);
    return st;
}

/* Wave numbers or centres; kept where they are not the usual ones. */
static racah_status read_basis_param(racahi_mace *m, const char *name, bool bessel, racah_error *err)
{
    racahi_array a;
    RACAHI_TRY(racahi_dump_array(&m->d, &a, err, "radial_embedding.bessel_fn.%s", name));
    racahi_config *c = &m->cfg;
    c->nbessel = (int)a.n;
    if (a.n < 1 || a.n > RACAHI_BASIS_MAX) {
        racahi_free(a.x);
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: %zu radial basis functions, this release has at most %d", m->path, a.n,
                           RACAHI_BASIS_MAX);
    }
    for (size_t b = 0; b < a.n; b++) {
        const double usual = bessel    ? (double)(b + 1) * 3.14159265358979323846 / c->r_max
                             : a.n > 1 ? (double)b * c->r_max / (double)(a.n - 1)
                                       : 0;
        c->basis_param[b] = a.x[b];
        if (fabs(a.x[b] - usual) > 1e-14 * usual) c->has_basis_param = true;
    }
    racahi_free(a.x);
    return RACAH_OK;
}

static racah_status read_basis(racahi_mace *m, racah_error *err)
{
    racahi_config *c = &m->cfg;
    const char *class = racahi_dump_string(m->d.json, "radial_basis");
    m->basis_scale = 1;
    if (strcmp(class, "BesselBasis") == 0) {
        double prefactor;
        RACAHI_TRY(read_basis_param(m, "bessel_weights", true, err));
        RACAHI_TRY(racahi_dump_number(&m->d, &prefactor, err, "radial_embedding.bessel_fn.prefactor"));
        m->basis_scale = prefactor / sqrt(2 / c->r_max);
        return RACAH_OK;
    }
    if (strcmp(class, "GaussianBasis") == 0) {
        c->basis = RACAHI_BASIS_GAUSSIAN;
        return read_basis_param(m, "gaussian_weights", false, err);
    }
    if (strcmp(class, "ChebychevBasis") != 0)
        return unsupported(m, "radial basis", class, "BesselBasis, GaussianBasis and ChebychevBasis", err);
    c->basis = RACAHI_BASIS_CHEBYSHEV;
    racahi_array n;
    RACAHI_TRY(racahi_dump_array(&m->d, &n, err, "radial_embedding.bessel_fn.n"));
    bool ok = n.n >= 1 && n.n <= RACAHI_BASIS_MAX;
    for (size_t b = 0; ok && b < n.n; b++) ok = n.x[b] == (double)(b + 1);
    c->nbessel = (int)n.n;
    racahi_free(n.x);
    return ok ? RACAH_OK : unsupported(m, "Chebyshev basis", "n", "orders 1, 2, .. up to 64", err);
}

static racah_status read_radial(racahi_mace *m, racah_error *err)
{
    racahi_config *c = &m->cfg;
    double rc;
    RACAHI_TRY(racahi_dump_number(&m->d, &c->r_max, err, "r_max"));
    RACAHI_TRY(racahi_dump_number(&m->d, &rc, err, "radial_embedding.cutoff_fn.r_max"));
    RACAHI_TRY(racahi_dump_integer(&m->d, &c->cutoff_p, err, "radial_embedding.cutoff_fn.p"));
    if (rc != c->r_max || !(c->r_max > 0))
        return racahi_fail(err, RACAH_EFORMAT, "%s: r_max is %g, the cutoff function's %g", m->path, c->r_max,
                           rc);
    RACAHI_TRY(read_basis(m, err));
    const char *class = racahi_dump_string(m->d.json, "distance_transform");
    static const char *const agnesi[] = {"q", "p", "a"};
    if (strcmp(class, "AgnesiTransform") == 0) {
        c->transform = RACAHI_TRANSFORM_AGNESI;
        for (int k = 0; k < 3; k++)
            RACAHI_TRY(racahi_dump_number(&m->d, &c->transform_param[k], err,
                                          "radial_embedding.distance_transform.%s", agnesi[k]));
    } else if (strcmp(class, "SoftTransform") == 0) {
        c->transform = RACAHI_TRANSFORM_SOFT;
        RACAHI_TRY(racahi_dump_number(&m->d, &c->transform_param[0], err,
                                      "radial_embedding.distance_transform.alpha"));
    } else if (strcmp(class, "None") != 0)
        return unsupported(m, "distance transform", class, "AgnesiTransform, SoftTransform and None", err);
    return c->transform ? read_radii(m, "radial_embedding.distance_transform", err) : RACAH_OK;
}

static racah_status read_zbl(racahi_mace *m, racah_error *err)
{
    racahi_config *c = &m->cfg;
    const char *class = racahi_dump_string(m->d.json, "pair_repulsion");
    if (strcmp(class, "None") == 0) return RACAH_OK;
    if (strcmp(class, "ZBLBasis") != 0) return unsupported(m, "pair repulsion", class, "ZBLBasis", err);
    racahi_array a;
    c->zbl = true;
    RACAHI_TRY(racahi_dump_integer(&m->d, &c->zbl_p, err, "pair_repulsion_fn.p"));
    RACAHI_TRY(racahi_dump_number(&m->d, &c->zbl_a_exp, err, "pair_repulsion_fn.a_exp"));
    RACAHI_TRY(racahi_dump_number(&m->d, &c->zbl_a_prefactor, err, "pair_repulsion_fn.a_prefactor"));
    RACAHI_TRY(racahi_dump_array(&m->d, &a, err, "pair_repulsion_fn.c"));
    const size_t n = a.n;
    for (size_t k = 0; k < 4 && n == 4; k++) c->zbl_c[k] = a.x[k];
    racahi_free(a.x);
    if (n != 4)
        return racahi_fail(err, RACAH_EFORMAT, "%s: pair_repulsion_fn.c has %zu numbers, wanted 4", m->path,
                           n);
    return read_radii(m, "pair_repulsion_fn", err);
}

/* ---- layers ------------------------------------------------------------------------------------------ */

int racahi_mace_mlp_layers(const racahi_mace *m, const char *net)
{
    int n = 0;
    while (racahi_dump_has(&m->d, "%s.layer%d.weight", net, n)) n++;
    return n;
}

racah_status racahi_mace_mlp_layer(const racahi_mace *m, const char *net, int k, size_t *in, size_t *out,
                                   double *cst, racah_error *err)
{
    const json_t *layer;
    RACAHI_TRY(racahi_dump_module(&m->d, &layer, err, "%s.layer%d", net, k));
    const double nin = json_number_value(json_object_get(layer, "h_in")),
                 nout = json_number_value(json_object_get(layer, "h_out"));
    const json_t *act = json_object_get(layer, "act_cst");
    if (!(nin >= 1 && nin <= 1e6 && nout >= 1 && nout <= 1e6))
        return racahi_fail(err, RACAH_EFORMAT, "%s: %s.layer%d has no sizes h_in, h_out", m->path, net, k);
    if (json_number_value(json_object_get(layer, "var_in")) != 1 ||
        json_number_value(json_object_get(layer, "var_out")) != 1)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: %s.layer%d: variances other than 1", m->path, net,
                           k);
    *in = (size_t)nin, *out = (size_t)nout, *cst = json_number_value(act);
    const bool last = k == racahi_mace_mlp_layers(m, net) - 1;
    if (last != !json_is_number(act) || (!last && strcmp(racahi_dump_string(layer, "act"), "silu") != 0))
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: %s.layer%d: activation \"%.40s\"; this release has silu between "
                           "the layers and none after the last",
                           m->path, net, k, racahi_dump_string(layer, "act"));
    return RACAH_OK;
}

/* Hidden widths of an MLP on the radial basis. */
static racah_status mlp_widths(const racahi_mace *m, const char *net, int *n, int *width, racah_error *err)
{
    const int layers = racahi_mace_mlp_layers(m, net);
    if (layers < 1 || layers > RACAHI_MAX_MLP + 1)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: %s has %d layers, this release imports 1 .. %d",
                           m->path, net, layers, RACAHI_MAX_MLP + 1);
    size_t expect = (size_t)m->cfg.nbessel;
    for (int k = 0; k < layers; k++) {
        size_t in, out;
        double cst;
        RACAHI_TRY(racahi_mace_mlp_layer(m, net, k, &in, &out, &cst, err));
        if (in != expect)
            return racahi_fail(err, RACAH_EFORMAT, "%s: %s.layer%d has %zu inputs, wanted %zu", m->path, net,
                               k, in, expect);
        if (k < layers - 1) width[k] = (int)out;
        expect = out;
    }
    *n = layers - 1;
    return RACAH_OK;
}

static racah_status same_widths(const racahi_mace *m, int t, const char *what, int *n, int *width, bool first,
                                racah_error *err)
{
    char net[64];
    int k, w[RACAHI_MAX_MLP] = {0};
    snprintf(net, sizeof net, "interactions.%d.%s", t, what);
    RACAHI_TRY(mlp_widths(m, net, &k, w, err));
    if (!first && (k != *n || memcmp(w, width, sizeof w) != 0))
        return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: %s has other widths than in the first layer",
                           m->path, net);
    *n = k;
    memcpy(width, w, sizeof w);
    return RACAH_OK;
}

static racah_status read_layer(racahi_mace *m, int t, racah_error *err)
{
    racahi_config *c = &m->cfg;
    const char *class = racahi_mace_class(m, "interactions", t);
    const bool residual = strstr(class, "Residual") != NULL, density = strstr(class, "Density") != NULL;
    c->element_mix[t] = c->no_skip[t] = !residual;
    c->density[t] = density;
    c->lambda[t] = 1;
    if (!density) {
        const json_t *avg = json_object_get(
            json_array_get(json_object_get(m->d.json, "interactions"), (size_t)t), "avg_num_neighbors");
        if (!json_is_number(avg))
            return racahi_fail(err, RACAH_EFORMAT, "%s: interactions.%d has no avg_num_neighbors", m->path,
                               t);
        c->lambda[t] = json_number_value(avg);
    } else {
        bool first = true;
        for (int s = 0; s < t; s++) first = first && !c->density[s];
        RACAHI_TRY(same_widths(m, t, "density_fn", &c->ndensity, c->density_mlp, first, err));
    }
    RACAHI_TRY(same_widths(m, t, "conv_tp_weights", &c->nmlp, c->mlp, t == 0, err));
    int order = 0;
    while (
        racahi_dump_has(&m->d, "products.%d.symmetric_contractions.contractions.0.U_matrix_%d", t, order + 1))
        order++;
    if (order < 1 || order > RACAHI_SYM_NU_MAX)
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: products.%d: correlation %d, this release imports 1 .. %d", m->path, t, order,
                           RACAHI_SYM_NU_MAX);
    if (order > c->correlation) c->correlation = order;
    return RACAH_OK;
}

static racah_status read_shape(racahi_mace *m, racah_error *err)
{
    racahi_config *c = &m->cfg;
    const json_t *module;
    racahi_mul_irreps irreps;
    RACAHI_TRY(racahi_dump_module(&m->d, &module, err, "node_embedding.linear"));
    RACAHI_TRY(racahi_dump_irreps(&irreps, module, "irreps_out", "node_embedding.linear", err));
    if (irreps.n != 1 || irreps.t[0].l != 0)
        return racahi_fail(err, RACAH_EFORMAT, "%s: the node embedding is not one set of scalars", m->path);
    c->channels = (int)irreps.t[0].mul;
    RACAHI_TRY(racahi_dump_module(&m->d, &module, err, "interactions.0.conv_tp"));
    RACAHI_TRY(racahi_dump_irreps(&irreps, module, "irreps_in2", "interactions.0.conv_tp", err));
    c->l_max = irreps.n - 1;
    for (int l = 0; l < irreps.n; l++)
        if (irreps.t[l].l != l || irreps.t[l].mul != 1)
            return racahi_fail(err, RACAH_EUNSUPPORTED,
                               "%s: edge harmonics \"%.60s\", wanted 1x0e+1x1o+1x2e ..", m->path,
                               racahi_dump_string(module, "irreps_in2"));
    c->l_hidden = 0;
    for (int t = 0; t < c->layers - 1; t++) {
        RACAHI_TRY(racahi_dump_module(&m->d, &module, err, "products.%d.linear", t));
        RACAHI_TRY(racahi_dump_irreps(&irreps, module, "irreps_out", "products linear", err));
        const int l = racahi_irreps_lmax(&irreps);
        if (l > RACAHI_LH_MAX || (t && l != c->l_hidden))
            return racahi_fail(
                err, RACAH_EUNSUPPORTED,
                "%s: hidden irreps \"%.60s\" after layer %d; this release imports degrees 0 .. %d, the same "
                "in all layers",
                m->path, racahi_dump_string(module, "irreps_out"), t, RACAHI_LH_MAX);
        c->l_hidden = l;
    }
    for (int t = 0; t < c->layers; t++) RACAHI_TRY(read_layer(m, t, err));
    c->weights = RACAHI_W_PATH;
    c->family = RACAHI_FAMILY_COMPONENT;
    return RACAH_OK;
}

/* Hidden width of the last readout for one head; 2 where the only readout is linear: x = silu(x) - silu(-x).
 */
static racah_status read_readout_width(racahi_mace *m, racah_error *err)
{
    racahi_config *c = &m->cfg;
    c->readout_width = 2;
    if (c->layers == 1) return RACAH_OK;
    const json_t *module;
    racahi_mul_irreps irreps;
    RACAHI_TRY(racahi_dump_module(&m->d, &module, err, "readouts.%d.linear_1", m->nreadout - 1));
    RACAHI_TRY(racahi_dump_irreps(&irreps, module, "irreps_out", "last readout", err));
    const size_t H = racahi_irreps_total(&irreps, 0);
    if (racahi_irreps_lmax(&irreps) != 0 || H % (size_t)m->nhead)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: last readout \"%.60s\" for %d heads", m->path,
                           racahi_dump_string(module, "irreps_out"), m->nhead);
    c->readout_width = (int)(H / (size_t)m->nhead);
    return RACAH_OK;
}

racah_status racahi_mace_configure(racahi_mace *m, const char *head, racah_error *err)
{
    int layers;
    RACAHI_TRY(racahi_dump_integer(&m->d, &layers, err, "num_interactions"));
    if (!(layers >= 1 && layers <= RACAHI_MAX_LAYERS))
        return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: %d interactions, this release imports 1 .. %d",
                           m->path, layers, RACAHI_MAX_LAYERS);
    m->cfg.layers = layers;
    m->nreadout = list_size(m, "readouts");
    RACAHI_TRY(check_classes(m, m->cfg.layers, err));
    RACAHI_TRY(choose_head(m, head, err));
    RACAHI_TRY(read_elements(m, err));
    RACAHI_TRY(read_radial(m, err));
    RACAHI_TRY(read_zbl(m, err));
    RACAHI_TRY(read_shape(m, err));
    RACAHI_TRY(read_readout_width(m, err));
    racah_status st = racahi_config_check(&m->cfg, err);
    return st == RACAH_OK ? st : racahi_prefix(err, st, "%s", m->path);
}
