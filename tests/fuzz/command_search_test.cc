// The search subcommand: certificates by exit status, and arguments that make no sense.
#include <gtest/gtest.h>

#include "fuzz/exit_codes.h"
#include "tests/fuzz/cli_fixture.h"

namespace iommufd_check::cli {
namespace {

int Code(ExitCode code) { return static_cast<int>(code); }

TEST(CommandSearchTest, SmallToyIsExhausted) {
  const CliResult result = RunCli({"search", "--model=toy", "--parameters=workers=2,pages=1"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_NE(result.out.find("verdict exhausted model=toy pages=1 workers=2"), std::string::npos)
      << result.out;
  EXPECT_EQ(result.err, "") << "progress is for terminals";
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
  const CliResult result = RunCli({"search", "--model=preserve", "--max_depth=3"});
  EXPECT_EQ(result.code, Code(ExitCode::kBudget)) << result.err;
  EXPECT_NE(result.out.find("NOT exhausted"), std::string::npos) << result.out;
}

TEST(CommandSearchTest, JsonIsTheSameCertificate) {
  const CliResult result = RunCli({"search", "--model=preserve", "--json"});
  EXPECT_EQ(result.code, Code(ExitCode::kOk)) << result.err;
  EXPECT_EQ(result.out.front(), '{') << result.out;
}

TEST(CommandSearchTest, UsageErrorsNameTheMend) {
  const CliResult model = RunCli({"search", "--model=toi"});
  EXPECT_EQ(model.code, Code(ExitCode::kUsage));
  EXPECT_NE(model.err.find("toy"), std::string::npos) << model.err;
  const CliResult size = RunCli({"search", "--parameters=pages"});
  EXPECT_EQ(size.code, Code(ExitCode::kUsage));
  EXPECT_NE(size.err.find("NAME=NUMBER"), std::string::npos) << size.err;
  EXPECT_EQ(RunCli({"search", "file.prog"}).code, Code(ExitCode::kUsage));
}

}  // namespace
}  // namespace iommufd_check::cli
