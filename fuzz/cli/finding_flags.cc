#include "fuzz/cli/finding_flags.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzz/cli/input_file.h"

namespace iommufd_check::cli {
namespace {

// Appends the words of a list, or of the file that one of them names. What is wrong, or empty.
std::string AddWords(const std::string& list, std::istream& in, std::vector<std::string>* words) {
  for (const absl::string_view part : absl::StrSplit(list, ',')) {
    const std::string word(absl::StripAsciiWhitespace(part));
    if (word.empty()) return "an empty word in the list";
    if (word[0] != '@') {
      words->push_back(word);
      continue;
    }
    const absl::StatusOr<std::string> contents = ReadInput(word.substr(1), in);
    if (!contents.ok()) return std::string(contents.status().message());
    for (absl::string_view line : absl::StrSplit(*contents, '\n')) {
      line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
      for (const absl::string_view entry : absl::StrSplit(line, ',')) {
        const std::string name(absl::StripAsciiWhitespace(entry));
        if (!name.empty()) words->push_back(name);
      }
    }
  }
  return "";
}

std::string ReadFilter(const char* flag, const std::string& list, std::istream& in,
                       program::FindingFilter* filter) {
  if (list.empty()) return "";
  std::vector<std::string> words;
  std::string problem = AddWords(list, in, &words);
  if (problem.empty()) {
    const absl::StatusOr<program::FindingFilter> read = program::FindingFilter::Parse(words);
    if (read.ok()) {
      *filter = *read;
    } else {
      problem = std::string(read.status().message());
    }
  }
  return problem.empty() ? "" : absl::StrCat("--", flag, ": ", problem);
}

}  // namespace

void FindingFlags::AddTo(FlagSet* flags) {
  flags->Add("tolerate", "FINDING,...",
             "these do not count: I19, I19@luo_preserve, a finding's identity, or @FILE of them",
             &tolerate);
  flags->Add("only", "FINDING,...", "no others count; spelled likewise", &only);
}

std::string FindingFlags::Read(std::istream& in) {
  const std::string problem = ReadFilter("tolerate", tolerate, in, &policy.tolerate);
  return problem.empty() ? ReadFilter("only", only, in, &policy.only) : problem;
}

std::string FindingFlags::Arguments() const {
  std::string arguments;
  if (!tolerate.empty()) absl::StrAppend(&arguments, "--tolerate=", tolerate, " ");
  if (!only.empty()) absl::StrAppend(&arguments, "--only=", only, " ");
  return arguments;
}

}  // namespace iommufd_check::cli
