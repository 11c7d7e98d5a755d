// All schedules of a program with at most so many preemptions, each once, by re-execution.
//
// Schedules form a tree: a run reports where the scheduler was asked, and each child of a schedule
// adds one switch behind its last one. A switch away from a task that could have continued is a
// preemption; one at a block or an end is free, and so is the choice of the first task. Fewer
// preemptions come first, so the first violation found has as few as possible. The subtrees of
// different schedules are disjoint, so they can be explored apart.
//
//   BoundedSchedules schedules(&executor, &design, program, 1);
//   schedules.Run({}, &meter, [](const Program& variant, const Execution& run) { return true; });
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "model/explore/work/meter.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::explore {

struct ScheduleNode {
  std::vector<sim::Switch> switches;
  size_t first_point = 0;  // children add a switch there or later
  int preemptions = 0;
};

class BoundedSchedules {
 public:
  // `variant` is the program with the switches of this execution. Return false to end the search.
  using Visitor =
      std::function<bool(const program::Program& variant, const program::Execution& run)>;

  // The program's own switches are not used. `places`: the accesses that ask; null: all of them.
  // REQUIRES: preemptions >= 0; `places` outlives this.
  BoundedSchedules(program::Executor* executor, liveupdate::Design* design,
                   const program::Program& program, int preemptions, const sim::PlaceSet* places);

  // Runs `root` and all schedules below it. False when the visitor or the meter ended it.
  bool Run(const ScheduleNode& root, Meter* meter, const Visitor& visitor);

  // Runs `node` alone. False as for Run.
  bool RunOne(const ScheduleNode& node, Meter* meter, const Visitor& visitor);

  // The children of the schedule that was run last, within the bound. REQUIRES: it was `node`.
  std::vector<ScheduleNode> ChildrenOf(const ScheduleNode& node) const;

  // Where tasks of the runs so far met without order.
  const sim::PlaceSet& meetings() const { return meetings_; }

 private:
  program::Executor& executor_;
  liveupdate::Design& design_;
  program::Program variant_;
  const int preemptions_;
  const sim::PlaceSet* const places_;
  sim::PlaceSet meetings_;
};

// "schedules with at most 2 preemptions", as certificates name such work.
std::string NameOfBound(int preemptions);

// Preemptions at all points but the last, whose choice the points do not show.
int PreemptionsAmong(const std::vector<sim::SchedulePoint>& points);
// The same of the executor's last run, under switches alone.
int PreemptionsOfLast(const program::Executor& executor);

}  // namespace iommufd_check::explore
