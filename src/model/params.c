/* SPDX-License-Identifier: MIT
 * The table of parameter tensors of a config. */
#include "model.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_TENSORS 256 /* one layer has at most 48, there are 4 layers and 3 more */

static int add(racahi_params *p, size_t b, size_t r, size_t c, double gain, bool decay, bool row_channels,
               bool col_channels, const char *fmt, ...) __attribute__((format(printf, 9, 10)));

static int add(racahi_params *p, size_t b, size_t r, size_t c, double gain, bool decay, bool row_channels,
               bool col_channels, const char *fmt, ...)
{
    racahi_param *t = &p->t[p->n];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->name, sizeof t->name, fmt, ap);
    va_end(ap);
    t->b = b, t->r = r, t->c = c;
    t->offset = p->count;
    t->gain = gain;
    t->decay = decay, t->row_channels = row_channels, t->col_channels = col_channels;
    p->count += b * r * c;
    return (int)p->n++;
}

static void add_density(racahi_params *p, const racahi_config *cfg, int t)
{
    if (!cfg->density[t]) return;
    size_t in = (size_t)cfg->nbessel;
    for (int k = 0; k <= cfg->ndensity; k++) {
        size_t out = k < cfg->ndensity ? (size_t)cfg->density_mlp[k] : 1;
        p->layer[t].density[k] =
            add(p, 1, in, out, 1 / sqrt((double)in), false, false, false, "layer%d.density.%d", t, k);
        in = out;
    }
}

static racah_status add_layer(racahi_params *p, const racahi_config *cfg, int t, racah_error *err)
{
    const size_t C = (size_t)cfg->channels, nelem = (size_t)cfg->nelem;
    const double inv_sqrt_c = 1 / sqrt((double)C);
    const int lin = racahi_lin(cfg, t), lout = racahi_lout(cfg, t);
    racahi_conv *conv = NULL;
    racahi_product *prod = NULL;
    racah_status st = racahi_conv_create(&conv, lin, cfg->l_max, cfg->l_max, cfg->weights, cfg->family,
                                         RACAHI_ISA_BASE, err);
    if (st != RACAH_OK) goto out;
    st = racahi_product_create(&prod, cfg->l_max, lout, cfg->correlation, RACAHI_ISA_BASE, err);
    if (st != RACAH_OK) goto out;

    memset(&p->layer[t], -1, sizeof p->layer[t]); /* every index -1 */
    for (int l = 0; l <= lin; l++)
        p->layer[t].up[l] = add(p, 1, C, C, inv_sqrt_c, true, true, true, "layer%d.up.l%d", t, l);
    size_t in = (size_t)cfg->nbessel;
    for (int k = 0; k < cfg->nmlp; k++) {
        size_t out = (size_t)cfg->mlp[k];
        p->layer[t].radial[k] =
            add(p, 1, in, out, 1 / sqrt((double)in), false, false, false, "layer%d.radial.%d", t, k);
        in = out;
    }
    p->layer[t].radial[cfg->nmlp] = add(p, in, racahi_conv_nw(conv), C, 1 / sqrt((double)in), false, false,
                                        true, "layer%d.radial.%d", t, cfg->nmlp);
    add_density(p, cfg, t);
    for (int l = 0; l <= cfg->l_max; l++) {
        size_t ns = racahi_conv_nslot(conv, l);
        if (ns)
            p->layer[t].mix[l] =
                add(p, cfg->element_mix[t] ? nelem * ns : ns, C, C, inv_sqrt_c / sqrt((double)ns), true, true,
                    true, "layer%d.mix.l%d", t, l);
    }
    for (int L = 0; L <= lout; L++)
        for (int nu = 1; nu <= cfg->correlation; nu++) {
            size_t np = racahi_product_npath_of(prod, L, nu);
            if (np) /* unit-variance polynomials: the sum over orders and paths has unit variance, too */
                p->layer[t].product[L][nu] = add(p, nelem, np, C, 1 / sqrt((double)np * cfg->correlation),
                                                 true, false, true, "layer%d.product.L%d.nu%d", t, L, nu);
        }
    for (int l = 0; l <= lout; l++)
        p->layer[t].linear[l] = add(p, 1, C, C, inv_sqrt_c, true, true, true, "layer%d.linear.l%d", t, l);
    for (int l = 0; l <= (lin < lout ? lin : lout) && !cfg->no_skip[t]; l++)
        p->layer[t].skip[l] = add(p, nelem, C, C, inv_sqrt_c, true, true, true, "layer%d.skip.l%d", t, l);
    if (t < cfg->layers - 1)
        p->layer[t].readout = add(p, 1, 1, C, inv_sqrt_c, false, false, true, "layer%d.readout", t);
out:
    racahi_conv_destroy(conv);
    racahi_product_destroy(prod);
    return st;
}

racah_status racahi_params_create(racahi_params *out, const racahi_config *cfg, racah_error *err)
{
    memset(out, 0, sizeof *out);
    out->t = racahi_calloc(MAX_TENSORS, sizeof *out->t);
    if (!out->t) return racahi_fail(err, RACAH_ENOMEM, "tensor table: %zu bytes do not fit in memory", MAX_TENSORS * sizeof *out->t);
    const size_t C = (size_t)cfg->channels, H = (size_t)cfg->readout_width;
    out->embed = add(out, 1, (size_t)cfg->nelem, C, 1, false, false, true, "embed");
    for (int t = 0; t < cfg->layers; t++) {
        racah_status st = add_layer(out, cfg, t, err);
        if (st != RACAH_OK) {
            racahi_params_free(out);
            return st;
        }
    }
    out->readout_hidden = add(out, 1, C, H, 1 / sqrt((double)C), false, true, false, "readout.hidden");
    out->readout_out = add(out, 1, 1, H, 1 / sqrt((double)H), false, false, false, "readout.out");
    return RACAH_OK;
}

void racahi_params_free(racahi_params *p)
{
    racahi_free(p->t);
    memset(p, 0, sizeof *p);
}
