/* SPDX-License-Identifier: MIT
 * Model files: exact round trip, files of older formats, and everything that must be refused. */
#include "engine/engine_fixture.h"

#include "../src/io/safetensors.h"

#include <sys/resource.h>
#include <unistd.h>

static racah_model *small_model(void)
{
    racah_error err;
    racahi_config c = fixture_config(RACAHI_W_DEGREE, 2, 2, 1, 2, 3);
    racah_model *m = fixture_model(&c, 9);
    const fixture_atoms a = fixture_structure(4, 2);
    double forces[12], virial[9];
    for (int k = 0; k < 12; k++) forces[k] = 0.1 * k - 1 / 3.0;
    for (int k = 0; k < 9; k++) virial[k] = sqrt(k + 1);
    static const int none[3] = {0};
    RACAH_ASSERT_OK(
        racahi_model_add_reference(m, 4, a.Z, a.pos, a.cell, a.pbc, -1.0 / 7, forces, virial, &err));
    RACAH_ASSERT_OK(racahi_model_add_reference(m, 1, a.Z, a.pos, NULL, none, 0x1p-60, forces, virial, &err));
    m->training = racahi_strdup("{\"epochs\": 3, \"note\": \"\xc3\x85\"}");
    return m;
}

/* A file name of this process in the working directory (the build folder). */
static const char *temporary(char name[64], const char *what)
{
    snprintf(name, 64, "test_model_file_%s_%ld.racah", what, (long)getpid());
    return name;
}

static void *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("%s cannot be opened", path);
    char *b = malloc(1 << 20);
    *size = fread(b, 1, 1 << 20, f);
    assert_true(*size > 0 && *size < 1 << 20);
    fclose(f);
    return b;
}

static void spill(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* ---- what must come back --------------------------------------------------------------------- */

static void same_reference(const racahi_reference *a, const racahi_reference *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->Z, b->Z, a->n * sizeof *a->Z);
    assert_memory_equal(a->pos, b->pos, 3 * a->n * sizeof *a->pos);
    assert_memory_equal(a->forces, b->forces, 3 * a->n * sizeof *a->forces);
    assert_memory_equal(a->virial, b->virial, sizeof a->virial);
    assert_memory_equal(a->cell, b->cell, sizeof a->cell);
    assert_memory_equal(a->pbc, b->pbc, sizeof a->pbc);
    assert_memory_equal(&a->energy, &b->energy, sizeof a->energy);
    assert_int_equal(a->has_cell, b->has_cell);
}

static void test_model_round_trip_is_bitwise(void **state)
{
    (void)state;
    racah_error err;
    char one[64], two[64];
    racah_model *a = small_model(), *b;
    RACAH_ASSERT_OK(racahi_model_save(a, temporary(one, "one"), &err));
    RACAH_ASSERT_OK(racah_model_load(&b, one, &err));
    assert_int_equal(a->table.count, b->table.count);
    assert_memory_equal(a->theta, b->theta, a->table.count * sizeof(double));
    assert_memory_equal(a->E0, b->E0, sizeof a->E0);
    assert_memory_equal(a->scale, b->scale, 2 * sizeof(double));
    assert_memory_equal(a->shift, b->shift, sizeof a->shift);
    assert_int_equal(b->nref, 2);
    for (size_t i = 0; i < 2; i++) same_reference(&a->ref[i], &b->ref[i]);
    assert_string_equal(a->training, b->training);
    assert_string_equal(b->path, one);
    assert_int_equal(strlen(b->sha256), 64);
    RACAH_ASSERT_OK(racahi_model_save(b, temporary(two, "two"), &err));
    size_t n1, n2;
    void *bytes1 = slurp(one, &n1), *bytes2 = slurp(two, &n2);
    assert_int_equal(n1, n2);
    assert_memory_equal(bytes1, bytes2, n1);
    free(bytes1), free(bytes2);
    racah_model_destroy(a), racah_model_destroy(b);
    unlink(one), unlink(two);
}

