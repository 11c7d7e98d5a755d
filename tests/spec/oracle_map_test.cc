// IOAS_MAP and IOAS_MAP_FILE: the result vectors of uapi.md section 9 that fall in the slice, and
// the order of their checks.

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

constexpr uint64_t kApertureEnd = uint64_t{1} << 39;

class OracleMapTest : public OracleTest {
 protected:
  OracleMapTest() { EXPECT_EQ(IoasAlloc().created_id, kIoas); }
  static constexpr uint32_t kIoas = 1;
};
using OracleMapDomainTest = OracleWithHwptTest;

struct Vector {
  Range range;
  std::string result;
};

TEST_F(OracleMapTest, WithoutADomain) {
  const std::vector<Vector> vectors = {
      {{.iova = 0x1000, .permissions = 0}, "EINVAL"},
      {{.iova = kMax, .fixed = false}, "EOVERFLOW"},
      {{.length = kMax}, "EOVERFLOW"},
      {{.length = 0}, "EINVAL"},
      {{.length = kMax - 0x7f0000000000, .offset = 1}, "EOVERFLOW"},  // wraps
      {{.length = kMax - 0x1000 + 1, .offset = uint64_t{0} - 0x7f0000000000}, "EINVAL"},
      {{.iova = kMax - 0xfff}, "0"},  // ends at MAX
      {{.iova = kMax - 0xffe}, "EOVERFLOW"},
      {{.iova = 0x1000, .offset = 0x100000}, "0"},  // nothing is there; lazy
      {{.iova = 0x1000}, "EEXIST"},
      {{.iova = 0x1fff, .length = 1}, "EEXIST"},
      {{.iova = 0x2000, .length = 1, .source = 7}, "0"},  // no such buffer; lazy
      {{.length = kMax / 2, .fixed = false}, "EOVERFLOW"},
      {{.iova = 0x3001, .length = 0x7ff, .offset = 0x400}, "0"},  // nothing asks for alignment
  };
  for (size_t i = 0; i < vectors.size(); ++i) {
    EXPECT_EQ(Result(Map(kIoas, vectors[i].range)), vectors[i].result) << "vector " << i;
  }
}

TEST_F(OracleMapTest, ChecksInOrder) {
  EXPECT_EQ(Result(Map(9, {.length = kMax, .permissions = 0})), "EOVERFLOW");
  EXPECT_EQ(Result(Map(9, {.length = 0, .permissions = 0})), "EINVAL");
  EXPECT_EQ(Result(Map(9, {.length = 0})), "ENOENT");
  EXPECT_EQ(Result(MapFile(9, {.length = 0, .source = 9})), "ENOENT");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = 0, .source = 9})), "EINVAL");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = 0x1000, .offset = kMax, .source = 9})), "EOVERFLOW");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax - 0xffe, .source = 9})), "EBADF");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax - 0xffe})), "EINVAL");
}

// uapi.md oddity 8: the page count of offset 4095 and length MAX - 4096 wraps.
TEST_F(OracleMapTest, PageCountThatWraps) {
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax - 0x1000, .offset = 0xfff})), "EOVERFLOW");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax - 0x1000, .offset = 2})), "EOVERFLOW");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax - 0x1000, .offset = 1})), "0");
}

TEST_F(OracleMapTest, AutomaticIova) {
  EXPECT_EQ(Map(kIoas, {.fixed = false}), (Prediction{.iova = 0x1000}));
  EXPECT_EQ(Map(kIoas, {.fixed = false}), (Prediction{.iova = 0x2000}));
  EXPECT_EQ(MapFile(kIoas, {.length = 0x3000, .fixed = false}), (Prediction{.iova = 0x4000}));
  EXPECT_EQ(MapFile(kIoas, {.length = 0x3000, .offset = 0x1000, .fixed = false}),
            (Prediction{.iova = 0x7000}));
  EXPECT_EQ(Map(kIoas, {.length = 0x100, .offset = 0x10, .fixed = false}),
            (Prediction{.iova = 0x3010}));
}

TEST_F(OracleMapDomainTest, WithADomain) {
  const std::vector<Vector> vectors = {
      {{.iova = 0x1000, .offset = 0x100000}, "EFAULT"},  // no memory there
      {{.iova = 0x1000, .source = 2}, "EFAULT"},         // no such buffer
      {{.iova = 0x1000, .length = 0x5000}, "EFAULT"},    // beyond the buffer's end
      {{.iova = 0x1000, .length = 0x2000, .offset = 0x3000}, "EFAULT"},
      {{.iova = 0x1000}, "0"},  // the IOVA stayed free
      {{.iova = kApertureEnd - 0x1000}, "0"},
      {{.iova = kApertureEnd}, "EINVAL"},
      {{.iova = kApertureEnd - 0x1000, .length = 0x2000}, "EINVAL"},  // reserved before area
      {{.iova = 0x2001}, "EINVAL"},
      {{.iova = 0x2000, .length = 0x7ff}, "EINVAL"},
      {{.iova = 0x2000, .offset = 0x400}, "EINVAL"},
      {{.iova = 0x2001, .length = 0x7ff, .offset = 0x100000}, "EINVAL"},
      {{.iova = 0x1000, .offset = 0x400}, "EEXIST"},  // before the page offset
      {{.offset = 0x400, .fixed = false}, "EINVAL"},
      {{.length = kMax / 2 & ~uint64_t{0xfff}, .fixed = false}, "ENOSPC"},
      {{.length = kApertureEnd, .fixed = false}, "ENOSPC"},
  };
  for (size_t i = 0; i < vectors.size(); ++i) {
    EXPECT_EQ(Result(Map(kIoas, vectors[i].range)), vectors[i].result) << "vector " << i;
  }
}

TEST_F(OracleMapDomainTest, FilesArePinnedToTheirEnd) {
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8000, .length = 0x5000})), "EINVAL");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8000, .offset = 0x4000})), "EINVAL");
  EXPECT_EQ(Result(Truncate(1, 0xfff)), "0");
  // The last byte of the page is not in the file.
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8000, .source = 1})), "EINVAL");
  EXPECT_EQ(Result(Truncate(1, 0x1000)), "0");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8000, .source = 1})), "0");
}

TEST_F(OracleMapDomainTest, TheLastDomainTakesItsDemandsAlong) {
  const uint32_t second = HwptAlloc(kDevice, kIoas).created_id;
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x2001, .length = 7})), "EINVAL");
  EXPECT_EQ(Result(Destroy(second)), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x2001, .length = 7})), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = kApertureEnd})), "0");
}

TEST_F(OracleMapDomainTest, OfAClosedDescriptor) {
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_EQ(Result(Map(kIoas, {.length = kMax, .permissions = 0})), "EBADF");
  EXPECT_EQ(Result(MapFile(kIoas, {.length = kMax})), "EBADF");
  EXPECT_EQ(Result(Unmap(9, 0, kMax)), "EBADF");
}

}  // namespace
}  // namespace iommufd_check::spec
