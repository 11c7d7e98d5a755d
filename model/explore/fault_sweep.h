// Fails what can fail: each fault site that a program executes, one at a time; that one and all
// later calls of it in its operation; and pairs, the second anywhere in a run with the first. Each
// plan is run under every schedule within a preemption bound. Every run ends with all checks: the
// oracle, rollback equality, the leak check after exit.
//
//   program::Executor executor;
//   Certificate c = SweepProgram(&executor, *design, "a.prog", program, {.pairs = true});
#pragma once

#include <string>

#include "model/explore/certificate.h"

namespace iommufd_check::explore {

struct SweepOptions {
  bool sticky = true;
  bool pairs = false;
  int preemptions = 0;
  uint64_t max_executions = UINT64_MAX;
};

// The program's own faults are part of every plan.
Certificate SweepProgram(program::Executor* executor, liveupdate::Design& design,
                         const std::string& name, const program::Program& program,
                         const SweepOptions& options);

}  // namespace iommufd_check::explore
