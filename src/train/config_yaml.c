/* SPDX-License-Identifier: MIT
 * Reading the training configuration: libyaml documents (every node knows its line) against the table of
 * keys. */
#include "config_internal.h"
#include "../io/extxyz.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
    racahi_train_config *cfg;
    yaml_document_t *doc;
    const char *file;
    locale_t c_locale; /* numbers have a point, whatever the program's locale */
    racah_error *err;
} reader;

#define FAIL_AT(rd, line, ...) fail_at(rd, (int)(line), RACAH_EFORMAT, __VA_ARGS__)

static racah_status fail_at(reader *rd, int line, racah_status code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static racah_status fail_at(reader *rd, int line, racah_status code, const char *fmt, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (line > 0) return racahi_fail(rd->err, code, "%s:%d: %s", rd->file, line, what);
    return racahi_fail(rd->err, code, "%s: %s", rd->file, what);
}

static int line_of(const yaml_node_t *node) { return (int)node->start_mark.line + 1; }

/* ---- scalars ----------------------------------------------------------------------------------- */

static racah_status parse_number(reader *rd, int line, const char *name, const char *s, double low,
                                 double high, double *out)
{
    char *end = NULL;
    /* strtod also takes hexadecimal, inf and nan: not numbers of a configuration */
    if (!*s || s[strspn(s, "0123456789+-.eE")])
        return FAIL_AT(rd, line, "%s: \"%.60s\" is not a number", name, s);
    double v = strtod_l(s, &end, rd->c_locale);
    if (end == s || *end) return FAIL_AT(rd, line, "%s: \"%.60s\" is not a number", name, s);
    if (!isfinite(v)) return FAIL_AT(rd, line, "%s: %.60s is too large for a number", name, s);
    if (v < low || v > high) return FAIL_AT(rd, line, "%s: %s is outside %g .. %g", name, s, low, high);
    *out = v;
    return RACAH_OK;
}

static racah_status parse_int(reader *rd, int line, const char *name, const char *s, double low, double high,
                              int *out)
{
    char *end = NULL;
    errno = 0;
    long long v = strtoll(s, &end, 10);
    if (end == s || *end || s[strspn(s, "0123456789+-")])
        return FAIL_AT(rd, line, "%s: \"%.60s\" is not an integer", name, s);
    if (errno == ERANGE || (double)v < low || (double)v > high)
        return FAIL_AT(rd, line, "%s: %.60s is outside %.0f .. %.0f", name, s, low, high);
    *out = (int)v;
    return RACAH_OK;
}

/* Index of a word in "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
    size_t n = strlen(word);
    int index = 0;
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL, index++)
        if (strcspn(c, "|") == n && strncmp(c, word, n) == 0) return index;
    return -1;
}

static racah_status parse_choice(reader *rd, int line, const racahi_train_key *k, const char *s, int *out)
{
    int index = choice_index(k->choices, s);
    if (index < 0) return FAIL_AT(rd, line, "%s: \"%.60s\" is not one of %s", k->name, s, k->choices);
    *out = index;
    return RACAH_OK;
}

static racah_status set_text(reader *rd, int line, const char *name, const char *s, char **out)
{
    if (!*s) return FAIL_AT(rd, line, "%s: empty text", name);
    char *copy = racahi_strdup(s);
    if (!copy) return fail_at(rd, line, RACAH_ENOMEM, "%s: no memory", name);
    racahi_free(*out);
    *out = copy;
    return RACAH_OK;
}

static racah_status add_file(reader *rd, int line, const char *name, const char *s, racahi_train_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->path[i], s) == 0) return FAIL_AT(rd, line, "%s: %.200s is listed twice", name, s);
    char **grown = racahi_calloc(f->n + 1, sizeof *grown);
    if (!grown) return fail_at(rd, line, RACAH_ENOMEM, "%s: no memory", name);
    if (f->n) memcpy(grown, f->path, f->n * sizeof *grown);
    racahi_free(f->path);
    f->path = grown;
    RACAHI_TRY(set_text(rd, line, name, s, &f->path[f->n]));
    f->n++;
    return RACAH_OK;
}

static racah_status add_seed(reader *rd, int line, const racahi_train_key *k, const char *s)
{
    racahi_train_seeds *seeds = &rd->cfg->seed;
    int v = 0;
    RACAHI_TRY(parse_int(rd, line, k->name, s, k->low, k->high, &v));
    for (int i = 0; i < seeds->n; i++)
        if (seeds->v[i] == v) return FAIL_AT(rd, line, "%s: %d is listed twice", k->name, v);
    if (seeds->n == RACAHI_MAX_MEMBERS)
        return FAIL_AT(rd, line, "%s: more than %d members", k->name, RACAHI_MAX_MEMBERS);
    seeds->v[seeds->n++] = v;
    seeds->now = seeds->v[0];
    return RACAH_OK;
}

/* One scalar text into the field of k: what the file gives and what the table's defaults give. */
static racah_status set_scalar(reader *rd, int line, const racahi_train_key *k, const char *s)
{
    void *at = (char *)rd->cfg + k->offset;
    switch (k->type) {
    case KEY_INT: return parse_int(rd, line, k->name, s, k->low, k->high, at);
    case KEY_NUMBER: return parse_number(rd, line, k->name, s, k->low, k->high, at);
    case KEY_CHOICE: return parse_choice(rd, line, k, s, at);
    case KEY_TEXT: return set_text(rd, line, k->name, s, at);
    case KEY_FILES: return add_file(rd, line, k->name, s, at);
    case KEY_E0: return parse_choice(rd, line, k, s, &((racahi_train_e0 *)at)->kind);
    case KEY_SEEDS: rd->cfg->seed.n = 0; return add_seed(rd, line, k, s);
    case KEY_TYPES:
        if (strcmp(s, "{}") == 0) return RACAH_OK; /* the default */
        return FAIL_AT(rd, line, "%s: \"%.60s\" is not a mapping {Surface: 5}", k->name, s);
    case KEY_WIDTHS: break;
    }
    return FAIL_AT(rd, line, "%s: \"%.60s\" is not a list of integers [64, 64]", k->name, s);
}

static racah_status set_defaults(reader *rd)
{
    size_t n;
    const racahi_train_key *keys = racahi_train_keys(&n);
    for (size_t i = 0; i < n; i++) {
        if (!keys[i].standard) continue;
        if (keys[i].type != KEY_WIDTHS) {
            RACAHI_TRY(set_scalar(rd, 0, &keys[i], keys[i].standard));
            continue;
        }
        racahi_train_widths *w = (racahi_train_widths *)((char *)rd->cfg + keys[i].offset);
        for (const char *s = keys[i].standard + 1; *s && *s != ']' && w->n < RACAHI_MAX_MLP;) {
            char *end;
            w->v[w->n++] = (int)strtol(s, &end, 10);
            s = end + strspn(end, ", ");
        }
    }
    return RACAH_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

/* Text of a scalar node; the message says what stands there instead. */
static racah_status scalar_of(reader *rd, const yaml_node_t *node, const char *name, const char **out)
{
    if (node->type != YAML_SCALAR_NODE)
        return FAIL_AT(rd, line_of(node), "%s: a single value is wanted, not a %s", name,
                       node->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
    const char *s = (const char *)node->data.scalar.value;
    /* the text of a configuration has one line for a key, and names of files go into messages and logs */
    for (size_t i = 0; i < node->data.scalar.length; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c >= ' ' && c != 127) continue;
        if (c == '\n') return FAIL_AT(rd, line_of(node), "%s: the text contains a line break", name);
        return FAIL_AT(rd, line_of(node), "%s: the text contains a control character, byte 0x%02x", name, c);
    }
    bool plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && (!*s || strcmp(s, "~") == 0 || strcmp(s, "null") == 0))
        return FAIL_AT(rd, line_of(node), "%s: no value", name);
    *out = s;
    return RACAH_OK;
}

static racah_status read_e0_mapping(reader *rd, const yaml_node_t *node, racahi_train_e0 *e)
{
    e->kind = RACAHI_E0_GIVEN;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(rd->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(rd->doc, p->value);
        const char *symbol, *number;
        RACAHI_TRY(scalar_of(rd, key, "E0s", &symbol));
        int Z = racahi_element_number(symbol);
        if (!Z) return FAIL_AT(rd, line_of(key), "E0s: \"%.60s\" is not a chemical symbol", symbol);
        for (int i = 0; i < e->n; i++)
            if (e->Z[i] == Z) return FAIL_AT(rd, line_of(key), "E0s: %s is given twice", symbol);
        RACAHI_TRY(scalar_of(rd, value, "E0s", &number));
        RACAHI_TRY(parse_number(rd, line_of(value), "E0s", number, -1e9, 1e9, &e->value[e->n]));
        e->Z[e->n++] = Z;
    }
    if (!e->n) return FAIL_AT(rd, line_of(node), "E0s: the mapping is empty");
    return RACAH_OK;
}

static racah_status read_type_weights(reader *rd, const yaml_node_t *node, const racahi_train_key *k)
{
    racahi_train_type_weights *w = &rd->cfg->type_weights;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(rd->doc, p->key);
        const yaml_node_t *value = yaml_document_get_node(rd->doc, p->value);
        const char *type, *number;
        RACAHI_TRY(scalar_of(rd, key, k->name, &type));
        if (w->n == RACAHI_MAX_TYPE_WEIGHTS)
            return FAIL_AT(rd, line_of(key), "%s: more than %d types", k->name, RACAHI_MAX_TYPE_WEIGHTS);
        if (strlen(type) >= sizeof w->type[0])
            return FAIL_AT(rd, line_of(key), "%s: \"%.60s...\" is longer than %zu bytes", k->name, type,
                           sizeof w->type[0] - 1);
        for (int i = 0; i < w->n; i++)
            if (strcmp(w->type[i], type) == 0)
                return FAIL_AT(rd, line_of(key), "%s: %s is given twice", k->name, type);
        RACAHI_TRY(scalar_of(rd, value, k->name, &number));
        RACAHI_TRY(parse_number(rd, line_of(value), k->name, number, k->low, k->high, &w->value[w->n]));
        memcpy(w->type[w->n++], type, strlen(type) + 1);
    }
    return RACAH_OK;
}

