/* SPDX-License-Identifier: MIT
 * Status texts and error messages. */
#include "base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *racah_status_text(racah_status code)
{
    switch (code) {
#define STATUS_CASE(name, value, text)                                                        \
    case name: return text;
        RACAH_STATUS_TABLE(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status code";
}

void racahi_set_error(racah_error *err, racah_status code, const char *fmt, ...)
{
    if (!err) return;
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
}

racah_status racahi_prefix(racah_error *err, racah_status code, const char *fmt, ...)
{
    if (!err) return code;
    char head[sizeof err->msg], old[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(head, sizeof head, fmt, ap);
    va_end(ap);
    memcpy(old, err->msg, sizeof old);
    size_t n = strlen(head), room = sizeof err->msg - n - 1, m = strlen(old);
    memcpy(err->msg, head, n);
    if (room > 2) { /* a message too long for the buffer loses its tail */
        memcpy(err->msg + n, ": ", 2);
        m = m < room - 2 ? m : room - 2;
        memcpy(err->msg + n + 2, old, m);
        err->msg[n + 2 + m] = 0;
    }
    return err->code;
}
