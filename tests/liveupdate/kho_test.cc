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
    EXPECT_EQ(kho_preserve_folio(k, 0x105, kOwner, FaultSite::kKhoPreserveFolio), 0);
    EXPECT_EQ(kho_preserve_folio(k, 0x101, kOwner, FaultSite::kKhoPreserveFolio), 0);
    EXPECT_EQ(kho_preserve_folio(k, 0x105, kOwner, FaultSite::kKhoPreserveFolio), 0)
        << "idempotent";
  });
  EXPECT_EQ(Registered(), (std::vector<Pfn>{0x101, 0x105}));
  Run([](Kernel& k) { kho_unpreserve_folio(k, 0x105, kOwner); });
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101}) << "once is enough, however often it was set";
  Run([](Kernel& k) { kho_unpreserve_folio(k, 0x105, kOwner); });
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101});
  EXPECT_THAT(m.splats(), IsEmpty());
}

TEST_F(KhoTest, APreserveFailsAtTheSiteItIsCalledFor) {
  const sim::PlannedFault fault{0, FaultSite::kKhoPreserveFolio, 1};
  m.Call(
      [](Kernel& k) {
        EXPECT_EQ(kho_preserve_folio(k, 0x101, kOwner, FaultSite::kPreserveTable), 0);
        EXPECT_EQ(kho_preserve_folio(k, 0x102, kOwner, FaultSite::kKhoPreserveFolio),
                  -sim::kENOMEM);
        return 0;
      },
      {&fault, 1});
  EXPECT_EQ(Registered(), std::vector<Pfn>{0x101});
}

// The radix tree is keyed by (order, pfn): a bit of another order is another bit.
TEST_F(KhoTest, AFolioIsOneKeyOfItsOrder) {
  const PhysAddr memory = Alloc(3 * kPage);
  const Pfn pfn = mm::PfnOf(memory);
  EXPECT_EQ(pfn % 4, 0u);
  EXPECT_EQ(luo().kho.preserved.Peek(), (std::vector<KhoKey>{{pfn, 2}}));
  EXPECT_EQ(Registered(), (std::vector<Pfn>{pfn, pfn + 1, pfn + 2, pfn + 3}));
  Run([&](Kernel& k) { kho_unpreserve_folio(k, pfn + 1, kOwner); });
  EXPECT_EQ(Registered().size(), 4u) << "order 0 of a tail page was never set";
  const auto noted = [](const sim::Event& event) {
    return event.primitive == sim::Primitive::kNote &&
           event.detail == static_cast<int>(sim::Note::kKhoOrderMismatch);
  };
  EXPECT_TRUE(std::any_of(m.events().begin(), m.events().end(), noted));
  Run([&](Kernel& k) { kho_unpreserve_free(k, memory + 2 * kPage + 5, kOwner); });
  EXPECT_THAT(Registered(), IsEmpty()) << "virt_to_folio: any byte of it";
  EXPECT_THAT(m.splats(), IsEmpty());
}

// Whether a page stays registered when a bit of it is cleared: what the notes say, and what the
// whole set says.
TEST_F(KhoTest, AClearedPageThatStaysRegisteredIsNotedAsSuch) {
  std::vector<Pfn> heads;
  for (const uint64_t pages : {1, 8, 2, 4, 1, 2}) heads.push_back(mm::PfnOf(Alloc(pages * kPage)));
  const std::vector<Pfn> all = Registered();
  for (size_t i = 1; i < all.size(); i += 2) {
    Run([&](Kernel& k) { kho_preserve_folio(k, all[i], kOwner, FaultSite::kKhoPreserveFolio); });
  }
  std::vector<Pfn> cleared = all;
  cleared.insert(cleared.end(), heads.rbegin(), heads.rend());
  size_t stayed = 0;
  for (const Pfn pfn : cleared) {
    const uint64_t pages = uint64_t{1} << m.world.machine.phys.at(pfn).order;
    Run([&](Kernel& k) { kho_unpreserve_folio(k, pfn, kOwner); });
    const std::vector<Pfn> left = Registered();
    std::vector<sim::Note> expected;
    for (Pfn page = pfn; page < pfn + pages; ++page) {
      const bool stays = std::binary_search(left.begin(), left.end(), page);
      expected.push_back(stays ? sim::Note::kKhoOrderMismatch : sim::Note::kKhoDel);
      stayed += stays ? 1 : 0;
    }
    std::vector<sim::Note> noted;
    for (const sim::Event& event : m.events()) {
      if (event.primitive != sim::Primitive::kNote) continue;
      noted.push_back(static_cast<sim::Note>(event.detail));
    }
    EXPECT_EQ(noted, expected) << pfn;
  }
  EXPECT_GT(stayed, 0u);
}

