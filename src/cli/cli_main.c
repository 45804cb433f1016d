/* SPDX-License-Identifier: MIT
 * The racah command: finds the subcommand and runs it. */
#include "cli.h"

#include <signal.h>
#include <string.h>

/* The engine and the trainer own the parallelism, so BLAS must not start threads of its own. Weak: a BLAS
 * without this symbol is fine. */
extern void openblas_set_num_threads(int n) __attribute__((weak));

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"train", racahi_cmd_train, "train a model:            racah train CONFIG.yaml"},
    {"eval", racahi_cmd_eval,
     "errors on labelled data:  racah eval MODEL FILE.xyz [--out F.xyz] [--json F] [--plot F.svg]"},
    {"info", racahi_cmd_info, "what a model is:          racah info MODEL"},
    {"check", racahi_cmd_check, "physics of a model:       racah check MODEL [FILE.xyz]"},
    {"import", racahi_cmd_import, "a trained MACE model:     racah import NAME.mace.safetensors -o M.racah"},
    {"bench", racahi_cmd_bench,
     "speed:                    racah bench model MODEL --box FILE.data|FILE.xyz [--json F]"},
    {"tp", racahi_cmd_tp, "tensor products compared: racah tp [--lmax N] [--json F] [--svg F] [--factors]"},
    {"cp-fit", racahi_cmd_cp_fit,
     "search for CP factors:    racah cp-fit --l1 N --l2 N --l3 N --rank R [--out F]"},
};
enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *to)
{
    fputs("usage: racah COMMAND [arguments]      racah COMMAND --help\n\n", to);
    for (int i = 0; i < NCOMMANDS; i++) fprintf(to, "  %-6s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  --version, --help\n\n"
          "Exit codes: 0 fine, 1 failed check or training stopped by the data, 2 wrong usage,\n"
          "3 unreadable or invalid file.\n",
          to);
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file that reaches its limit is a failed write like that to a full disk */
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    if (argc < 2) {
        help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(stdout);
        return CLI_OK;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        char text[512];
        racah_build_info(text, sizeof text);
        puts(text);
        return CLI_OK;
    }
    for (int i = 0; i < NCOMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    return cli_usage("no command '%s' in this release; there are train, eval, info, check, import, bench, tp, "
                     "cp-fit",
                     name);
}
