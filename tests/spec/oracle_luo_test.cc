// Sessions, preserve, unpreserve and marks: luo_kho.md sections 3 and 7 and the contract of the
// reference design.

#include "tests/spec/oracle_fixture.h"

namespace iommufd_check::spec {
namespace {

using OracleSessionTest = OracleTest;
using OracleMarkTest = OracleWithHwptTest;

TEST_F(OracleSessionTest, Create) {
  EXPECT_EQ(Result(Create("")), "EINVAL");
  EXPECT_EQ(Result(Create(std::string(64, 'x'))), "EINVAL");
  EXPECT_EQ(Create(std::string(63, 'x')), (Prediction{.session = 0}));
  EXPECT_EQ(Result(Create(std::string(63, 'x'))), "EEXIST");
  EXPECT_EQ(Create("b").session, 1);
  EXPECT_EQ(Result(CloseSession(0)), "0");
  EXPECT_EQ(Create("c").session, 0);  // the lowest free number
  EXPECT_EQ(Result(CloseSession(5)), "EBADF");
  EXPECT_EQ(Result(CloseSession(kNoSession)), "EBADF");
}

TEST_F(OracleSessionTest, PreserveChecksInOrder) {
  const uint16_t a = Create("a").session;
  const uint16_t b = Create("b").session;
  EXPECT_EQ(Result(Preserve(kNoSession, MemfdFile(9), 1)), "EBADF");
  EXPECT_EQ(Result(Preserve(a, MemfdFile(9), 1)), "EBADF");
  EXPECT_EQ(Result(Preserve(a, mm::FileRef{}, 1)), "EBADF");
  EXPECT_EQ(Result(Preserve(a, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(Preserve(a, MemfdFile(9), 1)), "EEXIST");  // the token comes first
  EXPECT_EQ(Result(Preserve(a, MemfdFile(0), 1)), "EEXIST");
  EXPECT_EQ(Result(Preserve(a, MemfdFile(0), 2)), "EBUSY");
  EXPECT_EQ(Result(Preserve(b, MemfdFile(0), 1)), "EBUSY");      // in any session
  EXPECT_EQ(Result(Preserve(b, MemfdFile(1), 1)), "0");          // tokens are the session's own
  EXPECT_EQ(Result(Preserve(b, kIommufdFile, kMax)), "EINVAL");  // nothing marked
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_EQ(Result(Preserve(b, kIommufdFile, kMax)), "EBADF");
}

TEST_F(OracleMarkTest, Mark) {
  const uint32_t other = HwptAlloc(kDevice, kIoas).created_id;
  EXPECT_EQ(Result(Mark(9, 1)), "ENOENT");
  EXPECT_EQ(Result(Mark(kIoas, 1)), "ENOENT");
  EXPECT_EQ(Result(Mark(kDevice, 1)), "ENOENT");
  EXPECT_EQ(Result(Mark(kHwpt, 1)), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 1)), "0");  // idempotent
  EXPECT_EQ(Result(Mark(other, 1)), "EADDRINUSE");
  EXPECT_EQ(Result(Mark(kHwpt, 0)), "0");  // a new token; 0 is one
  EXPECT_EQ(Result(Mark(other, 1)), "0");
  EXPECT_EQ(Result(Mark(other, 0)), "EADDRINUSE");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");  // a mark keeps nothing and dies with its HWPT
  EXPECT_EQ(Result(Mark(other, 0)), "0");
  EXPECT_EQ(Result(Destroy(other)), "0");
  const uint32_t again = HwptAlloc(kDevice, kIoas).created_id;
  const uint16_t session = Create("a").session;
  EXPECT_EQ(Result(Preserve(session, kIommufdFile, 1)), "EINVAL");  // the new one is not marked
  EXPECT_EQ(Result(Mark(again, 7)), "0");
  EXPECT_EQ(Result(Preserve(session, kIommufdFile, 1)), "0");  // an empty IOAS is no obstacle
}

// A marked HWPT on an IOAS, a sealed memfd 0 preserved in session 0, an open session 1.
class OracleIommufdTest : public OracleWithHwptTest {
 protected:
  OracleIommufdTest() {
    EXPECT_EQ(Result(Seal(0, mm::kSealsOfPreserved)), "0");
    EXPECT_EQ(Create("a").session, 0);
    EXPECT_EQ(Create("b").session, 1);
    EXPECT_EQ(Result(Preserve(0, MemfdFile(0), 1)), "0");
    EXPECT_EQ(Result(Mark(kHwpt, 1)), "0");
  }
  Prediction PreserveIommufd() { return Preserve(0, kIommufdFile, 2); }
};

TEST_F(OracleIommufdTest, MemoryMustBePreservable) {
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8000})), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EINVAL");  // anonymous memory
  EXPECT_EQ(Result(Unmap(kIoas, 0x8000, 0x1000)), "0");
  EXPECT_EQ(Result(Preserve(1, kIommufdFile, 2)), "ENOENT");  // the memfd is in session a
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8000, .source = 1})), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "ENOENT");
  EXPECT_EQ(Result(Preserve(0, MemfdFile(1), 3)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EINVAL");  // serialized without seals
  EXPECT_EQ(Result(Seal(1, mm::kSealsOfPreserved)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EINVAL");  // sealed too late (B44)
  EXPECT_EQ(Result(Unmap(kIoas, 0x8000, 0x1000)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EEXIST");
  EXPECT_EQ(Result(Preserve(1, kIommufdFile, 9)), "EBUSY");
}

TEST_F(OracleIommufdTest, TheFirstProblemDecides) {
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .source = 1})), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8000})), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "ENOENT");  // lower IOVA first
  EXPECT_EQ(IoasAlloc().created_id, 4U);
  EXPECT_EQ(HwptAlloc(kDevice, 4).created_id, 5U);
  EXPECT_EQ(Result(Map(4, {.iova = 0})), "0");
  EXPECT_EQ(Result(Mark(5, 2)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "ENOENT");  // lower id first
  EXPECT_EQ(Result(Unmap(kIoas, 0, kMax)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EINVAL");
}

// Sealed with SEAL|GROW|SHRINK a file can still lose a page (B43).
TEST_F(OracleIommufdTest, AHolePunchedAfterPinning) {
  EXPECT_EQ(Result(CloseSession(0)), "0");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Result(Punch(0, 0x2000, 0x1000)), "0");
  EXPECT_EQ(Create("c").session, 0);
  EXPECT_EQ(Result(Preserve(0, MemfdFile(0), 1)), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "EINVAL");
  EXPECT_EQ(Result(Unmap(kIoas, 0x1000, 0x4000)), "0");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x4000})), "0");
  EXPECT_EQ(Result(PreserveIommufd()), "0");
}

