#!/bin/sh
# SPDX-License-Identifier: MIT
# Set up (tests/setup.sh), then run every test. Arguments go to ctest:
#   sh tests/run.sh                all of them
#   sh tests/run.sh -L unit        one label (unit property golden package lammps cli slow)
#   sh tests/run.sh -R sph         by name
set -eu
cd "$(dirname "$0")/.."
build=${RACAH_BUILD_DIR:-build}
sh tests/setup.sh

# Containers and CI run as root; one BLAS thread, because the tests choose their own number of threads.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
# More ranks than cores, in Open MPI 4 and 5.
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
exec ctest --test-dir "$build" -j 2 --output-on-failure --no-tests=error "$@" </dev/null
