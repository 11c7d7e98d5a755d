// Calls that fail on the way: which effects stay, and which errno is possible at all.

#include <algorithm>
#include <vector>

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

using Kind = Call::Kind;

class OracleFailureTest : public OracleWithHwptTest {
 protected:
  void Fail(const Call& call, bool answer_lost) {
    oracle.ApplyFailed(call, answer_lost ? -sim::kEFAULT : -sim::kENOMEM, answer_lost);
  }
};

TEST_F(OracleFailureTest, AMapWhoseAnswerIsLostStays) {
  const Call map = MapCall(Kind::kMap, kIoas, {.iova = 0x1000});
  Fail(map, false);
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0");
  Fail(MapCall(Kind::kMapFile, kIoas, {.iova = 0x2000}), true);
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x2000})), "EEXIST");
  Fail(MapCall(Kind::kMap, kIoas, {.fixed = false}), true);
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x3000})), "EEXIST");
}

TEST_F(OracleFailureTest, AnUnmapWhoseAnswerIsLostStays) {
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0");
  oracle.ApplyFailed(UnmapCall(kIoas, 0x1000, 0x1000), -sim::kENOENT, false);
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "EEXIST");
  Fail(UnmapCall(kIoas, 0x1000, 0x1000), true);
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0");
}

TEST_F(OracleFailureTest, APreservedFileWhoseAnswerIsLostStays) {
  EXPECT_EQ(Create("a").session, 0);
  Fail(PreserveCall(0, MemfdFile(0), 1), false);
  EXPECT_EQ(Result(Punch(0, 0, 0x1000)), "0");
  Fail(PreserveCall(0, MemfdFile(0), 1), true);
  EXPECT_EQ(Result(Punch(0, 0, 0x1000)), "EPERM");
  EXPECT_EQ(Result(Preserve(0, MemfdFile(1), 1)), "EEXIST");
}

TEST_F(OracleFailureTest, CreationsAreUndone) {
  for (bool answer_lost : {false, true}) {
    Fail({.kind = Kind::kIoasAlloc}, answer_lost);
    Fail({.kind = Kind::kHwptAlloc, .id = kDevice, .id2 = kIoas}, answer_lost);
    Fail({.kind = Kind::kLuoCreateSession, .name = "a"}, answer_lost);
  }
  Fail({.kind = Kind::kDeviceBind, .index = 1}, false);
  EXPECT_EQ(IoasAlloc().created_id, 4U);
  EXPECT_EQ(Bind(1).created_id, 5U);
  EXPECT_EQ(Result(Create("a")), "0");
}

constexpr int kKinds = static_cast<int>(Kind::kCount);

TEST(OracleAnswers, AReplyIsLostAsEfaultOnly) {
  const std::vector<Kind> replies = {Kind::kIoasAlloc,        Kind::kHwptAlloc,  Kind::kMap,
                                     Kind::kMapFile,          Kind::kIoasCopy,   Kind::kUnmap,
                                     Kind::kLuoCreateSession, Kind::kLuoPreserve};
  for (int i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const bool reply = std::find(replies.begin(), replies.end(), kind) != replies.end();
    EXPECT_EQ(Oracle::MayAnswer(kind, -sim::kEFAULT, LostCopy::kReply), reply) << i;
    EXPECT_FALSE(Oracle::MayAnswer(kind, -sim::kENOMEM, LostCopy::kReply)) << i;
  }
}

TEST(OracleAnswers, ArgumentsAreLostAsEfaultOnly) {
  const std::vector<Kind> no_struct = {Kind::kDeviceUnbind,  Kind::kCloseIommufd,
                                       Kind::kMemfdSeal,     Kind::kMemfdPunchHole,
                                       Kind::kMemfdTruncate, Kind::kLuoCloseSession};
  for (int i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const bool copies = std::find(no_struct.begin(), no_struct.end(), kind) == no_struct.end();
    EXPECT_EQ(Oracle::MayAnswer(kind, -sim::kEFAULT, LostCopy::kArguments), copies) << i;
    EXPECT_FALSE(Oracle::MayAnswer(kind, -sim::kENOMEM, LostCopy::kArguments)) << i;
  }
}

TEST(OracleAnswers, EfaultOfTheWorkItself) {
  // Pinning anonymous memory is the only work that can fault.
  for (int i = 0; i < kKinds; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const bool pins = kind == Kind::kMap || kind == Kind::kIoasCopy || kind == Kind::kHwptAlloc;
    EXPECT_EQ(Oracle::MayAnswer(kind, -sim::kEFAULT, LostCopy::kNone), pins) << i;
  }
}

TEST(OracleAnswers, Documented) {
  const auto may = [](Kind kind, int error) {
    return Oracle::MayAnswer(kind, -error, LostCopy::kNone);
  };
  EXPECT_TRUE(may(Kind::kDeviceBind, sim::kEPERM));
  EXPECT_TRUE(may(Kind::kDestroy, sim::kEBUSY));
  EXPECT_TRUE(may(Kind::kUnmap, sim::kEBUSY));
  EXPECT_TRUE(may(Kind::kDeviceDetach, sim::kENOENT));
  EXPECT_TRUE(may(Kind::kLuMark, sim::kEADDRINUSE));
  EXPECT_TRUE(may(Kind::kLuoCreateSession, sim::kEMFILE));
  EXPECT_FALSE(may(Kind::kLuoPreserve, sim::kEMFILE)) << "it takes a descriptor, and gives none";
  EXPECT_FALSE(may(Kind::kUnmap, sim::kENOMEM));
  EXPECT_FALSE(may(Kind::kDestroy, sim::kENOMEM));
  EXPECT_FALSE(may(Kind::kDeviceDetach, sim::kEBADF));
  EXPECT_FALSE(may(Kind::kLuoCloseSession, sim::kENOENT));
  for (int error : {sim::kEEXIST, sim::kENOMEM, sim::kENOSPC, sim::kEBADF, sim::kENOENT,
                    sim::kEBUSY, sim::kEINVAL, sim::kEOPNOTSUPP, sim::kE2BIG, sim::kEFBIG}) {
    EXPECT_TRUE(may(Kind::kLuoPreserve, error)) << error;
  }
  EXPECT_FALSE(may(Kind::kLuoPreserve, sim::kEPERM));
}

}  // namespace
}  // namespace iommufd_check::spec
