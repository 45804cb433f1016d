#!/bin/sh
# SPDX-License-Identifier: MIT
# The figures of a model card, from the model and ../shared/data:
#   sh data/models/card.sh NAME [PART...]
# PART errors, speed, crystal, phonons, melt, drift, vacuum, stretch, hot or published, all that fit without a list; NAME
# silicon, germanium, molybdenum, acetylacetone or ethanol, or one of these with _fast. Several minutes each on one core.
# RACAH_BUILD_DIR is the build folder, RACAH_MODEL another file than data/models/NAME.racah. `published` reads the
# published test files of the two molecules; BOTNET is a folder with a copy of github.com/davkovacs/BOTNet-datasets.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd -P)
parts='errors speed crystal phonons melt drift vacuum stretch hot published'
[ $# -gt 0 ] || { echo "usage: sh data/models/card.sh NAME [PART...], PART one of $parts" >&2; exit 2; }
botnet=${BOTNET:+$(cd "$BOTNET" && pwd -P)}
build=$(cd "${RACAH_BUILD_DIR:-$root/build}" && pwd -P)
shared=$root/../shared
name=$1
data=${name%_fast}
shift
model=${RACAH_MODEL:-$root/data/models/$name.racah}
test='' lattice='' box='' hot='' molecule='' published=''
case $data in
    silicon) element=Si mass=28.0855 lattice=diamond a=5.47 train=si_train test=si_test box=si512 hot=1800 ;;
    germanium) element=Ge mass=72.63 lattice=diamond a=5.76 train=ge_train hot=1300 ;;
    molybdenum) element=Mo mass=95.95 lattice=bcc a=3.16 train=mo_train hot=3200 ;;
    acetylacetone) hot=300 train=acac_train_300K molecule='H C O' published='acac/test_MD_300K acac/test_MD_600K acac/test_dihedral acac/test_H_transfer' ;;
    ethanol) hot=500 train=ethanol_train molecule='H C O' published='ethanol/test_MD ethanol/test_H_removal' ;;
    *) echo "card: there is no recipe for $name" >&2; exit 2 ;;
esac
[ -r "$model" ] || { echo "card: there is no model file $model" >&2; exit 2; }
model=$(cd "$(dirname "$model")" && pwd -P)/$(basename "$model")
[ $# -gt 0 ] || set -- errors ${lattice:+speed crystal phonons melt drift} ${molecule:+vacuum stretch} hot ${published:+published}
work=$build/card/$name
mkdir -p "$work"
cd "$work"
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# lammps NAME: run the input on standard input.
lammps()
{
    cat >"in.$1"
    "$build/lmp-racah" -in "in.$1" -log "log.$1" </dev/null >"screen.$1" 2>&1 ||
        { tail -n 20 "screen.$1" >&2; echo "card: LAMMPS failed; see $work/screen.$1" >&2; exit 1; }
}

# The beginning of every input: a crystal of $1^3 cells with lattice constant $2.
crystal_of()
{
    cat <<END
units metal
atom_style atomic
plugin load $build/racahplugin.so
lattice $lattice $2
region box block 0 $1 0 $1 0 $1
box tilt large
create_box 1 box
create_atoms 1 box
mass 1 $mass
pair_style racah
pair_coeff * * $model $element
neighbor 0.5 bin
thermo_style custom step pe press pxx pyy pzz pxy pxz pyz lx
thermo_modify format float %.12g
END
}

errors()
{
    "$build/racah" info "$model" | grep -E '"(train|valid)_(structures|energy|forces|stress)' || true
    if [ -n "$test" ]; then
        for file in $train $test; do "$build/racah" eval "$model" "$shared/data/$file.xyz"; done
    else
        # as in the head of its configuration
        case $name in ethanol) every=20 ;; *) every=10 ;; esac
        sh "$root/data/models/split.sh" "$shared/data/$train.xyz" $every "$data"
        for part in train test; do "$build/racah" eval "$model" "$data.$part.xyz"; done
    fi
}

speed()
{
    [ -n "$box" ] || { echo "speed: there is no box of $name"; return; }
    for precision in double single; do
        "$build/racah" bench model "$model" --box "$shared/boxes/$box.data" --precision $precision
    done
}

