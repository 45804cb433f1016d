/* SPDX-License-Identifier: MIT
 * racah train: runs the trainer and shows what it tells. */
#include "cli.h"
#include "gnuplot.h"
#include "../train/train.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Set by SIGINT and SIGTERM, read by the trainer after each batch. */
static volatile sig_atomic_t stop_requested;

static void request_stop(int sig)
{
    (void)sig;
    stop_requested = 1;
}

/* The second signal of a kind ends the program as usual: the handler is removed by the first. */
static void install_handlers(void)
{
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = SA_RESETHAND | SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- callbacks ------------------------------------------------------------------------------------ */

typedef struct screen {
    bool terminal;         /* rewrite one line for each batch */
    bool open;             /* such a line is on the screen */
    double shown;          /* when it was last written */
    racahi_train_progress last;
} screen;

static void clear_line(screen *s)
{
    if (s->open) fputs("\r\033[K", stdout);
    s->open = false;
}

static void show_message(void *ctx, const char *text)
{
    clear_line(ctx);
    puts(text);
    fflush(stdout);
}

/* 3725 s -> "1:02:05". */
static void clock_text(double seconds, char out[32])
{
    if (!(seconds >= 0) || seconds > 1e8) {
        snprintf(out, 32, "?");
        return;
    }
    long s = lround(seconds);
    if (s >= 3600)
        snprintf(out, 32, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 32, "%ld:%02ld", s / 60, s % 60);
}

static void show_progress(void *ctx, const racahi_train_progress *p)
{
    screen *s = ctx;
    char left[32];
    const double now = racahi_now();
    s->last = *p;
    if (!s->terminal || now - s->shown < 0.1) return;
    s->shown = now;
    clock_text(p->seconds_left, left);
    clear_line(s);
    printf("epoch %d/%d  batch %zu/%zu  loss %.4g  %.1f structures/s  %.0f atoms/s  %.1f GFLOP/s  %s left", p->epoch,
           p->epochs, p->batch, p->batches, p->loss, p->structures_per_s, p->atoms_per_s, 1e-9 * p->flops_per_s, left);
    fflush(stdout);
    s->open = true;
}

/* "  name value unit" where there is a value. */
static void figure(const char *name, double value, double factor, const char *unit)
{
    if (isfinite(value)) printf("  %s %.2f %s", name, value * factor, unit);
}

static void show_epoch(void *ctx, const double row[RACAHI_H_COLUMNS], bool best)
{
    screen *s = ctx;
    char left[32];
    clear_line(s);
    /* the rate and time left are those of the last batch */
    clock_text(s->last.seconds_left, left);
    printf("epoch %.0f/%d  lr %.2e  loss %.4g  valid rmse:", row[RACAHI_H_EPOCH], s->last.epochs,
           row[RACAHI_H_LR], row[RACAHI_H_TRAIN_LOSS]);
    figure("E", row[RACAHI_H_VALID_ENERGY_RMSE], 1e3, "meV/atom");
    figure("F", row[RACAHI_H_VALID_FORCES_RMSE], 1e3, "meV/A");
    figure("S", row[RACAHI_H_VALID_STRESS_RMSE], 1e3, "meV/A^3");
    printf("  %.1f structures/s  %.0f atoms/s  %.1f GFLOP/s  %s left%s\n", s->last.structures_per_s,
           s->last.atoms_per_s, 1e-9 * s->last.flops_per_s, left, best ? "  *" : "");
    fflush(stdout);
}

static void cell_text(double value, double factor, char out[16])
{
    if (isfinite(value))
        snprintf(out, 16, "%.2f", value * factor);
    else
        snprintf(out, 16, "-");
}

static void show_errors(void *ctx, const racahi_error_row *rows, size_t n)
{
    clear_line(ctx);
    printf("\n%-6s %-24s %10s %8s | %10s %10s | %10s %10s | %10s %10s\n", "set", "config_type", "structures",
           "atoms", "E MAE", "E RMSE", "F MAE", "F RMSE", "S MAE", "S RMSE");
    printf("%-6s %-24s %10s %8s | %21s | %21s | %21s\n", "", "", "", "", "meV/atom", "meV/A", "meV/A^3");
    for (size_t i = 0; i < n; i++) {
        const racahi_error_row *r = &rows[i];
        const double value[6] = {r->energy_mae,  r->energy_rmse, r->forces_mae,
                                 r->forces_rmse, r->stress_mae,  r->stress_rmse};
        char c[6][16];
        for (int k = 0; k < 6; k++) cell_text(value[k], 1e3, c[k]);
        printf("%-6s %-24.24s %10zu %8zu | %10s %10s | %10s %10s | %10s %10s\n", r->set,
               r->group[0] ? r->group : "(none)", r->structures, r->atoms, c[0], c[1], c[2], c[3], c[4],
               c[5]);
    }
    fflush(stdout);
}

static bool ask_stop(void *ctx)
{
    (void)ctx;
    return stop_requested;
}

/* ---- the picture ---------------------------------------------------------------------------------- */

/* Whether column c (from 1) of the last line of the log has a number: gnuplot stops at a curve without
 * points. */
static bool has_column(const char *csv, int c)
{
    char line[1024] = "", *field = line;
    FILE *f = fopen(csv, "r");
    while (f && fgets(line, sizeof line, f)) continue;
    if (f) fclose(f);
    for (int k = 1; k < c && field; k++) field = strchr(field, ',') ? strchr(field, ',') + 1 : NULL;
    return field && *field && *field != ',' && *field != '\n';
}

static void draw(FILE *to, const void *ctx)
{
    const char *csv = ctx;
    static const struct {
        int column;
        const char *curve;
    } errors[] = {{5, "using 1:($5*1000) with lines title 'energy (meV/atom)'"},
                  {6, "using 1:($6*1000) with lines title 'forces (meV/Å)'"},
                  {7, "using 1:($7*1000) with lines title 'stress (meV/Å^3)'"}};
    const char *before = "set title 'validation errors (RMSE)'; set ylabel ''\nplot ";
    fputs("set datafile separator ','\nset multiplot layout 1,2\nset grid; set logscale y; set format y "
          "'%g'; set xlabel 'epoch'\n"
          "set title 'loss'\nplot ",
          to);
    cli_gnuplot_quoted(to, csv);
    fputs(" using 1:4 with lines title 'training', '' using 1:11 with lines title 'validation'\n", to);
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++) {
        if (!has_column(csv, errors[k].column)) continue;
        fputs(before, to);
        cli_gnuplot_quoted(to, csv);
        fprintf(to, " %s", errors[k].curve);
        before = ", ";
    }
    fputs("\nunset multiplot\n", to);
}

