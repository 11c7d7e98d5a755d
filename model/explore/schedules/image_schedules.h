// All schedules of a program on an image with at most so many preemptions, each once.
//
// As BoundedSchedules does for designs: a run reports where the scheduler was asked, and each child
// of a schedule adds one other choice behind its last one; fewer preemptions come first. What asks
// is what the kernel asks of its machine: locks, allocations, copies, waits. Switches between plain
// accesses need an image that is compiled for them.
//
//   const ImageCounts counts = ExploreImage(&executor, program, {.preemptions = 2}, visitor);
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "model/program/linux/image_executor.h"

namespace iommufd_check::explore {

// At the nth question of the run, from 0, this task goes on.
struct ImageChoice {
  size_t question = 0;
  sim::TaskId task = 0;
  friend bool operator==(const ImageChoice&, const ImageChoice&) = default;
};

// Chooses by a list, else by default, and remembers what it was asked.
class ChoicesScheduler : public sim::Scheduler {
 public:
  explicit ChoicesScheduler(std::vector<ImageChoice> choices) : choices_(std::move(choices)) {}
  sim::TaskId Next(const sim::SchedulePoint& point) override;
  const std::vector<sim::SchedulePoint>& points() const { return points_; }

 private:
  const std::vector<ImageChoice> choices_;  // ascending
  size_t next_ = 0;
  std::vector<sim::SchedulePoint> points_;
};

struct ImageBounds {
  int preemptions = 1;
  uint64_t max_executions = 1'000'000;
};

struct ImageCounts {
  uint64_t executions = 0;
  uint64_t traces = 0;      // executions with different events
  uint64_t not_judged = 0;  // the search for an order of their calls ended at its budget
  uint64_t findings = 0;    // executions with some
  bool exhausted = false;   // all schedules within the bound were run
};

// Sees each execution. Return false to end the exploration.
using ImageVisitor = std::function<bool(const std::vector<ImageChoice>& schedule,
                                        const program::ImageExecution& run)>;

// ERRORS: as ImageExecutor::Run. REQUIRES: bounds.preemptions >= 0.
absl::StatusOr<ImageCounts> ExploreImage(program::ImageExecutor* executor,
                                         const program::Program& program, const ImageBounds& bounds,
                                         const ImageVisitor& visitor);

}  // namespace iommufd_check::explore
