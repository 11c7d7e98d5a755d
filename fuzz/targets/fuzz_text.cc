// libFuzzer target: programs as text, read and written.

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/input_checks.h"
#include "fuzz/targets/target_flags.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  iommufd_check::cli::RefuseFlags("fuzz_text", *argc, *argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  iommufd_check::cli::CheckText({reinterpret_cast<const char*>(data), size});
  return 0;
}
