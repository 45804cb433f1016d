# SPDX-License-Identifier: MIT
# Solves for octahedrally symmetric quadrature rules on the sphere (Lebedev's) and writes quadrature_table.inc:
#   python3 make_quadrature.py > quadrature_table.inc   (some minutes)
#
# A rule is a set of orbits of the octahedral group with inversion (48 elements), each with one weight:
#   a1 (1,0,0)  6 points     a2 (1,1,0)/sqrt2 12     a3 (1,1,1)/sqrt3  8
#   b  (l,l,m)  24, one angle     c  (p,q,0)  24, one angle     d  (r,s,t)  48, two angles
# It is exact up to an odd degree when it integrates the invariant polynomials s4^i s6^j, 4i + 6j <= degree, with
# s4 = x^4 + y^4 + z^4, s6 = x^2 y^2 z^2 (generators besides x^2+y^2+z^2 = 1). Levenberg-Marquardt from random
# starts in doubles, then Newton steps with residuals in the 64-bit mantissa of x86's long double.
from fractions import Fraction
from math import comb, factorial

import numpy as np

RULES = [(3, "a1"), (5, "a1 a3"), (7, "a1 a2 a3"), (9, "a1 a3 c"), (11, "a1 a2 a3 b"), (13, "a1 a2 a3 b c"),
         (15, "a1 a3 b b c"), (17, "a1 a3 b b b c"), (19, "a1 a2 a3 b b b d"), (21, "a1 a2 a3 b b b c d"),
         (23, "a1 a2 a3 b b b b c d")]
SIZE = {"a1": 6, "a2": 12, "a3": 8, "b": 24, "c": 24, "d": 48}
ANGLES = {"a1": 0, "a2": 0, "a3": 0, "b": 1, "c": 1, "d": 2}


def invariants(degree):
    return [(i, j) for j in range(degree) for i in range(degree) if 4 * i + 6 * j <= degree]


def moment(a, b, c):  # mean of x^a y^b z^c over the sphere, even exponents
    f = lambda k: k * f(k - 2) if k > 1 else 1
    return Fraction(f(a - 1) * f(b - 1) * f(c - 1), f(a + b + c + 1))


def mean(i, j):  # mean of s4^i s6^j
    total = Fraction(0)
    for p in range(i + 1):
        for q in range(i - p + 1):
            r = i - p - q
            m = factorial(i) // (factorial(p) * factorial(q) * factorial(r))
            total += m * moment(4 * p + 2 * j, 4 * q + 2 * j, 4 * r + 2 * j)
    return total


def squares(kind, t):  # x^2, y^2, z^2 of the orbit's point
    one = np.longdouble(1) if len(t) == 0 or t.dtype == np.longdouble else 1.0
    if kind == "a1": return one, one * 0, one * 0
    if kind == "a2": return one / 2, one / 2, one * 0
    if kind == "a3": return one / 3, one / 3, one / 3
    s = np.sin(t[0]) ** 2
    if kind == "b": return s / 2, s / 2, 1 - s
    if kind == "c": return s, 1 - s, one * 0
    u = np.sin(t[1]) ** 2
    return s * u, s * (1 - u), 1 - s


def unpack(orbits, v):
    n, k, out = len(orbits), len(orbits), []
    for o, kind in enumerate(orbits):
        out.append((kind, v[o], v[k:k + ANGLES[kind]]))
        k += ANGLES[kind]
    return out


# Chebyshev-like scaling of the two invariants to [-1,1] keeps the equations of high degree well conditioned.
def basis(inv, X, Y, Z):
    s4 = (X * X + Y * Y + Z * Z) * 3 - 2
    s6 = X * Y * Z * 54 - 1
    return np.array([s4 ** i * s6 ** j for i, j in inv])


def residual(orbits, inv, target, v):
    r = -target.copy()
    for kind, w, t in unpack(orbits, v):
        r = r + w * basis(inv, *squares(kind, t))
    return r


def targets(inv):  # means of (3 s4 - 2)^i (54 s6 - 1)^j, rounded to long double
    out = []
    for i, j in inv:
        total = Fraction(0)
        for p in range(i + 1):
            for q in range(j + 1):
                total += (comb(i, p) * 3 ** p * (-2) ** (i - p) * comb(j, q) * 54 ** q * (-1) ** (j - q)
                          * mean(p, q))
        high = float(total)
        out.append(np.longdouble(high) + np.longdouble(float(total - Fraction(high))))
    return np.array(out, dtype=np.longdouble)


def jacobian(f, v):
    J = np.empty((len(f(v)), len(v)))
    for k in range(len(v)):
        d = np.zeros(len(v)); d[k] = 1e-6
        J[:, k] = (f(v + d) - f(v - d)) / 2e-6
    return J


def search(orbits, inv, rng):
    target = targets(inv).astype(float)
    f = lambda v: residual(orbits, inv, target, v).astype(float)
    nang = sum(ANGLES[k] for k in orbits)
    for attempt in range(20000):
        v = np.concatenate([rng.uniform(0.2, 1, len(orbits)) / len(orbits), rng.uniform(0, np.pi / 2, nang)])
        lam, r = 1e-2, f(v)
        for it in range(120):
            J = jacobian(f, v)
            step = np.linalg.solve(J.T @ J + lam * np.eye(len(v)), -J.T @ r)
            rn = f(v + step)
            if rn @ rn < r @ r:
                done = abs(rn @ rn - r @ r) < 1e-6 * (r @ r) and r @ r > 1e-12
                v, r, lam = v + step, rn, max(lam / 5, 1e-15)
                if done and it > 40: break
            else:
                lam *= 4
                if lam > 1e6: break
            if r @ r < 1e-25: break
        if r @ r < 1e-22 and np.max(np.abs(v[:len(orbits)])) < 2: return v
    raise SystemExit("no solution for " + " ".join(orbits))


def polish(orbits, inv, v):
    target, u = targets(inv), v.astype(np.longdouble)
    J = jacobian(lambda x: residual(orbits, inv, target.astype(float), x), v)
    best, size = u, np.inf
    for it in range(60):  # the residual is in long double, so a fixed J in double converges linearly to 1e-18
        r = residual(orbits, inv, target, u)
        if np.max(np.abs(r)) < size: best, size = u, np.max(np.abs(r))
        u = u - np.linalg.lstsq(J, r.astype(float), rcond=None)[0]
    assert size < 1e-17, size
    return best


def digits(x): return np.format_float_scientific(x, precision=19)


def main():
    print("// make_quadrature.py wrote this: octahedral rules. An orbit: points, weight of a point (all sum to 1), one point")
    rows, rules = [], []
    for degree, text in RULES:
        orbits, inv = text.split(), invariants(degree)
        rng = np.random.default_rng(degree)
        u = polish(orbits, inv, search(orbits, inv, rng))
        n = 0
        first = len(rows)
        for kind, w, t in unpack(orbits, u):
            x = [np.sqrt(a) for a in squares(kind, t)]
            w = w / SIZE[kind]
            rows.append("{%d, %s, {%s}}," % (SIZE[kind], digits(w), ", ".join(digits(a) for a in x)))
            n += SIZE[kind]
        rules.append("{%d, %d, %d, %d}," % (degree, n, first, len(rows) - first))
    print("static const octahedral_orbit octahedral_orbits[] = {")
    print("\n".join("    " + r for r in rows))
    print("};")
    print("static const octahedral_rule octahedral_rules[] = { /* degree, points, first orbit, orbits */")
    print("\n".join("    " + r for r in rules))
    print("};")


main()
