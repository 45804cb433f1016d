/* SPDX-License-Identifier: MIT
 * Trained MACE models: NAME.mace.safetensors, which src/mace_export.py writes, becomes a Racah model.
 *
 * The dump holds the tensors of torch's state dict under their names and, in __metadata__, format
 * "mace-dump", format_version "1" and "dump": JSON text with the class names of all blocks, the irreps,
 * instructions and path weights of every e3nn module, activations and their constants. All mathematics is
 * here: path weights, fan-ins, activation constants and numbers of neighbours are folded into the weights,
 * the symmetric contraction is projected on our basis. What the energy depends on and this reader does not
 * know is an error that names it.
 */
#ifndef RACAHI_IMPORT_H
#define RACAHI_IMPORT_H

#include "../model/model.h"

/* head: name of the head of a multi-head model, or NULL where there is one. The result has reference
 * structures and a provenance record in place of the training summary. Errors: RACAH_EIO, RACAH_EFORMAT
 * (damaged or contradictory dump), RACAH_EUNSUPPORTED (names what), RACAH_EINVAL (head), RACAH_ENOMEM; *out =
 * NULL then. */
racah_status racahi_import_mace(racah_model **out, const char *path, const char *head, racah_error *err);

#endif
