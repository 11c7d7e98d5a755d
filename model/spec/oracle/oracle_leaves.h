// What the domains map, compared with the areas of their IOAS and with the page cache of memfds.
#pragma once

#include <cstdint>
#include <string>

#include "model/spec/oracle/oracle_state.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec::oracle {

// The first difference, or empty. REQUIRES: objects, areas and memfds are as expected.
std::string LeavesDifference(const State& state, const Snapshot& observed);

std::string Hex(uint64_t value);  // "0x1f"

}  // namespace iommufd_check::spec::oracle
