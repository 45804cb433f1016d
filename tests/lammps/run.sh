#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the LAMMPS pair style by real LAMMPS runs, judged by `compare` against the C API and each other.
#   run.sh CASE BUILD_DIR SOURCE_DIR      CASE: ranks differences hybrid matrix routes errors guard
#                                         memory compare sample
# Works in BUILD_DIR/tests/lammps-CASE; ends with "N passed, N failed". RACAH_LMP: another program than lmp-racah, which
# must have the PLUGIN package and find racahplugin.so in LD_LIBRARY_PATH.
set -eu
which=$1 build=$2 here=$3/tests/lammps source=$3
bin=$build/tests work=$build/tests/lammps-$which lmp=${RACAH_LMP:-$build/lmp-racah}
rm -rf "$work"
mkdir -p "$work"
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# more ranks than cores: Open MPI 4, Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMPI_MCA_btl_vader_single_copy_mechanism=none OMP_NUM_THREADS=1
passed=0 failed=0

good() { passed=$((passed + 1)); echo "ok      $1"; }
bad() { # name, file to show
    failed=$((failed + 1))
    echo "FAILED  $1"
    [ -z "${2:-}" ] || tail -n 25 "$2" | sed 's/^/    | /'
}
has() { "$1" -h 2>/dev/null | grep -qw "$2"; } # program package
try() { # name command...
    name=$1
    shift
    if "$@" >"check-$passed-$failed.txt" 2>&1; then good "$name"; else bad "$name" "check-$passed-$failed.txt"; fi
}

# Two elements and three layers; one element; the same two elements with other weights and another width, or with
# all options of imported models.
models() {
    "$bin/lammps_make_model" three.racah 1 3 2 5 C Si
    "$bin/lammps_make_model" silicon.racah 2 2 1 16 Si
    "$bin/lammps_make_model" other.racah 3 2 0 7 C Si
    "$bin/lammps_make_model" options.racah 4 2 1 6 +options C Si
}
data() { awk -f "$here/make_data.awk" -v kind="$1" -v types="$2" >"$1$2.data"; }

# script NAME STRUCTURE POTENTIAL: NAME.in computes STRUCTURE.data and writes NAME.dump and NAME.thermo with all digits.
# The variables units, processors, load, extra (before the run) and steps change the default.
script() {
    boundary="p p p"
    case $2 in slab*) boundary="p p f" ;; esac
    cat >"$1.in" <<END
units ${units:-metal}
boundary $boundary
processors ${processors:-* * *}
box tilt large
${load-plugin load racahplugin.so}
read_data $2.data
mass 1 28.0855
$(case $2 in *2) echo "mass 2 12.011" ;; esac)
$3
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
compute e all pe/atom
compute s all stress/atom NULL virial
compute v all pressure NULL virial
# The sums make LAMMPS tally per-atom values in the last step.
compute sums all reduce sum c_e c_s[1]
thermo_style custom step temp pe etotal c_v[1] c_v[2] c_v[3] c_v[4] c_v[5] c_v[6] c_sums[1]
thermo 10
${extra:-}
run ${steps:-0}
write_dump all custom $1.dump id type x y z fx fy fz c_e c_s[1] c_s[2] c_s[3] c_s[4] c_s[5] c_s[6] &
    modify sort id format float %.17g
print "\$(pe:%.17g) \$(c_v[1]:%.17g) \$(c_v[2]:%.17g) \$(c_v[3]:%.17g) \$(c_v[4]:%.17g) \$(c_v[5]:%.17g) \$(c_v[6]:%.17g)" &
    file $1.thermo
END
}
# launch NAME RANKS: output in NAME.out
launch() {
    rm -f "$1.dump" "$1.thermo"
    if [ "$2" = 1 ]; then
        ${program:-"$lmp"} -in "$1.in" -log none ${options:-} >"$1.out" 2>&1 </dev/null
    else
        mpirun -np "$2" ${program:-"$lmp"} -in "$1.in" -log none ${options:-} >"$1.out" 2>&1 </dev/null
    fi
}
# api NAME RANKS MODEL LOOSE ELEMENT...: run NAME.in and compare with the C API
api() {
    n=$1 np=$2 m=$3 loose=$4
    shift 4
    if launch "$n" "$np"; then
        try "$n, $np rank(s), equals the C API" \
            "$bin/lammps_compare" api "$m" "$n" "${units:-metal}" "${precision:-double}" "$loose" "$@"
    else
        bad "$n, $np rank(s): LAMMPS failed" "$n.out"
    fi
}

