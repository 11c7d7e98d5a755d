// A hash map that can only be asked for a key: what cannot be iterated cannot bring its order into
// a result. Made for tables that fill and empty once a run: Clear costs nothing, and room is kept.
//
//   LookupMap<Counter> counters;
//   ++counters[key].value;
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace iommufd_check::sim {

template <class Value>
class LookupMap {
 public:
  LookupMap() = default;
  LookupMap(const LookupMap&) = default;
  // An empty one takes no room away.
  LookupMap& operator=(const LookupMap& other) {
    if (this == &other) return *this;
    if (other.used_ == 0) {
      Clear();
    } else {
      slots_ = other.slots_;
      used_ = other.used_;
      epoch_ = other.epoch_;
    }
    return *this;
  }

  void Clear() {
    used_ = 0;
    if (++epoch_ != 0) return;
    slots_.clear();  // all epochs were used up
    epoch_ = 1;
  }

  // The value of the key, made if there is none. References move when another key is added.
  Value& operator[](uint64_t key) { return FindOr(key, Value{}); }
  Value& FindOr(uint64_t key, Value missing) {
    if ((used_ + 1) * 2 > slots_.size()) Grow();
    Slot& slot = slots_[PlaceOf(key)];
    if (slot.epoch == epoch_) return slot.value;
    ++used_;
    slot = {key, epoch_, std::move(missing)};
    return slot.value;
  }
  // Null: there is none.
  Value* Find(uint64_t key) {
    if (used_ == 0) return nullptr;
    Slot& slot = slots_[PlaceOf(key)];
    return slot.epoch == epoch_ ? &slot.value : nullptr;
  }

 private:
  static constexpr size_t kLeast = 64;

  struct Slot {
    uint64_t key = 0;
    uint32_t epoch = 0;  // an older one: free
    Value value{};
  };

  // Where the key is, or where it would go: linear probing, and half of the slots are free.
  size_t PlaceOf(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t at = (key * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (slots_[at].epoch == epoch_ && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  void Grow() {
    const size_t size = slots_.empty() ? kLeast : slots_.size() * 2;
    std::vector<Slot> old(size);
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.epoch == epoch_) slots_[PlaceOf(slot.key)] = std::move(slot);
    }
  }

  std::vector<Slot> slots_;  // none, or a power of two
  size_t used_ = 0;
  uint32_t epoch_ = 1;
};

}  // namespace iommufd_check::sim
