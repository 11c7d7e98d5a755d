// Names of objects in findings, and what several invariants ask of a snapshot.
#pragma once

#include <string>

#include "model/spec/check.h"
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
inline sim::ObjectRef DeviceRef(uint32_t id) {
  return {sim::ObjectKind::kDevice, static_cast<uint16_t>(id)};
}
inline sim::ObjectRef MemfdRef(uint16_t number) { return {sim::ObjectKind::kMemfd, number}; }
inline sim::ObjectRef SessionRef(uint16_t number) { return {sim::ObjectKind::kSession, number}; }
inline sim::ObjectRef IommufdRef(uint16_t number) { return {sim::ObjectKind::kIommufd, number}; }
inline constexpr sim::ObjectRef kKhoRef{sim::ObjectKind::kKho, 0};
inline constexpr sim::ObjectRef kFlbRef{sim::ObjectKind::kFlb, 0};

inline std::string N(uint64_t value) { return std::to_string(value); }
inline std::string Id(uint32_t number) { return uapi::NumberText(number); }

inline bool IsMark(const Call& call) { return call.kind == Call::Kind::kLuMark; }

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

// visit(file) for each preserved iommufd.
template <class Visit>
void ForEachPreservedIommufd(const Snapshot& now, Visit&& visit) {
  for (const SessionView& session : now.sessions) {
    for (const FileView& file : session.files) {
      if (IsIommufd(file)) visit(file);
    }
  }
}

}  // namespace iommufd_check::spec
