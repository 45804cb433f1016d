/* SPDX-License-Identifier: MIT
 * Running the racah command, and the files its tests work on. */
#include "cli_support.h"

#include <sys/wait.h>

char *cli_read_file(const char *path)
{
    FILE *from = fopen(path, "rb");
    if (!from) return NULL;
    char *text = NULL;
    size_t n = 0, cap = 0, got;
    do {
        if (n + 4096 > cap) text = realloc(text, cap = 2 * cap + 4097);
        got = fread(text + n, 1, cap - n - 1, from);
        n += got;
    } while (got);
    text[n] = 0;
    fclose(from);
    return text;
}

void cli_write_file(const char *path, const char *text)
{
    FILE *to = fopen(path, "wb");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, strlen(text), to), strlen(text));
    assert_int_equal(fclose(to), 0);
}

cli_run cli_racah(const char *fmt, ...)
{
    char arguments[2048], command[4096];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(arguments, sizeof arguments, fmt, ap);
    va_end(ap);
    snprintf(command, sizeof command, "'%s' %s >cli_out.txt 2>cli_err.txt </dev/null", RACAH_CLI, arguments);
    int rc = system(command);
    cli_run r = {WIFEXITED(rc) ? WEXITSTATUS(rc) : -1, cli_read_file("cli_out.txt"),
                 cli_read_file("cli_err.txt")};
    return r;
}

void cli_run_free(cli_run *r)
{
    free(r->out);
    free(r->err);
}

void cli_expect(int code, const char *in_stderr, const char *arguments)
{
    cli_run r = cli_racah("%s", arguments);
    if (r.code != code) {
        print_error("racah %s: exit code %d, wanted %d\nstdout: %s\nstderr: %s\n", arguments, r.code, code,
                    r.out, r.err);
        fail();
    }
    if (in_stderr && !strstr(r.err, in_stderr)) {
        print_error("racah %s: '%s' is not in the messages: %s\n", arguments, in_stderr, r.err);
        fail();
    }
    cli_run_free(&r);
}

json_t *cli_json(const char *text)
{
    json_error_t why;
    assert_non_null(text);
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!o) {
        print_error("not JSON: line %d: %s\n%s\n", why.line, why.text, text);
        fail();
    }
    return o;
}

double cli_figure(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_number(v)) {
        print_error("\"%s\" is not a number\n", key);
        fail();
    }
    return json_number_value(v);
}

/* ---- files -------------------------------------------------------------------------------------- */

static const double cell[9] = {5.1, 0, 0, 0.7, 4.9, 0, -0.4, 0.3, 5.3};

/* A distorted lattice of Si and O, or without a cell. */
static void fill_positions(uint64_t *seed, size_t n, double *pos, int *Z)
{
    for (size_t i = 0; i < n; i++) {
        const double place[3] = {(double)(i & 1), (double)(i >> 1 & 1), (double)(i >> 2 & 1)};
        for (int x = 0; x < 3; x++) {
            double s = 0;
            for (int a = 0; a < 3; a++) s += 0.5 * place[a] * cell[3 * a + x];
            pos[3 * i + x] = s + 0.3 * (racah_test_uniform(seed) - 0.5);
        }
        Z[i] = i % 3 == 1 ? 8 : 14;
    }
}

racah_model *cli_make_model(void)
{
    racahi_config cfg = {.nelem = 2,
                         .Z = {8, 14},
                         .layers = 2,
                         .channels = 8,
                         .l_max = 2,
                         .l_hidden = 1,
                         .correlation = 2,
                         .weights = RACAHI_W_PATH,
                         .family = RACAHI_FAMILY_COMPONENT,
                         .r_max = 4.0,
                         .nbessel = 6,
                         .cutoff_p = 5,
                         .nmlp = 2,
                         .mlp = {16, 16},
                         .readout_width = 8,
                         .lambda = {8, 8}};
    racah_model *m = NULL;
    racah_error err;
    if (racahi_model_create(&m, &cfg, &err) != RACAH_OK) {
        print_error("%s\n", err.msg);
        return NULL;
    }
    racahi_model_init(m, 11);
    m->E0[0] = -432.1, m->E0[1] = -158.7;
    m->scale[0] = 0.8, m->scale[1] = 1.1;
    return m;
}

