#include "model/explore/work/certificate_text.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "model/explore/schedules/linear_extensions.h"
#include "model/explore/schedules/place_text.h"
#include "model/explore/work/finding_groups.h"

namespace iommufd_check::explore {
namespace {

std::string IdOf(size_t invariant) {
  return std::string(spec::IdOf(static_cast<spec::Invariant>(invariant)));
}

std::string BoundsOf(const Certificate& c) {
  std::string text = absl::StrCat(c.schedules, ", reduction ", c.reduction);
  if (c.faults != "own") absl::StrAppend(&text, ", faults ", c.faults);
  if (c.seed.has_value()) absl::StrAppend(&text, ", seed ", *c.seed);
  return text;
}

std::vector<std::string> SiteNames(const Certificate& c, bool reached) {
  std::vector<std::string> names;
  for (size_t i = 0; i < c.sites.size(); ++i) {
    if ((c.sites[i] != 0) != reached) continue;
    names.emplace_back(sim::Name(static_cast<sim::FaultSite>(i)));
  }
  return names;
}

std::vector<std::string> ArmedIds(const Certificate& c, bool armed) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if ((c.armed[i] != 0) == armed) ids.push_back(IdOf(i));
  }
  return ids;
}

std::vector<std::string> BrokenIds(const Certificate& c) {
  std::vector<std::string> ids;
  for (const Finding& finding : c.findings) ids.push_back(TextOf(finding.identity));
  return ids;
}

std::string ArmedLine(const Certificate& c) {
  std::string text;
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if (c.armed[i] != 0) absl::StrAppend(&text, " ", IdOf(i), "(", c.armed[i], ")");
  }
  return text;
}

std::string OrNone(const std::vector<std::string>& names) {
  return names.empty() ? "none" : absl::StrJoin(names, " ");
}

std::string ReductionLine(const Certificate& c) {
  if (c.traces == 0 || c.interleavings == 0) return "";
  if (c.interleavings == kManyInterleavings) {
    return "  reduction    more interleavings than are counted\n";
  }
  return absl::StrCat("  reduction    ", Decimal(c.interleavings), " interleavings, ",
                      ReductionFactor(c), " for each trace\n");
}

std::string Counted(uint64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string FindingLine(const Certificate& c, const Finding& finding) {
  const auto preemptions = static_cast<uint64_t>(finding.preemptions);
  std::string text =
      absl::StrCat(TextOf(finding.identity), " with ", Counted(preemptions, "preemption"),
                   c.HasFewest(finding) ? ", the fewest" : "");
  // None in the share of an exploration whose witness comes from the search for the shortest.
  if (finding.runs > 0) absl::StrAppend(&text, "; in ", Counted(finding.runs, "run"));
  if (finding.first == 0 && finding.after.has_value()) {
    absl::StrAppend(&text, " after ", TextOf(*finding.after));
  }
  return absl::StrCat(text, ": ", finding.detail, "\n");
}

// Both lists are in the order of their ids.
void AppendChanges(const char* gained, const char* lost, std::vector<std::string> before,
                   std::vector<std::string> now, std::string* text) {
  std::sort(before.begin(), before.end());
  std::sort(now.begin(), now.end());
  std::vector<std::string> more, fewer;
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(),
                      std::back_inserter(more));
  std::set_difference(before.begin(), before.end(), now.begin(), now.end(),
                      std::back_inserter(fewer));
  if (!more.empty()) absl::StrAppend(text, "  ", gained, " ", absl::StrJoin(more, " "), "\n");
  if (!fewer.empty()) absl::StrAppend(text, "  ", lost, " ", absl::StrJoin(fewer, " "), "\n");
}

// Where tasks were switched besides locks, calls that can fail and the beginning of calls, and
// whether that was everywhere they met.
std::string PlacesLine(const Certificate& c) {
  const std::vector<std::string> places = TextsOf(c.places);
  std::string text = places.empty() ? "none" : absl::StrJoin(places, ", ");
  if (c.closed()) {
    absl::StrAppend(&text, "; no other after ", Counted(c.rounds, "round"));
  } else {
    absl::StrAppend(&text, "; met at ", absl::StrJoin(TextsOf(c.met), ", "));
  }
  return absl::StrCat("  places       ", text, "\n");
}

}  // namespace

