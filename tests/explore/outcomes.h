// What the runs of an exploration show, to compare one way of exploring with another.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/liveupdate/designs/registry.h"

namespace iommufd_check::explore {

// What a run shows: answers of all calls, invariants broken, how it ended.
using Outcome = std::tuple<std::vector<int>, std::set<spec::Invariant>, sim::RunEnd>;

inline Outcome OutcomeOf(const program::Execution& execution) {
  Outcome outcome;
  for (const program::OperationResult& result : execution.results) {
    // An operation that had not ended when the run did ended, or not, by the schedule alone.
    const bool counts = execution.end == sim::RunEnd::kCompleted;
    std::get<0>(outcome).push_back(counts ? result.result : 0);
  }
  for (const spec::Violation& violation : execution.violations) {
    std::get<1>(outcome).insert(violation.invariant);
  }
  std::get<2>(outcome) = execution.end;
  return outcome;
}

struct Explored {
  std::set<Outcome> outcomes;
  InterleavingCounts counts;
};

inline Explored ExploreOutcomes(liveupdate::Design* design, const program::Program& program,
                                Reduction reduction, bool exact_frames = false,
                                uint32_t omitted_rules = 0, bool strict_counts = false) {
  program::Executor executor;
  ProgramSubject subject(&executor, design, program);
  InterleavingOptions options{.reduction = Reduction::kDpor};
  options.dependency.exact_frames = exact_frames;
  options.dependency.places = ClosePlaces(&subject, options, UINT64_MAX, nullptr);
  options.reduction = reduction;
  options.dependency.omitted = omitted_rules;
  options.dependency.strict_counts = strict_counts;
  Interleavings explorer(&subject, options);
  Explored explored;
  explored.counts = explorer.Explore([&](const Subject&) {
    explored.outcomes.insert(OutcomeOf(subject.execution()));
    return true;
  });
  EXPECT_TRUE(explored.counts.exhausted || omitted_rules != 0);
  return explored;
}

inline Explored ExploreOutcomes(const std::string& design, const program::Program& program,
                                Reduction reduction, bool exact_frames = false) {
  return ExploreOutcomes(liveupdate::FindDesign(design), program, reduction, exact_frames);
}

}  // namespace iommufd_check::explore
