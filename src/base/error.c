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

racah_status racahi_fail(racah_error *err, racah_status code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = code;
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
    }
    return code;
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
    size_t n = strlen(head);
    memcpy(err->msg, head, n);
    snprintf(err->msg + n, sizeof err->msg - n, ": %s", old);
    return err->code;
}
