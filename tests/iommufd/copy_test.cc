// IOAS_COPY: areas that are slices of one pages object, and what they share (uapi.md 4.7,
// io_pagetable.md sections 4, 8 and 11). ExpectBalanced, at the end of each test and wherever pins
// are the subject, counts every page once for each pages object.

#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

using mm::kMax;

// `src_` has memfd 0 at 0x10000, whole, and memfd 1 behind it; `dst_` is empty.
class CopyTest : public IommufdTest {
 protected:
  void SetUp() override {
    src_ = m.IoasAlloc();
    dst_ = m.IoasAlloc();
    device_ = m.Bind();
    ASSERT_EQ(m.MapFile(src_, 0x10000, 0x4000), 0);
    ASSERT_EQ(m.MapFile(src_, 0x14000, 0x4000, 1), 0);
  }
  // To a fixed IOVA of `dst_`, readable and writable.
  int CopyTo(mm::Iova to, mm::Iova from, uint64_t length) {
    return Copy({kFixed, dst_, src_, length, to, from});
  }
  uint32_t AddHwpt(uint32_t ioas) { return m.HwptAlloc(device_, ioas); }
  uint64_t Locked() const { return m.world.machine.locked_pages.Peek(); }
  int Punch(uint16_t file, uint64_t start, uint64_t length) {
    return m.Call(
        [&](Kernel& k) { return memfd_punch_hole(k.t, k.mm, m.memfd(file), start, length); });
  }
  size_t PagesObjects() const { return m.world.kernel.iommufd.pages.live(); }

  uint32_t src_ = 0, dst_ = 0, device_ = 0;
};

using Pfns = std::vector<mm::Pfn>;

TEST_F(CopyTest, ChecksInOrder) {
  struct Row {
    const char* what;
    CopyArguments arguments;
    int result;
  };
  const Row rows[] = {
      {"unknown flag", {8, 99, 99, kMax, kMax, kMax}, -sim::kEOPNOTSUPP},
      {"length MAX", {0, dst_, src_, kMax, 0, 0x10000}, -sim::kEOVERFLOW},
      {"source MAX", {0, dst_, src_, 0x1000, 0, kMax}, -sim::kEOVERFLOW},
      {"destination MAX, not fixed", {0, dst_, src_, 0x1000, kMax, 0}, -sim::kEOVERFLOW},
      {"no permission", {kFixedIova, 99, 99, 0x1000, 0, 0x10000}, -sim::kEINVAL},
      {"no source", {kFixed, 99, 98, 0, 0, 0x10000}, -sim::kENOENT},
      {"the source is a device", {kFixed, dst_, device_, 0, 0, 0x10000}, -sim::kENOENT},
      {"length 0", {kFixed, 99, src_, 0, 0, 0x10000}, -sim::kEINVAL},
      {"source wraps", {kFixed, 99, src_, kMax - 0x1000, 0, 0x10000}, -sim::kEOVERFLOW},
      {"nothing there", {kFixed, 99, src_, 0x1000, 0, 0x8000}, -sim::kENOENT},
      {"no destination", {kFixed, 99, src_, 0x1000, 0, 0x10000}, -sim::kENOENT},
      {"destination wraps", {kFixed, dst_, src_, 0x1000, kMax - 1, 0x10000}, -sim::kEOVERFLOW},
      {"destination taken", {kFixed, src_, src_, 0x1000, 0x17fff, 0x10000}, -sim::kEEXIST},
  };
  const liveupdate::World before = m.world;
  for (const Row& row : rows) {
    EXPECT_EQ(Copy(row.arguments), row.result) << row.what;
    EXPECT_TRUE(m.world == before) << row.what << "\n" << test_support::Difference(before, m.world);
  }
}

TEST_F(CopyTest, ASubRangeShowsThePagesBelowIt) {
  AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x51000, 0x11000, 0x2000), 0);
  EXPECT_EQ(Mapped(0), FilePages(0, 1, 3));
  EXPECT_EQ(m.MappedIovas(0), (std::vector<mm::Iova>{0x51000, 0x52000}));
  EXPECT_EQ(Locked(), 2u);
  EXPECT_EQ(PagesObjects(), 2u);
}

