#!/bin/sh
# SPDX-License-Identifier: MIT
# Install what is missing (Debian 12 and 13, Ubuntu 24.04), configure and build into ./build.
#   sh tests/setup.sh              everything
#   sh tests/setup.sh racah ...    only these build targets
# Needs no terminal and, once the packages are there, no network. RACAH_BUILD_DIR chooses another build folder,
# RACAH_NO_INSTALL=1 leaves the system alone (clusters without root), RACAH_CI=1 is for .ci/run.
set -eu
cd "$(dirname "$0")/.."
build=${RACAH_BUILD_DIR:-build}

# Without these nothing is built.
need="gcc g++ cmake ninja-build pkg-config libopenblas-openmp-dev libfftw3-dev libjansson-dev
 libyaml-dev libssl-dev zlib1g-dev libcmocka-dev"
# Without these there is no LAMMPS part, or no picture: said, and the rest is built.
want="lammps liblammps-dev openmpi-bin libopenmpi-dev gnuplot-nox"
# What continuous integration tries besides (RACAH_CI=1): clang with sanitizers and OpenMP, valgrind, each OpenBLAS.
[ -z "${RACAH_CI:-}" ] || want="$want clang libclang-rt-dev libomp-dev valgrind libopenblas0-pthread libopenblas0-serial"

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null
}
missing() { # those of the given packages that are not installed
    for p in "$@"; do
        # pkg-config is a virtual or transitional name since pkgconf replaced it
        [ "$p" = pkg-config ] && command -v pkg-config >/dev/null 2>&1 && continue
        dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || echo "$p"
    done
}

if [ -n "${RACAH_NO_INSTALL:-}" ]; then
    :
elif command -v apt-get >/dev/null 2>&1 && command -v dpkg-query >/dev/null 2>&1; then
    lack=$(missing $need $want)
    if [ -n "$lack" ]; then
        echo "setup: installing" $lack
        log=$(mktemp)
        apt_get update >"$log" 2>&1 || { tail -n 5 "$log"; echo "setup: apt-get update failed; trying with the old lists"; }
        if ! apt_get install --no-install-recommends $lack >"$log" 2>&1; then
            # One package that this release lacks must not take the others with it.
            for p in $lack; do
                apt_get install --no-install-recommends "$p" >"$log" 2>&1 && continue
                tail -n 5 "$log"
                case " $(echo $need) " in
                *" $p "*) echo "setup: $p is needed and could not be installed" >&2; rm -f "$log"; exit 1 ;;
                *) echo "setup: going on without $p" ;;
                esac
            done
        fi
        rm -f "$log"
    fi
else
    echo "setup: no apt-get here; nothing is installed (README.md, 'Clusters without root')"
fi

# A build folder of a tree that was moved or copied cannot be used: start anew.
cache=$build/CMakeCache.txt
if [ -f "$cache" ] && [ "$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$cache")" != "$(pwd -P)" ]; then
    echo "setup: $build belongs to another source tree; it is made again"
    rm -rf "$build"
fi
if [ -f "$cache" ]; then
    cmake -S . -B "$build" ${RACAH_CI:+-DRACAH_CI=ON} >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; exit 1; }
else
    mkdir -p "$build"
    generator=
    command -v ninja >/dev/null 2>&1 && generator="-G Ninja"
    cmake -S . -B "$build" $generator -DCMAKE_BUILD_TYPE=Release ${RACAH_CI:+-DRACAH_CI=ON} \
        >"$build/configure.log" 2>&1 ||
        { cat "$build/configure.log" >&2; rm -f "$cache"; exit 1; }
fi
grep -E '^-- racah' "$build/configure.log" || :

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
if [ $# -gt 0 ]; then
    cmake --build "$build" -j "$jobs" --target "$@"
else
    cmake --build "$build" -j "$jobs"
fi >"$build/build.log" 2>&1 || { tail -n 60 "$build/build.log" >&2; echo "setup: the build failed" >&2; exit 1; }
echo "setup: built in $build"
