// Execute(design, program): the one way in which anything ever runs (design.md section 2).
//
// An Executor is reused for many runs; each run is a pure function of design and program. It boots
// a World, runs main, the tasks together under the program's switches, finally, and the process's
// exit, and checks every invariant at its point.
//
//   Executor executor;
//   const Execution& run = executor.Run(*design, program, {});
//   if (!run.violations.empty()) ...
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/liveupdate/design.h"
#include "model/program/program.h"
#include "model/sim/reflect.h"
#include "model/spec/invariants.h"

namespace iommufd_check::program {

// Sees every answer before anybody else does. For tests: a changed answer must be noticed.
class AnswerFilter {
 public:
  virtual ~AnswerFilter() = default;
  virtual void Filter(size_t operation, struct OperationResult* result) = 0;
};

struct RunOptions {
  // When set, the run ends where this invariant is first violated; other violations are recorded
  // but never end a run by themselves (only an oops, a deadlock or a hang does).
  std::optional<spec::Invariant> stop_at;
  // Keep the World before the violating operation and where the violation was seen.
  bool keep_worlds = false;
  uint32_t step_limit = 2'000'000;
  // Accesses that ask the scheduler; null: all of them. Switches do not move with it: what they are
  // anchored to is counted whether it asks or not.
  const sim::PlaceSet* places = nullptr;
  // Chooses among the concurrent tasks where no switch of the program does; null: a task goes on
  // until it blocks or ends. Must be a pure function of what it is asked in this run.
  sim::Scheduler* scheduler = nullptr;
  AnswerFilter* answers = nullptr;
  // The operations of main are not run again when the last run with this set had the same ones,
  // with the same faults: the run goes on from where they ended there, and its result is the same.
  // For those who run one program under many schedules. REQUIRES: the design keeps nothing itself.
  bool reuses_main = false;
  // False: only run, check nothing. For measuring what the checks cost.
  bool judged = true;
  // True: no shortcut is taken in judging (judge.h). The result is the same, which tests try.
  bool thorough = false;
  // False: Execution::digest stays 0. For those who look for findings only: whatever they find they
  // run again.
  bool digested = true;
};

struct OperationResult {
  bool ran = false;
  int result = 0;           // 0 or negative errno
  uint32_t created_id = 0;  // object id or session number + 1
  uint64_t iova = 0;        // of map and map_file: where it landed
  uint64_t unmapped = 0;    // of unmap, bytes
  friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

// A fault site that the run came past.
struct SiteVisit {
  uint16_t operation = 0;
  sim::FaultSite site = sim::FaultSite::kObjectAlloc;
  uint16_t nth = 1;
  friend bool operator==(const SiteVisit&, const SiteVisit&) = default;
};

struct Execution {
  uint64_t digest = 0;  // of all events, with RunOptions::digested
  sim::RunEnd end = sim::RunEnd::kCompleted;
  uint64_t steps = 0;
  std::vector<OperationResult> results;     // one per operation of the program
  std::vector<spec::Violation> violations;  // first of each (invariant, operation), in order
  std::array<uint64_t, spec::kInvariants> armed{};  // how often each antecedent was true
  std::array<uint32_t, sim::kMaxTasks> task_steps{};
  std::vector<SiteVisit> sites;  // in order
  std::vector<uint16_t> unmet;   // switches of the program that changed nothing, by index
  // 1: the answers of the concurrent calls were not judged, since the search for an order of them
  // ended at its budget. Nothing is known about them.
  uint32_t not_judged = 0;
  // With keep_worlds: lines of the structural diff of the first violation (or of the first one of
  // stop_at), between the World before that operation and where it was seen.
  std::vector<std::string> difference;
  sim::PlaceSet meetings;  // where tasks met without order (spec/race_detector.h)
  // Of Keep and Extend only: of what later operations depend on (boundary.h), before the exit.
  sim::Fingerprint boundary;

  const spec::Violation* Find(spec::Invariant invariant) const;
};

class Executor {
 public:
  Executor();
  ~Executor();

  // REQUIRES: FirstProblem(program).empty(). The result and events are valid until the next Run.
  const Execution& Run(liveupdate::Design& design, const Program& program,
                       const RunOptions& options = {});

  // Runs the operations of main and keeps the machine as they leave it, without the exit. Judges
  // nothing: of the result, `results`, `end` and `boundary` mean something.
  // REQUIRES: as Run, and the program is one of main alone, without faults.
  const Execution& Keep(liveupdate::Design& design, const Program& program);

  // From where the last Keep ended, runs `operation` and the exit, as Run would of that program
  // with one operation more, and judges them: digest, violations and armed are of these two. What
  // the operation answers and breaks is a function of the kept `boundary` (and of the objects that
  // its variables name): the lock order begins here, and the oracle takes over what it sees.
  // REQUIRES: a Keep that ended with kCompleted; `operation` is of main, and its variables earlier.
  const Execution& Extend(const Operation& operation);

  // What the last Run, Keep or Extend returned.
  const Execution& last() const;
  // The event log of the last run.
  const std::vector<sim::Event>& events() const;
  // Which lock classes the last run took inside which.
  const sim::LockOrder& lock_order() const;
  // Where the scheduler of the last run chose, in order (empty without concurrent tasks).
  const std::vector<sim::SchedulePoint>& schedule_points() const;
  // The World where the last run ended.
  const liveupdate::World& world() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace iommufd_check::program
