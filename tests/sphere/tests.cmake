racah_test(test_sph sphere/test_sph.c LABELS unit golden property)
racah_test(test_wigner_d sphere/test_wigner_d.c LABELS unit golden property)