TEST_F(CopyTest, EachSliceBecomesAnArea) {
  AddHwpt(dst_);
  CopyArguments a{kReadWrite, dst_, src_, 0x2000, 0, 0x13000};
  ASSERT_EQ(Copy(&a), 0);
  EXPECT_EQ(a.dst_iova, 0x1000u) << "aligned as offset 0x3000 of the file allows";
  EXPECT_EQ(Areas(),
            (AreaList{{0x10000, 0x13fff}, {0x14000, 0x17fff}, {0x1000, 0x1fff}, {0x2000, 0x2fff}}));
  const Pfns last = FilePages(0, 3, 4), first = FilePages(1, 0, 1);
  EXPECT_EQ(Mapped(0), (Pfns{last[0], first[0]}));
  EXPECT_EQ(m.Unmap(dst_, 0x2000, 0x1000), 0) << "each can be unmapped alone";
}

TEST_F(CopyTest, ASliceOfASlice) {
  ASSERT_EQ(CopyTo(0x51000, 0x11000, 0x3000), 0);
  ASSERT_EQ(Copy({kFixed, dst_, dst_, 0x1000, 0x60000, 0x52000}), 0);
  ASSERT_EQ(m.Unmap(src_, 0x10000, 0x4000), 0);
  ASSERT_EQ(m.Unmap(dst_, 0x51000, 0x3000), 0);
  AddHwpt(dst_);
  EXPECT_EQ(Mapped(0), FilePages(0, 2, 3));
}

TEST_F(CopyTest, BytesOfPagesWhereThereIsNoDomain) {
  ASSERT_EQ(CopyTo(0x50801, 0x10fff, 0x1002), 0);
  AreaShape shape;
  m.world.kernel.iommufd.areas.ForEach([&](AreaHandle, const Area& area) {
    if (area.shape.Peek().first == 0x50801) shape = area.shape.Peek();
  });
  EXPECT_EQ(shape.page_offset, 0xfffu);
  EXPECT_EQ(shape.first_index, 0u);
  EXPECT_EQ(shape.last_index(), 2u) << "one byte of each page but the middle one";
  EXPECT_EQ(AddHwpt(dst_), 0u) << "domains want whole pages";
}

TEST_F(CopyTest, AGapIsNoEntry) {
  ASSERT_EQ(m.Unmap(src_, 0x10000, 0x4000), 0);
  ASSERT_EQ(m.MapFile(src_, 0x10000, 0x3000), 0);
  EXPECT_EQ(CopyTo(0x50000, 0x12000, 0x2000), -sim::kENOENT) << "behind the first";
  EXPECT_EQ(CopyTo(0x50000, 0xf000, 0x2000), -sim::kENOENT) << "before it";
  EXPECT_EQ(CopyTo(0x50000, 0x17000, 0x2000), -sim::kENOENT) << "behind the last";
  EXPECT_EQ(CopyTo(0x50000, 0x17fff, 1), 0);
}

TEST_F(CopyTest, PagesThatMayNotBeWritten) {
  ASSERT_EQ(m.Call([&](Kernel& k) {
    MapArguments a{src_, kReadable | kFixedIova, 0, 0x1000, 0x18000};
    return ioas_map_file(k, k.ctx, m.memfd(0), &a);
  }),
            0);
  const liveupdate::World before = m.world;
  EXPECT_EQ(CopyTo(0x50000, 0x18000, 0x1000), -sim::kEPERM);
  EXPECT_EQ(CopyTo(0x50000, 0x17000, 0x2000), -sim::kEPERM) << "in the second slice";
  EXPECT_EQ(CopyTo(0x10000, 0x18000, 0x1001), -sim::kENOENT);
  EXPECT_EQ(Copy({kFixed, src_, src_, 0x1000, 0x17000, 0x18000}), -sim::kEEXIST)
      << "the IOVA comes first";
  EXPECT_TRUE(m.world == before) << test_support::Difference(before, m.world);
  EXPECT_EQ(Copy({kReadable | kFixedIova, dst_, src_, 0x2000, 0x50000, 0x17000}), 0);
  EXPECT_EQ(Copy({kFixed, dst_, dst_, 0x1000, 0x60000, 0x50000}), 0)
      << "a copy that is read only, of pages that may be written";
}

