// RapidCheck's view of programs: each operation of the alphabet as a command of a stateful test.
//
// The model knows which objects exist, by kind; the system under test is a program that grows by
// one operation and is executed anew, so a failing sequence is a program like any other. Arguments
// are choices among what exists, so that they keep their meaning while RapidCheck shrinks.
#pragma once

#include <rapidcheck.h>
#include <rapidcheck/state.h>

#include <array>
#include <ostream>
#include <vector>

#include "model/program/execute/executor.h"
#include "model/spec/invariants.h"

namespace iommufd_check::props {

struct ProgramModel {
  std::array<int, static_cast<size_t>(program::ResultKind::kCount)> created{};
};

// Executes a growing program under one design.
class ProgramUnderTest {
 public:
  // Only violations of `wanted` fail the property; empty: all of them.
  ProgramUnderTest(program::Executor* executor, liveupdate::Design* design,
                   std::vector<spec::Invariant> wanted)
      : executor_(*executor), design_(*design), wanted_(std::move(wanted)) {}

  // Appends and executes; with `fails`, one of the calls that the operation makes fails. The
  // violation wanted, or null.
  const spec::Violation* Append(program::Operation operation, bool fails, uint16_t failing_call);

  const program::Program& program() const { return program_; }
  liveupdate::Design& design() const { return design_; }

 private:
  void PlanFault(uint16_t operation, uint16_t choice);

  program::Executor& executor_;
  liveupdate::Design& design_;
  std::vector<spec::Invariant> wanted_;
  program::Program program_;
};

using Command = rc::state::Command<ProgramModel, ProgramUnderTest>;

// A command of any operation; one of the calls that it makes may fail.
rc::Gen<std::shared_ptr<const Command>> GenCommand(const ProgramModel& model);

// The smallest failing program that commands have seen since it was last cleared: after a shrunk
// failure, RapidCheck's counterexample.
struct SmallestFailure {
  bool found = false;
  program::Program program;
  spec::Violation violation;
};
SmallestFailure& Smallest();

// How often each invariant had something to say in the runs of commands since it was last cleared.
using ArmedCounts = std::array<uint64_t, spec::kInvariants>;
ArmedCounts& Armed();

}  // namespace iommufd_check::props
