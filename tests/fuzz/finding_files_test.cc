// Findings as files: names, which program stays, and targets that go past what is known.

#include "fuzz/targets/finding_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "fuzz/targets/known_programs.h"
#include "fuzz/targets/program_target.h"
#include "model/liveupdate/designs/registry.h"
#include "model/program/bytes/byte_codec.h"
#include "model/program/text/text_codec.h"
#include "tests/fuzz/cli_fixture.h"
#include "tests/program/text_messages.h"

namespace iommufd_check::cli {
namespace {

using program::Identity;
using program::Parse;
using program::Program;

Identity Of(const std::string& text) { return *program::IdentityFromText(text); }

std::set<std::string> FilesIn(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

TEST(FindingFiles, ANameTellsFindingsApart) {
  const std::string name = FindingFileName("v1", Of("I19@luo_preserve:ioas"));
  EXPECT_TRUE(name.starts_with("v1-I19-luo_preserve-") && name.ends_with(".prog")) << name;
  EXPECT_EQ(name.size(), std::string("v1-I19-luo_preserve-01234567.prog").size());
  EXPECT_NE(name, FindingFileName("v1", Of("I19@luo_preserve:hwpt")));
  EXPECT_EQ(name, FindingFileName("v1", Of("I19@luo_preserve:ioas")));
  EXPECT_TRUE(FindingFileName("v2", Of("I36@exit")).starts_with("v2-I36-exit-"));
}

TEST(FindingFiles, TheSmallerProgramStays) {
  const TemporaryFolder folder;
  const Identity identity = Of("I05@luo_preserve:ioas");
  const Program two = Parse("main:\n  ioas_alloc()\n  ioas_alloc()\n");
  const Program one = Parse("main:\n  close_iommufd()\n");
  FindingFiles files(folder.path(), "v1");
  EXPECT_TRUE(files.Lacks(identity, 1000));
  ASSERT_EQ(*files.Keep(two, identity), files.PathOf(identity));
  EXPECT_FALSE(files.Lacks(identity, 2));
  EXPECT_TRUE(files.Lacks(identity, 1));

  // Another process, which has seen nothing yet.
  FindingFiles other(folder.path(), "v1");
  EXPECT_FALSE(other.Lacks(identity, 2));
  ASSERT_TRUE(other.Keep(one, identity).ok());
  ASSERT_TRUE(files.Keep(two, identity).ok());
  const std::string name = FindingFileName("v1", identity);
  EXPECT_EQ(folder.Read(name), program::PrintProgram(one)) << "not that of the first, again";
  EXPECT_EQ(FilesIn(folder.path()), std::set<std::string>{name}) << "and nothing half written";
}

TEST(FindingFiles, AFolderThatIsGoneIsAnError) {
  FindingFiles files("/nonexistent/folder", "v1");
  const auto kept = files.Keep(Parse("main:\n  close_iommufd()\n"), Of("I36@exit"));
  EXPECT_NE(std::string(kept.status().message()).find("cannot be written"), std::string::npos);
}

TEST(KnownPrograms, WhatTheyBreakIsKnown) {
  liveupdate::Design& v1 = *liveupdate::FindDesign("v1");
  program::Executor executor;
  std::set<Identity> known;
  const std::string bugs = std::string(IOMMUFD_CHECK_SOURCE_ROOT) + "/corpus/bugs";
  ASSERT_TRUE(AddKnownFindings(bugs, v1, &executor, &known).ok());
  std::set<spec::Invariant> invariants;
  for (const Identity& identity : known) invariants.insert(identity.invariant);
  for (const auto invariant :
       {spec::Invariant::kI04, spec::Invariant::kI08, spec::Invariant::kI19}) {
    EXPECT_TRUE(invariants.contains(invariant));
  }
  std::set<Identity> of_reference;
  liveupdate::Design& reference = *liveupdate::FindDesign("reference");
  ASSERT_TRUE(AddKnownFindings(bugs, reference, &executor, &of_reference).ok());
  EXPECT_TRUE(of_reference.empty()) << "whatever design a program names";

  const TemporaryFolder folder;
  EXPECT_FALSE(AddKnownFindings(folder.path(), v1, &executor, &known).ok()) << "nothing in it";
  EXPECT_FALSE(AddKnownFindings(folder.Write("a.prog", "nonsense"), v1, &executor, &known).ok());
}

class ProgramTargetTest : public testing::Test {
 protected:
  absl::Status Read(const std::vector<std::string>& flags) { return target_.ReadFlags(flags); }
  int Execute(const std::string& text) {
    return target_.Execute(program::EncodeBytes(Parse(text)));
  }

  ProgramTarget target_{"fuzz_test", {.tasks = 2}};
  const TemporaryFolder folder_;
};

TEST_F(ProgramTargetTest, SaysWhichFlagIsWrong) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"--design=v9", "unknown design 'v9'"},
      {"--tolerate=I99", "--tolerate: unknown invariant 'I99'"},
      {"--only=I20@lu_marc", "unknown operation 'lu_marc'"},
      {"--keep_going", "needs --findings=DIR"},
      {"--mutator=none", "use structured or plain"},
      {"--tolerance=I19", "did you mean --tolerate?"},
      {"--findings=/proc/none", "cannot be created"}};
  for (const auto& [flag, message] : wrong) {
    ProgramTarget target("fuzz_test", {});
    const absl::Status status = target.ReadFlags(std::vector<std::string>{flag});
    EXPECT_NE(std::string(status.message()).find(message), std::string::npos) << status.message();
  }
}

