racah_test(test_train_config train/test_train_config.c)
racah_test(test_train_data train/test_train_data.c)
racah_test(test_train_gradient train/test_train_gradient.c LABELS property)
racah_test(test_train_run train/test_train_run.c)
