#include "fuzz/identity.h"

#include <algorithm>
#include <array>

namespace iommufd_check::cli {

Identity IdentityOf(const program::Program& program, const spec::Violation& violation) {
  Identity identity{.invariant = violation.invariant};
  if (violation.operation < program.operations.size()) {
    identity.operation = program.operations[violation.operation].code;
  }
  return identity;
}

const spec::Violation* FindIdentity(const program::Program& program,
                                    const program::Execution& execution, const Identity& identity) {
  const auto found = std::find_if(
      execution.violations.begin(), execution.violations.end(),
      [&](const spec::Violation& violation) { return IdentityOf(program, violation) == identity; });
  return found == execution.violations.end() ? nullptr : &*found;
}

program::Program AsFinding(program::Program program, const program::Execution& execution,
                           const Identity& identity, const std::string& design) {
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
  for (program::Operation& operation : program.operations) operation.expected_errno.reset();
  return program;
}

}  // namespace iommufd_check::cli
