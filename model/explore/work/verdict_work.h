// What a verdict on a design runs: every program as it is written, then in every interleaving that
// can make a difference, then, of programs without faults, with each call that can fail failing
// alone, in every schedule within a bound of preemptions. Of each finding the smallest program is
// kept.
//
// All programs are one work, so that its parts share the threads. A part is some of a program's
// interleavings, the first with the run as written, or all schedules of one fault.
//
//   program::Executor executor;
//   Certificate c = RunWork(*MakeVerdictWork(&executor, *design, "corpus", programs, {}), {});
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/explore/work/work.h"

namespace iommufd_check::explore {

struct VerdictOptions {
  int preemptions = 2;        // in one schedule of a run with a fault
  bool single_faults = true;  // also each run in which one call fails
  // Interleavings of one program that are looked at to find the calls that can fail. A program
  // that has more is run, and is not exhausted.
  uint64_t planned_executions = 100'000;
};

// Runs the interleavings of all programs to find the parts; `pulse`, which may be null, ends that
// too. `design` must outlive the work.
std::unique_ptr<Work> MakeVerdictWork(program::Executor* executor, liveupdate::Design& design,
                                      const std::string& name,
                                      const std::vector<program::Program>& programs,
                                      const VerdictOptions& options, Pulse* pulse = nullptr);

}  // namespace iommufd_check::explore
