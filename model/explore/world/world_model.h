// The World between operations as a model to be searched: from the state that a preamble leaves,
// every operation of an alphabet in every order (world_alphabet.h), under one design.
//
// A state stores how it is reached, a sequence of at most kMaxDepth operations, and rebuilds itself
// by running them again; but it is its fingerprint: the boundary of the run (program/boundary.h),
// the objects that live names stand for, and the invariants that broke. Two sequences with equal
// fingerprints are one state, whichever of them a thread met first, and none of the functions here
// lets the difference be seen. Equal fingerprints have successors with equal fingerprints.
//
// Each operation is judged where it is the last, with the exit after it: the oracle, rollback, the
// quiescent checks, every transition of both, and what is left after the exit. What an operation
// armed is counted for each transition. The lock order of a step begins with it; that of all steps
// together is judged when all were visited, which is stricter than any sequence.
//
// A state in which something broke has no successors, unless the finding is tolerated: then it is
// counted, and the search goes on past it.
//
// Threads: every function from any number at once.
//
//   WorldModel model(*DesignNamed("reference"), scope, {});
//   auto outcome = Search(model, {.keys = KeyKind::kFingerprint128}, nullptr);
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "model/explore/states/model_concept.h"
#include "model/explore/work/executor_pool.h"
#include "model/explore/world/world_alphabet.h"
#include "model/explore/world/world_symmetry.h"
#include "model/program/finding_pattern.h"

namespace iommufd_check::explore {

inline InvariantBits BitOf(spec::Invariant invariant) {
  return InvariantBits{1} << static_cast<int>(invariant);
}

class WorldModel {
 public:
  static constexpr std::size_t kMaxDepth = 64;

  struct State {
    std::uint64_t high = 0;  // The fingerprint.
    std::uint64_t low = 0;
    InvariantBits broken = 0;  // By the last operation and the exit. A bit for each invariant.
    InvariantBits armed = 0;   // Likewise; of the last operation of this sequence.
    std::uint16_t live = 0;    // Names.
    std::uint16_t start = 0;   // Which preamble.
    std::uint16_t orbit = 0;   // Size; 0 when it is not known.
    std::uint8_t ended = 0;    // 1: the last operation never returned.
    std::uint8_t length = 0;
    std::array<std::uint8_t, kMaxDepth> path{};  // Entries of the alphabet; 0 beyond `length`.

    friend bool operator==(const State& a, const State& b) {
      return a.high == b.high && a.low == b.low;
    }
    friend std::strong_ordering operator<=>(const State& a, const State& b) {
      if (a.high != b.high) return a.high <=> b.high;
      return a.low <=> b.low;
    }
  };
  struct Action {
    std::uint8_t entry;
    auto operator<=>(const Action&) const = default;
  };

  WorldModel(liveupdate::Design& design, const WorldScope& scope,
             const program::FindingPolicy& policy);

  template <typename Visit>
  void ForEachInitial(Visit visit) const {
    for (const std::uint16_t start : symmetry_.starts()) visit(Initial(start));
  }
  template <typename Visit>
  void ForEachSuccessor(const State& state, Visit&& visit) const {
    for (const Step& step : StepsFrom(state)) visit(step.action, step.next);
  }
  StateVerdict Check(const State& state) const { return {state.broken, state.broken}; }
  InvariantBits ArmedByStep(const State& next) const { return next.armed; }
  std::vector<std::string> InvariantIds() const;

  uint128 Fingerprint(const State& state) const {
    return static_cast<uint128>(state.high) << 64 | state.low;
  }

  // The least fingerprint among all renamings of the sequence, and how many different ones.
  State Canonical(const State& state) const;
  std::uint64_t OrbitSize(const State& state) const;

  std::string Describe(const State& state) const;
  std::string Describe(const Action& action) const {
    return explore::Describe(alphabet_.entry(action.entry));
  }
  std::string TaskOf(const Action&) const { return "main"; }

  // The lock order of every step so far: no cycle in it, no cycle in any sequence. And in how many
  // transitions each tolerated finding was seen.
  WholeVerdict VerdictOfAll() const;
  std::vector<std::uint64_t> Memory() const;
  bool Recall(const std::vector<std::uint64_t>& words) const;
  bool IsState(const State& state) const;

  // The sequence of a state as a program's text; running it shows what the state broke.
  std::string Artefact(const State& state) const;

  const WorldAlphabet& alphabet() const { return alphabet_; }
  const WorldSymmetry& symmetry() const { return symmetry_; }

 private:
  using Tally = std::map<program::Identity, std::uint64_t>;
  struct Step {
    Action action;
    State next;
  };

  State Initial(std::uint16_t start) const;
  std::vector<Step> StepsFrom(const State& state) const;
  WorldAlphabet::Spelled Spell(std::uint16_t start, std::span<const std::uint8_t> path) const;
  // Sets the fingerprint, of a run that made `state` what it is.
  static void Identify(const WorldAlphabet::Spelled& spelled, const program::Execution& run,
                       State* state);
  void AddLockOrder(const sim::LockOrder& order) const;
  // Of what counts. What is tolerated is added to `tolerated`, which may be null.
  InvariantBits BrokenBits(const program::Program& program, const program::Execution& run,
                           Tally* tolerated) const;

  liveupdate::Design& design_;
  const WorldAlphabet alphabet_;
  const WorldSymmetry symmetry_;
  const program::FindingPolicy policy_;
  mutable ExecutorPool pool_;
  mutable std::mutex mutex_;
  mutable sim::LockOrder lock_order_;  // Guarded by mutex_, as is the next. They only ever grow.
  mutable Tally tolerated_;
};

}  // namespace iommufd_check::explore
