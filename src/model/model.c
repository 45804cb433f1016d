/* SPDX-License-Identifier: MIT
 * Models in memory: creation, initial parameters, reference structures, public accessors. */
#include "model.h"
#include "../io/extxyz.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

racah_status racahi_model_create_shape(racah_model **out, const racahi_config *cfg, racah_error *err)
{
    *out = NULL;
    RACAHI_TRY(racahi_config_check(cfg, err));
    racah_model *m = racahi_calloc(1, sizeof *m);
    if (!m) return racahi_fail(err, RACAH_ENOMEM, "model: %zu bytes do not fit in memory", sizeof *m);
    m->cfg = *cfg;
    racah_status st = racahi_params_create(&m->table, cfg, err);
    if (st != RACAH_OK) {
        racah_model_destroy(m);
        return st;
    }
    for (int e = 0; e < cfg->nelem; e++) m->scale[e] = 1;
    *out = m;
    return RACAH_OK;
}

racah_status racahi_model_allocate(racah_model *m, racah_error *err)
{
    m->theta = racahi_calloc(m->table.count, sizeof *m->theta);
    if (m->theta) return RACAH_OK;
    return racahi_fail(err, RACAH_ENOMEM, "model: %zu parameters, %zu bytes, do not fit in memory",
                       m->table.count, m->table.count * sizeof *m->theta);
}

racah_status racahi_model_create(racah_model **out, const racahi_config *cfg, racah_error *err)
{
    RACAHI_TRY(racahi_model_create_shape(out, cfg, err));
    racah_status st = racahi_model_allocate(*out, err);
    if (st == RACAH_OK) return RACAH_OK;
    racah_model_destroy(*out);
    *out = NULL;
    return st;
}

static void reference_free(racahi_reference *r)
{
    racahi_free(r->Z);
    racahi_free(r->pos);
    racahi_free(r->forces);
}

void racah_model_destroy(racah_model *m)
{
    if (!m) return;
    racahi_params_free(&m->table);
    racahi_free(m->theta);
    for (size_t i = 0; i < m->nref; i++) reference_free(&m->ref[i]);
    racahi_free(m->ref);
    racahi_free(m->training);
    racahi_free(m->shortest);
    racahi_free(m->path);
    racahi_free(m);
}

