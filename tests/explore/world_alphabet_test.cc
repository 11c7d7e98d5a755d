// Entries, names and preambles of the World's alphabet, and the groups of its renamings.
#include "model/explore/world/world_alphabet.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "model/explore/world/world_symmetry.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::explore {
namespace {

using program::OpCode;

std::vector<std::string> Texts(const WorldScope& scope) {
  const WorldAlphabet alphabet(scope);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < alphabet.size(); ++i) texts.push_back(Describe(alphabet.entry(i)));
  return texts;
}

TEST(WorldAlphabet, HasEachOperationWithEachArgument) {
  EXPECT_EQ(Texts({.operations = {OpCode::kLuMark, OpCode::kUnmap, OpCode::kUnmap},
                   .hwpts = 2,
                   .regions = 2,
                   .tokens = 2}),
            (std::vector<std::string>{"unmap region 0", "unmap region 1", "unmap all",
                                      "lu_mark hwpt 0 token 0", "lu_mark hwpt 0 token 1",
                                      "lu_mark hwpt 1 token 0", "lu_mark hwpt 1 token 1"}));
  EXPECT_EQ(
      Texts({.operations = {OpCode::kLuoPreserve, OpCode::kMapFile}, .memfds = 2}),
      (std::vector<std::string>{"map_file memfd 0 region 0", "map_file memfd 1 region 0",
                                "luo_preserve session 0 memfd 0", "luo_preserve session 0 memfd 1",
                                "luo_preserve session 0 iommufd"}));
}

TEST(WorldAlphabet, DestroysTheIoasOnlyWhereItComesBack) {
  EXPECT_EQ(Texts({.operations = {OpCode::kDestroy}}), std::vector<std::string>{"destroy hwpt 0"});
  EXPECT_EQ(Texts({.operations = {OpCode::kDestroy, OpCode::kIoasAlloc}}),
            (std::vector<std::string>{"ioas_alloc", "destroy hwpt 0", "destroy ioas"}));
}

