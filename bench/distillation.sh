#!/bin/sh
# SPDX-License-Identifier: MIT
# What each step towards silicon.racah is worth, on structures held back: the table in data/models/silicon.md.
#   sh bench/distillation.sh TRAIN.xyz OUT.json      e.g. ... ../shared/data/si_train.xyz bench/results/distillation-silicon.json
# Every fourth structure of each config_type is held back; the others train variants of the configurations in data/models,
# and the student half its epochs. Writes one object a line, MAE in meV/atom and meV/A. Trainings are kept in the build
# folder (RACAH_BUILD_DIR) and not made again; all of them take some two hours of a core.
# Exit codes: 0, 1 a run failed, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
[ $# -eq 2 ] || { sed -n '4p' "$0" >&2; exit 2; }
[ -r "$1" ] || { echo "distillation: there is no $1" >&2; exit 2; }
build=$(cd "${RACAH_BUILD_DIR:-$root/build}" && pwd -P)
work=$build/distillation
mkdir -p "$work"
awk -v work="$work" '
    left == 0 { left = $1 + 1; count = $0; next }
    count != "" { match($0, /config_type="[^"]*"/); kind = substr($0, RSTART, RLENGTH)
        out = work "/" (seen[kind]++ % 4 ? "learn" : "judge") ".xyz"; print count > out; count = "" }
    { print > out; left-- }' "$1"
: >"$2"
out=$(cd "$(dirname "$2")" && pwd -P)/$(basename "$2")
cd "$work"
export OPENBLAS_NUM_THREADS=1

# train NAME CONFIG [EXPRESSION]: CONFIG of data/models, changed by a sed expression, on the structures to learn from.
train()
{
    [ -e "$1.racah" ] && [ ! -e "$1.unfinished" ] && return
    : >"$1.unfinished"
    sed -e "s#\.\./shared/data/si_train.xyz#learn.xyz#; s/^output:.*/output: $1/" -e "${3:-}" "$root/data/models/$2.yaml" >"$1.yaml"
    "$build/racah" train "$1.yaml" >"$1.log" 2>&1 || { tail -n 5 "$1.log" >&2; exit 1; }
    rm "$1.unfinished"
}
# judge NAME MODEL...: a line of the mean of the models.
judge()
{
    name=$1
    shift
    "$build/racah" eval "$@" judge.xyz >"$name.eval"
    awk -v name="$name" '{ energy[$1] = $4; forces[$1] = $7 }
        END { printf "{\"bench\":\"distillation\",\"model\":\"%s\",\"energy\":%s,\"forces\":%s,\"energy_surface\":%s,\"energy_aimd\":%s,\"energy_vacancy\":%s,\"energy_elastic\":%s}\n",
            name, energy["all"], forces["all"], energy["Surface"], energy["AIMD-NVT"], energy["Vacancy"], energy["Elastic"] }' \
        "$name.eval" | tee -a "$out"
}

train before silicon_teacher 's/channels: .*/channels: 32/; s/weights: degree/weights: path/; /^E0s/d; s/^seed:.*/seed: 3/'
judge before before.racah
train first silicon_teacher
judge first first.racah
train short silicon_teacher 's/start: .*/start: 31/; s/^epochs:.*/epochs: 50/'
judge short short.racah
train long silicon_teacher 's/start: .*/start: 181/; s/^epochs:.*/epochs: 250/'
judge long long.racah
train second silicon_teacher_l2
judge second second.racah
judge first-second first.racah second.racah
judge first-second-before first.racah second.racah before.racah
[ -e student.racah ] || sh "$root/data/models/sample.sh" silicon learn.xyz silicon.sampled.xyz first.racah second.racah before.racah >sample.log
train student silicon_student 's/start: .*/start: 37/; s/^epochs:.*/epochs: 60/'
judge student student.racah
train last silicon 's/^start_from:.*/start_from: student.racah/'
judge last last.racah
train l0-64 silicon_teacher 's/channels: .*/channels: 64/; s/l_hidden: .*/l_hidden: 0/'
judge l0-64 l0-64.racah
train l0-96 silicon_teacher 's/channels: .*/channels: 96/; s/l_hidden: .*/l_hidden: 0/'
judge l0-96 l0-96.racah
