#!/bin/sh
# SPDX-License-Identifier: MIT
# Racah as others get it:  run.sh CASE SOURCE BUILD CC GENERATOR MODEL-MAKER
# symbols       libracah.so exports the functions of the public headers and nothing else
# install       the installed tree works through find_package (shared, static) and pkg-config, and can be moved
# subdirectory  add_subdirectory works, here as the build without AVX2 and AVX-512 kernels: same energy
# readme        the C program of README.md compiles and runs
set -eu
kind=$1 source=$2 build=$3 cc=$4 generator=$5 maker=$6
work=$build/tests/package-$kind
rm -rf "$work"
mkdir -p "$work"

fail() {
    echo "$kind: $*" >&2
    exit 1
}
quietly() { # the output only matters when it went wrong
    "$@" >"$work/log" 2>&1 || { cat "$work/log"; fail "failed: $*"; }
}
install_to() { quietly cmake --install "$build" --prefix "$1"; }
# A consumer configured with the given options, run on the model: its output goes to $work/$1.out
consumer() {
    name=$1
    shift
    quietly cmake -S "$source/tests/package/consumer" -B "$work/$name" -G "$generator" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$cc" "$@"
    quietly cmake --build "$work/$name" -j 2
    "$work/$name/consumer" "$work/model.racah" >"$work/$name.out" || fail "consumer $name failed"
    grep -q '^version 0\.' "$work/$name.out" || fail "consumer $name printed no version"
    grep -q '^energy ' "$work/$name.out" || fail "consumer $name printed no energy"
}
energy() { sed -n 's/^energy //p' "$work/$1.out"; }
same_energy() { # to 1e-8 eV: other kernels sum in another order
    awk -v a="$(energy "$1")" -v b="$(energy "$2")" 'BEGIN { d = a - b; exit !(d < 1e-8 && d > -1e-8) }' ||
        fail "energy $(energy "$1") of $1, $(energy "$2") of $2"
}

case $kind in
symbols)
    nm -D --defined-only "$build/libracah.so" | awk '{ print $NF }' | sed 's/@.*//' | sort >"$work/exported"
    cat "$source/src/racah.h" "$source/src/base/racah_status.h" "$source/sphere/racah_sphere.h" \
        "$source/tp/racah_tp.h" >"$work/headers"
    [ -s "$work/exported" ] || fail "nothing is exported"
    while read -r name; do
        grep -q "\b$name(" "$work/headers" || fail "$name is exported and in no public header"
    done <"$work/exported"
    # and every declared function is there
    tr '\n' ' ' <"$work/headers" | grep -o 'RACAH_API [^;(]*(' | sed 's/($//; s/.*[ *]//' |
        grep '^racah_' | sort -u >"$work/declared"
    missing=$(comm -13 "$work/exported" "$work/declared")
    [ -z "$missing" ] || fail "declared and not in the library:" $missing
    readelf -d "$build/libracah.so" | grep -q 'SONAME.*libracah\.so\.[0-9]' || fail "libracah.so has no versioned soname"
    ;;
install)
    quietly "$maker" "$work/model.racah" 7 2 1 8 Si
    install_to "$work/first"
    mv "$work/first" "$work/prefix"
    "$work/prefix/bin/racah" --version | grep -q '^racah 0\.' || fail "the installed command does not run"
    consumer shared -DKIND=shared -DCMAKE_PREFIX_PATH="$work/prefix"
    consumer static -DKIND=static -DCMAKE_PREFIX_PATH="$work/prefix"
    same_energy shared static
    # one place says the version, all others have it from there
    version=$(sed -n 's/^project(racah VERSION \([0-9.]*\) .*/\1/p' "$source/CMakeLists.txt")
    [ -n "$version" ] || fail "CMakeLists.txt says no version"
    grep -qx "version $version" "$work/shared.out" || fail "the library is not version $version"
    "$work/prefix/bin/racah" --version | grep -q "^racah $version, " || fail "the command is not version $version"
    [ "$(PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name racah.pc)") pkg-config --modversion racah)" = "$version" ] ||
        fail "racah.pc is not of version $version"
    [ -e "$(find "$work/prefix" -name "libracah.so.$version")" ] || fail "no libracah.so.$version"
    again=$(grep -rlF "$version" "$source/src" "$source/sphere" "$source/tp" "$source/lammps" || true)
    [ -z "$again" ] || fail "version $version is written in" $again
    # too new a version must be refused
    sed 's/racah 0.1/racah 0.99/' "$source/tests/package/consumer/CMakeLists.txt" >"$work/CMakeLists.txt"
    cp "$source/tests/package/consumer/consumer.c" "$work/"
    if cmake -S "$work" -B "$work/toonew" -G "$generator" -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1; then
        fail "find_package(racah 0.99) was satisfied"
    fi
    grep -q 'requested version "0.99"' "$work/log" || fail "version 0.99 was refused for another reason"
    pc=$(dirname "$(find "$work/prefix" -name racah.pc)")
    export PKG_CONFIG_PATH="$pc${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
    quietly "$cc" -std=c11 -Wall -Wextra -Werror -o "$work/pc" "$source/tests/package/consumer/consumer.c" \
        $(pkg-config --cflags --libs racah)
    LD_LIBRARY_PATH=$pc/.. "$work/pc" "$work/model.racah" >"$work/pc.out" || fail "the pkg-config consumer failed"
    same_energy shared pc
    ;;
subdirectory)
    quietly "$maker" "$work/model.racah" 7 2 1 8 Si
    install_to "$work/prefix"
    consumer shared -DKIND=shared -DCMAKE_PREFIX_PATH="$work/prefix"
    consumer scalar -DKIND=subdirectory -DRACAH_SOURCE="$source" -DRACAH_SCALAR_ONLY=ON -DRACAH_BUILD_CLI=OFF
    grep -q 'kernels base (this CPU: base)' "$work/scalar.out" || fail "RACAH_SCALAR_ONLY kept other kernels"
    same_energy shared scalar
    ;;
readme)
    install_to "$work/prefix"
    sed -n '/^<!-- c-program -->$/,/^<!-- end of c-program -->$/p' "$source/README.md" | sed '/^<!--/d; /^```/d' \
        >"$work/program.c"
    [ -s "$work/program.c" ] || fail "README.md has no program between its markers"
    pc=$(dirname "$(find "$work/prefix" -name racah.pc)")
    quietly env PKG_CONFIG_PATH="$pc" sh -c '"$0" -std=c11 -Wall -Wextra -Werror -o "$1/program" "$1/program.c" \
        $(pkg-config --cflags --libs racah) -lm' "$cc" "$work"
    (cd "$source" && LD_LIBRARY_PATH=$pc/.. "$work/program") >"$work/out" || fail "the program of README.md failed"
    cat "$work/out"
    grep -Eq '^energy +-?[0-9]+\.[0-9]+ eV' "$work/out" || fail "it printed no energy"
    ;;
*) fail "unknown case" ;;
esac
echo "$kind: fine"
