#include "fuzz/shard.h"

#include <cstdint>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace iommufd_check::cli {

std::string KeepShard(const std::string& shard, std::vector<std::string>* files) {
  if (shard.empty()) return "";
  const size_t slash = shard.find('/');
  uint32_t index = 0;
  uint32_t count = 0;
  if (slash == std::string::npos || !absl::SimpleAtoi(shard.substr(0, slash), &index) ||
      !absl::SimpleAtoi(shard.substr(slash + 1), &count) || index >= count) {
    return absl::StrCat("--shard=", shard, " is not I/N with 0 <= I < N");
  }
  std::vector<std::string> kept;
  for (size_t i = index; i < files->size(); i += count) kept.push_back(std::move((*files)[i]));
  *files = std::move(kept);
  return "";
}

}  // namespace iommufd_check::cli
