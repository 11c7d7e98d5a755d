// Tasks, and the kernel primitives that they call. These are the only yield points.
//
// Operations are straight-line C++ against the free functions below, which carry the kernel's
// names. Each call of one, and each access to what tasks share, is a *step* of its task: under a
// schedule the explorer may run other tasks before it (before accesses only where it matters,
// places.h); without one it costs a predictable branch. Between two steps a task runs alone.
//
// Rules for operations
//   1. Shared state is reached through the accesses of shared.h and access.h, and nobody writes a
//      step by hand.
//   2. Keep handles, not references, across a step: tables move when other tasks insert.
//   3. No destructor may take a step: a run that ends early unwinds its tasks with RunEnds.
//
//   mutex_lock(t, ioas.mutex);
//   const int error = fail(t, FaultSite::kAreaAlloc);
//   mutex_unlock(t, ioas.mutex);
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/sim/act.h"
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
  uint8_t subclass = 0;
  LockClass lock_class = LockClass::kCount;
};

// How a lock may stand inside another one of its class (lockdep): by a documented order, lower
// subclass first, or because a lock that is held keeps everybody else from taking two of them.
struct Nesting {
  uint8_t subclass = 0;
  LockId nest_lock;  // of mutex_lock_nest_lock, down_write_nest_lock
};

class Task {
 public:
  TaskId id() const { return id_; }
  uint32_t steps() const { return steps_; }
  uint16_t operation() const { return operation_; }
  Runtime& runtime() const { return *runtime_; }

  // Takes one step, whose `act` is about to happen: other tasks may run before this returns. True:
  // they may have.
  bool Step(const Act& act = {}) { return TakeStep(act, operation_); }
  // The step of an access: other tasks may run first where the run asks at this place.
  void Place(ObjectKind kind, Field field);

  void Record(Primitive primitive, ObjectRef object, int detail, int64_t value = 0, int mode = 0,
              int spare = 0);
  // `marks`: kAccess* bits. `element`: of a field with several, each a location of its own.
  void Access(Primitive read_or_write, ObjectRef object, Field field, uint8_t marks = 0,
              uint16_t element = 0) {
    Record(read_or_write, object, static_cast<int>(field), 0, marks, element);
  }
  void Emit(Note note, ObjectRef object, int64_t value = 0) {
    Record(Primitive::kNote, object, static_cast<int>(note), value);
  }

  // Records what the kernel's own checks would print; the run continues. `condition`: what a WARN
  // or BUG tested.
  void Report(Splat splat, ObjectRef object, int64_t value = 0,
              Condition condition = Condition::kNone);

  // Records a splat after which the kernel is not in a state to continue, and ends the run.
  [[noreturn]] void Oops(Splat splat, ObjectRef object, int64_t value = 0);

  // The innermost function that was entered and not left (Scope).
  Fn function() const { return function_; }

  bool Holds(LockId id) const;
  bool Holds(LockId id, LockMode mode) const;
  int spin_depth() const { return spin_depth_; }
  int held_count() const { return held_count_; }
  const HeldLock& held(int i) const { return held_[i]; }

 private:
  friend class Runtime;
  friend class Scope;
  friend LockState& AwaitLock(Task& t, LockId id, LockMode mode);
  friend void AcquireLock(Task& t, LockId id, LockMode mode, const Nesting& nesting);
  friend void ReleaseLock(Task& t, LockId id, LockMode mode);
  friend void task_work_add(Task& t, std::function<void()> work);

  bool TakeStep(const Act& act, uint16_t operation);
  bool TakeFreeStep();
  void TakePlace(ObjectKind kind, Field field);
  void CountStep();
  // Of a lock that the task holds; held_count_ when it does not hold it in that mode.
  int PlaceOf(LockId id, LockMode mode) const;

  static constexpr int kMaxHeld = 16;

  Runtime* runtime_ = nullptr;
  TaskId id_ = 0;
  uint32_t steps_ = 0;
  uint16_t operation_ = 0;
  int8_t held_count_ = 0;
  int8_t spin_depth_ = 0;
  Fn function_ = Fn::kNone;
  uint8_t depth_ = 0;  // of functions entered and not left
  std::array<HeldLock, kMaxHeld> held_{};
  std::vector<std::function<void()>> work_;  // for the return to user space
};

// What a task sees of a layer of the kernel: `t` is the task, the other members are the state that
// the layer may touch. Objects are found and named by Get(k, h) and Ref(k, h) of the layer.
template <class K>
concept Layer = requires(K& k) {
  { k.t } -> std::convertible_to<Task&>;
};

