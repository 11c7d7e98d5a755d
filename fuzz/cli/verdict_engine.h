// The engines behind `iommufd-check verdict`: the executor, the systematic search, the minimiser.
#pragma once

#include "fuzz/report/verdict.h"
#include "model/program/execute/executor.h"

namespace iommufd_check::cli {

// REQUIRES: `executor` outlives the engine.
Engine MakeEngine(program::Executor& executor);

}  // namespace iommufd_check::cli