TEST(WorldAlphabet, EveryOperationHasAnEntryOfItsOwn) {
  for (const OpCode code : WorldAlphabet::AllOperations()) {
    const std::vector<std::string> texts = Texts({.operations = {code}});
    ASSERT_FALSE(texts.empty());
    EXPECT_EQ(texts[0].substr(0, texts[0].find(' ')), program::SpecOf(code).name);
  }
  const std::vector<std::string> all = Texts({.operations = WorldAlphabet::AllOperations(),
                                              .devices = 3,
                                              .hwpts = 3,
                                              .memfds = 3,
                                              .regions = 3,
                                              .tokens = 3,
                                              .sessions = 2});
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

TEST(WorldAlphabet, EachIommufdHasItsOwn) {
  EXPECT_EQ(
      Texts({.operations = {OpCode::kCloseIommufd, OpCode::kUnmap, OpCode::kLuoPreserve},
             .iommufds = 2}),
      (std::vector<std::string>{
          "unmap region 0 of iommufd 0", "unmap all of iommufd 0", "unmap region 0 of iommufd 1",
          "unmap all of iommufd 1", "close_iommufd of iommufd 0", "close_iommufd of iommufd 1",
          "luo_preserve session 0 memfd 0", "luo_preserve session 0 iommufd of iommufd 0",
          "luo_preserve session 0 iommufd of iommufd 1"}));
  const WorldAlphabet alphabet({.operations = {OpCode::kLuoPreserve, OpCode::kUnmap},
                                .devices = 2,
                                .hwpts = 2,
                                .iommufds = 2});
  WorldAlphabet::Spelled spelled = alphabet.Preamble({});
  WorldAlphabet::Append(alphabet.entry(alphabet.Find(OpCode::kUnmap, {.region = 0, .iommufd = 1})),
                        &spelled);
  WorldAlphabet::Append(
      alphabet.entry(alphabet.Find(OpCode::kLuoPreserve, {.session = 0, .iommufd = 1})), &spelled);
  EXPECT_EQ(program::FirstProblem(spelled.program), "");
  EXPECT_EQ(program::PrintProgram(spelled.program),
            "format 2\nboot memfds=1 memfd_pages=1 buffer_pages=1 devices=2 iommufds=2\n"
            "\n"
            "main:\n"
            "  ioas = ioas_alloc()\n"
            "  ioas2 = ioas_alloc(iommufd=1)\n"
            "  dev = device_bind()\n"
            "  dev2 = device_bind(index=1, iommufd=1)\n"
            "  hwpt = hwpt_alloc(dev, ioas)\n"
            "  hwpt2 = hwpt_alloc(dev2, ioas2)\n"
            "  memfd_seal(0, seals=seal|shrink|grow)\n"
            "  s = luo_create_session(name=\"vm0\")\n"
            "  unmap(ioas2, iova=0x1000, length=0x1000)\n"
            "  luo_preserve(s, iommufd=1, token=3)\n");
}

TEST(WorldAlphabet, NamesLiveFromCreationToEnd) {
  const WorldScope scope{.operations = {}, .hwpts = 2};
  const std::uint16_t live = WorldAlphabet(scope).live_at_start();
  const WorldEntry alloc = EntryOf(scope, OpCode::kHwptAlloc, {.hwpt = 1});
  const WorldEntry mark = EntryOf(scope, OpCode::kLuMark, {.hwpt = 1, .token = 0});
  const WorldEntry destroy = EntryOf(scope, OpCode::kDestroy, {.hwpt = 1});
  EXPECT_FALSE(Enabled(alloc, live)) << "it would lose the one that has the name";
  EXPECT_TRUE(Enabled(mark, live));
  const std::uint16_t without = LiveAfter(destroy, live);
  EXPECT_TRUE(Enabled(alloc, without));
  EXPECT_FALSE(Enabled(mark, without));
  EXPECT_FALSE(Enabled(destroy, without));
  EXPECT_EQ(LiveAfter(alloc, without), live);
  EXPECT_EQ(LiveAfter(mark, live), live);
}

TEST(WorldAlphabet, SpellsProgramsThatStandOnTheirOwn) {
  const WorldAlphabet alphabet(
      {.operations = {OpCode::kHwptAlloc, OpCode::kDestroy, OpCode::kLuMark, OpCode::kLuoPreserve,
                      OpCode::kMapFile},
       .hwpts = 2,
       .regions = 2});
  WorldAlphabet::Spelled spelled = alphabet.Preamble({});
  const auto append = [&](OpCode code, const WorldRoles& roles) {
    WorldAlphabet::Append(alphabet.entry(alphabet.Find(code, roles)), &spelled);
  };
  append(OpCode::kDestroy, {.hwpt = 0});
  append(OpCode::kHwptAlloc, {.hwpt = 0});
  append(OpCode::kLuMark, {.hwpt = 0, .token = 0});
  append(OpCode::kLuMark, {.hwpt = 1, .token = 0});
  append(OpCode::kMapFile, {.memfd = 0, .region = 1});
  append(OpCode::kLuoPreserve, {.session = 0});
  EXPECT_EQ(program::FirstProblem(spelled.program), "");
  EXPECT_EQ(program::PrintProgram(spelled.program),
            "format 2\nboot memfds=1 memfd_pages=2 buffer_pages=2 devices=1\n"
            "\n"
            "main:\n"
            "  ioas = ioas_alloc()\n"
            "  dev = device_bind()\n"
            "  hwpt = hwpt_alloc(dev, ioas)\n"
            "  hwpt2 = hwpt_alloc(dev, ioas)\n"
            "  memfd_seal(0, seals=seal|shrink|grow)\n"
            "  s = luo_create_session(name=\"vm0\")\n"
            "  destroy(hwpt)\n"
            "  hwpt3 = hwpt_alloc(dev, ioas)\n"
            "  lu_mark(hwpt3, token=7)\n"
            "  lu_mark(hwpt2, token=7)\n"
            "  map_file(ioas, memfd=0, start=0x1000, iova=0x201000, length=0x1000)\n"
            "  luo_preserve(s, iommufd, token=2)\n");
}

TEST(WorldAlphabet, LeavesSealingToTheSearchThatHasIt) {
  const auto seals = [](const WorldScope& scope) {
    int count = 0;
    for (const auto& operation : WorldAlphabet(scope).Preamble({}).program.operations) {
      count += operation.code == OpCode::kMemfdSeal ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(seals({.operations = {OpCode::kMapFile}, .memfds = 3}), 3);
  EXPECT_EQ(seals({.operations = {OpCode::kMapFile, OpCode::kMemfdSeal}, .memfds = 3}), 0);
}

TEST(WorldSymmetry, MovesHwptsOnlyWithTheirDevices) {
  const auto size = [](WorldScope scope) {
    scope.operations = WorldAlphabet::StandardOperations();
    const WorldAlphabet alphabet(scope);
    return WorldSymmetry(alphabet).size();
  };
  EXPECT_EQ(size({}), 1u);
  EXPECT_EQ(size({.hwpts = 3}), 6u);
  EXPECT_EQ(size({.devices = 2, .hwpts = 1}), 1u);
  EXPECT_EQ(size({.devices = 3, .hwpts = 1}), 2u);  // The two without a HWPT.
  EXPECT_EQ(size({.devices = 3, .hwpts = 3}), 6u);
  EXPECT_EQ(size({.devices = 2, .hwpts = 3}), 2u);  // HWPTs 0 and 2, on one device.
  EXPECT_EQ(size({.devices = 2, .hwpts = 2, .iommufds = 2}), 1u) << "they belong to two iommufds";
  EXPECT_EQ(size({.devices = 3, .hwpts = 3, .iommufds = 2}), 2u);  // Devices 0 and 2 of the first.
  EXPECT_EQ(size({.regions = 3}), 1u);
  EXPECT_EQ(size({.memfds = 2, .tokens = 3, .sessions = 2}), 24u);
}

TEST(WorldSymmetry, IsAGroupThatActs) {
  const WorldAlphabet alphabet({.operations = WorldAlphabet::AllOperations(),
                                .devices = 2,
                                .hwpts = 2,
                                .memfds = 2,
                                .tokens = 3});
  const WorldSymmetry symmetry(alphabet);
  EXPECT_EQ(symmetry.starts().size(), 2u);
  for (std::size_t r = 0; r < symmetry.size(); ++r) {
    std::set<int> moved;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
      const auto entry = static_cast<std::uint8_t>(i);
      moved.insert(symmetry.Entry(r, entry));
      if (r == 0) {
        EXPECT_EQ(symmetry.Entry(r, entry), entry);
      }
    }
    EXPECT_EQ(moved.size(), alphabet.size());
    std::set<int> starts;
    for (const std::uint16_t start : symmetry.starts()) starts.insert(symmetry.Start(r, start));
    EXPECT_EQ(starts.size(), symmetry.starts().size());
  }
}

}  // namespace
}  // namespace iommufd_check::explore
