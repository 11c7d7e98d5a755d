// Happens-before of one run, and its races: the pairs of steps whose order another run reverses.
//
// Clock c of a step: c[t] steps of task t happen before it, itself included. A race of a step j is
// an earlier dependent step i of another task with nothing between them, such that j could have run
// before i. When j takes a lock that is held before i, it could not; its race is then with the
// step that took the lock.
//
//   HappensBefore order;
//   order.Build(steps);
//   order.ForEachRace(0, steps.steps().size(), [&](size_t i, size_t j) { ... });
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/explore/run_steps.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {

class HappensBefore {
 public:
  using Clock = std::array<uint16_t, sim::kMaxTasks>;

  // `run` must stay as it is while this is used.
  void Build(const RunSteps& run);

  // Step `a` happens before step `b`, or is the same. REQUIRES: a <= b.
  bool Before(size_t a, size_t b) const { return clocks_[b][task(a)] >= index_[a]; }

  size_t steps() const { return index_.size(); }
  sim::TaskId TaskOf(size_t step) const { return task(step); }
  const Clock& ClockOf(size_t step) const { return clocks_[step]; }

  // The races (i, j) of the steps j with first <= j < end.
  template <class Visit>
  void ForEachRace(size_t first, size_t end, Visit&& visit) {
    for (size_t j = first; j < end; ++j) {
      races_.clear();
      FindRaces(j);
      for (size_t i : races_) visit(i, j);
    }
  }
  // The races of tasks that still wait when the run ends: (i, task).
  template <class Visit>
  void ForEachRaceOfWaiting(Visit&& visit) {
    for (const Waiting& w : run_->waiting()) {
      if (w.lock == kNoLocation) continue;
      races_.clear();
      FindLockRaces(w.task, w.lock, w.exclusive, index_.size());
      for (size_t i : races_) visit(i, w.task);
    }
  }

  // Equal for two runs exactly when they differ only in the order of independent steps; also
  // between explorations, whose locations have other numbers.
  sim::Fingerprint TraceFingerprint(const LocationTable& table) const;

 private:
  // Accesses of one location that commute with each other, the last of each task.
  struct Group {
    AccessMode mode = AccessMode::kWrite;
    std::array<int32_t, sim::kMaxTasks> last{};  // step, -1: none
    uint8_t tasks = 0;
  };
  struct History {
    uint32_t epoch = 0;
    Group now, before;
  };

  sim::TaskId task(size_t step) const { return run_->steps()[step].task; }
  void Append(size_t j);
  const Group* Conflicting(const Access& access, History& history);
  void FindRaces(size_t j);
  void FindLockRaces(sim::TaskId task, uint32_t lock, bool exclusive, size_t end);
  bool HeldBefore(size_t i, uint32_t lock, bool exclusive, sim::TaskId task) const;

  const RunSteps* run_ = nullptr;
  uint32_t epoch_ = 0;
  std::vector<History> histories_;          // by location
  std::vector<Clock> clocks_;               // by step
  std::vector<uint16_t> index_;             // by step: 1-based number within its task
  std::vector<int32_t> previous_;           // by step: the task's step before, -1: none
  std::vector<std::vector<uint16_t>> conflicts_;  // by step: dependent earlier steps, others' last
  std::vector<size_t> races_;
};

}  // namespace iommufd_check::explore
