#include "model/sim/event.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace iommufd_check::sim {

void EventLog::MakeRoom() { events_.reserve(2 * events_.size() + kBlock); }

void EventLog::CloseBlock() {
  const Event* block = events_.data() + events_.size() - kBlock;
  chain_ = XXH3_64bits_withSeed(block, kBlock * sizeof(Event), chain_);
}

uint64_t EventLog::digest() const {
  const size_t tail = events_.size() % kBlock;
  if (tail == 0) return chain_;
  const Event* first = events_.data() + events_.size() - tail;
  return XXH3_64bits_withSeed(first, tail * sizeof(Event), chain_);
}

}  // namespace iommufd_check::sim
