#include "model/explore/work/explore_work.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

BoundedSchedules::Visitor EnterInto(Certificate* c, const program::Executor& executor) {
  return [c, &executor](const Program& variant, const Execution& execution) {
    c->EnterSchedule(variant, execution, PreemptionsOfLast(executor));
    return true;
  };
}

// The places with which an exploration begins. Reductions do not matter to what meets.
sim::PlaceSet PlacesOf(Subject* subject, const InterleavingOptions& bounds,
                       const ExploreOptions& options, Pulse* pulse) {
  InterleavingOptions reduced = bounds;
  reduced.reduction = Reduction::kDpor;
  return ClosePlaces(subject, reduced, options.place_executions, pulse);
}

// One program under one design, and the same again at other places.
template <class Kind>
class ProgramWork : public Work {
 public:
  std::unique_ptr<Work> With(const sim::PlaceSet& places, program::Executor* executor,
                             Pulse* pulse) const final {
    return std::make_unique<Kind>(executor, design_, blank_.program, program_, options_, places,
                                  pulse);
  }

 protected:
  ProgramWork(liveupdate::Design& design, const std::string& name, const Program& program,
              const ExploreOptions& options)
      : Work("explore", name, design), design_(design), program_(program), options_(options) {}

  liveupdate::Design& design_;
  const Program program_;
  const ExploreOptions options_;
};

class ReducedWork final : public ProgramWork<ReducedWork> {
 public:
  ReducedWork(program::Executor* executor, liveupdate::Design& design, const std::string& name,
              const Program& program, const ExploreOptions& options, const sim::PlaceSet& places,
              Pulse* pulse)
      : ProgramWork(design, name, program, options) {
    bounds_.reduction = options.reduction;
    bounds_.dependency.exact_frames = options.exact_frames;
    bounds_.dependency.places = places;
    ProgramSubject subject(executor, &design, program);
    bounds_.dependency.places = PlacesOf(&subject, bounds_, options, pulse);
    blank_.places = bounds_.dependency.places;
    starts_ = CutIntoParts(&subject, bounds_, options.parts, options.whole, pulse);
    blank_.schedules =
        options.exact_frames ? "all interleavings, exact frames" : "all interleavings";
    blank_.reduction = std::string(Name(options.reduction));
    blank_.parts = static_cast<uint32_t>(starts_.size());
    Identify({&program, 1}, &blank_);
  }

  void RunPart(uint32_t part, program::Executor* executor, Meter* meter,
               Certificate* c) const override {
    ProgramSubject subject(executor, &design_, program_);
    InterleavingOptions bounds = bounds_;
    bounds.meter = meter;
    EnterInterleavings(&subject, bounds, starts_[part], options_.max_combinations, c);
  }

  // Looks for each finding with fewer preemptions.
  void Finish(program::Executor* executor, Pulse* pulse, Certificate* c) const override {
    size_t open = c->findings.size();
    Certificate shorter;
    for (int bound = 0; bound <= options_.shortest_up_to && open > 0; ++bound) {
      Meter budget(options_.shortest_executions, pulse);
      BoundedSchedules schedules(executor, &design_, program_, bound, &c->places);
      Certificate of_bound;
      const bool all = schedules.Run({}, &budget, EnterInto(&of_bound, *executor));
      for (Finding& finding : of_bound.findings) {
        if (shorter.Find(finding.identity) != nullptr) continue;
        finding.runs = 0;  // only traces are counted
        finding.first = 0;
        finding.fewest = true;
        shorter.Keep(std::move(finding));
      }
      if (!all) break;
      open = 0;
      for (const Finding& finding : c->findings) {
        open += shorter.Find(finding.identity) == nullptr ? 1 : 0;
      }
    }
    for (Finding& finding : shorter.findings) c->Keep(std::move(finding));
  }

 private:
  InterleavingOptions bounds_;
  std::vector<PathStart> starts_;
};

// Part 0 is the schedule without switches, each other one child of it with all below.
class BoundedWork final : public ProgramWork<BoundedWork> {
 public:
  BoundedWork(program::Executor* executor, liveupdate::Design& design, const std::string& name,
              const Program& program, const ExploreOptions& options, const sim::PlaceSet& places,
              Pulse* pulse)
      : ProgramWork(design, name, program, options), preemptions_(*options.preemptions) {
    ProgramSubject subject(executor, &design, program);
    InterleavingOptions bounds;
    bounds.dependency.places = places;
    blank_.places = PlacesOf(&subject, bounds, options, pulse);
    BoundedSchedules schedules(executor, &design, program, preemptions_, &blank_.places);
    Meter one(1);
    schedules.RunOne({}, &one, [](const Program&, const Execution&) { return true; });
    children_ = schedules.ChildrenOf({});
    blank_.schedules = NameOfBound(preemptions_);
    blank_.reduction = std::string(Name(Reduction::kNone));
    blank_.parts = static_cast<uint32_t>(children_.size() + 1);
    Identify({&program, 1}, &blank_);
  }

  void RunPart(uint32_t part, program::Executor* executor, Meter* meter,
               Certificate* c) const override {
    BoundedSchedules schedules(executor, &design_, program_, preemptions_, &blank_.places);
    if (part == 0) {
      schedules.RunOne({}, meter, EnterInto(c, *executor));
    } else {
      schedules.Run(children_[part - 1], meter, EnterInto(c, *executor));
    }
  }

 private:
  const int preemptions_;
  std::vector<ScheduleNode> children_;
};

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

void EnterInterleavings(ProgramSubject* subject, const InterleavingOptions& bounds,
                        const PathStart& start, size_t max_combinations, Certificate* c) {
  Interleavings explorer(subject, bounds);
  const InterleavingCounts counts = explorer.ExploreFrom(start, [&](const Subject& run) {
    const Execution& execution = subject->execution();
    const uint128 stands_for = bounds.reduction == Reduction::kNone
                                   ? 1
                                   : CountInterleavings(explorer.order(), max_combinations);
    c->Enter(execution, explorer.order().steps(), stands_for);
    if (execution.violations.empty()) return true;
    const int preemptions = PreemptionsOf(run);
    if (c->order == WitnessOrder::kSmallestProgram) {
      const Program replayable = subject->Replayable();
      c->EnterViolations(replayable, execution, preemptions, [&replayable] { return replayable; });
    } else {
      c->EnterViolations(subject->program(), execution, preemptions,
                         [subject] { return subject->Replayable(); });
    }
    return true;
  });
  c->met.Merge(explorer.meetings());
  if (counts.diverged == 0 && counts.too_long == 0) return;
  c->finished = false;
  c->ended_by = counts.too_long == 0 ? "a run left its schedule"
                                     : absl::StrCat("a run of more than ", kMostSteps, " steps");
}

std::unique_ptr<Work> MakeExploreWork(program::Executor* executor, liveupdate::Design& design,
                                      const std::string& name, const Program& program,
                                      const ExploreOptions& options, Pulse* pulse) {
  if (options.preemptions.has_value()) {
    return std::make_unique<BoundedWork>(executor, design, name, program, options, sim::PlaceSet{},
                                         pulse);
  }
  return std::make_unique<ReducedWork>(executor, design, name, program, options, sim::PlaceSet{},
                                       pulse);
}

Certificate ExploreProgram(program::Executor* executor, liveupdate::Design& design,
                           const std::string& name, const Program& program,
                           const ExploreOptions& options) {
  return RunWork(*MakeExploreWork(executor, design, name, program, options), {});
}

}  // namespace iommufd_check::explore
