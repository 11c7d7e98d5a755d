#include "model/iommufd/pages.h"

#include <algorithm>

#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::iommufd {
namespace {

using iommu::DomainHandle;

// Pages pinned per call: the temp buffer of a page divided by the size of an entry.
constexpr uint64_t kBatchPages = 512;

// Reads the frames of pages [first, first+count) back from the storage domain's table.
std::vector<mm::Pfn> ReadFromDomain(Kernel& k, AreaHandle h, uint64_t first, uint64_t count) {
  const sim::Scope scope(k.t, sim::Fn::kBatchFromDomain, Ref(h));
  const Iova base = Read(k, h, &Area::shape).first;
  const DomainHandle storage = Read(k, h, &Area::storage_domain);
  std::vector<mm::Pfn> pfns;
  for (uint64_t i = first; i < first + count; ++i) {
    const auto address = iommu_iova_to_phys(k.t, k.iommu, k.mm, storage, base + i * mm::kPageSize);
    // Somebody took a page out of a domain that is in use: batch_from_domain warns.
    if (warn_on(k.t, !address.has_value(), Ref(storage), sim::Condition::kNotMapped)) break;
    pfns.push_back(mm::PfnOf(*address));
  }
  return pfns;
}

// The same in runs, for who only compares them.
std::vector<mm::PfnRun> ReadRuns(Kernel& k, AreaHandle h, DomainHandle storage, Iova first,
                                 uint64_t pages) {
  const sim::Scope scope(k.t, sim::Fn::kBatchFromDomain, Ref(h));
  std::vector<mm::PfnRun> runs = iommu_iova_to_runs(k.t, k.iommu, k.mm, storage, first, pages);
  uint64_t found = 0;
  for (const mm::PfnRun& run : runs) found += run.count;
  warn_on(k.t, found != pages, Ref(storage), sim::Condition::kNotMapped);
  return runs;
}

int Pin(Kernel& k, PagesHandle h, uint64_t first, uint64_t count, std::vector<mm::Pfn>* out) {
  const PagesShape pages = Read(k, h, &Pages::shape);
  if (pages.is_file()) {
    const uint64_t page = pages.first_page + first;
    if (page + count > UINT32_MAX) return -sim::kEINVAL;
    return memfd_pin_folios(k.t, k.mm, pages.memfd, static_cast<uint32_t>(page),
                            static_cast<uint32_t>(count), out);
  }
  return pin_user_pages(k.t, k.mm, pages.user_address + first * mm::kPageSize,
                        static_cast<uint32_t>(count), out);
}

// Maps a batch that starts at page `first`: one iommu_map for each contiguous run. On error what
// this call mapped is unmapped.
int MapBatch(Kernel& k, AreaHandle h, DomainHandle domain, uint64_t first,
             const std::vector<mm::Pfn>& pfns) {
  const sim::Scope scope(k.t, sim::Fn::kBatchToDomain, Ref(domain));
  const AreaShape area = Read(k, h, &Area::shape);
  const Iova base = area.first + first * mm::kPageSize;
  size_t done = 0;
  while (done < pfns.size()) {
    size_t end = done + 1;
    while (end < pfns.size() && pfns[end] == pfns[end - 1] + 1) ++end;
    const int error = iommu_map(k.t, k.iommu, k.mm, domain, base + done * mm::kPageSize, pfns[done],
                                end - done, area.permissions);
    if (error != 0) {
      if (done > 0) iommu_unmap(k.t, k.iommu, k.mm, domain, base, done);
      return error;
    }
    done = end;
  }
  return 0;
}

void UnmapPages(Kernel& k, AreaHandle h, DomainHandle domain, uint64_t count) {
  const sim::Scope scope(k.t, sim::Fn::kIoptUnmapPages, Ref(domain));
  if (count == 0) return;
  const uint64_t unmapped =
      iommu_unmap(k.t, k.iommu, k.mm, domain, Read(k, h, &Area::shape).first, count);
  warn_on(k.t, unmapped != count, Ref(domain), sim::Condition::kUnmappedShort);
}

// Unmaps pages [0, count) from the domain that stores them, then unpins them.
void UnmapAndUnpin(Kernel& k, AreaHandle h, DomainHandle domain, uint64_t count) {
  if (count == 0) return;
  Write(k, h, &Area::storage_domain, domain);
  const std::vector<mm::Pfn> pfns = ReadFromDomain(k, h, 0, count);
  UnmapPages(k, h, domain, count);
  unpin_pages(k.t, k.mm, pfns);
}

int Account(Kernel& k, PagesHandle h) {
  if (const int error = fail(k.t, sim::FaultSite::kAccount, Ref(h))) return error;
  const uint64_t npages = Read(k, h, &Pages::shape).npages;
  warn_on(k.t, Read(k, h, &Pages::npinned) != 0, Ref(h), sim::Condition::kStillPinned);
  Write(k, h, &Pages::npinned, npages);
  mm::account_locked_pages(k.t, k.mm, static_cast<int64_t>(npages));
  return 0;
}

void Unaccount(Kernel& k, PagesHandle h) {
  const uint64_t npinned = Read(k, h, &Pages::npinned);
  Write(k, h, &Pages::npinned, 0);
  mm::account_locked_pages(k.t, k.mm, -static_cast<int64_t>(npinned));
}

// Undo of FillDomains (io_pagetable.md section 12): domains before `failed` hold [0, ahead), the
// others [0, done); the last domain of the array unpins.
void UndoFill(Kernel& k, AreaHandle h, const std::vector<DomainHandle>& domains, size_t failed,
              uint64_t done, uint64_t ahead) {
  for (size_t i = 0; i + 1 < domains.size(); ++i) {
    UnmapPages(k, h, domains[i], i < failed ? ahead : done);
  }
  UnmapAndUnpin(k, h, domains.back(), done);
  Write(k, h, &Area::storage_domain, {});
}

int FillBatches(Kernel& k, AreaHandle area, PagesHandle pages,
                const std::vector<DomainHandle>& domains) {
  if (const int error = fail(k.t, sim::FaultSite::kPfnBatch, Ref(pages))) return error;
  const uint64_t npages = Read(k, pages, &Pages::shape).npages;
  for (uint64_t done = 0; done < npages;) {
    const uint64_t count = std::min(kBatchPages, npages - done);
    std::vector<mm::Pfn> pfns;
    int error = Pin(k, pages, done, count, &pfns);
    size_t domain = 0;
    while (error == 0 && domain < domains.size()) {
      error = MapBatch(k, area, domains[domain], done, pfns);
      if (error == 0) ++domain;
    }
    if (error != 0) {
      unpin_pages(k.t, k.mm, pfns);
      UndoFill(k, area, domains, domain, done, done + pfns.size());
      return error;
    }
    done += count;
  }
  const int error = Account(k, pages);
  if (error != 0) UndoFill(k, area, domains, domains.size(), npages, npages);
  return error;
}

}  // namespace

