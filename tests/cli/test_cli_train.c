/* SPDX-License-Identifier: MIT
 * racah train as a program: signals, a disk that fills up, changed configurations, several files. Everything
 * it was told to stop or kept from writing must end in the same bits as a training that nothing happened to.
 */
#include "cli_support.h"

#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST_FRAMES = 5, ALL_FRAMES = 9, EPOCHS = 60 };

/* Frames from..to-1: two silicon atoms on the way apart. */
static void write_xyz(const char *name, int from, int to)
{
    char text[8192], *at = text;
    for (int i = from; i < to; i++)
        at += sprintf(at,
                      "2\nenergy=%.3f pbc=\"F F F\" Properties=species:S:1:pos:R:3:forces:R:3\n"
                      "Si 0 0 0 %.3f 0 0\nSi %.3f 0.1 0 %.3f 0 0\n",
                      -1 - 0.1 * i, -0.5 + 0.2 * i, 2 + 0.1 * i, 0.5 - 0.2 * i);
    cli_write_file(name, text);
}

/* NAME.yaml with this output; all files of an earlier run go. */
static void configure(const char *name, const char *files, const char *more)
{
    char text[1024], pattern[256];
    glob_t old;
    snprintf(pattern, sizeof pattern, "%s.*", name);
    if (glob(pattern, 0, NULL, &old) == 0)
        for (size_t i = 0; i < old.gl_pathc; i++) remove(old.gl_pathv[i]);
    globfree(&old);
    snprintf(text, sizeof text,
             "train_file: %s\noutput: %s\nepochs: %d\nchannels: 4\nl_max: 1\nr_max: 4\nbatch_size: 2\n"
             "radial: {mlp: [4]}\nvalid_fraction: 0.2\nthreads: 1\n%s",
             files, name, EPOCHS, more);
    snprintf(pattern, sizeof pattern, "%s.yaml", name);
    cli_write_file(pattern, text);
}

/* ---- a running program
 * ----------------------------------------------------------------------------------------- */

typedef struct process {
    pid_t id;
    FILE *said; /* standard output and messages */
    char line[4096];
} process;

