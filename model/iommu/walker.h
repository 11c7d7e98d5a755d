// What the hardware sees: walks of a page table that read frames and nothing else.
//
// The walker knows a top table and the format. It never looks at areas, domains or any other
// software state, so it is the second description of every mapping (design.md rule 4). Entries that
// point outside memory, or to free memory, end the walk there, as a fault would.
#pragma once

#include <optional>
#include <vector>

#include "model/iommu/table_format.h"
#include "model/mm/phys_memory.h"

namespace iommufd_check::iommu {

struct Leaf {
  mm::Iova iova = 0;  // of the page
  mm::Pfn pfn = 0;
  uint64_t permissions = 0;  // kRead | kWrite
  friend bool operator==(const Leaf&, const Leaf&) = default;
};

// The physical byte address that `iova` reaches, or nothing (the access faults).
std::optional<mm::PhysAddr> Translate(const mm::PhysMemory& phys, mm::Pfn top, mm::Iova iova);

// All tables reachable from `top`, itself included, in walk order (depth first, ascending index).
void CollectTables(const mm::PhysMemory& phys, mm::Pfn top, std::vector<mm::Pfn>* out);

// All leaves, ascending by IOVA.
void CollectLeaves(const mm::PhysMemory& phys, mm::Pfn top, std::vector<Leaf>* out);

}  // namespace iommufd_check::iommu