std::string Decimal(uint128 value) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::optional<uint128> FromDecimal(const std::string& text) {
  uint128 value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const uint128 digit = static_cast<uint128>(c - '0');
    if (value > (kManyInterleavings - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  if (Decimal(value) != text) return std::nullopt;
  return value;
}

std::string ReductionFactor(const Certificate& c) {
  if (c.traces == 0 || c.interleavings == 0 || c.interleavings == kManyInterleavings) return "";
  const double factor = static_cast<double>(c.interleavings) / static_cast<double>(c.traces);
  return absl::StrFormat("%.3g", factor);
}

std::string ExtentOf(const Certificate& c) {
  const std::string by = c.ended_by.empty() ? "" : absl::StrCat(" (", c.ended_by, ")");
  if (!c.finished) return absl::StrCat("NOT exhausted", by);
  if (c.sampled) return "sampled";
  if (!c.closed()) return "NOT exhausted (tasks met at further places)";
  return c.complete() ? "exhausted" : "its parts exhausted";
}

std::string NotJudgedLine(const Certificate& c) {
  if (c.not_judged == 0) return "";
  return absl::StrCat(
      "  NOT JUDGED   ", c.not_judged,
      " executions: the search for an order of their answers ended at its budget\n");
}

std::string RenderText(const Certificate& c) {
  std::string text = absl::StrCat(c.work, " ", c.program, " under ", c.design, "\n");
  absl::StrAppend(&text, "  bounds       ", BoundsOf(c), "\n");
  absl::StrAppend(&text, "  covered      ", ExtentOf(c), ": ", c.traces, " traces, ", c.executions,
                  " executions, ", c.transitions, " transitions, longest ", c.longest, " steps");
  if (c.plans != 0) absl::StrAppend(&text, ", ", c.plans, " fault plans");
  absl::StrAppend(&text, "\n");
  text += NotJudgedLine(c);
  if (c.parts > 1) absl::StrAppend(&text, "  parts        ", c.done.size(), " of ", c.parts, "\n");
  absl::StrAppend(&text, ReductionLine(c));
  if (c.work == "explore") absl::StrAppend(&text, PlacesLine(c));
  const std::vector<std::string> reached = SiteNames(c, true);
  absl::StrAppend(&text, "  fault sites  ", reached.size(), " of ", c.sites.size(),
                  " reached: ", OrNone(reached), "\n");
  absl::StrAppend(&text, "  armed       ", ArmedLine(c), "\n");
  absl::StrAppend(&text, "  never armed  ", OrNone(ArmedIds(c, false)), "\n");
  absl::StrAppendFormat(&text, "  digest       %016x\n", c.digest);
  for (const FindingGroup& group : GroupsOf(c)) {
    absl::StrAppend(&text, "  VIOLATED     ", FindingLine(c, *group.primary));
    for (const Finding* other : group.others) {
      absl::StrAppend(&text, "  VIOLATED       ", FindingLine(c, *other));
    }
  }
  for (const Tolerated& tolerated : c.tolerated) {
    absl::StrAppend(&text, "  tolerated    ", TextOf(tolerated.identity), " in ",
                    Counted(tolerated.runs, "run"), "\n");
  }
  if (c.findings.empty()) absl::StrAppend(&text, "  verdict      no violation\n");
  return text;
}

std::string RenderDifference(const Certificate& before, const Certificate& now) {
  std::string text;
  const auto compare = [&text](const char* what, const std::string& a, const std::string& b) {
    if (a != b) absl::StrAppendFormat(&text, "  %-12s %s, was %s\n", what, b, a);
  };
  const auto count = [&compare](const char* what, uint64_t a, uint64_t b) {
    compare(what, absl::StrCat(a), absl::StrCat(b));
  };
  compare("bounds", BoundsOf(before), BoundsOf(now));
  compare("covered", ExtentOf(before), ExtentOf(now));
  count("programs", before.programs, now.programs);
  count("traces", before.traces, now.traces);
  count("executions", before.executions, now.executions);
  count("not_judged", before.not_judged, now.not_judged);
  count("transitions", before.transitions, now.transitions);
  count("longest", before.longest, now.longest);
  count("fault plans", before.plans, now.plans);
  compare("digest", absl::StrFormat("%016x", before.digest), absl::StrFormat("%016x", now.digest));
  AppendChanges("now reached ", "not reached ", SiteNames(before, true), SiteNames(now, true),
                &text);
  AppendChanges("now armed   ", "not armed   ", ArmedIds(before, true), ArmedIds(now, true), &text);
  AppendChanges("NOW BROKEN  ", "holds again ", BrokenIds(before), BrokenIds(now), &text);
  return text.empty() ? "  no difference\n" : text;
}

}  // namespace iommufd_check::explore