case_ranks() {
    models
    for s in ortho1 tric1 slab1 tric2 gas1 prim1 one1; do
        types=${s#"${s%?}"}
        data "${s%?}" "$types"
        if [ "$types" = 1 ]; then elements="Si"; else elements="Si C"; fi
        for np in 1 2 4; do
            # the slab leaves ranks without atoms, and so does cutting the small cell
            processors=
            [ "$s" = slab1 ] && processors="1 1 $np"
            script "$s-$np" "$s" "pair_style racah
pair_coeff * * three.racah $elements"
            api "$s-$np" "$np" three.racah 1 $elements
            [ "$np" = 1 ] || try "$s, $np ranks equal one" "$bin/lammps_compare" same "$s-$np" "$s-1" metal 1
        done
    done
    processors=
    # Single precision: rows of an odd number of floats, sums in another order.
    for np in 1 2 4; do
        script "single-$np" tric2 "pair_style racah precision single
pair_coeff * * three.racah Si C"
        precision=single
        api "single-$np" "$np" three.racah 1e4 Si C
        precision=
    done
    for np in 1 2 4; do
        script "options-$np" tric2 "pair_style racah
pair_coeff * * options.racah Si C"
        api "options-$np" "$np" options.racah 1 Si C
    done
    for np in 1 2 4; do
        # Two types of one element, and a model with more elements than are used.
        script "one_element-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si Si"
        api "one_element-$np" "$np" three.racah 1 Si Si
        # Threads change nothing at all.
        script "threads-$np" tric2 "pair_style racah threads 2
pair_coeff * * three.racah Si C"
        api "threads-$np" "$np" three.racah 1 Si C
    done
    # stress/atom against a sum over edges from energies alone: which end gets what is wrong in no total.
    data prim 2
    data gas 2
    for s in prim2 gas2; do
        for np in 1 2 4; do
            script "split-$s-$np" "$s" "pair_style racah
pair_coeff * * three.racah Si C"
            if launch "split-$s-$np" "$np"; then
                try "stress/atom of $s is the edge sum, $np rank(s)" \
                    "$bin/lammps_compare" edges three.racah "split-$s-$np" metal Si C
            else
                bad "split-$s-$np: LAMMPS failed" "split-$s-$np.out"
            fi
        done
    done
    # Atoms moving between ranks, lists rebuilt: the last step must be as right as the first.
    steps=60
    extra="velocity all create 3000 4711 loop geom
fix 1 all nve
timestep 0.001"
    for grid in brick tiled; do
        balance=
        [ $grid = tiled ] && balance="comm_style tiled
fix b all balance 20 1.0 rcb"
        for np in 1 2 4; do
            script "md-$grid-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C
$balance"
            api "md-$grid-$np" "$np" three.racah 1 Si C
            if awk '/Neighbor list builds/ { n = $NF } END { exit !(n >= 2) }' "md-$grid-$np.out"; then
                good "md-$grid-$np rebuilt its lists"
            else
                bad "md-$grid-$np never rebuilt its lists" "md-$grid-$np.out"
            fi
        done
    done
    steps= extra=
}

# strained COMPONENT STRAIN: the command that gives the box and its atoms this strain against the first one
strained() {
    tilt() { echo "$1 final \$(v_${1}0+($2):%.17g)"; }
    end() { echo "$1 final \$(v_${1}lo0:%.17g) \$(v_${1}lo0+v_l${1}0*(1+($2)):%.17g)"; }
    case $1 in
    x) change="$(end x "$2") $(tilt xy "v_xy0*$2") $(tilt xz "v_xz0*$2")" ;;
    y) change="$(end y "$2") $(tilt yz "v_yz0*$2")" ;;
    z) change=$(end z "$2") ;;
    xy) change="$(tilt xy "v_ly0*$2") $(tilt xz "v_yz0*$2")" ;;
    xz) change=$(tilt xz "v_lz0*$2") ;;
    yz) change=$(tilt yz "v_lz0*$2") ;;
    esac
    echo "change_box all $change remap units box"
}
# differs NAME RANKS: the run of NAME.in, prepared by script, goes on with displaced atoms and strained boxes: forces and
# pressure are the derivatives of the energies that LAMMPS itself prints, whoever computes them.
differs() {
    h=0.0002
    {
        echo "print \"volume \$(vol:%.17g)\" file $1.fd"
        energy="print \"value \$(pe:%.17g)\" append $1.fd"
        for id in 2 17; do
            echo "group moved id $id"
            for way in "$h 0 0" "0 $h 0" "0 0 $h"; do
                back=$(echo "$way" | sed "s/$h/-$h/")
                printf '%s\n' "displace_atoms moved move $way units box" "run 0" "$energy" \
                    "displace_atoms moved move $back units box" "displace_atoms moved move $back units box" "run 0" "$energy" \
                    "displace_atoms moved move $way units box"
            done
            echo "group moved delete"
        done
        for v in xlo ylo zlo lx ly lz xy xz yz; do echo "variable ${v}0 equal \$($v:%.17g)"; done
        for way in x y z xy xz yz; do
            strained "$way" $h
            printf '%s\n' "run 0" "$energy"
            strained "$way" -$h
            printf '%s\n' "run 0" "$energy"
            strained "$way" 0
        done
    } >>"$1.in"
    rm -f "$1.fd"
    launch "$1" "$2" || { bad "$1: LAMMPS failed" "$1.out"; return; }
    # central differences: the h^2 term and the digits of the total energy leave less than 1e-5 eV/A
    if awk -v h=$h '
        FILENAME ~ /dump$/ { if (FNR > 9 && ($1 == 2 || $1 == 17)) for (a = 0; a < 3; a++) want[k++] = $(6 + a); next }
        FILENAME ~ /thermo$/ { for (a = 0; a < 6; a++) p[a] = $(2 + a) / 1.6021765e6; next }
        $1 == "volume" { for (a = 0; a < 6; a++) want[k++] = p[a] * $2; next }
        { e[n++] = $2 }
        END {
            for (i = 0; i < k; i++) {
                got = -(e[2 * i] - e[2 * i + 1]) / (2 * h); d = got - want[i]; d = d < 0 ? -d : d
                size = want[i] < 0 ? -want[i] : want[i]
                if (!(d <= worst[i > 5])) worst[i > 5] = d
                if (size > most[i > 5]) most[i > 5] = size
            }
            printf "forces to %.1e of %.2f eV/A, virial to %.1e of %.2f eV\n", worst[0], most[0], worst[1], most[1]
            exit !(k == 12 && n == 24 && worst[0] < 1e-5 * (1 + most[0]) && worst[1] < 2e-5 * (1 + most[1]) && most[0] > 0.1 && most[1] > 0.1)
        }' "$1.dump" "$1.thermo" "$1.fd" >"$1.diff"; then
        good "$1: differences, $(cat "$1.diff")"
    else
        bad "$1: differences" "$1.diff"
    fi
}

