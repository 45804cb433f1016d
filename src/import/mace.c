/* SPDX-License-Identifier: MIT
 * Weights of a MACE checkpoint folded into a Racah model. Names on the left are MACE's. */
#include "import.h"
#include "mace.h"
#include "../engine/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tensor of our model with this index. */
static double *ours(racah_model *model, int index) { return model->theta + model->table.t[index].offset; }

static racah_status wrong_size(const racahi_mace *m, const char *what, int t, racah_error *err)
{
    return racahi_fail(err, RACAH_EFORMAT, "%s: %s of layer %d does not have the sizes its blocks imply",
                       m->path, what, t);
}

/* Matrix of degree l, [nelem][C][C], of maps between C channels each; zero where there is no path. */
static racah_status square(const racahi_mace *m, const racahi_maps *a, int l, size_t nelem, double *to,
                           const char *what, int t, racah_error *err)
{
    const size_t C = (size_t)m->cfg.channels;
    if (a->nin[l] != C || a->nout[l] != C || a->nelem != nelem) return wrong_size(m, what, t, err);
    if (a->w[l]) memcpy(to, a->w[l], nelem * C * C * sizeof(double));
    return RACAH_OK;
}

/* ---- embedding, up, radial ------------------------------------------------------------------------------
 */

static racah_status fold_embedding(racahi_mace *m, racah_model *model, racah_error *err)
{
    racahi_maps e;
    RACAHI_TRY(racahi_maps_linear(&e, &m->d, err, "node_embedding.linear"));
    const bool ok = e.nin[0] == (size_t)m->cfg.nelem && e.nout[0] == (size_t)m->cfg.channels && e.w[0];
    if (ok) memcpy(ours(model, model->table.embed), e.w[0], e.nin[0] * e.nout[0] * sizeof(double));
    racahi_maps_free(&e);
    return ok ? RACAH_OK : wrong_size(m, "node embedding", 0, err);
}

static racah_status fold_up(racahi_mace *m, racah_model *model, int t, racah_error *err)
{
    racahi_maps up;
    racah_status st = RACAH_OK;
    RACAHI_TRY(racahi_maps_linear(&up, &m->d, err, "interactions.%d.linear_up", t));
    for (int l = 0; l <= racahi_lin(&m->cfg, t) && st == RACAH_OK; l++)
        st = square(m, &up, l, 1, ours(model, model->table.layer[t].up[l]), "linear_up", t, err);
    if (st == RACAH_OK && racahi_irreps_lmax(&up.out) > racahi_lin(&m->cfg, t))
        st = wrong_size(m, "linear_up", t, err);
    racahi_maps_free(&up);
    return st;
}

/* Weight of layer k of an MLP with fan-in, the activation constant of the layer before and, for the first,
 * the scale of the basis. */
static racah_status mlp_weight(racahi_mace *m, const char *net, int k, racahi_array *w, racah_error *err)
{
    size_t in, out;
    double cst, before = MACE_ACT;
    if (k) RACAHI_TRY(racahi_mace_mlp_layer(m, net, k - 1, &in, &out, &before, err));
    RACAHI_TRY(racahi_mace_mlp_layer(m, net, k, &in, &out, &cst, err));
    RACAHI_TRY(racahi_dump_array(&m->d, w, err, "%s.layer%d.weight", net, k));
    if (w->ndim != 2 || w->shape[0] != in || w->shape[1] != out) {
        racahi_free(w->x);
        return racahi_fail(err, RACAH_EFORMAT, "%s: %s.layer%d.weight is not (%zu,%zu)", m->path, net, k, in,
                           out);
    }
    const double f = (k ? before / MACE_ACT : m->basis_scale) / sqrt((double)in);
    for (size_t i = 0; i < w->n; i++) w->x[i] *= f;
    return RACAH_OK;
}