static void test_model_without_references_or_training_loads(void **state)
{
    (void)state;
    racah_error err;
    char name[64];
    racahi_config c = fixture_config(RACAHI_W_SHARED, 1, 0, 0, 1, 1);
    c.nmlp = 0;
    racah_model *a = fixture_model(&c, 1), *b;
    RACAH_ASSERT_OK(racahi_model_save(a, temporary(name, "bare"), &err));
    RACAH_ASSERT_OK(racah_model_load(&b, name, &err));
    assert_int_equal(b->nref, 0);
    assert_null(b->training);
    assert_memory_equal(a->theta, b->theta, a->table.count * sizeof(double));
    racah_model_destroy(a), racah_model_destroy(b);
    unlink(name);
}

static void unsaved(racah_model *m, double *x, const char *tensor)
{
    racah_error err = {0};
    char name[64];
    const double keep = *x;
    *x = NAN;
    assert_int_equal(racahi_model_save(m, temporary(name, "nan"), &err), RACAH_ENUMERIC);
    if (!strstr(err.msg, name) || !strstr(err.msg, tensor))
        fail_msg("message '%s' does not name %s", err.msg, tensor);
    assert_int_not_equal(access(name, F_OK), 0);
    *x = keep;
}

static void test_non_finite_models_are_not_written(void **state)
{
    (void)state;
    racah_model *m = small_model();
    unsaved(m, &m->theta[0], "\"embed\" element 0");
    unsaved(m, &m->theta[m->table.count - 1], "\"readout.out\" element 6");
    unsaved(m, &m->E0[1], "\"E0\" element 1");
    unsaved(m, &m->scale[0], "\"scale\"");
    unsaved(m, &m->shift[1], "\"shift\"");
    unsaved(m, &m->ref[0].pos[11], "\"ref/0/positions\" element 11");
    unsaved(m, &m->ref[0].cell[4], "\"ref/0/cell\"");
    unsaved(m, &m->ref[1].energy, "\"ref/1/energy\"");
    unsaved(m, &m->ref[1].forces[2], "\"ref/1/forces\"");
    unsaved(m, &m->ref[1].virial[8], "\"ref/1/virial\"");
    racah_error err = {0};
    assert_int_equal(racahi_model_save(m, "no/such/folder/m.racah", &err), RACAH_EIO);
    assert_non_null(strstr(err.msg, "no/such/folder/m.racah"));
    racah_model_destroy(m);
}

/* ---- the file of release 0.1 ------------------------------------------------------------------- */

static void reproduce(const racah_model *m, racah_radial radial, racah_precision precision, double tolerance)
{
    racah_error err;
    racah_calc *c = fixture_calc(m, radial, precision, RACAH_ISA_AUTO);
    double worst = 0;
    for (size_t k = 0; k < m->nref; k++) {
        const racahi_reference *r = &m->ref[k];
        double e, f[192], v[9];
        racah_structure s = {.size = sizeof s,
                             .natoms = r->n,
                             .positions = r->pos,
                             .atomic_numbers = r->Z,
                             .cell = r->has_cell ? r->cell : NULL,
                             .pbc = {r->pbc[0], r->pbc[1], r->pbc[2]},
                             .energy = &e,
                             .forces = f,
                             .virial = v};
        RACAH_ASSERT_OK(racah_compute(c, &s, &err));
        RACAH_ASSERT_CLOSE(e, r->energy, tolerance, 0);
        for (size_t i = 0; i < 3 * r->n; i++) {
            RACAH_ASSERT_CLOSE_AT(i, f[i], r->forces[i], tolerance, 0);
            worst = fmax(worst, fabs(f[i] - r->forces[i]));
        }
        for (size_t i = 0; i < 9; i++) RACAH_ASSERT_CLOSE_AT(i, v[i], r->virial[i], 10 * tolerance, 0);
    }
    print_message("largest force difference %.2g\n", worst);
    racah_calc_destroy(c);
}

