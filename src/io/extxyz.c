/* SPDX-License-Identifier: MIT
 * Extended XYZ reader. Every message is "FILE:LINE: what, found, wanted". */
#include "extxyz.h"
#include "file.h"
#include "keyvalue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR 1e-3 /* A; atoms of one frame nearer than this are a mistake in the file */

typedef struct reader {
    racahi_span rest;
    size_t line; /* of the line taken last, 1-based */
    const char *name;
    locale_t c;
} reader;

/* Keys of the comment line that are read. */
enum key {
    LATTICE,
    PROPERTIES,
    PBC,
    CONFIG_TYPE,
    CONFIG_WEIGHT,
    ENERGY,
    REF_ENERGY,
    STRESS,
    REF_STRESS,
    VIRIAL,
    VIRIALS,
    REF_VIRIAL,
    REF_VIRIALS,
    NKEYS
};
static const char *const key_names[NKEYS] = {
    "Lattice", "Properties", "pbc",    "config_type", "config_weight", "energy",     "REF_energy",
    "stress",  "REF_stress", "virial", "virials",     "REF_virial",    "REF_virials"};

/* Columns that are read; the first column of each, SIZE_MAX where absent. */
enum column { SPECIES, NUMBERS, POS, FORCES, REF_FORCES, NCOLUMNS };
typedef struct layout {
    size_t at[NCOLUMNS], total;
} layout;
static const struct {
    const char *name;
    enum column column;
    char type;
    size_t count;
} column_table[] = {
    {"species", SPECIES, 'S', 1},        {"Z", NUMBERS, 'I', 1},    {"numbers", NUMBERS, 'I', 1},
    {"atomic_numbers", NUMBERS, 'I', 1}, {"pos", POS, 'R', 3},      {"positions", POS, 'R', 3},
    {"forces", FORCES, 'R', 3},          {"force", FORCES, 'R', 3}, {"REF_forces", REF_FORCES, 'R', 3},
};

static bool next_line(reader *r, racahi_span *line)
{
    if (!r->rest.n) return false;
    const char *end = memchr(r->rest.s, '\n', r->rest.n);
    line->s = r->rest.s;
    line->n = end ? (size_t)(end - r->rest.s) : r->rest.n;
    size_t taken = line->n + (end != NULL);
    r->rest.s += taken, r->rest.n -= taken;
    if (line->n && line->s[line->n - 1] == '\r') line->n--;
    r->line++;
    return true;
}

static bool blank_line(racahi_span line)
{
    racahi_span word;
    return !racahi_word_next(&line, &word);
}

/* ---- comment line ------------------------------------------------------------------------ */

/* Lattice, Properties and pbc are structure: written in another case they would be lost without a word. */
static bool key_matches(racahi_span key, int k)
{
    return k <= PBC ? racahi_span_is_nocase(key, key_names[k]) : racahi_span_is(key, key_names[k]);
}

static racah_status read_pairs(racahi_span line, racahi_pair pairs[NKEYS], bool has[NKEYS], racah_error *err)
{
    racahi_pair p;
    bool found;
    memset(has, 0, NKEYS * sizeof *has);
    for (;;) {
        RACAHI_TRY(racahi_pair_next(&line, &p, &found, err));
        if (!found) return RACAH_OK;
        for (int k = 0; k < NKEYS; k++) {
            if (!key_matches(p.key, k)) continue;
            if (has[k])
                return racahi_fail(err, RACAH_EFORMAT, "%s is given twice, wanted once", key_names[k]);
            has[k] = true, pairs[k] = p;
        }
    }
}

/* Exactly n numbers (or n2 of them where n2 is not 0). */
static racah_status read_numbers(const racahi_pair *p, locale_t c, double *out, size_t n, size_t n2,
                                 size_t *count, racah_error *err)
{
    char show[72];
    size_t got, max = n > n2 ? n : n2;
    RACAHI_TRY(racahi_pair_numbers(p, c, out, max, &got, err));
    if (got != n && (!n2 || got != n2)) {
        racahi_span_show(p->key, show);
        if (n2)
            return racahi_fail(err, RACAH_EFORMAT, "%s: %zu numbers, wanted %zu or %zu", show, got, n, n2);
        return racahi_fail(err, RACAH_EFORMAT, "%s: %zu numbers, wanted %zu", show, got, n);
    }
    if (count) *count = got;
    return RACAH_OK;
}

