/* SPDX-License-Identifier: MIT
 * Reading a box for the benchmark: LAMMPS data files, or the first frame of an extended XYZ file. */
#include "box.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPES 118

/* A LAMMPS data file while it is read. */
typedef struct data_file {
    const char *path;
    FILE *from;
    char line[1024];
    size_t number; /* of the line, 1-based */
    size_t natoms, most; /* most: 10 bytes of the file for each line of Atoms */
    int ntypes;
    double lo[3], hi[3], tilt[3]; /* xy xz yz */
    bool have[3];
    int type_Z[MAX_TYPES + 1]; /* by type; 0: unknown */
    int coordinate_column;     /* of x in the Atoms section */
    int type_column;
} data_file;

static racah_status bad(const data_file *d, const char *what, const char *wanted, racah_error *err)
{
    return racahi_fail(err, RACAH_EFORMAT, "%s:%zu: %s, wanted %s", d->path, d->number, what, wanted);
}

/* Next line without comment and trailing blanks; the comment, if any, goes to `comment` (NULL: dropped). */
static bool next_line(data_file *d, char *comment, size_t size)
{
    if (comment) *comment = 0;
    if (!fgets(d->line, sizeof d->line, d->from)) return false;
    d->number++;
    char *hash = strchr(d->line, '#');
    if (hash) {
        if (comment) snprintf(comment, size, "%s", hash + 1);
        *hash = 0;
    }
    size_t n = strlen(d->line);
    while (n && strchr(" \t\r\n", d->line[n - 1])) d->line[--n] = 0;
    return true;
}

static int split(char *line, char **word, int max)
{
    int n = 0;
    for (char *save, *w = strtok_r(line, " \t", &save); w && n < max; w = strtok_r(NULL, " \t", &save))
        word[n++] = w;
    return n;
}

static bool number(const char *word, double *x)
{
    char *end;
    *x = strtod(word, &end);
    return end != word && *end == 0 && isfinite(*x);
}

static bool whole(const char *word, long low, long high, long *k)
{
    char *end;
    errno = 0;
    *k = strtol(word, &end, 10);
    return end != word && *end == 0 && errno == 0 && *k >= low && *k <= high;
}

/* Lines before the first section: counts and box. */
static racah_status header_line(data_file *d, racah_error *err)
{
    char copy[sizeof d->line], *w[8];
    memcpy(copy, d->line, sizeof copy);
    int n = split(copy, w, 8);
    long k;
    if (n == 2 && strcmp(w[1], "atoms") == 0) {
        if (!whole(w[0], 1, 100000000, &k)) return bad(d, "number of atoms", "1 .. 10^8", err);
        if ((size_t)k > d->most) return bad(d, "more atoms than the file has room for", "a line for each", err);
        d->natoms = (size_t)k;
    } else if (n == 3 && strcmp(w[1], "atom") == 0 && strcmp(w[2], "types") == 0) {
        if (!whole(w[0], 1, MAX_TYPES, &k)) return bad(d, "number of atom types", "1 .. 118", err);
        d->ntypes = (int)k;
    } else if (n == 4 && strlen(w[2]) == 3 && strcmp(w[2] + 1, "lo") == 0) {
        int a = w[2][0] - 'x';
        if (a < 0 || a > 2 || !number(w[0], &d->lo[a]) || !number(w[1], &d->hi[a]) || d->hi[a] <= d->lo[a])
            return bad(d, "box bounds", "two ascending numbers before xlo xhi", err);
        d->have[a] = true;
    } else if (n == 6 && strcmp(w[3], "xy") == 0) {
        for (int a = 0; a < 3; a++)
            if (!number(w[a], &d->tilt[a]))
                return bad(d, "tilt factors", "three numbers before xy xz yz", err);
    }
    return RACAH_OK;
}

/* The model's element nearest in mass; 0 where none is within half a unit. */
static int element_of_mass(const racah_model *model, double mass)
{
    int best = 0;
    double distance = 0.5;
    for (int e = 0; e < racah_model_nelements(model); e++) {
        int Z = racah_model_atomic_number(model, e);
        double off = fabs(racahi_element_mass(Z) - mass);
        if (off < distance) distance = off, best = Z;
    }
    return best;
}

static racah_status read_masses(data_file *d, const racah_model *model, racah_error *err)
{
    for (int seen = 0; seen < d->ntypes;) {
        char *w[4];
        long type;
        double mass;
        if (!next_line(d, NULL, 0))
            return bad(d, "end of file in Masses", "one line for each atom type", err);
        int n = split(d->line, w, 4);
        if (n == 0) continue;
        if (n != 2 || !whole(w[0], 1, d->ntypes, &type) || !number(w[1], &mass))
            return bad(d, "line of Masses", "type and mass", err);
        if (!d->type_Z[type]) d->type_Z[type] = element_of_mass(model, mass);
        seen++;
    }
    return RACAH_OK;
}

/* Columns of the atom styles with one site for each atom. Without a comment the style is atomic. */
static racah_status atom_columns(data_file *d, const char *style, racah_error *err)
{
    static const struct {
        const char *name;
        int type, x;
    } styles[] = {{"atomic", 1, 2}, {"charge", 1, 3}, {"molecular", 2, 3},
                  {"bond", 2, 3},   {"angle", 2, 3},  {"full", 2, 4}};
    char name[64] = "";
    if (sscanf(style, "%63s", name) != 1) snprintf(name, sizeof name, "atomic");
    for (size_t k = 0; k < sizeof styles / sizeof styles[0]; k++)
        if (strcmp(name, styles[k].name) == 0) {
            d->type_column = styles[k].type;
            d->coordinate_column = styles[k].x;
            return RACAH_OK;
        }
    return bad(d, "unknown atom style", "atomic, charge, molecular, bond, angle or full", err);
}

