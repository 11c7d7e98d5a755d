// Memory whose content a fuzzer chose: a few frames of each owner that the next kernel reads.
//
// Every 12 bytes are one word: byte 0 the frame (modulo their number) and, from 128 on, that the
// value is a pointer; bytes 1-2 which word of the frame; bytes 4-11 the value. A pointer is to one
// of the frames (byte 4, modulo their number), with the low bits of byte 5 as its flags.
//
//   HostileMemory memory(bytes);
//   spec::ReadTables(memory, HostileMemory::kFirst, &tables);
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "model/mm/phys_memory.h"
#include "model/spec/frames.h"

namespace iommufd_check::cli {

class HostileMemory : public spec::Frames {
 public:
  // Four tables, then a frame for memfd's bytes, one for iommufd's, two for those of the FLB.
  static constexpr mm::Pfn kFirst = mm::kFirstPfn;
  static constexpr size_t kFrames = 8;
  static constexpr mm::Pfn kMemfdSer = kFirst + 4;
  static constexpr mm::Pfn kIommufdSer = kFirst + 5;
  static constexpr mm::Pfn kFlbSer = kFirst + 6;
  // More words find nothing that fewer do not: a table that contains itself has this number of
  // leaves to the third power.
  static constexpr size_t kMostWords = 32;

  explicit HostileMemory(std::span<const uint8_t> bytes);

  const mm::PhysMemory& phys() const { return phys_; }

  mm::FrameOwner Owner(mm::Pfn pfn) const override;
  uint64_t Word(mm::PhysAddr address) const override;
  void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const override;

 private:
  mm::PhysMemory phys_;
};

}  // namespace iommufd_check::cli
