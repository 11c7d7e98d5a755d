#include "model/iommufd/io_pagetable.h"

#include <algorithm>
#include <optional>

#include "model/iommufd/iova_space.h"
#include "model/iommufd/pages.h"
#include "model/sim/check.h"

namespace iommufd_check::iommufd {
namespace {

using iommu::DomainHandle;

std::vector<IovaRange> ReservedOf(Kernel& k, IoasHandle ioas) {
  std::vector<IovaRange> ranges;
  for (const Reserved& r : Read(k, ioas, iopt::reserved)) ranges.push_back({r.first, r.last});
  return ranges;
}

std::vector<IovaRange> AreasOf(Kernel& k, IoasHandle ioas) {
  std::vector<IovaRange> ranges;
  for (AreaHandle h : Read(k, ioas, iopt::areas)) {
    const AreaShape shape = Read(k, h, &Area::shape);
    ranges.push_back({shape.first, shape.last});
  }
  return ranges;
}

// LOCKS: iova_rwsem W, so nobody else is in the tree.
void InsertSorted(Kernel& k, IoasHandle ioas, AreaHandle area) {
  const Iova first = Read(k, area, &Area::shape).first;
  Update(k, ioas, iopt::areas, [&](std::vector<AreaHandle>& areas) {
    const auto position = std::find_if(areas.begin(), areas.end(), [&](AreaHandle other) {
      return Get(k, other).shape.Peek().first > first;
    });
    areas.insert(position, area);
  });
}

// rb_erase of what is in no tree would follow wild pointers.
void FreeArea(Kernel& k, IoasHandle ioas, AreaHandle area) {
  const bool erased = Update(k, ioas, iopt::areas, [&](std::vector<AreaHandle>& areas) {
    return std::erase(areas, area) != 0;
  });
  if (!erased) Oops(k, sim::Splat::kUseAfterFree, area);
  Read(k, area, &Area::shape);  // the memory is still there to be freed
  Emit(k, sim::Note::kObjectFreed, area);
  k.s.areas.Free(area);
}

// Where the first byte comes from: the address of user memory, or the offset in the file.
uint64_t SourceOf(Kernel& k, const Slice& slice) {
  const PagesShape pages = ShapeOf(k, slice.pages);
  const uint64_t base = pages.is_file() ? pages.first_page << mm::kPageShift : pages.user_address;
  return base + slice.start_byte;
}

// Chooses or checks the IOVA of all slices together.
int PlaceSlices(Kernel& k, IoasHandle ioas, uint64_t alignment, MapRequest* request) {
  const std::vector<IovaRange> reserved = ReservedOf(k, ioas);
  std::vector<IovaRange> areas = AreasOf(k, ioas);
  if (request->fixed) {
    return CheckIova(request->iova, request->length, alignment, reserved, areas);
  }
  areas.insert(areas.end(), reserved.begin(), reserved.end());
  return ChooseIova({SourceOf(k, request->slices.front()), request->length, alignment},
                    std::move(areas), &request->iova);
}

// The area of one slice enters the tree, unfilled.
int InsertArea(Kernel& k, IoasHandle ioas, uint64_t alignment, Iova iova, uint64_t permissions,
               Slice* slice) {
  const PagesShape pages = ShapeOf(k, slice->pages);
  if ((permissions & iommu::kWrite) != 0 && !pages.writable) return -sim::kEPERM;
  IOMMUFD_CHECK(iova + (slice->length - 1) >= iova, "checked not to wrap");
  AreaShape shape;
  shape.first = iova;
  shape.last = iova + (slice->length - 1);
  shape.page_offset = static_cast<uint32_t>(slice->start_byte % mm::kPageSize);
  shape.first_index = slice->start_byte / mm::kPageSize;
  shape.permissions = permissions;
  if ((shape.page_offset & (alignment - 1)) != 0) return -sim::kEINVAL;
  // The count of pages has wrapped; 7.2 also warns (uapi.md, oddity 8).
  if (shape.last_index() >= pages.npages) return -sim::kEOVERFLOW;

  Area area;
  area.shape.Raw() = shape;
  slice->area = k.s.areas.Create(std::move(area));
  InsertSorted(k, ioas, slice->area);
  k.hooks.AreaInserted(k, ioas);
  return 0;
}

// Step 2 of a map, under iova_rwsem W: choose or check the IOVA, insert the areas unfilled. On
// error the slices before the one that failed have theirs in the tree.
int InsertAreas(Kernel& k, IoasHandle ioas, MapRequest* request) {
  const sim::Scope scope(k, sim::Fn::kIoptInsertArea, ioas);
  int error = k.hooks.MapInsert(k, ioas);
  if (error != 0) return error;
  const uint64_t alignment = Read(k, ioas, iopt::iova_alignment);
  if ((request->length & (alignment - 1)) != 0) return -sim::kEINVAL;
  error = PlaceSlices(k, ioas, alignment, request);
  Iova iova = request->iova;
  for (Slice& slice : request->slices) {
    if (error != 0) break;
    error = InsertArea(k, ioas, alignment, iova, request->permissions, &slice);
    iova += slice.length;
  }
  return error;
}

// iopt_abort_area of each slice whose area is in the tree: it was never published, and goes again.
// Linux 6.12 does this for a copy only when the reference on the IOAS is put already, so that a
// destroy in between finds areas that are being built, warns, and frees the table under them.
void AbortAreas(Kernel& k, IoasHandle ioas, Slices* slices) {
  for (Slice& slice : *slices) {
    if (slice.area.null()) continue;
    down_write(k, ioas, iopt::iova_rwsem);
    k.hooks.AbortArea(k, ioas);
    FreeArea(k, ioas, slice.area);
    k.hooks.AreaSettled(k, ioas);
    up_write(k, ioas, iopt::iova_rwsem);
    slice.area = {};
  }
}

// Fills each slice into every domain, or none of them.
int FillSlices(Kernel& k, IoasHandle ioas, const Slices& slices) {
  for (size_t i = 0; i < slices.size(); ++i) {
    const int error = FillDomains(k, ioas, slices[i].area, slices[i].pages);
    if (error == 0) continue;
    for (size_t done = 0; done < i; ++done) {
      UnfillDomains(k, ioas, slices[done].area, slices[done].pages);
    }
    return error;
  }
  return 0;
}

// Steps 3-5 of a map: the gate, the fill and the publication under one domains_rwsem R.
int FillAndPublish(Kernel& k, IoasHandle ioas, Slices* slices) {
  const sim::Scope scope(k, sim::Fn::kIoptFillDomainsPages, slices->front().area);
  down_read(k, ioas, iopt::domains_rwsem);
  int error = k.hooks.MapFill(k, ioas);
  if (error == 0) error = FillSlices(k, ioas, *slices);
  if (error == 0) {
    down_write(k, ioas, iopt::iova_rwsem);
    for (const Slice& slice : *slices) {
      Write(k, slice.area, &Area::pages, slice.pages);
      k.hooks.AreaSettled(k, ioas);
    }
    slices->clear();
    up_write(k, ioas, iopt::iova_rwsem);
  }
  up_read(k, ioas, iopt::domains_rwsem);
  return error;
}

// The slices of the finished areas that have [iova, last] without a gap. LOCKS: iova_rwsem.
int TakeSlices(Kernel& k, IoasHandle ioas, Iova iova, Iova last, Slices* slices) {
  for (AreaHandle h : Read(k, ioas, iopt::areas)) {
    const AreaShape area = Read(k, h, &Area::shape);
    if (area.last < iova) continue;
    if (area.first > iova) break;
    const PagesHandle pages = Read(k, h, &Area::pages);
    if (pages.null()) break;
    if (const int error = fail(k, sim::FaultSite::kPagesListAlloc, ioas)) return error;
    HoldPages(k, pages);
    const uint64_t start = area.first_index * mm::kPageSize + area.page_offset;
    const uint64_t length = std::min(last, area.last) - iova + 1;
    slices->push_back({pages, start + (iova - area.first), length, {}});
    if (area.last >= last) return 0;
    iova = area.last + 1;
  }
  return -sim::kENOENT;
}

// The lowest area that intersects [first, last]; null when there is none.
AreaHandle LowestArea(Kernel& k, IoasHandle ioas, Iova first, Iova last) {
  for (AreaHandle h : Read(k, ioas, iopt::areas)) {
    const AreaShape shape = Read(k, h, &Area::shape);
    if (shape.first <= last && first <= shape.last) return h;
  }
  return {};
}

// Takes one published area out; enters and leaves with iova_rwsem W held, drops it in between.
void UnmapArea(Kernel& k, IoasHandle ioas, AreaHandle area) {
  const PagesHandle pages = Read(k, area, &Area::pages);
  Write(k, area, &Area::pages, {});
  up_write(k, ioas, iopt::iova_rwsem);

  UnfillDomains(k, ioas, area, pages);

  down_write(k, ioas, iopt::iova_rwsem);
  k.hooks.AbortArea(k, ioas);
  FreeArea(k, ioas, area);
  up_write(k, ioas, iopt::iova_rwsem);
  PutPages(k, pages);
  down_write(k, ioas, iopt::iova_rwsem);
}

int UnmapLocked(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped) {
  const int refused = k.hooks.Unmap(k, ioas);
  if (refused != 0) return refused;
  for (;;) {
    const AreaHandle area = LowestArea(k, ioas, first, last);
    if (area.null()) return 0;
    if (Read(k, area, &Area::pages).null()) return -sim::kEBUSY;
    const AreaShape shape = Read(k, area, &Area::shape);
    if (shape.first < first || shape.last > last) return -sim::kENOENT;
    UnmapArea(k, ioas, area);
    *unmapped += shape.length();
    if (shape.last >= last) return 0;
    first = shape.last + 1;
  }
}

// Section 2: does every area, half-built ones too, fit the alignment?
bool AreasAligned(Kernel& k, IoasHandle ioas, uint64_t alignment) {
  for (AreaHandle h : Read(k, ioas, iopt::areas)) {
    const AreaShape area = Read(k, h, &Area::shape);
    if (((area.first | area.length() | area.page_offset) & (alignment - 1)) != 0) return false;
  }
  return true;
}

// Fills every finished area into `domain`, or none of them.
int FillAllAreas(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIoptFillDomain, domain);
  const std::vector<AreaHandle> areas = Read(k, ioas, iopt::areas);
  for (size_t i = 0; i < areas.size(); ++i) {
    if (Read(k, areas[i], &Area::pages).null()) continue;
    const int error = FillDomain(k, areas[i], domain);
    if (error == 0) continue;
    const std::vector<DomainHandle> present = Read(k, ioas, iopt::domains);
    for (size_t done = 0; done < i; ++done) {
      if (Read(k, areas[done], &Area::pages).null()) continue;
      UnfillDomain(k, areas[done], domain, present.empty() ? DomainHandle{} : present.front());
    }
    return error;
  }
  return 0;
}

// The domain leaves the array; the last entry moves into its place. Which domain is now the first,
// null: none; nothing: it was not there.
std::optional<DomainHandle> TakeOutOf(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  using Result = std::optional<DomainHandle>;
  return Update(k, ioas, iopt::domains, [&](std::vector<DomainHandle>& domains) -> Result {
    const auto position = std::find(domains.begin(), domains.end(), domain);
    if (position == domains.end()) return std::nullopt;
    *position = domains.back();
    domains.pop_back();
    return domains.empty() ? DomainHandle{} : domains.front();
  });
}

void RemoveReserved(Kernel& k, IoasHandle ioas, DomainHandle owner) {
  Update(k, ioas, iopt::reserved, [&](std::vector<Reserved>& reserved) {
    std::erase_if(reserved, [&](const Reserved& r) { return r.owner == owner; });
  });
}

int AddDomainLocked(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const IovaRange outside{iommu::kApertureLast + 1, mm::kMax};
  const std::vector<DomainHandle> present = Read(k, ioas, iopt::domains);
  if (warn_on(k, std::find(present.begin(), present.end(), domain) != present.end(), ioas)) {
    return -sim::kEINVAL;
  }
  // With a domain inside the alignment does not grow, and nobody looks at areas that are being
  // built.
  if (!AreasAligned(k, ioas, mm::kPageSize) && present.empty()) return -sim::kEADDRINUSE;
  for (const IovaRange& area : AreasOf(k, ioas)) {
    if (area.last >= outside.first) return -sim::kEADDRINUSE;
  }
  int error = fail(k, sim::FaultSite::kReserveIova, domain);
  if (error != 0) return error;
  Update(k, ioas, iopt::reserved, [&](std::vector<Reserved>& reserved) {
    reserved.push_back(Reserved{outside.first, outside.last, domain});
  });
  error = fail(k, sim::FaultSite::kDomainSlot, domain);
  if (error == 0) error = FillAllAreas(k, ioas, domain);
  if (error != 0) {
    RemoveReserved(k, ioas, domain);
    return error;
  }
  Write(k, ioas, iopt::iova_alignment, mm::kPageSize);
  Update(k, ioas, iopt::domains,
         [&](std::vector<DomainHandle>& domains) { domains.push_back(domain); });
  return 0;
}

}  // namespace