static racah_status read_atoms(data_file *d, double *pos, int *Z, racah_error *err)
{
    for (size_t i = 0; i < d->natoms;) {
        char *w[16];
        long type;
        if (!next_line(d, NULL, 0)) return bad(d, "end of file in Atoms", "one line for each atom", err);
        int n = split(d->line, w, 16);
        if (n == 0) continue;
        if (n < d->coordinate_column + 3 || !whole(w[d->type_column], 1, d->ntypes, &type))
            return bad(d, "line of Atoms", "a type of 1 .. atom types and three coordinates", err);
        for (int x = 0; x < 3; x++)
            if (!number(w[d->coordinate_column + x], &pos[3 * i + x]))
                return bad(d, "coordinate", "a finite number", err);
        Z[i] = d->type_Z[type];
        if (!Z[i])
            return racahi_fail(err, RACAH_EFORMAT,
                               "%s: type %ld has the mass of no element of the model; "
                               "name the elements of all types with --elements",
                               d->path, type);
        i++;
    }
    return RACAH_OK;
}

static racah_status make_box(cli_box *out, const data_file *d, const double *pos, const int *Z,
                             racah_error *err)
{
    static const int periodic[3] = {1, 1, 1};
    const double cell[9] = {d->hi[0] - d->lo[0], 0, 0,          d->tilt[0],
                            d->hi[1] - d->lo[1], 0, d->tilt[1], d->tilt[2],
                            d->hi[2] - d->lo[2]};
    return cli_box_create(out, d->natoms, pos, Z, cell, periodic, err);
}

static racah_status parse_data(cli_box *out, data_file *d, const racah_model *model, racah_error *err)
{
    char comment[256];
    next_line(d, NULL, 0); /* the first line is a title */
    while (next_line(d, comment, sizeof comment)) {
        if (strcmp(d->line, "Masses") == 0) {
            RACAHI_TRY(read_masses(d, model, err));
        } else if (strncmp(d->line, "Atoms", 5) == 0) {
            if (!d->natoms || !d->ntypes || !d->have[0] || !d->have[1] || !d->have[2])
                return bad(d, "Atoms without a complete header",
                           "atoms, atom types, xlo xhi, ylo yhi, zlo zhi", err);
            RACAHI_TRY(atom_columns(d, comment, err));
            double *pos = racahi_malloc(d->natoms, 3 * sizeof *pos);
            int *Z = racahi_malloc(d->natoms, sizeof *Z);
            racah_status status =
                pos && Z ? read_atoms(d, pos, Z, err)
                         : racahi_fail(err, RACAH_ENOMEM, "%zu atoms do not fit in memory", d->natoms);
            if (status == RACAH_OK) status = make_box(out, d, pos, Z, err);
            racahi_free(pos);
            racahi_free(Z);
            return status;
        } else {
            RACAHI_TRY(header_line(d, err));
        }
    }
    return bad(d, "end of file", "a section Atoms", err);
}

/* "Si,O" -> atomic numbers of types 1, 2. */
static racah_status set_elements(data_file *d, const char *elements, const racah_model *model,
                                 racah_error *err)
{
    char copy[1024], *save;
    snprintf(copy, sizeof copy, "%s", elements);
    int type = 0;
    for (char *w = strtok_r(copy, ",", &save); w && type < MAX_TYPES; w = strtok_r(NULL, ",", &save)) {
        int Z = racahi_element_number(w);
        if (racah_model_element_index(model, Z) < 0)
            return racahi_fail(err, RACAH_EFORMAT, "--elements: '%s' is not an element of the model", w);
        d->type_Z[++type] = Z;
    }
    return RACAH_OK;
}

static racah_status read_xyz(cli_box *out, const char *path, racah_error *err)
{
    racahi_frames frames = {0};
    RACAHI_TRY(racahi_extxyz_read(&frames, path, err));
    racah_status status;
    if (frames.n == 0) {
        status = racahi_fail(err, RACAH_EFORMAT, "%s: no frames", path);
    } else {
        const racahi_frame *f = &frames.f[0];
        status = cli_box_create(out, f->n, f->pos, f->Z, f->has_cell ? f->cell : NULL, f->pbc, err);
    }
    racahi_frames_free(&frames);
    return status;
}

racah_status cli_box_read(cli_box *out, const char *path, const char *elements, const racah_model *model,
                          racah_error *err)
{
    data_file d = {.path = path, .from = fopen(path, "r")};
    *out = (cli_box){0};
    if (!d.from) return racahi_fail(err, RACAH_EIO, "%s: cannot be opened: %s", path, strerror(errno));
    bool lammps = false;
    for (int i = 0; i < 100 && !lammps && next_line(&d, NULL, 0); i++)
        lammps = strstr(d.line, "xlo xhi") != NULL;
    racah_status status = RACAH_OK;
    if (lammps) {
        d.most = fseek(d.from, 0, SEEK_END) == 0 ? (size_t)ftell(d.from) / 10 : 0;
        rewind(d.from);
        d.number = 0;
        if (elements) status = set_elements(&d, elements, model, err);
        if (status == RACAH_OK) status = parse_data(out, &d, model, err);
    }
    fclose(d.from);
    if (!lammps) status = read_xyz(out, path, err);
    for (size_t i = 0; status == RACAH_OK && i < out->n; i++)
        if (racah_model_element_index(model, out->Z[i]) < 0)
            status = racahi_fail(err, RACAH_EFORMAT, "%s: %s is not an element of the model", path,
                                 racahi_element_symbol(out->Z[i]));
    if (status == RACAH_OK)
        snprintf(out->name, sizeof out->name, "%s", path);
    else
        cli_box_free(out);
    return status;
}
