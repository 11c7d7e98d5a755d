// Several domains in one IOAS: fill, unfill, the hand-over of the storage domain, pins.

#include "model/iommufd/pages.h"
#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

class DomainsTest : public IommufdTest {
 protected:
  void SetUp() override {
    ioas_ = m.IoasAlloc();
    device_ = m.Bind();
  }
  uint32_t AddHwpt() { return m.HwptAlloc(device_, ioas_); }
  uint64_t Locked() const { return m.world.machine.locked_pages.Peek(); }
  uint64_t Pins(mm::Pfn pfn) const { return m.world.machine.phys.at(pfn).pins; }
  std::vector<uint16_t> StorageDomains() const {
    std::vector<uint16_t> storage;
    m.world.kernel.iommufd.areas.ForEach(
        [&](AreaHandle, const Area& area) { storage.push_back(area.storage.Peek().domain.index); });
    return storage;
  }

  // Of the one area.
  std::vector<mm::PfnRun> PinnedRuns() {
    std::vector<mm::PfnRun> runs;
    m.Call([&](Kernel& k) {
      const IoasHandle ioas{0, 0};
      down_read(k, ioas, iopt::iova_rwsem);
      runs = ReadPinnedRuns(k, Read(k, ioas, iopt::areas).front());
      up_read(k, ioas, iopt::iova_rwsem);
      return 0;
    });
    return runs;
  }

  uint32_t ioas_ = 0, device_ = 0;
};

constexpr uint16_t kNoDomain = UINT16_MAX;

TEST_F(DomainsTest, WithoutADomainNothingIsPinned) {
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x4000), 0);
  EXPECT_EQ(Locked(), 0u);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{kNoDomain});
  ExpectBalanced(m.world);
}

TEST_F(DomainsTest, RunsAreWhatIsPinned) {
  const mm::Pfn first = FilePages(0).front();
  AddHwpt();
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x3000, 0, 0x1000), 0);
  EXPECT_EQ(PinnedRuns(), (std::vector<mm::PfnRun>{{first + 1, 3}}));
  // What is pinned stays when the file loses a page.
  m.Call([&](Kernel& k) { return memfd_punch_hole(k.t, k.mm, m.memfd(0), 0x2000, 0x1000); });
  EXPECT_EQ(PinnedRuns(), (std::vector<mm::PfnRun>{{first + 1, 3}}));
  uint64_t length = 0x3000;
  ASSERT_EQ(Unmap(ioas_, 0x10000, &length), 0);
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x3000, 0, 0x1000), 0);
  const std::vector<mm::Pfn> file = FilePages(0);
  EXPECT_EQ(PinnedRuns().size(), file[2] == first + 2 ? 1u : 3u);
  EXPECT_EQ(PinnedRuns()[0].first, file[1]);
}

TEST_F(DomainsTest, RunsEndWhereSomebodyTookAPageOut) {
  AddHwpt();
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x4000), 0);
  const liveupdate::World before = m.world;
  m.Call([&](Kernel& k) {
    iommu_unmap(k.t, k.iommu, k.mm, {0, 0}, 0x12000, 1);
    return 0;
  });
  EXPECT_EQ(PinnedRuns(), (std::vector<mm::PfnRun>{{FilePages(0).front(), 2}}));
  EXPECT_EQ(m.splats(), std::vector<sim::Splat>{sim::Splat::kWarn});
  m.ForgetSplats();
  m.world = before;
}

TEST_F(DomainsTest, PinsFollowTheFirstAndTheLastDomain) {
  const std::vector<mm::Pfn> file = FilePages(0);
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x4000), 0);
  const uint32_t first = AddHwpt();
  EXPECT_EQ(Mapped(0), file);
  EXPECT_EQ(Locked(), 4u);
  const uint32_t second = AddHwpt();
  EXPECT_EQ(Mapped(1), file);
  EXPECT_EQ(Locked(), 4u) << "a page counts once, however many domains map it";
  for (mm::Pfn pfn : file) EXPECT_EQ(Pins(pfn), 1u);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{0});

  EXPECT_EQ(m.Destroy(first), 0);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{1}) << "handed over";
  EXPECT_EQ(Mapped(1), file);
  EXPECT_EQ(Locked(), 4u);
  EXPECT_EQ(m.Destroy(second), 0);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{kNoDomain});
  EXPECT_EQ(Locked(), 0u);
  for (mm::Pfn pfn : file) EXPECT_EQ(Pins(pfn), 0u);
}

TEST_F(DomainsTest, TheStorageDomainStaysWhenAnotherLeaves) {
  AddHwpt();
  const uint32_t second = AddHwpt();
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x4000), 0);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{0});
  EXPECT_EQ(m.Destroy(second), 0);
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{0});
  EXPECT_EQ(Mapped(0), FilePages(0));
}

TEST_F(DomainsTest, TheLastEntryMovesIntoTheHole) {
  const uint32_t a = AddHwpt();
  AddHwpt();
  AddHwpt();
  const auto domains = [&] {
    std::vector<uint16_t> indices;
    m.world.kernel.iommufd.ioas.ForEach([&](IoasHandle, const Ioas& ioas) {
      for (iommu::DomainHandle h : ioas.iopt.domains.Peek()) indices.push_back(h.index);
    });
    return indices;
  };
  ASSERT_EQ(m.MapUser(ioas_, 0x10000, 0x4000), 0);
  EXPECT_EQ(domains(), (std::vector<uint16_t>{0, 1, 2}));
  EXPECT_EQ(m.Destroy(a), 0);
  EXPECT_EQ(domains(), (std::vector<uint16_t>{2, 1}));
  EXPECT_EQ(StorageDomains(), std::vector<uint16_t>{2}) << "the first of the array";
}

