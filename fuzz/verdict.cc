#include "fuzz/verdict.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace iommufd_check::cli {
namespace {

using program::Execution;
using program::Program;

// Programs of fewer operations are easier to read, then those with fewer faults, then switches.
std::tuple<size_t, size_t, size_t> SizeOf(const Program& program) {
  return {program.operations.size(), program.faults.size(), program.switches.size()};
}

class Jury {
 public:
  Jury(const Engine& engine, liveupdate::Design& design, const SearchBounds& bounds)
      : engine_(engine), design_(design), bounds_(bounds) {
    verdict_.design = std::string(design.name());
    verdict_.questions = uapi::QuestionsOf(design.contract());
  }

  void Hear(const Program& program);
  void MinimiseFindings(const std::function<void(const std::string&)>& progress);
  DesignVerdict TakeVerdict() { return std::move(verdict_); }
  const DesignVerdict& verdict() const { return verdict_; }

 private:
  bool BudgetEnded() const {
    return bounds_.max_executions != 0 && verdict_.executions >= bounds_.max_executions;
  }
  void Visit(const Program& program, const Execution& execution);

  const Engine& engine_;
  liveupdate::Design& design_;
  const SearchBounds bounds_;
  DesignVerdict verdict_;
};

void Jury::Hear(const Program& program) {
  if (BudgetEnded()) {
    verdict_.exhausted = false;
    return;
  }
  Visit(program, engine_.run(design_, program));
  ++verdict_.programs;
  ++verdict_.executions;
  if (BudgetEnded()) {
    verdict_.exhausted = false;
    return;
  }
  SearchBounds rest = bounds_;
  if (rest.max_executions != 0) rest.max_executions -= verdict_.executions;
  const SearchOutcome outcome = engine_.search(
      design_, program, rest,
      [&](const Program& variant, const Execution& execution) { Visit(variant, execution); });
  verdict_.executions += outcome.executions;
  verdict_.exhausted = verdict_.exhausted && outcome.exhausted;
}

void Jury::Visit(const Program& program, const Execution& execution) {
  for (int i = 0; i < spec::kInvariants; ++i) verdict_.cells[i].armed += execution.armed[i];
  for (const spec::Violation& violation : execution.violations) {
    std::optional<Finding>& best = verdict_.cells[static_cast<size_t>(violation.invariant)].finding;
    if (best.has_value() && SizeOf(best->program) <= SizeOf(program)) continue;
    best = Finding{program, IdentityOf(program, violation)};
  }
}

void Jury::MinimiseFindings(const std::function<void(const std::string&)>& progress) {
  for (Cell& cell : verdict_.cells) {
    if (!cell.finding.has_value()) continue;
    Finding& finding = *cell.finding;
    const std::string id(spec::IdOf(finding.identity.invariant));
    progress(absl::StrCat(verdict_.design, ": minimising ", id));
    // Expectations are about the program as written, not about what was found.
    finding.program.title =
        absl::StrCat("Found by verdict: ", verdict_.design, " violates ", id, " ",
                     std::string(spec::NameOf(finding.identity.invariant)), ".");
    finding.program = engine_.minimise(finding.program, [&](const Program& candidate) {
      return FindIdentity(candidate, engine_.run(design_, candidate), finding.identity) != nullptr;
    });
    finding.program = AsFinding(finding.program, engine_.run(design_, finding.program),
                                finding.identity, verdict_.design);
  }
}

std::string CellText(const Cell& cell) {
  if (cell.finding.has_value()) {
    return absl::StrFormat("VIOLATED (%d ops)", cell.finding->program.operations.size());
  }
  return cell.armed == 0 ? "never armed" : absl::StrFormat("held (%d)", cell.armed);
}

// What "all" was, or how it ended.
std::string Extent(const DesignVerdict& verdict, const SearchBounds& bounds) {
  std::string all = "all interleavings";
  if (bounds.single_faults) {
    absl::StrAppendFormat(&all,
                          "; of programs without faults, each single one x all schedules with at "
                          "most %d preemption%s",
                          bounds.preemptions, bounds.preemptions == 1 ? "" : "s");
  }
  return absl::StrFormat("%s: %d programs, %d executions, %s%s\n", verdict.design, verdict.programs,
                         verdict.executions,
                         verdict.exhausted ? "exhausted: " : "NOT exhausted, ended within: ", all);
}

// Promises that are kept, so nothing of them is a violation; empty when there is nothing to ask.
std::string Questions(const std::vector<DesignVerdict>& verdicts) {
  std::string text;
  for (const DesignVerdict& verdict : verdicts) {
    for (const uapi::Question& question : verdict.questions) {
      absl::StrAppendFormat(&text, "%-12s  %-25s %s; %s\n", verdict.design, question.about,
                            question.answer, question.doubt);
    }
  }
  return text.empty() ? "" : "\ncontracts worth a question (none is a violation)\n" + text;
}

}  // namespace

bool DesignVerdict::violated() const {
  return std::any_of(cells.begin(), cells.end(),
                     [](const Cell& cell) { return cell.finding.has_value(); });
}

DesignVerdict JudgeDesign(const Engine& engine, liveupdate::Design& design,
                          const std::vector<Program>& programs, const SearchBounds& bounds,
                          const std::function<void(const std::string&)>& progress) {
  Jury jury(engine, design, bounds);
  for (size_t i = 0; i < programs.size(); ++i) {
    jury.Hear(programs[i]);
    progress(absl::StrFormat("%s: %d of %d programs, %d executions", design.name(), i + 1,
                             programs.size(), jury.verdict().executions));
  }
  jury.MinimiseFindings(progress);
  return jury.TakeVerdict();
}

std::string RenderVerdict(const std::vector<DesignVerdict>& verdicts, const SearchBounds& bounds) {
  constexpr size_t kNameWidth = 30;
  std::vector<size_t> widths;
  for (const DesignVerdict& verdict : verdicts) {
    size_t width = verdict.design.size();
    for (const Cell& cell : verdict.cells) width = std::max(width, CellText(cell).size());
    widths.push_back(width);
  }
  const auto row = [&](std::string_view name, const auto& cell_of) {
    std::string line = absl::StrFormat("%-*s", kNameWidth, name);
    for (size_t k = 0; k < verdicts.size(); ++k) {
      absl::StrAppendFormat(&line, "  %-*s", widths[k], cell_of(verdicts[k]));
    }
    line.resize(line.find_last_not_of(' ') + 1);
    return line + "\n";
  };

  std::string text = row("invariant", [](const DesignVerdict& verdict) { return verdict.design; });
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<spec::Invariant>(i);
    text += row(absl::StrFormat("%s %s", spec::IdOf(invariant), spec::NameOf(invariant)),
                [i](const DesignVerdict& verdict) { return CellText(verdict.cells[i]); });
  }
  text += Questions(verdicts) + "\n";
  for (const DesignVerdict& verdict : verdicts) text += Extent(verdict, bounds);
  return text;
}

}  // namespace iommufd_check::cli