/* Nine numbers row-major, or six in the order xx yy zz yz xz xy. */
static racah_status read_tensor(const racahi_pair *p, locale_t c, double out[9], racah_error *err)
{
    double v[9];
    size_t count = 0;
    RACAHI_TRY(read_numbers(p, c, v, 9, 6, &count, err));
    if (count == 6) {
        const double full[9] = {v[0], v[5], v[4], v[5], v[1], v[3], v[4], v[3], v[2]};
        memcpy(v, full, sizeof v);
    }
    memcpy(out, v, sizeof v);
    return RACAH_OK;
}

static double volume(const double c[9])
{
    return fabs(c[0] * (c[4] * c[8] - c[5] * c[7]) + c[1] * (c[5] * c[6] - c[3] * c[8]) +
                c[2] * (c[3] * c[7] - c[4] * c[6]));
}

/* The vectors of the periodic directions must span a line, a plane or a volume. */
static racah_status check_cell(const racahi_frame *f, racah_error *err)
{
    double q[9];
    for (int a = 0; a < 3; a++) {
        double *v = q + 3 * a, length = 0, left = 0;
        memcpy(v, f->cell + 3 * a, 3 * sizeof *v);
        if (!f->pbc[a]) continue;
        if (!f->has_cell)
            return racahi_fail(err, RACAH_EFORMAT, "pbc is %d %d %d but there is no Lattice", f->pbc[0],
                               f->pbc[1], f->pbc[2]);
        for (int c = 0; c < 3; c++) length = hypot(length, v[c]);
        for (int c = 0; c < 3; c++) v[c] /= length;
        for (int b = 0; b < a; b++) {
            double along = v[0] * q[3 * b] + v[1] * q[3 * b + 1] + v[2] * q[3 * b + 2];
            for (int c = 0; f->pbc[b] && c < 3; c++) v[c] -= along * q[3 * b + c];
        }
        for (int c = 0; c < 3; c++) left = hypot(left, v[c]);
        if (!(length > 1e-6 && left > 1e-6))
            return racahi_fail(err, RACAH_EFORMAT,
                               "Lattice: vector %d is zero or depends on the others, but pbc is %d %d %d",
                               a + 1, f->pbc[0], f->pbc[1], f->pbc[2]);
        for (int c = 0; c < 3; c++) v[c] /= left;
    }
    return RACAH_OK;
}

/* Stress label: REF_stress, REF_virial(s), stress, virial(s), in this order. */
static racah_status read_stress(racahi_frame *f, const racahi_pair *pairs, const bool *has, locale_t c,
                                racah_error *err)
{
    static const int order[] = {REF_STRESS, REF_VIRIAL, REF_VIRIALS, STRESS, VIRIAL, VIRIALS};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        int key = order[k];
        if (!has[key]) continue;
        RACAHI_TRY(read_tensor(&pairs[key], c, f->stress, err));
        f->has_stress = true;
        f->stress_from_virial = key != STRESS && key != REF_STRESS;
        if (!f->stress_from_virial) return RACAH_OK;
        double V = f->has_cell ? volume(f->cell) : 0;
        if (!(V > 0) || !isfinite(V))
            return racahi_fail(err, RACAH_EFORMAT, "%s needs a Lattice with a volume, found %g A^3",
                               key_names[key], V);
        /* virial = -dE/dstrain, stress = +(1/V) dE/dstrain */
        for (int a = 0; a < 9; a++) {
            f->stress[a] = -f->stress[a] / V;
            if (!isfinite(f->stress[a]))
                return racahi_fail(err, RACAH_EFORMAT, "%s over the volume %g A^3 is out of range",
                                   key_names[key], V);
        }
        return RACAH_OK;
    }
    return RACAH_OK;
}

static racah_status read_labels(racahi_frame *f, const racahi_pair *pairs, const bool *has, locale_t c,
                                racah_error *err)
{
    if (has[LATTICE]) {
        RACAHI_TRY(read_numbers(&pairs[LATTICE], c, f->cell, 9, 0, NULL, err));
        f->has_cell = true;
    }
    for (int a = 0; a < 3; a++) f->pbc[a] = f->has_cell;
    if (has[PBC]) RACAHI_TRY(racahi_pair_booleans(&pairs[PBC], f->pbc, err));
    RACAHI_TRY(check_cell(f, err));
    int energy = has[REF_ENERGY] ? REF_ENERGY : ENERGY;
    if (has[energy]) RACAHI_TRY(read_numbers(&pairs[energy], c, &f->energy, 1, 0, NULL, err));
    f->has_energy = has[energy];
    RACAHI_TRY(read_stress(f, pairs, has, c, err));
    f->weight = 1;
    if (has[CONFIG_WEIGHT]) {
        RACAHI_TRY(read_numbers(&pairs[CONFIG_WEIGHT], c, &f->weight, 1, 0, NULL, err));
        if (f->weight < 0)
            return racahi_fail(err, RACAH_EFORMAT, "config_weight: found %g, wanted a number >= 0",
                               f->weight);
    }
    racahi_span type = {"", 0};
    if (has[CONFIG_TYPE] && pairs[CONFIG_TYPE].form) type = pairs[CONFIG_TYPE].value;
    f->config_type =
        racahi_span_text(type, pairs[CONFIG_TYPE].form == '"' || pairs[CONFIG_TYPE].form == '\'');
    return f->config_type ? RACAH_OK : racahi_fail(err, RACAH_ENOMEM, "config_type does not fit in memory");
}

