/* SPDX-License-Identifier: MIT
 * Reading a whole file into memory. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* strerror_r as GNU has it: returns the text, which may or may not be in the buffer. */
static racah_status fail_errno(const char *path, const char *what, racah_error *err)
{
    char buffer[128];
    int code = errno;
    return racahi_fail(err, RACAH_EIO, "%s: cannot %s (%s)", path, what,
                       strerror_r(code, buffer, sizeof buffer));
}

static racah_status read_all(int fd, const char *path, char **bytes, size_t *cap, size_t *size,
                             racah_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return fail_errno(path, "examine it", err);
    size_t want = st.st_size > 0 ? (size_t)st.st_size + 1 : 65536;
    for (;;) {
        RACAHI_TRY(racahi_reserve((void **)bytes, cap, want, 1, path, err));
        ssize_t got = read(fd, *bytes + *size, *cap - *size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(path, "read it", err);
        if (got == 0) return RACAH_OK;
        *size += (size_t)got;
        if (*size == *cap) want = *cap + 1;
    }
}

racah_status racahi_file_slurp(const char *path, void **bytes, size_t *size, racah_error *err)
{
    char *b = NULL;
    size_t cap = 0, n = 0;
    if (!path) return racahi_fail(err, RACAH_EINVAL, "no file name");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(path, "open it", err);
    racah_status status = read_all(fd, path, &b, &cap, &n, err);
    close(fd);
    if (status != RACAH_OK) {
        racahi_free(b);
        return status;
    }
    *bytes = b, *size = n;
    return RACAH_OK;
}
