// The page-table format of a domain: VT-d second stage with 4 KiB pages.
//
// Entries are 8 bytes, 512 to a table; bit 0 read, bit 1 write, bits 12..51 the address of the next
// table or of the page. Three levels give a 39-bit guest address width (SAGAW bit 1). The unit
// modelled reports no large pages (SLLPS = 0), so every leaf is a 4 KiB page at level 0.
#pragma once

#include <cstdint>

#include "model/mm/types.h"

namespace iommufd_check::iommu {

inline constexpr int kLevels = 3;
inline constexpr int kIndexBits = 9;
inline constexpr int kEntriesPerTable = 1 << kIndexBits;
inline constexpr int kAddressWidth = mm::kPageShift + kLevels * kIndexBits;  // 39
inline constexpr mm::Iova kApertureLast = (mm::Iova{1} << kAddressWidth) - 1;

inline constexpr uint64_t kRead = 1;
inline constexpr uint64_t kWrite = 2;
inline constexpr uint64_t kAddressMask = ((uint64_t{1} << 52) - 1) & ~(mm::kPageSize - 1);

// Bytes of IOVA that one entry of a table at `level` covers (level 0 holds the leaves).
constexpr uint64_t EntrySpan(int level) {
  return uint64_t{1} << (mm::kPageShift + level * kIndexBits);
}
constexpr int EntryIndex(mm::Iova iova, int level) {
  return static_cast<int>((iova >> (mm::kPageShift + level * kIndexBits)) & (kEntriesPerTable - 1));
}
constexpr mm::PhysAddr EntryAddress(mm::Pfn table, int index) {
  return mm::AddressOf(table) + 8 * static_cast<uint64_t>(index);
}
constexpr bool Present(uint64_t entry) { return (entry & (kRead | kWrite)) != 0; }
constexpr mm::Pfn TargetOf(uint64_t entry) { return mm::PfnOf(entry & kAddressMask); }

}  // namespace iommufd_check::iommu
