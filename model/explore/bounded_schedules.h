// All schedules of a program within a preemption bound, entered into a certificate: the common part
// of bounded exploration and of fault sweeps.
//
//   RunBounded(&executor, design, program, {.preemptions = 1}, &certificate, nullptr);
#pragma once

#include <cstdint>
#include <functional>

#include "model/explore/certificate.h"

namespace iommufd_check::explore {

struct ScheduleBounds {
  int preemptions = 0;
  uint64_t max_executions = UINT64_MAX;  // of the certificate: what it already counts is included
};

// Adds executions, transitions, digest, sites, antecedents and violations to `c`, whose witnesses
// are the fewest when they are new. `on_run`, when set, sees each run. False when the budget ended.
bool RunBounded(program::Executor* executor, liveupdate::Design& design,
                const program::Program& program, const ScheduleBounds& bounds, Certificate* c,
                const std::function<void(const program::Execution&)>& on_run);

// log10 of the ways to interleave the steps that the tasks took: (sum)! / product of each!.
double OrdersLog10(const program::Execution& execution);

// Switches of the executor's last run away from a task that could have continued.
int PreemptionsOfLast(const program::Executor& executor);

}  // namespace iommufd_check::explore