/* SplitMix64 of a counter: the k-th number of a seed does not depend on the ones before. */
static uint64_t mix64(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void racahi_model_init(racah_model *m, uint64_t seed)
{
    const double two_pi = 6.283185307179586476925;
    const uint64_t gamma = 0x9e3779b97f4a7c15u, start = mix64(seed + gamma);
    for (size_t i = 0; i < m->table.n; i++) {
        const racahi_param *p = &m->table.t[i];
        for (size_t k = 0; k < p->b * p->r * p->c; k++) {
            uint64_t n = 2 * (uint64_t)(p->offset + k);
            double u = ((double)(mix64(start + gamma * (n + 1)) >> 11) + 0.5) * 0x1p-53;
            double v = (double)(mix64(start + gamma * (n + 2)) >> 11) * 0x1p-53;
            m->theta[p->offset + k] = p->gain * sqrt(-2 * log(u)) * cos(two_pi * v);
        }
    }
}

const racahi_param *racahi_model_param(const racah_model *m, const char *name)
{
    for (size_t i = 0; i < m->table.n; i++)
        if (strcmp(m->table.t[i].name, name) == 0) return &m->table.t[i];
    return NULL;
}

racah_status racahi_model_add_reference(racah_model *m, size_t n, const int *Z, const double *pos,
                                        const double *cell, const int pbc[3], double energy,
                                        const double *forces, const double *virial, racah_error *err)
{
    racahi_reference r = {.n = n, .energy = energy, .has_cell = cell != NULL};
    racahi_reference *grown = racahi_calloc(m->nref + 1, sizeof *grown);
    r.Z = racahi_malloc(n, sizeof *r.Z);
    r.pos = racahi_malloc(3 * n, sizeof *r.pos);
    r.forces = racahi_malloc(3 * n, sizeof *r.forces);
    if (!grown || !r.Z || !r.pos || !r.forces) {
        reference_free(&r);
        racahi_free(grown);
        return racahi_fail(err, RACAH_ENOMEM, "reference structure of %zu atoms: %zu bytes do not fit in memory", n,
                           (m->nref + 1) * sizeof *grown + n * (sizeof *r.Z + 3 * sizeof *r.pos + 3 * sizeof *r.forces));
    }
    memcpy(r.Z, Z, n * sizeof *Z);
    memcpy(r.pos, pos, 3 * n * sizeof *pos);
    memcpy(r.forces, forces, 3 * n * sizeof *forces);
    memcpy(r.virial, virial, sizeof r.virial);
    if (cell) memcpy(r.cell, cell, sizeof r.cell);
    memcpy(r.pbc, pbc, sizeof r.pbc);
    if (m->nref) memcpy(grown, m->ref, m->nref * sizeof *grown);
    racahi_free(m->ref);
    m->ref = grown;
    m->ref[m->nref++] = r;
    return RACAH_OK;
}

/* "shortest_distance" is that of any two atoms, "shortest_distances" an object of "El-El" for the pairs of elements
 * that met. Text that is no JSON says nothing; a distance beyond the cutoff was never looked for. */
racah_status racahi_model_read_shortest(racah_model *m, racah_error *err)
{
    const int n = m->cfg.nelem;
    json_error_t why;
    json_t *o = m->training ? json_loads(m->training, 0, &why) : NULL;
    if (m->training && !o && json_error_code(&why) == json_error_out_of_memory)
        return racahi_fail(err, RACAH_ENOMEM, "training summary of %zu bytes does not fit in memory",
                           strlen(m->training));
    const json_t *pairs = json_object_get(o, "shortest_distances");
    const double any = json_number_value(json_object_get(o, "shortest_distance"));
    if (any > 0 && any < m->cfg.r_max && !m->shortest) {
        const size_t bytes = (size_t)n * (size_t)n * sizeof *m->shortest;
        m->shortest = racahi_malloc(bytes, 1);
        if (!m->shortest) {
            json_decref(o);
            return racahi_fail(err, RACAH_ENOMEM, "shortest distances: %zu bytes do not fit in memory", bytes);
        }
    }
    for (int k = 0; m->shortest && k < n * n; k++) {
        const int a = k / n < k % n ? k / n : k % n, b = k / n < k % n ? k % n : k / n;
        char name[16];
        snprintf(name, sizeof name, "%s-%s", racah_element_symbol(m->cfg.Z[a]), racah_element_symbol(m->cfg.Z[b]));
        const double here = json_number_value(json_object_get(pairs, name));
        m->shortest[k] = here > 0 && here < m->cfg.r_max ? here : any;
    }
    json_decref(o);
    return RACAH_OK;
}

/* ---- public accessors ------------------------------------------------------------------------- */

int racah_model_nelements(const racah_model *m) { return m ? m->cfg.nelem : 0; }

int racah_model_atomic_number(const racah_model *m, int e)
{
    return m && e >= 0 && e < m->cfg.nelem ? m->cfg.Z[e] : 0;
}

int racah_model_element_index(const racah_model *m, int atomic_number)
{
    for (int e = 0; m && e < m->cfg.nelem; e++)
        if (m->cfg.Z[e] == atomic_number) return e;
    return -1;
}

double racah_model_cutoff(const racah_model *m) { return m ? m->cfg.r_max : 0; }
int racah_model_layers(const racah_model *m) { return m ? m->cfg.layers : 0; }
size_t racah_model_nparameters(const racah_model *m) { return m ? m->table.count : 0; }

double racah_model_shortest_distance(const racah_model *m, int e1, int e2)
{
    const bool known = m && m->shortest && e1 >= 0 && e2 >= 0 && e1 < m->cfg.nelem && e2 < m->cfg.nelem;
    return known ? m->shortest[e1 * m->cfg.nelem + e2] : 0;
}