TEST_F(CopyTest, PinsAreSharedBothWaysRound) {
  for (const bool source_first : {true, false}) {
    AddHwpt(src_);
    AddHwpt(dst_);
    const uint64_t pinned = Locked();
    ASSERT_EQ(CopyTo(0x50000, 0x10000, 0x4000), 0);
    EXPECT_EQ(Locked(), pinned) << "nothing is pinned again";
    ExpectBalanced(m.world);
    const Pfns file = FilePages(0, 0, 4);
    EXPECT_EQ(m.Unmap(source_first ? src_ : dst_, source_first ? 0x10000 : 0x50000, 0x4000), 0);
    EXPECT_EQ(Locked(), pinned) << "the other area keeps them";
    ExpectBalanced(m.world);
    EXPECT_EQ(m.Unmap(source_first ? dst_ : src_, source_first ? 0x50000 : 0x10000, 0x4000), 0);
    EXPECT_EQ(Locked(), pinned - 4);
    for (mm::Pfn pfn : file) EXPECT_EQ(m.world.machine.phys.at(pfn).pins, 0u);
    ASSERT_EQ(m.MapFile(src_, 0x10000, 0x4000), 0);
  }
}

// [0,4) without a domain, a copy of [1,3) with one, then a domain for the first.
TEST_F(CopyTest, OnlyHolesArePinnedAndUnpinned) {
  ASSERT_EQ(m.Unmap(src_, 0x14000, 0x4000), 0);
  const uint32_t of_copy = AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x50000, 0x11000, 0x2000), 0);
  EXPECT_EQ(Locked(), 2u);
  const uint32_t of_source = AddHwpt(src_);
  EXPECT_EQ(Locked(), 4u);
  EXPECT_EQ(Mapped(1), FilePages(0, 0, 4));
  ExpectBalanced(m.world);
  EXPECT_EQ(m.Destroy(of_source), 0);
  EXPECT_EQ(Locked(), 2u);
  EXPECT_EQ(Mapped(0), FilePages(0, 1, 3)) << "still pinned, still mapped";
  ExpectBalanced(m.world);
  EXPECT_EQ(m.Destroy(of_copy), 0);
  EXPECT_EQ(Locked(), 0u);
}

TEST_F(CopyTest, TwoSlicesOfOneIoas) {
  ASSERT_EQ(Copy({kFixed, src_, src_, 0x6000, 0x50000, 0x12000}), 0);
  const uint32_t first = AddHwpt(src_);
  EXPECT_EQ(Locked(), 8u);
  ExpectBalanced(m.world);
  const uint32_t second = AddHwpt(src_);
  EXPECT_EQ(Mapped(0), Mapped(1));
  EXPECT_EQ(Mapped(0).size(), 14u);
  EXPECT_EQ(m.Destroy(first), 0);
  EXPECT_EQ(Locked(), 8u);
  EXPECT_EQ(m.Unmap(src_, 0x10000, 0x8000), 0);
  EXPECT_EQ(Locked(), 6u);
  ExpectBalanced(m.world);
  EXPECT_EQ(m.Destroy(second), 0);
  EXPECT_EQ(Locked(), 0u);
}

// Two areas overlap in the pages that a third has, and none of them alone has all.
TEST_F(CopyTest, PagesAreReadFromSeveralAreas) {
  ASSERT_EQ(m.Unmap(src_, 0x14000, 0x4000), 0);
  AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x50000, 0x10000, 0x2000), 0);
  ASSERT_EQ(CopyTo(0x60000, 0x11000, 0x2000), 0);
  EXPECT_EQ(Locked(), 3u);
  ASSERT_EQ(CopyTo(0x70000, 0x10000, 0x4000), 0);
  EXPECT_EQ(Locked(), 4u);
  const Pfns file = FilePages(0, 0, 4);
  EXPECT_EQ(Mapped(0),
            (Pfns{file[0], file[1], file[1], file[2], file[0], file[1], file[2], file[3]}));
  ASSERT_EQ(m.Unmap(dst_, 0x70000, 0x4000), 0);
  EXPECT_EQ(Locked(), 3u);
  ASSERT_EQ(m.Unmap(dst_, 0x50000, 0x2000), 0);
  EXPECT_EQ(Locked(), 2u);
}

TEST_F(CopyTest, AHoleThatWasPunchedSinceIsNotSeen) {
  AddHwpt(src_);
  const Pfns old = FilePages(0, 0, 4);
  ASSERT_EQ(Punch(0, 0x1000, 0x2000), 0);
  AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x50000, 0x10000, 0x4000), 0);
  EXPECT_EQ(Mapped(1), old);
  ASSERT_EQ(m.Unmap(src_, 0x10000, 0x4000), 0);
  ASSERT_EQ(Copy({kFixed, dst_, dst_, 0x1000, 0x60000, 0x51000}), 0);
  EXPECT_EQ(Mapped(1), (Pfns{old[0], old[1], old[2], old[3], old[1]}));
}

