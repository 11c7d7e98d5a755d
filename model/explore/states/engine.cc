#include "model/explore/states/engine.h"

#include "absl/strings/str_cat.h"

namespace iommufd_check::explore {

absl::Status CheckOptions(const SearchOptions& options) {
  if (options.threads < 1 || options.threads > kMaxThreads) {
    return absl::InvalidArgumentError(
        absl::StrCat("--threads=", options.threads, " is out of range; give 1 to ", kMaxThreads));
  }
  const std::uint64_t memory = options.limits.max_memory_bytes;
  if (memory < kLeastMemoryBytes || memory > kGreatestMemoryBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("--max_memory=", memory, " bytes is out of range; give ", kLeastMemoryBytes,
                     " to ", kGreatestMemoryBytes));
  }
  if (options.limits.max_states == 0) {
    return absl::InvalidArgumentError("--max_states=0 would visit nothing; give at least 1");
  }
  return absl::OkStatus();
}

}  // namespace iommufd_check::explore
