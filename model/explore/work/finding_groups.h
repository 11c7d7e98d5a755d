// Findings by what may have caused them: one violation leaves a state in which others follow.
//
// A finding leads a group when it came first in some run (Finding::first), or when it stands alone.
// Every other belongs to the group of what came first in its best witness. So a group is what to
// read, and to mend, together; its primary comes first.
//
//   for (const FindingGroup& group : GroupsOf(certificate)) ...
#pragma once

#include <vector>

#include "model/explore/work/certificate.h"

namespace iommufd_check::explore {

struct FindingGroup {
  const Finding* primary = nullptr;
  std::vector<const Finding*> others;  // by identity
};

// Every finding of the certificate once; groups by the identity of their primary.
std::vector<FindingGroup> GroupsOf(const Certificate& certificate);

}  // namespace iommufd_check::explore
