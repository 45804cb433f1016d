#!/bin/sh
# SPDX-License-Identifier: MIT
# Potentials against each other in LAMMPS: the same box, cores and steps, one after another, repeats interleaved.
# Prints microseconds for each atom and step, median and least of the repeats, and the ratios of both to the first
# entry's (on a machine that does other work too, that of the least times is the one to trust). The atoms hardly move:
# no entry pays for a new neighbour list.
#   sh bench/compare.sh --box FILE.data --entry 'NAME|PLUGIN|PAIR_STYLE|PAIR_COEFF|LMP' [--entry ...]
#     PLUGIN, LMP empty or left out: racahplugin.so and lmp-racah of the build folder; PLUGIN "-": the style is in LMP
#     --ranks N (1)  --steps N (50)  --repeats N (3)  --timestep PS (1e-7: random weights would heat the box)
#     --cores LIST     as taskset takes it
#     --reference NAME largest and RMS difference of forces, and the difference of energies, from this entry
#     --tolerance X    exit code 1 where a force (eV/A) or the energy (eV/atom) is further from the reference
#     --json FILE      one object a line for each entry
# e.g. --entry 'double||racah|* * m.racah H O' --entry 'rival|./symmetrixplugin.so|symmetrix/mace|* * m.json H O|./lmp'
# Paths in an entry are relative to the present folder. RACAH_BUILD_DIR the build folder, OMP_NUM_THREADS as set (1).
# Exit codes: 0, 1 a run failed or results differ, 2 wrong usage.
set -euf
root=$(cd "$(dirname "$0")/.." && pwd -P)
build=${RACAH_BUILD_DIR:-$root/build}
usage() { echo "compare: $1; the head of $0 says more" >&2; exit 2; }
whole() { case $2 in '' | *[!0-9]* | 0*) usage "$1: '$2' is not a positive whole number" ;; esac; }
positive() {
    awk -v x="$2" 'BEGIN { exit !(x ~ /^[0-9.]+([eE][-+]?[0-9]+)?$/ && x + 0 > 0) }' || usage "$1: '$2' is not a positive number"
}

box= ranks=1 steps=50 repeats=3 timestep=1e-7 cores= reference= tolerance= json= n=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
while [ $# -gt 0 ]; do
    case $1 in
    --box | --ranks | --steps | --repeats | --timestep | --cores | --reference | --tolerance | --json | --entry) ;;
    *) usage "unknown option '$1'" ;;
    esac
    [ $# -ge 2 ] || usage "$1 wants a value"
    case $1 in
    --ranks | --steps | --repeats) whole "$1" "$2" ;;
    --timestep | --tolerance) positive "$1" "$2" ;;
    --entry)
        n=$((n + 1))
        printf '%s\n' "$2" | awk -F'|' 'NR == 1 && NF >= 4 && NF <= 5 && $1 ~ /^[A-Za-z0-9._+-]+$/ && $3 != "" && $4 != "" { ok = 1 }
            END { exit !(ok && NR == 1) }' ||
            usage "--entry: '$2' is not NAME|PLUGIN|PAIR_STYLE|PAIR_COEFF[|LMP], NAME without spaces"
        printf '%s\n' "$2" >>"$work/entries"
        ;;
    esac
    [ "$1" = --entry ] || eval "${1#--}=\$2"
    shift 2
done
[ "$box" ] || usage "--box is missing"
[ -r "$box" ] || usage "there is no box $box"
[ "$n" -gt 0 ] || usage "no --entry"
[ -z "$tolerance" ] || [ "$reference" ] || usage "--tolerance wants a --reference"
twice=$(cut -d'|' -f1 "$work/entries" | sort | uniq -d)
[ -z "$twice" ] || usage "two entries have the name $twice"
[ -z "$reference" ] || cut -d'|' -f1 "$work/entries" | grep -qxF -e "$reference" || usage "--reference: no entry $reference"
[ -z "$json" ] || true >"$json" || usage "--json: $json cannot be written"

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# more ranks than cores: Open MPI 4, Open MPI 5
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
# Potentials that allocate in each step pay for page faults (5-25 %) unless malloc keeps what it has.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184 MALLOC_TOP_PAD_=67108864

script() { # number of the entry, plugin, style, coefficients
    cat <<END
units metal
atom_style atomic
atom_modify map array
newton on
boundary p p p
$([ "$2" = - ] || echo "plugin load $2")
read_data $box
pair_style $3
pair_coeff $4
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep $timestep
fix motion all nve
thermo_modify norm no
run 0
write_dump all custom $work/$1.forces id fx fy fz modify sort id format float %.17g
print "\$(pe:%.17g) \$(atoms)" file $work/$1.energy
run $steps
END
}
run() { # number of the entry, its program
    set -- "$1" "$2" -in "$work/$1.in" -log none
    k=$1
    shift
    [ "$ranks" = 1 ] || set -- mpirun --bind-to none -np "$ranks" "$@"
    [ -z "$cores" ] || set -- taskset -c "$cores" "$@"
    "$@" >"$work/$k.out" 2>&1 </dev/null
}

