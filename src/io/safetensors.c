/* SPDX-License-Identifier: MIT
 * Reader of the safetensors container. Header text through jansson, everything checked before it is
 * allocated. */
#include "safetensors.h"
#include "file.h"
#include "st_internal.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensor data are little-endian and copied as they are: a big-endian machine needs byte swaps here"
#endif

static const struct {
    const char *name;
    size_t size;
} dtypes[] = {[RACAHI_F64] = {"F64", 8}, [RACAHI_F32] = {"F32", 4}, [RACAHI_I64] = {"I64", 8},
              [RACAHI_I32] = {"I32", 4}, [RACAHI_U8] = {"U8", 1},   [RACAHI_BOOL] = {"BOOL", 1}};
#define NDTYPES (sizeof dtypes / sizeof *dtypes)

const char *racahi_dtype_name(racahi_dtype d) { return (size_t)d < NDTYPES ? dtypes[d].name : NULL; }
size_t racahi_dtype_size(racahi_dtype d) { return (size_t)d < NDTYPES ? dtypes[d].size : 0; }

bool racahi_shape_count(int ndim, const size_t *shape, size_t *count)
{
    bool empty = false;
    *count = 1;
    for (int a = 0; a < ndim; a++) empty = empty || shape[a] == 0;
    for (int a = 0; a < ndim && !empty; a++)
        if (__builtin_mul_overflow(*count, shape[a], count)) return false;
    if (empty) *count = 0;
    return true;
}

racah_status racahi_sha256(const void *bytes, size_t size, char hex[65], racah_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (EVP_Digest(bytes ? bytes : "", bytes ? size : 0, digest, &n, EVP_sha256(), NULL) != 1 || n != 32)
        return racahi_fail(err, RACAH_EUNSUPPORTED, "SHA-256: libcrypto refuses the digest");
    racahi_hex(digest, n, hex);
    return RACAH_OK;
}

void racahi_hex(const unsigned char *bytes, size_t n, char *hex)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t k = 0; k < n; k++) hex[2 * k] = digit[bytes[k] >> 4], hex[2 * k + 1] = digit[bytes[k] & 15];
    hex[2 * n] = 0;
}

size_t racahi_sha256_place(const char *text, size_t size)
{
    static const char key[] = "\"sha256\":\"";
    const size_t n = sizeof key - 1;
    const char *at = memmem(text, size, key, n);
    return at && size - (size_t)(at - text) >= n + 64 ? (size_t)(at - text) + n : size;
}

/* Header and data with the digits of the hash blank; empty where the header has no hash. */
static racah_status hash_file(const char *header, size_t length, const unsigned char *data, size_t data_size,
                              char hex[65], racah_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    const size_t at = racahi_sha256_place(header, length);
    hex[0] = 0;
    if (at == length) return RACAH_OK;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    const bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(c, header, at) == 1 &&
                    EVP_DigestUpdate(c, RACAHI_SHA256_BLANK, 64) == 1 &&
                    EVP_DigestUpdate(c, header + at + 64, length - at - 64) == 1 &&
                    EVP_DigestUpdate(c, data, data_size) == 1 && EVP_DigestFinal_ex(c, digest, &n) == 1 && n == 32;
    EVP_MD_CTX_free(c);
    if (!ok) return racahi_fail(err, RACAH_EUNSUPPORTED, "SHA-256: libcrypto refuses the digest");
    racahi_hex(digest, n, hex);
    return RACAH_OK;
}

/* ---- header ------------------------------------------------------------------------------ */

/* One tensor as the header describes it; nothing of it is trusted before check_entry and check_layout. */
typedef struct entry {
    const char *name; /* borrowed from the JSON object */
    racahi_dtype dtype;
    int ndim;
    size_t shape[RACAHI_TENSOR_DIMS], count, begin, end;
    size_t order; /* place in the header, decides between empty tensors at one offset */
} entry;

static racah_status read_size(const json_t *v, size_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0) return RACAH_EFORMAT;
    *out = (size_t)json_integer_value(v);
    return RACAH_OK;
}

static racah_status read_dtype(const json_t *v, entry *e, racah_error *err)
{
    if (!json_is_string(v)) return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': no dtype string", e->name);
    for (size_t d = 0; d < NDTYPES; d++) {
        if (strcmp(json_string_value(v), dtypes[d].name) != 0) continue;
        e->dtype = (racahi_dtype)d;
        return RACAH_OK;
    }
    return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': dtype '%.20s', known are F64 F32 I64 I32 U8 BOOL",
                       e->name, json_string_value(v));
}

static racah_status read_shape(const json_t *v, entry *e, racah_error *err)
{
    if (!json_is_array(v)) return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': no shape array", e->name);
    if (json_array_size(v) > RACAHI_TENSOR_DIMS)
        return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': %zu dimensions, at most %d", e->name,
                           json_array_size(v), RACAHI_TENSOR_DIMS);
    e->ndim = (int)json_array_size(v);
    for (int a = 0; a < e->ndim; a++)
        if (read_size(json_array_get(v, (size_t)a), &e->shape[a]) != RACAH_OK)
            return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': dimension %d is no whole number >= 0",
                               e->name, a);
    return RACAH_OK;
}

