#include "model/sim/lockdep.h"

#include "model/sim/check.h"

namespace iommufd_check::sim {

bool LockOrder::Reaches(LockClass from, LockClass to) const {
  uint32_t seen = 0;
  uint32_t frontier = successors_[Index(from)];
  while (frontier != 0) {
    const int next = __builtin_ctz(frontier);
    frontier &= frontier - 1;
    if (next == Index(to)) return true;
    if ((seen >> next) & 1u) continue;
    seen |= 1u << next;
    frontier |= successors_[next] & ~seen;
  }
  return false;
}

bool LockOrder::AddEdge(LockClass outer, LockClass inner) {
  IOMMUFD_CHECK(outer != inner, "nesting inside one class is reported as a recursive lock");
  if (HasEdge(outer, inner)) return false;
  const bool closes_cycle = Reaches(inner, outer);
  successors_[Index(outer)] |= 1u << Index(inner);
  return closes_cycle;
}

bool LockOrder::Merge(const LockOrder& other) {
  bool closes_cycle = false;
  for (int outer = 0; outer < kClasses; ++outer) {
    for (int inner = 0; inner < kClasses; ++inner) {
      if ((other.successors_[outer] >> inner) & 1u) {
        closes_cycle |= AddEdge(static_cast<LockClass>(outer), static_cast<LockClass>(inner));
      }
    }
  }
  return closes_cycle;
}

}  // namespace iommufd_check::sim
