// Memory as the hardware, and the next kernel, find it: words of frames, whatever they mean.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "model/mm/types.h"

namespace iommufd_check::spec {

class Frames {
 public:
  virtual ~Frames() = default;

  // Who has the frame; kFree also where there is no memory.
  virtual mm::FrameOwner Owner(mm::Pfn pfn) const = 0;
  // The 8 bytes at `address`, little-endian; 0 where there is no memory. REQUIRES: aligned.
  virtual uint64_t Word(mm::PhysAddr address) const = 0;
  // Overwrites *words with (index of the word in the frame, value) of each word that is not 0,
  // ascending. None where there is no memory.
  virtual void Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const = 0;

  // A little-endian field of 1 to 8 bytes at any alignment.
  uint64_t Field(mm::PhysAddr address, int bytes) const {
    const mm::PhysAddr word = address - address % 8;
    const int skipped = static_cast<int>(8 * (address % 8));
    uint64_t value = Word(word) >> skipped;
    if (skipped + 8 * bytes > 64) value |= Word(word + 8) << (64 - skipped);
    return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
  }
};

}  // namespace iommufd_check::spec
