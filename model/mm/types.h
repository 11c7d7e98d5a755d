// Value types of physical and user memory: addresses, frame owners, seals.
//
// Units: an address (PhysAddr, Iova) is in bytes; a Pfn counts pages of kPageSize bytes. Ranges
// that say `last` are inclusive.
#pragma once

#include <cstdint>
#include <string_view>

namespace iommufd_check::mm {

using PhysAddr = uint64_t;
using Pfn = uint64_t;
using Iova = uint64_t;

inline constexpr int kPageShift = 12;
inline constexpr uint64_t kPageSize = uint64_t{1} << kPageShift;
inline constexpr uint64_t kMax = UINT64_MAX;           // "MAX" of uapi.md
inline constexpr uint64_t kMaxFileOffset = INT64_MAX;  // loff_t; MAX_LFS_FILESIZE

// No frame has pfn 0, so physical address 0 is a NULL that no allocation returns.
inline constexpr Pfn kFirstPfn = 0x100;

constexpr PhysAddr AddressOf(Pfn pfn) { return pfn << kPageShift; }
constexpr Pfn PfnOf(PhysAddr address) { return address >> kPageShift; }

// Frames [first, first + count).
struct PfnRun {
  Pfn first = 0;
  uint64_t count = 0;
  friend bool operator==(const PfnRun&, const PfnRun&) = default;
};

// Who a frame belongs to (invariants.md, "owner class").
enum class FrameOwner : uint8_t {
  kFree,
  kUserMemory,  // anonymous memory of the process
  kMemfdData,   // page cache of a memfd
  kPageTable,   // a table of an IOMMU domain
  kMemfdSer,    // memfd's serialized header and folio list
  kIommufdSer,  // iommufd's record array
  kFlbSer,      // the IOMMU core's header and record arrays
  kCount
};

constexpr std::string_view Name(FrameOwner owner) {
  constexpr std::string_view kNames[] = {"free",      "user",        "memfd",  "page table",
                                         "memfd ser", "iommufd ser", "flb ser"};
  return kNames[static_cast<int>(owner)];
}

// Who freed a frame, in the value of Note::kFrameFreedBy.
struct FreedBy {
  FrameOwner owner = FrameOwner::kFree;  // before
  uint16_t operation = 0;
  uint8_t task = 0;
};
constexpr int64_t PackFreedBy(const FreedBy& by) {
  return static_cast<int64_t>(by.owner) << 24 | int64_t{by.task} << 16 | by.operation;
}
constexpr FreedBy UnpackFreedBy(int64_t value) {
  return {static_cast<FrameOwner>(value >> 24 & 0xff), static_cast<uint16_t>(value & 0xffff),
          static_cast<uint8_t>(value >> 16 & 0xff)};
}

// Which owners an access accepts.
using OwnerSet = uint32_t;
constexpr OwnerSet Only(FrameOwner owner) { return OwnerSet{1} << static_cast<int>(owner); }
inline constexpr OwnerSet kAnyOwner = ~Only(FrameOwner::kFree);
// Memory of kho_alloc_preserve and kho_preserve_vmalloc.
inline constexpr OwnerSet kRecordOwners =
    Only(FrameOwner::kMemfdSer) | Only(FrameOwner::kIommufdSer) | Only(FrameOwner::kFlbSer);
constexpr bool Contains(OwnerSet set, FrameOwner owner) { return (set & Only(owner)) != 0; }

// F_SEAL_* (uapi fcntl.h), same bits.
enum Seal : uint32_t {
  kSealSeal = 1,
  kSealShrink = 2,
  kSealGrow = 4,
  kSealWrite = 8,
  kSealFutureWrite = 16,
  kSealExec = 32,
};
inline constexpr uint32_t kKnownSeals = 0x3f;
// What iommufd asks of a mapped memfd (designs.md section 5, step 2d).
inline constexpr uint32_t kSealsOfPreserved = kSealSeal | kSealShrink | kSealGrow;

// An open file as LUO and the dependency lookup name it.
struct FileRef {
  enum class Kind : uint8_t { kNone, kMemfd, kIommufd };
  Kind kind = Kind::kNone;
  uint16_t index = 0;
  friend bool operator==(const FileRef&, const FileRef&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("kind", s.kind...);
    v("index", s.index...);
  }
};

}  // namespace iommufd_check::mm
