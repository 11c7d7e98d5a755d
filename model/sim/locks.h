// The locks of the machine as values: who holds each and who waits for it.
//
// A LockTable is part of the World, so copying a World copies its locks. Objects own LockIds and
// release them when they die. Only the primitives of task.h change the state of a lock.
//
// Invariants
//   1. owner != kNobody and readers != 0 never hold together.
//   2. A spinlock or mutex never has readers.
//   3. A released slot has no owner, no reader and no waiter.
#pragma once

#include <cstdint>
#include <vector>

#include "model/sim/check.h"
#include "model/sim/event.h"

namespace iommufd_check::sim {

struct LockId {
  uint16_t index = UINT16_MAX;
  uint16_t generation = 0;  // ghost, see slots.h: recognises the lock of a freed object
  friend bool operator==(const LockId& a, const LockId& b) { return a.index == b.index; }
};

enum class LockMode : uint8_t { kExclusive, kShared };

struct LockState {
  static constexpr int8_t kNobody = -1;

  LockClass lock_class = LockClass::kCount;  // kCount: the slot is free
  int8_t owner = kNobody;
  uint8_t readers = 0;          // bit t: task t holds it shared
  uint8_t waiting_writers = 0;  // bit t: task t waits for it exclusively
  uint8_t waiting_readers = 0;
  ObjectRef object;  // the object that contains the lock

  bool held() const { return owner != kNobody || readers != 0; }
  bool waited_for() const { return waiting_writers != 0 || waiting_readers != 0; }

  // A waiting writer blocks new readers, as the kernel's rw_semaphore does.
  bool CanAcquire(TaskId task, LockMode mode) const {
    if (owner != kNobody) return false;
    if (mode == LockMode::kExclusive) return readers == 0;
    return (waiting_writers & ~(1u << task)) == 0;
  }

  friend bool operator==(const LockState&, const LockState&) = default;

  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("class", s.lock_class...);
    v("owner", s.owner...);
    v("readers", s.readers...);
    v("waiting_writers", s.waiting_writers...);
    v("waiting_readers", s.waiting_readers...);
    v("object", s.object...);
  }
};

class LockTable {
 public:
  // The lowest free slot: a pure function of the table.
  LockId Create(LockClass lock_class, ObjectRef object);
  void Release(LockId id);

  // Null when the lock has been released since.
  LockState* Find(LockId id) {
    if (id.index >= slots_.size()) return nullptr;
    if (slots_[id.index].lock_class == LockClass::kCount) return nullptr;
    return generations_[id.index] == id.generation ? &slots_[id.index] : nullptr;
  }
  LockState& at(LockId id) {  // REQUIRES: not released
    LockState* lock = Find(id);
    IOMMUFD_CHECK(lock != nullptr, "lock id of a released lock");
    return *lock;
  }
  const LockState& at(LockId id) const { return const_cast<LockTable*>(this)->at(id); }
  const std::vector<LockState>& slots() const { return slots_; }

  // Trailing free slots do not distinguish two tables, nor do generations.
  friend bool operator==(const LockTable& a, const LockTable& b) { return a.slots_ == b.slots_; }

  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("locks", s.slots_...);
  }

 private:
  std::vector<LockState> slots_;
  std::vector<uint16_t> generations_;
};

}  // namespace iommufd_check::sim
