// The IOMMU core's FLB and the preservation of domains (iommu_core.md sections 2, 3 and 7).

#include "model/liveupdate/iommu_core.h"

#include <map>

#include "model/iommu/walker.h"
#include "model/liveupdate/kho.h"
#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using mm::FrameOwner;
using sim::FaultSite;

constexpr CoreRules kR7{kDomainR7, FlbGets::kPaired, true, true};
constexpr CoreRules kR3{};
constexpr CoreRules kR3On72{kDomainR3, FlbGets::kNeverPut};

class IommuCoreTest : public LiveUpdateTest {
 protected:
  IommuCoreTest() {
    const uint32_t device = m.Bind();
    const uint32_t ioas = m.IoasAlloc();
    EXPECT_NE(m.HwptAlloc(device, ioas), 0u);
    EXPECT_EQ(m.MapFile(ioas, 0x10000, 0x2000), 0);
    EXPECT_EQ(m.MapFile(ioas, 0x40000000, 0x1000), 0);
  }
  static iommu::DomainHandle domain() { return {0, 0}; }
  const iommu::Domain& TheDomain() const { return *m.world.iommu.domains.Find(domain()); }
  // What LUO does around the first and the last iommufd file.
  int GetFlb() {
    return m.Call([](Kernel& k) {
      const int error = flb_preserve(k);
      if (error == 0) k.lu.flb.Raw().count = 1;
      return error;
    });
  }
  int PutFlb() {
    return m.Call([](Kernel& k) {
      k.lu.flb.Raw().count = 0;
      flb_unpreserve(k);
      return 0;
    });
  }
  int Preserve(PhysAddr* record, const CoreRules& rules = kR7) {
    return m.Call([&](Kernel& k) { return iommu_domain_preserve(k, domain(), rules, record); });
  }
  int Unpreserve(const CoreRules& rules = kR7) {
    return m.Call([&](Kernel& k) {
      iommu_domain_unpreserve(k, domain(), rules);
      return 0;
    });
  }
  uint64_t Read(PhysAddr record, const FieldLayout& field) const {
    return m.world.machine.phys.ReadField(record + field.offset, field.bytes);
  }
};

TEST_F(IommuCoreTest, TheFlbIsAHeaderAndThreeArrays) {
  const World before = m.world;
  ASSERT_EQ(GetFlb(), 0);
  EXPECT_EQ(FramesOf(FrameOwner::kFlbSer).size(), 4u);
  EXPECT_EQ(Registered(), FramesOf(FrameOwner::kFlbSer));
  EXPECT_NE(luo().flb.Peek().data, 0u);
  ASSERT_EQ(PutFlb(), 0);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
}

TEST_F(IommuCoreTest, FlbPreserveUnwinds) {
  const World before = m.world;
  std::map<FaultSite, int> reached;
  m.Sweep([](Kernel& k) { return flb_preserve(k); },
          [&](const FaultedRun& run) {
            ++reached[run.site];
            EXPECT_EQ(run.result, -sim::kENOMEM);
            EXPECT_TRUE(*run.world == before) << run.Where() << Difference(before, *run.world);
          });
  EXPECT_EQ(reached, (std::map<FaultSite, int>{{FaultSite::kFlbPreserve, 1},
                                               {FaultSite::kKhoAllocPreserve, 4}}));
}

TEST_F(IommuCoreTest, WithoutTheFlbThereIsNoPreservation) {
  PhysAddr record = 0;
  const World before = m.world;
  EXPECT_EQ(Preserve(&record), -sim::kENOENT);
  EXPECT_TRUE(m.world == before);
}

TEST_F(IommuCoreTest, ARecordDescribesTheTable) {
  for (const CoreRules& rules : {kR3, kR7}) {
    ASSERT_EQ(GetFlb(), 0);
    PhysAddr record = 0;
    ASSERT_EQ(Preserve(&record, rules), 0);
    EXPECT_EQ(TheDomain().preserved_state.Peek(), record);
    EXPECT_EQ(Read(record, rules.record.top_table), mm::AddressOf(TheDomain().top.Peek()));
    EXPECT_EQ(Read(record, rules.record.top_level), 2u);
    EXPECT_EQ(Read(record, rules.record.ref_count), 1u);
    EXPECT_EQ(Read(record, rules.record.flags), 0u);
    std::vector<Pfn> tables;
    iommu::CollectTables(m.world.machine.phys, TheDomain().top.Peek(), &tables);
    EXPECT_EQ(tables.size(), 5u);
    for (Pfn table : tables) EXPECT_TRUE(IsRegistered(table));
    EXPECT_EQ(Registered().size(), 4u + 5u) << "the tables, the FLB and nothing else";
    EXPECT_EQ(luo().flb.Peek().count, 1u) << "a get is put back, or never taken";

    ASSERT_EQ(Unpreserve(rules), 0);
    EXPECT_EQ(Read(record, rules.record.flags), kRecordDeleted);
    EXPECT_EQ(TheDomain().preserved_state.Peek(), 0u);
    EXPECT_EQ(Registered(), FramesOf(FrameOwner::kFlbSer));
    ASSERT_EQ(PutFlb(), 0);
  }
  EXPECT_THAT(m.splats(), IsEmpty());
}

TEST_F(IommuCoreTest, WhatIsGotAndNeverPutIsCounted) {
  ASSERT_EQ(GetFlb(), 0);
  PhysAddr record = 0;
  ASSERT_EQ(Preserve(&record, kR3On72), 0);
  EXPECT_EQ(luo().flb.Peek().count, 2u) << "the file, and one get";
  ASSERT_EQ(Unpreserve(kR3On72), 0);
  EXPECT_EQ(luo().flb.Peek().count, 3u) << "unpreserve gets it again (B69)";
  EXPECT_EQ(Preserve(&record, kR7), 0);
  EXPECT_EQ(luo().flb.Peek().count, 3u) << "a get that is put is none";
}