static process start(const char *config)
{
    process p = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    p.id = fork();
    assert_true(p.id >= 0);
    if (p.id == 0) {
        dup2(ends[1], STDOUT_FILENO), dup2(ends[1], STDERR_FILENO);
        close(ends[0]), close(ends[1]);
        execl(RACAH_CLI, "racah", "train", config, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    p.said = fdopen(ends[0], "r");
    assert_non_null(p.said);
    return p;
}

/* Read its output up to a line with this text. */
static bool hears(process *p, const char *text)
{
    while (fgets(p->line, sizeof p->line, p->said))
        if (strstr(p->line, text)) return true;
    return false;
}

/* Its exit code, or minus the signal that ended it. */
static int finish(process *p)
{
    int status;
    while (fgets(p->line, sizeof p->line, p->said)) continue; /* the last line stays */
    fclose(p->said);
    assert_int_equal(waitpid(p->id, &status, 0), p->id);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void limit_files(const process *p, rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(prlimit(p->id, RLIMIT_FSIZE, NULL, &limit), 0);
    limit.rlim_cur = bytes == RLIM_INFINITY ? limit.rlim_max : bytes;
    assert_int_equal(prlimit(p->id, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* ---- what must be there afterwards
 * ----------------------------------------------------------------------------- */

static void assert_nothing_half_written(const char *name)
{
    char pattern[256];
    glob_t left;
    snprintf(pattern, sizeof pattern, "%s*.tmp*", name);
    if (glob(pattern, 0, NULL, &left) != GLOB_NOMATCH) fail_msg("%s was left", left.gl_pathv[0]);
    globfree(&left);
}

static void assert_same_model(const char *a, const char *b)
{
    racah_error err;
    racah_model *m[2];
    RACAH_ASSERT_OK(racah_model_load(&m[0], a, &err));
    RACAH_ASSERT_OK(racah_model_load(&m[1], b, &err));
    assert_int_equal(m[0]->table.count, m[1]->table.count);
    assert_memory_equal(m[0]->theta, m[1]->theta, m[0]->table.count * sizeof(double));
    assert_memory_equal(m[0]->E0, m[1]->E0, sizeof m[0]->E0);
    assert_memory_equal(m[0]->scale, m[1]->scale, sizeof m[0]->scale);
    assert_int_equal(m[0]->nref, m[1]->nref);
    for (size_t i = 0; i < m[0]->nref; i++)
        assert_memory_equal(m[0]->ref[i].forces, m[1]->ref[i].forces, 3 * m[0]->ref[i].n * sizeof(double));
    racah_model_destroy(m[0]), racah_model_destroy(m[1]);
}

static void train_whole(const char *name, const char *files)
{
    char config[256];
    configure(name, files, "");
    snprintf(config, sizeof config, "train %s.yaml", name);
    cli_expect(0, NULL, config);
}

static void test_train_signals_save_and_the_same_command_goes_on(void **state)
{
    (void)state;
    const int signals[] = {SIGINT, SIGTERM};
    configure("cli_stopped", "cli_first.xyz", "");
    for (int i = 0; i < 2; i++) {
        process p = start("cli_stopped.yaml");
        assert_true(hears(&p, i ? "going on from" : "epoch 1/"));
        if (i) assert_true(hears(&p, "epoch "));
        assert_int_equal(kill(p.id, signals[i]), 0);
        assert_true(hears(&p, "stopped on request after "));
        assert_int_equal(finish(&p), 0);
        assert_nothing_half_written("cli_stopped");
    }
    process p = start("cli_stopped.yaml");
    assert_true(hears(&p, "going on from cli_stopped.ckpt: "));
    assert_int_equal(finish(&p), 0);
    assert_same_model("cli_stopped.racah", "cli_whole.racah");
}

/* While the files may not grow, training goes on and the checkpoint on the disk stays whole. */
static void test_train_on_a_full_disk_goes_on_and_loses_nothing(void **state)
{
    (void)state;
    configure("cli_full", "cli_first.xyz", "");
    process p = start("cli_full.yaml");
    assert_true(hears(&p, "epoch 1/"));
    limit_files(&p, 64);
    assert_true(hears(&p, "; training goes on"));
    assert_non_null(strstr(p.line, "cli_full."));
    assert_true(hears(&p, "; training goes on"));
    char *before = cli_read_file("cli_full.ckpt");
    assert_non_null(before);
    assert_true(strlen(before) > 0);
    free(before);
    limit_files(&p, RLIM_INFINITY);
    assert_int_equal(finish(&p), 0);
    assert_nothing_half_written("cli_full");
    assert_same_model("cli_full.racah", "cli_whole.racah");
}

/* A disk that stays full ends the training with a message; what was saved last is whole and leads to the same
 * end. */
static void test_train_on_a_disk_that_stays_full_can_be_continued(void **state)
{
    (void)state;
    configure("cli_stays", "cli_first.xyz", "");
    process p = start("cli_stays.yaml");
    assert_true(hears(&p, "epoch 1/"));
    limit_files(&p, 64);
    assert_int_equal(finish(&p), 3);
    assert_non_null(strstr(p.line, "cli_stays.ckpt"));
    assert_nothing_half_written("cli_stays");
    p = start("cli_stays.yaml");
    assert_true(hears(&p, "going on from cli_stays.ckpt: "));
    assert_int_equal(finish(&p), 0);
    assert_same_model("cli_stays.racah", "cli_whole.racah");
}

static void test_train_refuses_a_changed_configuration_with_the_difference(void **state)
{
    (void)state;
    configure("cli_changed", "cli_first.xyz", "max_minutes: 0.0001\n");
    cli_expect(0, NULL, "train cli_changed.yaml");
    char *before = cli_read_file("cli_changed.csv");
    assert_int_equal(system("cp cli_changed.ckpt cli_kept"), 0);
    assert_int_equal(system("sed -i 's/^channels: 4/channels: 8/; $ a lr: 0.5' cli_changed.yaml"), 0);
    cli_expect(2, "channels was 4, is 8", "train cli_changed.yaml");
    cli_expect(2, "is 0.5", "train cli_changed.yaml");
    cli_expect(2, "exclude each other", "train cli_changed.yaml --resume --fresh");
    assert_int_equal(system("cmp -s cli_changed.ckpt cli_kept"), 0);
    char *after = cli_read_file("cli_changed.csv");
    assert_string_equal(before ? before : "", after ? after : "");
    free(before), free(after);
    cli_expect(0, NULL, "train cli_changed.yaml --fresh");
    remove("cli_changed.ckpt");
    cli_expect(3, "--resume: cli_changed.ckpt cannot be read", "train cli_changed.yaml --resume");
}

static void test_train_dry_run_tells_and_writes_nothing(void **state)
{
    (void)state;
    configure("cli_dry", "cli_first.xyz", "");
    cli_run r = cli_racah("train cli_dry.yaml --dry-run");
    assert_int_equal(r.code, 0);
    static const char *const lines[] = {
        "training: 4 structures, 8 atoms; labels: 4 energies, 4 forces, 0 stresses",
        "energies -",
        "largest component 0.500 eV/A",
        "shortest distance",
        "validation: 1 structures",
        "parameters in",
        "no file written"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!strstr(r.out, lines[i])) fail_msg("'%s' is not in\n%s", lines[i], r.out);
    cli_run_free(&r);
    assert_int_not_equal(access("cli_dry.ckpt", F_OK), 0);
    assert_int_not_equal(access("cli_dry.csv", F_OK), 0);
    assert_int_not_equal(access("cli_dry.racah", F_OK), 0);
}

static void test_train_on_several_files_is_training_on_all_of_them(void **state)
{
    (void)state;
    write_xyz("cli_rest.xyz", FIRST_FRAMES, ALL_FRAMES);
    write_xyz("cli_all.xyz", 0, ALL_FRAMES);
    train_whole("cli_two", "[cli_first.xyz, cli_rest.xyz]");
    train_whole("cli_one", "cli_all.xyz");
    assert_same_model("cli_two.racah", "cli_one.racah");
}

static int set_up(void **state)
{
    (void)state;
    write_xyz("cli_first.xyz", 0, FIRST_FRAMES);
    train_whole("cli_whole", "cli_first.xyz");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_train_signals_save_and_the_same_command_goes_on),
        cmocka_unit_test(test_train_on_a_full_disk_goes_on_and_loses_nothing),
        cmocka_unit_test(test_train_on_a_disk_that_stays_full_can_be_continued),
        cmocka_unit_test(test_train_refuses_a_changed_configuration_with_the_difference),
        cmocka_unit_test(test_train_dry_run_tells_and_writes_nothing),
        cmocka_unit_test(test_train_on_several_files_is_training_on_all_of_them),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
