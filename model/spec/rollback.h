// I05: a preserve that failed leaves the state as it was.
#pragma once

#include <vector>

#include "model/spec/findings.h"
#include "model/spec/oracle/oracle.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

// After a LUO preserve of any file that failed. `others`: the calls that were in progress
// at some time between the two snapshots. What one of them may change is not compared; with none,
// everything that live update and iommufd count is.
void CheckRollback(const Snapshot& before, const Snapshot& after, const std::vector<Call>& others,
                   Findings* findings);

}  // namespace iommufd_check::spec
