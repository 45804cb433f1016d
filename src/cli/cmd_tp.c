/* SPDX-License-Identifier: MIT
 * racah tp: the tensor-product algorithms side by side, and the CP factors behind `cp`. */
#include "../../tp/cp_internal.h"
#include "cp_write.h"
#include "tp_rows.h"

#include <math.h>
#include <string.h>

typedef struct job {
    cli_tp_rows rows;
    int lmax;
    bool triples, factors;
    const char *json, *svg;
    FILE *to;
} job;

/* ---- table of algorithms --------------------------------------------------------------------------- */

static void print_row(FILE *to, const cli_tp_row *r)
{
    const cli_tp_measure *m = &r->measure;
    fprintf(to, "%2d  %-15s %5zu %5zu %9.0f %9.0f %7.0f %5d %5d %9.1e %9.1e", r->L,
            cli_tp_cases[r->which].name, r->info.nnz, r->info.rank, r->info.flops_forward,
            r->info.flops_backward, r->bytes, m->expressivity, m->interactability, m->equivariance_f64,
            m->equivariance_f32);
    for (int single = 0; single < 2; single++)
        for (int backward = 0; backward < 2; backward++)
            if (r->time[backward][single] > 0) fprintf(to, " %8.1f", 1e9 * r->time[backward][single]);
    if (r->time[0][0] > 0) fprintf(to, " %8.2f", 1e9 * r->time[0][0] / m->interactability);
    fputc('\n', to);
}

static void print_head(const job *j)
{
    fprintf(j->to,
            "degrees 0..L in both inputs and the output, natural parity; %d channels, %d samples in a batch\n"
            "expressivity: dimension of the equivariant bilinear maps that free linears for each l before "
            "and after "
            "reach\ninteractability: number of (l1,l2,l3) that can be non-zero; equivariance: largest error "
            "over %d "
            "rotations\n",
            j->rows.channels, j->rows.samples, j->rows.rotations);
    fprintf(j->to, "%2s  %-15s %5s %5s %9s %9s %7s %5s %5s %9s %9s", "L", "algorithm", "nnz", "rank",
            "flop fwd", "flop bwd", "bytes", "expr", "inter", "equi f64", "equi f32");
    if (j->rows.seconds > 0)
        fprintf(j->to, " %8s %8s %8s %8s %8s", "fwd f64", "bwd f64", "fwd f32", "bwd f32", "per path");
    fputs("\n", j->to);
}

/* Which l3 each algorithm reaches from (l1, l2). */
static void print_triples(const job *j, int L)
{
    fprintf(j->to, "\ninteractability at L = %d: l3 that (l1,l2) can reach\n%-8s", L, "l1 l2");
    for (size_t i = 0; i < j->rows.n; i++)
        if (j->rows.row[i].L == L && !j->rows.row[i].missing)
            fprintf(j->to, " %-15s", cli_tp_cases[j->rows.row[i].which].name);
    fputc('\n', j->to);
    for (int a = 0; a <= L; a++)
        for (int b = 0; b <= L; b++) {
            fprintf(j->to, "%2d %2d   ", a, b);
            for (size_t i = 0; i < j->rows.n; i++) {
                const cli_tp_row *r = &j->rows.row[i];
                if (r->L != L || r->missing) continue;
                char text[64] = "";
                for (int c = 0, n = 0; c <= L; c++)
                    if (r->measure.triples[(a * (L + 1) + b) * (L + 1) + c])
                        n += snprintf(text + n, sizeof text - (size_t)n, "%d ", c);
                fprintf(j->to, " %-15s", text[0] ? text : "-");
            }
            fputc('\n', j->to);
        }
}