case_differences() {
    models
    data tric 2
    for np in 1 2 4; do
        script "plain-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C"
        differs "plain-$np" "$np"
        script "options-$np" tric2 "pair_style racah
pair_coeff * * options.racah Si C"
        differs "options-$np" "$np"
        script "mixed-$np" tric2 "pair_style hybrid/overlay zbl 3.0 4.0 racah racah
pair_coeff * * zbl 14 14
pair_coeff 2 2 zbl 6 6
pair_coeff * * racah 1 other.racah Si NULL
pair_coeff * * racah 2 three.racah Si C"
        differs "mixed-$np" "$np"
        script "tiled-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C
comm_style tiled
balance 1.0 rcb"
        differs "tiled-$np" "$np"
    done
}

case_hybrid() {
    models
    data tric 2
    data ortho 1
    for np in 1 2 4; do
        script "null-$np" tric2 "pair_style hybrid racah lj/cut 4.0
pair_coeff * * racah three.racah Si NULL
pair_coeff 1 2 lj/cut 0.0 1.0
pair_coeff 2 2 lj/cut 0.0 1.0"
        api "null-$np" "$np" three.racah 1 Si NULL
        # And what the other style gives for the other pairs is added, not lost.
        script "lj-$np" tric2 "pair_style lj/cut 4.0
pair_coeff 1 1 0.0 1.0
pair_coeff 1 2 0.01 2.3
pair_coeff 2 2 0.02 2.1"
        script "hybrid-$np" tric2 "pair_style hybrid racah lj/cut 4.0
pair_coeff * * racah three.racah Si NULL
pair_coeff 1 2 lj/cut 0.01 2.3
pair_coeff 2 2 lj/cut 0.02 2.1"
        launch "lj-$np" "$np" && launch "hybrid-$np" "$np" || bad "hybrid runs"
        try "hybrid with lj/cut is the sum, $np rank(s)" \
            "$bin/lammps_compare" sum "hybrid-$np" "null-$np" "lj-$np" metal 1
        # Overlays must be the sum of their parts; the wider racah comes second, so buffers sized for the first break.
        zbl="zbl 3.0 4.0"
        script "zbl-$np" ortho1 "pair_style $zbl
pair_coeff * * 14 14"
        script "part-$np" ortho1 "pair_style racah
pair_coeff * * silicon.racah Si"
        script "overlay-$np" ortho1 "pair_style hybrid/overlay zbl 3.0 4.0 racah
pair_coeff * * zbl 14 14
pair_coeff * * racah silicon.racah Si"
        launch "zbl-$np" "$np" && launch "part-$np" "$np" && launch "overlay-$np" "$np" || bad "overlay runs"
        try "overlay with zbl is the sum, $np rank(s)" \
            "$bin/lammps_compare" sum "overlay-$np" "part-$np" "zbl-$np" metal 1
        script "first-$np" tric2 "pair_style racah
pair_coeff * * other.racah Si C"
        script "second-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C"
        script "both-$np" tric2 "pair_style hybrid/overlay racah racah
pair_coeff * * racah 1 other.racah Si C
pair_coeff * * racah 2 three.racah Si C"
        launch "first-$np" "$np" && launch "second-$np" "$np" && launch "both-$np" "$np" || bad "two instances: runs"
        try "two racah styles overlaid are the sum, $np rank(s)" \
            "$bin/lammps_compare" sum "both-$np" "first-$np" "second-$np" metal 1
        # Atoms outside the included group take no part, on any rank. LAMMPS does not clear their forces itself.
        extra="group some type 1
group others type 2
fix zero others setforce 0 0 0
atom_modify first some
neigh_modify include some"
        script "include-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C"
        extra=
        api "include-$np" "$np" three.racah 1 Si NULL
    done
    units=real
    for np in 1 2 4; do
        script "real-$np" tric2 "pair_style racah
pair_coeff * * three.racah Si C"
        api "real-$np" "$np" three.racah 1 Si C
    done
    units=
}

