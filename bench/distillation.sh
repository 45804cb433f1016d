#!/bin/sh
# SPDX-License-Identifier: MIT
# What each step towards silicon.racah is worth, on structures held back: the table in data/models/silicon.md.
#   sh bench/distillation.sh TRAIN.xyz OUT.json      e.g. ... ../shared/data/si_train.xyz bench/results/distillation-silicon.json
# Every fourth structure of each config_type is held back; the others train variants of the configurations in data/models,
# and the student half its epochs. Writes one object a line, MAE in meV/atom and meV/A. Trainings are kept in the build
# folder (RACAH_BUILD_DIR) and not made again; all of them take some three hours of a core.
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

# try NAME CONFIG [EXPRESSION]: train it and judge it alone.
try()
{
    train "$@"
    judge "$1" "$1.racah"
}
# last RATE EPOCHS: another last training of the student.
last() { try "last-$1" silicon "$student; s/^lr:.*/lr: $1/; s/^epochs:.*/epochs: $2/"; }

r5='s/r_max: .*/r_max: 5.0/; s/channels: .*/channels: 40/'
r6='s/r_max: .*/r_max: 6.0/'
l2='s/l_hidden: .*/l_hidden: 2/; s/^seed:.*/seed: 3/'
try r5-path silicon_teacher 's/r_max: .*/r_max: 5.0/; s/weights: degree/weights: path/; /^E0s/d; s/^seed:.*/seed: 3/'
try r5 silicon_teacher "$r5"
try r5-short silicon_teacher "$r5; s/start: .*/start: 31/; s/^epochs:.*/epochs: 50/"
try r5-long silicon_teacher "$r5; s/start: .*/start: 181/; s/^epochs:.*/epochs: 250/"
try r5-sharp silicon_teacher "$r5; s/  bessel: .*/&\n  cutoff_p: 10/"
try r5-l2 silicon_teacher "s/r_max: .*/r_max: 5.0/; $l2"
try r5-l0 silicon_teacher "$r5; s/channels: .*/channels: 64/; s/l_hidden: .*/l_hidden: 0/"
try first silicon_teacher
try second silicon_teacher "$l2"
try third silicon_teacher "$r6"
try fourth silicon_teacher "$r6; $l2"
committee='first.racah second.racah third.racah fourth.racah'
judge committee $committee
[ -e student.racah ] || sh "$root/data/models/sample.sh" silicon learn.xyz silicon.sampled.xyz $committee >sample.log
try student silicon_student 's/start: .*/start: 37/; s/^epochs:.*/epochs: 60/'
student='s/^start_from:.*/start_from: student.racah/'
try last silicon "$student"
last 0.001 60
last 0.0004 60
last 0.0001 140
