/* SPDX-License-Identifier: MIT
 * Extended XYZ writer: 17 digits, so that reading gives back the same doubles. */
#include "extxyz.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <string.h>

static racah_status check_finite(const double *x, size_t n, const char *what, racah_error *err)
{
    for (size_t k = 0; x && k < n; k++)
        if (!isfinite(x[k]))
            return racahi_fail(err, RACAH_ENUMERIC, "extended XYZ: number %zu of %s is %g, not written", k,
                               what, x[k]);
    return RACAH_OK;
}

static racah_status check_frame(const racahi_frame *f, const racahi_frame_results *res, racah_error *err)
{
    for (size_t i = 0; i < f->n; i++)
        if (!racahi_element_symbol(f->Z[i]))
            return racahi_fail(err, RACAH_EINVAL,
                               "extended XYZ: atom %zu has atomic number %d, wanted 1 ... 118", i, f->Z[i]);
    RACAHI_TRY(check_finite(f->pos, 3 * f->n, "the positions", err));
    RACAHI_TRY(check_finite(f->forces, 3 * f->n, "the forces", err));
    RACAHI_TRY(check_finite(f->has_cell ? f->cell : NULL, 9, "the cell", err));
    RACAHI_TRY(check_finite(f->has_energy ? &f->energy : NULL, 1, "the energy", err));
    RACAHI_TRY(check_finite(f->has_stress ? f->stress : NULL, 9, "the stress", err));
    RACAHI_TRY(check_finite(&f->weight, 1, "config_weight", err));
    if (!res) return RACAH_OK;
    RACAHI_TRY(check_finite(res->energy, 1, "racah_energy", err));
    RACAHI_TRY(check_finite(res->forces, 3 * f->n, "racah_forces", err));
    RACAHI_TRY(check_finite(res->energy_std, 1, "racah_energy_std", err));
    RACAHI_TRY(check_finite(res->forces_std, f->n, "racah_forces_std", err));
    return check_finite(res->stress, 9, "racah_stress", err);
}

static void put_list(FILE *to, const char *key, const double v[9])
{
    fprintf(to, "%s=\"", key);
    for (int k = 0; k < 9; k++) fprintf(to, "%s%.17g", k ? " " : "", v[k]);
    fputc('"', to);
}

static void put_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') fputc('\\', to);
        if (*text == '\n')
            fputs("\\n", to);
        else
            fputc(*text, to);
    }
    fputc('"', to);
}

static void put_comment(FILE *to, const racahi_frame *f, const racahi_frame_results *res)
{
    if (f->has_cell) {
        put_list(to, "Lattice", f->cell);
        fputc(' ', to);
    }
    fprintf(to, "Properties=species:S:1:pos:R:3%s%s%s", f->forces ? ":forces:R:3" : "",
            res && res->forces ? ":racah_forces:R:3" : "", res && res->forces_std ? ":racah_forces_std:R:1" : "");
    if (f->has_energy) fprintf(to, " energy=%.17g", f->energy);
    if (f->has_stress) {
        fputc(' ', to);
        put_list(to, "stress", f->stress);
    }
    if (f->config_type && f->config_type[0]) {
        fputs(" config_type=", to);
        put_text(to, f->config_type);
    }
    if (f->weight != 1) fprintf(to, " config_weight=%.17g", f->weight);
    if (res && res->energy) fprintf(to, " racah_energy=%.17g", *res->energy);
    if (res && res->energy_std) fprintf(to, " racah_energy_std=%.17g", *res->energy_std);
    if (res && res->stress) {
        fputc(' ', to);
        put_list(to, "racah_stress", res->stress);
    }
    fprintf(to, " pbc=\"%c %c %c\"\n", f->pbc[0] ? 'T' : 'F', f->pbc[1] ? 'T' : 'F', f->pbc[2] ? 'T' : 'F');
}

static void put_frame(FILE *to, const racahi_frame *f, const racahi_frame_results *res)
{
    fprintf(to, "%zu\n", f->n);
    put_comment(to, f, res);
    for (size_t i = 0; i < f->n; i++) {
        const double *columns[3] = {f->pos, f->forces, res ? res->forces : NULL};
        fprintf(to, "%-2s", racahi_element_symbol(f->Z[i]));
        for (int k = 0; k < 3; k++)
            for (int c = 0; columns[k] && c < 3; c++) fprintf(to, " %24.17g", columns[k][3 * i + c]);
        if (res && res->forces_std) fprintf(to, " %24.17g", res->forces_std[i]);
        fputc('\n', to);
    }
}

racah_status racahi_extxyz_write(FILE *to, const racahi_frame *f, const racahi_frame_results *res,
                                 racah_error *err)
{
    char buffer[128];
    RACAHI_TRY(check_frame(f, res, err));
    /* printf writes the decimal point of the thread's locale: a host program may have set one with a comma */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c) return racahi_fail(err, RACAH_ENOMEM, "extended XYZ: out of memory");
    locale_t before = uselocale(c);
    errno = 0;
    put_frame(to, f, res);
    int failed = fflush(to) != 0 || ferror(to), code = errno;
    uselocale(before);
    freelocale(c);
    if (failed)
        return racahi_fail(err, RACAH_EIO, "extended XYZ: frame of %zu atoms not written (%s)", f->n,
                           code ? strerror_r(code, buffer, sizeof buffer) : "write error");
    return RACAH_OK;
}