static void test_files_of_older_formats_still_give_their_results(void **state)
{
    (void)state;
    for (int version = 1; version <= 3; version++) {
        racah_error err;
        racah_model *m;
        char path[512];
        snprintf(path, sizeof path, RACAH_SOURCE_DIR "/tests/golden/model_v%d.racah", version);
        RACAH_ASSERT_OK(racah_model_load(&m, path, &err));
        assert_int_equal(racah_model_nelements(m), 2);
        assert_int_equal(racah_model_layers(m), 2);
        assert_int_equal(m->cfg.weights, RACAHI_W_PATH);
        assert_int_equal(m->cfg.correlation, 3);
        assert_int_equal(m->cfg.zbl, version > 1);
        RACAH_ASSERT_CLOSE(racah_model_cutoff(m), 4.0, 0, 0);
        RACAH_ASSERT_CLOSE(racah_model_isolated_energy(m, 1), -12.9, 1e-12, 0);
        assert_int_equal(m->nref, 2);
        assert_true(m->ref[0].has_cell && !m->ref[1].has_cell && m->ref[0].n == 7 && m->ref[1].n == 5);
        double largest = 0;
        for (size_t i = 0; i < 21; i++) largest = fmax(largest, fabs(m->ref[0].forces[i]));
        assert_true(largest > 0.1); /* something to compare with */
        reproduce(m, RACAH_RADIAL_EXACT, RACAH_DOUBLE, 1e-10);
        reproduce(m, RACAH_RADIAL_TABLE, RACAH_DOUBLE, 1e-6 * fmax(1, largest));
        reproduce(m, RACAH_RADIAL_TABLE, RACAH_SINGLE, 1e-4 * fmax(1, largest));
        racah_model_destroy(m);
    }
}

/* ---- what must be refused ---------------------------------------------------------------------- */

/* Must fail with this status, a message with the file's name and `says`, and no model. */
static void refused(const char *path, racah_status status, const char *says, const char *what)
{
    racah_error err = {0};
    racah_model *m = (racah_model *)&err;
    racah_status st = racah_model_load(&m, path, &err);
    if (st != status || err.code != status || strncmp(err.msg, path, strlen(path)) != 0 ||
        !strstr(err.msg, says))
        fail_msg("%s: status %d (code %d), message '%s', wanted %d, '%s'", what, st, err.code, err.msg,
                 status, says);
    assert_null(m);
    m = (racah_model *)&err;
    assert_int_equal(racah_model_load(&m, path, NULL), status);
    assert_null(m);
}

typedef enum change {
    DROP,    /* leave the tensor out */
    EXTRA,   /* one more tensor of this name */
    LONGER,  /* first dimension one larger */
    FLAT,    /* same elements, one dimension */
    SWAPPED, /* last two dimensions exchanged */
    NARROW,  /* F32 for F64, I64 for I32 */
    PUT_NAN, /* element `value` is NaN */
    PUT_INF,
    PUT_INT, /* element 0 of an I32 tensor is `value` */
    META_DROP,
    META_SET, /* metadata `name` = from */
    CONFIG    /* in the config text `from` becomes `to` */
} change;

typedef struct bad_file {
    change how;
    const char *name;
    int value;
    const char *from, *to;
    racah_status status;
    const char *says;
} bad_file;

