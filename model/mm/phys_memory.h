// Physical memory: frames with an owner, and their contents as sparse 64-bit words.
//
// Invariants
//   1. A free frame has no reference, no pin and no word; what reads it all the same gets kPoison.
//   2. The words are sorted by address and none is zero, so equal memories are equal values.
//   3. The references and pins of a folio are counted on its head; its other frames have none.
// Frames are handed out lowest pfn first: allocation is a pure function of the value.
//
// A design may name any frame: one that is free, another owner's, or no memory at all. Primitives
// that take a Task answer with an oops, after a note that says who freed the frame last.
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
  uint8_t order = 0;  // of the folio that starts here, log2 of frames
  uint16_t tail = 0;  // distance from the head of the folio that this frame belongs to
  friend bool operator==(const Frame&, const Frame&) = default;
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("owner", s.owner...);
    v("refs", s.refs...);
    v("pins", s.pins...);
    v("order", s.order...);
    v("tail", s.tail...);
  }
};

// The last free of a frame, for reports: a ghost, like the generations of slots.h.
struct Grave {
  uint16_t generation = 0;  // how often the frame was freed; 0: never
  FrameOwner owner = FrameOwner::kFree;
  uint16_t operation = 0;
  sim::TaskId task = 0;
};

class PhysMemory {
 public:
  static constexpr size_t kMaxFrames = 16384;  // 64 MiB: above it allocations fail, as real ones do

  static constexpr int kMaxOrder = 10;         // MAX_PAGE_ORDER
  static constexpr uint16_t kMaxPins = 60000;  // of a folio; more is a leak that overflows
  // What free memory holds (mm/page_poison.c: PAGE_POISON).
  static constexpr uint64_t kPoison = 0xaaaaaaaaaaaaaaaa;

  // `count` zeroed frames with consecutive pfns and one reference each, lowest fit, or nothing
  // when memory is exhausted. Not a fault site: callers name theirs.
  std::optional<Pfn> Alloc(sim::Task& t, FrameOwner owner, size_t count = 1);
  // One folio of 2^order zeroed frames, its pfn a multiple of that (the buddy allocator).
  std::optional<Pfn> AllocFolio(sim::Task& t, FrameOwner owner, int order);

  // The frame, in use by one of `owners`. Else an oops on behalf of `by`: kBadFrame where there is
  // no memory, kUseAfterFree for a free frame, kForeignFrame for somebody else's.
  const Frame& Use(sim::Task& t, Pfn pfn, OwnerSet owners, sim::ObjectRef by) const;

  // Drops the owner's reference of the folio; it is free when no pin is left either. An oops for
  // a frame not in use, and for one whose owner dropped its reference before (kBadPageState).
  void Put(sim::Task& t, Pfn pfn);
  void Pin(sim::Task& t, Pfn pfn);    // an oops for a frame not in use
  void Unpin(sim::Task& t, Pfn pfn);  // also for one that is not pinned (kBadPageState)
  // folio_maybe_dma_pinned and the like. 0 for a frame not in use.
  uint16_t ReadPins(sim::Task& t, Pfn pfn) const;

  // Below the end of what was ever handed out and is still in use somewhere above.
  bool Exists(Pfn pfn) const { return pfn >= kFirstPfn && pfn - kFirstPfn < frames_.size(); }
  bool InUse(Pfn pfn) const { return at(pfn).owner != FrameOwner::kFree; }
  // Of any pfn: a free frame where there is none.
  const Frame& at(Pfn pfn) const {
    static constexpr Frame kNone;
    return Exists(pfn) ? frames_[pfn - kFirstPfn] : kNone;
  }
  size_t live_frames() const;

  // Grows with each change of an owner or of a word, so that what was read of this memory still
  // stands when it is what it was. A ghost, and a memory that is copied over another takes it
  // along.
  uint64_t changes() const { return changes_; }

  // Total: free memory reads as kPoison, no memory at all as 0.
  uint64_t ReadWord(PhysAddr address) const;  // REQUIRES: 8-byte aligned
  // False, and nothing written, when the frame is not in use.
  bool WriteWord(PhysAddr address, uint64_t value);

  // Little-endian field of 1, 2, 4 or 8 bytes at any alignment (packed structures).
  uint64_t ReadField(PhysAddr address, int bytes) const;
  bool WriteField(PhysAddr address, int bytes, uint64_t value);

  // Calls visit(index of 8-byte word in the frame, value) for each non-zero word, ascending.
  template <class Fn>
  void ForEachWord(Pfn pfn, Fn&& visit) const {
    for (size_t i = LowerBound(AddressOf(pfn)); i < words_.size(); ++i) {
      if (PfnOf(words_[i].first) != pfn) return;
      visit((words_[i].first >> 3) & 511, words_[i].second);
    }
  }

  friend bool operator==(const PhysMemory& a, const PhysMemory& b) {
    return a.frames_ == b.frames_ && a.words_ == b.words_;
  }
  template <class Visitor, class... Self>
  static constexpr void Visit(Visitor&& v, Self&... s) {
    v("frames", s.frames_...);
    v("words", s.words_...);
  }

 private:
  Frame& Head(sim::Task& t, Pfn pfn);
  std::optional<size_t> FindRun(size_t count, size_t alignment);
  void Release(sim::Task& t, Pfn head);
  void ReleaseFrame(sim::Task& t, Pfn pfn);
  [[noreturn]] void BadUse(sim::Task& t, Pfn pfn, sim::ObjectRef by) const;
  size_t LowerBound(PhysAddr address) const;
  // Of the word at `address`, the bits in `mask` become those of `value`, which has no others.
  bool WriteBits(PhysAddr address, uint64_t mask, uint64_t value);

  std::vector<Frame> frames_;                         // index pfn - kFirstPfn
  std::vector<Grave> graves_;                         // index pfn - kFirstPfn
  std::vector<std::pair<PhysAddr, uint64_t>> words_;  // address of the word, value
  size_t all_used_ = 0;   // no frame below this index is free: a search need not look there
  uint64_t changes_ = 0;  // see changes()
};

}  // namespace iommufd_check::mm
