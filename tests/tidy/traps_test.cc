// Nothing done is never a pass. Each test here drives one tool into the corner where it would by
// default report success although it checked nothing, and expects a refusal.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/tidy/source_tree.h"

namespace iommufd_check::tidy {
namespace {

using ::iommufd_check::test_support::BinDir;
using ::iommufd_check::test_support::RunProgram;
using ::iommufd_check::test_support::RunResult;
using ::iommufd_check::test_support::SourceRoot;
using ::nlohmann::json;

constexpr int kUsage = 64;
constexpr int kBadInput = 65;

RunResult RunThisBinary(const std::string& flag) {
  return RunProgram({BinDir() + "/tidy_test", flag});
}

RunResult RunThisBinaryWith(const std::string& setting) {
  return RunProgram({"env", setting, BinDir() + "/tidy_test", "--gtest_filter=Traps.Cheap"});
}

template <typename... Words>
RunResult Replay(const Words&... words) {
  return RunProgram({BinDir() + "/standalone_probe", words...});
}

// A fresh folder that disappears with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "traps.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  void Write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// What the tests of the test binary run when they need one case to run.
TEST(Traps, Cheap) {}

TEST(Traps, EveryTestPresetRefusesAnEmptySelection) {
  const json presets = json::parse(ReadFile(SourceRoot(), "CMakePresets.json"));
  std::set<std::string> safe;  // A preset inherits from those written before it.
  int visible = 0;
  for (const json& preset : presets.at("testPresets")) {
    const std::string name = preset.at("name");
    const json action = preset.value(json::json_pointer("/execution/noTestsAction"), json());
    const bool inherits = action.is_null() && safe.contains(preset.value("inherits", ""));
    EXPECT_TRUE(action == "error" || inherits) << name;
    if (action == "error" || inherits) safe.insert(name);
    visible += preset.value("hidden", false) ? 0 : 1;
  }
  EXPECT_EQ(visible, static_cast<int>(presets.at("buildPresets").size()));
}

TEST(Traps, EveryTestHasATimeoutAndAllOfItsLabels) {
  const RunResult run = RunProgram(
      {IOMMUFD_CHECK_CTEST, "--test-dir", IOMMUFD_CHECK_BUILD_ROOT, "--show-only=json-v1"});
  ASSERT_EQ(run.status, 0) << run.err;
  bool seen = false;
  const json listing = json::parse(run.out);
  for (const json& test : listing.at("tests")) {
    const std::string name = test.at("name");
    json properties;
    for (const json& property : test.at("properties")) {
      properties[property.at("name").get<std::string>()] = property.at("value");
    }
    EXPECT_GT(properties.value("TIMEOUT", 0.0), 0.0) << name;
    EXPECT_FALSE(properties.value("LABELS", json::array()).empty()) << name;
    if (name != "tidy_test.Traps.Cheap") continue;
    seen = true;
    EXPECT_EQ(properties.at("LABELS"), json({"tidy", "unit"}));
  }
  EXPECT_TRUE(seen);
}

TEST(Traps, TheTestMainRefusesToRunNothing) {
  const RunResult none = RunThisBinary("--gtest_filter=Nothing.Matches");
  EXPECT_EQ(none.status, kUsage);
  EXPECT_NE(none.out.find("0 passed, 0 failed, 0 skipped"), std::string::npos) << none.out;
  EXPECT_EQ(RunThisBinary("--gtest_repeat=0").status, kUsage);
}

TEST(Traps, TheTestMainRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(RunThisBinary("--gtest_fliter=Traps.Cheap").status, kUsage);
  EXPECT_EQ(RunThisBinary("--verbose").status, kUsage);
  EXPECT_EQ(RunThisBinary("Traps.Cheap").status, kUsage);
}

TEST(Traps, TheTestMainPassesWhenACaseRan) {
  const RunResult one = RunThisBinary("--gtest_filter=Traps.Cheap");
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_NE(one.out.find("1 passed, 0 failed, 0 skipped"), std::string::npos) << one.out;
  EXPECT_EQ(RunThisBinary("--help").status, 0);
}

TEST(Traps, RapidCheckParametersAreChecked) {
  EXPECT_EQ(RunThisBinaryWith("RC_PARAMS=seed=3 max_size=10").status, 0);
  EXPECT_EQ(RunThisBinaryWith("RC_PARAMS=max_succes=10").status, kUsage);
  EXPECT_EQ(RunThisBinaryWith("RC_PARAMS=max_success=0").status, kUsage);
}

TEST(Traps, ReplayRefusesToRunNothing) {
  const TemporaryFolder empty;
  for (const RunResult& run : {Replay(), Replay("-runs=0"), Replay("-runs=0", empty.path()),
                               Replay("--design=reference")}) {
    EXPECT_EQ(run.status, kUsage);
    EXPECT_NE(run.err.find("nothing done is never a pass"), std::string::npos) << run.err;
  }
}

TEST(Traps, ReplayRefusesFlagsOfTheFuzzer) {
  const TemporaryFolder folder;
  folder.Write("one", "1");
  EXPECT_EQ(Replay("-runs=1", folder.path()).status, kUsage);
  EXPECT_EQ(Replay("-max_total_time=1", folder.path()).status, kUsage);
}

TEST(Traps, ReplayRefusesUnreadableInputs) {
  const TemporaryFolder folder;
  EXPECT_EQ(Replay(folder / "missing").status, kBadInput);
}

TEST(Traps, ReplayRunsEveryInputInOrder) {
  const TemporaryFolder folder;
  folder.Write("b", "22");
  folder.Write("a/z", "1");
  folder.Write("c", "");
  const RunResult run = Replay("-runs=0", "--design=v1", folder.path());
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_EQ(run.out, "1\n2\n0\n");
  EXPECT_NE(run.err.find("replayed 3 inputs"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace iommufd_check::tidy
