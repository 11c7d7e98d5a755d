// Exhausts the interleavings of one program under one design, and certifies it.
//
// Without a preemption bound all interleavings are explored, reduced as asked; then each invariant
// that was broken is looked for again with 0, 1, 2 preemptions, so that its witness has the fewest.
// With a bound every schedule within it is run, without reduction: sleep and source sets are not
// sound under one.
//
//   program::Executor executor;
//   Certificate c = ExploreProgram(&executor, *design, "a.prog", program, {});
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/explore/certificate.h"
#include "model/explore/interleavings.h"

namespace iommufd_check::explore {

struct ExploreOptions {
  Reduction reduction = Reduction::kDpor;
  std::optional<int> preemptions;
  uint64_t max_executions = UINT64_MAX;
  bool exact_frames = false;  // DependencyOptions
  // Preemptions up to which a shorter witness is looked for; -1: not at all.
  int shortest_up_to = 2;
  uint64_t shortest_executions = 200'000;  // budget of that
};

std::string_view Name(Reduction reduction);
std::optional<Reduction> ReductionFromName(std::string_view name);

Certificate ExploreProgram(program::Executor* executor, liveupdate::Design& design,
                           const std::string& name, const program::Program& program,
                           const ExploreOptions& options);

}  // namespace iommufd_check::explore
