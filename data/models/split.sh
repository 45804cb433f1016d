#!/bin/sh
# SPDX-License-Identifier: MIT
# Hold structures back where a data set has no test file: every K-th frame of FILE.xyz goes to NAME.test.xyz, the rest
# to NAME.train.xyz, both in the current folder. The files list one kind of structure after the other, so each kind is
# held back in proportion.
#   sh data/models/split.sh FILE.xyz K NAME
set -eu
[ $# -eq 3 ] || { echo "usage: sh data/models/split.sh FILE.xyz K NAME" >&2; exit 2; }
awk -v K="$2" -v name="$3" '
    left == 0 { frame++; left = $1 + 2; out = name (frame % K ? ".train.xyz" : ".test.xyz") }
    { print > out; left-- }' "$1"
