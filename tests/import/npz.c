/* SPDX-License-Identifier: MIT
 * Reading numpy's .npz files. */
#include "npz.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static uint32_t u32(const unsigned char *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }
static uint32_t u16(const unsigned char *p) { return (uint32_t)(p[0] | p[1] << 8); }

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    const long n = ftell(f);
    rewind(f);
    unsigned char *bytes = n > 0 ? malloc((size_t)n) : NULL;
    *size = bytes ? fread(bytes, 1, (size_t)n, f) : 0;
    fclose(f);
    if (bytes && *size == (size_t)n) return bytes;
    free(bytes);
    return NULL;
}

static bool inflate_raw(const unsigned char *in, size_t nin, unsigned char *out, size_t nout)
{
    z_stream s = {
        .next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)nin, .next_out = out, .avail_out = (uInt)nout};
    if (inflateInit2(&s, -15) != Z_OK) return false;
    const int end = inflate(&s, Z_FINISH);
    inflateEnd(&s);
    return end == Z_STREAM_END && s.total_out == nout;
}

/* Header of a .npy: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), } */
static bool parse_npy(npy *a, const unsigned char *bytes, size_t size)
{
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0) return false;
    const size_t head = bytes[6] == 1 ? u16(bytes + 8) : u32(bytes + 8),
                 start = (bytes[6] == 1 ? 10 : 12) + head;
    if (start > size) return false;
    char text[1024];
    if (head >= sizeof text) return false;
    memcpy(text, bytes + start - head, head);
    text[head] = 0;
    const char *descr = strstr(text, "'descr': '"), *shape = strstr(text, "'shape': (");
    if (!descr || !shape || !strstr(text, "'fortran_order': False")) return false;
    memcpy(a->type, descr + 11, 2); /* after the byte-order character */
    a->count = 1;
    for (char *at = (char *)(uintptr_t)shape + 10; *at && *at != ')';) {
        char *end;
        const unsigned long n = strtoul(at, &end, 10);
        if (end == at) {
            at++;
            continue;
        }
        if (a->ndim == 8) return false;
        a->shape[a->ndim++] = n;
        a->count *= n;
        at = end;
    }
    const size_t want = a->count * (size_t)(a->type[1] - '0');
    if (size - start != want) return false;
    a->data = malloc(want + 1);
    if (a->data) memcpy(a->data, bytes + start, want);
    return a->data != NULL;
}

static bool read_entry(npy *a, const unsigned char *file, size_t size, const unsigned char *entry)
{
    const size_t packed = u32(entry + 20), plain = u32(entry + 24), name = u16(entry + 28),
                 at = u32(entry + 42);
    if (at + 30 > size || name >= sizeof a->name) return false;
    memcpy(a->name, entry + 46, name);
    if (name > 4 && strcmp(a->name + name - 4, ".npy") == 0) a->name[name - 4] = 0;
    const size_t data = at + 30 + u16(file + at + 26) + u16(file + at + 28);
    if (data + packed > size) return false;
    if (u16(entry + 10) == 0) return packed == plain && parse_npy(a, file + data, plain);
    unsigned char *out = malloc(plain + 1);
    const bool ok = out && u16(entry + 10) == 8 && inflate_raw(file + data, packed, out, plain) &&
                    parse_npy(a, out, plain);
    free(out);
    return ok;
}

bool npz_read(npz *z, const char *path)
{
    memset(z, 0, sizeof *z);
    size_t size = 0;
    unsigned char *file = read_file(path, &size);
    if (!file) return false;
    size_t end = size < 22 ? 0 : size - 22; /* end of central directory: no comment in numpy's files */
    bool ok = size >= 22 && u32(file + end) == 0x06054b50;
    const size_t n = ok ? u16(file + end + 10) : 0;
    z->a = calloc(n + 1, sizeof *z->a);
    size_t at = ok ? u32(file + end + 16) : 0;
    for (size_t i = 0; ok && i < n; i++) {
        ok = at + 46 <= size && u32(file + at) == 0x02014b50 && read_entry(&z->a[i], file, size, file + at);
        if (!ok) break;
        z->n++;
        at += 46 + u16(file + at + 28) + u16(file + at + 30) + u16(file + at + 32);
    }
    free(file);
    if (!ok) npz_free(z);
    return ok;
}

void npz_free(npz *z)
{
    for (size_t i = 0; i < z->n; i++) free(z->a[i].data);
    free(z->a);
    memset(z, 0, sizeof *z);
}

const npy *npz_find(const npz *z, const char *fmt, ...)
{
    char name[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(name, sizeof name, fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < z->n; i++)
        if (strcmp(z->a[i].name, name) == 0) return &z->a[i];
    return NULL;
}
