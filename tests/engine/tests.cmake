racah_test(test_engine engine/test_engine.c LABELS property)
racah_test(test_parameter_gradient engine/test_parameter_gradient.c LABELS property)
racah_test(test_options engine/test_options.c LABELS property)
racah_test(test_local engine/test_local.c LABELS property)
racah_test(test_guard engine/test_guard.c LABELS property)
racah_test(test_memory engine/test_memory.c LABELS property)
target_link_options(test_memory PRIVATE
  -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free)
if(NOT RACAH_SANITIZE) # sanitizers multiply what a process takes
  racah_test(test_footprint engine/test_footprint.c LABELS property)
endif()