static racah_status read_list(reader *rd, const yaml_node_t *node, const racahi_train_key *k)
{
    void *at = (char *)rd->cfg + k->offset;
    size_t n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (k->type != KEY_WIDTHS && !n) return FAIL_AT(rd, line_of(node), "%s: the list is empty", k->name);
    if (k->type == KEY_WIDTHS && n > RACAHI_MAX_MLP)
        return FAIL_AT(rd, line_of(node), "%s: %zu entries, at most %d are possible", k->name, n,
                       RACAHI_MAX_MLP);
    if (k->type == KEY_WIDTHS) ((racahi_train_widths *)at)->n = 0;
    if (k->type == KEY_SEEDS) rd->cfg->seed.n = 0;
    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *item = yaml_document_get_node(rd->doc, node->data.sequence.items.start[i]);
        const char *s;
        RACAHI_TRY(scalar_of(rd, item, k->name, &s));
        if (k->type == KEY_FILES) {
            RACAHI_TRY(add_file(rd, line_of(item), k->name, s, at));
        } else if (k->type == KEY_SEEDS) {
            RACAHI_TRY(add_seed(rd, line_of(item), k, s));
        } else {
            racahi_train_widths *w = at;
            RACAHI_TRY(parse_int(rd, line_of(item), k->name, s, k->low, k->high, &w->v[w->n]));
            w->n++;
        }
    }
    return RACAH_OK;
}

