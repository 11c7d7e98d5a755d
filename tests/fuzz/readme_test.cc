// Every output that README.md shows is what the command above it prints today.
//
// A block after `<!-- output of: ARGUMENTS -->` is the whole standard output of iommufd-check with
// these arguments, run at the root of the tree; after `<!-- head of: ARGUMENTS -->` it is the
// output up to the first empty line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz/cli/exit_codes.h"
#include "tests/fuzz/cli_fixture.h"
#include "tests/support/subprocess.h"

namespace iommufd_check::cli {
namespace {

struct Shown {
  bool whole = true;
  std::vector<std::string> arguments;
  std::string text;
};

std::string ReadmeText() {
  std::ifstream in(test_support::SourceRoot() + "/README.md");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<Shown> ShownIn(const std::string& readme) {
  std::vector<Shown> all;
  std::istringstream lines(readme);
  for (std::string line; std::getline(lines, line);) {
    const bool whole = line.starts_with("<!-- output of: ");
    if (!whole && !line.starts_with("<!-- head of: ")) continue;
    Shown shown;
    shown.whole = whole;
    const size_t begin = line.find(": ") + 2;
    std::istringstream words(line.substr(begin, line.rfind(" -->") - begin));
    for (std::string word; words >> word;) shown.arguments.push_back(word);
    std::getline(lines, line);
    EXPECT_EQ(line, "```") << "a block follows the marker";
    while (std::getline(lines, line) && line != "```") shown.text += line + "\n";
    all.push_back(shown);
  }
  return all;
}

std::string Printed(const Shown& shown) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(test_support::SourceRoot());
  const CliResult result = RunCli(shown.arguments);
  std::filesystem::current_path(before);
  EXPECT_EQ(result.code, static_cast<int>(ExitCode::kViolation)) << result.err;
  if (shown.whole) return result.out;
  return result.out.substr(0, result.out.find("\n\n") + 1);
}

TEST(ReadmeTest, MarkersAreFoundInPlantedText) {
  const auto shown = ShownIn("x\n<!-- head of: verdict --a=b -->\n```\none\ntwo\n```\n");
  ASSERT_EQ(shown.size(), 1u);
  EXPECT_FALSE(shown[0].whole);
  EXPECT_EQ(shown[0].arguments, (std::vector<std::string>{"verdict", "--a=b"}));
  EXPECT_EQ(shown[0].text, "one\ntwo\n");
}

TEST(ReadmeTest, ShowsWhatTheCommandsPrint) {
  const std::vector<Shown> all = ShownIn(ReadmeText());
  ASSERT_EQ(all.size(), 3u) << "a counterexample, the verdict table and a certificate";
  for (const Shown& shown : all) {
    EXPECT_EQ(shown.text, Printed(shown)) << "README.md is behind the tool";
  }
}

// The program that explains the format does what it says.
TEST(ReadmeTest, TheProgramShownRunsAsItExpects) {
  const std::string readme = ReadmeText();
  const size_t begin = readme.find("# What the file is about.");
  ASSERT_NE(begin, std::string::npos);
  const std::string program = readme.substr(begin, readme.find("```", begin) - begin);
  const CliResult result = RunCli({"run", "--quiet", "-"}, program);
  EXPECT_EQ(result.code, static_cast<int>(ExitCode::kViolation)) << result.out << result.err;
  EXPECT_NE(result.out.find("(as expected)"), std::string::npos) << result.out;
}

// The exit statuses of the README are those of the one table.
TEST(ReadmeTest, ListsTheExitStatuses) {
  const std::string readme = ReadmeText();
  for (const ExitCodeRow& row : kExitCodes) {
    const std::string line =
        "| " + std::to_string(static_cast<int>(row.code)) + " | " + std::string(row.meaning) + " |";
    EXPECT_NE(readme.find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace iommufd_check::cli
