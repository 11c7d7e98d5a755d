#include "fuzz/report/report.h"

#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/report/event_text.h"
#include "model/program/identity.h"
#include "model/program/text/text_codec.h"

namespace iommufd_check::cli {
namespace {

constexpr size_t kMostRows = 24;  // of the swim lanes

std::string Place(const program::Program& program, const spec::Violation& subject) {
  return absl::StrFormat("%s, step %d of %s", OperationText(program, subject.operation),
                         subject.step, program::TaskName(subject.task));
}

std::vector<std::string> Chain(const program::Program& program, const spec::Violation& subject) {
  std::vector<std::string> lines;
  for (const spec::LockNesting& nesting : subject.chain) {
    const bool in_function = nesting.function != sim::Fn::kNone;
    lines.push_back(absl::StrCat(
        std::string(sim::Name(nesting.inner)), " inside ", std::string(sim::Name(nesting.outer)),
        " at ", OperationText(program, nesting.operation), in_function ? " in " : "",
        in_function ? std::string(sim::Name(nesting.function)) : ""));
  }
  return lines;
}

std::string Cause(const program::Program& program, const program::Execution& execution,
                  const spec::Violation& subject) {
  const spec::Violation* primary = program::PrimaryOf(execution.violations);
  if (primary == nullptr || program::StandsAlone(subject) || *primary == subject) return "";
  return TextOf(IdentityOf(program, *primary));
}

std::vector<Report::Companion> Companions(const program::Execution& execution,
                                          const spec::Violation& subject) {
  std::array<int, spec::kInvariants> counts{};
  for (const spec::Violation& violation : execution.violations) {
    if (!(violation == subject)) ++counts[static_cast<size_t>(violation.invariant)];
  }
  std::vector<Report::Companion> companions;
  for (int i = 0; i < spec::kInvariants; ++i) {
    if (counts[i] == 0) continue;
    companions.push_back({std::string(spec::IdOf(static_cast<spec::Invariant>(i))), counts[i]});
  }
  return companions;
}

std::vector<Report::Task> Holders(const program::Program& program,
                                  const std::vector<sim::Event>& events,
                                  const spec::Violation& subject) {
  HeldLocks held;
  for (size_t i = 0; i < events.size() && i < subject.event; ++i) held.Apply(events[i]);
  const int tasks = program::TaskCount(program);
  std::vector<Report::Task> holders;
  for (int task = tasks == 0 ? 0 : 1; task <= tasks; ++task) {
    holders.push_back({std::string(program::TaskName(static_cast<uint8_t>(task))),
                       held.Of(static_cast<sim::TaskId>(task))});
  }
  return holders;
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

}  // namespace

Report MakeReport(const program::Program& program, const program::Execution& execution,
                  const std::vector<sim::Event>& events, const spec::Violation& subject,
                  const ReportOptions& options) {
  Report report;
  report.invariant = std::string(spec::IdOf(subject.invariant));
  report.name = std::string(spec::NameOf(subject.invariant));
  report.sentence = std::string(spec::SentenceOf(subject.invariant));
  report.finding = TextOf(IdentityOf(program, subject));
  report.design = options.design;
  report.place = Place(program, subject);
  if (subject.object.kind != sim::ObjectKind::kNone) report.object = ObjectText(subject.object);
  report.detail = subject.detail;
  report.chain = Chain(program, subject);
  report.holds = Holders(program, events, subject);
  report.after = Cause(program, execution, subject);
  report.also = Companions(execution, subject);
  report.ended = std::string(EndText(execution.end));
  program::Program untitled = program;  // the title is in the file and would fill the screen
  untitled.title.clear();
  report.program = program::PrintProgram(untitled);
  report.run = LanesOf(program, events, subject, kMostRows);
  report.difference = execution.difference;
  if (!options.replay.empty()) {
    report.replay = absl::StrCat("iommufd-check run ", options.replay);
  }
  return report;
}

std::string RenderReport(const program::Program& program, const program::Execution& execution,
                         const std::vector<sim::Event>& events, const spec::Violation& subject,
                         const ReportOptions& options) {
  return RenderText(MakeReport(program, execution, events, subject, options));
}

}  // namespace iommufd_check::cli