static racah_status fold_mlp(racahi_mace *m, racah_model *model, const char *net, int n, const int *index,
                             racah_error *err)
{
    for (int k = 0; k < n; k++) {
        racahi_array w;
        RACAHI_TRY(mlp_weight(m, net, k, &w, err));
        const racahi_param *p = &model->table.t[index[k]];
        const bool ok = w.n == p->b * p->r * p->c;
        if (ok) memcpy(ours(model, index[k]), w.x, w.n * sizeof(double));
        racahi_free(w.x);
        if (!ok)
            return racahi_fail(err, RACAH_EFORMAT, "%s: %s.layer%d.weight has the wrong size", m->path, net,
                               k);
    }
    return RACAH_OK;
}

/* ---- convolution: radial weights of the paths, and V ------------------------------------------------------
 */

typedef struct conv_path { /* of MACE's conv_tp; ours is number `index`, slot `slot` of l3 */
    int l1, l2, l3, index;
    size_t slot, their_slot, column;
    double weight;
} conv_path;

/* Order of tp/conv.h: l3, l1, l2. */
static bool our_path(conv_path *p, int lin, int lmax)
{
    int index = 0;
    for (int l3 = 0; l3 <= lmax; l3++) {
        size_t slot = 0;
        for (int l1 = 0; l1 <= lin; l1++)
            for (int l2 = 0; l2 <= lmax; l2++) {
                if (l3 < abs(l1 - l2) || l3 > l1 + l2 || (l1 + l2 + l3) % 2) continue;
                if (l1 == p->l1 && l2 == p->l2 && l3 == p->l3) {
                    p->index = index, p->slot = slot;
                    return true;
                }
                index++, slot++;
            }
    }
    return false;
}

static json_int_t integer_of(const json_t *o, const char *key, json_int_t n)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < n
               ? json_integer_value(v)
               : -1;
}

static racah_status read_paths(racahi_mace *m, int t, conv_path *p, int *n, racah_error *err)
{
    const json_t *conv;
    racahi_mul_irreps in, edge, out;
    char name[48];
    snprintf(name, sizeof name, "interactions.%d.conv_tp", t);
    RACAHI_TRY(racahi_dump_module(&m->d, &conv, err, "%s", name));
    RACAHI_TRY(racahi_dump_irreps(&in, conv, "irreps_in1", name, err));
    RACAHI_TRY(racahi_dump_irreps(&edge, conv, "irreps_in2", name, err));
    RACAHI_TRY(racahi_dump_irreps(&out, conv, "irreps_out", name, err));
    const json_t *list = json_object_get(conv, "instructions");
    const size_t C = (size_t)m->cfg.channels;
    *n = (int)json_array_size(list);
    if (*n < 1 || *n > DUMP_IRREPS)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %s has %d paths", m->path, name, *n);
    for (int q = 0; q < *n; q++) {
        const json_t *o = json_array_get(list, (size_t)q);
        const json_int_t a = integer_of(o, "i_in1", in.n), b = integer_of(o, "i_in2", edge.n),
                         c = integer_of(o, "i_out", out.n);
        if (a < 0 || b < 0 || c < 0 || strcmp(racahi_dump_string(o, "connection_mode"), "uvu") != 0 ||
            !json_is_true(json_object_get(o, "has_weight")) || in.t[a].mul != C || edge.t[b].mul != 1 ||
            out.t[c].mul != C)
            return racahi_fail(err, RACAH_EUNSUPPORTED,
                               "%s: path %d of %s is not C x 1 -> C, mode uvu, with weights", m->path, q,
                               name);
        p[q] = (conv_path){.l1 = in.t[a].l,
                           .l2 = edge.t[b].l,
                           .l3 = out.t[c].l,
                           .column = (size_t)q * C,
                           .their_slot = racahi_irreps_before(&out, (int)c, out.t[c].l) / C,
                           .weight = json_number_value(json_object_get(o, "path_weight"))};
        if (racahi_irreps_before(&in, (int)a, in.t[a].l) ||
            !our_path(&p[q], racahi_lin(&m->cfg, t), m->cfg.l_max))
            return racahi_fail(err, RACAH_EUNSUPPORTED,
                               "%s: path %d of %s, %d x %d -> %d, is not one of this release", m->path, q,
                               name, p[q].l1, p[q].l2, p[q].l3);
        for (int s = 0; s < q; s++)
            if (p[s].l3 == p[q].l3 && p[s].their_slot == p[q].their_slot)
                return racahi_fail(err, RACAH_EUNSUPPORTED, "%s: two paths of %s share an output", m->path,
                                   name);
    }
    return RACAH_OK;
}

