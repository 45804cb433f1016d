# SPDX-License-Identifier: MIT
# The racah command: its output, files and exit codes.
if(TARGET racah_cli)
  set(cli_src ${PROJECT_SOURCE_DIR}/src/cli)
  set(check_sources ${cli_src}/box.c ${cli_src}/box_read.c ${cli_src}/check_derivatives.c ${cli_src}/check_model.c
    ${cli_src}/check_report.c ${cli_src}/check_symmetry.c ${cli_src}/cli_util.c ${cli_src}/output.c ${cli_src}/peak.c)
  set(cli_tests eval commands train bad_input tp check)
  find_package(ZLIB QUIET) # the golden models are .npz files
  if(ZLIB_FOUND)
    list(APPEND cli_tests import)
  endif()
  foreach(test ${cli_tests})
    set(sources cli/test_cli_${test}.c cli/cli_support.c)
    if(test STREQUAL check) # calls the checks themselves, with results that are wrong
      set(sources ${sources} ${check_sources})
    elseif(test STREQUAL import)
      set(sources ${sources} import/golden_dump.c import/npz.c)
    endif()
    racah_test(test_cli_${test} ${sources} LABELS cli)
    target_compile_definitions(test_cli_${test} PRIVATE RACAH_CLI="$<TARGET_FILE:racah_cli>")
    add_dependencies(test_cli_${test} racah_cli)
    if(test STREQUAL import)
      target_link_libraries(test_cli_import PRIVATE ZLIB::ZLIB)
    endif()
    # each in its own folder: they make the same files
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
    set_tests_properties(test_cli_${test} PROPERTIES WORKING_DIRECTORY ${PROJECT_BINARY_DIR}/tests/cli_${test})
  endforeach()
endif()
