/* SPDX-License-Identifier: MIT
 * Tokens of extended XYZ: words, numbers, key=value pairs. */
#include "keyvalue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static void skip_blanks(racahi_span *r)
{
    while (r->n && is_blank(r->s[0])) r->s++, r->n--;
}

bool racahi_span_is(racahi_span a, const char *text)
{
    return a.n == strlen(text) && memcmp(a.s, text, a.n) == 0;
}

bool racahi_span_is_nocase(racahi_span a, const char *text)
{
    return a.n == strlen(text) && strncasecmp(a.s, text, a.n) == 0;
}

const char *racahi_span_show(racahi_span a, char buffer[72])
{
    size_t n = a.n < 60 ? a.n : 60;
    for (size_t k = 0; k < n; k++) buffer[k] = a.s[k] >= ' ' && a.s[k] <= '~' ? a.s[k] : '?';
    strcpy(buffer + n, a.n > n ? "..." : "");
    return buffer;
}

char *racahi_span_text(racahi_span a, bool escapes)
{
    char *t = racahi_malloc(a.n + 1, 1);
    size_t n = 0;
    if (!t) return NULL;
    for (size_t k = 0; k < a.n; k++) {
        char c = a.s[k];
        if (escapes && c == '\\' && k + 1 < a.n) c = a.s[++k] == 'n' ? '\n' : a.s[k];
        t[n++] = c;
    }
    t[n] = 0;
    return t;
}

bool racahi_word_next(racahi_span *rest, racahi_span *word)
{
    skip_blanks(rest);
    word->s = rest->s;
    while (rest->n && !is_blank(rest->s[0])) rest->s++, rest->n--;
    word->n = (size_t)(rest->s - word->s);
    return word->n > 0;
}

/* ---- numbers ----------------------------------------------------------------------------- */

/* [+-] digits [. digits] [e [+-] digits] with at least one digit before the exponent, and nothing else:
 * strtod alone would also take nan, inf and hexadecimal. */
static bool is_decimal(racahi_span w)
{
    size_t k = 0, digits = 0;
    if (k < w.n && (w.s[k] == '+' || w.s[k] == '-')) k++;
    for (; k < w.n && is_digit(w.s[k]); k++) digits++;
    if (k < w.n && w.s[k] == '.')
        for (k++; k < w.n && is_digit(w.s[k]); k++) digits++;
    if (!digits) return false;
    if (k < w.n && (w.s[k] == 'e' || w.s[k] == 'E')) {
        size_t first;
        k++;
        if (k < w.n && (w.s[k] == '+' || w.s[k] == '-')) k++;
        for (first = k; k < w.n && is_digit(w.s[k]);) k++;
        if (k == first) return false;
    }
    return k == w.n;
}

racah_status racahi_number(racahi_span w, locale_t c, const char *what, double *out, racah_error *err)
{
    char text[128], show[72];
    if (!is_decimal(w) || w.n >= sizeof text)
        return racahi_fail(err, RACAH_EFORMAT, "%s: found '%s', wanted a finite decimal number", what,
                           racahi_span_show(w, show));
    memcpy(text, w.s, w.n);
    text[w.n] = 0;
    double x = strtod_l(text, NULL, c);
    if (!isfinite(x))
        return racahi_fail(err, RACAH_EFORMAT, "%s: '%s' is out of the range of a double", what,
                           racahi_span_show(w, show));
    *out = x;
    return RACAH_OK;
}

racah_status racahi_whole(racahi_span w, const char *what, size_t *out, racah_error *err)
{
    char show[72];
    size_t x = 0;
    for (size_t k = 0; k < w.n; k++)
        if (!is_digit(w.s[k]) || __builtin_mul_overflow(x, (size_t)10, &x) ||
            __builtin_add_overflow(x, (size_t)(w.s[k] - '0'), &x))
            return racahi_fail(err, RACAH_EFORMAT, "%s: found '%s', wanted a whole number", what,
                               racahi_span_show(w, show));
    if (!w.n) return racahi_fail(err, RACAH_EFORMAT, "%s: found nothing, wanted a whole number", what);
    *out = x;
    return RACAH_OK;
}

/* ---- key=value --------------------------------------------------------------------------- */

/* Text up to the closing quote; rest starts at the opening one. */
static racah_status take_quoted(racahi_span *rest, racahi_span *out, racah_error *err)
{
    char quote = rest->s[0], show[72];
    for (size_t k = 1; k < rest->n; k++) {
        if (rest->s[k] == '\\') {
            k++;
        } else if (rest->s[k] == quote) {
            *out = (racahi_span){rest->s + 1, k - 1};
            rest->s += k + 1, rest->n -= k + 1;
            return RACAH_OK;
        }
    }
    return racahi_fail(err, RACAH_EFORMAT, "comment line: quote opened at %s is not closed",
                       racahi_span_show(*rest, show));
}

/* Text from the opening to the matching closing bracket, both included. Brackets inside quotes do not count.
 */
static racah_status take_bracketed(racahi_span *rest, racahi_span *out, racah_error *err)
{
    char open = rest->s[0], close = open == '[' ? ']' : '}', quote = 0, show[72];
    size_t depth = 0;
    for (size_t k = 0; k < rest->n; k++) {
        char c = rest->s[k];
        if (quote) {
            if (c == '\\')
                k++;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == open) {
            depth++;
        } else if (c == close && --depth == 0) {
            *out = (racahi_span){rest->s, k + 1};
            rest->s += k + 1, rest->n -= k + 1;
            return RACAH_OK;
        }
    }
    return racahi_fail(err, RACAH_EFORMAT, "comment line: bracket opened at %s is not closed",
                       racahi_span_show(*rest, show));
}

