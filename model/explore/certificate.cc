#include "model/explore/certificate.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "model/program/text_codec.h"
#include "model/sim/check.h"
#include "nlohmann/json.hpp"

namespace iommufd_check::explore {

using spec::Invariant;

namespace {

std::string IdOf(size_t invariant) {
  return std::string(spec::IdOf(static_cast<Invariant>(invariant)));
}

std::string IdOf(const Finding& finding) {
  return std::string(spec::IdOf(finding.violation.invariant));
}

std::string BoundsOf(const Certificate& c) {
  std::string text = c.preemptions.has_value()
                         ? absl::StrCat("schedules with at most ", *c.preemptions, " preemptions")
                         : "all interleavings";
  absl::StrAppend(&text, ", reduction ", c.reduction);
  if (c.faults != "none") absl::StrAppend(&text, ", faults ", c.faults);
  return text;
}

// " object_alloc area_alloc ...": the sites that were reached, or those that were not.
std::string SiteNames(const Certificate& c, bool reached) {
  std::string text;
  for (size_t i = 0; i < c.sites.size(); ++i) {
    if ((c.sites[i] != 0) != reached) continue;
    absl::StrAppend(&text, " ", std::string(sim::Name(static_cast<sim::FaultSite>(i))));
  }
  return text;
}

std::string ArmedLine(const Certificate& c) {
  std::string text;
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if (c.armed[i] != 0) absl::StrAppend(&text, " ", IdOf(i), "(", c.armed[i], ")");
  }
  return text;
}

std::string NeverArmedLine(const Certificate& c) {
  std::string text;
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if (c.armed[i] == 0) absl::StrAppend(&text, " ", IdOf(i));
  }
  return text.empty() ? " none" : text;
}

}  // namespace

const Finding* Certificate::Find(Invariant invariant) const {
  for (const Finding& finding : findings) {
    if (finding.violation.invariant == invariant) return &finding;
  }
  return nullptr;
}

void Certificate::Count(const program::Execution& execution) {
  for (const program::SiteVisit& visit : execution.sites) {
    ++sites[static_cast<size_t>(visit.site)];
  }
  for (size_t i = 0; i < armed.size(); ++i) armed[i] += execution.armed[i];
}

void Certificate::Keep(Finding finding) {
  const auto position = std::find_if(findings.begin(), findings.end(), [&](const Finding& known) {
    return known.violation.invariant >= finding.violation.invariant;
  });
  const bool known = position != findings.end() &&
                     position->violation.invariant == finding.violation.invariant;
  if (!known) {
    findings.insert(position, std::move(finding));
  } else if (finding.preemptions < position->preemptions ||
             (finding.fewest && !position->fewest &&
              finding.preemptions == position->preemptions)) {
    *position = std::move(finding);
  }
}

void Certificate::Merge(const Certificate& shard) {
  IOMMUFD_CHECK(work == shard.work, "shards of one exploration do the same work");
  IOMMUFD_CHECK(reduction == shard.reduction, "shards of one exploration reduce alike");
  IOMMUFD_CHECK(preemptions == shard.preemptions, "shards of one exploration have one bound");
  if (program != shard.program) program = "*";
  exhausted = exhausted && shard.exhausted;
  executions += shard.executions;
  traces += shard.traces;
  transitions += shard.transitions;
  longest = std::max(longest, shard.longest);
  plans += shard.plans;
  orders_log10 = std::max(orders_log10, shard.orders_log10);
  digest += shard.digest;
  for (size_t i = 0; i < sites.size(); ++i) sites[i] += shard.sites[i];
  for (size_t i = 0; i < armed.size(); ++i) armed[i] += shard.armed[i];
  for (const Finding& finding : shard.findings) Keep(finding);
}

std::string RenderText(const Certificate& c) {
  std::string text = absl::StrCat(c.work, " ", c.program, " under ", c.design, "\n");
  absl::StrAppend(&text, "  bounds       ", BoundsOf(c), "\n");
  absl::StrAppend(&text, "  covered      ", c.exhausted ? "exhausted" : "NOT exhausted", ": ",
                  c.traces, " traces, ", c.executions, " executions, ", c.transitions,
                  " transitions, longest ", c.longest, " steps");
  if (c.plans != 0) absl::StrAppend(&text, ", ", c.plans, " fault plans");
  absl::StrAppendFormat(&text, "\n  reduction    10^%.1f orders of the first run's steps\n",
                        c.orders_log10);
  const auto reached = std::count_if(c.sites.begin(), c.sites.end(), [](uint64_t n) { return n; });
  absl::StrAppend(&text, "  fault sites  ", reached, " of ", c.sites.size(), " reached:",
                  SiteNames(c, true), "\n");
  absl::StrAppend(&text, "  armed       ", ArmedLine(c), "\n");
  absl::StrAppend(&text, "  never armed ", NeverArmedLine(c), "\n");
  absl::StrAppendFormat(&text, "  digest       %016x\n", c.digest);
  for (const Finding& finding : c.findings) {
    absl::StrAppend(&text, "  VIOLATED     ", IdOf(finding), " with ", finding.preemptions,
                    " preemptions",
                    finding.fewest ? ", the fewest" : "", ": ", finding.violation.detail, "\n");
  }
  if (c.findings.empty()) absl::StrAppend(&text, "  verdict      no violation\n");
  return text;
}

std::string RenderJson(const Certificate& c) {
  nlohmann::ordered_json json;
  json["work"] = c.work;
  json["program"] = c.program;
  json["design"] = c.design;
  json["reduction"] = c.reduction;
  if (c.preemptions.has_value()) json["preemptions"] = *c.preemptions;
  json["faults"] = c.faults;
  json["exhausted"] = c.exhausted;
  json["executions"] = c.executions;
  json["traces"] = c.traces;
  json["transitions"] = c.transitions;
  json["longest"] = c.longest;
  json["plans"] = c.plans;
  json["orders_log10"] = absl::StrFormat("%.1f", c.orders_log10);
  json["digest"] = absl::StrFormat("%016x", c.digest);
  for (size_t i = 0; i < c.sites.size(); ++i) {
    json["sites"][std::string(sim::Name(static_cast<sim::FaultSite>(i)))] = c.sites[i];
  }
  json["never_armed"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < c.armed.size(); ++i) {
    if (c.armed[i] == 0) {
      json["never_armed"].push_back(IdOf(i));
    } else {
      json["armed"][IdOf(i)] = c.armed[i];
    }
  }
  json["findings"] = nlohmann::ordered_json::array();
  for (const Finding& finding : c.findings) {
    json["findings"].push_back({{"invariant", IdOf(finding)},
                                {"preemptions", finding.preemptions},
                                {"fewest", finding.fewest},
                                {"detail", finding.violation.detail},
                                {"program", program::PrintProgram(finding.witness)}});
  }
  return json.dump(2) + "\n";
}

}  // namespace iommufd_check::explore
