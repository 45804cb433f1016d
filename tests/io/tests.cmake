# SPDX-License-Identifier: MIT
racah_test(test_elements io/test_elements.c)
racah_test(test_extxyz io/test_extxyz.c)
racah_test(test_extxyz_malformed io/test_extxyz_malformed.c)
racah_test(test_safetensors io/test_safetensors.c)
racah_test(test_safetensors_malformed io/test_safetensors_malformed.c)
