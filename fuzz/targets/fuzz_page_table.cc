// libFuzzer target: page tables of any content, walked by both descriptions of their format.

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/input_checks.h"
#include "fuzz/targets/target_flags.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  iommufd_check::cli::RefuseFlags("fuzz_page_table", *argc, *argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  iommufd_check::cli::CheckPageTable({data, size});
  return 0;
}
