#include "model/spec/record_reader.h"

#include <algorithm>

#include "model/spec/table_reader.h"

namespace iommufd_check::spec {
namespace {

using uapi::Contract;

// memfd_luo_ser and memfd_luo_folio_ser (luo_kho.md section 8): u64 pos, u64 size, u32 seals,
// u32 flags, u64 nr_folios, kho_vmalloc; and u64 pfn:52 flags:12, u64 index.
constexpr uint32_t kSizeAt = 8;
constexpr uint32_t kSealsAt = 16;
constexpr uint32_t kFoliosAt = 24;
constexpr uint32_t kArrayAt = 32;
constexpr uint32_t kFolioBytes = 16;
constexpr int kFolioFlagBits = 12;
constexpr uint64_t kMostFolios = 65536;

// flb_ser: the first page of the domain array; each page {u64 next, u64 used, records}.
constexpr uint32_t kDomainsAt = 0;
constexpr uint32_t kNextAt = 0;
constexpr uint32_t kUsedAt = 8;
constexpr uint32_t kFirstRecordAt = 16;
constexpr uint64_t kDeletedBit = 1;

AbiLayout R3() {
  return {{"iommufd_lu", 4, false, {{"iommufd_lu.nr_hwpts", 0, 4, FieldType::kNative}}},
          {"iommufd_hwpt_lu",
           13,
           true,
           {{"iommufd_hwpt_lu.token", 0, 4},
            {"iommufd_hwpt_lu.domain_data", 4, 8},
            {"iommufd_hwpt_lu.reclaimed", 12, 1, FieldType::kBool}}},
          {"domain_ser",
           33,
           true,
           {{"domain_ser.flags", 8, 1},
            {"domain_ser.top_table", 9, 8},
            {"domain_ser.top_level", 17, 8}}}};
}

AbiLayout R7() {
  return {{"iommufd_ser", 8, true, {{"iommufd_ser.nr_hwpts", 0, 8}}},
          {"iommufd_hwpt_ser",
           24,
           true,
           {{"iommufd_hwpt_ser.token", 8, 8},
            {"iommufd_hwpt_ser.domain_data", 0, 8},
            {"iommufd_hwpt_ser.reclaimed", 16, 1}}},
          {"iommu_domain_ser",
           37,
           true,
           {{"iommu_domain_ser.flags", 4, 4},
            {"iommu_domain_ser.top_table", 8, 8},
            {"iommu_domain_ser.top_level", 16, 8}}}};
}

uint64_t Get(const Frames& frames, mm::PhysAddr base, const AbiField& field) {
  return frames.Field(base + field.offset, field.bytes);
}

bool IsMemory(const Frames& frames, mm::PhysAddr address) {
  return address != 0 && frames.Owner(mm::PfnOf(address)) != mm::FrameOwner::kFree;
}

}  // namespace

const AbiLayout& LayoutOf(Contract::Abi abi) {
  static const AbiLayout r3 = R3();
  static const AbiLayout r7 = R7();
  return abi == Contract::Abi::kR3 ? r3 : r7;
}

void ReadIommufdFile(const Frames& frames, Contract::Abi abi, mm::PhysAddr data, FileView* file) {
  const AbiLayout& layout = LayoutOf(abi);
  file->records.clear();
  file->nr_hwpts = Get(frames, data, layout.header.fields[0]);
  for (uint64_t i = 0; i < std::min(file->nr_hwpts, kMostRecords); ++i) {
    const mm::PhysAddr at = data + layout.header.size + i * layout.record.size;
    file->records.push_back(
        {Get(frames, at, layout.record.fields[0]), Get(frames, at, layout.record.fields[1])});
  }
}

void ReadMemfdFile(const Frames& frames, mm::PhysAddr data, FileView* file) {
  file->serialized_pages.clear();
  file->serialized_size = frames.Field(data + kSizeAt, 8);
  file->serialized_seals = static_cast<uint32_t>(frames.Field(data + kSealsAt, 4));
  const uint64_t folios = std::min(frames.Field(data + kFoliosAt, 8), kMostFolios);
  const mm::PhysAddr array = frames.Field(data + kArrayAt, 8);
  for (uint64_t i = 0; i < folios; ++i) {
    const mm::PhysAddr at = array + i * kFolioBytes;
    if (!IsMemory(frames, at)) return;
    file->serialized_pages.emplace_back(static_cast<uint32_t>(frames.Field(at + 8, 8)),
                                        frames.Field(at, 8) >> kFolioFlagBits);
  }
}

void ReadDomainRecords(const Frames& frames, Contract::Abi abi, mm::PhysAddr data,
                       std::vector<DomainRecordView>* records) {
  const AbiStruct& layout = LayoutOf(abi).domain;
  records->clear();
  if (!IsMemory(frames, data)) return;
  mm::PhysAddr page = frames.Field(data + kDomainsAt, 8);
  for (uint64_t pages = 0; pages < kMostRecords && IsMemory(frames, page); ++pages) {
    const uint64_t room = (mm::kPageSize - kFirstRecordAt) / layout.size;
    const uint64_t used = std::min(frames.Field(page + kUsedAt, 8), room);
    for (uint64_t i = 0; i < used && records->size() < kMostRecords; ++i) {
      const mm::PhysAddr at = page + kFirstRecordAt + i * layout.size;
      DomainRecordView& record = records->emplace_back();
      record.address = at;
      record.deleted = (Get(frames, at, layout.fields[0]) & kDeletedBit) != 0;
      record.top_table = Get(frames, at, layout.fields[1]);
      if (!record.deleted) ReadTables(frames, mm::PfnOf(record.top_table), &record.tables);
    }
    page = frames.Field(page + kNextAt, 8);
  }
}

}  // namespace iommufd_check::spec