static racah_status read_value(reader *rd, const yaml_node_t *node, const racahi_train_key *k)
{
    const char *s;
    if (node->type == YAML_MAPPING_NODE && k->type == KEY_E0)
        return read_e0_mapping(rd, node, (racahi_train_e0 *)((char *)rd->cfg + k->offset));
    if (node->type == YAML_MAPPING_NODE && k->type == KEY_TYPES) return read_type_weights(rd, node, k);
    if (node->type == YAML_SEQUENCE_NODE &&
        (k->type == KEY_FILES || k->type == KEY_WIDTHS || k->type == KEY_SEEDS))
        return read_list(rd, node, k);
    RACAHI_TRY(scalar_of(rd, node, k->name, &s));
    return set_scalar(rd, line_of(node), k, s);
}

/* Levenshtein distance, for "did you mean"; words longer than 63 characters count as far away. */
static int word_distance(const char *a, const char *b)
{
    int row[64], n = (int)strlen(b);
    if (n > 63 || strlen(a) > 63) return 99;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 0; a[i]; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 0; j < n; j++) {
            int change = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            int other = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
            row[j + 1] = change < other ? change : other;
        }
    }
    return row[n];
}

/* Compares the whole dotted name and, for keys of a section, the part after the dot. */
static racah_status unknown_key(reader *rd, int line, const char *name)
{
    size_t n, best = 0;
    int least = 99;
    const racahi_train_key *keys = racahi_train_keys(&n);
    for (size_t i = 0; i < n; i++) {
        const char *dot = strchr(keys[i].name, '.');
        int d = word_distance(name, keys[i].name), part = dot ? word_distance(name, dot + 1) : 99;
        if (part < d) d = part;
        if (d < least) least = d, best = i;
    }
    if (least <= 1 + (int)strlen(name) / 2)
        return FAIL_AT(rd, line, "unknown key \"%.60s\"; the nearest known key is %s", name, keys[best].name);
    return FAIL_AT(rd, line, "unknown key \"%.60s\"; `racah train --template` lists the keys", name);
}

