#include "model/explore/schedules/bounded_schedules.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

using program::Program;

BoundedSchedules::BoundedSchedules(program::Executor* executor, liveupdate::Design* design,
                                   const Program& program, int preemptions,
                                   const sim::PlaceSet* places)
    : executor_(*executor),
      design_(*design),
      variant_(program),
      preemptions_(preemptions),
      places_(places) {
  IOMMUFD_CHECK(preemptions >= 0, "a bound is not negative");
}

bool BoundedSchedules::RunOne(const ScheduleNode& node, Meter* meter, const Visitor& visitor) {
  if (!meter->Take()) return false;
  variant_.switches = node.switches;
  const program::Execution& execution =
      executor_.Run(design_, variant_, {.places = places_, .reuses_main = true});
  meetings_.Merge(execution.meetings);
  return visitor(variant_, execution);
}

bool BoundedSchedules::Run(const ScheduleNode& root, Meter* meter, const Visitor& visitor) {
  // Those that wait, by preemptions above the root's. Free children come before the next level.
  std::vector<ScheduleNode> level{root};
  for (int preemptions = root.preemptions; preemptions <= preemptions_; ++preemptions) {
    std::vector<ScheduleNode> next;
    while (!level.empty()) {
      std::vector<ScheduleNode> free;
      for (const ScheduleNode& node : level) {
        if (!RunOne(node, meter, visitor)) return false;
        for (ScheduleNode& child : ChildrenOf(node)) {
          (child.preemptions > preemptions ? next : free).push_back(std::move(child));
        }
      }
      level = std::move(free);
    }
    level = std::move(next);
  }
  return true;
}

std::vector<ScheduleNode> BoundedSchedules::ChildrenOf(const ScheduleNode& node) const {
  std::vector<ScheduleNode> children;
  if (node.switches.size() == program::kMaxSwitches) return children;
  const std::vector<sim::SchedulePoint>& points = executor_.schedule_points();
  for (size_t i = node.first_point; i < points.size(); ++i) {
    const sim::SchedulePoint& point = points[i];
    // A task that was chosen just now and has not begun: whom to choose was asked there.
    if (point.steps == 0 && i > 0) continue;
    const bool preempts = point.leaving_preempts();
    const int preemptions = node.preemptions + (preempts ? 1 : 0);
    if (preemptions > preemptions_) continue;
    for (sim::TaskId to = 1; to < sim::kMaxTasks; ++to) {
      if (to == point.by_default() || ((point.runnable >> to) & 1u) == 0) continue;
      children.push_back({node.switches, i + 1, preemptions});
      children.back().switches.push_back(sim::SwitchAt(points, i, executor_.events(), to));
    }
  }
  return children;
}

std::string NameOfBound(int preemptions) {
  return absl::StrCat("schedules with at most ", preemptions, " preemption",
                      preemptions == 1 ? "" : "s");
}

int PreemptionsAmong(const std::vector<sim::SchedulePoint>& points) {
  int preemptions = 0;
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const bool leaves = points[i + 1].current != points[i].current;
    preemptions += leaves && points[i].leaving_preempts() ? 1 : 0;
  }
  return preemptions;
}

int PreemptionsOfLast(const program::Executor& executor) {
  return PreemptionsAmong(executor.schedule_points());
}

}  // namespace iommufd_check::explore
