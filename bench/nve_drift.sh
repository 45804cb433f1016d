#!/bin/sh
# SPDX-License-Identifier: MIT
# Energy drift in LAMMPS: 512 silicon atoms at 300 K, 5 ps of equilibration, then 20 ps of NVE at 1 fs. The slope of the
# total energy by linear regression, in meV/atom/ps; exit code 1 above the limit.
#   sh bench/nve_drift.sh [MODEL.racah] [PAIR_STYLE_KEYWORDS...]     e.g.  data/models/silicon.racah precision single
# RACAH_BUILD_DIR the build folder, RACAH_RANKS MPI ranks (2), RACAH_LIMIT meV/atom/ps (0.002), RACAH_CELLS 4 for 512
# atoms, RACAH_EQUILIBRATION and RACAH_NVE steps (5000, 20000).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=${RACAH_BUILD_DIR:-$root/build}
build=$(cd "$build" && pwd -P)
model=${1:-$root/data/models/silicon.racah}
[ $# -gt 0 ] && shift
model=$(cd "$(dirname "$model")" && pwd -P)/$(basename "$model")
[ -r "$model" ] || { echo "nve_drift: there is no model file $model" >&2; exit 2; }
[ -x "$build/lmp-racah" ] || { echo "nve_drift: $build/lmp-racah was not built" >&2; exit 2; }
ranks=${RACAH_RANKS:-2} limit=${RACAH_LIMIT:-0.002} cells=${RACAH_CELLS:-4}
equilibration=${RACAH_EQUILIBRATION:-5000} nve=${RACAH_NVE:-20000}

work=$build/nve_drift
mkdir -p "$work"
cd "$work"
rm -f nve.txt
cat >in.nve <<END
units metal
atom_style atomic
boundary p p p
plugin load $build/racahplugin.so
lattice diamond 5.46
region box block 0 $cells 0 $cells 0 $cells
create_box 1 box
create_atoms 1 box
mass 1 28.0855
pair_style racah $*
pair_coeff * * $model Si
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep 0.001
# half of the kinetic energy goes into the lattice
velocity all create 600 90210 mom yes rot no dist gaussian loop geom
thermo_style custom step temp pe etotal press
thermo_modify format float %.12g
thermo 1000
fix thermostat all nvt temp 300 300 0.1
run $equilibration
unfix thermostat
reset_timestep 0
fix motion all nve
fix record all print 10 "\$(step*dt:%.6f) \$(etotal/atoms:%.15g) \$(temp:%.6f)" file nve.txt screen no title "# time/ps energy/(eV/atom) temperature/K"
run $nve
END

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# more ranks than cores: Open MPI 4, Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe OMP_NUM_THREADS=1
if ! mpirun -np "$ranks" "$build/lmp-racah" -in in.nve -log log.lammps </dev/null >screen.txt 2>&1; then
    tail -n 20 screen.txt >&2
    echo "nve_drift: LAMMPS failed; its output is in $work/screen.txt" >&2
    exit 2
fi

# Energies relative to the first, so that the sums keep their digits. The error of the slope is that of white noise.
awk -v limit="$limit" -v ranks="$ranks" -v nve="$nve" '
    FILENAME == "log.lammps" { if (/^Loop time of/) { wall = $4; steps = $9; atoms = $12 } next }
    /^#/ { next }
    { if (n == 0) e0 = $2
      t[n] = $1; e[n] = 1000 * ($2 - e0); st += t[n]; se += e[n]; temp += $3; n++ }
    END {
        if (n < 10 || steps != nve) { print "nve_drift: the NVE record is incomplete" > "/dev/stderr"; exit 2 }
        for (i = 0; i < n; i++) { x = t[i] - st / n; sxx += x * x; sxy += x * (e[i] - se / n) }
        slope = sxy / sxx
        for (i = 0; i < n; i++) { r = e[i] - se / n - slope * (t[i] - st / n); srr += r * r }
        size = slope < 0 ? -slope : slope
        passed = size <= limit
        printf "{\"bench\":\"nve_drift\",\"atoms\":%d,\"ps\":%g,\"temperature\":%.1f,\"drift_meV_per_atom_ps\":%.3g,\"error\":%.1g,", atoms, t[n - 1], temp / n, slope, sqrt(srr / (n - 2) / sxx)
        printf "\"fluctuation_meV_per_atom\":%.3g,\"limit\":%g,\"passed\":%s,\"ranks\":%d,\"us_per_atom_step\":%.2f}\n", sqrt(srr / n), limit, passed ? "true" : "false", ranks, 1e6 * wall / steps / atoms
        exit !passed
    }' log.lammps nve.txt