#define F RACAH_EFORMAT
#define U RACAH_EUNSUPPORTED
static const bad_file bad_files[] = {
    /* tensors */
    {DROP, "embed", 0, 0, 0, F, "tensor \"embed\" is missing"},
    {DROP, "layer1.skip.l0", 0, 0, 0, F, "tensor \"layer1.skip.l0\" is missing"},
    {DROP, "readout.out", 0, 0, 0, F, "tensor \"readout.out\" is missing"},
    {DROP, "E0", 0, 0, 0, F, "tensor \"E0\" is missing"},
    {DROP, "scale", 0, 0, 0, F, "tensor \"scale\" is missing"},
    {DROP, "shift", 0, 0, 0, F, "tensor \"shift\" is missing"},
    {EXTRA, "layer2.up.l0", 0, 0, 0, F, "tensor \"layer2.up.l0\" is no part of the model"},
    {EXTRA, "ref/2/numbers", 0, 0, 0, F, "tensor \"ref/2/numbers\" is no part of the model"},
    {EXTRA, "ref/0/charges", 0, 0, 0, F, "48 tensors, wanted 47"},
    {LONGER, "embed", 0, 0, 0, F, "tensor \"embed\" has shape (2,2,3), wanted (1,2,3)"},
    {LONGER, "E0", 0, 0, 0, F, "tensor \"E0\" has shape (3), wanted (2)"},
    {FLAT, "readout.hidden", 0, 0, 0, F, "tensor \"readout.hidden\" has shape (21), wanted (1,3,7)"},
    {SWAPPED, "readout.hidden", 0, 0, 0, F, "tensor \"readout.hidden\" has shape (1,7,3), wanted (1,3,7)"},
    {NARROW, "layer0.mix.l2", 0, 0, 0, F, "tensor \"layer0.mix.l2\" has the wrong type, wanted F64"},
    {NARROW, "shift", 0, 0, 0, F, "tensor \"shift\" has the wrong type, wanted F64"},
    {PUT_NAN, "layer0.radial.1", 5, 0, 0, F, "tensor \"layer0.radial.1\" element 5 is not finite"},
    {PUT_INF, "readout.out", 6, 0, 0, F, "tensor \"readout.out\" element 6 is not finite"},
    {PUT_NAN, "scale", 1, 0, 0, F, "tensor \"scale\" element 1 is not finite"},
    /* reference structures */
    {DROP, "ref/0/numbers", 0, 0, 0, F, "tensor \"ref/0/numbers\" is missing"},
    {DROP, "ref/1/virial", 0, 0, 0, F, "tensor \"ref/1/virial\" is missing"},
    {LONGER, "ref/0/numbers", 0, 0, 0, F, "tensor \"ref/0/positions\" has shape (4,3), wanted (5,3)"},
    {LONGER, "ref/0/forces", 0, 0, 0, F, "tensor \"ref/0/forces\" has shape (5,3), wanted (4,3)"},
    {LONGER, "ref/0/pbc", 0, 0, 0, F, "tensor \"ref/0/pbc\" has shape (4), wanted (3)"},
    {FLAT, "ref/0/cell", 0, 0, 0, F, "tensor \"ref/0/cell\" has shape (9), wanted (3,3)"},
    {FLAT, "ref/1/energy", 0, 0, 0, F, "tensor \"ref/1/energy\" has shape (1), wanted ()"},
    {NARROW, "ref/0/numbers", 0, 0, 0, F, "tensor \"ref/0/numbers\" has the wrong type, wanted I32"},
    {NARROW, "ref/0/positions", 0, 0, 0, F, "tensor \"ref/0/positions\" has the wrong type, wanted F64"},
    {PUT_INT, "ref/0/numbers", 14, 0, 0, F,
     "tensor \"ref/0/numbers\" element 0 is 14, not an element of the model"},
    {PUT_INT, "ref/1/numbers", -1, 0, 0, F,
     "tensor \"ref/1/numbers\" element 0 is -1, not an element of the model"},
    {PUT_NAN, "ref/0/positions", 7, 0, 0, F, "tensor \"ref/0/positions\" element 7 is not finite"},
    {PUT_INF, "ref/1/forces", 2, 0, 0, F, "tensor \"ref/1/forces\" element 2 is not finite"},
    {PUT_NAN, "ref/1/energy", 0, 0, 0, F, "tensor \"ref/1/energy\" element 0 is not finite"},
    {META_SET, "references", 0, "3", 0, F, "tensor \"ref/2/numbers\" is missing"},
    {META_SET, "references", 0, "1", 0, F, "tensor \"ref/1/positions\" is no part of the model"},
    {META_DROP, "references", 0, 0, 0, F, "is no part of the model"},
    {META_SET, "references", 0, "-1", 0, F, "references = \"-1\", wanted 0 .. 1000"},
    {META_SET, "references", 0, "2x", 0, F, "references = \"2x\""},
    {META_SET, "references", 0, "", 0, F, "references = \"\""},
    {META_SET, "references", 0, "99999999999999999999", 0, F, "references = \"99999999999999999999\""},
    /* metadata */
    {META_DROP, "format", 0, 0, 0, F, "not a Racah model"},
    {META_SET, "format", 0, "pt", 0, F, "not a Racah model"},
    {META_DROP, "format_version", 0, 0, 0, F, "format_version \"\" is not a positive integer"},
    {META_SET, "format_version", 0, "one", 0, F, "format_version \"one\" is not a positive integer"},
    {META_SET, "format_version", 0, "1.5", 0, F, "format_version \"1.5\""},
    {META_SET, "format_version", 0, "0", 0, F, "format_version \"0\""},
    {META_SET, "format_version", 0, "-1", 0, F, "format_version \"-1\""},
    {META_SET, "format_version", 0, "4", 0, U, "format version 4 is newer than this release reads (3)"},
    {META_SET, "format_version", 0, "2", 0, F, "the data do not match the SHA-256"},
    {META_SET, "format_version", 0, "99999999999999999999", 0, U, "is newer than this release reads"},
    {META_SET, "architecture", 0, "racah-transformer", 0, U,
     "architecture \"racah-transformer\", this release has"},
    {META_DROP, "architecture", 0, 0, 0, U, "architecture \"\", this release has"},
    {META_DROP, "config", 0, 0, 0, F, "metadata \"config\" is missing"},
    {META_SET, "config", 0, "{", 0, F, "config: not JSON"},
    {META_SET, "config", 0, "[]", 0, F, "config: not a JSON object"},
    /* config, key by key (every limit: test_config.c) */
    {CONFIG, 0, 0, "\"elements\":[1,8]", "\"elements\":[1,8,8]", F, "config: elements: 8 after 8"},
    {CONFIG, 0, 0, "\"elements\":[1,8]", "\"elements\":[1]", F,
     "tensor \"embed\" has shape (1,2,3), wanted (1,1,3)"},
    {CONFIG, 0, 0, "\"elements\":[1,8]", "\"elements\":[1,9]", F,
     "tensor \"ref/0/numbers\" element 1 is 8, not an element of the model"},
    {CONFIG, 0, 0, "\"layers\":2", "\"layers\":5", F, "config: \"lambda\" is not an array"},
    {CONFIG, 0, 0, "\"channels\":3", "\"channels\":0", F, "config: channels = 0, allowed are 1 .. 4096"},
    {CONFIG, 0, 0, "\"channels\":3", "\"channels\":4", F,
     "tensor \"embed\" has shape (1,2,3), wanted (1,2,4)"},
    {CONFIG, 0, 0, "\"l_max\":2", "\"l_max\":5", F, "config: l_max = 5"},
    {CONFIG, 0, 0, "\"l_max\":2", "\"l_max\":3", F, "tensor \"layer0.radial.2\" has shape"},
    {CONFIG, 0, 0, "\"l_max\":2", "\"l_max\":1", F, "tensor \"layer0.radial.2\" has shape"},
    {CONFIG, 0, 0, "\"l_hidden\":1", "\"l_hidden\":3", F, "config: l_hidden = 3"},
    {CONFIG, 0, 0, "\"l_hidden\":1", "\"l_hidden\":2", F, "tensor \"layer0.product.L2.nu1\" is missing"},
    {CONFIG, 0, 0, "\"correlation\":2", "\"correlation\":5", F, "config: correlation = 5"},
    {CONFIG, 0, 0, "\"correlation\":2", "\"correlation\":3", F,
     "tensor \"layer0.product.L0.nu3\" is missing"},
    {CONFIG, 0, 0, "\"correlation\":2", "\"correlation\":1", F,
     "is no part of the model its config describes"},
    {CONFIG, 0, 0, "\"weights\":\"degree\"", "\"weights\":\"none\"", F, "config: \"weights\" is \"none\""},
    {CONFIG, 0, 0, "\"weights\":\"degree\"", "\"weights\":\"shared\"", F,
     "tensor \"layer0.radial.2\" has shape"},
    {CONFIG, 0, 0, "\"family\":\"component\"", "\"family\":3", F, "config: \"family\" is not a string"},
    {CONFIG, 0, 0, "\"r_max\":4.0", "\"r_max\":0", F, "config: r_max = 0"},
    {CONFIG, 0, 0, "\"bessel\":6", "\"bessel\":0", F, "config: bessel = 0"},
    {CONFIG, 0, 0, "\"bessel\":6", "\"bessel\":7", F,
     "tensor \"layer0.radial.0\" has shape (1,6,12), wanted (1,7,12)"},
    {CONFIG, 0, 0, "\"cutoff_p\":5", "\"cutoff_p\":13", F, "config: cutoff_p = 13"},
    {CONFIG, 0, 0, "\"mlp\":[12,9]", "\"mlp\":[12,-9]", F, "config: \"mlp\"[1]"},
    {CONFIG, 0, 0, "\"mlp\":[12,9]", "\"mlp\":[12]", F,
     "tensor \"layer0.radial.1\" has shape (1,12,9), wanted"},
    {CONFIG, 0, 0, "\"readout_width\":7", "\"readout_width\":8", F,
     "tensor \"readout.hidden\" has shape (1,3,7)"},
    {CONFIG, 0, 0, "\"lambda\":[3.0,", "\"lambda\":[-3.0,", F, "config: lambda = -3"},
    {CONFIG, 0, 0, "{", "{\"residual\":true,", F, "config: key \"residual\" is not known"},
};
#undef F
#undef U

