// Switches: where the schedule of a program goes on with another task.
//
// A switch is anchored to what happens: to an act in an operation, the nth of its kind there. It
// does not count steps, so it stays where it is when other operations go or come, and when the
// model takes a step more elsewhere. Switches are a set: each applies where its place comes,
// whatever became of the others; where several have the same place, the first one applies.
//
//   before   the task has not yet done the nth such act, and is about to
//   after    it has done it, and may be left for the first time since. Of kWait: it has found, for
//            the nth time, that it must wait; of kOpEnd: also where the task has ended.
//
// Every place where a schedule may choose has one such name, and SwitchAt gives it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/sim/runtime.h"

namespace iommufd_check::sim {

struct Switch {
  uint16_t operation = 0;  // index in Program::operations
  Side side = Side::kBefore;
  Act act;
  uint16_t nth = 1;  // from 1
  TaskId to = 0;
  friend bool operator==(const Switch&, const Switch&) = default;
};

// The switch that goes on with `to` where the scheduler was asked for the ith time. `events`: the
// log of that run, whose points are `points`.
Switch SwitchAt(std::span<const SchedulePoint> points, size_t i, std::span<const Event> events,
                TaskId to);

// The program's own switches: a task runs until it blocks, ends or a switch says so; then the
// lowest-numbered runnable task continues.
class SwitchSchedule : public Scheduler {
 public:
  // `log`: of the run that begins; may be null when there are no switches. `otherwise`, when it is
  // not null, chooses where no switch does. All of them must outlive the run.
  void Reset(std::span<const Switch> switches = {}, const EventLog* log = nullptr,
             Scheduler* otherwise = nullptr);
  TaskId Next(const SchedulePoint& point) override;

  // Where it was asked since Reset, in order: the places at which a switch would have an effect.
  const std::vector<SchedulePoint>& points() const { return points_; }
  // Switches of which nothing was seen: their place did not come, or another of the same place or a
  // task that could not run kept them from it. Ascending.
  std::vector<uint16_t> Unmet() const;

 private:
  struct State {
    uint32_t seen = 0;  // of its acts
    TaskId by = 0;      // who did the last of them
    bool passed = false;
    bool applied = false;
  };

  void ReadEvents();
  bool IsHere(const Switch& change, State* state, const SchedulePoint& point) const;
  State* TakeHere(const SchedulePoint& point);

  std::span<const Switch> switches_;
  const EventLog* log_ = nullptr;
  Scheduler* otherwise_ = nullptr;
  std::vector<State> states_;  // by switch
  size_t left_ = 0;            // that are not passed
  size_t events_read_ = 0;
  std::vector<SchedulePoint> points_;
};

}  // namespace iommufd_check::sim
