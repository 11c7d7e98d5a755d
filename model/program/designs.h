// The designs by name, for callers that know programs and nothing of live update.
//
// Threads: pure functions; a design has no state, so any number of executors may share one.
//
//   if (liveupdate::Design* design = DesignNamed("v1")) executor.Run(*design, program);
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/liveupdate/design.h"

namespace iommufd_check::program {

std::vector<std::string> DesignNames();  // In order of history.
// Null when there is none of this name.
liveupdate::Design* DesignNamed(std::string_view name);

}  // namespace iommufd_check::program
