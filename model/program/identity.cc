#include "model/program/identity.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "model/program/finding_pattern.h"

namespace iommufd_check::program {
namespace {

constexpr std::string_view kExit = "exit";

std::string SplatText(const Identity& identity) {
  if (identity.splat == sim::Splat::kCount) return "-";
  std::string text = sim::Slug(identity.splat);
  if (identity.condition != sim::Condition::kNone) {
    absl::StrAppend(&text, ".", sim::Slug(identity.condition));
  }
  return text;
}

}  // namespace

Identity IdentityOf(const Program& program, const spec::Violation& violation) {
  Identity identity{.invariant = violation.invariant,
                    .object = violation.object.kind,
                    .function = violation.function,
                    .splat = violation.splat,
                    .condition = violation.condition};
  if (violation.operation < program.operations.size()) {
    identity.operation = program.operations[violation.operation].code;
  }
  return identity;
}

std::string OperationOf(const Identity& identity) {
  return std::string(identity.operation ? SpecOf(*identity.operation).name : kExit);
}

std::string TextOf(const Identity& identity) {
  std::vector<std::string> parts{OperationOf(identity)};
  const bool has_object = identity.object != sim::ObjectKind::kNone;
  parts.push_back(has_object ? std::string(sim::Name(identity.object)) : "-");
  parts.emplace_back(sim::Name(identity.function));
  parts.push_back(SplatText(identity));
  while (parts.back() == "-") parts.pop_back();
  return absl::StrCat(std::string(spec::IdOf(identity.invariant)), "@", absl::StrJoin(parts, ":"));
}

absl::StatusOr<Identity> IdentityFromText(std::string_view text) {
  const absl::StatusOr<FindingPattern> pattern = FindingPattern::Parse(text);
  if (!pattern.ok()) return pattern.status();
  return pattern->AsIdentity();
}

const spec::Violation* FindIdentity(const Program& program, const Execution& execution,
                                    const Identity& identity) {
  const auto found = std::find_if(
      execution.violations.begin(), execution.violations.end(),
      [&](const spec::Violation& violation) { return IdentityOf(program, violation) == identity; });
  return found == execution.violations.end() ? nullptr : &*found;
}

Program AsFinding(Program program, const Execution& execution, const Identity& identity,
                  const std::string& design) {
  program.design = design;
  program.expected = {{std::string(spec::IdOf(identity.invariant)), identity.operation}};
  std::array<bool, spec::kInvariants> violated{};
  for (const spec::Violation& violation : execution.violations) {
    violated[static_cast<size_t>(violation.invariant)] = true;
  }
  program.also.clear();
  for (int i = 0; i < spec::kInvariants; ++i) {
    const auto invariant = static_cast<spec::Invariant>(i);
    if (violated[i] && invariant != identity.invariant) {
      program.also.emplace_back(spec::IdOf(invariant));
    }
  }
  for (Operation& operation : program.operations) operation.expected_errno.reset();
  return program;
}

bool StandsAlone(const spec::Violation& violation) {
  switch (violation.invariant) {
    case spec::Invariant::kI20:
    case spec::Invariant::kI26:  // a property of the layout, whatever happens
    case spec::Invariant::kI27:
      return true;
    default:
      break;
  }
  return violation.invariant == spec::Invariant::kI19 && violation.splat != sim::Splat::kDeadlock;
}

const spec::Violation* PrimaryOf(const std::vector<spec::Violation>& violations) {
  const spec::Violation* primary = nullptr;
  for (const spec::Violation& violation : violations) {
    if (StandsAlone(violation)) continue;
    if (primary == nullptr || std::tie(violation.event, violation.invariant) <
                                  std::tie(primary->event, primary->invariant)) {
      primary = &violation;
    }
  }
  return primary;
}

}  // namespace iommufd_check::program
