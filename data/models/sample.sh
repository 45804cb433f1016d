#!/bin/sh
# SPDX-License-Identifier: MIT
# More structures for a small model to learn from (distillation): snapshots of molecular dynamics with the energies,
# forces and stresses of a committee.
#   sh data/models/sample.sh NAME TRAIN.xyz OUT.xyz MODEL [MODEL...]
# NAME is silicon. Every frame of TRAIN.xyz begins a run of the first model in its own cell (Langevin, 1 fs), at the
# temperature at which the ab initio data were made; OUT.xyz gets what the run passes and the mean labels of all models.
# The same command writes the same file. Its work is left in OUT.xyz.work; RACAH_BUILD_DIR is the build folder.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
[ $# -ge 4 ] || { echo "usage: sh data/models/sample.sh NAME TRAIN.xyz OUT.xyz MODEL [MODEL...]" >&2; exit 2; }
name=$1 train=$2 out=$3 first=$4
shift 3
case $name in
    silicon) element=Si mass=28.0855 ;;
    *) echo "sample: there is no recipe for $name" >&2; exit 2 ;;
esac
build=$(cd "${RACAH_BUILD_DIR:-$root/build}" && pwd -P)
[ -r "$train" ] || { echo "sample: there is no file $train" >&2; exit 2; }
work=$out.work
rm -rf "$work"
mkdir -p "$work"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# A data file and a run for each frame. LAMMPS wants the first edge along x and the second in the plane of x and y; a
# left-handed cell becomes its mirror image, which has the same energy.
awk -v work="$work" -v mass=$mass -v element=$element -v plugin="$build/racahplugin.so" -v model="$first" '
    function fail(what) {
        printf "sample: %s: frame %d %s\n", FILENAME, frame, what > "/dev/stderr"
        failed = 1
        exit 1
    }
    function dot(i, j) { return L[i] * L[j] + L[i + 1] * L[j + 1] + L[i + 2] * L[j + 2] }
    function run(   data, k, e, T, n, steps, start) {
        data = work "/" frame ".data"
        printf "frame %d\n\n%d atoms\n1 atom types\n\n0 %.12f xlo xhi\n0 %.12f ylo yhi\n0 %.12f zlo zhi\n%.12f %.12f %.12f xy xz yz\n", \
            frame, atoms, ax, by, cz, bx, cx, cy > data
        printf "\nMasses\n\n1 %s\n\nAtoms # atomic\n\n", mass > data
        for (k = 1; k <= atoms; k++) printf "%d 1 %s\n", k, place[k] > data
        close(data)
        # mlearn: 300 K, 0.5, 0.9 and 2 times the melting point, told apart by energy; strained crystals are nudged.
        # The melt differs most from one snapshot to the next, so it gets most of them.
        e = energy / atoms
        if (type == "Surface") { T = 300; n = 8 }
        else if (type == "Elastic") { T = 100; n = 1 }
        else if (e > -5.0) { T = 3400; n = 8 }
        else if (type == "Vacancy" || e < -5.35) { T = 300; n = 1 }
        else { T = e < -5.25 ? 850 : 1500; n = 2 }
        steps = T > 2000 ? 150 : 100
        start = T > 2000 ? T : 2 * T # a crystal gives half of it to its potential energy
        print "clear\nunits metal\natom_style atomic\nbox tilt large\nplugin load " plugin
        print "read_data " data "\npair_style racah\npair_coeff * * " model " " element "\nneighbor 0.5 bin\ntimestep 0.001"
        printf "velocity all create %d %d mom yes rot no dist gaussian\nfix move all nve\n", start, 4711 + frame
        printf "fix heat all langevin %d %d 0.1 %d\n", T, T, 9000 + frame
        for (k = 1; k <= n; k++) {
            print "run " steps
            print "write_dump all xyz " work "/snapshots.xyz modify sort id element " element " append yes"
            printf "%.12f 0 0 %.12f %.12f 0 %.12f %.12f %.12f\" config_type=\"%s\"\n", ax, bx, by, cx, cy, cz, type > (work "/cells")
        }
    }
    left == 0 { frame++; atoms = $1; left = atoms + 1; next }
    left == atoms + 1 {
        if (!match($0, /Lattice="[^"]*"/)) fail("has no Lattice")
        split(substr($0, RSTART + 9, RLENGTH - 10), L, " ")
        if (!match($0, /config_type="[^"]*"/)) fail("has no config_type in quotes")
        type = substr($0, RSTART + 13, RLENGTH - 14)
        if (!match($0, / energy=[^ ]*/)) fail("has no energy")
        energy = substr($0, RSTART + 8, RLENGTH - 8)
        ax = sqrt(dot(1, 1)); bx = dot(1, 4) / ax; by = sqrt(dot(4, 4) - bx * bx)
        cx = dot(1, 7) / ax; cy = (dot(4, 7) - bx * cx) / by; cz = sqrt(dot(7, 7) - cx * cx - cy * cy)
        left--; next
    }
    {
        # fractional coordinates by Cramer in the cell of the file, then positions in that of LAMMPS
        det = L[1] * (L[5] * L[9] - L[6] * L[8]) - L[2] * (L[4] * L[9] - L[6] * L[7]) + L[3] * (L[4] * L[8] - L[5] * L[7])
        f1 = ($2 * (L[5] * L[9] - L[6] * L[8]) - $3 * (L[4] * L[9] - L[6] * L[7]) + $4 * (L[4] * L[8] - L[5] * L[7])) / det
        f2 = (L[1] * ($3 * L[9] - $4 * L[8]) - L[2] * ($2 * L[9] - $4 * L[7]) + L[3] * ($2 * L[8] - $3 * L[7])) / det
        f3 = (L[1] * (L[5] * $4 - L[6] * $3) - L[2] * (L[4] * $4 - L[6] * $2) + L[3] * (L[4] * $3 - L[5] * $2)) / det
        f1 -= int(f1); f2 -= int(f2); f3 -= int(f3)
        place[atoms + 1 - left] = sprintf("%.12f %.12f %.12f", f1 * ax + f2 * bx + f3 * cx, f2 * by + f3 * cy, f3 * cz)
        if (--left == 0) run()
    }
    END { if (left && !failed) fail("ends early") }' "$train" >"$work/in.sample"
"$build/lmp-racah" -in "$work/in.sample" -log "$work/log.sample" </dev/null >"$work/screen.sample" 2>&1 ||
    { tail -n 20 "$work/screen.sample" >&2; echo "sample: LAMMPS failed; see $work/screen.sample" >&2; exit 1; }
awk -v cells="$work/cells" '
    left == 0 { left = $1 + 2 }
    /^ ?Atoms/ { getline cell < cells; print "Lattice=\"" cell " Properties=species:S:1:pos:R:3 pbc=\"T T T\""; left--; next }
    { print; left-- }' "$work/snapshots.xyz" >"$work/unlabelled.xyz"
"$build/racah" eval "$@" "$work/unlabelled.xyz" --out "$work/labelled.xyz"
sed 's/racah_energy=/energy=/; s/racah_forces:/forces:/; s/racah_stress=/stress=/' "$work/labelled.xyz" >"$out"
