// Every engine has every feature of the runner, with the same results as without it; what an engine
// lacks is a row below, with the reason that it gives.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

const std::string kCorpus = std::string(IOMMUFD_CHECK_SOURCE_ROOT) + "/corpus/explore/";

struct Engine {
  const char* name;
  std::vector<std::string> command;
  int code;  // 1: v1 is violated
};

const std::vector<Engine> kEngines{
    {"explore", {"explore", "--design=v1,reference", kCorpus + "mark-destroy-preserve.prog"}, 1},
    {"random",
     {"explore", "--scheduler=pct", "--runs=600", "--design=v1", kCorpus + "map-x-preserve.prog"},
     1},
    {"sweep", {"sweep", "--design=v1", kCorpus + "map-x-preserve.prog"}, 1},
    {"verdict",
     {"verdict", "--design=v1,reference", "--preemptions=1", kCorpus + "map-x-preserve.prog",
      kCorpus + "mark-x-preserve.prog"},
     1},
    {"search", {"search", "--model=world", "--operations=map_file,unmap,lu_mark"}, 0},
};

// A feature that an engine refuses, and a part of the sentence that says why.
struct Lack {
  std::string engine;
  std::string flag;
  std::string reason;
};
const std::vector<Lack> kLacks{
    {"search", "--shard=1/3", "a search has one set of visited states, so it has no shares"}};

class EngineTest : public testing::TestWithParam<Engine> {
 protected:
  CliResult Run(std::vector<std::string> flags) {
    flags.insert(flags.begin(), GetParam().command.begin(), GetParam().command.end());
    return RunCli(flags);
  }
  // True when the engine lacks the feature and said so.
  bool Refuses(const std::string& flag) {
    for (const Lack& lack : kLacks) {
      if (lack.engine != GetParam().name || lack.flag != flag) continue;
      const CliResult refused = Run({flag});
      EXPECT_EQ(refused.code, 64);
      EXPECT_NE(refused.err.find(lack.reason), std::string::npos) << refused.err;
      return true;
    }
    return false;
  }
  // What the engine says without any feature.
  const CliResult& Plain() {
    if (plain_.out.empty()) plain_ = Run({});
    EXPECT_EQ(plain_.code, GetParam().code) << plain_.err;
    return plain_;
  }
  const TemporaryFolder folder_;

 private:
  CliResult plain_;
};

TEST_P(EngineTest, Threads) {
  const CliResult two = Run({"--threads=2"});
  EXPECT_EQ(two.out, Plain().out);
  EXPECT_EQ(two.code, Plain().code);
  EXPECT_EQ(Run({"--threads=0"}).code, 64);
}

TEST_P(EngineTest, SharesMergeToTheWhole) {
  if (Refuses("--shard=1/3")) return;
  std::vector<std::string> merge{"merge"};
  for (const std::string share : {"2/3", "0/3", "1/3"}) {
    const CliResult result = Run({"--shard=" + share, "--json", "--threads=2"});
    EXPECT_TRUE(result.code == 0 || result.code == 1) << result.err;
    merge.push_back(folder_.Write(share.substr(0, 1) + ".json", result.out));
  }
  const CliResult merged = RunCli(merge);
  EXPECT_EQ(merged.out, Plain().out);
  EXPECT_EQ(merged.code, Plain().code);

  merge.pop_back();
  const CliResult missing = RunCli(merge);
  EXPECT_NE(missing.out.find(" parts missing)"), std::string::npos) << missing.out;
  EXPECT_EQ(missing.code, 1) << "a violation outranks what was not done";
}

TEST_P(EngineTest, ResumesWhereTimeEnded) {
  const std::string resume = "--resume=" + (folder_ / "kept");
  // No time at all: nothing is kept, or what is can be gone on from.
  EXPECT_EQ(Run({resume, "--max_seconds=0.000001"}).code, 3);
  const CliResult resumed = Run({resume, "--threads=2"});
  EXPECT_EQ(resumed.out, Plain().out);
  EXPECT_EQ(resumed.code, Plain().code);
  EXPECT_EQ(Run({resume}).out, Plain().out) << "all is known now";
  const std::string broken = folder_.Write("broken", "[{]");
  EXPECT_NE(Run({"--resume=" + broken}).code, Plain().code);
}

TEST_P(EngineTest, TimeThatEndsIsNoPass) {
  const CliResult ended = Run({"--max_seconds=0.000001"});
  EXPECT_EQ(ended.code, 3) << "nothing was found yet, and not all was done";
  EXPECT_NE(ended.out.find("NOT exhausted"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("max_seconds"), std::string::npos) << ended.out;
  EXPECT_EQ(Run({"--max_seconds=-1"}).code, 64);
}

TEST_P(EngineTest, JsonIsTheSameInEveryRunAndSaysWhatDiffers) {
  const CliResult json = Run({"--json"});
  EXPECT_EQ(json.code, Plain().code);
  EXPECT_EQ(Run({"--json", "--threads=2"}).out, json.out);
  const std::string previous = "--previous=" + folder_.Write("before.json", json.out);
  const CliResult same = Run({previous});
  EXPECT_NE(same.out.find("difference from "), std::string::npos) << same.out;
  EXPECT_NE(same.out.find("\n  no difference\n"), std::string::npos) << same.out;
  const CliResult ended = Run({previous, "--max_seconds=0.000001"});
  EXPECT_EQ(ended.out.find("\n  no difference\n"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find(", was "), std::string::npos) << ended.out;
  EXPECT_EQ(Run({"--previous=" + (folder_ / "none")}).code, 65);
}

INSTANTIATE_TEST_SUITE_P(All, EngineTest, testing::ValuesIn(kEngines),
                         [](const auto& engine) { return std::string(engine.param.name); });

// Each row above is about an engine and a flag that exist; without this a misspelt one lacks
// nothing and is not missed.
TEST(EngineTable, EveryLackIsOfAnEngine) {
  for (const Lack& lack : kLacks) {
    bool known = false;
    for (const Engine& engine : kEngines) known = known || lack.engine == engine.name;
    EXPECT_TRUE(known) << lack.engine;
  }
}

// A budget that ended before a violation was found is 3, and 1 once one was.
TEST(Verdict, AViolationOutranksABudget) {
  const std::string file = kCorpus + "map-x-preserve.prog";
  const auto verdict = [&](const std::string& budget) {
    return RunCli({"verdict", "--design=v1", "--max_executions=" + budget, file});
  };
  const CliResult nothing_yet =
      RunCli({"verdict", "--design=reference", "--max_executions=5", file});
  EXPECT_EQ(nothing_yet.code, 3) << nothing_yet.out;
  const CliResult both = verdict("200");
  EXPECT_EQ(both.code, 1);
  EXPECT_NE(both.out.find("v1: 1 programs, 200 executions, NOT exhausted (max_executions)"),
            std::string::npos)
      << both.out;
}

}  // namespace
}  // namespace iommufd_check::cli
