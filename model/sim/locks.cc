#include "model/sim/locks.h"

namespace iommufd_check::sim {

LockId LockTable::Create(LockClass lock_class, ObjectRef object) {
  IOMMUFD_CHECK(lock_class != LockClass::kCount, "a lock needs a class");
  size_t index = 0;
  while (index < slots_.size() && slots_[index].lock_class != LockClass::kCount) ++index;
  if (index == slots_.size()) slots_.emplace_back();
  IOMMUFD_CHECK(index < UINT16_MAX, "lock table is full");
  if (index >= generations_.size()) generations_.resize(index + 1, 0);
  slots_[index] = LockState{.lock_class = lock_class, .object = object};
  return LockId{static_cast<uint16_t>(index), generations_[index]};
}

void LockTable::Release(LockId id) {
  LockState& lock = at(id);
  IOMMUFD_CHECK(!lock.held(), "task.h reports held locks before they are released");
  IOMMUFD_CHECK(!lock.waited_for(), "task.h reports awaited locks before they are released");
  lock = LockState{};
  ++generations_[id.index];
  while (!slots_.empty() && slots_.back().lock_class == LockClass::kCount) slots_.pop_back();
}

}  // namespace iommufd_check::sim
