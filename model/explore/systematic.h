// The first systematic search: one program, no fault and then each single fault, each under every
// schedule with at most so many preemptions.
//
// Schedules are enumerated without repetition by re-execution: a run reports where the scheduler
// was asked; each of its extensions adds one switch behind its last one. A switch away from a task
// that could have continued is a preemption; one at a block or end is free. Fewer preemptions come
// first, so the first violation found has as few as possible.
//
//   SystematicSearch search(&executor);
//   SearchSummary s = search.Run(*design, program, {}, [](const Program& variant,
//                                                         const Execution& run) { return true; });
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "model/program/executor.h"

namespace iommufd_check::explore {

struct SearchBounds {
  int preemptions = 2;
  bool single_faults = true;
  uint64_t max_executions = UINT64_MAX;
};

struct SearchSummary {
  uint64_t executions = 0;
  uint64_t faults = 0;    // distinct (operation, site, nth) that were failed
  bool exhausted = true;  // false: the budget or the visitor ended the search first
  uint64_t digest = 0;    // over the digests of all executions, in order
};

class SystematicSearch {
 public:
  // `variant` is the program with the switches and the fault of this execution. Return false to end
  // the search.
  using Visitor =
      std::function<bool(const program::Program& variant, const program::Execution& run)>;

  explicit SystematicSearch(program::Executor* executor) : executor_(*executor) {}

  SearchSummary Run(liveupdate::Design& design, const program::Program& program,
                    const SearchBounds& bounds, const Visitor& visitor);

 private:
  struct Frontier {
    std::vector<sim::Switch> switches;
    size_t first_point = 0;  // extensions start at this schedule point
  };

  bool Schedules(const Visitor& visitor);
  bool Execute(const Frontier& node, const Visitor& visitor);
  void Extend(const Frontier& node, std::vector<Frontier>* free, std::vector<Frontier>* costly);
  void NoteSites();

  program::Executor& executor_;
  liveupdate::Design* design_ = nullptr;
  program::Program variant_;
  SearchBounds bounds_;
  SearchSummary summary_;
  std::vector<program::SiteVisit> sites_;  // seen without a fault, in order of first sight
  bool collecting_sites_ = false;
};

}  // namespace iommufd_check::explore
