racah_test(test_symbasis tp/test_symbasis.c)