static racah_status fold_radial(racahi_mace *m, racah_model *model, int t, const conv_path *p, int n,
                                racah_error *err)
{
    char net[64];
    snprintf(net, sizeof net, "interactions.%d.conv_tp_weights", t);
    const int last = m->cfg.nmlp;
    const size_t C = (size_t)m->cfg.channels;
    RACAHI_TRY(fold_mlp(m, model, net, last, model->table.layer[t].radial, err));
    const racahi_param *to = &model->table.t[model->table.layer[t].radial[last]];
    racahi_array w;
    RACAHI_TRY(mlp_weight(m, net, last, &w, err));
    const bool ok = w.shape[0] == to->b && w.shape[1] == (size_t)n * C;
    for (int q = 0; ok && q < n; q++) /* our coefficients are sqrt(2 l3 + 1) times the 3j symbol */
        for (size_t i = 0; i < to->b; i++)
            for (size_t c = 0; c < C; c++)
                model->theta[to->offset + (i * to->r + (size_t)p[q].index) * C + c] =
                    w.x[i * w.shape[1] + p[q].column + c] * p[q].weight / sqrt(2 * p[q].l3 + 1.0);
    racahi_free(w.x);
    if (!ok)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %s has %zu outputs, its %d paths want %zu", m->path, net,
                           w.shape[1], n, (size_t)n * C);
    return RACAH_OK;
}

/* V[z][slot] = linear[slot] skip_tp[z] where the layer mixes by element, else linear. */
static racah_status fold_mix_l(racahi_mace *m, racah_model *model, int t, int l, const conv_path *p, int n,
                               const racahi_maps *lin, const racahi_maps *mix, racah_error *err)
{
    const racahi_param *to = &model->table.t[model->table.layer[t].mix[l]];
    const size_t C = (size_t)m->cfg.channels, nz = mix ? (size_t)m->cfg.nelem : 1, nslot = to->b / nz;
    size_t have = 0;
    for (int q = 0; q < n; q++) have += p[q].l3 == l;
    if (lin->nin[l] != have * C || lin->nout[l] != C || (mix && (mix->nin[l] != C || mix->nout[l] != C)))
        return wrong_size(m, "linear or skip_tp", t, err);
    if (!lin->w[l] || (mix && !mix->w[l])) return RACAH_OK;
    for (int q = 0; q < n; q++) {
        if (p[q].l3 != l) continue;
        const double *W = lin->w[l] + p[q].their_slot * C * C;
        for (size_t z = 0; z < nz; z++) {
            double *V = model->theta + to->offset + (z * nslot + p[q].slot) * C * C;
            if (!mix) memcpy(V, W, C * C * sizeof(double));
            for (size_t u = 0; mix && u < C; u++)
                for (size_t k = 0; k < C; k++)
                    for (size_t v = 0; v < C; v++)
                        V[u * C + v] += W[u * C + k] * mix->w[l][(z * C + k) * C + v];
        }
    }
    return RACAH_OK;
}

static racah_status fold_mix(racahi_mace *m, racah_model *model, int t, const conv_path *p, int n,
                             racah_error *err)
{
    racahi_maps lin = {0}, mix = {0};
    const bool by_element = m->cfg.element_mix[t];
    racah_status st = racahi_maps_linear(&lin, &m->d, err, "interactions.%d.linear", t);
    if (st == RACAH_OK && by_element)
        st = racahi_maps_by_element(&mix, &m->d, (size_t)m->cfg.nelem, err, "interactions.%d.skip_tp", t);
    for (int l = 0; l <= m->cfg.l_max && st == RACAH_OK; l++)
        if (model->table.layer[t].mix[l] >= 0)
            st = fold_mix_l(m, model, t, l, p, n, &lin, by_element ? &mix : NULL, err);
    racahi_maps_free(&lin), racahi_maps_free(&mix);
    return st;
}

