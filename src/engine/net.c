/* SPDX-License-Identifier: MIT
 * Plans of a model's layers and the padded layout of its weights. */
#include "net.h"
#include "../linear/rows.h"
#include "grad.h"

#include <math.h>
#include <string.h>

racahi_isa racahi_isa_choose(racah_isa want, bool *ok)
{
    racahi_isa best = racahi_cpu_best();
    racahi_isa isa = want == RACAH_ISA_AUTO ? best : (racahi_isa)(want - RACAH_ISA_BASELINE);
    *ok = isa <= best;
    return isa;
}

static racah_status reference_distances(racahi_net *net, racah_error *err)
{
    const racahi_config *c = &net->cfg;
    const size_t n = (size_t)c->nelem;
    if (c->transform == RACAHI_TRANSFORM_NONE) return RACAH_OK;
    net->r0 = racahi_malloc(n * n, sizeof *net->r0);
    if (!net->r0) return racahi_fail(err, RACAH_ENOMEM, "reference distances: %zu bytes do not fit in memory", n * n * sizeof *net->r0);
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b < n; b++)
            net->r0[a * n + b] = racahi_transform_r0(c->transform, c->radius[a], c->radius[b]);
    return RACAH_OK;
}

racah_status racahi_net_create(racahi_net **out, const racahi_config *cfg, racah_isa want, racah_error *err)
{
    *out = NULL;
    RACAHI_TRY(racahi_config_check(cfg, err));
    bool ok;
    racahi_isa isa = racahi_isa_choose(want, &ok);
    if (!ok)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "instruction set %s: this CPU or build has %s at best",
                           racahi_isa_name(isa), racahi_isa_name(racahi_cpu_best()));
    racahi_net *net = racahi_calloc(1, sizeof *net);
    if (!net) return racahi_fail(err, RACAH_ENOMEM, "net: %zu bytes do not fit in memory", sizeof *net);
    net->cfg = *cfg;
    net->isa = isa;
    net->S = (size_t)(cfg->l_max + 1) * (size_t)(cfg->l_max + 1);
    racah_status st = racahi_params_create(&net->table, cfg, err);
    for (int t = 0; st == RACAH_OK && t < cfg->layers; t++) {
        racahi_layer_plan *p = &net->layer[t];
        p->lin = racahi_lin(cfg, t), p->lout = racahi_lout(cfg, t);
        p->K = (size_t)(p->lin + 1) * (size_t)(p->lin + 1);
        p->SL = (size_t)(p->lout + 1) * (size_t)(p->lout + 1);
        st = racahi_conv_create(&p->conv, p->lin, cfg->l_max, cfg->l_max, cfg->weights, cfg->family, isa, err);
        if (st != RACAH_OK) break;
        st = racahi_product_create(&p->prod, cfg->l_max, p->lout, cfg->correlation, isa, err);
        if (st != RACAH_OK) break;
        p->nrow = racahi_conv_nrow(p->conv), p->nw = racahi_conv_nw(p->conv);
        p->npath = racahi_product_npath(p->prod), p->nentry = racahi_product_nentry(p->prod);
    }
    if (st == RACAH_OK) st = reference_distances(net, err);
    if (st != RACAH_OK) {
        racahi_net_destroy(net);
        return st;
    }
    *out = net;
    return RACAH_OK;
}

racah_status racahi_net_set_method(racahi_net *net, racah_method method, racah_error *err)
{
    static const char *const names[] = {"auto", "cg", "so2", "gaunt", "grid", "cp"};
    static const racahi_nodeconv_algorithm of[] = {
        RACAHI_NODECONV_CG,    RACAHI_NODECONV_CG,   RACAHI_NODECONV_SO2,
        RACAHI_NODECONV_GAUNT, RACAHI_NODECONV_GRID, RACAHI_NODECONV_CP};
    const racahi_config *c = &net->cfg;
    for (int t = 0; t < c->layers && of[method] != RACAHI_NODECONV_CG; t++) {
        racah_status st = racahi_nodeconv_create(&net->layer[t].node, of[method], net->layer[t].lin, c->l_max, c->l_max,
                                                 c->weights, c->family, net->isa, err);
        if (st != RACAH_OK) return racahi_prefix(err, st, "method %s", names[method]);
    }
    return RACAH_OK;
}