class OraclePreservedTest : public OracleIommufdTest {
 protected:
  OraclePreservedTest() {
    EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000, .length = 0x4000})), "0");
    EXPECT_EQ(HwptAlloc(kDevice, kIoas).created_id, kSibling);  // on the same IOAS, not marked
    EXPECT_EQ(IoasAlloc().created_id, kOtherIoas);
    EXPECT_EQ(Result(PreserveIommufd()), "0");
  }
  static constexpr uint32_t kSibling = 4;
  static constexpr uint32_t kOtherIoas = 5;
};

// What revisions differ in is judged by what the design declares.
class OracleContractTest : public OracleWithHwptTest {
 protected:
  void Declare(const uapi::Contract& contract) {
    Snapshot boot = BootSnapshot();
    Limits limits = TestLimits();
    limits.contract = contract;
    oracle.Restart(limits, boot);
    EXPECT_EQ(IoasAlloc().created_id, kIoas);
    EXPECT_EQ(Bind(0).created_id, kDevice);
    EXPECT_EQ(HwptAlloc(kDevice, kIoas).created_id, kHwpt);
  }
  using Contract = uapi::Contract;
};

TEST_F(OracleContractTest, MarkAgain) {
  Declare({.same_token = Contract::SameToken::kRefused});  // R4 to R7
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "EADDRINUSE");
  EXPECT_EQ(Result(Mark(kHwpt, 8)), "0");
  Declare({.new_token = Contract::NewToken::kRefused});
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 8)), "EBUSY");
}

