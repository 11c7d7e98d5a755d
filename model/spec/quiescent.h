// The invariants of quiescent points: I02, I05, I07, I08, I10, I11, I14, I15, I18, I24, read from a
// Snapshot. A point is quiescent when no task is inside a system call.
#pragma once

#include "model/spec/findings.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

// After any operation that leaves no task inside the kernel.
void CheckQuiescent(const Snapshot& now, Findings* findings);

// After a preserve of the iommufd that succeeded. Also holds at any later quiescent point at which
// the iommufd is preserved, and is checked there too.
void CheckPreserved(const Snapshot& now, Findings* findings);

// After a preserve that failed. `alone`: no other task took a step in between; else only what
// live update itself owns is compared, on objects present in both.
void CheckRollback(const Snapshot& before, const Snapshot& after, bool alone, Findings* findings);

}  // namespace iommufd_check::spec
