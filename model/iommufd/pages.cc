#include "model/iommufd/pages.h"

#include <algorithm>

#include "model/iommufd/pfn_reader.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {
namespace {

using iommu::DomainHandle;

// Pages pinned per call: the temp buffer of a page divided by the size of an entry.
constexpr uint64_t kBatchPages = 512;

// iommu_map takes whole pages. An area that is not made of them cannot be in an IOAS with a domain,
// but for one of several slices of a copy: only their total is checked (io_pagetable.md oddity 15).
bool RunFits(const AreaShape& area, Iova iova, uint64_t pages) {
  const Iova last = iova + (pages * mm::kPageSize - 1);
  return iova % mm::kPageSize == 0 && last <= area.last;
}

// Maps a batch that starts `first` pages into the area: one iommu_map for each contiguous run. On
// error what this call mapped is unmapped.
int MapBatch(Kernel& k, AreaHandle h, DomainHandle domain, uint64_t first,
             const std::vector<mm::Pfn>& pfns) {
  const sim::Scope scope(k, sim::Fn::kBatchToDomain, domain);
  const AreaShape area = Read(k, h, &Area::shape);
  const Iova base = area.first + first * mm::kPageSize;
  size_t done = 0;
  while (done < pfns.size()) {
    size_t end = done + 1;
    while (end < pfns.size() && pfns[end] == pfns[end - 1] + 1) ++end;
    int error = RunFits(area, base + done * mm::kPageSize, end - done) ? 0 : -sim::kEINVAL;
    if (error == 0) {
      error = iommu_map(k.t, k.iommu, k.mm, domain, base + done * mm::kPageSize, pfns[done],
                        end - done, area.permissions);
    }
    if (error != 0) {
      if (done > 0) iommu_unmap(k.t, k.iommu, k.mm, domain, base, done);
      return error;
    }
    done = end;
  }
  return 0;
}

void UnmapPages(Kernel& k, AreaHandle h, DomainHandle domain, uint64_t count) {
  const sim::Scope scope(k, sim::Fn::kIoptUnmapPages, domain);
  if (count == 0) return;
  const uint64_t unmapped =
      iommu_unmap(k.t, k.iommu, k.mm, domain, Read(k, h, &Area::shape).first, count);
  warn_on(k, unmapped != count, domain, sim::Condition::kUnmappedShort);
}

// Unmaps the pages of `range`, with which the area begins, from the domain that stores them, then
// unpins those that no other filled area has. How many those were.
uint64_t UnmapAndUnpin(Kernel& k, AreaHandle h, PagesHandle pages, DomainHandle domain,
                       PageRange range) {
  if (range.count == 0) return 0;
  Write(k, h, &Area::storage, {domain, pages});
  const std::vector<PageRange> holes = HolesIn(k, pages, range, h);
  std::vector<mm::Pfn> pfns;
  for (const PageRange& hole : holes) {
    const std::vector<mm::Pfn> more = ReadFromDomain(k, h, hole);
    pfns.insert(pfns.end(), more.begin(), more.end());
  }
  UnmapPages(k, h, domain, range.count);
  unpin_pages(k.t, k.mm, pfns);
  return CountOf(holes);
}

// Pages that a fill has pinned are charged when all of it is done.
int Account(Kernel& k, PagesHandle h, uint64_t pinned) {
  if (pinned == 0) return 0;
  if (const int error = fail(k, sim::FaultSite::kAccount, h)) return error;
  const uint64_t npages = Read(k, h, &Pages::shape).npages;
  const uint64_t npinned = Read(k, h, &Pages::npinned) + pinned;
  warn_on(k, npinned > npages, h, sim::Condition::kStillPinned);
  Write(k, h, &Pages::npinned, npinned);
  mm::account_locked_pages(k.t, k.mm, static_cast<int64_t>(pinned));
  return 0;
}

void Unaccount(Kernel& k, PagesHandle h, uint64_t unpinned) {
  if (unpinned == 0) return;
  const uint64_t npinned = Read(k, h, &Pages::npinned);
  warn_on(k, npinned < unpinned, h, sim::Condition::kStillPinned);
  Write(k, h, &Pages::npinned, npinned - std::min(npinned, unpinned));
  mm::account_locked_pages(k.t, k.mm, -static_cast<int64_t>(unpinned));
}

// Takes the area, whose pages only `domain` has any more, out of it and out of domains_itree.
void Drain(Kernel& k, AreaHandle h, PagesHandle pages, DomainHandle domain, PageRange slice) {
  const uint64_t unpinned = UnmapAndUnpin(k, h, pages, domain, slice);
  Unaccount(k, pages, unpinned);
  Write(k, h, &Area::storage, {});
}

// Undo of FillBatches (io_pagetable.md section 12): domains before `failed` hold the first `ahead`
// pages of the area, the others the first `done`; the last domain of the array unpins.
void UndoFill(Kernel& k, AreaHandle h, PagesHandle pages, const std::vector<DomainHandle>& domains,
              size_t failed, uint64_t done, uint64_t ahead) {
  for (size_t i = 0; i + 1 < domains.size(); ++i) {
    UnmapPages(k, h, domains[i], i < failed ? ahead : done);
  }
  UnmapAndUnpin(k, h, pages, domains.back(), {ShapeOf(k, h).first_index, done});
  Write(k, h, &Area::storage, {});
}

int FillBatches(Kernel& k, AreaHandle area, PagesHandle pages,
                const std::vector<DomainHandle>& domains) {
  if (const int error = fail(k, sim::FaultSite::kPfnBatch, pages)) return error;
  const PageRange slice = SliceOf(k, area, pages);
  for (uint64_t done = 0; done < slice.count;) {
    const uint64_t count = std::min(kBatchPages, slice.count - done);
    std::vector<mm::Pfn> pfns;
    int error = ReadPfns(k, pages, {slice.first + done, count}, &pfns);
    size_t domain = 0;
    while (error == 0 && domain < domains.size()) {
      error = MapBatch(k, area, domains[domain], done, pfns);
      if (error == 0) ++domain;
    }
    if (error != 0) {
      UnpinHoles(k, pages, slice.first + done, pfns);
      UndoFill(k, area, pages, domains, domain, done, done + pfns.size());
      return error;
    }
    done += count;
  }
  const int error = Account(k, pages, CountOf(HolesIn(k, pages, slice)));
  if (error != 0) UndoFill(k, area, pages, domains, domains.size(), slice.count, slice.count);
  return error;
}

}  // namespace

