#include "model/explore/systematic.h"

#include <algorithm>
#include <utility>

#include "model/sim/check.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {

using program::Execution;
using program::Program;

SearchSummary SystematicSearch::Run(liveupdate::Design& design, const Program& program,
                                    const SearchBounds& bounds, const Visitor& visitor) {
  design_ = &design;
  variant_ = program;
  bounds_ = bounds;
  summary_ = {};
  sites_.clear();
  collecting_sites_ = true;
  bool going_on = Schedules(visitor);
  collecting_sites_ = false;
  if (bounds.single_faults && program.faults.empty()) {
    for (size_t i = 0; going_on && i < sites_.size(); ++i) {
      variant_.faults = {{sites_[i].operation, sites_[i].site, sites_[i].nth}};
      ++summary_.faults;
      going_on = Schedules(visitor);
    }
  }
  summary_.exhausted = going_on;
  return summary_;
}

// All schedules of the current faults, by number of preemptions.
bool SystematicSearch::Schedules(const Visitor& visitor) {
  // From no switch at all: the program's own schedule is one of those enumerated.
  std::vector<Frontier> level{Frontier{}};
  const std::vector<sim::Switch> own_switches = variant_.switches;
  bool going_on = true;
  for (int preemptions = 0; going_on && preemptions <= bounds_.preemptions; ++preemptions) {
    std::vector<Frontier> next;
    while (going_on && !level.empty()) {
      std::vector<Frontier> free;
      for (const Frontier& node : level) {
        going_on = Execute(node, visitor);
        if (!going_on) break;
        Extend(node, &free, &next);
      }
      level = std::move(free);
    }
    level = std::move(next);
  }
  variant_.switches = own_switches;
  return going_on;
}

bool SystematicSearch::Execute(const Frontier& node, const Visitor& visitor) {
  if (summary_.executions == bounds_.max_executions) return false;
  variant_.switches = node.switches;
  const Execution& run = executor_.Run(*design_, variant_, {});
  ++summary_.executions;
  summary_.digest = sim::HashWords({summary_.digest, run.digest}).low;
  if (collecting_sites_) NoteSites();
  return visitor(variant_, run);
}

void SystematicSearch::Extend(const Frontier& node, std::vector<Frontier>* free,
                              std::vector<Frontier>* costly) {
  const std::vector<sim::SchedulePoint>& points = executor_.schedule_points();
  for (size_t i = node.first_point; i < points.size(); ++i) {
    const sim::SchedulePoint& point = points[i];
    // What the scheduler does here without a switch of ours.
    const sim::TaskId chosen =
        point.current_can_continue()
            ? point.current
            : static_cast<sim::TaskId>(__builtin_ctz(point.runnable));
    for (sim::TaskId to = 1; to < sim::kMaxTasks; ++to) {
      if (to == chosen || ((point.runnable >> to) & 1u) == 0) continue;
      Frontier child{node.switches, i + 1};
      child.switches.push_back({point.current, point.steps, to});
      if (child.switches.size() > program::kMaxSwitches) continue;
      (point.current_can_continue() ? costly : free)->push_back(std::move(child));
    }
  }
}

void SystematicSearch::NoteSites() {
  for (const program::SiteVisit& visit : executor_.last().sites) {
    if (std::find(sites_.begin(), sites_.end(), visit) == sites_.end()) sites_.push_back(visit);
  }
}

}  // namespace iommufd_check::explore
