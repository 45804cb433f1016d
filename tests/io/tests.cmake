racah_test(test_elements io/test_elements.c)
racah_test(test_extxyz io/test_extxyz.c)
racah_test(test_extxyz_malformed io/test_extxyz_malformed.c)
