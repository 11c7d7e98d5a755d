#include "fuzz/report/expectations.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_format.h"
#include "fuzz/report/event_text.h"
#include "model/sim/check.h"
#include "model/sim/errno.h"

namespace iommufd_check::cli {
namespace {

using program::ExpectedViolation;
using program::Program;
using spec::Violation;

spec::Invariant InvariantOf(const std::string& name) {
  const std::optional<spec::Invariant> invariant = spec::InvariantFromName(name);
  IOMMUFD_CHECK(invariant.has_value(), "names of invariants are checked when a file is read");
  return *invariant;
}

std::array<bool, spec::kInvariants> ExpectedInvariants(const Program& program) {
  std::array<bool, spec::kInvariants> expected{};
  for (const ExpectedViolation& line : program.expected) {
    expected[static_cast<size_t>(InvariantOf(line.invariant))] = true;
  }
  for (const std::string& id : program.also) expected[static_cast<size_t>(InvariantOf(id))] = true;
  return expected;
}

const Violation* FindExpected(const Program& program,
                              const std::vector<const Violation*>& violations) {
  for (const ExpectedViolation& expected : program.expected) {
    for (const Violation* violation : violations) {
      if (Meets(program, expected, *violation)) return violation;
    }
  }
  return nullptr;
}

void CompareErrnos(const Program& program, const program::Execution& execution,
                   std::vector<std::string>* divergences) {
  for (size_t i = 0; i < program.operations.size(); ++i) {
    const std::optional<int>& expected = program.operations[i].expected_errno;
    if (!expected.has_value()) continue;
    const std::string place = OperationText(program, static_cast<uint16_t>(i));
    const program::OperationResult result =
        i < execution.results.size() ? execution.results[i] : program::OperationResult{};
    if (!result.ran) {
      divergences->push_back(
          absl::StrFormat("%s did not return; expected %s", place, sim::ErrnoName(*expected)));
    } else if (result.result != -*expected) {
      divergences->push_back(absl::StrFormat("%s returned %s; expected %s", place,
                                             sim::ErrnoName(result.result),
                                             sim::ErrnoName(*expected)));
    }
  }
}

void CompareViolations(const Program& program, const std::vector<Violation>& violations,
                       const std::vector<const Violation*>& wanted,
                       std::vector<std::string>* divergences) {
  const auto occurs = [&](const ExpectedViolation& expected) {
    return std::any_of(violations.begin(), violations.end(),
                       [&](const Violation& v) { return Meets(program, expected, v); });
  };
  for (const ExpectedViolation& expected : program.expected) {
    if (occurs(expected)) continue;
    const std::string at =
        expected.operation ? absl::StrFormat(" at %s", program::SpecOf(*expected.operation).name)
                           : "";
    divergences->push_back(
        absl::StrFormat("expected violation of %s%s did not occur", expected.invariant, at));
  }
  for (const std::string& id : program.also) {
    if (!occurs({.invariant = id})) {
      divergences->push_back(absl::StrFormat("expected companion %s did not occur", id));
    }
  }
  std::array<bool, spec::kInvariants> known = ExpectedInvariants(program);
  for (const Violation* violation : wanted) {
    bool& reported = known[static_cast<size_t>(violation->invariant)];
    if (reported) continue;
    reported = true;
    divergences->push_back(absl::StrFormat("unexpected violation of %s at %s",
                                           spec::IdOf(violation->invariant),
                                           OperationText(program, violation->operation)));
  }
}

}  // namespace

bool StatesViolations(const Program& program) {
  return !program.expected.empty() || !program.also.empty();
}

bool Meets(const Program& program, const ExpectedViolation& expected, const Violation& violation) {
  if (InvariantOf(expected.invariant) != violation.invariant) return false;
  if (!expected.operation.has_value()) return true;
  return violation.operation < program.operations.size() &&
         program.operations[violation.operation].code == *expected.operation;
}

Judgement Judge(const Program& program, const program::Execution& execution, bool compare,
                std::optional<spec::Invariant> stop_at, const program::FindingPolicy& policy) {
  Judgement judgement;
  std::vector<const Violation*> wanted;
  for (const Violation& violation : execution.violations) {
    const program::Identity identity = IdentityOf(program, violation);
    if (policy.Wants(identity)) {
      wanted.push_back(&violation);
    } else {
      judgement.tolerated.push_back(TextOf(identity));
    }
  }
  const auto expected = ExpectedInvariants(program);
  const auto is_expected = [&](const Violation* violation) {
    return expected[static_cast<size_t>(violation->invariant)];
  };
  const auto first_of = [&](const auto& is_meant) -> const Violation* {
    const auto found = std::find_if(wanted.begin(), wanted.end(), is_meant);
    return found == wanted.end() ? nullptr : *found;
  };
  if (stop_at.has_value()) {
    judgement.subject = first_of([&](const Violation* v) { return v->invariant == *stop_at; });
  }
  if (compare) {
    CompareErrnos(program, execution, &judgement.divergences);
    if (StatesViolations(program) || !program.design.empty()) {
      CompareViolations(program, execution.violations, wanted, &judgement.divergences);
    }
  }
  if (judgement.subject == nullptr) judgement.subject = FindExpected(program, wanted);
  if (judgement.subject == nullptr) {
    judgement.subject = first_of([&](const Violation* v) { return !is_expected(v); });
  }
  if (judgement.subject == nullptr && !wanted.empty()) judgement.subject = wanted[0];
  judgement.expected = judgement.subject != nullptr && is_expected(judgement.subject);
  return judgement;
}

}  // namespace iommufd_check::cli
