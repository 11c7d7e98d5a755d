#include "model/sim/task.h"

#include "model/sim/runtime.h"

namespace iommufd_check::sim {
namespace {

constexpr uint32_t kRefcountSaturated = 0xc0000000u;

uint8_t Bit(TaskId task) { return static_cast<uint8_t>(1u << task); }

// The lock after a step in which other tasks may have freed its object.
LockState& StillThere(Task& t, LockId id, ObjectRef object) {
  LockState* lock = t.runtime().locks().Find(id);
  if (lock == nullptr) t.Oops(Splat::kUseAfterFree, object);
  return *lock;
}

}  // namespace

void Task::TakeStep(const Act& act, uint16_t operation) {
  Runtime& rt = *runtime_;
  if (rt.stopped()) [[unlikely]]
    throw RunEnds{};
  if (rt.concurrent_) [[unlikely]]
    rt.Reschedule(*this, act, operation);
  CountStep();
}

void Task::Place(ObjectKind kind, Field field) {
  Runtime& rt = *runtime_;
  if (rt.stopped()) [[unlikely]]
    throw RunEnds{};
  if (rt.concurrent_) [[unlikely]] {
    const PlaceSet* places = rt.config_.places;
    if (places == nullptr || places->Contains(kind, field)) {
      rt.Reschedule(*this, {Primitive::kRead, Detail(field), kind}, operation_);
    }
  }
  CountStep();
}

void Task::CountStep() {
  Runtime& rt = *runtime_;
  ++steps_;
  if (++rt.total_steps_ > rt.config_.step_limit) [[unlikely]] {
    rt.end_ = RunEnd::kHung;
    // Wherever the limit happens to be reached: it says nothing of a function.
    Record(Primitive::kSplat, {}, static_cast<int>(Splat::kHung));
    throw RunEnds{};
  }
}

void Task::Record(Primitive primitive, ObjectRef object, int detail, int64_t value, int mode,
                  int spare) {
  Runtime& rt = *runtime_;
  rt.log_.Append({.step = steps_,
                  .operation = operation_,
                  .task = id_,
                  .primitive = primitive,
                  .object = object,
                  .detail = static_cast<uint8_t>(detail),
                  .mode = static_cast<uint8_t>(mode),
                  .spare = static_cast<uint16_t>(spare),
                  .value = value});
  if (rt.config_.listener != nullptr && (rt.concurrent_ || IsHeardAlone(primitive))) {
    rt.config_.listener->OnEvent(rt.log_.events().back());
  }
}

void Task::Report(Splat splat, ObjectRef object, int64_t value, Condition condition) {
  Record(Primitive::kSplat, object, static_cast<int>(splat), value, static_cast<int>(condition),
         static_cast<int>(function_));
}

void Task::Oops(Splat splat, ObjectRef object, int64_t value) {
  runtime_->end_ = splat == Splat::kDeadlock ? RunEnd::kDeadlock : RunEnd::kOops;
  Report(splat, object, value);
  throw RunEnds{};
}

bool Task::Holds(LockId id) const {
  for (int i = 0; i < held_count_; ++i) {
    if (held_[i].id == id) return true;
  }
  return false;
}

bool Task::Holds(LockId id, LockMode mode) const {
  for (int i = 0; i < held_count_; ++i) {
    if (held_[i].id == id && held_[i].mode == mode) return true;
  }
  return false;
}

void AcquireLock(Task& t, LockId id, LockMode mode, const Nesting& nesting) {
  Runtime& rt = *t.runtime_;
  const LockState& before = StillThere(t, id, {});
  const LockClass lock_class = before.lock_class;
  const ObjectRef object = before.object;
  const bool sleeps = KindOf(lock_class) != LockKind::kSpin;
  t.Step({Primitive::kLock, Detail(lock_class)});
  LockState* lock = &StillThere(t, id, object);
  if (sleeps) might_sleep(t, object);
  if (t.held_count_ > 0) {
    rt.NoteOrder(t, *lock, nesting);
    if (t.Holds(id)) t.Oops(Splat::kDeadlock, object);
  }

  const auto class_number = static_cast<int>(lock_class);
  const auto mode_number = static_cast<int>(mode);
  if (!lock->CanAcquire(t.id(), mode)) {
    t.Record(Primitive::kWait, object, class_number, id.generation, mode_number, id.index);
    (mode == LockMode::kShared ? lock->waiting_readers : lock->waiting_writers) |= Bit(t.id());
    do {
      rt.BlockOn(t, {.lock = id, .mode = mode, .object = object});
      lock = &rt.locks().at(id);  // the table moves when other tasks create locks
    } while (!lock->CanAcquire(t.id(), mode));
    lock->waiting_readers &= static_cast<uint8_t>(~Bit(t.id()));
    lock->waiting_writers &= static_cast<uint8_t>(~Bit(t.id()));
  }
  if (mode == LockMode::kShared) {
    lock->readers |= Bit(t.id());
  } else {
    lock->owner = static_cast<int8_t>(t.id());
  }
  if (t.held_count_ == Task::kMaxHeld) t.Oops(Splat::kBug, object);  // MAX_LOCK_DEPTH
  t.held_[t.held_count_++] = HeldLock{id, mode, nesting.subclass};
  if (!sleeps) ++t.spin_depth_;
  t.Record(Primitive::kLock, object, class_number, id.generation, mode_number, id.index);
}

void ReleaseLock(Task& t, LockId id, LockMode mode) {
  const LockState& before = StillThere(t, id, {});
  const ObjectRef object = before.object;
  t.Step({Primitive::kUnlock, Detail(before.lock_class)});
  LockState& lock = StillThere(t, id, object);
  if (!t.Holds(id, mode)) {
    t.Report(Splat::kUnlockNotOwner, lock.object, static_cast<int>(lock.lock_class));
    return;
  }
  if (mode == LockMode::kShared) {
    lock.readers &= static_cast<uint8_t>(~Bit(t.id()));
  } else {
    lock.owner = LockState::kNobody;
  }
  int i = t.held_count_ - 1;
  while (!(t.held_[i].id == id)) --i;
  for (; i + 1 < t.held_count_; ++i) t.held_[i] = t.held_[i + 1];
  --t.held_count_;
  if (KindOf(lock.lock_class) == LockKind::kSpin) --t.spin_depth_;
  t.Record(Primitive::kUnlock, lock.object, static_cast<int>(lock.lock_class), id.generation,
           static_cast<int>(mode), id.index);
}

void mutex_lock(Task& t, LockId id) { AcquireLock(t, id, LockMode::kExclusive, {}); }
void mutex_lock_nested(Task& t, LockId id, const Nesting& nesting) {
  AcquireLock(t, id, LockMode::kExclusive, nesting);
}
void down_write_nested(Task& t, LockId id, const Nesting& nesting) {
  AcquireLock(t, id, LockMode::kExclusive, nesting);
}
void mutex_unlock(Task& t, LockId id) { ReleaseLock(t, id, LockMode::kExclusive); }
void down_read(Task& t, LockId id) { AcquireLock(t, id, LockMode::kShared, {}); }
void up_read(Task& t, LockId id) { ReleaseLock(t, id, LockMode::kShared); }
void down_write(Task& t, LockId id) { AcquireLock(t, id, LockMode::kExclusive, {}); }
void up_write(Task& t, LockId id) { ReleaseLock(t, id, LockMode::kExclusive); }
void spin_lock(Task& t, LockId id) { AcquireLock(t, id, LockMode::kExclusive, {}); }
void spin_unlock(Task& t, LockId id) { ReleaseLock(t, id, LockMode::kExclusive); }

void lockdep_assert_held(Task& t, LockId id) {
  if (!t.Holds(id)) {
    const LockState& lock = StillThere(t, id, {});
    t.Report(Splat::kLockNotHeld, lock.object, static_cast<int>(lock.lock_class));
  }
}

LockId lock_create(Task& t, LockClass lock_class, ObjectRef object) {
  return t.runtime().locks().Create(lock_class, object);
}

void lock_destroy(Task& t, LockId id) {
  const LockState& lock = StillThere(t, id, {});
  if (lock.held() || lock.waited_for()) {
    t.Oops(Splat::kFreeLockedLock, lock.object, static_cast<int>(lock.lock_class));
  }
  t.runtime().locks().Release(id);
}

namespace {

bool Wait(Task& t, ObjectRef queue, const std::function<bool()>& condition, bool timeout) {
  t.Step({Primitive::kWait, kNoLockClass});
  might_sleep(t, queue);
  while (!condition()) {
    t.Record(Primitive::kWait, queue, kNoLockClass);
    if (t.runtime().Sleep(t, queue, timeout)) continue;
    if (!condition()) return false;
    // Nobody could run any more, so nobody would have woken it.
    t.Report(Splat::kLostWakeUp, queue);
  }
  return true;
}

}  // namespace

void wait_event(Task& t, ObjectRef queue, const std::function<bool()>& condition) {
  Wait(t, queue, condition, false);
}

bool wait_event_timeout(Task& t, ObjectRef queue, const std::function<bool()>& condition) {
  return Wait(t, queue, condition, true);
}

void wake_up_all(Task& t, ObjectRef queue) { t.runtime().Wake(t, queue); }

void task_work_add(Task& t, std::function<void()> work) { t.work_.push_back(std::move(work)); }

void might_sleep(Task& t, ObjectRef where) {
  if (t.spin_depth() > 0) t.Report(Splat::kSleepInAtomic, where);
}

int fail(Task& t, FaultSite site, ObjectRef object, Gfp gfp) {
  t.Step({Primitive::kCall, Detail(site)});
  if (gfp == Gfp::kKernel) might_sleep(t, object);
  int64_t occurrence = 0;
  const bool fails = t.runtime().PlanFails(t, site, &occurrence);
  t.Record(fails ? Primitive::kFail : Primitive::kCall, object, static_cast<int>(site), occurrence);
  return fails ? FailureOf(site) : 0;
}

bool warn_on(Task& t, bool condition, ObjectRef object, Condition tested) {
  if (condition) t.Report(Splat::kWarn, object, 0, tested);
  return condition;
}

void refcount_inc(Task& t, Refcount& refcount, ObjectRef object, Field field) {
  if (refcount.value == 0 || refcount.value >= kRefcountSaturated) {
    t.Report(Splat::kRefcountSaturated, object, refcount.value);
    refcount.value = kRefcountSaturated;
    return;
  }
  ++refcount.value;
  t.Record(Primitive::kRefInc, object, static_cast<int>(field), refcount.value);
}

bool refcount_inc_not_zero(Task& t, Refcount& refcount, ObjectRef object, Field field) {
  if (refcount.value == 0) return refcount_read(t, refcount, object, 0, field) != 0;
  refcount_inc(t, refcount, object, field);
  return true;
}

bool refcount_dec_and_test(Task& t, Refcount& refcount, ObjectRef object, Field field) {
  if (refcount.value == 0 || refcount.value >= kRefcountSaturated) {
    t.Report(Splat::kRefcountUnderflow, object, refcount.value);
    refcount.value = kRefcountSaturated;
    return false;
  }
  --refcount.value;
  t.Record(Primitive::kRefDec, object, static_cast<int>(field), refcount.value);
  return refcount.value == 0;
}

bool refcount_dec_if_one(Task& t, Refcount& refcount, ObjectRef object, Field field) {
  if (refcount_read(t, refcount, object, 0, field) != 1) return false;
  return refcount_dec_and_test(t, refcount, object, field);
}

void refcount_set(Task& t, Refcount& refcount, ObjectRef object, uint32_t value, Field field) {
  t.Access(Primitive::kWrite, object, field, kAccessMarked);
  refcount.value = value;
}

uint32_t refcount_read(Task& t, const Refcount& refcount, ObjectRef object, uint8_t marks,
                       Field field) {
  t.Access(Primitive::kRead, object, field, kAccessMarked | marks);
  return refcount.value;
}

}  // namespace iommufd_check::sim
