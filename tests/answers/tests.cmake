# SPDX-License-Identifier: MIT
# The same answer from every kernel variant, number of threads and ranks, OpenBLAS of the distribution.
find_package(Threads REQUIRED)
add_executable(answers answers/answers.c)
target_link_libraries(answers PRIVATE racah_static racah_flags ${RACAH_DEPENDENCIES} Threads::Threads)
set_target_properties(answers PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
foreach(case reference serial pthread openmp)
  add_test(NAME answers_${case}
    COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run.sh ${case} ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
  set_tests_properties(answers_${case} PROPERTIES LABELS property TIMEOUT 900 PROCESSORS 2 SKIP_RETURN_CODE 77
    FIXTURES_REQUIRED answers)
endforeach()
set_tests_properties(answers_reference PROPERTIES FIXTURES_REQUIRED "" FIXTURES_SETUP answers)
