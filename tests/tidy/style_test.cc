// Checks the project's rules of form: what stands at the root, sizes, how headers open, and names
// that model code must not use because they make a run depend on more than (design, program).
//
// Each rule is a pure function, tried first on planted violations.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/subprocess.h"
#include "tests/tidy/source_tree.h"

namespace iommufd_check::tidy {
namespace {

using Findings = std::vector<std::string>;

constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kMaxLines = 400;
constexpr std::size_t kMaxFunctionLines = 60;

std::string At(const std::string& path, std::size_t line, const std::string& message) {
  return path + ":" + std::to_string(line) + ": " + message;
}

// The root holds these entries and, besides, only dot-files.
Findings RootFindings(const std::set<std::string>& entries) {
  const std::set<std::string> expected = {
      "CMakeLists.txt", "CMakePresets.json", "README.md", "corpus", "fuzz", "model", "props",
      "tests"};
  Findings findings;
  for (const std::string& entry : entries) {
    if (entry[0] != '.' && !expected.contains(entry)) {
      findings.push_back(entry + ": does not belong at the root");
    }
  }
  for (const std::string& entry : expected) {
    if (!entries.contains(entry)) findings.push_back(entry + ": missing at the root");
  }
  return findings;
}

std::size_t Columns(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(
      utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

Findings SizeFindings(const std::string& path, std::string_view text) {
  Findings findings;
  const std::vector<std::string> lines = Lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::size_t columns = Columns(lines[i]);
    if (columns > kMaxColumns) {
      findings.push_back(At(path, i + 1, std::to_string(columns) + " columns, at most 100"));
    }
  }
  if (lines.size() > kMaxLines) {
    findings.push_back(At(path, lines.size(), "more than 400 lines: split the file"));
  }
  return findings;
}

// A folder of code says in its README.md, in a few lines, what it is, how data flows and where to
// add.
Findings FolderFindings(const std::set<std::string>& paths) {
  std::set<std::string> folders;
  for (const std::string& path : paths) {
    if (IsCode(path)) folders.insert(path.substr(0, path.rfind('/')));
  }
  Findings findings;
  for (const std::string& folder : folders) {
    if (!paths.contains(folder + "/README.md")) findings.push_back(folder + ": has no README.md");
  }
  return findings;
}

// The first line of a function that stands at the left margin, as all do but those of a class.
bool OpensFunction(std::string_view line) {
  constexpr std::array<std::string_view, 6> kOthers = {"namespace", "class", "struct",
                                                       "enum",      "union", "extern"};
  if (line.empty() || line[0] == '#' || line[0] == '}' || line[0] == ' ') return false;
  if (line.find('(') == std::string_view::npos) return false;
  if (line.ends_with(';') || line.ends_with('}')) return false;
  return std::none_of(kOthers.begin(), kOthers.end(),
                      [&](std::string_view other) { return line.starts_with(other); });
}

// A function fits a screen.
Findings FunctionFindings(const std::string& path, std::string_view text) {
  Findings findings;
  const std::vector<std::string> lines = Lines(BlankCommentsAndLiterals(text));
  std::size_t opened = 0;  // line, from 1; 0: none
  bool in_body = false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (opened == 0 && OpensFunction(lines[i])) {
      opened = i + 1;
      in_body = false;
    }
    if (!in_body && lines[i].ends_with('{')) in_body = true;
    if (!in_body && lines[i].ends_with(';')) opened = 0;  // it was a declaration
    if (opened == 0 || !in_body || !lines[i].starts_with('}')) continue;
    const std::size_t length = i + 2 - opened;
    if (length > kMaxFunctionLines) {
      findings.push_back(
          At(path, opened, std::to_string(length) + " lines of one function, at most 60"));
    }
    opened = 0;
  }
  return findings;
}

// A header opens with a comment, then #pragma once, then its content.
Findings HeaderFindings(const std::string& path, std::string_view text) {
  const std::vector<std::string> lines = Lines(text);
  if (lines.empty() || !lines[0].starts_with("//")) {
    return {At(path, 1, "a header opens with a comment that says what it is")};
  }
  const auto content = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
    return !line.empty() && !line.starts_with("//");
  });
  if (content == lines.end() || *content != "#pragma once") {
    return {At(path, static_cast<std::size_t>(content - lines.begin()) + 1,
               "#pragma once follows the opening comment")};
  }
  return {};
}

