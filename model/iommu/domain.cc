#include "model/iommu/domain.h"

#include <algorithm>
#include <utility>

#include "model/iommu/table_access.h"
#include "model/sim/check.h"

namespace iommufd_check::iommu {

using sim::FaultSite;
using sim::Note;
using sim::Task;

namespace {

std::optional<mm::Pfn> AllocTable(Task& t, mm::Machine& mm, DomainHandle h) {
  if (fail(t, FaultSite::kTableAlloc, Ref(h)) != 0) return std::nullopt;
  const std::optional<mm::Pfn> pfn = mm.phys.Alloc(t, mm::FrameOwner::kPageTable);
  if (pfn.has_value()) t.Emit(Note::kTableAlloc, Ref(h), static_cast<int64_t>(*pfn));
  return pfn;
}

void FreeTable(Task& t, mm::Machine& mm, DomainHandle h, mm::Pfn table) {
  UseTable(t, mm, Ref(h), table);
  t.Emit(Note::kTableWrite, Ref(h));
  t.Emit(Note::kTableFree, Ref(h), static_cast<int64_t>(table));
  mm.phys.Put(t, table);
}

void FreeTablesBelow(Task& t, mm::Machine& mm, DomainHandle h, mm::Pfn table, int level) {
  if (level > 0) {
    std::vector<mm::Pfn> children;
    ReadWholeTable(t, mm, Ref(h), table);
    mm.phys.ForEachWord(table, [&](uint64_t, uint64_t entry) {
      if (Present(entry)) children.push_back(TargetOf(entry));
    });
    for (mm::Pfn child : children) FreeTablesBelow(t, mm, h, child, level - 1);
  }
  FreeTable(t, mm, h, table);
}

mm::Pfn TopOf(Task& t, State& iommu, mm::Machine& mm, DomainHandle h) {
  View view{t, iommu, mm};
  return Read(view, h, &Domain::top);
}

// Maps one page, adding the tables on the way.
int MapPage(Task& t, State& iommu, mm::Machine& mm, DomainHandle h, mm::Iova iova, mm::Pfn pfn,
            uint64_t permissions) {
  mm::Pfn table = TopOf(t, iommu, mm, h);
  for (int level = kLevels - 1; level > 0; --level) {
    const mm::PhysAddr address = EntryAddress(table, EntryIndex(iova, level));
    uint64_t entry = ReadEntry(t, mm, Ref(h), address);
    if (!Present(entry)) {
      const std::optional<mm::Pfn> added = AllocTable(t, mm, h);
      if (!added.has_value()) return -sim::kENOMEM;
      // Others may have been here since: the first table installed wins.
      const uint64_t installed = mm::AddressOf(*added) | kRead | kWrite;
      entry = InstallEntry(t, mm, Ref(h), address, installed);
      if (Present(entry)) {
        FreeTable(t, mm, h, *added);
      } else {
        entry = installed;
      }
    }
    table = TargetOf(entry);
  }
  const mm::PhysAddr address = EntryAddress(table, EntryIndex(iova, 0));
  const uint64_t before = InstallEntry(t, mm, Ref(h), address, mm::AddressOf(pfn) | permissions);
  return Present(before) ? -sim::kEADDRINUSE : 0;
}

// Clears [first, last] below `table`, whose own range starts at `base`. Returns pages cleared.
uint64_t UnmapBelow(Task& t, mm::Machine& mm, DomainHandle h, mm::Pfn table, int level,
                    mm::Iova base, mm::Iova first, mm::Iova last) {
  uint64_t cleared = 0;
  const uint64_t span = EntrySpan(level);
  const uint64_t begin = first > base ? (first - base) / span : 0;
  for (uint64_t i = begin; i < kEntriesPerTable && base + i * span <= last; ++i) {
    const mm::PhysAddr address = EntryAddress(table, static_cast<int>(i));
    const uint64_t entry = ReadEntry(t, mm, Ref(h), address);
    if (!Present(entry)) continue;
    const mm::Iova start = base + i * span;
    if (level == 0) {
      WriteEntry(t, mm, Ref(h), address, 0);
      ++cleared;
      continue;
    }
    cleared += UnmapBelow(t, mm, h, TargetOf(entry), level - 1, start, first, last);
    if (first <= start && start + span - 1 <= last) {
      WriteEntry(t, mm, Ref(h), address, 0);
      FreeTable(t, mm, h, TargetOf(entry));
    }
  }
  return cleared;
}

void AddTablesBelow(Task& t, const mm::Machine& mm, DomainHandle h, mm::Pfn table, int level,
                    std::vector<mm::Pfn>* out) {
  out->push_back(table);
  if (level == 0) return;
  std::vector<mm::Pfn> children;
  ReadWholeTable(t, mm, Ref(h), table);
  mm.phys.ForEachWord(table, [&](uint64_t, uint64_t entry) {
    if (Present(entry)) children.push_back(TargetOf(entry));
  });
  for (mm::Pfn child : children) AddTablesBelow(t, mm, h, child, level - 1, out);
}

// The table that holds the leaf of `iova`.
std::optional<mm::Pfn> LeafTable(Task& t, State& iommu, mm::Machine& mm, DomainHandle h,
                                 mm::Iova iova) {
  if (iova > kApertureLast) return std::nullopt;
  mm::Pfn table = TopOf(t, iommu, mm, h);
  for (int level = kLevels - 1; level > 0; --level) {
    const uint64_t entry = ReadEntry(t, mm, Ref(h), EntryAddress(table, EntryIndex(iova, level)));
    if (!Present(entry)) return std::nullopt;
    table = TargetOf(entry);
  }
  return table;
}

void AppendFrame(std::vector<mm::PfnRun>* runs, mm::Pfn pfn) {
  const bool joins = !runs->empty() && runs->back().first + runs->back().count == pfn;
  if (joins) {
    ++runs->back().count;
  } else {
    runs->push_back({pfn, 1});
  }
}

// Leaves [begin, end) of one table, up to the first that is not there. How many there were.
uint64_t AppendLeaves(Task& t, const mm::Machine& mm, DomainHandle h, mm::Pfn table, uint64_t begin,
                      uint64_t end, std::vector<mm::PfnRun>* runs) {
  uint64_t next = begin;
  ReadWholeTable(t, mm, Ref(h), table);
  mm.phys.ForEachWord(table, [&](uint64_t index, uint64_t entry) {
    if (index != next || next == end || !Present(entry)) return;
    AppendFrame(runs, TargetOf(entry));
    ++next;
  });
  return next - begin;
}

}  // namespace

int claim_dma_owner(Task& t, State& iommu, uint16_t endpoint) {
  const sim::Scope scope(t, sim::Fn::kIommuDeviceClaimDmaOwner, EndpointRef(endpoint));
  if (const int failed = fail(t, FaultSite::kClaimDmaOwner, EndpointRef(endpoint))) return failed;
  Endpoint& group = iommu.endpoints[endpoint];
  mutex_lock(t, group.group_mutex);
  const int error = Update(t, group.dma_owner_claimed, EndpointRef(endpoint), [](bool& claimed) {
    return std::exchange(claimed, true) ? -sim::kEBUSY : 0;
  });
  mutex_unlock(t, group.group_mutex);
  return error;
}

void release_dma_owner(Task& t, State& iommu, uint16_t endpoint) {
  const sim::Scope scope(t, sim::Fn::kIommuDeviceReleaseDmaOwner, EndpointRef(endpoint));
  Endpoint& group = iommu.endpoints[endpoint];
  mutex_lock(t, group.group_mutex);
  Write(t, group.dma_owner_claimed, EndpointRef(endpoint), false);
  mutex_unlock(t, group.group_mutex);
}

int attach_group(Task& t, State& iommu, uint16_t endpoint, DomainHandle domain) {
  const sim::Scope scope(t, sim::Fn::kIommuAttachGroupHandle, EndpointRef(endpoint));
  Endpoint& group = iommu.endpoints[endpoint];
  mutex_lock(t, group.group_mutex);
  const int error = fail(t, FaultSite::kDeviceAttach, EndpointRef(endpoint));
  if (error == 0) Write(t, group.domain, EndpointRef(endpoint), domain);
  mutex_unlock(t, group.group_mutex);
  return error;
}

void detach_group(Task& t, State& iommu, uint16_t endpoint) {
  const sim::Scope scope(t, sim::Fn::kIommuDetachGroupHandle, EndpointRef(endpoint));
  Endpoint& group = iommu.endpoints[endpoint];
  mutex_lock(t, group.group_mutex);
  Write(t, group.domain, EndpointRef(endpoint), {});
  mutex_unlock(t, group.group_mutex);
}

int domain_alloc(Task& t, State& iommu, mm::Machine& mm, DomainHandle* out) {
  const sim::Scope scope(t, sim::Fn::kIommuDomainAlloc);
  if (const int error = fail(t, FaultSite::kDomainAlloc)) return error;
  const DomainHandle h = iommu.domains.Create(Domain{});
  const std::optional<mm::Pfn> top = AllocTable(t, mm, h);
  if (!top.has_value()) {
    iommu.domains.Free(h);
    return -sim::kENOMEM;
  }
  Get(t, iommu, h).top.Raw() = *top;
  *out = h;
  return 0;
}

void domain_free(Task& t, State& iommu, mm::Machine& mm, DomainHandle h) {
  const sim::Scope scope(t, sim::Fn::kIommuDomainFree, Ref(h));
  FreeTablesBelow(t, mm, h, TopOf(t, iommu, mm, h), kLevels - 1);
  t.Emit(Note::kDomainFreed, Ref(h));
  iommu.domains.Free(h);
}

int iommu_map(Task& t, State& iommu, mm::Machine& mm, DomainHandle h, mm::Iova iova, mm::Pfn pfn,
              uint64_t pages, uint64_t permissions) {
  const sim::Scope scope(t, sim::Fn::kIommuMap, Ref(h));
  if (iova % mm::kPageSize != 0) return -sim::kEINVAL;  // iommu_map_nosync: unaligned
  if (const int error = fail(t, FaultSite::kIommuMap, Ref(h))) return error;
  if (iova > kApertureLast || pages > ((kApertureLast - iova) >> mm::kPageShift) + 1) {
    return -sim::kERANGE;
  }
  for (uint64_t i = 0; i < pages; ++i) {
    const int error = MapPage(t, iommu, mm, h, iova + i * mm::kPageSize, pfn + i, permissions);
    if (error != 0) {
      if (i > 0) {
        UnmapBelow(t, mm, h, TopOf(t, iommu, mm, h), kLevels - 1, 0, iova,
                   iova + i * mm::kPageSize - 1);
      }
      return error;
    }
  }
  return 0;
}

uint64_t iommu_unmap(Task& t, State& iommu, mm::Machine& mm, DomainHandle h, mm::Iova iova,
                     uint64_t pages) {
  const sim::Scope scope(t, sim::Fn::kIommuUnmap, Ref(h));
  if (iova % mm::kPageSize != 0 || pages == 0) return 0;  // __iommu_unmap: unaligned
  return UnmapBelow(t, mm, h, TopOf(t, iommu, mm, h), kLevels - 1, 0, iova,
                    iova + pages * mm::kPageSize - 1);
}

std::optional<mm::PhysAddr> iommu_iova_to_phys(Task& t, State& iommu, mm::Machine& mm,
                                               DomainHandle h, mm::Iova iova) {
  const std::optional<mm::Pfn> table = LeafTable(t, iommu, mm, h, iova);
  if (!table.has_value()) return std::nullopt;
  const uint64_t entry = ReadEntry(t, mm, Ref(h), EntryAddress(*table, EntryIndex(iova, 0)));
  if (!Present(entry)) return std::nullopt;
  return (entry & kAddressMask) | (iova & (mm::kPageSize - 1));
}

std::vector<mm::PfnRun> iommu_iova_to_runs(Task& t, State& iommu, mm::Machine& mm, DomainHandle h,
                                           mm::Iova iova, uint64_t pages) {
  std::vector<mm::PfnRun> runs;
  while (pages > 0) {
    const std::optional<mm::Pfn> table = LeafTable(t, iommu, mm, h, iova);
    if (!table.has_value()) break;
    const auto begin = static_cast<uint64_t>(EntryIndex(iova, 0));
    const uint64_t count = std::min(kEntriesPerTable - begin, pages);
    if (AppendLeaves(t, mm, h, *table, begin, begin + count, &runs) < count) break;
    iova += count * mm::kPageSize;
    pages -= count;
  }
  return runs;
}

std::vector<mm::Pfn> iommu_tables(Task& t, State& iommu, mm::Machine& mm, DomainHandle h) {
  std::vector<mm::Pfn> tables;
  AddTablesBelow(t, mm, h, TopOf(t, iommu, mm, h), kLevels - 1, &tables);
  return tables;
}

}  // namespace iommufd_check::iommu
