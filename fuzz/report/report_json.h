// A report as JSON, for machines: each member under its name.
//
//   std::cout << ToJson(report).dump(2);
#pragma once

#include "fuzz/report/report.h"
#include "nlohmann/json.hpp"

namespace iommufd_check::cli {

nlohmann::ordered_json ToJson(const Report& report);

}  // namespace iommufd_check::cli
