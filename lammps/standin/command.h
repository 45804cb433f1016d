/* SPDX-License-Identifier: GPL-2.0-only
 * Stand-in for LAMMPS' command.h, which Debian's liblammps-dev does not ship: the interface of an input command. */
#ifndef LMP_COMMAND_H
#define LMP_COMMAND_H

#include "pointers.h"

namespace LAMMPS_NS {

class Command : protected Pointers {
  public:
    Command(class LAMMPS *ptr) : Pointers(ptr) {}
    virtual void command(int narg, char **arg) = 0;
};

} // namespace LAMMPS_NS
#endif
