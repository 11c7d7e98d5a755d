#include "model/explore/schedules/fault_sweep.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/schedules/place_closure.h"
#include "model/explore/schedules/program_subject.h"
#include "model/explore/schedules/site_visits.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;
using program::SiteVisit;
using Plan = std::vector<sim::PlannedFault>;

// Calls of one site in one operation that a sticky plan fails. An operation that makes more of them
// in spite of all these failures is not covered, and the certificate says so.
constexpr uint16_t kStickyCalls = 16;

sim::PlannedFault Fails(const SiteVisit& visit) { return {visit.operation, visit.site, visit.nth}; }

Plan Sticky(const SiteVisit& site) {
  Plan plan;
  for (uint16_t i = 0; i < kStickyCalls; ++i) {
    plan.push_back({site.operation, site.site, static_cast<uint16_t>(site.nth + i)});
  }
  return plan;
}

class SweepWork : public Work {
 public:
  SweepWork(program::Executor* executor, liveupdate::Design& design, const std::string& name,
            const Program& program, const SweepOptions& options, Pulse* pulse)
      : Work("sweep", name, design), design_(design), program_(program), options_(options) {
    Meter meter(UINT64_MAX, pulse);
    if (options.preemptions > 0) {
      ProgramSubject subject(executor, &design, program);
      places_ = ClosePlaces(&subject, {}, kWholeExecutions, pulse);
    }
    blank_.places = places_;
    Certificate ignored;
    const SiteVisits visits = RunPlan({}, executor, &meter, &ignored);
    if (!meter.refused()) sites_ = visits.in_order();
    blank_.schedules = NameOfBound(options.preemptions);
    blank_.reduction = "none";
    blank_.faults =
        absl::StrCat("single", options.sticky ? "+sticky" : "", options.pairs ? "+pairs" : "");
    blank_.parts = static_cast<uint32_t>(sites_.size() + 1);
    Identify({&program, 1}, &blank_);
  }

  void RunPart(uint32_t part, program::Executor* executor, Meter* meter,
               Certificate* c) const override {
    if (part == 0) {
      RunPlan({}, executor, meter, c);
    } else {
      RunPlansOf(part - 1, executor, meter, c);
    }
  }

 private:
  void RunPlansOf(size_t index, program::Executor* executor, Meter* meter, Certificate* c) const {
    const SiteVisit& site = sites_[index];
    const SiteVisits after = RunPlan({Fails(site)}, executor, meter, c);
    if (options_.sticky) RunSticky(site, executor, meter, c);
    if (!options_.pairs) return;
    // A pair of calls that both happen anyway comes up at both: the first one's part has it.
    SiteVisits up_to_here;
    up_to_here.Add({sites_.begin(), sites_.begin() + static_cast<ptrdiff_t>(index) + 1});
    for (const SiteVisit& second : after.in_order()) {
      if (!up_to_here.Contains(second)) RunPlan({Fails(site), Fails(second)}, executor, meter, c);
    }
  }

  void RunSticky(const SiteVisit& site, program::Executor* executor, Meter* meter,
                 Certificate* c) const {
    const SiteVisits visits = RunPlan(Sticky(site), executor, meter, c);
    const auto beyond = static_cast<uint16_t>(site.nth + kStickyCalls);
    if (!visits.Contains({site.operation, site.site, beyond})) return;
    c->finished = false;
    c->ended_by = absl::StrCat(kStickyCalls, " sticky faults did not end an operation");
  }

  // All schedules of one plan. The calls that its runs came past.
  SiteVisits RunPlan(const Plan& plan, program::Executor* executor, Meter* meter,
                     Certificate* c) const {
    Program variant = program_;
    variant.faults.insert(variant.faults.end(), plan.begin(), plan.end());
    if (!plan.empty() && !meter->refused()) ++c->plans;
    for (sim::PlaceSet places = places_;;) {
      SiteVisits visits;
      Certificate tried;
      BoundedSchedules schedules(executor, &design_, variant, options_.preemptions, &places);
      schedules.Run({}, meter, [&](const Program& scheduled, const Execution& execution) {
        tried.EnterSchedule(scheduled, execution, PreemptionsOfLast(*executor));
        visits.Add(execution.sites);
        return true;
      });
      // Without preemptions nothing is switched at an access. Else a plan has its own fixpoint:
      // failing paths access what others do not.
      const bool more = options_.preemptions > 0 && places.Merge(schedules.meetings());
      if (more && !meter->refused()) continue;
      c->Add(tried);
      return visits;
    }
  }

  liveupdate::Design& design_;
  const Program program_;
  const SweepOptions options_;
  std::vector<SiteVisit> sites_;
  sim::PlaceSet places_;  // of the program without a fault of ours
};

}  // namespace

std::unique_ptr<Work> MakeSweepWork(program::Executor* executor, liveupdate::Design& design,
                                    const std::string& name, const Program& program,
                                    const SweepOptions& options, Pulse* pulse) {
  return std::make_unique<SweepWork>(executor, design, name, program, options, pulse);
}

Certificate SweepProgram(program::Executor* executor, liveupdate::Design& design,
                         const std::string& name, const Program& program,
                         const SweepOptions& options) {
  return RunWork(*MakeSweepWork(executor, design, name, program, options, nullptr), {});
}

}  // namespace iommufd_check::explore
