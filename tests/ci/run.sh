#!/bin/sh
# SPDX-License-Identifier: MIT
# Stages of continuous integration that a user does not need (RACAH_CI=ON makes tests of them):
#   run.sh STAGE SOURCE BUILD
# build-PRESET   configure and build with a preset of CMakePresets.json, into BUILD/ci/PRESET; any warning fails
# tests-PRESET   its tests, but for those that only repeat other programs (LAMMPS, packages, benchmarks)
# answers        the clang build gives the answers of BUILD (tests/answers), with each OpenBLAS
# fuzz-TARGET    one minute of libFuzzer (RACAH_FUZZ_SECONDS)
# tsan           ThreadSanitizer on threads of the engine and the trainer (clang, which knows its own OpenMP)
# valgrind       memcheck of an evaluation and a short training; leaks too
set -eu
stage=$1 source=$2 build=$3 ci=$3/ci
mkdir -p "$ci"
cd "$source"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

quietly() { # the output only matters when it went wrong
    log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null || { tail -n 60 "$log"; echo "failed: $*"; exit 1; }
}

# clang's OpenMP runtime keeps a kilobyte of shared memory under the number of its process. Where a process died before
# it was filled, the next one that has the number (of this run, or of an earlier one on the machine) gets a bus error.
find /dev/shm -maxdepth 1 -name '__KMP_REGISTERED_LIB_*' -user "$(id -u)" -size 0 -delete 2>/dev/null || :

case $stage in
build-*)
    preset=${stage#build-}
    quietly "$ci/$preset.log" cmake -S . -B "$ci/$preset" --preset "$preset" -DRACAH_CI=OFF
    quietly "$ci/$preset.log" cmake --build "$ci/$preset"
    ;;
tests-*)
    preset=${stage#tests-}
    ctest --test-dir "$ci/$preset" -LE 'lammps|package|ci' -E '^bench|^answers' --output-on-failure --no-tests=error
    ;;
answers)
    for blas in build serial pthread openmp; do
        sh tests/answers/run.sh "$blas" "$build" "$source" "$ci/clang-release" || [ $? = 77 ]
    done
    ;;
fuzz-*)
    target=${stage#fuzz-}
    new=$ci/fuzz-$target
    mkdir -p "$new"
    seeds=
    [ -d "$build/tests/fuzz-seeds/$target" ] && seeds=$build/tests/fuzz-seeds/$target
    # an alarm of its own would count time in which the machine did something else
    quietly "$new.log" "$ci/clang-asan/tests/fuzz_$target" -max_total_time="${RACAH_FUZZ_SECONDS:-60}" -timeout=120 \
        -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix="$new-" "$new" "tests/fuzz/corpus/$target" $seeds
    grep -E 'number_of_executed_units|new_units_added' "$new.log"
    ;;
tsan)
    # OpenMP's own barriers are seen where its Archer tool is installed; else ThreadSanitizer would report each loop.
    archer=$(find /usr/lib/llvm-*/lib -name libarcher.so 2>/dev/null | sort -V | tail -n 1)
    cd "$ci"
    export TSAN_OPTIONS="ignore_noninstrumented_modules=1 halt_on_error=1"
    [ -z "$archer" ] || export OMP_TOOL_LIBRARIES="$archer"
    [ -n "$archer" ] || { echo "no libarcher.so: the race check is skipped"; exit 77; }
    quietly tsan.log clang-tsan/tests/answers "$source/data/models/silicon.racah" tsan-answers
    OMP_NUM_THREADS=2 quietly tsan.log clang-tsan/tests/test_train_run
    ;;
valgrind)
    cd "$ci"
    # nothing of ours may leak; OpenMP and OpenBLAS keep their pools ("still reachable")
    check="valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite"
    cat >train.xyz <<END
2
Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-9.1 pbc="T T T"
Si 0 0 0 0.1 0 0
Si 1.9 0.3 0 -0.1 0 0
2
Lattice="4 0 0 0 4 0 0 0 4" Properties=species:S:1:pos:R:3:forces:R:3 energy=-9.2 pbc="T T T"
Si 0 0 0 0 0.2 0
Si 2.1 0 0.3 0 -0.2 0
END
    cat >train.yaml <<END
train_file: train.xyz
valid_fraction: 0.5
r_max: 3
channels: 2
l_max: 1
l_hidden: 1
correlation: 2
radial: {mlp: [4]}
E0s: {Si: -4}
epochs: 2
threads: 2
output: valgrind
END
    rm -f valgrind.ckpt
    quietly valgrind.log $check "$build/racah" train train.yaml
    quietly valgrind.log $check "$build/racah" eval valgrind.racah train.xyz --out valgrind.xyz
    quietly valgrind.log $check "$build/racah" eval "$source/data/models/silicon.racah" train.xyz
    ;;
*) echo "no stage $stage" >&2; exit 2 ;;
esac
