racah_test(test_radial radial/test_radial.c)
