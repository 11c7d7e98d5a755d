// iommu_map and iommu_unmap, judged by the walker, which reads nothing but frames.

#include "model/iommu/domain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "model/iommu/walker.h"
#include "tests/mm/machine_fixture.h"

namespace iommufd_check::iommu {
namespace {

using mm::kPageSize;
using sim::FaultSite;
using sim::Task;

constexpr mm::Pfn kData = 0x80000;            // leaves may point anywhere: the table does not look
constexpr uint64_t kLeafSpan = EntrySpan(1);  // of a table at level 0: 2 MiB
constexpr uint64_t kMiddleSpan = EntrySpan(2);  // of a table at level 1: 1 GiB

class DomainTest : public testing::Test, public mm::MachineFixture {
 protected:
  void SetUp() override {
    ASSERT_EQ(Call([&](Task& t) { return domain_alloc(t, state, machine, &domain); }), 0);
  }
  int Map(mm::Iova iova, mm::Pfn pfn, uint64_t pages, uint64_t permissions = kRead | kWrite,
          std::span<const sim::PlannedFault> faults = {}) {
    return Call(
        [&](Task& t) {
          return iommu_map(t, state, machine, domain, iova, pfn, pages, permissions);
        },
        faults);
  }
  std::vector<mm::PfnRun> Runs(mm::Iova iova, uint64_t pages) {
    std::vector<mm::PfnRun> runs;
    Alone([&](Task& t) { runs = iommu_iova_to_runs(t, state, machine, domain, iova, pages); });
    return runs;
  }
  uint64_t Unmap(mm::Iova iova, uint64_t pages) {
    uint64_t cleared = 0;
    Alone([&](Task& t) { cleared = iommu_unmap(t, state, machine, domain, iova, pages); });
    return cleared;
  }
  mm::Pfn top() const { return state.domains.Find(domain)->top.Peek(); }
  std::vector<Leaf> Leaves() const {
    std::vector<Leaf> leaves;
    CollectLeaves(machine.phys, top(), &leaves);
    return leaves;
  }
  size_t Tables() const {
    std::vector<mm::Pfn> tables;
    CollectTables(machine.phys, top(), &tables);
    EXPECT_EQ(std::set<mm::Pfn>(tables.begin(), tables.end()).size(), tables.size());
    for (mm::Pfn table : tables) {
      EXPECT_EQ(machine.phys.at(table).owner, mm::FrameOwner::kPageTable);
    }
    EXPECT_EQ(machine.phys.live_frames(), tables.size()) << "no frame is lost";
    return tables.size();
  }
  std::optional<mm::PhysAddr> At(mm::Iova iova) const {
    return Translate(machine.phys, top(), iova);
  }