TEST_F(IommuCoreTest, AFailedPreserveGivesItsGetBackOnlyWherePaired) {
  for (const CoreRules& rules : {kR3, kR3On72, kR7}) {
    KernelFixture again(m);
    again.Call([](Kernel& k) { return flb_preserve(k); });
    const uint32_t count = again.world.kernel.luo.flb.Peek().count;
    const sim::PlannedFault fault{0, FaultSite::kReserveRecord, 1};
    PhysAddr record = 0;
    EXPECT_EQ(
        again.Call([&](Kernel& k) { return iommu_domain_preserve(k, domain(), rules, &record); },
                   {&fault, 1}),
        -sim::kENOMEM);
    const uint32_t leaked = rules.gets == FlbGets::kNeverPut ? 1 : 0;
    EXPECT_EQ(again.world.kernel.luo.flb.Peek().count, count + leaked);
  }
}

TEST_F(IommuCoreTest, TwiceIsBusySinceR7) {
  ASSERT_EQ(GetFlb(), 0);
  PhysAddr first = 0, second = 0;
  ASSERT_EQ(Preserve(&first), 0);
  EXPECT_EQ(Preserve(&second), -sim::kEBUSY);
  EXPECT_EQ(TheDomain().preserved_state.Peek(), first);
  EXPECT_EQ(luo().flb.Peek().count, 1u);
  EXPECT_EQ(Preserve(&second, kR3), 0) << "R3 does not look";
  EXPECT_NE(second, first);
}

TEST_F(IommuCoreTest, UnpreserveOfADomainNeverPreserved) {
  ASSERT_EQ(GetFlb(), 0);
  const World before = m.world;
  EXPECT_EQ(Unpreserve(kR7), 0);
  EXPECT_TRUE(m.world == before);
  EXPECT_THAT(m.splats(), IsEmpty());
  EXPECT_EQ(Unpreserve(kR3), KernelFixture::kRunEnded);
  EXPECT_TRUE(m.Saw(sim::Splat::kNullDereference)) << "B68";
}

TEST_F(IommuCoreTest, FaultsLeaveNoTableRegistered) {
  ASSERT_EQ(GetFlb(), 0);
  const World before = m.world;
  PhysAddr record = 0;
  std::map<FaultSite, int> reached;
  m.Sweep(
      [&](Kernel& k) { return iommu_domain_preserve(k, domain(), kR7, &record); },
      [&](const FaultedRun& run) {
        ++reached[run.site];
        EXPECT_EQ(run.result, -sim::kENOMEM) << run.Where();
        const World& after = *run.world;
        EXPECT_TRUE(after.kernel == before.kernel) << run.Where();
        EXPECT_TRUE(after.iommu == before.iommu) << run.Where();
        // Of the record array only a deleted slot may be left.
        if (run.site != FaultSite::kPreserveTable) {
          EXPECT_TRUE(after == before) << run.Where();
          return;
        }
        const mm::PhysMemory& phys = after.machine.phys;
        const PhysAddr array = phys.ReadField(luo().flb.Peek().data + kFlbDomains.offset, 8);
        const FieldLayout& flags = kR7.record.flags;
        EXPECT_EQ(phys.ReadField(array + kArrayUsed.offset, kArrayUsed.bytes), 1u);
        EXPECT_EQ(phys.ReadField(array + kArrayHeader + flags.offset, flags.bytes), kRecordDeleted)
            << run.Where();
      });
  EXPECT_EQ(reached, (std::map<FaultSite, int>{{FaultSite::kIommuDomainPreserve, 1},
                                               {FaultSite::kReserveRecord, 1},
                                               {FaultSite::kPreserveTable, 5}}));
}

TEST_F(IommuCoreTest, SlotsAreAppendOnlyAndPagesChain) {
  const World before = m.world;
  ASSERT_EQ(GetFlb(), 0);
  const size_t per_page = (4096 - kArrayHeader) / kDomainR7.size;
  PhysAddr previous = 0;
  for (size_t i = 0; i < 2 * per_page + 1; ++i) {
    PhysAddr record = 0;
    ASSERT_EQ(Preserve(&record), 0);
    ASSERT_NE(record, previous);
    ASSERT_EQ(record % 4096, kArrayHeader + (i % per_page) * kDomainR7.size) << i;
    ASSERT_EQ(FramesOf(FrameOwner::kFlbSer).size(), 4 + i / per_page) << i;
    ASSERT_EQ(Unpreserve(), 0);
    previous = record;
  }
  EXPECT_EQ(Registered(), FramesOf(FrameOwner::kFlbSer));
  ASSERT_EQ(PutFlb(), 0);
  EXPECT_TRUE(m.world == before) << "the whole chain is freed\n" << Difference(before, m.world);
}

TEST_F(IommuCoreTest, AFullPageThatCannotGrow) {
  ASSERT_EQ(GetFlb(), 0);
  PhysAddr record = 0;
  for (size_t i = 0; i < (4096 - kArrayHeader) / kDomainR7.size; ++i) {
    ASSERT_EQ(Preserve(&record), 0);
    ASSERT_EQ(Unpreserve(), 0);
  }
  const World before = m.world;
  const sim::PlannedFault fault{0, FaultSite::kKhoAllocPreserve, 1};
  EXPECT_EQ(m.Call([&](Kernel& k) { return iommu_domain_preserve(k, domain(), kR7, &record); },
                   {&fault, 1}),
            -sim::kENOMEM);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  EXPECT_EQ(Preserve(&record), 0);
}

}  // namespace
}  // namespace iommufd_check::liveupdate