static json_t *row_json(const cli_tp_rows *t, const cli_tp_row *r)
{
    const cli_tp_measure *m = &r->measure;
    json_t *o = json_object(), *triples = json_array();
    json_object_set_new(o, "L", json_integer(r->L));
    json_object_set_new(o, "algorithm",
                        json_string(racah_tp_algorithm_name(cli_tp_cases[r->which].algorithm)));
    json_object_set_new(o, "name", json_string(cli_tp_cases[r->which].name));
    if (r->missing) {
        json_object_set_new(o, "missing", json_string(r->message));
        json_decref(triples);
        return o;
    }
    json_object_set_new(o, "channels", json_integer(t->channels));
    json_object_set_new(o, "nnz", json_integer((json_int_t)r->info.nnz));
    json_object_set_new(o, "rank", json_integer((json_int_t)r->info.rank));
    json_object_set_new(o, "flops_forward", cli_number(r->info.flops_forward));
    json_object_set_new(o, "flops_backward", cli_number(r->info.flops_backward));
    json_object_set_new(o, "bytes_per_channel", cli_number(r->bytes));
    json_object_set_new(o, "expressivity", json_integer(m->expressivity));
    json_object_set_new(o, "interactability", json_integer(m->interactability));
    for (int i = 0, n = r->L + 1; i < n * n * n; i++)
        if (m->triples[i]) json_array_append_new(triples, json_pack("[i,i,i]", i / n / n, i / n % n, i % n));
    json_object_set_new(o, "triples", triples);
    json_object_set_new(o, "equivariance_f64", cli_number(m->equivariance_f64));
    json_object_set_new(o, "equivariance_f32", cli_number(m->equivariance_f32));
    static const char *const names[2][2] = {{"ns_forward_f64", "ns_forward_f32"},
                                            {"ns_backward_f64", "ns_backward_f32"}};
    for (int b = 0; b < 2; b++)
        for (int s = 0; s < 2; s++)
            if (r->time[b][s] > 0) json_object_set_new(o, names[b][s], cli_number(1e9 * r->time[b][s]));
    if (r->time[0][0] > 0)
        json_object_set_new(o, "ns_forward_f64_per_path",
                            cli_number(1e9 * r->time[0][0] / m->interactability));
    return o;
}

static int run_rows(job *j, json_t *list)
{
    racah_error err;
    cli_tp_rows *t = &j->rows;
    t->row = racahi_calloc((size_t)j->lmax * CLI_TP_NCASES, sizeof *t->row);
    if (!t->row) return cli_error(racahi_fail(&err, RACAH_ENOMEM, "tp: table does not fit"), &err);
    print_head(j);
    for (int L = 1; L <= j->lmax; L++)
        for (int c = 0; c < CLI_TP_NCASES; c++) {
            cli_tp_row *r = &t->row[t->n++];
            r->which = c, r->L = L;
            racah_status s = cli_tp_row_run(t, r, &err);
            if (s != RACAH_OK) return cli_error(s, &err);
            if (r->missing)
                fprintf(j->to, "%2d  %-15s %s\n", L, cli_tp_cases[c].name, r->message);
            else
                print_row(j->to, r);
            fflush(j->to);
            json_array_append_new(list, row_json(t, r));
        }
    if (j->triples) print_triples(j, j->lmax);
    return CLI_OK;
}

/* ---- table of factors --------------------------------------------------------------------------------- */

static racah_status target_norm(const racahi_cp_factors *f, double *norm, racah_error *err)
{
    size_t n = 1;
    for (int i = 0; i < 3; i++) {
        int l = i == 0 ? f->l1 : i == 1 ? f->l2 : f->l3;
        n *= (size_t)((l + 1) * (l + 1));
    }
    double *T = racahi_malloc(n, sizeof *T), sum = 0;
    if (!T) return racahi_fail(err, RACAH_ENOMEM, "tp: a tensor of %zu numbers does not fit", n);
    racah_status s = racahi_cp_target(f->l1, f->l2, f->l3, f->family, f->paths, T, err);
    for (size_t i = 0; s == RACAH_OK && i < n; i++) sum += T[i] * T[i];
    racahi_free(T);
    *norm = sqrt(sum);
    return s;
}

static int factors_line(job *j, const racahi_cp_factors *f, json_t *list)
{
    racah_error err;
    double norm, error;
    racah_status s = target_norm(f, &norm, &err);
    if (s == RACAH_OK) s = cli_cp_equivariance(f, 100, &error, &err);
    if (s != RACAH_OK) return cli_error(s, &err);
    static const char *const families[] = {"gaunt", "unit", "component"}, *const paths[] = {"even", "all"};
    double bound = 2 * f->residual * norm;
    fprintf(j->to, "(%d,%d,%d)  %-6s %-5s %5d %10.1e %8.2f %13.1e %12.1e  %s\n", f->l1, f->l2, f->l3,
            families[f->family], paths[f->paths], f->rank, f->residual, cli_cp_largest(f), error, bound,
            f->source);
    json_t *o = json_object();
    json_object_set_new(o, "degrees", json_pack("[i,i,i]", f->l1, f->l2, f->l3));
    json_object_set_new(o, "family", json_string(families[f->family]));
    json_object_set_new(o, "paths", json_string(paths[f->paths]));
    json_object_set_new(o, "rank", json_integer(f->rank));
    json_object_set_new(o, "residual", cli_number(f->residual));
    json_object_set_new(o, "largest_entry", cli_number(cli_cp_largest(f)));
    json_object_set_new(o, "equivariance_error", cli_number(error));
    json_object_set_new(o, "equivariance_bound", cli_number(bound));
    json_object_set_new(o, "source", json_string(f->source));
    json_array_append_new(list, o);
    return CLI_OK;
}