static void plot(const char *output)
{
    char csv[4096], svg[4096];
    snprintf(csv, sizeof csv, "%s.csv", output);
    snprintf(svg, sizeof svg, "%s.svg", output);
    cli_gnuplot(svg, 1000, 460, draw, csv);
}

/* ---- the command ---------------------------------------------------------------------------------- */

static int print_template(void)
{
    char *text = racahi_train_config_template();
    if (!text) {
        cli_message("the template does not fit in memory");
        return CLI_BAD_FILE;
    }
    fputs(text, stdout);
    racahi_free(text);
    return CLI_OK;
}

static void conclude(const racahi_train_config *cfg, const racahi_train_result *r)
{
    switch (r->end) {
    case RACAHI_TRAIN_DRY: puts("dry run: nothing was trained and no file written"); return;
    case RACAHI_TRAIN_STOPPED:
        printf("stopped on request after %d epochs; %s.ckpt is saved, the same command goes on\n",
               r->epochs_done, cfg->output);
        return;
    case RACAHI_TRAIN_TIME:
        printf("\nmax_minutes are over after %d epochs; the same command goes on from %s.ckpt\n",
               r->epochs_done, cfg->output);
        break;
    case RACAHI_TRAIN_PATIENCE:
        printf("\nno better epoch for %d epochs: stopped after %d\n", cfg->patience, r->epochs_done);
        break;
    case RACAHI_TRAIN_DONE: printf("\nall %d epochs are done\n", r->epochs_done); break;
    }
    if (!r->kept_epoch) return;
    printf("%s.racah holds epoch %d, %s (validation loss %.6g)\n", cfg->output, r->kept_epoch,
           cfg->keep == RACAHI_KEEP_LAST ? "the last one" : "the best one", r->kept_measure);
    plot(cfg->output);
}

