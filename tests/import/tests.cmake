# The golden models are .npz files: zlib is needed to read them.
find_package(ZLIB QUIET)
if(ZLIB_FOUND)
  racah_test(test_import_golden import/test_import_golden.c import/golden_dump.c import/npz.c LABELS golden)
  target_link_libraries(test_import_golden PRIVATE ZLIB::ZLIB)
else()
  message(STATUS "racah: zlib is not here, the tests on golden MACE models are left out")
endif()
