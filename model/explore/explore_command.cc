#include "model/explore/explore_command.h"

#include <utility>

#include "model/explore/bounded_schedules.h"
#include "model/explore/program_subject.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

void ExploreAll(program::Executor* executor, liveupdate::Design& design, const Program& program,
                const ExploreOptions& options, Certificate* c) {
  ProgramSubject subject(executor, &design, program);
  InterleavingOptions bounds;
  bounds.reduction = options.reduction;
  bounds.max_executions = options.max_executions;
  bounds.dependency = DependencyOf(program);
  bounds.dependency.exact_frames = options.exact_frames;
  Interleavings explorer(&subject, bounds);
  const InterleavingCounts counts = explorer.Explore([&](const Subject&) {
    const Execution& execution = subject.execution();
    if (c->traces++ == 0) c->orders_log10 = OrdersLog10(execution);
    c->Count(execution);
    for (const spec::Violation& violation : execution.violations) {
      const int preemptions = PreemptionsOf(subject);
      const Finding* known = c->Find(violation.invariant);
      if (known != nullptr && known->preemptions <= preemptions) continue;
      c->Keep({violation, subject.Replayable(), preemptions, false});
    }
    return true;
  });
  c->exhausted = counts.exhausted;
  c->executions = counts.executions;
  c->transitions = counts.transitions;
  c->longest = counts.longest;
  c->digest = counts.digest;
}

void ExploreBounded(program::Executor* executor, liveupdate::Design& design,
                    const Program& program, const ExploreOptions& options, Certificate* c) {
  c->exhausted = RunBounded(executor, design, program,
                            {*options.preemptions, options.max_executions}, c, nullptr);
}

// Looks for each invariant that `c` found broken with fewer preemptions.
void ShortenFindings(program::Executor* executor, liveupdate::Design& design,
                     const Program& program, const ExploreOptions& options, Certificate* c) {
  size_t open = c->findings.size();
  Certificate shorter;
  for (int bound = 0; bound <= options.shortest_up_to && open > 0; ++bound) {
    shorter.executions = 0;
    if (!RunBounded(executor, design, program, {bound, options.shortest_executions}, &shorter,
                    nullptr)) {
      break;
    }
    open = 0;
    for (const Finding& finding : c->findings) {
      open += shorter.Find(finding.violation.invariant) == nullptr ? 1 : 0;
    }
  }
  for (Finding& finding : shorter.findings) c->Keep(std::move(finding));
}

}  // namespace

std::string_view Name(Reduction reduction) {
  switch (reduction) {
    case Reduction::kNone:
      return "none";
    case Reduction::kSleep:
      return "sleep";
    case Reduction::kDpor:
      return "dpor";
  }
  return "?";
}

std::optional<Reduction> ReductionFromName(std::string_view name) {
  for (const Reduction reduction : {Reduction::kNone, Reduction::kSleep, Reduction::kDpor}) {
    if (Name(reduction) == name) return reduction;
  }
  return std::nullopt;
}

Certificate ExploreProgram(program::Executor* executor, liveupdate::Design& design,
                           const std::string& name, const program::Program& program,
                           const ExploreOptions& options) {
  Certificate c;
  c.work = "explore";
  c.program = name;
  c.design = std::string(design.name());
  c.preemptions = options.preemptions;
  if (options.preemptions.has_value()) {
    c.reduction = Name(Reduction::kNone);
    ExploreBounded(executor, design, program, options, &c);
  } else {
    c.reduction = Name(options.reduction);
    ExploreAll(executor, design, program, options, &c);
    ShortenFindings(executor, design, program, options, &c);
  }
  IOMMUFD_CHECK(c.executions > 0, "an exploration runs the program at least once");
  return c;
}

}  // namespace iommufd_check::explore
