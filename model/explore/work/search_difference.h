// What differs between two certificates of state searches.
//
//   absl::StatusOr<std::vector<std::string>> lines = SearchDifference(text, "a.json", now);
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace iommufd_check::explore {

// One line for each member of RenderJson (search_report.h) that `now` has otherwise than `before`:
// "states 4140, was 4100". Of a counterexample only what it breaks. `name` is of the file that
// `before` comes from. FAULTS: InvalidArgument; `before` may be anything.
absl::StatusOr<std::vector<std::string>> SearchDifference(const std::string& before,
                                                          const std::string& name,
                                                          const std::string& now);

}  // namespace iommufd_check::explore
