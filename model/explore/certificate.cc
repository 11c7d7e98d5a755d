#include "model/explore/certificate.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/explore/linear_extensions.h"
#include "model/program/text_codec.h"
#include "model/sim/check.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {
namespace {

// Raised when the counts of an exploration mean something else than before, so that old
// certificates do not merge with new ones.
constexpr uint64_t kMeaning = 2;

bool Better(const Finding& a, const Finding& b) {
  if (a.preemptions != b.preemptions) return a.preemptions < b.preemptions;
  if (a.fewest != b.fewest) return a.fewest;
  const std::string text_a = program::PrintProgram(a.witness);
  const std::string text_b = program::PrintProgram(b.witness);
  if (text_a.size() != text_b.size()) return text_a.size() < text_b.size();
  return text_a < text_b;
}

}  // namespace

void Identify(const program::Program& program, Certificate* c) {
  program::Program plain = program;
  plain.switches.clear();
  plain.expected.clear();
  plain.also.clear();
  plain.title.clear();
  plain.design.clear();
  sim::WordSink sink;
  sink.Add(kMeaning);
  for (const std::string& text :
       {c->work, c->design, c->schedules, c->reduction, c->faults, program::PrintProgram(plain)}) {
    sink.Add(text);
  }
  sink.Add(c->seed);
  c->places.ForEach([&](sim::ObjectKind kind, sim::Field field) {
    sink.Add(kind);
    sink.Add(field);
  });
  sink.Add(c->parts);
  c->identity = sim::HashWords(sink.words()).low;
}

const Finding* Certificate::Find(spec::Invariant invariant) const {
  for (const Finding& finding : findings) {
    if (finding.violation.invariant == invariant) return &finding;
  }
  return nullptr;
}

void Certificate::Enter(const program::Execution& execution, uint64_t steps, uint128 stands_for) {
  ++traces;
  transitions += steps;
  longest = std::max(longest, steps);
  digest += execution.digest;
  interleavings = SaturatingSum(interleavings, stands_for);
  for (const program::SiteVisit& visit : execution.sites) {
    ++sites[static_cast<size_t>(visit.site)];
  }
  for (size_t i = 0; i < armed.size(); ++i) armed[i] += execution.armed[i];
  met.Merge(execution.meetings);
}

void Certificate::EnterSchedule(const program::Program& variant,
                                const program::Execution& execution, int preemptions) {
  Enter(execution, execution.steps, 1);
  for (const spec::Violation& violation : execution.violations) {
    const Finding* known = Find(violation.invariant);
    if (known != nullptr && known->preemptions <= preemptions) continue;
    Keep({violation, variant, preemptions, false});
  }
}

void Certificate::Keep(Finding finding) {
  const auto position = std::find_if(findings.begin(), findings.end(), [&](const Finding& known) {
    return known.violation.invariant >= finding.violation.invariant;
  });
  const bool known =
      position != findings.end() && position->violation.invariant == finding.violation.invariant;
  if (!known) {
    findings.insert(position, std::move(finding));
  } else if (Better(finding, *position)) {
    *position = std::move(finding);
  }
}

std::string Certificate::WhyNotMergeable(const Certificate& other) const {
  if (identity != other.identity || parts != other.parts) {
    return absl::StrCat("certificates of ", program, " under ", design, " and of ", other.program,
                        " under ", other.design,
                        " are not of one exploration: program, design or bounds differ");
  }
  std::vector<uint32_t> both;
  std::set_intersection(done.begin(), done.end(), other.done.begin(), other.done.end(),
                        std::back_inserter(both));
  if (both.empty()) return "";
  return absl::StrCat("part ", both.front(), " of ", program, " under ", design,
                      " is in two certificates; give each shard once");
}

void Certificate::Merge(const Certificate& other) {
  IOMMUFD_CHECK(WhyNotMergeable(other).empty(), "only parts of one exploration merge");
  std::vector<uint32_t> all;
  std::merge(done.begin(), done.end(), other.done.begin(), other.done.end(),
             std::back_inserter(all));
  done = std::move(all);
  finished = finished && other.finished;
  if (ended_by.empty() || (!other.ended_by.empty() && other.ended_by < ended_by)) {
    ended_by = other.ended_by;
  }
  executions += other.executions;
  plans += other.plans;
  met.Merge(other.met);
  rounds = std::max(rounds, other.rounds);
  Add(other);
}

// What runs add up to, whatever they were runs of.
void Certificate::Add(const Certificate& other) {
  traces += other.traces;
  transitions += other.transitions;
  longest = std::max(longest, other.longest);
  interleavings = SaturatingSum(interleavings, other.interleavings);
  digest += other.digest;
  for (size_t i = 0; i < sites.size(); ++i) sites[i] += other.sites[i];
  for (size_t i = 0; i < armed.size(); ++i) armed[i] += other.armed[i];
  for (const Finding& finding : other.findings) Keep(finding);
}

}  // namespace iommufd_check::explore
