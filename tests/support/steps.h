// Tables of steps, compared and listed.
#pragma once

#include <string_view>
#include <vector>

#include "model/liveupdate/revision.h"

namespace iommufd_check::test_support {

// Names of the steps that differ, in the order of steps.def.
inline std::vector<std::string_view> ChangedSteps(const liveupdate::Steps& from,
                                                  const liveupdate::Steps& to) {
  std::vector<std::string_view> names;
  liveupdate::VisitSteps([&]<auto kStep>(std::string_view name) {
    if (from.*kStep != to.*kStep) names.push_back(name);
  });
  return names;
}

// Names of the steps that the table has.
inline std::vector<std::string_view> StepNames(const liveupdate::Steps& steps) {
  return ChangedSteps({}, steps);
}

}  // namespace iommufd_check::test_support
