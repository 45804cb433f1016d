/* SPDX-License-Identifier: MIT
 * The compiled CP factors. Each file in data/ names the command that made it, its residual and largest entry.
 * Any order of the degrees serves for even paths; `_tdn` is the best found at the rank 7 L^2 of TDN, where no
 * exact factors are known. */
#include "cp_internal.h"

static const double unit_all_111[] = {
#include "../data/cp_unit_all_111.inc"
};
static const double unit_all_111_tdn[] = {
#include "../data/cp_unit_all_111_tdn.inc"
};
static const double unit_all_222[] = {
#include "../data/cp_unit_all_222.inc"
};
static const double unit_all_222_tdn[] = {
#include "../data/cp_unit_all_222_tdn.inc"
};
static const double unit_all_333[] = {
#include "../data/cp_unit_all_333.inc"
};
static const double gaunt_even_111[] = {
#include "../data/cp_gaunt_even_111.inc"
};
static const double gaunt_even_112[] = {
#include "../data/cp_gaunt_even_112.inc"
};
static const double gaunt_even_122[] = {
#include "../data/cp_gaunt_even_122.inc"
};
static const double gaunt_even_123[] = {
#include "../data/cp_gaunt_even_123.inc"
};
static const double gaunt_even_133[] = {
#include "../data/cp_gaunt_even_133.inc"
};
static const double gaunt_even_134[] = {
#include "../data/cp_gaunt_even_134.inc"
};
static const double gaunt_even_144[] = {
#include "../data/cp_gaunt_even_144.inc"
};
static const double gaunt_even_222[] = {
#include "../data/cp_gaunt_even_222.inc"
};
static const double gaunt_even_223[] = {
#include "../data/cp_gaunt_even_223.inc"
};
static const double gaunt_even_224[] = {
#include "../data/cp_gaunt_even_224.inc"
};
static const double gaunt_even_233[] = {
#include "../data/cp_gaunt_even_233.inc"
};
static const double gaunt_even_234[] = {
#include "../data/cp_gaunt_even_234.inc"
};
static const double gaunt_even_244[] = {
#include "../data/cp_gaunt_even_244.inc"
};
static const double gaunt_even_333[] = {
#include "../data/cp_gaunt_even_333.inc"
};
static const double gaunt_even_334[] = {
#include "../data/cp_gaunt_even_334.inc"
};
static const double gaunt_even_344[] = {
#include "../data/cp_gaunt_even_344.inc"
};
static const double gaunt_even_444[] = {
#include "../data/cp_gaunt_even_444.inc"
};
static const double unit_even_111[] = {
#include "../data/cp_unit_even_111.inc"
};
static const double unit_even_112[] = {
#include "../data/cp_unit_even_112.inc"
};
static const double unit_even_122[] = {
#include "../data/cp_unit_even_122.inc"
};
static const double unit_even_123[] = {
#include "../data/cp_unit_even_123.inc"
};
static const double unit_even_222[] = {
#include "../data/cp_unit_even_222.inc"
};
static const double unit_even_223[] = {
#include "../data/cp_unit_even_223.inc"
};
static const double unit_even_134[] = {
#include "../data/cp_unit_even_134.inc"
};
static const double unit_even_144[] = {
#include "../data/cp_unit_even_144.inc"
};
static const double unit_even_422[] = {
#include "../data/cp_unit_even_422.inc"
};
static const double unit_even_333[] = {
#include "../data/cp_unit_even_333.inc"
};
static const double unit_even_444[] = {
#include "../data/cp_unit_even_444.inc"
};
static const double unit_even_133[] = {
#include "../data/cp_unit_even_133.inc"
};
static const double unit_even_234[] = {
#include "../data/cp_unit_even_234.inc"
};

#define SQUARE(l) (((l) + 1) * ((l) + 1))
#define ENTRY(l1, l2, l3, family, paths, rank, residual, t)                                                    \
    {l1, l2, l3, RACAHI_CP_##family, RACAHI_CP_##paths, rank, t, t + SQUARE(l1) * rank,                      \
     t + (SQUARE(l1) + SQUARE(l2)) * rank, residual, "table"}