bool IsWordChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Reminders of unfinished work; the words are split so that this file may contain them.
Findings ReminderFindings(const std::string& path, std::string_view text) {
  constexpr std::array<std::string_view, 3> kWords = {
      "TO"
      "DO",
      "FIX"
      "ME",
      "X"
      "XX"};
  Findings findings;
  const std::vector<std::string> lines = Lines(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    for (std::string_view word : kWords) {
      const std::size_t at = line.find(word);
      if (at == std::string::npos || (at > 0 && IsWordChar(line[at - 1]))) continue;
      const std::size_t end = at + word.size();
      if (end < line.size() && IsWordChar(line[end])) continue;
      findings.push_back(At(path, i + 1, std::string(word) + ": finish it or file an issue"));
    }
  }
  return findings;
}

enum class Match {
  kWord,    // The whole identifier, wherever it is used.
  kPrefix,  // Any identifier that begins so.
  kCall,    // A call of a free function: not of a member, not a longer name.
};

struct Ban {
  std::string_view name;
  Match match;
  std::string_view instead;
  std::string_view except;  // A folder where it is allowed; empty for none.
};

const std::vector<Ban>& Bans() {
  constexpr std::string_view kRandom = "the engine's seeded generator";
  constexpr std::string_view kOrdered = "std::map, std::set or a sorted vector";
  constexpr std::string_view kHash = "an XXH3 fingerprint over a defined byte order";
  constexpr std::string_view kTime = "the step count of the run";
  constexpr std::string_view kTask = "a task of model/sim";
  constexpr std::string_view kExplore = "model/explore/";
  static const std::vector<Ban> bans = {
      {"std::random_device", Match::kWord, kRandom, ""},
      {"rand", Match::kCall, kRandom, ""},
      {"srand", Match::kCall, kRandom, ""},
      {"std::unordered_", Match::kPrefix, kOrdered, ""},
      {"absl::flat_hash_", Match::kPrefix, kOrdered, ""},
      {"absl::node_hash_", Match::kPrefix, kOrdered, ""},
      {"absl::Hash", Match::kPrefix, kHash, ""},
      {"std::hash", Match::kWord, kHash, ""},
      {"std::chrono", Match::kWord, kTime, ""},
      {"time", Match::kCall, kTime, ""},
      {"clock", Match::kCall, kTime, ""},
      {"clock_gettime", Match::kWord, kTime, ""},
      {"gettimeofday", Match::kWord, kTime, ""},
      {"getenv", Match::kWord, "an explicit option", ""},
      {"sleep", Match::kCall, kTask, ""},
      {"usleep", Match::kCall, kTask, ""},
      {"nanosleep", Match::kCall, kTask, ""},
      {"std::this_thread", Match::kWord, kTask, kExplore},
      {"std::thread", Match::kWord, kTask, kExplore},
      {"std::jthread", Match::kWord, kTask, kExplore},
  };
  return bans;
}

bool Uses(std::string_view line, const Ban& ban) {
  for (std::size_t at = line.find(ban.name); at != std::string_view::npos;
       at = line.find(ban.name, at + 1)) {
    if (at > 0 && IsWordChar(line[at - 1])) continue;
    if (ban.match == Match::kPrefix) return true;
    std::string_view rest = line.substr(at + ban.name.size());
    if (!rest.empty() && IsWordChar(rest[0])) continue;
    if (ban.match == Match::kWord) return true;
    const std::string_view before = line.substr(0, at);
    if (before.ends_with('.') || before.ends_with("->")) continue;
    const std::size_t next = rest.find_first_not_of(' ');
    if (next != std::string_view::npos && rest[next] == '(') return true;
  }
  return false;
}