void racahi_net_destroy(racahi_net *net)
{
    if (!net) return;
    for (int t = 0; t < RACAHI_MAX_LAYERS; t++) {
        racahi_conv_destroy(net->layer[t].conv);
        racahi_nodeconv_destroy(net->layer[t].node);
        racahi_product_destroy(net->layer[t].prod);
    }
    racahi_params_free(&net->table);
    racahi_free(net->r0);
    racahi_free(net);
}

/* ---- padded layout ---------------------------------------------------------------------------------- */

/* Next offset for n elements, kept at multiples of one vector. */
static size_t place(size_t *total, size_t n)
{
    size_t at = *total;
    *total += (n + 15) / 16 * 16;
    return at;
}

racahi_layout racahi_layout_make(const racahi_net *net, size_t Cp)
{
    racahi_layout a = {.Cp = Cp};
    const racahi_config *c = &net->cfg;
    const size_t nelem = (size_t)c->nelem, H = (size_t)c->readout_width;
    a.embed = place(&a.total, nelem * Cp);
    for (int t = 0; t < c->layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        for (int l = 0; l <= p->lin; l++) a.layer[t].up[l] = place(&a.total, Cp * Cp);
        size_t in = (size_t)c->nbessel;
        for (int k = 0; k < c->nmlp; k++) {
            a.layer[t].radial[k] = place(&a.total, in * (size_t)c->mlp[k]);
            in = (size_t)c->mlp[k];
        }
        a.layer[t].radial[c->nmlp] = place(&a.total, in * p->nw * Cp);
        in = (size_t)c->nbessel;
        for (int k = 0; k <= c->ndensity && c->density[t]; k++) {
            const size_t out = k < c->ndensity ? (size_t)c->density_mlp[k] : 1;
            a.layer[t].density[k] = place(&a.total, in * out);
            in = out;
        }
        for (int l = 0; l <= c->l_max; l++)
            a.layer[t].mix[l] =
                place(&a.total, (c->element_mix[t] ? nelem : 1) * racahi_conv_nslot(p->conv, l) * Cp * Cp);
        a.layer[t].product = place(&a.total, nelem * p->npath * Cp);
        for (int l = 0; l <= p->lout; l++) a.layer[t].linear[l] = place(&a.total, Cp * Cp);
        for (int l = 0; l <= (p->lin < p->lout ? p->lin : p->lout) && racahi_net_has_skip(net, t); l++)
            a.layer[t].skip[l] = place(&a.total, nelem * Cp * Cp);
        a.layer[t].readout = place(&a.total, Cp);
        a.coef[t] = place(&a.derived_total, nelem * p->nentry * Cp);
    }
    a.readout_hidden = place(&a.total, Cp * H);
    a.readout_out = place(&a.total, H);
    a.x0 = place(&a.derived_total, nelem * Cp);
    a.skip0 = place(&a.derived_total, nelem * Cp);
    return a;
}

size_t racahi_layout_matrices(const racahi_net *net, const racahi_layout *at, racahi_matrices m[RACAHI_MAX_MATRICES])
{
    const racahi_config *c = &net->cfg;
    const size_t Cp = at->Cp, nelem = (size_t)c->nelem;
    size_t n = 0;
    for (int t = 0; t < c->layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        for (int l = 0; l <= p->lin; l++) m[n++] = (racahi_matrices){at->layer[t].up[l], 1, Cp};
        for (int l = 0; l <= c->l_max; l++) {
            const size_t rows = racahi_conv_nslot(p->conv, l) * Cp;
            if (rows) m[n++] = (racahi_matrices){at->layer[t].mix[l], c->element_mix[t] ? nelem : 1, rows};
        }
        for (int l = 0; l <= p->lout; l++) m[n++] = (racahi_matrices){at->layer[t].linear[l], 1, Cp};
        for (int l = 0; l <= (p->lin < p->lout ? p->lin : p->lout) && racahi_net_has_skip(net, t); l++)
            m[n++] = (racahi_matrices){at->layer[t].skip[l], nelem, Cp};
    }
    return n;
}

