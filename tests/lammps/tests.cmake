# LAMMPS runs: only where plugin and launcher are built.
if(TARGET racahplugin AND TARGET lmp-racah)
  foreach(program make_model compare)
    add_executable(lammps_${program} lammps/${program}.c)
    target_link_libraries(lammps_${program} PRIVATE racah_static racah_flags ${RACAH_DEPENDENCIES})
    set_target_properties(lammps_${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  endforeach()

  # A stock program cannot load a plugin with sanitizers.
  find_program(RACAH_STOCK_LMP lmp)
  set(stock_lmp "")
  if(RACAH_STOCK_LMP AND NOT RACAH_SANITIZE)
    set(stock_lmp ${RACAH_STOCK_LMP})
  endif()
  set(lammps_cases ranks differences hybrid matrix routes errors guard compare sample)
  if(NOT RACAH_SANITIZE) # sanitizers multiply what a process takes
    list(APPEND lammps_cases memory)
  endif()
  foreach(case ${lammps_cases})
    add_test(NAME lammps_${case}
      COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/run.sh ${case} ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
    # The MPI library is not free of leaks.
    set_tests_properties(lammps_${case} PROPERTIES LABELS lammps TIMEOUT 600 PROCESSORS 2
      ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0;RACAH_STOCK_LMP=${stock_lmp}")
  endforeach()
endif()