// Model code decides every result, so nothing there may read what differs between two runs.
Findings BanFindings(const std::string& path, std::string_view text) {
  if (!path.starts_with("model/")) return {};
  Findings findings;
  const std::vector<std::string> lines = Lines(BlankCommentsAndLiterals(text));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const Ban& ban : Bans()) {
      if (!ban.except.empty() && path.starts_with(ban.except)) continue;
      if (!Uses(lines[i], ban)) continue;
      findings.push_back(
          At(path, i + 1, std::string(ban.name) + ": use " + std::string(ban.instead)));
    }
  }
  return findings;
}

TEST(Style, RootEntries) {
  const std::set<std::string> exact = {".gitignore", "CMakeLists.txt", ".ci",  "CMakePresets.json",
                                       "README.md",  "corpus",         "fuzz", "model",
                                       "props",      "tests"};
  EXPECT_EQ(RootFindings(exact), Findings{});
  std::set<std::string> more = exact;
  more.insert("docs");
  EXPECT_EQ(RootFindings(more), Findings{"docs: does not belong at the root"});
  std::set<std::string> fewer = exact;
  fewer.erase("corpus");
  EXPECT_EQ(RootFindings(fewer), Findings{"corpus: missing at the root"});
}

TEST(Style, FoldersOfCodeSayWhatTheyAre) {
  EXPECT_EQ(FolderFindings({"a/x.h", "a/README.md", "b/notes.txt"}), Findings{});
  EXPECT_EQ(FolderFindings({"a/x.h", "a/b/x.cc", "a/README.md"}),
            Findings{"a/b: has no README.md"});
}

TEST(Style, Sizes) {
  EXPECT_EQ(SizeFindings("a.cc", std::string(100, 'x') + "\n"), Findings{});
  EXPECT_EQ(SizeFindings("a.cc", "\n" + std::string(101, 'x') + "\n"),
            Findings{"a.cc:2: 101 columns, at most 100"});
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa9";
  EXPECT_EQ(SizeFindings("a.cc", accents), Findings{});
  EXPECT_EQ(SizeFindings("a.cc", std::string(400, '\n')), Findings{});
  EXPECT_EQ(SizeFindings("a.cc", std::string(401, '\n')),
            Findings{"a.cc:401: more than 400 lines: split the file"});
}

TEST(Style, Functions) {
  const auto function = [](const std::string& head, int lines) {
    std::string text = head + " {\n";
    for (int i = 0; i < lines; ++i) text += "  ++a;\n";
    return text + "}\n";
  };
  EXPECT_EQ(FunctionFindings("a.cc", function("int F(int a)", 58)), Findings{});
  EXPECT_EQ(FunctionFindings("a.cc", "\n" + function("int F(int a)", 59)),
            Findings{"a.cc:2: 61 lines of one function, at most 60"});
  EXPECT_EQ(FunctionFindings("a.cc", function("int F(int a,\n      int b)", 58)),
            Findings{"a.cc:1: 61 lines of one function, at most 60"});
  const std::string two = function("TEST(F, G)", 58) + function("TEST(F, H)", 58);
  EXPECT_EQ(FunctionFindings("a.cc", two), Findings{});
  EXPECT_EQ(FunctionFindings("a.cc", "int F(int a,\n      int b);\n" + two), Findings{});
  EXPECT_EQ(FunctionFindings("a.cc", function("namespace a", 70)), Findings{});
}

TEST(Style, HeadersOpenWithACommentAndAGuard) {
  EXPECT_EQ(HeaderFindings("a.h", "// What it is.\n//\n// More.\n#pragma once\n"), Findings{});
  EXPECT_EQ(HeaderFindings("a.h", "// What it is.\n\n#pragma once\n"), Findings{});
  EXPECT_EQ(HeaderFindings("a.h", "#pragma once\n// What it is.\n"),
            Findings{"a.h:1: a header opens with a comment that says what it is"});
  EXPECT_EQ(HeaderFindings("a.h", ""),
            Findings{"a.h:1: a header opens with a comment that says what it is"});
  EXPECT_EQ(HeaderFindings("a.h", "// What it is.\n#include <map>\n#pragma once\n"),
            Findings{"a.h:2: #pragma once follows the opening comment"});
}

