#!/bin/sh
# SPDX-License-Identifier: MIT
# Error on structures held back against the number of structures trained on, with one configuration.
#   sh bench/learning_curve.sh CONFIG.yaml TRAIN.xyz TEST.xyz OUT N [N...]      e.g. ... 50 100 200 450
# Of CONFIG.yaml all but train_file and output holds (its paths from the root of the project); each training takes N of
# TRAIN.xyz, evenly over the file, and the same number of optimiser steps: its epochs are the configuration's for the
# largest N, more for fewer structures (so with the start of stage two). Writes OUT.json (one object a line) and, with gnuplot, OUT.svg.
# Trainings are kept in the build folder (RACAH_BUILD_DIR), and go on there when started again.
# Exit codes: 0, 1 a run failed, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=$(cd "${RACAH_BUILD_DIR:-$root/build}" && pwd -P)
[ $# -ge 5 ] || { sed -n '4p' "$0" >&2; exit 2; }
config=$1 train=$2 test=$3 out=$4
shift 4
for file in "$config" "$train" "$test"; do [ -r "$file" ] || { echo "learning_curve: there is no $file" >&2; exit 2; }; done
epochs=$(sed -n 's/^epochs: *\([0-9]*\).*/\1/p' "$config")
[ -n "$epochs" ] || { echo "learning_curve: $config has no epochs" >&2; exit 2; }
# a file of isolated atoms stays beside the structures
isolated=$(sed -n 's/^train_file: *\[.*, *\([^]]*isolated[^]]*\)\].*/\1/p' "$config")
most=0
for n; do [ "$n" -le $most ] || most=$n; done
name=$(basename "$config" .yaml)
work=$build/learning_curve/$name
mkdir -p "$work"
export OPENBLAS_NUM_THREADS=1

: >"$out.json"
for n; do
    awk -v N="$n" '
        FNR == NR { if (left == 0) { frames++; left = $1 + 2 } left--; next }
        { if (rest == 0) { k++; rest = $1 + 2; keep = int(k * N / frames) > int((k - 1) * N / frames) } if (keep) print; rest-- }
        END { if (N > frames) exit 1 }' "$train" "$train" >"$work/$n.xyz" ||
        { echo "learning_curve: $train has fewer than $n structures" >&2; exit 2; }
    { sed '/^train_file:/d; /^output:/d; /^epochs:/d' "$config" |
          awk -v most=$most -v n="$n" '/^  start:/ { $0 = "  start: " int(1 + ($2 - 1) * most / n) } { print }'
      echo "train_file: [$work/$n.xyz${isolated:+, $isolated}]"
      echo "output: $work/$n"
      echo "epochs: $((epochs * most / n))"
    } >"$work/$n.yaml"
    (cd "$root" && "$build/racah" train "$work/$n.yaml") >"$work/$n.log" 2>&1 || { tail -n 5 "$work/$n.log" >&2; exit 1; }
    "$build/racah" eval "$work/$n.racah" "$test" --json "$work/$n.eval" >/dev/null
    awk -v name="$name" -v n="$n" '/_(mae|rmse)"/ && !done { gsub(/[",:]/, ""); v[$1] = $2 } /forces_rmse/ { done = 1 }
        END { printf "{\"bench\":\"learning_curve\",\"config\":\"%s\",\"structures\":%d,\"forces_rmse\":%s,\"energy_rmse\":%s}\n", name, n, v["forces_rmse"], v["energy_rmse"] }' \
        "$work/$n.eval" | tee -a "$out.json"
done

command -v gnuplot >/dev/null 2>&1 || { echo "learning_curve: gnuplot is not here, no picture" >&2; exit 0; }
sed 's/.*"structures":\([0-9]*\),"forces_rmse":\([^,]*\),.*/\1 \2/' "$out.json" >"$work/points"
gnuplot <<END
set terminal svg size 560,400 enhanced background rgb 'white'
set output '$out.svg'
set logscale xy
set xlabel 'structures trained on'
set ylabel 'force rmse on structures held back, meV/A'
set grid
set key off
plot '$work/points' using 1:(1e3*\$2) with linespoints pointtype 7, '' using 1:(1e3*\$2):(sprintf('%.1f', 1e3*\$2)) with labels offset 2,0.7
END
