// libFuzzer's functions for the targets whose inputs are programs (program_target.h).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "fuzz/targets/program_target.h"
#include "model/program/bytes/byte_codec.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace iommufd_check::cli {
namespace {

// libFuzzer itself ends with 0 whatever was found on the way.
void TellFindings() {
  const size_t kept = TheTarget().kept();
  if (kept == 0) return;
  std::fprintf(stderr, "%s: %zu programs were kept\n", TheTarget().name().c_str(), kept);
  std::fflush(stderr);
  std::_Exit(static_cast<int>(ExitCode::kViolation));
}

}  // namespace
}  // namespace iommufd_check::cli

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  using namespace iommufd_check::cli;
  ProgramTarget& target = TheTarget();
  std::vector<std::string> flags;
  for (int i = 1; i < *argc; ++i) {
    if (std::string_view((*argv)[i]).starts_with("--")) flags.emplace_back((*argv)[i]);
  }
  if (const absl::Status read = target.ReadFlags(flags); !read.ok()) {
    std::fprintf(stderr, "%s: %s\n", target.name().c_str(), std::string(read.message()).c_str());
    std::exit(static_cast<int>(ExitCode::kUsage));
  }
  std::atexit(&TellFindings);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  using namespace iommufd_check;
  cli::ProgramTarget& target = cli::TheTarget();
  max_size = std::min(max_size, target.max_bytes());
  size = std::min(size, max_size);
  // A byte that no edit would choose can be the right one.
  if (target.mutator() != nullptr && seed % 16 != 0) {
    return target.mutator()->Mutate(data, size, max_size, seed);
  }
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (mutated > 0) data[0] = program::kBytesVersion;  // another would be refused
  return mutated;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_size, unsigned seed) {
  using namespace iommufd_check;
  cli::ProgramTarget& target = cli::TheTarget();
  max_size = std::min(max_size, target.max_bytes());
  if (target.mutator() != nullptr) {
    return target.mutator()->CrossOver({data1, size1}, {data2, size2}, out, max_size, seed);
  }
  const size_t size = std::min(size1, max_size);
  std::copy_n(data1, size, out);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return iommufd_check::cli::TheTarget().Execute({data, size});
}
