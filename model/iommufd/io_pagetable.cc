#include "model/iommufd/io_pagetable.h"

#include <algorithm>

#include "model/iommufd/iova_space.h"
#include "model/iommufd/pages.h"
#include "model/sim/check.h"
#include "model/sim/runtime.h"

namespace iommufd_check::iommufd {
namespace {

using iommu::DomainHandle;

std::vector<IovaRange> ReservedOf(const IoPagetable& iopt) {
  std::vector<IovaRange> ranges;
  for (const Reserved& r : iopt.reserved) ranges.push_back({r.first, r.last});
  return ranges;
}

std::vector<IovaRange> AreasOf(Kernel& k, IoasHandle ioas) {
  std::vector<IovaRange> ranges;
  for (AreaHandle h : Get(k, ioas).iopt.areas.Read(k.t, Ref(k, ioas))) {
    ranges.push_back({Get(k, h).first, Get(k, h).last});
  }
  return ranges;
}

void InsertSorted(Kernel& k, IoasHandle ioas, AreaHandle area) {
  auto& areas = Get(k, ioas).iopt.areas.Modify(k.t, Ref(k, ioas));
  const auto position = std::find_if(areas.begin(), areas.end(), [&](AreaHandle other) {
    return Get(k, other).first > Get(k, area).first;
  });
  IOMMUFD_CHECK(position == areas.end() || Get(k, area).last < Get(k, *position).first,
                "areas never overlap the next one");
  IOMMUFD_CHECK(position == areas.begin() || Get(k, *(position - 1)).last < Get(k, area).first,
                "areas never overlap the one before");
  areas.insert(position, area);
}

void FreeArea(Kernel& k, IoasHandle ioas, AreaHandle area) {
  auto& areas = Get(k, ioas).iopt.areas.Modify(k.t, Ref(k, ioas));
  const auto position = std::find(areas.begin(), areas.end(), area);
  IOMMUFD_CHECK(position != areas.end(), "an area that goes is in the tree");
  IOMMUFD_CHECK(Get(k, area).storage_domain.null(), "an area goes after its mappings");
  areas.erase(position);
  k.t.Emit(sim::Note::kObjectFreed, Ref(area));
  k.s.areas.Free(area);
}

// Step 2 of a map, under iova_rwsem W: choose or check the IOVA, insert the area unfilled.
int InsertArea(Kernel& k, IoasHandle ioas, MapRequest* request, AreaHandle* out) {
  int error = k.hooks.MapInsert(k, ioas);
  if (error != 0) return error;
  const uint64_t alignment = Get(k, ioas).iopt.iova_alignment.Read(k.t, Ref(k, ioas));
  if ((request->length & (alignment - 1)) != 0) return -sim::kEINVAL;

  const std::vector<IovaRange> reserved = ReservedOf(Get(k, ioas).iopt);
  std::vector<IovaRange> areas = AreasOf(k, ioas);
  if (request->fixed) {
    error = CheckIova(request->iova, request->length, alignment, reserved, areas);
  } else {
    areas.insert(areas.end(), reserved.begin(), reserved.end());
    error = ChooseIova({request->source_address, request->length, alignment}, std::move(areas),
                       &request->iova);
  }
  if (error != 0) return error;
  if ((request->page_offset & (alignment - 1)) != 0) return -sim::kEINVAL;
  if (request->page_offset + request->length > mm::kMax - (mm::kPageSize - 1)) {
    return -sim::kEOVERFLOW;  // the page count would wrap; 7.2 also warns (uapi.md, oddity 8)
  }

  Area area;
  IOMMUFD_CHECK(request->iova + (request->length - 1) >= request->iova, "checked not to wrap");
  area.first = request->iova;
  area.last = request->iova + (request->length - 1);
  area.page_offset = request->page_offset;
  area.permissions = request->permissions;
  *out = k.s.areas.Create(std::move(area));
  InsertSorted(k, ioas, *out);
  return 0;
}

// iopt_abort_area: takes an area that was never published out again.
void AbortArea(Kernel& k, IoasHandle ioas, AreaHandle area) {
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  k.hooks.AbortArea(k, ioas);
  FreeArea(k, ioas, area);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
}

// Steps 3-5 of a map: the gate, the fill and the publication under one domains_rwsem R.
int FillAndPublish(Kernel& k, IoasHandle ioas, AreaHandle area, PagesHandle pages) {
  down_read(k.t, Get(k, ioas).iopt.domains_rwsem);
  int error = k.hooks.MapFill(k, ioas);
  if (error == 0) error = FillDomains(k, ioas, area, pages);
  if (error == 0) {
    down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
    Get(k, area).pages.Write(k.t, Ref(area), pages);
    up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  }
  up_read(k.t, Get(k, ioas).iopt.domains_rwsem);
  return error;
}

// The lowest area that intersects [first, last]; null when there is none.
AreaHandle LowestArea(Kernel& k, IoasHandle ioas, Iova first, Iova last) {
  for (AreaHandle h : Get(k, ioas).iopt.areas.Read(k.t, Ref(k, ioas))) {
    if (Get(k, h).first <= last && first <= Get(k, h).last) return h;
  }
  return {};
}

// Takes one published area out; enters and leaves with iova_rwsem W held, drops it in between.
void UnmapArea(Kernel& k, IoasHandle ioas, AreaHandle area) {
  const PagesHandle pages = Get(k, area).pages.Read(k.t, Ref(area));
  Get(k, area).pages.Write(k.t, Ref(area), PagesHandle{});
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);

