/* SPDX-License-Identifier: MIT
 * Stand-in for LAMMPS' exceptions.h (included by error.h where LAMMPS_EXCEPTIONS is defined): the type that error.h
 * mentions. Racah catches std::exception, from which the exceptions of LAMMPS derive. */
#ifndef LMP_EXCEPTIONS_H
#define LMP_EXCEPTIONS_H

namespace LAMMPS_NS {
enum ErrorType { ERROR_NONE = 0, ERROR_NORMAL = 1, ERROR_ABORT = 2 };
}
#endif
