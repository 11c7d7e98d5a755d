// Names of objects in findings, and what several families of invariants ask of a snapshot.
#pragma once

#include <string>

#include "model/spec/findings.h"
#include "model/spec/snapshot.h"
#include "model/uapi/object_id.h"

namespace iommufd_check::spec {

inline sim::ObjectRef DomainRef(uint16_t number) { return {sim::ObjectKind::kDomain, number}; }
inline sim::ObjectRef HwptRef(uint32_t id) {
  return {sim::ObjectKind::kHwpt, static_cast<uint16_t>(id)};
}
inline sim::ObjectRef IoasRef(uint32_t id) {
  return {sim::ObjectKind::kIoas, static_cast<uint16_t>(id)};
}
inline sim::ObjectRef MemfdRef(uint16_t number) { return {sim::ObjectKind::kMemfd, number}; }
inline constexpr sim::ObjectRef kKhoRef{sim::ObjectKind::kKho, 0};
inline constexpr sim::ObjectRef kFlbRef{sim::ObjectKind::kFlb, 0};
inline sim::ObjectRef IommufdRef(uint16_t number) { return {sim::ObjectKind::kIommufd, number}; }

inline std::string N(uint64_t value) { return std::to_string(value); }
inline std::string Id(uint32_t number) { return uapi::NumberText(number); }

// The record at `address` that is not deleted, or null.
inline const DomainRecordView* LiveRecord(const Snapshot& now, PhysAddr address) {
  for (const DomainRecordView& record : now.domain_records) {
    if (record.address == address && !record.deleted) return &record;
  }
  return nullptr;
}

inline bool IsIommufd(const FileView& file) {
  return file.file.kind == mm::FileRef::Kind::kIommufd;
}

}  // namespace iommufd_check::spec