TEST_F(CopyTest, AHoleIsSeenWhereNobodyHasPinned) {
  const Pfns old = FilePages(0, 0, 4);
  ASSERT_EQ(Punch(0, 0x1000, 0x1000), 0);
  AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x50000, 0x10000, 0x4000), 0);
  EXPECT_EQ(Mapped(0), FilePages(0, 0, 4));
  EXPECT_EQ(Mapped(0)[0], old[0]);
}

// What is pinned outlives the end of its file; what is not cannot be had.
TEST_F(CopyTest, PagesBeyondTheEndOfTheirFile) {
  const uint32_t hwpt = AddHwpt(src_);
  AddHwpt(dst_);
  ASSERT_EQ(m.Call([&](Kernel& k) { return memfd_truncate(k.t, k.mm, m.memfd(0), 0x2000); }), 0);
  EXPECT_EQ(CopyTo(0x50000, 0x10000, 0x4000), 0);
  ASSERT_EQ(m.Unmap(dst_, 0x50000, 0x4000), 0);
  ASSERT_EQ(m.Destroy(hwpt), 0);
  EXPECT_EQ(CopyTo(0x50000, 0x10000, 0x4000), -sim::kEINVAL);
  EXPECT_EQ(CopyTo(0x50000, 0x10000, 0x2000), 0);
  // The second slice begins with what the first area keeps, the rest of it is gone.
  EXPECT_EQ(AddHwpt(src_), 0u);
  ExpectBalanced(m.world);
}

// Only the total and the first IOVA of the slices are checked (io_pagetable.md oddity 15).
TEST_F(CopyTest, SlicesThatAreNoWholePages) {
  ASSERT_EQ(m.MapUser(src_, 0x20000, 0x1800), 0);
  ASSERT_EQ(m.MapUser(src_, 0x21800, 0x800), 0);
  ASSERT_EQ(CopyTo(0x60000, 0x20000, 0x2000), 0);
  EXPECT_EQ(AddHwpt(dst_), 0u);
  ASSERT_EQ(m.Unmap(dst_, 0x60000, 0x2000), 0);
  AddHwpt(dst_);
  const liveupdate::World before = m.world;
  EXPECT_EQ(CopyTo(0x60000, 0x20000, 0x2000), -sim::kEINVAL) << "iommu_map wants whole pages";
  EXPECT_EQ(CopyTo(0x60000, 0x20000, 0x1800), -sim::kEINVAL) << "so does the total";
  EXPECT_EQ(Locked(), 0u);
  EXPECT_EQ(m.MappedIovas(0), std::vector<mm::Iova>{});
  ExpectBalanced(m.world);
  EXPECT_TRUE(m.world.kernel == before.kernel);
}

TEST_F(CopyTest, TheSourceMayGo) {
  AddHwpt(dst_);
  ASSERT_EQ(CopyTo(0x50000, 0x10000, 0x1000), 0);
  EXPECT_EQ(m.Destroy(src_), 0);
  EXPECT_EQ(PagesObjects(), 1u);
  EXPECT_EQ(m.world.machine.memfds.Find(m.memfd(0))->file.count.value, 2u)
      << "descriptor and pages";
  EXPECT_EQ(m.world.machine.memfds.Find(m.memfd(1))->file.count.value, 1u);
  EXPECT_EQ(Mapped(0), FilePages(0, 0, 1));
  EXPECT_EQ(m.Unmap(dst_, 0x50000, 0x1000), 0);
  EXPECT_EQ(PagesObjects(), 0u);
  EXPECT_EQ(m.world.machine.memfds.Find(m.memfd(0))->file.count.value, 1u);
}

TEST_F(CopyTest, AnAnswerThatIsLostKeepsTheCopy) {
  CopyArguments a{kFixed, dst_, src_, 0x1000, 0x50000, 0x10000};
  const sim::PlannedFault fault{.site = sim::FaultSite::kCopyToUser, .nth = 1};
  EXPECT_EQ(m.Call([&](Kernel& k) { return ioas_copy(k, k.ctx, &a); }, {&fault, 1}), -sim::kEFAULT);
  EXPECT_EQ(CopyTo(0x50000, 0x10000, 0x1000), -sim::kEEXIST);
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
