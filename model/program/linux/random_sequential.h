// Random programs of one task, made of operations that images have, for comparing subjects.
//
// Objects are mostly variables that an earlier operation defines, so that calls mean something, and
// now and then raw ids; numbers are drawn from those at which answers change. A program is a
// function of seed and index alone.
#pragma once

#include <cstdint>

#include "model/program/program.h"

namespace iommufd_check::program {

// FirstProblem of it is empty.
Program RandomSequentialProgram(uint64_t seed, uint64_t index);

}  // namespace iommufd_check::program