/* ---- Properties -------------------------------------------------------------------------- */

static bool next_field(racahi_span *rest, racahi_span *field)
{
    if (!rest->n) return false;
    const char *colon = memchr(rest->s, ':', rest->n);
    field->s = rest->s;
    field->n = colon ? (size_t)(colon - rest->s) : rest->n;
    size_t taken = field->n + (colon != NULL);
    rest->s += taken, rest->n -= taken;
    return true;
}

static racah_status note_column(layout *l, racahi_span name, char type, size_t count, racah_error *err)
{
    for (size_t k = 0; k < sizeof column_table / sizeof *column_table; k++) {
        if (!racahi_span_is(name, column_table[k].name)) continue;
        enum column c = column_table[k].column;
        if (type != column_table[k].type || count != column_table[k].count)
            return racahi_fail(err, RACAH_EFORMAT, "Properties: %s is %c:%zu, wanted %c:%zu",
                               column_table[k].name, type, count, column_table[k].type,
                               column_table[k].count);
        if (l->at[c] != SIZE_MAX)
            return racahi_fail(err, RACAH_EFORMAT, "Properties: a second column for %s",
                               column_table[k].name);
        l->at[c] = l->total;
    }
    return RACAH_OK;
}

static racah_status read_layout(racahi_span text, layout *l, racah_error *err)
{
    racahi_span name, type, count;
    char show[72];
    l->total = 0;
    for (int c = 0; c < NCOLUMNS; c++) l->at[c] = SIZE_MAX;
    while (next_field(&text, &name)) {
        size_t n;
        if (!name.n || !next_field(&text, &type) || !next_field(&text, &count))
            return racahi_fail(err, RACAH_EFORMAT, "Properties: '%s' is incomplete, wanted name:type:count",
                               racahi_span_show(name, show));
        if (type.n != 1 || !memchr("SRIL", type.s[0], 4))
            return racahi_fail(err, RACAH_EFORMAT, "Properties: type '%s', wanted S, R, I or L",
                               racahi_span_show(type, show));
        RACAHI_TRY(racahi_whole(count, "Properties: number of columns", &n, err));
        if (n < 1 || n > 10000)
            return racahi_fail(err, RACAH_EFORMAT, "Properties: %zu columns of '%s', wanted 1 to 10000", n,
                               racahi_span_show(name, show));
        RACAHI_TRY(note_column(l, name, type.s[0], n, err));
        l->total += n;
    }
    if (l->at[SPECIES] == SIZE_MAX && l->at[NUMBERS] == SIZE_MAX)
        return racahi_fail(err, RACAH_EFORMAT, "Properties: no species:S:1 (or Z:I:1) column");
    if (l->at[POS] == SIZE_MAX) return racahi_fail(err, RACAH_EFORMAT, "Properties: no pos:R:3 column");
    return RACAH_OK;
}

/* ---- atoms ------------------------------------------------------------------------------- */

static racah_status read_species(racahi_span word, bool symbol, int *Z, racah_error *err)
{
    char show[72];
    size_t number = 0;
    if (symbol) {
        char text[4] = {0};
        if (word.n < sizeof text) memcpy(text, word.s, word.n);
        number = (size_t)racahi_element_number(text);
    } else {
        RACAHI_TRY(racahi_whole(word, "atomic number", &number, err));
    }
    if (number < 1 || number > 118)
        return racahi_fail(err, RACAH_EFORMAT, "unknown species '%s', wanted %s",
                           racahi_span_show(word, show),
                           symbol ? "a chemical symbol H ... Og" : "a number 1 ... 118");
    *Z = (int)number;
    return RACAH_OK;
}

