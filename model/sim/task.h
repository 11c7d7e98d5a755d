// Tasks, and the kernel primitives that they call. These are the only yield points.
//
// Operations are straight-line C++ against the free functions below, which carry the kernel's
// names. Each call of one is a *step* of its task: under a schedule the explorer may run other
// tasks before it; without one it costs a predictable branch. Between two steps a task runs alone.
//
// Rules for operations
//   1. Shared state is reached through Shared<> (shared.h) or an accessor that calls Task::Access.
//   2. Keep handles, not references, across a step: tables move when other tasks insert.
//   3. No destructor may take a step: a run that ends early unwinds its tasks with RunEnds.
//
//   mutex_lock(t, ioas.mutex);
//   if (should_fail(t, FaultSite::kAreaAlloc)) { mutex_unlock(t, ioas.mutex); return -kENOMEM; }
//   mutex_unlock(t, ioas.mutex);
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "model/sim/check.h"
#include "model/sim/event.h"
#include "model/sim/locks.h"

namespace iommufd_check::sim {

class Runtime;

// Thrown through a task when the run ends before the task does (oops, deadlock). Not a
// std::exception, and only the runtime catches it.
struct RunEnds {};

struct HeldLock {
  LockId id;
  LockMode mode = LockMode::kExclusive;
};

class Task {
 public:
  TaskId id() const { return id_; }
  uint32_t steps() const { return steps_; }
  uint16_t operation() const { return operation_; }
  Runtime& runtime() const { return *runtime_; }

  // Takes one step: other tasks may run before this returns.
  void Step();

  void Record(Primitive primitive, ObjectRef object, int detail, int64_t value = 0, int mode = 0,
              int spare = 0);
  // `atomic`: the callee orders the access itself (i_size_read, the page cache's own lock), so it
  // is a dependency but never a data race.
  void Access(Primitive read_or_write, ObjectRef object, Field field, bool atomic = false) {
    Record(read_or_write, object, static_cast<int>(field), 0, atomic ? 1 : 0);
  }
  void Emit(Note note, ObjectRef object, int64_t value = 0) {
    Record(Primitive::kNote, object, static_cast<int>(note), value);
  }

  // Records what the kernel's own checks would print; the run continues.
  void Report(Splat splat, ObjectRef object, int64_t value = 0);

  // Records a splat after which the kernel is not in a state to continue, and ends the run.
  [[noreturn]] void Oops(Splat splat, ObjectRef object, int64_t value = 0);

  bool Holds(LockId id) const;
  bool Holds(LockId id, LockMode mode) const;
  int spin_depth() const { return spin_depth_; }
  int held_count() const { return held_count_; }
  const HeldLock& held(int i) const { return held_[i]; }

 private:
  friend class Runtime;
  friend void AcquireLock(Task& t, LockId id, LockMode mode);
  friend void ReleaseLock(Task& t, LockId id, LockMode mode);
  friend void wait_event(Task& t, ObjectRef object, const std::function<bool()>& condition);

  static constexpr int kMaxHeld = 16;

  Runtime* runtime_ = nullptr;
  TaskId id_ = 0;
  uint32_t steps_ = 0;
  uint16_t operation_ = 0;
  int8_t held_count_ = 0;
  int8_t spin_depth_ = 0;
  std::array<HeldLock, kMaxHeld> held_{};
};

// Sleeping and spinning locks (include/linux/mutex.h, rwsem.h, spinlock.h). A sleeping lock taken
// while a spinlock is held is reported and taken all the same, as a debug kernel does.
void mutex_lock(Task& t, LockId id);
void mutex_unlock(Task& t, LockId id);
void down_read(Task& t, LockId id);
void up_read(Task& t, LockId id);
void down_write(Task& t, LockId id);
void up_write(Task& t, LockId id);
void spin_lock(Task& t, LockId id);
void spin_unlock(Task& t, LockId id);

// Reports kLockNotHeld unless the task holds the lock in any mode (lockdep_assert_held).
void lockdep_assert_held(Task& t, LockId id);

// Frees the lock with its object; an oops (kFreeLockedLock) when somebody holds or awaits it.
void lock_destroy(Task& t, LockId id);

// Sleeps until `condition` holds; whoever makes it true need not know (wait_event on a wait queue
// that every change wakes). `condition` reads the World and has no effect.
void wait_event(Task& t, ObjectRef object, const std::function<bool()>& condition);

// Reports kSleepInAtomic while a spinlock is held.
void might_sleep(Task& t, ObjectRef where);

enum class Gfp : uint8_t { kKernel, kAtomic };

// True when the fault plan makes this call fail. A step; a GFP_KERNEL call may sleep.
bool should_fail(Task& t, FaultSite site, ObjectRef object = {}, Gfp gfp = Gfp::kKernel);

// Reports a WARN when `condition` holds, and returns it (WARN_ON).
bool warn_on(Task& t, bool condition, ObjectRef object);

// refcount_t: reports saturation and underflow instead of wrapping.
struct Refcount {
  uint32_t value = 1;

  friend bool operator==(const Refcount&, const Refcount&) = default;
  template <class Visitor, class... Self>
  static void Visit(Visitor&& v, Self&... s) {
    v("refs", s.value...);
  }
};
void refcount_inc(Task& t, Refcount& refcount, ObjectRef object);
bool refcount_inc_not_zero(Task& t, Refcount& refcount, ObjectRef object);
// True when the count became zero.
bool refcount_dec_and_test(Task& t, Refcount& refcount, ObjectRef object);

}  // namespace iommufd_check::sim