TEST_F(ProgramTargetTest, KeepsEachFindingOnceAndGoesOn) {
  ASSERT_TRUE(Read({"--design=v1", "--findings=" + folder_.path(), "--keep_going"}).ok());
  testing::internal::CaptureStderr();
  EXPECT_EQ(Execute(ViolatingProgram()), 0);
  const std::string told = testing::internal::GetCapturedStderr();
  const std::set<std::string> files = FilesIn(folder_.path());
  EXPECT_EQ(target_.kept(), files.size());
  ASSERT_FALSE(files.empty());
  for (const std::string& file : files) {
    EXPECT_NE(told.find("iommufd-check run " + (folder_ / file)), std::string::npos) << told;
    const CliResult replay = RunCli({"run", "--quiet", folder_ / file});
    EXPECT_EQ(replay.code, 1) << replay.err;
    EXPECT_NE(replay.out.find("(as expected)"), std::string::npos) << replay.out;
  }
  EXPECT_EQ(Execute(ViolatingProgram()), 0);
  EXPECT_EQ(target_.kept(), files.size()) << "known by now";
}

using ProgramTargetDeathTest = ProgramTargetTest;

TEST_F(ProgramTargetDeathTest, AFindingEndsTheProcessAndTellsHowToReplayIt) {
  ASSERT_TRUE(Read({"--design=v1"}).ok());
  EXPECT_DEATH(Execute(ViolatingProgram()), "--bytes --design=v1 CRASH-FILE");
  EXPECT_EQ(Execute(CleanProgram()), 0);
}

TEST_F(ProgramTargetDeathTest, AKeptFindingEndsTheProcessOnce) {
  const std::vector<std::string> flags{"--design=v1", "--findings=" + folder_.path()};
  ASSERT_TRUE(Read(flags).ok());
  EXPECT_DEATH(Execute(ViolatingProgram()), "iommufd-check run .*v1-I19-luo_preserve-");
  EXPECT_EQ(Execute(ViolatingProgram()), 0) << "the child of the death test has kept it";
}

TEST_F(ProgramTargetDeathTest, GoesPastWhatIsTolerated) {
  const std::string bug = folder_.Write("bug.prog", ViolatingProgram());
  ASSERT_TRUE(Read({"--design=v1", "--tolerate=I26@luo_preserve," + bug}).ok());
  EXPECT_EQ(Execute(ViolatingProgram()), 0);
}

TEST_F(ProgramTargetTest, RefusesWhatIsNotForItsCorpus) {
  ASSERT_TRUE(Read({}).ok());
  EXPECT_EQ(target_.Execute(std::vector<uint8_t>{1, 2, 3}), -1) << "of another version";
  EXPECT_EQ(Execute("A:\n  ioas_alloc()\nB:\n  ioas_alloc()\nC:\n  ioas_alloc()\n"), -1)
      << "three tasks";
  EXPECT_EQ(Execute("main:\n  ioas_alloc()\n"), 0);
}

}  // namespace
}  // namespace iommufd_check::cli
