// Physical memory: frames with an owner, and their contents as sparse 64-bit words.
//
// Invariants
//   1. A free frame has no reference, no pin and no non-zero word.
//   2. The words are sorted by address and none is zero, so equal memories are equal values.
// Frames are handed out lowest pfn first: allocation is a pure function of the value.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "model/mm/types.h"
#include "model/sim/task.h"

namespace iommufd_check::mm {

struct Frame {
  FrameOwner owner = FrameOwner::kFree;
  uint16_t refs = 0;  // owner's reference plus one for each pin
  uint16_t pins = 0;
  friend bool operator==(const Frame&, const Frame&) = default;
  template <class Visitor, class... Self>
  static void Visit(Visitor&& v, Self&... s) {
    v("owner", s.owner...);
    v("refs", s.refs...);
    v("pins", s.pins...);
  }
};

class PhysMemory {
 public:
  static constexpr size_t kMaxFrames = 16384;  // 64 MiB: above it allocations fail, as real ones do

  // `count` zeroed frames with consecutive pfns and one reference each, lowest fit, or nothing
  // when memory is exhausted. Not a fault site: callers name theirs.
  std::optional<Pfn> Alloc(sim::Task& t, FrameOwner owner, size_t count = 1);

  // Drops the owner's reference; the frame is free when no pin is left either.
  void Put(sim::Task& t, Pfn pfn);
  void Pin(Pfn pfn);
  void Unpin(sim::Task& t, Pfn pfn);

  bool Exists(Pfn pfn) const { return pfn >= kFirstPfn && pfn - kFirstPfn < frames_.size(); }
  const Frame& at(Pfn pfn) const;
  size_t live_frames() const;

  // Reads of frames that do not exist give 0; writes need a frame in use.
  uint64_t ReadWord(PhysAddr address) const;  // REQUIRES: 8-byte aligned
  void WriteWord(PhysAddr address, uint64_t value);

  // Little-endian field of 1, 2, 4 or 8 bytes at any alignment (packed structures).
  uint64_t ReadField(PhysAddr address, int bytes) const;
  void WriteField(PhysAddr address, int bytes, uint64_t value);

  // Calls visit(index of 8-byte word in the frame, value) for each non-zero word, ascending.
  template <class Fn>
  void ForEachWord(Pfn pfn, Fn&& visit) const {
    for (size_t i = LowerBound(AddressOf(pfn)); i < words_.size(); ++i) {
      if (PfnOf(words_[i].first) != pfn) return;
      visit((words_[i].first >> 3) & 511, words_[i].second);
    }
  }

  friend bool operator==(const PhysMemory&, const PhysMemory&) = default;
  template <class Visitor, class... Self>
  static void Visit(Visitor&& v, Self&... s) {
    v("frames", s.frames_...);
    v("words", s.words_...);
  }

 private:
  Frame& Mutable(Pfn pfn);
  void Release(sim::Task& t, Pfn pfn);
  size_t LowerBound(PhysAddr address) const;

  std::vector<Frame> frames_;                          // index pfn - kFirstPfn
  std::vector<std::pair<PhysAddr, uint64_t>> words_;  // address of the word, value
};

}  // namespace iommufd_check::mm