static racah_status compute(racah_model *m, racah_radial radial, size_t n, const double *pos, const int *Z,
                            const double *box, double *energy, double *forces, double *virial, double *stress,
                            racah_error *err)
{
    racah_calc_options options = {.size = sizeof options, .radial = radial};
    racah_calc *calc = NULL;
    racah_status status = racah_calc_create(&calc, m, &options, err);
    int p = box != NULL;
    racah_structure s = {.size = sizeof s,
                         .threads = 1,
                         .natoms = n,
                         .positions = pos,
                         .atomic_numbers = Z,
                         .cell = box,
                         .pbc = {p, p, p},
                         .energy = energy,
                         .forces = forces,
                         .virial = virial,
                         .stress = stress};
    if (status == RACAH_OK) status = racah_compute(calc, &s, err);
    racah_calc_destroy(calc);
    return status;
}

/* Two frames "bulk", one "cluster" without stress, one atom alone, one frame without any label. */
static racah_status write_frames(racah_model *m, FILE *to, racah_error *err)
{
    uint64_t seed = 5;
    double pos[24], forces[24], stress[9], energy;
    int Z[8];
    for (int k = 0; k < 5; k++) {
        bool bulk = k < 2 || k == 4, single = k == 3;
        size_t n = single ? 1 : bulk ? 8 : 5;
        fill_positions(&seed, n, pos, Z);
        RACAHI_TRY(compute(m, RACAH_RADIAL_TABLE, n, pos, Z, bulk ? cell : NULL, &energy, forces, NULL,
                           bulk ? stress : NULL, err));
        double off = single ? 0 : bulk ? (k ? -BULK_ENERGY_OFF : BULK_ENERGY_OFF) : CLUSTER_ENERGY_OFF;
        fprintf(to, "%zu\n", n);
        if (bulk) {
            fprintf(to, "Lattice=\"");
            for (int x = 0; x < 9; x++) fprintf(to, "%.17g%s", cell[x], x < 8 ? " " : "\" ");
        }
        fprintf(to, "Properties=species:S:1:pos:R:3%s pbc=\"%s\" ", k < 4 ? ":forces:R:3" : "",
                bulk ? "T T T" : "F F F");
        if (k < 4)
            fprintf(to, "energy=%.17g config_type=%s ", energy - off * (double)n,
                    single ? "isolated_atom"
                    : bulk ? "bulk"
                           : "cluster");
        if (k < 2) {
            fprintf(to, "stress=\"");
            for (int x = 0; x < 9; x++) fprintf(to, "%.17g%s", stress[x] - STRESS_OFF, x < 8 ? " " : "\"");
        }
        fputc('\n', to);
        for (size_t i = 0; i < n; i++) {
            fprintf(to, "%s", racah_element_symbol(Z[i]));
            for (int x = 0; x < 3; x++) fprintf(to, " %.17g", pos[3 * i + x]);
            for (int x = 0; x < 3 && k < 4; x++)
                fprintf(to, " %.17g", forces[3 * i + x] - (single ? 0 : FORCE_OFF));
            fputc('\n', to);
        }
    }
    return RACAH_OK;
}

static racah_status add_references(racah_model *m, racah_error *err)
{
    uint64_t seed = 3;
    for (int k = 0; k < 2; k++) {
        static const int open[3] = {0, 0, 0}, periodic[3] = {1, 1, 1};
        double pos[24], forces[24], virial[9], energy;
        int Z[8];
        const double *box = k ? NULL : cell;
        fill_positions(&seed, 8, pos, Z);
        RACAHI_TRY(compute(m, RACAH_RADIAL_EXACT, 8, pos, Z, box, &energy, forces, virial, NULL, err));
        RACAHI_TRY(
            racahi_model_add_reference(m, 8, Z, pos, box, k ? open : periodic, energy, forces, virial, err));
    }
    return RACAH_OK;
}

int cli_make_files(void **state)
{
    (void)state;
    racah_error err;
    racah_model *m = cli_make_model();
    if (!m) return -1;
    FILE *to = fopen(FRAMES, "w");
    racah_status status = add_references(m, &err);
    if (status == RACAH_OK) status = racahi_model_save(m, MODEL, &err);
    if (status == RACAH_OK && to) status = write_frames(m, to, &err);
    bool written = to && fclose(to) == 0;
    racah_model_destroy(m);
    if (status != RACAH_OK) print_error("making the files: %s\n", err.msg);
    return status == RACAH_OK && written ? 0 : -1;
}
