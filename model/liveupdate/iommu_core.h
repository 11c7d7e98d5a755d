// The IOMMU core's part: its FLB with the record arrays, and preserving domains
// (iommu_core.md sections 2 and 3).
//
// LOCKS: flb_object_mutex > kho radix mutex; register_rwlock R > flb_lock > kho radix mutex.
#pragma once

#include "model/liveupdate/kernel.h"
#include "model/liveupdate/layout.h"

namespace iommufd_check::liveupdate {

// What liveupdate_flb_get_outgoing does to the FLB's count, and whether the core gives it back.
enum class FlbGets : uint8_t {
  kUncounted,  // LUO before 7.2, on which R3 was posted: the get gives the pointer and no more
  kNeverPut,   // LUO of 7.2 counts each get, and R3 and R6 have no put (B69)
  kPaired,     // R7
};

// How the core of one revision differs from the others.
struct CoreRules {
  DomainLayout record = kDomainR3;
  FlbGets gets = FlbGets::kUncounted;
  bool refuse_double = false;     // R7: EBUSY when preserved_state is set
  bool tolerate_missing = false;  // R7: unpreserve of a domain never preserved is ignored
};

// FLB ops, called by LUO for the first and the last preserved iommufd file.
// FAULTS: flb_preserve, kho_alloc_preserve.
int flb_preserve(Kernel& k);
void flb_unpreserve(Kernel& k);

// Walks the table, registers each of its frames, records top and level. On success *record is the
// physical address of the domain's record. EOPNOTSUPP never (the format can preserve), ENOENT
// without FLB, EBUSY, ENOMEM. FAULTS: iommu_domain_preserve, reserve_record, iommu_preserve_pages.
int iommu_domain_preserve(Kernel& k, iommu::DomainHandle domain, const CoreRules& rules,
                          PhysAddr* record);
void iommu_domain_unpreserve(Kernel& k, iommu::DomainHandle domain, const CoreRules& rules);

}  // namespace iommufd_check::liveupdate