static racah_status fold_skip(racahi_mace *m, racah_model *model, int t, racah_error *err)
{
    if (m->cfg.no_skip[t]) return RACAH_OK;
    racahi_maps s;
    racah_status st = RACAH_OK;
    RACAHI_TRY(racahi_maps_by_element(&s, &m->d, (size_t)m->cfg.nelem, err, "interactions.%d.skip_tp", t));
    for (int l = 0; l <= RACAHI_LH_MAX && st == RACAH_OK; l++)
        if (model->table.layer[t].skip[l] >= 0)
            st = square(m, &s, l, (size_t)m->cfg.nelem, ours(model, model->table.layer[t].skip[l]), "skip_tp",
                        t, err);
    racahi_maps_free(&s);
    return st;
}

/* ---- product and readouts -------------------------------------------------------------------------------
 */

/* W'[z][p][c] = sum_q T[q][p] W[z][q][c] for one contraction (its degree L) and order. */
static racah_status fold_order(racahi_mace *m, racah_model *model, int t, int k, int L, int nu, int order,
                               racah_error *err)
{
    char name[96];
    racahi_array U, W = {0};
    double *T = NULL;
    size_t np = 0;
    snprintf(name, sizeof name, "products.%d.symmetric_contractions.contractions.%d", t, k);
    RACAHI_TRY(racahi_dump_array(&m->d, &U, err, "%s.U_matrix_%d", name, nu));
    racah_status st = nu == order ? racahi_dump_array(&m->d, &W, err, "%s.weights_max", name)
                                  : racahi_dump_array(&m->d, &W, err, "%s.weights.%d", name, order - 1 - nu);
    char full[112];
    snprintf(full, sizeof full, "%s.U_matrix_%d", name, nu);
    if (st == RACAH_OK)
        st = racahi_project_paths(&T, &np, &U, m->cfg.l_max, L, nu, m->d.single ? 1e-5 : 1e-12, full, err);
    const size_t C = (size_t)m->cfg.channels, nq = U.ndim ? U.shape[U.ndim - 1] : 0,
                 nelem = (size_t)m->cfg.nelem;
    if (st == RACAH_OK &&
        (W.ndim != 3 || (W.shape[0] != nelem && W.shape[0] != 1) || W.shape[1] != nq || W.shape[2] != C))
        st = racahi_fail(err, RACAH_EFORMAT, "%s: weights of %s are not (%zu,%zu,%zu)", m->path, full, nelem,
                         nq, C);
    const int index = model->table.layer[t].product[L][nu];
    if (st == RACAH_OK && index >= 0)
        for (size_t z = 0; z < nelem; z++)
            for (size_t q = 0; q < nq; q++)
                for (size_t p = 0; p < np; p++) {
                    double *to = ours(model, index) + (z * np + p) * C;
                    const double *from = W.x + ((W.shape[0] == 1 ? 0 : z) * nq + q) * C;
                    for (size_t c = 0; c < C; c++) to[c] += T[q * np + p] * from[c];
                }
    racahi_free(U.x), racahi_free(W.x), racahi_free(T);
    return st;
}

static racah_status fold_product(racahi_mace *m, racah_model *model, int t, racah_error *err)
{
    racahi_maps p;
    racah_status st = RACAH_OK;
    const int lout = racahi_lout(&m->cfg, t);
    RACAHI_TRY(racahi_maps_linear(&p, &m->d, err, "products.%d.linear", t));
    for (int l = 0; l <= lout && st == RACAH_OK; l++)
        st = square(m, &p, l, 1, ours(model, model->table.layer[t].linear[l]), "products linear", t, err);
    int order = 0;
    while (
        racahi_dump_has(&m->d, "products.%d.symmetric_contractions.contractions.0.U_matrix_%d", t, order + 1))
        order++;
    for (int k = 0; k < p.in.n && st == RACAH_OK; k++) {
        if (p.in.t[k].l > lout) {
            st = racahi_fail(err, RACAH_EUNSUPPORTED,
                             "%s: products.%d has an output of degree %d, which no readout uses", m->path, t,
                             p.in.t[k].l);
            break;
        }
        for (int nu = 1; nu <= order && st == RACAH_OK; nu++)
            st = fold_order(m, model, t, k, p.in.t[k].l, nu, order, err);
    }
    racahi_maps_free(&p);
    return st;
}

