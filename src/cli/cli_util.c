/* SPDX-License-Identifier: MIT
 * Options, messages and JSON output of the racah command. */
#include "cli.h"
#include "output.h"

#include <errno.h>
#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int cli_exit_code(racah_status status)
{
    switch (status) {
    case RACAH_OK: return CLI_OK;
    case RACAH_EINVAL: return CLI_USAGE;
    case RACAH_EIO:
    case RACAH_EFORMAT:
    case RACAH_EUNSUPPORTED:
    case RACAH_ENOMEM: return CLI_BAD_FILE;
    case RACAH_ENUMERIC:
    case RACAH_ECALLBACK:
    case RACAH_EINTERRUPTED:
    case RACAH_EDATA:
    case RACAH_ECLOSE: break;
    }
    return CLI_FAILED;
}

static void message(const char *fmt, va_list ap)
{
    fputs("racah: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void cli_message(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(fmt, ap);
    va_end(ap);
}

int cli_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    message(fmt, ap);
    va_end(ap);
    return CLI_USAGE;
}

int cli_error(racah_status status, const racah_error *err)
{
    cli_message("%s", err->msg);
    return cli_exit_code(status);
}

/* ---- options -------------------------------------------------------------------------------- */

static void print_help(const cli_syntax *s)
{
    printf("usage: %s\n\n%s", s->usage, s->about);
    if (s->options[0].name) puts("\noptions:");
    for (const cli_option *o = s->options; o->name; o++) {
        char left[96];
        const char *arg = o->kind == CLI_CHOICE ? o->choices : o->kind == CLI_FLAG ? "" : o->metavar;
        snprintf(left, sizeof left, "%s %s", o->name, arg);
        printf("  %-22s %s\n", left, o->help);
    }
}

/* Index of `word` among "a|b|c", or -1. */
static int find_choice(const char *choices, const char *word)
{
    size_t n = strlen(word);
    int index = 0;
    for (const char *p = choices; p; index++) {
        const char *end = strchr(p, '|');
        size_t len = end ? (size_t)(end - p) : strlen(p);
        if (len == n && memcmp(p, word, n) == 0) return index;
        p = end ? end + 1 : NULL;
    }
    return -1;
}

static int set_number(const cli_option *o, const char *text)
{
    char *end;
    errno = 0;
    double x = strtod(text, &end);
    bool whole = o->kind != CLI_INT || x == floor(x);
    if (end == text || *end || errno || !isfinite(x) || !whole || x < o->min || x > o->max)
        return cli_usage("%s %s: want %s from %g to %g", o->name, text,
                         o->kind == CLI_INT ? "a whole number" : "a number", o->min, o->max);
    if (o->kind == CLI_INT)
        *(int *)o->value = (int)x;
    else
        *(double *)o->value = x;
    return -1;
}

static int set_option(const cli_option *o, const char *text)
{
    switch (o->kind) {
    case CLI_FLAG: *(bool *)o->value = true; return -1;
    case CLI_STRING:
        if (!*text) return cli_usage("%s: empty", o->name);
        *(const char **)o->value = text;
        return -1;
    case CLI_INT:
    case CLI_DOUBLE: return set_number(o, text);
    case CLI_CHOICE: {
        int k = find_choice(o->choices, text);
        if (k < 0) return cli_usage("%s %s: want one of %s", o->name, text, o->choices);
        *(int *)o->value = k;
        return -1;
    }
    }
    return CLI_USAGE;
}

/* One argument that starts with '-': takes the next one too where the option wants a value. */
static int parse_option(const cli_syntax *s, int argc, char **argv, int *i)
{
    const char *arg = argv[*i], *equals = strchr(arg, '=');
    size_t n = equals ? (size_t)(equals - arg) : strlen(arg);
    for (const cli_option *o = s->options; o->name; o++) {
        if (strlen(o->name) != n || memcmp(o->name, arg, n) != 0) continue;
        if (o->kind == CLI_FLAG) return equals ? cli_usage("%s takes no value", o->name) : set_option(o, "");
        if (equals) return set_option(o, equals + 1);
        if (*i + 1 >= argc) return cli_usage("%s: a value is missing; usage: %s", o->name, s->usage);
        return set_option(o, argv[++*i]);
    }
    return cli_usage("unknown option %s; usage: %s", arg, s->usage);
}

