// A report as text.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzz/report/report.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kWidth = 120;
constexpr size_t kMostDifferences = 5;  // lines of them

// Every line of `text` that is not empty, with four blanks before it.
std::string Indented(std::string_view text) {
  std::string indented;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) absl::StrAppendFormat(&indented, "    %s\n", line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return indented;
}

// One "  name     text" line, or nothing without a text; what is too long for it continues below.
std::string Fact(std::string_view name, std::string_view text) {
  if (text.empty()) return "";
  constexpr size_t kColumn = 11;
  std::string fact = absl::StrFormat("  %-*s", kColumn - 2, name);
  while (text.size() > kWidth - kColumn) {
    const size_t blank = text.rfind(' ', kWidth - kColumn);
    const size_t cut = blank == std::string_view::npos || blank == 0 ? kWidth - kColumn : blank;
    absl::StrAppendFormat(&fact, "%s\n%s", text.substr(0, cut), std::string(kColumn, ' '));
    text.remove_prefix(blank == cut ? cut + 1 : cut);
  }
  return absl::StrFormat("%s%s\n", fact, text);
}

std::string ChainText(const std::vector<std::string>& chain) {
  std::string text;
  for (const std::string& nesting : chain) text += Fact(text.empty() ? "chain" : "", nesting);
  return text;
}

// "A: nothing; B: session0.mutex xa_lock".
std::string HoldsText(const std::vector<Report::Task>& holds) {
  return absl::StrJoin(holds, "; ", [](std::string* out, const Report::Task& task) {
    absl::StrAppend(out, task.name, ": ",
                    task.locks.empty() ? "nothing" : absl::StrJoin(task.locks, " "));
  });
}

// "I19 (2), I20".
std::string AlsoText(const std::vector<Report::Companion>& also) {
  return absl::StrJoin(also, ", ", [](std::string* out, const Report::Companion& companion) {
    absl::StrAppend(out, companion.invariant);
    if (companion.operations > 1) absl::StrAppend(out, " (", companion.operations, ")");
  });
}

std::string DifferenceText(const std::vector<std::string>& difference) {
  std::string text;
  for (size_t i = 0; i < difference.size() && i < kMostDifferences; ++i) {
    std::string line = "    " + difference[i];
    if (line.size() > kWidth) line = line.substr(0, kWidth - 1) + "~";
    absl::StrAppend(&text, line, "\n");
  }
  if (difference.size() > kMostDifferences) {
    absl::StrAppend(&text, "    ... ", difference.size() - kMostDifferences, " more\n");
  }
  return text;
}

// A section of the report, if there is anything in it.
std::string Section(std::string_view title, const std::string& text) {
  return text.empty() ? "" : absl::StrFormat("%s\n%s", title, text);
}

}  // namespace

std::string RenderText(const Report& report) {
  std::string text =
      absl::StrFormat("VIOLATION %s %s\n  %s\n", report.invariant, report.name, report.sentence);
  text += Fact("finding", report.finding);
  text += Fact("design", report.design);
  text += Fact("at", report.place);
  text += Fact("object", report.object);
  text += Fact("detail", report.detail);
  text += ChainText(report.chain);
  text += Fact("holds", HoldsText(report.holds));
  text += Fact("after", report.after);
  text += Fact("also", AlsoText(report.also));
  text += Fact("ended", report.ended);
  text += Section("program", Indented(report.program));
  text += Section("run", DrawLanes(report.run, kWidth));
  text += Section("difference", DifferenceText(report.difference));
  if (!report.replay.empty()) absl::StrAppend(&text, "replay: ", report.replay, "\n");
  return text;
}

}  // namespace iommufd_check::cli
