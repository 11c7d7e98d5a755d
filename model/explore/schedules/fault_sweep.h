// Fails what can fail: each fault site that a program executes, one at a time; that one and all
// later calls of it in its operation; and pairs, the second anywhere in a run with the first. Each
// plan is run under every schedule within a preemption bound. Every run ends with all checks: the
// oracle, rollback equality, the leak check after exit.
//
// Part 0 is the program without a fault of ours; each other part is a site with all its plans.
//
//   program::Executor executor;
//   Certificate c = SweepProgram(&executor, *design, "a.prog", program, {.pairs = true});
#pragma once

#include <memory>
#include <string>

#include "model/explore/work/work.h"

namespace iommufd_check::explore {

struct SweepOptions {
  bool sticky = true;
  bool pairs = false;
  int preemptions = 0;
};

// The program's own faults are part of every plan. Runs part 0 to find the sites; when `pulse`,
// which may be null, ends that, there are no other parts. `design` must outlive the work.
std::unique_ptr<Work> MakeSweepWork(program::Executor* executor, liveupdate::Design& design,
                                    const std::string& name, const program::Program& program,
                                    const SweepOptions& options, Pulse* pulse);

// MakeSweepWork and RunWork on this thread.
Certificate SweepProgram(program::Executor* executor, liveupdate::Design& design,
                         const std::string& name, const program::Program& program,
                         const SweepOptions& options);

}  // namespace iommufd_check::explore
