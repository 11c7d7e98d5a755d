// Every call of the slice fails at every fault site that it comes past: the World is what it was.
//
// Memory is populated and the tables on the way exist, so "what it was" is exact; a last test lets
// a call add tables and asks that they are empty and reachable.

#include <map>

#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

using sim::FaultSite;
using test_support::FaultedRun;

// The parameter: how many domains the IOAS has.
class UnwindTest : public IommufdTest, public testing::WithParamInterface<int> {
 protected:
  // Two areas in an IOAS whose tables cover [0, 2 MiB). Memfd 1 is scattered over memory, so that
  // each of its pages is a run of its own.
  void SetUp() override {
    m.Call([&](Kernel& k) {
      memfd_punch_hole(k.t, k.mm, m.memfd(1), 0, kPage);
      memfd_punch_hole(k.t, k.mm, m.memfd(1), 2 * kPage, kPage);
      std::vector<mm::Pfn> pfns;
      memfd_pin_folios(k.t, k.mm, m.memfd(1), 2, 1, &pfns);
      memfd_pin_folios(k.t, k.mm, m.memfd(1), 0, 1, &pfns);
      unpin_pages(k.t, k.mm, pfns);
      return 0;
    });
    device_ = m.Bind();
    ioas_ = m.IoasAlloc();
    ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000), 0);
    ASSERT_EQ(m.MapFile(ioas_, 0x20000, 0x3000, 1), 0);
    for (int i = 0; i < hwpts(); ++i) ASSERT_NE(m.HwptAlloc(device_, ioas_), 0u);
  }
  int hwpts() const { return GetParam(); }

  // Sweeps; each failed run must leave the World as it was, except for calls that stay done when
  // the answer does not reach the user. Returns how often each site was reached.
  std::map<FaultSite, int> Sweep(const SystemCall& call, bool stays_done = false) {
    const liveupdate::World before = m.world;
    KernelFixture success(m);
    EXPECT_EQ(success.Call(call), 0);
    std::map<FaultSite, int> reached;
    m.Sweep(call, [&](const FaultedRun& run) {
      ++reached[run.site];
      EXPECT_LT(run.result, 0) << run.Where();
      EXPECT_TRUE(run.splats.empty()) << run.Where() << ": " << Name(run.splats.front());
      const bool done = stays_done && run.site == FaultSite::kCopyToUser;
      const liveupdate::World& expected = done ? success.world : before;
      EXPECT_TRUE(*run.world == expected) << run.Where() << "\n"
                                          << test_support::Difference(expected, *run.world);
    });
    return reached;
  }

  uint32_t device_ = 0, ioas_ = 0;
};

using Reached = std::map<FaultSite, int>;
INSTANTIATE_TEST_SUITE_P(Domains, UnwindTest, testing::Values(0, 1, 2, 3));

TEST_P(UnwindTest, IoasAlloc) {
  uint32_t id = 0;
  EXPECT_EQ(Sweep([&](Kernel& k) { return ioas_alloc(k, k.ctx, &id); }),
            (Reached{{FaultSite::kCopyFromUser, 1},
                     {FaultSite::kObjectAlloc, 1},
                     {FaultSite::kObjectIdAlloc, 1},
                     {FaultSite::kCopyToUser, 1}}));
}

TEST_P(UnwindTest, MapUser) {
  Reached expected{{FaultSite::kCopyFromUser, 1},
                   {FaultSite::kGetObject, 1},
                   {FaultSite::kPagesAlloc, 1},
                   {FaultSite::kAreaAlloc, 1},
                   {FaultSite::kCopyToUser, 1}};
  if (hwpts() > 0) {
    expected[FaultSite::kPfnBatch] = 1;
    expected[FaultSite::kPinUserPages] = 1;
    expected[FaultSite::kIommuMap] = hwpts();
    expected[FaultSite::kAccount] = 1;
  }
  const SystemCall map = [&](Kernel& k) {
    MapArguments a{ioas_, kFixed, mm::UserAddressOf(1), 0x4000, 0x30000};
    return ioas_map(k, k.ctx, &a);
  };
  EXPECT_EQ(Sweep(map, true), expected);
}

