/* SPDX-License-Identifier: GPL-2.0-only
 * lmp-racah: LAMMPS with a `plugin` command, for LAMMPS libraries built without the PLUGIN package (Debian's), so
 * that input scripts with `plugin load racahplugin.so` run unchanged. Options, standard input, mpirun and -partition
 * are LAMMPS' own; where the library has PLUGIN, its command is used and this program adds nothing.
 *
 *   plugin load FILE...    a name without '/' is also looked for beside this program and in ../<lib>/racah
 *   plugin list
 *   plugin unload pair NAME | plugin clear
 * Files named *plugin.so in the folders of LAMMPS_PLUGIN_PATH are loaded at start. As with the PLUGIN package of
 * that time, the command `clear` forgets loaded styles: load again after it. */
#define LAMMPS_LIB_MPI
#include "compat.h"
#include "plugin_abi.h"

#include "command.h"
#include "input.h"
#include "lammps.h"
#include "library.h"

#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <glob.h>
#include <string>
#include <typeinfo>
#include <unistd.h>
#include <vector>

/* Not there in other BLAS libraries; then there is nothing to set. */
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

using LAMMPS_NS::LAMMPS;
using LAMMPS_NS::Pair;

namespace {

const char SUFFIX[] = "plugin.so";

struct Loaded {
    std::string name, info, author;
};

/* The library the launcher was linked with may have been replaced by another release: classes would not fit. */
bool built_for(void *lmp)
{
    int found = lammps_version(lmp);
    if (found == RACAH_LAMMPS_VERSION) return true;
    if (lammps_extract_setting(lmp, "world_rank") <= 0)
        fprintf(stderr, "lmp-racah was built for LAMMPS %d and found the library of LAMMPS %d; build it again\n",
                RACAH_LAMMPS_VERSION, found);
    return false;
}

std::string own_folder()
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0) return "";
    const std::string text(path, n);
    return text.substr(0, text.rfind('/'));
}

/* Where a file given to `plugin load` may be. */
std::vector<std::string> places(const std::string &file)
{
    std::vector<std::string> list = {file};
    if (file.find('/') == std::string::npos) {
        const std::string here = own_folder();
        list = {"./" + file, here + "/" + file, here + "/" RACAH_PLUGIN_FOLDER "/" + file, file};
    }
    return list;
}

class Plugins {
  public:
    std::vector<Loaded> styles;

    /* Called by the plugin's init function. */
    static void add(racah_lammps_plugin *plugin, void *lmp)
    {
        LAMMPS *l = static_cast<LAMMPS *>(lmp);
        if (strcmp(plugin->style, "pair") != 0)
            l->error->all(FLERR, std::string("lmp-racah loads plugins with pair styles only, not style ") +
                                     plugin->style + " of " + plugin->name);
        auto creator = reinterpret_cast<Pair *(*)(LAMMPS *)>(plugin->creator);
        racah_lammps::add_pair_style(l->force, plugin->name, creator, 0);
        Plugins &all = instance();
        all.forget(plugin->name);
        all.styles.push_back({plugin->name, plugin->info, plugin->author});
        if (l->comm->me == 0)
            LAMMPS_NS::utils::logmesg(l, std::string("Loaded pair style ") + plugin->name + ": " + plugin->info +
                                             " (" + plugin->author + ")\n");
    }

    void load(LAMMPS *lmp, const std::string &file)
    {
        if (file.size() < strlen(SUFFIX) || file.compare(file.size() - strlen(SUFFIX), std::string::npos, SUFFIX) != 0)
            lmp->error->all(FLERR, "plugin load: the name of a plugin must end in plugin.so, not " + file);
        std::string tried, why;
        void *handle = nullptr;
        for (const std::string &path : places(file)) {
            handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
            if (handle) break;
            const char *text = dlerror();
            tried += (tried.empty() ? "" : ", ") + path;
            /* A file that is there but does not load has the message that matters. */
            if (access(path.c_str(), F_OK) == 0) why = text ? text : "no message";
        }
        if (!handle) lmp->error->one(FLERR, "plugin load: " + (why.empty() ? "not found: " + tried : why));
        void *init = dlsym(handle, "lammpsplugin_init");
        if (!init) lmp->error->one(FLERR, "plugin load: " + file + " has no function lammpsplugin_init");
        reinterpret_cast<racah_lammps_init_function>(init)(lmp, handle, reinterpret_cast<void *>(add));
    }

