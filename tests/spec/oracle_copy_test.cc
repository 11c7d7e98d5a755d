// IOAS_COPY: its checks in order, and what copies share (uapi.md 4.7, io_pagetable.md section 13).

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

// IOAS 1 is the source: memfd 0, whole, at 0x10000, then memfd 1; IOAS 2 is empty; 3 is a device.
class OracleCopyTest : public OracleTest {
 protected:
  OracleCopyTest() {
    EXPECT_EQ(IoasAlloc().created_id, kSource);
    EXPECT_EQ(IoasAlloc().created_id, kOther);
    EXPECT_EQ(Bind(0).created_id, kDevice);
    EXPECT_EQ(Result(MapFile(kSource, {.iova = 0x10000, .length = 0x4000})), "0");
    EXPECT_EQ(Result(MapFile(kSource, {.iova = 0x14000, .length = 0x4000, .source = 1})), "0");
  }
  static Call CopyCall(uint32_t to, uint32_t from, uint64_t source_iova, const Range& r) {
    return Call{.kind = Kind::kIoasCopy,
                .id = to,
                .id2 = from,
                .source_iova = source_iova,
                .iova = r.iova,
                .fixed = r.fixed,
                .length = r.length,
                .permissions = r.permissions};
  }
  Prediction Copy(uint64_t source_iova, const Range& r) {
    return oracle.Apply(CopyCall(kOther, kSource, source_iova, r));
  }
  const oracle::Area& AreaAt(uint32_t ioas, uint64_t iova) const {
    return oracle.state().ioas.at(ioas).areas.at(iova);
  }
  std::vector<uint64_t> Versions(uint32_t ioas, uint64_t iova) const {
    return AreaAt(ioas, iova).versions;
  }

  static constexpr uint32_t kSource = 1, kOther = 2, kDevice = 3;
};

TEST_F(OracleCopyTest, ChecksInOrder) {
  struct Vector {
    Call call;
    std::string result;
  };
  const std::vector<Vector> vectors = {
      {CopyCall(9, 9, kMax, {.length = 0, .permissions = 0}), "EOVERFLOW"},
      {CopyCall(9, 9, 0, {.length = kMax, .permissions = 0}), "EOVERFLOW"},
      {CopyCall(9, 9, 0, {.iova = kMax, .fixed = false}), "EOVERFLOW"},
      {CopyCall(9, 9, 0, {.permissions = 0}), "EINVAL"},
      {CopyCall(9, 9, 0, {.length = 0}), "ENOENT"},
      {CopyCall(kOther, kDevice, 0, {.length = 0}), "ENOENT"},
      {CopyCall(9, kSource, 0, {.length = 0}), "EINVAL"},
      {CopyCall(9, kSource, 3, {.length = kMax - 1}), "EOVERFLOW"},
      {CopyCall(9, kSource, 2, {.length = kMax - 1}), "ENOENT"},
      {CopyCall(kOther, kSource, 0xffff, {.length = 2}), "ENOENT"},
      {CopyCall(kOther, kSource, 0x17fff, {.length = 2}), "ENOENT"},
      {CopyCall(9, kSource, 0x10000, {}), "ENOENT"},
      {CopyCall(kDevice, kSource, 0x10000, {}), "ENOENT"},
      {CopyCall(kSource, kSource, 0x10000, {.iova = 0x17fff}), "EEXIST"},
      {CopyCall(kOther, kSource, 0x10000, {.iova = kMax - 1, .length = 3}), "EOVERFLOW"},
  };
  const oracle::State before = oracle.state();
  for (size_t i = 0; i < vectors.size(); ++i) {
    EXPECT_EQ(Result(oracle.Apply(vectors[i].call)), vectors[i].result) << "vector " << i;
    EXPECT_EQ(oracle.state(), before) << "vector " << i;
  }
}

TEST_F(OracleCopyTest, SlicesAreAreas) {
  EXPECT_EQ(Copy(0x13800, {.length = 0x1000, .fixed = false}).iova, 0x1800U)
      << "aligned as byte 0x3800 of the file is";
  EXPECT_EQ(AreaAt(kOther, 0x1800).last, 0x1fffU);
  EXPECT_EQ(AreaAt(kOther, 0x1800).start, 0x3800U);
  EXPECT_EQ(AreaAt(kOther, 0x1800).pages, 1U);
  EXPECT_EQ(AreaAt(kOther, 0x2000).last, 0x27ffU);
  EXPECT_EQ(AreaAt(kOther, 0x2000).memfd, 1U);
  EXPECT_EQ(AreaAt(kOther, 0x2000).start, 0U);
}

TEST_F(OracleCopyTest, PagesThatMayNotBeWritten) {
  EXPECT_EQ(Result(MapFile(kSource, {.iova = 0x18000, .permissions = 1})), "0");
  const oracle::State before = oracle.state();
  EXPECT_EQ(Result(Copy(0x18000, {})), "EPERM");
  EXPECT_EQ(Result(Copy(0x17000, {.length = 0x2000})), "EPERM");
  EXPECT_EQ(oracle.state(), before) << "the first slice goes again";
  EXPECT_EQ(Result(Copy(0x17000, {.length = 0x2000, .permissions = 1})), "0");
  EXPECT_EQ(Result(oracle.Apply(CopyCall(kOther, kOther, 0, {.iova = 0x8000}))), "0")
      << "read only here, but the pages may be written";
}