TEST_P(UnwindTest, MapFileInSeveralRuns) {
  Reached expected{{FaultSite::kCopyFromUser, 1}, {FaultSite::kGetObject, 1},
                   {FaultSite::kFdLookup, 1},     {FaultSite::kPagesAlloc, 1},
                   {FaultSite::kAreaAlloc, 1},    {FaultSite::kCopyToUser, 1}};
  if (hwpts() > 0) {
    expected[FaultSite::kPfnBatch] = 1;
    expected[FaultSite::kMemfdPinFolios] = 1;
    expected[FaultSite::kIommuMap] = 4 * hwpts();
    expected[FaultSite::kAccount] = 1;
  }
  const SystemCall map = [&](Kernel& k) {
    MapArguments a{ioas_, kReadWrite, 0, 0x4000, 0};
    return ioas_map_file(k, k.ctx, m.memfd(1), &a);
  };
  EXPECT_EQ(Sweep(map, true), expected);
}

// Two slices: two pages, then the first two of the scattered file.
TEST_P(UnwindTest, CopyOfWhatIsPinned) {
  ASSERT_EQ(m.MapFile(ioas_, 0x12000, 0x2000, 1), 0);
  Reached expected{{FaultSite::kCopyFromUser, 1},
                   {FaultSite::kGetObject, 2},
                   {FaultSite::kPagesListAlloc, 2},
                   {FaultSite::kAreaAlloc, 2},
                   {FaultSite::kCopyToUser, 1}};
  if (hwpts() > 0) {
    expected[FaultSite::kPfnBatch] = 2;
    expected[FaultSite::kIommuMap] = 3 * hwpts();
  }
  const SystemCall copy = [&](Kernel& k) {
    CopyArguments a{kFixed, ioas_, ioas_, 0x4000, 0x40000, 0x10000};
    return ioas_copy(k, k.ctx, &a);
  };
  EXPECT_EQ(Sweep(copy, true), expected);
}

// The source has no domain: the copy pins, and one page of its second slice is pinned already.
TEST_P(UnwindTest, CopyOfWhatIsNotPinned) {
  const uint32_t source = m.IoasAlloc();
  ASSERT_EQ(m.MapFile(source, 0x10000, 0x1000), 0);
  ASSERT_EQ(m.MapFile(source, 0x11000, 0x3000, 1), 0);
  ASSERT_EQ(m.Call([&](Kernel& k) {
    CopyArguments a{kFixed, ioas_, source, 0x1000, 0x50000, 0x12000};
    return ioas_copy(k, k.ctx, &a);
  }),
            0);
  Reached expected{{FaultSite::kCopyFromUser, 1},
                   {FaultSite::kGetObject, 2},
                   {FaultSite::kPagesListAlloc, 2},
                   {FaultSite::kAreaAlloc, 2},
                   {FaultSite::kCopyToUser, 1}};
  if (hwpts() > 0) {
    expected[FaultSite::kPfnBatch] = 2;
    expected[FaultSite::kMemfdPinFolios] = 3;  // before and behind the one that is
    expected[FaultSite::kIommuMap] = 4 * hwpts();
    expected[FaultSite::kAccount] = 2;
  }
  const SystemCall copy = [&](Kernel& k) {
    CopyArguments a{kReadWrite, ioas_, source, 0x4000, 0, 0x10000};
    return ioas_copy(k, k.ctx, &a);
  };
  EXPECT_EQ(Sweep(copy, true), expected);
}

TEST_P(UnwindTest, Unmap) {
  const SystemCall unmap = [&](Kernel& k) {
    uint64_t length = 0x20000;
    return ioas_unmap(k, k.ctx, ioas_, 0x10000, &length);
  };
  EXPECT_EQ(Sweep(unmap, true), (Reached{{FaultSite::kCopyFromUser, 1},
                                         {FaultSite::kGetObject, 1},
                                         {FaultSite::kCopyToUser, 1}}));
}

