/* SPDX-License-Identifier: MIT
 * Parts of the training data code that talk to each other: data.c, data_labels.c; random numbers. */
#ifndef RACAHI_TRAIN_DATA_INTERNAL_H
#define RACAHI_TRAIN_DATA_INTERNAL_H

#include "../io/safetensors.h"
#include "data.h"

#include <stdarg.h>

/* printf to the user. */
void racahi_say(racahi_say_fn say, void *ctx, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Counter-based random numbers (SplitMix64 of seed, stream and counter): nothing to save at a checkpoint. */
enum { RACAHI_STREAM_SPLIT = 0, RACAHI_STREAM_EPOCH = 1 }; /* epoch n uses stream RACAHI_STREAM_EPOCH + n */
uint64_t racahi_random(uint64_t seed, uint64_t stream, uint64_t counter);

/* Put "FILE, frame N (line L): " before the message. */
racah_status racahi_sample_error(const racahi_sample *s, racah_error *err, racah_status code);

void racahi_label_statistics(racahi_label_stats *st, const racahi_sample *s, size_t n, double r_max);
void racahi_say_statistics(const racahi_dataset *data, size_t nisolated, racahi_say_fn say, void *ctx);

/* Fill data->E0 and data->shift and subtract their sums from the energy labels of all samples. isolated[Z]:
 * energies of isolated atoms or NAN. */
racah_status racahi_find_e0(racahi_dataset *data, const racahi_train_config *cfg, const double *isolated,
                            racahi_say_fn say, void *ctx, racah_error *err);

#endif
