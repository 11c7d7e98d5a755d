#include "model/iommu/walker.h"

namespace iommufd_check::iommu {
namespace {

void TablesBelow(const mm::PhysMemory& phys, mm::Pfn table, int level, std::vector<mm::Pfn>* out) {
  out->push_back(table);
  if (level == 0) return;
  phys.ForEachWord(table, [&](uint64_t, uint64_t entry) {
    if (Present(entry) && phys.InUse(TargetOf(entry))) {
      TablesBelow(phys, TargetOf(entry), level - 1, out);
    }
  });
}

void LeavesBelow(const mm::PhysMemory& phys, mm::Pfn table, int level, mm::Iova base,
                 std::vector<Leaf>* out) {
  phys.ForEachWord(table, [&](uint64_t index, uint64_t entry) {
    if (!Present(entry)) return;
    const mm::Iova iova = base + index * EntrySpan(level);
    if (level == 0) {
      out->push_back(Leaf{iova, TargetOf(entry), entry & (kRead | kWrite)});
    } else if (phys.InUse(TargetOf(entry))) {
      LeavesBelow(phys, TargetOf(entry), level - 1, iova, out);
    }
  });
}

}  // namespace

std::optional<mm::PhysAddr> Translate(const mm::PhysMemory& phys, mm::Pfn top, mm::Iova iova) {
  if (iova > kApertureLast) return std::nullopt;
  mm::Pfn table = top;
  for (int level = kLevels - 1;; --level) {
    if (!phys.InUse(table)) return std::nullopt;
    const uint64_t entry = phys.ReadWord(EntryAddress(table, EntryIndex(iova, level)));
    if (!Present(entry)) return std::nullopt;
    if (level == 0) return (entry & kAddressMask) | (iova & (mm::kPageSize - 1));
    table = TargetOf(entry);
  }
}

void CollectTables(const mm::PhysMemory& phys, mm::Pfn top, std::vector<mm::Pfn>* out) {
  if (phys.InUse(top)) TablesBelow(phys, top, kLevels - 1, out);
}

void CollectLeaves(const mm::PhysMemory& phys, mm::Pfn top, std::vector<Leaf>* out) {
  if (phys.InUse(top)) LeavesBelow(phys, top, kLevels - 1, 0, out);
}

}  // namespace iommufd_check::iommu
