// What the next kernel would read, parsed from memory: iommufd's records, the IOMMU core's records
// of domains, and what the memfd handler serialized.
//
// A second description of the layouts (designs.md section 9, iommu_core.md section 1, luo_kho.md
// section 8): nothing is shared with the code that writes them. Counts that memory holds never
// drive more than kMostRecords steps.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "model/spec/frames.h"
#include "model/spec/snapshot.h"
#include "model/uapi/contract.h"

namespace iommufd_check::spec {

inline constexpr uint64_t kMostRecords = 4096;

// How a handed-over field is declared in C.
enum class FieldType : uint8_t {
  kFixedWidth,  // u8, u32, u64 and arrays of them
  kNative,      // unsigned int, long: its width is the compiler's choice
  kBool,
  kPointer,
};

struct AbiField {
  std::string_view name;  // "iommufd_lu.nr_hwpts"
  uint32_t offset = 0;
  int bytes = 0;
  FieldType type = FieldType::kFixedWidth;
};

struct AbiStruct {
  std::string_view name;
  uint32_t size = 0;  // bytes, without the array at its end
  bool packed = true;
  std::vector<AbiField> fields;
};

// iommufd's header and record, and the core's record of a domain.
struct AbiLayout {
  AbiStruct header;   // fields: nr_hwpts
  AbiStruct record;   // fields: token, domain_data, reclaimed
  AbiStruct domain;   // fields: flags, top_table, top_level
};

const AbiLayout& LayoutOf(uapi::Contract::Abi abi);

// iommufd's records at `data`: nr_hwpts and records of *file.
void ReadIommufdFile(const Frames& frames, uapi::Contract::Abi abi, mm::PhysAddr data,
                     FileView* file);

// memfd_luo_ser at `data`: serialized_size, _seals and _pages of *file.
void ReadMemfdFile(const Frames& frames, mm::PhysAddr data, FileView* file);

// All records of domains below the FLB's header at `data`, with the tables that each reaches.
void ReadDomainRecords(const Frames& frames, uapi::Contract::Abi abi, mm::PhysAddr data,
                       std::vector<DomainRecordView>* records);

}  // namespace iommufd_check::spec
