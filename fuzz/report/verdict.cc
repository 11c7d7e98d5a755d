#include "fuzz/report/verdict.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/report/witness.h"
#include "model/explore/work/finding_groups.h"

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
  std::map<program::Identity, explore::Finding> best_;
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

// Unlike an exploration it wants the smallest program, whatever its preemptions.
void Jury::Visit(const Program& program, const Execution& execution) {
  for (int i = 0; i < spec::kInvariants; ++i) verdict_.armed[i] += execution.armed[i];
  if (execution.violations.empty()) return;
  explore::Certificate of_run;
  of_run.EnterViolations(program, execution, 0, [&program] { return program; });
  for (explore::Finding& finding : of_run.findings) {
    const auto [known, is_new] = best_.try_emplace(finding.identity, finding);
    if (is_new) continue;
    finding.runs += known->second.runs;
    finding.first += known->second.first;
    const bool better = SizeOf(program) < SizeOf(known->second.witness);
    if (better) {
      known->second = std::move(finding);
    } else {
      known->second.runs = finding.runs;
      known->second.first = finding.first;
    }
  }
}

void Jury::MinimiseFindings(const std::function<void(const std::string&)>& progress) {
  for (auto& [identity, finding] : best_) verdict_.found.Keep(std::move(finding));
  verdict_.found.Tolerate(bounds_.policy);
  verdict_.found.work = "verdict";
  verdict_.found.design = verdict_.design;
  for (explore::Finding& finding : verdict_.found.findings) {
    progress(absl::StrCat(verdict_.design, ": minimising ", TextOf(finding.identity)));
    // Expectations are about the program as written, not about what was found.
    finding.witness.expected.clear();
    finding.witness.also.clear();
    finding.witness = engine_.minimise(finding.witness, [&](const Program& candidate) {
      return FindIdentity(candidate, engine_.run(design_, candidate), finding.identity) != nullptr;
    });
    const Execution& execution = engine_.run(design_, finding.witness);
    finding.preemptions = engine_.preemptions ? engine_.preemptions() : -1;
    finding.witness.title = HeadingText({.found_by = "verdict",
                                         .design = verdict_.design,
                                         .identity = finding.identity,
                                         .preemptions = finding.preemptions});
    finding.witness = AsFinding(finding.witness, execution, finding.identity, verdict_.design);
  }
}

// "3 findings", as far as they are of the invariant.
template <class List>
size_t CountOf(const List& list, spec::Invariant invariant) {
  return static_cast<size_t>(std::count_if(list.begin(), list.end(), [&](const auto& finding) {
    return finding.identity.invariant == invariant;
  }));
}

std::string CellText(const DesignVerdict& verdict, spec::Invariant invariant) {
  const size_t found = CountOf(verdict.found.findings, invariant);
  if (found > 0) {
    size_t least = SIZE_MAX;
    for (const explore::Finding& finding : verdict.found.findings) {
      if (finding.identity.invariant != invariant) continue;
      least = std::min(least, finding.witness.operations.size());
    }
    if (found == 1) return absl::StrFormat("VIOLATED (%d ops)", least);
    return absl::StrFormat("VIOLATED (%d ops, %d findings)", least, found);
  }
  const size_t tolerated = CountOf(verdict.found.tolerated, invariant);
  if (tolerated > 0) return absl::StrFormat("tolerated (%d)", tolerated);
  const uint64_t armed = verdict.armed[static_cast<size_t>(invariant)];
  return armed == 0 ? "never armed" : absl::StrFormat("held (%d)", armed);
}

std::string FindingLine(const char* label, const explore::Finding& finding) {
  std::string text = absl::StrCat(label, TextOf(finding.identity), " in ", finding.runs,
                                  finding.runs == 1 ? " run" : " runs", " (",
                                  finding.witness.operations.size(), " ops)");
  return absl::StrCat(text, ": ", finding.detail, "\n");
}

std::string FindingsOf(const DesignVerdict& verdict) {
  std::string text;
  for (const explore::FindingGroup& group : explore::GroupsOf(verdict.found)) {
    text += FindingLine("  VIOLATED   ", *group.primary);
    for (const explore::Finding* other : group.others) {
      text += FindingLine("    and then   ", *other);
    }
  }
  for (const explore::Tolerated& tolerated : verdict.found.tolerated) {
    absl::StrAppend(&text, "  tolerated  ", TextOf(tolerated.identity), " in ", tolerated.runs,
                    tolerated.runs == 1 ? " run\n" : " runs\n");
  }
  return text;
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
    for (int i = 0; i < spec::kInvariants; ++i) {
      width = std::max(width, CellText(verdict, static_cast<spec::Invariant>(i)).size());
    }
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
                [&](const DesignVerdict& verdict) { return CellText(verdict, invariant); });
  }
  text += Questions(verdicts) + "\n";
  for (const DesignVerdict& verdict : verdicts) {
    text += Extent(verdict, bounds);
    text += FindingsOf(verdict);
  }
  return text;
}

}  // namespace iommufd_check::cli
