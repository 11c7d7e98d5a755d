// IOAS_UNMAP: the result vectors of uapi.md section 9 and the examples of io_pagetable.md
// section 13.

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

// Areas A = [0x1000,0x1fff] and B = [0x3000,0x4fff].
class OracleUnmapTest : public OracleTest {
 protected:
  OracleUnmapTest() {
    EXPECT_EQ(IoasAlloc().created_id, kIoas);
    EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0");
    EXPECT_EQ(Result(Map(kIoas, {.iova = 0x3000, .length = 0x2000})), "0");
  }

  // Which of A and B are mapped: a map of one byte there answers EEXIST.
  std::string Left() {
    Oracle probe = oracle;
    const auto taken = [&](uint64_t iova) {
      const Call call = MapCall(Kind::kMap, kIoas, {.iova = iova, .length = 1});
      return probe.Apply(call).result == -sim::kEEXIST;
    };
    return std::string(taken(0x1000) ? "A" : "") + (taken(0x3000) ? "B" : "");
  }
  static constexpr uint32_t kIoas = 1;
};

struct Example {
  uint64_t first;
  uint64_t last;
  std::string result;
  uint64_t bytes;
  std::string left;
};

TEST_F(OracleUnmapTest, Examples) {
  const std::vector<Example> examples = {
      {0x0, 0xfff, "ENOENT", 0, "AB"},  // 0 bytes, which the ioctl turns into ENOENT
      {0x1000, 0x1fff, "0", 0x1000, "B"},   {0x0, 0x4fff, "0", 0x3000, ""},
      {0x0, 0x3fff, "ENOENT", 0x1000, "B"}, {0x1800, 0x4fff, "ENOENT", 0, "AB"},
      {0x2000, 0x4fff, "0", 0x2000, "A"},   {0x1000, 0x17ff, "ENOENT", 0, "AB"},
      {0x0, kMax - 1, "0", 0x3000, ""},     {0x3000, kMax - 0x1000, "0", 0x2000, "A"},
      {0x4000, 0x5fff, "ENOENT", 0, "AB"},
  };
  const Oracle before = oracle;
  for (const Example& e : examples) {
    oracle = before;
    const Prediction prediction = Unmap(kIoas, e.first, e.last - e.first + 1);
    EXPECT_EQ(Result(prediction), e.result) << e.first << " " << e.last;
    EXPECT_EQ(prediction.unmapped, e.bytes) << e.first << " " << e.last;
    EXPECT_EQ(Left(), e.left) << e.first << " " << e.last;
  }
}

TEST_F(OracleUnmapTest, Everything) {
  EXPECT_EQ(Unmap(kIoas, 0, kMax), (Prediction{.unmapped = 0x3000}));
  EXPECT_EQ(Left(), "");
  EXPECT_EQ(Unmap(kIoas, 0, kMax), Prediction{});  // empty: success
  EXPECT_EQ(Result(Unmap(kIoas, 0, 0x1000)), "ENOENT");
}

TEST_F(OracleUnmapTest, ChecksInOrder) {
  EXPECT_EQ(Result(Unmap(9, 1, kMax)), "ENOENT");
  EXPECT_EQ(Result(Unmap(kIoas, 1, kMax)), "EOVERFLOW");
  EXPECT_EQ(Result(Unmap(kIoas, kMax, 0)), "EOVERFLOW");
  EXPECT_EQ(Result(Unmap(kIoas, 1, 0)), "EINVAL");
  EXPECT_EQ(Result(Unmap(kIoas, kMax - 1, 3)), "EOVERFLOW");
  EXPECT_EQ(Result(Unmap(kIoas, kMax - 1, 2)), "ENOENT");
  EXPECT_EQ(Left(), "AB");
}

TEST_F(OracleUnmapTest, ThreeAreasWithHoles) {
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8003, .length = 5})), "0");
  EXPECT_EQ(Unmap(kIoas, 0x800, 0x10000), (Prediction{.unmapped = 0x3005}));
}

TEST_F(OracleUnmapTest, AnAreaThatEndsAtMax) {
  EXPECT_EQ(Result(Map(kIoas, {.iova = kMax - 0xfff})), "0");
  EXPECT_EQ(Unmap(kIoas, kMax - 0xfff, 0x1000), (Prediction{.unmapped = 0x1000}));
}

}  // namespace
}  // namespace iommufd_check::spec
