racah_test(test_sph sphere/test_sph.c LABELS unit golden property)