/* Where tensor i lies in the padded buffer: element (b,r,c) at offset + b*bstride + r*rstride + c. */
typedef struct placement {
    size_t offset, bstride, rstride;
} placement;

static placement place_of(const racahi_net *net, const racahi_layout *a, int i)
{
    const racahi_params *p = &net->table;
    const racahi_param *t = &p->t[i];
    const size_t Cp = a->Cp, rstride = t->col_channels ? Cp : t->c;
    placement q = {0, (t->row_channels ? Cp : t->r) * rstride, rstride};
    if (i == p->embed) q.offset = a->embed;
    if (i == p->readout_hidden) q.offset = a->readout_hidden;
    if (i == p->readout_out) q.offset = a->readout_out;
    for (int n = 0; n < net->cfg.layers; n++) {
        if (i == p->layer[n].readout) q.offset = a->layer[n].readout;
        for (int l = 0; l <= RACAHI_LH_MAX; l++) {
            if (i == p->layer[n].up[l]) q.offset = a->layer[n].up[l];
            if (i == p->layer[n].linear[l]) q.offset = a->layer[n].linear[l];
            if (i == p->layer[n].skip[l]) q.offset = a->layer[n].skip[l];
            for (int nu = 1; nu <= RACAHI_SYM_NU_MAX; nu++)
                if (i == p->layer[n].product[l][nu]) { /* one element's paths of all (L, nu) are contiguous */
                    q.offset =
                        a->layer[n].product + racahi_product_path_offset(net->layer[n].prod, l, nu) * Cp;
                    q.bstride = net->layer[n].npath * Cp;
                }
        }
        for (int l = 0; l <= RACAHI_L_MAX; l++)
            if (i == p->layer[n].mix[l]) q.offset = a->layer[n].mix[l];
        for (int k = 0; k <= RACAHI_MAX_MLP; k++) {
            if (i == p->layer[n].radial[k]) q.offset = a->layer[n].radial[k];
            if (i == p->layer[n].density[k]) q.offset = a->layer[n].density[k];
        }
    }
    return q;
}

static size_t padded_channels(const racahi_net *net) { return ((size_t)net->cfg.channels + 7) / 8 * 8; }

size_t racahi_net_gradient_size(const racahi_net *net) { return racahi_layout_make(net, padded_channels(net)).total; }

void racahi_net_unpack_gradient(const racahi_net *net, const double *gradient, double *flat)
{
    const racahi_layout at = racahi_layout_make(net, padded_channels(net));
    for (size_t i = 0; i < net->table.n; i++) {
        const racahi_param *t = &net->table.t[i];
        const placement q = place_of(net, &at, (int)i);
        for (size_t b = 0; b < t->b; b++)
            for (size_t r = 0; r < t->r; r++)
                memcpy(flat + t->offset + (b * t->r + r) * t->c, gradient + q.offset + b * q.bstride + r * q.rstride,
                       t->c * sizeof *flat);
    }
}

racah_status racahi_weights_create_padded(racahi_weights **out, const racahi_net *net, size_t Cp, racah_error *err)
{
    *out = NULL;
    racahi_weights *w = racahi_calloc(1, sizeof *w);
    size_t bytes = sizeof *w;
    if (w) {
        w->net = net;
        w->at = racahi_layout_make(net, Cp);
        bytes += (3 * w->at.total + w->at.derived_total + racahi_isolated_scratch(net, Cp)) * sizeof(double);
        w->w = racahi_calloc(w->at.total, sizeof *w->w);
        w->derived = racahi_calloc(w->at.derived_total, sizeof *w->derived);
        w->packed = racahi_calloc(w->at.total, sizeof *w->packed);
        w->packed_t = racahi_calloc(w->at.total, sizeof *w->packed_t);
        w->scratch = racahi_calloc(racahi_isolated_scratch(net, Cp), sizeof *w->scratch);
    }
    if (!w || !w->w || !w->derived || !w->packed || !w->packed_t || !w->scratch) {
        racahi_weights_destroy(w);
        return racahi_fail(err, RACAH_ENOMEM, "weights: %zu bytes do not fit in memory", bytes);
    }
    *out = w;
    return RACAH_OK;
}