/* Tensor t as the change wants it; buffers live in keep. */
static void put_changed(racahi_st_writer *w, const racahi_tensor *t, const bad_file *b, void **keep)
{
    racah_error err;
    size_t shape[RACAHI_TENSOR_DIMS], count = t->count;
    int ndim = t->ndim;
    racahi_dtype type = t->dtype;
    memcpy(shape, t->shape, sizeof shape);
    if (b->how == LONGER) count = count / shape[0] * (shape[0] + 1), shape[0]++;
    if (b->how == FLAT) shape[0] = count, ndim = 1;
    if (b->how == SWAPPED) shape[1] = t->shape[2], shape[2] = t->shape[1];
    if (b->how == NARROW) type = type == RACAHI_F64 ? RACAHI_F32 : RACAHI_I64;
    const size_t size = t->dtype == RACAHI_F64 ? 8 : 4;
    void *data = *keep = calloc(count, 8);
    memcpy(data, t->data, t->count * size);
    if (b->how == PUT_NAN) ((double *)data)[b->value] = NAN;
    if (b->how == PUT_INF) ((double *)data)[b->value] = -INFINITY;
    if (b->how == PUT_INT) ((int *)data)[0] = b->value;
    RACAH_ASSERT_OK(racahi_st_writer_tensor(w, t->name, type, ndim, shape, data, &err));
}

