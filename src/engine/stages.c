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

/* A spline value is 6 products and 5 sums; forward takes the value, backward value and slope. */
void racahi_stage_work(const racahi_net *net, size_t nq, size_t elements, size_t real, double neighbors,
                       racahi_work work[RACAHI_STAGE_COUNT])
{
    const double C = net->cfg.channels, S = (double)net->S, H = net->cfg.readout_width, M = neighbors;
    memset(work, 0, RACAHI_STAGE_COUNT * sizeof *work);
    for (int t = 0; t < net->cfg.layers; t++) {
        const racahi_layer_plan *p = &net->layer[t];
        const bool density = t == 0 && nq;
        const double q = (double)nq, nw = (double)p->nw, nrow = (double)p->nrow, K = (double)p->K, SL = (double)p->SL;
        /* harmonics forward (values: about 2 S operations) and backward (values and gradients: about 10 S) */
        add(&work[RACAHI_STAGE_EDGES], M * 12 * S, M * 5 * S, real);
        double products = 0; /* multiply-adds of the node matrices per pair of channels, one way */
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
            for (int l = 0; l <= net->cfg.l_max; l++) products += (2 * l + 1) * (double)racahi_conv_nslot(p->conv, l);
        }
        products += SL + (t ? K : 0) + (t && racahi_net_has_skip(net, t) ? (K < SL ? K : SL) : 0);
        add(&work[RACAHI_STAGE_LINEAR], 2 * 2 * products * C * C, 2 * 2 * products * C, real);
        add(&work[RACAHI_STAGE_PRODUCT], C * (double)racahi_product_flops(p->prod, false),
            C * ((double)p->nentry + S + SL), real);
        add(&work[RACAHI_STAGE_PRODUCT_BACK], C * (double)racahi_product_flops(p->prod, true),
            C * ((double)p->nentry + 2 * S + SL), real);
        add(&work[RACAHI_STAGE_REST], M * 2 * 3 * S, M * 4 * S, real);
    }
    add(&work[RACAHI_STAGE_REST], 4 * C * H, 2 * C * H, real);
}