// Numbers follow the areas, so that it does not matter in which order what is there came about.
TEST_F(OracleCopyTest, WhoSharesHasANumber) {
  const oracle::State before = oracle.state();
  EXPECT_EQ(AreaAt(kSource, 0x10000).sharing, 0U);
  EXPECT_EQ(Result(Copy(0x14000, {.iova = 0x1000})), "0");
  EXPECT_EQ(AreaAt(kSource, 0x14000).sharing, 1U);
  EXPECT_EQ(Result(Copy(0x11000, {.iova = 0x2000})), "0");
  EXPECT_EQ(AreaAt(kSource, 0x10000).sharing, 1U);
  EXPECT_EQ(AreaAt(kSource, 0x14000).sharing, 2U);
  EXPECT_EQ(AreaAt(kOther, 0x1000).sharing, 2U);
  EXPECT_EQ(AreaAt(kOther, 0x2000).sharing, 1U);
  EXPECT_EQ(Result(Unmap(kSource, 0x10000, 0x4000)), "0");
  EXPECT_EQ(AreaAt(kOther, 0x2000).sharing, 0U) << "alone now";
  EXPECT_EQ(AreaAt(kOther, 0x1000).sharing, 1U);
  EXPECT_EQ(Result(Destroy(kOther)), "0");
  EXPECT_EQ(AreaAt(kSource, 0x14000).sharing, 0U);
  EXPECT_EQ(IoasAlloc().created_id, kOther);
  EXPECT_EQ(Result(MapFile(kSource, {.iova = 0x10000, .length = 0x4000})), "0");
  EXPECT_EQ(oracle.state(), before);
}

TEST_F(OracleCopyTest, WhatIsPinnedIsShared) {
  const uint32_t of_source = HwptAlloc(kDevice, kSource).created_id;
  EXPECT_EQ(Result(Punch(0, 0x1000, 0x2000)), "0");
  HwptAlloc(kDevice, kOther);
  EXPECT_EQ(Result(Copy(0x10000, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Versions(kOther, 0x1000), std::vector<uint64_t>(4, 0)) << "the old pages";
  EXPECT_EQ(Result(Destroy(of_source)), "0");
  EXPECT_EQ(Versions(kSource, 0x10000), std::vector<uint64_t>());
  EXPECT_EQ(Result(Copy(0x11000, {.iova = 0x8000, .length = 0x1000})), "0");
  EXPECT_EQ(Versions(kOther, 0x8000), std::vector<uint64_t>(1, 0)) << "kept by the other copy";
  EXPECT_EQ(Result(Unmap(kOther, 0x1000, 0x4000)), "0");
  EXPECT_EQ(Result(Copy(0x10000, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Versions(kOther, 0x1000), (std::vector<uint64_t>{0, 0, 2, 0}))
      << "page 1 is held by the small copy, page 2 by nobody";
}

TEST_F(OracleCopyTest, PagesBeyondTheEndOfTheFile) {
  const uint32_t hwpt = HwptAlloc(kDevice, kSource).created_id;
  HwptAlloc(kDevice, kOther);
  EXPECT_EQ(Result(Truncate(0, 0x2000)), "0");
  EXPECT_EQ(Result(Copy(0x13000, {.iova = 0x1000})), "0");
  EXPECT_EQ(Result(Destroy(hwpt)), "0");
  const oracle::State before = oracle.state();
  EXPECT_EQ(Result(Copy(0x12000, {.iova = 0x8000})), "EINVAL");
  EXPECT_EQ(Result(Copy(0x10000, {.iova = 0x8000, .length = 0x4000})), "EINVAL");
  EXPECT_EQ(oracle.state(), before);
  EXPECT_EQ(Result(Copy(0x13000, {.iova = 0x8000, .length = 0x2000})), "0");
}

// Only the total and the first IOVA of the slices are checked (io_pagetable.md oddity 15).
TEST_F(OracleCopyTest, SlicesThatAreNoWholePages) {
  EXPECT_EQ(Result(Map(kSource, {.iova = 0x20000, .length = 0x1800})), "0");
  EXPECT_EQ(Result(Map(kSource, {.iova = 0x21800, .length = 0x800})), "0");
  EXPECT_EQ(Result(Copy(0x20000, {.iova = 0x1000, .length = 0x2000})), "0");
  EXPECT_EQ(Result(HwptAlloc(kDevice, kOther)), "EADDRINUSE");
  EXPECT_EQ(Result(Unmap(kOther, 0x1000, 0x2000)), "0");
  EXPECT_EQ(Result(HwptAlloc(kDevice, kOther)), "0");
  EXPECT_EQ(Result(Copy(0x20000, {.iova = 0x1000, .length = 0x2000})), "EINVAL");
  EXPECT_EQ(Result(Copy(0x21000, {.iova = 0x1000, .length = 0x1000})), "EINVAL");
  EXPECT_EQ(Result(Copy(0x20000, {.iova = 0x1000, .length = 0x1000})), "0");
}

TEST_F(OracleCopyTest, APreservedDestinationRefuses) {
  const uint32_t hwpt = HwptAlloc(kDevice, kOther).created_id;
  EXPECT_EQ(Result(Seal(0, 7)), "0");
  EXPECT_EQ(Create("vm").session, 0U);
  EXPECT_EQ(Result(Preserve(0, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Copy(0x10000, {.iova = 0x1000})), "0");
  EXPECT_EQ(Result(Mark(hwpt, 7)), "0");
  EXPECT_EQ(Result(Preserve(0, kIommufdFile, 2)), "0") << "a copy is memory as good as any";
  EXPECT_EQ(Result(Copy(0x10000, {.iova = 0x8000})), "EBUSY");
  EXPECT_EQ(Result(oracle.Apply(CopyCall(kSource, kOther, 0x1000, {.iova = 0x8000}))), "0")
      << "the source is only read";
}

}  // namespace
}  // namespace iommufd_check::spec
