#include "model/mm/phys_memory.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::mm {
namespace {

sim::ObjectRef FrameRef(Pfn pfn) {
  return {sim::ObjectKind::kFrame, static_cast<uint16_t>(pfn - kFirstPfn)};
}

}  // namespace

std::optional<Pfn> PhysMemory::Alloc(sim::Task& t, FrameOwner owner, size_t count) {
  IOMMUFD_CHECK(owner != FrameOwner::kFree, "a frame in use has an owner");
  IOMMUFD_CHECK(count > 0, "an allocation has at least one frame");
  size_t first = 0;
  for (size_t run = 0; run < count;) {
    const size_t index = first + run;
    if (index >= kMaxFrames) return std::nullopt;
    if (index < frames_.size() && frames_[index].owner != FrameOwner::kFree) {
      first = index + 1;
      run = 0;
    } else {
      ++run;
    }
  }
  if (first + count > frames_.size()) frames_.resize(first + count);
  for (size_t i = first; i < first + count; ++i) {
    frames_[i] = Frame{.owner = owner, .refs = 1, .pins = 0};
    t.Emit(sim::Note::kFrameAlloc, FrameRef(kFirstPfn + i), static_cast<int64_t>(owner));
  }
  return kFirstPfn + first;
}

Frame& PhysMemory::Mutable(Pfn pfn) {
  IOMMUFD_CHECK(Exists(pfn), "pfn outside memory");
  Frame& frame = frames_[pfn - kFirstPfn];
  IOMMUFD_CHECK(frame.owner != FrameOwner::kFree, "use of a free frame by the model itself");
  return frame;
}

const Frame& PhysMemory::at(Pfn pfn) const {
  IOMMUFD_CHECK(Exists(pfn), "pfn outside memory");
  return frames_[pfn - kFirstPfn];
}

void PhysMemory::Release(sim::Task& t, Pfn pfn) {
  const size_t first = LowerBound(AddressOf(pfn));
  const size_t last = LowerBound(AddressOf(pfn + 1));
  words_.erase(words_.begin() + static_cast<ptrdiff_t>(first),
               words_.begin() + static_cast<ptrdiff_t>(last));
  frames_[pfn - kFirstPfn] = Frame{};
  while (!frames_.empty() && frames_.back().owner == FrameOwner::kFree) frames_.pop_back();
  t.Emit(sim::Note::kFrameFree, FrameRef(pfn), static_cast<int64_t>(pfn));
}

void PhysMemory::Put(sim::Task& t, Pfn pfn) {
  Frame& frame = Mutable(pfn);
  IOMMUFD_CHECK(frame.refs > frame.pins, "only pins are left on the frame");
  if (--frame.refs == 0) Release(t, pfn);
}

void PhysMemory::Pin(Pfn pfn) {
  Frame& frame = Mutable(pfn);
  IOMMUFD_CHECK(frame.pins < 60000, "pin count of a frame overflows");
  ++frame.refs;
  ++frame.pins;
}

void PhysMemory::Unpin(sim::Task& t, Pfn pfn) {
  Frame& frame = Mutable(pfn);
  IOMMUFD_CHECK(frame.pins > 0, "unpin of a frame that is not pinned");
  --frame.pins;
  if (--frame.refs == 0) Release(t, pfn);
}

size_t PhysMemory::live_frames() const {
  return static_cast<size_t>(std::count_if(frames_.begin(), frames_.end(), [](const Frame& f) {
    return f.owner != FrameOwner::kFree;
  }));
}

size_t PhysMemory::LowerBound(PhysAddr address) const {
  const auto it = std::lower_bound(
      words_.begin(), words_.end(), address,
      [](const std::pair<PhysAddr, uint64_t>& word, PhysAddr a) { return word.first < a; });
  return static_cast<size_t>(it - words_.begin());
}

uint64_t PhysMemory::ReadWord(PhysAddr address) const {
  IOMMUFD_CHECK(address % 8 == 0, "words are aligned");
  const size_t i = LowerBound(address);
  return i < words_.size() && words_[i].first == address ? words_[i].second : 0;
}

void PhysMemory::WriteWord(PhysAddr address, uint64_t value) {
  IOMMUFD_CHECK(address % 8 == 0, "words are aligned");
  Mutable(PfnOf(address));
  const size_t i = LowerBound(address);
  const bool present = i < words_.size() && words_[i].first == address;
  if (value == 0) {
    if (present) words_.erase(words_.begin() + static_cast<ptrdiff_t>(i));
  } else if (present) {
    words_[i].second = value;
  } else {
    words_.insert(words_.begin() + static_cast<ptrdiff_t>(i), {address, value});
  }
}

// A field covers one word or the end of one and the start of the next.
uint64_t PhysMemory::ReadField(PhysAddr address, int bytes) const {
  const PhysAddr word = address & ~uint64_t{7};
  const int shift = static_cast<int>(8 * (address & 7));
  const uint64_t mask = bytes == 8 ? UINT64_MAX : (uint64_t{1} << (8 * bytes)) - 1;
  uint64_t value = ReadWord(word) >> shift;
  if (shift + 8 * bytes > 64) value |= ReadWord(word + 8) << (64 - shift);
  return value & mask;
}

void PhysMemory::WriteField(PhysAddr address, int bytes, uint64_t value) {
  const PhysAddr word = address & ~uint64_t{7};
  const int shift = static_cast<int>(8 * (address & 7));
  const uint64_t mask = bytes == 8 ? UINT64_MAX : (uint64_t{1} << (8 * bytes)) - 1;
  value &= mask;
  WriteWord(word, (ReadWord(word) & ~(mask << shift)) | value << shift);
  if (shift + 8 * bytes > 64) {
    const int low = 64 - shift;
    WriteWord(word + 8, (ReadWord(word + 8) & ~(mask >> low)) | value >> low);
  }
}

}  // namespace iommufd_check::mm
