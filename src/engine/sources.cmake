target_sources(racah_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/net.c
  ${CMAKE_CURRENT_LIST_DIR}/system.c
  ${CMAKE_CURRENT_LIST_DIR}/zbl.c
  ${CMAKE_CURRENT_LIST_DIR}/stages.c
  ${CMAKE_CURRENT_LIST_DIR}/grad.c
  ${CMAKE_CURRENT_LIST_DIR}/first.c
  ${CMAKE_CURRENT_LIST_DIR}/calc.c)
racah_kernel_sources(
  ${CMAKE_CURRENT_LIST_DIR}/first_kernel.c
  ${CMAKE_CURRENT_LIST_DIR}/../linear/rows.c
  ${CMAKE_CURRENT_LIST_DIR}/engine_f64.c
  ${CMAKE_CURRENT_LIST_DIR}/engine_f32.c)