/* Write the good file with one change, SHA-256 made anew. */
static void write_changed(const racahi_safetensors *f, const bad_file *b, const char *path)
{
    racah_error err;
    racahi_st_writer *w;
    void *keep = NULL;
    bool found = b->how == EXTRA;
    static const double one[1] = {1};
    char *config = NULL;
    RACAH_ASSERT_OK(racahi_st_writer_create(&w, &err));
    for (size_t k = 0; k < f->nmeta; k++) {
        const char *key = f->meta_key[k], *value = f->meta_value[k];
        if (strcmp(key, "sha256") == 0) continue;
        const bool hit = b->name && strcmp(key, b->name) == 0 && (b->how == META_DROP || b->how == META_SET);
        found = found || hit;
        if (hit && b->how == META_DROP) continue;
        if (hit) value = b->from;
        if (b->how == CONFIG && strcmp(key, "config") == 0) {
            const char *at = strstr(value, b->from);
            if (!at) fail_msg("'%s' is not in %s", b->from, value);
            found = true;
            if (asprintf(&config, "%.*s%s%s", (int)(at - value), value, b->to, at + strlen(b->from)) < 0)
                abort();
            value = config;
        }
        RACAH_ASSERT_OK(racahi_st_writer_meta(w, key, value, &err));
    }
    for (size_t k = 0; k < f->n; k++) {
        const racahi_tensor *t = &f->t[k];
        if (b->how <= PUT_INT && strcmp(t->name, b->name) == 0) {
            found = true;
            if (b->how != DROP) put_changed(w, t, b, &keep);
        } else
            RACAH_ASSERT_OK(racahi_st_writer_tensor(w, t->name, t->dtype, t->ndim, t->shape, t->data, &err));
    }
    if (b->how == EXTRA) RACAH_ASSERT_OK(racahi_st_writer_tensor(w, b->name, RACAHI_F64, 0, NULL, one, &err));
    if (!found) fail_msg("nothing called %s to change", b->name);
    RACAH_ASSERT_OK(racahi_st_writer_save(w, path, &err));
    racahi_st_writer_destroy(w);
    free(keep), free(config);
}

