// The command line as a whole: commands, help, usage and files that cannot be read.

#include "fuzz/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/fuzz/cli_fixture.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::array<const char*, 10> kCommands{"run",   "verdict", "minimise", "convert",
                                                "list",  "explore", "search",   "sweep",
                                                "merge", "compare"};

TEST(CommandLine, HelpGoesToStandardOutputAndIsNoError) {
  for (const char* word : {"--help", "-h", "help", "-help"}) {
    const CliResult result = RunCli({word});
    EXPECT_EQ(result.code, 0) << word;
    EXPECT_EQ(result.err, "");
    for (const char* command : kCommands) EXPECT_THAT(result.out, HasSubstr(command));
    EXPECT_THAT(result.out, HasSubstr("70  internal error"));
  }
}

TEST(CommandLine, EveryCommandHasHelpWithAnExample) {
  for (const char* command : kCommands) {
    const CliResult result = RunCli({command, "--help"});
    EXPECT_EQ(result.code, 0) << command;
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, StartsWith(std::string("Usage: iommufd-check ") + command));
    EXPECT_THAT(result.out, HasSubstr("Example:\n  iommufd-check "));
    EXPECT_EQ(RunCli({"help", command}).out, result.out);
    EXPECT_EQ(RunCli({command, "file", "--nonsense", "-h"}).code, 0);
  }
}

TEST(CommandLine, NoCommandIsUsage) {
  const CliResult result = RunCli({});
  EXPECT_EQ(result.code, 64);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, StartsWith("iommufd-check: no command was given\n"));
}

TEST(CommandLine, UnknownCommandNamesTheKnownOnes) {
  const CliResult result = RunCli({"verdikt"});
  EXPECT_EQ(result.code, 64);
  EXPECT_EQ(result.err,
            "iommufd-check: unknown command 'verdikt'; did you mean 'verdict'?\n"
            "known commands: run verdict minimise convert list explore search sweep merge "
            "compare\n");
  EXPECT_EQ(RunCli({"help", "nonsense"}).code, 64);
}

TEST(CommandLine, UnknownFlagIsUsageInEveryCommand) {
  for (const char* command : kCommands) {
    const CliResult result = RunCli({command, "--nonsense"});
    EXPECT_EQ(result.code, 64) << command;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("unknown flag --nonsense"));
  }
}

TEST(CommandLine, MissingArgumentsAreUsage) {
  for (const char* command : kCommands) {
    if (std::string(command) == "verdict") continue;  // it has default files
    if (std::string(command) == "search") continue;   // it has a default model
    EXPECT_EQ(RunCli({command}).code, 64) << command;
  }
  EXPECT_EQ(RunCli({"convert", "a.prog"}).code, 64);
  EXPECT_EQ(RunCli({"minimise", "a.prog", "b.prog", "c.prog"}).code, 64);
  EXPECT_EQ(RunCli({"list", "designs", "ops"}).code, 64);
}

TEST(CommandLine, UnreadableFilesAreBadFilesWithOneSentence) {
  const TemporaryFolder folder;
  const std::string missing = folder / "missing.prog";
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"run", missing},
                                             {"verdict", missing},
                                             {"minimise", missing, "-"},
                                             {"convert", missing, folder / "x.bin"}}) {
    const CliResult result = RunCli(words);
    EXPECT_EQ(result.code, 65) << words[0];
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(result.err, missing + ": no such file\n");
  }
  EXPECT_EQ(RunCli({"run", folder.path()}).err,
            folder.path() + ": is a directory, not a program\n");
  EXPECT_EQ(RunCli({"run", folder.path()}).code, 65);
}

TEST(CommandLine, AFileThatOpensButCannotBeReadIsABadFile) {
  // Nothing is mapped at the address 0, where reading starts.
  const CliResult result = RunCli({"run", "/proc/self/mem"});
  EXPECT_EQ(result.code, 65);
  EXPECT_EQ(result.err, "/proc/self/mem: cannot be read\n");
}

TEST(CommandLine, TheBinaryPassesTheCodeOn) {
  const std::string binary = test_support::BinDir() + "/iommufd-check";
  EXPECT_EQ(test_support::RunProgram({binary, "--help"}).status, 0);
  EXPECT_EQ(test_support::RunProgram({binary, "--nonsense"}).status, 64);
  EXPECT_EQ(test_support::RunProgram({binary, "run", "/missing"}).status, 65);
  // A report that nobody could read is no success.
  EXPECT_EQ(test_support::RunProgram({"sh", "-c", binary + " --help >/dev/full"}).status, 70);
}

// The target is a program of its own, with the same flags and the same sentences.
TEST(FuzzTarget, TakesTheFlagsOfFindings) {
  const std::string target = test_support::BinDir() + "/fuzz_program";
  const test_support::RunResult unknown = test_support::RunProgram({target, "--only=I20@lu_marc"});
  EXPECT_EQ(unknown.status, 64);
  EXPECT_NE(unknown.err.find("--only: unknown operation 'lu_marc'"), std::string::npos)
      << unknown.err;
  const TemporaryFolder folder;
  const std::string bytes = folder / "bug.bin";
  ASSERT_EQ(RunCli({"convert", folder.Write("bug.prog", ViolatingProgram()), bytes}).code, 0);
  EXPECT_EQ(test_support::RunProgram({target, "--design=v1", "--tolerate=I19,I26", bytes}).status,
            0);
  EXPECT_NE(
      test_support::RunProgram({target, "--design=v1", "--only=I19@luo_preserve", bytes}).status,
      0);
}

}  // namespace
}  // namespace iommufd_check::cli
