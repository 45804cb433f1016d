/* SPDX-License-Identifier: MIT
 * Chemical symbols, standard atomic masses, covalent radii. */
#include "extxyz.h"
#include "racah.h"

#include <string.h>

/* IUPAC abridged standard atomic weights (2021 table); for elements without stable isotopes the mass number
 * of the longest-lived one. */
static const struct {
    char symbol[4];
    double mass;
} elements[] = {
    /* clang-format off */
    {"", 0},
    {"H", 1.008}, {"He", 4.0026}, {"Li", 6.94}, {"Be", 9.0122}, {"B", 10.81}, {"C", 12.011}, {"N", 14.007},
    {"O", 15.999}, {"F", 18.998}, {"Ne", 20.180}, {"Na", 22.990}, {"Mg", 24.305}, {"Al", 26.982},
    {"Si", 28.085}, {"P", 30.974}, {"S", 32.06}, {"Cl", 35.45}, {"Ar", 39.95}, {"K", 39.098},
    {"Ca", 40.078}, {"Sc", 44.956}, {"Ti", 47.867}, {"V", 50.942}, {"Cr", 51.996}, {"Mn", 54.938},
    {"Fe", 55.845}, {"Co", 58.933}, {"Ni", 58.693}, {"Cu", 63.546}, {"Zn", 65.38}, {"Ga", 69.723},
    {"Ge", 72.630}, {"As", 74.922}, {"Se", 78.971}, {"Br", 79.904}, {"Kr", 83.798}, {"Rb", 85.468},
    {"Sr", 87.62}, {"Y", 88.906}, {"Zr", 91.224}, {"Nb", 92.906}, {"Mo", 95.95}, {"Tc", 97}, {"Ru", 101.07},
    {"Rh", 102.91}, {"Pd", 106.42}, {"Ag", 107.87}, {"Cd", 112.41}, {"In", 114.82}, {"Sn", 118.71},
    {"Sb", 121.76}, {"Te", 127.60}, {"I", 126.90}, {"Xe", 131.29}, {"Cs", 132.91}, {"Ba", 137.33},
    {"La", 138.91}, {"Ce", 140.12}, {"Pr", 140.91}, {"Nd", 144.24}, {"Pm", 145}, {"Sm", 150.36},
    {"Eu", 151.96}, {"Gd", 157.25}, {"Tb", 158.93}, {"Dy", 162.50}, {"Ho", 164.93}, {"Er", 167.26},
    {"Tm", 168.93}, {"Yb", 173.05}, {"Lu", 174.97}, {"Hf", 178.49}, {"Ta", 180.95}, {"W", 183.84},
    {"Re", 186.21}, {"Os", 190.23}, {"Ir", 192.22}, {"Pt", 195.08}, {"Au", 196.97}, {"Hg", 200.59},
    {"Tl", 204.38}, {"Pb", 207.2}, {"Bi", 208.98}, {"Po", 209}, {"At", 210}, {"Rn", 222}, {"Fr", 223},
    {"Ra", 226}, {"Ac", 227}, {"Th", 232.04}, {"Pa", 231.04}, {"U", 238.03}, {"Np", 237}, {"Pu", 244},
    {"Am", 243}, {"Cm", 247}, {"Bk", 247}, {"Cf", 251}, {"Es", 252}, {"Fm", 257}, {"Md", 258}, {"No", 259},
    {"Lr", 262}, {"Rf", 267}, {"Db", 268}, {"Sg", 269}, {"Bh", 270}, {"Hs", 269}, {"Mt", 278}, {"Ds", 281},
    {"Rg", 282}, {"Cn", 285}, {"Nh", 286}, {"Fl", 289}, {"Mc", 290}, {"Lv", 293}, {"Ts", 294}, {"Og", 294},
    /* clang-format on */
};
#define NELEMENTS ((int)(sizeof elements / sizeof elements[0]) - 1)
_Static_assert(sizeof elements / sizeof elements[0] == 119, "one row for each of the 118 elements");

const char *racahi_element_symbol(int Z) { return Z >= 1 && Z <= NELEMENTS ? elements[Z].symbol : NULL; }

int racahi_element_number(const char *symbol)
{
    if (!symbol || !symbol[0]) return 0;
    for (int Z = 1; Z <= NELEMENTS; Z++)
        if (strcmp(elements[Z].symbol, symbol) == 0) return Z;
    return 0;
}

double racahi_element_mass(int Z) { return Z >= 1 && Z <= NELEMENTS ? elements[Z].mass : 0; }

double racahi_element_radius(int Z)
{
    static const double radius[] = {
        /* clang-format off */
         0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05,
         1.02, 1.06, 2.03, 1.76, 1.7, 1.6, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.2,
         1.19, 1.2, 1.2, 1.16, 2.2, 1.95, 1.9, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44,
         1.42, 1.39, 1.39, 1.38, 1.39, 1.4, 2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96,
         1.94, 1.92, 1.92, 1.89, 1.9, 1.87, 1.87, 1.75, 1.7, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32,
         1.45, 1.46, 1.48, 1.4, 1.5, 1.5, 2.6, 2.21, 2.15, 2.06, 2, 1.96, 1.9, 1.87, 1.8, 1.69,
        /* clang-format on */
    };
    if (Z < 1 || Z > NELEMENTS) return 0;
    return Z <= (int)(sizeof radius / sizeof *radius) ? radius[Z - 1] : 0.2;
}

const char *racah_element_symbol(int Z) { return racahi_element_symbol(Z); }
int racah_element_number(const char *symbol) { return racahi_element_number(symbol); }
double racah_element_mass(int Z) { return racahi_element_mass(Z); }
