# SPDX-License-Identifier: MIT
target_sources(racah_objects PRIVATE
  ${CMAKE_CURRENT_LIST_DIR}/neigh.c
  ${CMAKE_CURRENT_LIST_DIR}/neigh_ref.c)
