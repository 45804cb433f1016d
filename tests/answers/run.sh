#!/bin/sh
# SPDX-License-Identifier: MIT
# The same answer everywhere:  run.sh CASE BUILD SOURCE [OTHER-BUILD]
# reference                 every kernel variant x threads x ranks with the linked OpenBLAS; another process gives the
#                           same bits
# serial, pthread, openmp   the same with that OpenBLAS of the distribution, against the reference; and LAMMPS on 1, 2
#                           and 4 ranks with 2 threads each. Exit code 77 where it is not installed: skipped
# build                     the program of OTHER-BUILD (another compiler) against the reference
set -eu
kind=$1 build=$2 source=$3 other=${4:-$2}
work=$build/tests/answers.d
mkdir -p "$work"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_WAIT_POLICY=passive # more threads than cores

elements_of() { case $1 in silicon) echo Si ;; *) echo C O Si ;; esac; }
# lammps MODEL NAME RANKS: energy and forces against the reference, to the same 1e-9 as `answers`
lammps() {
    name=$2-$1-$3
    cat >"$name.in" <<END
units metal
box tilt large
plugin load racahplugin.so
read_data $1-reference.data
pair_style racah threads 2
pair_coeff * * $1.racah $(elements_of "$1")
run 0
write_dump all custom $name.dump id fx fy fz modify sort id format float %.17g
print "\$(pe:%.17g)" file $name.pe
END
    mpirun -np "$3" "$build/lmp-racah" -in "$name.in" -log none >"$name.out" 2>&1 </dev/null ||
        { tail -n 20 "$name.out"; exit 1; }
    { cat "$name.pe"; sed '1,9d' "$name.dump" | cut -d ' ' -f 2-4; } | paste -d ' ' - "$1-reference.txt" | awk '
        function off(a, b) { return a > b ? a - b : b - a }
        NR == 1 { e = off($1, $2) } # LAMMPS has the total energy
        NR > 1 { for (k = 1; k <= 3; k++) if (!(off($k, $(k + 3)) <= f)) f = off($k, $(k + 3)); n++ }
        END {
            good = n == 64 && e / n <= 1e-9 && f <= 1e-9
            printf "LAMMPS, 2 threads, %s: energy %.1e eV/atom, forces %.1e eV/A%s\n", "'"$name"'", e / n, f, good ? "" : "  FAILED"
            exit !good
        }'
}

case $kind in
reference)
    cp "$source/data/models/silicon.racah" silicon.racah
    "$build/tests/make_model" random.racah 11 2 1 12 +options C O Si
    for m in silicon random; do
        "$build/tests/answers" $m.racah $m-reference
        "$build/tests/answers" $m.racah $m-again >again.out || { cat again.out; exit 1; }
        cmp $m-reference.txt $m-again.txt
    done
    ;;
build)
    for m in silicon random; do "$other/tests/answers" $m.racah $m-build $m-reference.txt; done
    ;;
*)
    libdir=
    for d in /usr/lib/*/openblas-"$kind" /usr/lib64/openblas-"$kind"; do [ -e "$d/libopenblas.so.0" ] && libdir=$d; done
    [ -n "$libdir" ] || { echo "libopenblas0-$kind is not installed: skipped"; exit 77; }
    export LD_LIBRARY_PATH="$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" RACAH_EXPECT_BLAS="$kind"
    for m in silicon random; do
        "$other/tests/answers" $m.racah $m-$kind $m-reference.txt
        [ -x "$build/lmp-racah" ] || continue
        for np in 1 2 4; do lammps $m $kind $np; done
    done
    ;;
esac
