// That two runs of one program say the same: for what must not change a result.
#pragma once

#include <string>

#include "model/program/execute/executor.h"

namespace iommufd_check::program {

// Compares all that the last run of both says, and the Worlds in which they ended.
void ExpectSameRun(const Executor& got, const Executor& wanted, const std::string& where);

}  // namespace iommufd_check::program
