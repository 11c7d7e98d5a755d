// Cuts the events of a run into the steps that its tasks took, with what each accesses.
//
// A task that finds a lock taken waits; its attempt is no step of its own, the step is the one that
// gets the lock. So a task whose next step would wait counts as disabled, as in the literature on
// partial-order reduction, and n critical sections of one mutex have n! traces. What a waiting
// attempt itself does, keeping new readers out of a rw_semaphore, is not explored: a deadlock that
// needs it needs a lock-order cycle too, which lockdep reports without it.
//
//   RunSteps steps(&table, {});
//   steps.Read(subject);
//   for (const Step& step : steps.steps()) ... steps.AccessesOf(step) ...
#pragma once

#include <span>
#include <vector>

#include "model/explore/dependency.h"
#include "model/explore/subject.h"

namespace iommufd_check::explore {

inline constexpr uint32_t kNoLocation = UINT32_MAX;

struct Step {
  sim::TaskId task = 0;
  uint8_t runnable = 0;       // bit t: before this step task t was not known to be blocked
  bool exclusive = false;     // of `acquires`
  uint32_t acquires = kNoLocation;  // location of the lock that it takes
  uint32_t releases = kNoLocation;
  uint32_t first_access = 0;
  uint32_t accesses = 0;
};

// A task that still waits when the run ends.
struct Waiting {
  sim::TaskId task = 0;
  uint32_t lock = kNoLocation;  // kNoLocation: for a condition
  bool exclusive = false;
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
  const std::vector<Waiting>& waiting() const { return waiting_; }
  // The run ended inside its last step: other tasks had more to do.
  bool cut_short() const { return cut_short_; }

 private:
  // One stretch between two questions to the scheduler.
  struct Stretch {
    sim::TaskId task = 0;
    uint32_t step = 0;     // the task's step number, UINT32_MAX: unknown
    uint8_t runnable = 0;  // before it
  };
  size_t TakeStretch(const std::vector<sim::Event>& events, size_t next, const Stretch& stretch);
  void AddWaiting(const sim::Event& event);

  LocationTable& table_;
  StepAccesses accesses_of_step_;
  std::vector<Step> steps_;
  std::vector<Access> pool_;
  std::vector<Waiting> waiting_;
  bool cut_short_ = false;
};

// Who ran after the last question to the scheduler. REQUIRES: there was one.
sim::TaskId LastTask(const Subject& subject);

}  // namespace iommufd_check::explore
