#include "model/explore/work/finding_groups.h"

#include <algorithm>

namespace iommufd_check::explore {
namespace {

// The finding that leads the group of this one. A cause may itself have one; not for longer than
// there are findings, since witnesses of two runs may blame each other.
const Finding* LeaderOf(const Certificate& c, const Finding* finding) {
  for (size_t i = 0; i < c.findings.size(); ++i) {
    if (finding->first > 0 || !finding->after.has_value()) return finding;
    const Finding* cause = c.Find(*finding->after);
    if (cause == nullptr) return finding;  // it is tolerated
    finding = cause;
  }
  return finding;
}

}  // namespace

std::vector<FindingGroup> GroupsOf(const Certificate& certificate) {
  std::vector<FindingGroup> groups;
  for (const Finding& finding : certificate.findings) {
    if (LeaderOf(certificate, &finding) == &finding) groups.push_back({&finding, {}});
  }
  for (const Finding& finding : certificate.findings) {
    const Finding* leader = LeaderOf(certificate, &finding);
    if (leader == &finding) continue;
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const FindingGroup& known) {
      return known.primary == leader;
    });
    if (group == groups.end()) {
      groups.push_back({&finding, {}});  // a circle without an end
    } else {
      group->others.push_back(&finding);
    }
  }
  return groups;
}

}  // namespace iommufd_check::explore
