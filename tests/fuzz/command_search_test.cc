// The search subcommand: certificates by exit status, and arguments that make no sense.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

int Code(ExitCode code) { return static_cast<int>(code); }

TEST(CommandSearchTest, SmallToyIsExhausted) {
  const CliResult result = RunCli({"search", "--model=toy", "--parameters=workers=2,pages=1"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_NE(result.out.find("verdict exhausted model=toy pages=1 workers=2"), std::string::npos)
      << result.out;
  EXPECT_EQ(result.err, "search: 1 certificate, 395 states, exhausted, no violation\n")
      << "lines of progress are for who waits";
}

TEST(CommandSearchTest, ThreadsDoNotShow) {
  const CliResult one = RunCli({"search", "--model=preserve"});
  const CliResult two = RunCli({"search", "--model=preserve", "--threads=2"});
  EXPECT_EQ(one.code, Code(ExitCode::kOk)) << one.err;
  EXPECT_EQ(one.out, two.out);
}

TEST(CommandSearchTest, ViolationEndsWithOneAndShowsTheRun) {
  const CliResult result = RunCli({"search", "--model=preserve", "--variant=shared-bool"});
  EXPECT_EQ(result.code, Code(ExitCode::kViolation)) << result.err;
  EXPECT_NE(result.out.find("immutable-coverage"), std::string::npos) << result.out;
}

TEST(CommandSearchTest, BoundThatEndsFirstIsNoPass) {
  for (const char* bound : {"--max_states=10", "--max_seconds=0.000001"}) {
    const CliResult result = RunCli({"search", "--model=preserve", bound});
    EXPECT_EQ(result.code, Code(ExitCode::kBudget)) << result.err;
    EXPECT_NE(result.out.find("NOT exhausted"), std::string::npos) << result.out;
  }
  EXPECT_EQ(RunCli({"search", "--max_seconds=-1"}).code, Code(ExitCode::kUsage));
}

TEST(CommandSearchTest, ADepthThatWasStatedIsTheWork) {
  const CliResult result = RunCli({"search", "--model=preserve", "--max_depth=3"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_NE(result.out.find("every state within max_depth=3 steps was visited"), std::string::npos)
      << result.out;
  EXPECT_EQ(result.out.find("exhausted"), std::string::npos) << "it is not";
}

TEST(CommandSearchTest, ResumesAndSaysWhatDiffers) {
  const std::string kept = testing::TempDir() + "resumed.search";
  const std::string before = testing::TempDir() + "search-before.json";
  std::filesystem::remove(kept);
  const std::vector<std::string> toy{"search", "--model=toy", "--parameters=workers=3,pages=2"};
  const auto run = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), toy.begin(), toy.end());
    return RunCli(flags);
  };
  const CliResult first = run({"--resume=" + kept, "--max_states=5000", "--json"});
  EXPECT_EQ(first.code, Code(ExitCode::kBudget)) << first.err;
  std::ofstream(before) << first.out;
  const CliResult second = run({"--resume=" + kept, "--threads=2"});
  EXPECT_EQ(second.out, run({}).out) << second.err;
  EXPECT_EQ(run({"--resume=" + kept, "--symmetry"}).code, Code(ExitCode::kUsage))
      << "another search";
  std::filesystem::remove(kept);

  const CliResult compared = run({"--previous=" + before});
  EXPECT_NE(compared.out.find("difference from " + before + "\n"), std::string::npos);
  EXPECT_NE(compared.out.find("\n  ending exhausted, was state-bound\n"), std::string::npos)
      << compared.out;
  std::ofstream(before) << run({"--json"}).out;
  EXPECT_NE(run({"--previous=" + before}).out.find("\n  no difference\n"), std::string::npos);
  EXPECT_NE(run({"--json", "--previous=" + before}).out.find("\"difference\": ["),
            std::string::npos);
  for (const std::string& bad : {std::string("[]"), std::string("{"), std::string(100'000, '[')}) {
    std::ofstream(before) << bad;
    EXPECT_EQ(run({"--previous=" + before}).code, Code(ExitCode::kBadFile));
  }
  std::filesystem::remove(before);
}

TEST(CommandSearchTest, JsonIsTheSameCertificate) {
  const CliResult result = RunCli({"search", "--model=preserve", "--json"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_EQ(result.out.front(), '{') << result.out;
}

TEST(CommandSearchTest, TheWorldOfTheReferenceIsExhausted) {
  const CliResult result =
      RunCli({"search", "--model=world", "--operations=map_file,unmap,lu_mark"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_NE(result.out.find("design=reference"), std::string::npos) << result.out;
}

// The program of a counterexample, saved and run.
TEST(CommandSearchTest, AProgramFoundInTheWorldReplays) {
  const CliResult found =
      RunCli({"search", "--model=world", "--design=v1", "--operations=lu_mark,luo_preserve",
              "--tolerate=I06,I12,I13,I26,I37,I38"});
  EXPECT_EQ(found.code, Code(ExitCode::kViolation)) << found.err;
  const std::string heading = "program, to be replayed with `iommufd-check run FILE`\n";
  const std::size_t begin = found.out.find(heading);
  const std::size_t end = found.out.find("\nverdict ");
  ASSERT_NE(begin, std::string::npos) << found.out;
  ASSERT_NE(end, std::string::npos) << found.out;
  const std::size_t from = begin + heading.size();
  const TemporaryFolder folder;
  const std::string file = folder.Write("found.prog", found.out.substr(from, end - from));
  const CliResult run = RunCli({"run", file});
  EXPECT_EQ(run.code, Code(ExitCode::kViolation)) << run.out << run.err;
  EXPECT_NE(run.out.find("violates I19 at main.7 luo_preserve (as expected)"), std::string::npos)
      << run.out;
}

TEST(CommandSearchTest, UsageErrorsNameTheMend) {
  const CliResult model = RunCli({"search", "--model=toi"});
  EXPECT_EQ(model.code, Code(ExitCode::kUsage));
  EXPECT_NE(model.err.find("toy"), std::string::npos) << model.err;
  const CliResult size = RunCli({"search", "--parameters=pages"});
  EXPECT_EQ(size.code, Code(ExitCode::kUsage));
  EXPECT_NE(size.err.find("NAME=NUMBER"), std::string::npos) << size.err;
  const CliResult operation = RunCli({"search", "--model=world", "--operations=unmap,mop"});
  EXPECT_EQ(operation.code, Code(ExitCode::kUsage));
  EXPECT_NE(operation.err.find("unknown operation 'mop' of model world; known: ioas_alloc, "),
            std::string::npos)
      << operation.err;
  EXPECT_EQ(RunCli({"search", "file.prog"}).code, Code(ExitCode::kUsage));
}

}  // namespace
}  // namespace iommufd_check::cli
