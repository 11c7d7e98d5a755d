#include "model/explore/work/summary.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/explore/work/certificate_text.h"
#include "model/sim/check.h"

namespace iommufd_check::explore {
namespace {

// How far the search went, in words.
std::string ExtentOf(const SearchReport& report) {
  switch (report.outcome.ending) {
    case Ending::kExhausted:
      return "exhausted";
    case Ending::kViolation:
      return "ended by a violation";
    case Ending::kDepthBound:
      return report.depth_is_stated ? "exhausted to the stated depth" : "NOT exhausted (max_depth)";
    case Ending::kStateBound:
      return "NOT exhausted (max_states)";
    case Ending::kMemoryBound:
      return "NOT exhausted (max_memory)";
    case Ending::kStopped:
      return "NOT exhausted (max_seconds)";
  }
  IOMMUFD_CHECK(false, "every ending has an extent");
  __builtin_unreachable();
}

}  // namespace

Summary SummaryOf(const Certificate& c) {
  return {.work = c.work,
          .unit = "executions",
          .count = c.executions,
          .extent = ExtentOf(c),
          .exhausted = c.exhausted(),
          .done = c.finished && c.closed(),
          .findings = c.findings.size()};
}

Summary SummaryOf(const SearchReport& report) {
  const SearchOutcome& outcome = report.outcome;
  const bool stated = outcome.ending == Ending::kDepthBound && report.depth_is_stated;
  auto findings = static_cast<size_t>(
      std::count_if(outcome.invariants.begin(), outcome.invariants.end(),
                    [](const InvariantTally& invariant) { return invariant.broken > 0; }));
  // A level that a violation ends is not counted.
  if (outcome.counterexample.has_value()) findings = std::max(findings, size_t{1});
  if (outcome.whole.has_value() && outcome.whole->broken) ++findings;
  return {.work = "search",
          .unit = "states",
          .count = outcome.states,
          .extent = ExtentOf(report),
          .exhausted = outcome.ending == Ending::kExhausted,
          .done = outcome.ending == Ending::kExhausted || stated,
          .findings = findings};
}

int ExitCode(const Summary& summary) {
  if (summary.findings > 0) return 1;
  return summary.done ? 0 : 3;
}

std::string RenderTotals(const std::vector<Summary>& summaries) {
  IOMMUFD_CHECK(!summaries.empty(), "nothing done is no result");
  uint64_t count = 0;
  size_t findings = 0;
  const Summary* least = &summaries.front();  // the first that is not exhausted, if any
  for (const Summary& summary : summaries) {
    count += summary.count;
    findings += summary.findings;
    if (least->exhausted && !summary.exhausted) least = &summary;
  }
  const std::string found = findings == 0   ? "no violation"
                            : findings == 1 ? "1 finding"
                                            : absl::StrCat(findings, " findings");
  return absl::StrCat(least->work, ": ", summaries.size(),
                      summaries.size() == 1 ? " certificate, " : " certificates, ",
                      WithCommas(count), " ", least->unit, ", ", least->extent, ", ", found, "\n");
}

}  // namespace iommufd_check::explore