# Lattice constant, energy, elastic constants (atoms relaxed) and vacancy. Also leaves a0 for phonons and melt.
crystal()
{
    { crystal_of 3 $a
      cat <<'END'
fix relax all box/relax iso 0
minimize 0 1e-10 1000 10000
unfix relax
print "card a0 $(lx/3:%.6f)"
print "card energy $(pe/atoms:%.6f)"
END
    } | lammps lattice
    a0=$(awk '$1 == "card" && $2 == "a0" { print $3 }' log.lattice)
    { crystal_of 3 "$a0"
      cat <<'END'
change_box all triclinic
run 0
variable L equal $(lx)
variable d equal 0.002
END
      for strain in x yz; do
          for sign in 1 -1; do
              if [ $strain = x ]; then change="x final 0 \$(v_L*(1+$sign*v_d))"; else change="yz final \$($sign*v_d*v_L)"; fi
              back=$([ $strain = x ] && echo 'x final 0 $(v_L)' || echo 'yz final 0')
              cat <<END
change_box all $change remap units box
minimize 0 1e-10 1000 10000
print "card stress $strain $sign \$(-1e-4*pxx:%.8g) \$(-1e-4*pyy:%.8g) \$(-1e-4*pyz:%.8g)"
change_box all $back remap units box
END
          done
      done
    } | lammps elastic
    { crystal_of 3 "$a0"
      cat <<'END'
run 0
variable perfect equal $(pe)
variable n equal $(atoms)
group gone id 1
delete_atoms group gone compress no
displace_atoms all random 0.02 0.02 0.02 4711 units box
minimize 0 1e-6 2000 20000
print "card vacancy $(pe-v_perfect*(v_n-1)/v_n:%.4f)"
END
    } | lammps vacancy
    cat log.lattice log.elastic log.vacancy | awk '
        $1 != "card" { next }
        $2 == "a0" { printf "lattice constant   %.4f A\n", $3 }
        $2 == "energy" { printf "energy             %.4f eV/atom\n", $3 }
        $2 == "stress" { w = $4 / 0.004; if ($3 == "x") { c11 += w * $5; c12 += w * $6 } else c44 += w * $7 }
        $2 == "vacancy" { vacancy = $3 }
        END { printf "C11, C12, C44      %.1f, %.1f, %.1f GPa; bulk modulus %.1f GPa\n", c11, c12, c44, (c11 + 2 * c12) / 3
              printf "vacancy            %.3f eV (relaxed, at constant volume, 3 x 3 x 3 cells)\n", vacancy }'
    echo "$a0" >a0.txt
}

