// Exhausts the interleavings of one program under one design.
//
// Without a preemption bound all interleavings are explored, reduced as asked; then each invariant
// that was broken is looked for again with 0, 1, 2 preemptions, so that its witness has the fewest.
// With a bound every schedule within it is run, without reduction: sleep and source sets are not
// sound under one.
//
//   program::Executor executor;
//   Certificate c = RunWork(*MakeExploreWork(&executor, *design, "a.prog", program, {}), {});
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/linear_extensions.h"
#include "model/explore/schedules/program_subject.h"
#include "model/explore/work/work.h"

namespace iommufd_check::explore {

struct ExploreOptions {
  Reduction reduction = Reduction::kDpor;
  std::optional<int> preemptions;
  bool exact_frames = false;  // DependencyOptions
  // Parts wanted of an exploration that is not over at once. Part of what is asked: with other
  // parts the runs that lead to no trace are others.
  size_t parts = 64;
  uint64_t whole = kWholeExecutions;  // an exploration that ends within so many is one part
  // Interleavings that are looked at for each set of places before the work begins. Places that
  // only more of them show cost a round of the whole.
  uint64_t place_executions = kWholeExecutions;
  size_t max_combinations = kCheapCombinations;  // to count the interleavings of a trace
  // Preemptions up to which a shorter witness is looked for; -1: not at all.
  int shortest_up_to = 2;
  uint64_t shortest_executions = 200'000;  // budget of that, for each number of preemptions
};

std::string_view Name(Reduction reduction);
std::optional<Reduction> ReductionFromName(std::string_view name);

// Runs the program some thousand times at most to find the parts; `pulse`, which may be null, ends
// that too. `design` must outlive the work.
std::unique_ptr<Work> MakeExploreWork(program::Executor* executor, liveupdate::Design& design,
                                      const std::string& name, const program::Program& program,
                                      const ExploreOptions& options, Pulse* pulse = nullptr);

// Runs all interleavings below `start` and enters each trace into *c with what it breaks.
void EnterInterleavings(ProgramSubject* subject, const InterleavingOptions& bounds,
                        const PathStart& start, size_t max_combinations, Certificate* c);

// MakeExploreWork and RunWork on this thread.
Certificate ExploreProgram(program::Executor* executor, liveupdate::Design& design,
                           const std::string& name, const program::Program& program,
                           const ExploreOptions& options);

}  // namespace iommufd_check::explore
