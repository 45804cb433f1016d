/* SPDX-License-Identifier: MIT
 * racah cp-fit: searches for CP factors of a coupling tensor and writes them as a table. */
#include "cli.h"
#include "cp_write.h"
#include "tp_measure.h"

#include <math.h>
#include <string.h>

typedef struct job {
    int l[3], family, paths, rank, symmetry, singles, seed, restarts, sweeps;
    double minutes;
    const char *out, *json;
    FILE *to;
} job;

static const char families[] = "gaunt|unit", path_sets[] = "even|all",
                  symmetries[] = "free|inversion|two|all|turns";
static const char *const family_names[] = {"gaunt", "unit"}, *const path_names[] = {"even", "all"},
                         *const symmetry_names[] = {"free", "inversion", "two", "all", "turns"};

static bool progress(void *ctx, int restart, double als, double lm, double best)
{
    fprintf(((job *)ctx)->to, "  start %4d   sweeps %.2e   polished %.2e   best %.2e\n", restart + 1, als, lm,
            best);
    return false;
}

static int report(const job *j, const racahi_cp_factors *f, double norm)
{
    racah_error err;
    double error;
    racah_status s = cli_cp_equivariance(f, 200, &error, &err);
    if (s != RACAH_OK) return cli_error(s, &err);
    double bound = 2 * f->residual * norm, largest = cli_cp_largest(f);
    bool exact = f->residual <= 1e-14;
    fprintf(j->to, "(%d,%d,%d) %s %s paths: rank %d, relative residual %.2e, largest entry %.2f\n", f->l1,
            f->l2, f->l3, family_names[j->family], path_names[j->paths], f->rank, f->residual, largest);
    fprintf(j->to, "equivariance error %.2e over 200 random rotations (unit vectors), bound 2|M-M~| = %.2e\n",
            error, bound);
    char command[256], sweeps[32] = "", tied[64] = "";
    if (j->sweeps) snprintf(sweeps, sizeof sweeps, " --sweeps %d", j->sweeps);
    if (j->symmetry)
        snprintf(tied, sizeof tied, " --symmetry %s --singles %d", symmetry_names[j->symmetry], j->singles);
    snprintf(command, sizeof command,
             "racah cp-fit --l1 %d --l2 %d --l3 %d --family %s --paths %s --rank %d --seed %d%s%s", f->l1,
             f->l2, f->l3, family_names[j->family], path_names[j->paths], f->rank, j->seed, sweeps, tied);
    if (j->out && !cli_cp_write(j->out, f, command)) {
        cli_message("%s: cannot be written", j->out);
        return CLI_BAD_FILE;
    }
    if (j->json) {
        json_t *o = json_object();
        json_object_set_new(o, "degrees", json_pack("[i,i,i]", f->l1, f->l2, f->l3));
        json_object_set_new(o, "family", json_string(family_names[j->family]));
        json_object_set_new(o, "paths", json_string(path_names[j->paths]));
        json_object_set_new(o, "rank", json_integer(f->rank));
        json_object_set_new(o, "residual", cli_number(f->residual));
        json_object_set_new(o, "largest_entry", cli_number(largest));
        json_object_set_new(o, "equivariance_error", cli_number(error));
        json_object_set_new(o, "equivariance_bound", cli_number(bound));
        int rc = cli_write_json(j->json, o);
        if (rc != CLI_OK) return rc;
    }
    return exact ? CLI_OK : CLI_FAILED;
}

static int run(job *j)
{
    size_t n[3], sum = 0;
    for (int i = 0; i < 3; i++) n[i] = (size_t)((j->l[i] + 1) * (j->l[i] + 1)), sum += n[i];
    size_t R = (size_t)j->rank;
    double *T = racahi_malloc(n[0] * n[1] * n[2], sizeof *T), *F = racahi_malloc(sum * R, sizeof *F);
    racah_error err;
    racah_status s = T && F ? RACAH_OK : racahi_fail(&err, RACAH_ENOMEM, "cp-fit: the tensor does not fit");
    racahi_cp_factors f = {.l1 = j->l[0],
                           .l2 = j->l[1],
                           .l3 = j->l[2],
                           .family = (racahi_cp_family)j->family,
                           .paths = (racahi_cp_paths)j->paths,
                           .rank = j->rank,
                           .A = F,
                           .B = F + n[0] * R,
                           .C = F + (n[0] + n[1]) * R};
    if (s == RACAH_OK) s = racahi_cp_target(f.l1, f.l2, f.l3, f.family, f.paths, T, &err);
    racahi_cp_fit_options o = {.rank = j->rank,
                               .symmetry = (racahi_cp_symmetry)j->symmetry,
                               .singles = j->singles,
                               .seed = (uint64_t)j->seed,
                               .minutes = j->minutes,
                               .tolerance = 1e-14,
                               .largest = 10,
                               .max_restarts = j->restarts,
                               .sweeps = j->sweeps,
                               .progress = progress,
                               .ctx = j};
    if (s == RACAH_OK)
        s = racahi_cp_fit(T, (int)n[0], (int)n[1], (int)n[2], &o, F, F + n[0] * R, F + (n[0] + n[1]) * R,
                          &f.residual, &err);
    int rc;
    if (s != RACAH_OK)
        rc = cli_error(s, &err);
    else if (!isfinite(f.residual)) {
        cli_message("no start led to factors with entries below 10");
        rc = CLI_FAILED;
    } else {
        double norm = 0;
        for (size_t i = 0; i < n[0] * n[1] * n[2]; i++) norm += T[i] * T[i];
        f.residual = racahi_cp_residual(&f, T);
        rc = report(j, &f, sqrt(norm));
    }
    racahi_free(T), racahi_free(F);
    return rc;
}