/* The compiled tables, then what stands in for them at L = 4 (unit) to 6. */
static int run_factors(job *j, json_t *list)
{
    fprintf(j->to,
            "\nCP factors: relative residual, largest entry, equivariance error over 100 rotations of unit "
            "vectors, its bound\n%-8s %-6s %-5s %5s %10s %8s %13s %12s\n",
            " degrees", "family", "paths", "rank", "residual", "largest", "equivariance", "2|M-M~|");
    for (const racahi_cp_factors *f = racahi_cp_tables; f->rank; f++) {
        int rc = factors_line(j, f, list);
        if (rc != CLI_OK) return rc;
    }
    for (int L = 4; L <= 6; L++)
        for (int family = RACAHI_CP_GAUNT; family <= RACAHI_CP_UNIT; family++) {
            racah_error err;
            racahi_cp_factors *f;
            if (racahi_cp_factors_find(L, L, L, (racahi_cp_family)family, RACAHI_CP_EVEN, false)) continue;
            racah_status s =
                racahi_cp_factors_create(&f, L, L, L, (racahi_cp_family)family, RACAHI_CP_EVEN, false, &err);
            if (s != RACAH_OK) return cli_error(s, &err);
            int rc = factors_line(j, f, list);
            racahi_cp_factors_destroy(f);
            if (rc != CLI_OK) return rc;
        }
    return CLI_OK;
}

/* ---- command ---------------------------------------------------------------------------------------------
 */

static int run(job *j)
{
    json_t *o = json_object(), *rows = json_array(), *factors = json_array();
    int rc = run_rows(j, rows);
    if (rc == CLI_OK && j->factors) rc = run_factors(j, factors);
    json_object_set_new(o, "algorithms", rows);
    json_object_set_new(o, "factors", factors);
    if (rc == CLI_OK && j->svg) rc = cli_tp_plot(j->svg, &j->rows);
    if (rc == CLI_OK && j->json) return cli_write_json(j->json, o);
    json_decref(o);
    return rc;
}

int racahi_cmd_tp(int argc, char **argv)
{
    job j = {.rows = {.channels = 64, .samples = 200, .rotations = 20, .seconds = 0.05}, .lmax = 4};
    const cli_option options[] = {
        {"--lmax", CLI_INT, &j.lmax, .min = 1, .max = 8, .metavar = "N", .help = "L = 1..N (default 4)"},
        {"--channels", CLI_INT, &j.rows.channels, .min = 1, .max = 4096, .metavar = "C",
         .help = "default 64"},
        {"--samples", CLI_INT, &j.rows.samples, .min = 1, .max = 1e6, .metavar = "N",
         .help = "in a batch (default 200)"},
        {"--seconds", CLI_DOUBLE, &j.rows.seconds, .min = 0, .max = 60, .metavar = "T",
         .help = "for each time (default 0.05); 0: no times"},
        {"--rotations", CLI_INT, &j.rows.rotations, .min = 1, .max = 10000, .metavar = "N",
         .help = "default 20"},
        {"--triples", CLI_FLAG, &j.triples, .help = "which (l1,l2,l3) can be non-zero, at the largest L"},
        {"--factors", CLI_FLAG, &j.factors, .help = "table of the CP factors with their errors"},
        {"--json", CLI_STRING, &j.json, .metavar = "F", .help = "all of it as JSON; - for standard output"},
        {"--svg", CLI_STRING, &j.svg, .metavar = "F", .help = "time against L, drawn by gnuplot"},
        {0}};
    const cli_syntax syntax = {"racah tp [options]",
                               "Cost, time, expressivity, interactability and equivariance error of each\n"
                               "tensor-product algorithm for L = 1..N.\n",
                               options, 0, 0};
    const char *positional[8];
    int npositional, rc = cli_parse(&syntax, argc, argv, positional, &npositional);
    if (rc >= 0) return rc;
    j.to = cli_table_stream(j.json);
    rc = run(&j);
    for (size_t i = 0; i < j.rows.n; i++) racahi_free(j.rows.row[i].measure.triples);
    racahi_free(j.rows.row);
    return rc;
}
