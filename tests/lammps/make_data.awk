# SPDX-License-Identifier: MIT
# LAMMPS data files for the tests, displaced at random (minimal standard generator: the same numbers in every awk).
#   awk -f make_data.awk -v kind=ortho|tric|slab|prim|one|gas [-v types=2] [-v style=atomic|charge|bond|full]
function uniform() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
function add(x, y, z) {
    n++
    px[n] = x + 0.3 * (uniform() - 0.5); py[n] = y + 0.3 * (uniform() - 0.5); pz[n] = z + 0.3 * (uniform() - 0.5)
}
BEGIN {
    seed = 4711
    if (!types) types = 1
    a = 5.43; n = 0; tilt = 0; xy = xz = yz = 0
    split("0 0 0  0 .5 .5  .5 0 .5  .5 .5 0  .25 .25 .25  .25 .75 .75  .75 .25 .75  .75 .75 .25", b, " ")
    nx = ny = nz = 2
    if (kind == "slab") nz = 1
    if (kind == "prim") {       # two atoms in the primitive cell: smaller than the cutoff, most neighbours are images
        d = a / sqrt(2)
        lx = d; ly = d * sqrt(3) / 2; lz = d * sqrt(2 / 3)
        xy = d / 2; xz = d / 2; yz = d * sqrt(3) / 6; tilt = 1
        add(0, 0, 0); add(d / 2, d * sqrt(3) / 6, lz / 4)
    } else if (kind == "one") { # one atom: every neighbour is an image of itself
        lx = 2.6; ly = 2.4; lz = 2.8; xy = 0.9; xz = -0.7; yz = 0.6; tilt = 1
        add(0.4, 0.5, 0.6)
    } else if (kind == "gas") { # isolated atoms, a pair and a triangle in a large box
        lx = ly = lz = 40
        add(3, 3, 3); add(20, 20, 20); add(22.3, 20, 20); add(35, 5, 30); add(37.2, 5, 30); add(36, 7, 30.5)
    } else {
        lx = nx * a; ly = ny * a; lz = nz * a
        for (i = 0; i < nx; i++) for (j = 0; j < ny; j++) for (k = 0; k < nz; k++) for (m = 0; m < 8; m++)
            add((i + b[3 * m + 1]) * a, (j + b[3 * m + 2]) * a, (k + b[3 * m + 3]) * a)
        if (kind == "slab") { add(0.4 * lx, 0.4 * ly, lz + 30); lz = 60 }
        if (kind == "tric") {
            xy = 0.31 * lx; xz = -0.22 * lx; yz = 0.17 * ly; tilt = 1
            for (i = 1; i <= n; i++) { px[i] += xy * py[i] / ly + xz * pz[i] / lz; py[i] += yz * pz[i] / lz }
        }
    }
    if (style == "") style = "atomic"
    bonds = style == "bond" || style == "full"
    molecule = bonds ? "1 " : ""
    charge = style == "charge" || style == "full" ? "0.25 " : ""
    printf "test structure: %s\n\n%d atoms\n%d atom types\n", kind, n, types
    if (bonds) printf "1 bonds\n1 bond types\n2 extra bond per atom\n"
    # The lower corner is not the origin, so that a forgotten shift shows.
    printf "\n%.15g %.15g xlo xhi\n%.15g %.15g ylo yhi\n%.15g %.15g zlo zhi\n", -1, lx - 1, 2, ly + 2, 0.5, lz + 0.5
    if (tilt) printf "%.15g %.15g %.15g xy xz yz\n", xy, xz, yz
    printf "\nAtoms # %s\n\n", style
    for (i = 1; i <= n; i++)
        printf "%d %s%d %s%.15g %.15g %.15g\n", i, molecule, 1 + (types > 1 && uniform() < 0.4), charge,
            px[i] - 1, py[i] + 2, pz[i] + (kind == "slab" ? 2 : 0.5)
    if (bonds) printf "\nBonds\n\n1 1 1 2\n"
}
