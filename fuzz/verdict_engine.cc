#include "fuzz/verdict_engine.h"

#include <cstdint>

#include "model/explore/systematic.h"
#include "model/program/minimise.h"

namespace iommufd_check::cli {
namespace {

SearchOutcome Search(program::Executor& executor, liveupdate::Design& design,
                     const program::Program& program, const SearchBounds& bounds,
                     const Visitor& visit) {
  explore::SystematicSearch search(&executor);
  const explore::SearchSummary summary = search.Run(
      design, program,
      {.preemptions = static_cast<int>(bounds.preemptions),
       .single_faults = bounds.single_faults,
       .max_executions = bounds.max_executions == 0 ? UINT64_MAX : bounds.max_executions},
      [&](const program::Program& variant, const program::Execution& execution) {
        visit(variant, execution);
        return true;
      });
  return {.executions = summary.executions, .exhausted = summary.exhausted};
}

}  // namespace

Engine MakeEngine(program::Executor& executor) {
  return {
      .run = [&executor](liveupdate::Design& design, const program::Program& program)
          -> const program::Execution& { return executor.Run(design, program); },
      .search =
          [&executor](liveupdate::Design& design, const program::Program& program,
                      const SearchBounds& bounds, const Visitor& visit) {
            return Search(executor, design, program, bounds, visit);
          },
      .minimise =
          [](const program::Program& program, const Predicate& still_fails) {
            return program::Minimise(program, still_fails, nullptr);
          },
  };
}

}  // namespace iommufd_check::cli
