// The walker on tables that no driver wrote: it ends, and says nothing that is not in the frames.

#include "model/iommu/walker.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/mm/machine_fixture.h"

namespace iommufd_check::iommu {
namespace {

using sim::Task;

class WalkerTest : public testing::Test, public mm::MachineFixture {
 protected:
  mm::Pfn Frames(size_t count) {
    mm::Pfn pfn = 0;
    Alone([&](Task& t) { pfn = machine.phys.Alloc(t, mm::FrameOwner::kPageTable, count).value(); });
    return pfn;
  }
  void Set(mm::Pfn table, int index, uint64_t entry) {
    machine.phys.WriteWord(EntryAddress(table, index), entry);
  }
  mm::PhysMemory& phys() { return machine.phys; }
};

TEST_F(WalkerTest, ReadsATableWrittenByHand) {
  const mm::Pfn table = Frames(3);
  Set(table, 1, mm::AddressOf(table + 1) | kRead | kWrite);
  Set(table + 1, 2, mm::AddressOf(table + 2) | kRead | kWrite);
  Set(table + 2, 3, uint64_t{0x123456000} | kWrite);
  const mm::Iova iova = EntrySpan(2) + 2 * EntrySpan(1) + 3 * EntrySpan(0);
  EXPECT_EQ(Translate(phys(), table, iova + 0x789), mm::PhysAddr{0x123456789});
  EXPECT_EQ(Translate(phys(), table, iova - 1), std::nullopt);
  std::vector<Leaf> leaves;
  CollectLeaves(phys(), table, &leaves);
  EXPECT_EQ(leaves, (std::vector<Leaf>{{iova, 0x123456, kWrite}}));
  std::vector<mm::Pfn> tables;
  CollectTables(phys(), table, &tables);
  EXPECT_EQ(tables, (std::vector<mm::Pfn>{table, table + 1, table + 2}));
}

TEST_F(WalkerTest, BitsOutsideTheAddressAreIgnored) {
  const mm::Pfn table = Frames(3);
  const uint64_t high = uint64_t{0xfff} << 52;
  Set(table, 0, mm::AddressOf(table + 1) | kRead | high);
  Set(table + 1, 0, mm::AddressOf(table + 2) | kRead | 0xff8);
  Set(table + 2, 0, uint64_t{0x5000} | kRead | high | 0xffc);
  EXPECT_EQ(Translate(phys(), table, 0x10), mm::PhysAddr{0x5010});
}

TEST_F(WalkerTest, AnEntryWithoutPermissionIsAbsent) {
  const mm::Pfn table = Frames(2);
  Set(table, 0, mm::AddressOf(table + 1));
  EXPECT_EQ(Translate(phys(), table, 0), std::nullopt);
  std::vector<mm::Pfn> tables;
  CollectTables(phys(), table, &tables);
  EXPECT_EQ(tables, std::vector<mm::Pfn>{table});
}

TEST_F(WalkerTest, PointersOutsideMemoryEndTheWalk) {
  const mm::Pfn table = Frames(1);
  Set(table, 0, mm::AddressOf(0xdead0000) | kRead);
  Set(table, 1, mm::AddressOf(1) | kRead);
  EXPECT_EQ(Translate(phys(), table, 0), std::nullopt);
  EXPECT_EQ(Translate(phys(), table, EntrySpan(2)), std::nullopt);
  EXPECT_EQ(Translate(phys(), 0, 0), std::nullopt);
  EXPECT_EQ(Translate(phys(), table + 1, 0), std::nullopt);
  std::vector<Leaf> leaves;
  std::vector<mm::Pfn> tables;
  CollectLeaves(phys(), table, &leaves);
  CollectLeaves(phys(), 0xdead0000, &leaves);
  CollectTables(phys(), 0xdead0000, &tables);
  EXPECT_TRUE(leaves.empty());
  EXPECT_TRUE(tables.empty());
}

// Memory that is there, and belongs to nobody.
TEST_F(WalkerTest, AFreeFrameEndsTheWalk) {
  const mm::Pfn table = Frames(3);
  Set(table, 0, mm::AddressOf(table + 1) | kRead);
  EXPECT_TRUE(Alone([&](Task& t) { phys().Put(t, table + 1); }));
  ASSERT_TRUE(phys().Exists(table + 1));
  EXPECT_EQ(Translate(phys(), table, 0), std::nullopt);
  std::vector<mm::Pfn> tables;
  CollectTables(phys(), table, &tables);
  EXPECT_EQ(tables, std::vector<mm::Pfn>{table});
}

TEST_F(WalkerTest, ATableThatPointsToItselfEndsAfterTheLevels) {
  const mm::Pfn table = Frames(1);
  Set(table, 0, mm::AddressOf(table) | kRead | kWrite);
  EXPECT_EQ(Translate(phys(), table, 0x42), mm::AddressOf(table) + 0x42);
  std::vector<mm::Pfn> tables;
  CollectTables(phys(), table, &tables);
  EXPECT_EQ(tables.size(), static_cast<size_t>(kLevels));
}

TEST_F(WalkerTest, EndsOnGarbage) {
  constexpr size_t kFrames = 12;
  const mm::Pfn first = Frames(kFrames);
  std::mt19937_64 random(3);
  for (size_t frame = 0; frame < kFrames; ++frame) {
    for (int i = 0; i < 16; ++i) {
      // Half of the entries point to one of the frames, the others anywhere.
      const uint64_t target =
          random() % 2 == 0 ? mm::AddressOf(first + random() % kFrames) : random();
      Set(first + frame, static_cast<int>(random() % kEntriesPerTable),
          (target & ~uint64_t{3}) | random() % 4);
    }
  }
  const mm::PhysMemory before = phys();
  std::vector<Leaf> leaves;
  std::vector<mm::Pfn> tables;
  for (size_t frame = 0; frame < kFrames; ++frame) {
    CollectLeaves(phys(), first + frame, &leaves);
    CollectTables(phys(), first + frame, &tables);
    for (int i = 0; i < 1000; ++i) {
      const mm::Iova iova = random() & kApertureLast;
      const auto address = Translate(phys(), first + frame, iova);
      if (address) {
        EXPECT_EQ(*address & 0xfff, iova & 0xfff);
      }
    }
  }
  EXPECT_FALSE(leaves.empty());
  EXPECT_GT(tables.size(), kFrames);
  for (const Leaf& leaf : leaves) {
    ASSERT_LE(leaf.iova, kApertureLast);
    ASSERT_NE(leaf.permissions, 0u);
  }
  for (mm::Pfn table : tables) ASSERT_TRUE(phys().Exists(table));
  EXPECT_TRUE(phys() == before) << "a walk changes nothing";
}

// What Translate and CollectLeaves say is the same, on garbage too.
TEST_F(WalkerTest, BothWalksAgreeOnGarbage) {
  const mm::Pfn first = Frames(6);
  std::mt19937_64 random(11);
  for (mm::Pfn frame = first; frame < first + 6; ++frame) {
    for (int i = 0; i < 8; ++i) {
      Set(frame, static_cast<int>(random() % kEntriesPerTable),
          mm::AddressOf(first + random() % 8) | random() % 4);
    }
  }
  std::vector<Leaf> leaves;
  CollectLeaves(phys(), first, &leaves);
  ASSERT_FALSE(leaves.empty());
  mm::Iova previous = 0;
  for (const Leaf& leaf : leaves) {
    EXPECT_EQ(Translate(phys(), first, leaf.iova), mm::AddressOf(leaf.pfn));
    EXPECT_TRUE(&leaf == &leaves.front() || previous < leaf.iova) << "ascending, each once";
    previous = leaf.iova;
  }
}

}  // namespace
}  // namespace iommufd_check::iommu