# Frequencies at Gamma, X and L, where all phases are +-1, from the forces of displaced atoms in 2 x 2 x 2 cells.
phonons()
{
    [ $lattice = diamond ] || { echo "phonons: written for the diamond structure"; return; }
    [ -r a0.txt ] || crystal >/dev/null
    rm -f forces.dump
    { crystal_of 2 "$(cat a0.txt)"
      for atom in 1 5; do # (0, 0, 0) and (1/4, 1/4, 1/4): one of each sublattice
          echo "group moved$atom id $atom"
          for step in '0.01 0 0' '-0.01 0 0' '0 0.01 0' '0 -0.01 0' '0 0 0.01' '0 0 -0.01'; do
              echo "displace_atoms moved$atom move $step units box"
              echo 'run 0'
              echo 'write_dump all custom forces.dump id x y z fx fy fz modify sort id format float %.15g append yes'
              echo "displace_atoms moved$atom move $(echo "$step" | awk '{ print -$1, -$2, -$3 }') units box"
          done
      done
    } | lammps phonons
    awk -v a="$(cat a0.txt)" -v mass=$mass '
        # eigenvalues of the symmetric matrix M[1..6,1..6] by Jacobi rotations
        function jacobi(   sweep, p, q, k, t, c, s, x, y)
        {
            for (sweep = 0; sweep < 30; sweep++)
                for (p = 1; p < 6; p++)
                    for (q = p + 1; q <= 6; q++) {
                        if (M[p, q] * M[p, q] < 1e-24) continue
                        t = 0.5 * atan2(2 * M[p, q], M[q, q] - M[p, p]); c = cos(t); s = sin(t)
                        for (k = 1; k <= 6; k++) { x = M[k, p]; y = M[k, q]; M[k, p] = c * x - s * y; M[k, q] = s * x + c * y }
                        for (k = 1; k <= 6; k++) { x = M[p, k]; y = M[q, k]; M[p, k] = c * x - s * y; M[q, k] = s * x + c * y }
                    }
        }
        /^ITEM: TIMESTEP/ { run++; next }
        /^ITEM: ATOMS/ { reading = 1; next }
        /^ITEM/ { reading = 0; next }
        reading && NF == 7 { for (x = 1; x <= 3; x++) { F[run, $1, x] = $(4 + x); if (run == 1) R[$1, x] = $(1 + x) } if ($1 > n) n = $1 }
        END {
            R[1, 1] -= 0.01 # as displaced in the first run
            split("0 0 0 1 0 0 0.5 0.5 0.5", q); split("Gamma X L", label)
            for (w = 1; w <= 3; w++) {
                for (i = 1; i <= 2; i++) for (x = 1; x <= 3; x++) for (k = 1; k <= 2; k++) for (y = 1; y <= 3; y++)
                    M[3 * (i - 1) + x, 3 * (k - 1) + y] = 0
                for (j = 1; j <= n; j++) {
                    # sublattice of atom j: the sum of its coordinates in a/4 is even on fcc sites
                    s = int((R[j, 1] + R[j, 2] + R[j, 3] - R[1, 1] - R[1, 2] - R[1, 3]) * 4 / a + 1000.5) % 2 ? 2 : 1
                    first = s == 1 ? 1 : 5
                    if (j == 5 && s != 2) { print "card: atom 5 is not of the other sublattice" > "/dev/stderr"; exit 1 }
                    phase = 0
                    for (x = 1; x <= 3; x++) phase += q[3 * (w - 1) + x] * (R[j, x] - R[first, x]) / a
                    sign = int(2 * phase + 1000.5) % 2 ? -1 : 1 # exp(2 pi i phase)
                    for (i = 1; i <= 2; i++) for (x = 1; x <= 3; x++) for (y = 1; y <= 3; y++) {
                        plus = 6 * (i - 1) + 2 * (x - 1) + 1
                        # no lattice sum: atom i sits in the first cell, j in the cell R_j - R_s
                        M[3 * (i - 1) + x, 3 * (s - 1) + y] -= sign * (F[plus, j, y] - F[plus + 1, j, y]) / 0.02 / mass
                    }
                }
                for (i = 1; i <= 6; i++) for (k = 1; k < i; k++) M[i, k] = M[k, i] = 0.5 * (M[i, k] + M[k, i])
                jacobi()
                for (i = 1; i <= 6; i++) { # eV/A^2/u -> THz
                    f = M[i, i] < 0 ? -sqrt(-M[i, i]) : sqrt(M[i, i]); value[i] = f * 15.63330
                }
                for (i = 1; i <= 6; i++) for (k = 1; k < 6; k++)
                    if (value[k] > value[k + 1]) { t = value[k]; value[k] = value[k + 1]; value[k + 1] = t }
                line = ""
                for (i = 1; i <= 6; i++) line = line sprintf(" %6.2f", value[i])
                printf "phonons at %-8s%s THz\n", label[w], line
            }
        }' forces.dump
}

# Radial distribution function of the melt at the temperature of the AIMD data.
melt()
{
    [ -r a0.txt ] || crystal >/dev/null
    { crystal_of 3 "$(cat a0.txt)"
      cat <<END
timestep 0.001
velocity all create $((2 * hot)) 4711 mom yes rot no dist gaussian
thermo 1000
fix melt all nvt temp $((2 * hot)) $((2 * hot)) 0.1
run 4000
fix melt all nvt temp $hot $hot 0.1
run 4000
reset_timestep 0
compute rdf all rdf 120 cutoff 5.5
comm_modify cutoff 6.5
fix rdf all ave/time 20 400 8000 c_rdf[1] c_rdf[2] c_rdf[3] mode vector file rdf.txt
compute msd all msd
fix msd all ave/time 1 1 8000 c_msd[4] file msd.txt
run 8000
END
    } | lammps melt
    awk '!/^#/ && NF == 4 { r[++n] = $2; g[n] = $3; c[n] = $4 }
         END { for (i = 1; i <= n; i++) if (g[i] > best) { best = g[i]; p = i }
               for (i = p; i < n && g[i + 1] <= g[i]; i++) continue
               printf "melt: first peak of g(r) %.2f A, height %.2f; first minimum %.2f A, coordination %.1f\n", r[p], best, r[i], c[i] }' rdf.txt
    awk -v T="$hot" '!/^#/ { m = $2 } END { printf "melt: mean squared displacement in 8 ps at %d K %.1f A^2\n", T, m }' msd.txt
}

drift()
{
    [ "$data" = silicon ] || { echo "drift: bench/nve_drift.sh knows silicon"; return; }
    RACAH_BUILD_DIR=$build sh "$root/bench/nve_drift.sh" "$model" || true
}

