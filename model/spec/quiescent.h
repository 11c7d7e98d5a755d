// The invariants of quiescent points: I02, I07 to I11, I14 to I18, I24 to I27, read from a Snapshot.
// A point is quiescent when no task is inside a system call. One family a file: invariants/.
#pragma once

#include "model/spec/findings.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

// After any operation that leaves no task inside the kernel.
void CheckQuiescent(const Snapshot& now, Findings* findings);

// After a preserve of the iommufd that succeeded. Also holds at any later quiescent point at which
// the iommufd is preserved, and is checked there too.
void CheckPreserved(const Snapshot& now, Findings* findings);

// I26 and I27, of the layout alone, so where bytes of it are handed over first: after a preserve of
// the iommufd that succeeded.
void CheckAbi(const uapi::Contract& contract, Findings* findings);

}  // namespace iommufd_check::spec