PagesHandle AllocPages(Kernel& k, const PagesShape& shape) {
  if (fail(k.t, sim::FaultSite::kPagesAlloc) != 0) return {};
  const PagesHandle h = k.s.pages.Create(Pages{});
  Get(k, h).shape.Raw() = shape;
  Get(k, h).mutex = k.t.runtime().locks().Create(sim::LockClass::kPagesMutex, Ref(h));
  if (shape.is_file()) memfd_get_file(k.t, k.mm, shape.memfd);
  return h;
}

void ReleasePages(Kernel& k, PagesHandle h) {
  const sim::Scope scope(k.t, sim::Fn::kIoptReleasePages, Ref(h));
  const PagesShape shape = Read(k, h, &Pages::shape);
  warn_on(k.t, Read(k, h, &Pages::npinned) != 0, Ref(h), sim::Condition::kStillPinned);
  if (shape.is_file()) memfd_put_file(k.t, k.mm, shape.memfd);
  lock_destroy(k.t, Get(k, h).mutex);
  k.t.Emit(sim::Note::kObjectFreed, Ref(h));
  k.s.pages.Free(h);
}

int FillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages) {
  const sim::Scope scope(k.t, sim::Fn::kIoptAreaFillDomains, Ref(area));
  const std::vector<DomainHandle> domains = Read(k, ioas, iopt::domains);
  if (domains.empty()) return 0;  // lazy: nothing is pinned
  mutex_lock(k.t, Get(k, pages).mutex);
  const int error = FillBatches(k, area, pages, domains);
  if (error == 0) Write(k, area, &Area::storage_domain, domains.front());
  mutex_unlock(k.t, Get(k, pages).mutex);
  return error;
}

