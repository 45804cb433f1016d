#!/bin/sh
# SPDX-License-Identifier: MIT
# What each form of path-weight sharing, coupling family and hidden degree is worth: the same training for every
# combination, errors on structures held back, and the time of a step with every algorithm that computes the model.
#   sh bench/ablation.sh NAME TRAIN.xyz TEST.xyz BOX OUT [KEY=VALUE...]
# NAME names the folder of the trainings in the build folder; runs that are done there are not repeated, so that it may
# be stopped and started again. BOX is what is timed (LAMMPS data or extended XYZ). KEY=VALUE lists what is varied:
#   weights="path degree shared"  family="component gaunt"  l_hidden="0 1 2"  channels="16 32"
# and one line for each other key of the training configuration, e.g. epochs=60 energy_weight=2000.
# Writes OUT.json (one object a line) and, with gnuplot, OUT.svg: force error against us/atom/step of the fastest
# algorithm, with the front that nothing is below of. RACAH_BUILD_DIR is the build folder. One thread.
# Exit codes: 0, 1 a run failed, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=$(cd "${RACAH_BUILD_DIR:-$root/build}" && pwd -P)
[ $# -ge 5 ] || { sed -n '3,5p' "$0" >&2; exit 2; }
name=$1 train=$2 test=$3 box=$4 out=$5
shift 5
for file in "$train" "$test" "$box"; do [ -r "$file" ] || { echo "ablation: there is no $file" >&2; exit 2; }; done
absolute() { echo "$(cd "$(dirname "$1")" && pwd -P)/$(basename "$1")"; }
train=$(absolute "$train") test=$(absolute "$test") box=$(absolute "$box") out=$(absolute "$out")
all_weights='path degree shared' families='component gaunt' hidden='0 1 2' channels='16 32' more=
for pair; do
    case $pair in
        weights=*) all_weights=${pair#*=} ;;
        family=*) families=${pair#*=} ;;
        l_hidden=*) hidden=${pair#*=} ;;
        channels=*) channels=${pair#*=} ;;
        *=*) more="$more${pair%%=*}: ${pair#*=}
" ;;
        *) echo "ablation: $pair is not KEY=VALUE" >&2; exit 2 ;;
    esac
done
work=$build/ablation/$name
mkdir -p "$work"
cd "$work"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# number KEY FILE: the first number of that key of a JSON file
number() { sed -n "s/.*\"$1\": *\(-\{0,1\}[0-9][0-9.e+-]*\).*/\1/p" "$2" | head -n 1; }

run()
{
    stem=c$4-h$3-$1-$2
    cat >"$stem.yaml" <<END
train_file: $train
output: $stem
weights: $1
family: $2
l_hidden: $3
channels: $4
seed: 1
threads: 1
$more
END
    "$build/racah" train "$stem.yaml" >"$stem.log" 2>&1 || { tail -n 5 "$stem.log" >&2; exit 1; }
    "$build/racah" eval "$stem.racah" "$test" --json "$stem.eval" >/dev/null
    best='' times=''
    for method in cg so2 gaunt grid cp; do
        rc=0
        "$build/racah" bench model "$stem.racah" --box "$box" --method $method --seconds 1 --json "$stem.bench" \
            >/dev/null 2>"$stem.refused" || rc=$?
        [ $rc != 2 ] || continue # no algorithm for these weights and family
        [ $rc = 0 ] || { cat "$stem.refused" >&2; exit 1; }
        us=$(number us_per_atom_step_min "$stem.bench")
        times="$times${times:+,}\"$method\":$us"
        best=$(echo "$us $method $best" | awk '{ if (NF < 4 || $1 < $3) print $1, $2; else print $3, $4 }')
    done
    parameters=$(sed -n 's/.*model: \([0-9]*\) parameters.*/\1/p' "$stem.log" | head -n 1)
    printf '{"bench":"ablation","data":"%s","weights":"%s","family":"%s","l_hidden":%d,"channels":%d,"parameters":%d,"forces_rmse":%.6g,"energy_rmse":%.6g,"us_per_atom_step":%.4g,"method":"%s","times":{%s}}\n' \
        "$name" "$1" "$2" "$3" "$4" "$parameters" "$(number forces_rmse "$stem.eval")" "$(number energy_rmse "$stem.eval")" \
        "${best% *}" "${best#* }" "$times" | tee -a "$out.json"
}

: >"$out.json"
for c in $channels; do for h in $hidden; do for w in $all_weights; do for f in $families; do run $w $f $h $c; done; done; done; done

command -v gnuplot >/dev/null 2>&1 || { echo "ablation: gnuplot is not here, no picture" >&2; exit 0; }
# x, y, sharing, family, degree, channels
sed 's/.*"weights":"\([a-z]*\)","family":"\([a-z]*\)","l_hidden":\([0-9]*\),"channels":\([0-9]*\),.*"forces_rmse":\([^,]*\),.*"us_per_atom_step":\([^,]*\),.*/\6 \5 \1 \2 \3 \4/' \
    "$out.json" | sort -g >points
awk 'NR == 1 || $2 < low { print; low = $2 }' points >front
plots="'front' using 1:(1e3*\$2) with steps linecolor rgb 'gray' title 'nothing is better'"
shape=5
for w in $all_weights; do
    colour=1
    for f in $families; do
        plots="$plots, '< grep \" $w $f \" points' using 1:(1e3*\$2):(sprintf(\"%s, %s\", stringcolumn(6), stringcolumn(5))) with labels point pointtype $shape linecolor $colour offset 1,0.5 left font ',9' title '$w, $f'"
        colour=$((colour + 1))
    done
    shape=$((shape + 2))
done
gnuplot <<END
set terminal svg size 760,480 enhanced background rgb 'white'
set output '$out.svg'
set title '$name; labels: channels, hidden degree'
set xlabel 'us/atom/step, one core, fastest algorithm'
set ylabel 'force rmse, meV/A'
set key outside right
set grid
set logscale x
set xtics (1, 2, 5, 10, 20, 50, 100, 200, 500)
set xrange [$(awk 'NR == 1 { low = $1 } { high = $1 } END { print 0.8 * low ":" 1.5 * high }' points)]
plot $plots
END
