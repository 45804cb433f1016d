/* SPDX-License-Identifier: MIT
 * The pieces of extended XYZ text: numbers, and key=value pairs of a comment line. */
#ifndef RACAHI_KEYVALUE_H
#define RACAHI_KEYVALUE_H

#include "../base/base.h"

#include <locale.h>

typedef struct racahi_span {
    const char *s;
    size_t n;
} racahi_span;

typedef struct racahi_pair {
    racahi_span key;   /* as written, escapes not resolved; keys in use have none */
    racahi_span value; /* without the outer quotes; brackets are kept */
    char form;         /* ' ' bare, '"' or '\'' quoted, '[' or '{' bracketed, 0: bare key, no value */
} racahi_pair;

/* Next pair of *rest, which shrinks. *found = false at the end. Message without file and line.
 * Accepts what ASE writes and reads: key=value, key="a b", key='a b', key={a b}, key=[a, [b, c]], bare keys,
 * quoted keys, backslash escapes inside quotes, blanks around '='. */
racah_status racahi_pair_next(racahi_span *rest, racahi_pair *out, bool *found, racah_error *err);

/* Blank-separated words of a line. */
bool racahi_word_next(racahi_span *rest, racahi_span *word);
bool racahi_span_is(racahi_span a, const char *text);
/* The same without regard to case. */
bool racahi_span_is_nocase(racahi_span a, const char *text);
/* New string with escapes of quoted values resolved; free with racahi_free. NULL: out of memory. */
char *racahi_span_text(racahi_span a, bool escapes);

/* A decimal number that fills the word, finite, whatever the process's locale says; `c` is a "C" locale.
 * Messages: what was found. */
racah_status racahi_number(racahi_span word, locale_t c, const char *what, double *out, racah_error *err);
/* A non-negative whole number in decimal digits. */
racah_status racahi_whole(racahi_span word, const char *what, size_t *out, racah_error *err);
/* The numbers of a value (blank separated; in [..] also by commas and inner brackets), at most max.
 * *count receives how many there are. */
racah_status racahi_pair_numbers(const racahi_pair *p, locale_t c, double *out, size_t max, size_t *count,
                                 racah_error *err);
/* One (for all) or three of T F True False true false TRUE FALSE 1 0. */
racah_status racahi_pair_booleans(const racahi_pair *p, int out[3], racah_error *err);

/* For messages: at most 60 bytes of the span, unprintable ones as '?'. Returns buffer. */
const char *racahi_span_show(racahi_span a, char buffer[72]);

#endif
