/* SPDX-License-Identifier: MIT
 * libFuzzer's mutations for safetensors files: usually of the header alone, whose length is put right, or of the data
 * alone. Without this nearly every change of the header's size makes a file of which nothing is read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    uint64_t header = 0;
    for (size_t k = 0; k < 8 && size >= 8; k++) header |= (uint64_t)data[k] << 8 * k;
    if (size < 8 || header > size - 8 || max <= size || seed % 16 == 0) return LLVMFuzzerMutate(data, size, max);
    uint8_t *body = data + 8 + header;
    const size_t tail = size - 8 - header;
    if (seed % 4 == 0) return 8 + header + LLVMFuzzerMutate(body, tail, max - 8 - header);
    uint8_t *kept = malloc(tail ? tail : 1);
    if (!kept) return size;
    memcpy(kept, body, tail);
    header = LLVMFuzzerMutate(data + 8, header, max - 8 - tail);
    memcpy(data + 8 + header, kept, tail);
    free(kept);
    for (size_t k = 0; k < 8; k++) data[k] = (uint8_t)(header >> 8 * k);
    return 8 + header + tail;
}