static racah_status fold_linear_readout(racahi_mace *m, int i, double *to, size_t stride, double factor,
                                        racah_error *err)
{
    racahi_maps r;
    RACAHI_TRY(racahi_maps_linear(&r, &m->d, err, "readouts.%d.linear", i));
    const size_t C = (size_t)m->cfg.channels;
    const bool ok = r.nin[0] == C && r.nout[0] == (size_t)m->nhead && r.w[0];
    for (size_t c = 0; ok && c < C; c++) to[c * stride] = factor * r.w[0][c * r.nout[0] + (size_t)m->head];
    racahi_maps_free(&r);
    return ok ? RACAH_OK : wrong_size(m, "readout", i, err);
}

static racah_status fold_mlp_readout(racahi_mace *m, racah_model *model, int i, racah_error *err)
{
    const json_t *act;
    RACAHI_TRY(racahi_dump_module(&m->d, &act, err, "readouts.%d.non_linearity", i));
    const json_t *cst = json_array_get(json_object_get(act, "act_cst"), 0);
    if (!json_is_number(cst) || strcmp(racahi_dump_string(act, "act"), "silu") != 0)
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "%s: readouts.%d: activation \"%.40s\"; this release imports silu", m->path, i,
                           racahi_dump_string(act, "act"));
    racahi_maps a, b = {0};
    RACAHI_TRY(racahi_maps_linear(&a, &m->d, err, "readouts.%d.linear_1", i));
    racah_status st = racahi_maps_linear(&b, &m->d, err, "readouts.%d.linear_2", i);
    const size_t C = (size_t)m->cfg.channels, H = (size_t)m->cfg.readout_width, all = H * (size_t)m->nhead,
                 h0 = H * (size_t)m->head; /* hidden units h0 .. h0+H belong to our head */
    if (st == RACAH_OK && (a.nin[0] != C || a.nout[0] != all || b.nin[0] != all ||
                           b.nout[0] != (size_t)m->nhead || !a.w[0] || !b.w[0]))
        st = wrong_size(m, "readout", i, err);
    if (st == RACAH_OK) {
        for (size_t c = 0; c < C; c++)
            memcpy(ours(model, model->table.readout_hidden) + c * H, a.w[0] + c * all + h0,
                   H * sizeof(double));
        for (size_t h = 0; h < H; h++)
            ours(model, model->table.readout_out)[h] =
                b.w[0][(h0 + h) * b.nout[0] + (size_t)m->head] * json_number_value(cst) / MACE_ACT;
    }
    racahi_maps_free(&a), racahi_maps_free(&b);
    return st;
}

static racah_status fold_readouts(racahi_mace *m, racah_model *model, racah_error *err)
{
    const int T = m->cfg.layers;
    if (T == 1) { /* linear after the only layer: x = silu(x) - silu(-x) */
        double *W = ours(model, model->table.readout_hidden), *out = ours(model, model->table.readout_out);
        RACAHI_TRY(fold_linear_readout(m, 0, W, 2, 1, err));
        RACAHI_TRY(fold_linear_readout(m, 0, W + 1, 2, -1, err));
        out[0] = 1 / MACE_ACT, out[1] = -1 / MACE_ACT;
        return RACAH_OK;
    }
    for (int t = 0; m->nreadout == T && t < T - 1; t++)
        RACAHI_TRY(fold_linear_readout(m, t, ours(model, model->table.layer[t].readout), 1, 1, err));
    return fold_mlp_readout(m, model, m->nreadout - 1, err);
}

