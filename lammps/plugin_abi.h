/* SPDX-License-Identifier: MIT
 * Binary interface of LAMMPS plugins, as the PLUGIN package documents it: what plugin and launcher exchange.
 * LAMMPS keeps the creator in a union of function pointers; a pair style's is Pair *(*)(LAMMPS *). */
#ifndef RACAH_PLUGIN_ABI_H
#define RACAH_PLUGIN_ABI_H

extern "C" {

struct racah_lammps_plugin {
    const char *version; /* of LAMMPS, free text */
    const char *style;   /* "pair" */
    const char *name;    /* "racah" */
    const char *info;
    const char *author;
    void *(*creator)(void *lmp);
    void *handle; /* of dlopen */
};

typedef void (*racah_lammps_register_function)(racah_lammps_plugin *plugin, void *lmp);
typedef void (*racah_lammps_init_function)(void *lmp, void *handle, void *register_function);
}
#endif
