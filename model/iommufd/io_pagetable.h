// io_pagetable: IOVA space, areas and the domains that hold them (io_pagetable.md sections 2-7).
//
// LOCKS: domains_rwsem > iova_rwsem > pages->mutex, taken inside unless a function says otherwise.
#pragma once

#include "absl/container/inlined_vector.h"
#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// struct iopt_pages_list: some bytes of a pages object, which become one area.
struct Slice {
  PagesHandle pages;        // with a reference
  uint64_t start_byte = 0;  // in the pages
  uint64_t length = 0;      // bytes
  AreaHandle area;          // in the tree and not published; null: in no tree
};
using Slices = absl::InlinedVector<Slice, 1>;  // IOAS_MAP has one

struct MapRequest {
  Slices slices;        // as they follow each other; references move to the areas on success
  uint64_t length = 0;  // of all of them
  uint64_t permissions = 0;
  bool fixed = false;
  Iova iova = 0;  // in when fixed, out on success
};

// Creates the two rwsems; ReleaseTable destroys them and warns when something is left inside.
void InitTable(Kernel& k, IoasHandle ioas);
void ReleaseTable(Kernel& k, IoasHandle ioas);

// iopt_get_pages: what is mapped at [iova, iova + length), each slice with a reference. EINVAL,
// EOVERFLOW; ENOENT unless finished areas without a gap have all of it. FAULTS: pages_list_alloc.
int GetSlices(Kernel& k, IoasHandle ioas, Iova iova, uint64_t length, Slices* slices);
// Gives the references back.
void PutSlices(Kernel& k, Slices* slices);

// B-MAP of designs.md section 1: insert with pages == NULL, fill every domain, publish. On error no
// area is left, and the slices keep their references.
// FAULTS: area_alloc, and those of the fill.
int MapPages(Kernel& k, IoasHandle ioas, MapRequest* request);

// B-UNMAP over [first, last], both inclusive. `unmapped` counts bytes, also on error.
int UnmapRange(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped);

// B-ADDDOM: EINVAL, EADDRINUSE, ENOMEM, fill errors; the table is as before on error.
// FAULTS: reserve_iova, domain_slot, and those of the fill.
int AddDomain(Kernel& k, IoasHandle ioas, iommu::DomainHandle domain);
// B-REMDOM. Cannot fail.
void RemoveDomain(Kernel& k, IoasHandle ioas, iommu::DomainHandle domain);

}  // namespace iommufd_check::iommufd
