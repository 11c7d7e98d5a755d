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
#include <span>
#include <vector>

#include "model/explore/schedules/run_steps.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {

// Clocks count steps in 16 bits.
inline constexpr size_t kMostSteps = UINT16_MAX - 1;

class HappensBefore {
 public:
  using Clock = std::array<uint16_t, sim::kMaxTasks>;

  // `run` must stay as it is while this is used. What is known of the steps that it kept since the
  // last time is kept too.
  void Build(const RunSteps& run);

  // Step `a` happens before step `b`, or is the same. REQUIRES: a <= b.
  bool Before(size_t a, size_t b) const {
    return places_[b].clock[places_[a].task] >= places_[a].index;
  }

  size_t steps() const { return places_.size(); }
  sim::TaskId TaskOf(size_t step) const { return places_[step].task; }
  // How many steps of each task happen before `step`, itself included.
  const Clock& ClockOf(size_t step) const { return places_[step].clock; }

  // The races (i, j) of the steps j with first <= j < end.
  template <class Visit>
  void ForEachRace(size_t first, size_t end, Visit&& visit) {
    for (size_t j = first; j < end; ++j) {
      if (!places_[j].may_race) continue;
      races_.clear();
      FindRaces(j);
      for (size_t i : races_) visit(i, j);
    }
  }
  // The races of tasks that wait for a lock after the first `end` steps: (i, task).
  template <class Visit>
  void ForEachRaceOfWaiting(size_t end, Visit&& visit) {
    for (const Attempt& attempt : run_->attempts()) {
      if (attempt.waiting.lock == kNoLocation || !StillWaits(attempt, end)) continue;
      races_.clear();
      FindLockRaces(attempt.waiting, LatestOf(attempt.waiting.lock, end),
                    LastOf(attempt.waiting.task, end));
      for (size_t i : races_) visit(i, attempt.waiting.task);
    }
  }

  // Equal for two runs exactly when they differ only in the order of independent steps; also
  // between explorations, whose locations have other numbers.
  sim::Fingerprint TraceFingerprint(const LocationTable& table) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr std::array<uint32_t, sim::kMaxTasks> NoSteps() {
    std::array<uint32_t, sim::kMaxTasks> none{};
    none.fill(kNone);
    return none;
  }

  // A step in the order.
  struct Place {
    Clock clock{};
    uint64_t serial = 0;  // Step::serial
    sim::TaskId task = 0;
    bool may_race = false;      // it takes a lock or has conflicts
    uint16_t index = 0;         // 1-based number within its task
    uint32_t previous = kNone;  // the task's step before
    uint32_t first_record = 0;
    uint32_t first_conflict = 0;
  };
  // Accesses of one location that commute with each other: the last of each task.
  struct Group {
    std::array<uint16_t, sim::kMaxTasks> last{};  // step
    uint8_t tasks = 0;                            // whose `last` is set
    AccessMode mode = AccessMode::kWrite;
  };
  // One access, and the history of its location right after it. Earlier records stay as they are,
  // so the history before a step is still there when the step is forgotten.
  struct Record {
    uint32_t location = 0;
    uint32_t previous = kNone;     // of the location
    uint32_t conflicting = kNone;  // whose group is the one before `now`
    uint16_t step = 0;
    Group now;
  };

  void Forget(size_t kept);
  void Append(size_t j);
  const Record& Enter(const Access& access, uint32_t r, size_t j, sim::TaskId task);
  std::span<const uint16_t> ConflictsOf(size_t j) const;
  // Before step `end`: the last record of a location, the last step of a task; kNone: none.
  uint32_t LatestOf(uint32_t location, size_t end) const;
  uint32_t LastOf(sim::TaskId task, size_t end) const;
  bool StillWaits(const Attempt& attempt, size_t end) const;
  uint32_t RecordOf(size_t j, uint32_t location) const;
  void FindRaces(size_t j);
  void FindLockRaces(const Waiting& wanted, uint32_t record, uint32_t own);
  bool HeldBefore(size_t i, const Waiting& wanted, uint32_t record) const;

  const RunSteps* run_ = nullptr;
  std::vector<Place> places_;        // by step
  std::vector<Record> records_;      // by access, as the run numbers them
  std::vector<uint32_t> latest_;     // by location: its last record
  std::vector<uint16_t> conflicts_;  // of each step: dependent earlier steps, others' last
  std::array<uint32_t, sim::kMaxTasks> last_ = NoSteps();  // by task: its last step
  std::vector<size_t> races_;
};

}  // namespace iommufd_check::explore