  UnfillDomains(k, ioas, area, pages);

  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  k.hooks.AbortArea(k, ioas);
  FreeArea(k, ioas, area);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  ReleasePages(k, pages);
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
}

int UnmapLocked(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped) {
  const int refused = k.hooks.Unmap(k, ioas);
  if (refused != 0) return refused;
  for (;;) {
    const AreaHandle area = LowestArea(k, ioas, first, last);
    if (area.null()) return 0;
    if (Get(k, area).pages.Read(k.t, Ref(area)).null()) return -sim::kEBUSY;
    const Iova area_last = Get(k, area).last;
    if (Get(k, area).first < first || area_last > last) return -sim::kENOENT;
    const uint64_t length = Get(k, area).length();
    UnmapArea(k, ioas, area);
    *unmapped += length;
    if (area_last >= last) return 0;
    first = area_last + 1;
  }
}

// Section 2: does every area, half-built ones too, fit the alignment?
bool AreasAligned(Kernel& k, IoasHandle ioas, uint64_t alignment) {
  for (AreaHandle h : Get(k, ioas).iopt.areas.Read(k.t, Ref(k, ioas))) {
    const Area& area = Get(k, h);
    if (((area.first | area.length() | area.page_offset) & (alignment - 1)) != 0) return false;
  }
  return true;
}

// Fills every finished area into `domain`, or none of them.
int FillAllAreas(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const std::vector<AreaHandle> areas = Get(k, ioas).iopt.areas.Read(k.t, Ref(k, ioas));
  for (size_t i = 0; i < areas.size(); ++i) {
    if (Get(k, areas[i]).pages.Read(k.t, Ref(areas[i])).null()) continue;
    const int error = FillDomain(k, areas[i], domain);
    if (error == 0) continue;
    const auto& present = Get(k, ioas).iopt.domains.Peek();
    for (size_t done = 0; done < i; ++done) {
      if (Get(k, areas[done]).pages.Peek().null()) continue;
      UnfillDomain(k, areas[done], domain, present.empty() ? DomainHandle{} : present.front());
    }
    return error;
  }
  return 0;
}

int AddDomainLocked(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  const IovaRange outside{iommu::kApertureLast + 1, mm::kMax};
  const auto& present = Get(k, ioas).iopt.domains.Peek();
  IOMMUFD_CHECK(std::find(present.begin(), present.end(), domain) == present.end(),
                "a domain joins a table once");
  if (!AreasAligned(k, ioas, mm::kPageSize)) return -sim::kEADDRINUSE;
  for (const IovaRange& area : AreasOf(k, ioas)) {
    if (area.last >= outside.first) return -sim::kEADDRINUSE;
  }
  Get(k, ioas).iopt.reserved.push_back(Reserved{outside.first, outside.last, domain});
  const int error = FillAllAreas(k, ioas, domain);
  IoPagetable& iopt = Get(k, ioas).iopt;
  if (error != 0) {
    std::erase_if(iopt.reserved, [&](const Reserved& r) { return r.owner == domain; });
    return error;
  }
  iopt.iova_alignment.Write(k.t, Ref(k, ioas), mm::kPageSize);
  iopt.domains.Modify(k.t, Ref(k, ioas)).push_back(domain);
  return 0;
}

}  // namespace

