// What the checks of invariants look at: shared facts that follow the events, and the moments at
// which a run is looked at as a whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/spec/account.h"
#include "model/spec/lock_watch.h"
#include "model/spec/oracle/oracle.h"
#include "model/spec/race_detector.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

struct Evidence {
  Account account;                         // before the event that is heard
  LockWatch locks;                         // with it
  std::optional<RaceDetector::Race> race;  // that the event completes
  std::string splat;                       // of a kSplat: what the kernel prints
  std::optional<mm::FreedBy> freed_by;     // of the page whose use the next splat reports
  bool exiting = false;                    // the process is: its events are of no operation
};

// Moments, each a type of its own. A quiescent point, at which no task is inside a system call, is
// a Snapshot; bytes of a layout are handed over first when a preserve of an iommufd succeeds, which
// is the Contract of the design.

// A call is back in user space.
struct Returned {
  const Call& call;
  Reply reply;
  LostCopy lost = LostCopy::kNone;  // the copy that a fault made fail
  // Of a call that ran alone and without a fault: the first difference from what the oracle says
  // that it answers; empty: none. Of all others nobody knows but that the errno is documented.
  std::optional<std::string> answer_difference;
  std::string
      state_difference;  // of the machine from the oracle's state; empty: none, or not asked
  const Snapshot* now = nullptr;  // of a call that ran alone
};

// A call of several tasks whose answer no order of the calls explains.
struct Unexplained {
  const Call& call;
  std::string why;
};

// A LUO preserve of any file failed. `others` were in progress at some time between the snapshots.
struct FailedPreserve {
  const Snapshot& before;
  const Snapshot& after;
  const std::vector<Call>& others;
};

// The process is gone.
struct Exited {
  std::optional<std::string> left;  // the first thing that is not as at boot
};

}  // namespace iommufd_check::spec
