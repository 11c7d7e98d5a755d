// Serialized layouts of this slice: field offsets in bytes, little-endian, packed as listed
// (designs.md section 9, iommu_core.md section 1, luo_kho.md section 8).
//
// The spec reads records through the same tables: a layout is data, not code.
#pragma once

#include <cstdint>

namespace iommufd_check::liveupdate {

struct FieldLayout {
  uint32_t offset = 0;
  int bytes = 0;
};

// iommufd's record array.
struct IommufdLayout {
  FieldLayout nr_hwpts;
  uint32_t array = 0;   // offset of record 0
  uint32_t stride = 0;  // bytes of one record
  FieldLayout token;    // within a record
  FieldLayout domain_data;
  FieldLayout reclaimed;

  uint64_t SizeFor(uint64_t records) const { return array + records * stride; }
};
// R3: iommufd_lu is not packed, its elements are (13-byte stride).
inline constexpr IommufdLayout kIommufdR3{{0, 4}, 4, 13, {0, 4}, {4, 8}, {12, 1}};
// R6: fixed width, packed, padded.
inline constexpr IommufdLayout kIommufdR6{{0, 8}, 8, 24, {8, 8}, {0, 8}, {16, 1}};

// The IOMMU core's record of a domain. The array page starts with {next page, number used}.
struct DomainLayout {
  uint32_t size = 0;
  FieldLayout ref_count;
  FieldLayout flags;  // bit 0 deleted, bit 1 incoming
  FieldLayout top_table;
  FieldLayout top_level;
};
inline constexpr DomainLayout kDomainR3{33, {4, 4}, {8, 1}, {9, 8}, {17, 8}};
inline constexpr DomainLayout kDomainR7{37, {0, 4}, {4, 4}, {8, 8}, {16, 8}};
inline constexpr uint64_t kRecordDeleted = 1;

inline constexpr FieldLayout kArrayNext{0, 8};
inline constexpr FieldLayout kArrayUsed{8, 8};
inline constexpr uint32_t kArrayHeader = 16;

// flb_ser: physical addresses of the first page of the domain, device and IOMMU arrays.
inline constexpr FieldLayout kFlbDomains{0, 8};
inline constexpr uint32_t kFlbSize = 48;

// memfd_luo_ser and one element of its folio array.
inline constexpr FieldLayout kMemfdSize{8, 8};
inline constexpr FieldLayout kMemfdSeals{16, 4};
inline constexpr FieldLayout kMemfdFolios{24, 8};
inline constexpr FieldLayout kMemfdArray{32, 8};
inline constexpr uint32_t kMemfdSerSize = 48;
inline constexpr FieldLayout kFolioPfnFlags{0, 8};  // pfn:52, flags:12
inline constexpr FieldLayout kFolioIndex{8, 8};
inline constexpr uint32_t kFolioSize = 16;

}  // namespace iommufd_check::liveupdate
