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
#include <optional>
#include <string>
#include <vector>

#include "model/explore/key.h"
#include "model/program/executor.h"

namespace iommufd_check::explore {

// The best witness found of one invariant's violation.
struct Finding {
  spec::Violation violation;
  program::Program witness;
  int preemptions = 0;
  bool fewest = false;  // all schedules with fewer preemptions were run, and none breaks it
};

struct Certificate {
  // What was asked: the same in all certificates that merge.
  std::string work;     // "explore" or "sweep"
  std::string program;  // the file's name
  std::string design;
  std::string schedules;         // "all interleavings", "at most 1 preemption", "pct depth 3"
  std::string reduction;         // "none", "sleep", "dpor"
  std::string faults = "own";    // which plans: "own", "single+sticky", "single+sticky+pairs"
  std::optional<uint64_t> seed;  // of sampled schedules
  bool sampled = false;          // the schedules are some of many
  sim::PlaceSet places;          // accesses at which tasks were switched
  uint64_t identity = 0;         // of all that and of the program itself; not of its name
  uint32_t parts = 1;

  // What was done.
  std::vector<uint32_t> done;  // parts that ran to their end, ascending
  bool finished = true;        // no part was begun without coming to its end
  std::string ended_by;        // when not finished: the budget, "divergence"
  uint64_t executions = 0;
  uint64_t traces = 0;  // executions that count: not equivalent, to the end
  uint64_t transitions = 0;
  uint64_t longest = 0;       // steps
  uint64_t plans = 0;         // fault plans that were run
  sim::PlaceSet met;          // where tasks met without order
  uint32_t rounds = 1;        // explorations until no place was new; the counts are of the last
  uint128 interleavings = 0;  // that the traces stand for; kManyInterleavings: too many to count
  uint64_t digest = 0;

  std::array<uint64_t, sim::Count<sim::FaultSite>()> sites{};  // calls, by site
  std::array<uint64_t, spec::kInvariants> armed{};
  std::vector<Finding> findings;  // by invariant

  bool violated() const { return !findings.empty(); }
  // All parts, each to its end.
  bool complete() const { return finished && done.size() == parts; }
  // Tasks met at no other place than those at which they were switched.
  bool closed() const { return places.Includes(met); }
  bool exhausted() const { return complete() && closed() && !sampled; }
  const Finding* Find(spec::Invariant invariant) const;

  // Adds one execution that took so many steps and stands for so many interleavings.
  void Enter(const program::Execution& execution, uint64_t steps, uint128 stands_for);
  // The same for one schedule of many that stand for themselves; keeps what it breaks.
  void EnterSchedule(const program::Program& variant, const program::Execution& execution,
                     int preemptions);
  // The finding's witness has the fewest preemptions of all.
  bool HasFewest(const Finding& finding) const {
    return finding.fewest || (exhausted() && reduction == "none");
  }
  // Keeps the finding unless a better one of its invariant is known: one with fewer preemptions,
  // then a shorter program.
  void Keep(Finding finding);
  // Why the two cannot be parts of one exploration, in one sentence; empty when they can.
  std::string WhyNotMergeable(const Certificate& other) const;
  // REQUIRES: WhyNotMergeable is empty.
  void Merge(const Certificate& other);
  // Adds what the other's runs covered and found, and nothing of what they met.
  void Add(const Certificate& other);
};

// Sets c->identity from what was asked and from what the program does.
void Identify(const program::Program& program, Certificate* c);

}  // namespace iommufd_check::explore