static bool is_section(const char *name)
{
    size_t n, len = strlen(name);
    const racahi_train_key *keys = racahi_train_keys(&n);
    for (size_t i = 0; i < n; i++)
        if (strncmp(keys[i].name, name, len) == 0 && keys[i].name[len] == '.') return true;
    return false;
}

static racah_status read_mapping(reader *rd, const yaml_node_t *node, const char *section);

static racah_status read_pair(reader *rd, const yaml_node_t *key, const yaml_node_t *value,
                              const char *section)
{
    char name[160];
    const char *word = "";
    size_t n;
    RACAHI_TRY(scalar_of(rd, key, section[0] ? section : "configuration", &word));
    snprintf(name, sizeof name, "%s%s%.60s", section, section[0] ? "." : "", word);
    const racahi_train_key *keys = racahi_train_keys(&n);
    for (size_t i = 0; i < n; i++) {
        /* a dotted key at top level would be a second spelling of the same thing */
        if (strcmp(keys[i].name, name) != 0 || strchr(word, '.')) continue;
        if (rd->cfg->line[i])
            return FAIL_AT(rd, line_of(key), "%s is given twice, first in line %d", name, rd->cfg->line[i]);
        rd->cfg->line[i] = line_of(key);
        return read_value(rd, value, &keys[i]);
    }
    if (section[0] || !is_section(word)) return unknown_key(rd, line_of(key), name);
    if (value->type != YAML_MAPPING_NODE)
        return FAIL_AT(rd, line_of(value),
                       "%s: a mapping of keys is wanted (`racah train --template` shows it)", word);
    return read_mapping(rd, value, word);
}

static racah_status read_mapping(reader *rd, const yaml_node_t *node, const char *section)
{
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++)
        RACAHI_TRY(read_pair(rd, yaml_document_get_node(rd->doc, p->key),
                             yaml_document_get_node(rd->doc, p->value), section));
    return RACAH_OK;
}

/* ---- rules over several keys ------------------------------------------------------------------- */

static racah_status check_together(reader *rd)
{
    racahi_train_config *c = rd->cfg;
#define LINE(name) racahi_train_key_line(c, name)
    if (!c->train_file.n) return FAIL_AT(rd, 0, "train_file is missing");
    if (c->valid_file.n && LINE("valid_fraction"))
        return FAIL_AT(rd, LINE("valid_fraction"), "valid_fraction and valid_file exclude each other");
    if (c->l_hidden > c->l_max)
        return FAIL_AT(rd, LINE("l_hidden") ? LINE("l_hidden") : LINE("l_max"),
                       "l_hidden = %d is larger than l_max = %d", c->l_hidden, c->l_max);
    if (c->correlation == 4 && c->l_max > 3)
        return FAIL_AT(rd, LINE("correlation"), "correlation = 4 needs l_max <= 3, not %d", c->l_max);
    if (c->min_lr > c->lr)
        return FAIL_AT(rd, LINE("min_lr") ? LINE("min_lr") : LINE("lr"), "min_lr = %g is larger than lr = %g",
                       c->min_lr, c->lr);
    if (c->warmup_epochs > c->epochs)
        return FAIL_AT(rd, LINE("warmup_epochs"), "warmup_epochs = %g exceeds epochs = %d", c->warmup_epochs,
                       c->epochs);
    if (c->schedule == RACAHI_SCHEDULE_EXPONENTIAL && c->min_lr == 0)
        return FAIL_AT(rd, LINE("schedule"), "the exponential schedule needs min_lr > 0");
    if (c->stage_start == 1)
        return FAIL_AT(rd, LINE("stage_two.start"), "stage_two.start = 1 leaves no first stage");
    if (c->stage_start > c->epochs)
        return FAIL_AT(rd, LINE("stage_two.start"), "stage_two.start = %d exceeds epochs = %d",
                       c->stage_start, c->epochs);
    if (c->stage_lr > 0 && c->stage_lr < c->min_lr)
        return FAIL_AT(rd, LINE("stage_two.lr"), "stage_two.lr = %g is below min_lr = %g", c->stage_lr,
                       c->min_lr);
    if (c->energy_weight + c->forces_weight + c->stress_weight == 0)
        return FAIL_AT(rd, LINE("energy_weight"),
                       "energy_weight, forces_weight and stress_weight are all zero");
    if (c->stage_start && c->stage_energy_weight + c->stage_forces_weight + c->stage_stress_weight == 0)
        return FAIL_AT(rd, LINE("stage_two.energy_weight"), "all weights of stage_two are zero");
    if (c->e0.kind == RACAHI_E0_MODEL && !c->start_from)
        return FAIL_AT(rd, LINE("E0s"), "E0s: model needs start_from");
    if (c->method != RACAH_METHOD_AUTO && c->method != RACAH_METHOD_CG)
        return fail_at(rd, LINE("method"), RACAH_EUNSUPPORTED,
                       "method: this release trains with cg (auto); the others are not there yet");
#undef LINE
    return RACAH_OK;
}

