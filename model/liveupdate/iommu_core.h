// The IOMMU core's part: its FLB with the record arrays, and preserving domains
// (iommu_core.md sections 2 and 3).
//
// LOCKS: flb_object_mutex > kho radix mutex; register_rwlock R > flb_lock > kho radix mutex.
#pragma once

#include "model/liveupdate/kernel.h"
#include "model/liveupdate/layout.h"

namespace iommufd_check::liveupdate {

// How the core of one revision differs from the others.
struct CoreRules {
  DomainLayout record = kDomainR3;
  bool get_put = false;         // R7: get_outgoing is paired with put_outgoing
  bool refuse_double = false;   // R7: EBUSY when preserved_state is set
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