static racah_status read_atom(racahi_span line, const layout *l, racahi_frame *f, size_t i, locale_t c,
                              racah_error *err)
{
    static const char *const what[2][3] = {{"position x", "position y", "position z"},
                                           {"force x", "force y", "force z"}};
    size_t species = l->at[SPECIES] != SIZE_MAX ? l->at[SPECIES] : l->at[NUMBERS], pos = l->at[POS],
           column = 0;
    size_t forces = l->at[REF_FORCES] != SIZE_MAX ? l->at[REF_FORCES] : l->at[FORCES];
    racahi_span word;
    /* the number of columns first: a line of another kind is told apart from a bad number in a good one */
    for (racahi_span rest = line; racahi_word_next(&rest, &word);) column++;
    if (column != l->total)
        return racahi_fail(err, RACAH_EFORMAT, "%zu columns in the line of atom %zu of the frame, wanted %zu",
                           column, i + 1, l->total);
    for (column = 0; racahi_word_next(&line, &word); column++) {
        /* SIZE_MAX marks an absent column: no column number comes near it */
        size_t p = column - pos, q = forces == SIZE_MAX ? SIZE_MAX : column - forces;
        if (column == species) {
            RACAHI_TRY(read_species(word, l->at[SPECIES] != SIZE_MAX, &f->Z[i], err));
        } else if (p < 3) {
            RACAHI_TRY(racahi_number(word, c, what[0][p], &f->pos[3 * i + p], err));
        } else if (q < 3) {
            RACAHI_TRY(racahi_number(word, c, what[1][q], &f->forces[3 * i + q], err));
        }
    }
    return RACAH_OK;
}

typedef struct by_x {
    double x;
    size_t i;
} by_x;

static int compare_x(const void *a, const void *b)
{
    const by_x *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->i < q->i ? -1 : p->i > q->i;
}

/* Sorted along x, only atoms within NEAR of each other in x need a look. first: line of the first atom. */
static racah_status check_distances(const racahi_frame *f, reader *r, size_t first, racah_error *err)
{
    by_x *s = racahi_malloc(f->n, sizeof *s);
    racah_status status = RACAH_OK;
    if (!s) return racahi_fail(err, RACAH_ENOMEM, "frame of %zu atoms does not fit in memory", f->n);
    for (size_t i = 0; i < f->n; i++) s[i] = (by_x){f->pos[3 * i], i};
    qsort(s, f->n, sizeof *s, compare_x);
    for (size_t a = 0; a < f->n && status == RACAH_OK; a++)
        for (size_t b = a + 1; b < f->n && s[b].x - s[a].x < NEAR; b++) {
            const double *p = f->pos + 3 * s[a].i, *q = f->pos + 3 * s[b].i;
            double d = hypot(hypot(p[0] - q[0], p[1] - q[1]), p[2] - q[2]);
            if (!(d < NEAR)) continue;
            size_t lo = s[a].i < s[b].i ? s[a].i : s[b].i, hi = s[a].i < s[b].i ? s[b].i : s[a].i;
            r->line = first + hi;
            status = racahi_fail(err, RACAH_EFORMAT,
                                 "this atom and that of line %zu are %g A apart, wanted at least %g A",
                                 first + lo, d, NEAR);
            break;
        }
    racahi_free(s);
    return status;
}

/* ---- frames ------------------------------------------------------------------------------ */

static void frame_free(racahi_frame *f)
{
    racahi_free(f->Z);
    racahi_free(f->pos);
    racahi_free(f->forces);
    racahi_free(f->config_type);
    memset(f, 0, sizeof *f);
}

void racahi_frames_free(racahi_frames *frames)
{
    if (!frames) return;
    for (size_t k = 0; k < frames->n; k++) frame_free(&frames->f[k]);
    racahi_free(frames->f);
    racahi_free(frames->path);
    memset(frames, 0, sizeof *frames);
}

static racah_status read_atoms(reader *r, racahi_frame *f, const layout *l, racah_error *err)
{
    racahi_span line;
    size_t first = r->line + 1;
    for (size_t i = 0; i < f->n; i++) {
        if (!next_line(r, &line))
            return racahi_fail(err, RACAH_EFORMAT,
                               "the file ends after %zu atoms of the frame of line %zu, wanted %zu", i,
                               f->line, f->n);
        RACAHI_TRY(read_atom(line, l, f, i, r->c, err));
    }
    return check_distances(f, r, first, err);
}

