#include "model/sim/runtime.h"

#include <bit>

namespace iommufd_check::sim {

Runtime::Runtime() {
  for (int i = 0; i < kMaxTasks; ++i) {
    tasks_[i].runtime_ = this;
    tasks_[i].id_ = static_cast<TaskId>(i);
  }
}

Runtime::~Runtime() = default;

void Runtime::Reset(const RunConfig& config) {
  IOMMUFD_CHECK(config.locks != nullptr, "a run needs a lock table");
  IOMMUFD_CHECK(unfinished_ == 0, "reset inside a run");
  config_ = config;
  if (config_.lock_order == nullptr) {
    own_order_ = LockOrder{};
    config_.lock_order = &own_order_;
  }
  log_.Clear();
  for (Task& task : tasks_) {
    task.steps_ = 0;
    task.operation_ = 0;
    task.held_count_ = 0;
    task.spin_depth_ = 0;
    task.function_ = Fn::kNone;
    task.depth_ = 0;
    task.work_.clear();
  }
  waiting_ = 0;
  for (auto& counts : occurrences_) counts.fill(0);
  total_steps_ = 0;
  concurrent_ = false;
  SetEnd(RunEnd::kCompleted);
}

bool Runtime::AtMilestone() const {
  const Task& t = tasks_[0];
  return !stopped() && !concurrent_ && t.held_count_ == 0 && t.spin_depth_ == 0 && t.depth_ == 0 &&
         t.work_.empty();
}

void Runtime::Keep(Milestone* milestone) const {
  IOMMUFD_CHECK(AtMilestone(), "a place between two operations");
  log_.digest();  // so that what goes on from here need not hash it again
  *milestone = {log_, tasks_[0].steps_, tasks_[0].operation_, total_steps_};
}

void Runtime::GoOnFrom(const Milestone& milestone) {
  IOMMUFD_CHECK(AtMilestone() && log_.events().empty(), "a run goes on from its beginning");
  log_ = milestone.log;
  tasks_[0].steps_ = milestone.steps;
  tasks_[0].operation_ = milestone.operation;
  total_steps_ = milestone.total_steps;
}

bool Runtime::RunSequential(const std::function<void(Task&)>& body) {
  IOMMUFD_CHECK(!concurrent_, "sequential inside concurrent");
  if (stopped()) return false;
  try {
    body(tasks_[0]);
  } catch (const RunEnds&) {
    IOMMUFD_CHECK(stopped(), "only the end of the run unwinds");
  }
  return !stopped();
}

void Runtime::RunWorker(void* argument) {
  Worker& worker = *static_cast<Worker*>(argument);
  try {
    if (!worker.runtime->stopped()) (*worker.body)(worker.runtime->tasks_[worker.task]);
  } catch (const RunEnds&) {
    IOMMUFD_CHECK(worker.runtime->stopped(), "only the end of the run unwinds");
  }
  worker.runtime->unfinished_ &= static_cast<uint8_t>(~(1u << worker.task));
}

bool Runtime::RunConcurrent(std::span<const std::function<void(Task&)>> bodies,
                            Scheduler& scheduler) {
  IOMMUFD_CHECK(bodies.size() < static_cast<size_t>(kMaxTasks), "too many tasks");
  if (stopped()) return false;
  if (bodies.empty()) return true;
  for (size_t i = 0; i < bodies.size(); ++i) {
    if (!bodies[i]) continue;
    const TaskId task = static_cast<TaskId>(i + 1);
    auto& worker = workers_[task];
    if (worker == nullptr) worker = std::make_unique<Worker>();
    worker->body = &bodies[i];
    worker->runtime = this;
    worker->task = task;
    worker->fiber.Start(&RunWorker, worker.get());
    unfinished_ |= static_cast<uint8_t>(1u << task);
  }
  SetConcurrent(true);
  scheduler_ = &scheduler;
  Schedule(scheduler);
  SetConcurrent(false);
  return !stopped();
}

bool Runtime::CanContinue(TaskId waiting) const {
  const Blocked& wait = blocked_[waiting];
  if (wait.sleeps) return wait.woken;
  return config_.locks->at(wait.lock).CanAcquire(waiting, wait.mode);
}

uint8_t Runtime::RunnableOfWaiting() const {
  uint8_t mask = 0;
  for (uint8_t left = unfinished_ & waiting_; left != 0; left &= static_cast<uint8_t>(left - 1)) {
    const auto task = static_cast<TaskId>(std::countr_zero(left));
    if (CanContinue(task)) mask |= static_cast<uint8_t>(1u << task);
  }
  return mask;
}

void Runtime::Schedule(Scheduler& scheduler) {
  chosen_ = static_cast<TaskId>(std::countr_zero(unfinished_));
  while (unfinished_ != 0) {
    // Comes back when a task has ended. Until then they hand over to each other.
    const bool suspended = workers_[chosen_]->fiber.Resume();
    IOMMUFD_CHECK(!suspended, "only the end of a task comes back");
    if (stopped()) return UnwindAll();
    if (unfinished_ == 0) return;
    if (RunnableMask() == 0) TakeTimeout();
    const SchedulePoint point =
        PointAt(chosen_, {Primitive::kOpEnd}, Side::kAfter, tasks_[chosen_].operation_);
    if (point.runnable == 0) {
      SetEnd(RunEnd::kDeadlock);
      Task& blocked = tasks_[std::countr_zero(unfinished_)];
      blocked.Report(Splat::kDeadlock, blocked_[blocked.id_].object);
      return UnwindAll();
    }
    chosen_ = scheduler.Next(point);
    IOMMUFD_CHECK((point.runnable >> chosen_) & 1u, "the scheduler chose a task that cannot run");
  }
}

void Runtime::UnwindAll() {
  for (TaskId task = 1; task < kMaxTasks; ++task) {
    if ((unfinished_ >> task) & 1u) {
      const bool suspended = workers_[task]->fiber.Resume();
      IOMMUFD_CHECK(!suspended, "a task takes a step while it is unwound");
    }
  }
  IOMMUFD_CHECK(unfinished_ == 0, "all tasks are unwound");
}

void Runtime::LeaveTo(Task& t) {
  workers_[t.id_]->fiber.HandOver(&workers_[chosen_]->fiber);
  if (stopped()) throw RunEnds{};
}

void Runtime::Reschedule(Task& t, const Act& act, uint16_t operation) {
  const SchedulePoint point = PointAt(t.id_, act, Side::kBefore, operation);
  const TaskId next = scheduler_->Next(point);
  IOMMUFD_CHECK((point.runnable >> next) & 1u, "the scheduler chose a task that cannot run");
  if (next == t.id_) return;
  chosen_ = next;
  LeaveTo(t);
}

void Runtime::BlockOn(Task& t, const Blocked& wait) {
  if (!concurrent_) t.Oops(Splat::kDeadlock, wait.object);
  blocked_[t.id_] = wait;
  waiting_ |= static_cast<uint8_t>(1u << t.id_);
  if (RunnableMask() == 0) TakeTimeout();
  const uint8_t detail =
      wait.sleeps ? kNoLockClass : Detail(config_.locks->at(wait.lock).lock_class);
  const SchedulePoint point =
      PointAt(t.id_, {Primitive::kWait, detail}, Side::kAfter, t.operation_);
  if (point.runnable == 0) t.Oops(Splat::kDeadlock, wait.object);
  chosen_ = scheduler_->Next(point);
  IOMMUFD_CHECK((point.runnable >> chosen_) & 1u, "the scheduler chose a task that cannot run");
  if (chosen_ != t.id_) LeaveTo(t);  // else its own time-out woke it
  waiting_ &= static_cast<uint8_t>(~(1u << t.id_));
}

// Time passes only when nobody can run: then the first sleeper with a time-out gets it.
bool Runtime::TakeTimeout() {
  for (uint8_t left = unfinished_ & waiting_; left != 0; left &= static_cast<uint8_t>(left - 1)) {
    Blocked& wait = blocked_[std::countr_zero(left)];
    if (!wait.sleeps || !wait.has_timeout) continue;
    wait.woken = wait.timed_out = true;
    return true;
  }
  return false;
}

bool Runtime::Sleep(Task& t, ObjectRef queue, bool has_timeout) {
  if (concurrent_) {
    BlockOn(t, {.object = queue, .sleeps = true, .has_timeout = has_timeout});
    t.CountStep();
    if (!blocked_[t.id_].timed_out) return true;
  } else if (!has_timeout) {
    t.Oops(Splat::kDeadlock, queue);
  }
  t.Record(Primitive::kTimeout, queue, 0);
  return false;
}

void Runtime::Wake(Task& t, ObjectRef queue) {
  for (uint8_t left = unfinished_ & waiting_; left != 0; left &= static_cast<uint8_t>(left - 1)) {
    Blocked& wait = blocked_[std::countr_zero(left)];
    if (wait.sleeps && wait.object == queue) wait.woken = true;
  }
  t.Record(Primitive::kWake, queue, 0);
}

void Runtime::BeginOperation(Task& t, uint16_t operation, int64_t code) {
  t.TakeStep({Primitive::kOpBegin}, operation);
  t.operation_ = operation;
  occurrences_[t.id_].fill(0);
  t.Record(Primitive::kOpBegin, {}, 0, code);
}

void Runtime::EndOperation(Task& t, int64_t result) {
  if (t.held_count_ != 0) {
    t.Report(Splat::kLockHeldAtReturn, config_.locks->at(t.held_[0].id).object);
  }
  RunTaskWork(t);
  t.Record(Primitive::kOpEnd, {}, 0, result);
}

// kernel/task_work.c: the last added runs first; what it adds itself comes after all of them.
void Runtime::RunTaskWork(Task& t) {
  while (!t.work_.empty()) {
    std::vector<std::function<void()>> batch = std::move(t.work_);
    t.work_.clear();
    for (auto work = batch.rbegin(); work != batch.rend(); ++work) (*work)();
  }
}

void Runtime::NoteOrder(Task& t, const LockState& wanted, const Nesting& nesting) {
  for (int i = 0; i < t.held_count_; ++i) {
    const HeldLock& held = t.held_[i];
    IOMMUFD_CHECK(config_.locks->at(held.id).lock_class == held.lock_class,
                  "a held lock keeps its class");
    if (held.lock_class == wanted.lock_class) {
      if (nesting.subclass > held.subclass || t.Holds(nesting.nest_lock)) continue;
      t.Report(Splat::kRecursiveLock, wanted.object, static_cast<int>(wanted.lock_class));
    } else if (config_.lock_order->AddEdge(held.lock_class, wanted.lock_class)) {
      t.Report(Splat::kLockCycle, wanted.object,
               static_cast<int>(held.lock_class) << 8 | static_cast<int>(wanted.lock_class));
    }
  }
}

bool Runtime::PlanFails(const Task& t, FaultSite site, int64_t* occurrence) {
  const uint16_t nth = ++occurrences_[t.id_][static_cast<size_t>(site)];
  *occurrence = nth;
  for (const PlannedFault& fault : config_.faults) {
    if (fault.operation == t.operation_ && fault.site == site && fault.nth == nth) return true;
  }
  return false;
}

}  // namespace iommufd_check::sim
