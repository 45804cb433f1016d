/* SPDX-License-Identifier: MIT
 * Quadrature rules on the unit sphere: octahedral tables expanded to points, and Gauss-Legendre products. */
#include "quadrature.h"

#include <math.h>

typedef struct octahedral_orbit {
    int points;
    double w, x[3]; /* weight of one point (all points sum to 1), one point with coordinates >= 0 */
} octahedral_orbit;
typedef struct octahedral_rule {
    int degree, points, first, orbits;
} octahedral_rule;

#include "quadrature_table.inc"

#define PI 3.14159265358979323846
#define NRULE (sizeof octahedral_rules / sizeof *octahedral_rules)

static racah_status quadrature_new(racahi_quadrature **out, int degree, size_t n, const char *name,
                                   racah_error *err)
{
    racahi_quadrature *q = racahi_calloc(1, sizeof *q);
    if (q) {
        q->degree = degree, q->n = n, q->name = name;
        q->r = racahi_malloc(3 * n, sizeof *q->r);
        q->w = racahi_malloc(n, sizeof *q->w);
    }
    if (!q || !q->r || !q->w) {
        racahi_quadrature_destroy(q);
        return racahi_fail(err, RACAH_ENOMEM, "quadrature: %zu points do not fit in memory", n);
    }
    *out = q;
    return RACAH_OK;
}

void racahi_quadrature_destroy(racahi_quadrature *q)
{
    if (!q) return;
    racahi_free(q->r);
    racahi_free(q->w);
    racahi_free(q);
}

/* All images of x under permutations of the axes and changes of sign, each once. */
static size_t orbit_points(const double x[3], double *r)
{
    static const int order[6][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 2, 1}, {2, 1, 0}, {1, 0, 2}};
    size_t n = 0;
    for (int o = 0; o < 6; o++)
        for (int signs = 0; signs < 8; signs++) {
            double p[3];
            bool minus_zero = false, seen = false;
            for (int a = 0; a < 3; a++) {
                double v = x[order[o][a]];
                if (signs >> a & 1 && v == 0) minus_zero = true;
                p[a] = signs >> a & 1 ? -v : v;
            }
            for (size_t i = 0; i < n && !seen; i++)
                seen = r[3 * i] == p[0] && r[3 * i + 1] == p[1] && r[3 * i + 2] == p[2];
            if (minus_zero || seen) continue;
            for (int a = 0; a < 3; a++) r[3 * n + (size_t)a] = p[a];
            n++;
        }
    return n;
}

static racah_status octahedral_create(racahi_quadrature **out, const octahedral_rule *rule, racah_error *err)
{
    RACAHI_TRY(quadrature_new(out, rule->degree, (size_t)rule->points, "octahedral", err));
    racahi_quadrature *q = *out;
    size_t n = 0;
    for (int o = 0; o < rule->orbits; o++) {
        const octahedral_orbit *orbit = &octahedral_orbits[rule->first + o];
        double x[3] = {orbit->x[0], orbit->x[1], orbit->x[2]};
        size_t m = orbit_points(x, q->r + 3 * n);
        for (size_t i = 0; i < m; i++) q->w[n + i] = orbit->w * 4 * PI;
        n += m;
    }
    return RACAH_OK;
}

/* Node i of the Gauss-Legendre rule with n nodes by Newton's method on P_n. */
static void gauss_legendre(int n, int i, double *node, double *weight)
{
    double t = cos(PI * (i + 0.75) / (n + 0.5)), slope = 1;
    for (int it = 0; it < 100; it++) {
        double p = 1, before = 0;
        for (int l = 1; l <= n; l++) {
            double next = ((2 * l - 1) * t * p - (l - 1) * before) / l;
            before = p, p = next;
        }
        slope = n * (t * p - before) / (t * t - 1);
        double step = p / slope;
        t -= step;
        if (fabs(step) < 1e-16) break;
    }
    if (2 * i + 1 == n) t = 0;
    *node = t, *weight = 2 / ((1 - t * t) * slope * slope);
}

/* Ring i of n equally spaced ones (Fejer's first rule): exact for cos(k t), k < n. */
static void equal_ring(int n, int i, double *node, double *weight)
{
    double t = PI * (i + 0.5) / n, sum = 1;
    for (int k = 1; k <= n / 2; k++) sum -= 2 * cos(2 * k * t) / (4.0 * k * k - 1);
    *node = cos(t), *weight = 2 * sum / n;
}

/* degree+1 equally spaced angles integrate cos m phi and sin m phi exactly for |m| <= degree. */
static racah_status product_create(racahi_quadrature **out, int degree, bool equal, racah_error *err)
{
    int rings = equal ? degree + 1 : degree / 2 + 1, turns = degree + 1;
    RACAHI_TRY(quadrature_new(out, degree, (size_t)rings * (size_t)turns, equal ? "equal" : "product", err));
    racahi_quadrature *q = *out;
    size_t g = 0;
    for (int i = 0; i < rings; i++) {
        double t, w;
        (equal ? equal_ring : gauss_legendre)(rings, i, &t, &w);
        double rho = sqrt((1 - t) * (1 + t));
        for (int j = 0; j < turns; j++, g++) {
            double phi = 2 * PI * j / turns;
            q->r[3 * g] = rho * sin(phi), q->r[3 * g + 1] = t, q->r[3 * g + 2] = rho * cos(phi);
            q->w[g] = w * 2 * PI / turns;
        }
    }
    return RACAH_OK;
}

racah_status racahi_quadrature_create(racahi_quadrature **out, int degree, racahi_quadrature_kind kind,
                                      racah_error *err)
{
    *out = NULL;
    if (degree < 0 || degree > RACAHI_QUADRATURE_MAX_DEGREE)
        return racahi_fail(err, RACAH_EINVAL, "quadrature: degree %d, need 0 .. %d", degree,
                           RACAHI_QUADRATURE_MAX_DEGREE);
    const octahedral_rule *rule = NULL;
    for (size_t i = 0; i < NRULE && !rule; i++)
        if (octahedral_rules[i].degree >= degree) rule = &octahedral_rules[i];
    size_t product = (size_t)(degree / 2 + 1) * (size_t)(degree + 1);
    switch (kind) {
    case RACAHI_QUADRATURE_BEST:
        if (rule && (size_t)rule->points <= product) return octahedral_create(out, rule, err);
        return product_create(out, degree, false, err);
    case RACAHI_QUADRATURE_OCTAHEDRAL:
        if (rule) return octahedral_create(out, rule, err);
        return racahi_fail(err, RACAH_EUNSUPPORTED,
                           "quadrature: octahedral rules go to degree %d, asked for %d",
                           octahedral_rules[NRULE - 1].degree, degree);
    case RACAHI_QUADRATURE_PRODUCT: return product_create(out, degree, false, err);
    case RACAHI_QUADRATURE_EQUAL: return product_create(out, degree, true, err);
    }
    return racahi_fail(err, RACAH_EINVAL, "quadrature: kind %d, need 0 .. 3", (int)kind);
}
