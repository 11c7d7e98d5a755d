#include "fuzz/report/verdict.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzz/report/witness.h"
#include "model/explore/schedules/bounded_schedules.h"
#include "model/explore/work/certificate_text.h"
#include "model/explore/work/finding_groups.h"
#include "model/liveupdate/designs/registry.h"
#include "model/uapi/contract.h"

namespace iommufd_check::cli {
namespace {

using explore::Certificate;

// "3 findings", as far as they are of the invariant.
template <class List>
size_t CountOf(const List& list, spec::Invariant invariant) {
  return static_cast<size_t>(std::count_if(list.begin(), list.end(), [&](const auto& finding) {
    return finding.identity.invariant == invariant;
  }));
}

std::string CellText(const Certificate& verdict, spec::Invariant invariant) {
  const size_t found = CountOf(verdict.findings, invariant);
  if (found > 0) {
    size_t least = SIZE_MAX;
    for (const explore::Finding& finding : verdict.findings) {
      if (finding.identity.invariant != invariant) continue;
      least = std::min(least, finding.witness.operations.size());
    }
    if (found == 1) return absl::StrFormat("VIOLATED (%d ops)", least);
    return absl::StrFormat("VIOLATED (%d ops, %d findings)", least, found);
  }
  const size_t tolerated = CountOf(verdict.tolerated, invariant);
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

std::string FindingsOf(const Certificate& verdict) {
  std::string text;
  for (const explore::FindingGroup& group : explore::GroupsOf(verdict)) {
    text += FindingLine("  VIOLATED   ", *group.primary);
    for (const explore::Finding* other : group.others) {
      text += FindingLine("    and then   ", *other);
    }
  }
  for (const explore::Tolerated& tolerated : verdict.tolerated) {
    absl::StrAppend(&text, "  tolerated  ", TextOf(tolerated.identity), " in ", tolerated.runs,
                    tolerated.runs == 1 ? " run\n" : " runs\n");
  }
  return text;
}

// What was run, and whether that was everything.
std::string Extent(const Certificate& verdict) {
  std::string of = ": ";
  if (!verdict.finished) {
    of = ", ended within: ";
  } else if (!verdict.complete()) {
    of = absl::StrCat(", ", verdict.done.size(), " of ", verdict.parts, ", of: ");
  }
  return absl::StrCat(verdict.design, ": ", verdict.programs, " programs, ", verdict.executions,
                      " executions, ", explore::ExtentOf(verdict), of, verdict.schedules, "\n");
}

// Promises that are kept, so nothing of them is a violation; empty when there is nothing to ask.
std::string Questions(const std::vector<Certificate>& verdicts) {
  std::string text;
  for (const Certificate& verdict : verdicts) {
    const liveupdate::Design* design = liveupdate::FindDesign(verdict.design);
    if (design == nullptr) continue;  // of another build
    for (const uapi::Question& question : uapi::QuestionsOf(design->contract())) {
      absl::StrAppendFormat(&text, "%-12s  %-25s %s; %s\n", verdict.design, question.about,
                            question.answer, question.doubt);
    }
  }
  return text.empty() ? "" : "\ncontracts worth a question (none is a violation)\n" + text;
}

}  // namespace

void MinimiseFindings(program::Executor* executor, Certificate* certificate) {
  liveupdate::Design* design = liveupdate::FindDesign(certificate->design);
  if (design == nullptr) return;
  for (explore::Finding& finding : certificate->findings) {
    finding.witness = SmallestWitness(*executor, *design, finding.witness, finding.identity);
    executor->Run(*design, finding.witness);
    finding.preemptions = explore::PreemptionsOfLast(*executor);
  }
}

std::string RenderVerdict(const std::vector<Certificate>& verdicts) {
  constexpr size_t kNameWidth = 30;
  std::vector<size_t> widths;
  for (const Certificate& verdict : verdicts) {
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

  std::string text = row("invariant", [](const Certificate& verdict) { return verdict.design; });
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<spec::Invariant>(i);
    text += row(absl::StrFormat("%s %s", spec::IdOf(invariant), spec::NameOf(invariant)),
                [&](const Certificate& verdict) { return CellText(verdict, invariant); });
  }
  text += Questions(verdicts) + "\n";
  for (const Certificate& verdict : verdicts) {
    text += Extent(verdict) + explore::NotJudgedLine(verdict);
    text += FindingsOf(verdict);
  }
  return text;
}

}  // namespace iommufd_check::cli
