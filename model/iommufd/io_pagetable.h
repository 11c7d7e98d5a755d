// io_pagetable: IOVA space, areas and the domains that hold them (io_pagetable.md sections 2-7).
//
// LOCKS: domains_rwsem > iova_rwsem > pages->mutex, taken inside unless a function says otherwise.
#pragma once

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

struct MapRequest {
  PagesHandle pages;  // reference moves to the area on success, stays with the caller else
  uint64_t source_address = 0;  // of the first byte: aligns the automatic choice
  uint32_t page_offset = 0;     // of the first byte in its page
  uint64_t length = 0;          // bytes
  uint64_t permissions = 0;
  bool fixed = false;
  Iova iova = 0;  // in when fixed, out on success
};

// Creates the two rwsems; ReleaseTable destroys them and warns when something is left inside.
void InitTable(Kernel& k, IoasHandle ioas);
void ReleaseTable(Kernel& k, IoasHandle ioas);

// B-MAP of designs.md section 1: insert with pages == NULL, fill every domain, publish.
int MapPages(Kernel& k, IoasHandle ioas, MapRequest* request);

// B-UNMAP over [first, last], both inclusive. `unmapped` counts bytes, also on error.
int UnmapRange(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped);

// B-ADDDOM: EINVAL, EADDRINUSE, ENOMEM, fill errors; the table is as before on error.
// FAULTS: reserve_iova, domain_slot, and those of the fill.
int AddDomain(Kernel& k, IoasHandle ioas, iommu::DomainHandle domain);
// B-REMDOM. Cannot fail.
void RemoveDomain(Kernel& k, IoasHandle ioas, iommu::DomainHandle domain);

}  // namespace iommufd_check::iommufd
