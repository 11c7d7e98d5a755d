// The calls that can fail, of several runs: each once, in order of first sight.
//
//   SiteVisits visits;
//   visits.Add(execution.sites);
//   for (const program::SiteVisit& visit : visits.in_order()) ...
#pragma once

#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "model/program/execute/executor.h"

namespace iommufd_check::explore {

class SiteVisits {
 public:
  void Add(const std::vector<program::SiteVisit>& visits) {
    for (const program::SiteVisit& visit : visits) {
      if (seen_.insert(KeyOf(visit)).second) in_order_.push_back(visit);
    }
  }
  bool Contains(const program::SiteVisit& visit) const { return seen_.count(KeyOf(visit)) != 0; }
  const std::vector<program::SiteVisit>& in_order() const { return in_order_; }

 private:
  using Key = std::tuple<uint16_t, sim::FaultSite, uint16_t>;
  static Key KeyOf(const program::SiteVisit& visit) {
    return {visit.operation, visit.site, visit.nth};
  }

  std::vector<program::SiteVisit> in_order_;
  std::set<Key> seen_;
};

}  // namespace iommufd_check::explore
