racah_test(test_rows linear/test_rows.c LABELS unit)
