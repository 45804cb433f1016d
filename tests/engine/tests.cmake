racah_test(test_engine engine/test_engine.c LABELS property)
racah_test(test_parameter_gradient engine/test_parameter_gradient.c LABELS property)
racah_test(test_options engine/test_options.c LABELS property)
racah_test(test_local engine/test_local.c LABELS property)
