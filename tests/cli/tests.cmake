# SPDX-License-Identifier: MIT
# The racah command: its output, files and exit codes.
if(TARGET racah_cli)
  set(cli_src ${PROJECT_SOURCE_DIR}/src/cli)
  set(check_sources ${cli_src}/box.c ${cli_src}/box_read.c ${cli_src}/check_derivatives.c ${cli_src}/check_model.c
    ${cli_src}/check_report.c ${cli_src}/check_symmetry.c ${cli_src}/cli_util.c ${cli_src}/peak.c)
  foreach(test eval commands tp check)
    set(sources cli/test_cli_${test}.c cli/cli_support.c)
    if(test STREQUAL check) # calls the checks themselves, with results that are wrong
      set(sources ${sources} ${check_sources})
    endif()
    racah_test(test_cli_${test} ${sources} LABELS cli)
    target_compile_definitions(test_cli_${test} PRIVATE RACAH_CLI="$<TARGET_FILE:racah_cli>")
    add_dependencies(test_cli_${test} racah_cli)
    # each in its own folder: they make the same files
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
    set_tests_properties(test_cli_${test} PROPERTIES WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
  endforeach()
endif()
