#include "model/mm/phys_memory.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/mm/machine_fixture.h"

namespace iommufd_check::mm {
namespace {

using sim::Task;

class PhysMemoryTest : public testing::Test, public MachineFixture {
 protected:
  PhysMemory& phys() { return machine.phys; }
  Pfn Alloc(size_t count = 1, FrameOwner owner = FrameOwner::kPageTable) {
    Pfn pfn = 0;
    Alone([&](Task& t) { pfn = phys().Alloc(t, owner, count).value_or(0); });
    return pfn;
  }
  void Put(Pfn pfn) {
    Alone([&](Task& t) { phys().Put(t, pfn); });
  }
};

TEST_F(PhysMemoryTest, LowestFrameFirst) {
  EXPECT_EQ(Alloc(), kFirstPfn);
  EXPECT_EQ(Alloc(), kFirstPfn + 1);
  EXPECT_EQ(Alloc(), kFirstPfn + 2);
  Put(kFirstPfn + 1);
  EXPECT_EQ(Alloc(), kFirstPfn + 1);
  EXPECT_EQ(phys().live_frames(), 3u);
}

TEST_F(PhysMemoryTest, RunsTakeTheLowestHoleThatFits) {
  EXPECT_EQ(Alloc(5), kFirstPfn);
  Put(kFirstPfn + 1);
  Put(kFirstPfn + 3);
  EXPECT_EQ(Alloc(2), kFirstPfn + 5) << "no two free frames before";
  Put(kFirstPfn + 2);
  EXPECT_EQ(Alloc(3), kFirstPfn + 1);
  EXPECT_EQ(Alloc(1), kFirstPfn + 7);
}

TEST_F(PhysMemoryTest, AFreedMemoryEqualsWhatItWas) {
  Alloc();
  const PhysMemory before = phys();
  const Pfn pfn = Alloc(3);
  phys().WriteWord(AddressOf(pfn) + 8, 77);
  EXPECT_FALSE(phys() == before);
  for (Pfn p = pfn; p < pfn + 3; ++p) Put(p);
  EXPECT_TRUE(phys() == before);
  EXPECT_EQ(Alloc(), pfn);
  EXPECT_EQ(phys().ReadWord(AddressOf(pfn) + 8), 0u) << "frames are handed out zeroed";
}

TEST_F(PhysMemoryTest, MemoryIsFinite) {
  EXPECT_EQ(Alloc(PhysMemory::kMaxFrames + 1), 0u);
  EXPECT_EQ(phys().live_frames(), 0u);
  EXPECT_EQ(Alloc(PhysMemory::kMaxFrames), kFirstPfn);
  EXPECT_EQ(Alloc(), 0u);
  Put(kFirstPfn + 10);
  EXPECT_EQ(Alloc(2), 0u);
  EXPECT_EQ(Alloc(), kFirstPfn + 10);
}

TEST_F(PhysMemoryTest, PinsKeepAFrameAlive) {
  const Pfn pfn = Alloc(1, FrameOwner::kMemfdData);
  phys().WriteWord(AddressOf(pfn), 5);
  phys().Pin(pfn);
  phys().Pin(pfn);
  Put(pfn);
  EXPECT_EQ(phys().at(pfn).owner, FrameOwner::kMemfdData);
  EXPECT_EQ(phys().at(pfn).refs, 2);
  EXPECT_EQ(phys().at(pfn).pins, 2);
  EXPECT_EQ(phys().ReadWord(AddressOf(pfn)), 5u);
  Alone([&](Task& t) { phys().Unpin(t, pfn); });
  EXPECT_EQ(phys().live_frames(), 1u);
  Alone([&](Task& t) { phys().Unpin(t, pfn); });
  EXPECT_EQ(phys().live_frames(), 0u);
  EXPECT_FALSE(phys().Exists(pfn));
}

TEST_F(PhysMemoryTest, WordsAreSparseAndCanonical) {
  const Pfn pfn = Alloc(2);
  const PhysMemory empty = phys();
  phys().WriteWord(AddressOf(pfn) + 16, 3);
  phys().WriteWord(AddressOf(pfn) + 8, 2);
  phys().WriteWord(AddressOf(pfn + 1), 4);
  std::vector<std::pair<uint64_t, uint64_t>> seen;
  phys().ForEachWord(pfn, [&](uint64_t index, uint64_t value) { seen.emplace_back(index, value); });
  const std::vector<std::pair<uint64_t, uint64_t>> expected{{1, 2}, {2, 3}};
  EXPECT_EQ(seen, expected);

  PhysMemory other = empty;  // the same words in another order
  other.WriteWord(AddressOf(pfn + 1), 4);
  other.WriteWord(AddressOf(pfn) + 8, 9);
  other.WriteWord(AddressOf(pfn) + 16, 3);
  EXPECT_FALSE(other == phys());
  other.WriteWord(AddressOf(pfn) + 8, 2);
  EXPECT_TRUE(other == phys());

  for (PhysAddr a : {AddressOf(pfn) + 8, AddressOf(pfn) + 16, AddressOf(pfn + 1)}) {
    phys().WriteWord(a, 0);
  }
  EXPECT_TRUE(phys() == empty);
}

TEST_F(PhysMemoryTest, FieldsOfAnyAlignmentAgreeWithAByteArray) {
  constexpr size_t kBytes = 2 * kPageSize;
  const Pfn pfn = Alloc(2);
  const PhysMemory empty = phys();
  std::vector<uint8_t> bytes(kBytes, 0);
  std::mt19937_64 random(1);
  constexpr int kWidths[] = {1, 2, 4, 8};
  for (int round = 0; round < 20'000; ++round) {
    const int width = kWidths[random() % 4];
    // Close together, so that fields overlap, and across the frame boundary.
    const size_t offset = kPageSize - 40 + random() % 80;
    if (random() % 2 == 0) {
      const uint64_t value = random() % 4 == 0 ? 0 : random();
      phys().WriteField(AddressOf(pfn) + offset, width, value);
      for (int i = 0; i < width; ++i) bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
    }
    uint64_t expected = 0;
    for (int i = 0; i < width; ++i) expected |= uint64_t{bytes[offset + i]} << (8 * i);
    ASSERT_EQ(phys().ReadField(AddressOf(pfn) + offset, width), expected) << "round " << round;
  }
  for (size_t offset = 0; offset < kBytes; ++offset) {
    ASSERT_EQ(phys().ReadField(AddressOf(pfn) + offset, 1), bytes[offset]);
    phys().WriteField(AddressOf(pfn) + offset, 1, 0);
  }
  EXPECT_TRUE(phys() == empty) << "no word of zeroes is left behind";
}

TEST_F(PhysMemoryTest, WhatDoesNotExistReadsAsZero) {
  EXPECT_EQ(phys().ReadWord(0), 0u);
  EXPECT_EQ(phys().ReadField(AddressOf(kFirstPfn + 1000) + 3, 8), 0u);
  EXPECT_FALSE(phys().Exists(0));
  EXPECT_FALSE(phys().Exists(kFirstPfn));
}

class PhysMemoryDeathTest : public PhysMemoryTest {};

TEST_F(PhysMemoryDeathTest, MisuseIsRefused) {
  const Pfn pfn = Alloc();
  EXPECT_DEATH(Alone([&](Task& t) { phys().Unpin(t, pfn); }), "not pinned");
  EXPECT_DEATH(phys().WriteWord(AddressOf(pfn + 5), 1), "outside memory");
  EXPECT_DEATH(phys().WriteWord(AddressOf(pfn) + 4, 1), "aligned");
  phys().Pin(pfn);
  Put(pfn);
  EXPECT_DEATH(Put(pfn), "only pins are left");
}

}  // namespace
}  // namespace iommufd_check::mm
