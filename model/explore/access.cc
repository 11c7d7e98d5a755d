#include "model/explore/access.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

constexpr size_t kFirstSlots = 256;

uint64_t Mix(uint64_t key) {
  key ^= key >> 31;
  key *= 0x9e3779b97f4a7c15u;
  return key ^ (key >> 29);
}

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

void Normalise(std::vector<Access>* accesses) {
  std::sort(accesses->begin(), accesses->end(),
            [](const Access& a, const Access& b) { return a.location < b.location; });
  size_t kept = 0;
  for (size_t i = 0; i < accesses->size(); ++i) {
    const Access access = (*accesses)[i];
    if (kept > 0 && (*accesses)[kept - 1].location == access.location) {
      Access& merged = (*accesses)[kept - 1];
      if (merged.mode != access.mode) merged.mode = AccessMode::kWrite;
    } else {
      (*accesses)[kept++] = access;
    }
  }
  accesses->resize(kept);
}

LocationTable::LocationTable() : slots_(kFirstSlots, 0) {}

size_t LocationTable::SlotOf(uint64_t key) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = Mix(key) & mask;
  while (slots_[slot] != 0 && keys_[slots_[slot] - 1] != key) slot = (slot + 1) & mask;
  return slot;
}

uint32_t LocationTable::NumberOf(uint64_t key) {
  const size_t slot = SlotOf(key);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  IOMMUFD_CHECK(keys_.size() < UINT32_MAX - 1, "locations have 32-bit numbers");
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
