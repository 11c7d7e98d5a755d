// What a program's file expects of its run, compared with what happened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/program/execute/executor.h"
#include "model/program/finding_pattern.h"
#include "model/program/program.h"
#include "model/spec/invariants.h"

namespace iommufd_check::cli {

struct Judgement {
  // The violation that a report is about; null when there is none.
  const spec::Violation* subject = nullptr;
  bool expected = false;  // the file says that `subject` occurs
  // One clause for each expectation that is not met; empty unless expectations were compared.
  std::vector<std::string> divergences;
  std::vector<std::string> tolerated;  // findings that occurred and do not count
};

// True when `program` says which invariants its run violates.
bool StatesViolations(const program::Program& program);

// True when a violation of `invariant` by an operation like that of `violation` is what `program`
// expects; an expectation without an operation is met by any.
bool Meets(const program::Program& program, const program::ExpectedViolation& expected,
           const spec::Violation& violation);

// With `compare`, the invariants violated must be exactly those of `expect violation` and `also`,
// the former at the operation they name, and each `-> ERRNO` must hold. A program without design
// and without such lines is open about violations: they are unexpected, but no divergence.
//
// The subject is the violation of `stop_at`, if that is set and was violated; else the first that
// an `expect violation` line means; else the first that the file does not mention; else the first.
Judgement Judge(const program::Program& program, const program::Execution& execution, bool compare,
                std::optional<spec::Invariant> stop_at = std::nullopt,
                const program::FindingPolicy& policy = {});

}  // namespace iommufd_check::cli