    /* As LAMMPS with PLUGIN does: every *plugin.so of the folders in LAMMPS_PLUGIN_PATH. */
    void load_from_environment(LAMMPS *lmp)
    {
        const char *env = getenv("LAMMPS_PLUGIN_PATH");
        if (!env) return;
        std::string rest = env;
        while (!rest.empty()) {
            size_t colon = rest.find(':');
            std::string folder = rest.substr(0, colon);
            rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
            if (folder.empty()) continue;
            glob_t found;
            if (glob((folder + "/*" + SUFFIX).c_str(), 0, nullptr, &found) == 0) {
                std::vector<std::string> files(found.gl_pathv, found.gl_pathv + found.gl_pathc);
                globfree(&found);
                for (const std::string &file : files) load(lmp, file);
            }
        }
    }

    bool forget(const std::string &name)
    {
        for (size_t k = 0; k < styles.size(); k++)
            if (styles[k].name == name) {
                styles.erase(styles.begin() + k);
                return true;
            }
        return false;
    }

    void unload(LAMMPS *lmp, const std::string &name)
    {
        if (!forget(name)) lmp->error->all(FLERR, "plugin unload: no plugin has loaded pair style " + name);
        if (lmp->force->pair_match(name, 1)) lmp->force->create_pair("none", 1);
        racah_lammps::remove_pair_style(lmp->force, name.c_str(), 0);
    }

    static Plugins &instance()
    {
        static Plugins all;
        return all;
    }
};

class PluginCommand : public LAMMPS_NS::Command {
  public:
    PluginCommand(LAMMPS *ptr) : Command(ptr) {}

    void command(int narg, char **arg) override
    {
        const std::string what = narg > 0 ? arg[0] : "";
        Plugins &all = Plugins::instance();
        if (what == "load" && narg > 1) {
            for (int k = 1; k < narg; k++) all.load(lmp, arg[k]);
        } else if (what == "list" && narg == 1) {
            std::string text = "Loaded pair styles:";
            for (const Loaded &s : all.styles) text += "\n  pair " + s.name + ": " + s.info;
            if (comm->me == 0) LAMMPS_NS::utils::logmesg(lmp, text + "\n");
        } else if (what == "unload" && narg == 3 && strcmp(arg[1], "pair") == 0) {
            all.unload(lmp, arg[2]);
        } else if (what == "clear" && narg == 1) {
            while (!all.styles.empty()) all.unload(lmp, std::string(all.styles.back().name));
        } else {
            error->all(FLERR, std::string("Illegal plugin command; lmp-racah knows: plugin load FILE..., plugin list, "
                                          "plugin unload pair NAME, plugin clear"));
        }
    }
};

LAMMPS_NS::Command *create_plugin_command(LAMMPS *lmp) { return new PluginCommand(lmp); }

int run(int argc, char **argv)
{
    void *handle = lammps_open(argc, argv, MPI_COMM_WORLD, nullptr);
    if (!handle) return 1;
    if (!built_for(handle)) {
        lammps_close(handle);
        return 1;
    }
    LAMMPS *lmp = static_cast<LAMMPS *>(handle);
    if (!lammps_config_has_package("PLUGIN")) {
        (*lmp->input->command_map)["plugin"] = create_plugin_command;
        Plugins::instance().load_from_environment(lmp);
    }
    lmp->input->file();
    lammps_close(handle);
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    if (openblas_set_num_threads) openblas_set_num_threads(1); /* see racahplugin.cpp */
    int status = 1;
    try {
        status = run(argc, argv);
    } catch (std::exception &e) {
        /* Releases of LAMMPS that throw instead of exiting have printed their message. LAMMPSException reaches every
         * rank, so all of them end here; anything else may have hit one rank only. Known by name: Debian 12 has no
         * header with the types. */
        const char *kind = typeid(e).name();
        if (!strstr(kind, "LAMMPS_NS")) fprintf(stderr, "%s\n", e.what());
        if (!strstr(kind, "LAMMPSException")) {
            fflush(nullptr); /* MPI_Abort need not write what a redirected output still holds */
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    lammps_kokkos_finalize();
    lammps_python_finalize();
    MPI_Finalize();
    return status;
}