  State state;
  DomainHandle domain;
};

TEST_F(DomainTest, MapsConsecutiveFrames) {
  EXPECT_EQ(Tables(), 1u);
  EXPECT_EQ(At(0), std::nullopt);
  ASSERT_EQ(Map(0x5000, kData, 3), 0);
  EXPECT_EQ(Tables(), 3u);
  EXPECT_EQ(At(0x5000), mm::AddressOf(kData));
  EXPECT_EQ(At(0x7fff), mm::AddressOf(kData + 2) + 0xfff);
  EXPECT_EQ(At(0x4fff), std::nullopt);
  EXPECT_EQ(At(0x8000), std::nullopt);
  const std::vector<Leaf> expected{
      {0x5000, kData, 3}, {0x6000, kData + 1, 3}, {0x7000, kData + 2, 3}};
  EXPECT_EQ(Leaves(), expected);
}

// Against one question for each page, on ranges that begin and end anywhere.
TEST_F(DomainTest, RunsAreThePagesOneByOne) {
  ASSERT_EQ(Map(kLeafSpan - 4 * kPageSize, kData, 8), 0);  // of two tables
  ASSERT_EQ(Map(kLeafSpan + 4 * kPageSize, kData, 2), 0);
  ASSERT_EQ(Map(kLeafSpan + 6 * kPageSize, kData + 9, 1), 0);
  ASSERT_EQ(Map(kLeafSpan + 8 * kPageSize, kData + 10, 1), 0);  // behind a hole
  for (uint64_t first = 0; first < 14; ++first) {
    for (uint64_t pages = 0; pages < 16; ++pages) {
      const mm::Iova iova = kLeafSpan + (first * kPageSize) - 5 * kPageSize;
      std::vector<mm::Pfn> expected;
      for (uint64_t i = 0; i < pages; ++i) {
        const auto address = At(iova + i * kPageSize);
        if (!address.has_value()) break;
        expected.push_back(mm::PfnOf(*address));
      }
      const std::vector<mm::PfnRun> runs = Runs(iova, pages);
      std::vector<mm::Pfn> pfns;
      for (size_t i = 0; i < runs.size(); ++i) {
        for (uint64_t k = 0; k < runs[i].count; ++k) pfns.push_back(runs[i].first + k);
        EXPECT_GT(runs[i].count, 0u);
        if (i > 0) EXPECT_NE(runs[i].first, runs[i - 1].first + runs[i - 1].count) << "joined";
      }
      EXPECT_EQ(pfns, expected) << first << " " << pages;
    }
  }
  EXPECT_EQ(Runs(kApertureLast + 1, 1), std::vector<mm::PfnRun>{});
}

TEST_F(DomainTest, RunsCostOneWalkForEachTableOfLeaves) {
  ASSERT_EQ(Map(0, kData, 3 * 512), 0);
  const auto reads = [&](mm::Iova iova, uint64_t pages) {
    EXPECT_EQ(Runs(iova, pages), (std::vector<mm::PfnRun>{{kData + iova / kPageSize, pages}}));
    return std::count_if(
        runtime.log().events().begin(), runtime.log().events().end(), [](const sim::Event& event) {
          return sim::IsAccess(event) && event.detail == static_cast<int>(sim::Field::kPageTable);
        });
  };
  EXPECT_EQ(reads(0, 1), kLevels);
  EXPECT_EQ(reads(0, 512), kLevels);
  EXPECT_EQ(reads(kPageSize, 512), 2 * kLevels);
  EXPECT_EQ(reads(0, 3 * 512), 3 * kLevels);
}

TEST_F(DomainTest, PermissionsReachTheLeaf) {
  ASSERT_EQ(Map(0x1000, kData, 1, kRead), 0);
  ASSERT_EQ(Map(0x2000, kData, 1, kWrite), 0);
  const std::vector<Leaf> expected{{0x1000, kData, kRead}, {0x2000, kData, kWrite}};
  EXPECT_EQ(Leaves(), expected);
}

TEST_F(DomainTest, TheApertureEndsWithTheAddressWidth) {
  EXPECT_EQ(kApertureLast, 0x7fffffffffu);
  EXPECT_EQ(Map(kApertureLast + 1, kData, 1), -sim::kERANGE);
  EXPECT_EQ(Map(kApertureLast + 1 - kPageSize, kData, 2), -sim::kERANGE);
  EXPECT_EQ(Tables(), 1u);
  EXPECT_EQ(Map(kApertureLast + 1 - kPageSize, kData, 1), 0);
  EXPECT_EQ(At(kApertureLast), mm::AddressOf(kData) + 0xfff);
  EXPECT_EQ(At(kApertureLast + 1), std::nullopt);
  EXPECT_EQ(Unmap(kApertureLast + 1 - kPageSize, 1), 1u);
}

TEST_F(DomainTest, OnlyWholePagesAreMappedAndUnmapped) {
  EXPECT_EQ(Map(0x1800, kData, 1), -sim::kEINVAL);
  EXPECT_EQ(Tables(), 1u);
  ASSERT_EQ(Map(0x1000, kData, 2), 0);
  const std::vector<Leaf> before = Leaves();
  EXPECT_EQ(Unmap(0x1800, 1), 0u);
  EXPECT_EQ(Unmap(0x1000, 0), 0u);
  EXPECT_EQ(Leaves(), before);
}

// What the driver says of its own table is what the hardware does with it.
TEST_F(DomainTest, TheDriversTranslationIsTheWalkers) {
  ASSERT_EQ(Map(0x5000, kData, 1), 0);
  ASSERT_EQ(Map(kApertureLast + 1 - kPageSize, kData + 1, 1), 0);
  EXPECT_TRUE(Alone([&](Task& t) {
    for (const mm::Iova iova : {mm::Iova{0x5000}, mm::Iova{0x5abc}, mm::Iova{0x6000}, mm::Iova{0},
                                kApertureLast, kApertureLast + 1, kApertureLast + 1 + 0x5000}) {
      EXPECT_EQ(iommu_iova_to_phys(t, state, machine, domain, iova), At(iova)) << iova;
    }
  }));
  EXPECT_EQ(At(0x5abc), mm::AddressOf(kData) + 0xabc);
}

TEST_F(DomainTest, AnOverlapIsRefusedAndUndone) {
  ASSERT_EQ(Map(0x3000, kData, 1), 0);
  const std::vector<Leaf> before = Leaves();
  EXPECT_EQ(Map(0x1000, kData + 10, 5), -sim::kEADDRINUSE);
  EXPECT_EQ(Leaves(), before);
}

TEST_F(DomainTest, TablesAreFreedExactlyWhenWhollyCovered) {
  ASSERT_EQ(Map(0, kData, 512), 0);
  EXPECT_EQ(Tables(), 3u);
  EXPECT_EQ(Unmap(0, 511), 511u);
  EXPECT_EQ(Unmap(511 * kPageSize, 1), 1u);
  EXPECT_EQ(Tables(), 3u) << "empty, but no call covered it";
  EXPECT_EQ(Unmap(0, 512), 0u);
  EXPECT_EQ(Tables(), 2u);
  EXPECT_EQ(Unmap(0, kMiddleSpan / kPageSize), 0u);
  EXPECT_EQ(Tables(), 1u);
}

TEST_F(DomainTest, EachFaultLeavesTheLeavesAsTheyWere) {
  ASSERT_EQ(Map(kMiddleSpan - 5 * kPageSize, kData, 1), 0);
  const std::vector<Leaf> before = Leaves();
  const mm::Machine machine_before = machine;
  // Six pages over a boundary of both levels: two leaf tables and one middle table are missing.
  const mm::Iova iova = kMiddleSpan - 3 * kPageSize;
  int failed = 0;
  for (const FaultSite site : {FaultSite::kIommuMap, FaultSite::kTableAlloc}) {
    for (uint16_t nth = 1;; ++nth) {
      machine = machine_before;
      const sim::PlannedFault fault{0, site, nth};
      const int error = Map(iova, kData + 100, 6, kRead, {&fault, 1});
      if (Count(sim::Primitive::kFail) == 0) {
        EXPECT_EQ(error, 0);
        break;
      }
      ++failed;
      EXPECT_EQ(error, -sim::kENOMEM);
      EXPECT_EQ(Leaves(), before);
      EXPECT_LE(Tables(), 5u);
      Unmap(0, 2 * kMiddleSpan / kPageSize);
      EXPECT_EQ(Tables(), 1u) << "tables that the failed call added are reachable and freed";
    }
  }
  EXPECT_EQ(failed, 1 + 2) << "iommu_map; the middle and the leaf table of the second GiB";
}

TEST_F(DomainTest, AllocationFaults) {
  const State before = state;
  const mm::Machine machine_before = machine;
  for (const FaultSite site : {FaultSite::kDomainAlloc, FaultSite::kTableAlloc}) {
    const sim::PlannedFault fault{0, site, 1};
    DomainHandle other;
    EXPECT_EQ(Call([&](Task& t) { return domain_alloc(t, state, machine, &other); }, {&fault, 1}),
              -sim::kENOMEM);
    EXPECT_TRUE(other.null());
    EXPECT_TRUE(state == before);
    EXPECT_TRUE(machine == machine_before);
  }
}

TEST_F(DomainTest, FreeReturnsEveryFrame) {
  for (uint64_t i = 0; i < 20; ++i) ASSERT_EQ(Map(i * 3 * kLeafSpan, kData, 1), 0);
  ASSERT_EQ(Map(5 * kMiddleSpan, kData, 600), 0);
  EXPECT_GT(machine.phys.live_frames(), 20u);
  EXPECT_TRUE(Alone([&](Task& t) { domain_free(t, state, machine, domain); }));
  EXPECT_TRUE(machine == mm::Machine{});
  EXPECT_TRUE(state == State{});
  EXPECT_FALSE(Alone([&](Task& t) { Get(t, state, domain); }));
  EXPECT_EQ(Splats(), sim::Only{sim::Splat::kUseAfterFree});
}

// The reference: leaves as a map, tables as sets of the spans that exist.
class Reference {
 public:
  int Map(mm::Iova iova, mm::Pfn pfn, uint64_t pages, uint64_t permissions) {
    for (uint64_t i = 0; i < pages; ++i) {
      const mm::Iova page = iova + i * kPageSize;
      middle.insert(page / kMiddleSpan);
      leaf.insert(page / kLeafSpan);
      if (leaves.contains(page)) {
        if (i > 0) Unmap(iova, i);
        return -sim::kEADDRINUSE;
      }
      leaves[page] = Leaf{page, pfn + i, permissions};
    }
    return 0;
  }
  uint64_t Unmap(mm::Iova iova, uint64_t pages) {
    const mm::Iova end = iova + pages * kPageSize;
    const auto covered = [&](uint64_t index, uint64_t span) {
      return iova <= index * span && (index + 1) * span <= end;
    };
    std::erase_if(leaf, [&](uint64_t i) { return covered(i, kLeafSpan); });
    std::erase_if(middle, [&](uint64_t i) { return covered(i, kMiddleSpan); });
    return std::erase_if(leaves, [&](const auto& l) { return iova <= l.first && l.first < end; });
  }

