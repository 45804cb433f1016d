/* SPDX-License-Identifier: GPL-2.0-only
 * Stand-in for the neigh_request.h of LAMMPS 2021, which Debian's liblammps-dev does not ship: the first members in
 * their order in memory. Objects are made by LAMMPS; compat.h checks the values it finds before it writes. Newer
 * releases are asked through Neighbor::add_request and never reach this layout. */
#ifndef LMP_NEIGH_REQUEST_H
#define LMP_NEIGH_REQUEST_H

#include "pointers.h"

namespace LAMMPS_NS {

class NeighRequest : protected Pointers {
  public:
    int index;
    void *requestor;
    int requestor_instance;
    int id;
    int pair, fix, compute, command, neigh;
    int half, full;
};

} // namespace LAMMPS_NS
#endif
