#include "model/explore/schedules/access.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr size_t kFirstSlots = 256;

}  // namespace

bool Dependent(std::span<const Access> a, std::span<const Access> b) {
  size_t i = 0;
  size_t k = 0;
  while (i < a.size() && k < b.size()) {
    if (a[i].location < b[k].location) {
      ++i;
    } else if (b[k].location < a[i].location) {
      ++k;
    } else {
      if (!Commute(a[i].mode, b[k].mode)) return true;
      ++i;
      ++k;
    }
  }
  return false;
}

void SortAndMerge(std::vector<Access>* accesses, size_t first) {
  std::sort(accesses->begin() + static_cast<ptrdiff_t>(first), accesses->end(),
            [](const Access& a, const Access& b) { return a.location < b.location; });
  size_t kept = first;
  for (size_t i = first; i < accesses->size(); ++i) {
    const Access access = (*accesses)[i];
    if (kept > first && (*accesses)[kept - 1].location == access.location) {
      Access& merged = (*accesses)[kept - 1];
      if (merged.mode != access.mode) merged.mode = AccessMode::kWrite;
    } else {
      (*accesses)[kept++] = access;
    }
  }
  accesses->resize(kept);
}

LocationTable::LocationTable() : slots_(kFirstSlots, 0) {}

uint32_t LocationTable::Add(uint64_t key) {
  IOMMUFD_CHECK(keys_.size() < UINT32_MAX - 1, "locations have 32-bit numbers");
  const size_t slot = SlotOf(key);
  keys_.push_back(key);
  slots_[slot] = static_cast<uint32_t>(keys_.size());
  if (keys_.size() * 2 > slots_.size()) Grow();
  return static_cast<uint32_t>(keys_.size() - 1);
}

void LocationTable::Grow() {
  slots_.assign(slots_.size() * 2, 0);
  for (size_t i = 0; i < keys_.size(); ++i) {
    slots_[SlotOf(keys_[i])] = static_cast<uint32_t>(i + 1);
  }
}

}  // namespace iommufd_check::explore
