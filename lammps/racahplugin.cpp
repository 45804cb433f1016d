/* SPDX-License-Identifier: GPL-2.0-only
 * Entry points of racahplugin.so. lammpsplugin_init serves `plugin load` (LAMMPS' PLUGIN package, or lmp-racah);
 * racah_lammps_register serves a LAMMPS without that command through its Python (racah_python.inc). Both first make
 * sure that this .so was built against the headers of the LAMMPS it was loaded into: nothing else would notice, and
 * classes laid out differently crash later. */
#include "compat.h"
#include "pair_racah.h"
#include "plugin_abi.h"

#include <cstdio>
#include <dlfcn.h>

/* Not there in other BLAS libraries; then there is nothing to set. */
extern "C" void openblas_set_num_threads(int) __attribute__((weak));
extern "C" int omp_get_max_threads(void);
extern "C" void omp_set_num_threads(int);

namespace {

using LAMMPS_NS::LAMMPS;
using LAMMPS_NS::Pair;

Pair *create(LAMMPS *lmp) { return new LAMMPS_NS::PairRacah(lmp); }

/* Through LAMMPS' C interface only: the classes may not be touched before the answer is yes. */
bool built_for(void *lmp)
{
    typedef int (*version_function)(void *);
    typedef int (*setting_function)(void *, const char *);
    auto version = reinterpret_cast<version_function>(dlsym(RTLD_DEFAULT, "lammps_version"));
    auto setting = reinterpret_cast<setting_function>(dlsym(RTLD_DEFAULT, "lammps_extract_setting"));
    int found = version ? version(lmp) : 0;
    if (found == RACAH_LAMMPS_VERSION) return true;
    if (!setting || setting(lmp, "world_rank") <= 0)
        fprintf(stderr,
                "racahplugin.so was built for LAMMPS %d and does not work in this LAMMPS %d: pair style racah is "
                "not available. Build it again with this LAMMPS' headers.\n",
                RACAH_LAMMPS_VERSION, found);
    return false;
}

/* The library runs threads of its own (OpenMP); BLAS calls inside them must not start more. Set here, because it
 * belongs to the whole process and the library leaves that to programs. The OpenMP variant of OpenBLAS sets OpenMP's
 * own default along with it; LAMMPS' threaded styles (lj/cut/omp beside racah) divide their atoms by the default
 * that LAMMPS chose and would silently leave some out, so that is put back. */
void one_blas_thread()
{
    const int threads = omp_get_max_threads();
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    omp_set_num_threads(threads);
}

} // namespace

extern "C" __attribute__((visibility("default"))) void lammpsplugin_init(void *lmp, void *handle, void *regfunc)
{
    if (!built_for(lmp)) return;
    one_blas_thread();
    racah_lammps_plugin plugin = {};
    plugin.version = static_cast<LAMMPS *>(lmp)->version;
    plugin.style = "pair";
    plugin.name = "racah";
    plugin.info = "Racah equivariant message-passing potentials";
    plugin.author = "the Racah developers";
    plugin.creator = reinterpret_cast<void *(*)(void *)>(create);
    plugin.handle = handle;
    reinterpret_cast<racah_lammps_register_function>(regfunc)(&plugin, lmp);
}

/* 0: pair style racah is there now; 1: built for another LAMMPS; 2: this LAMMPS registers styles only by plugin. */
extern "C" __attribute__((visibility("default"))) int racah_lammps_register(void *lmp)
{
    if (!built_for(lmp)) return 1;
    one_blas_thread();
    return racah_lammps::add_pair_style(static_cast<LAMMPS *>(lmp)->force, "racah", create, 0) ? 0 : 2;
}