const racahi_cp_factors racahi_cp_tables[] = {
    ENTRY(1, 1, 1, UNIT, ALL, 8, 5.6e-16, unit_all_111),
    ENTRY(1, 1, 1, UNIT, ALL, 7, 1.7e-02, unit_all_111_tdn),
    ENTRY(2, 2, 2, UNIT, ALL, 30, 5.4e-16, unit_all_222),
    ENTRY(2, 2, 2, UNIT, ALL, 28, 1.3e-02, unit_all_222_tdn),
    ENTRY(3, 3, 3, UNIT, ALL, 90, 2.6e-15, unit_all_333),
    ENTRY(1, 1, 1, GAUNT, EVEN, 6, 1.1e-15, gaunt_even_111),
    ENTRY(1, 1, 2, GAUNT, EVEN, 9, 2.9e-16, gaunt_even_112),
    ENTRY(1, 2, 2, GAUNT, EVEN, 12, 9.7e-16, gaunt_even_122),
    ENTRY(1, 2, 3, GAUNT, EVEN, 16, 4.4e-16, gaunt_even_123),
    ENTRY(1, 3, 3, GAUNT, EVEN, 21, 4.3e-16, gaunt_even_133),
    ENTRY(1, 3, 4, GAUNT, EVEN, 25, 4.5e-16, gaunt_even_134),
    ENTRY(1, 4, 4, GAUNT, EVEN, 33, 5.9e-16, gaunt_even_144),
    ENTRY(2, 2, 2, GAUNT, EVEN, 18, 2.2e-15, gaunt_even_222),
    ENTRY(2, 2, 3, GAUNT, EVEN, 21, 3.7e-16, gaunt_even_223),
    ENTRY(2, 2, 4, GAUNT, EVEN, 25, 5.3e-16, gaunt_even_224),
    ENTRY(2, 3, 3, GAUNT, EVEN, 28, 3.5e-16, gaunt_even_233),
    ENTRY(2, 3, 4, GAUNT, EVEN, 35, 4.3e-16, gaunt_even_234),
    ENTRY(2, 4, 4, GAUNT, EVEN, 45, 4.4e-16, gaunt_even_244),
    ENTRY(3, 3, 3, GAUNT, EVEN, 32, 5.4e-16, gaunt_even_333),
    ENTRY(3, 3, 4, GAUNT, EVEN, 43, 4.9e-16, gaunt_even_334),
    ENTRY(3, 4, 4, GAUNT, EVEN, 53, 4.6e-16, gaunt_even_344),
    ENTRY(4, 4, 4, GAUNT, EVEN, 58, 4.6e-16, gaunt_even_444),
    ENTRY(1, 1, 1, UNIT, EVEN, 6, 3.3e-16, unit_even_111),
    ENTRY(1, 1, 2, UNIT, EVEN, 9, 3.8e-16, unit_even_112),
    ENTRY(1, 2, 2, UNIT, EVEN, 13, 2.1e-16, unit_even_122),
    ENTRY(1, 2, 3, UNIT, EVEN, 17, 4.1e-16, unit_even_123),
    ENTRY(2, 2, 2, UNIT, EVEN, 18, 4.6e-16, unit_even_222),
    ENTRY(2, 2, 3, UNIT, EVEN, 27, 5.9e-16, unit_even_223),
    ENTRY(1, 3, 4, UNIT, EVEN, 40, 1.6e-15, unit_even_134),
    ENTRY(1, 4, 4, UNIT, EVEN, 46, 6.4e-16, unit_even_144),
    ENTRY(4, 2, 2, UNIT, EVEN, 40, 7.5e-16, unit_even_422),
    ENTRY(3, 3, 3, UNIT, EVEN, 50, 1.9e-15, unit_even_333),
    ENTRY(4, 4, 4, UNIT, EVEN, 122, 2.9e-15, unit_even_444),
    ENTRY(1, 3, 3, UNIT, EVEN, 26, 3.9e-16, unit_even_133),
    ENTRY(2, 3, 4, UNIT, EVEN, 76, 9.8e-16, unit_even_234),
    {0},
};
