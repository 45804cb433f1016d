/* SPDX-License-Identifier: MIT
 * Irreps strings: parser and blocks. */
#include "irreps.h"

#include <stdio.h>
#include <string.h>

typedef struct irreps_cursor {
    const char *text, *at, *what;
    racah_error *err;
} irreps_cursor;

static void blanks(irreps_cursor *c)
{
    while (*c->at == ' ' || *c->at == '\t' || *c->at == '\n') c->at++;
}

static racah_status unexpected(const irreps_cursor *c, const char *wanted)
{
    size_t column = (size_t)(c->at - c->text) + 1;
    if (*c->at == '\0')
        return racahi_fail(c->err, RACAH_EINVAL, "%s \"%s\": ends at column %zu, %s was wanted", c->what,
                           c->text, column, wanted);
    return racahi_fail(c->err, RACAH_EINVAL, "%s \"%s\": '%c' at column %zu, %s was wanted", c->what, c->text,
                       *c->at, column, wanted);
}

static racah_status number(irreps_cursor *c, int most, const char *wanted, int *value)
{
    if (*c->at < '0' || *c->at > '9') return unexpected(c, wanted);
    const char *start = c->at;
    int v = 0;
    for (; *c->at >= '0' && *c->at <= '9'; c->at++) {
        v = 10 * v + (*c->at - '0');
        if (v > most)
            return racahi_fail(c->err, RACAH_EINVAL, "%s \"%s\": the number at column %zu is above %d",
                               c->what, c->text, (size_t)(start - c->text) + 1, most);
    }
    *value = v;
    return RACAH_OK;
}

static racah_status term(irreps_cursor *c, racahi_irrep *b)
{
    blanks(c);
    const char *start = c->at;
    RACAHI_TRY(number(c, RACAHI_IRREPS_MAX_MUL, "a term such as 16x1o", &b->mul));
    blanks(c);
    if (*c->at == 'x') {
        c->at++;
        blanks(c);
        RACAHI_TRY(number(c, RACAHI_IRREPS_LMAX, "a degree", &b->l));
    } else {
        c->at = start; /* no multiplicity: what was read is the degree */
        b->mul = 1;
        RACAHI_TRY(number(c, RACAHI_IRREPS_LMAX, "a degree", &b->l));
    }
    if (*c->at != 'e' && *c->at != 'o') return unexpected(c, "parity e or o");
    b->p = *c->at++ == 'e' ? 1 : -1;
    blanks(c);
    return RACAH_OK;
}

static racah_status append(racahi_irreps *out, size_t *cap, racahi_irrep b, racah_error *err)
{
    RACAHI_TRY(racahi_reserve((void **)&out->block, cap, out->n + 1, sizeof *out->block, "irreps", err));
    b.offset = out->dim;
    out->dim += (size_t)b.mul * (size_t)(2 * b.l + 1);
    if (b.l > out->lmax) out->lmax = b.l;
    out->block[out->n++] = b;
    return RACAH_OK;
}

static racah_status parse_terms(racahi_irreps *out, irreps_cursor *c)
{
    size_t cap = 0;
    blanks(c);
    if (*c->at == '\0') return RACAH_OK;
    for (;;) {
        racahi_irrep b = {0};
        RACAHI_TRY(term(c, &b));
        if (out->n == RACAHI_IRREPS_MAX_BLOCKS)
            return racahi_fail(c->err, RACAH_EINVAL, "%s: more than %d terms", c->what,
                               RACAHI_IRREPS_MAX_BLOCKS);
        RACAHI_TRY(append(out, &cap, b, c->err));
        if (*c->at == '\0') return RACAH_OK;
        if (*c->at != '+') return unexpected(c, "'+' or the end");
        c->at++;
    }
}

racah_status racahi_irreps_parse(racahi_irreps *out, const char *text, const char *what, racah_error *err)
{
    *out = (racahi_irreps){.lmax = -1};
    if (!text) return racahi_fail(err, RACAH_EINVAL, "%s: the irreps string is NULL", what);
    irreps_cursor c = {text, text, what, err};
    racah_status status = parse_terms(out, &c);
    if (status != RACAH_OK) racahi_irreps_free(out);
    return status;
}

racah_status racahi_irreps_degrees(racahi_irreps *out, int C, int lmax, bool natural, int sign,
                                   racah_error *err)
{
    *out = (racahi_irreps){.lmax = -1};
    if (C < 1 || C > RACAHI_IRREPS_MAX_MUL)
        return racahi_fail(err, RACAH_EINVAL, "irreps: %d channels, need 1 .. %d", C, RACAHI_IRREPS_MAX_MUL);
    if (lmax < 0 || lmax > RACAHI_IRREPS_LMAX)
        return racahi_fail(err, RACAH_EINVAL, "irreps: degree %d, need 0 .. %d", lmax, RACAHI_IRREPS_LMAX);
    size_t cap = 0;
    for (int l = 0; l <= lmax; l++) {
        racahi_irrep b = {.mul = C, .l = l, .p = natural && l % 2 ? -sign : sign};
        racah_status status = append(out, &cap, b, err);
        if (status != RACAH_OK) {
            racahi_irreps_free(out);
            return status;
        }
    }
    return RACAH_OK;
}

void racahi_irreps_free(racahi_irreps *irreps)
{
    racahi_free(irreps->block);
    *irreps = (racahi_irreps){.lmax = -1};
}

void racahi_irrep_print(const racahi_irrep *b, char text[32])
{
    snprintf(text, 32, "%dx%d%c", b->mul, b->l, b->p > 0 ? 'e' : 'o');
}
