#include "fuzz/report/report.h"

#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzz/report/event_text.h"
#include "fuzz/report/swim_lanes.h"
#include "model/program/identity.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kWidth = 120;

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

// One "  name     text" line; what is too long for it continues below.
std::string Fact(std::string_view name, std::string_view text) {
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

std::string Place(const program::Program& program, const spec::Violation& subject) {
  return absl::StrFormat("%s, step %d of %s", OperationText(program, subject.operation),
                         subject.step, program::TaskName(subject.task));
}

// One line for each nesting of a lock cycle, the one that closed it first.
std::string Chain(const program::Program& program, const spec::Violation& subject) {
  std::string text;
  for (const spec::LockNesting& nesting : subject.chain) {
    const bool in_function = nesting.function != sim::Fn::kNone;
    text += Fact(text.empty() ? "chain" : "",
                 absl::StrCat(std::string(sim::Name(nesting.inner)), " inside ",
                              std::string(sim::Name(nesting.outer)), " at ",
                              OperationText(program, nesting.operation), in_function ? " in " : "",
                              in_function ? std::string(sim::Name(nesting.function)) : ""));
  }
  return text;
}

// The finding that came first in the run and may be the cause of this one; empty when there is
// none.
std::string Cause(const program::Program& program, const program::Execution& execution,
                  const spec::Violation& subject) {
  const spec::Violation* primary = program::PrimaryOf(execution.violations);
  if (primary == nullptr || program::StandsAlone(subject) || *primary == subject) return "";
  return TextOf(IdentityOf(program, *primary));
}

// "I19 (2), I20": the violations beside the subject, with how many operations broke each.
std::string Others(const program::Execution& execution, const spec::Violation& subject) {
  std::array<int, spec::kInvariants> counts{};
  for (const spec::Violation& violation : execution.violations) {
    if (!(violation == subject)) ++counts[static_cast<size_t>(violation.invariant)];
  }
  std::string text;
  for (int i = 0; i < spec::kInvariants; ++i) {
    if (counts[i] == 0) continue;
    absl::StrAppend(&text, text.empty() ? "" : ", ",
                    std::string(spec::IdOf(static_cast<spec::Invariant>(i))));
    if (counts[i] > 1) absl::StrAppend(&text, " (", counts[i], ")");
  }
  return text;
}

// "A: nothing; B: session0.mutex xa_lock": what each concurrent task holds where it was seen.
std::string Holders(const program::Program& program, const std::vector<sim::Event>& events,
                    const spec::Violation& subject) {
  const int tasks = program::TaskCount(program);
  HeldLocks held;
  for (size_t i = 0; i < events.size() && i < subject.event; ++i) held.Apply(events[i]);
  std::string text;
  for (int task = tasks == 0 ? 0 : 1; task <= tasks; ++task) {
    const std::vector<std::string> locks = held.Of(static_cast<sim::TaskId>(task));
    absl::StrAppend(&text, text.empty() ? "" : "; ", program::TaskName(static_cast<uint8_t>(task)),
                    ": ", locks.empty() ? "nothing" : absl::StrJoin(locks, " "));
  }
  return text;
}

std::string_view EndText(sim::RunEnd end) {
  switch (end) {
    case sim::RunEnd::kCompleted:
    case sim::RunEnd::kStopped:
      return "";
    case sim::RunEnd::kOops:
      return "in an oops";
    case sim::RunEnd::kDeadlock:
      return "in a deadlock";
    case sim::RunEnd::kHung:
      return "at the step limit: the kernel hangs";
  }
  return "";
}

std::string Difference(const std::vector<std::string>& difference, size_t most) {
  std::string text;
  size_t shown = 0;
  size_t hidden = 0;
  for (const std::string& difference_line : difference) {
    if (shown == most) {
      ++hidden;
      continue;
    }
    ++shown;
    std::string line = "    " + difference_line;
    if (line.size() > kWidth) line = line.substr(0, kWidth - 1) + "~";
    absl::StrAppend(&text, line, "\n");
  }
  if (hidden > 0) absl::StrAppend(&text, "    ... ", hidden, " more\n");
  return text;
}

}  // namespace

std::string RenderReport(const program::Program& program, const program::Execution& execution,
                         const std::vector<sim::Event>& events, const spec::Violation& subject,
                         const ReportOptions& options) {
  std::string text =
      absl::StrFormat("VIOLATION %s %s\n  %s\n", spec::IdOf(subject.invariant),
                      spec::NameOf(subject.invariant), spec::SentenceOf(subject.invariant));
  text += Fact("finding", TextOf(IdentityOf(program, subject)));
  text += Fact("design", options.design);
  text += Fact("at", Place(program, subject));
  if (subject.object.kind != sim::ObjectKind::kNone)
    text += Fact("object", ObjectText(subject.object));
  if (!subject.detail.empty()) text += Fact("detail", subject.detail);
  text += Chain(program, subject);
  text += Fact("holds", Holders(program, events, subject));
  if (const std::string cause = Cause(program, execution, subject); !cause.empty()) {
    text += Fact("after", cause);
  }
  if (const std::string others = Others(execution, subject); !others.empty()) {
    text += Fact("also", others);
  }
  if (const std::string_view end = EndText(execution.end); !end.empty()) text += Fact("ended", end);

  program::Program untitled = program;  // the title is in the file and would fill the screen
  untitled.title.clear();
  text += "program\n" + Indented(program::PrintProgram(untitled));
  if (const std::string lanes =
          DrawLanes(program, events, subject, {.max_rows = options.max_rows, .width = kWidth});
      !lanes.empty()) {
    text += "run\n" + lanes;
  }
  if (const std::string difference = Difference(execution.difference, options.max_difference);
      !difference.empty()) {
    text += "difference\n" + difference;
  }
  if (!options.replay.empty())
    absl::StrAppend(&text, "replay: iommufd-check run ", options.replay, "\n");
  return text;
}

std::string RenderDetails(const program::Program& program, const std::vector<sim::Event>& events) {
  std::string text = "events\n";
  HeldLocks held;
  for (size_t i = 0; i < events.size(); ++i) {
    held.Apply(events[i]);
    const std::string locks = Bracketed(held.Of(events[i].task));
    absl::StrAppendFormat(&text, "%6d  %-7s %5d  %s%s%s\n", i + 1,
                          program::TaskName(events[i].task), events[i].step,
                          EventText(program, events[i]), locks.empty() ? "" : "  ", locks);
  }
  return text;
}

}  // namespace iommufd_check::cli
