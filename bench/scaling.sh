#!/bin/sh
# SPDX-License-Identifier: MIT
# Cost against system size: a box repeated in LAMMPS to 192 ... 98,304 atoms (of water192), on one core; time for each
# atom and step, and peak resident memory of the whole process.
#   sh bench/scaling.sh BOX.data OUT [PAIR_STYLE_KEYWORDS...]     e.g.  ../shared/boxes/water192.data scaling precision single
# writes OUT.json (one object a line; the least time of three runs; less CPU time than time: others used the core)
# and, with gnuplot, OUT.svg. Model of random weights: MACE-OFF small's shape; the atoms hardly move.
# RACAH_BUILD_DIR the build folder, RACAH_MODEL with RACAH_ELEMENTS another model ("H O"), RACAH_MAX_CELLS (512),
# RACAH_PREFIX a command that each run goes through, e.g. "taskset -c 1". Exit codes: 0, 1 a run failed, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=${RACAH_BUILD_DIR:-$root/build}
[ $# -ge 2 ] || { echo "usage: scaling.sh BOX.data OUT [PAIR_STYLE_KEYWORDS...]" >&2; exit 2; }
box=$1 out=$2
shift 2
[ -r "$box" ] || { echo "scaling: there is no box $box" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
model=${RACAH_MODEL:-$work/off-small.racah} elements=${RACAH_ELEMENTS:-H O}
[ "${RACAH_MODEL:-}" ] || "$build/bench/make_shapes" "$work"
export OMP_NUM_THREADS=1

# The kernel's account of LAMMPS after the last step, VmHWM, is the peak; the shell passes on its own process id.
cat >"$work/in" <<END
units metal
boundary p p p
plugin load $build/racahplugin.so
read_data $box
replicate \${nx} \${ny} \${nz}
pair_style racah $*
pair_coeff * * $model $elements
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep 1e-7
fix motion all nve
run 0
run \${steps} pre no
run \${steps} pre no
run \${steps} pre no
shell cp /proc/\${pid}/status $work/status
END

: >"$out.json"
nx=1 ny=1 nz=1
while [ $((nx * ny * nz)) -le "${RACAH_MAX_CELLS:-512}" ]; do
    # Short runs see noise: at least 50 cells of steps, and the least of three runs.
    steps=$((50 / (nx * ny * nz) > 1 ? 50 / (nx * ny * nz) : 1))
    if ! ${RACAH_PREFIX:-} sh -c 'exec "$0" "$@" -var pid $$' "$build/lmp-racah" -in "$work/in" -log none \
        -var nx $nx -var ny $ny -var nz $nz -var steps $steps >"$work/out" 2>&1 </dev/null; then
        tail -n 20 "$work/out" >&2
        echo "scaling: LAMMPS failed" >&2
        exit 1
    fi
    awk -v steps=$steps -v box="$(basename "$box")" -v model="$(basename "$model")" -v style="racah${*:+ $*}" '
        /^Loop time of/ { t = 1e6 * $4; better = $9 > 0 && (us == 0 || t / $9 / $12 < us) }
        /^Loop time of/ && better { us = t / $9 / $12; atoms = $12 }
        /% CPU use/ && better { cpu = $1 + 0 }
        /^VmHWM:/ { kb = $2 }
        END {
            if (!(us > 0 && cpu > 0 && kb > 0)) exit 1
            printf "{\"bench\":\"scaling\",\"model\":\"%s\",\"pair_style\":\"%s\",\"box\":\"%s\",\"atoms\":%d,\"steps\":%d,\"us_per_atom_step\":%.4g,\"cpu_us_per_atom_step\":%.4g,\"peak_rss_kb\":%d}\n", model, style, box, atoms, steps, us, us * cpu / 100, kb
        }' "$work/out" "$work/status" >"$work/point" || { echo "scaling: no time or memory in LAMMPS' output" >&2; exit 1; }
    tee -a "$out.json" <"$work/point"
    if [ $nx = $ny ] && [ $ny = $nz ]; then nx=$((2 * nx)); elif [ $ny != $nx ]; then ny=$nx; else nz=$nx; fi
done

sed 's/.*"atoms":\([0-9]*\).*"us_per_atom_step":\([0-9.e+]*\),"cpu_us_per_atom_step":\([0-9.e+]*\),"peak_rss_kb":\([0-9]*\).*/\1 \2 \3 \4/' "$out.json" >"$work/points"
command -v gnuplot >/dev/null 2>&1 || { echo "scaling: gnuplot is not here, no picture" >&2; exit 0; }
gnuplot <<END
set terminal svg size 640,420 enhanced background rgb 'white'
set output '$out.svg'
set logscale xy2
set xlabel 'atoms'
set ylabel 'us/atom/step, one core'
set y2label 'peak memory, MB'
set yrange [0:*]
set ytics nomirror
set y2tics
set grid
set key bottom right
plot '$work/points' using 1:2 with linespoints pt 7 title 'time', '' using 1:3 with linespoints pt 6 title 'CPU time', \
     '' using 1:(\$4/1024) axes x1y2 with linespoints pt 5 title 'memory (right)'
END
