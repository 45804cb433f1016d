# SPDX-License-Identifier: MIT
racah_test(test_neigh neigh/test_neigh.c)