static racah_status check_entry(const json_t *v, entry *e, size_t data_size, racah_error *err)
{
    if (!json_is_object(v))
        return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': found no object with dtype, shape, data_offsets",
                           e->name);
    if (json_object_size(v) != 3)
        return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': %zu keys, wanted dtype, shape and data_offsets",
                           e->name, json_object_size(v));
    RACAHI_TRY(read_dtype(json_object_get(v, "dtype"), e, err));
    RACAHI_TRY(read_shape(json_object_get(v, "shape"), e, err));
    const json_t *at = json_object_get(v, "data_offsets");
    if (!json_is_array(at) || json_array_size(at) != 2 ||
        read_size(json_array_get(at, 0), &e->begin) != RACAH_OK ||
        read_size(json_array_get(at, 1), &e->end) != RACAH_OK)
        return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': data_offsets are no pair of whole numbers >= 0",
                           e->name);
    if (e->begin > e->end || e->end > data_size)
        return racahi_fail(err, RACAH_EFORMAT,
                           "tensor '%s': data_offsets %zu ... %zu, the file has %zu bytes of data", e->name,
                           e->begin, e->end, data_size);
    size_t bytes;
    if (!racahi_shape_count(e->ndim, e->shape, &e->count) ||
        __builtin_mul_overflow(e->count, dtypes[e->dtype].size, &bytes))
        return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': the product of its dimensions overflows",
                           e->name);
    if (bytes != e->end - e->begin)
        return racahi_fail(err, RACAH_EFORMAT,
                           "tensor '%s': %zu bytes at its data_offsets, its shape and %s want %zu", e->name,
                           e->end - e->begin, dtypes[e->dtype].name, bytes);
    return RACAH_OK;
}

static int by_position(const void *a, const void *b)
{
    const entry *p = a, *q = b;
    if (p->begin != q->begin) return p->begin < q->begin ? -1 : 1;
    if (p->end != q->end) return p->end < q->end ? -1 : 1;
    return p->order < q->order ? -1 : p->order > q->order;
}

/* Sorted by position the tensors must follow each other without a byte between or shared, from 0 to the end.
 */
static racah_status check_layout(entry *e, size_t n, size_t data_size, racah_error *err)
{
    size_t at = 0;
    if (n) qsort(e, n, sizeof *e, by_position);
    for (size_t k = 0; k < n; k++) {
        if (e[k].begin != at)
            return racahi_fail(err, RACAH_EFORMAT, "tensor '%s' begins at %zu, wanted %zu (%s)", e[k].name,
                               e[k].begin, at,
                               e[k].begin < at ? "overlap with the tensor before it" : "a hole before it");
        at = e[k].end;
    }
    if (at != data_size)
        return racahi_fail(err, RACAH_EFORMAT, "%zu bytes of data after the last tensor, wanted none",
                           data_size - at);
    return RACAH_OK;
}

/* ---- copying what has been checked --------------------------------------------------------- */

static racah_status copy_meta(racahi_safetensors *s, json_t *meta, racah_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(meta)) return racahi_fail(err, RACAH_EFORMAT, "__metadata__ is no object");
    json_object_foreach(meta, key, value) if (!json_is_string(value)) return racahi_fail(
        err, RACAH_EFORMAT, "__metadata__: the value of '%s' is no string", key);
    s->meta_key = racahi_calloc(json_object_size(meta), sizeof *s->meta_key);
    s->meta_value = racahi_calloc(json_object_size(meta), sizeof *s->meta_value);
    if (!s->meta_key || !s->meta_value)
        return racahi_fail(err, RACAH_ENOMEM, "__metadata__: %zu bytes do not fit in memory",
                           json_object_size(meta) * (sizeof *s->meta_key + sizeof *s->meta_value));
    json_object_foreach(meta, key, value)
    {
        size_t k = s->nmeta++;
        s->meta_key[k] = racahi_strdup(key);
        s->meta_value[k] = racahi_strdup(json_string_value(value));
        if (!s->meta_key[k] || !s->meta_value[k])
            return racahi_fail(err, RACAH_ENOMEM, "__metadata__: '%s', %zu bytes, does not fit in memory", key,
                               strlen(key) + strlen(json_string_value(value)) + 2);
    }
    return RACAH_OK;
}

static racah_status copy_tensor(racahi_tensor *t, const entry *e, const unsigned char *data, racah_error *err)
{
    size_t bytes = e->end - e->begin;
    t->name = racahi_strdup(e->name);
    t->dtype = e->dtype, t->ndim = e->ndim, t->count = e->count;
    memcpy(t->shape, e->shape, sizeof t->shape);
    t->data = racahi_malloc(bytes, 1);
    if (!t->name || !t->data)
        return racahi_fail(err, RACAH_ENOMEM, "tensor '%s': %zu bytes do not fit in memory", e->name, bytes);
    memcpy(t->data, data + e->begin, bytes);
    for (size_t k = 0; t->dtype == RACAHI_BOOL && k < bytes; k++)
        if (data[e->begin + k] > 1)
            return racahi_fail(err, RACAH_EFORMAT, "tensor '%s': element %zu is %d, wanted 0 or 1", e->name,
                               k, data[e->begin + k]);
    return RACAH_OK;
}