# The beginning of every input with the first structure of the training file in vacuum.
molecule_of()
{
    awk -v elements="$molecule" 'BEGIN { split(elements, e); for (i in e) type[e[i]] = i; m["H"] = 1.008; m["C"] = 12.011; m["O"] = 15.999 }
        NR == 1 { n = $1; printf "first frame\n\n%d atoms\n%d atom types\n\n-30 30 xlo xhi\n-30 30 ylo yhi\n-30 30 zlo zhi\n\nMasses\n\n", n, length(type)
                  for (i = 1; i <= length(type); i++) print i, m[e[i]]
                  print "\nAtoms # atomic\n" }
        NR > 2 && NR <= n + 2 { print NR - 2, type[$1], $2, $3, $4 }' "$shared/data/$train.xyz" >molecule.data
    cat <<END
units metal
atom_style atomic
boundary f f f
plugin load $build/racahplugin.so
read_data molecule.data
pair_style racah
pair_coeff * * $model $molecule
neighbor 1.0 bin
END
}

# The bonds of molecule.data (below 1.25 A with hydrogen, 1.8 A without), longest in the dump given.
bonds_in()
{
    awk 'function d(a, i, j) { return sqrt((a[i, 1] - a[j, 1]) ^ 2 + (a[i, 2] - a[j, 2]) ^ 2 + (a[i, 3] - a[j, 3]) ^ 2) }
         FNR == NR { if (/^[0-9]+ [0-9]+ /) { t[$1] = $2; for (k = 3; k < 6; k++) p[$1, k - 2] = $k; n = $1 } next }
         /^[0-9]+ [0-9]+ / { for (k = 3; k < 6; k++) q[$1, k - 2] = $k }
         END { for (i = 1; i <= n; i++) for (j = 1; j < i; j++) {
                   limit = t[i] == 1 || t[j] == 1 ? 1.25 : 1.8
                   if (t[i] + t[j] > 2 && d(p, i, j) < limit) { bonds++; x = d(q, i, j); if (t[i] == 1 || t[j] == 1) { if (x > h) h = x } else if (x > c) c = x } }
               printf "%d bonds of the first frame, longest in the last: %.2f A with hydrogen, %.2f A without\n", bonds, h, c }' molecule.data "$1"
}

# The first structure of the training file in vacuum at 300 K: 5 ps of Langevin, then 50 ps of NVE at 0.5 fs. Slope of the
# total energy by linear regression, and the longest bond of the last frame (bonds as in the first: below 1.25 A with
# hydrogen, 1.8 A without).
vacuum()
{
    { molecule_of
      cat <<'END'
velocity all create 600 4821 mom yes rot yes dist gaussian
timestep 0.0005
fix nve all nve
fix heat all langevin 300 300 0.1 777 zero yes
thermo 10000
run 10000
unfix heat
velocity all zero linear
velocity all zero angular
reset_timestep 0
thermo_style custom step temp pe etotal
thermo_modify format float %.10g
thermo 200
variable e equal etotal
variable t equal temp
fix print all print 200 "$(step*dt) $e $t" file vacuum.txt screen no
run 100000
write_dump all custom last.dump id type x y z modify sort id
END
    } | lammps vacuum
    awk '!/^#/ { n++; x += $1; y += $2; xx += $1 * $1; xy += $1 * $2; T += $3 }
         END { printf "vacuum: NVE drift %.2e meV/atom/ps, mean temperature %.0f K\n", (n * xy - x * y) / (n * xx - x * x) * 1000 / '"$(awk 'NR == 1 { print $1 }' "$shared/data/$train.xyz")"', T / n }' vacuum.txt
    printf 'vacuum: '
    bonds_in last.dump
}

