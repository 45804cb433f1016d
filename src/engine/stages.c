/* SPDX-License-Identifier: MIT
 * Names and counted work of the stages. */
#include "stages.h"

#include <string.h>

const char *racahi_stage_name(racahi_stage s)
{
    static const char *const name[] = {"edges", "density", "convolution", "convolution back", "linear", "product",
                                       "product back", "rest"};
    return (unsigned)s < RACAHI_STAGE_COUNT ? name[s] : "?";
}

static void add(racahi_work *w, double flops, double numbers, size_t real)
{
    w->flops += flops, w->bytes += numbers * (double)real;
}

/* Multiply-adds of a layer's node matrices for each pair of channels, one way; V is folded where A comes from densities. */
static double matrix_products(const racahi_net *net, int t, bool mix)
{
    const racahi_layer_plan *p = &net->layer[t];
    const double K = (double)p->K, SL = (double)p->SL;
    double sum = SL + (t ? K : 0) + (t && racahi_net_has_skip(net, t) ? (K < SL ? K : SL) : 0);
    for (int l = 0; mix && l <= net->cfg.l_max; l++) sum += (2 * l + 1) * (double)racahi_conv_nslot(p->conv, l);
    return sum;
}

/* A spline value is 6 products and 5 sums; forward takes the value, backward value and slope. */
void racahi_stage_work(const racahi_net *net, size_t nq, size_t elements, size_t real, double neighbors,
                       racahi_work work[RACAHI_STAGE_COUNT])
{
    const double C = net->cfg.channels, S = (double)net->S, H = net->cfg.readout_width, M = neighbors;
    memset(work, 0, RACAHI_STAGE_COUNT * sizeof *work);
    for (int t = 0; t < net->cfg.layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        const bool density = t == 0 && nq;
        const double q = (double)nq, nw = (double)p->nw, nrow = (double)p->nrow, K = (double)p->K,
                     SL = (double)p->SL;
        /* harmonics forward (values: about 2 S operations) and backward (values and gradients: about 10 S) */
        add(&work[RACAHI_STAGE_EDGES], M * 12 * S, M * 5 * S, real);
        if (density) {
            add(&work[RACAHI_STAGE_EDGES], M * q * 33, M * q * 15, real);
            add(&work[RACAHI_STAGE_DENSITY], M * q * (6 * S + 2), M * q * (2 * S + 3), real);
            const double folded = S * q * (double)elements;
            add(&work[RACAHI_STAGE_LINEAR], 2 * 2 * folded * C, 2 * (folded + folded / S * C + S * C), real);
        } else {
            add(&work[RACAHI_STAGE_CONV], M * C * ((double)racahi_conv_flops(p->conv, false) + 11 * nw),
                M * C * (6 * nw + K + nrow), real);
            add(&work[RACAHI_STAGE_CONV_BACK], M * C * ((double)racahi_conv_flops(p->conv, true) + 22 * nw),
                M * C * (6 * nw + 3 * K + nrow), real);
        }
        const double products = matrix_products(net, t, !density);
        add(&work[RACAHI_STAGE_LINEAR], 2 * 2 * products * C * C, 2 * 2 * products * C, real);
        add(&work[RACAHI_STAGE_PRODUCT], C * (double)racahi_product_flops(p->prod, false),
            C * ((double)p->nentry + S + SL), real);
        add(&work[RACAHI_STAGE_PRODUCT_BACK], C * (double)racahi_product_flops(p->prod, true),
            C * ((double)p->nentry + 2 * S + SL), real);
        add(&work[RACAHI_STAGE_REST], M * 2 * 3 * S, M * 4 * S, real);
    }
    add(&work[RACAHI_STAGE_REST], 4 * C * H, 2 * C * H, real);
}

static double mlp_products(const racahi_radial *r)
{
    double sum = 0, in = r->nb;
    for (int k = 0; k < r->nmlp; k++) sum += in * (double)r->width[k], in = (double)r->width[k];
    return sum + in * (double)r->nout;
}

double racahi_grad_flops(const racahi_net *net, size_t atoms, size_t edges, bool parameters)
{
    const double N = (double)atoms, M = (double)edges, C = net->cfg.channels, S = (double)net->S;
    const double ways = parameters ? 3 : 2; /* forward, back to the inputs, to the weights */
    double sum = N * 2 * ways * C * net->cfg.readout_width;
    for (int t = 0; t < net->cfg.layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        const racahi_radial radial = racahi_net_radial(net, t, (size_t)net->cfg.channels), density = racahi_net_density(net);
        const double mlp = mlp_products(&radial) + (net->cfg.density[t] ? mlp_products(&density) : 0);
        sum += M * (12 * S + 2 * ways * mlp + C * (double)(racahi_conv_flops(p->conv, false) + racahi_conv_flops(p->conv, true)));
        sum += N * (2 * ways * matrix_products(net, t, true) * C * C +
                    C * (double)(racahi_product_flops(p->prod, false) + racahi_product_flops(p->prod, true)));
    }
    return sum;
}