TEST_F(OracleContractTest, MarkWhilePreserved) {
  Declare({.mark_while_preserved = Contract::MarkWhilePreserved::kAccepted});
  const uint32_t other = HwptAlloc(kDevice, kIoas).created_id;
  const uint16_t session = Create("a").session;
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  EXPECT_EQ(Result(Preserve(session, kIommufdFile, 1)), "0");
  EXPECT_EQ(Result(Mark(other, 7)), "EADDRINUSE");
  EXPECT_EQ(Result(Mark(other, 8)), "0");
  EXPECT_EQ(Result(Destroy(other)), "0") << "marked later, so it is not preserved";
  EXPECT_EQ(Result(Destroy(kHwpt)), "EBUSY");
  EXPECT_EQ(Result(CloseSession(session)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
}

TEST_F(OracleContractTest, NothingMarked) {
  Declare({.empty_preserve = Contract::EmptyPreserve::kAccepted});
  const uint16_t session = Create("a").session;
  EXPECT_EQ(Result(Preserve(session, kIommufdFile, 1)), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "0") << "nothing is preserved";
}

TEST_F(OracleContractTest, OrderOfTheAreaChecks) {
  for (const bool seals_first : {true, false}) {
    Declare({.area_check = seals_first ? Contract::AreaCheck::kSealsFirst
                                       : Contract::AreaCheck::kSessionFirst});
    EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000})), "0");
    EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
    const uint16_t session = Create("a").session;
    EXPECT_EQ(Result(Preserve(session, kIommufdFile, 1)), seals_first ? "EINVAL" : "ENOENT");
  }
}

TEST(Contract, QuestionsAreAskedOfWhatIsDoubtful) {
  EXPECT_EQ(uapi::QuestionsOf({}).size(), 1u) << "the new token overwrites";
  const uapi::Contract doubtful{
      .token_bits = 32,
      .same_token = uapi::Contract::SameToken::kRefused,
      .mark_while_preserved = uapi::Contract::MarkWhilePreserved::kAccepted,
      .empty_preserve = uapi::Contract::EmptyPreserve::kAccepted};
  const auto questions = uapi::QuestionsOf(doubtful);
  ASSERT_EQ(questions.size(), 5u);
  EXPECT_EQ(questions[0].about, "token width");
  EXPECT_EQ(questions[0].answer, "the mark takes 32 bits");
  EXPECT_EQ(uapi::LargestToken(doubtful), UINT32_MAX);
  EXPECT_EQ(uapi::LargestToken({}), UINT64_MAX);
}

TEST_F(OraclePreservedTest, MapIsRefusedAfterItsArguments) {
  EXPECT_EQ(Result(Map(9, {})), "ENOENT");
  EXPECT_EQ(Result(Map(kIoas, {.permissions = 0})), "EINVAL");
  EXPECT_EQ(Result(Map(kIoas, {.length = 0})), "EINVAL");
  EXPECT_EQ(Result(MapFile(kIoas, {.source = 9})), "EBADF");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8000})), "EBUSY");
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x8001})), "EBUSY");  // before alignment
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x1000})), "EBUSY");      // before EEXIST
  EXPECT_EQ(Result(Map(kIoas, {.length = kMax / 2, .fixed = false})), "EBUSY");
  EXPECT_EQ(Result(Map(kOtherIoas, {.iova = 0x8000})), "0");
}

TEST_F(OraclePreservedTest, UnmapIsRefusedAfterItsArguments) {
  EXPECT_EQ(Result(Unmap(9, 0x1000, 0x1000)), "ENOENT");
  EXPECT_EQ(Result(Unmap(kIoas, 0x1000, 0)), "EINVAL");
  EXPECT_EQ(Result(Unmap(kIoas, 1, kMax)), "EOVERFLOW");
  EXPECT_EQ(Result(Unmap(kIoas, 0x1000, 0x1000)), "EBUSY");
  EXPECT_EQ(Result(Unmap(kIoas, 0x10000, 0x1000)), "EBUSY");  // nothing there either
  EXPECT_EQ(Result(Unmap(kIoas, 0, kMax)), "EBUSY");
  EXPECT_EQ(Result(Unmap(kOtherIoas, 0, kMax)), "0");
}

TEST_F(OraclePreservedTest, OtherCalls) {
  EXPECT_EQ(Result(Mark(9, 5)), "ENOENT");
  EXPECT_EQ(Result(Mark(kHwpt, 1)), "EBUSY");
  EXPECT_EQ(Result(Mark(kSibling, 1)), "EBUSY");  // before EADDRINUSE
  EXPECT_EQ(Result(Destroy(kHwpt)), "EBUSY");
  EXPECT_EQ(Result(Destroy(kIoas)), "EBUSY");
  EXPECT_EQ(Result(Attach(kDevice, kHwpt)), "0");
  EXPECT_EQ(Result(Detach(kDevice)), "0");
  EXPECT_EQ(Result(Destroy(kSibling)), "0");
  EXPECT_EQ(Result(HwptAlloc(kDevice, kIoas)), "0");
}

