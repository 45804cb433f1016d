#!/bin/sh
# SPDX-License-Identifier: MIT
# Cost of a step against channels, angular momenta and neighbours, beside the operations counted: models of random
# weights around MACE-OFF small's shape (96 channels, l_max 3, l_hidden 0, 4.5 A), one property varied at a time.
#   sh bench/cost.sh BOX OUT [--precision single] [more options of racah bench model]
# e.g. ../shared/boxes/water192.data cost. Writes OUT.json (one object a line) and, with gnuplot, OUT.svg: us/atom/step
# against millions of operations per atom; on a straight line through the origin the count explains the cost.
# RACAH_BUILD_DIR is the build folder. One thread. Exit codes: 0, 1 a run failed, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=${RACAH_BUILD_DIR:-$root/build}
[ $# -ge 2 ] || { echo "usage: cost.sh BOX OUT [OPTIONS OF racah bench model]" >&2; exit 2; }
box=$1 out=$2
shift 2
[ -r "$box" ] || { echo "cost: there is no box $box" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# number KEY: the first number of that key in the figures of the last run
number() { sed -n "s/.*\"$1\": *\([0-9][0-9.e+-]*\).*/\1/p" "$work/figures" | head -n 1; }

# point VARIED CHANNELS L_MAX L_HIDDEN R_MAX
point()
{
    varied=$1 channels=$2 l_max=$3 l_hidden=$4 r_max=$5
    "$build/bench/make_shapes" "$work" shape "$channels" "$l_max" "$l_hidden" "$r_max"
    "$build/racah" bench model "$work/shape.racah" --box "$box" --json "$work/figures" $more >"$work/screen" 2>&1 ||
        { tail -n 5 "$work/screen" >&2; exit 1; }
    printf '{"bench":"cost","box":"%s","varied":"%s","channels":%d,"l_max":%d,"l_hidden":%d,"r_max":%s,"neighbors":%.1f,"us_per_atom_step":%.4g,"flops_per_atom":%.6g,"peak_gflops":%.4g,"precision":"%s"}\n' \
        "$(basename "$box")" "$varied" "$channels" "$l_max" "$l_hidden" "$r_max" "$(number neighbors)" \
        "$(number us_per_atom_step_min)" "$(number flops_per_atom)" "$(number peak_gflops)" \
        "$(sed -n 's/.*"precision": *"\([a-z]*\)".*/\1/p' "$work/figures")" | tee -a "$out.json"
}

more=$*
: >"$out.json"
for c in 16 32 64 96 128 192 256; do point channels $c 3 0 4.5; done
for l in 0 1 2 3 4; do point l_max 96 $l 0 4.5; done
for l in 0 1 2; do point l_hidden 96 3 $l 4.5; done
for r in 3.0 3.5 4.0 4.5 5.0 5.5 6.0; do point neighbors 96 3 0 $r; done

command -v gnuplot >/dev/null 2>&1 || { echo "cost: gnuplot is not here, no picture" >&2; exit 0; }
for varied in channels l_max l_hidden neighbors; do
    sed -n "s/.*\"varied\":\"$varied\",.*\"us_per_atom_step\":\([^,]*\),\"flops_per_atom\":\([^,]*\),.*/\2 \1/p" "$out.json" >"$work/$varied"
done
gnuplot <<END
set terminal svg size 560,420 enhanced background rgb 'white'
set output '$out.svg'
set logscale xy
set xlabel 'operations counted, millions per atom and step'
set ylabel 'us/atom/step, one core'
set grid
set key top left
plot for [v in 'channels l_max l_hidden neighbors'] '$work/'.v using (1e-6*\$1):2 with linespoints title v noenhanced
END