repeat=0
while [ $repeat -lt "$repeats" ]; do
    k=0
    while IFS='|' read -r name plugin style coeff lmp; do
        k=$((k + 1))
        script $k "${plugin:-$build/racahplugin.so}" "$style" "$coeff" >"$work/$k.in"
        # The second run is the one to be timed: "Loop time of T on P procs for N steps with M atoms".
        if ! run $k "${lmp:-$build/lmp-racah}" ||
            ! awk -v steps="$steps" '/^Loop time of/ && ++n == 2 && $9 == steps && $4 > 0 { printf "%.17g\n", 1e6 * $4 / $9 / $12; ok = 1 }
                END { exit !ok }' "$work/$k.out" >>"$work/$k.times"; then
            tail -n 20 "$work/$k.out" | sed 's/^/    | /' >&2
            echo "compare: LAMMPS failed with the entry $name" >&2
            exit 1
        fi
    done <"$work/entries"
    repeat=$((repeat + 1))
done

at=$([ -z "$reference" ] || cut -d'|' -f1 "$work/entries" | grep -nxF -e "$reference" | cut -d: -f1)
k=0
while IFS='|' read -r name plugin style coeff lmp; do
    k=$((k + 1))
    times=$(sort -g "$work/$k.times" | awk '{ t[NR] = $1 }
        END { printf "%.17g %.17g", (t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2, t[1] }')
    # Forces and energies as numbers first: NaN in either is no result.
    awk -v me="$work/$k" -v other="${at:+$work/$at}" 'function bad(x) { return x !~ /^-?[0-9]/ }
        function values(name, f,    n, line, a) {
            while ((getline line <name) > 0) {
                if (body) {
                    if (split(line, a, " ") != 4 || bad(a[2]) || bad(a[3]) || bad(a[4])) exit 1
                    f[++n] = a[2]; f[++n] = a[3]; f[++n] = a[4]
                }
                if (line ~ /^ITEM: ATOMS/) body = 1
            }
            body = 0; close(name)
            return n
        }
        BEGIN {
            n = values(me ".forces", f); getline e <(me ".energy"); split(e, mine, " ")
            if (n != 3 * mine[2] || n == 0 || bad(mine[1])) exit 1
            for (i = 1; i <= n; i++) size += f[i] * f[i]
            printf "%d %.17g %.6g", mine[2], mine[1] / mine[2], sqrt(size / n)
            if (other != "") {
                if (values(other ".forces", g) != n) exit 1
                getline e <(other ".energy"); split(e, its, " ")
                for (i = 1; i <= n; i++) {
                    d = f[i] - g[i]; if (d < 0) d = -d
                    if (d > most) most = d
                    sum += d * d
                }
                printf " %.3e %.3e %.3e", (mine[1] - its[1]) / n * 3, most, sqrt(sum / n)
            }
            print ""
        }' >"$work/result" || { echo "compare: the entry $name gives energies or forces that are no numbers" >&2; exit 1; }
    echo "$name $times $(cat "$work/result")|$style|${plugin:-racahplugin.so}|${lmp:-lmp-racah}"
done <"$work/entries" >"$work/rows"

awk -F'|' -v box="$(basename "$box")" -v ranks="$ranks" -v threads="$OMP_NUM_THREADS" -v steps="$steps" -v repeats="$repeats" \
    -v reference="$reference" -v tolerance="$tolerance" -v json="$json" '
    function text(s) { gsub(/[\\"]/, "\\\\&", s); return "\"" s "\"" }
    function size(x) { return x < 0 ? -x : x }
    { split($1, v, " ") }
    NR == 1 {
        first = v[2]; least = v[3]
        printf "%s: %d atoms, %d rank(s), %d steps, %d repeat(s); us/atom/step\n", box, v[4], ranks, steps, repeats
        printf "%-20s %10s %8s %10s %8s %16s %10s", "", "median", "ratio", "least", "ratio", "eV/atom", "rms eV/A"
        print reference == "" ? "" : sprintf(" %11s %11s %11s", "dE eV/atom", "dF max", "dF rms")
    }
    {
        printf "%-20s %10.2f %8.3f %10.2f %8.3f %16.8f %10.3g", v[1], v[2], v[2] / first, v[3], v[3] / least, v[5], v[6]
        differs = reference != "" && tolerance != "" && (size(v[7]) > tolerance || v[8] > tolerance)
        if (reference != "") printf " %11.2e %11.2e %11.2e%s", v[7], v[8], v[9], differs ? "  DIFFERS" : ""
        print ""
        if (differs) failed = 1
        if (json == "") next
        printf "{\"bench\":\"compare\",\"entry\":%s,\"pair_style\":%s,\"plugin\":%s,\"lmp\":%s,\"box\":%s,\"atoms\":%d,", text(v[1]), text($2), text($3), text($4), text(box), v[4] >json
        printf "\"ranks\":%d,\"omp_threads\":%d,\"steps\":%d,\"repeats\":%d,\"us_per_atom_step\":%.6g,\"us_least\":%.6g,\"ratio\":%.6g,\"ratio_least\":%.6g,\"energy_per_atom\":%.17g,\"forces_rms\":%.6g", ranks, threads, steps, repeats, v[2], v[3], v[2] / first, v[3] / least, v[5], v[6] >json
        if (reference != "") printf ",\"reference\":%s,\"energy_difference\":%.3g,\"forces_max_difference\":%.3g,\"forces_rms_difference\":%.3g", text(reference), v[7], v[8], v[9] >json
        print "}" >json
    }
    END { exit failed }' "$work/rows"
