// Checks, from the include lines, that dependencies between folders point down only.
//
// IncludeFindings is a pure function of one file, tried first on planted violations, so that a pass
// on the tree means something.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/tidy/source_tree.h"

namespace iommufd_check::tidy {
namespace {

// One folder and what it may include besides itself: prefixes of paths.
struct Arrows {
  std::string_view folder;
  std::vector<std::string_view> allowed;
};

const std::vector<Arrows>& Table() {
  // check.h is the assertion macro and no more; spec could not assert without it. The specification
  // sees names, values and events, never the code that it judges. objects.def is a list of names.
  static const std::vector<Arrows> table = {
      {"model/uapi/", {"model/sim/check.h", "model/sim/objects.def"}},
      {"model/sim/", {}},
      {"model/mm/", {"model/sim/"}},
      {"model/iommu/", {"model/sim/", "model/mm/"}},
      {"model/iommufd/", {"model/uapi/", "model/sim/", "model/mm/", "model/iommu/"}},
      {"model/liveupdate/",
       {"model/uapi/", "model/sim/", "model/mm/", "model/iommu/", "model/iommufd/"}},
      {"model/spec/",
       {"model/uapi/", "model/sim/check.h", "model/sim/errno.h", "model/sim/event.h",
        "model/sim/lookup_map.h", "model/sim/places.h", "model/sim/vocabulary.h",
        "model/mm/types.h"}},
      {"model/linux/", {"model/uapi/", "model/sim/", "model/mm/"}},
      {"model/program/",
       {"model/uapi/", "model/sim/", "model/mm/", "model/iommu/", "model/iommufd/",
        "model/liveupdate/", "model/spec/", "model/linux/"}},
      // Explorers reduce by what events say and drive the runtime's scheduler.
      {"model/explore/", {"model/uapi/", "model/sim/", "model/mm/types.h", "model/program/"}},
      {"fuzz/", {"model/"}},
      {"props/", {"model/"}},
      {"tests/", {"model/", "fuzz/", "props/"}},
  };
  return table;
}

// Libraries whose headers are by custom included in quotes.
constexpr std::array<std::string_view, 6> kLibraries = {"absl/",  "benchmark/", "gmock/",
                                                        "gtest/", "nlohmann/",  "rapidcheck"};

bool StartsWithAny(std::string_view path, const auto& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return path.starts_with(prefix); });
}

bool IsOurs(std::string_view path) {
  constexpr std::array<std::string_view, 4> kFolders = {"model/", "fuzz/", "props/", "tests/"};
  return StartsWithAny(path, kFolders);
}

// What an include line names, with its opening quote or bracket; empty on any other line.
std::string_view Included(std::string_view line) {
  const auto skip_blanks = [&] {
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  };
  const auto skip = [&](std::string_view word) {
    skip_blanks();
    if (!line.starts_with(word)) return false;
    line.remove_prefix(word.size());
    return true;
  };
  if (!skip("#") || !skip("include")) return {};
  skip_blanks();
  return line.substr(0, std::min(line.find_first_of("\">", 1), line.size()));
}

std::string Judge(const Arrows& from, std::string_view included,
                  const std::set<std::string>& files) {
  const std::string quoted(included);
  const std::string name(included.substr(1));
  if (included[0] != '"' && included[0] != '<') return "computed include: " + quoted;
  if (included[0] == '<') return IsOurs(name) ? "project header in brackets: " + name : "";
  if (!IsOurs(name)) {
    return StartsWithAny(name, kLibraries) ? "" : "not a path from the repository root: " + name;
  }
  if (!files.contains(name)) return "no such file: " + name;
  if (name.starts_with(from.folder) || StartsWithAny(name, from.allowed)) return "";
  return std::string(from.folder) + " may not include " + name;
}

// The findings of one file, as "path:line: message". `files` are the files of the project.
std::vector<std::string> IncludeFindings(const std::string& path, std::string_view text,
                                         const std::set<std::string>& files) {
  const auto from = std::find_if(Table().begin(), Table().end(), [&](const Arrows& arrows) {
    return path.starts_with(arrows.folder);
  });
  if (from == Table().end()) return {path + ":1: in no folder of the layout"};

  std::vector<std::string> findings;
  int number = 0;
  for (const std::string& line : Lines(text)) {
    ++number;
    const std::string_view included = Included(line);
    if (included.empty()) continue;
    const std::string message = Judge(*from, included, files);
    if (!message.empty()) findings.push_back(path + ":" + std::to_string(number) + ": " + message);
  }
  return findings;
}

using Findings = std::vector<std::string>;

// The findings of a file at `path` whose second line includes `header`, which exists.
Findings Planted(const std::string& path, const std::string& header) {
  return IncludeFindings(path, "// A comment.\n#include \"" + header + "\"\n", {header});
}

