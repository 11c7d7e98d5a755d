// What an exploration of a program covered, and what it found.
//
// The work of an exploration is cut into numbered parts, the same for everybody. A certificate says
// which of them it stands for; certificates of different parts merge to the one of the whole, in
// any order: threads, shards and resumed explorations are all made of that.
//
//   Certificate c = RunWork(*work, {.threads = 2});   // work.h
//   std::cout << RenderText(c);
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/explore/states/key.h"
#include "model/program/execute/executor.h"
#include "model/program/finding_pattern.h"
#include "model/program/identity.h"

namespace iommufd_check::explore {

// Which of the runs that show a finding is its witness.
enum class WitnessOrder : uint8_t {
  kFewestPreemptions,  // then one with nothing before it, then the shortest text
  kSmallestProgram,    // fewest operations, then faults, then switches, then the first
};

// One finding (program/identity.h) with the best witness that was found of it.
struct Finding {
  program::Identity identity;
  std::string detail;  // what was seen there, with the numbers
  program::Program witness;
  int preemptions = 0;
  bool fewest = false;  // all schedules with fewer preemptions were run, and none shows it
  // What the witness broke first, which may be the cause; empty: this, or it stands alone.
  std::optional<program::Identity> after;
  // Whose run the witness is, where of equal ones the first is kept.
  uint32_t part = 0;
  uint64_t runs = 0;   // that show it, among those that the certificate counts
  uint64_t first = 0;  // of those, runs in which nothing came before that may be its cause
};

// A finding that does not count, by the policy of whoever asked.
struct Tolerated {
  program::Identity identity;
  uint64_t runs = 0;
};

struct Certificate {
  // What was asked: the same in all certificates that merge.
  std::string work;     // "explore", "sweep" or "verdict"
  std::string program;  // the file's name, or of several that of their folder
  uint32_t programs = 1;
  std::string design;
  std::string schedules;         // "all interleavings", "at most 1 preemption", "pct depth 3"
  std::string reduction;         // "none", "sleep", "dpor"
  std::string faults = "own";    // which plans: "own", "single+sticky", "single+sticky+pairs"
  std::optional<uint64_t> seed;  // of sampled schedules
  bool sampled = false;          // the schedules are some of many
  WitnessOrder order = WitnessOrder::kFewestPreemptions;
  sim::PlaceSet places;   // accesses at which tasks were switched
  uint64_t identity = 0;  // of all that and of the program itself; not of its name
  uint32_t parts = 1;

  // What was done.
  std::vector<uint32_t> done;  // parts that ran to their end, ascending
  bool finished = true;        // no part was begun without coming to its end
  std::string ended_by;        // when not finished: the budget, "divergence"
  uint64_t executions = 0;
  uint64_t traces = 0;  // executions that count: not equivalent, to the end
  uint64_t transitions = 0;
  uint64_t longest = 0;       // steps
  uint64_t not_judged = 0;    // executions whose concurrent answers nobody could judge
  uint64_t plans = 0;         // fault plans that were run
  sim::PlaceSet met;          // where tasks met without order
  uint32_t rounds = 1;        // explorations until no place was new; the counts are of the last
  uint128 interleavings = 0;  // that the traces stand for; kManyInterleavings: too many to count
  uint64_t digest = 0;

  std::array<uint64_t, sim::Count<sim::FaultSite>()> sites{};  // calls, by site
  std::array<uint64_t, spec::kInvariants> armed{};
  std::vector<Finding> findings;     // by identity
  std::vector<Tolerated> tolerated;  // likewise
  std::string policy;                // that tolerates them (FindingPolicy::text)

  bool violated() const { return !findings.empty(); }
  // All parts, each to its end.
  bool complete() const { return finished && done.size() == parts; }
  // Tasks met at no other place than those at which they were switched.
  bool closed() const { return places.Includes(met); }
  bool exhausted() const { return complete() && closed() && !sampled; }
  const Finding* Find(const program::Identity& wanted) const;
  // Of this invariant the one with the best witness; null: none.
  const Finding* Find(spec::Invariant invariant) const;

  // Adds one execution that took so many steps and stands for so many interleavings.
  void Enter(const program::Execution& execution, uint64_t steps, uint128 stands_for);
  // The same for one schedule of many that stand for themselves; keeps what it breaks.
  void EnterSchedule(const program::Program& variant, const program::Execution& execution,
                     int preemptions);
  // Keeps what an execution of `run` breaks. `witness` is asked for a program that replays it
  // when it may be the best. Of the smallest programs `run` is the one that replays.
  void EnterViolations(const program::Program& run, const program::Execution& execution,
                       int preemptions, const std::function<program::Program()>& witness);
  // The finding's witness has the fewest preemptions of all.
  bool HasFewest(const Finding& finding) const {
    return finding.fewest || (exhausted() && reduction == "none");
  }
  // Adds the finding's runs to those known of its identity, and keeps its witness if it is better.
  void Keep(Finding finding);
  // From here on what the policy does not want is tolerated.
  void Tolerate(const program::FindingPolicy& findings_that_count);
  // Why the two cannot be parts of one exploration, in one sentence; empty when they can.
  std::string WhyNotMergeable(const Certificate& other) const;
  // REQUIRES: WhyNotMergeable is empty.
  void Merge(const Certificate& other);
  // Adds what the other's runs covered and found, and nothing of what they met.
  void Add(const Certificate& other);

 private:
  bool Better(const Finding& a, const Finding& b) const;
};

// Sets c->identity from what was asked and from what the programs do.
void Identify(std::span<const program::Program> programs, Certificate* c);

}  // namespace iommufd_check::explore
