target_sources(racah_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/radial.c
  ${CMAKE_CURRENT_LIST_DIR}/radial_ref.c
  ${CMAKE_CURRENT_LIST_DIR}/table.c)
racah_kernel_sources(
  ${CMAKE_CURRENT_LIST_DIR}/act_kernel.c
  ${CMAKE_CURRENT_LIST_DIR}/table_kernel.c)