TEST(IncludeArrows, DownwardsIsAllowed) {
  EXPECT_EQ(Planted("model/sim/a.cc", "model/sim/a.h"), Findings{});
  EXPECT_EQ(Planted("model/iommufd/a.cc", "model/sim/a.h"), Findings{});
  EXPECT_EQ(Planted("model/liveupdate/designs/v1.cc", "model/liveupdate/a.h"), Findings{});
  EXPECT_EQ(Planted("model/spec/a.cc", "model/mm/types.h"), Findings{});
  EXPECT_EQ(Planted("model/spec/a.cc", "model/uapi/contract.h"), Findings{});
  EXPECT_EQ(Planted("model/liveupdate/a.h", "model/uapi/contract.h"), Findings{});
  EXPECT_EQ(Planted("model/program/a.cc", "model/spec/a.h"), Findings{});
  EXPECT_EQ(Planted("model/explore/a.cc", "model/program/a.h"), Findings{});
  EXPECT_EQ(Planted("props/a.cc", "model/explore/a.h"), Findings{});
  EXPECT_EQ(Planted("tests/sim/a_test.cc", "fuzz/a.h"), Findings{});
}

TEST(IncludeArrows, EachPlantedUpwardArrowIsReported) {
  const std::vector<std::pair<std::string, std::string>> planted = {
      {"model/uapi/a.h", "model/sim/a.h"},
      {"model/sim/a.cc", "model/mm/a.h"},
      {"model/mm/a.cc", "model/iommu/a.h"},
      {"model/iommu/a.cc", "model/iommufd/a.h"},
      {"model/iommufd/a.cc", "model/liveupdate/a.h"},
      {"model/iommufd/a.cc", "model/spec/a.h"},
      {"model/liveupdate/a.cc", "model/program/a.h"},
      {"model/liveupdate/a.cc", "model/spec/a.h"},
      {"model/spec/a.cc", "model/mm/memory.h"},
      {"model/spec/a.cc", "model/sim/task.h"},
      {"model/spec/a.cc", "model/iommufd/a.h"},
      {"model/spec/a.cc", "model/liveupdate/a.h"},
      {"model/linux/a.cc", "model/iommufd/a.h"},
      {"model/linux/a.cc", "model/spec/a.h"},
      {"model/program/a.cc", "model/explore/a.h"},
      {"model/explore/a.cc", "model/iommufd/a.h"},
      {"model/explore/a.cc", "fuzz/a.h"},
      {"model/sim/a.cc", "props/a.h"},
      {"model/program/a.cc", "tests/support/a.h"},
      {"fuzz/a.cc", "props/a.h"},
      {"props/a.cc", "fuzz/a.h"},
      {"fuzz/a.cc", "tests/support/a.h"},
  };
  for (const auto& [path, header] : planted) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    EXPECT_EQ(Planted(path, header),
              Findings{path + ":2: " + folder + " may not include " + header});
  }
}

TEST(IncludeArrows, UnresolvedAndDisguisedIncludesAreReported) {
  const auto findings = [](std::string_view text) {
    return IncludeFindings("model/sim/a.cc", text, {"model/sim/a.h", "model/mm/a.h"});
  };
  EXPECT_EQ(findings("#include \"model/sim/gone.h\"\n"),
            Findings{"model/sim/a.cc:1: no such file: model/sim/gone.h"});
  EXPECT_EQ(findings("#include \"a.h\"\n"),
            Findings{"model/sim/a.cc:1: not a path from the repository root: a.h"});
  EXPECT_EQ(findings("#include <model/sim/a.h>\n"),
            Findings{"model/sim/a.cc:1: project header in brackets: model/sim/a.h"});
  EXPECT_EQ(findings("#include HEADER\n"), Findings{"model/sim/a.cc:1: computed include: HEADER"});
  EXPECT_EQ(findings("  #  include\t\"model/mm/a.h\"\n"),
            Findings{"model/sim/a.cc:1: model/sim/ may not include model/mm/a.h"});
  EXPECT_EQ(findings("#include <vector>\n#include \"absl/strings/str_cat.h\"\n"), Findings{});
}

TEST(IncludeArrows, AFileOutsideOfTheLayoutIsReported) {
  EXPECT_EQ(IncludeFindings("model/world.h", "", {}),
            Findings{"model/world.h:1: in no folder of the layout"});
  EXPECT_EQ(IncludeFindings("model/kexec/a.h", "", {}),
            Findings{"model/kexec/a.h:1: in no folder of the layout"});
}

TEST(IncludeArrows, HoldInTheTree) {
  const std::string root = test_support::SourceRoot();
  const std::vector<std::string> listed = ListFiles(root);
  const std::set<std::string> files(listed.begin(), listed.end());
  int checked = 0;
  for (const std::string& path : listed) {
    if (!IsCode(path)) continue;
    ++checked;
    for (const std::string& finding : IncludeFindings(path, ReadFile(root, path), files)) {
      ADD_FAILURE() << finding;
    }
  }
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace iommufd_check::tidy
