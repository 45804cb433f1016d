/* SPDX-License-Identifier: MIT
 * Status codes, error details and the export macro shared by every public header of Racah. */
#ifndef RACAH_STATUS_H
#define RACAH_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RACAH_API __attribute__((visibility("default")))
#else
#define RACAH_API
#endif

/* One table for the codes and their texts. Values are part of the ABI and never renumbered. */
#define RACAH_STATUS_TABLE(X)                                                                 \
    X(RACAH_OK, 0, "success")                                                                 \
    X(RACAH_EINVAL, 1, "invalid argument")                                                    \
    X(RACAH_ENOMEM, 2, "out of memory")                                                       \
    X(RACAH_EIO, 3, "file cannot be read or written")                                         \
    X(RACAH_EFORMAT, 4, "invalid file content")                                               \
    X(RACAH_EUNSUPPORTED, 5, "not supported by this build or release")                        \
    X(RACAH_ENUMERIC, 6, "a number is not finite")                                            \
    X(RACAH_ECALLBACK, 7, "a caller's callback failed")                                       \
    X(RACAH_EINTERRUPTED, 8, "stopped on request")                                            \
    X(RACAH_EDATA, 9, "the data do not allow this")                                           \
    X(RACAH_ECLOSE, 10, "atoms nearer than in the training data")

typedef enum racah_status {
#define RACAH_STATUS_ENUM(name, value, text) name = value,
    RACAH_STATUS_TABLE(RACAH_STATUS_ENUM)
#undef RACAH_STATUS_ENUM
} racah_status;

/* Details of a failure, owned by the caller; pass NULL where only the code matters.
 * msg says what went wrong, what was found and what was wanted, and names the file, line or tensor.
 * Untouched on success. */
typedef struct racah_error {
    racah_status code;
    char msg[512];
} racah_error;

/* Short English text of a code ("invalid argument"); never NULL. Thread safe. Since 0.1 */
RACAH_API const char *racah_status_text(racah_status code);

#ifdef __cplusplus
}
#endif
#endif
