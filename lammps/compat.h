/* SPDX-License-Identifier: GPL-2.0-only
 * One source for LAMMPS releases from 2021 on: where the interface changed, the form that the headers at hand offer
 * is found at compile time (SFINAE), not from a version number. The last argument picks the overload: 0 is an int,
 * so the first form wins where it exists. */
#ifndef RACAH_LAMMPS_COMPAT_H
#define RACAH_LAMMPS_COMPAT_H

#include "comm.h"
#include "error.h"
#include "force.h"
#include "neigh_request.h"
#include "neighbor.h"
#include "pair.h"

#include <string>

namespace racah_lammps {

/* ---- a full neighbour list ------------------------------------------------------------- */

/* 2022 and later. 1 is NeighConst::REQ_FULL. */
template <class N>
auto request_full_list(N *neighbor, LAMMPS_NS::Pair *pair, int, LAMMPS_NS::Error *, int)
    -> decltype(neighbor->add_request(pair, 1), void())
{
    neighbor->add_request(pair, 1);
}

/* 2021: a request object whose flags the caller sets. Its layout may be our stand-in's: check what is known about a
 * fresh request of a pair style before writing. */
template <class N>
auto request_full_list(N *neighbor, LAMMPS_NS::Pair *pair, int instance, LAMMPS_NS::Error *error, long)
    -> decltype(neighbor->request(pair, instance), void())
{
    int k = neighbor->request(pair, instance);
    auto *r = neighbor->requests[k];
    if (r->requestor != static_cast<void *>(pair) || r->pair != 1 || r->half != 1 || r->full != 0)
        error->all(FLERR, std::string("Pair racah: the neighbor request of this LAMMPS has an unknown layout; "
                                      "build racahplugin.so against the headers of this LAMMPS"));
    r->half = 0;
    r->full = 1;
}

/* ---- exchange of per-atom data of a pair style ------------------------------------------- */

template <class C>
auto forward(C *comm, LAMMPS_NS::Pair *pair, int) -> decltype(comm->forward_comm(pair), void())
{
    comm->forward_comm(pair);
}
template <class C>
auto forward(C *comm, LAMMPS_NS::Pair *pair, long) -> decltype(comm->forward_comm_pair(pair), void())
{
    comm->forward_comm_pair(pair);
}
template <class C>
auto reverse(C *comm, LAMMPS_NS::Pair *pair, int) -> decltype(comm->reverse_comm(pair), void())
{
    comm->reverse_comm(pair);
}
template <class C>
auto reverse(C *comm, LAMMPS_NS::Pair *pair, long) -> decltype(comm->reverse_comm_pair(pair), void())
{
    comm->reverse_comm_pair(pair);
}

/* ---- adding a pair style without the PLUGIN package -------------------------------------- */

/* Releases of 2026 moved the map; there only the plugin command registers styles and this returns false. */
template <class F>
auto add_pair_style(F *force, const char *name, LAMMPS_NS::Pair *(*creator)(LAMMPS_NS::LAMMPS *), int)
    -> decltype((*force->pair_map)[name] = creator, bool())
{
    (*force->pair_map)[name] = creator;
    return true;
}
template <class F> bool add_pair_style(F *, const char *, LAMMPS_NS::Pair *(*)(LAMMPS_NS::LAMMPS *), long)
{
    return false;
}
template <class F> auto remove_pair_style(F *force, const char *name, int) -> decltype(force->pair_map->erase(name), bool())
{
    return force->pair_map->erase(name) > 0;
}
template <class F> bool remove_pair_style(F *, const char *, long) { return false; }

} // namespace racah_lammps
#endif
