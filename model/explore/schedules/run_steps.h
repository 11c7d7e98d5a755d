// Cuts the events of a run into the steps that its tasks took, with what each accesses.
//
// A task that finds a lock taken waits; its attempt is no step of its own, the step is the one that
// gets the lock. So a task whose next step would wait counts as disabled, as in the literature on
// partial-order reduction, and n critical sections of one mutex have n! traces. What a waiting
// attempt itself does, keeping new readers out of a rw_semaphore, is not explored: a deadlock that
// needs it needs a lock-order cycle too, which lockdep reports without it. A task that goes to
// sleep on a wait queue has taken a step: whether it is woken depends on when.
//
// Runs that follow each other in an exploration begin alike, so the steps of the common beginning
// are kept from the run before. How long it is, is not taken from the schedules but found by
// comparing what happened: a run that left its schedule is read like any other.
//
//   RunSteps steps(&table, {});
//   steps.Read(subject);
//   for (const Step& step : steps.steps()) ... steps.AccessesOf(step) ...
#pragma once

#include <span>
#include <vector>

#include "model/explore/schedules/dependency.h"
#include "model/explore/schedules/subject.h"

namespace iommufd_check::explore {

inline constexpr uint32_t kNoLocation = UINT32_MAX;

struct Step {
  sim::TaskId task = 0;
  uint8_t runnable = 0;             // bit t: before this step task t was not known to be blocked
  bool exclusive = false;           // of `acquires`
  uint32_t acquires = kNoLocation;  // location of the lock that it takes
  uint32_t releases = kNoLocation;
  uint32_t first_access = 0;
  uint32_t accesses = 0;
  // How many steps had been read before it, in all runs. Two runs of one RunSteps that have the
  // same number at the same place are the same up to there.
  uint64_t serial = 0;
};

// A task and the lock that it wants; of a run, those that still wait when it ends.
struct Waiting {
  sim::TaskId task = 0;
  uint32_t lock = kNoLocation;  // kNoLocation: to be woken
  bool exclusive = false;
};

// A task that found that it must wait, after so many steps of all tasks.
struct Attempt {
  Waiting waiting;
  size_t steps = 0;
};

class RunSteps {
 public:
  RunSteps(LocationTable* table, const DependencyOptions& options)
      : table_(*table), accesses_of_step_(table, options) {}

  void Read(const Subject& subject);

  const std::vector<Step>& steps() const { return steps_; }
  std::span<const Access> AccessesOf(const Step& step) const {
    return {pool_.data() + step.first_access, step.accesses};
  }
  // Locations of accesses are below this.
  size_t locations() const { return table_.size(); }
  const std::vector<Waiting>& waiting() const { return waiting_; }
  // In order; also those that came to their lock later.
  const std::vector<Attempt>& attempts() const { return attempts_; }
  // The run ended inside its last step: other tasks had more to do.
  bool cut_short() const { return cut_short_; }

 private:
  // One stretch between two questions to the scheduler.
  struct Stretch {
    sim::TaskId task = 0;
    uint32_t step = 0;     // the task's step number at its end, UINT32_MAX: unknown
    uint8_t runnable = 0;  // before it
  };
  // What had been read at a question to the scheduler. All of it is only appended to.
  struct Mark {
    size_t events = 0;
    size_t steps = 0;
    size_t attempts = 0;
  };

  Mark KeepCommonBeginning(const Subject& subject);
  size_t TakeStretch(const std::vector<sim::Event>& events, size_t next, const Stretch& stretch);
  void AddAttempt(const sim::Event& event);
  void FindWaiting(const Subject& subject);

  LocationTable& table_;
  StepAccesses accesses_of_step_;
  std::vector<Step> steps_;
  std::vector<Access> pool_;
  std::vector<Attempt> attempts_;
  std::vector<Waiting> waiting_;
  bool cut_short_ = false;
  uint64_t steps_read_ = 0;

  // Of the run that was read last.
  std::vector<Mark> marks_;  // by question
  std::vector<sim::Event> events_;
  std::vector<sim::SchedulePoint> points_;
};

// Who ran after the last question to the scheduler. REQUIRES: there was one.
sim::TaskId LastTask(const Subject& subject);

}  // namespace iommufd_check::explore
