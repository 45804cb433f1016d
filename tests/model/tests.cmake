racah_test(test_config model/test_config.c)
racah_test(test_model_file model/test_model_file.c)
# Not a test: the record of how tests/golden/model_v1.racah was made.
add_executable(make_model_v1 EXCLUDE_FROM_ALL model/make_model_v1.c)
target_link_libraries(make_model_v1 PRIVATE racah_static racah_flags PkgConfig::RACAH_CMOCKA ${RACAH_DEPENDENCIES})
target_include_directories(make_model_v1 PRIVATE ${PROJECT_SOURCE_DIR}/tests)
