#include "model/explore/bounded_schedules.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "model/explore/systematic.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {

using program::Execution;
using program::Program;

bool RunBounded(program::Executor* executor, liveupdate::Design& design, const Program& program,
                const ScheduleBounds& bounds, Certificate* c,
                const std::function<void(const Execution&)>& on_run) {
  IOMMUFD_CHECK(bounds.preemptions >= 0, "a bound is not negative");
  if (c->executions >= bounds.max_executions) return false;
  SearchBounds search;
  search.preemptions = bounds.preemptions;
  search.single_faults = false;
  search.max_executions = bounds.max_executions - c->executions;
  const SearchSummary summary = SystematicSearch(executor).Run(
      design, program, search, [&](const Program& variant, const Execution& execution) {
        if (c->traces++ == 0) c->orders_log10 = OrdersLog10(execution);
        c->transitions += execution.steps;
        c->longest = std::max(c->longest, execution.steps);
        c->digest += execution.digest;
        c->Count(execution);
        for (const spec::Violation& violation : execution.violations) {
          if (c->Find(violation.invariant) != nullptr) continue;
          c->Keep({violation, variant, PreemptionsOfLast(*executor), true});
        }
        if (on_run) on_run(execution);
        return true;
      });
  c->executions += summary.executions;
  return summary.exhausted;
}

double OrdersLog10(const Execution& execution) {
  double all = 0;
  double log = 0;
  for (size_t task = 1; task < execution.task_steps.size(); ++task) {
    const double steps = execution.task_steps[task];
    all += steps;
    log -= std::lgamma(steps + 1);
  }
  return (log + std::lgamma(all + 1)) / std::numbers::ln10;
}

int PreemptionsOfLast(const program::Executor& executor) {
  const std::vector<sim::SchedulePoint>& points = executor.schedule_points();
  int preemptions = 0;
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    const bool leaves = points[i + 1].current != points[i].current;
    preemptions += leaves && points[i].current_can_continue() ? 1 : 0;
  }
  return preemptions;
}

}  // namespace iommufd_check::explore
