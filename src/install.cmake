# SPDX-License-Identifier: MIT
# Install rules: headers, libraries, command, CMake package (components: shared by default, static), pkg-config.
include(CMakePackageConfigHelpers)
set(RACAH_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/racah)

install(FILES src/racah.h src/base/racah_status.h sphere/racah_sphere.h tp/racah_tp.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/racah)
install(TARGETS racah EXPORT racah-shared)
install(TARGETS racah_static EXPORT racah-static)
if(TARGET racah_cli)
  install(TARGETS racah_cli)
endif()
foreach(kind shared static)
  install(EXPORT racah-${kind} NAMESPACE racah:: FILE racah-${kind}-targets.cmake DESTINATION ${RACAH_CMAKE_DIR})
endforeach()

configure_package_config_file(src/racah-config.cmake.in ${PROJECT_BINARY_DIR}/cmake/racah-config.cmake
  INSTALL_DESTINATION ${RACAH_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/racah-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cmake/racah-config.cmake ${PROJECT_BINARY_DIR}/cmake/racah-config-version.cmake
  DESTINATION ${RACAH_CMAKE_DIR})

# racah.pc finds its folders from its own place, so that an installed tree can be moved; absolute install folders
# are taken as they are.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(RACAH_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up "/p/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/p")
  set(RACAH_PC_PREFIX "\${pcfiledir}/${up}")
  string(REGEX REPLACE "/$" "" RACAH_PC_PREFIX "${RACAH_PC_PREFIX}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(RACAH_PC_${dir} ${CMAKE_INSTALL_${dir}})
  else()
    set(RACAH_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(src/racah.pc.in ${PROJECT_BINARY_DIR}/cmake/racah.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/racah.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/data/models)
  install(DIRECTORY data/models DESTINATION ${CMAKE_INSTALL_DATADIR}/racah
    FILES_MATCHING PATTERN "*.racah" PATTERN "*.md")
endif()
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
# runs where torch and mace are; it needs nothing of Racah
install(PROGRAMS src/mace_export.py DESTINATION ${CMAKE_INSTALL_BINDIR})
