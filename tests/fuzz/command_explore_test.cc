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
  EXPECT_NE(result.out.find("VIOLATED     I04@luo_preserve:area:"), std::string::npos)
      << result.out;
  EXPECT_NE(result.out.find(" with 1 preemption, the fewest; in "), std::string::npos);
  EXPECT_NE(result.out.find("\nswitch A."), std::string::npos);
}

// The programs below a certificate, which begin with their headings.
std::vector<std::string> ProgramsIn(const std::string& output, const std::string& heading) {
  std::vector<std::string> programs;
  for (size_t at = output.find(heading); at != std::string::npos;) {
    const size_t next = output.find(heading, at + 1);
    programs.push_back(output.substr(at, next == std::string::npos ? next : next - at));
    at = next;
  }
  return programs;
}

TEST(ExploreCommand, EachPrintedWitnessRunsAsItIs) {
  for (const std::string command : {"explore", "sweep"}) {
    const CliResult result = RunCli({command, "--design=v1", kCorpus + "map-x-preserve.prog"});
    const std::vector<std::string> programs =
        ProgramsIn(result.out, "# " + command + ": v1 violates ");
    EXPECT_GE(programs.size(), 2u) << result.out;
    for (const std::string& program : programs) {
      const CliResult run = RunCli({"run", "--quiet", "-"}, program);
      EXPECT_EQ(run.code, 1) << run.out << run.err << program;
      EXPECT_NE(run.out.find("(as expected)\n"), std::string::npos) << run.out;
    }
  }
}

TEST(ExploreCommand, WritesTheProgramOfEachFinding) {
  for (const std::string command : {"explore", "sweep"}) {
    const TemporaryFolder folder;
    const CliResult result =
        RunCli({command, "--design=v1", "--json", "--programs=" + folder.path(),
                kCorpus + "mark-x-preserve.prog"});
    EXPECT_EQ(result.code, 1) << result.err;
    size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
      ++files;
      const std::string name = file.path().filename().string();
      EXPECT_EQ(name.find(command + "-mark-x-preserve-v1-I"), 0u) << name;
      const CliResult run = RunCli({"run", "--quiet", file.path().string()});
      EXPECT_EQ(run.code, 1) << run.out << run.err;
    }
    size_t findings = 0;
    for (size_t at = result.out.find("\"finding\": "); at != std::string::npos;
         at = result.out.find("\"finding\": ", at + 1)) {
      ++findings;
    }
    EXPECT_EQ(files, findings);
    EXPECT_GT(files, 5u);
  }
}

TEST(ExploreCommand, WhatIsToleratedIsCountedAndDoesNotCount) {
  const TemporaryFolder folder;
  const std::string known = folder.Write("known",
                                         "# of v1\n"
                                         "I12, I06   # marks\n"
                                         "\n"
                                         "I25\nI26\nI37\nI38@luo_preserve\n");
  const std::string program = kCorpus + "mark-x-preserve.prog";
  const CliResult one = RunCli({"explore", "--design=v1", "--tolerate=I19,@" + known, program});
  EXPECT_EQ(one.code, 1) << one.out << one.err;
  EXPECT_NE(one.out.find("VIOLATED     I10@luo_preserve"), std::string::npos) << one.out;
  EXPECT_EQ(one.out.find("VIOLATED     I12"), std::string::npos) << one.out;
  EXPECT_NE(one.out.find("\n  tolerated    I12@lu_mark:hwpt"), std::string::npos) << one.out;
  const CliResult none =
      RunCli({"explore", "--design=v1", "--tolerate=I10,I19,@" + known, program});
  EXPECT_EQ(none.code, 0) << none.out << none.err;
  EXPECT_NE(none.out.find("verdict      no violation"), std::string::npos) << none.out;
  const CliResult only = RunCli({"explore", "--design=v1", "--only=I24,I10", program});
  EXPECT_EQ(only.code, 1);
  EXPECT_NE(only.out.find("VIOLATED     I10@"), std::string::npos) << only.out;
  EXPECT_NE(only.out.find("tolerated    I19@"), std::string::npos) << only.out;
  EXPECT_EQ(RunCli({"explore", "--design=v1", "--only=I24", program}).code, 0);
}

TEST(ExploreCommand, CertificatesThatTolerateOthersDoNotMerge) {
  const TemporaryFolder folder;
  const std::string program = kCorpus + "map-unmap-close.prog";
  const auto shard = [&](const char* share, const char* tolerate) {
    return RunCli({"explore", "--json", "--design=v1", share, tolerate, program}).out;
  };
  const std::string a = folder.Write("a.json", shard("--shard=0/2", "--tolerate=I19"));
  const std::string b = folder.Write("b.json", shard("--shard=1/2", "--tolerate=I19,I20"));
  const CliResult refused = RunCli({"merge", a, b});
  EXPECT_EQ(refused.code, 65);
  EXPECT_NE(refused.err.find("tolerate different findings"), std::string::npos) << refused.err;
  const std::string same = folder.Write("c.json", shard("--shard=1/2", "--tolerate=I19"));
  EXPECT_EQ(RunCli({"merge", a, same}).out,
            RunCli({"explore", "--design=v1", "--tolerate=I19", program}).out);
}

TEST(ExploreCommand, AnUnknownFindingIsUsage) {
  const std::string program = kCorpus + "mark-x-preserve.prog";
  for (const std::string command : {"run", "explore", "sweep", "verdict"}) {
    for (const std::string flag : {"--tolerate", "--only"}) {
      const CliResult result = RunCli({command, flag + "=I19,I20@lu_marc", program});
      EXPECT_EQ(result.code, 64) << command;
      EXPECT_NE(result.err.find(flag + ": unknown operation 'lu_marc' in 'I20@lu_marc'; did you "
                                       "mean 'lu_mark'?"),
                std::string::npos)
          << result.err;
    }
  }
  const CliResult search = RunCli({"search", "--model=world", "--tolerate=I20@lu_marc"});
  EXPECT_EQ(search.code, 64);
  EXPECT_NE(search.err.find("'lu_marc'"), std::string::npos) << search.err;
  EXPECT_EQ(RunCli({"explore", "--tolerate=@no-such-file", program}).code, 64);
  EXPECT_EQ(RunCli({"explore", "--tolerate=I19,", program}).code, 64);
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

const std::vector<std::string> kTwoPrograms{kCorpus + "map-unmap-close.prog",
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
  const CliResult first = ExploreTwo({resume, "--max_executions=700"});
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