void UnfillDomains(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages) {
  const sim::Scope scope(k.t, sim::Fn::kIoptAreaUnfillDomains, Ref(area));
  const std::vector<DomainHandle> domains = Read(k, ioas, iopt::domains);
  mutex_lock(k.t, Get(k, pages).mutex);
  const DomainHandle storage = Read(k, area, &Area::storage_domain);
  if (!storage.null()) {
    const uint64_t npages = Read(k, pages, &Pages::shape).npages;
    for (DomainHandle domain : domains) {
      if (!(domain == storage)) UnmapPages(k, area, domain, npages);
    }
    UnmapAndUnpin(k, area, storage, npages);
    Unaccount(k, pages);
    Write(k, area, &Area::storage_domain, {});
  }
  mutex_unlock(k.t, Get(k, pages).mutex);
}

int FillDomain(Kernel& k, AreaHandle area, DomainHandle domain) {
  const sim::Scope scope(k.t, sim::Fn::kIoptAreaFillDomain, Ref(area));
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k.t, Get(k, pages).mutex);
  int error = 0;
  if (Read(k, area, &Area::storage_domain).null()) {
    error = FillBatches(k, area, pages, {domain});
    if (error == 0) Write(k, area, &Area::storage_domain, domain);
  } else if (error = fail(k.t, sim::FaultSite::kPfnBatch, Ref(pages)); error == 0) {
    const std::vector<mm::Pfn> pfns =
        ReadFromDomain(k, area, 0, Read(k, pages, &Pages::shape).npages);
    error = MapBatch(k, area, domain, 0, pfns);
  }
  mutex_unlock(k.t, Get(k, pages).mutex);
  return error;
}

std::vector<mm::PfnRun> ReadPinnedRuns(Kernel& k, AreaHandle area) {
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k.t, Get(k, pages).mutex);
  const uint64_t npages = Read(k, pages, &Pages::shape).npages;
  const DomainHandle storage = Read(k, area, &Area::storage_domain);
  const Iova first = Read(k, area, &Area::shape).first;
  const std::vector<mm::PfnRun> runs = ReadRuns(k, area, storage, first, npages);
  mutex_unlock(k.t, Get(k, pages).mutex);
  return runs;
}

void UnfillDomain(Kernel& k, AreaHandle area, DomainHandle domain, DomainHandle next_storage) {
  const sim::Scope scope(k.t, sim::Fn::kIoptAreaUnfillDomain, Ref(area));
  const PagesHandle pages = Read(k, area, &Area::pages);
  mutex_lock(k.t, Get(k, pages).mutex);
  const uint64_t npages = Read(k, pages, &Pages::shape).npages;
  if (next_storage.null()) {
    UnmapAndUnpin(k, area, domain, npages);
    Unaccount(k, pages);
    Write(k, area, &Area::storage_domain, {});
  } else {
    UnmapPages(k, area, domain, npages);
    if (Read(k, area, &Area::storage_domain) == domain) {
      Write(k, area, &Area::storage_domain, next_storage);
    }
  }
  mutex_unlock(k.t, Get(k, pages).mutex);
}

}  // namespace iommufd_check::iommufd