# Energy as the hydrogen of an O-H bond of the first structure leaves, on the side of the C-O axis where no other oxygen
# is: the energy at some distances, and how much the force along the way changes within 0.02 A at most from 1.2 A on.
stretch()
{
    awk '
        NR == 1 { n = $1 }
        NR > 2 && NR <= n + 2 { e[NR - 2] = $1; for (k = 1; k < 4; k++) p[NR - 2, k] = $(k + 1) }
        function d(i, j) { return sqrt((p[i, 1] - p[j, 1]) ^ 2 + (p[i, 2] - p[j, 2]) ^ 2 + (p[i, 3] - p[j, 3]) ^ 2) }
        END {
            for (i = 1; i <= n; i++) for (j = 1; j <= n; j++) if (e[i] == "O" && e[j] == "H" && d(i, j) < 1.25) { o = i; h = j }
            for (j = 1; j <= n; j++) if (e[j] == "C" && d(o, j) < 1.8) c = j
            if (!h || !c) { print "card: there is no C-O-H in the first structure" > "/dev/stderr"; exit 1 }
            for (k = 1; k < 4; k++) { a[k] = (p[o, k] - p[c, k]) / d(o, c); b[k] = (p[h, k] - p[o, k]) / d(o, h); s += a[k] * b[k] }
            for (r = 0.8; r < 6.001; r += 0.02) {
                printf "%d\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\n", n
                for (i = 1; i <= n; i++) {
                    printf "%s", e[i]
                    for (k = 1; k < 4; k++) printf " %.10f", i == h ? p[o, k] + r * (2 * s * a[k] - b[k]) : p[i, k]
                    print ""
                }
            }
        }' "$shared/data/$train.xyz" >stretch.xyz
    "$build/racah" eval "$model" stretch.xyz --out stretched.xyz >/dev/null
    sed -n 's/.*racah_energy=\([^ ]*\).*/\1/p' stretched.xyz | awk '
        { E[NR] = $1; if (NR == 1 || $1 < low) low = $1 }
        END {
            printf "stretch of O-H:"
            for (i = 1; i <= NR; i++) { r = 0.78 + 0.02 * i; if (r * 10 % 5 < 0.01 || i == 1) printf " %.1f A %.2f eV,", r, E[i] - low }
            for (i = 22; i < NR; i++) { x = (E[i + 1] - 2 * E[i] + E[i - 1]) / 0.02; if (x < 0) x = -x; if (x > most) most = x }
            printf " force changes by at most %.2f eV/A in 0.02 A\n", most
        }'
}

# 100 ps at the highest temperature of the training data: crystals melt (2 x 2 x 2 cells, 1 fs), molecules hold (0.5 fs).
hot()
{
    if [ -n "$lattice" ]; then
        [ -r a0.txt ] || crystal >/dev/null
        { crystal_of 2 "$(cat a0.txt)"
          cat <<END
timestep 0.001
velocity all create $((2 * hot)) 4711 mom yes rot no dist gaussian
fix hot all nvt temp $hot $hot 0.1
END
        }
    else
        molecule_of
        cat <<END
timestep 0.0005
velocity all create $((2 * hot)) 4711 mom yes rot yes dist gaussian
fix move all nve
fix hot all langevin $hot $hot 0.1 4711 # "zero yes" would heat the hydrogen of so small a molecule
fix still all momentum 1000 linear 1 1 1
compute_modify thermo_temp extra/dof 0
END
    fi >hot.in
    { cat hot.in
      cat <<'END'
variable f equal fmax
fix mean all ave/time 1 1000 1000 c_thermo_temp v_f file hot.txt
run $(round(100/dt))
write_dump all custom last.dump id type x y z modify sort id
END
    } | lammps hot
    awk '!/^#/ { n++; T += $2; if ($3 > f) f = $3 }
         END { printf "hot: 100 ps at %.0f K on average; largest force, averaged over 1000 steps, %.1f eV/A\n", T / n, f }' hot.txt
    [ -n "$lattice" ] || { printf 'hot: ' && bonds_in last.dump; }
}

# Errors on the published test files; of a path without forces also its height, by the model and by the reference.
published()
{
    [ -n "$published" ] || { echo "published: there are no such files for $name"; return; }
    [ -n "$botnet" ] || { echo "published: BOTNET names no copy of github.com/davkovacs/BOTNet-datasets"; return; }
    for file in $published; do
        "$build/racah" eval "$model" "$botnet/dataset_$file.xyz" --out published.xyz
        awk -v file="$file" '
            /Properties=/ {
                match($0, / energy=[^ ]*/); e = substr($0, RSTART + 8, RLENGTH - 8) + 0
                match($0, /racah_energy=[^ ]*/); m = substr($0, RSTART + 13, RLENGTH - 13) + 0
                if (/[: ]forces:R/) forces = 1
                if (!n++ || e < low) low = e
                if (n == 1 || e > high) high = e
                if (n == 1 || m < mlow) mlow = m
                if (n == 1 || m > mhigh) mhigh = m
            }
            END { if (!forces) printf "%s: from lowest to highest %.4f eV by the model, %.4f by the reference\n", file, mhigh - mlow, high - low }' published.xyz
    done
}

for part; do
    case " $parts " in
        *" $part "*) echo "== $part" && $part ;;
        *) echo "card: $part is none of $parts" >&2; exit 2 ;;
    esac
done