static racah_status read_frame(reader *r, racahi_span count_line, racahi_frames *out, racahi_frame *f,
                               racah_error *err)
{
    racahi_pair pairs[NKEYS] = {0};
    bool has[NKEYS];
    layout l;
    racahi_span word = {"", 0}, more, line;
    char show[72];
    f->line = r->line;
    racahi_word_next(&count_line, &word);
    RACAHI_TRY(racahi_whole(word, "number of atoms", &f->n, err));
    if (racahi_word_next(&count_line, &more))
        return racahi_fail(err, RACAH_EFORMAT,
                           "number of atoms: found '%s' behind it, wanted the number alone",
                           racahi_span_show(more, show));
    if (f->n == 0) return racahi_fail(err, RACAH_EFORMAT, "number of atoms: found 0, wanted at least 1");
    if (!next_line(r, &line))
        return racahi_fail(err, RACAH_EFORMAT, "the file ends before the comment line of this frame");
    RACAHI_TRY(read_pairs(line, pairs, has, err));
    RACAHI_TRY(read_labels(f, pairs, has, r->c, err));
    racahi_span plain = {"species:S:1:pos:R:3", 19};
    RACAHI_TRY(read_layout(has[PROPERTIES] ? pairs[PROPERTIES].value : plain, &l, err));
    bool forces = l.at[FORCES] != SIZE_MAX || l.at[REF_FORCES] != SIZE_MAX;
    if (has[REF_ENERGY] || l.at[REF_FORCES] != SIZE_MAX) out->used_ref_keys = true;
    /* The shortest atom is "H 0 0 0" and a line end: nothing is allocated for atoms the file cannot hold. */
    if (f->n > r->rest.n / 8 + 1) {
        size_t got = 0;
        while (next_line(r, &line) && !blank_line(line)) got++;
        return racahi_fail(err, RACAH_EFORMAT,
                           "the file ends after %zu atoms of the frame of line %zu, wanted %zu", got, f->line,
                           f->n);
    }
    f->Z = racahi_malloc(f->n, sizeof *f->Z);
    f->pos = racahi_malloc(f->n, 3 * sizeof *f->pos);
    f->forces = forces ? racahi_malloc(f->n, 3 * sizeof *f->forces) : NULL;
    if (!f->Z || !f->pos || (forces && !f->forces))
        return racahi_fail(err, RACAH_ENOMEM, "frame of %zu atoms does not fit in memory", f->n);
    return read_atoms(r, f, &l, err);
}

static racah_status read_frames(reader *r, racahi_frames *out, racah_error *err)
{
    racahi_span line;
    while (next_line(r, &line)) {
        racahi_frame f = {0};
        if (blank_line(line)) continue;
        racah_status status = read_frame(r, line, out, &f, err);
        if (status == RACAH_OK)
            status = racahi_reserve((void **)&out->f, &out->cap, out->n + 1, sizeof *out->f, "frames", err);
        if (status != RACAH_OK) {
            frame_free(&f);
            return status;
        }
        out->f[out->n++] = f;
    }
    if (!out->n)
        return racahi_fail(err, RACAH_EFORMAT,
                           "no frame in the file, wanted a line with the number of atoms");
    return RACAH_OK;
}

racah_status racahi_extxyz_parse(racahi_frames *out, const char *text, size_t size, const char *name,
                                 racah_error *err)
{
    reader r = {.rest = {text, size}, .name = name};
    memset(out, 0, sizeof *out);
    const char *nul = size ? memchr(text, 0, size) : NULL;
    if (nul) {
        size_t line = 1;
        for (const char *p = text; p < nul; p++) line += *p == '\n';
        return racahi_fail(err, RACAH_EFORMAT, "%s:%zu: a zero byte, wanted text", name, line);
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.rest.s += 3, r.rest.n -= 3;
    r.c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    out->path = racahi_strdup(name);
    racah_status status;
    if (!r.c || !out->path)
        status = racahi_fail(err, RACAH_ENOMEM, "%s: out of memory", name);
    else if ((status = read_frames(&r, out, err)) != RACAH_OK)
        status = racahi_prefix(err, status, "%s:%zu", name, r.line ? r.line : 1);
    if (r.c) freelocale(r.c);
    if (status != RACAH_OK) racahi_frames_free(out);
    return status;
}

racah_status racahi_extxyz_read(racahi_frames *out, const char *path, racah_error *err)
{
    void *text;
    size_t size;
    memset(out, 0, sizeof *out);
    RACAHI_TRY(racahi_file_slurp(path, &text, &size, err));
    racah_status status = racahi_extxyz_parse(out, text, size, path, err);
    racahi_free(text);
    return status;
}

bool racahi_frame_is_isolated(const racahi_frame *f)
{
    return f->n == 1 && !f->pbc[0] && !f->pbc[1] && !f->pbc[2];
}