void InitTable(Kernel& k, IoasHandle ioas) {
  sim::LockTable& locks = k.t.runtime().locks();
  const sim::ObjectRef ref = Ref(k, ioas);
  Get(k, ioas).iopt.domains_rwsem = locks.Create(sim::LockClass::kDomainsRwsem, ref);
  Get(k, ioas).iopt.iova_rwsem = locks.Create(sim::LockClass::kIovaRwsem, ref);
}

void ReleaseTable(Kernel& k, IoasHandle ioas) {
  const IoPagetable& iopt = Get(k, ioas).iopt;
  warn_on(k.t, !iopt.areas.Peek().empty() || !iopt.domains.Peek().empty(), Ref(k, ioas));
  lock_destroy(k.t, Get(k, ioas).iopt.iova_rwsem);
  lock_destroy(k.t, Get(k, ioas).iopt.domains_rwsem);
}

int MapPages(Kernel& k, IoasHandle ioas, MapRequest* request) {
  IOMMUFD_CHECK(request->length > 0, "the ioctl refuses empty maps");
  if (should_fail(k.t, sim::FaultSite::kAreaAlloc, Ref(k, ioas))) return -sim::kENOMEM;
  AreaHandle area;
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  int error = InsertArea(k, ioas, request, &area);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  if (error != 0) return error;
  // Here the area owns its IOVAs, and everybody can see it with pages == NULL.
  error = FillAndPublish(k, ioas, area, request->pages);
  if (error != 0) AbortArea(k, ioas, area);
  return error;
}

int UnmapRange(Kernel& k, IoasHandle ioas, Iova first, Iova last, uint64_t* unmapped) {
  *unmapped = 0;
  down_read(k.t, Get(k, ioas).iopt.domains_rwsem);
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  const int error = UnmapLocked(k, ioas, first, last, unmapped);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  up_read(k.t, Get(k, ioas).iopt.domains_rwsem);
  return error;
}

int AddDomain(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  down_write(k.t, Get(k, ioas).iopt.domains_rwsem);
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  const int error = AddDomainLocked(k, ioas, domain);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  up_write(k.t, Get(k, ioas).iopt.domains_rwsem);
  return error;
}

void RemoveDomain(Kernel& k, IoasHandle ioas, DomainHandle domain) {
  down_write(k.t, Get(k, ioas).iopt.domains_rwsem);
  down_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  auto& domains = Get(k, ioas).iopt.domains.Modify(k.t, Ref(k, ioas));
  const auto position = std::find(domains.begin(), domains.end(), domain);
  IOMMUFD_CHECK(position != domains.end(), "a domain leaves the table it is in");
  *position = domains.back();  // the last entry moves into the hole
  domains.pop_back();
  const DomainHandle next = domains.empty() ? DomainHandle{} : domains.front();

  const std::vector<AreaHandle> areas = Get(k, ioas).iopt.areas.Read(k.t, Ref(k, ioas));
  for (AreaHandle area : areas) {
    if (Get(k, area).pages.Read(k.t, Ref(area)).null()) continue;
    UnfillDomain(k, area, domain, next);
  }
  IoPagetable& iopt = Get(k, ioas).iopt;
  std::erase_if(iopt.reserved, [&](const Reserved& r) { return r.owner == domain; });
  if (next.null()) iopt.iova_alignment.Write(k.t, Ref(k, ioas), 1);
  up_write(k.t, Get(k, ioas).iopt.iova_rwsem);
  up_write(k.t, Get(k, ioas).iopt.domains_rwsem);
}

}  // namespace iommufd_check::iommufd