TEST_F(DomainsTest, MapAndUnmapReachEveryDomain) {
  AddHwpt();
  AddHwpt();
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x2000, 0, 0x2000), 0);
  ASSERT_EQ(m.MapUser(ioas_, 0x20000, 0x1000), 0);
  const std::vector<mm::Iova> iovas{0x10000, 0x11000, 0x20000};
  EXPECT_EQ(m.MappedIovas(0), iovas);
  EXPECT_EQ(m.MappedIovas(1), iovas);
  EXPECT_EQ(Mapped(0)[0], FilePages(0)[2]) << "the offset in the file counts";
  EXPECT_EQ(Locked(), 3u);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x2000), 0);
  EXPECT_EQ(m.MappedIovas(0), std::vector<mm::Iova>{0x20000});
  EXPECT_EQ(m.MappedIovas(1), std::vector<mm::Iova>{0x20000});
  EXPECT_EQ(Locked(), 1u);
}

TEST_F(DomainsTest, TwoMapsOfOnePageCountTwice) {
  AddHwpt();
  ASSERT_EQ(m.MapUser(ioas_, 0x10000, 0x1000), 0);
  ASSERT_EQ(m.MapUser(ioas_, 0x20000, 0x1000), 0);
  EXPECT_EQ(Locked(), 2u);
  EXPECT_EQ(Pins(Mapped(0)[0]), 2u);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x1000), 0);
  EXPECT_EQ(Locked(), 1u);
}

TEST_F(DomainsTest, AHoleUnderAMappingTakesNothingFromIt) {
  AddHwpt();
  const std::vector<mm::Pfn> file = FilePages(0);
  ASSERT_EQ(m.MapFile(ioas_, 0x10000, 0x4000), 0);
  ASSERT_EQ(m.Call([&](Kernel& k) { return memfd_punch_hole(k.t, k.mm, m.memfd(0), 0, 0x4000); }),
            0);
  EXPECT_EQ(Mapped(0), file) << "the device still reaches the old frames";
  for (mm::Pfn pfn : file) EXPECT_EQ(m.world.machine.phys.at(pfn).refs, 1);
  EXPECT_EQ(m.Unmap(ioas_, 0x10000, 0x4000), 0);
  for (mm::Pfn pfn : file) {
    EXPECT_TRUE(!m.world.machine.phys.Exists(pfn) ||
                m.world.machine.phys.at(pfn).owner != mm::FrameOwner::kMemfdData);
  }
}

TEST_F(DomainsTest, MoreThanOneBatch) {
  KernelFixture big(nullptr, 1200);
  const uint32_t ioas = big.IoasAlloc();
  const uint32_t device = big.Bind();
  ASSERT_EQ(big.MapFile(ioas, 0x100000, 1200 * kPage), 0);
  const uint32_t first = big.HwptAlloc(device, ioas);
  const uint32_t second = big.HwptAlloc(device, ioas);
  EXPECT_EQ(big.MappedIovas(0).size(), 1200u);
  EXPECT_EQ(big.MappedIovas(1), big.MappedIovas(0));
  EXPECT_EQ(big.world.machine.locked_pages.Peek(), 1200u);
  EXPECT_EQ(big.Unmap(ioas, 0x100000, 1200 * kPage), 0);
  ASSERT_EQ(big.MapUser(ioas, 0x200000, 1200 * kPage), 0);
  EXPECT_EQ(big.MappedIovas(1).size(), 1200u);
  ExpectBalanced(big.world);
  EXPECT_EQ(big.Destroy(first), 0);
  EXPECT_EQ(big.MappedIovas(1).size(), 1200u);
  EXPECT_EQ(big.Destroy(second), 0);
  EXPECT_EQ(big.world.machine.locked_pages.Peek(), 0u);
  EXPECT_TRUE(big.splats().empty());
}

// The temp buffer holds 512 pages: a failure may come between two batches, and nowhere else.
TEST_F(DomainsTest, ABatchIsFiveHundredAndTwelvePages) {
  KernelFixture big(nullptr, 1200);
  const uint32_t ioas = big.IoasAlloc();
  ASSERT_NE(big.HwptAlloc(big.Bind(), ioas), 0u);
  for (const auto& [pages, batches] : {std::pair(512, 1), {513, 2}, {1024, 2}, {1025, 3}}) {
    ASSERT_EQ(big.MapFile(ioas, 0x1000000, static_cast<uint64_t>(pages) * kPage), 0);
    int calls = 0;
    for (const sim::Event& event : big.events()) {
      calls += event.primitive == sim::Primitive::kCall &&
                       event.detail == static_cast<int>(sim::FaultSite::kMemfdPinFolios)
                   ? 1
                   : 0;
    }
    EXPECT_EQ(calls, batches) << pages;
    ASSERT_EQ(big.Unmap(ioas, 0x1000000, static_cast<uint64_t>(pages) * kPage), 0);
  }
}

TEST_F(DomainsTest, AlignmentFollowsTheDomains) {
  const auto alignment = [&] {
    uint64_t value = 0;
    m.world.kernel.iommufd.ioas.ForEach(
        [&](IoasHandle, const Ioas& ioas) { value = ioas.iopt.iova_alignment.Peek(); });
    return value;
  };
  EXPECT_EQ(alignment(), 1u);
  const uint32_t first = AddHwpt();
  EXPECT_EQ(alignment(), kPage);
  const uint32_t second = AddHwpt();
  EXPECT_EQ(m.Destroy(first), 0);
  EXPECT_EQ(alignment(), kPage);
  EXPECT_EQ(m.Destroy(second), 0);
  EXPECT_EQ(alignment(), 1u);
  EXPECT_EQ(m.MapUser(ioas_, iommu::kApertureLast + 1, 0x1000), 0) << "no aperture any more";
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
