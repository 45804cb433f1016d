target_sources(racah_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/dump.c
  ${CMAKE_CURRENT_LIST_DIR}/project.c
  ${CMAKE_CURRENT_LIST_DIR}/mace_config.c
  ${CMAKE_CURRENT_LIST_DIR}/mace.c)