void InitTable(Kernel& k, IoasHandle ioas) {
  lock_init(k, ioas, iopt::domains_rwsem, sim::LockClass::kDomainsRwsem);
  lock_init(k, ioas, iopt::iova_rwsem, sim::LockClass::kIovaRwsem);
}

void ReleaseTable(Kernel& k, IoasHandle ioas) {
  const sim::Scope scope(k, sim::Fn::kIoptDestroyTable, ioas);
  const bool areas_left = !Read(k, ioas, iopt::areas).empty();
  const bool domains_left = !Read(k, ioas, iopt::domains).empty();
  warn_on(k, areas_left || domains_left, ioas, sim::Condition::kTableInUse);
  lock_destroy(k, ioas, iopt::iova_rwsem);
  lock_destroy(k, ioas, iopt::domains_rwsem);
}

int GetSlices(Kernel& k, IoasHandle ioas, Iova iova, uint64_t length, Slices* slices) {
  const sim::Scope scope(k, sim::Fn::kIoptGetPages, ioas);
  if (length == 0) return -sim::kEINVAL;
  if (iova + (length - 1) < iova) return -sim::kEOVERFLOW;
  down_read(k, ioas, iopt::iova_rwsem);
  const int error = TakeSlices(k, ioas, iova, iova + (length - 1), slices);
  up_read(k, ioas, iopt::iova_rwsem);
  if (error != 0) PutSlices(k, slices);
  return error;
}

