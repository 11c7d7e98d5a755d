// Filling areas into domains and taking them out again (io_pagetable.md sections 7, 8 and 12).
//
// A page is pinned while some domain maps it, once for all areas that are slices of its pages
// object: who fills an area takes what a filled one has from that one's storage domain and pins the
// rest, and who takes an area out unpins what no filled one has. Physically contiguous pages of one
// batch become one iommu_map call per domain.
#pragma once

#include <vector>

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// A pages object with one reference and nothing pinned. FAULTS: pages_alloc (a null handle).
PagesHandle AllocPages(Kernel& k, const PagesShape& shape);
// kref_get. REQUIRES: a reference that stays while this is done.
void HoldPages(Kernel& k, PagesHandle pages);
// kref_put: the last one drops file and memory. REQUIRES of the last one: nothing pinned.
void PutPages(Kernel& k, PagesHandle pages);

// What a holder of the pages knows of them. It is no step for the only one that there ever was.
PagesShape ShapeOf(Kernel& k, PagesHandle pages);
// What an area is, for whoever keeps it: it fills it or takes it apart, or holds iova_rwsem. No
// step.
const AreaShape& ShapeOf(Kernel& k, AreaHandle area);

// Maps the area into every domain of the IOAS, or into none (ENOMEM, EFAULT, EINVAL, driver errno).
// LOCKS: domains_rwsem R or W held; takes pages->mutex.
// FAULTS: pfn_batch, pin, iommu_map, account.
int FillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages);

// Takes the area out of every domain and unpins its pages. Cannot fail. LOCKS: as FillDomains.
void UnfillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages);

// Maps a published area into one domain more; the domain is left empty of it on error.
int FillDomain(Kernel& k, AreaHandle area, iommu::DomainHandle domain);

// Unmaps a published area from one domain. When it is the last one pages are unpinned; when it is
// the storage domain `next_storage` takes over.
void UnfillDomain(Kernel& k, AreaHandle area, iommu::DomainHandle domain,
                  iommu::DomainHandle next_storage);

// The frames of a filled area's pages, in order, as they were pinned: read back from its storage
// domain, as pfn_reader's batches are (io_pagetable.md section 8), with neighbours joined. In Linux
// batch_from_domain asks the driver once for each page, and a batch holds what fits in it; this
// stands for one that takes a whole table of leaves at a time and has no bound. The runs are
// shorter than the area where somebody took a page out of the domain, which warns.
// LOCKS: iova_rwsem held, so that the area stays; takes pages->mutex, under which it is filled.
std::vector<mm::PfnRun> ReadPinnedRuns(Kernel& k, AreaHandle area);

}  // namespace iommufd_check::iommufd
