// The lock-order graph between lock classes, as the kernel's lockdep keeps it.
//
// One graph may serve many runs (all schedules of a program): an inversion is found even when no
// single run takes both orders. It is not part of the World and never influences a run.
#pragma once

#include <array>
#include <cstdint>

#include "model/sim/vocabulary.h"

namespace iommufd_check::sim {

class LockOrder {
 public:
  // Records "`inner` was wanted while `outer` was held". Returns true when this closes a cycle for
  // the first time: some path already leads from `inner` back to `outer`.
  bool AddEdge(LockClass outer, LockClass inner);

  bool HasEdge(LockClass outer, LockClass inner) const {
    return (successors_[Index(outer)] >> Index(inner)) & 1u;
  }
  bool Reaches(LockClass from, LockClass to) const;

  // Adds the edges of `other`; returns true when the union has a cycle that neither had.
  bool Merge(const LockOrder& other);

  friend bool operator==(const LockOrder&, const LockOrder&) = default;

 private:
  static constexpr int kClasses = Count<LockClass>();
  static_assert(kClasses <= 32, "one bit for each class");
  static int Index(LockClass c) { return static_cast<int>(c); }

  std::array<uint32_t, kClasses> successors_{};
};

}  // namespace iommufd_check::sim
