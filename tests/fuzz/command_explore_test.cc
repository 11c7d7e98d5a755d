// iommufd-check explore and sweep: exit statuses, certificates, what is refused.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

const std::string kCorpus = std::string(IOMMUFD_CHECK_SOURCE_ROOT) + "/corpus/explore/";

TEST(ExploreCommand, TheReferenceHolds) {
  const CliResult result =
      RunCli({"explore", "--design=reference", kCorpus + "mark-x-preserve.prog"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("exhausted: "), std::string::npos);
  EXPECT_NE(result.out.find("never armed"), std::string::npos);
  EXPECT_NE(result.out.find("no violation"), std::string::npos);
}

TEST(ExploreCommand, AViolationIsShownWithItsProgram) {
  const CliResult result = RunCli({"explore", "--design=v1", kCorpus + "map-x-preserve.prog"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.out.find("VIOLATED     I04 with 1 preemption, the fewest"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("\nswitch A@"), std::string::npos);
}

TEST(ExploreCommand, ABudgetThatEndsIsNoPass) {
  const CliResult result = RunCli(
      {"explore", "--design=reference", "--max_executions=1", kCorpus + "mark-x-preserve.prog"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.out.find("NOT exhausted"), std::string::npos);
}

TEST(ExploreCommand, JsonIsTheSameInEveryRun) {
  const auto run = [] {
    return RunCli({"explore", "--json", "--design=v1", kCorpus + "destroy-x-preserve.prog"});
  };
  EXPECT_EQ(run().out, run().out);
  EXPECT_EQ(run().out.front(), '[');
}

TEST(ExploreCommand, WrongUsageIsRefused) {
  EXPECT_EQ(RunCli({"explore"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--reduce=all", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--design=v99", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--shard=2/2", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--shard=1/2", kCorpus + "mark-x-preserve.prog"}).code, 64)
      << "an empty shard did nothing";
  EXPECT_EQ(RunCli({"explore", "--threads=0", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--max_seconds=-1", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", kCorpus + "no-such.prog"}).code, 65);
}

TEST(SweepCommand, TheReferenceRestoresEverything) {
  const CliResult result = RunCli({"sweep", "--design=reference", kCorpus + "map-x-preserve.prog"});
  EXPECT_EQ(result.code, 0) << result.out << result.err;
  EXPECT_NE(result.out.find("fault plans"), std::string::npos);
}

TEST(SweepCommand, WrongUsageIsRefused) {
  EXPECT_EQ(RunCli({"sweep"}).code, 64);
  EXPECT_EQ(RunCli({"sweep", "--preemptions=-1", kCorpus + "map-x-preserve.prog"}).code, 64);
}

// A file of this test, since tests run side by side; gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& name)
      : path_(testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() +
              "-" + name) {
    Remove();
  }
  ~TemporaryFile() { Remove(); }
  const std::string& path() const { return path_; }
  std::string Read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void Write(const std::string& text) const { std::ofstream(path_, std::ios::binary) << text; }

 private:
  void Remove() const { std::filesystem::remove(path_); }
  const std::string path_;
};

const std::vector<std::string> kTwoPrograms{kCorpus + "mark-destroy-preserve.prog",
                                            kCorpus + "mark-x-preserve.prog"};

CliResult ExploreTwo(std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"explore", "--design=v1"});
  flags.insert(flags.end(), kTwoPrograms.begin(), kTwoPrograms.end());
  return RunCli(flags);
}

TEST(ExploreCommand, SevenShardsMergeToTheWhole) {
  std::vector<std::string> merge{"merge"};
  std::vector<std::unique_ptr<TemporaryFile>> files;
  for (int i = 0; i < 7; ++i) {
    const CliResult shard =
        ExploreTwo({"--json", "--shard=" + std::to_string(i) + "/7", "--threads=2"});
    EXPECT_TRUE(shard.code == 0 || shard.code == 1) << shard.err;
    files.push_back(std::make_unique<TemporaryFile>("shard" + std::to_string(i) + ".json"));
    files.back()->Write(shard.out);
    merge.push_back(files.back()->path());
  }
  const CliResult merged = RunCli(merge);
  EXPECT_EQ(merged.code, 1) << merged.err;
  const CliResult whole = ExploreTwo({});
  EXPECT_EQ(whole.code, 1);
  EXPECT_EQ(merged.out, whole.out);

  merge.pop_back();
  const CliResult missing = RunCli(merge);
  EXPECT_EQ(missing.code, 1) << "a violation outranks the missing shard";
  EXPECT_NE(missing.out.find("NOT exhausted ("), std::string::npos);
  merge.push_back(merge.back());
  const CliResult twice = RunCli(merge);
  EXPECT_EQ(twice.code, 65);
  EXPECT_NE(twice.err.find("give each shard once"), std::string::npos) << twice.err;
}

TEST(ExploreCommand, ResumesWhereABudgetEnded) {
  const TemporaryFile state("state.json");
  const std::string resume = "--resume=" + state.path();
  const CliResult first = ExploreTwo({resume, "--max_executions=1500"});
  EXPECT_NE(first.out.find("NOT exhausted (max_executions)"), std::string::npos) << first.out;
  const CliResult second = ExploreTwo({resume});
  EXPECT_EQ(second.out, ExploreTwo({}).out);
  EXPECT_EQ(ExploreTwo({resume}).out, second.out) << "all is known now";
  state.Write("[{]");
  EXPECT_EQ(ExploreTwo({resume}).code, 65);
  state.Write(RunCli({"explore", "--json", kCorpus + "mark-x-preserve.prog"}).out.substr(1));
  EXPECT_EQ(ExploreTwo({resume}).code, 65);
}

TEST(ExploreCommand, TimeAndMemoryEndIt) {
  const std::vector<std::string> command{"explore", "--design=reference",
                                         kCorpus + "mark-destroy-preserve.prog"};
  for (const std::string limit : {"--max_seconds=0.000001", "--max_memory=1"}) {
    std::vector<std::string> limited = command;
    limited.push_back(limit);
    const CliResult result = RunCli(limited);
    EXPECT_EQ(result.code, 3) << limit;
    const std::string name = limit.substr(2, limit.find('=') - 2);
    EXPECT_NE(result.out.find("NOT exhausted (" + name + ")"), std::string::npos) << result.out;
  }
}

TEST(ExploreCommand, SaysWhatDiffersFromBefore) {
  const TemporaryFile before("before.json");
  before.Write(ExploreTwo({"--json"}).out);
  const CliResult same = ExploreTwo({"--previous=" + before.path()});
  EXPECT_NE(same.out.find("difference from " + before.path() + "\n  no difference\n"),
            std::string::npos);
  const CliResult bounded = ExploreTwo({"--preemptions=1", "--previous=" + before.path()});
  EXPECT_NE(bounded.out.find("  bounds       schedules with at most 1 preemption, reduction none, "
                             "was all interleavings, reduction dpor\n"),
            std::string::npos)
      << bounded.out;
  const CliResult json = ExploreTwo({"--json", "--previous=" + before.path()});
  EXPECT_NE(json.out.find("\"no difference\""), std::string::npos);
  EXPECT_EQ(ExploreTwo({"--previous=" + before.path() + ".none"}).code, 65);
}

TEST(ExploreCommand, SamplesWithASeedThatItPrints) {
  const auto sample = [](const std::string& seed) {
    return ExploreTwo({"--scheduler=pct", "--runs=200", "--seed=" + seed}).out;
  };
  EXPECT_NE(sample("7").find("200 random schedules, pct depth 3, reduction none, seed 7"),
            std::string::npos);
  EXPECT_NE(sample("7").find("sampled: "), std::string::npos);
  EXPECT_EQ(sample("7"), sample("7"));
  EXPECT_NE(sample("7"), sample("8"));
  EXPECT_EQ(ExploreTwo({"--scheduler=best"}).code, 64);
  EXPECT_EQ(ExploreTwo({"--scheduler=pct", "--depth=0"}).code, 64);
  EXPECT_EQ(ExploreTwo({"--scheduler=pct", "--runs=0"}).code, 64);
  EXPECT_EQ(ExploreTwo({"--scheduler=pct", "--preemptions=2"}).code, 64);
}

TEST(ExploreCommand, AFileThatNeverEndsIsRefused) {
  const std::string program = kCorpus + "mark-x-preserve.prog";
  for (const std::vector<std::string>& command : {std::vector<std::string>{"merge", "/dev/zero"},
                                                  {"explore", "/dev/zero"},
                                                  {"explore", "--previous=/dev/zero", program},
                                                  {"explore", "--resume=/dev/zero", program}}) {
    const CliResult result = RunCli(command);
    EXPECT_EQ(result.code, 65);
    EXPECT_NE(result.err.find("longer than 64 MiB"), std::string::npos) << result.err;
  }
  EXPECT_EQ(RunCli({"search", "--resume=/dev/zero"}).code, 64);
}

TEST(MergeCommand, WrongUsageIsRefused) {
  EXPECT_EQ(RunCli({"merge"}).code, 64);
  EXPECT_EQ(RunCli({"merge", kCorpus + "no-such.json"}).code, 65);
  EXPECT_EQ(RunCli({"merge", kCorpus + "mark-x-preserve.prog"}).code, 65);
}

}  // namespace
}  // namespace iommufd_check::cli