/* One member of the committee; its end to *end. */
static int train_member(racahi_train_config *cfg, int k, const racahi_train_options *options, bool resume,
                        racahi_train_end *end)
{
    racah_error err;
    racahi_train_result result;
    char ckpt[4096];
    racah_status st = racahi_train_config_member(cfg, k, &err);
    if (st != RACAH_OK) return cli_error(st, &err);
    snprintf(ckpt, sizeof ckpt, "%s.ckpt", cfg->output);
    if (resume && access(ckpt, R_OK) != 0) {
        cli_message("--resume: %s cannot be read", ckpt);
        return CLI_BAD_FILE;
    }
    if (cfg->seed.n > 1)
        printf("%s==== %s: seed %d, %d of %d\n", k ? "\n" : "", cfg->output, cfg->seed.now, k + 1,
               cfg->seed.n);
    screen s = {.terminal = isatty(STDOUT_FILENO)};
    const racahi_train_callbacks callbacks = {&s,         show_message, show_progress,
                                              show_epoch, show_errors,  ask_stop};
    st = racahi_train(cfg, &callbacks, options, &result, &err);
    clear_line(&s);
    if (st != RACAH_OK) return cli_error(st, &err);
    *end = result.end;
    conclude(cfg, &result);
    return CLI_OK;
}

/* All members, one after the other; max_minutes is for all of them. */
static int train_members(racahi_train_config *cfg, const racahi_train_options *options, bool resume)
{
    const double limit = cfg->max_minutes;
    const double start = racahi_now();
    for (int k = 0; k < cfg->seed.n; k++) {
        racahi_train_end end = RACAHI_TRAIN_DONE;
        int rc = train_member(cfg, k, options, resume, &end);
        if (rc != CLI_OK || end == RACAHI_TRAIN_STOPPED || end == RACAHI_TRAIN_TIME ||
            end == RACAHI_TRAIN_DRY)
            return rc;
        /* a member that finds no time left ends after its first batch */
        if (limit > 0) cfg->max_minutes = fmax(limit - (racahi_now() - start) / 60, 1e-6);
    }
    if (cfg->seed.n == 1) return CLI_OK;
    printf("\nthe committee, its mean and its standard deviations:\n  racah eval");
    for (int k = 0; k < cfg->seed.n; k++) printf(" %s-%d.racah", cfg->stem, cfg->seed.v[k]);
    puts(" FILE.xyz --out F.xyz");
    return CLI_OK;
}

int racahi_cmd_train(int argc, char **argv)
{
    bool template = false, resume = false;
    const char *seeds = NULL;
    racahi_train_options options = {0};
    const cli_option table[] = {
        {"--template", CLI_FLAG, &template, NULL, 0, 0, NULL,
         "print a configuration with all keys, defaults and help"},
        {"--dry-run", CLI_FLAG, &options.dry_run, NULL, 0, 0, NULL,
         "read the data, print statistics and the model's size, stop"},
        {"--resume", CLI_FLAG, &resume, NULL, 0, 0, NULL,
         "go on from OUTPUT.ckpt; happens anyway where it exists, this insists on it"},
        {"--fresh", CLI_FLAG, &options.fresh, NULL, 0, 0, NULL, "start over in spite of OUTPUT.ckpt"},
        {"--seed", CLI_STRING, &seeds, NULL, 0, 0, "N[,N...]",
         "instead of the configuration's; several train a committee, OUTPUT-N.racah"},
        {0}};
    const cli_syntax syntax = {
        "racah train CONFIG.yaml [options]",
        "Train a model. Writes OUTPUT.racah (best on validation), OUTPUT.ckpt, OUTPUT.csv and OUTPUT.svg.\n"
        "Ctrl-C saves and stops; the same command goes on.\n",
        table, 0, 1};
    const char *path[8];
    int n, rc = cli_parse(&syntax, argc, argv, path, &n);
    if (rc >= 0) return rc;
    if (template) return n ? cli_usage("--template takes no file") : print_template();
    if (n != 1) return cli_usage("a configuration is missing; usage: %s", syntax.usage);
    if (resume && options.fresh) return cli_usage("--resume and --fresh exclude each other");

    racah_error err;
    racahi_train_config *cfg = NULL;
    racah_status st = racahi_train_config_read(&cfg, path[0], &err);
    if (st != RACAH_OK) return cli_error(st, &err);
    if (seeds && racahi_train_config_seeds(cfg, seeds, &err) != RACAH_OK) {
        racahi_train_config_destroy(cfg);
        return cli_usage("%s", err.msg);
    }
    if (cfg->threads == 0) cfg->threads = cli_default_threads();
    install_handlers();
    rc = train_members(cfg, &options, resume);
    racahi_train_config_destroy(cfg);
    return rc;
}
