#include "model/mm/phys_memory.h"

#include <algorithm>

#include "model/sim/check.h"

namespace iommufd_check::mm {
namespace {

sim::ObjectRef FrameRef(Pfn pfn) {
  return {sim::ObjectKind::kFrame, static_cast<uint16_t>(pfn - kFirstPfn)};
}

}  // namespace

std::optional<size_t> PhysMemory::FindRun(size_t count, size_t alignment) {
  const auto aligned = [&](size_t index) {
    const size_t pfn = kFirstPfn + index + alignment - 1;
    return pfn / alignment * alignment - kFirstPfn;
  };
  while (all_used_ < frames_.size() && frames_[all_used_].owner != FrameOwner::kFree) ++all_used_;
  size_t first = aligned(all_used_);
  for (size_t run = 0; run < count;) {
    const size_t index = first + run;
    if (index >= kMaxFrames) return std::nullopt;
    if (index < frames_.size() && frames_[index].owner != FrameOwner::kFree) {
      first = aligned(index + 1);
      run = 0;
    } else {
      ++run;
    }
  }
  return first;
}

std::optional<Pfn> PhysMemory::Alloc(sim::Task& t, FrameOwner owner, size_t count) {
  IOMMUFD_CHECK(owner != FrameOwner::kFree, "a frame in use has an owner");
  IOMMUFD_CHECK(count > 0, "an allocation has at least one frame");
  const std::optional<size_t> first = FindRun(count, 1);
  if (!first.has_value()) return std::nullopt;
  if (*first + count > frames_.size()) frames_.resize(*first + count);
  ++changes_;
  for (size_t i = *first; i < *first + count; ++i) {
    frames_[i] = Frame{.owner = owner, .refs = 1};
    t.Emit(sim::Note::kFrameAlloc, FrameRef(kFirstPfn + i), static_cast<int64_t>(owner));
  }
  return kFirstPfn + *first;
}

std::optional<Pfn> PhysMemory::AllocFolio(sim::Task& t, FrameOwner owner, int order) {
  IOMMUFD_CHECK(owner != FrameOwner::kFree, "a frame in use has an owner");
  IOMMUFD_CHECK(order >= 0 && order <= kMaxOrder, "callers refuse what the allocator cannot do");
  const size_t count = size_t{1} << order;
  const std::optional<size_t> first = FindRun(count, count);
  if (!first.has_value()) return std::nullopt;
  if (*first + count > frames_.size()) frames_.resize(*first + count);
  ++changes_;
  for (size_t i = 0; i < count; ++i) {
    frames_[*first + i] = Frame{.owner = owner, .tail = static_cast<uint16_t>(i)};
    t.Emit(sim::Note::kFrameAlloc, FrameRef(kFirstPfn + *first + i), static_cast<int64_t>(owner));
  }
  frames_[*first].refs = 1;
  frames_[*first].order = static_cast<uint8_t>(order);
  return kFirstPfn + *first;
}

void PhysMemory::BadUse(sim::Task& t, Pfn pfn, sim::ObjectRef by) const {
  IOMMUFD_CHECK(!InUse(pfn), "only what is not in use cannot be used");
  if (pfn < kFirstPfn || pfn - kFirstPfn >= kMaxFrames) {
    t.Oops(sim::Splat::kBadFrame, by, static_cast<int64_t>(pfn));
  }
  if (pfn - kFirstPfn < graves_.size() && graves_[pfn - kFirstPfn].generation != 0) {
    const Grave& grave = graves_[pfn - kFirstPfn];
    t.Emit(sim::Note::kFrameFreedBy, FrameRef(pfn),
           PackFreedBy({grave.owner, grave.operation, grave.task}));
  }
  t.Oops(sim::Splat::kUseAfterFree, by, static_cast<int64_t>(pfn));
}

const Frame& PhysMemory::Use(sim::Task& t, Pfn pfn, OwnerSet owners, sim::ObjectRef by) const {
  if (!InUse(pfn)) [[unlikely]]
    BadUse(t, pfn, by);
  const Frame& frame = frames_[pfn - kFirstPfn];
  if (!Contains(owners, frame.owner)) [[unlikely]]
    t.Oops(sim::Splat::kForeignFrame, by, static_cast<int64_t>(pfn));
  return frame;
}

Frame& PhysMemory::Head(sim::Task& t, Pfn pfn) {
  const Frame& frame = Use(t, pfn, kAnyOwner, InUse(pfn) ? FrameRef(pfn) : sim::ObjectRef{});
  Frame& head = frames_[pfn - kFirstPfn - frame.tail];
  IOMMUFD_CHECK(head.owner == frame.owner && head.tail == 0, "a folio has one head");
  return head;
}

void PhysMemory::ReleaseFrame(sim::Task& t, Pfn pfn) {
  const size_t index = pfn - kFirstPfn;
  const size_t first = LowerBound(AddressOf(pfn));
  const size_t last = LowerBound(AddressOf(pfn + 1));
  words_.erase(words_.begin() + static_cast<ptrdiff_t>(first),
               words_.begin() + static_cast<ptrdiff_t>(last));
  if (index >= graves_.size()) graves_.resize(index + 1);
  Grave& grave = graves_[index];
  ++grave.generation;
  if (grave.generation == 0) grave.generation = 1;  // never again "never"
  grave.owner = frames_[index].owner;
  grave.operation = t.operation();
  grave.task = t.id();
  frames_[index] = Frame{};
  all_used_ = std::min(all_used_, index);
  ++changes_;
  t.Emit(sim::Note::kFrameFree, FrameRef(pfn), static_cast<int64_t>(pfn));
}

void PhysMemory::Release(sim::Task& t, Pfn head) {
  const Pfn end = head + (Pfn{1} << frames_[head - kFirstPfn].order);
  for (Pfn pfn = head; pfn < end; ++pfn) ReleaseFrame(t, pfn);
  while (!frames_.empty() && frames_.back().owner == FrameOwner::kFree) frames_.pop_back();
}

void PhysMemory::Put(sim::Task& t, Pfn pfn) {
  Frame& head = Head(t, pfn);
  if (head.refs <= head.pins) {
    t.Oops(sim::Splat::kBadPageState, FrameRef(pfn), static_cast<int64_t>(pfn));
  }
  if (--head.refs == 0) Release(t, pfn - frames_[pfn - kFirstPfn].tail);
}

void PhysMemory::Pin(sim::Task& t, Pfn pfn) {
  Frame& head = Head(t, pfn);
  if (head.pins >= kMaxPins) {
    t.Oops(sim::Splat::kBadPageState, FrameRef(pfn), static_cast<int64_t>(pfn));
  }
  ++head.refs;
  ++head.pins;
}

void PhysMemory::Unpin(sim::Task& t, Pfn pfn) {
  Frame& head = Head(t, pfn);
  if (head.pins == 0) {
    t.Oops(sim::Splat::kBadPageState, FrameRef(pfn), static_cast<int64_t>(pfn));
  }
  --head.pins;
  t.Access(sim::Primitive::kWrite, FrameRef(pfn), sim::Field::kPins, sim::kAccessMarked);
  if (--head.refs == 0) Release(t, pfn - frames_[pfn - kFirstPfn].tail);
}

uint16_t PhysMemory::ReadPins(sim::Task& t, Pfn pfn) const {
  t.Access(sim::Primitive::kRead, FrameRef(pfn), sim::Field::kPins, sim::kAccessMarked);
  return at(pfn).pins;
}

size_t PhysMemory::live_frames() const {
  return static_cast<size_t>(std::count_if(
      frames_.begin(), frames_.end(), [](const Frame& f) { return f.owner != FrameOwner::kFree; }));
}

// std::lower_bound without a branch on what is found: addresses come in no order that a processor
// could learn.
size_t PhysMemory::LowerBound(PhysAddr address) const {
  const auto* first = words_.data();
  for (size_t left = words_.size(); left > 0;) {
    const size_t half = (left + 1) / 2;
    first += first[half - 1].first < address ? half : 0;
    left -= half;
  }
  return static_cast<size_t>(first - words_.data());
}

uint64_t PhysMemory::ReadWord(PhysAddr address) const {
  IOMMUFD_CHECK(address % 8 == 0, "words are aligned");
  const Pfn pfn = PfnOf(address);
  if (!InUse(pfn)) return pfn >= kFirstPfn && pfn - kFirstPfn < kMaxFrames ? kPoison : 0;
  const size_t i = LowerBound(address);
  return i < words_.size() && words_[i].first == address ? words_[i].second : 0;
}

bool PhysMemory::WriteWord(PhysAddr address, uint64_t value) {
  return WriteBits(address, UINT64_MAX, value);
}

bool PhysMemory::WriteBits(PhysAddr address, uint64_t mask, uint64_t value) {
  IOMMUFD_CHECK(address % 8 == 0, "words are aligned");
  IOMMUFD_CHECK((value & ~mask) == 0, "what is written is of the bits that are");
  if (!InUse(PfnOf(address))) return false;
  ++changes_;
  const size_t i = LowerBound(address);
  const auto place = words_.begin() + static_cast<ptrdiff_t>(i);
  const bool present = i < words_.size() && place->first == address;
  const uint64_t after = ((present ? place->second : 0) & ~mask) | value;
  if (present && after != 0) {
    place->second = after;
  } else if (present) {
    words_.erase(place);
  } else if (after != 0) {
    words_.insert(place, {address, after});
  }
  return true;
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

bool PhysMemory::WriteField(PhysAddr address, int bytes, uint64_t value) {
  const PhysAddr word = address & ~uint64_t{7};
  const int shift = static_cast<int>(8 * (address & 7));
  const uint64_t mask = bytes == 8 ? UINT64_MAX : (uint64_t{1} << (8 * bytes)) - 1;
  value &= mask;
  bool written = WriteBits(word, mask << shift, value << shift);
  if (shift + 8 * bytes > 64) {
    const int low = 64 - shift;
    written &= WriteBits(word + 8, mask >> low, value >> low);
  }
  return written;
}

}  // namespace iommufd_check::mm