static racah_status fold_layer(racahi_mace *m, racah_model *model, int t, racah_error *err)
{
    conv_path p[DUMP_IRREPS];
    int n;
    RACAHI_TRY(fold_up(m, model, t, err));
    RACAHI_TRY(read_paths(m, t, p, &n, err));
    RACAHI_TRY(fold_radial(m, model, t, p, n, err));
    if (m->cfg.density[t]) {
        char net[48];
        snprintf(net, sizeof net, "interactions.%d.density_fn", t);
        RACAHI_TRY(fold_mlp(m, model, net, m->cfg.ndensity + 1, model->table.layer[t].density, err));
    }
    RACAHI_TRY(fold_mix(m, model, t, p, n, err));
    RACAHI_TRY(fold_skip(m, model, t, err));
    return fold_product(m, model, t, err);
}

/* ---- energies
 * ---------------------------------------------------------------------------------------------- */

/* Entry of our head: one number for all heads, or one for each. */
static racah_status head_number(racahi_mace *m, const char *name, double *out, racah_error *err)
{
    racahi_array a;
    RACAHI_TRY(racahi_dump_array(&m->d, &a, err, "%s", name));
    const bool ok = a.n == 1 || a.n == (size_t)m->nhead;
    if (ok) *out = a.x[a.n == 1 ? 0 : m->head];
    const size_t n = a.n;
    racahi_free(a.x);
    return ok ? RACAH_OK
              : racahi_fail(err, RACAH_EFORMAT, "%s: %s has %zu numbers for %d heads", m->path, name, n,
                            m->nhead);
}

/* E0, scale and shift. Racah subtracts the energy of the isolated atom from E_i, so it goes into shift. */
static racah_status fold_energies(racahi_mace *m, racah_model *model, racah_error *err)
{
    const size_t n = (size_t)m->cfg.nelem;
    double scale = 1, shift = 0;
    racahi_array e;
    RACAHI_TRY(racahi_dump_array(&m->d, &e, err, "atomic_energies_fn.atomic_energies"));
    const bool ok = e.n == n || e.n == n * (size_t)m->nhead;
    for (size_t z = 0; ok && z < n; z++) model->E0[z] = e.x[(e.n == n ? 0 : (size_t)m->head * n) + z];
    racahi_free(e.x);
    if (!ok)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %zu atomic energies for %zu elements and %d heads",
                           m->path, e.n, n, m->nhead);
    if (strcmp(racahi_dump_string(m->d.json, "class"), "ScaleShiftMACE") == 0) {
        RACAHI_TRY(head_number(m, "scale_shift.scale", &scale, err));
        RACAHI_TRY(head_number(m, "scale_shift.shift", &shift, err));
    }
    racahi_net *net = NULL;
    racahi_weights *w = NULL;
    racah_status st = racahi_net_create(&net, &m->cfg, RACAH_ISA_AUTO, err);
    if (st == RACAH_OK) st = racahi_weights_create(&w, net, err);
    if (st == RACAH_OK) {
        racahi_weights_set(w, model->theta);
        for (size_t z = 0; z < n; z++)
            model->scale[z] = scale, model->shift[z] = shift + scale * w->isolated[z];
    }
    racahi_weights_destroy(w);
    racahi_net_destroy(net);
    return st;
}

/* ---- provenance and references
 * ------------------------------------------------------------------------------ */

static racah_status add_provenance(racahi_mace *m, racah_model *model, racah_error *err)
{
    const char *slash = strrchr(m->path, '/');
    json_t *o = json_pack(
        "{s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "imported", "file", slash ? slash + 1 : m->path,
        "data_sha256", m->d.file->sha256, "class", racahi_dump_string(m->d.json, "class"), "head",
        m->head_name, "precision", m->d.single ? "float32" : "float64", "mace",
        racahi_dump_string(m->d.json, "mace_version"), "e3nn", racahi_dump_string(m->d.json, "e3nn_version"));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    model->training = racahi_strdup(text);
    free(text);
    return model->training ? RACAH_OK
                           : racahi_fail(err, RACAH_ENOMEM, "%s: no memory for the provenance", m->path);
}

