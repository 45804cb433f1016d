# SPDX-License-Identifier: MIT
# The racah command: its output, files and exit codes.
if(TARGET racah_cli)
  foreach(test eval commands tp)
    racah_test(test_cli_${test} cli/test_cli_${test}.c cli/cli_support.c LABELS cli)
    target_compile_definitions(test_cli_${test} PRIVATE RACAH_CLI="$<TARGET_FILE:racah_cli>")
    add_dependencies(test_cli_${test} racah_cli)
    # each in its own folder: both make the same files
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
    set_tests_properties(test_cli_${test} PROPERTIES WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
  endforeach()
endif()
