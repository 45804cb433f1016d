# SPDX-License-Identifier: MIT
# Fuzz targets. Always: a replay of the regression corpus tests/fuzz/corpus/<name>. With RACAH_FUZZ=ON (clang): the
# fuzzer itself, fuzz_<name>, to be run as `fuzz_extxyz -max_total_time=60 NEW_DIR tests/fuzz/corpus/extxyz`; an input
# that crashed goes into the corpus with its fix.
option(RACAH_FUZZ "Build the fuzz targets with libFuzzer (needs clang)" OFF)
if(RACAH_FUZZ AND NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "RACAH_FUZZ needs clang as the C compiler (found ${CMAKE_C_COMPILER_ID})")
endif()

# The parsers are compiled again for the fuzzer: it needs them instrumented, and nothing else.
set(RACAH_FUZZ_SOURCES src/base/error.c src/base/memory.c src/io/elements.c src/io/extxyz.c src/io/extxyz_write.c
  src/io/file.c src/io/keyvalue.c src/io/safetensors.c)
list(TRANSFORM RACAH_FUZZ_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/)

foreach(name extxyz safetensors)
  add_executable(replay_${name} fuzz/replay.c fuzz/fuzz_${name}.c)
  target_link_libraries(replay_${name} PRIVATE racah_static racah_flags ${RACAH_DEPENDENCIES})
  set_target_properties(replay_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME replay_${name} COMMAND replay_${name} ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
  set_tests_properties(replay_${name} PROPERTIES LABELS "unit" TIMEOUT 60)
  if(RACAH_FUZZ)
    add_executable(fuzz_${name} fuzz/fuzz_${name}.c ${RACAH_FUZZ_SOURCES})
    target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/base
      ${PROJECT_SOURCE_DIR}/sphere ${PROJECT_SOURCE_DIR}/tp)
    target_compile_options(fuzz_${name} PRIVATE -g -O1 -fsanitize=fuzzer,address,undefined
      -fno-sanitize-recover=undefined)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
    target_link_libraries(fuzz_${name} PRIVATE racah_flags PkgConfig::RACAH_JANSSON
      PkgConfig::RACAH_CRYPTO m)
    set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  endif()
endforeach()
