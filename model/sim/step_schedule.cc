#include "model/sim/step_schedule.h"

namespace iommufd_check::sim {

TaskId StepSchedule::Next(const SchedulePoint& point) {
  // A task's end is itself a place to switch at; behind it none of its switches comes any more.
  const auto gone = [&point](TaskId task) {
    return task != point.current && ((point.unfinished >> task) & 1u) == 0;
  };
  while (next_ < switches_.size() && gone(switches_[next_].from)) ++next_;
  if (next_ < switches_.size()) {
    const StepSwitch& s = switches_[next_];
    if (s.from == point.current && s.after <= point.steps) {
      ++next_;
      if (s.after == point.steps && ((point.runnable >> s.to) & 1u)) return s.to;
    }
  }
  return point.by_default();
}

}  // namespace iommufd_check::sim