  std::map<mm::Iova, Leaf> leaves;
  std::set<uint64_t> leaf, middle;
};

TEST_F(DomainTest, AgreesWithAMapUnderRandomOperations) {
  std::mt19937_64 random(7);
  Reference reference;
  for (int round = 0; round < 3000; ++round) {
    // Near the boundary of two GiBs, so that tables of both levels come and go.
    const bool wide = random() % 16 == 0;
    const uint64_t pages = wide ? 1 + random() % 2000 : 1 + random() % 40;
    const mm::Iova center = kMiddleSpan - (wide ? 1024 : 20) * kPageSize;
    const mm::Iova iova = center + (random() % (wide ? 1500 : 600)) * kPageSize;
    if (random() % 2 == 0) {
      const mm::Pfn pfn = kData + random() % 4096;
      const uint64_t permissions = 1 + random() % 3;
      ASSERT_EQ(Map(iova, pfn, pages, permissions), reference.Map(iova, pfn, pages, permissions));
    } else {
      ASSERT_EQ(Unmap(iova, pages), reference.Unmap(iova, pages)) << "round " << round;
    }
    if (round % 10 != 0) continue;
    const std::vector<Leaf> leaves = Leaves();
    ASSERT_EQ(leaves.size(), reference.leaves.size());
    size_t i = 0;
    for (const auto& [page, expected] : reference.leaves) ASSERT_EQ(leaves[i++], expected);
    ASSERT_EQ(Tables(), 1 + reference.leaf.size() + reference.middle.size()) << "round " << round;
    const auto probe = reference.leaves.find(iova);
    const auto translated = At(iova + 0x123);
    ASSERT_EQ(translated.has_value(), probe != reference.leaves.end());
    if (translated) {
      ASSERT_EQ(*translated, mm::AddressOf(probe->second.pfn) + 0x123);
    }
  }
  EXPECT_EQ(Splats(), sim::Only{});
}

}  // namespace
}  // namespace iommufd_check::iommu
