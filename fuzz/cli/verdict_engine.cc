#include "fuzz/cli/verdict_engine.h"

#include <cstdint>
#include <vector>

#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/interleavings.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/explore/schedules/site_visits.h"
#include "model/program/minimise.h"

namespace iommufd_check::cli {
namespace {

using program::Execution;
using program::Program;
using program::SiteVisit;

// All interleavings of the program as it is; collects the calls that can fail.
bool ExploreInterleavings(program::Executor& executor, liveupdate::Design& design,
                          const Program& program, explore::Meter* meter, const Visitor& visit,
                          explore::SiteVisits* sites, sim::PlaceSet* places) {
  explore::ProgramSubject subject(&executor, &design, program);
  explore::InterleavingOptions options;
  options.dependency.places = *places =
      explore::ClosePlaces(&subject, {}, explore::kWholeExecutions, nullptr);
  options.meter = meter;
  explore::Interleavings explorer(&subject, options);
  return explorer
      .Explore([&](const explore::Subject&) {
        const Execution& execution = subject.execution();
        sites->Add(execution.sites);
        visit(execution.violations.empty() ? program : subject.Replayable(), execution);
        return true;
      })
      .exhausted;
}

SearchOutcome Search(program::Executor& executor, liveupdate::Design& design,
                     const Program& program, const SearchBounds& bounds, const Visitor& visit) {
  explore::Meter meter(bounds.max_executions == 0 ? UINT64_MAX : bounds.max_executions);
  explore::SiteVisits visits;
  sim::PlaceSet places;
  bool whole = ExploreInterleavings(executor, design, program, &meter, visit, &visits, &places);
  std::vector<SiteVisit> sites;
  if (bounds.single_faults && program.faults.empty()) sites = visits.in_order();
  for (size_t i = 0; whole && i < sites.size(); ++i) {
    Program variant = program;
    variant.faults = {{sites[i].operation, sites[i].site, sites[i].nth}};
    explore::BoundedSchedules schedules(&executor, &design, variant,
                                        static_cast<int>(bounds.preemptions), &places);
    whole = schedules.Run({}, &meter, [&](const Program& scheduled, const Execution& execution) {
      visit(scheduled, execution);
      return true;
    });
  }
  return {.executions = meter.used(), .exhausted = whole};
}

}  // namespace

Engine MakeEngine(program::Executor& executor) {
  return {
      .run = [&executor](liveupdate::Design& design, const Program& program) -> const Execution& {
        return executor.Run(design, program);
      },
      .search =
          [&executor](liveupdate::Design& design, const Program& program,
                      const SearchBounds& bounds, const Visitor& visit) {
            return Search(executor, design, program, bounds, visit);
          },
      .minimise =
          [](const Program& program, const Predicate& still_fails) {
            return program::Minimise(program, still_fails, nullptr);
          },
      .preemptions = [&executor] { return explore::PreemptionsOfLast(executor); },
  };
}

}  // namespace iommufd_check::cli