static racah_status take_key(racahi_span *rest, racahi_span *key, racah_error *err)
{
    char show[72];
    if (rest->s[0] == '"' || rest->s[0] == '\'') return take_quoted(rest, key, err);
    key->s = rest->s;
    while (rest->n && !is_blank(rest->s[0]) && rest->s[0] != '=') rest->s++, rest->n--;
    key->n = (size_t)(rest->s - key->s);
    if (!key->n)
        return racahi_fail(err, RACAH_EFORMAT, "comment line: no key before '%s'",
                           racahi_span_show(*rest, show));
    return RACAH_OK;
}

racah_status racahi_pair_next(racahi_span *rest, racahi_pair *out, bool *found, racah_error *err)
{
    char show[72];
    memset(out, 0, sizeof *out);
    skip_blanks(rest);
    *found = rest->n > 0;
    if (!*found) return RACAH_OK;
    RACAHI_TRY(take_key(rest, &out->key, err));
    racahi_span ahead = *rest;
    skip_blanks(&ahead);
    if (!ahead.n || ahead.s[0] != '=') return RACAH_OK;
    ahead.s++, ahead.n--;
    skip_blanks(&ahead);
    *rest = ahead;
    if (!rest->n)
        return racahi_fail(err, RACAH_EFORMAT, "comment line: no value after '%s='",
                           racahi_span_show(out->key, show));
    out->form = rest->s[0];
    if (out->form == '"' || out->form == '\'') {
        RACAHI_TRY(take_quoted(rest, &out->value, err));
    } else if (out->form == '[' || out->form == '{') {
        RACAHI_TRY(take_bracketed(rest, &out->value, err));
    } else {
        out->form = ' ';
        racahi_word_next(rest, &out->value);
    }
    if (rest->n && !is_blank(rest->s[0]))
        return racahi_fail(
            err, RACAH_EFORMAT, "comment line: found '%s' right after the value of '%.*s', wanted a blank",
            racahi_span_show(*rest, show), (int)(out->key.n < 60 ? out->key.n : 60), out->key.s);
    return RACAH_OK;
}

/* ---- values ------------------------------------------------------------------------------ */

/* Words of a value. Old-style {a b} and quoted or bare text: blanks separate. JSON-style [..], in quotes and
 * after ASE's "_JSON " mark too: commas and inner brackets separate as well. */
static bool value_word(racahi_span *rest, bool list, racahi_span *word)
{
    if (!list) return racahi_word_next(rest, word);
    while (rest->n && (is_blank(rest->s[0]) || strchr(",[]", rest->s[0]))) rest->s++, rest->n--;
    word->s = rest->s;
    while (rest->n && !is_blank(rest->s[0]) && !strchr(",[]", rest->s[0])) rest->s++, rest->n--;
    word->n = (size_t)(rest->s - word->s);
    return word->n > 0;
}

static racahi_span value_body(const racahi_pair *p, bool *list)
{
    racahi_span v = p->value;
    *list = p->form == '[';
    if (p->form == '{') return (racahi_span){v.s + 1, v.n - 2};
    if (p->form == '"' || p->form == '\'') {
        if (v.n > 6 && memcmp(v.s, "_JSON ", 6) == 0) v.s += 6, v.n -= 6;
        skip_blanks(&v);
        *list = v.n && v.s[0] == '[';
    }
    return v;
}

racah_status racahi_pair_numbers(const racahi_pair *p, locale_t c, double *out, size_t max, size_t *count,
                                 racah_error *err)
{
    char what[72];
    bool list;
    racahi_span rest = value_body(p, &list), word;
    racahi_span_show(p->key, what);
    *count = 0;
    while (value_word(&rest, list, &word)) {
        double x;
        RACAHI_TRY(racahi_number(word, c, what, &x, err));
        if (*count < max) out[*count] = x;
        ++*count;
    }
    return RACAH_OK;
}

static int boolean(racahi_span w)
{
    static const char *const yes[] = {"T", "True", "true", "TRUE", "1"};
    static const char *const no[] = {"F", "False", "false", "FALSE", "0"};
    for (size_t k = 0; k < sizeof yes / sizeof *yes; k++) {
        if (racahi_span_is(w, yes[k])) return 1;
        if (racahi_span_is(w, no[k])) return 0;
    }
    return -1;
}

racah_status racahi_pair_booleans(const racahi_pair *p, int out[3], racah_error *err)
{
    char what[72], show[72];
    bool list;
    int v[3], count = 0;
    racahi_span rest = value_body(p, &list), word;
    racahi_span_show(p->key, what);
    if (!p->form) v[count++] = 1; /* a bare key is true */
    while (value_word(&rest, list, &word)) {
        int b = boolean(word);
        if (b < 0)
            return racahi_fail(err, RACAH_EFORMAT, "%s: found '%s', wanted T or F", what,
                               racahi_span_show(word, show));
        if (count == 3)
            return racahi_fail(err, RACAH_EFORMAT, "%s: more than three values, wanted three", what);
        v[count++] = b;
    }
    if (count != 1 && count != 3)
        return racahi_fail(err, RACAH_EFORMAT, "%s: %d values, wanted three", what, count);
    for (int a = 0; a < 3; a++) out[a] = v[count == 1 ? 0 : a];
    return RACAH_OK;
}
