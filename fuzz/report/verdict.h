// The verdict: which invariants each design holds, over a set of programs and all their variants
// within stated bounds.
//
// For each design every program runs as written and is then searched (single faults, schedules).
// For each finding (program/identity.h) the shortest program that shows it is kept and minimised.
// The engines that run, search and minimise come as functions, so that a test can stand in for
// them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "model/explore/work/certificate.h"
#include "model/liveupdate/design.h"
#include "model/program/execute/executor.h"
#include "model/program/program.h"
#include "model/spec/invariants.h"
#include "model/uapi/contract.h"

namespace iommufd_check::cli {

struct SearchBounds {
  uint32_t preemptions = 2;     // in one schedule of a run with a fault
  bool single_faults = true;    // also each run in which one call fails
  uint64_t max_executions = 0;  // of each design; 0: no limit
  program::FindingPolicy policy;
};

struct SearchOutcome {
  uint64_t executions = 0;
  bool exhausted = true;  // everything within the bounds was run
};

using Visitor = std::function<void(const program::Program&, const program::Execution&)>;
using Predicate = std::function<bool(const program::Program&)>;

struct Engine {
  // The result is valid until the next call of any of these.
  std::function<const program::Execution&(liveupdate::Design&, const program::Program&)> run;
  // Runs the variants of a program, at most bounds.max_executions when that is not 0, and shows
  // each with its execution.
  std::function<SearchOutcome(liveupdate::Design&, const program::Program&, const SearchBounds&,
                              const Visitor&)>
      search;
  std::function<program::Program(const program::Program&, const Predicate&)> minimise;
  std::function<int()> preemptions;  // of the last run
};

struct DesignVerdict {
  std::string design;
  std::vector<uapi::Question> questions;  // of its contract
  // How often each invariant had something to say.
  std::array<uint64_t, spec::kInvariants> armed{};
  // Of which only `findings`, with minimised programs, and what the policy tolerates mean
  // something.
  explore::Certificate found;
  uint64_t programs = 0;    // that were run as written
  uint64_t executions = 0;  // without those of minimising
  bool exhausted = true;

  bool violated() const { return found.violated(); }
};

// `progress` gets a line now and then, none of which is a result.
DesignVerdict JudgeDesign(const Engine& engine, liveupdate::Design& design,
                          const std::vector<program::Program>& programs, const SearchBounds& bounds,
                          const std::function<void(const std::string&)>& progress);

// Rows are invariants, columns designs. For each design a line about the extent of the search
// follows, then its findings: what may be the cause of others first, those below it.
std::string RenderVerdict(const std::vector<DesignVerdict>& verdicts, const SearchBounds& bounds);

}  // namespace iommufd_check::cli
