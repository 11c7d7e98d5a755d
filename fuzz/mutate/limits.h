// How large the programs of a fuzz target are. Longer ones find nothing that shorter ones do not,
// and cost their length.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/program/program.h"

namespace iommufd_check::cli {

struct Limits {
  size_t operations = 24;
  // Of a memfd, also after a truncate: every page is a step of its own when it is preserved.
  uint32_t pages = 16;
  uint8_t tasks = 0;  // that run together; 0: all is sequential
  size_t faults = 4;
  size_t switches = 8;
};

bool Fits(const program::Program& program, const Limits& limits);

}  // namespace iommufd_check::cli