int cli_parse(const cli_syntax *s, int argc, char **argv, const char **positional, int *npositional)
{
    enum { MAX_POSITIONAL = 8 };
    int n = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (options && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)) {
            print_help(s);
            return CLI_OK;
        }
        if (options && strcmp(arg, "--") == 0) {
            options = false;
        } else if (options && arg[0] == '-' && arg[1]) {
            int rc = parse_option(s, argc, argv, &i);
            if (rc >= 0) return rc;
        } else {
            if (n >= s->max_positional || n >= MAX_POSITIONAL)
                return cli_usage("unexpected argument '%s'; usage: %s", arg, s->usage);
            positional[n++] = arg;
        }
    }
    if (n < s->min_positional) return cli_usage("arguments are missing; usage: %s", s->usage);
    *npositional = n;
    return -1;
}

/* ---- output --------------------------------------------------------------------------------- */

json_t *cli_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

FILE *cli_table_stream(const char *json_path)
{
    return json_path && strcmp(json_path, "-") == 0 ? stderr : stdout;
}

int cli_write_json(const char *path, json_t *object)
{
    if (!object) {
        cli_message("JSON output does not fit in memory");
        return CLI_BAD_FILE;
    }
    cli_output o = {.path = "standard output", .to = stdout};
    int rc = strcmp(path, "-") == 0 ? CLI_OK : cli_output_open(&o, path);
    if (rc == CLI_OK) {
        const bool dumped = json_dumpf(object, o.to, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) == 0;
        if (dumped) fputc('\n', o.to);
        if (!dumped && !ferror(o.to)) cli_message("%s: JSON output does not fit in memory", o.path);
        rc = cli_output_close(&o, dumped || ferror(o.to));
    }
    json_decref(object);
    return rc;
}

int cli_default_threads(void)
{
    const char *text = getenv("OMP_NUM_THREADS");
    char *end;
    long n = text ? strtol(text, &end, 10) : 0; /* "4" or "4,2": the outermost level counts */
    if (n < 1) n = omp_get_num_procs();
    return n > 256 ? 256 : (int)n;
}

/* ---- models ---------------------------------------------------------------------------------- */

int cli_calc_create(racah_calc **calc, const racah_model *model, int precision, int method, int radial)
{
    racah_calc_options options = {.size = sizeof options,
                                  .precision = (racah_precision)precision,
                                  .method = (racah_method)method,
                                  .radial = (racah_radial)radial};
    racah_error err;
    racah_status status = racah_calc_create(calc, model, &options, &err);
    /* What this release lacks was asked for on the command line. */
    if (status == RACAH_EUNSUPPORTED) return cli_usage("%s", err.msg);
    return status == RACAH_OK ? CLI_OK : cli_error(status, &err);
}

racah_structure cli_structure(const racahi_frame *f)
{
    racah_structure s = {.size = sizeof s,
                         .threads = 1,
                         .natoms = f->n,
                         .positions = f->pos,
                         .atomic_numbers = f->Z,
                         .cell = f->has_cell ? f->cell : NULL};
    memcpy(s.pbc, f->pbc, sizeof s.pbc);
    return s;
}

int cli_frames_fit(const racahi_frames *frames, const racah_model *model)
{
    for (size_t i = 0; i < frames->n; i++) {
        const racahi_frame *f = &frames->f[i];
        for (size_t a = 0; a < f->n; a++) {
            if (racah_model_element_index(model, f->Z[a]) >= 0) continue;
            char have[512] = "";
            for (int e = 0, n = 0; e < racah_model_nelements(model) && n < (int)sizeof have - 8; e++)
                n += snprintf(have + n, sizeof have - (size_t)n, " %s",
                              racahi_element_symbol(racah_model_atomic_number(model, e)));
            cli_message("%s:%zu: frame %zu has %s, which is not in the model (it has%s)", frames->path,
                        f->line, i + 1, racahi_element_symbol(f->Z[a]), have);
            return CLI_BAD_FILE;
        }
    }
    return CLI_OK;
}

bool cli_periodic(const int pbc[3]) { return pbc[0] && pbc[1] && pbc[2]; }
