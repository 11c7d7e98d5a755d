// Who may take a step and hold plain state: rules of the kernel model that no compiler checks.
// Steps follow from accesses, the dependency relation from events alone, and what tasks share is
// Shared<> or Const<>.
//
// Each rule is a pure function, tried first on planted violations.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/source_tree.h"

namespace iommufd_check::tidy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string Root() { return IOMMUFD_CHECK_SOURCE_ROOT; }

bool IsUnder(std::string_view path, std::string_view folder) {
  return path.substr(0, folder.size()) == folder;
}

// "path:line" of each line of code that contains `word`.
std::vector<std::string> LinesWith(const std::string& path, const std::string& text,
                                   std::string_view word) {
  std::vector<std::string> found;
  const std::vector<std::string> lines = Lines(BlankCommentsAndLiterals(text));
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find(word) != std::string::npos) {
      found.push_back(path + ":" + std::to_string(i + 1));
    }
  }
  return found;
}

std::vector<std::string> LinesUnder(const std::vector<std::string>& folders,
                                    std::string_view word) {
  std::vector<std::string> found;
  for (const std::string& path : ListFiles(Root())) {
    for (const std::string& folder : folders) {
      if (!IsUnder(path, folder) || !IsCode(path)) continue;
      for (std::string& line : LinesWith(path, ReadFile(Root(), path), word)) {
        found.push_back(std::move(line));
      }
    }
  }
  return found;
}

TEST(Minutes, AWordIsFoundInCodeAlone) {
  EXPECT_THAT(LinesWith("a.cc", "k.t.Step();\n// Step();\nf(\"Step()\");\n", "Step("),
              ElementsAre("a.cc:1"));
}

TEST(Minutes, TheKernelModelWritesNoStepByHand) {
  EXPECT_THAT(
      LinesUnder({"model/iommufd/", "model/liveupdate/", "model/iommu/", "model/mm/"}, "Step("),
      IsEmpty());
}

TEST(Minutes, TheDependencyRelationKnowsNoOperation) {
  for (const char* word : {"OpCode", "operation.h", "program.h"}) {
    EXPECT_THAT(
        LinesUnder({"model/explore/schedules/dependency.", "model/explore/schedules/run_steps."},
                   word),
        IsEmpty())
        << word;
  }
}

// Data members of `name` that another task could change or see change without a record of it.
std::vector<std::string> PlainMembers(const std::string& text, const std::string& name) {
  std::vector<std::string> plain;
  const std::vector<std::string> lines = Lines(BlankCommentsAndLiterals(text));
  static const std::regex member(
      R"(^  ((?:[a-z_]+::)*[A-Za-z_][\w:<>, *]*[\w>])\s+\w+(\{.*\}|\s*=.*)?;\s*$)");
  static const std::regex shared(
      R"(^(?:sim::)?(?:Shared|Const)<.*|^(?:sim::)?LockId$|^(?:sim::)?Refcount$|^WaitCount$|)"
      R"(^PagesRefcount$|^(?:mm::)?File$|)"
      R"(^Object$|^IoPagetable$|^Kho$|^(?:sim::)?Slots<.*|^PhysMemory$|)"
      R"(^std::vector<(?:Buffer|Endpoint)>$)");
  bool inside = false;
  for (const std::string& line : lines) {
    if (line == "struct " + name + " {") inside = true;
    if (line == "};") inside = false;
    std::smatch match;
    if (!inside || !std::regex_match(line, match, member)) continue;
    const std::string type = match[1];
    if (type.find("friend") == 0 || type.find("static") == 0 || type.find("return") == 0) continue;
    if (!std::regex_match(type, shared)) plain.push_back(line);
  }
  return plain;
}

TEST(Minutes, APlainMemberIsFound) {
  const std::string text =
      "struct Device {\n  Object object;\n  static constexpr int kKind = 3;\n"
      "  uint16_t endpoint = 0;\n  Shared<bool, Field::kBound> bound{true};\n};\n"
      "struct Other {\n  int plain = 0;\n};\n";
  EXPECT_THAT(PlainMembers(text, "Device"), ElementsAre("  uint16_t endpoint = 0;"));
}

TEST(Minutes, WhatTasksShareIsSharedOrConst) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> structs{
      {"model/iommufd/state.h",
       {"Context", "IoPagetable", "Ioas", "Hwpt", "Device", "Igroup", "Area", "Pages"}},
      {"model/iommu/domain.h", {"Domain", "Endpoint"}},
      {"model/mm/file.h", {"File"}},
      {"model/mm/machine.h", {"Memfd", "Machine"}},
      {"model/liveupdate/state.h", {"Kho", "Session", "State"}},
  };
  for (const auto& [path, names] : structs) {
    const std::string text = ReadFile(Root(), path);
    for (const std::string& name : names) {
      EXPECT_NE(text.find("struct " + name + " {"), std::string::npos) << path << " " << name;
      EXPECT_THAT(PlainMembers(text, name), IsEmpty()) << path << " " << name;
    }
  }
}

}  // namespace
}  // namespace iommufd_check::tidy
