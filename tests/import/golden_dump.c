/* SPDX-License-Identifier: MIT
 * The golden MACE models as dumps. */
#include "golden_dump.h"

#include "../support.h"
#include "../../src/io/safetensors.h"
#include "npz.h"

#define GOLDEN RACAH_SHARED_DIR "/golden/mace/"

bool golden_present(void)
{
    FILE *f = fopen(GOLDEN "d_tiny.meta.json", "r");
    if (!f) {
        print_message("%s is not here: skipped\n", GOLDEN);
        return false;
    }
    fclose(f);
    return true;
}

static json_t *classes(const char *const *name, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) json_array_append_new(list, json_pack("{s:s}", "class", name[i]));
    return list;
}

/* What the exporter reads from the objects and the golden meta.json says elsewhere (README.md there). */
static json_t *dump_of(const json_t *meta)
{
    const json_t *config = json_object_get(meta, "config"), *avg = json_object_get(meta, "avg_num_neighbors"),
                 *names = json_object_get(meta, "interaction_classes");
    const bool agnesi = strcmp(json_string_value(json_object_get(config, "tr")), "Agnesi") == 0,
               zbl = json_is_true(json_object_get(config, "zbl"));
    json_t *d = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:[s]}", "class", "ScaleShiftMACE", "mace_version",
                          "0.3.15", "radial_basis", "BesselBasis", "distance_transform",
                          agnesi ? "AgnesiTransform" : "None", "pair_repulsion", zbl ? "ZBLBasis" : "None",
                          "apply_cutoff", 1, "heads", "Default");
    json_t *blocks = json_array();
    for (size_t t = 0; t < json_array_size(names); t++)
        json_array_append_new(blocks, json_pack("{s:O, s:O}", "class", json_array_get(names, t),
                                                "avg_num_neighbors", json_array_get(avg, t)));
    json_object_set_new(d, "interactions", blocks);
    json_object_set_new(
        d, "products",
        classes((const char *[]){"EquivariantProductBasisBlock", "EquivariantProductBasisBlock"}, 2));
    json_object_set_new(d, "readouts",
                        classes((const char *[]){"LinearReadoutBlock", "NonLinearReadoutBlock"}, 2));
    json_t *modules = json_deep_copy(json_object_get(meta, "modules")), *value;
    const char *key;
    json_object_foreach(modules, key, value)
    {
        const json_t *cst = json_object_get(value, "act_cst");
        if (cst && !json_is_null(cst)) json_object_set_new(value, "act", json_string("silu"));
    }
    json_object_set_new(d, "modules", modules);
    return d;
}

typedef struct writer {
    racahi_st_writer *w;
    const golden_change *change;
    float *kept[512]; /* float copies live until the file is written */
    size_t nkept;
} writer;

static void write_tensor(writer *o, const npy *a, const char *name)
{
    racah_error err;
    racahi_dtype type = RACAHI_F64;
    const void *data = a->data;
    if (o->change && o->change->drop_tensor && strcmp(o->change->drop_tensor, name) == 0) return;
    if (strcmp(a->type, "i8") == 0) type = RACAHI_I64;
    if (strcmp(a->type, "i4") == 0) type = RACAHI_I32;
    if (strcmp(a->type, "b1") == 0) type = RACAHI_BOOL;
    if (type == RACAHI_F64 && o->change && o->change->single) {
        float *f = malloc((a->count + 1) * sizeof *f);
        assert_non_null(f);
        for (size_t i = 0; i < a->count; i++) f[i] = (float)((const double *)a->data)[i];
        assert_true(o->nkept < 512);
        data = o->kept[o->nkept++] = f;
        type = RACAHI_F32;
    }
    RACAH_ASSERT_OK(racahi_st_writer_tensor(o->w, name, type, a->ndim, a->shape, data, &err));
}

static void write_radii(writer *o, const json_t *meta, const npz *p)
{
    racah_error err;
    const json_t *radii = json_object_get(meta, "covalent_radii");
    static double R[128];
    const size_t n = json_array_size(radii);
    if (n == 0) return;
    assert_true(n <= 128);
    for (size_t i = 0; i < n; i++) R[i] = json_number_value(json_array_get(radii, i));
    if (npz_find(p, "buffer.radial_embedding.distance_transform.q"))
        RACAH_ASSERT_OK(racahi_st_writer_tensor(o->w, "radial_embedding.distance_transform.covalent_radii",
                                                RACAHI_F64, 1, &n, R, &err));
    if (npz_find(p, "buffer.pair_repulsion_fn.c"))
        RACAH_ASSERT_OK(
            racahi_st_writer_tensor(o->w, "pair_repulsion_fn.covalent_radii", RACAHI_F64, 1, &n, R, &err));
}

void golden_dump(const char *model, const char *path, const golden_change *change)
{
    racah_error err;
    char from[512];
    npz p;
    snprintf(from, sizeof from, GOLDEN "%s.params.npz", model);
    assert_true(npz_read(&p, from));
    snprintf(from, sizeof from, GOLDEN "%s.meta.json", model);
    json_t *meta = json_load_file(from, 0, NULL), *parameters = json_array();
    assert_non_null(meta);
    json_t *d = dump_of(meta);
    writer o = {.change = change};
    RACAH_ASSERT_OK(racahi_st_writer_create(&o.w, &err));
    for (size_t i = 0; i < p.n; i++) {
        const char *dot = strchr(p.a[i].name, '.');
        assert_non_null(dot);
        write_tensor(&o, &p.a[i], dot + 1);
        if (strncmp(p.a[i].name, "param.", 6) == 0) json_array_append_new(parameters, json_string(dot + 1));
    }
    write_radii(&o, meta, &p);
    json_object_set_new(d, "parameters", parameters);
    if (change && change->json) change->json(d);
    char *text = json_dumps(d, JSON_COMPACT | JSON_REAL_PRECISION(17));
    RACAH_ASSERT_OK(racahi_st_writer_meta(o.w, "format", "mace-dump", &err));
    RACAH_ASSERT_OK(racahi_st_writer_meta(o.w, "format_version", "1", &err));
    RACAH_ASSERT_OK(racahi_st_writer_meta(o.w, "dump", text, &err));
    RACAH_ASSERT_OK(racahi_st_writer_save(o.w, path, &err));
    racahi_st_writer_destroy(o.w);
    for (size_t i = 0; i < o.nkept; i++) free(o.kept[i]);
    free(text);
    json_decref(d), json_decref(meta);
    npz_free(&p);
}