# Whatever LAMMPS does to atoms and box, the energy and forces of what it ends with must be those of the C API.
case_matrix() {
    models
    data tric 2
    potential="pair_style racah
pair_coeff * * three.racah Si C"
    heat="velocity all create 2000 4711 loop geom"
    after() { # NAME STEPS COMMANDS
        extra=$3 steps=$2
        for np in 1 2 4; do
            script "$1-$np" tric2 "$potential"
            api "$1-$np" "$np" three.racah 1 Si C
        done
        extra= steps=
    }
    after minimise 0 "minimize 0 1e-4 20 60"
    after boxrelax 0 "fix r all box/relax tri 0.0
minimize 0 1e-4 10 40
unfix r"
    after npt_iso 25 "$heat
fix 1 all npt temp 2000 1000 0.1 iso 0 0 0.5"
    after npt_tri 25 "$heat
fix 1 all npt temp 2000 1000 0.1 tri 0 0 0.5"
    # The thermostat adds its own forces: without it for the last one.
    after langevin 0 "$heat
group some id 1:20
fix 1 all nve
fix 2 some langevin 1000 1000 0.1 4711
run 25
unfix 2"
    after removed 10 "run 3
group gone id 3 11 20:30
delete_atoms group gone compress no
$heat
fix 1 all nve"
    after created 5 "run 3
group gone id 5
delete_atoms group gone compress no
create_atoms 2 single $(awk '/^Atoms/ { a = 1 } a && $1 == 5 { print $3 + 0.05, $4, $5 }' tric2.data)
$heat
fix 1 all nve"
    after sorted 30 "atom_modify sort 5 2.0
$heat
fix 1 all nve"
    for style in charge full; do
        awk -f "$here/make_data.awk" -v kind=tric -v types=2 -v style=$style >"${style}2.data"
        load="plugin load racahplugin.so
atom_style $style"
        for np in 1 2 4; do
            script "$style-$np" "${style}2" "$( [ $style = full ] && echo 'special_bonds lj/coul 1 1 1')
bond_style zero
bond_coeff * 1.5
$potential"
            [ $style = charge ] && { sed -i '/^bond_/d' "charge-$np.in"; }
            api "$style-$np" "$np" three.racah 1 Si C
        done
        unset load
    done
    # Pairs taken out of the list: atoms of the two types know nothing of each other.
    extra="neigh_modify exclude type 1 2"
    for np in 1 2 4; do
        script "exclude-$np" tric2 "$potential"
        launch "exclude-$np" "$np" || bad "exclude-$np" "exclude-$np.out"
        try "exclude type 1 2, $np rank(s), is each type alone" \
            "$bin/lammps_compare" apart three.racah "exclude-$np" metal 1 Si C
    done
    extra=
    options="-sf opt"
    script suffix tric2 "$potential"
    api suffix 2 three.racah 1 Si C
    options=
    # A restarted run ends where the uninterrupted one does.
    extra="$heat
fix 1 all nve" steps=20
    script whole tric2 "$potential"
    launch whole 2 || bad "run of 20 steps" whole.out
    extra="$heat
fix 1 all nve
run 10
write_restart half.restart" steps=0
    script half tric2 "$potential"
    launch half 2 || bad "run of 10 steps and write_restart" half.out
    extra="fix 1 all nve" steps=10
    for np in 1 2 4; do # of two ranks, read by others: sums in another order, so ten times the tolerance after 20 steps
        script "rest-$np" tric2 "$potential"
        sed -i 's/^read_data .*/read_restart half.restart/; /^mass/d; /^units/d; /^boundary/d; /^box/d' "rest-$np.in"
        launch "rest-$np" "$np" || bad "read_restart" "rest-$np.out"
        try "restarted run equals the uninterrupted one, $np rank(s)" \
            "$bin/lammps_compare" same "rest-$np" whole metal 10
    done
    extra= steps=
}

case_routes() {
    models
    data tric 2
    potential="pair_style racah
pair_coeff * * three.racah Si C"
    script base tric2 "$potential"
    api base 1 three.racah 1 Si C
    # From standard input.
    script stdin tric2 "$potential"
    "$lmp" -log none <stdin.in >stdin.out 2>&1 || bad "standard input" stdin.out
    try "input from standard input" "$bin/lammps_compare" same stdin base metal 1
    # Two worlds in one mpirun.
    sed 's/base\./world${w}./' base.in >world.in
    sed -i '1i variable w world 1 2' world.in
    for size in 1 2; do
        rm -f world1.* world2.*
        mpirun -np $((2 * size)) "$lmp" -partition 2x$size -in world.in -log none -screen none >world.out 2>&1 </dev/null ||
            bad "-partition 2x$size" world.out
        for w in 1 2; do
            try "-partition 2x$size, world $w" "$bin/lammps_compare" same "world$w" base metal 1
        done
    done
    # Loaded from the environment, without any plugin command.
    mkdir -p plugins
    ln -sf "$build/racahplugin.so" plugins/racahplugin.so
    load=
    script environment tric2 "$potential"
    unset load
    if LAMMPS_PLUGIN_PATH=$work/plugins launch environment 2; then
        try "LAMMPS_PLUGIN_PATH" "$bin/lammps_compare" same environment base metal 1
    else
        bad "LAMMPS_PLUGIN_PATH" environment.out
    fi
    # The stock program of Debian with its Python.
    if [ -n "${RACAH_STOCK_LMP:-}" ] && has "$RACAH_STOCK_LMP" PYTHON; then
        for np in 1 2 4; do
            load="variable racahplugin string $build/racahplugin.so
include $source/lammps/racah_python.inc"
            script "python-$np" tric2 "$potential"
            unset load
            program=$RACAH_STOCK_LMP
            api "python-$np" "$np" three.racah 1 Si C
            program=
        done
    fi
    # And where it has the PLUGIN package, with that.
    if [ -n "${RACAH_STOCK_LMP:-}" ] && has "$RACAH_STOCK_LMP" PLUGIN; then
        for np in 1 2 4; do
            load="plugin load $build/racahplugin.so"
            script "plugin-$np" tric2 "$potential"
            unset load
            program=$RACAH_STOCK_LMP
            api "plugin-$np" "$np" three.racah 1 Si C
            program=
        done
    fi
    # plugin list, unload, clear and load again.
    cat >again.in <<END
plugin load racahplugin.so
plugin list
pair_style racah
plugin unload pair racah
plugin load racahplugin.so
clear
$(cat base.in | sed 's/base\./again./')
END
    if launch again 1; then try "clear and load again" "$bin/lammps_compare" same again base metal 1; else bad again again.out; fi
}

# refused NAME STRUCTURE TEXT POTENTIAL: LAMMPS must stop with TEXT in its output and write nothing. The variables
# ranks, units and load hold for one call.
refused() {
    script "$1" "$2" "$4"
    if launch "$1" "${ranks:-1}"; then
        bad "$1 was accepted" "$1.out"
    elif [ -e "$1.thermo" ] || ! grep -qF -e "$3" "$1.out"; then
        bad "$1: no message with '$3'" "$1.out"
    else
        good "refused: $1"
    fi
    ranks= units=
    unset load
}

