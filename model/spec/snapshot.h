// The observable state of the machine as plain values: what the invariants of quiescent points and
// the oracle read. Whoever knows the machine fills it (model/program/execute/observe.h); nothing
// here knows how the machine works.
//
// Lists are ascending by id, number, IOVA or pfn. Objects with ids are named as in object_id.h;
// `number` is the index of an object without an id. Units: bytes unless the name says pages or pfn.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/mm/types.h"
#include "model/uapi/contract.h"

namespace iommufd_check::spec {

using mm::Iova;
using mm::Pfn;
using mm::PhysAddr;

// What of a Snapshot is read together, and changes together.
enum class Part : uint8_t {
  kIommufds,
  kIoas,
  kHwpts,
  kDevices,
  kDomains,
  kMemfds,
  kSessions,
  kRegistered,
  kRecords,  // the FLB and the domain records
  kCount
};
using PartSet = uint32_t;
constexpr PartSet Only(Part part) { return PartSet{1} << static_cast<int>(part); }
inline constexpr PartSet kNoPart = 0;
inline constexpr PartSet kAllParts = Only(Part::kCount) - 1;
constexpr bool Contains(PartSet set, Part part) { return (set & Only(part)) != 0; }

struct LeafView {
  Iova iova = 0;
  Pfn pfn = 0;
  uint64_t permissions = 0;  // 1 read, 2 write
  friend bool operator==(const LeafView&, const LeafView&) = default;
};

struct DomainView {
  uint16_t number = 0;
  uint32_t ioas = 0;  // id; 0 when no HWPT has it
  Pfn top = 0;
  PhysAddr preserved_state = 0;  // address of its record, 0 when not preserved
  std::vector<Pfn> tables;       // reachable from top, ascending
  std::vector<LeafView> leaves;  // ascending by IOVA
  friend bool operator==(const DomainView&, const DomainView&) = default;
};

inline constexpr uint16_t kNoBacking = UINT16_MAX;

struct AreaView {
  Iova first = 0;
  Iova last = 0;
  uint64_t permissions = 0;
  bool finished = false;  // published: pages != NULL
  bool is_file = false;
  uint16_t memfd = 0;        // when is_file
  uint64_t source_page = 0;  // first page in the file; in the address space otherwise
  uint32_t page_offset = 0;  // of its first byte in that page
  uint64_t pages = 0;
  uint16_t backing = kNoBacking;  // the pages object, by number: areas of one share its pins
  bool writable = false;          // that object's pages, so a copy may be too
  uint32_t seals = 0;             // as sampled by a design at map time
  friend bool operator==(const AreaView&, const AreaView&) = default;
};

struct IoasView {
  uint32_t id = 0;
  uint32_t users = 0;
  uint32_t wait_cnt = 1;
  uint32_t immutable = 0;  // flag or count
  uint64_t alignment = 1;
  std::vector<AreaView> areas;
  std::vector<uint16_t> domains;  // numbers
  friend bool operator==(const IoasView&, const IoasView&) = default;
};

struct HwptView {
  uint32_t id = 0;
  uint32_t ioas = 0;
  uint16_t domain = 0;
  uint32_t users = 0;
  uint32_t wait_cnt = 0;
  bool marked = false;
  bool preserved = false;  // the flag of designs that have one
  uint64_t token = 0;
  friend bool operator==(const HwptView&, const HwptView&) = default;
};

struct DeviceView {
  uint32_t id = 0;
  uint16_t endpoint = 0;
  uint32_t users = 0;
  uint32_t wait_cnt = 1;
  uint32_t attached = 0;  // HWPT id, 0 when not attached
  friend bool operator==(const DeviceView&, const DeviceView&) = default;
};

struct MemfdView {
  uint16_t number = 0;
  uint64_t size = 0;
  uint32_t seals = 0;
  bool frozen = false;
  uint32_t refs = 1;     // references on its file
  uint32_t holders = 1;  // its descriptor, areas that map it, sessions that preserve it
  std::vector<std::pair<uint32_t, Pfn>> pages;  // page cache: file index -> pfn
  friend bool operator==(const MemfdView&, const MemfdView&) = default;
};

// A record that the next kernel would read, parsed from memory.
struct HwptRecordView {
  uint64_t token = 0;
  PhysAddr domain_data = 0;
  friend bool operator==(const HwptRecordView&, const HwptRecordView&) = default;
};

struct DomainRecordView {
  PhysAddr address = 0;
  bool deleted = false;
  PhysAddr top_table = 0;
  std::vector<Pfn> tables;  // of a live record: reachable from top_table, ascending
  friend bool operator==(const DomainRecordView&, const DomainRecordView&) = default;
};

// A preserved file. memfd: what was serialized; iommufd: its record array.
struct FileView {
  uint64_t token = 0;
  mm::FileRef file;
  uint64_t serialized_size = 0;
  uint32_t serialized_seals = 0;
  std::vector<std::pair<uint32_t, Pfn>> serialized_pages;
  uint64_t nr_hwpts = 0;
  std::vector<HwptRecordView> records;
  friend bool operator==(const FileView&, const FileView&) = default;
};

struct SessionView {
  uint16_t number = 0;
  std::string name;
  uint32_t refs = 1;            // references on its file
  uint32_t fds = 1;             // of them, by the process's own descriptor (0 or 1)
  std::vector<FileView> files;  // in preserve order
  friend bool operator==(const SessionView&, const SessionView&) = default;
};

struct IommufdView {
  uint16_t number = 0;
  uint32_t refs = 1;  // references on its file
  uint32_t fds = 1;   // of them, by the process's own descriptor (0 or 1)
  friend bool operator==(const IommufdView&, const IommufdView&) = default;
};

struct Snapshot {
  std::vector<IommufdView> iommufds;  // whose context exists
  std::vector<IoasView> ioas;
  std::vector<HwptView> hwpts;
  std::vector<DeviceView> devices;
  std::vector<DomainView> domains;
  std::vector<MemfdView> memfds;
  std::vector<SessionView> sessions;
  std::vector<std::pair<Pfn, mm::FrameOwner>> registered;  // KHO's set with each page's owner
  uint32_t flb_count = 0;
  bool flb_present = false;
  std::vector<DomainRecordView> domain_records;
  uapi::Contract contract;  // of the design, for what it hands over
  friend bool operator==(const Snapshot&, const Snapshot&) = default;

  const IommufdView* FindIommufd(uint16_t number) const;
  const IoasView* FindIoas(uint32_t id) const;
  const HwptView* FindHwpt(uint32_t id) const;
  const DeviceView* FindDevice(uint32_t id) const;
  const DomainView* FindDomain(uint16_t number) const;
  const MemfdView* FindMemfd(uint16_t number) const;
  const SessionView* FindSession(uint16_t number) const;
  bool IsRegistered(Pfn pfn) const;
};

}  // namespace iommufd_check::spec
