// What devices behind an image's IOMMU would find, against what the oracle says.
#pragma once

#include <string>

#include "model/linux/host/machine.h"
#include "model/spec/oracle/oracle_state.h"

namespace iommufd_check::program {

// The first difference, or empty. Of each area of an attached device its first and last pages are
// looked at, and the pages beside it; of what is not attached nothing can be seen.
std::string LeafDifference(const spec::oracle::State& state, const linux_host::Machine& machine);

}  // namespace iommufd_check::program