int racahi_cmd_cp_fit(int argc, char **argv)
{
    job j = {.l = {-1, -1, -1}, .seed = 1, .minutes = 1};
    const cli_option options[] = {
        {"--l1", CLI_INT, &j.l[0], .min = 0, .max = 6, .metavar = "N",
         .help = "degrees of the first input: 0..l1"},
        {"--l2", CLI_INT, &j.l[1], .min = 0, .max = 6, .metavar = "N", .help = "of the second input"},
        {"--l3", CLI_INT, &j.l[2], .min = 0, .max = 6, .metavar = "N", .help = "of the output"},
        {"--family", CLI_CHOICE, &j.family, .choices = families, .help = "coefficients (default gaunt)"},
        {"--paths", CLI_CHOICE, &j.paths, .choices = path_sets,
         .help = "even l1+l2+l3, or all (default even)"},
        {"--rank", CLI_INT, &j.rank, .min = 1, .max = 400, .metavar = "R", .help = "number of terms"},
        {"--symmetry", CLI_CHOICE, &j.symmetry, .choices = symmetries,
         .help = "of the terms: in pairs that inversion swaps, with two or all factors equal; in fours that half turns "
                 "about the axes permute (default free)"},
        {"--singles", CLI_INT, &j.singles, .min = 0, .max = 400, .metavar = "N",
         .help = "terms that inversion or the turns keep component by component; default 0"},
        {"--seed", CLI_INT, &j.seed, .min = 0, .max = 1e9, .metavar = "N",
         .help = "of the random starts (default 1)"},
        {"--minutes", CLI_DOUBLE, &j.minutes, .min = 0, .max = 1e5, .metavar = "T",
         .help = "of processor time (default 1)"},
        {"--starts", CLI_INT, &j.restarts, .min = 0, .max = 1e6, .metavar = "N",
         .help = "at most (default: no limit)"},
        {"--sweeps", CLI_INT, &j.sweeps, .min = 1, .max = 1e6, .metavar = "N",
         .help = "of each start (default 400); more help where many starts fail"},
        {"--out", CLI_STRING, &j.out, .metavar = "FILE", .help = "the factors as a C initialiser list"},
        {"--json", CLI_STRING, &j.json, .metavar = "F", .help = "the figures as JSON; - for standard output"},
        {0}};
    const cli_syntax syntax = {"racah cp-fit --l1 N --l2 N --l3 N --rank R [options]",
                               "Searches for factors with T[i,j,k] = sum_r A[i,r] B[j,r] C[k,r]: damped "
                               "alternating least squares from\n"
                               "random starts, polished by Levenberg-Marquardt, until the relative residual "
                               "is below 1e-14 with no entry\n"
                               "above 10. Exit code 1 if the best that was found is not exact.\n",
                               options, 0, 0};
    const char *positional[8];
    int npositional, rc = cli_parse(&syntax, argc, argv, positional, &npositional);
    if (rc >= 0) return rc;
    for (int i = 0; i < 3; i++)
        if (j.l[i] < 0) return cli_usage("cp-fit: --l%d is missing; usage: %s", i + 1, syntax.usage);
    if (j.rank < 1) return cli_usage("cp-fit: --rank is missing; usage: %s", syntax.usage);
    if (j.family == RACAHI_CP_GAUNT && j.paths == RACAHI_CP_ALL)
        return cli_usage("cp-fit: the gaunt family has no odd paths; want --paths even");
    j.to = cli_table_stream(j.json);
    return run(&j);
}
