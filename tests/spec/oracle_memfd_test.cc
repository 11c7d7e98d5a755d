// Seals, holes and sizes of memfds (luo_kho.md section 7), and what they do to pinned pages.

#include <tuple>
#include <vector>

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

using OracleMemfdTest = OracleTest;

TEST_F(OracleMemfdTest, Seal) {
  EXPECT_EQ(Result(Seal(2, 0x40)), "EBADF");
  EXPECT_EQ(Result(Seal(0, 0x40)), "EINVAL");
  EXPECT_EQ(Result(Seal(0, mm::kSealShrink)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealSeal | mm::kSealGrow)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealShrink)), "EPERM");
  EXPECT_EQ(Result(Seal(0, 0)), "EPERM");
  EXPECT_EQ(Result(Seal(0, 0x40)), "EINVAL");
}

TEST_F(OracleMemfdTest, ExecImpliesAllOthers) {
  EXPECT_EQ(Result(Seal(0, mm::kSealExec)), "0");
  EXPECT_EQ(Result(Punch(0, 0x1000, 0x1000)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0x1000)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0x8000)), "EPERM");
  EXPECT_EQ(Result(Seal(0, mm::kSealSeal)), "0");
}

TEST_F(OracleMemfdTest, LuoPinsAllPages) {
  const uint16_t session = Create("vm").session;
  EXPECT_EQ(Result(Preserve(session, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "EBUSY");
  EXPECT_EQ(Result(Seal(0, mm::kSealExec)), "EBUSY");
  EXPECT_EQ(Result(Seal(0, mm::kSealFutureWrite)), "0");
  EXPECT_EQ(Result(CloseSession(session)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");
  EXPECT_EQ(Result(Preserve(Create("b").session, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");  // set already
}

TEST_F(OracleMemfdTest, AnEmptyFileHasNoPageToPin) {
  EXPECT_EQ(Result(Truncate(0, 0)), "0");
  EXPECT_EQ(Result(Preserve(Create("vm").session, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");
}

TEST_F(OracleMemfdTest, TheLastDomainUnpinsWhatStaysMapped) {
  const uint32_t ioas = IoasAlloc().created_id;
  const uint32_t hwpt = HwptAlloc(Bind(0).created_id, ioas).created_id;
  EXPECT_EQ(Result(MapFile(ioas, {.iova = 0x1000})), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "EBUSY");
  EXPECT_EQ(Result(Destroy(hwpt)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");
}

TEST_F(OracleMemfdTest, PunchChecksInOrder) {
  EXPECT_EQ(Result(Punch(2, 0, 0)), "EBADF");
  EXPECT_EQ(Result(Punch(0, 0x1000, 0x1000)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealShrink | mm::kSealGrow)), "0");
  EXPECT_EQ(Result(Punch(0, 0x1000, 0x1000)), "0");  // those do not matter (B43)
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");
  EXPECT_EQ(Result(Punch(0, 0x1000, 0)), "EINVAL");
  EXPECT_EQ(Result(Punch(0, kMax, 2)), "EINVAL");
  EXPECT_EQ(Result(Punch(0, 0, kMax)), "EINVAL");
  EXPECT_EQ(Result(Punch(0, INT64_MAX, 1)), "EFBIG");
  EXPECT_EQ(Result(Punch(0, 0x1000, 0x1000)), "EPERM");
  EXPECT_EQ(Result(Seal(1, mm::kSealFutureWrite)), "0");
  EXPECT_EQ(Result(Punch(1, 0x1000, 0x1000)), "EPERM");
}

TEST_F(OracleMemfdTest, TruncateChecksInOrder) {
  EXPECT_EQ(Result(Truncate(2, kMax)), "EBADF");
  EXPECT_EQ(Result(Truncate(0, 0x100000)), "0");
  EXPECT_EQ(Result(Truncate(0, 0x100001)), "EFBIG");
  EXPECT_EQ(Result(Seal(0, mm::kSealShrink)), "0");
  EXPECT_EQ(Result(Truncate(0, 0xfffff)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0x100000)), "0");
  EXPECT_EQ(Result(Seal(1, mm::kSealGrow)), "0");
  EXPECT_EQ(Result(Truncate(1, 0x100001)), "EFBIG");
  EXPECT_EQ(Result(Truncate(1, 0x4001)), "EPERM");
  EXPECT_EQ(Result(Truncate(1, 1)), "0");
}

TEST_F(OracleMemfdTest, FrozenByLuo) {
  const uint16_t session = Create("vm").session;
  EXPECT_EQ(Result(Preserve(session, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Punch(0, 0, 0x1000)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0x8000)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0)), "EPERM");
  EXPECT_EQ(Result(Truncate(0, 0x4000)), "0");  // no size change
  EXPECT_EQ(Result(Seal(0, mm::kSealSeal)), "0");
  EXPECT_EQ(Result(CloseSession(session)), "0");
  EXPECT_EQ(Result(Punch(0, 0, 0x1000)), "0");
  EXPECT_EQ(Result(Truncate(0, 0)), "0");
}

// Which pinned pages still are those of the file: an area of each page, seen by LUO's check.
class OraclePagesTest : public OracleWithHwptTest {
 protected:
  OraclePagesTest() {
    EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x10000, .length = 0x4000})), "0");
    EXPECT_EQ(Result(Mark(kHwpt, 1)), "0");
  }

  // "0" when the mapped pages are those of the file, else EINVAL.
  std::string Fresh() {
    Oracle probe = oracle;
    const auto call = [&](Call c) { return probe.Apply(c); };
    call({.kind = Kind::kMemfdSeal, .index = 0, .seals = mm::kSealsOfPreserved});
    const uint16_t session = call({.kind = Kind::kLuoCreateSession, .name = "probe"}).session;
    EXPECT_EQ(Result(call(PreserveCall(session, MemfdFile(0), 1))), "0");
    return Result(call(PreserveCall(session, kIommufdFile, 2)));
  }
};

TEST_F(OraclePagesTest, PunchTakesWholePagesInsideTheFile) {
  const Oracle before = oracle;
  const std::vector<std::tuple<uint64_t, uint64_t, std::string>> examples = {
      {0x0, 0xfff, "0"},
      {0x1, 0x1000, "0"},
      {0x1, 0x1fff, "EINVAL"},
      {0x0, 0x1000, "EINVAL"},
      {0x800, 0x1000, "0"},
      {0x3000, 0x1000, "EINVAL"},
      {0x3001, 0x100000, "0"},
      {0x4000, 0x1000, "0"},
      {0x3000, INT64_MAX - 0x3000, "EINVAL"},
      {INT64_MAX - 0x1000, 0xfff, "0"},
  };
  for (const auto& [offset, length, fresh] : examples) {
    oracle = before;
    EXPECT_EQ(Result(Punch(0, offset, length)), "0");
    EXPECT_EQ(Fresh(), fresh) << offset << " " << length;
  }
}

TEST_F(OraclePagesTest, PunchTakesALastPageThatTheFileFillsInPart) {
  EXPECT_EQ(Result(Truncate(0, 0x3001)), "0");
  EXPECT_EQ(Result(Punch(0, 0x3000, 0xfff)), "0");
  EXPECT_EQ(Fresh(), "0");
  EXPECT_EQ(Result(Punch(0, 0x3000, 0x1000)), "0");
  EXPECT_EQ(Fresh(), "EINVAL");
}

TEST_F(OraclePagesTest, TruncateTakesPagesBeyondTheEnd) {
  EXPECT_EQ(Result(Truncate(0, 0x3001)), "0");
  EXPECT_EQ(Fresh(), "0");  // the partial page stays
  EXPECT_EQ(Result(Truncate(0, 0x8000)), "0");
  EXPECT_EQ(Fresh(), "0");
  EXPECT_EQ(Result(Truncate(0, 0x3000)), "0");
  EXPECT_EQ(Fresh(), "EINVAL");
  EXPECT_EQ(Result(Truncate(0, 0x4000)), "0");
  EXPECT_EQ(Fresh(), "EINVAL");  // another page now
}

TEST_F(OraclePagesTest, AWriteSealWaitsForThePagesThatTheFileHas) {
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "EBUSY");
  EXPECT_EQ(Result(Seal(1, mm::kSealWrite)), "0");
  EXPECT_EQ(Result(Punch(0, 0x0, 0x3000)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "EBUSY");
  EXPECT_EQ(Result(Punch(0, 0x3000, 0x1000)), "0");
  EXPECT_EQ(Result(Seal(0, mm::kSealWrite)), "0");
}

TEST_F(OraclePagesTest, MappingAgainPinsThePageOfNow) {
  EXPECT_EQ(Result(Punch(0, 0x2000, 0x1000)), "0");
  EXPECT_EQ(Fresh(), "EINVAL");
  EXPECT_EQ(Result(Unmap(kIoas, 0x10000, 0x4000)), "0");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x10000, .length = 0x4000})), "0");
  EXPECT_EQ(Fresh(), "0");
}

// A second domain takes the pages from the first; a first one pins anew.
TEST_F(OraclePagesTest, PinsLastAsLongAsADomain) {
  EXPECT_EQ(Result(Punch(0, 0x2000, 0x1000)), "0");
  const uint32_t second = HwptAlloc(kDevice, kIoas).created_id;
  EXPECT_EQ(Result(Mark(second, 2)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
  EXPECT_EQ(Fresh(), "EINVAL");
  EXPECT_EQ(Result(Destroy(second)), "0");
  const uint32_t third = HwptAlloc(kDevice, kIoas).created_id;
  EXPECT_EQ(Result(Mark(third, 3)), "0");
  EXPECT_EQ(Fresh(), "0");
}

}  // namespace
}  // namespace iommufd_check::spec