/* Eight atoms near the corners of a cube, elements from `first` on; periodic: a cell below twice the cutoff.
 */
static racah_status add_reference(racah_model *model, racah_calc *calc, int first, bool periodic,
                                  racah_error *err)
{
    const double a = 0.42 * model->cfg.r_max, L = 2 * a;
    double pos[24], cell[9] = {L, 0, 0, 0.1 * L, L, 0, 0, -0.05 * L, L}, forces[24], virial[9], energy;
    int Z[8];
    for (int i = 0; i < 8; i++) {
        Z[i] = model->cfg.Z[(first + i) % model->cfg.nelem];
        for (int c = 0; c < 3; c++)
            pos[3 * i + c] = a * ((i >> c & 1) + 0.25 * sin(1.7 * (3 * i + c) + first));
    }
    const int pbc[3] = {periodic, periodic, periodic};
    racah_structure s = {.size = sizeof s,
                         .natoms = 8,
                         .positions = pos,
                         .atomic_numbers = Z,
                         .cell = periodic ? cell : NULL,
                         .pbc = {periodic, periodic, periodic},
                         .energy = &energy,
                         .forces = forces,
                         .virial = virial};
    RACAHI_TRY(racah_compute(calc, &s, err));
    return racahi_model_add_reference(model, 8, Z, pos, s.cell, pbc, energy, forces, virial, err);
}

static racah_status add_references(racah_model *model, racah_error *err)
{
    racah_calc *calc = NULL;
    const racah_calc_options o = {.size = sizeof o, .radial = RACAH_RADIAL_EXACT};
    RACAHI_TRY(racah_calc_create(&calc, model, &o, err));
    racah_status st = add_reference(model, calc, 0, false, err);
    if (st == RACAH_OK) st = add_reference(model, calc, model->cfg.nelem / 2, true, err);
    racah_calc_destroy(calc);
    return st;
}

/* Before memory that only the sizes in the dump's text claim is taken: what folds into a tensor of ours has at least
 * 1/nelem of its elements, but for the linear readout of one layer (twice). */
static racah_status check_claim(const racahi_mace *m, const racah_model *model, racah_error *err)
{
    size_t have = 0;
    for (size_t i = 0; i < m->d.file->n; i++) have += m->d.file->t[i].count;
    if (model->table.count <= (1 + (size_t)m->cfg.nelem) * have) return RACAH_OK;
    return racahi_fail(err, RACAH_EFORMAT, "%s: %zu numbers cannot fill a model of %zu parameters", m->path, have,
                       model->table.count);
}

static racah_status import(racahi_mace *m, racah_model **out, const char *head, racah_error *err)
{
    RACAHI_TRY(racahi_mace_configure(m, head, err));
    RACAHI_TRY(racahi_model_create_shape(out, &m->cfg, err));
    RACAHI_TRY(check_claim(m, *out, err));
    RACAHI_TRY(racahi_model_allocate(*out, err));
    RACAHI_TRY(fold_embedding(m, *out, err));
    for (int t = 0; t < m->cfg.layers; t++) RACAHI_TRY(fold_layer(m, *out, t, err));
    RACAHI_TRY(fold_readouts(m, *out, err));
    RACAHI_TRY(fold_energies(m, *out, err));
    RACAHI_TRY(racahi_dump_all_used(&m->d, err));
    RACAHI_TRY(add_provenance(m, *out, err));
    return add_references(*out, err);
}

racah_status racahi_import_mace(racah_model **out, const char *path, const char *head, racah_error *err)
{
    *out = NULL;
    racahi_mace m = {.path = path};
    racah_status st = racahi_dump_open(&m.d, path, err);
    if (st == RACAH_OK) st = import(&m, out, head, err);
    racahi_dump_close(&m.d);
    if (st != RACAH_OK) {
        racah_model_destroy(*out);
        *out = NULL;
    }
    return st;
}
