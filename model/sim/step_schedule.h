// Switches by the count of steps, as programs of format 1 wrote them: `A@37 -> B`. For converting
// those, and for tests that try every step of a task in turn.
#pragma once

#include <cstdint>
#include <span>

#include "model/sim/runtime.h"

namespace iommufd_check::sim {

// After `from` has taken `after` steps, continue with `to`. Apply in order, each waiting for its
// place; one that names a task that cannot run, or whose `from` has ended, has no effect.
struct StepSwitch {
  TaskId from = 0;
  uint32_t after = 0;
  TaskId to = 0;
  friend bool operator==(const StepSwitch&, const StepSwitch&) = default;
};

class StepSchedule : public Scheduler {
 public:
  // `switches` must outlive this.
  explicit StepSchedule(std::span<const StepSwitch> switches) : switches_(switches) {}
  TaskId Next(const SchedulePoint& point) override;

 private:
  std::span<const StepSwitch> switches_;
  size_t next_ = 0;
};

}  // namespace iommufd_check::sim
