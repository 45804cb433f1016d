/* SPDX-License-Identifier: MIT
 * Screened nuclear repulsion (Ziegler, Biersack, Littmark 1985) with a polynomial cutoff at the sum of the covalent
 * radii, in the form and with the constants of MACE. */
#include "net.h"

#include <math.h>

double racahi_zbl_edge(const racahi_config *cfg, int zi, int zj, double r, double *slope)
{
    const double rc = cfg->radius[zi] + cfg->radius[zj];
    *slope = 0;
    if (!(r < rc) || !(r < cfg->r_max)) return 0;
    static const double decay[4] = {3.2, 0.9423, 0.4028, 0.2016};
    const double Zi = cfg->Z[zi], Zj = cfg->Z[zj];
    const double a = cfg->zbl_a_prefactor * 0.529 / (pow(Zi, cfg->zbl_a_exp) + pow(Zj, cfg->zbl_a_exp));
    double phi = 0, phi1 = 0;
    for (int k = 0; k < 4; k++) {
        const double term = cfg->zbl_c[k] * exp(-decay[k] * r / a);
        phi += term;
        phi1 -= decay[k] / a * term;
    }
    const double p = cfg->zbl_p, u = r / rc, w = 1 - u, up = pow(u, p - 1);
    const double f = 1 - up * u * ((p + 1) * (p + 2) / 2 - u * (p * (p + 2) - u * (p * (p + 1) / 2)));
    const double f1 = -0.5 * p * (p + 1) * (p + 2) * up * w * w / rc;
    const double front = 0.5 * 14.3996 * Zi * Zj / r;
    *slope = front * (phi1 * f + phi * f1 - phi * f / r);
    return front * phi * f;
}

void racahi_zbl_add(const racahi_net *net, racahi_system *s, const double *scale, int threads, double *atom_energy,
                    bool want_g)
{
    const racahi_config *cfg = &net->cfg;
    if (!cfg->zbl) return;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (long i = 0; i < (long)s->N; i++) {
        const int zi = s->elem[i];
        if (zi < 0) continue;
        for (size_t e = s->row[i]; e < s->row[i + 1]; e++) {
            const int zj = s->elem[s->j[e]];
            const double *d = s->d + 3 * e, reach = cfg->radius[zi] + cfg->radius[zj];
            const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
            if (r2 >= reach * reach) continue;
            double slope;
            const double r = sqrt(r2);
            atom_energy[i] += racahi_zbl_edge(cfg, zi, zj, r, &slope);
            if (want_g)
                for (size_t b = 0; b < 3; b++) s->g[3 * e + b] += racahi_system_seed(s, scale, (size_t)i) * slope * d[b] / r;
        }
    }
}
