// What every row of operations.def must keep, and what others read out of them.
#include "model/uapi/operation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "model/uapi/arguments.h"

namespace iommufd_check::uapi {
namespace {

using testing::ElementsAre;

class OperationTest : public testing::TestWithParam<OpCode> {
 protected:
  const OperationSpec& spec() const { return SpecOf(GetParam()); }
  size_t CountOf(ArgumentKind kind) const {
    return static_cast<size_t>(
        std::count_if(spec().arguments.begin(), spec().arguments.end(),
                      [&](const ArgumentSpec& argument) { return argument.kind == kind; }));
  }
};

INSTANTIATE_TEST_SUITE_P(Rows, OperationTest, testing::ValuesIn(AllOperations()),
                         [](const auto& row) { return std::string(SpecOf(row.param).name); });

TEST_P(OperationTest, IsFoundByItsName) {
  EXPECT_EQ(OpCodeFromName(spec().name), GetParam());
  EXPECT_EQ(OpCodeFromName(std::string(spec().name) + "x"), std::nullopt);
}

TEST_P(OperationTest, NamesItsArgumentsOnce) {
  std::set<std::string_view> names;
  for (const ArgumentSpec& argument : spec().arguments) {
    EXPECT_TRUE(names.insert(argument.name).second) << argument.name;
  }
  EXPECT_LE(spec().arguments.size(), static_cast<size_t>(kMaxArguments));
}

// Who reads a row counts on it: codecs, that what must be written comes first; text, that the
// iommufd of a call is the last argument.
TEST_P(OperationTest, SaysWhichIommufdLastAndOnlyWhereThereIsOne) {
  const bool closes = GetParam() == OpCode::kCloseIommufd;
  const bool on_iommufd = spec().through == Through::kIommufd || spec().through == Through::kDevice;
  ASSERT_EQ(CountOf(ArgumentKind::kIommufd), on_iommufd || closes ? 1u : 0u);
  if (on_iommufd || closes) {
    EXPECT_EQ(spec().arguments.back().kind, ArgumentKind::kIommufd);
    EXPECT_EQ(spec().arguments.back().fallback, kIommufdOfObject);
  }
}

TEST_P(OperationTest, NamesTheDescriptorThatItIsMadeOn) {
  if (spec().through == Through::kDevice) {
    EXPECT_EQ(CountOf(ArgumentKind::kDevice), 1u);
  }
  if (spec().through == Through::kSession) {
    EXPECT_EQ(CountOf(ArgumentKind::kSession), 1u);
  }
  if (spec().through == Through::kMemfd) {
    ASSERT_FALSE(spec().arguments.empty());
    EXPECT_EQ(spec().arguments.front().kind, ArgumentKind::kMemfd);
  }
}

TEST_P(OperationTest, HasTraitsThatGoTogether) {
  if (spec().Has(kKeepsEffect)) {
    EXPECT_TRUE(spec().Has(kReplies));
  }
  if (spec().Has(kReplies)) {
    EXPECT_TRUE(spec().Has(kIoctl));
  }
  if (spec().Has(kEnds)) {
    ASSERT_FALSE(spec().arguments.empty());
    EXPECT_TRUE(IsObject(spec().arguments.front().kind));
    EXPECT_TRUE(spec().Has(kTakesAway));
  }
  if (spec().Has(kAddsAreas)) {
    EXPECT_EQ(spec().arguments.front().kind, ArgumentKind::kIoas);
    EXPECT_EQ(CountOf(ArgumentKind::kIova), 1u);
  }
  EXPECT_GE(spec().weight, 1) << "a generator that never draws it tests nothing of it";
  EXPECT_GE(spec().faults, 1);
  EXPECT_LE(spec().faults, 24);
}

// What stands in bytes and digests: the codes of operations that exist do not move.
TEST(Operations, KeepTheirCodes) {
  std::vector<std::string> names;
  for (const OpCode code : AllOperations()) names.emplace_back(SpecOf(code).name);
  names.resize(18);
  EXPECT_THAT(names,
              ElementsAre("ioas_alloc", "device_bind", "device_unbind", "device_attach",
                          "device_detach", "hwpt_alloc", "map", "map_file", "unmap", "destroy",
                          "close_iommufd", "memfd_seal", "memfd_punch_hole", "memfd_truncate",
                          "luo_create_session", "luo_preserve", "luo_close_session", "lu_mark"));
}

TEST(Operations, AcceptVariablesOfTheirKind) {
  const std::vector<ResultKind> made = {ResultKind::kIoas, ResultKind::kHwpt, ResultKind::kDevice,
                                        ResultKind::kSession};
  const std::vector<ArgumentKind> taken = {ArgumentKind::kIoas, ArgumentKind::kHwpt,
                                           ArgumentKind::kDevice, ArgumentKind::kSession};
  for (size_t i = 0; i < made.size(); ++i) {
    for (size_t k = 0; k < taken.size(); ++k) {
      EXPECT_EQ(Accepts(taken[k], made[i]), i == k) << i << " for " << k;
    }
    EXPECT_EQ(Accepts(ArgumentKind::kObject, made[i]), made[i] != ResultKind::kSession);
    EXPECT_FALSE(Accepts(ArgumentKind::kMemfd, made[i]));
  }
  EXPECT_FALSE(Accepts(ArgumentKind::kObject, ResultKind::kNone));
}

TEST(Operations, SplitKindsIntoThoseThatCodecsTellApart) {
  for (const OpCode code : AllOperations()) {
    for (const ArgumentSpec& argument : SpecOf(code).arguments) {
      EXPECT_FALSE(IsObject(argument.kind) && IsNumber(argument.kind)) << argument.name;
      if (CountsBytes(argument.kind)) {
        EXPECT_TRUE(IsNumber(argument.kind)) << argument.name;
      }
      if (TakesAuto(argument.kind)) {
        EXPECT_TRUE(CountsBytes(argument.kind)) << argument.name;
      }
    }
  }
  EXPECT_TRUE(TakesAuto(ArgumentKind::kIova));
  EXPECT_FALSE(TakesAuto(ArgumentKind::kAddress)) << "an IOVA in use is chosen already";
  EXPECT_FALSE(CountsBytes(ArgumentKind::kMarkToken));
  EXPECT_FALSE(IsId(ArgumentKind::kSession)) << "a session is a descriptor";
}

// The struct of a row has its arguments, in its order, with the types of their kinds.
TEST(Operations, HaveArgumentStructs) {
  const MapArguments map{1, 2, 0x3000, {.fixed = false}, 0x4000, 3, 0};
  EXPECT_EQ(map.ioas, 1u);
  EXPECT_EQ(map.buffer, 2u);
  EXPECT_EQ(map.offset, 0x3000u);
  EXPECT_FALSE(map.iova.fixed);
  EXPECT_EQ(map.length, 0x4000u);
  EXPECT_EQ(map.prot, 3u);
  const LuoPreserveArguments preserve{};
  EXPECT_EQ(preserve.session.number, UINT16_MAX) << "no session";
  EXPECT_EQ(preserve.file.index, UINT16_MAX) << "no file";
  static_assert(std::is_same_v<decltype(UnmapArguments::iova), uint64_t>);
  static_assert(std::is_same_v<decltype(MapFileArguments::iova), IovaArgument>);
}

TEST(ResultKinds, HaveNamesAndStemsOfTheirOwn) {
  std::set<std::string_view> names;
  std::set<std::string_view> stems;
  for (int i = 1; i < static_cast<int>(ResultKind::kCount); ++i) {
    const auto kind = static_cast<ResultKind>(i);
    EXPECT_TRUE(names.insert(Name(kind)).second) << Name(kind);
    EXPECT_TRUE(stems.insert(StemOf(kind)).second) << StemOf(kind);
  }
  EXPECT_EQ(Name(ResultKind::kNone), "");
  EXPECT_EQ(StemOf(ResultKind::kDevice), "dev");
  EXPECT_EQ(StemOf(ResultKind::kSession), "s");
}

TEST(ResultKinds, ADescriptorIsNoId) {
  EXPECT_TRUE(IsId(ArgumentKind::kDevice));
  EXPECT_TRUE(IsId(ArgumentKind::kObject));
  EXPECT_FALSE(IsId(ArgumentKind::kSession));
  EXPECT_FALSE(IsId(ArgumentKind::kMemfd));
}

}  // namespace
}  // namespace iommufd_check::uapi
