/* SPDX-License-Identifier: MIT
 * Row-major matrix products through CBLAS, one name for each precision.
 *   C[m,n] = alpha op(A)[m,k] op(B)[k,n] + beta C       ta/tb: op is the transpose */
#ifndef RACAHI_GEMM_H
#define RACAHI_GEMM_H

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

static inline void racahi_gemm_f64(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const double *A,
                                   size_t lda, const double *B, size_t ldb, double beta, double *C, size_t ldc)
{
    if (m == 0 || n == 0) return;
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, alpha, A, (int)lda, B, (int)ldb, beta, C, (int)ldc);
}

static inline void racahi_gemm_f32(bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, const float *A,
                                   size_t lda, const float *B, size_t ldb, double beta, float *C, size_t ldc)
{
    if (m == 0 || n == 0) return;
    cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, (float)alpha, A, (int)lda, B, (int)ldb, (float)beta, C, (int)ldc);
}

/* Threads that may call the functions above at a time: an OpenBLAS built without threads (Debian's -serial) has no
 * locks either, and two threads in it get wrong numbers (OpenBLAS issue 2126). At least one. Results do not depend on it. */
static inline int racahi_blas_threads(int wanted) { return openblas_get_parallel() == 0 || wanted < 1 ? 1 : wanted; }

#endif
