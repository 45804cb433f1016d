# SPDX-License-Identifier: MIT
target_sources(racah_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/elements.c
  ${CMAKE_CURRENT_LIST_DIR}/extxyz.c
  ${CMAKE_CURRENT_LIST_DIR}/extxyz_write.c
  ${CMAKE_CURRENT_LIST_DIR}/file.c
  ${CMAKE_CURRENT_LIST_DIR}/keyvalue.c
  ${CMAKE_CURRENT_LIST_DIR}/safetensors.c
  ${CMAKE_CURRENT_LIST_DIR}/safetensors_write.c)