/* e: room for all members of the header. */
static racah_status read_header(racahi_safetensors *s, json_t *header, entry *e, const unsigned char *data,
                                size_t data_size, racah_error *err)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach(header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) continue;
        e[n] = (entry){.name = key, .order = n};
        RACAHI_TRY(check_entry(value, &e[n], data_size, err));
        n++;
    }
    RACAHI_TRY(check_layout(e, n, data_size, err));
    value = json_object_get(header, "__metadata__");
    if (value) RACAHI_TRY(copy_meta(s, value, err));
    s->t = racahi_calloc(n, sizeof *s->t);
    if (!s->t) return racahi_fail(err, RACAH_ENOMEM, "%zu tensors: %zu bytes do not fit in memory", n, n * sizeof *s->t);
    for (s->n = 0; s->n < n;) {
        size_t k = s->n++;
        RACAHI_TRY(copy_tensor(&s->t[k], &e[k], data, err));
    }
    return racahi_sha256(data, data_size, s->sha256, err);
}

static racah_status parse(racahi_safetensors *s, const unsigned char *b, size_t size, racah_error *err)
{
    uint64_t length = 0;
    json_error_t why;
    if (size < 8) return racahi_fail(err, RACAH_EFORMAT, "%zu bytes, wanted 8 bytes of header length", size);
    for (int k = 0; k < 8; k++) length |= (uint64_t)b[k] << (8 * k);
    if (length > size - 8)
        return racahi_fail(
            err, RACAH_EFORMAT,
            "header length %llu, but only %zu bytes follow (truncated, or no safetensors file)",
            (unsigned long long)length, size - 8);
    if (length == 0 || b[8] != '{')
        return racahi_fail(err, RACAH_EFORMAT, "the header does not begin with '{': no safetensors file");
    json_t *header = json_loadb((const char *)b + 8, (size_t)length, JSON_REJECT_DUPLICATES, &why);
    if (!header) return racahi_fail(err, RACAH_EFORMAT, "header, byte %d: %s", why.position, why.text);
    entry *e = racahi_malloc(json_object_size(header), sizeof *e);
    racah_status status;
    if (e)
        status = read_header(s, header, e, b + 8 + length, size - 8 - (size_t)length, err);
    else
        status = racahi_fail(err, RACAH_ENOMEM, "header of %zu tensors: %zu bytes do not fit in memory",
                             json_object_size(header), json_object_size(header) * sizeof *e);
    if (status == RACAH_OK)
        status = hash_file((const char *)b + 8, (size_t)length, b + 8 + length, size - 8 - (size_t)length, s->sha256_file,
                           err);
    racahi_free(e);
    json_decref(header);
    return status;
}

racah_status racahi_safetensors_parse(racahi_safetensors **out, const void *bytes, size_t size,
                                      const char *name, racah_error *err)
{
    *out = NULL;
    racahi_safetensors *s = racahi_calloc(1, sizeof *s);
    if (!s || !(s->path = racahi_strdup(name))) {
        racahi_safetensors_free(s);
        return racahi_fail(err, RACAH_ENOMEM, "%s: %zu bytes do not fit in memory", name, sizeof *s + strlen(name) + 1);
    }
    racah_status status = parse(s, bytes, size, err);
    if (status != RACAH_OK) {
        racahi_safetensors_free(s);
        return racahi_prefix(err, status, "%s", name);
    }
    *out = s;
    return RACAH_OK;
}

racah_status racahi_safetensors_read(racahi_safetensors **out, const char *path, racah_error *err)
{
    void *bytes;
    size_t size;
    *out = NULL;
    RACAHI_TRY(racahi_file_slurp(path, &bytes, &size, err));
    racah_status status = racahi_safetensors_parse(out, bytes, size, path, err);
    racahi_free(bytes);
    return status;
}

void racahi_safetensors_free(racahi_safetensors *s)
{
    if (!s) return;
    for (size_t k = 0; k < s->n; k++) {
        racahi_free(s->t[k].name);
        racahi_free(s->t[k].data);
    }
    for (size_t k = 0; k < s->nmeta; k++) {
        racahi_free(s->meta_key[k]);
        racahi_free(s->meta_value[k]);
    }
    racahi_free(s->t);
    racahi_free(s->meta_key);
    racahi_free(s->meta_value);
    racahi_free(s->path);
    racahi_free(s);
}

const racahi_tensor *racahi_safetensors_find(const racahi_safetensors *s, const char *name)
{
    for (size_t k = 0; k < s->n; k++)
        if (strcmp(s->t[k].name, name) == 0) return &s->t[k];
    return NULL;
}

const char *racahi_safetensors_meta(const racahi_safetensors *s, const char *key)
{
    for (size_t k = 0; k < s->nmeta; k++)
        if (strcmp(s->meta_key[k], key) == 0) return s->meta_value[k];
    return NULL;
}