TEST_F(OraclePreservedTest, ClosingTheSessionUndoesIt) {
  EXPECT_EQ(Result(CloseSession(0)), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 5)), "0");
  EXPECT_EQ(Result(Map(kIoas, {.iova = 0x8000})), "0");
  EXPECT_EQ(Result(Unmap(kIoas, 0, kMax)), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "0");
  EXPECT_EQ(Result(Punch(0, 0, 0x1000)), "0");
}

TEST_F(OraclePreservedTest, LuoKeepsAClosedIommufd) {
  EXPECT_EQ(Result(Unbind(kDevice)), "0");
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_EQ(Result(Destroy(kHwpt)), "EBADF");
  EXPECT_EQ(Result(Preserve(1, kIommufdFile, 9)), "EBADF");  // before EBUSY
  EXPECT_EQ(Result(CloseSession(0)), "0");
  EXPECT_EQ(Result(CloseSession(1)), "0");
  Snapshot gone = BootSnapshot();
  gone.iommufds.clear();
  gone.memfds[0].seals = mm::kSealsOfPreserved;
  EXPECT_EQ(oracle.Compare(gone), "");
}

// Each of the three seals that the handed-over memory relies upon.
TEST_F(OracleWithHwptTest, EachSealIsNeeded) {
  EXPECT_EQ(Result(MapFile(kIoas, {.iova = 0x1000})), "0");
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  const Oracle before = oracle;
  const uint32_t all = mm::kSealsOfPreserved;
  for (const uint32_t kept : {mm::kSealShrink | mm::kSealGrow, mm::kSealSeal | mm::kSealGrow,
                              mm::kSealSeal | mm::kSealShrink, all}) {
    oracle = before;
    EXPECT_EQ(Result(Seal(0, kept)), "0");
    const uint16_t session = Create("vm").session;
    EXPECT_EQ(Result(Preserve(session, MemfdFile(0), 1)), "0");
    EXPECT_EQ(Result(Preserve(session, kIommufdFile, 2)), kept == all ? "0" : "EINVAL") << kept;
  }
}

TEST_F(OracleWithHwptTest, APreservedIommufdOutlivesItsDescriptor) {
  EXPECT_EQ(Result(Mark(kHwpt, 7)), "0");
  const uint16_t session = Create("vm").session;
  EXPECT_EQ(Result(Preserve(session, kIommufdFile, 2)), "0");
  EXPECT_EQ(Result(Unbind(kDevice)), "0");
  EXPECT_EQ(Result(Close()), "0");
  EXPECT_TRUE(oracle.state().iommufds[0].context);
  EXPECT_TRUE(oracle.state().hwpts.contains(kHwpt));
  EXPECT_EQ(Result(CloseSession(session)), "0");
  EXPECT_FALSE(oracle.state().iommufds[0].context);
  EXPECT_TRUE(oracle.state().hwpts.empty());
}

TEST_F(OracleTest, UnpreservingOneIommufdLeavesTheOtherPreserved) {
  Snapshot two = BootSnapshot();
  two.iommufds.push_back({.number = 1});
  oracle.Restart(TestLimits(), two);
  uint32_t ioas[2] = {};
  uint16_t sessions[2] = {};
  for (const uint16_t f : {0, 1}) {
    ioas[f] = oracle.Apply({.kind = Kind::kIoasAlloc, .iommufd = f}).created_id;
    const uint32_t device =
        oracle.Apply({.kind = Kind::kDeviceBind, .iommufd = f, .index = f}).created_id;
    const Call alloc{.kind = Kind::kHwptAlloc, .iommufd = f, .id = device, .id2 = ioas[f]};
    const uint32_t hwpt = oracle.Apply(alloc).created_id;
    const Call mark{.kind = Kind::kLuMark, .iommufd = f, .id = hwpt, .token = 7};
    EXPECT_EQ(Result(oracle.Apply(mark)), "0");
    sessions[f] = Create(f == 0 ? "a" : "b").session;
    EXPECT_EQ(Result(Preserve(sessions[f], {mm::FileRef::Kind::kIommufd, f}, 1)), "0");
  }
  EXPECT_EQ(Result(CloseSession(sessions[0])), "0");
  for (const uint16_t f : {0, 1}) {
    Call map = MapCall(Kind::kMap, ioas[f], {.iova = 0x1000});
    map.iommufd = f;
    EXPECT_EQ(Result(oracle.Apply(map)), f == 0 ? "0" : "EBUSY");
  }
}

}  // namespace
}  // namespace iommufd_check::spec
