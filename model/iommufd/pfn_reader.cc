#include "model/iommufd/pfn_reader.h"

#include <algorithm>

#include "model/iommufd/pages.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {
namespace {

using iommu::DomainHandle;

// Pages whose frames are in one place: with that filled area, or, when it is null, with nobody.
struct Span {
  PageRange range;
  AreaHandle area;
};

// The longest span at the beginning of `range`. Of the areas that have its first page the one with
// the lowest index is taken, as iopt_pages_find_domain_area does; `except` is not one of them.
Span FirstSpan(Kernel& k, PagesHandle pages, PageRange range, AreaHandle except) {
  IOMMUFD_CHECK(range.count > 0, "a range that is walked has pages left");
  Span span{range, {}};
  if (!Get(k, pages).kref.shared) return span;  // the area in hand is the only one there was
  uint64_t next = range.end();
  k.s.areas.ForEach([&](AreaHandle h, const Area& area) {
    if (!(area.storage.Peek().pages == pages) || h == except) return;
    const AreaShape& shape = area.shape.Peek();
    if (shape.first_index > range.first) {
      next = std::min(next, shape.first_index);
    } else if (shape.last_index() >= range.first) {
      const bool lower = span.area.null() || shape.first_index < ShapeOf(k, span.area).first_index;
      if (lower) span.area = h;
    }
  });
  const uint64_t end = span.area.null() ? next : ShapeOf(k, span.area).last_index() + 1;
  span.range.count = std::min(end, range.end()) - range.first;
  return span;
}

template <class Visit>
void ForEachSpan(Kernel& k, PagesHandle pages, PageRange range, AreaHandle except, Visit visit) {
  while (range.count > 0) {
    const Span span = FirstSpan(k, pages, range, except);
    visit(span);
    range = {span.range.end(), range.count - span.range.count};
  }
}

// The IOVA of a page of the area. Areas in domains begin with a whole page.
Iova IovaOf(const AreaShape& area, uint64_t page) {
  IOMMUFD_CHECK(page >= area.first_index, "the page is one of the area's");
  return area.first + (page - area.first_index) * mm::kPageSize;
}

int Pin(Kernel& k, PagesHandle h, PageRange range, std::vector<mm::Pfn>* out) {
  const PagesShape pages = Read(k, h, &Pages::shape);
  if (pages.is_file()) {
    const uint64_t page = pages.first_page + range.first;
    if (page + range.count > UINT32_MAX) return -sim::kEINVAL;
    return memfd_pin_folios(k.t, k.mm, pages.memfd, static_cast<uint32_t>(page),
                            static_cast<uint32_t>(range.count), out);
  }
  return pin_user_pages(k.t, k.mm, pages.user_address + range.first * mm::kPageSize,
                        static_cast<uint32_t>(range.count), out);
}

}  // namespace

PageRange SliceOf(Kernel& k, AreaHandle area, PagesHandle pages) {
  const uint64_t npages = Read(k, pages, &Pages::shape).npages;
  const AreaShape& shape = ShapeOf(k, area);
  warn_on(k, shape.last_index() >= npages, pages);
  return {shape.first_index, shape.npages()};
}

std::vector<mm::Pfn> ReadFromDomain(Kernel& k, AreaHandle h, PageRange range) {
  const sim::Scope scope(k, sim::Fn::kBatchFromDomain, h);
  const AreaShape area = Read(k, h, &Area::shape);
  const DomainHandle storage = Read(k, h, &Area::storage).domain;
  std::vector<mm::Pfn> pfns;
  for (uint64_t page = range.first; page < range.end(); ++page) {
    const auto address = iommu_iova_to_phys(k.t, k.iommu, k.mm, storage, IovaOf(area, page));
    // Somebody took a page out of a domain that is in use: batch_from_domain warns.
    if (warn_on(k, !address.has_value(), storage, sim::Condition::kNotMapped)) break;
    pfns.push_back(mm::PfnOf(*address));
  }
  return pfns;
}

std::vector<mm::PfnRun> ReadRunsFromDomain(Kernel& k, AreaHandle h, PageRange range) {
  const DomainHandle storage = Read(k, h, &Area::storage).domain;
  const AreaShape area = Read(k, h, &Area::shape);
  const sim::Scope scope(k, sim::Fn::kBatchFromDomain, h);
  std::vector<mm::PfnRun> runs =
      iommu_iova_to_runs(k.t, k.iommu, k.mm, storage, IovaOf(area, range.first), range.count);
  uint64_t found = 0;
  for (const mm::PfnRun& run : runs) found += run.count;
  warn_on(k, found != range.count, storage, sim::Condition::kNotMapped);
  return runs;
}

int ReadPfns(Kernel& k, PagesHandle pages, PageRange range, std::vector<mm::Pfn>* pfns) {
  int error = 0;
  ForEachSpan(k, pages, range, {}, [&](const Span& span) {
    if (error != 0) return;
    if (span.area.null()) {
      error = Pin(k, pages, span.range, pfns);
      return;
    }
    const std::vector<mm::Pfn> stored = ReadFromDomain(k, span.area, span.range);
    pfns->insert(pfns->end(), stored.begin(), stored.end());
  });
  return error;
}

std::vector<PageRange> HolesIn(Kernel& k, PagesHandle pages, PageRange range, AreaHandle except) {
  std::vector<PageRange> holes;
  ForEachSpan(k, pages, range, except, [&](const Span& span) {
    if (span.area.null()) holes.push_back(span.range);
  });
  return holes;
}

uint64_t CountOf(const std::vector<PageRange>& ranges) {
  uint64_t count = 0;
  for (const PageRange& range : ranges) count += range.count;
  return count;
}

void UnpinHoles(Kernel& k, PagesHandle pages, uint64_t first, const std::vector<mm::Pfn>& pfns) {
  for (const PageRange& hole : HolesIn(k, pages, {first, pfns.size()})) {
    const auto begin = pfns.begin() + static_cast<std::ptrdiff_t>(hole.first - first);
    unpin_pages(k.t, k.mm, {begin, begin + static_cast<std::ptrdiff_t>(hole.count)});
  }
}

}  // namespace iommufd_check::iommufd