static void test_changed_files_are_refused_with_their_tensor(void **state)
{
    (void)state;
    racah_error err;
    char good[64], bad[64];
    racah_model *m = small_model();
    RACAH_ASSERT_OK(racahi_model_save(m, temporary(good, "good"), &err));
    racah_model_destroy(m);
    racahi_safetensors *f;
    RACAH_ASSERT_OK(racahi_safetensors_read(&f, good, &err));
    temporary(bad, "bad");
    const bad_file same = {.how = META_SET, .name = "units", .from = "eV, Angstrom"};
    write_changed(f, &same, bad); /* the way of changing files does no harm by itself */
    RACAH_ASSERT_OK(racah_model_load(&m, bad, &err));
    racah_model_destroy(m);
    for (size_t k = 0; k < sizeof bad_files / sizeof *bad_files; k++) {
        const bad_file *b = &bad_files[k];
        char what[160];
        write_changed(f, b, bad);
        snprintf(what, sizeof what, "case %zu (%s, %s)", k, b->name ? b->name : "config", b->to ? b->to : "");
        refused(bad, b->status, b->says, what);
    }
    print_message("%zu changed files refused\n", sizeof bad_files / sizeof *bad_files);
    racahi_safetensors_free(f);
    unlink(good), unlink(bad);
}

