# SPDX-License-Identifier: MIT
# Racah as others get it: exported symbols, installed packages, as a subdirectory, the program of the README.
# A shared library with sanitizers needs a host with them, so only plain builds are tested.
if(RACAH_INSTALL AND RACAH_BUILD_CLI AND NOT RACAH_SANITIZE AND TARGET racah_cli)
  foreach(case symbols install subdirectory readme)
    add_test(NAME package_${case}
      COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run.sh ${case} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
        ${CMAKE_C_COMPILER} ${CMAKE_GENERATOR} $<TARGET_FILE:make_model>)
    set_tests_properties(package_${case} PROPERTIES LABELS package TIMEOUT 1200
      ENVIRONMENT "OPENBLAS_NUM_THREADS=1;OMP_NUM_THREADS=1")
  endforeach()
  # it builds the library with both cores
  set_tests_properties(package_subdirectory PROPERTIES RUN_SERIAL ON)
endif()

# Every benchmark agrees with its reference, at least once; the times of this run mean nothing.
set(small_model --filter "T=2 C=32")
set(small_tp --filter manybody)
foreach(subject kernels model tp tp_problems)
  if(TARGET bench_${subject})
    add_test(NAME bench_${subject} COMMAND bench_${subject} --quick ${small_${subject}})
    set_tests_properties(bench_${subject} PROPERTIES LABELS unit TIMEOUT 600)
  endif()
endforeach()
