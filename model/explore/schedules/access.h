// What one step of a task touches, and which steps of different tasks do not commute.
//
// Two steps of different tasks are dependent when they access one location in modes that do not
// commute. Reads commute with reads, updates (counters that stay above zero) with updates; other
// pairs do not. Locations are dense numbers handed out by LocationTable in order of first sight, so
// they are the same in every run of one exploration.
//
//   std::vector<Access> mine{{table.NumberOf(key), AccessMode::kRead}};
//   Normalise(&mine);
//   if (Dependent(mine, yours)) ...
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace iommufd_check::explore {

enum class AccessMode : uint8_t { kRead, kUpdate, kWrite };

struct Access {
  uint32_t location = 0;
  AccessMode mode = AccessMode::kRead;
  friend bool operator==(const Access&, const Access&) = default;
};

constexpr bool Commute(AccessMode a, AccessMode b) { return a == b && a != AccessMode::kWrite; }

// REQUIRES: both ascending by location, each location once.
bool Dependent(std::span<const Access> a, std::span<const Access> b);

// Sorts the accesses from `first` on and merges those of one location: a location that is both read
// and updated is written.
void SortAndMerge(std::vector<Access>* accesses, size_t first);
inline void Normalise(std::vector<Access>* accesses, size_t first = 0) {
  if (accesses->size() > first + 1) SortAndMerge(accesses, first);  // few steps have several
}

// Names of locations to dense numbers. Open addressing with a fixed mixing function: the numbers
// depend on the order of the calls alone.
class LocationTable {
 public:
  LocationTable();
  uint32_t NumberOf(uint64_t key) {
    const uint32_t known = slots_[SlotOf(key)];
    return known != 0 ? known - 1 : Add(key);
  }
  uint64_t KeyOf(uint32_t number) const { return keys_[number]; }
  size_t size() const { return keys_.size(); }

 private:
  static uint64_t Mix(uint64_t key) {
    key ^= key >> 31;
    key *= 0x9e3779b97f4a7c15u;
    return key ^ (key >> 29);
  }
  // Where the key stands, or would stand.
  size_t SlotOf(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t slot = Mix(key) & mask;
    while (slots_[slot] != 0 && keys_[slots_[slot] - 1] != key) slot = (slot + 1) & mask;
    return slot;
  }
  uint32_t Add(uint64_t key);
  void Grow();

  std::vector<uint32_t> slots_;  // number + 1, 0: empty; a power of two of them
  std::vector<uint64_t> keys_;   // by number
};

}  // namespace iommufd_check::explore
