/* SPDX-License-Identifier: MIT
 * Stand-in for the {fmt} header that LAMMPS headers include and Debian's liblammps-dev does not ship.
 *
 * Only names that the headers of LAMMPS mention are declared, so that those headers compile; nothing here is ever
 * called: Racah hands finished std::strings to LAMMPS and instantiates none of its formatting templates. */
#ifndef FMT_FORMAT_H_
#define FMT_FORMAT_H_

#include <string>

namespace fmt {
inline namespace v7_lmp {

template <typename Char> class basic_string_view {
  public:
    basic_string_view(const Char *text);
    basic_string_view(const std::basic_string<Char> &text);
};
using string_view = basic_string_view<char>;

class format_args;

template <typename... Args, typename S> format_args make_args_checked(const S &format, const Args &...args);
template <typename... Args> format_args make_format_args(const Args &...args);

} // namespace v7_lmp
} // namespace fmt
#endif
