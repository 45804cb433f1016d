racah_test(test_config model/test_config.c)
racah_test(test_model_file model/test_model_file.c)
# Not a test: the record of how tests/golden/model_v*.racah were made.
add_executable(make_golden_models EXCLUDE_FROM_ALL model/make_golden_models.c)
target_link_libraries(make_golden_models PRIVATE racah_static racah_flags PkgConfig::RACAH_CMOCKA ${RACAH_DEPENDENCIES})
target_include_directories(make_golden_models PRIVATE ${PROJECT_SOURCE_DIR}/tests)
