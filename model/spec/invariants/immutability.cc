// I07: an IOAS is immutable exactly while a HWPT on it is preserved.
#include <algorithm>

#include "model/spec/invariants/families.h"
#include "model/spec/invariants/refs.h"

namespace iommufd_check::spec {
namespace {

uint32_t PreservedHwpts(const Snapshot& now, uint32_t ioas) {
  uint32_t preserved = 0;
  for (const HwptView& hwpt : now.hwpts) {
    const DomainView* domain = hwpt.ioas == ioas ? now.FindDomain(hwpt.domain) : nullptr;
    if (domain != nullptr && domain->preserved_state != 0) ++preserved;
  }
  return preserved;
}

}  // namespace

// Designs with a flag hold 1 for any number of preserved HWPTs; no design may hold more than them.
void CheckImmutability(const Snapshot& now, Findings* f) {
  for (const IoasView& ioas : now.ioas) {
    const uint32_t preserved = PreservedHwpts(now, ioas.id);
    f->Require(Invariant::kI07, (ioas.immutable != 0) == (preserved != 0), IoasRef(ioas.id), [&] {
      return "ioas " + Id(ioas.id) +
             (preserved != 0 ? " has a preserved hwpt and may change"
                             : " has no preserved hwpt and is immutable");
    });
    f->Require(Invariant::kI07, ioas.immutable <= std::max(preserved, 1u), IoasRef(ioas.id), [&] {
      return "ioas " + Id(ioas.id) + " is immutable " + N(ioas.immutable) + " times for " +
             N(preserved) + " preserved hwpts";
    });
  }
}

}  // namespace iommufd_check::spec