TEST_P(UnwindTest, HwptAlloc) {
  uint32_t id = 0;
  Reached expected{
      {FaultSite::kCopyFromUser, 1},  {FaultSite::kGetObject, 2},   {FaultSite::kObjectAlloc, 1},
      {FaultSite::kObjectIdAlloc, 1}, {FaultSite::kDomainAlloc, 1}, {FaultSite::kTableAlloc, 3},
      {FaultSite::kReserveIova, 1},   {FaultSite::kDomainSlot, 1},  {FaultSite::kPfnBatch, 2},
      {FaultSite::kIommuMap, 1 + 3},  // the runs of both areas
      {FaultSite::kCopyToUser, 1}};
  if (hwpts() == 0) {
    expected[FaultSite::kMemfdPinFolios] = 2;
    expected[FaultSite::kAccount] = 2;
  }
  EXPECT_EQ(Sweep([&](Kernel& k) { return hwpt_alloc(k, k.ctx, device_, ioas_, &id); }), expected);
}

TEST_P(UnwindTest, HwptDestroyFailsAtItsArgumentsOnly) {
  if (hwpts() == 0) return;
  const uint32_t first = device_ + 2;  // ids: device, IOAS, HWPTs
  EXPECT_EQ(Sweep([&](Kernel& k) { return iommufd_destroy(k, k.ctx, first); }),
            (Reached{{FaultSite::kCopyFromUser, 1}}));
}

TEST_P(UnwindTest, Bind) {
  uint32_t id = 0;
  EXPECT_EQ(Sweep([&](Kernel& k) { return device_bind(k, k.ctx, 1, &id); }),
            (Reached{{FaultSite::kCopyFromUser, 1},
                     {FaultSite::kGroupAlloc, 1},
                     {FaultSite::kGroupSlot, 1},
                     {FaultSite::kClaimDmaOwner, 1},
                     {FaultSite::kObjectAlloc, 1},
                     {FaultSite::kObjectIdAlloc, 1}}));
}

TEST_P(UnwindTest, AttachDetachUnbind) {
  if (hwpts() > 0) {
    const uint32_t hwpt = device_ + 2;
    const SystemCall attach = [&](Kernel& k) { return device_attach(k, k.ctx, device_, hwpt); };
    EXPECT_EQ(Sweep(attach), (Reached{{FaultSite::kCopyFromUser, 1},
                                      {FaultSite::kGetObject, 1},
                                      {FaultSite::kAttachHandle, 1},
                                      {FaultSite::kDeviceAttach, 1}}));
    ASSERT_EQ(m.Call(attach), 0);
  }
  EXPECT_EQ(Sweep([&](Kernel& k) { return device_detach(k, k.ctx, device_); }),
            (Reached{{FaultSite::kCopyFromUser, 1}}));
  // Its driver holds the device by pointer, and close(2) has no arguments.
  EXPECT_EQ(Sweep([&](Kernel& k) { return device_unbind(k, k.ctx, device_); }), Reached{});
}

// Where tables are missing a failed map may leave some behind; unmapping the range frees them, and
// then the World is what it was.
TEST_P(UnwindTest, AddedTablesStayReachableAndEmpty) {
  const liveupdate::World before = m.world;
  const mm::Iova iova = (mm::Iova{1} << 30) - 2 * kPage;  // over a boundary of both levels
  const SystemCall map = [&](Kernel& k) {
    MapArguments a{ioas_, kFixed, 0, 0x4000, iova};
    return ioas_map_file(k, k.ctx, m.memfd(1), &a);
  };
  const SystemCall clean = [&](Kernel& k) {
    k.iommu.domains.ForEach([&](iommu::DomainHandle h, const iommu::Domain&) {
      EXPECT_EQ(iommu_unmap(k.t, k.iommu, k.mm, h, mm::Iova{1} << 29, 1 << 17), 0u);
      EXPECT_EQ(iommu_unmap(k.t, k.iommu, k.mm, h, mm::Iova{1} << 30, 1 << 18), 0u);
    });
    return 0;
  };
  int tables = 0;
  m.Sweep(map, [&](const FaultedRun& run) {
    if (run.site == FaultSite::kCopyToUser) return;
    tables += run.site == FaultSite::kTableAlloc ? 1 : 0;
    EXPECT_LT(run.result, 0);
    EXPECT_TRUE(run.splats.empty());
    KernelFixture after(m);
    after.world = *run.world;
    EXPECT_EQ(after.Call(clean), 0);
    EXPECT_TRUE(after.world == before) << run.Where() << "\n"
                                       << test_support::Difference(before, after.world);
  });
  EXPECT_EQ(tables, 3 * hwpts()) << "the last leaf table of the first GiB, both of the second";
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