case_errors() {
    models
    data tric 2
    awk -f "$here/make_data.awk" -v kind=ortho -v types=1 -v style=bond >bond1.data
    coeff="pair_coeff * * three.racah Si C"
    keywords="allowed: precision double|single, method auto|cg|so2|gaunt|grid|cp, threads N (N >= 1), close warn|stop|off"
    refused keyword tric2 "unknown keyword 'precison'; $keywords" "pair_style racah precison double"
    refused precision tric2 "'half' is no value for 'precision'; $keywords" "pair_style racah precision half"
    refused method tric2 "'fast' is no value for 'method'" "pair_style racah method fast"
    refused no_value tric2 "keyword 'method' has no value" "pair_style racah method"
    refused close tric2 "'maybe' is no value for 'close'; $keywords" "pair_style racah close maybe"
    refused threads0 tric2 "'0' is no value for 'threads'" "pair_style racah threads 0"
    refused threads_text tric2 "'2x' is no value for 'threads'" "pair_style racah threads 2x"
    refused no_coeff tric2 "All pair coeffs are not set" "pair_style racah"
    refused few_elements tric2 "names 1 elements, but there are 2 atom types" "pair_style racah
pair_coeff * * three.racah Si"
    # "Incorrect args for pair coefficients" in 2021, "Pair_coeff must start with * * for pair style racah" in 2025
    refused types tric2 "for pair " "pair_style racah
pair_coeff 1 1 three.racah Si C"
    refused element tric2 "element O (atom type 2) is not in three.racah, which has C Si" "pair_style racah
pair_coeff * * three.racah Si O"
    refused not_an_element tric2 "'Xx' (atom type 1) is no chemical element" "pair_style racah
pair_coeff * * three.racah Xx C"
    refused all_null tric2 "every atom type is NULL" "pair_style racah
pair_coeff * * three.racah NULL NULL"
    refused no_file tric2 "nowhere.racah" "pair_style racah
pair_coeff * * nowhere.racah Si C"
    ranks=2
    refused no_file_2 tric2 "nowhere.racah" "pair_style racah
pair_coeff * * nowhere.racah Si C"
    head -c 5000 three.racah >cut.racah
    refused truncated tric2 "cut.racah" "pair_style racah
pair_coeff * * cut.racah Si C"
    refused newton tric2 "requires newton pair on" "newton off on
pair_style racah
$coeff"
    units=lj
    refused units_lj tric2 "units metal or real, not units lj" "pair_style racah
$coeff"
    load="plugin load racahplugin.so
atom_style bond"
    refused special bond1 "special_bonds excludes 1-2 neighbors" "bond_style zero
bond_coeff * 1.5
pair_style racah
pair_coeff * * silicon.racah Si"
    # Two atoms in one place on one of the ranks stop the run with a message.
    awk '/^Atoms/ { a = 1 } a && $1 == 1 { x = $3 " " $4 " " $5 }
        a && $1 == 2 { $0 = $1 " " $2 " " x } { print }' tric2.data >same2.data
    ranks=2
    refused coincident same2 "Pair style racah, step 0" "pair_style racah
$coeff"
    if grep -q "has id 1[,)]" coincident.out && grep -q "has id 2[,)]" coincident.out; then
        good "coincident atoms are named by their ids"
    else
        bad "coincident atoms are not named by their ids" coincident.out
    fi
    # A plugin for another LAMMPS says so and does not register.
    load="plugin load $bin/oldplugin.so"
    refused abi tric2 "was built for LAMMPS 20200101" "pair_style racah
$coeff"
    load=
    refused not_loaded tric2 "Unrecognized pair style 'racah'" "pair_style racah
$coeff"
    # The PLUGIN package itself only prints that it could not open the file.
    if has "$lmp" PLUGIN; then name_text="Open of file nothing failed" file_text="Open of file noplugin.so failed"
    else name_text="must end in plugin.so" file_text="not found"; fi
    load="plugin load nothing"
    refused bad_name tric2 "$name_text" "$coeff"
    load="plugin load noplugin.so"
    refused no_plugin tric2 "$file_text" "$coeff"
    load="plugin lod x"
    refused plugin_word tric2 "Illegal plugin command" "$coeff"
    # The same messages from several ranks.
    for np in 2 4; do
        ranks=$np
        refused "element-$np" tric2 "element O (atom type 2) is not in three.racah, which has C Si" "pair_style racah
pair_coeff * * three.racah Si O"
        ranks=$np
        refused "keyword-$np" tric2 "unknown keyword 'precison'; $keywords" "pair_style racah precison double"
        ranks=$np
        refused "newton-$np" tric2 "requires newton pair on" "newton off on
pair_style racah
$coeff"
        ranks=$np units=lj
        refused "units-$np" tric2 "units metal or real, not units lj" "pair_style racah
$coeff"
        ranks=$np load="plugin load $bin/oldplugin.so"
        refused "abi-$np" tric2 "was built for LAMMPS 20200101" "pair_style racah
$coeff"
        ranks=$np load="plugin load racahplugin.so
atom_style bond"
        refused "special-$np" bond1 "special_bonds excludes 1-2 neighbors" "bond_style zero
bond_coeff * 1.5
pair_style racah
pair_coeff * * silicon.racah Si"
        ranks=$np
        refused "coincident-$np" same2 "Pair style racah, step 0" "pair_style racah
$coeff"
    done
    # What a sum over edges does not give is refused, not made up.
    extra="compute c all centroid/stress/atom NULL
run 0
variable c equal c_c[1][1]
thermo_style custom step v_c"
    refused centroid tric2 "entroid" "pair_style racah
$coeff"
    extra=
    # Accepted, but with a warning where masses and elements disagree; the table is printed once.
    script swapped tric2 "pair_style racah
pair_coeff * * three.racah C Si"
    if launch swapped 2 && grep -q "WARNING: Pair style racah" swapped.out &&
        grep -q "atom type 1 has mass 28.0855, but element C has 12.01" swapped.out &&
        [ "$(grep -c 'atom type 2: Si, mass 12.011' swapped.out)" = 1 ] && grep -q "Pair racah memory" swapped.out; then
        good "type table, mass warning and memory line"
    else
        bad "type table, mass warning and memory line" swapped.out
    fi
    script right tric2 "pair_style racah
$coeff"
    if launch right 1 && ! grep -q 'WARNING: Pair style racah' right.out; then good "no warning"; else bad "no warning" right.out; fi
    # Special factors other than 0 exclude nothing; LAMMPS marks such neighbors in the upper bits of the index.
    load="plugin load racahplugin.so
atom_style bond"
    script bonded bond1 "bond_style zero
bond_coeff * 1.5
special_bonds lj/coul 0.5 0.7 0.9
pair_style racah
pair_coeff * * silicon.racah Si"
    api bonded 2 silicon.racah 1 Si
}

