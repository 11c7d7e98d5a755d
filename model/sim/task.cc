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

// True when there is nobody to ask: most steps of sequential code end here.
bool Task::TakeFreeStep() {
  Runtime& rt = *runtime_;
  if (rt.total_steps_ >= rt.free_steps_) return false;
  ++rt.total_steps_;
  ++steps_;
  return true;
}

bool Task::TakeStep(const Act& act, uint16_t operation) {
  if (TakeFreeStep()) [[likely]]
    return false;
  Runtime& rt = *runtime_;
  if (rt.stopped()) throw RunEnds{};
  if (rt.concurrent_) rt.Reschedule(*this, act, operation);
  CountStep();
  return true;
}

void Task::Place(ObjectKind kind, Field field) {
  if (!TakeFreeStep()) [[unlikely]]
    TakePlace(kind, field);
}

void Task::TakePlace(ObjectKind kind, Field field) {
  Runtime& rt = *runtime_;
  if (rt.stopped()) throw RunEnds{};
  const PlaceSet* places = rt.config_.places;
  if (rt.concurrent_ && (places == nullptr || places->Contains(kind, field))) {
    rt.Reschedule(*this, {Primitive::kRead, Detail(field), kind}, operation_);
  }
  CountStep();
}

void Task::CountStep() {
  Runtime& rt = *runtime_;
  ++steps_;
  if (++rt.total_steps_ > rt.config_.step_limit) [[unlikely]] {
    rt.SetEnd(RunEnd::kHung);
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
  EventListener* ear = IsHeardAlone(primitive) ? rt.config_.listener : rt.all_ears_;
  if (ear != nullptr) ear->OnEvent(rt.log_.events().back());
}

[[gnu::cold]] void Task::Report(Splat splat, ObjectRef object, int64_t value, Condition condition) {
  Record(Primitive::kSplat, object, static_cast<int>(splat), value, static_cast<int>(condition),
         static_cast<int>(function_));
}

void Task::Oops(Splat splat, ObjectRef object, int64_t value) {
  runtime_->SetEnd(splat == Splat::kDeadlock ? RunEnd::kDeadlock : RunEnd::kOops);
  Report(splat, object, value);
  throw RunEnds{};
}

bool Task::Holds(LockId id) const {
  for (int i = 0; i < held_count_; ++i) {
    if (held_[i].id == id) return true;
  }
  return false;
}

bool Task::Holds(LockId id, LockMode mode) const { return PlaceOf(id, mode) < held_count_; }

int Task::PlaceOf(LockId id, LockMode mode) const {
  int i = 0;
  while (i < held_count_ && !(held_[i].id == id && held_[i].mode == mode)) ++i;
  return i;
}

// Somebody else has the lock, or waits for it. The lock, when it is free for this task.
[[gnu::cold]] LockState& AwaitLock(Task& t, LockId id, LockMode mode) {
  Runtime& rt = *t.runtime_;
  LockState* lock = &rt.locks().at(id);
  const ObjectRef object = lock->object;
  t.Record(Primitive::kWait, object, static_cast<int>(lock->lock_class), id.generation,
           static_cast<int>(mode), id.index);
  (mode == LockMode::kShared ? lock->waiting_readers : lock->waiting_writers) |= Bit(t.id());
  do {
    rt.BlockOn(t, {.lock = id, .mode = mode, .object = object});
    lock = &rt.locks().at(id);  // the table moves when other tasks create locks
  } while (!lock->CanAcquire(t.id(), mode));
  lock->waiting_readers &= static_cast<uint8_t>(~Bit(t.id()));
  lock->waiting_writers &= static_cast<uint8_t>(~Bit(t.id()));
  return *lock;
}

void AcquireLock(Task& t, LockId id, LockMode mode, const Nesting& nesting) {
  LockState* lock = &StillThere(t, id, {});
  const LockClass lock_class = lock->lock_class;
  const ObjectRef object = lock->object;
  if (t.Step({Primitive::kLock, Detail(lock_class)})) lock = &StillThere(t, id, object);
  const bool sleeps = KindOf(lock_class) != LockKind::kSpin;
  if (sleeps) might_sleep(t, object);
  if (t.held_count_ > 0 && !t.runtime_->NestsAsBefore(t, lock_class)) {
    t.runtime_->NoteOrder(t, *lock, nesting);
    if (t.Holds(id)) t.Oops(Splat::kDeadlock, object);
  }
  if (!lock->CanAcquire(t.id(), mode)) [[unlikely]]
    lock = &AwaitLock(t, id, mode);
  if (mode == LockMode::kShared) {
    lock->readers |= Bit(t.id());
  } else {
    lock->owner = static_cast<int8_t>(t.id());
  }
  if (t.held_count_ == Task::kMaxHeld) t.Oops(Splat::kBug, object);  // MAX_LOCK_DEPTH
  t.held_[t.held_count_++] = HeldLock{id, mode, nesting.subclass, lock_class};
  if (!sleeps) ++t.spin_depth_;
  t.Record(Primitive::kLock, object, static_cast<int>(lock_class), id.generation,
           static_cast<int>(mode), id.index);
}

void ReleaseLock(Task& t, LockId id, LockMode mode) {
  LockState* lock = &StillThere(t, id, {});
  const LockClass lock_class = lock->lock_class;
  const ObjectRef object = lock->object;
  if (t.Step({Primitive::kUnlock, Detail(lock_class)})) lock = &StillThere(t, id, object);
  int i = t.PlaceOf(id, mode);
  if (i == t.held_count_) {
    t.Report(Splat::kUnlockNotOwner, object, static_cast<int>(lock_class));
    return;
  }
  if (mode == LockMode::kShared) {
    lock->readers &= static_cast<uint8_t>(~Bit(t.id()));
  } else {
    lock->owner = LockState::kNobody;
  }
  for (; i + 1 < t.held_count_; ++i) t.held_[i] = t.held_[i + 1];
  --t.held_count_;
  if (KindOf(lock_class) == LockKind::kSpin) --t.spin_depth_;
  t.Record(Primitive::kUnlock, object, static_cast<int>(lock_class), id.generation,
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