racah_status racahi_weights_create(racahi_weights **out, const racahi_net *net, racah_error *err)
{
    return racahi_weights_create_padded(out, net, padded_channels(net), err);
}

void racahi_weights_destroy(racahi_weights *w)
{
    if (!w) return;
    racahi_free(w->w);
    racahi_free(w->derived);
    racahi_free(w->packed), racahi_free(w->packed_t);
    racahi_free(w->scratch);
    racahi_free(w);
}

/* y[z] (+)= x[z] W, W shared (stride 0) or by element. */
static void element_rows(size_t nelem, size_t Cp, const double *x, const double *W, size_t stride, double *y)
{
    for (size_t z = 0; z < nelem; z++)
        for (size_t u = 0; u < Cp; u++)
            for (size_t v = 0; v < Cp; v++) y[z * Cp + v] += x[z * Cp + u] * W[z * stride + u * Cp + v];
}

void racahi_weights_set(racahi_weights *w, const double *theta)
{
    const racahi_net *net = w->net;
    const racahi_layout *at = &w->at;
    const size_t Cp = at->Cp, nelem = (size_t)net->cfg.nelem;
    for (size_t i = 0; i < net->table.n; i++) {
        const racahi_param *t = &net->table.t[i];
        const placement q = place_of(net, at, (int)i);
        for (size_t b = 0; b < t->b; b++)
            for (size_t r = 0; r < t->r; r++)
                memcpy(w->w + q.offset + b * q.bstride + r * q.rstride,
                       theta + t->offset + (b * t->r + r) * t->c, t->c * sizeof(double));
    }
    racahi_matrices m[RACAHI_MAX_MATRICES];
    const size_t nm = racahi_layout_matrices(net, at, m);
    for (size_t i = 0; i < nm; i++)
        for (size_t k = 0; k < m[i].count; k++) {
            const size_t from = m[i].offset + k * m[i].rows * Cp;
            racahi_rows_pack_f64(m[i].rows, Cp, Cp, w->w + from, Cp, false, w->packed + from);
            racahi_rows_pack_f64(Cp, m[i].rows, Cp, w->w + from, Cp, true, w->packed_t + from);
        }
    for (int t = 0; t < net->cfg.layers; t++) {
        const racahi_radial r = racahi_net_radial(net, t, Cp);
        for (int k = 0; k <= r.nmlp; k++) {
            const size_t from = at->layer[t].radial[k];
            racahi_mlp_pack(&r, k, w->w + from, w->packed + from, w->packed_t + from);
        }
    }
    memset(w->derived + at->x0, 0, nelem * Cp * sizeof(double));
    memset(w->derived + at->skip0, 0, nelem * Cp * sizeof(double));
    element_rows(nelem, Cp, w->w + at->embed, w->w + at->layer[0].up[0], 0, w->derived + at->x0);
    if (racahi_net_has_skip(net, 0))
        element_rows(nelem, Cp, w->w + at->embed, w->w + at->layer[0].skip[0], Cp * Cp, w->derived + at->skip0);
    for (int t = 0; t < net->cfg.layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        for (size_t z = 0; z < nelem; z++)
            racahi_product_expand_f64(p->prod, Cp, w->w + at->layer[t].product + z * p->npath * Cp,
                                      w->derived + at->coef[t] + z * p->nentry * Cp);
    }
    racahi_isolated_energy(w, w->isolated, w->scratch);
}

/* ---- isolated atoms ----------------------------------------------------------------------------------
 * A = 0, so h^1_z = skip0_z and h^(t+1)_z = h^t_z S_t[z] (l = 0 only; 0 without S); E = sum_t readout_t(h^(t+1)). */

static double act(double z, double *slope)
{
    const double norm = 1.6791767923989418, s = 1 / (1 + exp(-z));
    if (slope) *slope = norm * s * (1 + z * (1 - s));
    return norm * z * s;
}