# Atoms nearer than in the training data, and numbers that are not finite, wherever the ranks' borders lie.
case_guard() {
    models
    "$bin/lammps_make_model" guard.racah 5 2 1 8 +guard C Si
    "$bin/lammps_make_model" huge.racah 5 2 1 8 +huge C Si
    data tric 2
    # Atom 2 goes to 1.1 A from atom 1, across the boundary of the box: on another rank where there are several.
    awk '/^Atoms/ { a = 1 } a && $1 == 1 { x = $3; y = $4; z = $5 }
        a && $1 == 2 { $0 = $1 " " $2 " " x - 1.1 " " y " " z } { print }' tric2.data >near2.data
    told() { grep -c "1.1000 A apart, nearer than any in the training data (1.5000 A)" "$1" || true; }
    for np in 1 2 4; do
        processors="$np 1 1"
        extra="velocity all create 10 4711 loop geom
fix 1 all nve
timestep 0.00001" steps=20
        # one line for each rank that sees the pair, however many steps there are
        script "warn-$np" near2 "pair_style racah
pair_coeff * * guard.racah Si C"
        if ! launch "warn-$np" "$np"; then
            bad "warn-$np: LAMMPS failed" "warn-$np.out"
        elif [ "$(grep -c 'WARNING: Pair style racah, step 0' "warn-$np.out")" = "$(told "warn-$np.out")" ] &&
            [ "$(told "warn-$np.out")" -ge 1 ] && [ "$(told "warn-$np.out")" -le 2 ] &&
            grep "A apart" "warn-$np.out" | grep "has id 1[,)]" | grep -q "has id 2[,)]"; then
            good "close warn, $np rank(s)"
        else
            bad "close warn, $np rank(s)" "warn-$np.out"
        fi
        steps=0
        script "off-$np" near2 "pair_style racah close off
pair_coeff * * guard.racah Si C"
        if launch "off-$np" "$np" && ! grep -q "A apart" "off-$np.out"; then
            good "close off, $np rank(s)"
        else
            bad "close off, $np rank(s)" "off-$np.out"
        fi
        ranks=$np
        refused "stop-$np" near2 "1.1000 A apart, nearer than any in the training data" "pair_style racah close stop
pair_coeff * * guard.racah Si C"
        if grep "A apart" "stop-$np.out" | grep "has id 1[,)]" | grep -q "has id 2[,)]"; then
            good "close stop names the ids, $np rank(s)"
        else
            bad "close stop names the ids, $np rank(s)" "stop-$np.out"
        fi
        # Nothing is near here: no message, and `stop` runs.
        script "fine-$np" tric2 "pair_style racah close stop
pair_coeff * * guard.racah Si C"
        extra=
        api "fine-$np" "$np" guard.racah 1 Si C
        # Single precision overflows.
        ranks=$np
        refused "huge-$np" tric2 "is not finite (" "pair_style racah precision single
pair_coeff * * huge.racah Si C"
        if grep "Pair style racah, step 0, rank" "huge-$np.out" | grep "nearest atom" | grep -q "has id"; then
            good "overflow names step and ids, $np rank(s)"
        else
            bad "overflow names step and ids, $np rank(s)" "huge-$np.out"
        fi
        # An atom thrown out of the box between two lists.
        ranks=$np
        extra="neigh_modify delay 1000 every 1000
group one id 7
velocity one set 1e308 0 0
fix 1 all nve" steps=3
        refused "thrown-$np" tric2 "Pair style racah, step 1" "pair_style racah
pair_coeff * * guard.racah Si C"
        if grep "Pair style racah, step 1" "thrown-$np.out" | grep "is not finite" | grep -q "has id 7[,)]"; then
            good "thrown atom is named, $np rank(s)"
        else
            bad "thrown atom is named, $np rank(s)" "thrown-$np.out"
        fi
        extra= steps=
    done
    # A model that does not know its distances says so, once.
    processors=
    script unknown tric2 "pair_style racah
pair_coeff * * three.racah Si C"
    if launch unknown 2 && [ "$(grep -c "no guard for close atoms" unknown.out)" = 1 ]; then
        good "no guard, and said so"
    else
        bad "no guard, and said so" unknown.out
    fi
}

