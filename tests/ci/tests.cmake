# SPDX-License-Identifier: MIT
# Stages of continuous integration as tests (run.sh says what each does): other compilers, sanitizers, fuzzers, valgrind.
option(RACAH_CI "Add the stages of continuous integration to the tests (needs clang and valgrind)" OFF)
if(NOT RACAH_CI)
  return()
endif()

# racah_ci(stage needs [processors]): a stage that needs the build of a preset, "" for none
function(racah_ci stage needs)
  add_test(NAME ci_${stage}
    COMMAND sh ${PROJECT_SOURCE_DIR}/tests/ci/run.sh ${stage} ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
  set_tests_properties(ci_${stage} PROPERTIES LABELS ci TIMEOUT 2400 SKIP_RETURN_CODE 77 FIXTURES_REQUIRED "${needs}")
endfunction()

foreach(preset clang-release clang-asan clang-tsan)
  racah_ci(build-${preset} "")
  set_tests_properties(ci_build-${preset} PROPERTIES FIXTURES_SETUP ${preset} PROCESSORS 2 COST 1000)
endforeach()
foreach(preset clang-release clang-asan)
  racah_ci(tests-${preset} ${preset})
endforeach()
racah_ci(answers "clang-release;answers")
set_tests_properties(ci_answers PROPERTIES PROCESSORS 2) # the same files as answers_*
racah_ci(tsan clang-tsan)
racah_ci(valgrind "")
foreach(target ${fuzz_targets})
  racah_ci(fuzz-${target} "clang-asan;fuzz_seeds")
endforeach()
