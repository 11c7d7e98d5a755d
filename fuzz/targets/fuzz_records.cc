// libFuzzer target: what is handed over to the next kernel, of any content, in the layouts of
// --design=NAME.

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/input_checks.h"
#include "fuzz/targets/target_flags.h"

namespace {

iommufd_check::uapi::Contract::Abi abi;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  abi = iommufd_check::cli::DesignOfFlags("fuzz_records", *argc, *argv)->contract().abi;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  iommufd_check::cli::CheckRecords({data, size}, abi);
  return 0;
}