# Bytes per atom as printed at the start, against the peaks of rank 0 for two sizes of a system: their difference knows
# nothing of libraries and buffers of MPI. What LAMMPS itself takes for an atom is that of the same runs with lj/cut.
case_memory() {
    models
    data tric 2
    data ortho 1
    peak() { # NAME STRUCTURE TIMES RANKS STYLE COEFFICIENTS: NAME.peak, the kB of rank 0, where `shell` runs
        cat >"$1.in" <<END
units metal
box tilt large
plugin load racahplugin.so
read_data $2.data
replicate $3 $3 $3
mass * 20.0
neighbor 0.3 bin
pair_style $5
pair_coeff * * $6
run 0
shell "grep VmHWM /proc/\$PPID/status >$1.peak"
END
        launch "$1" "$4" || bad "$1: LAMMPS failed" "$1.out"
    }
    grows() { # NAME STRUCTURE SMALL LARGE RANKS STYLE COEFFICIENTS
        for size in $3 $4; do
            peak "$1-$size" "$2" "$size" "$5" "$6" "$7"
            peak "$1-$size-lj" "$2" "$size" "$5" "lj/cut 5.0" "0.001 2.0"
        done
        if awk '
            function predicted(file,    line, w) {
                while ((getline line <file) > 0) if (line ~ /^Pair racah memory on rank 0/) { split(line, w, " "); n = w[17] }
                return 1024 * w[7] + w[12] * n
            }
            function measured(file,    line, w) { getline line <file; split(line, w, " "); return w[2] }
            BEGIN {
                small = ARGV[1]; large = ARGV[2]
                want = predicted(large ".out"); m = n; want -= predicted(small ".out")
                grown = measured(large ".peak") - measured(small ".peak") - measured(large "-lj.peak") + measured(small "-lj.peak")
                printf "%d to %d atoms a rank: predicted %d kB, grown by %d kB, ratio %.3f\n", n, m, want, grown, grown / want
                exit !(m > 3 * n && n > 0 && grown > 0.8 * want && grown < 1.2 * want)
            }' "$1-$3" "$1-$4" >"$1.ratio"; then good "$1: $(cat "$1.ratio")"; else bad "$1" "$1.ratio"; fi
    }
    shipped="$source/data/models/silicon.racah Si"
    for np in 1 2 4; do
        grows "silicon-$np" ortho1 4 7 "$np" "racah" "$shipped"
        grows "three-$np" tric2 4 7 "$np" "racah" "three.racah Si C"
        grows "options-$np" tric2 4 7 "$np" "racah precision single" "options.racah Si C"
    done
    grows "threads" ortho1 4 7 2 "racah threads 2" "$shipped"
}

