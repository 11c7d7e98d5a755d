#include "model/explore/work/certificate.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/explore/schedules/linear_extensions.h"
#include "model/program/text/text_codec.h"
#include "model/sim/check.h"
#include "model/sim/reflect.h"

namespace iommufd_check::explore {
namespace {

// Raised when the counts of an exploration mean something else than before, so that old
// certificates do not merge with new ones.
constexpr uint64_t kMeaning = 2;

// Fewer operations are easier to read, then fewer faults, then fewer switches.
std::tuple<size_t, size_t, size_t> SizeOf(const program::Program& program) {
  return {program.operations.size(), program.faults.size(), program.switches.size()};
}

// Where the identity is among `list`, or belongs.
template <class List>
auto PlaceOf(List& list, const program::Identity& identity) {
  return std::lower_bound(list.begin(), list.end(), identity,
                          [](const auto& a, const program::Identity& b) { return a.identity < b; });
}

// Runs of a finding that is known to be tolerated were counted with the others.
void AddTolerated(const Tolerated& more, std::vector<Tolerated>* list) {
  const auto known = PlaceOf(*list, more.identity);
  if (known == list->end() || known->identity != more.identity) {
    list->insert(known, more);
  } else {
    known->runs += more.runs;
  }
}

// What a program does, whatever is said of it.
std::string TextToIdentify(program::Program program, bool with_switches) {
  if (!with_switches) program.switches.clear();
  program.expected.clear();
  program.also.clear();
  program.title.clear();
  program.design.clear();
  return program::PrintProgram(program);
}

}  // namespace

bool Certificate::Better(const Finding& a, const Finding& b) const {
  if (order == WitnessOrder::kSmallestProgram) {
    return std::tuple(SizeOf(a.witness), a.part) < std::tuple(SizeOf(b.witness), b.part);
  }
  if (a.preemptions != b.preemptions) return a.preemptions < b.preemptions;
  if (a.fewest != b.fewest) return a.fewest;
  if (a.after.has_value() != b.after.has_value()) return !a.after.has_value();
  const std::string text_a = program::PrintProgram(a.witness);
  const std::string text_b = program::PrintProgram(b.witness);
  if (text_a.size() != text_b.size()) return text_a.size() < text_b.size();
  return text_a < text_b;
}

void Identify(std::span<const program::Program> programs, Certificate* c) {
  sim::WordSink sink;
  sink.Add(kMeaning);
  for (const std::string& text : {c->work, c->design, c->schedules, c->reduction, c->faults}) {
    sink.Add(text);
  }
  // Where the smallest program is wanted, each also runs as it is written.
  const bool as_written = c->order == WitnessOrder::kSmallestProgram;
  for (const program::Program& program : programs) sink.Add(TextToIdentify(program, as_written));
  sink.Add(c->seed);
  c->places.ForEach([&](sim::ObjectKind kind, sim::Field field) {
    sink.Add(kind);
    sink.Add(field);
  });
  sink.Add(c->parts);
  c->identity = sim::HashWords(sink.words()).low;
}

const Finding* Certificate::Find(const program::Identity& wanted) const {
  const auto found = PlaceOf(findings, wanted);
  return found == findings.end() || found->identity != wanted ? nullptr : &*found;
}

const Finding* Certificate::Find(spec::Invariant invariant) const {
  const Finding* best = nullptr;
  for (const Finding& finding : findings) {
    if (finding.identity.invariant != invariant) continue;
    if (best == nullptr || Better(finding, *best)) best = &finding;
  }
  return best;
}

void Certificate::Enter(const program::Execution& execution, uint64_t steps, uint128 stands_for) {
  ++traces;
  transitions += steps;
  longest = std::max(longest, steps);
  not_judged += execution.not_judged;
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
  EnterViolations(variant, execution, preemptions, [&variant] { return variant; });
}

void Certificate::EnterViolations(const program::Program& run, const program::Execution& execution,
                                  int preemptions,
                                  const std::function<program::Program()>& witness) {
  if (execution.violations.empty()) return;
  const spec::Violation* primary = program::PrimaryOf(execution.violations);
  std::optional<program::Identity> cause;
  if (primary != nullptr) cause = IdentityOf(run, *primary);
  std::vector<program::Identity> entered;  // two operations of a kind break the same
  for (const spec::Violation& violation : execution.violations) {
    Finding finding{.identity = IdentityOf(run, violation),
                    .detail = violation.detail,
                    .preemptions = preemptions};
    if (std::find(entered.begin(), entered.end(), finding.identity) != entered.end()) continue;
    entered.push_back(finding.identity);
    if (cause != finding.identity && !program::StandsAlone(violation)) finding.after = cause;
    const auto known = PlaceOf(findings, finding.identity);
    if (known != findings.end() && known->identity == finding.identity) {
      ++known->runs;
      known->first += finding.after.has_value() ? 0 : 1;
      const bool earlier = known->after.has_value() && !finding.after.has_value();
      const bool may_be_better =
          order == WitnessOrder::kSmallestProgram
              ? SizeOf(run) < SizeOf(known->witness)
              : preemptions < known->preemptions || (preemptions == known->preemptions && earlier);
      if (!may_be_better) continue;
    } else {
      finding.runs = 1;
      finding.first = finding.after.has_value() ? 0 : 1;
    }
    finding.witness = witness();
    Keep(std::move(finding));
  }
}

void Certificate::Keep(Finding finding) {
  const auto known = PlaceOf(findings, finding.identity);
  if (known == findings.end() || known->identity != finding.identity) {
    findings.insert(known, std::move(finding));
    return;
  }
  finding.runs += known->runs;
  finding.first += known->first;
  if (Better(finding, *known)) {
    *known = std::move(finding);
  } else {
    known->runs = finding.runs;
    known->first = finding.first;
  }
}

void Certificate::Tolerate(const program::FindingPolicy& findings_that_count) {
  policy = findings_that_count.text();
  std::vector<Finding> wanted;
  for (Finding& finding : findings) {
    if (findings_that_count.Wants(finding.identity)) {
      wanted.push_back(std::move(finding));
    } else {
      AddTolerated({finding.identity, finding.runs}, &tolerated);
    }
  }
  findings = std::move(wanted);
}

std::string Certificate::WhyNotMergeable(const Certificate& other) const {
  if (identity != other.identity || parts != other.parts) {
    return absl::StrCat("certificates of ", program, " under ", design, " and of ", other.program,
                        " under ", other.design,
                        " are not of one exploration: program, design or bounds differ");
  }
  if (policy != other.policy) {
    return absl::StrCat("certificates of ", program, " under ", design,
                        " tolerate different findings");
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
  not_judged += other.not_judged;
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
  for (const Tolerated& more : other.tolerated) AddTolerated(more, &tolerated);
}

}  // namespace iommufd_check::explore