static racah_status read_document(reader *rd, yaml_parser_t *parser)
{
    yaml_document_t doc, second;
    if (!yaml_parser_load(parser, &doc))
        return FAIL_AT(rd, parser->problem_mark.line + 1, "not YAML: %s",
                       parser->problem ? parser->problem : "the text cannot be decoded");
    rd->doc = &doc;
    const yaml_node_t *root = yaml_document_get_root_node(&doc);
    racah_status st = RACAH_OK;
    if (!root)
        st = FAIL_AT(rd, 0, "the file is empty; `racah train --template` prints a configuration");
    else if (root->type != YAML_MAPPING_NODE)
        st = FAIL_AT(rd, line_of(root), "lines of \"key: value\" are wanted");
    else
        st = read_mapping(rd, root, "");
    yaml_document_delete(&doc);
    if (st != RACAH_OK) return st;
    if (!yaml_parser_load(parser, &second))
        return FAIL_AT(rd, parser->problem_mark.line + 1, "not YAML: %s",
                       parser->problem ? parser->problem : "the text cannot be decoded");
    bool more = yaml_document_get_root_node(&second) != NULL;
    int line = more ? line_of(yaml_document_get_root_node(&second)) : 0;
    yaml_document_delete(&second);
    if (more) return FAIL_AT(rd, line, "a second YAML document; one is wanted");
    return check_together(rd);
}

racah_status racahi_train_config_parse(racahi_train_config **out, const char *text, size_t size,
                                       const char *name, racah_error *err)
{
    yaml_parser_t parser;
    racah_status st;
    *out = NULL;
    reader rd = {.file = name, .err = err, .c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    rd.cfg = racahi_calloc(1, sizeof *rd.cfg);
    if (!rd.cfg || !rd.c_locale || !(rd.cfg->path = racahi_strdup(name)) ||
        !yaml_parser_initialize(&parser)) {
        st = racahi_fail(err, RACAH_ENOMEM, "%s: no memory for the configuration", name);
    } else {
        yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
        st = set_defaults(&rd);
        if (st == RACAH_OK) st = read_document(&rd, &parser);
        yaml_parser_delete(&parser);
    }
    if (rd.c_locale) freelocale(rd.c_locale);
    if (st == RACAH_OK)
        *out = rd.cfg;
    else
        racahi_train_config_destroy(rd.cfg);
    return st;
}

racah_status racahi_train_config_seeds(racahi_train_config *cfg, const char *text, racah_error *err)
{
    reader rd = {.file = "--seed", .err = err, .cfg = cfg};
    const racahi_train_key *key;
    size_t n;
    for (key = racahi_train_keys(&n); key->type != KEY_SEEDS; key++) continue;
    cfg->seed.n = 0;
    for (const char *s = text;; s++) {
        char word[32];
        const size_t length = strcspn(s, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 31 ? length : 31), s);
        RACAHI_TRY(add_seed(&rd, 0, key, word));
        s += length;
        if (!*s) return RACAH_OK;
    }
}

racah_status racahi_train_config_read(racahi_train_config **out, const char *path, racah_error *err)
{
    char *text = NULL;
    size_t cap = 0, n = 0, got;
    racah_status st = RACAH_OK;
    *out = NULL;
    FILE *f = fopen(path, "rb");
    if (!f) return racahi_fail(err, RACAH_EIO, "%s: %s", path, strerror(errno));
    do {
        st = racahi_reserve((void **)&text, &cap, n + 4096, 1, path, err);
        if (st != RACAH_OK) break;
        got = fread(text + n, 1, cap - n, f);
        n += got;
        if (n > 1u << 20)
            st = racahi_fail(err, RACAH_EFORMAT, "%s: more than 1 MiB is no configuration", path);
    } while (got && st == RACAH_OK);
    if (st == RACAH_OK && ferror(f)) st = racahi_fail(err, RACAH_EIO, "%s: %s", path, strerror(errno));
    fclose(f);
    if (st == RACAH_OK) st = racahi_train_config_parse(out, text, n, path, err);
    racahi_free(text);
    return st;
}
