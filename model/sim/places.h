// Places: which accesses are questions to the scheduler.
//
// A place is a field of a kind of object. Locks, calls that can fail and the beginning of system
// calls always ask who goes on; an access asks when its place is in the set of the run. Whoever
// explores begins with no place and adds those at which a run saw two tasks meet without order,
// until no run shows a new one (explore/places.h). Without a set every access asks.
#pragma once

#include <array>
#include <cstdint>

#include "model/sim/vocabulary.h"

namespace iommufd_check::sim {

class PlaceSet {
 public:
  bool Contains(ObjectKind kind, Field field) const {
    return (fields_[Index(kind)] & Bit(field)) != 0;
  }
  // True when the set did not contain it.
  bool Add(ObjectKind kind, Field field) {
    const uint64_t before = fields_[Index(kind)];
    fields_[Index(kind)] |= Bit(field);
    return fields_[Index(kind)] != before;
  }
  // True when `other` has something that this lacked.
  bool Merge(const PlaceSet& other) {
    const PlaceSet before = *this;
    for (size_t i = 0; i < fields_.size(); ++i) fields_[i] |= other.fields_[i];
    return !(*this == before);
  }
  bool Includes(const PlaceSet& other) const {
    PlaceSet both = *this;
    return !both.Merge(other);
  }
  int size() const {
    int n = 0;
    for (uint64_t fields : fields_) n += __builtin_popcountll(fields);
    return n;
  }
  bool empty() const { return size() == 0; }
  void Clear() { fields_.fill(0); }

  // Calls visit(kind, field), in the order of the vocabulary.
  template <class Visit>
  void ForEach(Visit&& visit) const {
    for (int kind = 0; kind < Count<ObjectKind>(); ++kind) {
      for (int field = 0; field < Count<Field>(); ++field) {
        const auto k = static_cast<ObjectKind>(kind);
        const auto f = static_cast<Field>(field);
        if (Contains(k, f)) visit(k, f);
      }
    }
  }

  friend bool operator==(const PlaceSet&, const PlaceSet&) = default;

 private:
  static_assert(Count<Field>() <= 64, "one bit for each field");
  static size_t Index(ObjectKind kind) { return static_cast<size_t>(kind); }
  static uint64_t Bit(Field field) { return uint64_t{1} << static_cast<int>(field); }

  std::array<uint64_t, Count<ObjectKind>()> fields_{};
};

}  // namespace iommufd_check::sim
