#include "model/explore/work/verdict_work.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/site_visits.h"
#include "model/explore/work/explore_work.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;

// One program, with what has to be known before it can be cut into parts.
struct Plan {
  Program program;
  sim::PlaceSet places;
  std::vector<PathStart> starts;
  std::vector<program::SiteVisit> sites;  // that fail, one at a time
  // Not so many interleavings that some were not looked at.
  bool knows_all = true;
};

InterleavingOptions BoundsOf(const Plan& plan, Meter* meter) {
  InterleavingOptions bounds;
  bounds.meter = meter;
  bounds.dependency.places = plan.places;
  return bounds;
}

// Runs all interleavings, again and again until their tasks meet at no further place.
SiteVisits FindPlacesAndSites(ProgramSubject* subject, Meter* meter, Plan* plan) {
  for (;;) {
    SiteVisits sites;
    Interleavings explorer(subject, BoundsOf(*plan, meter));
    explorer.Explore([&](const Subject&) {
      sites.Add(subject->execution().sites);
      return true;
    });
    if (!plan->places.Merge(explorer.meetings()) || meter->refused()) return sites;
  }
}

Plan PlanFor(program::Executor* executor, liveupdate::Design* design, const Program& program,
             const VerdictOptions& options, Pulse* pulse) {
  Plan plan{.program = program};
  ProgramSubject subject(executor, design, program);
  plan.places = ClosePlaces(&subject, {}, kWholeExecutions, pulse);
  Meter meter(options.planned_executions, pulse);
  const SiteVisits sites = FindPlacesAndSites(&subject, &meter, &plan);
  plan.knows_all = !meter.refused() || meter.used() < options.planned_executions;
  plan.starts = CutIntoParts(&subject, BoundsOf(plan, nullptr), ExploreOptions().parts,
                             kWholeExecutions, pulse);
  if (options.single_faults && program.faults.empty()) plan.sites = sites.in_order();
  return plan;
}

std::string SchedulesOf(const VerdictOptions& options) {
  if (!options.single_faults) return "all interleavings";
  return absl::StrCat("all interleavings; of programs without faults, each single one x all ",
                      NameOfBound(options.preemptions));
}

class VerdictWork : public Work {
 public:
  VerdictWork(program::Executor* executor, liveupdate::Design& design, const std::string& name,
              const std::vector<Program>& programs, const VerdictOptions& options, Pulse* pulse)
      : Work("verdict", name, design), design_(design), options_(options) {
    for (const Program& program : programs) {
      const size_t plan = plans_.size();
      plans_.push_back(PlanFor(executor, &design, program, options, pulse));
      for (size_t i = 0; i < plans_[plan].starts.size(); ++i) parts_.push_back({plan, i, false});
      for (size_t i = 0; i < plans_[plan].sites.size(); ++i) parts_.push_back({plan, i, true});
    }
    blank_.programs = static_cast<uint32_t>(programs.size());
    blank_.schedules = SchedulesOf(options);
    blank_.reduction = std::string(Name(Reduction::kDpor));
    if (options.single_faults) blank_.faults = "single";
    blank_.order = WitnessOrder::kSmallestProgram;
    blank_.parts = static_cast<uint32_t>(parts_.size());
    Identify(programs, &blank_);
  }

  void RunPart(uint32_t number, program::Executor* executor, Meter* meter,
               Certificate* c) const override {
    const Part& part = parts_[number];
    const Plan& plan = plans_[part.plan];
    if (part.fails) {
      RunWithFault(plan, plan.sites[part.index], executor, meter, c);
    } else {
      if (part.index == 0) RunAsWritten(plan, executor, meter, c);
      Explore(plan, plan.starts[part.index], executor, meter, c);
    }
    for (Finding& finding : c->findings) finding.part = number;
    // Places differ between programs, so those of the sum would say nothing.
    c->met = {};
  }

 private:
  struct Part {
    size_t plan = 0;
    size_t index = 0;  // of the start, or of the site that fails
    bool fails = false;
  };

  void RunAsWritten(const Plan& plan, program::Executor* executor, Meter* meter,
                    Certificate* c) const {
    if (!meter->Take()) return;
    const Execution& execution = executor->Run(design_, plan.program);
    c->EnterSchedule(plan.program, execution, PreemptionsOfLast(*executor));
  }

  void Explore(const Plan& plan, const PathStart& start, program::Executor* executor, Meter* meter,
               Certificate* c) const {
    ProgramSubject subject(executor, &design_, plan.program);
    EnterInterleavings(&subject, BoundsOf(plan, meter), start, kCheapCombinations, c);
    if (plan.knows_all) return;
    c->finished = false;
    c->ended_by = absl::StrCat("a program of more than ", options_.planned_executions,
                               " interleavings, to be explored and swept alone");
  }

  void RunWithFault(const Plan& plan, const program::SiteVisit& site, program::Executor* executor,
                    Meter* meter, Certificate* c) const {
    Program variant = plan.program;
    variant.faults = {{site.operation, site.site, site.nth}};
    ++c->plans;
    BoundedSchedules schedules(executor, &design_, variant, options_.preemptions, &plan.places);
    schedules.Run({}, meter, [&](const Program& scheduled, const Execution& execution) {
      c->EnterSchedule(scheduled, execution, PreemptionsOfLast(*executor));
      return true;
    });
  }

  liveupdate::Design& design_;
  const VerdictOptions options_;
  std::vector<Plan> plans_;
  std::vector<Part> parts_;
};

}  // namespace

std::unique_ptr<Work> MakeVerdictWork(program::Executor* executor, liveupdate::Design& design,
                                      const std::string& name, const std::vector<Program>& programs,
                                      const VerdictOptions& options, Pulse* pulse) {
  return std::make_unique<VerdictWork>(executor, design, name, programs, options, pulse);
}

}  // namespace iommufd_check::explore
