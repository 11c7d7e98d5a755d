// Where the pfns of a pages object are (io_pagetable.md sections 8 and 12): in the storage domain
// of a filled area that has the page, or with nobody, and then a reader pins it.
//
// Pages are numbered from the first one of the pages object. LOCKS of all: pages->mutex, under
// which domains_itree stays as it is.
#pragma once

#include <vector>

#include "model/iommufd/kernel.h"

namespace iommufd_check::iommufd {

// Some pages in a row of one pages object.
struct PageRange {
  uint64_t first = 0;
  uint64_t count = 0;

  uint64_t end() const { return first + count; }
};

// The slice of `pages` that the area is.
PageRange SliceOf(Kernel& k, AreaHandle area, PagesHandle pages);

// The frames of those pages of a filled area, read back from its storage domain; the runs of the
// second are for who only compares them. Both end early, and warn, where the domain has no page.
std::vector<mm::Pfn> ReadFromDomain(Kernel& k, AreaHandle area, PageRange range);
std::vector<mm::PfnRun> ReadRunsFromDomain(Kernel& k, AreaHandle area, PageRange range);

// pfn_reader_next: the frames of `range`, those that no filled area has newly pinned. On error
// `pfns` has those before the one that could not be had, and keeps their pins. FAULTS: pin.
int ReadPfns(Kernel& k, PagesHandle pages, PageRange range, std::vector<mm::Pfn>* pfns);

// The parts of `range` that no filled area has, apart from `except`.
std::vector<PageRange> HolesIn(Kernel& k, PagesHandle pages, PageRange range,
                               AreaHandle except = {});
uint64_t CountOf(const std::vector<PageRange>& ranges);

// pfn_reader_unpin: gives back what ReadPfns pinned. `pfns` are its frames from page `first` on.
void UnpinHoles(Kernel& k, PagesHandle pages, uint64_t first, const std::vector<mm::Pfn>& pfns);

}  // namespace iommufd_check::iommufd
