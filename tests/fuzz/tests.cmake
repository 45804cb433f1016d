# SPDX-License-Identifier: MIT
# Fuzz targets, one for each parser. Always: a replay of the regression corpus tests/fuzz/corpus/<name> and of the valid
# inputs that make_seeds writes. With RACAH_FUZZ=ON (clang): everything is built for libFuzzer, and fuzz_<name> is the
# fuzzer, to be run as `fuzz_extxyz -max_total_time=60 NEW_DIR tests/fuzz/corpus/extxyz tests/fuzz-seeds/extxyz`; an
# input that crashed goes into the corpus with its fix.
set(fuzz_targets extxyz safetensors config model mace yaml checkpoint box irreps)
set(fuzz_containers safetensors model mace checkpoint)
set(fuzz_seeds ${PROJECT_BINARY_DIR}/tests/fuzz-seeds)

add_executable(make_seeds fuzz/make_seeds.c)
target_link_libraries(make_seeds PRIVATE racah_static racah_flags ${RACAH_DEPENDENCIES})
set_target_properties(make_seeds PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
add_test(NAME make_seeds COMMAND make_seeds ${fuzz_seeds})
set_tests_properties(make_seeds PROPERTIES FIXTURES_SETUP fuzz_seeds LABELS unit TIMEOUT 60)

foreach(name ${fuzz_targets})
  set(sources fuzz/fuzz_${name}.c)
  if(name STREQUAL "box")
    list(APPEND sources ${PROJECT_SOURCE_DIR}/src/cli/box.c ${PROJECT_SOURCE_DIR}/src/cli/box_read.c)
  endif()
  add_executable(replay_${name} fuzz/replay.c ${sources})
  set(programs replay_${name})
  add_test(NAME replay_${name}
    COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name} ${fuzz_seeds}/${name})
  set_tests_properties(replay_${name} PROPERTIES LABELS unit TIMEOUT 120 FIXTURES_REQUIRED fuzz_seeds
    ENVIRONMENT "OPENBLAS_NUM_THREADS=1;OMP_NUM_THREADS=1")
  if(RACAH_FUZZ)
    if(name IN_LIST fuzz_containers)
      list(APPEND sources fuzz/mutate_container.c)
    endif()
    add_executable(fuzz_${name} ${sources})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    list(APPEND programs fuzz_${name})
  endif()
  foreach(program ${programs})
    target_link_libraries(${program} PRIVATE racah_static racah_flags ${RACAH_DEPENDENCIES})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  endforeach()
endforeach()
