#include "fuzz/targets/hostile_memory.h"

#include <algorithm>

#include "model/program/bytes/byte_layout.h"
#include "model/sim/runtime.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kWordBytes = 12;
constexpr uint8_t kPointer = 128;
constexpr uint64_t kWordsOfFrame = mm::kPageSize / 8;

mm::PhysMemory EmptyFrames() {
  mm::PhysMemory phys;
  sim::LockTable locks;
  sim::Runtime runtime;
  runtime.Reset({.locks = &locks});
  runtime.RunSequential([&](sim::Task& t) {
    runtime.BeginOperation(t, 0, 0);
    std::optional<mm::Pfn> first = phys.Alloc(t, mm::FrameOwner::kPageTable, 4);
    IOMMUFD_CHECK(first == HostileMemory::kFirst, "the frames begin where memory does");
    phys.Alloc(t, mm::FrameOwner::kMemfdSer);
    phys.Alloc(t, mm::FrameOwner::kIommufdSer);
    phys.Alloc(t, mm::FrameOwner::kFlbSer, 2);
    runtime.EndOperation(t, 0);
  });
  IOMMUFD_CHECK(phys.live_frames() == HostileMemory::kFrames, "every frame is in use");
  return phys;
}

}  // namespace

HostileMemory::HostileMemory(std::span<const uint8_t> bytes) {
  static const mm::PhysMemory empty = EmptyFrames();
  phys_ = empty;
  const size_t words = std::min(bytes.size() / kWordBytes, kMostWords);
  for (size_t i = 0; i < words; ++i) {
    const uint8_t* const at = &bytes[i * kWordBytes];
    const mm::Pfn frame = kFirst + at[0] % kFrames;
    const uint64_t index = program::Load16(at + 1) % kWordsOfFrame;
    uint64_t value = program::Load64(at + 4, 8);
    if (at[0] >= kPointer) value = mm::AddressOf(kFirst + at[4] % kFrames) | (at[5] & 7u);
    IOMMUFD_CHECK(phys_.WriteWord(mm::AddressOf(frame) + 8 * index, value), "a frame in use");
  }
}

mm::FrameOwner HostileMemory::Owner(mm::Pfn pfn) const {
  return phys_.Exists(pfn) ? phys_.at(pfn).owner : mm::FrameOwner::kFree;
}

uint64_t HostileMemory::Word(mm::PhysAddr address) const { return phys_.ReadWord(address); }

void HostileMemory::Words(mm::Pfn pfn, std::vector<std::pair<uint64_t, uint64_t>>* words) const {
  words->clear();
  phys_.ForEachWord(pfn, [&](uint64_t i, uint64_t value) { words->emplace_back(i, value); });
}

}  // namespace iommufd_check::cli
