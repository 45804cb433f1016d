/* SPDX-License-Identifier: MIT
 * Files that a command writes. */
#include "output.h"
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot_write(const char *path, int why)
{
    cli_message("%s: cannot be written: %s", path, strerror(why));
    return CLI_BAD_FILE;
}

int cli_output_open(cli_output *o, const char *path)
{
    struct stat st;
    *o = (cli_output){.path = path};
    if (stat(path, &st) != 0 || S_ISREG(st.st_mode)) {
        const size_t room = strlen(path) + 32;
        o->aside = racahi_malloc(room, 1);
        if (!o->aside) return cannot_write(path, ENOMEM);
        snprintf(o->aside, room, "%s.tmp-%ld", path, (long)getpid());
    }
    o->to = fopen(o->aside ? o->aside : path, "w");
    if (o->to) return CLI_OK;
    const int why = errno;
    racahi_free(o->aside);
    return cannot_write(path, why);
}

int cli_output_close(cli_output *o, bool good)
{
    errno = 0;
    bool written = !ferror(o->to) && fflush(o->to) == 0;
    int why = errno ? errno : EIO;
    if (o->to != stdout && fclose(o->to) != 0 && written) written = false, why = errno;
    if (good && written && o->aside && rename(o->aside, o->path) != 0) written = false, why = errno;
    if (o->aside && !(good && written)) unlink(o->aside);
    racahi_free(o->aside);
    if (!good) return CLI_BAD_FILE;
    return written ? CLI_OK : cannot_write(o->path, why);
}