PagesHandle AllocPages(Kernel& k, const PagesShape& shape) {
  if (fail(k, sim::FaultSite::kPagesAlloc) != 0) return {};
  const PagesHandle h = k.s.pages.Create(Pages{});
  Get(k, h).shape.Raw() = shape;
  lock_init(k, h, &Pages::mutex, sim::LockClass::kPagesMutex);
  if (shape.is_file()) get_file(k, shape.memfd);
  return h;
}

namespace {

void ReleasePages(Kernel& k, PagesHandle h) {
  const sim::Scope scope(k, sim::Fn::kIoptReleasePages, h);
  const PagesShape shape = Read(k, h, &Pages::shape);
  warn_on(k, Read(k, h, &Pages::npinned) != 0, h, sim::Condition::kStillPinned);
  if (shape.is_file()) fput(k, shape.memfd);
  lock_destroy(k, h, &Pages::mutex);
  Emit(k, sim::Note::kObjectFreed, h);
  k.s.pages.Free(h);
}

}  // namespace

void HoldPages(Kernel& k, PagesHandle h) {
  Get(k, h).kref.shared = true;
  refcount_inc(k, h, &Pages::kref);
}

void PutPages(Kernel& k, PagesHandle h) {
  if (Get(k, h).kref.shared && !refcount_dec_and_test(k, h, &Pages::kref)) return;
  ReleasePages(k, h);
}

PagesShape ShapeOf(Kernel& k, PagesHandle h) {
  return Get(k, h).kref.shared ? Read(k, h, &Pages::shape) : Get(k, h).shape.Peek();
}

const AreaShape& ShapeOf(Kernel& k, AreaHandle h) { return Get(k, h).shape.Peek(); }

int FillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages) {
  const sim::Scope scope(k, sim::Fn::kIoptAreaFillDomains, area);
  const std::vector<DomainHandle> domains = Read(k, ioas, iopt::domains);
  if (domains.empty()) return 0;  // lazy: nothing is pinned
  mutex_lock(k, pages, &Pages::mutex);
  const int error = FillBatches(k, area, pages, domains);
  if (error == 0) Write(k, area, &Area::storage, {domains.front(), pages});
  mutex_unlock(k, pages, &Pages::mutex);
  return error;
}

void UnfillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages) {
  const sim::Scope scope(k, sim::Fn::kIoptAreaUnfillDomains, area);
  const std::vector<DomainHandle> domains = Read(k, ioas, iopt::domains);
  mutex_lock(k, pages, &Pages::mutex);
  const DomainHandle storage = Read(k, area, &Area::storage).domain;
  if (!storage.null()) {
    const PageRange slice = SliceOf(k, area, pages);
    for (DomainHandle domain : domains) {
      if (!(domain == storage)) UnmapPages(k, area, domain, slice.count);
    }
    Drain(k, area, pages, storage, slice);
  }
  mutex_unlock(k, pages, &Pages::mutex);
}

int FillDomain(Kernel& k, AreaHandle area, DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIoptAreaFillDomain, area);
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k, pages, &Pages::mutex);
  int error = 0;
  if (Read(k, area, &Area::storage).domain.null()) {
    error = FillBatches(k, area, pages, {domain});
    if (error == 0) Write(k, area, &Area::storage, {domain, pages});
  } else if (error = fail(k, sim::FaultSite::kPfnBatch, pages); error == 0) {
    error = MapBatch(k, area, domain, 0, ReadFromDomain(k, area, SliceOf(k, area, pages)));
  }
  mutex_unlock(k, pages, &Pages::mutex);
  return error;
}

std::vector<mm::PfnRun> ReadPinnedRuns(Kernel& k, AreaHandle area) {
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k, pages, &Pages::mutex);
  const std::vector<mm::PfnRun> runs = ReadRunsFromDomain(k, area, SliceOf(k, area, pages));
  mutex_unlock(k, pages, &Pages::mutex);
  return runs;
}

void UnfillDomain(Kernel& k, AreaHandle area, DomainHandle domain, DomainHandle next_storage) {
  const sim::Scope scope(k, sim::Fn::kIoptAreaUnfillDomain, area);
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k, pages, &Pages::mutex);
  const PageRange slice = SliceOf(k, area, pages);
  if (next_storage.null()) {
    Drain(k, area, pages, domain, slice);
  } else {
    UnmapPages(k, area, domain, slice.count);
    if (Read(k, area, &Area::storage).domain == domain) {
      Write(k, area, &Area::storage, {next_storage, pages});
    }
  }
  mutex_unlock(k, pages, &Pages::mutex);
}

}  // namespace iommufd_check::iommufd
