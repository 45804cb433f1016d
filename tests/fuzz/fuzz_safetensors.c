/* SPDX-License-Identifier: MIT
 * Fuzz target: any bytes as a safetensors container. What is accepted must account for every byte of data. */
#include "fuzz.h"

static size_t element_size(racahi_dtype d)
{
    switch (d) {
    case RACAHI_F64:
    case RACAHI_I64: return 8;
    case RACAHI_F32:
    case RACAHI_I32: return 4;
    case RACAHI_U8:
    case RACAHI_BOOL: return 1;
    }
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    racahi_safetensors *s;
    racah_error err = {0};
    if (racahi_safetensors_parse(&s, data, size, "fuzz", &err) != RACAH_OK) {
        require(err.code != RACAH_OK && strncmp(err.msg, "fuzz: ", 6) == 0 && !s);
        return 0;
    }
    uint64_t header = 0;
    for (int k = 0; k < 8; k++) header |= (uint64_t)data[k] << 8 * k;
    const uint8_t *at = data + 8 + header;
    for (size_t k = 0; k < s->n; k++) {
        const racahi_tensor *t = &s->t[k];
        size_t bytes = t->count * element_size(t->dtype);
        require(bytes <= (size_t)(data + size - at) && memcmp(t->data, at, bytes) == 0);
        require(racahi_safetensors_find(s, t->name) == t && t->ndim >= 0 && t->ndim <= RACAHI_TENSOR_DIMS);
        at += bytes;
    }
    require(at == data + size);
    for (size_t k = 0; k < s->nmeta; k++)
        require(racahi_safetensors_meta(s, s->meta_key[k]) == s->meta_value[k] && s->meta_value[k]);
    require(strlen(s->sha256) == 64);
    racahi_safetensors_free(s);
    return 0;
}
