# CP factors and what is built on them
target_sources(racah_objects PRIVATE ${CMAKE_CURRENT_LIST_DIR}/cp.c ${CMAKE_CURRENT_LIST_DIR}/cp_find.c
  ${CMAKE_CURRENT_LIST_DIR}/cp_fit.c ${CMAKE_CURRENT_LIST_DIR}/cp_tables.c ${CMAKE_CURRENT_LIST_DIR}/conv_cp.c
  ${CMAKE_CURRENT_LIST_DIR}/conv_so2.c
  ${CMAKE_CURRENT_LIST_DIR}/manybody.c ${CMAKE_CURRENT_LIST_DIR}/manybody_gaunt.c
  ${CMAKE_CURRENT_LIST_DIR}/manybody_ref.c)
racah_kernel_sources(${CMAKE_CURRENT_LIST_DIR}/conv_cp_kernel.c ${CMAKE_CURRENT_LIST_DIR}/conv_so2_kernel.c
  ${CMAKE_CURRENT_LIST_DIR}/manybody_kernel.c)
# what they include, so that a changed table or body is compiled again
file(GLOB RACAH_CP_DATA CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/data/cp_*.inc)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/cp_tables.c TARGET_DIRECTORY racah_objects
  PROPERTIES OBJECT_DEPENDS "${RACAH_CP_DATA}")
