// iommufd-check explore and sweep: exit statuses, certificates, what is refused.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fuzz/shard.h"
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
  EXPECT_NE(result.out.find("VIOLATED     I04 with 1 preemptions, the fewest"),
            std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find("\nswitch A@"), std::string::npos);
}

TEST(ExploreCommand, ABudgetThatEndsIsNoPass) {
  const CliResult result = RunCli({"explore", "--design=reference", "--max_executions=1",
                                   kCorpus + "mark-x-preserve.prog"});
  EXPECT_EQ(result.code, 3);
  EXPECT_NE(result.out.find("NOT exhausted"), std::string::npos);
}

TEST(ExploreCommand, JsonIsTheSameInEveryRun) {
  const auto run = [] {
    return RunCli({"explore", "--json", "--design=v1", kCorpus + "destroy-x-preserve.prog"});
  };
  EXPECT_EQ(run().out, run().out);
  EXPECT_EQ(run().out.front(), '{');
}

TEST(ExploreCommand, WrongUsageIsRefused) {
  EXPECT_EQ(RunCli({"explore"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--reduce=all", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--design=v99", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--shard=2/2", kCorpus + "mark-x-preserve.prog"}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--shard=1/2", kCorpus + "mark-x-preserve.prog"}).code, 64)
      << "an empty shard did nothing";
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

TEST(Shards, AreDisjointAndComplete) {
  const std::vector<std::string> all{"a", "b", "c", "d", "e"};
  std::vector<std::string> seen;
  for (const char* shard : {"0/3", "1/3", "2/3"}) {
    std::vector<std::string> files = all;
    EXPECT_EQ(KeepShard(shard, &files), "");
    seen.insert(seen.end(), files.begin(), files.end());
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "d", "b", "e", "c"}));
}

}  // namespace
}  // namespace iommufd_check::cli