// Two keys may cover one page, which is preserved once.
TEST_F(KhoTest, APageOfTwoKeysIsListedOnce) {
  const Pfn pfn = mm::PfnOf(Alloc(3 * kPage));
  Run([&](Kernel& k) {
    EXPECT_EQ(kho_preserve_folio(k, pfn + 1, kOwner, FaultSite::kKhoPreserveFolio), 0);
  });
  EXPECT_EQ(luo().kho.preserved.Peek().size(), 2u);
  EXPECT_EQ(Registered(), (std::vector<Pfn>{pfn, pfn + 1, pfn + 2, pfn + 3}));
}

// Bytes of the allocation, not of the page: what a bound on the records is compared with.
TEST_F(KhoTest, AStoreSaysHowFarIntoTheAllocationItReaches) {
  const PhysAddr memory = Alloc(2 * kPage);
  const ObjectRef iommufd{sim::ObjectKind::kIommufd, 0};
  Run([&](Kernel& k) { store(k, memory, kPage + 8, 8, 1, iommufd); });
  std::vector<int64_t> reached;
  for (const sim::Event& event : m.events()) {
    if (event.primitive == sim::Primitive::kNote &&
        event.detail == static_cast<int>(sim::Note::kRecordStore)) {
      reached.push_back(event.value);
    }
  }
  EXPECT_EQ(reached, std::vector<int64_t>{kPage + 16});
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
    Run([&](Kernel& k) { kho_unpreserve_free(k, memory, kOwner); });
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
  Run([](Kernel& k) { kho_unpreserve_free(k, 0, kOwner); });
  EXPECT_TRUE(m.world == before) << "NULL is ignored";
  EXPECT_THAT(m.splats(), IsEmpty());
  const PhysAddr error = ErrPtr(-sim::kENOMEM);
  EXPECT_EQ(Oops([&](Kernel& k) { kho_unpreserve_free(k, error, kOwner); }),
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
              kho_unpreserve_free(k, memory, kOwner);
              load(k, memory, 0, 8, kOwner);
            }),
            Splats{sim::Splat::kUseAfterFree});
}

// Every primitive that takes an address, given one that a design has no business with.
TEST_F(KhoTest, WhatADesignCanNameIsAnOops) {
  using sim::Splat;
  const ObjectRef flb{sim::ObjectKind::kFlb, 0};
  const PhysAddr freed = Alloc(8);
  Run([&](Kernel& k) { kho_unpreserve_free(k, freed, kOwner); });
  const PhysAddr user = mm::AddressOf(FramesOf(FrameOwner::kMemfdData).at(0));
  const PhysAddr absent = PhysAddr{1} << 50;
  struct Primitive {
    const char* name;
    std::function<void(Kernel&, PhysAddr)> call;
    bool takes_records_only;
    bool looks_at_the_page;
  };
  const Primitive primitives[] = {
      {"kho_preserve_folio",
       [&](Kernel& k, PhysAddr p) {
         kho_preserve_folio(k, mm::PfnOf(p), flb, FaultSite::kKhoPreserveFolio);
       },
       false, true},
      {"kho_unpreserve_folio",
       [&](Kernel& k, PhysAddr p) { kho_unpreserve_folio(k, mm::PfnOf(p), flb); }, false, false},
      {"kho_unpreserve_free", [&](Kernel& k, PhysAddr p) { kho_unpreserve_free(k, p, flb); }, true,
       true},
      {"store", [&](Kernel& k, PhysAddr p) { store(k, p, 0, 8, 1, flb); }, true, true},
      {"load", [&](Kernel& k, PhysAddr p) { load(k, p, 0, 8, flb); }, true, true},
  };
  const PhysAddr record = Alloc(8);  // an iommufd's
  for (const Primitive& primitive : primitives) {
    const auto splats = [&](PhysAddr address) {
      KernelFixture copy(m);
      copy.Call([&](Kernel& k) {
        primitive.call(k, address);
        return 0;
      });
      return copy.splats();
    };
    const Splats none;
    const bool looks = primitive.looks_at_the_page;
    EXPECT_EQ(splats(freed + kPage), looks ? Splats{Splat::kUseAfterFree} : none) << primitive.name;
    EXPECT_EQ(splats(absent), looks ? Splats{Splat::kBadFrame} : none) << primitive.name;
    EXPECT_EQ(splats(UINT64_MAX - 8191), looks ? Splats{Splat::kBadFrame} : none) << primitive.name;
    for (const PhysAddr foreign : {user, record}) {
      EXPECT_EQ(splats(foreign), primitive.takes_records_only ? Splats{Splat::kForeignFrame} : none)
          << primitive.name;
    }
  }
}

TEST_F(KhoTest, RegisteringSleeps) {
  m.Call([](Kernel& k) {
    spin_lock(k, k.ctx, &iommufd::Context::xa_lock);
    kho_unpreserve_folio(k, 0x101, kOwner);
    spin_unlock(k, k.ctx, &iommufd::Context::xa_lock);
    return 0;
  });
  EXPECT_EQ(m.splats(), Splats{sim::Splat::kSleepInAtomic});
}

}  // namespace
}  // namespace iommufd_check::liveupdate
