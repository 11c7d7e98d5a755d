// Runs tasks: sequentially on the caller's stack, or concurrently on fibers under a schedule.
//
// A Runtime is reused for many runs (Reset between them keeps stacks and buffers). It is not part
// of the World and holds nothing that survives a run except the event log of the last one.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "model/sim/act.h"
#include "model/sim/event.h"
#include "model/sim/fiber.h"
#include "model/sim/lockdep.h"
#include "model/sim/locks.h"
#include "model/sim/places.h"
#include "model/sim/task.h"

namespace iommufd_check::sim {

// The call at `site` made by `operation` fails at its nth occurrence (from 1) within it.
struct PlannedFault {
  uint16_t operation = 0;
  FaultSite site = FaultSite::kObjectAlloc;
  uint16_t nth = 1;
  friend bool operator==(const PlannedFault&, const PlannedFault&) = default;
};

// kStopped: a listener had seen enough (RequestStop).
enum class RunEnd : uint8_t { kCompleted, kOops, kDeadlock, kHung, kStopped };

// Where a task stands: about to do something, or behind it. Two bytes wide, see SchedulePoint.
enum class Side : uint16_t { kBefore, kAfter };

// What the scheduler knows where it may choose: between two steps of `current`, where it blocks, or
// where it has ended.
struct SchedulePoint {
  uint32_t steps = 0;   // that `current` has taken
  uint32_t events = 0;  // in the log
  // What `current` is about to do; kAfter: the kWait or the last kOpEnd that it has done.
  Act act;
  Side side = Side::kBefore;
  uint16_t operation = 0;   // of `act`
  uint16_t unfinished = 0;  // bit t: task t has not ended
  TaskId current = 0;
  uint8_t runnable = 0;  // bit t: task t can take a step
  bool current_can_continue() const { return (runnable >> current) & 1u; }
  // Who takes the next step when nothing else is decided. REQUIRES: some task is runnable.
  TaskId by_default() const {
    return current_can_continue() ? current : static_cast<TaskId>(std::countr_zero(runnable));
  }
  // To go on with another task would be a preemption: `current` has begun and could take a step.
  bool leaving_preempts() const { return steps > 0 && current_can_continue(); }
};
static_assert(std::has_unique_object_representations_v<SchedulePoint>,
              "points are compared as bytes: no padding");

// Picks the task of the next step. Must be a pure function of what it was given so far.
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  virtual TaskId Next(const SchedulePoint& point) = 0;
};

struct RunConfig {
  LockTable* locks = nullptr;
  std::span<const PlannedFault> faults;
  EventListener* listener = nullptr;  // optional
  const PlaceSet* places = nullptr;   // accesses that ask; null: all of them
  LockOrder* lock_order = nullptr;    // optional: shared by several runs
  uint32_t step_limit = 2'000'000;    // of all tasks together; above it the kernel is said to hang
};

class Runtime {
 public:
  Runtime();
  ~Runtime();

  void Reset(const RunConfig& config);

  // The task that runs main, finally and exit, one operation after the other.
  Task& main_task() { return tasks_[0]; }

  // Runs `body` on the caller's stack as task 0. Returns false when the run ended inside it.
  bool RunSequential(const std::function<void(Task&)>& body);

  // Runs bodies[i] as task i+1, all together; there is no such task where it is empty. Returns
  // false when the run ended early.
  bool RunConcurrent(std::span<const std::function<void(Task&)>> bodies, Scheduler& scheduler);

  void BeginOperation(Task& t, uint16_t operation, int64_t code);
  void EndOperation(Task& t, int64_t result);

  // Sleeps on a wait queue. False: the time-out was taken. For wait_event.
  bool Sleep(Task& t, ObjectRef queue, bool has_timeout);
  void Wake(Task& t, ObjectRef queue);

  // A place between two operations of task 0, outside RunConcurrent.
  struct Milestone {
    EventLog log;  // so far
    uint32_t steps = 0;
    uint16_t operation = 0;
    uint64_t total_steps = 0;
  };
  // False: task 0 holds or owes something there that a milestone does not keep, or the run is over.
  bool AtMilestone() const;
  // REQUIRES: AtMilestone().
  void Keep(Milestone* milestone) const;
  // Goes on from there as if this run had come to it. REQUIRES: nothing since Reset.
  void GoOnFrom(const Milestone& milestone);

  // Ends the run at the next step of any task.
  void RequestStop() {
    if (!stopped()) SetEnd(RunEnd::kStopped);
  }

