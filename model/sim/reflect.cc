#include "model/sim/reflect.h"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace iommufd_check::sim {

static_assert(std::endian::native == std::endian::little,
              "fingerprints hash little-endian words in place");

Fingerprint HashWords(const std::vector<uint64_t>& words) {
  const XXH128_hash_t hash = XXH3_128bits(words.data(), words.size() * sizeof(uint64_t));
  return Fingerprint{hash.low64, hash.high64};
}

std::vector<std::string> DiffSink::TakeLines() {
  if (suppressed_ > 0) {
    lines_.push_back("... and " + std::to_string(suppressed_) + " more");
  }
  return std::move(lines_);
}

void DiffSink::Line(const std::string& path, std::string_view before, std::string_view after) {
  if (lines_.size() == limit_) {
    ++suppressed_;
    return;
  }
  lines_.push_back(path + ": " + std::string(before) + " -> " + std::string(after));
}

}  // namespace iommufd_check::sim