// Says which function of the kernel the code below it stands for, until the end of the block:
// findings are told apart by it, and swim lanes show its entry. Takes no step. The end restores the
// caller and records nothing, so that a run may unwind through it.
//
//   sim::Scope scope(k, sim::Fn::kIoptAbortArea, ioas);
class Scope {
 public:
  Scope(Task& t, Fn function, ObjectRef object = {}) : task_(t), caller_(t.function_) {
    t.function_ = function;
    ++t.depth_;
    t.Record(Primitive::kEnter, object, static_cast<int>(function), t.depth_);
  }
  template <Layer K, class H>
  Scope(K& k, Fn function, H h) : Scope(k.t, function, Ref(k, h)) {}
  template <Layer K>
  Scope(K& k, Fn function) : Scope(k.t, function) {}
  ~Scope() {
    task_.function_ = caller_;
    --task_.depth_;
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  Task& task_;
  const Fn caller_;
};

// Sleeping and spinning locks (include/linux/mutex.h, rwsem.h, spinlock.h). A sleeping lock taken
// while a spinlock is held is reported and taken all the same, as a debug kernel does.
void mutex_lock(Task& t, LockId id);
void mutex_lock_nested(Task& t, LockId id, const Nesting& nesting);
void mutex_unlock(Task& t, LockId id);
void down_read(Task& t, LockId id);
void up_read(Task& t, LockId id);
void down_write(Task& t, LockId id);
void down_write_nested(Task& t, LockId id, const Nesting& nesting);
void up_write(Task& t, LockId id);
void spin_lock(Task& t, LockId id);
void spin_unlock(Task& t, LockId id);

// Reports kLockNotHeld unless the task holds the lock in any mode (lockdep_assert_held).
void lockdep_assert_held(Task& t, LockId id);

// The lock of an object that is being built (mutex_init and its like). Takes no step.
LockId lock_create(Task& t, LockClass lock_class, ObjectRef object);
// Frees the lock with its object; an oops (kFreeLockedLock) when somebody holds or awaits it.
void lock_destroy(Task& t, LockId id);

// Sleeps on the wait queue of `queue` until somebody wakes it and `condition` holds then. Making
// the condition true without waking leaves the sleeper asleep. `condition` records what it reads
// and takes no step.
void wait_event(Task& t, ObjectRef queue, const std::function<bool()>& condition);
// The same with a time-out, which is taken when no task can run. False: it was taken and the
// condition does not hold. When it does hold, a wake-up was forgotten (kLostWakeUp).
bool wait_event_timeout(Task& t, ObjectRef queue, const std::function<bool()>& condition);
// Wakes all sleepers of the queue. Takes no step.
void wake_up_all(Task& t, ObjectRef queue);

// task_work_add(current, work, TWA_RESUME), which is how fput releases a file: `work` runs when the
// system call returns to user space, with none of its locks held. What it refers to lives longer.
void task_work_add(Task& t, std::function<void()> work);

// Reports kSleepInAtomic while a spinlock is held.
void might_sleep(Task& t, ObjectRef where);

enum class Gfp : uint8_t { kKernel, kAtomic };

// A call that can fail: the errno (negative) of the site's row when the fault plan makes it, else
// 0. A step; a GFP_KERNEL call may sleep.
//
//   if (const int error = fail(k.t, FaultSite::kKcalloc, ref)) return error;
int fail(Task& t, FaultSite site, ObjectRef object = {}, Gfp gfp = Gfp::kKernel);

// Reports a WARN when `condition` holds, and returns it (WARN_ON). `tested` is the condition's
// text.
bool warn_on(Task& t, bool condition, ObjectRef object, Condition tested = Condition::kNone);

// refcount_t: reports saturation and underflow instead of wrapping. Ordering as in
// Documentation/core-api/refcount-vs-atomic.rst: increments order nothing, decrements release, and
// one that reaches zero acquires. These take no step: access.h has those of objects.
struct Refcount {
  static constexpr Field kField = Field::kRefcount;
  uint32_t value = 1;

  friend bool operator==(const Refcount&, const Refcount&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("refs", s.value...);
  }
};
void refcount_inc(Task& t, Refcount& refcount, ObjectRef object, Field field = Field::kRefcount);
bool refcount_inc_not_zero(Task& t, Refcount& refcount, ObjectRef object,
                           Field field = Field::kRefcount);
// True when the count became zero.
bool refcount_dec_and_test(Task& t, Refcount& refcount, ObjectRef object,
                           Field field = Field::kRefcount);
// Takes the count from 1 to 0, or leaves it and returns false.
bool refcount_dec_if_one(Task& t, Refcount& refcount, ObjectRef object,
                         Field field = Field::kRefcount);
// Of refcount_read, `marks`: kAccessOrders where the caller goes on because of the value.
void refcount_set(Task& t, Refcount& refcount, ObjectRef object, uint32_t value,
                  Field field = Field::kRefcount);
uint32_t refcount_read(Task& t, const Refcount& refcount, ObjectRef object, uint8_t marks = 0,
                       Field field = Field::kRefcount);

}  // namespace iommufd_check::sim