  const Task& task(TaskId id) const { return tasks_[id]; }
  RunEnd end() const { return end_; }
  bool stopped() const { return end_ != RunEnd::kCompleted; }
  const EventLog& log() const { return log_; }
  LockTable& locks() { return *config_.locks; }
  uint64_t total_steps() const { return total_steps_; }

 private:
  friend class Task;
  friend LockState& AwaitLock(Task& t, LockId id, LockMode mode);
  friend void AcquireLock(Task& t, LockId id, LockMode mode, const Nesting& nesting);
  friend void ReleaseLock(Task& t, LockId id, LockMode mode);
  friend int fail(Task& t, FaultSite site, ObjectRef object, Gfp gfp);

  // What a task waits for: a lock, or to be woken.
  struct Blocked {
    LockId lock{};
    LockMode mode = LockMode::kExclusive;
    ObjectRef object{};  // of the lock, or whose wait queue
    bool sleeps = false;
    bool has_timeout = false;
    bool woken = false;
    bool timed_out = false;
  };
  struct Worker {
    Fiber fiber;
    const std::function<void(Task&)>* body = nullptr;
    Runtime* runtime = nullptr;
    TaskId task = 0;
  };

  static void RunWorker(void* worker);
  void SetEnd(RunEnd end) {
    end_ = end;
    KnowWhoAsks();
  }
  void SetConcurrent(bool concurrent) {
    concurrent_ = concurrent;
    KnowWhoAsks();
  }
  // Derives from `end_`, `concurrent_` and the configuration what each step and record looks at.
  void KnowWhoAsks() {
    free_steps_ = stopped() || concurrent_ ? 0 : config_.step_limit;
    all_ears_ = concurrent_ ? config_.listener : nullptr;
  }
  void Reschedule(Task& t, const Act& act, uint16_t operation);
  void BlockOn(Task& t, const Blocked& wait);
  bool CanContinue(TaskId waiting) const;
  uint8_t RunnableOfWaiting() const;
  void LeaveTo(Task& t);
  uint8_t RunnableMask() const {
    const auto mask = static_cast<uint8_t>(unfinished_ & ~waiting_);
    if ((unfinished_ & waiting_) == 0) [[likely]]
      return mask;
    return mask | RunnableOfWaiting();
  }
  SchedulePoint PointAt(TaskId task, const Act& act, Side side, uint16_t operation) const {
    return {.steps = tasks_[task].steps_,
            .events = static_cast<uint32_t>(log_.events().size()),
            .act = act,
            .side = side,
            .operation = operation,
            .unfinished = unfinished_,
            .current = task,
            .runnable = RunnableMask()};
  }
  void Schedule(Scheduler& scheduler);
  void UnwindAll();
  // Nothing new for the lock order. No class nests inside itself, so that what is wanted inside a
  // lock of its own class, let alone inside itself, never does.
  bool NestsAsBefore(const Task& t, LockClass wanted) const {
    for (int i = 0; i < t.held_count_; ++i) {
      if (!config_.lock_order->HasEdge(t.held_[i].lock_class, wanted)) return false;
    }
    return true;
  }
  void NoteOrder(Task& t, const LockState& wanted, const Nesting& nesting);
  bool TakeTimeout();
  void RunTaskWork(Task& t);
  bool PlanFails(const Task& t, FaultSite site, int64_t* occurrence);

  RunConfig config_;
  LockOrder own_order_;
  EventLog log_;
  std::array<Task, kMaxTasks> tasks_;
  std::array<Blocked, kMaxTasks> blocked_;  // of the tasks in `waiting_`
  std::array<std::unique_ptr<Worker>, kMaxTasks> workers_;
  std::array<std::array<uint16_t, Count<FaultSite>()>, kMaxTasks> occurrences_;
  uint8_t unfinished_ = 0;  // bit t: task t
  uint8_t waiting_ = 0;
  bool concurrent_ = false;
  Scheduler* scheduler_ = nullptr;
  TaskId chosen_ = 0;  // the task that runs
  RunEnd end_ = RunEnd::kCompleted;
  uint64_t total_steps_ = 0;
  // Below so many steps of all tasks one is only counted: nobody chooses, and the run goes on.
  uint64_t free_steps_ = 0;
  EventListener* all_ears_ = nullptr;  // who hears every event; the listener hears the others too
};

}  // namespace iommufd_check::sim
