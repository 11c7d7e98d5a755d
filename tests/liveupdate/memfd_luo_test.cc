// LUO's handler for memfds: what it hands over, and that undoing it leaves nothing.

#include "model/liveupdate/memfd_luo.h"

#include <map>

#include "model/liveupdate/kho.h"
#include "model/liveupdate/layout.h"
#include "tests/liveupdate/liveupdate_fixture.h"

namespace iommufd_check::liveupdate {
namespace {

using mm::FrameOwner;
using sim::FaultSite;

class MemfdLuoTest : public LiveUpdateTest {
 protected:
  int Preserve(uint16_t i, uint64_t* data) {
    return m.Call([&](Kernel& k) { return memfd_luo_preserve(k, m.memfd(i), data); });
  }
  int Unpreserve(uint16_t i, uint64_t data) {
    return m.Call([&](Kernel& k) {
      memfd_luo_unpreserve(k, m.memfd(i), data);
      return 0;
    });
  }
  int CheckSeals(uint64_t data, uint32_t seals) {
    return m.Call([&](Kernel& k) { return memfd_luo_check_seals(k, m.memfd(0), data, seals); });
  }
  int CheckPages(uint64_t data, uint64_t first_page, const std::vector<mm::PfnRun>& runs) {
    return m.Call(
        [&](Kernel& k) { return memfd_luo_check_pages(k, m.memfd(0), data, first_page, runs); });
  }
  // The page cache of a file, one run for each page.
  std::vector<mm::PfnRun> PagesOf(uint16_t i) const {
    std::vector<mm::PfnRun> runs;
    for (const auto& [index, pfn] : StateOf(i).pages) runs.push_back({pfn, 1});
    return runs;
  }
  uint64_t Serialized(uint64_t data, const FieldLayout& field) const {
    return m.world.machine.phys.ReadField(data + field.offset, field.bytes);
  }
  const mm::MemfdState& StateOf(uint16_t i) const {
    return m.world.machine.memfds.Find(m.memfd(i))->state.Peek();
  }
};

TEST_F(MemfdLuoTest, HandsOverSizeSealsAndPages) {
  ASSERT_EQ(Seal(0), 0);
  const World before = m.world;
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  EXPECT_TRUE(StateOf(0).frozen);
  EXPECT_FALSE(StateOf(1).frozen);
  EXPECT_EQ(Serialized(data, kMemfdSize), 4 * kPage);
  EXPECT_EQ(Serialized(data, kMemfdSeals), mm::kSealsOfPreserved);
  EXPECT_EQ(Serialized(data, kMemfdFolios), 4u);
  EXPECT_EQ(CheckPages(data, 0, PagesOf(0)), 0);
  for (const auto& [index, pfn] : StateOf(0).pages) {
    EXPECT_TRUE(IsRegistered(pfn));
    EXPECT_EQ(m.world.machine.phys.at(pfn).pins, 1);
  }
  const std::vector<Pfn> own = FramesOf(FrameOwner::kMemfdSer);
  EXPECT_EQ(own.size(), 2u) << "header and folio list";
  for (Pfn pfn : own) EXPECT_TRUE(IsRegistered(pfn));
  EXPECT_EQ(Registered().size(), 4u + 2u);
  const PhysAddr array = m.world.machine.phys.ReadField(data + kMemfdArray.offset, 8);
  EXPECT_EQ(m.world.machine.phys.ReadField(array + kFolioPfnFlags.offset, 8) % 4096, 3u)
      << "dirty and up to date";

  ASSERT_EQ(Unpreserve(0, data), 0);
  EXPECT_TRUE(m.world == before) << Difference(before, m.world);
  EXPECT_THAT(m.splats(), IsEmpty());
}

TEST_F(MemfdLuoTest, HolesAreAllocated) {
  ASSERT_EQ(
      m.Call([&](Kernel& k) { return memfd_punch_hole(k.t, k.mm, m.memfd(0), 0, 4 * kPage); }), 0);
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  EXPECT_EQ(StateOf(0).pages.size(), 4u);
  EXPECT_EQ(CheckPages(data, 0, PagesOf(0)), 0);
}

TEST_F(MemfdLuoTest, AnswersWhichSealsItHandedOver) {
  ASSERT_EQ(Seal(0, mm::kSealGrow | mm::kSealShrink), 0);
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  EXPECT_EQ(CheckSeals(data, 0), 0);
  EXPECT_EQ(CheckSeals(data, mm::kSealGrow), 0);
  EXPECT_EQ(CheckSeals(data, mm::kSealGrow | mm::kSealShrink), 0);
  EXPECT_EQ(CheckSeals(data, mm::kSealSeal), -sim::kEINVAL);
  ASSERT_EQ(Seal(0, mm::kSealSeal), 0);
  EXPECT_EQ(CheckSeals(data, mm::kSealsOfPreserved), -sim::kEINVAL) << "set too late (B44)";
}

TEST_F(MemfdLuoTest, AnswersWhichPagesItHandedOver) {
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  const Pfn first = StateOf(0).pages[0].second;
  EXPECT_EQ(CheckPages(data, 0, {{first, 4}}), 0) << "one run, or one for each page";
  EXPECT_EQ(CheckPages(data, 0, {{first, 1}, {first + 1, 3}}), 0);
  EXPECT_EQ(CheckPages(data, 2, {{first + 2, 2}}), 0);
  EXPECT_EQ(CheckPages(data, 4, {}), 0) << "nothing, at the end";
  EXPECT_EQ(CheckPages(data, 0, {{first + 1, 1}}), -sim::kEINVAL) << "at another offset";
  EXPECT_EQ(CheckPages(data, 0, {{first, 3}, {first, 1}}), -sim::kEINVAL) << "the last one";
  EXPECT_EQ(CheckPages(data, 0, PagesOf(1)), -sim::kEINVAL) << "of another file";
  EXPECT_EQ(CheckPages(data, 1, {{first + 1, 4}}), -sim::kEINVAL) << "beyond the end";
  EXPECT_EQ(CheckPages(data, UINT64_MAX, {{first, 1}}), -sim::kEINVAL);
  EXPECT_THAT(m.splats(), IsEmpty());
}

// Across the pages of the folio list, 256 folios each.
TEST(MemfdLuoLarge, AnswersForPagesInTheMiddleOfALongList) {
  constexpr uint32_t kPages = 600;
  KernelFixture m(nullptr, kPages);
  const mm::PageMap pages = m.world.machine.memfds.Find(m.memfd(0))->state.Peek().pages;
  ASSERT_EQ(pages.size(), kPages);
  uint64_t data = 0;
  ASSERT_EQ(m.Call([&](Kernel& k) { return memfd_luo_preserve(k, m.memfd(0), &data); }), 0);
  for (const uint32_t first : {0u, 1u, 255u, 256u, 300u, 599u}) {
    std::vector<mm::PfnRun> runs;
    for (uint32_t i = first; i < kPages; ++i) runs.push_back({pages[i].second, 1});
    const auto check = [&](uint64_t from) {
      return m.Call(
          [&](Kernel& k) { return memfd_luo_check_pages(k, m.memfd(0), data, from, runs); });
    };
    EXPECT_EQ(check(first), 0) << first;
    EXPECT_EQ(check(first + 1), -sim::kEINVAL) << first;
    runs.back().first += kPages;
    EXPECT_EQ(check(first), -sim::kEINVAL) << first;
  }
}

TEST_F(MemfdLuoTest, AFrozenFileKeepsItsPages) {
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  m.Call([&](Kernel& k) {
    EXPECT_EQ(memfd_punch_hole(k.t, k.mm, m.memfd(0), 0, kPage), -sim::kEPERM);
    EXPECT_EQ(memfd_truncate(k.t, k.mm, m.memfd(0), 0), -sim::kEPERM);
    EXPECT_EQ(memfd_add_seals(k.t, k.mm, m.memfd(0), mm::kSealSeal), 0) << "not what freezing is";
    EXPECT_EQ(memfd_punch_hole(k.t, k.mm, m.memfd(1), 0, kPage), 0);
    return 0;
  });
  ASSERT_EQ(Unpreserve(0, data), 0);
  m.Call([&](Kernel& k) {
    EXPECT_EQ(memfd_punch_hole(k.t, k.mm, m.memfd(0), 0, kPage), 0);
    return 0;
  });
}

TEST_F(MemfdLuoTest, Sizes) {
  // Nothing, one byte, and a folio list of more than one page (256 entries each).
  for (const uint64_t size : {uint64_t{0}, uint64_t{1}, 256 * kPage, 257 * kPage}) {
    KernelFixture fixture(nullptr, 0);
    const mm::MemfdHandle file = fixture.memfd(0);
    const uint64_t pages = (size + kPage - 1) / kPage;
    std::vector<Pfn> pfns;
    const int prepared = fixture.Call([&](Kernel& k) {
      const int error = memfd_truncate(k.t, k.mm, file, size);
      if (error != 0 || pages == 0) return error;
      const int pinned = memfd_pin_folios(k.t, k.mm, file, 0, static_cast<uint32_t>(pages), &pfns,
                                          mm::LastPage::kPartial);
      unpin_pages(k.t, k.mm, pfns);
      return pinned;
    });
    ASSERT_EQ(prepared, 0);
    const World before = fixture.world;
    uint64_t data = 0;
    ASSERT_EQ(fixture.Call([&](Kernel& k) { return memfd_luo_preserve(k, file, &data); }), 0);
    const mm::PhysMemory& phys = fixture.world.machine.phys;
    EXPECT_EQ(phys.ReadField(data + kMemfdSize.offset, kMemfdSize.bytes), size);
    EXPECT_EQ(phys.ReadField(data + kMemfdFolios.offset, kMemfdFolios.bytes), pages);
    EXPECT_EQ(fixture.world.kernel.luo.kho.PreservedPages().size(),
              pages + 1 + (pages + 255) / 256);
    fixture.Call([&](Kernel& k) {
      memfd_luo_unpreserve(k, file, data);
      return 0;
    });
    EXPECT_TRUE(fixture.world == before) << size << "\n" << Difference(before, fixture.world);
    EXPECT_THAT(fixture.splats(), IsEmpty());
  }
}

// Whatever stands in the header: unpreserve ends, in an oops where the list leads astray.
TEST_F(MemfdLuoTest, AGarbledHeaderIsAnOops) {
  uint64_t data = 0;
  ASSERT_EQ(Preserve(0, &data), 0);
  const sim::ObjectRef ref = Ref(m.memfd(0));
  const PhysAddr array = m.world.machine.phys.ReadField(data + kMemfdArray.offset, 8);
  struct Row {
    PhysAddr address;
    uint64_t value;
    sim::Splat splat;
  };
  const uint64_t dirty = 3;
  for (const Row& row : {
           Row{data + kMemfdFolios.offset, UINT64_MAX, sim::Splat::kBadFrame},  // reads on: pfn 0
           Row{data + kMemfdArray.offset, 0, sim::Splat::kNullDereference},
           Row{data + kMemfdArray.offset, uint64_t{1} << 60, sim::Splat::kBadFrame},
           Row{array + kFolioPfnFlags.offset, uint64_t{5} << 12 | dirty, sim::Splat::kBadFrame},
           Row{array + kFolioPfnFlags.offset, data | dirty, sim::Splat::kBadPageState},
       }) {
    KernelFixture copy(m);
    copy.Call([&](Kernel& k) {
      store(k, row.address, 0, 8, row.value, ref);
      memfd_luo_unpreserve(k, copy.memfd(0), data);
      return 0;
    });
    EXPECT_EQ(copy.splats(), std::vector<sim::Splat>{row.splat}) << row.value;
  }
  for (const uint64_t wild : {uint64_t{0}, UINT64_MAX, uint64_t{1} << 50, data + kPage}) {
    KernelFixture copy(m);
    EXPECT_EQ(copy.Call([&](Kernel& k) {
      memfd_luo_unpreserve(k, copy.memfd(0), wild);
      return 0;
    }),
              KernelFixture::kRunEnded)
        << wild;
  }
}

// 257 folios: a list of two pages, of which the second one cannot be registered.
TEST_F(MemfdLuoTest, AListThatIsRegisteredByHalfIsUndone) {
  KernelFixture large(nullptr, 257);
  const World before = large.world;
  uint64_t data = 0;
  const sim::PlannedFault fault{0, FaultSite::kKhoPreserveVmalloc, 2};
  EXPECT_EQ(large.Call([&](Kernel& k) { return memfd_luo_preserve(k, large.memfd(0), &data); },
                       {&fault, 1}),
            -sim::kENOMEM);
  EXPECT_TRUE(large.world == before) << Difference(before, large.world);
  EXPECT_THAT(large.splats(), IsEmpty());
}

TEST_F(MemfdLuoTest, EveryFaultRestoresTheWorld) {
  const World before = m.world;
  uint64_t data = 0;
  std::map<FaultSite, int> reached;
  m.Sweep([&](Kernel& k) { return memfd_luo_preserve(k, m.memfd(0), &data); },
          [&](const FaultedRun& run) {
            ++reached[run.site];
            EXPECT_EQ(run.result, -sim::kENOMEM) << run.Where();
            EXPECT_THAT(run.splats, IsEmpty()) << run.Where();
            EXPECT_TRUE(*run.world == before) << run.Where() << "\n"
                                              << Difference(before, *run.world);
          });
  EXPECT_EQ(reached, (std::map<FaultSite, int>{{FaultSite::kKhoAllocPreserve, 1},
                                               {FaultSite::kMemfdPinFolios, 1},
                                               {FaultSite::kKhoPreserveFolio, 4},
                                               {FaultSite::kKcalloc, 1},
                                               {FaultSite::kKhoPreserveVmalloc, 1}}));
}

}  // namespace
}  // namespace iommufd_check::liveupdate
