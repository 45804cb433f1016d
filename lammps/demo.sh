#!/bin/sh
# SPDX-License-Identifier: MIT
# Molecular dynamics of bulk silicon in LAMMPS on two MPI ranks with a shipped model, from a bare Debian or Ubuntu:
#   sh lammps/demo.sh [MODEL.racah]
# Installs what is missing, builds, runs in <build>/demo and prints a summary. Needs no terminal and, once the
# packages are there, no network. RACAH_DEMO_NVT and RACAH_DEMO_NVE change the numbers of steps.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
model=${1:-$root/data/models/silicon.racah}
case $model in /*) ;; *) model=$PWD/$model ;; esac
cd "$root"
build=${RACAH_BUILD_DIR:-build}
sh tests/setup.sh racahplugin lmp-racah
case $build in /*) ;; *) build=$root/$build ;; esac
[ -r "$model" ] || { echo "demo: there is no model file $model" >&2; exit 1; }
[ -x "$build/lmp-racah" ] || { echo "demo: lmp-racah was not built: $build/configure.log says why" >&2; exit 1; }

nvt=${RACAH_DEMO_NVT:-1500} nve=${RACAH_DEMO_NVE:-6000} ranks=2
mkdir -p "$build/demo"
cd "$build/demo"
rm -f nve.txt rdf.txt nve.dump rdf.svg rdf.png log.lammps
# Two ranks also on one core, and as root in a container.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# more ranks than cores: Open MPI 4, Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS=1
echo "demo: LAMMPS on $ranks MPI ranks, $nvt steps NVT + $nve steps NVE; log in $build/demo/log.lammps"
if ! mpirun -np $ranks "$build/lmp-racah" -in "$root/lammps/in.demo" -log log.lammps -var model "$model" \
    -var plugin "$build/racahplugin.so" -var nvt "$nvt" -var nve "$nve" </dev/null >screen.txt 2>&1; then
    tail -n 20 screen.txt >&2
    echo "demo: LAMMPS failed; its output is in $build/demo/screen.txt" >&2
    exit 1
fi
rm -f nve.dump

# Both runs report "Loop time of T on P procs for N steps with M atoms"; the second is NVE.
awk -v ranks=$ranks '
    FILENAME == "log.lammps" && /^Loop time of/ { if (++loops == 2) { wall = $4; steps = $9; atoms = $12 } next }
    FILENAME == "log.lammps" { next }
    /^#/ { next }
    { n++; t = $1; e = 1000 * $3; st += t; se += e; stt += t * t; temp += $2
      if (n == 1) e0 = e
      ste += t * (e - e0); sd += e - e0; see += (e - e0) ^ 2 }
    END {
        if (n < 3 || steps < 1) { print "demo: no NVE record was written" > "/dev/stderr"; exit 1 }
        slope = (n * ste - st * sd) / (n * stt - st * st)
        spread = see / n - (sd / n) ^ 2
        spread = spread > 0 ? sqrt(spread) : 0
        printf "\nSummary: %d silicon atoms, NVE for %.1f ps after NVT\n", atoms, steps / 1000
        printf "  mean temperature        %8.1f K\n", temp / n
        printf "  energy drift            %8.1e meV/atom/ps (regression), fluctuation %.1e meV/atom\n", slope, spread
        printf "  speed                   %8.1f us/atom/step on %d ranks (%.1f us/atom/step of one core)\n",
            1e6 * wall / steps / atoms, ranks, 1e6 * wall * ranks / steps / atoms
    }' log.lammps nve.txt

# rdf.txt: after the comments a line "step rows", then "row r g(r) coordination".
awk '!/^#/ && NF == 4 { print $2, $3 }' rdf.txt >gr.txt
awk '$2 > best { best = $2; at = $1 }
     END { printf "  first peak of g(r)      %8.2f A, height %.1f\n", at, best }' gr.txt
if command -v gnuplot >/dev/null 2>&1; then
    for kind in svg png; do
        terminal="svg size 720,440 background rgb 'white'"
        [ $kind = png ] && terminal="pngcairo size 1080,660 fontscale 1.2"
        gnuplot >gnuplot.txt 2>&1 <<END || { cat gnuplot.txt >&2; echo "demo: gnuplot made no $kind picture" >&2; }
set terminal $terminal
set output "rdf.$kind"
set title "Silicon at 300 K, racah in LAMMPS"
set xlabel "r (angstrom)"
set ylabel "g(r)"
set xrange [1.5:7.5]
set yrange [0:*]
set grid
plot "gr.txt" using 1:2 with lines linewidth 2 linecolor rgb "#1f5fa8" notitle
END
    done
    echo "  picture of g(r)         $build/demo/rdf.svg and rdf.png"
else
    echo "  picture of g(r)         not made: gnuplot is not installed; the numbers are in $build/demo/gr.txt"
fi