static void isolated_features(const racahi_weights *w, size_t z, double *h /* [T][Cp] */)
{
    const racahi_layout *at = &w->at;
    const size_t Cp = at->Cp;
    const int T = w->net->cfg.layers;
    memset(h, 0, (size_t)T * Cp * sizeof *h);
    memcpy(h, w->derived + at->skip0 + z * Cp, Cp * sizeof *h);
    for (int t = 1; t < T; t++)
        if (racahi_net_has_skip(w->net, t))
            element_rows(1, Cp, h + (size_t)(t - 1) * Cp, w->w + at->layer[t].skip[0] + z * Cp * Cp, 0,
                     h + (size_t)t * Cp);
}

void racahi_isolated_energy(const racahi_weights *w, double *energy, double *scratch)
{
    const racahi_layout *at = &w->at;
    const size_t Cp = at->Cp, H = (size_t)w->net->cfg.readout_width;
    const int T = w->net->cfg.layers;
    for (int z = 0; z < w->net->cfg.nelem; z++) {
        isolated_features(w, (size_t)z, scratch);
        double sum = 0;
        for (int t = 0; t < T - 1; t++)
            for (size_t c = 0; c < Cp; c++) sum += scratch[(size_t)t * Cp + c] * w->w[at->layer[t].readout + c];
        const double *last = scratch + (size_t)(T - 1) * Cp;
        for (size_t q = 0; q < H; q++) {
            double pre = 0;
            for (size_t c = 0; c < Cp; c++) pre += last[c] * w->w[at->readout_hidden + c * H + q];
            sum += act(pre, NULL) * w->w[at->readout_out + q];
        }
        energy[z] = sum;
    }
}

size_t racahi_isolated_scratch(const racahi_net *net, size_t Cp)
{
    return ((size_t)net->cfg.layers + 2) * Cp;
}

void racahi_isolated_backward(const racahi_weights *w, const double *seed, double *grad, double *scratch)
{
    const racahi_layout *at = &w->at;
    const size_t Cp = at->Cp, H = (size_t)w->net->cfg.readout_width;
    const int T = w->net->cfg.layers;
    double *h = scratch, *dh = scratch + (size_t)T * Cp, *dprev = dh + Cp;
    for (int zi = 0; zi < w->net->cfg.nelem; zi++) {
        const size_t z = (size_t)zi;
        if (seed[z] == 0) continue;
        isolated_features(w, z, h);
        const double *last = h + (size_t)(T - 1) * Cp;
        memset(dh, 0, Cp * sizeof *dh);
        for (size_t q = 0; q < H; q++) {
            double pre = 0, slope;
            for (size_t c = 0; c < Cp; c++) pre += last[c] * w->w[at->readout_hidden + c * H + q];
            grad[at->readout_out + q] += seed[z] * act(pre, &slope);
            const double dpre = seed[z] * w->w[at->readout_out + q] * slope;
            for (size_t c = 0; c < Cp; c++) {
                grad[at->readout_hidden + c * H + q] += dpre * last[c];
                dh[c] += dpre * w->w[at->readout_hidden + c * H + q];
            }
        }
        for (int t = T - 1; t >= 0; t--) {
            if (t < T - 1)
                for (size_t c = 0; c < Cp; c++) {
                    grad[at->layer[t].readout + c] += seed[z] * h[(size_t)t * Cp + c];
                    dh[c] += seed[z] * w->w[at->layer[t].readout + c];
                }
            if (!racahi_net_has_skip(w->net, t)) { /* h^(t+1) is 0 whatever came before */
                memset(dh, 0, Cp * sizeof *dh);
                continue;
            }
            const double *in = t ? h + (size_t)(t - 1) * Cp : w->w + at->embed + z * Cp;
            const double *S = w->w + at->layer[t].skip[0] + z * Cp * Cp;
            double *dS = grad + at->layer[t].skip[0] + z * Cp * Cp;
            for (size_t u = 0; u < Cp; u++) {
                double sum = 0;
                for (size_t v = 0; v < Cp; v++) {
                    dS[u * Cp + v] += in[u] * dh[v];
                    sum += S[u * Cp + v] * dh[v];
                }
                dprev[u] = sum;
            }
            memcpy(dh, dprev, Cp * sizeof *dh);
        }
        for (size_t c = 0; c < Cp; c++) grad[at->embed + z * Cp + c] += dh[c];
    }
}