# bench/compare.sh: one step of silicon in two precisions, the form of its output, and its complaints.
case_compare() {
    data ortho 1
    awk '/^Atoms/ { print "Masses\n\n1 28.0855\n" } { print }' ortho1.data >box.data
    coeff="* * $source/data/models/silicon.racah Si"
    compare() { # name, exit code, words of its output, options...
        name=$1 code=$2 words=$3 got=0
        shift 3
        RACAH_BUILD_DIR=$build sh "$source/bench/compare.sh" "$@" >"$name.out" 2>&1 || got=$?
        if [ $got = "$code" ] && grep -q -e "$words" "$name.out"; then good "$name"; else bad "$name: exit code $got" "$name.out"; fi
    }
    # Allowed: single precision's rounding of forces of some eV/A (6e-7 of 0.3 eV/A in issue 5).
    set -- --box box.data --steps 1 --repeats 2 --reference double --entry "double||racah|$coeff" \
        --entry "single|$build/racahplugin.so|racah precision single|$coeff|$lmp"
    compare "two precisions" 0 "^box.data: 64 atoms, 1 rank(s), 1 steps, 2 repeat(s); us/atom/step$" "$@" --tolerance 1e-4 --json two.json
    form='^[{]"bench":"compare","entry":"NAME","pair_style":"STYLE","plugin":"[^"]*","lmp":"[^"]*","box":"box.data","atoms":64,"ranks":1,"omp_threads":1,"steps":1,"repeats":2,"us_per_atom_step":N,"us_least":N,"ratio":N,"ratio_least":N,"energy_per_atom":N,"forces_rms":N,"reference":"double","energy_difference":N,"forces_max_difference":N,"forces_rms_difference":N[}]$'
    form=$(echo "$form" | sed 's/:N/:-?[0-9][0-9.]*(e[-+][0-9]+)?/g')
    sed -n 1p two.json >first.json
    sed -n 2p two.json >second.json
    try "form of the first entry" grep -E "$(echo "$form" | sed 's/NAME/double/; s/STYLE/racah/')" first.json
    try "form of the second entry" grep -E "$(echo "$form" | sed 's/NAME/single/; s/STYLE/racah precision single/')" second.json
    try "ratio and differences" awk -F'[:,]' 'function value(key,    i) { for (i = 1; i < NF; i++) if ($i == "\"" key "\"") return $(i + 1) + 0 }
        { us[NR] = value("us_per_atom_step"); ratio[NR] = value("ratio"); most[NR] = value("forces_max_difference"); rms[NR] = value("forces_rms") }
        END { q = us[2] / us[1] / ratio[2]
              exit !(NR == 2 && us[1] > 0 && ratio[1] == 1 && q > 0.999 && q < 1.001 && most[1] == 0 && most[2] > 0 && most[2] < 1e-4 && rms[1] > 0.1) }' two.json
    compare "differences are found" 1 "^single .*DIFFERS$" "$@" --tolerance 1e-12
    compare "two ranks" 0 "2 rank(s)" "$@" --ranks 2 --tolerance 1e-4
    compare "a failing entry is named" 1 "LAMMPS failed with the entry wrong" --box box.data --entry "wrong||racah|* * absent.racah Si"
    compare "no box" 2 "--box is missing" --entry "double||racah|$coeff"
    compare "absent box" 2 "there is no box absent.data" --box absent.data --entry "double||racah|$coeff"
    compare "no entry" 2 "no --entry" --box box.data
    compare "short entry" 2 "'double|racah' is not NAME|PLUGIN" --box box.data --entry "double|racah"
    compare "unknown option" 2 "unknown option '--fast'" "$@" --fast
    compare "no value" 2 "--json wants a value" "$@" --json
    compare "steps that are no number" 2 "--steps: '1x'" "$@" --steps 1x
    compare "unknown reference" 2 "no entry triple" "$@" --reference triple
    compare "the same name twice" 2 "two entries have the name double" "$@" --entry "double||racah|$coeff"

    # bench/scaling.sh: one cell and two.
    export RACAH_BUILD_DIR="$build" RACAH_MODEL="$source/data/models/silicon.racah" RACAH_ELEMENTS=Si RACAH_MAX_CELLS=2
    try "scaling" sh "$source/bench/scaling.sh" box.data grow precision single
    try "scaling: form, atoms, memory" awk -F'[:,}]' '
        /^{"bench":"scaling","model":"silicon.racah","pair_style":"racah precision single","box":"box.data","atoms":/ &&
            $10 == 64 * NR && $14 > 0 && $18 > 10000 { good++ }
        END { exit !(NR == 2 && good == 2) }' grow.json
    if command -v gnuplot >/dev/null 2>&1; then try "scaling: picture" grep -q "</svg>" grow.svg; fi
    try "scaling: usage" sh -c 'sh "$1" absent.data grow; [ $? = 2 ]' - "$source/bench/scaling.sh"
    try "distillation: usage" sh -c 'sh "$1" absent.xyz 2>&1 | grep "distillation.sh TRAIN.xyz OUT.json"' - "$source/bench/distillation.sh"
    try "distillation: absent file" sh -c '! sh "$1" absent.xyz out.json && [ ! -e out.json ]' - "$source/bench/distillation.sh"
}

# data/models/sample.sh: three frames in cells that LAMMPS does not take as they are, one of them left-handed, with atoms
# outside. The first step of each run has the energy of its frame, labels are those of the committee.
case_sample() {
    awk 'BEGIN {
        srand(3)
        split("5.4 0.3 -0.2 -0.4 5.3 0.5 0.2 -0.3 5.6", L, " ")
        split("0 0 0 0 2 2 2 0 2 2 2 0 1 1 1 1 3 3 3 1 3 3 3 1", f, " ")
        split("Elastic AIMD-NVT Surface", type, " "); split("-5.4 -4.6 -5.1", energy, " ")
        for (n = 1; n <= 3; n++) {
            if (n == 3) for (k = 7; k < 10; k++) L[k] = -L[k]
            printf "8\nLattice=\""
            for (k = 1; k < 10; k++) printf "%s%.3f", (k > 1 ? " " : ""), L[k]
            printf "\" Properties=species:S:1:pos:R:3 energy=%.3f pbc=\"T T T\" config_type=\"%s\"\n", 8 * energy[n], type[n]
            for (a = 0; a < 8; a++) {
                printf "Si"
                for (k = 1; k < 4; k++)
                    printf " %.6f", (f[3 * a + 1] * L[k] + f[3 * a + 2] * L[3 + k] + f[3 * a + 3] * L[6 + k]) / 4 + 0.2 * rand() - 3.1
                print ""
            }
        }
    }' >train.xyz
    one=$source/data/models/silicon_fast.racah two=$source/data/models/silicon.racah
    sample() { RACAH_BUILD_DIR=$build sh "$source/data/models/sample.sh" "$@"; }
    try "sample" sample silicon train.xyz out.xyz "$one" "$two"
    try "17 snapshots with labels" awk '/Lattice=/ && / energy=/ && / stress=/ && /:forces:R:3/ { n++ } END { exit n != 17 }' out.xyz
    "$build/racah" eval "$one" train.xyz --out model.xyz >eval.txt
    # LAMMPS prints energies with eight digits
    try "runs begin in the frames" awk '
        FNR == NR { if (match($0, /racah_energy=[^ ]*/)) e[++n] = substr($0, RSTART + 13, RLENGTH - 13); next }
        $1 == "Step" { reading = 1; next }
        reading && $1 == 0 { d = $3 / e[++m] - 1; if (!(d < 1e-6 && d > -1e-6)) bad = 1 }
        { reading = 0 }
        END { exit !(n == 3 && m == 3 && !bad) }' model.xyz out.xyz.work/log.sample
    "$build/racah" eval "$one" "$two" out.xyz >eval.txt
    try "labels are those of the committee" awk '$1 == "all" && $2 == 17 && $4 + $5 + $6 + $7 + $8 + $9 + $10 == 0 { found = 1 } END { exit !found }' eval.txt
    cp out.xyz first.xyz
    try "again" sample silicon train.xyz out.xyz "$one" "$two"
    try "the same file again" cmp out.xyz first.xyz
    try "usage" sh -c 'sh "$1" silicon train.xyz; [ $? = 2 ]' - "$source/data/models/sample.sh"
    try "unknown data" sh -c 'sh "$1" water train.xyz o.xyz m.racah 2>&1 | grep "no recipe for water"' - "$source/data/models/sample.sh"
    refuse() { # NAME MESSAGE: sample.sh refuses bad.xyz
        try "$1" sh -c '! RACAH_BUILD_DIR=$2 sh "$1" silicon bad.xyz o.xyz "$3" 2>message && grep "bad.xyz: frame 2 $4" message && [ ! -e o.xyz ]' - \
            "$source/data/models/sample.sh" "$build" "$one" "$2"
    }
    head -n 15 train.xyz >bad.xyz
    refuse "frame cut off" "ends early"
    sed '12s/ energy=[^ ]*//' train.xyz >bad.xyz
    refuse "frame without energy" "has no energy"
    sed '12s/Lattice=/Cell=/' train.xyz >bad.xyz
    refuse "frame without cell" "has no Lattice"
    try "absent file" sh -c '! RACAH_BUILD_DIR=$2 sh "$1" silicon absent.xyz o.xyz "$3" && [ ! -e o.xyz ]' - "$source/data/models/sample.sh" "$build" "$one"
}

"case_$which"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