void PutSlices(Kernel& k, Slices* slices) {
  for (const Slice& slice : *slices) PutPages(k, slice.pages);
  slices->clear();
}

int MapPages(Kernel& k, IoasHandle ioas, MapRequest* request) {
  const sim::Scope scope(k, sim::Fn::kIoptMapPages, ioas);
  if (request->length == 0) return -sim::kEINVAL;
  for (size_t i = 0; i < request->slices.size(); ++i) {
    if (const int error = fail(k, sim::FaultSite::kAreaAlloc, ioas)) return error;
  }
  down_write(k, ioas, iopt::iova_rwsem);
  int error = InsertAreas(k, ioas, request);
  up_write(k, ioas, iopt::iova_rwsem);
  // Here the areas own their IOVAs, and everybody can see them with pages == NULL.
  if (error == 0) error = FillAndPublish(k, ioas, &request->slices);
  if (error != 0) AbortAreas(k, ioas, &request->slices);
  return error;
}

int UnmapRange(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped) {
  const sim::Scope scope(k, sim::Fn::kIoptUnmapIovaRange, ioas);
  *unmapped = 0;
  down_read(k, ioas, iopt::domains_rwsem);
  down_write(k, ioas, iopt::iova_rwsem);
  const int error = UnmapLocked(k, ioas, first, last, unmapped);
  up_write(k, ioas, iopt::iova_rwsem);
  up_read(k, ioas, iopt::domains_rwsem);
  return error;
}

