/* SPDX-License-Identifier: MIT
 * Writer of the safetensors container: header through jansson, file written aside and renamed. */
#include "st_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_ALIGN 64

static const char spaces[DATA_ALIGN + 1] = "                                                                ";

/* Spaces after the header text, so that the data start at a multiple of DATA_ALIGN. */
static size_t padding(const char *text) { return (DATA_ALIGN - (8 + strlen(text)) % DATA_ALIGN) % DATA_ALIGN; }

typedef struct item {
    racahi_dtype dtype;
    json_t *shape;
    const void *data;
    size_t bytes;
    char *name;
} item;

struct racahi_st_writer {
    json_t *meta;
    json_t *names; /* object used as a set */
    item *items;
    size_t n, cap;
};

racah_status racahi_st_writer_create(racahi_st_writer **out, racah_error *err)
{
    racahi_st_writer *w = racahi_calloc(1, sizeof *w);
    *out = NULL;
    if (w) w->meta = json_object(), w->names = json_object();
    if (!w || !w->meta || !w->names) {
        racahi_st_writer_destroy(w);
        return racahi_fail(err, RACAH_ENOMEM, "safetensors writer: %zu bytes do not fit in memory", sizeof *w);
    }
    *out = w;
    return RACAH_OK;
}

void racahi_st_writer_destroy(racahi_st_writer *w)
{
    if (!w) return;
    for (size_t k = 0; k < w->n; k++) {
        json_decref(w->items[k].shape);
        racahi_free(w->items[k].name);
    }
    racahi_free(w->items);
    json_decref(w->meta);
    json_decref(w->names);
    racahi_free(w);
}

racah_status racahi_st_writer_meta(racahi_st_writer *w, const char *key, const char *value, racah_error *err)
{
    if (!key || !key[0] || !value)
        return racahi_fail(err, RACAH_EINVAL, "safetensors metadata: no key or no value");
    if (strcmp(key, "sha256") == 0 || json_object_get(w->meta, key))
        return racahi_fail(err, RACAH_EINVAL, "safetensors metadata: key '%s' is there already", key);
    if (json_object_set_new(w->meta, key, json_string(value)) != 0)
        return racahi_fail(err, RACAH_EINVAL,
                           "safetensors metadata: '%s' is no UTF-8 text (or out of memory)", key);
    return RACAH_OK;
}

racah_status racahi_st_writer_tensor(racahi_st_writer *w, const char *name, racahi_dtype dtype, int ndim,
                                     const size_t *shape, const void *data, racah_error *err)
{
    size_t size = racahi_dtype_size(dtype), count, bytes;
    if (!name || !name[0] || strcmp(name, "__metadata__") == 0)
        return racahi_fail(err, RACAH_EINVAL, "safetensors tensor: no name, or a reserved one");
    if (!size) return racahi_fail(err, RACAH_EINVAL, "tensor '%s': unknown dtype %d", name, (int)dtype);
    if (ndim < 0 || ndim > RACAHI_TENSOR_DIMS || (ndim && !shape))
        return racahi_fail(err, RACAH_EINVAL, "tensor '%s': %d dimensions, wanted 0 to %d", name, ndim,
                           RACAHI_TENSOR_DIMS);
    if (!racahi_shape_count(ndim, shape, &count) || __builtin_mul_overflow(count, size, &bytes) ||
        bytes > (size_t)INT64_MAX)
        return racahi_fail(err, RACAH_EINVAL, "tensor '%s': the product of its dimensions overflows", name);
    if (bytes && !data)
        return racahi_fail(err, RACAH_EINVAL, "tensor '%s': %zu elements without data", name, count);
    if (json_object_get(w->names, name))
        return racahi_fail(err, RACAH_EINVAL, "tensor '%s' is there already", name);
    RACAHI_TRY(
        racahi_reserve((void **)&w->items, &w->cap, w->n + 1, sizeof *w->items, "safetensors writer", err));
    if (json_object_set_new(w->names, name, json_true()) != 0)
        return racahi_fail(err, RACAH_EINVAL, "tensor '%s': its name is no UTF-8 text (or out of memory)",
                           name);
    json_t *dims = json_array();
    for (int a = 0; a < ndim; a++) json_array_append_new(dims, json_integer((json_int_t)shape[a]));
    char *copy = racahi_strdup(name);
    if (!copy || json_array_size(dims) != (size_t)ndim) {
        json_decref(dims);
        racahi_free(copy);
        json_object_del(w->names, name);
        return racahi_fail(err, RACAH_ENOMEM, "tensor '%s': %zu bytes do not fit in memory", name, strlen(name) + 1);
    }
    w->items[w->n++] = (item){dtype, dims, data, bytes, copy};
    return RACAH_OK;
}

/* ---- header ------------------------------------------------------------------------------ */

/* Items in file order: elements of 8 bytes first, then of 4, then of 1, each in the order given. The format
 * allows no padding between tensors, so this order alone puts each on a multiple of its element size. Free
 * with racahi_free; NULL: out of memory. */
static const item **sorted(const racahi_st_writer *w)
{
    static const size_t sizes[] = {8, 4, 1};
    const item **list = racahi_malloc(w->n, sizeof *list);
    size_t n = 0;
    for (size_t s = 0; list && s < sizeof sizes / sizeof *sizes; s++)
        for (size_t k = 0; k < w->n; k++)
            if (racahi_dtype_size(w->items[k].dtype) == sizes[s]) list[n++] = &w->items[k];
    return list;
}