TEST(Style, Reminders) {
  const std::string word = std::string("TO") + "DO";
  EXPECT_EQ(ReminderFindings("a.cc", "int a;\n// " + word + ": later\n"),
            Findings{"a.cc:2: " + word + ": finish it or file an issue"});
  EXPECT_EQ(ReminderFindings("a.cc", "// " + word + "S and mktemp XXXXXX\n"), Findings{});
}

TEST(Style, EveryBannedNameIsReported) {
  for (const Ban& ban : Bans()) {
    const std::string name(ban.name);
    const std::string use = ban.match == Match::kPrefix ? name + "map<int, int> x;"
                            : ban.match == Match::kCall ? "auto x = " + name + "(nullptr);"
                                                        : name + " x;";
    EXPECT_EQ(BanFindings("model/sim/a.cc", "\n" + use + "\n"),
              Findings{"model/sim/a.cc:2: " + name + ": use " + std::string(ban.instead)});
    EXPECT_EQ(BanFindings("fuzz/a.cc", use), Findings{});
  }
}

TEST(Style, BannedNamesInOtherWordsAreNotReported) {
  EXPECT_EQ(BanFindings("model/sim/a.cc", "// at a time (std::chrono)\n/* sleep(1) */\n"),
            Findings{});
  EXPECT_EQ(BanFindings("model/sim/a.cc", "Log(\"time(0) \\\" getenv\"); Log(R\"(rand())\");"),
            Findings{});
  EXPECT_EQ(BanFindings("model/sim/a.cc", "might_sleep(); unlock(); run.time(); my_rand();"),
            Findings{});
  EXPECT_EQ(BanFindings("model/explore/a.cc", "std::thread worker;"), Findings{});
  EXPECT_EQ(BanFindings("model/sim/a.cc", "int n = 1'000; time(0); int m = 2'000;"),
            Findings{"model/sim/a.cc:1: time: use the step count of the run"});
}

TEST(Style, HoldsInTheTree) {
  const std::string root = test_support::SourceRoot();
  std::set<std::string> entries;
  std::set<std::string> paths;
  Findings findings;
  const auto add = [&](const Findings& more) {
    findings.insert(findings.end(), more.begin(), more.end());
  };
  for (const std::string& path : ListFiles(root)) {
    entries.insert(path.substr(0, path.find('/')));
    paths.insert(path);
    if (path.starts_with("corpus/")) continue;
    const std::string text = ReadFile(root, path);
    add(ReminderFindings(path, text));
    if (!IsCode(path)) continue;
    add(SizeFindings(path, text));
    add(FunctionFindings(path, text));
    add(BanFindings(path, text));
    if (path.ends_with(".h")) add(HeaderFindings(path, text));
  }
  add(RootFindings(entries));
  add(FolderFindings(paths));
  for (const std::string& finding : findings) ADD_FAILURE() << finding;
}

// The defendant does not keep the minutes: what a design is judged by comes from the layers that it
// calls. Waits and switches are no design's business either.
TEST(Style, DesignsDoNotTestify) {
  const std::string root = test_support::SourceRoot();
  int designs = 0;
  for (const std::string& path : ListFiles(root)) {
    const bool design = path.starts_with("model/liveupdate/designs/");
    const bool mutant = path.starts_with("tests/spec/mutants/");
    if (!IsCode(path) || (!design && !mutant)) continue;
    ++designs;
    const std::string text = BlankCommentsAndLiterals(ReadFile(root, path));
    for (const char* word : {"Emit(", "Record(Primitive", "Step("}) {
      EXPECT_EQ(text.find(word), std::string::npos) << path << " contains " << word;
    }
  }
  EXPECT_GT(designs, 10);
}

}  // namespace
}  // namespace iommufd_check::tidy
