#include "model/explore/states/level_tally.h"

#include <xxhash.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

void ExplorationDigest::AbsorbWords(const std::uint64_t* words, std::size_t count) {
  IOMMUFD_CHECK(count > 0, "a level has a record");
  std::vector<std::uint64_t> chained = {high_, low_};
  chained.insert(chained.end(), words, words + count);
  const XXH128_hash_t hash = XXH3_128bits(chained.data(), chained.size() * sizeof chained[0]);
  high_ = hash.high64;
  low_ = hash.low64;
}

std::string ExplorationDigest::Hex() const {
  return absl::StrCat(absl::Hex(high_, absl::kZeroPad16), absl::Hex(low_, absl::kZeroPad16));
}

}  // namespace iommufd_check::explore
