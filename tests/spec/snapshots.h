// A machine that preserves one HWPT and its memory, as a snapshot, and variants of it: what tests
// of the invariants of quiescent points change in one place.
#pragma once

#include <set>
#include <string>

#include "model/spec/findings.h"
#include "model/spec/snapshot.h"

namespace iommufd_check::spec {

using mm::FileRef;
using mm::FrameOwner;

inline constexpr PhysAddr kRecord = 0x200010;
inline constexpr PhysAddr kOtherRecord = 0x200040;
inline constexpr Pfn kTop = 0x100;
inline constexpr Pfn kLeafTable = 0x101;
inline constexpr Pfn kPage = 0x110;
inline constexpr Pfn kOtherPage = 0x111;

inline DomainRecordView Record(PhysAddr address, Pfn top) {
  DomainRecordView record{.address = address, .top_table = mm::AddressOf(top), .tables = {top}};
  if (top == kTop) record.tables.push_back(kLeafTable);
  return record;
}

inline FileView Memfd() {
  return {.token = 1,
          .file = {FileRef::Kind::kMemfd, 0},
          .serialized_size = mm::kPageSize,
          .serialized_seals = mm::kSealsOfPreserved,
          .serialized_pages = {{0, kPage}}};
}

inline FileView Iommufd() {
  return {.token = 2,
          .file = {FileRef::Kind::kIommufd, 0},
          .nr_hwpts = 1,
          .records = {{.token = 7, .domain_data = kRecord}}};
}

// IOAS 1, device 2 attached to HWPT 3, which is marked with 7 and preserved; memfd 0 is mapped at
// 0x1000 and preserved before it.
inline Snapshot Preserved() {
  Snapshot s;
  s.iommufds = {{.number = 0}};
  s.iommufds[0].refs = 3;  // descriptor, device, session
  s.ioas = {{.id = 1,
             .users = 2,
             .immutable = 1,
             .areas = {{.first = 0x1000,
                        .last = 0x1fff,
                        .permissions = 3,
                        .finished = true,
                        .is_file = true,
                        .pages = 1}},
             .domains = {0}}};
  s.hwpts = {{.id = 3,
              .ioas = 1,
              .domain = 0,
              .users = 3,
              .wait_cnt = 1,
              .marked = true,
              .preserved = true,
              .token = 7}};
  s.devices = {{.id = 2, .endpoint = 0, .users = 3, .attached = 3}};
  s.domains = {{.number = 0,
                .ioas = 1,
                .top = kTop,
                .preserved_state = kRecord,
                .tables = {kTop, kLeafTable},
                .leaves = {{.iova = 0x1000, .pfn = kPage, .permissions = 3}}}};
  s.memfds = {{.number = 0,
               .size = mm::kPageSize,
               .seals = mm::kSealsOfPreserved,
               .frozen = true,
               .pages = {{0, kPage}}}};
  s.sessions = {{.number = 0, .name = "vm", .files = {Memfd(), Iommufd()}}};
  s.registered = {{kTop, FrameOwner::kPageTable},
                  {kLeafTable, FrameOwner::kPageTable},
                  {kPage, FrameOwner::kMemfdData},
                  {0x200, FrameOwner::kFlbSer}};
  s.flb_count = 1;
  s.flb_present = true;
  s.domain_records = {Record(kRecord, kTop)};
  return s;
}

// The same machine before the iommufd was preserved.
inline Snapshot Unpreserved() {
  Snapshot s = Preserved();
  s.iommufds[0].refs = 2;
  s.ioas[0].immutable = 0;
  s.hwpts[0].users = 2;
  s.hwpts[0].preserved = false;
  s.domains[0].preserved_state = 0;
  s.sessions[0].files.pop_back();
  s.registered = {{kPage, FrameOwner::kMemfdData}};
  s.flb_count = 0;
  s.flb_present = false;
  s.domain_records.clear();
  return s;
}

// A second HWPT on the IOAS, preserved and recorded too.
inline Snapshot TwoPreserved() {
  Snapshot s = Preserved();
  s.ioas[0].users = 3;
  s.ioas[0].immutable = 2;
  s.ioas[0].domains = {0, 1};
  HwptView hwpt = s.hwpts[0];
  hwpt.id = 4;
  hwpt.domain = 1;
  hwpt.users = 2;
  hwpt.token = 8;
  s.hwpts.push_back(hwpt);
  s.domains.push_back(
      {.number = 1, .ioas = 1, .top = 0x102, .preserved_state = kOtherRecord, .tables = {0x102}});
  s.registered.insert(s.registered.begin() + 2, {0x102, FrameOwner::kPageTable});
  s.sessions[0].files[1].nr_hwpts = 2;
  s.sessions[0].files[1].records.push_back({.token = 8, .domain_data = kOtherRecord});
  s.domain_records.push_back(Record(kOtherRecord, 0x102));
  return s;
}

inline std::string TextOf(const Findings& findings) {
  std::set<std::string> lines;
  for (const Violation& v : findings.violations()) {
    lines.insert(std::string(IdOf(v.invariant)) + ": " + v.detail);
  }
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace iommufd_check::spec
