#include "model/explore/fault_sweep.h"

#include <algorithm>
#include <vector>

#include "model/explore/bounded_schedules.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

using program::Execution;
using program::Program;
using program::SiteVisit;
using Plan = std::vector<sim::PlannedFault>;

// Calls of one site in one operation that a sticky plan fails.
constexpr uint16_t kStickyCalls = 16;

sim::PlannedFault Fails(const SiteVisit& visit) {
  return {visit.operation, visit.site, visit.nth};
}

bool Contains(const std::vector<SiteVisit>& visits, const SiteVisit& visit) {
  return std::find(visits.begin(), visits.end(), visit) != visits.end();
}

class Sweep {
 public:
  Sweep(program::Executor* executor, liveupdate::Design* design, const Program& program,
        const SweepOptions& options, Certificate* c)
      : executor_(*executor), design_(*design), program_(program), options_(options), c_(*c) {}

  void Run() {
    const std::vector<SiteVisit> sites = RunPlan({});
    for (const SiteVisit& site : sites) {
      const std::vector<SiteVisit> after = RunPlan({Fails(site)});
      if (options_.sticky) RunPlan(Sticky(site));
      if (!options_.pairs) continue;
      for (const SiteVisit& second : after) {
        // A pair of calls that both happen anyway comes up twice: once is enough.
        const bool seen = Contains(sites, second) && !Later(sites, site, second);
        if (!(second == site) && !seen) RunPlan({Fails(site), Fails(second)});
      }
    }
  }

 private:
  static Plan Sticky(const SiteVisit& site) {
    Plan plan;
    for (uint16_t i = 0; i < kStickyCalls; ++i) {
      plan.push_back({site.operation, site.site, static_cast<uint16_t>(site.nth + i)});
    }
    return plan;
  }
  static bool Later(const std::vector<SiteVisit>& sites, const SiteVisit& a, const SiteVisit& b) {
    return std::find(sites.begin(), sites.end(), a) < std::find(sites.begin(), sites.end(), b);
  }

  // The sites that its runs came past, in order of first sight.
  std::vector<SiteVisit> RunPlan(const Plan& plan) {
    Program variant = program_;
    variant.switches.clear();
    variant.faults.insert(variant.faults.end(), plan.begin(), plan.end());
    std::vector<SiteVisit> sites;
    if (!plan.empty()) ++c_.plans;
    const bool whole = RunBounded(&executor_, design_, variant,
                                  {options_.preemptions, options_.max_executions}, &c_,
                                  [&](const Execution& execution) {
                                    for (const SiteVisit& visit : execution.sites) {
                                      if (!Contains(sites, visit)) sites.push_back(visit);
                                    }
                                  });
    c_.exhausted = c_.exhausted && whole;
    return sites;
  }

  program::Executor& executor_;
  liveupdate::Design& design_;
  const Program& program_;
  const SweepOptions& options_;
  Certificate& c_;
};

}  // namespace

Certificate SweepProgram(program::Executor* executor, liveupdate::Design& design,
                         const std::string& name, const Program& program,
                         const SweepOptions& options) {
  Certificate c;
  c.work = "sweep";
  c.program = name;
  c.design = std::string(design.name());
  c.reduction = "none";
  c.preemptions = options.preemptions;
  c.faults = "single";
  if (options.sticky) c.faults += "+sticky";
  if (options.pairs) c.faults += "+pairs";
  c.exhausted = true;
  Sweep(executor, &design, program, options, &c).Run();
  IOMMUFD_CHECK(c.executions > 0, "a sweep runs the program at least once");
  return c;
}

}  // namespace iommufd_check::explore
