// Result vectors of uapi.md section 9 for the calls of this slice. A is an IOAS without domains, M
// one with a domain: 4 KiB pages, aperture [0, 2^39).

#include "model/iommufd/ioctl.h"

#include "tests/iommufd/iommufd_fixture.h"

namespace iommufd_check::iommufd::tests {
namespace {

using mm::kMax;
using mm::UserAddressOf;

constexpr uint64_t kV = UserAddressOf(0);
constexpr uint64_t kNowhere = 0x1000;  // no buffer is there

class IoctlTest : public IommufdTest {
 protected:
  uint32_t A() { return m.IoasAlloc(); }
  uint32_t M() {
    const uint32_t ioas = m.IoasAlloc();
    EXPECT_NE(m.HwptAlloc(m.Bind(), ioas), 0u);
    return ioas;
  }
};

TEST_F(IoctlTest, MapChecksInOrder) {
  const uint32_t a = A();
  struct Row {
    const char* what;
    MapArguments arguments;
    int result;
  };
  const Row rows[] = {
      {"flags 0", {a, 0, kV, 0x1000, 0}, -sim::kEINVAL},
      {"flags FIXED only", {a, kFixedIova, kV, 0x1000, 0}, -sim::kEINVAL},
      {"unknown flag, bad id", {99, 8, kV, 0x1000, 0}, -sim::kEOPNOTSUPP},
      {"iova MAX, not fixed", {a, kReadWrite, kV, 0x1000, kMax}, -sim::kEOVERFLOW},
      {"iova MAX before flags 0", {a, 0, kV, 0x1000, kMax}, -sim::kEOVERFLOW},
      {"length MAX", {a, kReadWrite, kV, kMax, 0}, -sim::kEOVERFLOW},
      {"bad id, length 0", {99, kReadWrite, kV, 0, 0}, -sim::kENOENT},
      {"id 0", {0, kReadWrite, kV, 0x1000, 0}, -sim::kENOENT},
      {"length 0", {a, kReadWrite, kV, 0, 0}, -sim::kEINVAL},
      {"address wraps", {a, kReadWrite, kMax - 0xfff, 0x1001, 0}, -sim::kEOVERFLOW},
      {"wrap before length 0", {a, kReadWrite, kMax, 0, 0}, -sim::kEINVAL},
      {"length above MAX-P", {a, kReadWrite, 0, kMax - 0xffe, 0}, -sim::kEINVAL},
      {"automatic length MAX/2", {a, kReadWrite, kV, kMax / 2, 0}, -sim::kEOVERFLOW},
      {"fixed wraps", {a, kFixed, kV, 0x1000, kMax - 0xffe}, -sim::kEOVERFLOW},
      {"offset and length wrap the page count",
       {a, kFixed, 0xfff, kMax - 0x1000, 0},
       -sim::kEOVERFLOW},
      {"read-only", {a, kReadable | kFixedIova, kV, 0x1000, 0x100000}, 0},
      {"write-only", {a, kWriteable | kFixedIova, kV, 0x1000, 0x101000}, 0},
      {"up to MAX", {a, kFixed, kV, 0x1000, kMax - 0xfff}, 0},
      {"nothing mapped there, lazily", {a, kFixed, kNowhere, 0x1000, 0x200000}, 0},
      {"the same range again", {a, kFixed, kV, 0x1000, 0x200000}, -sim::kEEXIST},
      {"one byte of it", {a, kFixed, kV, 1, 0x200fff}, -sim::kEEXIST},
      {"odd length and offset without a domain", {a, kFixed, kV + 5, 0x7ff, 0x300001}, 0},
  };
  for (const Row& row : rows) EXPECT_EQ(Map(row.arguments), row.result) << row.what;
  EXPECT_EQ(Areas(), (AreaList{{0x100000, 0x100fff},
                               {0x101000, 0x101fff},
                               {0x200000, 0x200fff},
                               {0x300001, 0x3007ff},
                               {kMax - 0xfff, kMax}}));
}

TEST_F(IoctlTest, MapIntoADomain) {
  const uint32_t ioas = M();
  const uint64_t aperture_end = iommu::kApertureLast + 1;
  EXPECT_EQ(Map({ioas, kFixed, kNowhere, 0x1000, 0x10000}), -sim::kEFAULT);
  EXPECT_EQ(Areas(), AreaList{}) << "the IOVA is free again";
  EXPECT_EQ(Map({ioas, kFixed, kV, 0x1000, aperture_end}), -sim::kEINVAL) << "reserved";
  EXPECT_EQ(Map({ioas, kFixed, kV, 0x2000, aperture_end - 0x1000}), -sim::kEINVAL);
  EXPECT_EQ(Map({ioas, kFixed, kV, 0x1000, 0x10001}), -sim::kEINVAL) << "alignment";
  EXPECT_EQ(Map({ioas, kFixed, kV, 0x800, 0x10000}), -sim::kEINVAL) << "length";
  EXPECT_EQ(Map({ioas, kFixed, kV + 0x400, 0x1000, 0x10000}), -sim::kEINVAL) << "page offset";
  EXPECT_EQ(Map({ioas, kReadWrite, kV + 0x400, 0x1000, 0}), -sim::kEINVAL);
  EXPECT_EQ(Map({ioas, kFixed, kV, 0x1000, aperture_end - 0x1000}), 0);
  EXPECT_EQ(Map({ioas, kFixed, kV + 0x1000, 0x4000, 0x10000}), -sim::kEFAULT) << "beyond the end";
  MapArguments automatic{ioas, kReadWrite, kV, 0x3000, 0x77};
  EXPECT_EQ(Map(&automatic), 0);
  EXPECT_EQ(automatic.iova, 0x4000u);
  EXPECT_EQ(m.MappedIovas(0),
            (std::vector<mm::Iova>{0x4000, 0x5000, 0x6000, aperture_end - 0x1000}));
}

TEST_F(IoctlTest, MapFileChecksInOrder) {
  const uint32_t a = A();
  const mm::MemfdHandle file = m.memfd(0);
  const mm::MemfdHandle closed;
  const auto map = [&](mm::MemfdHandle memfd, MapArguments arguments) {
    return m.Call([&](Kernel& k) { return ioas_map_file(k, k.ctx, memfd, &arguments); });
  };
  EXPECT_EQ(map(file, {99, 8, 0, 0x1000, 0}), -sim::kEOPNOTSUPP);
  EXPECT_EQ(map(file, {a, kFixed, 0, kMax, 0}), -sim::kEOVERFLOW);
  EXPECT_EQ(map(file, {99, kFixed, 0, 0x1000, 0}), -sim::kENOENT);
  EXPECT_EQ(map(closed, {a, kFixed, 0, 0, 0}), -sim::kEINVAL) << "length before descriptor";
  EXPECT_EQ(map(closed, {a, kFixed, kMax, 2, 0}), -sim::kEOVERFLOW);
  EXPECT_EQ(map(closed, {a, kFixed, 0, 0x1000, 0}), -sim::kEBADF);
  EXPECT_EQ(map(file, {a, kFixed, 0, kMax - 0xffe, 0}), -sim::kEINVAL);
  EXPECT_EQ(map(file, {a, kFixed, 100 * kPage, 0x1000, 0x10000}), 0) << "lazily";
  EXPECT_EQ(m.world.machine.memfds.Find(file)->file.count.value, 2u) << "the pages hold the file";
  EXPECT_EQ(m.HwptAlloc(m.Bind(), a), 0u) << "pinning finds the end of the file";
  EXPECT_EQ(m.Unmap(a, 0x10000, 0x1000), 0);
  EXPECT_EQ(map(file, {a, kFixed, kMax - 0xfff, 0x1000, 0x10000}), 0) << "up to MAX, lazily";
  EXPECT_EQ(m.Unmap(a, 0x10000, 0x1000), 0);
  EXPECT_EQ(m.world.machine.memfds.Find(file)->file.count.value, 1u);
}

// memfd_pin_folios counts pages in 32 bits; page 2^32 is not page 0.
TEST_F(IoctlTest, AFileEndsBeforeItsPageNumbersWrap) {
  const uint32_t ioas = M();
  EXPECT_EQ(m.MapFile(ioas, 0x10000, 0x1000, 0, uint64_t{1} << 44), -sim::kEINVAL);
  EXPECT_EQ(Areas(), AreaList{});
}

TEST_F(IoctlTest, UnmapChecksInOrder) {
  const uint32_t a = A();
  uint64_t length = kMax;
  EXPECT_EQ(Unmap(99, 0, &length), -sim::kENOENT);
  EXPECT_EQ(Unmap(a, 0, &length), 0);
  EXPECT_EQ(length, 0u);
  EXPECT_EQ(m.Unmap(a, 0, 0x1000), -sim::kENOENT);
  EXPECT_EQ(m.Unmap(a, 1, kMax), -sim::kEOVERFLOW);
  EXPECT_EQ(m.Unmap(a, kMax, 1), -sim::kEOVERFLOW);
  EXPECT_EQ(m.Unmap(a, 0x1000, 0), -sim::kEINVAL);
  EXPECT_EQ(m.Unmap(a, kMax - 1, 3), -sim::kEOVERFLOW);
  EXPECT_EQ(m.Unmap(a, kMax - 1, 2), -sim::kENOENT);
}

TEST_F(IoctlTest, UnmapWorkedExamples) {
  struct Row {
    mm::Iova first, last;
    int result;
    uint64_t unmapped;
    AreaList left;
  };
  const std::pair<mm::Iova, mm::Iova> area_a{0x1000, 0x1fff}, area_b{0x3000, 0x4fff};
  const Row rows[] = {
      {0x0, 0xfff, -sim::kENOENT, 0x1000, {area_a, area_b}},
      {0x1000, 0x1fff, 0, 0x1000, {area_b}},
      {0x0, 0x4fff, 0, 0x3000, {}},
      {0x0, 0x3fff, -sim::kENOENT, 0x4000, {area_b}},
      {0x1800, 0x4fff, -sim::kENOENT, 0x3800, {area_a, area_b}},
      {0x2000, 0x4fff, 0, 0x2000, {area_a}},
  };
  for (const bool with_domain : {false, true}) {
    const uint32_t device = with_domain ? m.Bind() : 0;
    for (const Row& row : rows) {
      const uint32_t ioas = m.IoasAlloc();
      const uint32_t hwpt = with_domain ? m.HwptAlloc(device, ioas) : 0;
      ASSERT_EQ(m.MapUser(ioas, 0x1000, 0x1000), 0);
      ASSERT_EQ(m.MapFile(ioas, 0x3000, 0x2000), 0);
      uint64_t length = row.last - row.first + 1;
      EXPECT_EQ(Unmap(ioas, row.first, &length), row.result) << row.first;
      EXPECT_EQ(length, row.unmapped) << "replaced on success only";
      EXPECT_EQ(Areas(), row.left);
      if (with_domain) {
        std::vector<mm::Iova> mapped;
        for (const auto& [first, last] : row.left) {
          for (mm::Iova iova = first; iova < last; iova += kPage) mapped.push_back(iova);
        }
        EXPECT_EQ(m.MappedIovas(0), mapped);
        EXPECT_EQ(m.Destroy(hwpt), 0);
      }
      EXPECT_EQ(m.Destroy(ioas), 0);
    }
  }
}

TEST_F(IoctlTest, AnUnmapUpToMaxDoesNotBeginAgain) {
  const uint32_t a = A();
  ASSERT_EQ(m.MapUser(a, 0x1000, 0x1000), 0);
  ASSERT_EQ(m.MapUser(a, kMax - 0xfff, 0x1000), 0);
  uint64_t length = 0x1000;
  EXPECT_EQ(Unmap(a, kMax - 0xfff, &length), 0);
  EXPECT_EQ(length, 0x1000u);
  EXPECT_EQ(Areas(), (AreaList{{0x1000, 0x1fff}}));
}

TEST_F(IoctlTest, HwptAlloc) {
  const uint32_t device = m.Bind();
  const uint32_t a = A();
  uint32_t id = 0;
  const auto alloc = [&](uint32_t dev, uint32_t parent) {
    return m.Call([&](Kernel& k) { return hwpt_alloc(k, k.ctx, dev, parent, &id); });
  };
  EXPECT_EQ(alloc(0, a), -sim::kENOENT);
  EXPECT_EQ(alloc(a, a), -sim::kENOENT) << "not a device";
  EXPECT_EQ(alloc(device, 0), -sim::kEINVAL);
  EXPECT_EQ(alloc(device, 99), -sim::kEINVAL);
  EXPECT_EQ(alloc(device, device), -sim::kEINVAL);
  EXPECT_EQ(alloc(device, a), 0);
  EXPECT_EQ(alloc(device, id), -sim::kEOPNOTSUPP) << "nested needs driver data";
}

TEST_F(IoctlTest, ADomainDoesNotJoinWhatItCannotHold) {
  const uint32_t device = m.Bind();
  const auto alloc = [&](mm::Iova iova, uint64_t source, uint64_t length) {
    const uint32_t ioas = m.IoasAlloc();
    EXPECT_EQ(m.MapUser(ioas, iova, length, source), 0);
    uint32_t id = 0;
    return m.Call([&](Kernel& k) { return hwpt_alloc(k, k.ctx, device, ioas, &id); });
  };
  EXPECT_EQ(alloc(0x1000000, kV, 100), -sim::kEADDRINUSE) << "length";
  EXPECT_EQ(alloc(0x1000001, kV, 0x1000), -sim::kEADDRINUSE) << "IOVA";
  EXPECT_EQ(alloc(0x1000000, kV + 4, 0x1000), -sim::kEADDRINUSE) << "page offset";
  EXPECT_EQ(alloc(iommu::kApertureLast + 1, kV, 0x1000), -sim::kEADDRINUSE);
  EXPECT_EQ(alloc(kMax - 0xfff, kV, 0x1000), -sim::kEADDRINUSE);
  EXPECT_EQ(alloc(0x1000000, kNowhere, 0x1000), -sim::kEFAULT);
  EXPECT_EQ(alloc(iommu::kApertureLast - 0xfff, kV, 0x1000), 0);
}

TEST_F(IoctlTest, CloseWithEverythingAlive) {
  const uint32_t device = m.Bind();
  const uint32_t ioas = m.IoasAlloc();
  const uint32_t hwpt = m.HwptAlloc(device, ioas);
  ASSERT_NE(m.HwptAlloc(device, ioas), 0u);
  ASSERT_EQ(m.MapUser(ioas, 0x1000, 0x1000), 0);
  ASSERT_EQ(m.MapFile(ioas, 0x3000, 0x2000), 0);
  ASSERT_EQ(m.Call([&](Kernel& k) { return device_attach(k, k.ctx, device, hwpt); }), 0);
  const auto close = [&] { return m.Call([](Kernel& k) { return close_iommufd(k, k.ctx); }); };
  EXPECT_EQ(close(), 0);
  EXPECT_EQ(close(), -sim::kEBADF);
  EXPECT_EQ(m.world.kernel.iommufd.contexts.live(), 1u) << "the bound device keeps the file";
  EXPECT_EQ(m.Call([&](Kernel& k) { return device_unbind(k, k.ctx, device); }), 0);

  KernelFixture empty;
  empty.TearDownProcess();
  EXPECT_TRUE(m.world == empty.world) << test_support::Difference(empty.world, m.world);
}

}  // namespace
}  // namespace iommufd_check::iommufd::tests