/* SHA-256 of everything after the length: header text, padding, data. */
static racah_status hash(const racahi_st_writer *w, const item **list, const char *text, char hex[65], racah_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1;
    ok = ok && EVP_DigestUpdate(c, text, strlen(text)) == 1 && EVP_DigestUpdate(c, spaces, padding(text)) == 1;
    for (size_t k = 0; ok && k < w->n; k++)
        if (list[k]->bytes) ok = EVP_DigestUpdate(c, list[k]->data, list[k]->bytes) == 1;
    ok = ok && EVP_DigestFinal_ex(c, digest, &n) == 1 && n == 32;
    EVP_MD_CTX_free(c);
    if (!ok) return racahi_fail(err, RACAH_EUNSUPPORTED, "SHA-256: libcrypto refuses the digest");
    racahi_hex(digest, n, hex);
    return RACAH_OK;
}

/* The JSON text, with the hash in place; free() it. */
static racah_status header_text(const racahi_st_writer *w, const item **list, char **text, racah_error *err)
{
    char hex[65];
    size_t at = 0;
    json_t *root = json_object(), *meta = json_copy(w->meta);
    bool ok = root && meta && json_object_set_new(meta, "sha256", json_string(RACAHI_SHA256_BLANK)) == 0;
    ok = ok && json_object_set(root, "__metadata__", meta) == 0;
    for (size_t k = 0; ok && k < w->n; k++) {
        size_t end = at + list[k]->bytes;
        json_t *e = json_pack("{s:s, s:O, s:[I,I]}", "dtype", racahi_dtype_name(list[k]->dtype), "shape",
                              list[k]->shape, "data_offsets", (json_int_t)at, (json_int_t)end);
        ok = end >= at && end <= (size_t)INT64_MAX && json_object_set(root, list[k]->name, e) == 0;
        json_decref(e);
        at = end;
    }
    *text = ok ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(meta);
    json_decref(root);
    if (!*text) return racahi_fail(err, RACAH_ENOMEM, "safetensors header of %zu tensors does not fit in memory", w->n);
    RACAHI_TRY(hash(w, list, *text, hex, err));
    memcpy(*text + racahi_sha256_place(*text, strlen(*text)), hex, 64);
    return RACAH_OK;
}

/* ---- file -------------------------------------------------------------------------------- */

static bool put(int fd, const void *bytes, size_t n)
{
    for (const char *p = bytes; n;) {
        ssize_t done = write(fd, p, n < 1u << 30 ? n : 1u << 30);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        p += done, n -= (size_t)done;
    }
    return true;
}

static bool put_file(int fd, const racahi_st_writer *w, const item **list, const char *text)
{
    size_t length = strlen(text), pad = padding(text);
    unsigned char head[8];
    for (int k = 0; k < 8; k++) head[k] = (unsigned char)((uint64_t)(length + pad) >> (8 * k));
    bool ok = put(fd, head, sizeof head) && put(fd, text, length) && put(fd, spaces, pad);
    for (size_t k = 0; ok && k < w->n; k++) ok = put(fd, list[k]->data, list[k]->bytes);
    return ok && fsync(fd) == 0;
}

/* The rename itself reaches the disk when the directory does. Not every file system can sync a directory; the
 * file is whole in any case, so a failure here is none. */
static void sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t n = !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
    char *dir = racahi_strdup(slash ? path : ".");
    if (dir && slash) dir[n] = 0;
    int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    racahi_free(dir);
}

/* Writes tmp and renames it to path; on failure errno tells why and tmp is gone. */
static bool replace(const racahi_st_writer *w, const item **list, const char *text, const char *tmp,
                    const char *path)
{
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), code;
    if (fd < 0) return false;
    bool ok = put_file(fd, w, list, text);
    code = errno;
    if (close(fd) != 0 && ok) ok = false, code = errno;
    if (ok && rename(tmp, path) != 0) ok = false, code = errno;
    if (!ok) unlink(tmp);
    errno = code;
    return ok;
}

racah_status racahi_st_writer_save(racahi_st_writer *w, const char *path, racah_error *err)
{
    struct stat st;
    char buffer[128], *text = NULL, *tmp = NULL;
    if (!path || !path[0]) return racahi_fail(err, RACAH_EINVAL, "safetensors: no file name");
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a rename would put a file in place of a device */
        return racahi_fail(err, RACAH_EIO, "%s: cannot write it (not a regular file)", path);
    const item **list = sorted(w);
    racah_status status = list ? header_text(w, list, &text, err)
                               : racahi_fail(err, RACAH_ENOMEM, "safetensors writer: %zu bytes do not fit in memory",
                                             w->n * sizeof *list);
    const size_t room = strlen(path) + 32;
    if (status == RACAH_OK && !(tmp = racahi_malloc(room, 1)))
        status = racahi_fail(err, RACAH_ENOMEM, "%s: %zu bytes for a name do not fit in memory", path, room);
    if (status == RACAH_OK) snprintf(tmp, room, "%s.tmp-%ld", path, (long)getpid());
    if (status == RACAH_OK && !replace(w, list, text, tmp, path)) {
        int code = errno;
        status = racahi_fail(err, RACAH_EIO, "%s: cannot write it (%s)", path,
                             strerror_r(code, buffer, sizeof buffer));
    }
    if (status == RACAH_OK) sync_directory(path);
    racahi_free(tmp);
    free(text);
    racahi_free(list);
    return status;
}