int AddDomain(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIoptTableAddDomain, ioas);
  down_write(k, ioas, iopt::domains_rwsem);
  down_write(k, ioas, iopt::iova_rwsem);
  const int error = AddDomainLocked(k, ioas, domain);
  up_write(k, ioas, iopt::iova_rwsem);
  up_write(k, ioas, iopt::domains_rwsem);
  return error;
}

void RemoveDomain(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const sim::Scope scope(k, sim::Fn::kIoptTableRemoveDomain, ioas);
  down_write(k, ioas, iopt::domains_rwsem);
  down_write(k, ioas, iopt::iova_rwsem);
  const std::optional<DomainHandle> next = TakeOutOf(k, ioas, domain);
  if (!warn_on(k, !next.has_value(), ioas, sim::Condition::kDomainMissing)) {
    for (AreaHandle area : Read(k, ioas, iopt::areas)) {
      if (Read(k, area, &Area::pages).null()) continue;
      UnfillDomain(k, area, domain, *next);
    }
    RemoveReserved(k, ioas, domain);
    if (next->null()) Write(k, ioas, iopt::iova_alignment, 1);
  }
  up_write(k, ioas, iopt::iova_rwsem);
  up_write(k, ioas, iopt::domains_rwsem);
}

}  // namespace iommufd_check::iommufd
