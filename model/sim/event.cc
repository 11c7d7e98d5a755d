#include "model/sim/event.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace iommufd_check::sim {

void EventLog::MakeRoom() { events_.reserve(2 * events_.size() + kBlock); }

uint64_t EventLog::digest() const {
  for (; hashed_ + kBlock <= events_.size(); hashed_ += kBlock) {
    chain_ = XXH3_64bits_withSeed(events_.data() + hashed_, kBlock * sizeof(Event), chain_);
  }
  const size_t tail = events_.size() - hashed_;
  if (tail == 0) return chain_;
  return XXH3_64bits_withSeed(events_.data() + hashed_, tail * sizeof(Event), chain_);
}

}  // namespace iommufd_check::sim