static void test_damaged_bytes_are_refused(void **state)
{
    (void)state;
    racah_error err;
    char good[64], bad[64];
    racah_model *m = small_model();
    RACAH_ASSERT_OK(racahi_model_save(m, temporary(good, "good"), &err));
    racah_model_destroy(m);
    temporary(bad, "bad");
    size_t size;
    unsigned char *b = slurp(good, &size);
    const size_t cuts[] = {0, 1, 7, 8, 9, 64, 1000, size / 2, size - 64, size - 8, size - 1};
    for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
        spill(bad, b, cuts[k]);
        refused(bad, RACAH_EFORMAT, "", "truncated");
    }
    b[size] = 0; /* the buffer is larger */
    spill(bad, b, size + 1);
    refused(bad, RACAH_EFORMAT, "after the last tensor", "one byte more");
    uint64_t header = 0;
    for (int k = 0; k < 8; k++) header |= (uint64_t)b[k] << (8 * k);
    for (size_t at = 8 + (size_t)header; at < size; at += 977) { /* any bit of the data */
        b[at] ^= 4;
        spill(bad, b, size);
        refused(bad, RACAH_EFORMAT, "header and data do not match the SHA-256", "flipped bit");
        b[at] ^= 4;
    }
    /* bytes of the header: some make no JSON any more, or another version; no such file is read */
    size_t by_hash = 0;
    for (size_t at = 8; at < 8 + (size_t)header; at += 7) {
        b[at] ^= 1;
        spill(bad, b, size);
        racah_error why = {0};
        m = NULL;
        const racah_status st = racah_model_load(&m, bad, &why);
        if (st == RACAH_OK || m) fail_msg("byte %zu of the header changed to '%c' and nobody noticed", at, b[at]);
        if (strncmp(why.msg, bad, strlen(bad)) != 0) fail_msg("no file name in '%s'", why.msg);
        by_hash += strstr(why.msg, "do not match the SHA-256") != NULL;
        b[at] ^= 1;
    }
    /* digits of the config above all: everything still parses, and only the hash can tell */
    char *config = memmem(b, size, "\\\"r_max\\\":4.0", 13);
    assert_non_null(config);
    config[12]++;
    spill(bad, b, size);
    refused(bad, RACAH_EFORMAT, "header and data do not match the SHA-256", "another cutoff");
    config[12]--;
    assert_true(by_hash > 100);
    char *sum = memmem(b, size, "\"sha256\":\"", 10);
    assert_non_null(sum);
    sum[10] = sum[10] == '0' ? '1' : '0';
    spill(bad, b, size);
    refused(bad, RACAH_EFORMAT, "header and data do not match the SHA-256", "wrong hash");
    memcpy(b + 8, "////", 4);
    spill(bad, b, size);
    refused(bad, RACAH_EFORMAT, "no safetensors file", "wrong magic");
    memset(b, 0xff, 8);
    spill(bad, b, size);
    refused(bad, RACAH_EFORMAT, "header length", "enormous header");
    free(b);
    unlink(good), unlink(bad);
    refused(good, RACAH_EIO, good, "no file");
    refused(".", RACAH_EIO, ".", "a folder");
    m = (racah_model *)&err;
    assert_int_equal(racah_model_load(&m, NULL, &err), RACAH_EINVAL);
    assert_int_equal(racah_model_load(NULL, good, &err), RACAH_EINVAL);
}

/* A small file whose config claims gigabytes of parameters must be refused before they are allocated. */
static void test_enormous_config_allocates_nothing(void **state)
{
    (void)state;
    racah_error err;
    char name[64], elements[1024] = "[";
    struct rusage before, after;
    racah_model *m = small_model();
    RACAH_ASSERT_OK(racahi_model_save(m, temporary(name, "big"), &err));
    racah_model_destroy(m);
    for (int Z = 1; Z <= 118; Z++) snprintf(elements + strlen(elements), 8, "%d%s", Z, Z < 118 ? "," : "]");
    char *config;
    if (asprintf(
            &config,
            "{\"elements\":%s,\"layers\":4,\"channels\":4096,\"l_max\":3,\"l_hidden\":2,\"correlation\":3,"
            "\"weights\":\"path\",\"family\":\"component\",\"r_max\":5.0,\"bessel\":64,\"cutoff_p\":6,"
            "\"mlp\":[4096,4096,4096,4096,4096,4096],\"readout_width\":4096,\"lambda\":[1.0,1.0,1.0,1.0]}",
            elements) < 0)
        abort();
    const bad_file big = {.how = META_SET, .name = "config", .from = config};
    racahi_safetensors *f;
    RACAH_ASSERT_OK(racahi_safetensors_read(&f, name, &err));
    write_changed(f, &big, name);
    racahi_safetensors_free(f);
    getrusage(RUSAGE_SELF, &before);
    refused(name, RACAH_EFORMAT, "tensor \"embed\" has shape (1,2,3), wanted (1,118,4096)",
            "enormous config");
    getrusage(RUSAGE_SELF, &after);
    const long grown = after.ru_maxrss - before.ru_maxrss; /* kB */
    print_message("memory grew by %ld kB\n", grown);
    assert_true(grown < 100000); /* theta would be 70 GB */
    free(config);
    unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_round_trip_is_bitwise),
        cmocka_unit_test(test_model_without_references_or_training_loads),
        cmocka_unit_test(test_non_finite_models_are_not_written),
        cmocka_unit_test(test_files_of_older_formats_still_give_their_results),
        cmocka_unit_test(test_changed_files_are_refused_with_their_tensor),
        cmocka_unit_test(test_damaged_bytes_are_refused),
        cmocka_unit_test(test_enormous_config_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
