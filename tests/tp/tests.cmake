racah_test(test_symbasis tp/test_symbasis.c)
racah_test(test_conv tp/test_conv.c)
racah_test(test_product tp/test_product.c)
racah_test(test_cg tp/test_cg.c LABELS unit golden property)
