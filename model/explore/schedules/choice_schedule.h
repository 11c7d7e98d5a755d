// The schedule that an explorer asks for: one task for each step, then the default.
//
// Each question is answered by the next choice, but for the question of a task that was chosen just
// now and asks before its first step: that is no choice. A choice of a task that cannot run ends
// the list.
#pragma once

#include <span>

#include "model/sim/runtime.h"

namespace iommufd_check::explore {

class ChoiceSchedule : public sim::Scheduler {
 public:
  // `choices` must outlive this.
  explicit ChoiceSchedule(std::span<const sim::TaskId> choices) : choices_(choices) {}

  sim::TaskId Next(const sim::SchedulePoint& point) override {
    const bool begins = ((started_ >> point.current) & 1u) == 0 && point.current_can_continue();
    started_ |= static_cast<uint8_t>(1u << point.current);
    if (begins) return point.current;
    if (next_ < choices_.size()) {
      const sim::TaskId wanted = choices_[next_++];
      if ((point.runnable >> wanted) & 1u) return wanted;
      next_ = choices_.size();
    }
    return point.by_default();
  }

 private:
  std::span<const sim::TaskId> choices_;
  size_t next_ = 0;
  uint8_t started_ = 1u << 1;  // the first task stands before its first step when a run begins
};

}  // namespace iommufd_check::explore
