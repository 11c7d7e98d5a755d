#include "model/liveupdate/kho.h"

#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using mm::FrameOwner;
using sim::FaultSite;
using sim::ObjectRef;

constexpr ObjectRef kOwner{sim::ObjectKind::kKho, 0};

class KhoTest : public LiveUpdateTest {
 protected:
  PhysAddr Alloc(uint64_t size, std::span<const sim::PlannedFault> faults = {}) {
    PhysAddr memory = 0;
    m.Call(
        [&](Kernel& k) {
          memory = kho_alloc_preserve(k, size, FrameOwner::kIommufdSer, kOwner);
          return 0;
        },
        faults);
    return memory;
  }
  int Run(const std::function<void(Kernel&)>& body) {
    return m.Call([&](Kernel& k) {
      body(k);
      return 0;
    });
  }
  // What a body that oopses reports.
  std::vector<sim::Splat> Oops(const std::function<void(Kernel&)>& body) {
    KernelFixture copy(m);
    const int result = copy.Call([&](Kernel& k) {
      body(k);
      return 0;
    });
    EXPECT_EQ(result, KernelFixture::kRunEnded);
    return copy.splats();
  }
};

using Splats = std::vector<sim::Splat>;

TEST_F(KhoTest, OneBitForEachPageAndNoCount) {
  EXPECT_THAT(Registered(), IsEmpty());
  Run([](Kernel& k) {
    EXPECT_EQ(kho_preserve_page(k, 0x105, kOwner, FaultSite::kKhoPreserveFolio), 0);
    EXPECT_EQ(kho_preserve_page(k, 0x101, kOwner, FaultSite::kKhoPreserveFolio), 0);
    EXPECT_EQ(kho_preserve_page(k, 0x105, kOwner, FaultSite::kKhoPreserveFolio), 0) << "idempotent";
  });
  EXPECT_EQ(Registered(), (std::vector<Pfn>{0x101, 0x105}));
  Run([](Kernel& k) { kho_unpreserve_page(k, 0x105, kOwner); });
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101}) << "once is enough, however often it was set";
  Run([](Kernel& k) { kho_unpreserve_page(k, 0x105, kOwner); });
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101});
  EXPECT_THAT(m.splats(), IsEmpty());
}

TEST_F(KhoTest, APreserveFailsAtTheSiteItIsCalledFor) {
  const sim::PlannedFault fault{0, FaultSite::kKhoPreserveFolio, 1};
  m.Call(
      [](Kernel& k) {
        EXPECT_EQ(kho_preserve_page(k, 0x101, kOwner, FaultSite::kPreserveTable), 0);
        EXPECT_EQ(kho_preserve_page(k, 0x102, kOwner, FaultSite::kKhoPreserveFolio), -sim::kENOMEM);
        return 0;
      },
      {&fault, 1});
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101});
}

TEST_F(KhoTest, MemoryIsBornRegistered) {
  const World before = m.world;
  struct Row {
    uint64_t size;
    size_t pages;  // rounded up to a power of two
  };
  for (const Row& row : {Row{1, 1}, Row{4096, 1}, Row{4097, 2}, Row{3 * 4096, 4},
                         Row{4 * 4096 + 1, 8}, Row{4 << 20, 1024}}) {
    const PhysAddr memory = Alloc(row.size);
    ASSERT_FALSE(IsErr(memory)) << row.size;
    EXPECT_EQ(FramesOf(FrameOwner::kIommufdSer).size(), row.pages);
    EXPECT_EQ(Registered(), FramesOf(FrameOwner::kIommufdSer));
    EXPECT_EQ(memory, mm::AddressOf(Registered().front()));
    Run([&](Kernel& k) { kho_unpreserve_free(k, memory, row.size, kOwner); });
    EXPECT_TRUE(m.world == before) << row.size;
  }
}

TEST_F(KhoTest, AllocErrorsAreErrorPointers) {
  EXPECT_EQ(PtrErr(Alloc(0)), -sim::kEINVAL);
  EXPECT_EQ(PtrErr(Alloc((4 << 20) + 1)), -sim::kE2BIG);
  const sim::PlannedFault fault{0, FaultSite::kKhoAllocPreserve, 1};
  const PhysAddr failed = Alloc(8, {&fault, 1});
  EXPECT_TRUE(IsErr(failed));
  EXPECT_EQ(PtrErr(failed), -sim::kENOMEM);
  EXPECT_NE(failed, 0u) << "never NULL";
  EXPECT_FALSE(IsErr(0));
  EXPECT_FALSE(IsErr(mm::AddressOf(mm::kFirstPfn)));
  EXPECT_EQ(PtrErr(ErrPtr(-sim::kENOENT)), -sim::kENOENT);
  EXPECT_THAT(Registered(), IsEmpty());
}

TEST_F(KhoTest, MemoryEnds) {
  Run([](Kernel& k) { k.mm.phys.Alloc(k.t, FrameOwner::kPageTable, 16384 - 20); });
  EXPECT_EQ(PtrErr(Alloc(64 * kPage)), -sim::kENOMEM);
}

TEST_F(KhoTest, FreeOfPointersThatAreNone) {
  const World before = m.world;
  Run([](Kernel& k) { kho_unpreserve_free(k, 0, 8, kOwner); });
  EXPECT_TRUE(m.world == before) << "NULL is ignored";
  EXPECT_THAT(m.splats(), IsEmpty());
  const PhysAddr error = ErrPtr(-sim::kENOMEM);
  EXPECT_EQ(Oops([&](Kernel& k) { kho_unpreserve_free(k, error, 8, kOwner); }),
            Splats{sim::Splat::kBadPointer});
}

TEST_F(KhoTest, StoresAndLoads) {
  const PhysAddr memory = Alloc(100);
  Run([&](Kernel& k) {
    store(k, memory, 13, 8, 0x1122334455667788, kOwner);
    EXPECT_EQ(load(k, memory, 13, 8, kOwner), 0x1122334455667788u);
    EXPECT_EQ(load(k, memory, 14, 4, kOwner), 0x44556677u);
    EXPECT_EQ(load(k, memory, 21, 1, kOwner), 0u);
  });
}

TEST_F(KhoTest, StoresThatMissOops) {
  const PhysAddr memory = Alloc(100);
  const auto store_at = [](PhysAddr base, uint64_t offset) {
    return [=](Kernel& k) { store(k, base, offset, 8, 1, kOwner); };
  };
  EXPECT_EQ(Oops(store_at(0, 8)), Splats{sim::Splat::kNullDereference});
  EXPECT_EQ(Oops(store_at(ErrPtr(-sim::kENOMEM), 8)), Splats{sim::Splat::kBadPointer});
  EXPECT_EQ(Oops(store_at(memory, 4090)), Splats{sim::Splat::kUseAfterFree}) << "over the end";
  EXPECT_EQ(Oops([&](Kernel& k) {
              kho_unpreserve_free(k, memory, 100, kOwner);
              load(k, memory, 0, 8, kOwner);
            }),
            Splats{sim::Splat::kUseAfterFree});
}

TEST_F(KhoTest, RegisteringSleeps) {
  m.Call([](Kernel& k) {
    spin_lock(k.t, Get(k, k.ctx).xa_lock);
    kho_unpreserve_page(k, 0x101, kOwner);
    spin_unlock(k.t, Get(k, k.ctx).xa_lock);
    return 0;
  });
  EXPECT_EQ(m.splats(), Splats{sim::Splat::kSleepInAtomic});
}

}  // namespace
}  // namespace iommufd_check::liveupdate
