// A table of steps has each step that the functions beside it call: what else would be seen only by
// a run that comes past the call. The rule is a pure function, tried first on planted violations.
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/tidy/source_tree.h"

namespace iommufd_check::tidy {
namespace {

using Names = std::set<std::string>;

// The first groups of all matches.
Names Matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  Names names;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), regex);
       match != std::sregex_iterator(); ++match) {
    names.insert((*match)[1]);
  }
  return names;
}

// Steps that the text of one design calls and its table lacks. A design without a table of its own
// is another one's with some steps replaced.
Names MissingSteps(const std::string& steps_def, const std::string& text) {
  if (Matches(text, "(Steps \\w+ = \\{)").empty()) return {};
  const Names steps = Matches(steps_def, "X\\((\\w+), ");
  const Names has = Matches(text, "\\.(\\w+) = \\w");
  Names missing;
  for (const std::string& called : Matches(text, "\\bk\\.(\\w+)\\(")) {
    if (steps.contains(called) && !has.contains(called)) missing.insert(called);
  }
  return missing;
}

TEST(Steps, WhatIsCalledAndMissingIsNamed) {
  const std::string def = "X(freeze, int, int a)\nX(thaw, void, int a)\n";
  const std::string call = "int Freeze(StepKernel& k, int a) { k.thaw(a); k.other(a); }\n";
  EXPECT_EQ(MissingSteps(def, call + "Steps kSteps = {.freeze = Freeze};"), Names{"thaw"});
  EXPECT_EQ(MissingSteps(def, call + "Steps kSteps = {.freeze = Freeze, .thaw = Thaw};"), Names{});
  EXPECT_EQ(MissingSteps(def, call + "V1().With(&Steps::freeze, Freeze);"), Names{});
}

TEST(Steps, EachTableHasWhatItsStepsCall) {
  const std::string root = test_support::SourceRoot();
  const std::string def = ReadFile(root, "model/liveupdate/steps.def");
  int tables = 0;
  for (const std::string& path : ListFiles(root)) {
    if (!path.starts_with("model/liveupdate/designs/") || !IsCode(path)) continue;
    const std::string text = BlankCommentsAndLiterals(ReadFile(root, path));
    tables += Matches(text, "(Steps \\w+ = \\{)").empty() ? 0 : 1;
    EXPECT_EQ(MissingSteps(def, text), Names{}) << path;
  }
  EXPECT_GE(tables, 2);
}

}  // namespace
}  // namespace iommufd_check::tidy
