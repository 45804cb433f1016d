racah_test(test_symbasis tp/test_symbasis.c)
racah_test(test_product tp/test_product.c)
